"""Kinds that judge whole days, and what is unlike the person's own."""

from datetime import time, timedelta

import pytest

from rules.engine import advance, start
from rules.hours import Hours


@pytest.fixture
def found(plan, reading):
    """found(rule, readings): the findings of one go, a day longer than the readings."""

    def go(one, readings):
        ordered = sorted(readings, key=lambda each: (each.taken_at, each.id))
        home = plan(one)
        begin = reading("level", 0.0).taken_at
        end = ordered[-1].taken_at + timedelta(days=1)
        return advance(home, start(home, begin), ordered, end).findings

    return go


@pytest.fixture
def daily(reading):
    """daily([80.0, None, 80.2]): one a day at 07:00, from the first day on; None: no reading."""

    def make(values, metric="level", at="07:00", first=0):
        return [
            reading(metric, value, at, day=day)
            for day, value in enumerate(values, first)
            if value is not None
        ]

    return make


def when(findings, reading):
    """(day, phase) of each."""
    begin = reading("level", 0.0).taken_at
    return [((one.at - begin).days, one.phase.value) for one in findings]


FAST = {"rise": 1.0, "fast_days": 1, "slow_days": 3, "min_days": 3}
# slow_days 3: half of the way each day. After 0, 0 and then v: fast v, slow v / 2.
FAST_ROWS = [
    pytest.param([0.0, 0.0, 2.0], [(2, "active")], id="just the limit counts"),
    pytest.param([0.0, 0.0, 1.9], [], id="less does not"),
    pytest.param([0.0, 5.0], [], id="too few days say nothing"),
    pytest.param([0.0, 0.0, -5.0], [], id="the other way does not count"),
    pytest.param([0.0, 0.0, 2.0, 1.0], [(2, "active"), (3, "inactive")], id="it ends"),
    pytest.param([0.0, 0.0, None, 2.0], [(3, "active")], id="a day without a reading is left out"),
    pytest.param([0.0, 0.0, *[None] * 14, 2.0], [], id="a long silence begins anew"),
]


@pytest.mark.parametrize(("values", "expected"), FAST_ROWS)
def test_a_fast_average_that_leaves_the_slow_one(values, expected, found, daily, rule, reading):
    said = found(rule("fast-slow", metric="level", **FAST), daily(values))
    assert when(said, reading) == expected


def test_a_day_is_judged_once_when_it_is_over_by_its_median(found, daily, rule, reading):
    slips = [reading("level", 99.0, "08:00", day=2), reading("level", 0.0, "09:00", day=2)]
    assert not found(rule("fast-slow", metric="level", **FAST), daily([0.0, 0.0, 0.5]) + slips)
    at_midnight = [*daily([0.0, 0.0]), reading("level", 2.0, "00:00", day=2)]
    (said,) = found(rule("fast-slow", metric="level", **FAST), at_midnight)
    assert said.at == reading("level", 0.0, "00:00", day=3).taken_at - timedelta(microseconds=1)


def test_only_what_is_taken_in_its_hours_counts(found, daily, rule):
    one = rule("fast-slow", metric="level", between=Hours(time(4), time(11)), **FAST)
    assert found(one, daily([0.0, 0.0, 2.0]) + daily([-9.0] * 3, at="20:00"))
    assert not found(one, daily([0.0, 0.0, 0.0]) + daily([9.0] * 3, at="20:00"))


CUSUM = {"way": "up", "least_sd": 1.0, "k": 0.5, "h": 2.0, "baseline_days": 3, "lag_days": 0}
CUSUM_ROWS = [
    pytest.param([0.0, 0.0, 0.0, 2.5], [], id="just h does not count"),
    pytest.param([0.0, 0.0, 0.0, 2.6], [(3, "active")], id="more does"),
    pytest.param([0.0, 0.0, 5.0], [], id="nothing is said without a baseline"),
    pytest.param([0.0, 50.0, 0.0, 1.0, 1.0], [], id="one wild day is no baseline"),
    pytest.param([0.0, 0.0, 0.0, 1.5, 2.0], [(4, "active")], id="small shifts add up"),
    pytest.param([0.0, 0.0, 0.0, -9.0], [], id="the other way does not count"),
    pytest.param([0.0, 0.0, 0.0, *[None] * 14, 9.0], [], id="a long silence begins anew"),
]


