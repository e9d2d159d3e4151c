"""What happens exactly at a limit, for each word and each kind that has one."""

from datetime import time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.branches import Branch
from rules.engine import advance, start
from rules.exact import from_millionths, millionths
from rules.hours import Hours
from rules.limits import Limit

H = timedelta(hours=1)

WORDS = [
    # word, value, at it, just below it, just above it
    pytest.param("above", 10.0, False, False, True, id="above leaves the limit out"),
    pytest.param("at_least", 10.0, True, False, True, id="at_least takes the limit in"),
    pytest.param("below", 10.0, False, True, False, id="below leaves the limit out"),
    pytest.param("at_most", 10.0, True, True, False, id="at_most takes the limit in"),
]


@pytest.mark.parametrize(("word", "value", "at", "under", "over"), WORDS)
def test_a_limit_says_itself_what_holds_exactly_at_it(
    word, value, at, under, over, rule, plan, reading
):
    for measured, expected in ((value, at), (value - 0.1, under), (value + 0.1, over)):
        home = plan(rule("threshold", metric="level", **{word: value}))
        one = reading("level", measured, "01:00")
        findings = advance(home, start(home, one.taken_at - H), [one], one.taken_at).findings
        assert bool(findings) is expected, measured


HYSTERESIS = [
    pytest.param([11.0, 9.0, 8.1], ["active"], id="holds between the limit and clear_at"),
    pytest.param([11.0, 8.0], ["active", "inactive"], id="ends exactly at clear_at"),
    pytest.param([9.0, 9.9, 10.0], [], id="does not begin between them"),
    pytest.param([11.0, 8.0, 9.0], ["active", "inactive"], id="does not begin again between them"),
]


@pytest.mark.parametrize(("values", "phases"), HYSTERESIS)
def test_hysteresis(values, phases, rule, plan, reading):
    home = plan(rule("threshold", metric="level", above=10.0, clear_at=8.0))
    course = [reading("level", value, f"{hour:02}:00") for hour, value in enumerate(values, 1)]
    begin = course[0].taken_at - H
    found = advance(home, start(home, begin), course, course[-1].taken_at).findings
    assert [finding.phase for finding in found] == phases


def test_a_difference_that_floating_point_makes_too_small_still_counts(rule, plan, reading):
    assert 64.1 - 62.1 < 2.0, "the trap that this test is about"
    home = plan(rule("delta", metric="body_weight", rise=2.0, window=24 * H))
    course = [reading("body_weight", 62.1, "07:00"), reading("body_weight", 64.1, "08:00")]
    begin = course[0].taken_at - H
    (found,) = advance(home, start(home, begin), course, course[-1].taken_at).findings
    assert found.because.numbers[2].value == 2.0
    assert found.because.counterfactual.value == -0.1


@given(st.sampled_from(["above", "at_least", "below", "at_most"]), st.integers(-400, 400))
def test_the_nearest_value_outside_a_limit_is_outside_and_the_next_one_is_not(word, tenths):
    limit = Limit(word, tenths / 10)
    outside = limit.nearest_outside(1)
    step = 0.1 if limit.upwards else -0.1
    inside = from_millionths(millionths(outside) + millionths(step))
    assert not limit.holds(outside, limit.value)
    assert limit.holds(inside, limit.value)


COUNTERFACTUAL = {
    "threshold above": ("threshold", {"metric": "level", "above": 10.0}),
    "threshold at_most": ("threshold", {"metric": "level", "at_most": 3.0}),
    "threshold held by hysteresis, 2 of 2": (
        "threshold",
        {"metric": "level", "above": 10.0, "clear_at": 5.0, "debounce": {"k": 2, "n": 2}},
    ),
    "rise": ("delta", {"metric": "level", "rise": 4.0, "window": 5 * H}),
    "rise from morning": (
        "delta",
        {"metric": "level", "rise": 4.0, "window": 20 * H, "between": Hours(time(4), time(11))},
    ),
    "fall from agreed": ("delta", {"metric": "level", "fall": 4.0, "window": 5 * H, "agreed": 9.0}),
    "rising": (
        "trend",
        {"metric": "level", "rising_per_hour": 1.5, "samples": 4, "min_samples": 2},
    ),
    "falling": (
        "trend",
        {"metric": "level", "falling_per_day": 10.0, "samples": 5, "min_samples": 3},
    ),
    "all": (
        "all",
        {"of": (Branch(metric="level", above=10.0), Branch(metric="level", below=12.0))},
    ),
}


@pytest.mark.parametrize("case", COUNTERFACTUAL)
@given(values=st.lists(st.integers(0, 300), min_size=1, max_size=12))
def test_the_counterfactual_is_the_smallest_change_that_would_have_kept_it_silent(
    case, values, rule, plan, reading
):
    kind, fields = COUNTERFACTUAL[case]
    home = plan(rule(kind, **fields))
    course = [reading("level", value / 20, f"{hour:02}:00") for hour, value in enumerate(values, 1)]
    begin = course[0].taken_at - H
    found = advance(home, start(home, begin), course, course[-1].taken_at).findings
    for finding in found:
        if finding.phase != "active" or finding.because.counterfactual is None:
            continue
        before = [one for one in course if one.taken_at < finding.at]
        latest = next(one for one in course if one.taken_at == finding.at)
        change = millionths(finding.because.counterfactual.value)
        step = millionths(0.01 if change < 0 else -0.01)

        def fires(moved, latest=latest, before=before):
            value = from_millionths(millionths(latest.value) + moved)
            changed = reading("level", value, latest.taken_at)
            states = start(home, begin)
            again = advance(home, states, [*before, changed], latest.taken_at).findings
            return any(one.at == changed.taken_at and one.phase == "active" for one in again)

        assert fires(0)
        assert change != 0
        assert not fires(change)
        if kind != "all":
            assert fires(change + 11 * step), "a smaller change would have done"
