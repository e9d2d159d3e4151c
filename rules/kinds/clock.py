"""A clock that is wrong: how far it is ahead of, or behind, the time that is known to be right.

Measured at each connection, so a stored reading keeps its true time; here somebody is told.
"""

from datetime import timedelta, tzinfo
from typing import ClassVar

from msgspec import Struct

from devices.metrics import METRICS
from devices.model import Reading
from rules.exact import from_millionths, grid, micros_of, millionths
from rules.kind import Kind, KindState
from rules.model import Evidence, Number
from rules.words import span_text

_AHEAD = "kit.clock_ahead"


class Params(Struct, frozen=True, kw_only=True):
    """Off by just that much counts, either way; it ends with a measurement that is nearer."""

    off_by: timedelta = timedelta(seconds=120)

    def __post_init__(self) -> None:
        if self.off_by <= timedelta(0):
            raise ValueError("off_by must be longer than nothing")


class State(KindState, kw_only=True):
    ahead_s: float = 0.0
    reading: str = ""


class Clock(Kind[Params, State]):
    name: ClassVar[str] = "clock"
    title: ClassVar[str] = "A clock that is wrong"
    params_type = Params
    state_type = State
    lasting = True
    metrics = (_AHEAD,)
    examples = (Params(), Params(off_by=timedelta(hours=1)))

    def __init__(self, params: Params, zone: tzinfo) -> None:
        self._params = params
        self._metric = METRICS[_AHEAD]
        self._limit = micros_of(params.off_by)

    def begin(self, since_us: int) -> State:
        return State()

    def read(self, state: State, us: int, reading: Reading) -> bool:
        state.ahead_s, state.reading = reading.value, reading.id
        return abs(millionths(reading.value)) >= self._limit

    def because(self, state: State) -> Evidence:
        value, step = millionths(state.ahead_s), grid(self._metric.decimals)
        sign = 1 if value >= 0 else -1
        outside = sign * ((self._limit - 1) // step * step)
        unit = self._metric.unit
        return Evidence(
            readings=(state.reading,) if state.reading else (),
            numbers=(Number(name="value", value=state.ahead_s, unit=unit),),
            limit=Number(name="limit", value=from_millionths(sign * self._limit), unit=unit),
            counterfactual=Number(name="change", value=from_millionths(outside - value), unit=unit),
        )

    def words(self) -> str:
        return f"the clock is wrong by {span_text(self._params.off_by)} or more, either way"
