"""A value away from the level that was agreed while the person was well.

A level that follows the person (a rolling one) also follows a slow decline, and never speaks of
it. This one stands still until somebody agrees on another.
"""

from datetime import tzinfo
from typing import ClassVar

from msgspec import Struct

from devices.model import Reading
from rules.exact import from_millionths, millionths
from rules.kind import Kind, KindState
from rules.limits import Limit, metric_of
from rules.model import Evidence, Number
from rules.params import Amount, MetricName
from rules.words import shown


class Params(Struct, frozen=True, kw_only=True):
    """Exactly one of `rise` and `fall`; a distance from `agreed` of just that much counts.

    `edge`: beyond it a value counts in any case, whatever was agreed, and before anything was;
    one of just `edge` does not. Without `agreed` there is only the edge.
    """

    metric: MetricName
    rise: Amount | None = None
    fall: Amount | None = None
    agreed: Amount | None = None
    edge: Amount | None = None

    def __post_init__(self) -> None:
        given = [amount for amount in (self.rise, self.fall) if amount is not None]
        if len(given) != 1 or given[0] <= 0:
            raise ValueError("give exactly one of rise and fall, above 0")
        if self.agreed is None and self.edge is None:
            raise ValueError("give agreed, or an edge that holds until something is agreed")


class State(KindState, kw_only=True):
    value: float = 0.0
    reading: str = ""


class AwayFromAgreed(Kind[Params, State]):
    name: ClassVar[str] = "away-from-agreed"
    title: ClassVar[str] = "A value away from the level that was agreed"
    params_type = Params
    state_type = State
    examples = (
        Params(metric="oxygen_saturation", fall=3.0, agreed=94.0, edge=90.0),
        Params(metric="body_weight", rise=2.0, agreed=78.5),
    )

    def __init__(self, params: Params, zone: tzinfo) -> None:
        self.metrics = (params.metric,)
        self._metric = metric_of(params.metric)
        self._params = params
        self._sign = 1 if params.rise is not None else -1
        self._amount = params.rise if params.rise is not None else params.fall or 0.0
        limits = []
        if params.agreed is not None:
            away = from_millionths(millionths(params.agreed + self._sign * self._amount))
            limits.append(Limit("at_least" if self._sign > 0 else "at_most", away))
        if params.edge is not None:
            limits.append(Limit("above" if self._sign > 0 else "below", params.edge))
        nearest = min if self._sign > 0 else max
        self._outside = nearest(limit.nearest_outside(self._metric.decimals) for limit in limits)
        self._limits = tuple((limit, limit.holds) for limit in limits)

    def begin(self, since_us: int) -> State:
        return State()

    def read(self, state: State, us: int, reading: Reading) -> bool:
        state.value, state.reading = reading.value, reading.id
        return self._holds(reading.value)

    def _holds(self, value: float) -> bool:
        return any(holds(value, limit.value) for limit, holds in self._limits)

    def because(self, state: State) -> Evidence:
        unit = self._metric.unit
        value = millionths(state.value)
        numbers = [Number(name="value", value=state.value, unit=unit)]
        agreed = self._params.agreed
        if agreed is not None:
            away = from_millionths(value - millionths(agreed))
            numbers.append(Number(name="reference", value=agreed, unit=unit))
            numbers.append(Number(name="difference", value=away, unit=unit))
        nearest = min if self._sign > 0 else max
        change = from_millionths(millionths(self._outside) - value)
        return Evidence(
            readings=(state.reading,) if state.reading else (),
            numbers=tuple(numbers),
            limit=Number(
                name="limit", value=nearest(limit.value for limit, _ in self._limits), unit=unit
            ),
            counterfactual=Number(name="change", value=change, unit=unit),
        )

    def words(self) -> str:
        params, unit, decimals = self._params, self._metric.unit, self._metric.decimals
        way = "above" if self._sign > 0 else "below"
        parts = []
        if params.agreed is not None:
            amount, level = (shown(one, unit, decimals) for one in (self._amount, params.agreed))
            parts.append(f"{amount} or more {way} the agreed {level}")
        if params.edge is not None:
            parts.append(f"{way} {shown(params.edge, unit, decimals)} in any case")
        return f"{self._metric.title} {', or '.join(parts)}"
