"""When a condition that holds begins, and ceases, to count: the same for every kind.

    verdicts -> k of the last n -> held for persist_for -> not within cooldown -> active

A verdict that lasts (a door stays open) matures by itself, at a time that is known beforehand.
One that does not (a weight) matures only at the next reading that confirms it, and two that
are further apart than `max_gap` are not one stretch: silence never makes a finding.
"""

from msgspec import Struct, field

from rules.exact import micros_of
from rules.model import Debounce, Number, Phase


class Terms(Struct, frozen=True, kw_only=True):
    """A rule's debounce in whole numbers."""

    k: int
    n: int
    persist_us: int
    cooldown_us: int
    gap_us: int
    lasting: bool


def terms(debounce: Debounce, lasting: bool) -> Terms:
    gap = debounce.persist_for if debounce.max_gap is None else debounce.max_gap
    return Terms(
        k=debounce.k,
        n=debounce.n,
        persist_us=micros_of(debounce.persist_for),
        cooldown_us=micros_of(debounce.cooldown),
        gap_us=micros_of(gap),
        lasting=lasting,
    )


class Gate(Struct, kw_only=True, omit_defaults=True):
    """Where a rule stands for one person or device."""

    phase: Phase = Phase.INACTIVE
    verdicts: int = 0
    """The last n verdicts as bits, the newest lowest."""
    readings: list[str] = field(default_factory=list)
    """The last n that gave one, oldest first; none where n is 1."""
    held_us: int | None = None
    """Since when the condition holds without a break."""
    seen_us: int = 0
    """The last verdict that held."""
    ended_us: int | None = None
    due_us: int | None = None


def judge(words: Terms, gate: Gate, holds: bool, us: int, reading: str | None) -> bool:
    """Count one verdict, given by a reading or by a timer. Whether the rule began or ceased."""
    if words.n > 1:
        gate.verdicts = verdicts = (gate.verdicts << 1 | holds) & ((1 << words.n) - 1)
        if reading is not None:
            readings = gate.readings
            readings.append(reading)
            if len(readings) > words.n:
                del readings[0]
        holds = verdicts.bit_count() >= words.k
    if not holds:
        if gate.phase is Phase.INACTIVE:
            return False
        was_active = gate.phase is Phase.ACTIVE
        gate.phase = Phase.INACTIVE
        gate.held_us = gate.due_us = None
        if was_active:
            gate.ended_us = us
        return was_active
    if gate.phase is Phase.ACTIVE:
        return False
    broken = not words.lasting and us - gate.seen_us > words.gap_us
    if gate.held_us is None or broken:
        gate.held_us = us
    gate.seen_us = us
    ready_us = gate.held_us + words.persist_us
    if gate.ended_us is not None:
        ready_us = max(ready_us, gate.ended_us + words.cooldown_us)
    if us >= ready_us:
        gate.phase = Phase.ACTIVE
        gate.due_us = None
        return True
    gate.phase = Phase.PENDING
    gate.due_us = ready_us if words.lasting else None
    return False


def held(gate: Gate, us: int) -> Number | None:
    """For how long the condition has held, where it has to hold for a time."""
    if gate.held_us is None:
        return None
    minutes = (us - gate.held_us) / 60_000_000
    if minutes < 120:
        return Number(name="held", value=minutes, unit="min")
    return Number(name="held", value=minutes / 60, unit="h")


def mature(gate: Gate) -> None:
    """The due time has come while the condition held."""
    gate.phase = Phase.ACTIVE
    gate.due_us = None
