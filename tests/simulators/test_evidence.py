"""The figures of docs/evidence are what its script says, on settings that stay as they were."""

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from plumbing.documents import load_yaml
from rules.plan import parse_pack
from simulators.backtest.outcome import Outcome
from simulators.backtest.packs import load_pack

FROZEN = "93fe847b7722"
"""Of the run whose figures were told first. Another setting is another file."""


@pytest.fixture(scope="module")
def evidence(root: Path) -> ModuleType:
    path = root / "docs" / "evidence" / "generate.py"
    spec = importlib.util.spec_from_file_location("evidence", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def frozen(evidence: Any, shared: Path) -> Outcome:
    if not (shared / "data" / "tihm").is_dir():
        pytest.skip(f"NOT TESTED: no folder {shared / 'data' / 'tihm'}: the TIHM data set")
    found: Outcome = evidence.on_tihm("tihm-frozen")
    return found


def test_the_settings_are_those_that_were_frozen(frozen: Outcome) -> None:
    assert frozen.settings == FROZEN


def test_on_frozen_settings_labelled_days_of_blood_pressure_are_found(frozen: Outcome) -> None:
    figures = frozen.report.whole.kinds["blood-pressure"].figures
    sensitivity, true = figures["sensitivity"], figures["positive_predictive_value"]
    assert sensitivity.value is not None
    assert true.value is not None
    assert sensitivity.value >= 97.0
    assert true.value >= 80.0


def test_the_shipped_pack_has_the_limits_that_were_frozen(root: Path) -> None:
    ours = load_pack("hypertension")
    kept = parse_pack(load_yaml(root / "docs" / "evidence" / "tihm-frozen.yaml"))
    shipped = {rule.id: rule for rule in ours.rules}
    for rule in kept.rules:
        params = shipped[rule.id].params
        assert params == rule.params


def test_the_page_says_what_the_frozen_run_says(evidence: Any, frozen: Outcome, root: Path) -> None:
    page = (root / "docs" / "evidence" / "README.md").read_text(encoding="utf-8")
    assert evidence.tihm_section() in page, "write it anew: python docs/evidence/generate.py"


def test_the_page_says_what_a_cohort_says(evidence: Any, root: Path) -> None:
    page = (root / "docs" / "evidence" / "README.md").read_text(encoding="utf-8")
    seed = evidence.SEEDS[1]
    for pack, figures in evidence.reached(seed).items():
        row = f"| {seed} | {pack} | {evidence.said(figures['sensitivity'], '%')} |"
        assert row in page, "write it anew: python docs/evidence/generate.py"
