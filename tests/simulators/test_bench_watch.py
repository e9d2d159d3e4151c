"""Watching from outside: only commits count, and only new rows are read."""

import os
import sqlite3
from pathlib import Path

import pytest

from simulators.bench.load import P1_RULES
from simulators.bench.subjects import gateway, plain
from simulators.bench.watch import (
    Count,
    Sample,
    Speed,
    cpu_s,
    rss_mb,
    speed,
    synced_commit_us,
    watch,
)

NEW_ROWS = "SELECT sum(kind = 'reading'), max(seq) FROM record WHERE seq > ?"


@pytest.fixture
def journal(tmp_path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(tmp_path / "journal.sqlite3", isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("CREATE TABLE record (seq INTEGER PRIMARY KEY, kind TEXT)")
    return db


def add(db: sqlite3.Connection, *kinds: str) -> None:
    db.executemany("INSERT INTO record (kind) VALUES (?)", [(kind,) for kind in kinds])


def test_only_readings_count_each_once(journal: sqlite3.Connection, tmp_path: Path) -> None:
    count = Count(tmp_path / "journal.sqlite3", NEW_ROWS)
    assert count() == 0
    add(journal, "reading", "finding", "reading")
    assert count() == 2
    assert count() == 2
    add(journal, "alert")
    assert count() == 2
    add(journal, "reading")
    assert count() == 3
    count.close()
    journal.close()


def test_what_is_not_committed_does_not_count(journal: sqlite3.Connection, tmp_path: Path) -> None:
    count = Count(tmp_path / "journal.sqlite3", NEW_ROWS)
    journal.execute("BEGIN")
    add(journal, "reading")
    assert count() == 0
    journal.execute("COMMIT")
    assert count() == 1
    count.close()
    journal.close()


def test_a_store_that_is_not_there_yet_holds_nothing(tmp_path: Path) -> None:
    assert Count(tmp_path / "absent.sqlite3", NEW_ROWS)() == 0


def test_watching_ends_with_the_last_wanted_row() -> None:
    counts = iter([0, 0, 3, 3, 7, 10])
    samples = watch(os.getpid(), lambda: next(counts), 10)
    assert [sample.committed for sample in samples] == [0, 3, 7, 10]


def test_speed_is_between_the_first_commit_seen_and_the_last() -> None:
    samples = [Sample(0, 0, 0.1), Sample(1, 100, 0.2), Sample(2, 900, 0.5), Sample(3, 1100, 0.7)]
    assert speed(samples) == Speed(per_s=500, cpu_us=pytest.approx(500))


def test_one_look_is_no_speed() -> None:
    with pytest.raises(ValueError, match="publish more"):
        speed([Sample(0, 0, 0), Sample(1, 100, 0.1)])


def test_this_very_process_has_memory_and_uses_processor_time() -> None:
    before_s = cpu_s(os.getpid())
    sum(number * number for number in range(2_000_000))
    assert cpu_s(os.getpid()) > before_s
    assert 5 < rss_mb(os.getpid()) < 5_000


def test_a_synced_commit_takes_time(tmp_path: Path) -> None:
    assert synced_commit_us(tmp_path, commits=3) > 0


@pytest.mark.parametrize("make", [gateway, plain], ids=["gateway", "plain loop"])
def test_a_program_keeps_all_that_it_has_in_a_folder_of_its_own(
    make: object, tmp_path: Path
) -> None:
    assert callable(make)
    subject = make(tmp_path / "one", 1883, P1_RULES, timed=True)
    assert subject.store.is_relative_to(tmp_path / "one")
