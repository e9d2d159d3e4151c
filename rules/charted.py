"""What `cusum` and `ewma` share: a control chart of daily medians around the person's own level.

The level is the median of earlier days and its spread their MAD, both blind to a few wild days. A
day's distance from it, counted in that spread, moves one figure, which counts beyond a limit.
"""

from datetime import date, timedelta, tzinfo
from typing import TypeVar

from msgspec import Struct, field

from rules.days import Daily, DayState
from rules.estimators.ranks import NORMAL, mad, median
from rules.hours import Hours
from rules.model import Number
from rules.params import Amount, MetricName

WAYS = {"up": 1, "down": -1}


class ChartParams(Struct, frozen=True, kw_only=True):
    """`way`: up or down. The level is that of `baseline_days` days with a reading, which end
    `lag_days` such days before; nothing is said until there are as many. `least_sd`: a level is
    never taken for steadier than this. After more than `restart_after_days` without a reading all
    begins anew. `between`: only what is taken in these local hours.
    """

    metric: MetricName
    way: str
    least_sd: Amount
    baseline_days: int = 14
    lag_days: int = 7
    restart_after_days: int = 14
    between: Hours | None = None

    def __post_init__(self) -> None:
        if self.way not in WAYS:
            raise ValueError(f"there is no way {self.way!r}: write up or down")
        if self.least_sd <= 0:
            raise ValueError("least_sd is above 0")
        if self.baseline_days < 3 or self.lag_days < 0 or self.restart_after_days < 1:
            raise ValueError("baseline_days is 3 or more, lag_days 0 or more, a restart 1 or more")


class ChartState(DayState, kw_only=True):
    """`levels`: medians of earlier days, oldest first. `figure` holds the last day; `before` does
    not."""

    levels: list[float] = field(default_factory=list)
    figure: float = 0.0
    before: float = 0.0
    centre: float = 0.0
    spread: float = 1.0
    last_day: int = 0


P = TypeVar("P", bound=ChartParams)


class Charted(Daily[P, ChartState]):
    """A kind with one figure and its `limit`; `moved` says how a day moves the figure."""

    limit: float

    def __init__(self, params: P, zone: tzinfo) -> None:
        self.bind(params.metric, zone, params.between, params.way == "up")
        self.lookback = timedelta(days=2 * (params.baseline_days + params.lag_days))
        self._params = params
        self._sign = WAYS[params.way]
        self._kept = params.baseline_days + params.lag_days

    def moved(self, before: float, z: float) -> float:
        """The figure after a day that lies `z` spreads on the side that counts."""
        raise NotImplementedError

    def begin(self, since_us: int) -> ChartState:
        return ChartState()

    def judge_day(self, state: ChartState, day: date, level: float) -> bool | None:
        params = self._params
        if day.toordinal() - state.last_day > params.restart_after_days:
            state.levels = []
            state.figure = 0.0
        state.last_day = day.toordinal()
        enough = len(state.levels) == self._kept
        if enough:
            baseline = state.levels[: params.baseline_days]
            state.centre = median(baseline)
            state.spread = max(mad(baseline, NORMAL), params.least_sd)
            state.before = state.figure
            state.figure = self._with(state, level)
        state.levels = [*state.levels, level][-self._kept :]
        return state.figure > self.limit if enough else None

    def _with(self, state: ChartState, level: float) -> float:
        return round(
            self.moved(state.before, self._sign * (level - state.centre) / state.spread), 9
        )

    def would_hold(self, state: ChartState, level: float) -> bool:
        return self._with(state, level) > self.limit

    def numbers(self, state: ChartState) -> tuple[Number, ...]:
        unit = self._metric.unit
        return (
            Number(name="value", value=state.value, unit=unit),
            Number(name="baseline", value=state.centre, unit=unit),
            Number(name="spread", value=state.spread, unit=unit),
        )
