"""The table of NEWS2, cell by cell, and what is said when something is missing."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.news2 import INPUTS, score_line, score_lines

WELL = {
    "rr": 16,
    "spo2": 97,
    "spo2_scale": 1,
    "on_oxygen": False,
    "sbp": 120,
    "hr": 70,
    "temp": 37.0,
    "consciousness": "A",
}

# Each row of the chart: the values at both ends of every column, and their points.
CELLS = {
    "rr": {3: (0, 3, 8, 25, 60), 1: (9, 11), 0: (12, 20), 2: (21, 24)},
    "spo2": {3: (50, 91), 2: (92, 93), 1: (94, 95), 0: (96, 100)},
    "sbp": {3: (0, 50, 90, 220, 300), 2: (91, 100), 1: (101, 110), 0: (111, 219)},
    "hr": {3: (0, 20, 40, 131, 250), 1: (41, 50, 91, 110), 0: (51, 90), 2: (111, 130)},
    "temp": {3: (25.0, 35, 35.0), 1: (35.1, 36.0, 38.1, 39.0), 0: (36.1, 38.0), 2: (39.1, 45)},
    "on_oxygen": {0: (False,), 2: (True,)},
    "consciousness": {
        0: ("A", "a", "alert", "Alert", " ALERT "),
        3: ("C", "V", "P", "U", "c", "confusion", "New  confusion", "voice", "pain", "CVPU"),
    },
}
ROWS = [
    pytest.param(name, value, points, id=f"{name} {value} is {points}")
    for name, columns in CELLS.items()
    for points, values in columns.items()
    for value in values
]


def scored(**changed):
    return score_line(json.dumps({**WELL, **changed}))


@pytest.mark.parametrize(("name", "value", "points"), ROWS)
def test_each_cell_of_the_chart(name, value, points):
    found = scored(**{name: value})
    assert found["parts"] == {**dict.fromkeys(INPUTS, 0), name: points}
    assert found["total"] == points


SCALE_2 = {
    False: {3: (50, 83), 2: (84, 85), 1: (86, 87), 0: (88, 92, 93, 97, 100)},
    True: {3: (50, 83, 97, 100), 2: (84, 85, 95, 96), 1: (86, 87, 93, 94), 0: (88, 92)},
}
SCALE_2_ROWS = [
    pytest.param(oxygen, spo2, points, id=f"{spo2} {'on oxygen' if oxygen else 'on air'}: {points}")
    for oxygen, columns in SCALE_2.items()
    for points, values in columns.items()
    for spo2 in values
]


@pytest.mark.parametrize(("oxygen", "spo2", "points"), SCALE_2_ROWS)
def test_scale_2_looks_at_the_oxygen(oxygen, spo2, points):
    found = scored(spo2_scale=2, on_oxygen=oxygen, spo2=spo2)
    assert found["parts"]["spo2"] == points
    assert found["total"] == points + 2 * oxygen


def test_scale_1_does_not_look_at_the_oxygen():
    assert scored(spo2=97, on_oxygen=True)["parts"] == {**dict.fromkeys(INPUTS, 0), "on_oxygen": 2}


BETWEEN = [
    pytest.param("temp", 35.04, 3, id="35.04 is charted as 35.0"),
    pytest.param("temp", 35.05, 1, id="35.05 is charted as 35.1"),
    pytest.param("temp", 36.05, 0, id="36.05 is charted as 36.1"),
    pytest.param("temp", 38.04, 0, id="38.04 is charted as 38.0"),
    pytest.param("temp", 38.05, 1, id="38.05 is charted as 38.1"),
    pytest.param("temp", 39.05, 2, id="39.05 is charted as 39.1"),
    pytest.param("spo2", 91.4, 3, id="91.4 is charted as 91"),
    pytest.param("spo2", 91.5, 2, id="91.5 is charted as 92"),
    pytest.param("rr", 24.5, 3, id="24.5 is charted as 25"),
    pytest.param("hr", 40.49, 3, id="40.49 is charted as 40"),
    pytest.param("sbp", 219.5, 3, id="219.5 is charted as 220"),
    pytest.param("rr", 20.0, 0, id="20.0 is 20"),
]


@pytest.mark.parametrize(("name", "value", "points"), BETWEEN)
def test_what_lies_between_two_steps_of_the_chart_is_rounded_half_up(name, value, points):
    assert scored(**{name: value})["total"] == points


BANDS = [
    pytest.param({}, 0, "low", id="0"),
    pytest.param({"hr": 111, "sbp": 101, "temp": 38.1}, 4, "low", id="4 without a 3"),
    pytest.param({"hr": 40}, 3, "low-medium", id="a single 3"),
    pytest.param({"hr": 40, "temp": 38.1}, 4, "low-medium", id="4 with a 3"),
    pytest.param({"hr": 40, "spo2": 92}, 5, "medium", id="5 with a 3"),
    pytest.param({"hr": 111, "spo2": 92, "temp": 38.1}, 5, "medium", id="5"),
    pytest.param({"hr": 111, "spo2": 92, "on_oxygen": True}, 6, "medium", id="6"),
    pytest.param({"hr": 40, "spo2": 92, "on_oxygen": True}, 7, "high", id="7"),
    pytest.param(
        {
            "rr": 25,
            "spo2": 91,
            "on_oxygen": True,
            "sbp": 90,
            "hr": 131,
            "temp": 35,
            "consciousness": "U",
        },
        20,
        "high",
        id="everything",
    ),
]


@pytest.mark.parametrize(("changed", "total", "risk"), BANDS)
def test_bands(changed, total, risk):
    found = scored(**changed)
    assert (found["total"], found["band"]) == (total, risk)


@pytest.mark.parametrize("name", INPUTS)
@pytest.mark.parametrize("how", ["null", "left out"])
def test_one_that_is_missing_leaves_it_incomplete(name, how):
    line = {**WELL, name: None} if how == "null" else {k: v for k, v in WELL.items() if k != name}
    found = score_line(json.dumps(line))
    assert found["incomplete"] == (name,)
    assert "total" not in found
    assert "band" not in found
    assert name not in found["parts"]


FLOORS = [
    pytest.param({"rr": 26, "spo2": 90, "hr": 132}, 9, "high", id="three at 3 are 9 already"),
    pytest.param({}, 0, "low", id="nothing at all"),
    pytest.param({"temp": 38.5}, 1, "low", id="one"),
    pytest.param({"consciousness": "V"}, 3, "low-medium", id="one 3"),
    pytest.param({"spo2": 97, "spo2_scale": 2}, 0, "low", id="scale 2 and nobody says on what"),
    pytest.param({"spo2": 84, "spo2_scale": 2}, 2, "low", id="scale 2, low either way"),
    pytest.param({"spo2": 92}, 2, "low", id="scale 1 does not wait for the oxygen"),
]


@pytest.mark.parametrize(("given", "floor", "risk"), FLOORS)
def test_an_incomplete_score_has_a_floor(given, floor, risk):
    found = score_line(json.dumps(given))
    assert (found["floor"], found["floor_band"]) == (floor, risk)
    assert set(found["incomplete"]) == set(INPUTS) - given.keys()


def test_a_scale_that_is_not_given_is_1():
    assert scored(spo2=92, spo2_scale=None)["total"] == 2


some = {
    "rr": st.integers(0, 60),
    "spo2": st.integers(50, 100),
    "spo2_scale": st.sampled_from([1, 2]),
    "on_oxygen": st.booleans(),
    "sbp": st.integers(50, 300),
    "hr": st.integers(20, 250),
    "temp": st.integers(250, 450).map(lambda tenths: tenths / 10),
    "consciousness": st.sampled_from("ACVPU"),
}


@given(st.fixed_dictionaries(some), st.sets(st.sampled_from(INPUTS), min_size=1))
def test_a_floor_is_never_above_the_score_that_it_becomes(whole, left_out):
    full = score_line(json.dumps(whole))
    part = score_line(json.dumps({k: v for k, v in whole.items() if k not in left_out}))
    assert part["floor"] <= full["total"]
    assert part["parts"].items() <= full["parts"].items()


BAD = [
    pytest.param("[]", "object", id="a list"),
    pytest.param("nonsense", "on_oxygen", id="no JSON"),
    pytest.param('{"rr": "16"}', "rr: '16' is no number", id="a number in quotes"),
    pytest.param('{"temp": "37 C"}', "degrees Celsius", id="a number with its unit"),
    pytest.param('{"hr": true}', "hr", id="true for a number"),
    pytest.param('{"hr": ""}', "null", id="an empty text"),
    pytest.param('{"rr": NaN}', "malformed", id="NaN"),
    pytest.param('{"temp": 98.6}', "degrees Celsius", id="Fahrenheit"),
    pytest.param('{"spo2": 0.97}', "per cent", id="a share"),
    pytest.param('{"spo2": 101}', "10 to 100", id="above 100 per cent"),
    pytest.param('{"rr": -1}', "0 to 100", id="below 0"),
    pytest.param('{"on_oxygen": "yes"}', "true, false", id="yes for oxygen"),
    pytest.param('{"on_oxygen": 1}', "true, false", id="1 for oxygen"),
    pytest.param('{"spo2_scale": 3}', "1, or 2", id="no such scale"),
    pytest.param('{"spo2_scale": true}', "1, or 2", id="true for a scale"),
    pytest.param('{"consciousness": "drowsy"}', "A (alert)", id="another word"),
    pytest.param('{"consciousness": true}', "A (alert)", id="true for consciousness"),
    pytest.param('{"consciousness": ""}', "A (alert)", id="no word"),
]


@pytest.mark.parametrize(("line", "says"), BAD)
def test_what_cannot_be_scored_says_what_to_write(line, says):
    found = score_line(line)
    assert list(found) == ["error"]
    assert says in found["error"]


def test_each_line_gets_its_answer():
    answers = [json.loads(line) for line in score_lines([json.dumps(WELL), " ", "{}", "?"])]
    assert [next(iter(answer)) for answer in answers] == ["total", "incomplete", "error"]
