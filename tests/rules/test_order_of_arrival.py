"""The final findings do not depend on how the readings came: live, late, again, restarted.

For each plan, random readings (close to the limits, often at equal instants, within and across
midnight) are dealt into random batches, some given twice, with wake-ups and restarts in between.
What stands in the end equals one pass over all readings in the order in which they were taken.
"""

from collections.abc import Callable
from datetime import datetime, time, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from devices.model import Quality, Reading
from rules.branches import Branch
from rules.engine import advance, start
from rules.hours import Hours
from rules.model import Finding, Plan, RateLimit, RepeatAfterRest, Rule, Suppressor

H = timedelta(hours=1)
MIN = timedelta(minutes=1)
GRID = 30 * MIN
"""Coarse, so that readings, due times and midnights often meet at one moment."""
SLOTS = 120

Series = tuple[str, str, tuple[float, ...]]
"""metric, device, the values it may take."""

WEIGHT: Series = ("body_weight", "scale", (80.0, 81.9, 82.0, 82.1, 83.0, 79.0))
LEVELS: tuple[Series, ...] = (
    ("level", "a", (9.0, 10.0, 11.0, 8.0, 7.0)),
    ("level", "b", (9.0, 10.0, 11.0, 8.0, 7.0)),
)
DOOR: Series = ("door_open", "door", (0.0, 1.0))
MOVEMENT: Series = ("movement", "hall", (0.0, 1.0))
ANKLES: Series = ("symptom.ankles_swollen", "page", (0.0, 1.0))
PILLOWS: Series = ("symptom.pillows", "page", (0.0, 1.0))
SOS: Series = ("sos_pressed", "button", (1.0,))
POOR = "poor"
"""A device whose readings all bear a mark against them."""
POOR_LEVEL: Series = ("level", POOR, (9.0, 10.0, 11.0, 12.0))
AWAY: Series = ("person.away", "page", (0.0, 1.0))
OFFLINE: Series = ("kit.gateway_offline", "gateway", (0.0, 1.0))

REPEAT = RepeatAfterRest(rest=30 * MIN, within=2 * H)
BACK = (Suppressor(by="person.away", rest=2 * H), Suppressor(by="kit.gateway_offline"))


def _gain(rule: Callable[..., Rule], **more: Any) -> Rule:
    morning = Hours(time(4), time(11))
    return rule(
        "delta", "gain", metric="body_weight", rise=2.0, window=36 * H, between=morning, **more
    )


