"""A value above or below a limit; a state (door open, smoke) is a value of 1 or 0."""

from datetime import timedelta, tzinfo
from typing import ClassVar

from msgspec import Struct

from devices.metrics import Kind as MetricKind
from devices.model import Reading
from rules.doze import Doze
from rules.exact import from_millionths, micros_of, millionths
from rules.kind import Kind, KindState
from rules.limits import Limit, metric_of, the_limit
from rules.model import Evidence, Number
from rules.params import Amount, MetricName
from rules.words import shown

EVENT_LASTS = timedelta(minutes=1)
"""An event (a press) is over at once; presses closer together than this are one."""


class Params(Struct, frozen=True, kw_only=True):
    """Exactly one limit. `clear_at`: once over the limit, it holds until the value is here or
    beyond. `clear_after`: it ends when no reading has confirmed it for that long."""

    metric: MetricName
    above: Amount | None = None
    at_least: Amount | None = None
    below: Amount | None = None
    at_most: Amount | None = None
    clear_at: Amount | None = None
    clear_after: timedelta | None = None

    def __post_init__(self) -> None:
        limit = the_limit(self)
        if self.clear_at is not None and limit.holds(self.clear_at, limit.value):
            raise ValueError("clear_at lies on the wrong side of the limit: it would never clear")
        if self.clear_after is not None and self.clear_after <= timedelta(0):
            raise ValueError("clear_after must be longer than nothing")


class State(KindState, kw_only=True):
    over: bool = False
    was_over: bool = False
    value: float = 0.0
    reading: str = ""


class Threshold(Kind[Params, State]):
    name: ClassVar[str] = "threshold"
    title: ClassVar[str] = "A value beyond a limit"
    params_type = Params
    state_type = State
    examples = (
        Params(metric="systolic_pressure", at_least=180.0, clear_at=170.0),
        Params(metric="oxygen_saturation", at_most=91.0),
        Params(metric="smoke", at_least=1.0),
        Params(metric="sos_pressed", at_least=1.0),
    )

    def __init__(self, params: Params, zone: tzinfo) -> None:
        self.metrics = (params.metric,)
        self._metric = metric_of(params.metric)
        self._limit = limit = the_limit(params)
        self._holds = limit.holds
        self._value = limit.value
        self._staying = limit
        if params.clear_at is not None:
            self._staying = Limit("above" if limit.upwards else "below", params.clear_at)
        self._still_holds = self._staying.holds
        self._still_value = self._staying.value
        clear_after = params.clear_after
        if clear_after is None and self._metric.kind is MetricKind.EVENT:
            clear_after = EVENT_LASTS
        self._clear_us = 0 if clear_after is None else micros_of(clear_after)
        self.lasting = self._metric.kind is not MetricKind.QUANTITY

    def begin(self, since_us: int) -> State:
        return State()

    def read(self, state: State, us: int, reading: Reading) -> bool:
        value = reading.value
        state.was_over = over = state.over
        if over:
            over = self._still_holds(value, self._still_value)
        else:
            over = self._holds(value, self._value)
        state.over = over
        state.value = value
        state.reading = reading.id
        if self._clear_us:
            state.due_us = us + self._clear_us if over else None
        return over

    def wake(self, state: State, us: int) -> bool:
        state.over = False
        state.due_us = None
        return False

    def doze(self) -> Doze:
        return Doze(upwards=self._limit.upwards, limit=self._value)

    def resume(self, state: State, reading: Reading) -> None:
        state.was_over = False
        state.value = reading.value
        state.reading = reading.id

    def because(self, state: State) -> Evidence:
        unit, decimals = self._metric.unit, self._metric.decimals
        passed = self._staying if state.was_over else self._limit
        change = millionths(passed.nearest_outside(decimals)) - millionths(state.value)
        return Evidence(
            readings=(state.reading,),
            numbers=(Number(name="value", value=state.value, unit=unit),),
            limit=Number(name="limit", value=self._value, unit=unit),
            counterfactual=Number(name="change", value=from_millionths(change), unit=unit),
        )

    def words(self) -> str:
        if self._metric.kind is not MetricKind.QUANTITY:
            return self._metric.title if self._limit.upwards else f"not: {self._metric.title}"
        limit = self._limit.text(shown(self._limit.value, self._metric.unit, self._metric.decimals))
        cleared = ""
        if self._staying is not self._limit:
            back = shown(self._staying.value, self._metric.unit, self._metric.decimals)
            cleared = f", until it is back at {back}"
        return f"{self._metric.title} {limit}{cleared}"
