"""Glucose as the international consensus counts it: ranges, events and shares of time."""

from datetime import timedelta

import pytest

from rules.engine import advance, start
from rules.glucose import RANGES

MIN = timedelta(minutes=1)


@pytest.fixture
def found(plan, reading):
    def go(one, readings, until):
        home = plan(one)
        ordered = sorted(readings, key=lambda each: (each.taken_at, each.id))
        begin = reading("level", 0.0).taken_at
        return advance(home, start(home, begin), ordered, until).findings

    return go


@pytest.fixture
def sensor(reading):
    """sensor("3.5 3.5 - 5"): one each five minutes from 01:00 on; -: none came."""

    def make(text, every=5 * MIN):
        begin = reading("level", 0.0, "01:00").taken_at
        return [
            reading("sensor_glucose", float(value), begin + every * number)
            for number, value in enumerate(text.split())
            if value != "-"
        ]

    return make


EDGES = [
    # mg/dL, and the same in mmol/L as a meter shows it: very low, low, in range, high, very high
    pytest.param(53, 2.9, "very-low low", id="53 mg/dL"),
    pytest.param(54, 3.0, "low", id="54 mg/dL is level 1"),
    pytest.param(69, 3.8, "low", id="69 mg/dL"),
    pytest.param(70, 3.9, "in-range", id="70 mg/dL is in range"),
    pytest.param(180, 10.0, "in-range", id="180 mg/dL is in range"),
    pytest.param(181, 10.1, "high", id="181 mg/dL is high"),
    pytest.param(250, 13.9, "high", id="250 mg/dL is level 1"),
    pytest.param(251, 14.0, "high very-high", id="251 mg/dL is level 2"),
]


@pytest.mark.parametrize(("mg", "mmol", "ranges"), EDGES)
def test_both_scales_agree_at_the_edges(mg, mmol, ranges):
    for value in (mg / 18.016, mmol):
        assert {name for name, one in RANGES.items() if one.holds(value)} == set(ranges.split())


EVENTS = [
    pytest.param("low-1", "5 3.8 3.8 3.8 5", [15], id="three of five minutes are fifteen"),
    pytest.param("low-1", "5 3.8 3.8 5 3.8 3.8 5", [], id="two are not, twice neither"),
    pytest.param("low-1", "5 3.9 3.9 3.9 3.9", [], id="3.9 is in range"),
    pytest.param(
        "low-1", "3.8 3.8 3.8 5 5 5", [10, -25], id="it ends when it has been back for fifteen"
    ),
    pytest.param(
        "low-1", "3.8 3.8 3.8 5 5 3.8 5 5 3.8", [10], id="and not before: it is one event"
    ),
    pytest.param(
        "low-1",
        "3.8 3.8 3.8 5 5 5 3.8 3.8 3.8",
        [10, -25, 40],
        id="after that another begins",
    ),
    pytest.param("low-2", "3.8 3.8 3.8 3.0 3.0 3.0", [], id="3.0 is level 1"),
    pytest.param("low-2", "2.9 2.9 2.9 3.2 3.2 3.2", [10, -25], id="level 2 ends at its own edge"),
    pytest.param("low-1", "2.9 2.9 2.9", [10], id="level 2 lies within level 1"),
    pytest.param("high-1", "10.0 10.0 10.0 10.1 10.1 10.1", [25], id="10.0 is in range"),
    pytest.param("high-2", "13.9 13.9 13.9 14 14 14", [25], id="13.9 is level 1"),
    pytest.param("low-1", "3.8 - 3.8", [10], id="a reading that is lost breaks nothing"),
    pytest.param(
        "low-1", "3.8 - - - - - - - - - 3.8 3.8", [], id="a silence of more than 45 minutes does"
    ),
    pytest.param("low-1", "3.8" + " -" * 40, [], id="silence makes no event"),
    pytest.param("low-1", "3.8 3.8 3.8" + " -" * 40 + " 3.8", [10], id="and ends none"),
]


