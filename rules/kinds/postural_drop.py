"""Blood pressure that falls on standing up: 20 systolic or 10 diastolic within 3 minutes.

The definition of orthostatic hypotension (consensus statement, Freeman and others 2011). It needs
to be known that the person stands: a pressure whose posture nobody told is not judged.
"""

from datetime import timedelta, tzinfo
from typing import ClassVar

from msgspec import Struct, field

from devices.metrics import METRICS
from devices.model import Reading
from rules.exact import from_millionths, grid, micros_of, millionths
from rules.kind import Kind, KindState, Needs
from rules.model import Evidence, Number
from rules.words import span_text

_PRESSURES = ("systolic_pressure", "diastolic_pressure")
_STANDING = "standing"
_UNIT = METRICS[_PRESSURES[0]].unit


class Params(Struct, frozen=True, kw_only=True):
    """A fall of just that much counts.

    Standing pressures are judged from `least` to `most` after standing up (both included), each
    against the last one taken before, which is no older than `reference_within`.
    """

    systolic_fall_mmhg: float = 20.0
    diastolic_fall_mmhg: float = 10.0
    least: timedelta = timedelta(minutes=1)
    most: timedelta = timedelta(minutes=3)
    reference_within: timedelta = timedelta(minutes=15)

    def __post_init__(self) -> None:
        if self.systolic_fall_mmhg <= 0 or self.diastolic_fall_mmhg <= 0:
            raise ValueError("a fall is above 0 mmHg")
        if not timedelta(0) <= self.least <= self.most:
            raise ValueError("least is not negative, and most no shorter than it")
        if self.reference_within <= self.most:
            raise ValueError("reference_within is longer than most")


class Taken(Struct, frozen=True, kw_only=True):
    us: int
    value: float
    reading: str


class State(KindState, kw_only=True):
    """`seated`: the last of each pressure before standing up. `standing_us`: since when."""

    seated: dict[str, Taken] = field(default_factory=dict)
    standing: bool | None = None
    standing_us: int = 0
    metric: str = _PRESSURES[0]
    now: Taken | None = None


class PosturalDrop(Kind[Params, State]):
    name: ClassVar[str] = "postural-drop"
    title: ClassVar[str] = "Blood pressure that falls on standing up"
    params_type = Params
    state_type = State
    metrics = (*_PRESSURES, _STANDING)
    examples = (Params(), Params(systolic_fall_mmhg=30.0, most=timedelta(minutes=5)))

    def __init__(self, params: Params, zone: tzinfo) -> None:
        self._params = params
        falls = (params.systolic_fall_mmhg, params.diastolic_fall_mmhg)
        self._falls = dict(zip(_PRESSURES, falls, strict=True))
        self._least_us, self._most_us = micros_of(params.least), micros_of(params.most)
        self._reference_us = micros_of(params.reference_within)

    def begin(self, since_us: int) -> State:
        return State()

    def read(self, state: State, us: int, reading: Reading) -> bool | None:
        if reading.metric == _STANDING:
            standing = reading.value >= 1.0
            if standing and state.standing is not True:
                state.standing_us = us
            state.standing = standing
            return None
        taken = Taken(us=us, value=reading.value, reading=reading.id)
        if state.standing is False:
            state.seated[reading.metric] = taken
        if not state.standing or not self._in_time(state, us, reading.metric):
            return None
        state.metric, state.now = reading.metric, taken
        fall = millionths(state.seated[reading.metric].value) - millionths(reading.value)
        return fall >= millionths(self._falls[reading.metric])

    def _in_time(self, state: State, us: int, metric: str) -> bool:
        seated = state.seated.get(metric)
        stood_us = us - state.standing_us
        return (
            seated is not None
            and us - seated.us <= self._reference_us
            and self._least_us <= stood_us <= self._most_us
        )

    def needs(self) -> Needs:
        return Needs((_PRESSURES, (_STANDING,)))

    def because(self, state: State) -> Evidence:
        now, seated = state.now, state.seated.get(state.metric)
        if now is None or seated is None:
            return Evidence()
        value, reference = millionths(now.value), millionths(seated.value)
        fall = self._falls[state.metric]
        step = grid(METRICS[state.metric].decimals)
        outside = -((millionths(fall) - reference - 1) // step) * step
        return Evidence(
            readings=(seated.reading, now.reading),
            numbers=(
                Number(name="value", value=now.value, unit=_UNIT),
                Number(name="reference", value=seated.value, unit=_UNIT),
                Number(name="difference", value=from_millionths(value - reference), unit=_UNIT),
            ),
            limit=Number(name="limit", value=-fall, unit=_UNIT),
            counterfactual=Number(
                name="change", value=from_millionths(outside - value), unit=_UNIT
            ),
        )

    def words(self) -> str:
        params = self._params
        return (
            f"Blood pressure {params.systolic_fall_mmhg:g} (upper number) or "
            f"{params.diastolic_fall_mmhg:g} (lower number) mmHg lower {span_text(params.least)} "
            f"to {span_text(params.most)} after standing up than before"
        )
