"""Readings as the pages show them: the newest of each metric, and courses over time."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from devices.metrics import METRICS, Kind
from devices.model import Quality
from server.db import Database
from server.queries.rows import SQL

CHART_AFTER = timedelta(days=1)
TECHNICAL = ("battery", "battery_charging", "battery_low", "device_online")
"""Metrics that say how the kit is, not how the person is."""
STATED = tuple(name for name in METRICS if name.startswith(("person.", "kit.")))
"""What somebody or the gateway said: no sign of life."""
_EVIDENCE_BEFORE = timedelta(days=100)
_MOST_POINTS = 1_000


class LatestValue(Struct, frozen=True, kw_only=True):
    """The newest reading of one metric from one device."""

    metric: str
    device: str
    value: float
    unit: str
    taken_at: datetime
    reading: str
    quality: tuple[Quality, ...]


class Point(Struct, frozen=True, kw_only=True):
    """One reading on a chart."""

    reading: str
    taken_at: datetime
    value: float
    device: str
    quality: tuple[Quality, ...]


class Series(Struct, frozen=True, kw_only=True):
    """Readings of one metric, oldest first."""

    metric: str
    unit: str
    points: tuple[Point, ...]
    cut: bool
    """Whether older readings of the window were left out."""


async def latest_values(db: Database, person: str) -> tuple[LatestValue, ...]:
    """The newest value of each metric of one person, by the metric's title.

    Of what a device says of itself, the newest of each device.
    """
    which = {"patient": person, "technical": list(TECHNICAL)}
    rows = await db.rows(LatestRow, SQL["latest_of_person"], which)
    return tuple(sorted((row.value_of() for row in rows), key=lambda value: title_of(value.metric)))


async def last_movements(db: Database, people: Sequence[str]) -> dict[str, LatestValue]:
    """The newest sign of movement (value 1) of each who has one, from any sensor."""
    rows = await db.rows(LatestRow, SQL["movement_of_people"], {"patients": list(people)})
    return {row.patient: row.value_of() for row in rows}


async def series_of(
    db: Database, patient: str, metrics: Sequence[str], since: datetime, until: datetime
) -> tuple[Series, ...]:
    rows = await db.rows(
        _Point,
        SQL["series"],
        {
            "patient": patient,
            "metrics": list(metrics),
            "since": since,
            "until": until,
            "most": _MOST_POINTS + 1,
        },
    )
    found: dict[str, list[_Point]] = {}
    for row in rows:
        found.setdefault(row.metric, []).append(row)
    return tuple(
        Series(
            metric=metric,
            unit=points[-1].unit,
            points=tuple(point.point() for point in points[-_MOST_POINTS:]),
            cut=len(points) > _MOST_POINTS,
        )
        for metric, points in sorted(found.items(), key=lambda pair: title_of(pair[0]))
    )


async def readings_by_id(
    db: Database, patient: str, ids: Collection[str], at: datetime
) -> tuple[tuple[str, Point], ...]:
    rows = await db.rows(
        _Point,
        SQL["readings_by_id"],
        {
            "patient": patient,
            "ids": list(ids),
            "since": at - _EVIDENCE_BEFORE,
            "until": at + CHART_AFTER,
        },
    )
    return tuple((row.metric, row.point()) for row in rows)


def title_of(metric: str) -> str:
    known = METRICS.get(metric)
    return metric if known is None else known.title


def is_charted(metric: str) -> bool:
    known = METRICS.get(metric)
    return known is not None and known.kind is Kind.QUANTITY and metric not in TECHNICAL


def flags_of(quality: str) -> tuple[Quality, ...]:
    return tuple(Quality(word) for word in quality.split())


class LatestRow(Struct):
    metric: str
    device: str
    value: float
    unit: str
    taken_at: datetime
    reading: str
    quality: str
    patient: str = ""

    def value_of(self) -> LatestValue:
        return LatestValue(
            metric=self.metric,
            device=self.device,
            value=self.value,
            unit=self.unit,
            taken_at=self.taken_at,
            reading=self.reading,
            quality=flags_of(self.quality),
        )


class _Point(Struct):
    metric: str
    reading: str
    taken_at: datetime
    value: float
    device: str
    quality: str
    unit: str = ""

    def point(self) -> Point:
        return Point(
            reading=self.reading,
            taken_at=self.taken_at,
            value=self.value,
            device=self.device,
            quality=flags_of(self.quality),
        )
