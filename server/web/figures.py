"""Which readings share a chart, and the table of the same numbers beneath it."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import zip_longest
from math import inf

from msgspec import Struct, structs

from devices.metrics import Kind
from devices.model import Quality
from rules.words import unit_text
from server.queries.readings import Point as Reading
from server.queries.readings import Series
from server.web import quantities
from server.web.charts import NARROW, OUTLINES, WIDE, Limit, Line, Point, Shape, draw
from server.web.correction_page import address
from server.web.moments import moment
from server.web.views import Figure, KeyEntry, TableRow

TOGETHER = (("Blood pressure", ("systolic_pressure", "diastolic_pressure")),)
"""Heading and metrics of the charts that show more than one metric."""

SHAPES = {"systolic_pressure": Shape.UP, "diastolic_pressure": Shape.DOWN}
"""A metric that shares a chart is told apart by its shape."""

QUALITY_WORDS = {
    Quality.MOVEMENT: "moved while measuring",
    Quality.CUFF_LOOSE: "cuff loose",
    Quality.IRREGULAR_PULSE: "uneven pulse",
    Quality.PULSE_OUT_OF_RANGE: "pulse too fast or slow for the device",
    Quality.POSITION: "arm not in the right place",
    Quality.POOR_SIGNAL: "weak signal",
    Quality.POOR_SAMPLE: "test strip or drop of blood not right",
    Quality.TOO_HOT_OR_COLD: "device too hot or too cold",
    Quality.NOT_CALIBRATED: "sensor needs calibrating",
    Quality.DEVICE_FAULT: "the device reports a fault",
    Quality.TIME_UNCERTAIN: "time not certain",
    Quality.STILL_MEASURING: "not finished measuring",
    Quality.NOT_CONFIRMED: "not confirmed by a second reading",
    Quality.UNUSUAL: "unusual for this person",
    Quality.ENTERED_IN_ERROR: "entered in error",
}

MOST_POINTS = 200
"""More than a chart can tell apart, and a table more than anyone reads."""


def remark(quality: Collection[Quality]) -> str:
    """What speaks against a value, in words; empty where nothing does."""
    return ", ".join(QUALITY_WORDS[flag] for flag in Quality if flag in quality)


class Reader(Struct, frozen=True, kw_only=True):
    """For whom, and for which alert, charts are drawn.

    `because` holds the ids of the readings that the alert rests on; `limits` and `titles` are by
    metric, and a title stands in for that of the table of metrics. `corrects` is the id of the
    person whose readings the reader may mark as entered in error; empty where they may not.
    """

    zone: str
    now: datetime
    because: Collection[str] = ()
    limits: Mapping[str, Limit] = {}
    titles: Mapping[str, str] = {}
    corrects: str = ""

    def title(self, metric: str) -> str:
        return self.titles.get(metric) or quantities.title(metric)


def figures(series: Sequence[Series], reader: Reader) -> tuple[Figure, ...]:
    """One for each group of metrics that has readings; states, events and answers have none."""
    drawable = {
        one.metric: _latest(one) for one in series if one.points and _is_quantity(one.metric)
    }
    return tuple(_figure(heading, shown, reader) for heading, shown in _grouped(drawable, reader))


def _latest(series: Series) -> Series:
    if len(series.points) <= MOST_POINTS:
        return series
    return structs.replace(series, points=series.points[-MOST_POINTS:], cut=True)


def _is_quantity(metric: str) -> bool:
    return quantities.kind(metric) is Kind.QUANTITY


def _grouped(series: Mapping[str, Series], reader: Reader) -> Iterator[tuple[str, list[Series]]]:
    alone = dict(series)
    for heading, metrics in TOGETHER:
        shown = [alone.pop(metric) for metric in metrics if metric in alone]
        if shown:
            yield heading, shown
    for metric, one in alone.items():
        yield reader.title(metric), [one]


def _figure(heading: str, shown: Sequence[Series], reader: Reader) -> Figure:
    ident = shown[0].metric.replace(".", "-").replace("_", "-")
    lines = [
        Line(
            title=reader.title(one.metric),
            shape=SHAPES.get(one.metric, Shape.CIRCLE),
            points=tuple(_point(one, reading, reader) for reading in one.points),
        )
        for one in shown
    ]
    limits = [reader.limits[one.metric] for one in shown if one.metric in reader.limits]
    unit = unit_text(shown[0].unit)
    wide, narrow = (
        draw(
            lines,
            limits,
            ident=ident,
            title=f"{heading} in {unit}" if unit else heading,
            zone=reader.zone,
            size=size,
            highest=100.0 if shown[0].unit == "%" else inf,
        )
        for size in (WIDE, NARROW)
    )
    return Figure(
        ident=ident,
        heading=heading,
        wide=wide,
        narrow=narrow,
        key=_key(lines),
        columns=tuple(_column(one, reader) for one in shown),
        rows=tuple(reversed(list(_rows(shown, reader)))),
        left_out="Earlier readings are left out." if any(one.cut for one in shown) else "",
    )


def _point(series: Series, reading: Reading, reader: Reader) -> Point:
    return Point(
        at=reading.taken_at,
        value=reading.value,
        said=quantities.said(series.metric, reading.value, series.unit),
        because=reading.reading in reader.because,
    )


def _key(lines: Sequence[Line]) -> tuple[KeyEntry, ...]:
    entries = [
        KeyEntry(outline=OUTLINES[line.shape], label=line.title, because=False) for line in lines
    ]
    if any(point.because for line in lines for point in line.points):
        label = "A reading that this alert rests on"
        entries.append(KeyEntry(outline=OUTLINES[Shape.DIAMOND], label=label, because=True))
    return tuple(entries)


def _column(series: Series, reader: Reader) -> str:
    title, unit = reader.title(series.metric), unit_text(series.unit)
    return f"{title} ({unit})" if unit else title


def _rows(shown: Sequence[Series], reader: Reader) -> Iterator[TableRow]:
    """Oldest first; metrics taken at one instant share a row, two values of one metric do not."""
    taken: dict[datetime, list[list[Reading]]] = {}
    for column, one in enumerate(shown):
        for reading in one.points:
            taken.setdefault(reading.taken_at, [[] for _ in shown])[column].append(reading)
    for at in sorted(taken):
        for readings in zip_longest(*taken[at]):
            there = [reading for reading in readings if reading is not None]
            yield TableRow(
                taken=moment(at, reader.now, reader.zone),
                cells=tuple(
                    _cell(one, reading) for one, reading in zip(shown, readings, strict=True)
                ),
                because=any(reading.reading in reader.because for reading in there),
                remark=remark({flag for reading in there for flag in reading.quality}),
                correct=address(reader.corrects, [reading.reading for reading in there]),
                struck=all(Quality.ENTERED_IN_ERROR in reading.quality for reading in there),
            )


def _cell(series: Series, reading: Reading | None) -> str:
    return "not measured" if reading is None else quantities.number(series.metric, reading.value)
