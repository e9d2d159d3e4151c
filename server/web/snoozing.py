"""Staff need not hear of a problem for a while: set on the page of an alert."""

from datetime import datetime, timedelta

from rules.model import Tier
from rules.snooze import Refusal
from server.alerting.lifecycle import State
from server.config import Person
from server.queries.alerts import AlertSummary
from server.snoozes import Known
from server.web.moments import UTC, moment
from server.web.views import QuietRow, SnoozeView

LENGTHS = {
    Tier.T3: (
        (timedelta(days=1), "1 day"),
        (timedelta(days=3), "3 days"),
        (timedelta(days=7), "7 days"),
    ),
    Tier.T4: ((timedelta(minutes=30), "30 minutes"),),
}
"""What the page offers. What is allowed, the rules say."""

KEEPS = "The home keeps to it."
WAITS = "The home has not been told yet."
REFUSED = "The home refused it, and tells staff as before."
NO_LENGTH = "Choose for how long."
RESOLVED = "This alert is resolved. There is nothing to be quiet about."
NO_REASON = "Write why this can be quiet."


def offered(alert: AlertSummary) -> SnoozeView | None:
    """None where there is nothing to be quiet: no person, or dealt with."""
    if alert.patient is None or alert.state is State.RESOLVED:
        return None
    lengths = LENGTHS.get(alert.tier, ())
    return SnoozeView(
        lengths=tuple((str(length // timedelta(minutes=1)), words) for length, words in lengths),
        never="" if lengths else Refusal.EMERGENCY,
    )


def length_of(minutes: str) -> timedelta | None:
    """None for what is no length."""
    if not (minutes.isascii() and minutes.isdecimal() and len(minutes) < 8):
        return None
    return timedelta(minutes=int(minutes))


def trail_words(length: timedelta, reason: str) -> str:
    words = {given: said for row in LENGTHS.values() for given, said in row}
    return f"Quiet for {words.get(length, str(length))}: {reason}"


def quiet(known: Known, person: Person | None, now: datetime, title: str) -> QuietRow:
    zone = person.timezone if person else UTC
    return QuietRow(
        alert=known.alert,
        what=title,
        until=moment(known.ends_at, now, zone),
        by=known.by,
        reason=known.reason,
        told=f"{REFUSED} {known.refused}" if known.refused else KEEPS if known.told else WAITS,
        refused=bool(known.refused),
    )
