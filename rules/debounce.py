"""When a condition that holds begins, and ceases, to count: the same for every kind.

    verdict -> quality gate -> k of the last n -> held for persist_for -> repeat after rest
            -> not within cooldown, rate limit, same direction -> suppressed_by -> active

A verdict that lasts (a door stays open) matures by itself, at a time that is known beforehand.
One that does not (a weight) matures only at the next reading that confirms it, and two that
are further apart than `max_gap` are not one stretch: silence never makes a finding. Only where a
repeat was asked for, and did not come, does silence count: no answer is an answer.

What is held back after the cooldown is a suppressed finding, said once until the condition
changes, and becomes active when nothing holds it back any more: what lasts at that moment, what
does not at its next verdict. Nobody is asked to repeat while `suppressed_by` holds. A rule that
another rule may hold back begins when the moment is over, so that both may follow from one reading.

Rules without the words beyond k of n, persist_for and cooldown go through `judge` and `mature`;
the others through `consider`, `hear` and `ripen`, whose terms have `more`.
"""

from collections.abc import Callable, Mapping

from msgspec import Struct, field

from devices.model import Quality
from rules.exact import micros_of
from rules.limits import RULE_PREFIX
from rules.model import Debounce, Number, Phase

QUALITY = "quality"
RATE_LIMIT = "rate-limit"
SAME_DIRECTION = "same-direction"
HELD_BACK_BY: Mapping[str, str] = {
    QUALITY: "the reading can't be trusted",
    RATE_LIMIT: "it began often enough lately",
    SAME_DIRECTION: "it is no worse than when it last began",
}
"""Reasons of a suppressed finding that are no state and no rule."""

ALWAYS_US = 1 << 62

Beyond = Callable[[], Number | None]
"""How far the latest value is beyond the limit, without a sign; None where there is no value."""


class More(Struct, frozen=True, kw_only=True):
    """The words that only some rules have, in whole numbers; 0 and empty: not given."""

    quality: frozenset[Quality]
    rest_us: int
    within_us: int
    times: int
    count: int
    per_us: int
    same_us: int
    suppressors: Mapping[str, int]
    """How long each still holds back after it ended, in the order of the plan."""
    hears_rules: bool
    """Whether one of them is another rule."""


class Terms(Struct, frozen=True, kw_only=True):
    """A rule's debounce in whole numbers."""

    k: int
    n: int
    persist_us: int
    cooldown_us: int
    gap_us: int
    lasting: bool
    more: More | None = None


def terms(debounce: Debounce, lasting: bool) -> Terms:
    gap = debounce.persist_for if debounce.max_gap is None else debounce.max_gap
    return Terms(
        k=debounce.k,
        n=debounce.n,
        persist_us=micros_of(debounce.persist_for),
        cooldown_us=micros_of(debounce.cooldown),
        gap_us=micros_of(gap),
        lasting=lasting,
        more=_more(debounce),
    )


