"""Middle, spread and quantiles by rank: a few wild values do not move them."""

from bisect import bisect_left, insort
from collections.abc import Sequence
from math import floor

NORMAL = 1.4826
"""The MAD times this is the standard deviation, where values are normally distributed: 1 over
the 75th percentile of the standard normal distribution (Rousseeuw and Croux 1993, Alternatives
to the Median Absolute Deviation, Journal of the American Statistical Association 88)."""

_TYPES: dict[int, tuple[float, float]] = {
    4: (0.0, 1.0),
    5: (0.5, 0.5),
    6: (0.0, 0.0),
    7: (1.0, 1.0),
    8: (1 / 3, 1 / 3),
    9: (3 / 8, 3 / 8),
}
"""Type -> (alpha, beta) of Hyndman and Fan's continuous definitions."""


def middle(ordered: Sequence[float]) -> float:
    """The median of values that are in order already; the mean of the two in the middle."""
    half, odd = divmod(len(ordered), 2)
    if odd:
        return ordered[half]
    return ordered[half - 1] + (ordered[half] - ordered[half - 1]) / 2


def median(values: Sequence[float]) -> float:
    """Raises ValueError where there are none."""
    if not values:
        raise ValueError("y is empty: give one value or more")
    return middle(sorted(values))


def mad(values: Sequence[float], scale: float = 1.0) -> float:
    """The median absolute deviation from the median, times `scale` (1, or NORMAL for a robust
    standard deviation). Raises ValueError where there are no values."""
    centre = median(values)
    return scale * median([abs(value - centre) for value in values])


def quantile(values: Sequence[float], p: float, kind: int = 7) -> float:
    """The value below which a share `p` (0 to 1) lies, by linear interpolation.

    `kind` is the type of Hyndman and Fan 1996 (Sample Quantiles in Statistical Packages, The
    American Statistician 50), 4 to 9. Type 7, the default, is that of R, NumPy and spreadsheets:
    the value at rank 1 + (n - 1) p.
    """
    if not values:
        raise ValueError("y is empty: give one value or more")
    return ranked_quantile(sorted(values), p, kind)


def ranked_quantile(ordered: Sequence[float], p: float, kind: int = 7) -> float:
    """The same of values, one or more, that are in order already."""
    if not 0 <= p <= 1:
        raise ValueError("p lies between 0 and 1: write 0.99 for the 99th percentile")
    if kind not in _TYPES:
        raise ValueError(f"there is no type {kind} here: write one of 4 to 9 (7 is the usual one)")
    alpha, beta = _TYPES[kind]
    n = len(ordered)
    rank = min(max(n * p + alpha + p * (1 - alpha - beta), 1.0), float(n))
    below = floor(rank)
    lower, upper = ordered[below - 1], ordered[min(below, n - 1)]
    return lower + (rank - below) * (upper - lower)


def rolling_median(values: Sequence[float], window: int) -> list[float | None]:
    """The median of each value and the `window` - 1 before it; None until there are as many.

    The window is kept in order, so that each step costs one search and not one sort.
    """
    if window < 1:
        raise ValueError("window is the number of values: write 1 or more")
    ordered: list[float] = []
    medians: list[float | None] = []
    for number, value in enumerate(values):
        insort(ordered, value)
        if number >= window:
            del ordered[bisect_left(ordered, values[number - window])]
        medians.append(middle(ordered) if len(ordered) == window else None)
    return medians
