"""A silence that is long for this person at this hour, held against their own silences.

The gap between two signs of life belongs to the local hour in which it begins. Too long is what
exceeds a share (the 99th percentile) of the person's own gaps of that hour, and a floor.
"""

from bisect import bisect_left, insort
from collections import deque
from datetime import time, timedelta, tzinfo
from math import ceil
from typing import ClassVar

from msgspec import Struct, field

from devices.metrics import Kind as MetricKind
from devices.model import Reading
from rules.estimators.ranks import ranked_quantile
from rules.exact import micros_of
from rules.hours import Hours, wall
from rules.kind import Kind, KindState, Needs
from rules.limits import metric_of, sensed
from rules.model import Evidence, Number
from rules.params import MetricName
from rules.window import Window
from rules.words import span_text

_HOUR_US = 3_600_000_000


class Params(Struct, frozen=True, kw_only=True):
    """A gap of just the limit counts.

    The limit is the `percentile` of the gaps of that hour in the last `days` days, and never
    less than `floor`; an hour with fewer than `min_gaps` has the floor alone. `between`: only
    these local hours count, with all of the floor inside them. A gap that begins at `leaving`
    (the outer door) is not learned from, and may last for `leaving_for`; nor is one longer than
    `longest` learned from: that is a sensor, or a holiday. Of a state only a 1 is a sign.
    """

    metrics: tuple[MetricName, ...]
    percentile: float = 99.0
    floor: timedelta = timedelta(hours=3)
    days: int = 28
    min_gaps: int = 20
    between: Hours | None = None
    leaving: MetricName | None = None
    leaving_for: timedelta | None = None
    longest: timedelta = timedelta(days=1)

    def __post_init__(self) -> None:
        if not self.metrics:
            raise ValueError("metrics is empty: name the signs of life")
        if not 50 <= self.percentile <= 100:
            raise ValueError("percentile lies between 50 and 100: write 99")
        if self.floor <= timedelta(0) or self.longest <= self.floor:
            raise ValueError("floor is longer than nothing, and longest longer than floor")
        if not 1 <= self.days <= 90 or self.min_gaps < 1:
            raise ValueError("days lies between 1 and 90, and min_gaps is 1 or more")
        if (self.leaving is None) is not (self.leaving_for is None):
            raise ValueError("leaving needs leaving_for, and leaving_for needs leaving")
        if self.leaving_for is not None and self.leaving_for <= self.floor:
            raise ValueError("leaving_for must be longer than floor")
        if self.between is not None and not self._fits(self.between):
            raise ValueError("floor is longer than the hours in between: it is never due")

    def _fits(self, between: Hours) -> bool:
        day_s = 86_400
        start, end = (one.hour * 3_600 + one.minute * 60 for one in (between.start, between.end))
        return self.floor.total_seconds() < ((end - start) % day_s or day_s)


class Gaps(Window):
    """The gaps between signs: (start, length), oldest first, and in order of size by their hour.

    `last_us` and `left` are the newest sign, at which the gap that is still open begins.
    """

    __slots__ = ("entries", "last_us", "left", "sizes")

    def __init__(self, from_us: int | None = None) -> None:
        super().__init__(from_us)
        self.entries: deque[tuple[int, int, int]] = deque()
        self.sizes: dict[int, list[int]] = {}
        self.last_us: int | None = None
        self.left = False

    def push(self, us: int, hour_of_last: int, longest_us: int, left: bool) -> None:
        """A sign; `left`: it was the outer door."""
        last_us = self.last_us
        if last_us is not None and not self.left and us - last_us <= longest_us:
            self.entries.append((last_us, us - last_us, hour_of_last))
            insort(self.sizes.setdefault(hour_of_last, []), us - last_us)
        self.last_us, self.left = us, left
        self.from_us = self.entries[0][0] if self.entries else us

    def drop_before(self, us: int) -> None:
        """Forget the gaps that began before `us`."""
        entries = self.entries
        while entries and entries[0][0] < us:
            _, length, hour = entries.popleft()
            sizes = self.sizes[hour]
            del sizes[bisect_left(sizes, length)]
        self.from_us = entries[0][0] if entries else self.last_us


