"""One line of JSON about numbers in, one line out."""

import json

import pytest

from rules.estimate import ESTIMATORS, MOST_POINTS, estimate, estimate_lines

GOOD = [
    pytest.param(
        {"estimator": "ols", "x": [1, 2, 3], "y": [2, 4, 6]},
        {"slope": 2.0, "intercept": 0.0, "r2": 1.0, "n": 3},
        id="ols",
    ),
    pytest.param({"estimator": "ols", "y": [1, 3]}, {"slope": 2.0}, id="without x it counts"),
    pytest.param({"estimator": "ols", "x": None, "y": [1, 3]}, {"slope": 2.0}, id="x null"),
    pytest.param({"estimator": "ols", "y": [1, 3], "id": 7}, {"slope": 2.0}, id="a word beside"),
    pytest.param(
        {"estimator": "ols", "x": [2], "y": [4], "params": {"intercept": False}},
        {"slope": 2.0, "intercept": 0.0},
        id="through the origin",
    ),
    pytest.param({"estimator": "ols", "x": [1, 2], "y": [5, 5]}, {"r2": None}, id="flat"),
    pytest.param(
        {"estimator": "cusum", "y": [3, 3, 3], "params": {"h": 4}},
        {"upper": [2.5, 5.0, 7.5], "lower": [0, 0, 0], "first_alarm": 1, "first_side": "upper"},
        id="cusum",
    ),
    pytest.param(
        {"estimator": "ewma", "y": [1], "params": {"weight": 1, "target": 1}},
        {"statistic": [1], "lower": [-2], "upper": [4], "first_alarm": None},
        id="ewma",
    ),
    pytest.param(
        {"estimator": "ewma", "y": [80, 82], "params": {"weight": 0.5}},
        {"statistic": [80.0, 81.0], "first_alarm": None},
        id="ewma from its first value",
    ),
    pytest.param(
        {"estimator": "ewma", "y": [1], "params": {"lambda": 1, "L": 2, "mu0": 1, "sd": 1}},
        {"statistic": [1], "lower": [-1], "upper": [3]},
        id="ewma in a textbook's words",
    ),
    pytest.param(
        {"estimator": "rolling_median", "y": [1, 9, 2], "params": {"window": 2}},
        {"values": [None, 5.0, 5.5]},
        id="rolling_median",
    ),
    pytest.param(
        {"estimator": "mad", "y": [1, 1, 2, 2, 4, 6, 9]},
        {"median": 2.0, "mad": 1.0, "robust_sd": 1.4826},
        id="mad",
    ),
    pytest.param(
        {"estimator": "quantile", "y": [1, 2, 3, 4], "params": {"p": 0.5}},
        {"value": 2.5, "type": 7},
        id="quantile",
    ),
    pytest.param({"estimator": "theil_sen", "y": [0, 2, 4, 99]}, {"slope": 17.5}),
    pytest.param({"estimator": "mann_kendall", "y": [1, 2, 3]}, {"s": 3, "tau": 1.0}),
]


@pytest.mark.parametrize(("asked", "expected"), GOOD)
def test_the_numbers_come_by_their_names(asked, expected):
    found = estimate(json.dumps(asked))
    assert {name: found[name] for name in expected} == expected


