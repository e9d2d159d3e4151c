"""NEWS2 of what a home measures, and the home blood pressure average."""

from datetime import timedelta

import pytest

from rules.engine import advance, start

WELL = {
    "respiratory_rate": 16.0,
    "oxygen_saturation": 97.0,
    "on_oxygen": 0.0,
    "systolic_pressure": 120.0,
    "pulse_rate": 70.0,
    "body_temperature": 37.0,
    "symptom.not_alert": 0.0,
}


@pytest.fixture
def found(plan, reading):
    def go(one, readings, until=None):
        home = plan(one)
        ordered = sorted(readings, key=lambda each: (each.taken_at, each.id))
        begin = reading("level", 0.0).taken_at
        until = until or ordered[-1].taken_at
        return advance(home, start(home, begin), ordered, until).findings

    return go


@pytest.fixture
def observed(reading):
    """observed("10:00", pulse_rate=132.0, ...): one each minute; None: not measured."""

    def make(at, day=0, **changed):
        begin = reading("level", 0.0, at, day=day).taken_at
        values = {**WELL, **{name.replace("__", "."): value for name, value in changed.items()}}
        return [
            reading(metric, value, begin + timedelta(minutes=number))
            for number, (metric, value) in enumerate(values.items())
            if value is not None
        ]

    return make


HIGH = {"respiratory_rate": 26.0, "oxygen_saturation": 90.0, "pulse_rate": 132.0}
ABSENT = {
    "on_oxygen": None,
    "systolic_pressure": None,
    "body_temperature": None,
    "symptom__not_alert": None,
}
SCORES = [
    pytest.param({"total": 9}, HIGH, True, id="just that score counts"),
    pytest.param({"total": 10}, HIGH, False, id="a higher one does not"),
    pytest.param({"total": 9}, HIGH | ABSENT, True, id="the floor counts as the score"),
    pytest.param({"total": 1}, ABSENT, False, id="what is missing scores nothing"),
    pytest.param({"single": True}, {"pulse_rate": 40.0}, True, id="a single 3"),
    pytest.param({"single": True}, {"pulse_rate": 41.0}, False, id="a single 1"),
    pytest.param({"single": True}, {"symptom__not_alert": 1.0}, True, id="not alert is a single 3"),
    pytest.param({"total": 2}, {"on_oxygen": 1.0}, True, id="oxygen is 2"),
    pytest.param(
        {"total": 1, "spo2_scale": 2}, {"oxygen_saturation": 88.0}, False, id="88 on scale 2"
    ),
]


@pytest.mark.parametrize(("params", "values", "expected"), SCORES)
def test_the_score_of_an_hour(params, values, expected, found, observed, rule):
    assert bool(found(rule("news2", **params), observed("10:00", **values))) is expected


def test_an_incomplete_score_never_says_that_all_is_well(found, observed, rule):
    bad = observed("10:00", pulse_rate=132.0)
    later = observed("14:00", **ABSENT)
    assert [one.phase.value for one in found(rule("news2", single=True), bad + later)] == ["active"]
    whole = observed("14:00")
    phases = [one.phase.value for one in found(rule("news2", single=True), bad + whole)]
    assert phases == ["active", "inactive"]


def test_an_observation_counts_for_less_than_an_hour(found, observed, reading, rule):
    first = [reading("respiratory_rate", 26.0, "10:00"), reading("pulse_rate", 132.0, "10:59")]
    assert found(rule("news2", total=6), first)
    first = [reading("respiratory_rate", 26.0, "10:00"), reading("pulse_rate", 132.0, "11:00")]
    assert not found(rule("news2", total=6), first)


RISES = [
    pytest.param([("08:00", {}), ("14:00", {"pulse_rate": 111.0})], True, id="from 0 to 2"),
    pytest.param([("08:00", {}), ("14:00", {"pulse_rate": 91.0})], False, id="from 0 to 1"),
    pytest.param([("14:00", {"pulse_rate": 111.0})], False, id="no earlier score"),
    pytest.param(
        [("08:00", {}), ("08:30", {"pulse_rate": 91.0, "respiratory_rate": 9.0})],
        True,
        id="half an hour later, though each observation alone is a rise of 1",
    ),
    pytest.param(
        [("08:00", ABSENT), ("14:00", {"pulse_rate": 111.0})], False, id="earlier, but incomplete"
    ),
    pytest.param([("08:00", {}), ("14:00", ABSENT | {"pulse_rate": 111.0})], True, id="a floor"),
]


@pytest.mark.parametrize(("sets", "expected"), RISES)
def test_a_rise_since_the_last_complete_score(sets, expected, found, observed, rule):
    readings = [one for at, changed in sets for one in observed(at, **changed)]
    assert bool(found(rule("news2", rise=2), readings)) is expected


