"""Readings and labels as CSV, plain or gzipped.

readings: patient, metric, value, unit, taken_at [, device]
labels:   patient, at, kind
"""

import csv
import gzip
from collections.abc import Iterator, Sequence
from io import TextIOWrapper
from pathlib import Path
from zoneinfo import ZoneInfo

from rules.backtest.matching import Event
from simulators.backtest.rows import NO_NUMBER, NO_TIME, InputError, Rows, kind_of, reason, us_of

READINGS = ("patient", "metric", "value", "unit", "taken_at")
LABELS = ("patient", "at", "kind")


def read_readings(path: Path, rows: Rows, zone: ZoneInfo) -> None:
    """Raises InputError; a row that can't be read is set aside."""
    for line, row in enumerate(table(path, READINGS, ("device",)), start=2):
        patient, metric, value, unit, taken_at, device = row
        rows.line = line
        why = NO_NUMBER
        try:
            number = float(value)
            why = NO_TIME
            us = us_of(taken_at, zone)
        except (ValueError, OverflowError):
            rows.read += 1
            rows.set_aside(why)
            continue
        rows.add(patient, metric, number, unit, us, device)


def read_labels(path: Path, zone: ZoneInfo) -> list[Event]:
    """Raises InputError: an event that is lost would make every figure look better or worse."""
    found = []
    for line, (patient, at, kind) in enumerate(table(path, LABELS), start=2):
        try:
            found.append(Event(patient, kind_of(kind), us_of(at, zone)))
        except (ValueError, OverflowError) as error:
            raise InputError(
                f"{path}:{line}: {at!r} is no time: write it like 2025-03-01T08:30+00:00"
            ) from error
    return found


def table(path: Path, needed: Sequence[str], more: Sequence[str] = ()) -> Iterator[list[str]]:
    """The named columns of each row, in the order asked for; "" for one of `more` that is not
    there. Raises InputError."""
    try:
        with _opened(path) as file:
            lines = csv.reader(file)
            head = [name.strip() for name in next(lines, [])]
            missing = [name for name in needed if name not in head]
            if missing:
                raise InputError(
                    f"{path}: has no column {', '.join(missing)}: its first line must name "
                    f"{', '.join(needed)}"
                )
            width = len(head)
            places = [head.index(name) if name in head else width for name in (*needed, *more)]
            for row in lines:
                if row:
                    full = [*row, *[""] * (width + 1 - len(row))]
                    yield [full[place] for place in places]
    except (OSError, UnicodeDecodeError, EOFError, csv.Error) as error:
        raise InputError(f"{path}: can't be read as CSV: {reason(error)}") from error


def _opened(path: Path) -> TextIOWrapper:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")
