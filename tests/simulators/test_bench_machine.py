"""The figures say what they were measured on, and whether others were at work."""

from pathlib import Path

import pytest

from simulators.bench.machine import describe, noise


@pytest.mark.parametrize(
    ("load", "cores", "said"),
    [(0.1, 2, "quiet"), (1.7, 2, "other work was running"), (1.7, 16, "quiet")],
    ids=["idle", "busy", "much room"],
)
def test_noise(load: float, cores: int, said: str) -> None:
    assert said in noise(load, cores)


@pytest.mark.processes
def test_a_description_names_machine_versions_and_disk(tmp_path: Path) -> None:
    found = describe(load_before=0.0, commits_us=(200.0, 300.0), folder=tmp_path, sizes="a little")
    assert set(found) == {"measured", "machine", "versions", "disk", "noise"}
    assert "mosquitto" in found["versions"]
    assert "250 us" in found["disk"]
