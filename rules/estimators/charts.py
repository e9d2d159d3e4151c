"""Control charts: when a process has left its course by more than chance would.

Both charts say nothing exactly at a limit: an alarm is a statistic beyond it.
"""

from collections.abc import Iterable
from math import sqrt

from msgspec import Struct


class Averages(Struct, frozen=True, kw_only=True):
    """For each value the moving average and its two limits. Indices count from 0."""

    statistic: list[float]
    lower: list[float]
    upper: list[float]
    first_alarm: int | None


class Sums(Struct, frozen=True, kw_only=True):
    """For each value the sums of what was too high and too low, in standard deviations."""

    upper: list[float]
    lower: list[float]
    first_alarm: int | None
    """Counts from 0: the run length is one more."""
    first_side: str | None
    """Which of the two it was: "upper" or "lower"."""


SIDES = ("both", "upper", "lower")


def ewma(
    values: Iterable[float],
    *,
    weight: float = 0.2,
    target: float | None = None,
    sigma: float = 1.0,
    width: float = 3.0,
    steady: bool = False,
) -> Averages:
    """Exponentially weighted moving average: z = weight * y + (1 - weight) * z, from `target`, or
    from the first value where there is none.

    Limits lie `width` standard deviations of z on either side of the target: sigma * sqrt(weight /
    (2 - weight) * (1 - (1 - weight)^(2 i))) for the i-th value, or, `steady`, what that tends to.
    Roberts 1959; Montgomery, Introduction to Statistical Quality Control, 9.2; NIST/SEMATECH
    e-Handbook 6.3.2.4 (with steady limits).
    """
    if not 0 < weight <= 1:
        raise ValueError("weight is that of the newest value: write one above 0, at most 1")
    _positive(sigma=sigma, width=width)
    statistic: list[float] = []
    lower: list[float] = []
    upper: list[float] = []
    first_alarm = None
    given = list(values)
    middle = target if target is not None else given[0] if given else 0.0
    average, fading = middle, 1.0
    for number, value in enumerate(given):
        average = smoothed(average, value, weight)
        fading *= (1 - weight) ** 2
        room = width * sigma * sqrt(weight / (2 - weight) * (1.0 if steady else 1 - fading))
        statistic.append(average)
        lower.append(middle - room)
        upper.append(middle + room)
        if first_alarm is None and abs(average - middle) > room:
            first_alarm = number
    return Averages(statistic=statistic, lower=lower, upper=upper, first_alarm=first_alarm)


def smoothed(average: float, value: float, weight: float) -> float:
    """The next moving average."""
    return weight * value + (1 - weight) * average


def cusum(
    values: Iterable[float],
    *,
    target: float = 0.0,
    sigma: float = 1.0,
    k: float = 0.5,
    h: float = 5.0,
    sides: str = "both",
) -> Sums:
    """Tabular cumulative sums of z = (y - target) / sigma, from 0: see `summed`.

    An alarm is a sum above `h`. `k` is the slack, half of the shift to be found soon; both count
    in standard deviations. Page 1954; Montgomery, Introduction to Statistical Quality Control,
    9.1; NIST/SEMATECH e-Handbook 6.3.2.3.
    """
    _positive(sigma=sigma, h=h)
    if k < 0:
        raise ValueError("k is not negative: write half of the shift to be found, 0.5 for one sd")
    if sides not in SIDES:
        raise ValueError(f"there are no sides {sides!r}: write one of {', '.join(SIDES)}")
    upper: list[float] = []
    lower: list[float] = []
    first_alarm = first_side = None
    high = low = 0.0
    for number, value in enumerate(values):
        z = (value - target) / sigma
        if sides != "lower":
            high = summed(high, z, k)
            upper.append(high)
        if sides != "upper":
            low = summed(low, -z, k)
            lower.append(low)
        if first_alarm is None and (high > h or low > h):
            first_alarm = number
            first_side = "upper" if high > h else "lower"
    return Sums(upper=upper, lower=lower, first_alarm=first_alarm, first_side=first_side)


def summed(total: float, z: float, k: float) -> float:
    """The next sum: what went before, and by how much z exceeds the slack; never below 0."""
    return max(0.0, total + z - k)


def _positive(**given: float) -> None:
    for name, value in given.items():
        if value <= 0:
            raise ValueError(f"{name} is {value:g}: write one above 0")
