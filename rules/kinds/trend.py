"""How fast a value rises or falls: the slope of the least-squares line over the last samples."""

from datetime import timedelta, tzinfo
from typing import ClassVar

from msgspec import Struct, field

from devices.model import Reading
from rules.doze import Doze
from rules.exact import from_millionths, grid, micros_of, millionths
from rules.kind import Kind, KindState
from rules.limits import metric_of
from rules.model import Evidence, Number
from rules.params import Amount, MetricName
from rules.window import Line
from rules.words import shown

_SECONDS = {"d": 86_400, "h": 3_600}


class Params(Struct, frozen=True, kw_only=True):
    """Exactly one of the four; a slope of just that much counts.

    The line goes through the last `samples` values, of which those older than `window` are left
    out. With fewer than `min_samples` nothing is said.
    """

    metric: MetricName
    rising_per_day: Amount | None = None
    falling_per_day: Amount | None = None
    rising_per_hour: Amount | None = None
    falling_per_hour: Amount | None = None
    samples: int
    min_samples: int = 10
    window: timedelta | None = None

    def __post_init__(self) -> None:
        given = [amount for _, _, amount in _slopes(self) if amount is not None]
        if len(given) != 1 or given[0] <= 0:
            raise ValueError(
                "give exactly one of rising_per_day, falling_per_day, rising_per_hour and "
                "falling_per_hour, above 0"
            )
        if not 2 <= self.min_samples <= self.samples:
            raise ValueError("min_samples lies between 2 and samples")
        if self.window is not None and self.window <= timedelta(0):
            raise ValueError("window must be longer than nothing")


def _slopes(params: Params) -> tuple[tuple[str, int, float | None], ...]:
    return (
        ("d", 1, params.rising_per_day),
        ("d", -1, params.falling_per_day),
        ("h", 1, params.rising_per_hour),
        ("h", -1, params.falling_per_hour),
    )


class State(KindState, kw_only=True):
    window: Line = field(default_factory=Line)
    value: float = 0.0
    reading: str = ""


class Trend(Kind[Params, State]):
    name: ClassVar[str] = "trend"
    title: ClassVar[str] = "A value that rises or falls steadily"
    params_type = Params
    state_type = State
    examples = (
        Params(metric="level", rising_per_hour=1.0, samples=12, min_samples=3),
        Params(metric="body_weight", falling_per_day=0.2, samples=28, window=timedelta(days=28)),
    )

    def __init__(self, params: Params, zone: tzinfo) -> None:
        self.metrics = (params.metric,)
        self.lookback = params.window or timedelta(days=28)
        self._metric = metric_of(params.metric)
        self._samples = params.samples
        self._min_samples = params.min_samples
        self._window_us = 0 if params.window is None else micros_of(params.window)
        ((self._per, self._sign, self._amount),) = (
            (per, sign, amount) for per, sign, amount in _slopes(params) if amount is not None
        )
        # slope >= limit without a division: numerator * _scale >= denominator * _limit
        self._scale = self._sign * _SECONDS[self._per] * 1_000_000
        self._limit = millionths(self._amount)

    def begin(self, since_us: int) -> State:
        return State()

    def read(self, state: State, us: int, reading: Reading) -> bool | None:
        window = state.window
        window.take(us, reading.value, reading.id, self._samples, self._window_us)
        state.value = reading.value
        state.reading = reading.id
        if len(window.points) < self._min_samples:
            return None
        numerator, denominator = window.slope()
        if denominator == 0:
            return None
        return numerator * self._scale >= denominator * self._limit

    def refill_from_us(self, state: State) -> int | None:
        return state.window.from_us

    def refill(self, state: State, us: int, reading: Reading) -> None:
        state.window.take(us, reading.value, reading.id, self._samples, 0)

    def doze(self) -> Doze:
        return Doze(
            upwards=self._sign > 0,
            limit=self._limit * _SECONDS["d"] // _SECONDS[self._per],
            samples=self._samples,
            window_us=self._window_us,
        )

    def resume(self, state: State, reading: Reading) -> None:
        state.value = reading.value
        state.reading = reading.id

    def because(self, state: State) -> Evidence:
        unit = f"{self._metric.unit}/{self._per}"
        numerator, denominator = state.window.slope()
        slope = numerator * _SECONDS[self._per] / denominator if denominator else 0.0
        return Evidence(
            readings=(state.reading,),
            numbers=(
                Number(name="value", value=state.value, unit=self._metric.unit),
                Number(name="slope", value=slope, unit=unit),
                Number(name="samples", value=float(len(state.window.points)), unit="1"),
            ),
            limit=Number(name="limit", value=self._sign * self._amount, unit=unit),
            counterfactual=self._change(state),
        )

    def _change(self, state: State) -> Number | None:
        """Numerator + change * pull has to come below the limit: solved for the change."""
        numerator, denominator = state.window.slope()
        pull = state.window.pull_of_last()
        if pull <= 0:
            return None
        over = numerator * self._scale - denominator * self._limit
        lowering = over // (abs(self._scale) * pull) + 1
        step = grid(self._metric.decimals)
        value = millionths(state.value)
        outside = (self._sign * value - lowering) // step * step * self._sign
        return Number(name="change", value=from_millionths(outside - value), unit=self._metric.unit)

    def words(self) -> str:
        way = "rising" if self._sign > 0 else "falling"
        speed = shown(self._amount, f"{self._metric.unit}/{self._per}")
        return f"{self._metric.title} {way} by {speed} or more over {self._samples} readings"
