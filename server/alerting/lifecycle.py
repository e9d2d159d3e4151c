"""The states of an alert and what moves it from one to the next: a table, and the reasons for no.

Every change, and every note that changes nothing, gets an audit row (server/alerting/ledger.py).
"""

from enum import StrEnum

from msgspec import Struct


class State(StrEnum):
    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    """A named person has it."""
    ESCALATED = "escalated"
    """Nobody took it in time."""
    RESOLVED = "resolved"


class Action(StrEnum):
    ACKNOWLEDGE = "acknowledge"
    ESCALATE = "escalate"
    RESOLVE = "resolve"
    RECUR = "recur"
    """The same rule asked for staff again, no more severe than before."""
    RAISE = "raise"
    """The same rule asked again, at a higher tier."""
    ANNOTATE = "annotate"
    """Something to be known about it: a finding that no longer stands, a word of staff."""


class Moved(Struct, frozen=True):
    """The state after an allowed action."""

    state: State


class Refused(Struct, frozen=True):
    """Why an action is not possible in this state, in words for the one who tried."""

    reason: str


_O, _A, _E, _R = State.OPEN, State.ACKNOWLEDGED, State.ESCALATED, State.RESOLVED

TRANSITIONS: dict[tuple[State, Action], State] = {
    (_O, Action.ACKNOWLEDGE): _A,
    (_O, Action.ESCALATE): _E,
    (_O, Action.RESOLVE): _R,
    (_O, Action.RECUR): _O,
    (_O, Action.RAISE): _O,
    (_O, Action.ANNOTATE): _O,
    (_A, Action.RESOLVE): _R,
    (_A, Action.RECUR): _A,
    (_A, Action.RAISE): _O,  # whoever took the milder one has not agreed to this one
    (_A, Action.ANNOTATE): _A,
    (_E, Action.ACKNOWLEDGE): _A,
    (_E, Action.RESOLVE): _R,
    (_E, Action.RECUR): _E,
    (_E, Action.RAISE): _E,
    (_E, Action.ANNOTATE): _E,
    (_R, Action.ANNOTATE): _R,
}

_OVER = "This alert is resolved. If the problem is back, a new alert opens."

REFUSALS: dict[tuple[State, Action], str] = {
    (_A, Action.ACKNOWLEDGE): "This alert is acknowledged already.",
    (_A, Action.ESCALATE): "Someone has acknowledged this alert, so it does not escalate.",
    (_E, Action.ESCALATE): "This alert has escalated already.",
    (_R, Action.ACKNOWLEDGE): _OVER,
    (_R, Action.ESCALATE): _OVER,
    (_R, Action.RESOLVE): "This alert is resolved already.",
    (_R, Action.RECUR): _OVER,
    (_R, Action.RAISE): _OVER,
}


def apply(state: State, action: Action) -> Moved | Refused:
    """What an action does to an alert in that state."""
    after = TRANSITIONS.get((state, action))
    return Refused(REFUSALS[state, action]) if after is None else Moved(after)


def possible(state: State) -> tuple[Action, ...]:
    """The actions that are not refused in that state, in the order of the table."""
    return tuple(action for before, action in TRANSITIONS if before is state)
