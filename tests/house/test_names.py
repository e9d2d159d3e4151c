"""No other distribution owns the names of our packages: a stranger's `rules` would be imported."""

import subprocess
import sys
from pathlib import Path

import pytest

GUARD = """
import sys
from importlib.metadata import packages_distributions
for name in sys.argv[1:]:
    owners = set(packages_distributions().get(name, ())) - {"homebeat"}
    if owners:
        print(f"{name} belongs to {sorted(owners)} too: give Homebeat an environment of its own")
        sys.exit(1)
"""


def guard(*names: str, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", GUARD, *names],
        env={"PYTHONPATH": str(path or "")},
        capture_output=True,
        text=True,
        check=False,
    )


def test_our_names_are_ours_alone(packages):
    done = guard(*packages, "homebeat")
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", ["rules", "server", "homebeat"])
def test_another_distribution_of_that_name_is_caught(tmp_path, name):
    info = tmp_path / "stranger-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: stranger\nVersion: 1.0\n")
    (info / "RECORD").write_text(f"{name}/__init__.py,,\n")
    done = guard(name, path=tmp_path)
    assert done.returncode == 1
    assert f"{name} belongs to ['stranger']" in done.stdout
