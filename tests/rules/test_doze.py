"""A watch that dozes says, keeps and remembers what one that is always awake does."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from devices.model import Quality
from rules.branches import Branch
from rules.doze import LONGEST
from rules.engine import advance, start
from rules.kinds.threshold import Threshold
from rules.kinds.trend import Trend
from rules.model import Suppressor
from rules.window import Line

STEP = timedelta(minutes=7)
DEVICES = ("one", "two")
VALUES = (0.0, 4.0, 5.0, 5.5, 6.0, 9.0, 20.0)


@pytest.fixture(scope="module")
def rules(rule):
    """Limits and slopes on both sides, near and far, some the same; one that hears another."""
    return (
        rule("threshold", "at-5", metric="level", at_least=5.0, per_device=True),
        rule("threshold", "above-5", metric="level", above=5.0, per_device=True),
        rule(
            "threshold",
            "below-5",
            metric="level",
            below=5.0,
            per_device=True,
            debounce={"k": 2, "n": 3},
        ),
        rule("threshold", "at-most-0", metric="level", at_most=0.0, per_device=True),
        rule("threshold", "back", metric="level", at_least=6.0, clear_at=4.5, per_device=True),
        rule(
            "threshold",
            "never",
            metric="level",
            above=1e6,
            per_device=True,
            debounce={"k": 3, "n": 3},
        ),
        rule(
            "threshold",
            "ends",
            metric="level",
            above=5.0,
            clear_after=timedelta(minutes=10),
            per_device=True,
        ),
        rule("threshold", "of-both", metric="level", above=8.0, debounce={"k": 2, "n": 2}),
        rule(
            "threshold",
            "gated",
            metric="level",
            above=5.0,
            per_device=True,
            debounce={
                "quality_gate": (Quality.MOVEMENT,),
                "suppressed_by": (Suppressor(by="person.away", rest=timedelta(minutes=20)),),
            },
        ),
        rule(
            "threshold",
            "held-back",
            metric="level",
            at_least=5.5,
            debounce={"k": 2, "n": 3, "suppressed_by": (Suppressor(by="rule.heard-too"),)},
            per_device=False,
        ),
        rule("threshold", "heard-too", metric="level", above=8.5),
        rule("threshold", "heard", metric="level", above=8.0),
        rule("any", "hears", of=branches()),
        rule(
            "trend",
            "up",
            metric="level",
            rising_per_hour=5.0,
            samples=5,
            min_samples=3,
            per_device=True,
        ),
        rule(
            "trend",
            "up-more",
            metric="level",
            rising_per_hour=40.0,
            samples=5,
            min_samples=2,
            per_device=True,
        ),
        rule(
            "trend",
            "up-day",
            metric="level",
            rising_per_day=300.0,
            samples=5,
            min_samples=3,
            per_device=True,
        ),
        rule(
            "trend",
            "down",
            metric="level",
            falling_per_hour=9.0,
            samples=5,
            min_samples=3,
            per_device=True,
        ),
        rule(
            "trend",
            "lately",
            metric="level",
            rising_per_hour=5.0,
            samples=9,
            min_samples=2,
            window=timedelta(minutes=30),
            per_device=True,
        ),
    )


def branches():
    return (Branch(metric="rule.heard"), Branch(metric="level", above=19.0))


COURSES = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.sampled_from((*DEVICES, *DEVICES, "away", "shaken")),
        st.sampled_from(VALUES),
    ),
    min_size=1,
    max_size=60,
)
ACTS = st.lists(st.sampled_from(["take", "take", "take", "late", "again", "restart", "withdraw"]))


def readings_of(course, reading):
    at = reading("level", 0.0).taken_at + STEP
    found = {}
    for steps, device, value in course:
        at += steps * STEP
        if device == "away":
            one = reading("person.away", float(value > 4.5), at, device="page:margaret")
        elif device == "shaken":
            one = reading("level", value, at, device=DEVICES[0])
            one = structs.replace(one, quality=(Quality.MOVEMENT,))
        else:
            one = reading("level", value, at, device=device)
        found[one.id] = one
    return sorted(found.values(), key=lambda one: (one.taken_at, one.id))


def lived(home, plan, readings, acts):
    """Batches of three, some held back, sent twice, taken back, and with a restart between."""
    one, late = home(plan), []
    acts = iter(acts)
    for first in range(0, len(readings), 3):
        batch, act = readings[first : first + 3], next(acts, "take")
        at = batch[-1].taken_at
        if act == "late":
            late += batch[:1]
            one.take(batch[1:], at)
        elif act == "again":
            one.take([*batch, *batch], at)
            one.take(batch, at)
        elif act == "restart":
            one.take(batch, at)
            one.restart(at)
        elif act == "withdraw":
            one.take(batch, at)
            one.take((), at, [batch[0]])
        else:
            one.take(batch + late, at)
            late = []
    last = readings[-1].taken_at + timedelta(hours=30)
    one.take(late, last)
    one.restart(last)
    return sorted(one.journal.standing), sorted(finding.id for finding in one.superseded)


@settings(max_examples=150, deadline=None)
@given(course=COURSES, acts=ACTS)
def test_whatever_happens_it_ends_in_the_findings_of_those_that_are_awake(
    course, acts, rules, plan, home, reading
):
    readings = readings_of(course, reading)
    dozing = lived(home, plan(*rules), readings, acts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Threshold, "doze", lambda _: None)
        patch.setattr(Trend, "doze", lambda _: None)
        assert lived(home, plan(*rules), readings, acts) == dozing


@settings(max_examples=150, deadline=None)
@given(course=COURSES)
def test_one_that_is_roused_knows_what_one_that_is_awake_knows(course, rules, plan, reading):
    readings = readings_of(course, reading)

    def known():
        own = plan(*rules)
        states = start(own, readings[0].taken_at - STEP)
        findings = advance(own, states, readings, readings[-1].taken_at).findings
        states.rouse()
        return findings, {
            watch.key: (
                {name: shown(value) for name, value in vars_of(watch.state).items()},
                watch.gate,
                watch.last_us,
                watch.last_id,
                watch.left,
                watch.next_us,
            )
            for bound in states.rules
            for watch in bound.watches.values()
        }

    dozing = known()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Threshold, "doze", lambda _: None)
        patch.setattr(Trend, "doze", lambda _: None)
        assert known() == dozing


def vars_of(state):
    return {name: getattr(state, name) for name in state.__struct_fields__}


def shown(value):
    """A line by its readings and its slope: where it counts from is its own affair."""
    if isinstance(value, Line):
        numerator, denominator = value.slope()
        points = [(value.base_us + x, y) for x, y in value.points]
        return points, numerator, denominator, value.from_us, value.newest
    return value


def far(rule, count):
    return [
        rule("threshold", f"limit-{n}", metric="level", above=100.0 + n, per_device=True)
        for n in range(count)
    ] + [
        rule(
            "trend",
            f"slope-{n}",
            metric="level",
            rising_per_hour=1e6 + n,
            samples=8,
            min_samples=3,
            per_device=True,
        )
        for n in range(count)
    ]


def test_those_that_are_far_from_their_limits_all_doze_and_draw_one_line(rule, plan, reading):
    own = plan(*far(rule, 20))
    begin = reading("level", 0.0).taken_at
    readings = [reading("level", 1.0 * (n % 3), begin + n * STEP) for n in range(30)]
    states = start(own, begin)
    advance(own, states, readings, readings[-1].taken_at)
    (series,) = states.series.values()
    assert (series.dozing, series.awake) == (40, ())
    states.rouse()
    assert (series.dozing, len(series.awake)) == (0, 40)
    lines = {id(watch.state.window) for watch in series.awake if watch.kind.name == "trend"}
    assert len(lines) == 1


def test_one_that_dozes_for_long_is_roused_so_that_its_state_is_written_down(
    rule, plan, home, reading
):
    own = plan(*far(rule, 1))
    begin = reading("level", 0.0).taken_at
    lived = home(own)
    second = timedelta(seconds=1)
    before = dict(lived.saved)
    readings = [reading("level", 1.0, begin + n * second) for n in range(LONGEST + 20)]
    lived.take(readings, readings[-1].taken_at)
    written = {key for key, body in lived.saved.items() if before.get(key) != body and "|" in key}
    assert len(written) == 2
    assert all(b"us" in lived.saved[key] for key in written)


def test_a_rule_of_several_devices_never_dozes(rule, plan, reading):
    own = plan(rule("threshold", "of-both", metric="level", above=100.0))
    begin = reading("level", 0.0).taken_at
    readings = [
        reading("level", 1.0, begin + n * STEP, device=DEVICES[n % 2]) for n in range(2, 12)
    ]
    states = start(own, begin)
    advance(own, states, readings, readings[-1].taken_at)
    assert [series.dozing for series in states.series.values()] == [0, 0]


SLOPE = {"metric": "level", "rising_per_hour": 5.0, "samples": 20, "min_samples": 3}


def test_a_rule_that_goes_on_to_read_another_device_takes_its_line_with_it(rule, plan, reading):
    both = rule("trend", "both", **SLOPE)
    each = rule("trend", "each", per_device=True, **SLOPE)
    begin = reading("level", 0.0).taken_at
    readings = [reading("level", 1.0, begin + n * STEP, device="one") for n in range(20)]
    readings += [
        reading("level", 100.0, begin + (n + 0.5) * STEP, device="two") for n in range(10, 20)
    ]
    readings.sort(key=lambda one: one.taken_at)
    own = plan(both, each)
    found = advance(own, start(own, begin), readings, readings[-1].taken_at).findings
    assert {one.rule for one in found} == {"both"}


@pytest.mark.parametrize("first", [0, 1])
def test_rules_that_leave_out_other_readings_share_no_line(first, rule, plan, reading):
    gate = {"quality_gate": (Quality.MOVEMENT,)}
    open_to_all = rule("trend", "open", **SLOPE)
    gated = rule("trend", "gated", debounce=gate, **SLOPE)
    begin = reading("level", 0.0).taken_at
    readings = [reading("level", 1.0, begin + n * STEP) for n in range(20)]
    readings[10] = reading("level", 90.0, begin + 10 * STEP, quality=(Quality.MOVEMENT,))
    rules = (open_to_all, gated)[:: 1 - 2 * first]
    own = plan(*rules)
    states = start(own, begin)
    advance(own, states, readings, readings[-1].taken_at)
    states.rouse()
    counts = {
        watch.bound.rule.id: len(watch.state.window.points)
        for bound in states.rules
        for watch in bound.watches.values()
    }
    assert counts == {"open": 20, "gated": 19}
