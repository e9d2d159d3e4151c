"""The gateway was off for long: nobody watched, and nothing was prompted.

The gateway itself writes, when it runs again, since when it had not; the care team's server
notices it in the meantime by its own timer, which needs nobody at home.
"""

from datetime import timedelta, tzinfo
from typing import ClassVar

from msgspec import Struct

from devices.model import Reading
from rules.kind import Kind
from rules.kinds.duration import Duration, State
from rules.kinds.duration import Params as Lasting
from rules.model import Evidence
from rules.words import span_text

_OFFLINE = "kit.gateway_offline"


class Params(Struct, frozen=True, kw_only=True):
    """Off for `lasting` or longer."""

    lasting: timedelta = timedelta(minutes=15)

    def __post_init__(self) -> None:
        if self.lasting <= timedelta(0):
            raise ValueError("lasting must be longer than nothing")


class GatewaySilent(Kind[Params, State]):
    name: ClassVar[str] = "gateway-silent"
    title: ClassVar[str] = "A gateway that was off for long"
    params_type = Params
    state_type = State
    lasting = True
    metrics = (_OFFLINE,)
    examples = (Params(), Params(lasting=timedelta(hours=3)))

    def __init__(self, params: Params, zone: tzinfo) -> None:
        self._params = params
        self._state = Duration(Lasting(metric=_OFFLINE, lasting=params.lasting), zone)
        self.lookback = self._state.lookback

    def begin(self, since_us: int) -> State:
        return self._state.begin(since_us)

    def read(self, state: State, us: int, reading: Reading) -> bool | None:
        return self._state.read(state, us, reading)

    def wake(self, state: State, us: int) -> bool:
        return self._state.wake(state, us)

    def because(self, state: State) -> Evidence:
        return self._state.because(state)

    def words(self) -> str:
        return f"the gateway was off for {span_text(self._params.lasting)} or longer"
