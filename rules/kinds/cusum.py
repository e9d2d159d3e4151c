"""Small shifts that add up: the one-sided cumulative sum of daily medians.

Each day's distance from the person's own baseline is counted in its standard deviations, less a
slack `k`; the sum begins at 0 and never falls below it. The baseline is the median of earlier
days and its spread the MAD, both blind to a few wild days.
"""

from datetime import date, timedelta, tzinfo
from typing import ClassVar

from msgspec import Struct, field

from rules.days import Daily, DayState
from rules.estimators.charts import summed
from rules.estimators.ranks import NORMAL, mad, median
from rules.hours import Hours
from rules.model import Evidence, Number
from rules.params import Amount, MetricName
from rules.words import shown

_WAYS = {"up": 1, "down": -1}


class Params(Struct, frozen=True, kw_only=True):
    """A sum above `h` counts, one of just `h` does not.

    `way`: up or down. `k` and `h` count in standard deviations; the sum stops at twice `h`, so
    that it can clear. The baseline is that of `baseline_days` days with a reading, which end
    `lag_days` such days before; nothing is said until there are as many. `least_sd`: a baseline
    is never taken for steadier than this. After more than `restart_after_days` without a reading
    all begins anew. `between`: only what is taken in these local hours.
    """

    metric: MetricName
    way: str
    least_sd: Amount
    k: float = 0.5
    h: float = 5.0
    baseline_days: int = 14
    lag_days: int = 7
    restart_after_days: int = 14
    between: Hours | None = None

    def __post_init__(self) -> None:
        if self.way not in _WAYS:
            raise ValueError(f"there is no way {self.way!r}: write up or down")
        if self.least_sd <= 0 or self.h <= 0 or self.k < 0:
            raise ValueError("least_sd and h are above 0, and k is not negative")
        if self.baseline_days < 3 or self.lag_days < 0 or self.restart_after_days < 1:
            raise ValueError("baseline_days is 3 or more, lag_days 0 or more, a restart 1 or more")


class State(DayState, kw_only=True):
    """`levels`: medians of earlier days, oldest first. `total` holds the last day."""

    levels: list[float] = field(default_factory=list)
    total: float = 0.0
    before: float = 0.0
    centre: float = 0.0
    spread: float = 1.0
    last_day: int = 0


class Cusum(Daily[Params, State]):
    name: ClassVar[str] = "cusum"
    title: ClassVar[str] = "Small shifts that add up"
    params_type = Params
    state_type = State
    examples = (
        Params(metric="body_weight", way="up", least_sd=0.3),
        Params(metric="level", way="down", least_sd=0.5, h=1.0, baseline_days=3, lag_days=0),
    )

    def __init__(self, params: Params, zone: tzinfo) -> None:
        self.bind(params.metric, zone, params.between, params.way == "up")
        self.lookback = timedelta(days=2 * (params.baseline_days + params.lag_days))
        self._params = params
        self._sign = _WAYS[params.way]
        self._kept = params.baseline_days + params.lag_days

    def begin(self, since_us: int) -> State:
        return State()

    def judge_day(self, state: State, day: date, level: float) -> bool | None:
        params = self._params
        if day.toordinal() - state.last_day > params.restart_after_days:
            state.levels = []
            state.total = 0.0
        state.last_day = day.toordinal()
        enough = len(state.levels) == self._kept
        if enough:
            baseline = state.levels[: params.baseline_days]
            state.centre = median(baseline)
            state.spread = max(mad(baseline, NORMAL), params.least_sd)
            state.before = state.total
            state.total = self._with(state, level)
        state.levels = [*state.levels, level][-self._kept :]
        return state.total > params.h if enough else None

    def _with(self, state: State, level: float) -> float:
        z = self._sign * (level - state.centre) / state.spread
        return round(min(summed(state.before, z, self._params.k), 2 * self._params.h), 9)

    def would_hold(self, state: State, level: float) -> bool:
        return self._with(state, level) > self._params.h

    def because(self, state: State) -> Evidence:
        unit = self._metric.unit
        return Evidence(
            readings=(state.reading,) if state.reading else (),
            numbers=(
                Number(name="value", value=state.value, unit=unit),
                Number(name="baseline", value=state.centre, unit=unit),
                Number(name="spread", value=state.spread, unit=unit),
                Number(name="sum", value=state.total, unit="1"),
            ),
            limit=Number(name="limit", value=self._params.h, unit="1"),
            counterfactual=self.change(state),
        )

    def words(self) -> str:
        params = self._params
        least = shown(params.least_sd, self._metric.unit, self._metric.decimals)
        return (
            f"{self._metric.title} drifting {params.way}: what its daily medians"
            f"{self.hours_text()} exceed the person's own {params.baseline_days}-day baseline by, "
            f"less {params.k:g} a day, adds up to more than {params.h:g} standard deviations "
            f"(of {least} at least)"
        )
