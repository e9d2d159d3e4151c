"""What the figures were measured on: without it they say nothing."""

import os
import platform
import sqlite3
import statistics
import subprocess
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from plumbing.processes import find_program

_QUIET_LOAD_PER_CORE = 0.25


def describe(
    *, load_before: float, commits_us: Sequence[float], folder: Path, sizes: str
) -> dict[str, str]:
    """Facts by name. `load_before`: the machine's one-minute load when the bench began."""
    cores = len(os.sched_getaffinity(0))
    return {
        "measured": sizes,
        "machine": f"{cores} cores, {platform.machine()}, {platform.system()} {platform.release()}",
        "versions": f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, "
        f"{_mosquitto()}, paho-mqtt {version('paho-mqtt')}",
        "disk": f"one synced commit of one row takes {statistics.median(commits_us):.0f} us here "
        f"({_file_system(folder)})",
        "noise": noise(load_before, cores),
    }


def noise(load_before: float, cores: int) -> str:
    """Whether others were at work: then the figures are too low, and only ratios count."""
    if load_before <= _QUIET_LOAD_PER_CORE * cores:
        return f"the machine was quiet (load {load_before:.2f})"
    return f"other work was running (load {load_before:.2f}): only ratios of one run count"


def _mosquitto() -> str:
    program = find_program("mosquitto")
    said = subprocess.run(
        [program.path, "-h"],
        capture_output=True,
        text=True,
        check=False,
        timeout=10,
        env={**os.environ, **program.environment},
    ).stdout.splitlines()
    return said[0].replace(" version", "") if said else "mosquitto"


def _file_system(folder: Path) -> str:
    """The type of the file system that holds `folder`. See proc(5), /proc/PID/mounts."""
    best = ("", "unknown")
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, point, kind, *_ = line.split()
        if folder.resolve().is_relative_to(point) and len(point) >= len(best[0]):
            best = (point, kind)
    return best[1]
