"""The share of time that glucose spends in a range, or how much it varies, over two weeks.

Measures of the International Consensus on Time in Range (Battelino and others 2019), which asks
for 14 days with at least 70 % of what the sensor should have sent.
"""

from datetime import date, timedelta, tzinfo
from fractions import Fraction
from math import sqrt
from typing import ClassVar

from msgspec import Struct, field, structs

from devices.model import Reading
from rules.days import day_of, last_of_day
from rules.exact import from_millionths, grid, micros_of, millionths
from rules.glucose import RANGES
from rules.kind import Kind, KindState
from rules.limits import metric_of, the_limit
from rules.model import Evidence, Number
from rules.params import MetricName

_VARIATION = "variation"


class Params(Struct, frozen=True, kw_only=True):
    """Exactly one of the four limits, in per cent of the readings (of the mean, for variation).

    `measure`: in-range (3.9 to 10.0 mmol/L), low, very-low, high, very-high, or variation (the
    coefficient of variation). Judged at the end of each day that had a reading, over the last
    `days` local days; with less than `least_data_percent` of one reading `every` so often in
    those days nothing is said. More readings than that do not count more.
    """

    measure: str
    above: float | None = None
    at_least: float | None = None
    below: float | None = None
    at_most: float | None = None
    metric: MetricName = "sensor_glucose"
    days: int = 14
    every: timedelta = timedelta(minutes=5)
    least_data_percent: float = 70.0

    def __post_init__(self) -> None:
        limit = the_limit(self)
        if self.measure not in (*RANGES, _VARIATION):
            known = ", ".join((*RANGES, _VARIATION))
            raise ValueError(f"there is no measure {self.measure!r}: write one of {known}")
        if not 0 <= limit.value <= 100 or not 0 < self.least_data_percent <= 100:
            raise ValueError("a limit lies between 0 and 100 per cent, and least_data above 0")
        if not 1 <= self.days <= 90 or self.every <= timedelta(0):
            raise ValueError("days lies between 1 and 90, and every is longer than nothing")


class Day(Struct, kw_only=True):
    """What came in one local day; sums in millionths, so that they are exact."""

    day: int
    count: int = 0
    inside: int = 0
    sum: int = 0
    sum_squares: int = 0


class State(KindState, kw_only=True):
    days: list[Day] = field(default_factory=list)
    slot: int | None = None
    value: float = 0.0
    reading: str = ""


class GlucoseTime(Kind[Params, State]):
    name: ClassVar[str] = "glucose-time"
    title: ClassVar[str] = "How much of the time glucose is in a range"
    params_type = Params
    state_type = State
    examples = (
        Params(measure="in-range", below=70.0),
        Params(measure="low", at_least=4.0, days=1, every=timedelta(hours=6)),
        Params(measure="variation", above=36.0, days=2, every=timedelta(hours=12)),
    )

    def __init__(self, params: Params, zone: tzinfo) -> None:
        self.metrics = (params.metric,)
        self.lookback = timedelta(days=params.days + 1)
        self._params = params
        self._metric = metric_of(params.metric)
        self._zone = zone
        self._limit = the_limit(params)
        self._every_us = micros_of(params.every)
        self._range = RANGES.get(params.measure)
        day_us = micros_of(timedelta(days=params.days))
        self._needed = Fraction(params.least_data_percent) / 100 * Fraction(day_us, self._every_us)

    def begin(self, since_us: int) -> State:
        return State()

    def read(self, state: State, us: int, reading: Reading) -> bool | None:
        slot = us // self._every_us
        if slot == state.slot:
            return None
        state.slot = slot
        if state.due_us is None:
            self._open(state, day_of(us, self._zone))
            state.due_us = last_of_day(us, self._zone)
        self._count(state.days[-1], reading.value, 1)
        state.value, state.reading = reading.value, reading.id
        return None

    def _open(self, state: State, day: date) -> None:
        today = day.toordinal()
        state.days = [one for one in state.days if one.day > today - self._params.days]
        state.days.append(Day(day=today))

    def _count(self, day: Day, value: float, times: int) -> None:
        count = millionths(value)
        day.count += times
        day.inside += times * (self._range is not None and self._range.holds(value))
        day.sum += times * count
        day.sum_squares += times * count * count

    def wake(self, state: State, us: int) -> bool | None:
        state.due_us = None
        return self._verdict(state.days)

    def _verdict(self, days: list[Day]) -> bool | None:
        percent = self._percent(days)
        return None if percent is None else self._limit.holds(percent, self._limit.value)

    def _percent(self, days: list[Day]) -> float | None:
        """To a millionth; None: too few readings."""
        count = sum(day.count for day in days)
        if count < self._needed or count < 2:
            return None
        if self._range is not None:
            percent = Fraction(100 * sum(day.inside for day in days), count)
            return from_millionths(millionths(float(percent)))
        total, squares = sum(day.sum for day in days), sum(day.sum_squares for day in days)
        spread = sqrt(Fraction(count * squares - total * total, count * (count - 1)))
        return from_millionths(millionths(100 * spread * count / total))

    def because(self, state: State) -> Evidence:
        percent = self._percent(state.days)
        count = sum(day.count for day in state.days)
        share = 100 * count * self._every_us / (self._params.days * 86_400_000_000)
        numbers = [Number(name="data", value=round(share, 1), unit="%")]
        if percent is not None:
            numbers.insert(0, Number(name="value", value=percent, unit="%"))
        return Evidence(
            readings=(state.reading,) if state.reading else (),
            numbers=tuple(numbers),
            limit=Number(name="limit", value=self._limit.value, unit="%"),
            counterfactual=self._change(state) if self._verdict(state.days) else None,
        )

    def _change(self, state: State) -> Number | None:
        """To the nearest value with which it would not hold; one reading in weeks seldom decides.

        A range has two ends, so every value that can be shown is looked at, the nearest first.
        """
        step = grid(self._metric.decimals)
        value = millionths(state.value)
        low, high = millionths(self._metric.low), millionths(self._metric.high)
        for steps in range(1, (high - low) // step + 1):
            for other in (value // step - steps, -(-value // step) + steps):
                if low <= other * step <= high and not self._would_hold(state, other * step):
                    change = from_millionths(other * step - value)
                    return Number(name="change", value=change, unit=self._metric.unit)
        return None

    def _would_hold(self, state: State, count: int) -> bool:
        """The verdict, had the last reading been that many millionths."""
        *days, last = state.days
        changed = structs.replace(last)
        self._count(changed, state.value, -1)
        self._count(changed, from_millionths(count), 1)
        return bool(self._verdict([*days, changed]))

    def words(self) -> str:
        params = self._params
        limit = self._limit.text(f"{self._limit.value:g}%")
        what = (
            f"variation of {self._metric.title}"
            if self._range is None
            else f"time with {self._metric.title} {self._range.title}"
        )
        return (
            f"{what} {limit} over {params.days} days, with {params.least_data_percent:g}% of the "
            "readings or more"
        )
