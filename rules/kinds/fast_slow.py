"""A fast moving average that leaves a slow one: a change of weeks, whatever single days do.

Both are exponentially weighted averages of daily medians; N days means that the newest has a
weight of 2 / (N + 1). Days without a reading are left out.
"""

from datetime import date, timedelta, tzinfo
from typing import ClassVar

from msgspec import Struct

from rules.days import Daily, DayState
from rules.estimators.charts import smoothed
from rules.exact import from_millionths, millionths
from rules.hours import Hours
from rules.model import Evidence, Number
from rules.params import Amount, MetricName
from rules.words import shown


class Params(Struct, frozen=True, kw_only=True):
    """Exactly one of `rise` and `fall`: fast less slow; a difference of just that much counts.

    Nothing is said before `min_days` days with a reading; after more than `restart_after_days`
    without one both averages begin anew. `between`: only what is taken in these local hours.
    """

    metric: MetricName
    rise: Amount | None = None
    fall: Amount | None = None
    fast_days: int = 3
    slow_days: int = 28
    min_days: int = 14
    restart_after_days: int = 14
    between: Hours | None = None

    def __post_init__(self) -> None:
        given = [amount for amount in (self.rise, self.fall) if amount is not None]
        if len(given) != 1 or given[0] <= 0:
            raise ValueError("give exactly one of rise and fall, above 0")
        if not 1 <= self.fast_days < self.slow_days:
            raise ValueError("fast_days is 1 or more, and fewer than slow_days")
        if self.min_days < 2 or self.restart_after_days < 1:
            raise ValueError("min_days is 2 or more, and restart_after_days 1 or more")


class State(DayState, kw_only=True):
    """`fast` and `slow` with the last day in them; `before_...` without it."""

    fast: float = 0.0
    slow: float = 0.0
    before_fast: float = 0.0
    before_slow: float = 0.0
    days: int = 0
    last_day: int = 0


class FastSlow(Daily[Params, State]):
    name: ClassVar[str] = "fast-slow"
    title: ClassVar[str] = "A fast average that leaves a slow one"
    params_type = Params
    state_type = State
    examples = (
        Params(metric="body_weight", rise=1.0),
        Params(metric="level", fall=0.5, fast_days=1, slow_days=2, min_days=2),
    )

    def __init__(self, params: Params, zone: tzinfo) -> None:
        self.bind(params.metric, zone, params.between, params.rise is not None)
        self.lookback = timedelta(days=4 * params.slow_days)
        self._params = params
        self._sign = 1 if params.rise is not None else -1
        self._amount = params.rise if params.rise is not None else params.fall or 0.0
        self._fast_weight = 2 / (params.fast_days + 1)
        self._slow_weight = 2 / (params.slow_days + 1)

    def begin(self, since_us: int) -> State:
        return State()

    def judge_day(self, state: State, day: date, level: float) -> bool | None:
        gone = day.toordinal() - state.last_day
        state.last_day = day.toordinal()
        if state.days == 0 or gone > self._params.restart_after_days:
            state.days = 0
            state.fast = state.slow = level
        state.before_fast, state.before_slow = state.fast, state.slow
        state.days += 1
        state.fast, state.slow = self._with(state, level)
        return self.would_hold(state, level) if state.days >= self._params.min_days else None

    def _with(self, state: State, level: float) -> tuple[float, float]:
        return (
            smoothed(state.before_fast, level, self._fast_weight),
            smoothed(state.before_slow, level, self._slow_weight),
        )

    def would_hold(self, state: State, level: float) -> bool:
        fast, slow = self._with(state, level)
        return self._sign * millionths(fast - slow) >= millionths(self._amount)

    def because(self, state: State) -> Evidence:
        unit = self._metric.unit
        difference = from_millionths(millionths(state.fast - state.slow))
        return Evidence(
            readings=(state.reading,) if state.reading else (),
            numbers=(
                Number(name="value", value=state.value, unit=unit),
                Number(name="fast", value=state.fast, unit=unit),
                Number(name="slow", value=state.slow, unit=unit),
                Number(name="difference", value=difference, unit=unit),
            ),
            limit=Number(name="limit", value=self._sign * self._amount, unit=unit),
            counterfactual=self.change(state),
        )

    def words(self) -> str:
        params = self._params
        way = "above" if self._sign > 0 else "below"
        amount = shown(self._amount, self._metric.unit, self._metric.decimals)
        return (
            f"{self._metric.title}: the {params.fast_days}-day average of daily medians"
            f"{self.hours_text()} {amount} or more {way} the {params.slow_days}-day average"
        )
