"""Windows: equal to what is computed afresh, whatever went through them."""

from copy import deepcopy
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.days import Values
from rules.exact import from_millionths, millionths
from rules.kinds.inactivity import Gaps
from rules.window import Line, Lowest, LowestOfLast, Window

COURSE = st.lists(
    st.tuples(st.integers(0, 10**9), st.integers(-(10**9), 10**9)), min_size=2, max_size=60
)


def slope_afresh(points):
    """Ordinary least squares in fractions, y in units and x in seconds."""
    n = len(points)
    mean_x = Fraction(sum(x for x, _ in points), n)
    mean_y = Fraction(sum(y for _, y in points), n)
    over = sum((x - mean_x) * (y - mean_y) for x, y in points)
    under = sum((x - mean_x) ** 2 for x, _ in points)
    return over / under if under else None


@given(COURSE, st.integers(2, 20))
def test_the_slope_is_exact_however_many_values_went_through(course, samples):
    line = Line()
    seen = []
    us = 1_700_000_000_000_000
    for step, count in course:
        us += step
        line.push(us, from_millionths(count), samples)
        seen.append((us, count))
        numerator, denominator = line.slope()
        afresh = slope_afresh(seen[-samples:])
        assert (Fraction(numerator, denominator) if denominator else None) == afresh


def test_the_slope_of_a_known_line():
    """NIST's Norris data set (Statistical Reference Datasets, linear, certified slope)."""
    y = """0.1 338.8 118.1 888.0 9.2 228.1 668.5 998.5 449.1 778.9 559.2 0.3 0.1 778.1 668.8 339.3
    448.9 10.8 557.7 228.3 998.0 888.8 119.6 0.3 0.6 557.6 339.3 888.0 998.5 778.9 10.2 117.6 228.9
    668.4 449.2 0.2"""
    x = """0.2 337.4 118.2 884.6 10.1 226.5 666.3 996.3 448.6 777.0 558.2 0.4 0.6 775.5 666.9 338.0
    447.5 11.6 556.0 228.1 995.8 887.6 120.2 0.3 0.3 556.8 339.1 887.2 999.0 779.0 11.1 118.3 229.2
    669.1 448.9 0.5"""
    line = Line()
    pairs = sorted(zip(map(float, x.split()), map(float, y.split()), strict=True))
    for seconds, value in pairs:
        line.push(round(seconds * 1_000_000), value, 100)
    numerator, denominator = line.slope()
    assert numerator / denominator == pytest.approx(1.00211681802045, rel=1e-14)


@given(COURSE, st.integers(1, 3 * 10**9))
def test_the_lowest_is_that_of_the_span(course, span):
    lowest = Lowest()
    seen = []
    us = 0
    for number, (step, count) in enumerate(course):
        us += step
        lowest.drop_before(us - span)
        lowest.push(us, count, str(number))
        seen.append((us, count))
        found = lowest.lowest()
        assert found is not None
        assert found[1] == min(value for at, value in seen if at >= us - span)


@given(st.integers(-(10**15), 10**15))
def test_millionths_go_there_and_back(count):
    assert millionths(from_millionths(count)) == count


FILLED = {
    "line": (Line, lambda window, n: window.push(n, float(n), 5)),
    "lowest": (Lowest, lambda window, n: window.push(n, n, str(n))),
    "lowest of the last": (LowestOfLast, lambda window, n: window.push_last(n, n, str(n), 3)),
    "values": (Values, lambda window, n: window.push(n, float(n))),
    "gaps": (Gaps, lambda window, n: window.push(n, n % 3, 9, False)),
}


def contents(window):
    names = [name for kind in type(window).__mro__ for name in getattr(kind, "__slots__", ())]
    return {name: repr(getattr(window, name)) for name in names}


def test_these_are_all_windows():
    known = {kind for kind, _ in FILLED.values()}
    assert {*Window.__subclasses__(), *Lowest.__subclasses__()} == known


@pytest.mark.parametrize(("kind", "put"), FILLED.values(), ids=FILLED)
def test_a_copy_of_a_window_is_equal_and_goes_its_own_way(kind, put):
    window, afresh = kind(), kind()
    for n in range(10):
        put(window, n)
        put(afresh, n)
    twin = deepcopy(window)
    assert contents(twin) == contents(window)
    for n in range(10, 20):
        put(twin, n)
    assert contents(window) == contents(afresh) != contents(twin)
