"""Levels that somebody agreed on, moving averages, and pressures on standing up."""

from datetime import timedelta

import pytest

from rules.engine import advance, start


@pytest.fixture
def found(plan, reading):
    def go(one, readings, until=None):
        home = plan(one)
        ordered = sorted(readings, key=lambda each: (each.taken_at, each.id))
        begin = reading("level", 0.0).taken_at
        until = until or ordered[-1].taken_at
        return advance(home, start(home, begin), ordered, until).findings

    return go


FALL = {"metric": "oxygen_saturation", "fall": 3.0}
AGREED = [
    pytest.param({"agreed": 94.0}, 91.0, True, 1.0, id="just the distance counts"),
    pytest.param({"agreed": 94.0}, 92.0, False, None, id="less than it does not"),
    pytest.param({"edge": 90.0}, 89.0, True, 1.0, id="beyond the edge counts, whatever was agreed"),
    pytest.param({"edge": 90.0}, 90.0, False, None, id="just the edge does not"),
    pytest.param({"agreed": 94.0, "edge": 90.0}, 91.0, True, 1.0, id="the agreed level is nearer"),
    pytest.param({"agreed": 90.0, "edge": 90.0}, 88.0, True, 2.0, id="the edge is nearer"),
]


@pytest.mark.parametrize(("params", "value", "holds", "change"), AGREED)
def test_a_value_away_from_the_agreed_level(params, value, holds, change, found, rule, reading):
    one = rule("away-from-agreed", **FALL, **params)
    said = found(one, [reading("oxygen_saturation", value, "08:00")])
    assert bool(said) is holds
    if said:
        assert said[0].because.counterfactual.value == change


