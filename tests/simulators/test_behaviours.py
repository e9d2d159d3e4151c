"""The table of what real devices do names simulators and tests that are there."""

from functools import reduce
from importlib import import_module
from pathlib import Path

import pytest

from simulators.behaviours import BEHAVIOURS, Behaviour
from simulators.play.cli import listed
from simulators.play.faults import FAULTS

TESTS = Path(__file__).parents[1]
ROWS = [pytest.param(row, id=row.does[:50]) for row in BEHAVIOURS]


def test_there_are_fifteen() -> None:
    assert len(BEHAVIOURS) == 15


@pytest.mark.parametrize("row", ROWS)
def test_what_simulates_it_is_there(row: Behaviour) -> None:
    module, _, path = row.simulated.partition(":")
    assert callable(reduce(getattr, path.split("."), import_module(module))) or path == "FAULTS"


@pytest.mark.parametrize("row", ROWS)
def test_the_test_that_shows_it_is_there(row: Behaviour) -> None:
    file, _, name = row.shown.partition("::")
    assert f"\ndef {name}(" in (TESTS / file).read_text()


def test_the_list_of_faults_names_each_with_what_becomes_of_it() -> None:
    for as_json in (False, True):
        lines = listed(as_json=as_json).splitlines()
        assert len(lines) == len(FAULTS)
        for line, fault in zip(lines, FAULTS.values(), strict=True):
            assert fault.name in line
            assert fault.becomes in line
