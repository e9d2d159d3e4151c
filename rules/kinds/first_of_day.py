"""No sign of life by the time at which this person is always up, and a while more.

The time is a share (the 95th percentile) of the person's own first signs, each a local time of
day, so that it moves with the clocks. Until enough days are known a fixed time holds.
"""

from datetime import date, time, timedelta, tzinfo
from math import ceil
from typing import ClassVar

from msgspec import Struct, field

from devices.metrics import Kind as MetricKind
from devices.model import Reading
from rules.days import DAY, day_of
from rules.estimators.ranks import ranked_quantile
from rules.exact import micros_of
from rules.hours import local_us, wall
from rules.kind import Kind, KindState, Needs
from rules.limits import metric_of, sensed
from rules.model import Evidence, Number
from rules.params import MetricName
from rules.words import span_text

_MINUTE_US = 60_000_000
_HOUR_US = 60 * _MINUTE_US
_DAY_MIN = 24 * 60


class Params(Struct, frozen=True, kw_only=True):
    """A first sign at just the time that is due is in time.

    Due is the `percentile` of the first signs of the last `days` days and `grace` more; with
    fewer than `min_days` of them it is `by` and `grace`. A day begins at `day_starts`: a sign
    before belongs to the night. Of a state (movement) only a 1 is a sign.
    """

    metrics: tuple[MetricName, ...]
    by: time
    grace: timedelta = timedelta(hours=1)
    day_starts: time = time(4, 0)
    percentile: float = 95.0
    days: int = 28
    min_days: int = 14

    def __post_init__(self) -> None:
        if not self.metrics:
            raise ValueError("metrics is empty: name the signs of life")
        if not 50 <= self.percentile <= 100:
            raise ValueError("percentile lies between 50 and 100: write 95")
        if not 1 <= self.min_days <= self.days <= 90:
            raise ValueError("min_days is 1 or more, days no fewer than that and at most 90")
        if self.grace < timedelta(0) or self.by <= self.day_starts:
            raise ValueError("grace is not negative, and by comes after day_starts")


class State(KindState, kw_only=True):
    """`firsts`: (day, minute of the day) of earlier first signs, oldest first. `up`: the last
    day on which there was one; `due_day`: the day that is waited for."""

    firsts: list[tuple[int, int]] = field(default_factory=list)
    up: int = 0
    due_day: int = 0
    limit_min: int = 0
    last: str = ""
    waited_us: int = 0


class FirstOfDay(Kind[Params, State]):
    name: ClassVar[str] = "first-of-day"
    title: ClassVar[str] = "No sign of life by the time at which there always is one"
    params_type = Params
    state_type = State
    lasting = True
    examples = (
        Params(metrics=("movement",), by=time(11, 0)),
        Params(metrics=("movement", "kettle_on"), by=time(9, 0), days=3, min_days=2),
    )

    def __init__(self, params: Params, zone: tzinfo) -> None:
        self.metrics = tuple(dict.fromkeys(params.metrics))
        self.lookback = timedelta(days=params.days + 1)
        self._params = params
        self._zone = zone
        self._states = frozenset(
            name for name in self.metrics if metric_of(name).kind is MetricKind.STATE
        )

    def begin(self, since_us: int) -> State:
        state = State()
        self._wait(state, day_of(since_us, self._zone), since_us)
        return state

    def read(self, state: State, us: int, reading: Reading) -> bool | None:
        if reading.metric in self._states and reading.value < 1.0:
            return None
        day = day_of(us, self._zone)
        state.last = reading.id
        if us < local_us(day, self._params.day_starts, self._zone):
            return None
        if day.toordinal() > state.up:
            state.up = day.toordinal()
            first = state.up - self._params.days
            kept = [(one, minute) for one, minute in state.firsts if one > first]
            local = wall(us, self._zone)
            state.firsts = [*kept, (state.up, local.hour * 60 + local.minute)]
            self._wait(state, day + DAY, us)
        state.waited_us = 0
        return False

    def wake(self, state: State, us: int) -> bool:
        day = date.fromordinal(state.due_day)
        state.waited_us = us - local_us(day, self._params.day_starts, self._zone)
        self._wait(state, day + DAY, us)
        return True

    def _wait(self, state: State, day: date, after_us: int) -> None:
        """Wait for the first sign of `day`, or of the day after where its time is up already."""
        state.limit_min = self._limit(state)
        due = time(*divmod(state.limit_min, 60))
        if local_us(day, due, self._zone) <= after_us:
            day += DAY
        state.due_day, state.due_us = day.toordinal(), local_us(day, due, self._zone)

    def _limit(self, state: State) -> int:
        """The minute of the day that is due, grace included."""
        params = self._params
        minutes = sorted(minute for _, minute in state.firsts)
        if len(minutes) >= params.min_days:
            usual = ceil(ranked_quantile(minutes, params.percentile / 100))
        else:
            usual = params.by.hour * 60 + params.by.minute
        return min(usual + micros_of(params.grace) // _MINUTE_US, _DAY_MIN - 1)

    def needs(self) -> Needs:
        return Needs(signs=sensed(self._params.metrics))

    def because(self, state: State) -> Evidence:
        return Evidence(
            readings=(state.last,) if state.last else (),
            numbers=(Number(name="waited", value=round(state.waited_us / _HOUR_US, 2), unit="h"),),
            missing=", ".join(self._params.metrics) if state.waited_us else None,
        )

    def words(self) -> str:
        params = self._params
        titles = " or ".join(metric_of(name).title for name in params.metrics)
        return (
            f"no {titles} since {params.day_starts:%H:%M} by the time of {params.percentile:g} % "
            f"of the person's own first signs in {params.days} days ({params.by:%H:%M} until "
            f"{params.min_days} are known) and {span_text(params.grace)} more"
        )
