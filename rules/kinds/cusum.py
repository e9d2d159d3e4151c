"""Small shifts that add up: the one-sided cumulative sum of daily medians.

Each day's distance from the person's own baseline is counted in its standard deviations, less a
slack `k`; the sum begins at 0 and never falls below it.
"""

from datetime import tzinfo
from typing import ClassVar

from rules.charted import Charted, ChartParams, ChartState
from rules.estimators.charts import summed
from rules.model import Evidence, Number
from rules.words import shown


class Params(ChartParams, frozen=True, kw_only=True):
    """A sum above `h` counts, one of just `h` does not.

    `k` and `h` count in standard deviations; the sum stops at twice `h`, so that it can clear.
    `way`: up or down. The baseline is that of `baseline_days` days with a reading, which end
    `lag_days` such days before; nothing is said until there are as many. `least_sd`: a baseline
    is never taken for steadier than this. After more than `restart_after_days` without a reading
    all begins anew. `between`: only what is taken in these local hours.
    """

    k: float = 0.5
    h: float = 5.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.h <= 0 or self.k < 0:
            raise ValueError("h is above 0, and k is not negative")


class Cusum(Charted[Params]):
    name: ClassVar[str] = "cusum"
    title: ClassVar[str] = "Small shifts that add up"
    params_type = Params
    state_type = ChartState
    examples = (
        Params(metric="body_weight", way="up", least_sd=0.3),
        Params(metric="level", way="down", least_sd=0.5, h=1.0, baseline_days=3, lag_days=0),
    )

    def __init__(self, params: Params, zone: tzinfo) -> None:
        super().__init__(params, zone)
        self.limit = params.h

    def moved(self, before: float, z: float) -> float:
        return min(summed(before, z, self._params.k), 2 * self.limit)

    def because(self, state: ChartState) -> Evidence:
        return Evidence(
            readings=(state.reading,) if state.reading else (),
            numbers=(*self.numbers(state), Number(name="sum", value=state.figure, unit="1")),
            limit=Number(name="limit", value=self.limit, unit="1"),
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
