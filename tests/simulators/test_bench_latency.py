"""Waits are counted from each sending to its own alert; what did not come is counted apart."""

import pytest

from simulators.bench.latency import Waits, percentile, waits


@pytest.mark.parametrize(
    ("values", "percent", "found"),
    [
        ([7.0], 50, 7.0),
        ([1.0, 2.0], 50, 1.0),
        ([3.0, 1.0, 2.0], 50, 2.0),
        ([float(n) for n in range(1, 101)], 99, 99.0),
        ([float(n) for n in range(1, 101)], 100, 100.0),
        ([float(n) for n in range(1, 11)], 99, 10.0),
    ],
    ids=["one", "two", "unsorted", "99 of 100", "the last", "of ten the last"],
)
def test_percentile(values: list[float], percent: float, found: float) -> None:
    assert percentile(values, percent) == found


def test_a_wait_is_from_a_value_s_sending_to_its_alert() -> None:
    sent_s = {1.0: 10.0, 2.0: 20.0, 3.0: 30.0}
    heard_s = {2.0: 20.004, 1.0: 10.002, 9.0: 99.0}
    assert waits({1.0, 2.0, 3.0}, sent_s, heard_s) == Waits(
        p50_ms=pytest.approx(2), p99_ms=pytest.approx(4), alerts=2, missing=1
    )


def test_no_alert_at_all_is_no_figure() -> None:
    with pytest.raises(ValueError, match="no alert"):
        waits({1.0}, {1.0: 1.0}, {})