@pytest.mark.parametrize(("level", "values", "minutes"), EVENTS)
def test_an_event_lasts_for_fifteen_minutes_and_so_does_its_end(
    level, values, minutes, found, sensor, rule, reading
):
    begin = reading("level", 0.0, "01:00").taken_at
    said = found(rule("glucose-event", level=level), sensor(values), begin + timedelta(days=1))
    ends = {"active": 1, "inactive": -1}
    assert [(one.at - begin) // MIN * ends[one.phase.value] for one in said] == minutes


def test_what_a_device_cannot_show_is_an_event_at_once(found, rule, reading):
    lo = [reading("glucose_below_range", 1.0, "01:00")]
    (said,) = found(rule("glucose-event", level="low-2"), lo, lo[0].taken_at)
    assert said.because.counterfactual is None
    assert not found(rule("glucose-event", level="high-2"), lo, lo[0].taken_at)


def test_an_event_names_the_change_that_would_have_been_in_range(found, sensor, rule, reading):
    values = sensor("3.6 3.6 3.6")
    (said,) = found(rule("glucose-event", level="low-1"), values, values[-1].taken_at)
    assert said.because.counterfactual.value == pytest.approx(0.3)
    assert [(number.name, number.value) for number in said.because.numbers] == [
        ("value", 3.6),
        ("lasted", 15.0),
    ]


TIME = {"days": 1, "every": timedelta(hours=1), "least_data_percent": 70.0}
TIMES = [
    pytest.param("in-range", {"below": 70.0}, "5 " * 14 + "11 " * 6, [], id="just 70 per cent"),
    pytest.param("in-range", {"below": 70.0}, "5 " * 13 + "11 " * 7, ["active"], id="65 per cent"),
    pytest.param("low", {"at_least": 5.0}, "5 " * 19 + "3.5", ["active"], id="5 per cent low"),
    pytest.param("very-low", {"at_least": 5.0}, "5 " * 19 + "3.5", [], id="but not very low"),
    pytest.param("in-range", {"below": 70.0}, "11 " * 16, [], id="too few readings say nothing"),
    pytest.param("in-range", {"below": 70.0}, "11 " * 17, ["active"], id="70 per cent are enough"),
    pytest.param("variation", {"above": 36.0}, "4 8 " * 10, [], id="a variation of 34"),
    pytest.param("variation", {"above": 34.0}, "4 8 " * 10, ["active"], id="is above 34"),
]


@pytest.mark.parametrize(("measure", "limit", "values", "phases"), TIMES)
def test_shares_of_time_need_their_data(
    measure, limit, values, phases, found, sensor, rule, reading
):
    until = reading("level", 0.0, day=1).taken_at
    one = rule("glucose-time", measure=measure, **limit, **TIME)
    said = found(one, sensor(values, timedelta(hours=1)), until)
    assert [finding.phase.value for finding in said] == phases


def test_a_sensor_that_sends_twice_counts_once(found, sensor, rule, reading):
    hourly = sensor("11 " * 10, timedelta(hours=1))
    twice = sensor("11 " * 100, 5 * MIN)
    until = reading("level", 0.0, day=1).taken_at
    assert not found(
        rule("glucose-time", measure="in-range", below=70.0, **TIME), hourly + twice, until
    )


def test_a_share_that_one_reading_decided_says_so(found, sensor, rule, reading):
    until = reading("level", 0.0, day=1).taken_at
    one = rule("glucose-time", measure="in-range", below=70.0, **TIME)
    (said,) = found(one, sensor("5 " * 13 + "11 " * 7, timedelta(hours=1)), until)
    assert said.because.counterfactual.value == pytest.approx(-1.0)
    (said,) = found(one, sensor("5 " * 10 + "11 " * 10, timedelta(hours=1)), until)
    assert said.because.counterfactual is None


BAD = [
    pytest.param("glucose-event", {"level": "low"}, "low-1", id="no level"),
    pytest.param("glucose-event", {"level": "low-1", "max_gap": MIN}, "max_gap", id="a short gap"),
    pytest.param("glucose-time", {"measure": "range", "below": 1.0}, "in-range", id="no measure"),
    pytest.param("glucose-time", {"measure": "low"}, "exactly one", id="no limit"),
    pytest.param("glucose-time", {"measure": "low", "above": 101.0}, "100", id="above all"),
]


@pytest.mark.parametrize(("kind", "params", "says"), BAD)
def test_params_that_make_no_sense_say_what_to_write(kind, params, says, rule):
    with pytest.raises(ValueError) as refused:
        rule(kind, **params)
    assert says in str(refused.value)
