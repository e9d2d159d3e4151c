"""An average of recent days that leaves the person's own level: the EWMA chart of daily medians.

Each day moves the average by `weight` of its distance (Roberts 1959). It counts beyond `width`
standard deviations of the average itself, sigma * sqrt(weight / (2 - weight)), as in the
NIST/SEMATECH e-Handbook 6.3.2.4. Level and sigma are the median and MAD of earlier days.
"""

from datetime import date, timedelta, tzinfo
from math import sqrt
from typing import ClassVar

from msgspec import Struct, field

from rules.days import Daily, DayState
from rules.estimators.charts import smoothed
from rules.estimators.ranks import NORMAL, mad, median
from rules.exact import from_millionths, millionths
from rules.hours import Hours
from rules.model import Evidence, Number
from rules.params import Amount, MetricName
from rules.words import shown

_WAYS = {"up": 1, "down": -1}


class Params(Struct, frozen=True, kw_only=True):
    """An average beyond the limit counts, one of just the limit does not.

    `way`: up or down. `weight`: that of the newest day. `width`: the limit, in standard
    deviations of the average. The level is that of `baseline_days` days with a reading, which end
    `lag_days` such days before; nothing is said until there are as many. `least_sd`: a level is
    never taken for steadier than this. After more than `restart_after_days` without a reading all
    begins anew. `between`: only what is taken in these local hours.
    """

    metric: MetricName
    way: str
    least_sd: Amount
    weight: float = 0.2
    width: float = 3.0
    baseline_days: int = 14
    lag_days: int = 7
    restart_after_days: int = 14
    between: Hours | None = None

    def __post_init__(self) -> None:
        if self.way not in _WAYS:
            raise ValueError(f"there is no way {self.way!r}: write up or down")
        if self.least_sd <= 0 or self.width <= 0 or not 0 < self.weight <= 1:
            raise ValueError("least_sd and width are above 0, and weight above 0 and at most 1")
        if self.baseline_days < 3 or self.lag_days < 0 or self.restart_after_days < 1:
            raise ValueError("baseline_days is 3 or more, lag_days 0 or more, a restart 1 or more")


class State(DayState, kw_only=True):
    """`levels`: medians of earlier days, oldest first. `average` holds the last day, in standard
    deviations from the centre; `before` does not."""

    levels: list[float] = field(default_factory=list)
    average: float = 0.0
    before: float = 0.0
    centre: float = 0.0
    spread: float = 1.0
    last_day: int = 0


class Ewma(Daily[Params, State]):
    name: ClassVar[str] = "ewma"
    title: ClassVar[str] = "An average that leaves the person's own level"
    params_type = Params
    state_type = State
    examples = (
        Params(metric="body_weight", way="up", least_sd=0.3),
        Params(metric="level", way="down", least_sd=0.5, width=1.0, baseline_days=3, lag_days=0),
    )

    def __init__(self, params: Params, zone: tzinfo) -> None:
        self.bind(params.metric, zone, params.between, params.way == "up")
        self.lookback = timedelta(days=2 * (params.baseline_days + params.lag_days))
        self._params = params
        self._sign = _WAYS[params.way]
        self._kept = params.baseline_days + params.lag_days
        self._limit = params.width * sqrt(params.weight / (2 - params.weight))

    def begin(self, since_us: int) -> State:
        return State()

    def judge_day(self, state: State, day: date, level: float) -> bool | None:
        params = self._params
        if day.toordinal() - state.last_day > params.restart_after_days:
            state.levels = []
            state.average = 0.0
        state.last_day = day.toordinal()
        enough = len(state.levels) == self._kept
        if enough:
            baseline = state.levels[: params.baseline_days]
            state.centre = median(baseline)
            state.spread = max(mad(baseline, NORMAL), params.least_sd)
            state.before = state.average
            state.average = self._with(state, level)
        state.levels = [*state.levels, level][-self._kept :]
        return state.average > self._limit if enough else None

    def _with(self, state: State, level: float) -> float:
        z = self._sign * (level - state.centre) / state.spread
        return round(smoothed(state.before, z, self._params.weight), 9)

    def would_hold(self, state: State, level: float) -> bool:
        return self._with(state, level) > self._limit

    def because(self, state: State) -> Evidence:
        unit = self._metric.unit
        away = self._sign * state.average * state.spread
        return Evidence(
            readings=(state.reading,) if state.reading else (),
            numbers=(
                Number(name="value", value=state.value, unit=unit),
                Number(name="baseline", value=state.centre, unit=unit),
                Number(name="spread", value=state.spread, unit=unit),
                Number(name="difference", value=from_millionths(millionths(away)), unit=unit),
                Number(name="average", value=round(state.average, 2), unit="1"),
            ),
            limit=Number(name="limit", value=round(self._limit, 2), unit="1"),
            counterfactual=self.change(state),
        )

    def words(self) -> str:
        params = self._params
        way = "above" if self._sign > 0 else "below"
        least = shown(params.least_sd, self._metric.unit, self._metric.decimals)
        return (
            f"{self._metric.title}: the moving average of its daily medians{self.hours_text()} "
            f"(each day {params.weight:g} of it) more than {params.width:g} of its standard "
            f"deviations {way} the person's own {params.baseline_days}-day level (one day's is "
            f"{least} at least)"
        )