def test_a_score_says_what_it_was_made_of_what_is_missing_and_what_would_do(found, reading, rule):
    readings = [reading("oxygen_saturation", 92.0, "10:00"), reading("pulse_rate", 132.0, "10:01")]
    (said,) = found(rule("news2", total=5), readings)
    numbers = [(number.name, number.value) for number in said.because.numbers]
    assert numbers == [("floor", 5.0), ("oxygen saturation", 92.0), ("pulse", 132.0)]
    assert said.because.counterfactual.value == -2.0
    assert said.because.missing == (
        "respiratory_rate, on_oxygen, systolic_pressure, body_temperature, symptom.not_alert"
    )


@pytest.fixture
def protocol(reading):
    """protocol([(sys, dia)] a day): twice in the morning and the evening, two minutes apart."""

    def make(days, left_out=(), apart=2):
        readings = []
        for day, (systolic, diastolic) in enumerate(days):
            for at in ("07:00", f"07:{apart:02}", "19:00", f"19:{apart:02}"):
                if (day, at) not in left_out:
                    readings.append(reading("systolic_pressure", systolic, at, day=day))
                    readings.append(reading("diastolic_pressure", diastolic, at, day=day))
        return readings

    return make


NORMAL, RAISED = (120.0, 80.0), (140.0, 90.0)
SETS = [
    pytest.param([NORMAL, *[(135.0, 80.0)] * 3], {}, True, id="just 135 counts"),
    pytest.param([NORMAL, *[(134.0, 84.0)] * 3], {}, False, id="134 over 84 does not"),
    pytest.param([NORMAL, *[(120.0, 85.0)] * 3], {}, True, id="either alone counts"),
    pytest.param([(200.0, 120.0), *[NORMAL] * 3], {}, False, id="the first day is discarded"),
    pytest.param([RAISED] * 3, {}, False, id="three days are no set"),
    pytest.param([RAISED] * 4, {"left_out": [(2, "19:02")]}, False, id="one reading is missing"),
    pytest.param([RAISED] * 5, {"left_out": [(2, "19:02")]}, True, id="and another day makes up"),
    pytest.param([RAISED] * 4, {"apart": 0}, False, id="twice at once is not two readings"),
    pytest.param([RAISED] * 4, {"apart": 1}, True, id="just a minute apart is"),
    pytest.param([NORMAL, NORMAL, *[(141.0, 84.0)] * 2], {}, False, id="134 on average"),
]


@pytest.mark.parametrize(("days", "how", "expected"), SETS)
def test_a_home_average_is_that_of_a_complete_set(
    days, how, expected, found, protocol, rule, reading
):
    until = reading("level", 0.0, day=9).taken_at
    said = found(rule("home-blood-pressure"), protocol(days, **how), until)
    assert bool(said) is expected


def test_a_day_without_a_reading_begins_a_new_set(found, protocol, rule, reading):
    times = ("07:00", "07:02", "19:00", "19:02")
    readings = protocol([RAISED] * 5, left_out=[(2, at) for at in times])
    assert not found(rule("home-blood-pressure"), readings, reading("level", 0.0, day=9).taken_at)


def test_after_seven_days_a_new_set_begins(found, protocol, rule, reading):
    readings = protocol([*[NORMAL] * 7, *[RAISED] * 4])
    (said,) = found(rule("home-blood-pressure"), readings, reading("level", 0.0, day=12).taken_at)
    assert said.at > reading("level", 0.0, "23:00", day=10).taken_at


def test_an_average_says_its_numbers_and_what_the_last_reading_would_have_had_to_be(
    found, protocol, rule, reading
):
    readings = protocol([NORMAL, (136.0, 80.0), (134.0, 80.0), (135.0, 80.0)])
    (said,) = found(rule("home-blood-pressure"), readings, reading("level", 0.0, day=4).taken_at)
    numbers = [(number.name, number.value) for number in said.because.numbers]
    assert numbers == [("systolic", 135.0), ("diastolic", 80.0), ("days", 4.0)]
    assert said.because.limit.value == 135.0


BAD = [
    pytest.param("news2", {}, id="no limit"),
    pytest.param("news2", {"total": 7, "single": True}, id="two limits"),
    pytest.param("news2", {"total": 0}, id="a score of 0"),
    pytest.param("news2", {"total": 5, "spo2_scale": 3}, id="no such scale"),
    pytest.param("home-blood-pressure", {"least_days": 8}, id="more than most_days"),
    pytest.param("home-blood-pressure", {"systolic_at_least": 80.0}, id="the wrong way round"),
]


@pytest.mark.parametrize(("kind", "params"), BAD)
def test_params_that_make_no_sense_are_refused(kind, params, rule):
    with pytest.raises(ValueError):
        rule(kind, **params)