@pytest.mark.parametrize(("values", "expected"), CUSUM_ROWS)
def test_small_shifts_add_up(values, expected, found, daily, rule, reading):
    assert when(found(rule("cusum", metric="level", **CUSUM), daily(values)), reading) == expected


def test_a_sum_can_clear_however_far_it_went(found, daily, rule, reading):
    values = [0.0, 0.0, 0.0, 900.0, *[0.0] * 12]
    said = found(rule("cusum", metric="level", **CUSUM), daily(values))
    assert [phase for _, phase in when(said, reading)] == ["active", "inactive"]


def test_a_lagged_baseline_does_not_follow_a_slow_rise(found, daily, rule):
    slow = [0.3 * max(0, day - 20) for day in range(40)]
    usual = {**CUSUM, "baseline_days": 14, "h": 5.0}
    assert found(rule("cusum", metric="level", **usual | {"lag_days": 14}), daily(slow))


TREND = {"rising_per_day": 0.5, "days": 10, "min_days": 5}
TREND_ROWS = [
    pytest.param([0.5 * day for day in range(6)], True, id="just the limit counts"),
    pytest.param([0.4 * day for day in range(10)], False, id="less does not"),
    pytest.param([9.0, 8.0, 7.0, 6.0, 5.0], False, id="the other way does not count"),
    pytest.param([0.0, 1.0, 2.0], False, id="too few days say nothing"),
    pytest.param([*(0.6 * d for d in range(9)), 90.0], True, id="a wild day does not hide it"),
    pytest.param([5.0, 0.0, 6.0, 0.5, 7.0, 1.0, 8.0], False, id="it has to be sure"),
]


@pytest.mark.parametrize(("values", "expected"), TREND_ROWS)
def test_a_steady_trend_of_daily_means(values, expected, found, daily, rule):
    assert bool(found(rule("robust-trend", metric="level", **TREND), daily(values))) is expected


def test_days_before_the_window_do_not_count(found, daily, rule):
    values = [0.0, 1.0, 2.0, 3.0, 4.0, *[4.0] * 10]
    said = found(rule("robust-trend", metric="level", **TREND), daily(values))
    assert [one.phase.value for one in said] == ["active", "inactive"]


OWN = {"days": 10, "min_days": 3}
OWN_ROWS = [
    pytest.param({"rise": 1.0}, [5.0, 5.0, 5.0, 6.0], True, id="just the limit counts"),
    pytest.param({"rise": 1.0}, [5.0, 5.0, 5.0, 5.9], False, id="less does not"),
    pytest.param({"rise": 1.0}, [5.0, 5.0, 9.0], False, id="too few days say nothing"),
    pytest.param({"fall": 1.0}, [5.0, 5.0, 5.0, 4.0], True, id="a fall"),
    pytest.param({"fall": 1.0}, [5.0, 5.0, 5.0, 9.0], False, id="a rise is no fall"),
    pytest.param({"rise": 1.0}, [5.0, 90.0, 5.0, 5.0, 6.0], True, id="a wild day is no baseline"),
    pytest.param(
        {"rise_sd": 3.0, "least_sd": 0.5}, [5.0, 5.0, 5.0, 6.5], True, id="three sd, of the least"
    ),
    pytest.param(
        {"rise_sd": 3.0, "least_sd": 0.5}, [3.0, 5.0, 7.0, 9.0], False, id="a person who varies"
    ),
    pytest.param(
        {"rise": 1.0}, [5.0, 5.0, 5.0, *[None] * 10, 9.0], False, id="the baseline grows old"
    ),
]


