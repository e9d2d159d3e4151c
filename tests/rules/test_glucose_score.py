"""`homebeat rules score glucose`: the consensus's measures, by hand-made courses."""

import json

import pytest

from rules.glucose_score import glucose_lines


def asked(values, **more):
    given = {"values": values, "unit": "mmol/L", "minutes": [5 * i for i in range(len(values))]}
    (line,) = glucose_lines([json.dumps({**given, **more})])
    return json.loads(line)


def events(values, **more):
    return [
        (one["level"], one["begins_min"], one["ends_min"])
        for one in asked(values, **more)["events"]
    ]


COURSES = [
    pytest.param([6, 3.8, 3.8, 6, 6, 6], [], id="ten minutes are no event"),
    pytest.param([6, 3.8, 3.8, 3.8, 6, 6, 6], [("low-1", 5, 20)], id="fifteen minutes are one"),
    pytest.param([6, 3.9, 3.9, 3.9, 6], [], id="3.9 is in range"),
    pytest.param(
        [3.8, 3.8, 3.8, 6, 6, 3.8, 6, 6, 6],
        [("low-1", 0, 30)],
        id="ten minutes back do not end it",
    ),
    pytest.param([3.8, 3.8, 3.8, 6, 6], [("low-1", 0, None)], id="not over at the last value"),
    pytest.param(
        [2.9, 2.9, 2.9, 3.5, 3.5, 3.5, 5, 5, 5],
        [("low-1", 0, 30), ("low-2", 0, 15)],
        id="a level 2 event lies within one of level 1",
    ),
    pytest.param([10.1, 10.1, 10.1, 9, 9, 9], [("high-1", 0, 15)], id="high"),
    pytest.param([14, 14, 14], [("high-1", 0, None), ("high-2", 0, None)], id="very high"),
]


@pytest.mark.parametrize(("values", "expected"), COURSES)
def test_an_event_is_fifteen_minutes_beyond_and_fifteen_back(values, expected):
    assert events(values) == expected


def test_a_gap_of_values_does_not_make_an_event_longer():
    assert events([3.8, 3.8, 3.8], minutes=[0, 60, 120]) == []


def test_the_same_values_in_mg_per_dl_give_the_same_answer():
    mmol = asked([3.5, 3.5, 3.5, 8, 12, 15])
    other = asked([63, 63, 63, 144, 216, 270], unit="mg/dL")
    assert other["percent"] == mmol["percent"]
    assert [one["level"] for one in other["events"]] == [one["level"] for one in mmol["events"]]
    assert other["events"][0]["extreme"] == pytest.approx(63)


def test_shares_mean_and_variation_are_those_of_the_values():
    answer = asked([2.9, 3.8, 5.0, 10.1, 14.0])
    assert answer["percent"] == {
        "very-low": 20.0,
        "low": 40.0,
        "in-range": 20.0,
        "high": 40.0,
        "very-high": 20.0,
    }
    assert answer["mean"] == pytest.approx(7.16)
    assert answer["variation_percent"] == pytest.approx(66.08, abs=0.01)


def test_times_can_be_given_as_moments():
    moments = ["2025-03-30T00:50:00Z", "2025-03-30T02:55:00+02:00", "2025-03-30T01:00:00Z"]
    (line,) = glucose_lines(
        [json.dumps({"values": [3, 3, 3], "unit": "mmol/L", "taken_at": moments})]
    )
    assert [one["begins_min"] for one in json.loads(line)["events"]] == [0.0]


BAD = [
    pytest.param({"unit": "mg"}, "never guessed", id="unit"),
    pytest.param({"values": []}, "above 0", id="nothing"),
    pytest.param({"values": [5, -1], "minutes": [0, 5]}, "above 0", id="below zero"),
    pytest.param({"minutes": [0]}, "1 times and 2 values", id="too few times"),
    pytest.param({"minutes": [5, 0]}, "do not rise", id="backwards"),
    pytest.param({"minutes": None}, "either minutes or taken_at", id="no times"),
    pytest.param({"every_min": 0}, "longer than nothing", id="no interval"),
    pytest.param({"vaules": [1]}, "vaules", id="unknown word"),
]


@pytest.mark.parametrize(("wrong", "says"), BAD)
def test_what_cannot_be_answered_says_what_to_write(wrong, says):
    given = {"values": [5, 6], "unit": "mmol/L", "minutes": [0, 5], **wrong}
    (line,) = glucose_lines([json.dumps(given)])
    assert says in json.loads(line)["error"]


def test_an_empty_line_is_passed_over_and_broken_json_is_told():
    answers = list(glucose_lines(["", "\n", "{"]))
    assert len(answers) == 1
    assert "write" in json.loads(answers[0])["error"]