def _cases(rule: Callable[..., Rule]) -> dict[str, tuple[tuple[Rule, ...], tuple[Series, ...]]]:
    gain = _gain(rule)
    symptom = rule("answer", "symptom", metrics=("symptom.ankles_swollen",), within=6 * H)
    both = rule("all", "both", of=(Branch(metric="rule.gain"), Branch(metric="rule.symptom")))
    asked = rule(
        "absence",
        "asked",
        metrics=("symptom.ankles_swollen", "symptom.pillows"),
        after="rule.gain",
        within=4 * H,
    )
    alone = rule(
        "all", "alone", of=(Branch(metric="rule.symptom"), Branch(metric="rule.both", below=1.0))
    )
    door = ("door_open",)
    return {
        "threshold": ((rule("threshold", metric="level", above=10.0),), LEVELS),
        "threshold-per-device-3-of-4-hysteresis": (
            (
                rule(
                    "threshold",
                    per_device=True,
                    debounce={"k": 3, "n": 4},
                    metric="level",
                    at_least=10.0,
                    clear_at=8.0,
                ),
            ),
            LEVELS,
        ),
        "threshold-persisting-quantity": (
            (rule("threshold", debounce={"persist_for": 5 * H}, metric="level", above=9.0),),
            LEVELS,
        ),
        "threshold-persisting-state": (
            (
                rule(
                    "threshold",
                    debounce={"persist_for": 30 * MIN, "cooldown": 3 * H},
                    metric="door_open",
                    at_least=1.0,
                ),
            ),
            (DOOR,),
        ),
        "threshold-event": ((rule("threshold", metric="sos_pressed", at_least=1.0),), (SOS,)),
        "delta": ((gain,), (WEIGHT,)),
        "delta-again-next-day": (
            (_gain(rule, debounce={"persist_for": 6 * H, "max_gap": 20 * H}),),
            (WEIGHT,),
        ),
        "trend-per-device": (
            (
                rule(
                    "trend",
                    per_device=True,
                    metric="level",
                    rising_per_hour=0.5,
                    samples=5,
                    min_samples=3,
                ),
            ),
            LEVELS,
        ),
        "trend-in-a-window-of-time": (
            (
                rule(
                    "trend",
                    metric="level",
                    falling_per_day=2.0,
                    samples=50,
                    min_samples=2,
                    window=10 * H,
                ),
            ),
            LEVELS,
        ),
        "absence-by-a-time": (
            (
                rule("absence", "by", metrics=("body_weight",), by=time(11), grace=2 * H),
                rule("absence", "twice", debounce={"k": 2, "n": 2}, metrics=door, by=time(11)),
            ),
            (WEIGHT, DOOR),
        ),
        "absence-every": (
            (
                rule("absence", "every", metrics=("movement",), every=5 * H),
                rule(
                    "absence",
                    "day",
                    metrics=("movement",),
                    every=3 * H,
                    between=Hours(time(8), time(21)),
                    leaving="door_open",
                    leaving_for=8 * H,
                ),
                rule("absence", "device", per_device=True, metrics=door, every=20 * H),
            ),
            (MOVEMENT, DOOR),
        ),
        "answer": ((symptom,), (ANKLES,)),
        "any": (
            (
                rule(
                    "any",
                    of=(
                        Branch(metric="level", above=10.0, within=2 * H),
                        Branch(metric="door_open"),
                    ),
                ),
            ),
            (*LEVELS, DOOR),
        ),
        "all-within": (
            (
                rule(
                    "all",
                    debounce={"persist_for": 20 * MIN},
                    of=(
                        Branch(metric="level", above=9.0, within=3 * H),
                        Branch(metric="door_open"),
                    ),
                ),
            ),
            (*LEVELS, DOOR),
        ),
        "sequence": (
            (
                rule(
                    "sequence",
                    first="door_open",
                    then="movement",
                    within=10 * MIN,
                    between=Hours(time(22), time(6)),
                ),
            ),
            (DOOR, MOVEMENT),
        ),
        "quality-gate": (
            (
                rule(
                    "threshold",
                    debounce={"quality_gate": (Quality.POOR_SIGNAL,), "k": 2, "n": 3},
                    metric="level",
                    above=10.0,
                ),
                rule(
                    "delta",
                    "rise",
                    debounce={"quality_gate": (Quality.POOR_SIGNAL,)},
                    metric="level",
                    rise=2.0,
                    window=10 * H,
                ),
            ),
            (*LEVELS, POOR_LEVEL),
        ),
        "repeat-after-rest": (
            (
                rule(
                    "threshold", debounce={"repeat_after_rest": REPEAT}, metric="level", above=9.0
                ),
                rule(
                    "threshold",
                    "twice",
                    debounce={
                        "repeat_after_rest": structs.replace(REPEAT, times=2),
                        "quality_gate": (Quality.POOR_SIGNAL,),
                        "cooldown": 3 * H,
                        "k": 2,
                        "n": 2,
                    },
                    metric="level",
                    above=9.0,
                ),
                rule(
                    "threshold",
                    "door",
                    debounce={"repeat_after_rest": REPEAT, "persist_for": 30 * MIN},
                    metric="door_open",
                    at_least=1.0,
                ),
            ),
            (*LEVELS, POOR_LEVEL, DOOR),
        ),
        "rate-limit-and-same-direction": (
            (
                rule(
                    "threshold",
                    debounce={"rate_limit": RateLimit(count=2, per=12 * H)},
                    metric="level",
                    above=9.0,
                ),
                rule(
                    "threshold",
                    "worse",
                    debounce={"same_direction_window": 10 * H},
                    metric="level",
                    above=8.0,
                ),
                rule(
                    "threshold",
                    "door",
                    debounce={"rate_limit": RateLimit(count=1, per=5 * H)},
                    metric="door_open",
                    at_least=1.0,
                ),
            ),
            (*LEVELS, DOOR),
        ),
        "suppressed-by-states": (
            (
                rule("threshold", debounce={"suppressed_by": BACK}, metric="level", above=9.0),
                rule(
                    "threshold",
                    "held",
                    debounce={"suppressed_by": BACK, "persist_for": 5 * H},
                    metric="level",
                    above=9.0,
                ),
                rule(
                    "absence",
                    "missing",
                    debounce={"suppressed_by": BACK},
                    metrics=door,
                    every=5 * H,
                ),
            ),
            (*LEVELS, DOOR, AWAY, OFFLINE),
        ),
        "suppressed-per-device": (
            (
                rule(
                    "threshold",
                    per_device=True,
                    debounce={"suppressed_by": BACK, "quality_gate": (Quality.POOR_SIGNAL,)},
                    metric="level",
                    above=9.0,
                ),
                rule(
                    "absence",
                    "quiet",
                    per_device=True,
                    debounce={"suppressed_by": BACK},
                    metrics=("level",),
                    every=20 * H,
                ),
            ),
            (*LEVELS, POOR_LEVEL, AWAY),
        ),
        "suppressed-by-rules": (
            (
                _gain(rule, debounce={"repeat_after_rest": REPEAT, "suppressed_by": BACK}),
                rule(
                    "threshold",
                    "open",
                    debounce={"suppressed_by": (Suppressor(by="rule.gain", rest=2 * H),)},
                    metric="door_open",
                    at_least=1.0,
                ),
                rule(
                    "threshold",
                    "heavy",
                    debounce={
                        "suppressed_by": (Suppressor(by="rule.gain"), *BACK),
                        "repeat_after_rest": REPEAT,
                    },
                    metric="body_weight",
                    above=81.9,
                ),
                rule("all", "both", of=(Branch(metric="rule.gain"), Branch(metric="rule.open"))),
            ),
            (WEIGHT, DOOR, AWAY),
        ),
        "all-the-words": (
            (
                rule(
                    "threshold",
                    debounce={
                        "quality_gate": (Quality.POOR_SIGNAL,),
                        "k": 2,
                        "n": 3,
                        "persist_for": H,
                        "max_gap": 6 * H,
                        "repeat_after_rest": REPEAT,
                        "cooldown": 2 * H,
                        "rate_limit": RateLimit(count=2, per=24 * H),
                        "same_direction_window": 4 * H,
                        "suppressed_by": BACK,
                    },
                    metric="level",
                    above=8.0,
                ),
            ),
            (*LEVELS, POOR_LEVEL, AWAY),
        ),
        "rules-that-hear-rules": (
            (alone, both, asked, gain, symptom),
            (WEIGHT, ANKLES, PILLOWS),
        ),
    }


