"""What should have come and did not: silence, judged at the moment at which it was due.

Three ways to owe a reading: `by` a local time of each day (plus a grace), `every` so often
(within certain hours), or `within` a time `after` something else, as an answer after a question.
"""

from datetime import time, timedelta, tzinfo
from typing import ClassVar

from msgspec import Struct, field

from devices.metrics import Kind as MetricKind
from devices.model import Reading
from rules.exact import micros_of
from rules.hours import Hours, local_us, wall
from rules.kind import Kind, KindState, Needs
from rules.limits import metric_of, sensed
from rules.model import Evidence, Number
from rules.params import MetricName
from rules.words import span_text

_HOUR_US = 3_600_000_000
_DAY = timedelta(days=1)


class Params(Struct, frozen=True, kw_only=True):
    """Exactly one of `by`, `every` and `after`.

    `day_starts`: with `by`, what was taken before that local time belongs to the day before.
    `between`: with `every`, only these local hours count. `leaving`: the outer door; when it was
    the last that was heard of the person, nothing is due for `leaving_for`. With `after`, each
    of `metrics` has to come; otherwise any does. Of a state (movement), only a 1 is a sign.
    """

    metrics: tuple[MetricName, ...]
    by: time | None = None
    grace: timedelta = timedelta(0)
    day_starts: time = time(0, 0)
    every: timedelta | None = None
    between: Hours | None = None
    leaving: MetricName | None = None
    leaving_for: timedelta | None = None
    after: MetricName | None = None
    within: timedelta | None = None

    def __post_init__(self) -> None:
        if not self.metrics:
            raise ValueError("metrics is empty: name what should come")
        if sum(way is not None for way in (self.by, self.every, self.after)) != 1:
            raise ValueError("give exactly one of by, every and after")
        if (self.after is None) is not (self.within is None):
            raise ValueError("after needs within, and within needs after")
        if (self.leaving is None) is not (self.leaving_for is None):
            raise ValueError("leaving needs leaving_for, and leaving_for needs leaving")
        if self.every is None and (self.between is not None or self.leaving is not None):
            raise ValueError("between and leaving go with every")
        for span in (self.every, self.within, self.leaving_for):
            if span is not None and span <= timedelta(0):
                raise ValueError("a duration must be longer than nothing")
        if self.grace < timedelta(0):
            raise ValueError("grace is not negative")
        if self.every and self.leaving_for and self.leaving_for <= self.every:
            raise ValueError("leaving_for must be longer than every")
        if self.every and self.between and self.every >= _length(self.between):
            raise ValueError("every is longer than the hours in between: it is never due")


def _length(hours: Hours) -> timedelta:
    start = timedelta(hours=hours.start.hour, minutes=hours.start.minute)
    end = timedelta(hours=hours.end.hour, minutes=hours.end.minute)
    return end - start if start < end else end - start + _DAY


class State(KindState, kw_only=True):
    from_us: int = 0
    """What comes from here on counts towards what is due."""
    came: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    """What was due and has not come since."""
    waited_us: int = 0
    last: str = ""


