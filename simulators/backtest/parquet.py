"""Readings as Parquet, with the columns of the CSV. Needs pyarrow."""

from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from rules.exact import micros
from simulators.backtest.csv_files import READINGS
from simulators.backtest.rows import NO_NUMBER, NO_TIME, InputError, Rows, reason, us_of


def read_readings(path: Path, rows: Rows, zone: ZoneInfo) -> None:
    """`taken_at` as a timestamp, a number or text. Raises InputError."""
    try:
        parquet: Any = import_module("pyarrow.parquet")
    except ModuleNotFoundError as error:
        raise InputError(
            f"{path}: Parquet needs pyarrow, which is not installed here: pip install pyarrow, "
            "or write the readings as CSV"
        ) from error
    try:
        file = parquet.ParquetFile(path)
        names = list(file.schema_arrow.names)
        missing = [name for name in READINGS if name not in names]
        if missing:
            raise InputError(f"{path}: has no column {', '.join(missing)}")
        wanted = [*READINGS, "device"] if "device" in names else list(READINGS)
        for batch in file.iter_batches(columns=wanted):
            _add(rows, [batch.column(name).to_pylist() for name in wanted], zone)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: can't be read as Parquet: {reason(error)}") from error


def _add(rows: Rows, columns: Sequence[Sequence[Any]], zone: ZoneInfo) -> None:
    for patient, metric, value, unit, taken_at, *device in zip(*columns, strict=True):
        why = NO_NUMBER
        try:
            number = float(value)
            why = NO_TIME
            us = _us(taken_at, zone)
        except (TypeError, ValueError, OverflowError):
            rows.read += 1
            rows.set_aside(why)
            continue
        name = str(device[0] or "") if device else ""
        rows.add(str(patient), str(metric), number, unit, us, name)


def _us(taken_at: Any, zone: ZoneInfo) -> int:
    if isinstance(taken_at, datetime):
        aware = taken_at if taken_at.tzinfo else taken_at.replace(tzinfo=zone)
        return micros(aware.astimezone(UTC))
    return us_of(str(taken_at), zone)
