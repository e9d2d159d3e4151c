"""The table: a figure, its aim, and whether it is met."""

import json

import pytest

from simulators.bench.table import Aim, Figure, Report, Verdict, as_json, as_markdown, as_table

SPEED = Aim(at_least=4, later=8, of_ratio=True)
CPU = Aim(at_most=90, later=45)
NONE = Aim(at_most=0)


def figure(
    value: float,
    *,
    plain: float | None = None,
    aim: Aim | None = None,
    more: bool = False,
    gate: bool = False,
) -> Figure:
    return Figure(
        part="P1",
        what="something",
        unit="us",
        value=value,
        plain=plain,
        aim=aim,
        more_is_better=more,
        gate=gate,
    )


@pytest.mark.parametrize(
    ("row", "verdict"),
    [
        (figure(400, plain=100, aim=SPEED, more=True), Verdict.OK),
        (figure(399, plain=100, aim=SPEED, more=True), Verdict.NOT_YET),
        (figure(90, plain=300, aim=CPU), Verdict.OK),
        (figure(91, plain=3000, aim=CPU), Verdict.NOT_YET),
        (figure(5), Verdict.SHOWN),
        (figure(0, aim=NONE, gate=True), Verdict.OK),
        (figure(1, aim=NONE, gate=True), Verdict.FAILED),
        (figure(1, aim=NONE), Verdict.NOT_YET),
    ],
    ids=[
        "a ratio that is reached",
        "a ratio that is not",
        "just the limit",
        "above it, however slow the plain loop",
        "no aim",
        "a gate that holds",
        "a gate that does not",
        "the same count where it is no gate",
    ],
)
def test_a_verdict(row: Figure, verdict: Verdict) -> None:
    assert row.verdict is verdict


@pytest.mark.parametrize(
    ("row", "ratio"),
    [
        (figure(400, plain=100, more=True), 4.0),
        (figure(25, plain=100), 4.0),
        (figure(25), None),
        (figure(0, plain=100), None),
    ],
    ids=["more is better", "less is better", "nothing beside it", "nothing to divide by"],
)
def test_times_better(row: Figure, ratio: float | None) -> None:
    assert row.ratio == ratio


@pytest.mark.parametrize(
    ("aim", "text"),
    [
        (SPEED, "at least 4 x (later 8)"),
        (CPU, "at most 90 us (later 45)"),
        (NONE, "at most 0 us"),
    ],
    ids=["ratio", "figure", "none"],
)
def test_an_aim_in_words(aim: Aim, text: str) -> None:
    assert aim.text("us") == text


def report(*figures: Figure) -> Report:
    return Report(machine={"machine": "2 cores"}, figures=figures, runs={"drained": []})


@pytest.mark.parametrize(
    ("rows", "failed"),
    [
        ([figure(1, aim=CPU)], False),
        ([figure(1000, aim=CPU)], False),
        ([figure(1, aim=CPU), figure(2, aim=NONE, gate=True)], True),
    ],
    ids=["all met", "too slow is no failure", "a loss is"],
)
def test_the_bench_fails(rows: list[Figure], failed: bool) -> None:
    assert report(*rows).failed is failed


def test_every_line_of_the_table_is_as_wide_as_the_others() -> None:
    lines = as_table([figure(21_304, plain=5_000, aim=SPEED, more=True), figure(0.4123)])
    assert len({len(line) for line in lines.splitlines()}) == 1
    assert "21,304 us" in lines
    assert "0.41 us" in lines
    assert "4.3 x" in lines


def test_the_page_says_what_it_was_measured_on() -> None:
    assert "- machine: 2 cores" in as_markdown(report(figure(1)))


def test_the_json_holds_figures_ratios_and_verdicts() -> None:
    found = json.loads(as_json(report(figure(25, plain=100, aim=CPU))))
    assert found["machine"] == {"machine": "2 cores"}
    assert found["failed"] is False
    assert found["figures"][0]["value"] == 25
    assert found["figures"][0]["ratio"] == 4
    assert found["figures"][0]["verdict"] == "ok"
