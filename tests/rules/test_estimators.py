"""The statistics of the rules against other implementations and published tables."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from rules.estimators.charts import cusum, ewma
from rules.estimators.lines import BATCH, is_sure, mann_kendall, ols, theil_sen
from rules.estimators.ranks import NORMAL, mad, quantile, rolling_median

# NIST Statistical Reference Datasets, Norris: ozone monitors, (y, x).
NORRIS = """
0.1 0.2 338.8 337.4 118.1 118.2 888.0 884.6 9.2 10.1 228.1 226.5 668.5 666.3 998.5 996.3 449.1 448.6
778.9 777.0 559.2 558.2 0.3 0.4 0.1 0.6 778.1 775.5 668.8 666.9 339.3 338.0 448.9 447.5 10.8 11.6
557.7 556.0 228.3 228.1 998.0 995.8 888.8 887.6 119.6 120.2 0.3 0.3 0.6 0.3 557.6 556.8 339.3 339.1
888.0 887.2 998.5 999.0 778.9 779.0 10.2 11.1 117.6 118.3 228.9 229.2 668.4 669.1 449.2 448.9
0.2 0.5
"""
_NORRIS = [float(number) for number in NORRIS.split()]
# One row a data set: x, y, intercept, and the certified slope, its error, residual sd, R squared.
CERTIFIED = [
    pytest.param(
        _NORRIS[1::2],
        _NORRIS[::2],
        (-0.262323073774029, 0.232818234301152),
        (1.00211681802045, 0.429796848199937e-3, 0.884796396144373, 0.999993745883712),
        id="NIST StRD Norris",
    ),
    pytest.param(
        list(range(60, 71)),
        list(range(130, 141)),
        None,
        (2.07438016528926, 0.165289256198347e-1, 3.56753034006338, 0.999365492298663),
        id="NIST StRD NoInt1, through the origin",
    ),
    pytest.param(
        [4, 5, 6],
        [3, 4, 4],
        None,
        (0.727272727272727, 0.420827318078432e-1, 0.369274472937998, 0.993348115299335),
        id="NIST StRD NoInt2, through the origin",
    ),
]


@pytest.mark.parametrize(("x", "y", "intercept", "line"), CERTIFIED)
def test_least_squares_reach_the_certified_digits(x, y, intercept, line):
    fit = ols([float(a) for a in x], [float(b) for b in y], intercept is not None)
    found = (fit.slope, fit.slope_se, fit.residual_sd, fit.r2)
    assert found == pytest.approx(line, rel=2e-14)
    if intercept is not None:
        assert (fit.intercept, fit.intercept_se) == pytest.approx(intercept, rel=2e-12)


def random_points(n, seed, ties=False):
    made = np.random.default_rng(seed)
    x = made.normal(size=n).cumsum()
    y = 0.3 * x + made.standard_t(3, size=n)
    return (x.round(0), y.round(0)) if ties else (x, y)


SIZES = [3, 10, BATCH - 1, BATCH, 200]
TIED = [pytest.param(False, id="no ties"), pytest.param(True, id="ties")]


@pytest.mark.parametrize("n", SIZES)
def test_least_squares_agree_with_scipy(n):
    x, y = random_points(n, n)
    theirs = stats.linregress(x, y)
    ours = ols(x.tolist(), y.tolist())
    assert (ours.slope, ours.intercept, ours.slope_se, ours.intercept_se) == pytest.approx(
        (theirs.slope, theirs.intercept, theirs.stderr, theirs.intercept_stderr), rel=1e-9
    )
    assert ours.r2 == pytest.approx(theirs.rvalue**2, rel=1e-9)


numbers = st.floats(-1e6, 1e6).map(lambda value: round(value, 3))


@given(st.lists(st.tuples(numbers, numbers), min_size=2, max_size=12))
def test_least_squares_are_the_exact_line_rounded_once(points):
    x, y = (list(map(Fraction, side)) for side in zip(*points, strict=True))
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    spread = sum((a - mean_x) ** 2 for a in x)
    if not spread:
        return
    slope = sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True)) / spread
    fit = ols([a for a, _ in points], [b for _, b in points])
    assert fit.slope == float(slope)
    assert fit.intercept == float(mean_y - slope * mean_x)


def test_a_line_far_from_zero_loses_nothing():
    x = [1e15 + step for step in range(5)]
    fit = ols(x, [2.0 * step for step in range(5)])
    assert (fit.slope, fit.residual_sd, fit.r2) == (2.0, 0.0, 1.0)


def test_two_points_make_a_line_whose_error_nobody_knows():
    fit = ols([0.0, 1.0], [1.0, 3.0])
    assert (fit.slope, fit.slope_se, fit.residual_sd) == (2.0, None, None)


@pytest.mark.parametrize("ties", TIED)
@pytest.mark.parametrize("n", SIZES)
def test_theil_sen_agrees_with_scipy(n, ties):
    x, y = random_points(n, n + 1, ties)
    theirs = stats.theilslopes(y, x, 0.9)
    ours = theil_sen(x.tolist(), y.tolist(), 0.9)
    found = (ours.slope, ours.intercept, ours.low, ours.high)
    expected = (theirs.slope, theirs.intercept, theirs.low_slope, theirs.high_slope)
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_theil_sen_reaches_the_interval_of_the_paper():
    # Sen 1968, the example of section 6: slope 4, 93 % between 26/7 and 35/8.
    x, y = [1.0, 2, 3, 4, 10, 12, 18], [9.0, 15, 19, 20, 45, 55, 78]
    found = theil_sen(x, y, 0.93)
    assert (found.slope, found.low, found.high) == pytest.approx((4.0, 26 / 7, 35 / 8), rel=1e-12)


@pytest.mark.parametrize("ties", TIED)
@pytest.mark.parametrize("n", SIZES)
def test_mann_kendall_agrees_with_scipy(n, ties):
    x, y = random_points(n, n + 2, ties)
    ours = mann_kendall(x.tolist(), y.tolist())
    theirs = stats.kendalltau(x, y, method="asymptotic")
    uncorrected = 2 * stats.norm.sf(abs(ours.s) / ours.var_s**0.5) if ours.var_s else 1.0
    assert uncorrected == pytest.approx(theirs.pvalue, rel=1e-9)
    pairs = [np.sign(x[j] - x[i]) * np.sign(y[j] - y[i]) for j in range(n) for i in range(j)]
    assert ours.s == sum(pairs)
    if not ties:
        assert ours.tau == pytest.approx(theirs.statistic)
        assert ours.var_s == n * (n - 1) * (2 * n + 5) / 18


def test_mann_kendall_corrects_for_continuity():
    found = mann_kendall([0.0, 1, 2, 3, 4], [1.0, 2, 3, 4, 5])
    assert found.s == 10
    assert found.z == pytest.approx(9 / (50 / 3) ** 0.5)
    assert found.p == pytest.approx(2 * stats.norm.sf(found.z))


def test_a_flat_line_tends_nowhere():
    found = mann_kendall([0.0, 1, 2], [5.0, 5, 5])
    assert (found.s, found.z, found.p) == (0, 0.0, 1.0)


# NIST/SEMATECH e-Handbook 6.3.2.4: target 50, s 2.0539, weight 0.3, limits 47.4115 and 52.5884.
AVERAGED = (
    "52 47 53 49.3 50.1 47 51 50.1 51.2 50.5 49.6 47.6 49.9 51.3 47.8 51.2 52.6 52.4 53.6 52.1"
)
AVERAGES = (
    "50.60 49.52 50.56 50.18 50.16 49.21 49.75 49.85 50.26 50.33 50.11 49.36 49.52 50.05 49.38 "
    "49.92 50.73 51.23 51.94 51.99"
)


def test_ewma_follows_the_handbook():
    values = [float(value) for value in AVERAGED.split()]
    found = ewma(values, weight=0.3, target=50.0, sigma=2.0539, steady=True)
    assert [f"{value:.2f}" for value in found.statistic] == AVERAGES.split()
    assert (found.lower[0], found.upper[-1]) == pytest.approx((47.4115, 52.5884), abs=1e-4)
    assert found.first_alarm is None


def test_the_limits_of_ewma_widen_to_the_steady_ones():
    values = [0.0] * 60
    exact, steady = (
        ewma(values, weight=0.2, target=0.0, steady=steady) for steady in (False, True)
    )
    assert exact.upper[0] == pytest.approx(3 * 0.2)
    assert exact.upper[-1] == pytest.approx(steady.upper[-1])
    assert steady.upper[0] == pytest.approx(3 * (0.2 / 1.8) ** 0.5)


# Montgomery and Runger, Applied Statistics and Probability for Engineers, table 16-8: target 99,
# K 1, H 10.
CONCENTRATION = (
    "102.0 94.8 98.3 98.4 102.0 98.5 99.0 97.7 100.0 98.1 101.3 98.7 101.1 98.4 97.0 96.7 100.3 "
    "101.4 97.2 101.0"
)
HIGH = "2.0 0.0 0.0 0.0 2.0 0.5 0.0 0.0 0.0 0.0 1.3 0.0 1.1 0.0 0.0 0.0 0.3 1.7 0.0 1.0"
LOW = "0.0 3.2 2.9 2.5 0.0 0.0 0.0 0.3 0.0 0.0 0.0 0.0 0.0 0.0 1.0 2.3 0.0 0.0 0.8 0.0"


def test_cusum_follows_the_table():
    values = [float(value) for value in CONCENTRATION.split()]
    found = cusum(values, target=99.0, k=1.0, h=10.0)
    assert [f"{value:.1f}" for value in found.upper] == HIGH.split()
    assert [f"{value:.1f}" for value in found.lower] == LOW.split()
    assert found.first_alarm is None


SIDES = [
    pytest.param("both", 2, "lower", id="both sides"),
    pytest.param("upper", 4, "upper", id="only what is too high"),
    pytest.param("lower", 2, "lower", id="only what is too low"),
]


@pytest.mark.parametrize(("sides", "first", "side"), SIDES)
def test_an_alarm_says_when_and_on_which_side(sides, first, side):
    found = cusum([-2.0, -2.0, -2.0, 3.0, 3.0, 3.0], k=0.5, h=4.0, sides=sides)
    assert (found.first_alarm, found.first_side) == (first, side)


def test_a_chart_says_nothing_exactly_at_its_limit():
    assert cusum([1.5, 1.5], k=0.5, h=2.0).first_alarm is None
    assert cusum([1.5, 1.75], k=0.5, h=2.0).first_alarm == 1
    assert ewma([3.0], weight=1.0, target=0.0, width=3.0).first_alarm is None
    assert ewma([3.25], weight=1.0, target=0.0, width=3.0).first_alarm == 0


# Montgomery, Introduction to Statistical Quality Control, 9.1 (k 0.5, h 5, both sides): the mean
# of 4,000 runs of each.
RUNS = [
    pytest.param(1.0, 10.4, id="a shift of one sd"),
    pytest.param(2.0, 4.01, id="a shift of two sd"),
]


@pytest.mark.parametrize(("shift", "expected"), RUNS)
def test_cusum_runs_as_long_as_published(shift, expected):
    made = np.random.default_rng(4)
    runs = [
        cusum(made.normal(shift, 1.0, 120).tolist(), k=0.5, h=5.0).first_alarm + 1
        for _ in range(4_000)
    ]
    assert np.mean(runs) == pytest.approx(expected, rel=0.03)


@pytest.mark.parametrize("kind", range(4, 10))
@pytest.mark.parametrize("p", [0.0, 0.01, 0.25, 0.5, 0.9, 0.99, 1.0])
def test_quantiles_agree_with_numpy(kind, p):
    methods = {
        4: "interpolated_inverted_cdf",
        5: "hazen",
        6: "weibull",
        7: "linear",
        8: "median_unbiased",
        9: "normal_unbiased",
    }
    for n in (1, 2, 7, 30):
        values = np.random.default_rng(n).normal(size=n)
        theirs = np.quantile(values, p, method=methods[kind])
        assert quantile(values.tolist(), p, kind) == pytest.approx(theirs, abs=1e-12)


@pytest.mark.parametrize("n", [1, 2, 9, 100])
def test_the_mad_agrees_with_scipy(n):
    values = np.random.default_rng(n).normal(size=n)
    assert mad(values.tolist()) == pytest.approx(stats.median_abs_deviation(values))
    assert pytest.approx(1 / stats.norm.ppf(0.75), abs=5e-5) == NORMAL


@given(st.lists(numbers, max_size=30), st.integers(1, 9))
def test_a_rolling_median_is_that_of_each_full_window(values, window):
    found = rolling_median(values, window)
    for end, value in enumerate(found, 1):
        if end < window:
            assert value is None
        else:
            assert value == pytest.approx(np.median(values[end - window : end]), abs=1e-9)


@given(
    st.lists(st.integers(-6, 6), min_size=2, max_size=40),
    st.booleans(),
    st.sampled_from([0.5, 0.8, 0.95, 0.99]),
)
def test_a_trend_is_sure_where_the_whole_interval_lies_on_its_side(counts, upwards, confidence):
    y = [count / 4 for count in counts]
    found = theil_sen([float(day * day + 1) for day in range(len(y))], y, confidence)
    expected = found.low > 0 if upwards else found.high < 0
    assert is_sure(y, upwards, confidence) is expected
