"""How fast a value rises or falls from day to day: Theil and Sen's slope of daily means.

The median of the slopes between all pairs of days: a few wild days do not move it. It counts
only where its whole interval lies on the same side of none at all.
"""

from datetime import date, timedelta, tzinfo
from typing import ClassVar

from msgspec import Struct, field

from rules.days import Daily, DayState, mean_of
from rules.estimators.lines import Slope, is_sure, theil_sen
from rules.exact import millionths
from rules.hours import Hours
from rules.model import Evidence, Number
from rules.params import Amount, MetricName
from rules.words import shown


class Params(Struct, frozen=True, kw_only=True):
    """Exactly one of the two; a slope of just that much counts.

    The last `days` local days, of which `min_days` need a reading. `confidence`: that of the
    interval (0.95). `between`: only what is taken in these local hours.
    """

    metric: MetricName
    rising_per_day: Amount | None = None
    falling_per_day: Amount | None = None
    days: int = 28
    min_days: int = 14
    confidence: float = 0.95
    between: Hours | None = None

    def __post_init__(self) -> None:
        given = [one for one in (self.rising_per_day, self.falling_per_day) if one is not None]
        if len(given) != 1 or given[0] <= 0:
            raise ValueError("give exactly one of rising_per_day and falling_per_day, above 0")
        if not 3 <= self.min_days <= self.days <= 90:
            raise ValueError("min_days is 3 or more, days no fewer than that and at most 90")
        if not 0 < self.confidence < 1:
            raise ValueError("confidence lies between 0 and 1: write 0.95")


class State(DayState, kw_only=True):
    """`levels`: (day, mean), oldest first, with the last day."""

    levels: list[tuple[int, float]] = field(default_factory=list)


class RobustTrend(Daily[Params, State]):
    name: ClassVar[str] = "robust-trend"
    title: ClassVar[str] = "A steady rise or fall that a few wild days do not move"
    params_type = Params
    state_type = State
    examples = (
        Params(metric="systolic_pressure", rising_per_day=0.5),
        Params(metric="level", falling_per_day=0.5, days=5, min_days=3, confidence=0.5),
    )

    def __init__(self, params: Params, zone: tzinfo) -> None:
        self.bind(params.metric, zone, params.between, params.rising_per_day is not None)
        self.lookback = timedelta(days=params.days + 1)
        self._params = params
        self._sign = 1 if params.rising_per_day is not None else -1
        self._amount = params.rising_per_day or params.falling_per_day or 0.0

    def begin(self, since_us: int) -> State:
        return State()

    def level(self, counts: list[int]) -> float:
        return mean_of(counts)

    def judge_day(self, state: State, day: date, level: float) -> bool | None:
        first = day.toordinal() - self._params.days
        levels = [(one, old) for one, old in state.levels if one > first]
        state.levels = [*levels, (day.toordinal(), level)]
        if len(state.levels) < self._params.min_days:
            return None
        return self.would_hold(state, level)

    def _slope(self, state: State, level: float) -> Slope:
        days = [float(day) for day, _ in state.levels]
        levels = [old for _, old in state.levels[:-1]]
        return theil_sen(days, [*levels, level], self._params.confidence)

    def would_hold(self, state: State, level: float) -> bool:
        levels = [*(old for _, old in state.levels[:-1]), level]
        if not is_sure(levels, self._sign > 0, self._params.confidence):
            return False
        slope = self._slope(state, level).slope
        return self._sign * millionths(slope) >= millionths(self._amount)

    def because(self, state: State) -> Evidence:
        unit = f"{self._metric.unit}/d"
        numbers = [Number(name="value", value=state.value, unit=self._metric.unit)]
        counterfactual = None
        if len(state.levels) >= self._params.min_days:
            found = self._slope(state, state.levels[-1][1])
            numbers += [
                Number(name="slope", value=found.slope, unit=unit),
                Number(name="low", value=found.low, unit=unit),
                Number(name="high", value=found.high, unit=unit),
                Number(name="days", value=float(found.n), unit="1"),
            ]
            counterfactual = self.change(state)
        return Evidence(
            readings=(state.reading,) if state.reading else (),
            numbers=tuple(numbers),
            limit=Number(name="limit", value=self._sign * self._amount, unit=unit),
            counterfactual=counterfactual,
        )

    def words(self) -> str:
        params = self._params
        way = "rising" if self._sign > 0 else "falling"
        speed = shown(self._amount, f"{self._metric.unit}/d")
        return (
            f"{self._metric.title} {way} by {speed} or more: the median slope of the daily means"
            f"{self.hours_text()} of {params.days} days, with {params.confidence:.0%} confidence "
            f"that it is {way} at all"
        )
