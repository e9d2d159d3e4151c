"""`homebeat rules ...`: what it prints, and how it ends."""

import json

import pytest
from typer.testing import CliRunner

from rules.cli import app

PLAN = """\
version: "1"
people:
  - id: margaret
    name: Margaret Ellis
    packs:
      - pack: heart-failure
rules:
  - id: cold
    for: margaret
    kind: threshold
    params: {metric: room_temperature, below: 18, clear_at: 19}
    debounce: {persist_for: 2h}
    then: {tier: T1, text: general.beyond-limit}
"""
PACK = """\
id: mine
version: "1"
title: Mine
rules:
  - id: high
    source: a book
    kind: threshold
    params: {metric: level, above: 10}
    then: {tier: T3, text: high}
texts:
  high: {person: p, nurse: n, log: l}
"""
CASES = """\
pack: mine
cases:
  - name: eleven is high
    readings:
      level: {d1 07:00: 11}
    until: d1 08:00
    expect: [d1 07:00 high T3]
  - name: nine is said to be high
    readings:
      level: {d1 07:00: 9}
    until: d1 08:00
    expect: [d1 07:00 high T3]
"""


@pytest.fixture
def run():
    def call(*arguments):
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    return call


@pytest.fixture
def write(tmp_path):
    def put(name, text):
        (tmp_path / name).write_text(text)
        return tmp_path / name

    return put


def test_check_says_that_a_plan_can_be_used(run, write):
    path = write("plan.yaml", PLAN)
    done = run("check", path)
    assert done.exit_code == 0
    assert done.output == f"{path}: 11 rules\n"


def test_check_names_the_line_and_what_to_write(run, write):
    path = write("plan.yaml", PLAN.replace("below: 18", "belw: 18"))
    done = run("check", path)
    assert done.exit_code == 1
    assert f"{path}:11: rules.0.params.belw" in done.output
    assert "did you mean 'below'?" in done.output


def test_check_as_json(run, write):
    good, bad = write("plan.yaml", PLAN), write("other.yaml", "just text")
    done = run("check", "--json", good, bad)
    rows = [json.loads(line) for line in done.output.splitlines()]
    assert [row["ok"] for row in rows] == [True, False]
    assert done.exit_code == 1


def test_check_without_files_checks_what_comes_with_homebeat(run):
    done = run("check")
    assert done.exit_code == 0
    assert "heart-failure.yaml: 10 rules" in done.output


def test_cases_beside_a_pack_are_run_and_a_failure_says_what_came_instead(run, write):
    pack, cases = write("mine.yaml", PACK), write("mine.test.yaml", CASES)
    done = run("test", pack)
    assert done.exit_code == 1
    assert "passed  eleven is high" in done.output
    assert f"FAILED  {cases}:8: nine is said to be high" in done.output
    assert "missing:    d1 07:00 high T3" in done.output
    assert run("test", cases).output == done.output


def test_cases_as_json(run, write):
    write("mine.yaml", PACK)
    done = run("test", "--json", write("mine.test.yaml", CASES))
    rows = [json.loads(line) for line in done.output.splitlines()]
    assert [row["passed"] for row in rows] == [True, False]


WRONG_CASES = [
    ("d1 07:00: 11", "d1 7:00: 11", "write it like d2 07:00"),
    ("level:", "levle:", "did you mean 'level'?"),
    ("high T3]", "hihg T3]", "did you mean 'high'?"),
    ("pack: mine", "pack: mien", "did you mean 'mine'?"),
]


@pytest.mark.parametrize(("right", "wrong", "reason"), WRONG_CASES)
def test_a_case_that_is_wrong_is_refused_with_its_place(right, wrong, reason, run, write):
    write("mine.yaml", PACK)
    path = write("mine.test.yaml", CASES.replace(right, wrong, 1))
    done = run("test", path)
    assert done.exit_code == 1
    assert f"{path}:" in done.output
    assert reason in done.output


def test_the_cases_that_come_with_homebeat_pass(run):
    done = run("test")
    assert done.exit_code == 0
    assert "FAILED" not in done.output


def test_explain_says_a_plan_in_plain_words(run, write):
    done = run("explain", write("plan.yaml", PLAN))
    assert done.exit_code == 0
    assert "When Room temperature below 18.0°C, until it is back at 19.0°C" in done.output
    assert "for 2 hours without a break, the person is told" in done.output


def test_a_file_that_is_not_there_is_said(run, tmp_path):
    done = run("check", tmp_path / "plan.yaml")
    assert done.exit_code == 1
    assert "can't be read" in done.output