class Absence(Kind[Params, State]):
    name: ClassVar[str] = "absence"
    title: ClassVar[str] = "Something expected that did not come"
    params_type = Params
    state_type = State
    lasting = True
    examples = (
        Params(metrics=("body_weight",), by=time(11, 0), grace=timedelta(hours=2)),
        Params(metrics=("movement",), every=timedelta(hours=3), between=Hours(time(8), time(21))),
        Params(
            metrics=("symptom.ankles_swollen", "symptom.pillows"),
            after="rule.weight-gain",
            within=timedelta(hours=4),
        ),
    )

    def __init__(self, params: Params, zone: tzinfo) -> None:
        others = (params.after, params.leaving)
        names = (*params.metrics, *(name for name in others if name is not None))
        self.metrics = tuple(dict.fromkeys(names))
        self.lookback = params.within or max(params.every or _DAY, _DAY)
        self._params = params
        self._zone = zone
        self._needed = frozenset(params.metrics) if params.after else frozenset()
        self._signs = frozenset(
            name for name in self.metrics if metric_of(name).kind is MetricKind.STATE
        )

    def begin(self, since_us: int) -> State:
        state = State()
        if self._params.by is not None:
            self._owe_day_after(state, since_us)
        elif self._params.every is not None:
            self._owe_after_sign(state, since_us, self._params.every)
        return state

    def read(self, state: State, us: int, reading: Reading) -> bool | None:
        params, metric = self._params, reading.metric
        if metric == params.after:
            return self._asked(state, us, reading.value >= 1.0)
        if metric in self._signs and reading.value < 1.0:
            return None
        state.last = reading.id
        if self._needed:
            return self._answered(state, metric)
        if params.every is not None:
            away = metric == params.leaving and params.leaving_for
            self._owe_after_sign(state, us, away or params.every)
        elif us >= state.from_us and state.due_us is not None:
            self._owe_day_after(state, state.due_us)
        state.missing = []
        return False

    def wake(self, state: State, us: int) -> bool:
        state.missing = [name for name in self._params.metrics if name not in state.came]
        state.waited_us = us - state.from_us
        state.due_us = None
        if self._params.by is not None:
            self._owe_day_after(state, us)
        return True

    def _asked(self, state: State, us: int, asked: bool) -> bool:
        state.came, state.missing = [], []
        state.from_us = us
        state.due_us = us + micros_of(self._params.within or _DAY) if asked else None
        return False

    def _answered(self, state: State, metric: str) -> bool | None:
        if metric not in state.came:
            state.came.append(metric)
        state.missing = [name for name in state.missing if name != metric]
        if not self._needed.issubset(state.came):
            return None
        state.due_us = None
        return False

    def _owe_day_after(self, state: State, us: int) -> None:
        """Owe the reading of the first day whose time is up after `us`."""
        params = self._params
        day = wall(us, self._zone).date() - _DAY
        due_us = us
        while due_us <= us:
            day += _DAY
            by = local_us(day, params.by or time(0), self._zone)
            due_us = by + micros_of(params.grace)
        state.from_us = local_us(day, params.day_starts, self._zone)
        state.due_us = due_us

    def _owe_after_sign(self, state: State, us: int, wait: timedelta) -> None:
        """Owe a sign within that time; within certain hours, with all of `every` inside them."""
        state.from_us = us
        due_us = us + micros_of(wait)
        between, every_us = self._params.between, micros_of(self._params.every or wait)
        if between is not None:
            for start_us, end_us in between.spans(us, self._zone):
                earliest_us = max(due_us, start_us + every_us)
                if earliest_us < end_us:
                    due_us = earliest_us
                    break
        state.due_us = due_us

    def needs(self) -> Needs:
        after = self._params.after
        return Needs(((after,),) if after else (), sensed(self._params.metrics))

    def because(self, state: State) -> Evidence:
        waited_h = round(state.waited_us / _HOUR_US, 2)
        return Evidence(
            readings=(state.last,) if state.last else (),
            numbers=(Number(name="waited", value=waited_h, unit="h"),),
            missing=", ".join(state.missing) or None,
        )

    def words(self) -> str:
        params = self._params
        titles = [metric_of(name).title for name in params.metrics]
        if params.by is not None:
            grace = f" and {span_text(params.grace)} more" if params.grace else ""
            return f"{' or '.join(titles)} not there by {params.by:%H:%M}{grace}"
        if params.after is not None and params.within is not None:
            time = f"within {span_text(params.within)} after {metric_of(params.after).title}"
            if len(titles) == 1:
                return f"no {titles[0]} {time}"
            kinds = {metric_of(name).kind for name in params.metrics}
            came = "were answered" if kinds == {MetricKind.ANSWER} else "came"
            return f"not all of {', '.join(titles[:-1])} and {titles[-1]} {came} {time}"
        hours = f", counted from {params.between}" if params.between else ""
        every = span_text(params.every or _DAY)
        away = ""
        if params.leaving and params.leaving_for:
            door = metric_of(params.leaving).title
            away = f" ({span_text(params.leaving_for)} when the last sign was: {door})"
        return f"no {' or '.join(titles)} for {every}{hours}{away}"
