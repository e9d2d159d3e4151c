"""A battery that is running out, and stays so until it is known to be better.

A battery that died says no more: silence clears nothing, only a new reading does.
"""

from datetime import tzinfo
from typing import ClassVar

from msgspec import Struct

from devices.metrics import METRICS
from devices.model import Reading
from rules.exact import from_millionths, grid, millionths
from rules.kind import Kind, KindState
from rules.model import Evidence, Number

_LEVEL, _LOW = "battery", "battery_low"


class Params(Struct, frozen=True, kw_only=True):
    """A level under `below_percent` is low, one of just that is not.

    Low ends at `clear_percent` or above (the limit, if not given). What a device without a level
    says of itself (battery low) counts too, where `own_word`, until it says otherwise.
    """

    below_percent: float
    clear_percent: float | None = None
    own_word: bool = True

    def __post_init__(self) -> None:
        if not 0 < self.below_percent <= 100:
            raise ValueError("below_percent lies above 0 and is at most 100")
        if self.clear_percent is not None and not self.below_percent <= self.clear_percent <= 100:
            raise ValueError("clear_percent lies between below_percent and 100")


class State(KindState, kw_only=True):
    low_level: bool = False
    was_low: bool = False
    own_word: bool = False
    level: float | None = None
    reading: str = ""


class Battery(Kind[Params, State]):
    name: ClassVar[str] = "battery"
    title: ClassVar[str] = "A battery that is running out"
    params_type = Params
    state_type = State
    lasting = True
    examples = (
        Params(below_percent=20.0, clear_percent=30.0),
        Params(below_percent=100.0, own_word=False),
    )

    def __init__(self, params: Params, zone: tzinfo) -> None:
        self.metrics = (_LEVEL, _LOW) if params.own_word else (_LEVEL,)
        self._below = params.below_percent
        clear = params.clear_percent
        self._clear = params.below_percent if clear is None else clear

    def begin(self, since_us: int) -> State:
        return State()

    def read(self, state: State, us: int, reading: Reading) -> bool:
        state.reading = reading.id
        if reading.metric == _LOW:
            state.own_word = reading.value >= 1.0
        else:
            state.was_low = state.low_level
            state.level = reading.value
            state.low_level = reading.value < (self._clear if state.low_level else self._below)
        return state.low_level or state.own_word

    def because(self, state: State) -> Evidence:
        numbers = [] if state.level is None else [Number(name="value", value=state.level, unit="%")]
        return Evidence(
            readings=(state.reading,),
            numbers=tuple(numbers),
            limit=Number(name="limit", value=self._below, unit="%"),
            counterfactual=self._change(state),
        )

    def _change(self, state: State) -> Number | None:
        if state.own_word:
            return None if state.low_level else Number(name="change", value=-1.0, unit="1")
        step = grid(METRICS[_LEVEL].decimals)
        wanted = millionths(self._clear if state.was_low else self._below)
        change = -(-wanted // step) * step - millionths(state.level or 0.0)
        return Number(name="change", value=from_millionths(change), unit="%")

    def words(self) -> str:
        until = "" if self._clear == self._below else f", until it is back at {self._clear:g}%"
        word = " or the device says that it is low" if len(self.metrics) > 1 else ""
        return f"Battery below {self._below:g}%{until}{word}"
