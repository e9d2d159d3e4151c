"""Something that happens too often within certain hours: out of bed five times in a night."""

from datetime import time, timedelta, tzinfo
from typing import ClassVar

from msgspec import Struct, field

from devices.metrics import Kind as MetricKind
from devices.model import Reading
from rules.exact import micros_of
from rules.hours import Hours
from rules.kind import Kind, KindState
from rules.limits import metric_of
from rules.model import Evidence, Number
from rules.params import MetricName
from rules.words import span_text


class Params(Struct, frozen=True, kw_only=True):
    """A state that comes on (or, `on: false`, goes off), or an event, `at_least` so many times.

    Counted anew in each night's `between`; it ends when the next has fewer. `apart`: two that
    are closer together are one. A night without any reading says nothing.
    """

    metric: MetricName
    at_least: int
    between: Hours
    on: bool = True
    apart: timedelta = timedelta(0)

    def __post_init__(self) -> None:
        if self.at_least < 1:
            raise ValueError("at_least is 1 or more")
        if self.apart < timedelta(0):
            raise ValueError("apart is not negative")


class State(KindState, kw_only=True):
    """`was`: whether it was on when last heard of. `start_us`: of the night that is counted."""

    was: bool | None = None
    start_us: int | None = None
    last_us: int | None = None
    counted: list[str] = field(default_factory=list)


class Count(Kind[Params, State]):
    name: ClassVar[str] = "count"
    title: ClassVar[str] = "Something that happens too often"
    params_type = Params
    state_type = State
    lasting = True
    examples = (
        Params(metric="bed_occupied", on=False, at_least=4, between=Hours(time(22), time(6))),
        Params(
            metric="button_pressed",
            at_least=2,
            between=Hours(time(0), time(12)),
            apart=timedelta(minutes=1),
        ),
    )

    def __init__(self, params: Params, zone: tzinfo) -> None:
        self.metrics = (params.metric,)
        self._params = params
        self._zone = zone
        self._apart_us = micros_of(params.apart)
        self._is_event = metric_of(params.metric).kind is MetricKind.EVENT

    def begin(self, since_us: int) -> State:
        return State()

    def read(self, state: State, us: int, reading: Reading) -> bool | None:
        happened = self._happened(state, reading)
        start_us, end_us = next(self._params.between.spans(us, self._zone))
        if us < start_us:
            return None
        if start_us != state.start_us:
            state.start_us, state.counted, state.last_us = start_us, [], None
        state.due_us = end_us
        if not happened or (state.last_us is not None and us - state.last_us < self._apart_us):
            return None
        state.last_us = us
        state.counted.append(reading.id)
        return self._enough(state) or None

    def wake(self, state: State, us: int) -> bool:
        state.due_us = None
        return self._enough(state)

    def _happened(self, state: State, reading: Reading) -> bool:
        on = reading.value >= 1.0
        if self._is_event:
            return on
        was, state.was = state.was, on
        return on is self._params.on and was is (not on)

    def _enough(self, state: State) -> bool:
        return len(state.counted) >= self._params.at_least

    def because(self, state: State) -> Evidence:
        count = len(state.counted)
        change = float(self._params.at_least - 1 - count)
        return Evidence(
            readings=tuple(state.counted),
            numbers=(Number(name="count", value=float(count), unit="1"),),
            limit=Number(name="limit", value=float(self._params.at_least), unit="1"),
            counterfactual=Number(name="change", value=change, unit="1"),
        )

    def words(self) -> str:
        params = self._params
        title = metric_of(params.metric).title
        what = title if params.on else f"no longer: {title}"
        apart = f" (those within {span_text(params.apart)} are one)" if params.apart else ""
        return f"{what}, {params.at_least} times or more within {params.between}{apart}"
