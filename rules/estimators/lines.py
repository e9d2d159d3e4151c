"""How fast something rises or falls: least squares, Theil and Sen's slope, Mann and Kendall's test.

Least squares is done in fractions and rounded once, at the end: no sum cancels, whatever lies
far from zero (a column of years, a weight that moves by grams).
"""

from bisect import bisect_left, bisect_right, insort
from collections import Counter
from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import combinations
from math import erfc, lcm, sqrt
from statistics import NormalDist

from msgspec import Struct

from rules.estimators.ranks import median, middle

BATCH = 64
"""From as many points on, numpy takes over the pairs."""


class Fit(Struct, frozen=True, kw_only=True):
    """y = intercept + slope x. None: there are too few points to say."""

    n: int
    slope: float
    intercept: float
    slope_se: float | None
    intercept_se: float | None
    residual_sd: float | None
    """With n - 2 degrees of freedom (n - 1 through the origin)."""
    r2: float | None
    """The share of the variation that the line explains; through the origin, of that from 0."""


class Slope(Struct, frozen=True, kw_only=True):
    """A median slope; the true one lies between `low` and `high` with the given confidence."""

    n: int
    slope: float
    intercept: float
    low: float
    high: float
    confidence: float


class Tendency(Struct, frozen=True, kw_only=True):
    """`s`: pairs that rise less pairs that fall. `p`: of so much by chance alone, both ways."""

    n: int
    s: int
    var_s: float
    z: float
    p: float
    tau: float
    """s over the number of pairs (Kendall's tau a)."""


def ols(x: Sequence[float], y: Sequence[float], intercept: bool = True) -> Fit:
    """The least-squares line (NIST/SEMATECH e-Handbook of Statistical Methods, 4.1.4.1).

    Without `intercept` it goes through the origin. Raises ValueError for fewer than two points
    (one, through the origin), or where all x are equal.
    """
    points = _paired(x, y, 2 if intercept else 1)
    (xs, per_x), (ys, per_y) = (_counted(side) for side in zip(*points, strict=True))
    n = len(xs)
    sum_xx = sum(a * a for a in xs)
    sum_xy = sum(a * b for a, b in zip(xs, ys, strict=True))
    sum_yy = sum(b * b for b in ys)
    if intercept:
        sum_x, sum_y = sum(xs), sum(ys)
        spread_x, spread_y = n * sum_xx - sum_x * sum_x, n * sum_yy - sum_y * sum_y
        joint, share, free = n * sum_xy - sum_x * sum_y, n, n - 2
    else:
        sum_x = sum_y = 0
        spread_x, spread_y, joint, share, free = sum_xx, sum_yy, sum_xy, 1, n - 1
    if spread_x == 0:
        raise ValueError("all x are equal: a line needs two different ones")
    left = Fraction(spread_y * spread_x - joint * joint, share * spread_x * per_y * per_y)
    variance = left / free if free > 0 else None
    return Fit(
        n=n,
        slope=float(Fraction(joint * per_x, spread_x * per_y)),
        intercept=float(Fraction(sum_y * spread_x - joint * sum_x, n * spread_x * per_y)),
        slope_se=_root(variance, Fraction(share * per_x * per_x, spread_x)),
        intercept_se=_root(variance, Fraction(sum_xx, spread_x)) if intercept else None,
        residual_sd=_root(variance, Fraction(1)),
        r2=float(Fraction(joint * joint, spread_x * spread_y)) if spread_y else None,
    )


def theil_sen(x: Sequence[float], y: Sequence[float], confidence: float = 0.95) -> Slope:
    """The median of the slopes of all pairs, and an interval for it.

    Theil 1950; the interval after Sen 1968, equation 2.6 (Estimates of the Regression Coefficient
    Based on Kendall's Tau, Journal of the American Statistical Association 63), with ties. The
    line goes through the medians of x and y. Raises ValueError where all x are equal.
    """
    if not 0 < confidence < 1:
        raise ValueError("confidence lies between 0 and 1: write 0.95")
    points = _paired(x, y, 2)
    xs, ys = zip(*points, strict=True)
    slopes = _slopes(points)
    if not slopes:
        raise ValueError("all x are equal: a slope needs two different ones")
    n = len(points)
    low, high = _interval(len(slopes), n, (xs, ys), confidence)
    slope = middle(slopes)
    return Slope(
        n=n,
        slope=slope,
        intercept=median(ys) - slope * median(xs),
        low=slopes[low],
        high=slopes[high],
        confidence=confidence,
    )


