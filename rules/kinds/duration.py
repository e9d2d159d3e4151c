"""A state that lasts too long: out of bed at night, in the bathroom, a fridge door."""

from datetime import time, timedelta, tzinfo
from typing import ClassVar

from msgspec import Struct

from devices.model import Reading
from rules.exact import micros_of
from rules.hours import Hours
from rules.kind import Kind, KindState
from rules.limits import metric_of
from rules.model import Evidence, Number
from rules.params import MetricName
from rules.words import span_text

_MINUTE_US = 60_000_000


class Params(Struct, frozen=True, kw_only=True):
    """The state is on (or, `on: false`, off) for `lasting` or longer.

    `between`: it has to begin in these local hours, and is given up when they are over. It begins
    when it is first heard of; hearing it again changes nothing.
    """

    metric: MetricName
    on: bool = True
    lasting: timedelta
    between: Hours | None = None

    def __post_init__(self) -> None:
        if self.lasting <= timedelta(0):
            raise ValueError("lasting must be longer than nothing")


class State(KindState, kw_only=True):
    """`known`: whether it is in the state that is watched; None before it was heard of."""

    known: bool | None = None
    since_us: int = 0
    since: str = ""
    lasted_us: int = 0


class Duration(Kind[Params, State]):
    name: ClassVar[str] = "duration"
    title: ClassVar[str] = "A state that lasts too long"
    params_type = Params
    state_type = State
    lasting = True
    examples = (
        Params(
            metric="bed_occupied",
            on=False,
            lasting=timedelta(minutes=45),
            between=Hours(time(22), time(6)),
        ),
        Params(metric="door_open", lasting=timedelta(hours=1)),
    )

    def __init__(self, params: Params, zone: tzinfo) -> None:
        self.metrics = (params.metric,)
        self.lookback = max(params.lasting, timedelta(days=1))
        self._params = params
        self._zone = zone
        self._lasting_us = micros_of(params.lasting)

    def begin(self, since_us: int) -> State:
        return State()

    def read(self, state: State, us: int, reading: Reading) -> bool | None:
        watched = (reading.value >= 1.0) is self._params.on
        if watched is state.known:
            return None
        state.known = watched
        if not watched:
            state.due_us = None
            return False
        state.since_us, state.since = us, reading.id
        state.due_us = self._due(us)
        return None

    def _due(self, us: int) -> int | None:
        due_us = us + self._lasting_us
        between = self._params.between
        if between is None:
            return due_us
        start_us, end_us = next(between.spans(us, self._zone))
        return due_us if start_us <= us and due_us < end_us else None

    def wake(self, state: State, us: int) -> bool:
        state.lasted_us = us - state.since_us
        state.due_us = None
        return True

    def because(self, state: State) -> Evidence:
        return Evidence(
            readings=(state.since,) if state.since else (),
            numbers=(Number(name="lasted", value=state.lasted_us / _MINUTE_US, unit="min"),),
            limit=Number(name="limit", value=self._lasting_us / _MINUTE_US, unit="min"),
            counterfactual=Number(
                name="change", value=1.0 if not self._params.on else -1.0, unit="1"
            ),
        )

    def words(self) -> str:
        params = self._params
        title = metric_of(params.metric).title
        what = title if params.on else f"not: {title}"
        hours = "" if params.between is None else f", within {params.between}"
        return f"{what} for {span_text(params.lasting)} or longer{hours}"
