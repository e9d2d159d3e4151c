"""From rows of a file to one Course a person: checked as a home's intake checks, and counted.

What can't be judged (no such metric, a wrong unit, outside the range of the metric) is set aside
with its reason. What is in range and still hardly possible is kept and marked as unusual.
"""

from array import array
from collections import Counter
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from devices.metrics import METRICS
from devices.units import UnitError, to_canonical
from rules.backtest.course import Course
from rules.exact import micros

UNUSUAL: dict[str, tuple[float, float]] = {
    "body_temperature": (34.0, 41.5),
    "systolic_pressure": (75.0, 220.0),
    "diastolic_pressure": (35.0, 140.0),
    "pulse_rate": (30.0, 180.0),
    "oxygen_saturation": (70.0, 100.0),
    "body_weight": (35.0, 200.0),
}
"""Outside, a value of an adult at home is more often a slip than the truth [D]."""


class InputError(Exception):
    """A file that can't be read as what it is said to be: what to do is in the message."""


NO_NUMBER = "a value that is no number"
NO_TIME = "a time that can't be read: write it like 2025-03-01T08:30+00:00"


def reason(error: Exception) -> str:
    """Why a file can't be read, in words."""
    match error:
        case FileNotFoundError():
            return "there is no such file"
        case IsADirectoryError():
            return "it is a folder"
        case OSError(strerror=str(words)):
            return words
        case _:
            return str(error)


class _Columns:
    __slots__ = ("series", "unusual", "us", "values", "which")

    def __init__(self) -> None:
        self.us = array("q")
        self.which = array("i")
        self.values = array("d")
        self.unusual = array("b")
        self.series: dict[tuple[str, str], int] = {}


class Rows:
    """What was read. `wanted`: the metrics that matter; None: all."""

    def __init__(self, wanted: Collection[str] | None = None) -> None:
        self.wanted = None if wanted is None else frozenset(wanted)
        self.read = 0
        self.unheard = 0
        """Rows of metrics that no rule of the pack reads."""
        self.aside: Counter[str] = Counter()
        self.first_aside: dict[str, str] = {}
        """Where the first row of each reason stands: "readings.csv:2"."""
        self.file: Path | None = None
        self.line = 0
        """The row that is read, where the file has lines; it counts from 1."""
        self.unusual: Counter[str] = Counter()
        self.metrics: Counter[str] = Counter()
        self._people: dict[str, _Columns] = {}

    def add(
        self, patient: str, metric: str, value: float, unit: str | None, us: int, device: str = ""
    ) -> None:
        """One row; `us` is in microseconds since 1970."""
        self.read += 1
        known = METRICS.get(metric)
        if known is None:
            self.set_aside(f"{metric or 'no metric'}: no such metric")
            return
        if unit != known.unit:
            try:
                value = to_canonical(metric, value, unit)
            except UnitError as error:
                self.set_aside(str(error))
                return
        if not known.low <= value <= known.high:
            self.set_aside(
                f"{metric}: outside {known.low:g} to {known.high:g} {known.unit}, "
                "the range of the metric"
            )
            return
        self.metrics[metric] += 1
        limits = UNUSUAL.get(metric)
        odd = limits is not None and not limits[0] <= value <= limits[1]
        if odd and limits is not None:
            self.unusual[f"{metric}: outside {limits[0]:g} to {limits[1]:g} {known.unit}"] += 1
        if self.wanted is not None and metric not in self.wanted:
            self.unheard += 1
            return
        columns = self._people.get(patient)
        if columns is None:
            columns = self._people[patient] = _Columns()
        columns.us.append(us)
        columns.values.append(value)
        columns.unusual.append(odd)
        columns.which.append(columns.series.setdefault((device, metric), len(columns.series)))

    def set_aside(self, why: str) -> None:
        self.aside[why] += 1
        if self.aside[why] == 1 and self.file is not None:
            self.first_aside[why] = f"{self.file}:{self.line}" if self.line else str(self.file)

    def courses(self) -> list[Course]:
        """One a person, by name."""
        return [
            Course(
                person=person,
                series=tuple(columns.series),
                us=np.array(columns.us, dtype=np.int64),
                which=np.array(columns.which, dtype=np.int32),
                values=np.array(columns.values, dtype=np.float64),
                unusual=np.array(columns.unusual, dtype=np.bool_),
            )
            for person, columns in sorted(self._people.items())
        ]


_EPOCH_MS = 100_000_000_000
"""A number above it counts milliseconds: in seconds it would be the year 5138."""


def us_of(text: str, zone: ZoneInfo) -> int:
    """Microseconds since 1970 of ISO 8601 (local to `zone` where it names none), or of seconds or
    milliseconds since 1970. Raises ValueError."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        number = float(text)
        return round(number * (1_000 if abs(number) >= _EPOCH_MS else 1_000_000))
    return micros((at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC))


def kind_of(text: str) -> str:
    """ "Blood pressure" -> "blood-pressure": a kind of event as families of rules are written."""
    return "-".join(text.lower().replace("_", " ").split())
