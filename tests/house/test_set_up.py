"""Set-up and constraints agree with what the distribution asks for."""

import subprocess
import tomllib
from importlib.metadata import distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PINNED = dict(
    line.split("==")
    for line in (ROOT / "constraints.txt").read_text().splitlines()
    if line and not line.startswith("#")
)
ASKED = {
    str(each): each
    for group in (PROJECT["dependencies"], *PROJECT["optional-dependencies"].values())
    for each in map(Requirement, group)
    if each.name != "homebeat"
}


@pytest.mark.parametrize("asked", ASKED.values(), ids=ASKED)
def test_what_is_asked_for_is_pinned_within_its_bounds(asked):
    version = PINNED[canonicalize_name(asked.name)]
    assert asked.specifier.contains(version)


def test_the_environment_holds_what_is_pinned():
    installed = {canonicalize_name(each.name): each.version for each in distributions()}
    other = {
        name: installed[name]
        for name in PINNED
        if installed.get(name, PINNED[name]) != PINNED[name]
    }
    assert other == {}, "set up again, or write the constraints anew (make constraints)"


def test_set_up_is_shell_that_parses():
    subprocess.run(["bash", "-n", ROOT / "deploy" / "setup.sh"], check=True)


def test_an_unknown_purpose_is_refused_with_the_usage():
    done = subprocess.run(
        [ROOT / "deploy" / "setup.sh", "party"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "usage: deploy/setup.sh run|test" in done.stderr


def test_a_python_that_is_too_old_is_named_with_what_to_do(tmp_path):
    old = tmp_path / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    done = subprocess.run(
        [ROOT / "deploy" / "setup.sh", "run"],
        env={"PATH": "/usr/bin:/bin", "PYTHON": str(old), "HOMEBEAT_TOUCH_SYSTEM": "no"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "Homebeat needs Python 3.11 or newer" in done.stderr
    assert "make demo PYTHON=" in done.stderr


def test_the_oldest_python_promised_is_the_oldest_accepted():
    assert SpecifierSet(PROJECT["requires-python"]) == SpecifierSet(">=3.11")
    assert "version_info < (3, 11)" in (ROOT / "deploy" / "setup.sh").read_text()


@pytest.mark.parametrize(
    "target", ["demo", "test", "check", "docs", "bench", "chaos", "wheel", "clean", "clean-all"]
)
def test_make_knows(target):
    done = subprocess.run(
        ["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    named = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert target in named
