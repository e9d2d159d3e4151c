"""A cohort has the published sizes in it, and shows the published ordering."""

import importlib.util
from datetime import timedelta
from pathlib import Path
from statistics import mean, stdev

import pytest
from typer.testing import CliRunner

from simulators.cli import app
from simulators.cohort.heart_failure import OTHER, WORSENING, Patient, cohort
from simulators.cohort.sizes import (
    OTHER_A_YEAR,
    OTHER_CHANGE_KG,
    WEIGHED_SHARE,
    WORSENING_A_YEAR,
    WORSENING_CHANGE_KG,
)


@pytest.fixture(scope="module")
def people() -> list[Patient]:
    return list(cohort(400, 365, 7))


def changes_kg(people: list[Patient], kind: str) -> list[float]:
    """Of the weight from two weeks before an admission to its day, where both were measured."""
    found = []
    for one in people:
        by_day = {weighing.at.date(): weighing.weight_kg for weighing in one.weighings}
        for admission in one.admissions:
            last = admission.day - timedelta(days=1)
            if admission.kind == kind and last in by_day and admission.onset in by_day:
                found.append(by_day[last] - by_day[admission.onset])
    return found


@pytest.mark.parametrize(
    ("kind", "published"),
    [(WORSENING, WORSENING_CHANGE_KG), (OTHER, OTHER_CHANGE_KG)],
    ids=["worsening", "another reason"],
)
def test_weight_changes_before_an_admission_as_published(
    people: list[Patient], kind: str, published: tuple[float, float]
) -> None:
    found = changes_kg(people, kind)
    assert len(found) > 150
    assert mean(found) == pytest.approx(published[0], abs=0.25)
    assert stdev(found) == pytest.approx(published[1], rel=0.12)


def test_many_decline_without_a_gain(people: list[Patient]) -> None:
    found = changes_kg(people, WORSENING)
    assert 0.25 < sum(change <= 0 for change in found) / len(found) < 0.45


def test_people_weigh_in_and_are_admitted_as_often_as_published(people: list[Patient]) -> None:
    at_home = sum(365 - 7 * len(one.admissions) for one in people)
    assert sum(len(one.weighings) for one in people) / at_home == pytest.approx(
        WEIGHED_SHARE, abs=0.03
    )
    kinds = [admission.kind for one in people for admission in one.admissions]
    assert kinds.count(WORSENING) / kinds.count(OTHER) == pytest.approx(
        WORSENING_A_YEAR / OTHER_A_YEAR, rel=0.15
    )
    assert kinds.count(WORSENING) / 400 == pytest.approx(WORSENING_A_YEAR, rel=0.15)


def test_nobody_weighs_in_while_in_hospital(people: list[Patient]) -> None:
    for one in people:
        for admission in one.admissions:
            assert not [
                weighing
                for weighing in one.weighings
                if admission.day <= weighing.at.date() < admission.home_again
            ]


def test_the_same_seed_is_the_same_people_and_more_people_change_nobody() -> None:
    ten, twenty = list(cohort(10, 60, 3)), list(cohort(20, 60, 3))
    assert twenty[:10] == ten
    assert list(cohort(10, 60, 4)) != ten


def test_a_cohort_is_written_as_a_backtest_reads_it(tmp_path: Path) -> None:
    words = ["cohort", "--people", "3", "--days", "90", "--seed", "5", "--out", str(tmp_path)]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    lines = (tmp_path / "readings.csv").read_text().splitlines()
    assert lines[0] == "patient,metric,value,unit,taken_at"
    assert f"3 people, {len(lines) - 1} weights" in done.output
    assert (tmp_path / "labels.csv").read_text().startswith("patient,at,kind")


@pytest.fixture(scope="module")
def evidence(root: Path):
    spec = importlib.util.spec_from_file_location(
        "evidence", root / "docs" / "evidence" / "generate.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("seed", [11, 12, 13, 14])
def test_a_rule_of_thumb_finds_more_and_is_noisier_than_a_fast_slow_average(
    evidence, seed: int
) -> None:
    found = evidence.reached(seed, people=100)
    thumb, average = found[evidence.RULE_OF_THUMB], found[evidence.FAST_SLOW]
    assert thumb["sensitivity"].value > average["sensitivity"].value + 5
    assert thumb["before_others"] > 3 * average["before_others"]
    assert (
        thumb["unexplained_a_patient_year"].value > 4 * average["unexplained_a_patient_year"].value
    )
    assert thumb["positive_predictive_value"].value < average["positive_predictive_value"].value
