"""The figures of a report, each with the interval in which it lies by the bootstrap over people.

People are drawn with replacement, since alerts of one person are alike; the interval is that of
the percentiles (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13). Of a
share that is 0 or 1 in everyone it is a point, which says that the sample is small, not that
the share is certain.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from rules.backtest.matching import Tally
from rules.backtest.trial import Lived

DAYS_A_YEAR = 365.25
LOW, HIGH = 2.5, 97.5
"""Percentiles of the interval."""


class Generator(Protocol):
    """Where chance comes from: numpy's Generator, with the caller's seed."""

    def multinomial(self, n: int, pvals: Sequence[float], *, size: int) -> NDArray[np.int64]: ...


class Figure(Struct, frozen=True):
    """None: there is nothing to count. An interval needs two people or more."""

    value: float | None
    low: float | None = None
    high: float | None = None


class Counted(Struct, frozen=True):
    """One person's days and matched alerts, and all alerts, whatever their family."""

    lived: Lived
    tally: Tally
    alerts: int


class Ratio(Struct, frozen=True):
    """What is summed over people above and below the line."""

    title: str
    unit: str
    above: Callable[[Counted], float]
    below: Callable[[Counted], float]


BURDEN: dict[str, Ratio] = {
    "alerts_a_day_per_100": Ratio(
        "Staff alerts a day per 100 people",
        "",
        lambda one: 100.0 * one.alerts,
        lambda one: one.lived.days,
    ),
    "not_monitored": Ratio(
        "Time not monitored",
        "%",
        lambda one: 100.0 * (one.lived.days - len(one.lived.measured)),
        lambda one: one.lived.days,
    ),
}
WORTH: dict[str, Ratio] = {
    "sensitivity": Ratio(
        "Event sensitivity", "%", lambda one: 100.0 * one.tally.found, lambda one: one.tally.events
    ),
    "positive_predictive_value": Ratio(
        "Positive predictive value",
        "%",
        lambda one: 100.0 * one.tally.explained,
        lambda one: one.tally.alerts,
    ),
    "unexplained_a_patient_year": Ratio(
        "Unexplained alerts a patient-year",
        "",
        lambda one: DAYS_A_YEAR * (one.tally.alerts - one.tally.explained),
        lambda one: one.lived.days,
    ),
}
LEAD = "median_lead_days"


def draws(people: int, resamples: int, generator: Generator) -> NDArray[np.float64]:
    """How often each person is drawn, in (resamples, people)."""
    if people < 2:
        return np.zeros((0, people))
    return generator.multinomial(people, [1.0 / people] * people, size=resamples).astype(np.float64)


def ratio(of: Ratio, people: Sequence[Counted], drawn: NDArray[np.float64]) -> Figure:
    above = np.array([of.above(one) for one in people], dtype=float)
    below = np.array([of.below(one) for one in people], dtype=float)
    if not below.sum():
        return Figure(None)
    value = float(above.sum() / below.sum())
    sums = drawn @ below
    some = sums > 0
    return _with_interval(value, (drawn @ above)[some] / sums[some])


def median_lead_days(people: Sequence[Counted], drawn: NDArray[np.float64]) -> Figure:
    """Days from the first alert in the look-back to its event, over the events found."""
    leads = np.array([lead for one in people for lead in one.tally.leads_h]) / 24.0
    owner = np.array([n for n, one in enumerate(people) for _ in one.tally.leads_h], dtype=int)
    if not len(leads):
        return Figure(None)
    order = np.argsort(leads)
    leads, owner = leads[order], owner[order]
    medians = np.array(
        [_median(leads, weights) for row in drawn if (weights := row[owner]).sum() > 0]
    )
    return _with_interval(float(np.median(leads)), medians)


def _median(ordered: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    """Of values that stand as often as their weight (whole numbers) says."""
    upto = np.cumsum(weights)
    last = upto[-1] - 1
    low = ordered[np.searchsorted(upto, last // 2, side="right")]
    high = ordered[np.searchsorted(upto, (last + 1) // 2, side="right")]
    return float((low + high) / 2)


def _with_interval(value: float, sample: NDArray[np.float64]) -> Figure:
    if not len(sample):
        return Figure(value)
    low, high = np.percentile(sample, [LOW, HIGH])
    return Figure(value, float(low), float(high))
