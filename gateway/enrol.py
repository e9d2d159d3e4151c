"""How a device becomes one of the home's: found, named, given to someone, heard, proved.

One reading proves little: many a device pairs, says one thing and is never heard again. So it is
proved by a second reading after it was switched off and on. What we can see of that is a silence:
nothing was heard of it for BREAK, and then a new reading of a later time came. A device that is
linked or on the air all the time is never silent so long unless it was switched off; one that
speaks only now and then was at least heard in two visits.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct, structs

from devices.model import Reading

BREAK = timedelta(minutes=2)
"""The project's default [D]. An advertisement that never changes is heard every 90 s."""


class Stage(StrEnum):
    FOUND = "found"
    NAMED = "named"
    ASSIGNED = "assigned"
    FIRST_READING = "first-reading"
    PROVED = "proved"


class Step(StrEnum):
    """What takes a device from one stage to the next."""

    NAME = "name"
    ASSIGN = "assign"
    READING = "reading"
    READING_AFTER_A_BREAK = "reading-after-a-break"


TRANSITIONS: Mapping[tuple[Stage, Step], Stage] = {
    (Stage.FOUND, Step.NAME): Stage.NAMED,
    (Stage.NAMED, Step.ASSIGN): Stage.ASSIGNED,
    (Stage.ASSIGNED, Step.READING): Stage.FIRST_READING,
    (Stage.FIRST_READING, Step.READING_AFTER_A_BREAK): Stage.PROVED,
}
"""Any other step leaves a device where it is."""


@dataclass(frozen=True, slots=True)
class Words:
    state: str
    next: str
    """What the person does now. Empty: nothing."""


IN_WORDS: Mapping[Stage, Words] = {
    Stage.FOUND: Words("Found nearby.", "Give it a name."),
    Stage.NAMED: Words("It has a name.", "Choose who uses it."),
    Stage.ASSIGNED: Words("Added. It has sent nothing yet.", "Take a reading with it now."),
    Stage.FIRST_READING: Words(
        "Not proved yet. Its first reading came in, and counts.",
        "Take one more reading after switching it off and on. Wait two minutes in between.",
    ),
    Stage.PROVED: Words("It works. Two readings came in.", ""),
}


class Enrolled(Struct, frozen=True, kw_only=True):
    """A device that was added at home, and how far it is. `people`: whom it measures."""

    device: str
    kind: str
    name: str
    people: tuple[str, ...]
    bindkey: str
    added_at: datetime
    stage: Stage
    passkey: int | None = None
    """The six digits that it wants when it pairs."""
    role: str = ""
    """Where it sits, where that says what it means: a key of devices.roles.ROLES."""
    heard_at: datetime | None = None
    """Its newest reading, until it is proved: when it came, and when it was taken."""
    taken_at: datetime | None = None


def step(enrolled: Enrolled, happened: Step) -> Enrolled:
    stage = TRANSITIONS.get((enrolled.stage, happened), enrolled.stage)
    return structs.replace(enrolled, stage=stage)


def add(
    device: str,
    kind: str,
    name: str,
    people: tuple[str, ...],
    bindkey: str,
    at: datetime,
    passkey: int | None = None,
    role: str = "",
) -> Enrolled:
    """What the form says of a device that was found; without people it is only named."""
    found = Enrolled(
        device=device,
        kind=kind,
        name=name,
        people=people,
        bindkey=bindkey,
        added_at=at,
        stage=Stage.FOUND,
        passkey=passkey,
        role=role,
    )
    named = step(found, Step.NAME)
    return step(named, Step.ASSIGN) if people else named


def change(
    enrolled: Enrolled,
    name: str,
    people: tuple[str, ...],
    bindkey: str,
    passkey: int | None = None,
    role: str | None = None,
) -> Enrolled:
    """Another name, person or place: how far it is stays, and what is None."""
    changed = structs.replace(
        enrolled,
        name=name,
        people=people,
        bindkey=bindkey,
        passkey=enrolled.passkey if passkey is None else passkey,
        role=enrolled.role if role is None else role,
    )
    return step(changed, Step.ASSIGN) if people else changed


def hear(enrolled: Enrolled, reading: Reading) -> Enrolled:
    """After a reading that it never sent before."""
    heard_at, taken_at = enrolled.heard_at, enrolled.taken_at
    happened = Step.READING
    if heard_at is not None and taken_at is not None:
        silent = reading.received_at - heard_at
        if silent >= BREAK and reading.taken_at > taken_at:
            happened = Step.READING_AFTER_A_BREAK
        taken_at = max(taken_at, reading.taken_at)
    moved = step(enrolled, happened)
    return structs.replace(
        moved, heard_at=reading.received_at, taken_at=taken_at or reading.taken_at
    )
