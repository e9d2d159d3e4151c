"""A rise or fall of the latest value against the lowest or highest of a window of time.

The reference is the lowest reading of the window (highest, for a fall), taken within certain
hours where these are given, or an agreed value where that is nearer to a finding.
"""

from datetime import timedelta, tzinfo
from typing import ClassVar

from msgspec import Struct, field

from devices.model import Reading
from rules.exact import from_millionths, grid, micros_of, millionths
from rules.hours import Hours
from rules.kind import Kind, KindState
from rules.limits import metric_of
from rules.model import Evidence, Number
from rules.params import Amount, MetricName
from rules.window import LowestOfLast
from rules.words import shown, span_text

_HOUR = timedelta(hours=1)


class Params(Struct, frozen=True, kw_only=True):
    """Exactly one of `rise` and `fall`; a change of just that much counts.

    `between`: local hours in which a reading can be a reference. `agreed`: a reference that the
    person and the clinician agreed on (a dry weight). `repeats_within`: of readings that are
    less than that apart only the last can be one, so that a repeat refutes what it corrects.
    """

    metric: MetricName
    rise: Amount | None = None
    fall: Amount | None = None
    window: timedelta
    between: Hours | None = None
    agreed: Amount | None = None
    repeats_within: timedelta = timedelta(0)

    def __post_init__(self) -> None:
        given = [amount for amount in (self.rise, self.fall) if amount is not None]
        if len(given) != 1 or given[0] <= 0:
            raise ValueError("give exactly one of rise and fall, above 0")
        if self.window <= timedelta(0):
            raise ValueError("window must be longer than nothing")
        if not timedelta(0) <= self.repeats_within < self.window:
            raise ValueError("repeats_within is not negative, and shorter than window")


class State(KindState, kw_only=True):
    window: LowestOfLast = field(default_factory=LowestOfLast)
    value: float = 0.0
    reading: str = ""
    reference: float = 0.0
    reference_reading: str = ""


class Delta(Kind[Params, State]):
    name: ClassVar[str] = "delta"
    title: ClassVar[str] = "A change over a window of time"
    params_type = Params
    state_type = State
    examples = (
        Params(metric="body_weight", rise=2.0, window=timedelta(hours=84)),
        Params(metric="body_weight", fall=2.0, window=timedelta(days=3), agreed=80.0),
        Params(
            metric="body_weight",
            rise=1.51,
            window=timedelta(hours=36),
            repeats_within=timedelta(hours=4),
        ),
    )

    def __init__(self, params: Params, zone: tzinfo) -> None:
        self.metrics = (params.metric,)
        self.lookback = params.window
        self._params = params
        self._metric = metric_of(params.metric)
        self._zone = zone
        self._between = params.between
        self._window = params.window
        self._window_us = micros_of(params.window)
        self._together_us = micros_of(params.repeats_within)
        self._sign = 1 if params.rise is not None else -1
        self._amount = params.rise if params.rise is not None else params.fall or 0.0
        self._limit = millionths(self._amount)
        self._agreed = None if params.agreed is None else self._sign * millionths(params.agreed)

    def begin(self, since_us: int) -> State:
        return State()

    def read(self, state: State, us: int, reading: Reading) -> bool | None:
        count = self._sign * millionths(reading.value)
        state.window.drop_before(us - self._window_us)
        self.refill(state, us, reading)
        lowest = state.window.lowest()
        reference = None if lowest is None else (lowest[1], lowest[2])
        if self._agreed is not None and (reference is None or self._agreed < reference[0]):
            reference = (self._agreed, "")
        if reference is None:
            return None
        state.value = reading.value
        state.reading = reading.id
        state.reference = from_millionths(self._sign * reference[0])
        state.reference_reading = reference[1]
        return count - reference[0] >= self._limit

    def refill_from_us(self, state: State) -> int | None:
        return state.window.from_us

    def refill(self, state: State, us: int, reading: Reading) -> None:
        if self._between is None or self._between.hold(us, self._zone):
            count = self._sign * millionths(reading.value)
            state.window.push_last(us, count, reading.id, self._together_us)

    def because(self, state: State) -> Evidence:
        unit, step = self._metric.unit, grid(self._metric.decimals)
        value, reference = millionths(state.value), millionths(state.reference)
        outside = (self._sign * reference + self._limit - 1) // step * step * self._sign
        readings = (state.reference_reading, state.reading)
        return Evidence(
            readings=tuple(reading for reading in readings if reading),
            numbers=(
                Number(name="value", value=state.value, unit=unit),
                Number(name="reference", value=state.reference, unit=unit),
                Number(name="difference", value=from_millionths(value - reference), unit=unit),
                Number(name="window", value=self._window / _HOUR, unit="h"),
            ),
            limit=Number(name="limit", value=self._sign * self._amount, unit=unit),
            counterfactual=Number(name="change", value=from_millionths(outside - value), unit=unit),
        )

    def words(self) -> str:
        way, edge = ("up", "lowest") if self._sign > 0 else ("down", "highest")
        amount = shown(self._amount, self._metric.unit, self._metric.decimals)
        hours = "" if self._between is None else f" of those taken at {self._between}"
        agreed = ""
        if self._agreed is not None:
            value = from_millionths(self._sign * self._agreed)
            dry = shown(value, self._metric.unit, self._metric.decimals)
            agreed = f", or from the agreed {dry}"
        last = ""
        if self._together_us:
            apart = span_text(self._params.repeats_within)
            last = f" (of those within {apart} the last)"
        return (
            f"{self._metric.title} {way} {amount} or more from the {edge} value{hours}{last} "
            f"in {span_text(self._window)}{agreed}"
        )