CASES = sorted(_cases(lambda *args, **fields: None))  # type: ignore[arg-type, return-value]


class Course:
    """Readings, and how they come."""

    def __init__(self, readings: list[Reading], steps: list[tuple[list[Reading], datetime, bool]]):
        self.readings = readings
        self.steps = steps


@st.composite
def courses(
    draw: st.DrawFn, series: tuple[Series, ...], make: Callable[..., Reading], begin: datetime
) -> Course:
    """Readings on a coarse grid, dealt into steps of (batch, at, restarted)."""
    slots = draw(
        st.lists(
            st.tuples(st.integers(-10, SLOTS), st.sampled_from(series), st.integers(0, 9)),
            max_size=40,
        )
    )
    readings: dict[str, Reading] = {}
    for slot, (metric, device, values), pick in slots:
        value = values[pick % len(values)]
        quality = (Quality.POOR_SIGNAL,) if device == POOR else ()
        one = make(metric, value, begin + GRID * slot, device=device, quality=quality)
        readings[one.id] = one
    waiting = sorted(readings.values(), key=lambda one: (one.taken_at, one.id))
    lateness = draw(st.lists(st.integers(0, 80), min_size=len(waiting), max_size=len(waiting)))
    arrivals = sorted(
        (one.taken_at + GRID * late, number, one)
        for number, (one, late) in enumerate(zip(waiting, lateness, strict=True))
    )
    steps: list[tuple[list[Reading], datetime, bool]] = []
    at = begin
    ahead = draw(st.sampled_from([0 * H, 5 * MIN, 3 * H]))
    while arrivals:
        size = draw(st.integers(1, 6))
        batch, arrivals = arrivals[:size], arrivals[size:]
        at = max(at, batch[-1][0] - ahead)
        ones = [one for _, _, one in batch]
        if draw(st.booleans()):
            ones = [*ones, *draw(st.lists(st.sampled_from(waiting), max_size=2))]
        steps.append((draw(st.permutations(ones)), at, draw(st.integers(0, 3)) == 0))
        if draw(st.booleans()):
            at += GRID * draw(st.integers(1, 20))
            steps.append(([], at, False))
    return Course(waiting, steps)


