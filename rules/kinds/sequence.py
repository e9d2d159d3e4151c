"""Something that should be followed by something else and was not: a door at night, no return."""

from datetime import time, timedelta, tzinfo
from typing import ClassVar

from msgspec import Struct

from devices.metrics import Kind as MetricKind
from devices.model import Reading
from rules.exact import micros_of
from rules.hours import Hours
from rules.kind import Kind, KindState, Needs
from rules.limits import metric_of
from rules.model import Evidence, Number
from rules.params import MetricName
from rules.words import span_text

_MINUTE_US = 60_000_000


class Params(Struct, frozen=True, kw_only=True):
    """`first` becoming 1, within the local hours `between`, with no 1 of `then` within `within`.

    `first_devices`: only these count (the outer doors); empty: all. `or_then`: any of these does
    as well as `then`. It ends with the next sign, or where `first` is an event (a fall), with the
    next of those, which is waited for anew.
    """

    first: MetricName
    then: MetricName
    within: timedelta
    between: Hours | None = None
    first_devices: tuple[str, ...] = ()
    or_then: tuple[MetricName, ...] = ()

    def __post_init__(self) -> None:
        if self.first in (self.then, *self.or_then):
            raise ValueError("first and then are the same")
        if self.within <= timedelta(0):
            raise ValueError("within must be longer than nothing")


class State(KindState, kw_only=True):
    """`stands`: nothing followed, and nothing has happened since."""

    first_us: int = 0
    first: str = ""
    waited_us: int = 0
    stands: bool = False


class Sequence(Kind[Params, State]):
    name: ClassVar[str] = "sequence"
    title: ClassVar[str] = "Something that was not followed by what should follow"
    params_type = Params
    state_type = State
    lasting = True
    examples = (
        Params(
            first="door_open",
            then="movement",
            within=timedelta(minutes=10),
            between=Hours(time(22), time(6)),
        ),
        Params(
            first="fall_suspected",
            then="fall_cancelled",
            or_then=("im_ok",),
            within=timedelta(seconds=20),
        ),
    )

    def __init__(self, params: Params, zone: tzinfo) -> None:
        self._signs = frozenset((params.then, *params.or_then))
        self.metrics = (params.first, *dict.fromkeys((params.then, *params.or_then)))
        self.lookback = params.within
        self._params = params
        self._zone = zone
        self._within_us = micros_of(params.within)
        self._is_event = metric_of(params.first).kind is MetricKind.EVENT

    def begin(self, since_us: int) -> State:
        return State()

    def read(self, state: State, us: int, reading: Reading) -> bool | None:
        params = self._params
        if reading.value < 1.0:
            return None
        if reading.metric in self._signs:
            state.due_us = None
            state.stands = False
            return False
        if params.first_devices and reading.device not in params.first_devices:
            return None
        if params.between is not None and not params.between.hold(us, self._zone):
            return None
        if state.due_us is None:
            state.first_us, state.first = us, reading.id
            state.due_us = us + self._within_us
            if state.stands and self._is_event:
                state.stands = False
                return False
        return None

    def wake(self, state: State, us: int) -> bool:
        state.waited_us = us - state.first_us
        state.due_us = None
        state.stands = True
        return True

    def needs(self) -> Needs:
        return Needs(((self._params.first,),), (self._params.then, *self._params.or_then))

    def because(self, state: State) -> Evidence:
        waited_min = state.waited_us / _MINUTE_US
        return Evidence(
            readings=(state.first,),
            numbers=(Number(name="waited", value=waited_min, unit="min"),),
            missing=self._params.then,
        )

    def words(self) -> str:
        params = self._params
        hours = "" if params.between is None else f" at {params.between}"
        signs = (params.then, *params.or_then)
        then = " or ".join(metric_of(name).title for name in signs)
        first = metric_of(params.first).title
        return f"{first}{hours}, and no {then} within {span_text(params.within)}"
