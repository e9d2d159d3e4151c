"""A snooze: staff know of a problem, and need not hear of it again for a while.

It is for one person, one family of rules and one direction, has an end and a name, and never
hides something more severe, worse, or in the other direction.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import blake2b

from msgspec import Struct

from devices.model import require_utc
from rules.model import AlertRequest, Evidence, Finding, Number, Tier

LONGEST = timedelta(days=7)
LONGEST_T4 = timedelta(minutes=30)
BETWEEN_T4 = timedelta(minutes=30)
"""After a snooze of T4 has ended there is none for the same problem for that long."""


class Direction(StrEnum):
    UP = "up"
    DOWN = "down"
    ANY = "any"


class Snooze(Struct, frozen=True, kw_only=True):
    """`tier`: the most severe that it hides. `value`: how bad it was when it was set, as found by
    `rule`; what is worse is not hidden, nor what another rule found, which can't be compared.
    """

    id: str
    patient: str
    family: str
    direction: Direction
    tier: Tier
    value: float | None = None
    starts_at: datetime
    ends_at: datetime
    by: str
    reason: str
    rule: str | None = None

    def __post_init__(self) -> None:
        require_utc(self.starts_at, "starts_at")
        require_utc(self.ends_at, "ends_at")


class Refusal(StrEnum):
    """Why a snooze is not allowed, in words for who asked for it."""

    EMERGENCY = "An emergency can't be snoozed."
    TOO_LONG_T4 = "An urgent alert can be snoozed for 30 minutes at most."
    CHAINED = "It was snoozed just now. Wait until 30 minutes after the last snooze ended."
    TOO_LONG = "It can be snoozed for 7 days at most."
    NO_END = "A snooze ends after it starts."
    NOBODY = "Say who snoozes it."


def snooze_id(patient: str, family: str, direction: str, starts_at: datetime, by: str) -> str:
    content = f"{patient}|{family}|{direction}|{starts_at.timestamp():.6f}|{by}"
    return blake2b(content.encode(), digest_size=16).hexdigest()


def allowed(snooze: Snooze, earlier: Iterable[Snooze]) -> Refusal | None:
    """None where it is; `earlier` are those of the same person that were set before."""
    length = snooze.ends_at - snooze.starts_at
    if snooze.tier is Tier.T5:
        return Refusal.EMERGENCY
    if not snooze.by.strip():
        return Refusal.NOBODY
    if length <= timedelta(0):
        return Refusal.NO_END
    if snooze.tier is not Tier.T4:
        return Refusal.TOO_LONG if length > LONGEST else None
    if length > LONGEST_T4:
        return Refusal.TOO_LONG_T4
    if any(_is_chained(snooze, other) for other in earlier):
        return Refusal.CHAINED
    return None


def _is_chained(snooze: Snooze, before: Snooze) -> bool:
    return (
        before.id != snooze.id
        and before.tier is Tier.T4
        and (before.patient, before.family) == (snooze.patient, snooze.family)
        and (
            before.direction is snooze.direction
            or Direction.ANY in (before.direction, snooze.direction)
        )
        and before.starts_at < snooze.ends_at
        and snooze.starts_at < before.ends_at + BETWEEN_T4
    )


def hides(snooze: Snooze, finding: Finding) -> bool:
    """Whether staff need not hear of that finding while the snooze lasts."""
    direction = direction_of(finding)
    return (
        finding.tier < Tier.T5
        and finding.tier <= snooze.tier
        and (finding.patient, finding.family) == (snooze.patient, snooze.family)
        and snooze.starts_at <= finding.at < snooze.ends_at
        and snooze.direction in (Direction.ANY, direction)
        and not _is_worse(snooze, finding, direction)
    )


def direction_of(finding: Finding | AlertRequest) -> Direction:
    """UP where the value would have had to be lower; ANY where it had no direction."""
    change = finding.because.counterfactual
    if change is None or change.value == 0:
        return Direction.ANY
    return Direction.UP if change.value < 0 else Direction.DOWN


def value_of(finding: Finding | AlertRequest) -> float | None:
    """The latest value that it compared, or else the first number that it names."""
    compared = _compared(finding.because)
    return None if compared is None else compared.value


def _compared(because: Evidence) -> Number | None:
    named = [number for number in because.numbers if number.name == "value"]
    return next(iter((*named, *because.numbers)), None)


def _is_worse(snooze: Snooze, finding: Finding, direction: Direction) -> bool:
    if snooze.value is None:
        return False
    value = value_of(finding)
    if value is None or (snooze.rule is not None and snooze.rule != finding.rule):
        return True
    if _falls(finding, direction):
        return value < snooze.value
    return value > snooze.value


def _falls(finding: Finding, direction: Direction) -> bool:
    """Whether a lower value is the worse one. The direction is that of the latest reading, which
    says nothing of a score or a share that is made of several."""
    because = finding.because
    compared, change, limit = _compared(because), because.counterfactual, because.limit
    if compared is not None and change is not None and change.unit == compared.unit:
        return direction is Direction.DOWN
    if compared is not None and limit is not None and limit.unit == compared.unit:
        return compared.value < limit.value
    return False
