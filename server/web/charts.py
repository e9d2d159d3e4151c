"""The geometry of a chart: values in, places on the paper out. A template writes the SVG.

Everything is told twice: a limit by its line and its words, a reading that an alert rests on by
its diamond and not only its colour, and the whole by a title, a description and a table beside
it. Units of places are SVG user units, y downwards.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from math import ceil, floor, inf, log10
from zoneinfo import ZoneInfo

from msgspec import Struct


class Shape(StrEnum):
    CIRCLE = "circle"
    UP = "up"
    DOWN = "down"
    DIAMOND = "diamond"


OUTLINES = {
    Shape.CIRCLE: "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0z",
    Shape.UP: "M0 -5L5 4H-5z",
    Shape.DOWN: "M0 5L5 -4H-5z",
    Shape.DIAMOND: "M0 -8L8 0L0 8L-8 0z",
}
"""SVG path of each shape around its own centre."""


class Side(StrEnum):
    """On which side of a limit the rule fires."""

    ABOVE = "above"
    BELOW = "below"


class Point(Struct, frozen=True, kw_only=True):
    at: datetime
    value: float
    said: str
    """The value in words, with its unit."""
    because: bool = False
    """Whether the alert rests on this reading."""


class Line(Struct, frozen=True, kw_only=True):
    """One metric's points, oldest first. At least one."""

    title: str
    shape: Shape
    points: tuple[Point, ...]


class Limit(Struct, frozen=True, kw_only=True):
    value: float
    label: str
    fires: Side


class Size(Struct, frozen=True, kw_only=True):
    width: int
    height: int
    days: int
    """At most so many labels under the chart."""


WIDE = Size(width=480, height=270, days=6)
NARROW = Size(width=320, height=260, days=3)
"""Drawn both, shown one: text in a picture that shrinks with a phone can't be read."""


class Tick(Struct, frozen=True, kw_only=True):
    at: float
    label: str


class Band(Struct, frozen=True, kw_only=True):
    top: float
    height: float


class LimitLine(Struct, frozen=True, kw_only=True):
    y: float
    label: str
    label_y: float


class Mark(Struct, frozen=True, kw_only=True):
    x: float
    y: float
    outline: str
    because: bool
    said: str


class Drawing(Struct, frozen=True, kw_only=True):
    ident: str
    width: int
    height: int
    left: float
    right: float
    top: float
    bottom: float
    title: str
    description: str
    values: tuple[Tick, ...]
    times: tuple[Tick, ...]
    bands: tuple[Band, ...]
    limits: tuple[LimitLine, ...]
    paths: tuple[str, ...]
    marks: tuple[Mark, ...]


_GAP = timedelta(days=2)
"""Readings further apart are not joined: a line would claim what nobody measured."""
_LABEL_STEP = 18.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 48.0, 14.0, 14.0, 28.0


def draw(
    lines: Sequence[Line],
    limits: Sequence[Limit],
    *,
    ident: str,
    title: str,
    zone: str,
    size: Size,
    highest: float = inf,
) -> Drawing:
    """Place the lines and limits on paper of that size. At least one line.

    `highest`: what the scale does not go beyond where no value does (100 %).
    """
    points = [point for line in lines for point in line.points]
    shown = [point.value for point in points] + [limit.value for limit in limits]
    low, high, step = _scale(shown, highest)
    first, last = _span([point.at for point in points])
    left, right = _LEFT, size.width - _RIGHT
    top, bottom = _TOP, size.height - _BOTTOM

    def x(at: datetime) -> float:
        return round(left + (right - left) * ((at - first) / (last - first)), 1)

    def y(value: float) -> float:
        return round(bottom - (bottom - top) * (value - low) / (high - low), 1)

    decimals = max(0, -floor(log10(step)))
    levels = [low + step * n for n in range(floor((high - low) / step + 1e-9) + 1)]
    return Drawing(
        ident=ident,
        width=size.width,
        height=size.height,
        left=left,
        right=right,
        top=top,
        bottom=bottom,
        title=title,
        description=_description(lines, limits, zone),
        values=tuple(Tick(at=y(v), label=f"{v:.{decimals}f}") for v in levels),
        times=tuple(Tick(at=x(at), label=said) for at, said in _times(first, last, zone, size)),
        bands=tuple(_band(limit, y(limit.value), top, bottom) for limit in limits),
        limits=_limit_lines(limits, y, top, bottom),
        paths=tuple(
            " ".join(f"{x(p.at)},{y(p.value)}" for p in run)
            for line in lines
            for run in _runs(line.points)
            if len(run) > 1
        ),
        marks=tuple(
            Mark(
                x=x(point.at),
                y=y(point.value),
                outline=OUTLINES[Shape.DIAMOND if point.because else line.shape],
                because=point.because,
                said=point.said,
            )
            for line in lines
            for point in line.points
        ),
    )


