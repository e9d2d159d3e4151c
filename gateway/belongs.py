"""Whose reading it is: the enrolled person's, another's of the home, or nobody's that we know.

A device that keeps users apart says for which it measured. Where the settings name the person's
slot and the device says another, what it says waits for a yes: a cuff's second user is someone
else.

A bathroom scale measures whoever steps on it, and a visitor's weight would look like a crisis. So
a value that tells people apart is compared with the last one of each person. Where it is clear
whose it is, it is theirs; where it is not, it waits for a yes, and counts for nobody until then.

The limits are the project's defaults [D], for a clinical safety officer to sign: too narrow, and a
true gain waits for a tap; too wide, and a visitor's weight moves a person's rules.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import blake2b

from msgspec import structs

from devices.model import Reading


@dataclass(frozen=True, slots=True)
class Limits:
    """In the metric's unit. A person may have changed since: `per_day` widens `near` to `most`."""

    near: float
    per_day: float
    most: float
    clearer_by: float
    """On a shared device the second nearest person must be this much further away."""

    def allowed(self, apart: timedelta) -> float:
        return min(self.most, self.near + self.per_day * abs(apart) / _DAY)


_DAY = timedelta(days=1)
TELLS_APART: Mapping[str, Limits] = {
    "body_weight": Limits(near=5.0, per_day=0.15, most=12.0, clearer_by=3.0),
}
"""The quantities by which people are told apart. All others go to the enrolled person."""
FOLLOWS = frozenset(
    {
        "basal_metabolism",
        "bmi",
        "body_fat",
        "body_height",
        "body_impedance",
        "body_impedance_high",
        "body_water_mass",
        "fat_free_mass",
        "muscle_mass",
        "muscle_percentage",
        "soft_lean_mass",
    }
)
"""What a scale works out for whoever stands on it: it goes where the weight went."""
SAME_VISIT = timedelta(seconds=60)
"""What follows a weight comes from the same device this close to it."""
CONCERNED = FOLLOWS | TELLS_APART.keys()


@dataclass(frozen=True, slots=True)
class Last:
    """A person's standing value before this one, and when it was taken."""

    value: float
    at: datetime


class Why(StrEnum):
    FIRST = "first"
    """Nothing is known of anybody that says otherwise."""
    NEAR = "near"
    """Within the limit of the person's last."""
    NEAREST = "nearest"
    """Near to one of those who share the device, and clearly further from the others."""
    NEARER_TO_ANOTHER = "nearer-to-another"
    FAR = "far"
    """Beyond the limit, and nearer to nobody else of the home."""
    UNCLEAR = "unclear"
    """Two who share the device are about as near, or one of them was never measured."""
    OTHER_SLOT = "other-slot"
    """The device measured for another of its users than the person that it was given to."""


@dataclass(frozen=True, slots=True)
class Whose:
    """`patient`, or None where those `asked` are to say, the likeliest first."""

    patient: str | None
    asked: tuple[str, ...]
    why: Why


def whose(
    value: float, at: datetime, enrolled: Sequence[str], last: Mapping[str, Last], limits: Limits
) -> Whose:
    """`enrolled`: whom the device measures, at least one. `last`: of everyone in the home."""
    away = {person: abs(value - known.value) for person, known in last.items()}
    near = {person for person in away if away[person] <= limits.allowed(at - last[person].at)}
    if len(enrolled) > 1:
        return _of_several(enrolled, away, near, limits)
    (own,) = enrolled
    if own in near:
        return Whose(own, (), Why.NEAR)
    other = min((person for person in away if person != own), key=away.__getitem__, default=None)
    if own not in away:
        if other in near:
            return Whose(None, (str(other), own), Why.NEARER_TO_ANOTHER)
        return Whose(own, (), Why.FIRST)
    if other is not None and away[other] < away[own]:
        return Whose(None, (other, own), Why.NEARER_TO_ANOTHER)
    return Whose(None, (own,), Why.FAR)


def of_other_slot(enrolled: Sequence[str], everyone: Sequence[str]) -> Whose:
    """Whom to ask about what a device measured for a user of its own whom the home does not know.

    Anyone of the home but the person whose slot it is not: they may have pressed the wrong button,
    so they are asked too, the last.
    """
    own = enrolled[0]
    others = (person for person in (*enrolled[1:], *everyone) if person != own)
    return Whose(None, (*dict.fromkeys(others), own), Why.OTHER_SLOT)


def _of_several(
    enrolled: Sequence[str], away: Mapping[str, float], near: set[str], limits: Limits
) -> Whose:
    likely = tuple(sorted(enrolled, key=lambda person: away.get(person, float("inf"))))
    if any(person not in away for person in enrolled):
        return Whose(None, likely, Why.UNCLEAR)
    nearest, second = likely[:2]
    if nearest not in near:
        return Whose(None, likely, Why.FAR)
    if away[second] - away[nearest] < limits.clearer_by:
        return Whose(None, likely, Why.UNCLEAR)
    return Whose(nearest, (), Why.NEAREST)


def given_to(reading: Reading, patient: str) -> Reading:
    """The same reading about that person. Its id is the same each time the device repeats it."""
    if patient == reading.patient:
        return reading
    id_ = blake2b(f"{patient}|{reading.id}".encode(), digest_size=16).hexdigest()
    return structs.replace(reading, id=id_, patient=patient)