def _more(debounce: Debounce) -> More | None:
    repeat, rate = debounce.repeat_after_rest, debounce.rate_limit
    same = debounce.same_direction_window
    if not (debounce.quality_gate or repeat or rate or same or debounce.suppressed_by):
        return None
    return More(
        quality=frozenset(debounce.quality_gate),
        rest_us=micros_of(repeat.rest) if repeat else 0,
        within_us=micros_of(repeat.within) if repeat else 0,
        times=repeat.times if repeat else 0,
        count=rate.count if rate else 0,
        per_us=micros_of(rate.per) if rate else 0,
        same_us=micros_of(same) if same else 0,
        suppressors={one.by: micros_of(one.rest) for one in debounce.suppressed_by},
        hears_rules=any(one.by.startswith(RULE_PREFIX) for one in debounce.suppressed_by),
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
    asked_us: int | None = None
    """When a repeat was asked for: the moment of the first verdict."""
    asked: list[str] = field(default_factory=list)
    """That first reading, and those that confirmed it."""
    repeats: int = 0
    """Verdicts that confirmed the first."""
    repeated: bool = False
    """The repeat is over: confirmed, or unanswered."""
    unanswered: bool = False
    refuted: list[str] = field(default_factory=list)
    """What the last verdict refuted."""
    closing: str | None = None
    """The reading that was the cause, where it begins when its moment is over."""
    doubted: bool = False
    """A reading of poor quality would have held, and that was said."""
    reason: str | None = None
    """What holds back a suppressed rule."""
    began: list[int] = field(default_factory=list)
    """The last beginnings, as far back as the rate limit looks; the newest always."""
    beyond: Number | None = None
    """How far beyond its limit it was at the last beginning."""
    free_us: dict[str, int] = field(default_factory=dict)
    """Before which moment each suppressor holds back; those that never held are not there."""


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
        return gate.phase is not Phase.INACTIVE and _cease(gate, us)
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


def mature(gate: Gate) -> None:
    """The due time has come while the condition held."""
    gate.phase = Phase.ACTIVE
    gate.due_us = None


def held(gate: Gate, us: int) -> Number | None:
    """For how long the condition has held, where it has to hold for a time."""
    if gate.held_us is None:
        return None
    minutes = (us - gate.held_us) / 60_000_000
    if minutes < 120:
        return Number(name="held", value=minutes, unit="min")
    return Number(name="held", value=minutes / 60, unit="h")


def is_asking(gate: Gate) -> bool:
    """Whether it waits for a repeat."""
    return gate.asked_us is not None and not gate.repeated


def is_settled(gate: Gate) -> bool:
    """Whether another verdict that does not hold would change nothing."""
    return (
        gate.asked_us is None
        and gate.closing is None
        and not (gate.asked or gate.repeats or gate.repeated or gate.unanswered)
        and not (gate.refuted or gate.doubted)
        and gate.reason is None
    )


def speaks(gate: Gate) -> bool:
    """Whether there is something to be said of a rule that stands so."""
    return gate.phase in (Phase.ACTIVE, Phase.SUPPRESSED) or is_asking(gate)


def unsaid(gate: Gate) -> None:
    """Nobody was told of what began or ended: it keeps nothing from beginning."""
    gate.ended_us = None
    gate.began = []
    gate.beyond = None


def began_at(words: Terms, gate: Gate, us: int, beyond: Beyond) -> None:
    """It is said that it began then: what the rate limit and the direction go by."""
    more = words.more
    if more is not None:
        gate.began = [*(began for began in gate.began if began > us - more.per_us), us]
        gate.beyond = beyond() if more.same_us else None


def consider(
    words: Terms,
    gate: Gate,
    holds: bool,
    us: int,
    reading: str | None,
    beyond: Beyond,
    repeats: bool = True,
) -> bool:
    """`judge` with all the words: whether there is something to be said.

    Not `repeats`: a timer gave the verdict, which neither confirms nor refutes a reading.
    """
    gate.doubted = False
    gate.refuted = []
    if is_asking(gate):
        return _repeat(words, gate, holds, us, reading, beyond) if repeats else False
    if words.n > 1:
        gate.verdicts = (gate.verdicts << 1 | holds) & ((1 << words.n) - 1)
        if reading is not None:
            gate.readings = [*gate.readings, reading][-words.n :]
        holds = gate.verdicts.bit_count() >= words.k
    if not holds:
        _ask_no_more(gate)
        return _cease(gate, us)
    if gate.phase is Phase.ACTIVE:
        return False
    broken = not words.lasting and us - gate.seen_us > words.gap_us
    if gate.held_us is None or broken:
        gate.held_us = us
    gate.seen_us = us
    ready_us = gate.held_us + words.persist_us
    if us < ready_us:
        _ask_no_more(gate)
        return _wait(gate, ready_us if words.lasting else None)
    return _go_on(words, gate, us, reading, beyond)


def hear(words: Terms, gate: Gate, by: str, holds: bool, us: int, beyond: Beyond) -> bool:
    """A suppressor holds from now on, or no longer: whether there is something to be said."""
    assert words.more is not None
    if holds:
        gate.free_us[by] = ALWAYS_US
    elif gate.free_us.get(by) == ALWAYS_US:
        gate.free_us[by] = us + words.more.suppressors[by]
    if gate.phase is Phase.SUPPRESSED and words.lasting:
        return _go_on(words, gate, us, None, beyond)
    return False


def ripen(words: Terms, gate: Gate, us: int, beyond: Beyond) -> bool:
    """The due time has come: of the stretch, the repeat, or what held back."""
    if is_asking(gate):
        gate.repeated = gate.unanswered = True
    reading, gate.closing = gate.closing, None
    return _begin(words, gate, us, reading, beyond)


def suppressor(more: More, gate: Gate, us: int) -> tuple[str, int] | None:
    """The state or rule that holds back, and until when."""
    for name in more.suppressors:
        free_us = gate.free_us.get(name)
        if free_us is not None and us < free_us:
            return name, free_us
    return None


def _cease(gate: Gate, us: int) -> bool:
    if gate.phase is Phase.INACTIVE:
        return False
    was_active = gate.phase is Phase.ACTIVE
    gate.phase = Phase.INACTIVE
    gate.held_us = gate.due_us = None
    if was_active:
        gate.ended_us = us
    return was_active


def _wait(gate: Gate, until_us: int | None) -> bool:
    gate.phase = Phase.PENDING
    gate.due_us = until_us
    return False


def _go_on(words: Terms, gate: Gate, us: int, reading: str | None, beyond: Beyond) -> bool:
    """The condition has held for as long as it has to."""
    assert words.more is not None
    if not words.more.hears_rules:
        return _begin(words, gate, us, reading, beyond)
    gate.closing = reading
    if gate.phase is not Phase.SUPPRESSED:
        gate.phase = Phase.PENDING
    gate.due_us = us
    return False


def _begin(words: Terms, gate: Gate, us: int, reading: str | None, beyond: Beyond) -> bool:
    """It begins, unless something holds it back: whether there is something to be said."""
    more = words.more
    assert more is not None
    if more.times and not gate.repeated:
        held_back = suppressor(more, gate, us)
        if held_back is not None:
            return _hold_back(words, gate, *held_back)
        gate.phase = Phase.PENDING
        gate.asked_us = us
        gate.asked = [] if reading is None else [reading]
        gate.due_us = us + more.within_us
        return True
    ready_us = us if gate.ended_us is None else gate.ended_us + words.cooldown_us
    if us < ready_us:
        return _wait(gate, ready_us if words.lasting or gate.unanswered else None)
    held_back = _held_back(more, gate, us, beyond)
    if held_back is not None:
        return _hold_back(words, gate, *held_back)
    gate.phase = Phase.ACTIVE
    gate.due_us = None
    began_at(words, gate, us, beyond)
    return True


def _repeat(
    words: Terms, gate: Gate, holds: bool, us: int, reading: str | None, beyond: Beyond
) -> bool:
    """A verdict while a repeat is asked for. One that came before the rest was over is none."""
    more = words.more
    assert more is not None
    assert gate.asked_us is not None
    if us < gate.asked_us + more.rest_us:
        return False
    if not holds:
        gate.refuted = gate.asked
        _ask_no_more(gate)
        gate.verdicts = 0
        gate.readings = []
        _cease(gate, us)
        return True
    gate.seen_us = us
    gate.repeats += 1
    if reading is not None:
        gate.asked.append(reading)
    if gate.repeats < more.times:
        return False
    gate.repeated = True
    return _go_on(words, gate, us, reading, beyond)


def _ask_no_more(gate: Gate) -> None:
    gate.asked_us = None
    gate.asked = []
    gate.repeats = 0
    gate.repeated = gate.unanswered = False


def _held_back(more: More, gate: Gate, us: int, beyond: Beyond) -> tuple[str, int] | None:
    """What keeps it from beginning, and until when."""
    if more.count:
        lately = [began for began in gate.began if began > us - more.per_us]
        if len(lately) >= more.count:
            return RATE_LIMIT, lately[-more.count] + more.per_us
    same_until_us = gate.began[-1] + more.same_us if gate.began else us
    if us < same_until_us and not _is_worse(beyond(), gate.beyond):
        return SAME_DIRECTION, same_until_us
    return suppressor(more, gate, us)


def _is_worse(now: Number | None, before: Number | None) -> bool:
    """What can't be compared with the last beginning is worse, unless neither had a value."""
    if now is None or before is None:
        return now is not before
    return (now.name, now.unit) != (before.name, before.unit) or now.value > before.value


def _hold_back(words: Terms, gate: Gate, reason: str, until_us: int) -> bool:
    """Said once, until the condition changes."""
    said = gate.phase is not Phase.SUPPRESSED
    if said:
        gate.phase = Phase.SUPPRESSED
        gate.reason = reason
    gate.due_us = until_us if words.lasting and until_us < ALWAYS_US else None
    return said