def _scale(values: Sequence[float], highest: float) -> tuple[float, float, float]:
    """Lowest and highest level of the scale and its step of 1, 2 or 5 times a power of ten."""
    low, high = min(values), max(values)
    # Closer than a millionth they are one value: the labels could not tell them apart.
    flat = high - low < abs(high) * 1e-6
    room = max(abs(high) * 0.05, 0.5) if flat else (high - low) * 0.1 or 0.5
    low, high = low - room, high + room
    rough = (high - low) / 5
    power = 10.0 ** floor(log10(rough))
    step = next(power * n for n in (1, 2, 5, 10) if power * n >= rough)
    top = ceil(high / step) * step
    return floor(low / step) * step, max(min(top, highest), *values), step


def _span(times: Sequence[datetime]) -> tuple[datetime, datetime]:
    """From the first to the last with a little air, at least half a day of paper."""
    first, last = min(times), max(times)
    air = max((last - first) * 0.03, (timedelta(hours=12) - (last - first)) / 2)
    return first - air, last + air


def _times(
    first: datetime, last: datetime, zone: str, size: Size
) -> Iterator[tuple[datetime, str]]:
    """Local midnights, or full hours where the chart shows less than two days."""
    local = ZoneInfo(zone)
    begin, end = first.astimezone(local), last.astimezone(local)
    if last - first < timedelta(days=2):
        yield from _hours(begin, end, size)
        return
    days = (end.date() - begin.date()).days
    step = next((n for n in (1, 2, 3, 4, 7, 14, 28, 56, 91, 182) if days / n <= size.days), 365)
    for n in range(1, days + 1, step):
        day = begin.date() + timedelta(days=n)
        yield datetime.combine(day, time(), local), f"{day.day} {day:%b}"


def _hours(begin: datetime, end: datetime, size: Size) -> Iterator[tuple[datetime, str]]:
    length_h = (end - begin) / timedelta(hours=1)
    step = next(n for n in (1, 2, 3, 6, 12, 24) if length_h / n <= size.days or n == 24)
    day: date = begin.date()
    while day <= end.date():
        for hour in range(0, 24, step):
            at = datetime.combine(day, time(hour), begin.tzinfo)
            if begin <= at <= end:
                yield at, f"{at:%H:%M}" if hour else f"{day.day} {day:%b}"
        day += timedelta(days=1)


def _band(limit: Limit, y: float, top: float, bottom: float) -> Band:
    if limit.fires is Side.ABOVE:
        return Band(top=top, height=round(y - top, 1))
    return Band(top=y, height=round(bottom - y, 1))


def _limit_lines(
    limits: Sequence[Limit], y: Callable[[float], float], top: float, bottom: float
) -> tuple[LimitLine, ...]:
    """Words stand inside the band that they name, one below the other where they would touch."""
    placed: list[LimitLine] = []
    lowest = top
    for limit in sorted(limits, key=lambda limit: -limit.value):
        line = y(limit.value)
        wanted = line - 6 if limit.fires is Side.ABOVE else line + 16
        label_y = min(max(wanted, lowest + 12), bottom - 4)
        placed.append(LimitLine(y=line, label=limit.label, label_y=round(label_y, 1)))
        lowest = label_y + _LABEL_STEP - 12
    return tuple(placed)


def _runs(points: Sequence[Point]) -> Iterator[list[Point]]:
    run: list[Point] = []
    for point in points:
        if run and point.at - run[-1].at > _GAP:
            yield run
            run = []
        run.append(point)
    yield run


def _description(lines: Sequence[Line], limits: Sequence[Limit], zone: str) -> str:
    said = [_told(line, zone) for line in lines]
    said += [f"A dashed line marks a limit: {limit.label}." for limit in limits]
    return " ".join(said)


def _told(line: Line, zone: str) -> str:
    points = line.points
    latest = points[-1]
    if len(points) == 1:
        return f"{line.title}: one reading, {latest.said} on {_date(latest.at, zone)}."
    lowest = min(points, key=lambda point: point.value)
    highest = max(points, key=lambda point: point.value)
    return (
        f"{line.title}: {len(points)} readings from {_date(points[0].at, zone)} to "
        f"{_date(latest.at, zone)}. Lowest {lowest.said}, highest {highest.said}, "
        f"latest {latest.said}."
    )


def _date(at: datetime, zone: str) -> str:
    local = at.astimezone(ZoneInfo(zone))
    return f"{local.day} {local:%B}"
