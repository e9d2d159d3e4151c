"""Kinds that look at whole days: each local day becomes one number, judged once it is over.

A day is over at its last microsecond, so that a reading at midnight belongs to the next.
"""

from bisect import insort
from collections.abc import Callable
from datetime import date, time, timedelta, tzinfo
from typing import TypeVar

from msgspec import Struct, field

from devices.metrics import Metric
from devices.model import Reading
from rules.estimators.ranks import middle
from rules.exact import from_millionths, grid, millionths
from rules.hours import Hours, local_us, wall
from rules.kind import Kind, KindState
from rules.limits import metric_of
from rules.model import Number
from rules.window import Window

DAY = timedelta(days=1)


def day_of(us: int, zone: tzinfo) -> date:
    """The local day of a moment."""
    return wall(us, zone).date()


def last_of_day(us: int, zone: tzinfo) -> int:
    """The last microsecond of its local day."""
    return local_us(day_of(us, zone) + DAY, time(0), zone) - 1


class Values(Window):
    """The values of one stretch of time, in order of size, counted in millionths."""

    __slots__ = ("counts",)

    def __init__(self, from_us: int | None = None) -> None:
        super().__init__(from_us)
        self.counts: list[int] = []

    def push(self, us: int, value: float) -> None:
        if self.from_us is None or not self.counts:
            self.from_us = us
        insort(self.counts, millionths(value))

    def clear(self) -> None:
        self.counts.clear()
        self.from_us = None

    def with_instead(self, value: float, other: float) -> list[int]:
        """The counts if `value`, which is one of them, had been `other`."""
        counts = list(self.counts)
        counts.remove(millionths(value))
        insort(counts, millionths(other))
        return counts


def median_of(counts: list[int]) -> float:
    return middle(counts) / 1e6


def mean_of(counts: list[int]) -> float:
    return sum(counts) / len(counts) / 1e6


def nearest_change(
    value: float, metric: Metric, upwards: bool, holds: Callable[[float], bool]
) -> Number | None:
    """The smallest change, in steps of what is shown, to a value with which it no longer holds.

    `upwards`: high values are what it finds. None: no plausible value would make the difference.
    """
    step = grid(metric.decimals)
    sign = -1 if upwards else 1
    count = millionths(value)
    near = sign * count // step
    far = sign * millionths(metric.low if upwards else metric.high) // step

    def holds_at(steps: int) -> bool:
        return holds(from_millionths(sign * steps * step))

    if far <= near or holds_at(far):
        return None
    while far - near > 1:
        half = (near + far) // 2
        if holds_at(half):
            near = half
        else:
            far = half
    return Number(name="change", value=from_millionths(sign * far * step - count), unit=metric.unit)


class DayState(KindState, kw_only=True):
    """`today`: the values of the last day that had any, until the next one begins."""

    today: Values = field(default_factory=Values)
    value: float = 0.0
    reading: str = ""


P = TypeVar("P", bound=Struct)
D = TypeVar("D", bound=DayState)


class Daily(Kind[P, D]):
    """A kind whose verdict is on the level of a day, given what went before it."""

    def bind(self, metric: str, zone: tzinfo, between: Hours | None, upwards: bool) -> None:
        """`upwards`: a high level is what it finds."""
        self.metrics = (metric,)
        self._metric = metric_of(metric)
        self._zone = zone
        self._between = between
        self._upwards = upwards

    def level(self, counts: list[int]) -> float:
        """One number for a day: the median."""
        return median_of(counts)

    def judge_day(self, state: D, day: date, level: float) -> bool | None:
        """The verdict on that day, which is now part of what went before."""
        raise NotImplementedError

    def would_hold(self, state: D, level: float) -> bool:
        """The verdict on the last day, had its level been this one."""
        raise NotImplementedError

    def read(self, state: D, us: int, reading: Reading) -> bool | None:
        if self._counts(us):
            if state.due_us is None:
                state.today.clear()
                state.due_us = last_of_day(us, self._zone)
            state.today.push(us, reading.value)
            state.value = reading.value
            state.reading = reading.id
        return None

    def wake(self, state: D, us: int) -> bool | None:
        state.due_us = None
        return self.judge_day(state, day_of(us, self._zone), self.level(state.today.counts))

    def refill_from_us(self, state: D) -> int | None:
        return state.today.from_us

    def refill(self, state: D, us: int, reading: Reading) -> None:
        if self._counts(us):
            state.today.push(us, reading.value)

    def _counts(self, us: int) -> bool:
        return self._between is None or self._between.hold(us, self._zone)

    def change(self, state: D) -> Number | None:
        """The smallest change to the latest value with which that day would not have counted."""
        if not state.today.counts:
            return None

        def holds(value: float) -> bool:
            counts = state.today.with_instead(state.value, value)
            return self.would_hold(state, self.level(counts))

        return nearest_change(state.value, self._metric, self._upwards, holds)

    def hours_text(self) -> str:
        return "" if self._between is None else f" of what was taken at {self._between}"
