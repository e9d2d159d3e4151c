"""The home blood pressure average of NICE NG136 (1.2.7): of a whole set of readings, or nothing.

Two readings a minute or more apart, in the morning and in the evening, on 4 to 7 days; the first
day is discarded, the rest is averaged. A set that is not complete has no average.
"""

from datetime import date, time, timedelta, tzinfo
from typing import ClassVar

from msgspec import Struct, field

from devices.metrics import METRICS
from devices.model import Reading
from rules.days import day_of, last_of_day
from rules.exact import from_millionths, grid, micros_of, millionths
from rules.hours import Hours
from rules.kind import Kind, KindState
from rules.model import Evidence, Number
from rules.words import shown

_PRESSURES = ("systolic_pressure", "diastolic_pressure")
_UNIT = METRICS[_PRESSURES[0]].unit


class Params(Struct, frozen=True, kw_only=True):
    """An average of just one of the limits counts: 135 over 85 is stage 1, 150 over 95 stage 2.

    A set begins with the first reading after a day without any, or after `most_days`. It is
    judged at the end of each day on which `least_days` of its days are complete: `apart` or more
    between two readings in `morning`, and between two in `evening` (local hours). What is taken at
    other hours, or sooner than `apart` after the one before, is left out.
    """

    systolic_at_least: float = 135.0
    diastolic_at_least: float = 85.0
    least_days: int = 4
    most_days: int = 7
    morning: Hours = Hours(time(4), time(12))
    evening: Hours = Hours(time(16), time(0))
    apart: timedelta = timedelta(minutes=1)

    def __post_init__(self) -> None:
        if self.systolic_at_least <= self.diastolic_at_least or self.diastolic_at_least <= 0:
            raise ValueError("systolic_at_least is above diastolic_at_least, and both above 0")
        if not 2 <= self.least_days <= self.most_days <= 28:
            raise ValueError("least_days is 2 or more, most_days no fewer and at most 28")
        if self.apart < timedelta(0):
            raise ValueError("apart is not negative")


class Part(Struct, kw_only=True):
    """One pressure of a morning or an evening; the sum in millionths."""

    count: int = 0
    sum: int = 0
    last_us: int = 0


class Day(Struct, kw_only=True):
    """`parts`: by "morning systolic_pressure" and so on."""

    day: int
    parts: dict[str, Part] = field(default_factory=dict)


class State(KindState, kw_only=True):
    days: list[Day] = field(default_factory=list)
    value: float = 0.0
    metric: str = _PRESSURES[0]
    reading: str = ""


class HomeBloodPressure(Kind[Params, State]):
    name: ClassVar[str] = "home-blood-pressure"
    title: ClassVar[str] = "The home blood pressure average"
    params_type = Params
    state_type = State
    metrics = _PRESSURES
    examples = (
        Params(),
        Params(systolic_at_least=150.0, diastolic_at_least=95.0, least_days=2),
    )

    def __init__(self, params: Params, zone: tzinfo) -> None:
        self.lookback = timedelta(days=params.most_days + 1)
        self._params = params
        self._zone = zone
        self._apart_us = micros_of(params.apart)
        limits = (params.systolic_at_least, params.diastolic_at_least)
        self._limits = dict(zip(_PRESSURES, limits, strict=True))
        hours = {"morning": params.morning, "evening": params.evening}
        self._hours = tuple(
            (span, {metric: f"{part} {metric}" for metric in _PRESSURES})
            for part, span in hours.items()
        )
        self._slots = tuple(slot for _, slots in self._hours for slot in slots.values())

    def begin(self, since_us: int) -> State:
        return State()

    def read(self, state: State, us: int, reading: Reading) -> bool | None:
        slots = self._slots_at(us)
        if slots is None:
            return None
        if state.due_us is None:
            self._open(state, day_of(us, self._zone))
            state.due_us = last_of_day(us, self._zone)
        parts = state.days[-1].parts
        name = slots[reading.metric]
        slot = parts.get(name)
        if slot is None:
            slot = parts[name] = Part()
        elif slot.count and us - slot.last_us < self._apart_us:
            return None
        slot.count += 1
        slot.sum += millionths(reading.value)
        slot.last_us = us
        state.value, state.metric, state.reading = reading.value, reading.metric, reading.id
        return None

    def _slots_at(self, us: int) -> dict[str, str] | None:
        for hours, slots in self._hours:
            if hours.hold(us, self._zone):
                return slots
        return None

    def _open(self, state: State, day: date) -> None:
        today = day.toordinal()
        over = len(state.days) == self._params.most_days
        if over or (state.days and state.days[-1].day != today - 1):
            state.days = []
        state.days.append(Day(day=today))

    def wake(self, state: State, us: int) -> bool | None:
        state.due_us = None
        if not self._complete(state):
            return None
        return bool(self._over(state))

    def _complete(self, state: State) -> bool:
        if len(state.days) < self._params.least_days:
            return False
        return sum(map(self._is_whole, state.days)) >= self._params.least_days

    def _is_whole(self, day: Day) -> bool:
        parts = day.parts
        if len(parts) < len(self._slots):
            return False
        return all(parts[slot].count >= 2 for slot in self._slots)

    def _sum(self, state: State, metric: str) -> tuple[int, int]:
        """Sum (in millionths) and count, without the first day."""
        parts = [
            part
            for day in state.days[1:]
            for slot, part in day.parts.items()
            if slot.endswith(metric)
        ]
        return sum(part.sum for part in parts), sum(part.count for part in parts)

    def _over(self, state: State) -> list[str]:
        """The pressures whose average is at the limit or above."""
        found = []
        for metric, limit in self._limits.items():
            total, count = self._sum(state, metric)
            if total >= millionths(limit) * count:
                found.append(metric)
        return found

    def because(self, state: State) -> Evidence:
        readings = (state.reading,) if state.reading else ()
        days = Number(name="days", value=float(len(state.days)), unit="1")
        if not self._complete(state):
            return Evidence(readings=readings, numbers=(days,))
        over = self._over(state)
        numbers = []
        for metric in _PRESSURES:
            total, count = self._sum(state, metric)
            name = metric.removesuffix("_pressure")
            average = from_millionths(round(total / count))
            numbers.append(Number(name=name, value=average, unit=_UNIT))
        limit = self._limits[over[0] if over else _PRESSURES[0]]
        return Evidence(
            readings=readings,
            numbers=(*numbers, days),
            limit=Number(name="limit", value=limit, unit=_UNIT),
            counterfactual=self._change(state, over),
        )

    def _change(self, state: State, over: list[str]) -> Number | None:
        """What brings the one average that is over below its limit: its last reading, if at all."""
        if over != [state.metric] or len(state.days) < 2:
            return None
        metric = METRICS[state.metric]
        total, count = self._sum(state, state.metric)
        step = grid(metric.decimals)
        value = millionths(state.value)
        excess = total - millionths(self._limits[state.metric]) * count
        outside = (value - excess - 1) // step * step
        if outside < millionths(metric.low):
            return None
        return Number(name="change", value=from_millionths(outside - value), unit=_UNIT)

    def words(self) -> str:
        params = self._params
        limit = shown(params.diastolic_at_least, _UNIT, 0)
        return (
            f"Home blood pressure average {params.systolic_at_least:.0f} over {limit}, or either "
            f"alone, or more (two readings in the morning and in the evening, {params.least_days} "
            f"to {params.most_days} days, without the first)"
        )
