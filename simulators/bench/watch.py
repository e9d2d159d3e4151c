"""A program under load, watched from outside: what it has committed, and what it has used."""

import os
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from msgspec import Struct

from plumbing.clock import monotonic_s

POLL_S = 0.01
STALL_S = 30.0
"""Nothing was committed for so long: what is still missing does not come."""

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


class Sample(Struct, frozen=True):
    """How much was committed by then, and the processor time used up to then (all threads)."""

    at_s: float
    committed: int
    cpu_s: float


class Speed(Struct, frozen=True):
    """Between the first commit that was seen and the last."""

    per_s: float
    cpu_us: float
    """Of processor time, for each reading."""


class Count:
    """How many rows a table has, read without disturbing its writer: only what is new is counted.

    `new_rows`: SQL that gives (rows, highest seq) of those after one seq.
    """

    def __init__(self, file: Path, new_rows: str) -> None:
        self._file = file
        self._new_rows = new_rows
        self._db: sqlite3.Connection | None = None
        self._seq = 0
        self._rows = 0

    def __call__(self) -> int:
        if self._db is None:
            if not self._file.exists():
                return 0
            self._db = sqlite3.connect(f"file:{self._file}?mode=ro", uri=True, timeout=5.0)
        try:
            rows, seq = self._db.execute(self._new_rows, (self._seq,)).fetchone()
        except sqlite3.OperationalError:
            return self._rows
        if seq is not None:
            self._seq = seq
            self._rows += rows
        return self._rows

    def close(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None


def cpu_s(pid: int) -> float:
    """User and system time of a process, all its threads. See proc(5), /proc/PID/stat."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S


def rss_mb(pid: int) -> float:
    """The resident memory of a process. See proc(5), /proc/PID/status."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise ValueError(f"process {pid} has no memory of its own")


def watch(pid: int, count: Callable[[], int], wanted: int) -> list[Sample]:
    """Samples until `wanted` rows are committed, or until nothing comes any more."""
    samples: list[Sample] = []
    committed, news_at_s = -1, monotonic_s()
    while committed < wanted:
        now = count()
        at_s = monotonic_s()
        if now != committed:
            committed, news_at_s = now, at_s
            samples.append(Sample(at_s, now, cpu_s(pid)))
        elif at_s - news_at_s > STALL_S:
            break
        time.sleep(POLL_S)
    return samples


def speed(samples: Sequence[Sample]) -> Speed:
    """What was done between the first and the last sample in which something was committed.

    Raises ValueError where fewer than two show anything.
    """
    seen = [sample for sample in samples if sample.committed]
    if len(seen) < 2:
        raise ValueError("all was committed between two looks: publish more")
    first, last = seen[0], seen[-1]
    readings = last.committed - first.committed
    return Speed(readings / (last.at_s - first.at_s), (last.cpu_s - first.cpu_s) / readings * 1e6)


def synced_commit_us(folder: Path, commits: int = 200) -> float:
    """What one commit of one row costs on this disk: the floor under everything measured here."""
    file = folder / "commit.sqlite3"
    with closing(sqlite3.connect(file, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("CREATE TABLE IF NOT EXISTS reading (value REAL)")
        start_s = monotonic_s()
        for number in range(commits):
            db.execute("INSERT INTO reading VALUES (?)", (number,))
        return (monotonic_s() - start_s) / commits * 1e6
