"""A device from which nothing is heard: three times as long as it takes to speak again."""

from datetime import timedelta, tzinfo
from typing import ClassVar

from msgspec import Struct

from devices.model import Reading
from rules.exact import micros_of
from rules.kind import Kind, KindState
from rules.limits import metric_of
from rules.model import Evidence, Number
from rules.params import MetricName
from rules.words import span_text

_HOUR_US = 3_600_000_000


class Params(Struct, frozen=True, kw_only=True):
    """No reading at all of these for `times` the expected interval `every`, or just that long.

    A reading of any value is a sign of the device. Give the rule `per_device: true`, so that each
    device is waited for by itself, from its first reading on.
    """

    metrics: tuple[MetricName, ...]
    every: timedelta
    times: float = 3.0

    def __post_init__(self) -> None:
        if not self.metrics:
            raise ValueError("metrics is empty: name what the device sends")
        if self.every <= timedelta(0) or self.times < 1:
            raise ValueError("every is longer than nothing, and times 1 or more")


class State(KindState, kw_only=True):
    last_us: int = 0
    last: str = ""
    waited_us: int = 0


class Silence(Kind[Params, State]):
    name: ClassVar[str] = "silence"
    title: ClassVar[str] = "A device from which nothing is heard"
    params_type = Params
    state_type = State
    lasting = True
    examples = (
        Params(metrics=("battery", "room_temperature"), every=timedelta(hours=1)),
        Params(metrics=("movement",), every=timedelta(hours=12), times=2.0),
    )

    def __init__(self, params: Params, zone: tzinfo) -> None:
        self.metrics = params.metrics
        self._params = params
        self._limit_us = round(micros_of(params.every) * params.times)
        self.lookback = timedelta(microseconds=self._limit_us)

    def begin(self, since_us: int) -> State:
        return State(last_us=since_us, due_us=since_us + self._limit_us)

    def read(self, state: State, us: int, reading: Reading) -> bool:
        state.last_us, state.last = us, reading.id
        state.waited_us = 0
        state.due_us = us + self._limit_us
        return False

    def wake(self, state: State, us: int) -> bool:
        state.waited_us = us - state.last_us
        state.due_us = None
        return True

    def because(self, state: State) -> Evidence:
        return Evidence(
            readings=(state.last,) if state.last else (),
            numbers=(Number(name="waited", value=round(state.waited_us / _HOUR_US, 2), unit="h"),),
            limit=Number(name="limit", value=round(self._limit_us / _HOUR_US, 2), unit="h"),
            missing=", ".join(self._params.metrics) if state.waited_us else None,
        )

    def words(self) -> str:
        titles = " or ".join(metric_of(name).title for name in self._params.metrics)
        wait = span_text(timedelta(microseconds=self._limit_us))
        every = span_text(self._params.every)
        return f"nothing heard ({titles}) for {wait}, where it is expected every {every}"
