"""One person's readings as columns, and one pass of the rules over them.

Columns, because a million readings pass from one process to another: a Reading is made of a row
only where it is judged.
"""

from collections.abc import Collection, Iterator

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from devices.metrics import METRICS
from devices.model import Quality, Reading, reading_id
from rules.engine import advance, start
from rules.exact import moment
from rules.model import Finding, Plan

UNUSUAL = (Quality.UNUSUAL,)


class Course(Struct, frozen=True, kw_only=True):
    """Rows in any order, equally long: `which` names the row's (device, metric) in `series`.

    `us` is in microseconds since 1970; values are in the unit of the metric.
    """

    person: str
    series: tuple[tuple[str, str], ...]
    us: NDArray[np.int64]
    which: NDArray[np.int32]
    values: NDArray[np.float64]
    unusual: NDArray[np.bool_]
    """Kept and judged, and marked as the intake of a home marks it."""

    def only(self, metrics: Collection[str]) -> "Course":
        """The rows of these metrics."""
        wanted = np.array([metric in metrics for _, metric in self.series], dtype=bool)
        kept = wanted[self.which] if len(self.series) else np.zeros(0, dtype=bool)
        return Course(
            person=self.person,
            series=self.series,
            us=self.us[kept],
            which=self.which[kept],
            values=self.values[kept],
            unusual=self.unusual[kept],
        )


def readings_of(course: Course, patient: str) -> list[Reading]:
    """As a home would have taken them: by (taken_at, id), what came twice once."""
    order = np.lexsort((course.which, course.us))
    found: list[Reading] = []
    tied: list[Reading] = []
    for reading in _made(course, order, patient):
        if tied and reading.taken_at != tied[0].taken_at:
            found += _untied(tied)
            tied = []
        tied.append(reading)
    return found + _untied(tied)


def _made(course: Course, order: NDArray[np.int64], patient: str) -> Iterator[Reading]:
    units = [METRICS[metric].unit for _, metric in course.series]
    columns = zip(
        course.us[order].tolist(),
        course.which[order].tolist(),
        course.values[order].tolist(),
        course.unusual[order].tolist(),
        strict=True,
    )
    last_us, at = None, moment(0)
    for us, which, value, unusual in columns:
        if us != last_us:
            last_us, at = us, moment(us)
        device, metric = course.series[which]
        yield Reading(
            id=reading_id(patient, device, metric, at, value),
            patient=patient,
            device=device,
            metric=metric,
            value=value,
            unit=units[which],
            taken_at=at,
            received_at=at,
            quality=UNUSUAL if unusual else (),
        )


def _untied(tied: list[Reading]) -> list[Reading]:
    """The readings of one moment by id, none twice."""
    if len(tied) < 2:
        return tied
    by_id = {reading.id: reading for reading in tied}
    return [by_id[key] for key in sorted(by_id)]


def replay(plan: Plan, course: Course) -> tuple[Finding, ...]:
    """All findings about the one person of the plan, from their first reading to their last."""
    (patient,) = plan.people
    readings = readings_of(course, patient)
    if not readings:
        return ()
    states = start(plan, readings[0].taken_at)
    return advance(plan, states, readings, readings[-1].taken_at).findings