BAD = [
    pytest.param("{", '"estimator": "ols"', id="no JSON"),
    pytest.param("[]", '"estimator": "ols"', id="no object"),
    pytest.param('{"y": [1]}', "estimator", id="no estimator"),
    pytest.param('{"estimator": "ols"}', "y", id="no y"),
    pytest.param('{"estimator": "theilsen", "y": [1]}', "theil_sen", id="a slip of the pen"),
    pytest.param('{"estimator": "magic", "y": [1]}', "rolling_median", id="unknown"),
    pytest.param('{"estimator": "ols", "x": [1], "y": [1, 2]}', "one x for each y", id="uneven"),
    pytest.param('{"estimator": "ols", "x": [1, 1], "y": [1, 2]}', "equal", id="one x"),
    pytest.param('{"estimator": "theil_sen", "x": [1, 1], "y": [1, 2]}', "equal", id="one x again"),
    pytest.param('{"estimator": "ols", "y": [1]}', "2 or more", id="one point"),
    pytest.param('{"estimator": "ols", "y": []}', "2 or more", id="no points"),
    pytest.param('{"estimator": "mann_kendall", "y": [1, 2]}', "3 or more", id="two points"),
    pytest.param('{"estimator": "ols", "y": [1, null, 3]}', "never filled in", id="null"),
    pytest.param('{"estimator": "ols", "y": [1, NaN, 3]}', "NaN", id="NaN"),
    pytest.param('{"estimator": "ols", "y": [1, 1e999]}', "", id="infinity"),
    pytest.param('{"estimator": "ols", "y": ["1", 2]}', "y[0]", id="text"),
    pytest.param('{"estimator": "ols", "y": [true, 2]}', "y[0]", id="true"),
    pytest.param('{"estimator": "ewma", "y": [1], "params": {"weigth": 1}}', "weight", id="word"),
    pytest.param(
        '{"estimator": "ewma", "y": [1], "params": {"lambda": 1, "weight": 1}}', "twice", id="twice"
    ),
    pytest.param('{"estimator": "ewma", "y": [1], "params": {"weight": 0}}', "above 0", id="0"),
    pytest.param('{"estimator": "ewma", "y": [1], "params": {"sigma": 0}}', "above 0", id="sd 0"),
    pytest.param('{"estimator": "cusum", "y": [1], "params": {"k": -1}}', "negative", id="k"),
    pytest.param('{"estimator": "cusum", "y": [1], "params": {"sides": "up"}}', "upper", id="side"),
    pytest.param('{"estimator": "quantile", "y": [1]}', '"p": 0.99', id="no p"),
    pytest.param('{"estimator": "quantile", "y": [1], "params": {"p": 99}}', "0.99", id="per cent"),
    pytest.param(
        '{"estimator": "quantile", "y": [1], "params": {"p": 0.5, "type": 1}}', "4 to 9", id="type"
    ),
    pytest.param('{"estimator": "rolling_median", "y": [1]}', '"window": 7', id="no window"),
    pytest.param(
        '{"estimator": "rolling_median", "y": [1], "params": {"window": 0}}', "1 or more", id="none"
    ),
    pytest.param('{"estimator": "mad", "y": []}', "empty", id="nothing"),
    pytest.param(
        '{"estimator": "theil_sen", "x": [0, 1], "y": [-1e308, 1e308]}', "too large", id="overflow"
    ),
]


@pytest.mark.parametrize(("line", "says"), BAD)
def test_what_cannot_be_answered_says_what_to_write(line, says):
    found = estimate(line)
    assert list(found) == ["error"]
    assert says in found["error"]


def test_each_line_gets_its_answer_and_empty_ones_are_passed_over():
    lines = ['{"estimator": "mad", "y": [1, 2]}\n', "\n", "nonsense\n"]
    answers = [json.loads(line) for line in estimate_lines(lines)]
    assert [sorted(answer) for answer in answers] == [["mad", "median", "robust_sd"], ["error"]]


def test_more_points_than_pairs_can_be_made_of_are_refused():
    line = {"estimator": "theil_sen", "y": list(range(MOST_POINTS + 1))}
    assert str(MOST_POINTS) in estimate(json.dumps(line))["error"]


@pytest.mark.parametrize("name", ESTIMATORS)
def test_the_example_in_each_error_is_right(name):
    y = [80.0, 80.4, 79.9, 80.2, 80.1, 80.7, 80.3, 80.0]
    params = json.loads(ESTIMATORS[name].example)
    found = estimate(json.dumps({"estimator": name, "y": y, "params": params}))
    assert "error" not in found