def test_an_agreed_level_stands_still_while_the_person_slowly_gets_worse(found, rule, reading):
    one = rule("away-from-agreed", **FALL, agreed=94.0)
    slowly = [reading("oxygen_saturation", 94.0 - day // 10, "08:00", day=day) for day in range(40)]
    (said,) = found(one, slowly)
    assert (said.at - slowly[0].taken_at).days == 30


def test_a_rise_is_the_other_way_round(found, rule, reading):
    one = rule("away-from-agreed", metric="body_weight", rise=2.0, agreed=78.5)
    weights = [reading("body_weight", 80.4, "07:00"), reading("body_weight", 80.5, "08:00")]
    (said,) = found(one, weights)
    assert said.because.readings == (weights[1].id,)
    assert said.because.counterfactual.value == -0.1


def days_of(reading, values):
    return [reading("level", value, "08:00", day=day) for day, value in enumerate(values)]


EWMA = {"metric": "level", "way": "up", "least_sd": 1.0, "baseline_days": 3, "lag_days": 0}
STEP = 3.0 * (0.2 / 1.8) ** 0.5 / 0.2
"""The step of one day that takes the average to its limit: 3 sigma sqrt(0.2 / 1.8) = 1."""


@pytest.mark.parametrize(
    ("step", "holds"),
    [
        pytest.param(round(STEP, 6), False, id="just the limit is none"),
        pytest.param(round(STEP, 6) + 0.01, True, id="beyond it is one"),
        pytest.param(-round(STEP, 6) - 0.01, False, id="nor is the other way"),
    ],
)
def test_an_average_that_leaves_the_persons_own_level(step, holds, found, rule, reading):
    values = days_of(reading, [0.0, 0.0, 0.0, step])
    until = values[-1].taken_at + timedelta(days=1)
    assert bool(found(rule("ewma", **EWMA), values, until)) is holds


def test_the_average_says_nothing_before_it_knows_the_person(found, rule, reading):
    values = days_of(reading, [0.0, 0.0, 50.0])
    assert found(rule("ewma", **EWMA), values, values[-1].taken_at + timedelta(days=1)) == ()


def test_after_a_long_gap_the_average_begins_anew(found, rule, reading):
    values = [*days_of(reading, [0.0, 0.0, 0.0]), reading("level", 50.0, "08:00", day=30)]
    assert found(rule("ewma", **EWMA), values, values[-1].taken_at + timedelta(days=1)) == ()


def stood(reading, systolic, after_min, *, diastolic=80.0, seated=140.0, told=True):
    begin = reading("level", 0.0, "08:00").taken_at
    readings = [
        reading("systolic_pressure", seated, begin + timedelta(minutes=1)),
        reading("diastolic_pressure", 80.0, begin + timedelta(minutes=1)),
        reading("systolic_pressure", systolic, begin + timedelta(minutes=2 + after_min)),
        reading("diastolic_pressure", diastolic, begin + timedelta(minutes=2 + after_min)),
    ]
    if told:
        readings.append(reading("standing", 0.0, begin))
        readings.append(reading("standing", 1.0, begin + timedelta(minutes=2)))
    return readings


POSTURE = [
    pytest.param({"systolic": 120.0, "after_min": 1}, True, id="twenty systolic after a minute"),
    pytest.param({"systolic": 121.0, "after_min": 1}, False, id="nineteen"),
    pytest.param(
        {"systolic": 140.0, "after_min": 3, "diastolic": 70.0}, True, id="ten diastolic after three"
    ),
    pytest.param({"systolic": 100.0, "after_min": 0.5}, False, id="too soon"),
    pytest.param({"systolic": 100.0, "after_min": 3.5}, False, id="too late"),
    pytest.param({"systolic": 100.0, "after_min": 1, "told": False}, False, id="nobody told how"),
]


@pytest.mark.parametrize(("course", "holds"), POSTURE)
def test_a_fall_on_standing_up(course, holds, found, rule, reading):
    assert bool(found(rule("postural-drop"), stood(reading, **course))) is holds


BAD = [
    pytest.param("away-from-agreed", FALL, id="neither agreed nor an edge"),
    pytest.param("away-from-agreed", FALL | {"rise": 1.0, "edge": 90.0}, id="both ways"),
    pytest.param("ewma", EWMA | {"way": "sideways"}, id="no such way"),
    pytest.param("ewma", EWMA | {"weight": 0.0}, id="a weight of nothing"),
    pytest.param("postural-drop", {"least": timedelta(minutes=5)}, id="least beyond most"),
    pytest.param("not", {"of": ()}, id="nothing to deny"),
    pytest.param("answer", {"metrics": ("im_ok",), "at_least": 2}, id="more than there are"),
    pytest.param(
        "delta",
        {
            "metric": "level",
            "rise": 1.0,
            "window": timedelta(hours=1),
            "repeats_within": timedelta(hours=1),
        },
        id="repeats as far apart as the window",
    ),
]


@pytest.mark.parametrize(("kind", "params"), BAD)
def test_params_that_make_no_sense_are_refused(kind, params, rule):
    with pytest.raises(ValueError):
        rule(kind, **params)


REPEATS = [
    pytest.param([("08:00", 9.0), ("08:10", 5.0), ("12:10", 8.0)], True, id="a repeat corrects"),
    pytest.param(
        [("08:00", 5.0), ("08:10", 9.0), ("12:10", 8.0)], False, id="only the last counts"
    ),
    pytest.param([("08:00", 5.0), ("12:00", 9.0), ("13:00", 8.0)], True, id="four hours are apart"),
]


@pytest.mark.parametrize(("course", "holds"), REPEATS)
def test_of_readings_taken_together_only_the_last_is_a_reference(
    course, holds, found, rule, reading
):
    hours = timedelta(hours=1)
    one = rule("delta", metric="level", rise=3.0, window=24 * hours, repeats_within=4 * hours)
    readings = [reading("level", value, at) for at, value in course]
    phases = [finding.phase for finding in found(one, readings)]
    assert (phases[-1:] == ["active"]) is holds
