"""An average of recent days that leaves the person's own level: the EWMA chart of daily medians.

Each day moves the average by `weight` of its distance (Roberts 1959). It counts beyond `width`
standard deviations of the average itself, sigma * sqrt(weight / (2 - weight)), as in the
NIST/SEMATECH e-Handbook 6.3.2.4.
"""

from datetime import tzinfo
from math import sqrt
from typing import ClassVar

from rules.charted import Charted, ChartParams, ChartState
from rules.estimators.charts import smoothed
from rules.exact import from_millionths, millionths
from rules.model import Evidence, Number
from rules.words import shown


class Params(ChartParams, frozen=True, kw_only=True):
    """An average beyond the limit counts, one of just the limit does not.

    `weight`: that of the newest day. `width`: the limit, in standard deviations of the average.
    `way`: up or down. The level is that of `baseline_days` days with a reading, which end
    `lag_days` such days before; nothing is said until there are as many. `least_sd`: a level is
    never taken for steadier than this. After more than `restart_after_days` without a reading all
    begins anew. `between`: only what is taken in these local hours.
    """

    weight: float = 0.2
    width: float = 3.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.width <= 0 or not 0 < self.weight <= 1:
            raise ValueError("width is above 0, and weight above 0 and at most 1")


class Ewma(Charted[Params]):
    name: ClassVar[str] = "ewma"
    title: ClassVar[str] = "An average that leaves the person's own level"
    params_type = Params
    state_type = ChartState
    examples = (
        Params(metric="body_weight", way="up", least_sd=0.3),
        Params(metric="level", way="down", least_sd=0.5, width=1.0, baseline_days=3, lag_days=0),
    )

    def __init__(self, params: Params, zone: tzinfo) -> None:
        super().__init__(params, zone)
        self.limit = params.width * sqrt(params.weight / (2 - params.weight))

    def moved(self, before: float, z: float) -> float:
        return smoothed(before, z, self._params.weight)

    def because(self, state: ChartState) -> Evidence:
        away = self._sign * state.figure * state.spread
        difference = from_millionths(millionths(away))
        return Evidence(
            readings=(state.reading,) if state.reading else (),
            numbers=(
                *self.numbers(state),
                Number(name="difference", value=difference, unit=self._metric.unit),
                Number(name="average", value=round(state.figure, 2), unit="1"),
            ),
            limit=Number(name="limit", value=round(self.limit, 2), unit="1"),
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