BEGINNINGS = {
    "quality-gate": {"quality"},
    "repeat-after-rest": {"pending", "refuted", "unanswered"},
    "rate-limit-and-same-direction": {"rate-limit", "same-direction"},
    "suppressed-by-states": {"person.away", "kit.gateway_offline"},
    "suppressed-per-device": {"person.away", "quality"},
    "suppressed-by-rules": {"rule.gain", "person.away"},
    "all-the-words": {"quality", "pending", "person.away", "same-direction"},
}


@pytest.mark.parametrize("case", BEGINNINGS)
def test_such_courses_make_each_word_speak(
    case: str,
    rule: Callable[..., Rule],
    plan: Callable[..., Plan],
    reading: Callable[..., Reading],
) -> None:
    heard: set[str] = set()
    for finding in _found_in_long_courses(case, rule, plan, reading, 0 * H):
        heard |= {finding.phase.value, finding.suppressed or ""}
        heard |= {"refuted"} if finding.because.refuted else set()
        heard |= {"unanswered"} if finding.because.missing else set()
    assert BEGINNINGS[case] | {"active", "inactive"} <= heard


@pytest.mark.parametrize("case", BEGINNINGS)
def test_a_course_a_week_later_is_held_back_a_week_later(
    case: str,
    rule: Callable[..., Rule],
    plan: Callable[..., Plan],
    reading: Callable[..., Reading],
) -> None:
    now, later = (
        [
            (finding.rule, finding.device, finding.phase, finding.suppressed, finding.at - week)
            for finding in _found_in_long_courses(case, rule, plan, reading, week)
        ]
        for week in (0 * H, 168 * H)
    )
    assert now == later


def _found_in_long_courses(
    case: str,
    rule: Callable[..., Rule],
    plan: Callable[..., Plan],
    reading: Callable[..., Reading],
    later: timedelta,
) -> list[Finding]:
    """Days of readings, one at a moment, each from a generator with its own seed."""
    rules, series = _cases(rule)[case]
    home = plan(*rules)
    begin = reading("level", 0.0).taken_at + later
    found: list[Finding] = []
    for seed in range(12):
        draw = Random(seed)
        readings = []
        for slot in range(300):
            metric, device, values = draw.choice(series)
            quality = (Quality.POOR_SIGNAL,) if device == POOR else ()
            readings.append(
                reading(
                    metric,
                    draw.choice(values),
                    begin + slot * GRID,
                    device=device,
                    quality=quality,
                )
            )
        found += advance(home, start(home, begin), readings, begin + 300 * GRID).findings
    return found


def _stand(findings: Any) -> dict[str, Any]:
    return {finding.id: finding for finding in findings}


@pytest.mark.parametrize("case", CASES)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_any_arrival_ends_in_the_findings_of_one_pass_in_order(
    case: str,
    data: st.DataObject,
    rule: Callable[..., Rule],
    plan: Callable[..., Plan],
    reading: Callable[..., Reading],
    home: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rules, series = _cases(rule)[case]
    begin = reading("level", 0.0).taken_at
    course = data.draw(courses(series, reading, begin))
    end = max([begin, *(step[1] for step in course.steps)]) + 72 * H
    in_order = plan(*rules)
    expected = advance(in_order, start(in_order, begin), course.readings, end)

    monkeypatch.setattr("rules.engine.CHECKPOINT_EVERY", data.draw(st.sampled_from([1, 3, 256])))
    monkeypatch.setattr("rules.replay.CHECKPOINTS_KEPT", data.draw(st.sampled_from([4, 48])))
    lived = home(plan(*rules), begin)
    for batch, at, restarted in course.steps:
        lived.take(batch, at)
        if restarted:
            lived.restart_unnoticed(at)
    settled = lived.take((), end)

    assert lived.journal.standing == _stand(expected.findings)
    assert settled.wake_at == expected.wake_at
