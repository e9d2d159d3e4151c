"""A copy of the tree that a test may break, and the tools to hold against it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

PACKAGES = ("devices", "rules", "gateway", "server", "simulators", "plumbing")


@pytest.fixture(scope="session")
def packages() -> tuple[str, ...]:
    """Our import packages."""
    return PACKAGES


@pytest.fixture(scope="session")
def files(root: Path) -> tuple[Path, ...]:
    """What is committed, or would be: every file that git does not ignore."""
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    paths = (root / name for name in listing.split("\0") if name)
    return tuple(path for path in paths if path.is_file())


@pytest.fixture(scope="session")
def broken_tree(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packages and the settings of the tools, to be broken."""
    tree = tmp_path_factory.mktemp("broken")
    for package in PACKAGES:
        shutil.copytree(
            root / package, tree / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    for name in ("pyproject.toml", "homebeat.py"):
        shutil.copy(root / name, tree / name)
    return tree


@pytest.fixture(scope="session")
def tool() -> Callable[..., str]:
    """Runs a tool of this environment in a folder: what it printed, and that it failed."""

    def run(folder: Path, name: str, *arguments: str) -> str:
        done = subprocess.run(
            [Path(sys.executable).parent / name, *arguments],
            cwd=folder,
            env={**os.environ, "COLUMNS": "400"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode != 0, f"{name} found nothing in a tree that was broken on purpose"
        return done.stdout + done.stderr

    return run
