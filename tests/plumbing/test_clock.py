"""Home time only goes forward, and every program with the same paces agrees on it."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plumbing.clock import HomeTime, Pace

MACHINE = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
HOME = datetime(2026, 1, 5, 6, 0, tzinfo=UTC)


def hurried(*paces: Pace) -> HomeTime:
    return HomeTime(machine_start=MACHINE, home_start=HOME, paces=paces)


QUICK_THEN_REAL = hurried(Pace(times=3600, for_s=10), Pace(times=60, for_s=60), Pace(times=1))

CASES = {
    "at the start": (0, 0),
    "within the first pace": (5, 5 * 3600),
    "at its end": (10, 36_000),
    "within the second": (20, 36_000 + 600),
    "at its end too": (70, 36_000 + 3600),
    "in the last, which stays": (1_000, 36_000 + 3600 + 930),
}


@pytest.mark.parametrize(("machine_s", "home_s"), CASES.values(), ids=CASES)
def test_home_time_follows_the_paces(machine_s, home_s):
    assert QUICK_THEN_REAL.at(MACHINE + timedelta(seconds=machine_s)) == HOME + timedelta(
        seconds=home_s
    )


def test_the_last_pace_stays_even_where_it_names_an_end():
    home = hurried(Pace(times=2, for_s=10), Pace(times=5, for_s=10))
    assert home.at(MACHINE + timedelta(seconds=30)) == HOME + timedelta(seconds=20 + 50 + 50)


def test_without_paces_home_time_is_the_machines():
    assert HomeTime().at(MACHINE) == MACHINE


PACES = st.lists(
    st.builds(Pace, times=st.floats(0.01, 100_000), for_s=st.none() | st.floats(0.01, 1_000)),
    min_size=1,
    max_size=5,
)
MOMENTS = st.floats(0, 10_000)


@given(PACES, MOMENTS, MOMENTS)
def test_home_time_never_goes_back(paces, one, other):
    earlier, later = sorted((one, other))
    home = hurried(*paces)
    assert home.at(MACHINE + timedelta(seconds=earlier)) <= home.at(
        MACHINE + timedelta(seconds=later)
    )


def test_a_wait_for_a_moment_that_has_passed_is_none():
    assert HomeTime().wait_s(datetime.now(UTC) - timedelta(seconds=1)) == 0.0


@pytest.mark.parametrize("ahead_s", [1, 60, 86_400], ids=["a second", "a minute", "a day"])
def test_a_wait_is_as_long_as_the_pace_makes_it(ahead_s):
    now = datetime.now(UTC)
    home = HomeTime(machine_start=now, home_start=HOME, paces=(Pace(times=60),))
    assert home.wait_s(home.now() + timedelta(seconds=ahead_s)) == pytest.approx(
        ahead_s / 60, abs=0.1
    )


def test_scaled_time_without_its_two_starts_is_refused():
    with pytest.raises(ValueError, match="machine_start and home_start"):
        HomeTime(paces=(Pace(times=2),))


@pytest.mark.parametrize(
    "fields",
    [{"times": 0}, {"times": -1}, {"times": 1, "for_s": 0}],
    ids=["still", "backwards", "for no time"],
)
def test_a_pace_that_does_not_go_forward_is_refused(fields):
    with pytest.raises(ValueError, match="only goes forward"):
        Pace(**fields)