class State(KindState, kw_only=True):
    gaps: Gaps = field(default_factory=Gaps)
    last: str = ""
    waited_us: int = 0
    limit_us: int = 0


class Inactivity(Kind[Params, State]):
    name: ClassVar[str] = "inactivity"
    title: ClassVar[str] = "A silence that is long for this person at this hour"
    params_type = Params
    state_type = State
    lasting = True
    examples = (
        Params(metrics=("movement",), between=Hours(time(8), time(21))),
        Params(
            metrics=("movement", "power_on"),
            leaving="door_open",
            leaving_for=timedelta(hours=12),
            floor=timedelta(hours=1),
            days=2,
            min_gaps=2,
        ),
    )

    def __init__(self, params: Params, zone: tzinfo) -> None:
        names = (*params.metrics, params.leaving) if params.leaving else params.metrics
        self.metrics = tuple(dict.fromkeys(names))
        self.lookback = timedelta(days=params.days)
        self._params = params
        self._zone = zone
        self._days_us = micros_of(timedelta(days=params.days))
        self._longest_us = micros_of(params.longest)
        self._floor_us = micros_of(params.floor)
        self._states = frozenset(
            name for name in self.metrics if metric_of(name).kind is MetricKind.STATE
        )

    def begin(self, since_us: int) -> State:
        state = State()
        state.gaps.last_us = None
        state.limit_us = self._floor_us
        state.due_us = self._due(since_us, self._floor_us)
        return state

    def read(self, state: State, us: int, reading: Reading) -> bool | None:
        if not self._is_sign(reading):
            return None
        state.gaps.drop_before(us - self._days_us)
        self.refill(state, us, reading)
        state.last = reading.id
        state.limit_us = self._limit(state, us)
        state.waited_us = 0
        state.due_us = self._due(us, state.limit_us)
        return False

    def wake(self, state: State, us: int) -> bool:
        state.waited_us = us - (state.gaps.last_us or us - state.limit_us)
        state.due_us = None
        return True

    def _is_sign(self, reading: Reading) -> bool:
        return reading.metric not in self._states or reading.value >= 1.0

    def _hour(self, us: int) -> int:
        return wall(us, self._zone).hour

    def _limit(self, state: State, us: int) -> int:
        if state.gaps.left and self._params.leaving_for is not None:
            return micros_of(self._params.leaving_for)
        own = state.gaps.sizes.get(self._hour(us), ())
        if len(own) < self._params.min_gaps:
            return self._floor_us
        return max(self._floor_us, ceil(ranked_quantile(own, self._params.percentile / 100)))

    def _due(self, us: int, limit_us: int) -> int:
        due_us = us + limit_us
        between = self._params.between
        if between is not None:
            for start_us, end_us in between.spans(us, self._zone):
                earliest_us = max(due_us, start_us + self._floor_us)
                if earliest_us < end_us:
                    return earliest_us
        return due_us

    def refill_from_us(self, state: State) -> int | None:
        return state.gaps.from_us

    def refill(self, state: State, us: int, reading: Reading) -> None:
        if self._is_sign(reading):
            last_us = state.gaps.last_us
            hour = 0 if last_us is None else self._hour(last_us)
            state.gaps.push(us, hour, self._longest_us, reading.metric == self._params.leaving)

    def needs(self) -> Needs:
        return Needs(signs=sensed(self._params.metrics))

    def because(self, state: State) -> Evidence:
        return Evidence(
            readings=(state.last,) if state.last else (),
            numbers=(Number(name="waited", value=round(state.waited_us / _HOUR_US, 2), unit="h"),),
            limit=Number(name="limit", value=round(state.limit_us / _HOUR_US, 2), unit="h"),
            missing=", ".join(self._params.metrics) if state.waited_us else None,
        )

    def words(self) -> str:
        params = self._params
        titles = " or ".join(metric_of(name).title for name in params.metrics)
        hours = f", within {params.between}" if params.between else ""
        away = ""
        if params.leaving and params.leaving_for:
            door = metric_of(params.leaving).title
            away = f" ({span_text(params.leaving_for)} when the last sign was: {door})"
        return (
            f"no {titles} for longer than {params.percentile:g} % of the person's own gaps at that "
            f"hour in {params.days} days, and for {span_text(params.floor)} at least{hours}{away}"
        )