@pytest.mark.parametrize(("params", "values", "expected"), OWN_ROWS)
def test_a_value_unlike_the_persons_own(params, values, expected, found, daily, rule):
    one = rule("baseline", metric="level", **OWN, **params)
    assert bool(found(one, daily(values))) is expected


def test_each_block_of_hours_has_its_own_baseline(found, daily, rule):
    mornings, nights = daily([5.0] * 5), daily([9.0] * 5, at="23:00")
    assert not found(
        rule("baseline", metric="level", rise=1.0, block_h=12, **OWN), mornings + nights
    )
    late = [*mornings, *nights, *daily([9.0], first=5)]
    (said,) = found(rule("baseline", metric="level", rise=1.0, block_h=12, **OWN), late)
    assert (said.because.numbers[1].value, said.because.numbers[3].value) == (5.0, 4.0)


def test_one_slip_among_many_readings_of_a_block_moves_nothing(found, daily, rule):
    usual = daily([5.0] * 6)
    same_day = daily([5.0], at="08:00", first=5) + daily([9.0], at="09:00", first=5)
    assert not found(rule("baseline", metric="level", rise=1.0, **OWN), usual + same_day)


CHANGES = [
    pytest.param("fast-slow", FAST, [0.0, 0.0, 4.0], -2.1, id="fast-slow"),
    pytest.param("cusum", CUSUM, [0.0, 0.0, 0.0, 4.0], -1.5, id="cusum"),
    pytest.param(
        "baseline", {"rise": 1.0, **OWN}, [5.0, 5.0, 5.0, 8.0], -2.1, id="baseline: below 6.0"
    ),
    pytest.param(
        "baseline", {"fall": 1.0, **OWN}, [5.0, 5.0, 5.0, 1.0], 3.1, id="baseline: above 4.0"
    ),
]


@pytest.mark.parametrize(("kind", "params", "values", "change"), CHANGES)
def test_with_the_change_that_is_named_nothing_would_have_been_found(
    kind, params, values, change, found, daily, rule
):
    one = rule(kind, metric="level", **params)
    (said,) = found(one, daily(values))
    assert said.because.counterfactual.value == pytest.approx(change)
    assert not found(one, daily([*values[:-1], round(values[-1] + change, 6)]))
    nearer = round(values[-1] + change + (0.1 if change < 0 else -0.1), 6)
    assert found(one, daily([*values[:-1], nearer]))


def test_a_trend_that_no_single_value_made_has_no_such_change(found, daily, rule):
    (said,) = found(
        rule("robust-trend", metric="level", rising_per_day=0.5, days=28, min_days=20),
        daily([1.0 * day for day in range(20)]),
    )
    assert said.because.counterfactual is None
    assert [number.name for number in said.because.numbers] == [
        "value",
        "slope",
        "low",
        "high",
        "days",
    ]


BAD = [
    pytest.param("fast-slow", {"rise": 1.0, "fall": 1.0}, "exactly one", id="both ways"),
    pytest.param("fast-slow", {"rise": 1.0, "fast_days": 28}, "fewer than slow", id="not faster"),
    pytest.param("cusum", {"way": "sideways", "least_sd": 1.0}, "up or down", id="no way"),
    pytest.param("cusum", {"way": "up", "least_sd": 0.0}, "above 0", id="no spread"),
    pytest.param("robust-trend", {"rising_per_day": -1.0}, "above 0", id="a negative rise"),
    pytest.param("robust-trend", {"rising_per_day": 1.0, "days": 5}, "no fewer", id="few days"),
    pytest.param("baseline", {"rise_sd": 3.0}, "least_sd is missing", id="no least spread"),
    pytest.param("baseline", {"rise": 1.0, "block_h": 5}, "part of a day", id="uneven blocks"),
]


@pytest.mark.parametrize(("kind", "params", "says"), BAD)
def test_params_that_make_no_sense_say_what_to_write(kind, params, says, rule):
    with pytest.raises(ValueError) as refused:
        rule(kind, metric="level", **params)
    assert says in str(refused.value)