def is_sure(y: Sequence[float], upwards: bool, confidence: float = 0.95) -> bool:
    """Whether theil_sen's whole interval lies on that side of 0, for values at x that grow: by
    counting the pairs that rise or fall, without their slopes."""
    n = len(y)
    pairs = n * (n - 1) // 2
    low, high = _interval(pairs, n, (y,), confidence)
    seen: list[float] = []
    that_way = 0
    for value in y:
        that_way += bisect_left(seen, value) if upwards else len(seen) - bisect_right(seen, value)
        insort(seen, value)
    return pairs - that_way <= low if upwards else that_way > high


def mann_kendall(x: Sequence[float], y: Sequence[float]) -> Tendency:
    """Whether y tends to rise with x: the normal approximation with a correction for continuity.

    Mann 1945; the variance with ties in x and in y after Kendall, Rank Correlation Methods (4th
    edition 1970, 4.9). Raises ValueError for fewer than three points.
    """
    points = _paired(x, y, 3)
    n = len(points)
    s = _rises_less_falls(points)
    tied_x, tied_y = (list(Counter(side).values()) for side in zip(*points, strict=True))
    variance = Fraction(_tied(n) - sum(map(_tied, tied_x)) - sum(map(_tied, tied_y)), 18)
    triples = [sum(t * (t - 1) * (t - 2) for t in tied) for tied in (tied_x, tied_y)]
    pairs = [sum(t * (t - 1) for t in tied) for tied in (tied_x, tied_y)]
    variance += Fraction(triples[0] * triples[1], 9 * n * (n - 1) * (n - 2))
    variance += Fraction(pairs[0] * pairs[1], 2 * n * (n - 1))
    z = (s - _sign(s)) / sqrt(variance) if variance > 0 else 0.0
    return Tendency(
        n=n,
        s=s,
        var_s=float(variance),
        z=z,
        p=erfc(abs(z) / sqrt(2)),
        tau=s / (n * (n - 1) / 2),
    )


def _paired(x: Sequence[float], y: Sequence[float], least: int) -> list[tuple[float, float]]:
    if len(x) != len(y):
        raise ValueError(f"x has {len(x)} values and y {len(y)}: give one x for each y")
    if len(x) < least:
        raise ValueError(f"{len(x)} points are too few: give {least} or more")
    return list(zip(x, y, strict=True))


def _interval(
    slopes: int, n: int, sides: Iterable[Sequence[float]], confidence: float
) -> tuple[int, int]:
    """Which of the slopes, in order, are the ends of the interval. `sides`: where ties may be."""
    ties = sum(_tied(count) for side in sides for count in Counter(side).values() if count > 1)
    spread = sqrt(max(_tied(n) - ties, 0) / 18) * NormalDist().inv_cdf((1 + confidence) / 2)
    last = slopes - 1
    low = min(max(round((slopes - spread) / 2) - 1, 0), last)
    high = max(min(round((slopes + spread) / 2), last), 0)
    return low, high


def _counted(values: Sequence[float]) -> tuple[list[int], int]:
    """The values as whole numbers of a common part, and how many of those make 1."""
    ratios = [value.as_integer_ratio() for value in values]
    parts = lcm(*(below for _, below in ratios))
    return [above * (parts // below) for above, below in ratios], parts


def _root(variance: Fraction | None, factor: Fraction) -> float | None:
    return None if variance is None else sqrt(variance * factor)


def _slopes(points: Sequence[tuple[float, float]]) -> list[float]:
    """Those of all pairs with different x, in order."""
    if len(points) >= BATCH:
        return _many_slopes(points)
    slopes: list[float] = []
    for number, (x, y) in enumerate(points, start=1):
        slopes += [
            (later_y - y) / (later_x - x) for later_x, later_y in points[number:] if later_x != x
        ]
    slopes.sort()
    return slopes


def _many_slopes(points: Sequence[tuple[float, float]]) -> list[float]:
    import numpy as np  # noqa: PLC0415 -- a home that has no long series never loads it

    x, y = np.array(points).T
    early, later = np.triu_indices(len(points), 1)
    apart = x[later] - x[early]
    told = apart != 0
    slopes = (y[later] - y[early])[told] / apart[told]
    slopes.sort()
    found: list[float] = slopes.tolist()
    return found


def _rises_less_falls(points: Sequence[tuple[float, float]]) -> int:
    """Over all pairs, in the order of x."""
    if len(points) < BATCH:
        return sum(
            _sign(later[0] - early[0]) * _sign(later[1] - early[1])
            for early, later in combinations(points, 2)
        )
    import numpy as np  # noqa: PLC0415 -- as above

    x, y = np.array(points).T
    rows = (np.sign(x[i + 1 :] - x[i]) @ np.sign(y[i + 1 :] - y[i]) for i in range(len(points)))
    return int(sum(rows))


def _tied(count: int) -> int:
    """What a group of that many equal values takes from 18 times the variance of S."""
    return count * (count - 1) * (2 * count + 5)


def _sign(value: float) -> int:
    return (value > 0) - (value < 0)
