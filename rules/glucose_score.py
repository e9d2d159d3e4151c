"""The glucose measures of the international consensus from a shell: JSON in, JSON out, a line each.

In: {"values": [...], "unit": "mmol/L" | "mg/dL", "minutes": [...] or "taken_at": [...]}, the
times rising; "every_min" is the sensor's interval (5), "lasting_min" what makes an event (15),
"max_gap_min" beyond which two values are not one stretch (45).
Out: the events of each level, the shares of the values in each range, mean and coefficient of
variation; or {"error"} that says what to write.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import isfinite
from statistics import fmean, stdev
from typing import Any

import msgspec
from msgspec import Struct

from devices.model import Reading
from rules.exact import micros
from rules.glucose import LEVELS, MG_PER_MMOL, RANGES
from rules.kinds.glucose_event import GlucoseEvent, Params, State

METRIC = "sensor_glucose"
UNITS = {"mmol/L": 1.0, "mg/dL": MG_PER_MMOL}
_ZERO = datetime(2000, 1, 1, tzinfo=UTC)
_WRITE = 'write {"values": [3.8, 3.7, 3.6], "unit": "mmol/L", "minutes": [0, 5, 10]}'


class Asked(Struct, forbid_unknown_fields=True):
    values: list[float]
    unit: str
    minutes: list[float] | None = None
    taken_at: list[datetime] | None = None
    every_min: float = 5.0
    lasting_min: float = 15.0
    max_gap_min: float = 45.0


class Episode(Struct, kw_only=True):
    """From the first value beyond the level to the first one back; `ends` is null while it goes
    on or where the values stop. Minutes count from the first value."""

    level: str
    begins_min: float
    ends_min: float | None
    values: int
    extreme: float
    """The lowest value of a low, the highest of a high, in the unit asked in."""


class Answer(Struct, kw_only=True):
    events: list[Episode]
    percent: dict[str, float]
    mean: float
    variation_percent: float | None
    values: int


def glucose_lines(lines: Iterable[str]) -> Iterator[str]:
    """One line for each line; an empty one is passed over. Nothing raises."""
    for line in lines:
        if line.strip():
            yield msgspec.json.encode(_answered(line)).decode()


def _answered(line: str) -> Answer | dict[str, Any]:
    try:
        return measured(msgspec.json.decode(line, type=Asked))
    except msgspec.DecodeError as wrong:
        return {"error": f"{wrong}: {_WRITE}"}
    except (ValueError, OverflowError) as wrong:
        return {"error": str(wrong)}


def measured(asked: Asked) -> Answer:
    """Raises ValueError, in words."""
    if asked.unit not in UNITS:
        raise ValueError(f"unit {asked.unit!r}: write mmol/L or mg/dL; a unit is never guessed")
    if not asked.values or not all(isfinite(value) and value > 0 for value in asked.values):
        raise ValueError(f"values are numbers above 0, one or more: {_WRITE}")
    per_mmol = UNITS[asked.unit]
    values = [value / per_mmol for value in asked.values]
    times = _times(asked)
    percent = {
        name: 100 * sum(range_.holds(value) for value in values) / len(values)
        for name, range_ in RANGES.items()
    }
    mean = fmean(asked.values)
    spread = stdev(asked.values) if len(values) > 1 else None
    return Answer(
        events=[
            episode
            for level in LEVELS
            for episode in _episodes(level, asked, times, values, per_mmol)
        ],
        percent=percent,
        mean=mean,
        variation_percent=None if spread is None else 100 * spread / mean,
        values=len(values),
    )


def _times(asked: Asked) -> list[datetime]:
    if (asked.minutes is None) is (asked.taken_at is None):
        raise ValueError(f"give either minutes or taken_at: {_WRITE}")
    if asked.minutes is not None:
        times = [_ZERO + timedelta(minutes=minute) for minute in asked.minutes]
    else:
        times = [_in_utc(at) for at in asked.taken_at or ()]
    if len(times) != len(asked.values):
        raise ValueError(f"{len(times)} times and {len(asked.values)} values: give one for each")
    if any(after <= before for before, after in pairwise(times)):
        raise ValueError("the times do not rise: put the values in the order of their times")
    return times


def _in_utc(at: datetime) -> datetime:
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def _episodes(
    level: str,
    asked: Asked,
    times: Sequence[datetime],
    values: Sequence[float],
    per_mmol: float,
) -> Iterator[Episode]:
    """The same steps as live: the kind of rule itself is asked."""
    kind = GlucoseEvent(
        Params(
            level=level,
            lasting=timedelta(minutes=asked.lasting_min),
            back_for=timedelta(minutes=asked.lasting_min),
            every=timedelta(minutes=asked.every_min),
            max_gap=timedelta(minutes=asked.max_gap_min),
        ),
        UTC,
    )
    state: State = kind.begin(0)
    turns: list[int] = []
    for number, (at, value) in enumerate(zip(times, values, strict=True)):
        was = state.event
        kind.read(state, micros(at), _reading(number, at, value))
        if state.event is not was:
            turns.append(state.began_us)
    first_us = micros(times[0])
    moments = [micros(at) for at in times]
    worst = max if LEVELS[level].upwards else min
    for begins_us, ends_us in zip(turns[::2], [*turns[1::2], None], strict=False):
        inside = [
            value
            for us, value in zip(moments, values, strict=True)
            if us >= begins_us and (ends_us is None or us < ends_us)
        ]
        yield Episode(
            level=level,
            begins_min=(begins_us - first_us) / 60_000_000,
            ends_min=None if ends_us is None else (ends_us - first_us) / 60_000_000,
            values=len(inside),
            extreme=worst(inside) * per_mmol,
        )


def _reading(number: int, at: datetime, value: float) -> Reading:
    return Reading(
        id=f"{number}",
        patient="",
        device="",
        metric=METRIC,
        value=value,
        unit="mmol/L",
        taken_at=at,
        received_at=at,
    )
