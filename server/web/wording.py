"""The words that pages use for tiers, states and steps: one table each."""

from collections.abc import Mapping

from rules.model import Tier
from server.alerting.lifecycle import Action, State
from server.config import Person, ServerConfig
from server.queries.alerts import AlertSummary
from server.web.views import PersonRef, Urgency

URGENCIES = {
    Tier.T5: Urgency(code="t5", label="Emergency", meaning="Act at once"),
    Tier.T4: Urgency(code="t4", label="Now", meaning="Before anything else that can wait"),
    Tier.T3: Urgency(code="t3", label="Next", meaning="In your next working session"),
}
"""Most urgent first. Staff are never called for a lower tier."""

UNSEEN = (State.OPEN, State.ESCALATED)

STAFF_STATES = {
    State.OPEN: "Not seen yet",
    State.ESCALATED: "Not seen in time",
    State.ACKNOWLEDGED: "{name} is on it",
    State.RESOLVED: "Resolved",
}

OWN_STATES = {
    State.OPEN: "Sent to your care team. Nobody has seen it yet.",
    State.ESCALATED: (
        "Nobody has answered yet. If you are worried, phone your care team. "
        "In an emergency, call your emergency number (999 in the UK)."
    ),
    State.ACKNOWLEDGED: "Seen by {name}.",
    State.RESOLVED: "Dealt with.",
}
"""The same for the person whom it is about."""

STEPS: dict[Action | None, str] = {
    None: "Opened",
    Action.ACKNOWLEDGE: "Seen",
    Action.ESCALATE: "Escalated: not seen in time",
    Action.RESOLVE: "Resolved",
    Action.RECUR: "Came again",
    Action.RAISE: "Became more urgent",
    Action.ANNOTATE: "Note",
}

NUMBERS = {
    "difference": "Difference",
    "reference": "Compared with",
    "slope": "Slope",
}
"""Which of the numbers that a rule compared the page shows, and what it calls them."""

NOT_PEOPLE = ("rules", "clock")
"""Audit actors whose reasons are log lines, not notes of staff."""

WITHDRAWN = {
    "late-reading": "A reading that arrived late changed the picture: the rule no longer fires",
    "entered-in-error": "A reading was entered in error: the rule no longer fires",
}


CORRECTION_REASONS = {
    "another-person": "It was someone else’s",
    "slip": "Something slipped or moved",
    "not-taken": "Nobody took this reading",
}
"""Why a reading does not count: the words that homes use too, each with what staff read."""

AT_HOME = "the home"
"""Who marked a reading on the page at home, where nobody signs in."""


Titles = Mapping[str, str]
"""Metric -> what a page calls it, where that is not its title."""

PLAIN_TITLES: Titles = {
    "systolic_pressure": "Upper number",
    "diastolic_pressure": "Lower number",
    "oxygen_saturation": "Oxygen in your blood",
}
"""For the person's own page."""


def staff_state(alert: AlertSummary) -> str:
    return STAFF_STATES[alert.state].format(name=alert.taken_by or "Someone")


def own_state(alert: AlertSummary) -> str:
    """At home, staff are known by their first name."""
    name = (alert.taken_by or "someone").partition(" ")[0]
    return OWN_STATES[alert.state].format(name=name)


def note(alert: AlertSummary) -> str:
    """What else is to be known of an alert before it is opened; empty where nothing is."""
    parts = []
    if alert.superseded:
        parts.append(WITHDRAWN.get(alert.superseded, "The rule no longer fires"))
    if alert.late:
        parts.append("Arrived late")
    if alert.occurrences > 1:
        parts.append(f"Came {alert.occurrences} times")
    return ". ".join(parts)


def home(config: ServerConfig, gateway: str) -> str:
    """A home by those who live there, with its gateway's id."""
    known = config.gateway(gateway)
    people = [config.person(person) for person in known.people] if known else []
    names = " and ".join(person.name for person in people if person)
    return f"Home of {names} ({gateway})" if names else f"Home {gateway}"


def person(known: Person) -> PersonRef:
    return PersonRef(id=known.id, name=known.name, born=f"born {known.born}" if known.born else "")
