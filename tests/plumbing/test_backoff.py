"""Waits grow, stay bounded, and are spread."""

from random import Random

import pytest

from plumbing.backoff import Backoff


def always(value: float):
    return lambda: value


def test_waits_double_up_to_the_limit():
    backoff = Backoff(1.0, 5.0, draw=always(1.0))
    assert [backoff.next_s() for _ in range(5)] == [1.0, 2.0, 4.0, 5.0, 5.0]


def test_a_wait_is_drawn_from_the_upper_half():
    backoff = Backoff(8.0, 8.0, draw=always(0.0))
    assert backoff.next_s() == 4.0


@pytest.mark.parametrize("seed", range(20))
def test_no_wait_leaves_its_bounds(seed):
    backoff = Backoff(0.5, 60.0, draw=Random(seed).random)
    assert all(0.25 <= backoff.next_s() <= 60.0 for _ in range(5_000))


def test_after_a_reset_the_waits_begin_anew():
    backoff = Backoff(1.0, 60.0, draw=always(1.0))
    for _ in range(4):
        backoff.next_s()
    backoff.reset()
    assert backoff.next_s() == 1.0


def test_two_clients_that_failed_together_do_not_come_back_together():
    first, second = (Backoff(1.0, 60.0, draw=Random(seed).random) for seed in (1, 2))
    assert all(first.next_s() != second.next_s() for _ in range(10))


@pytest.mark.parametrize(
    ("first_s", "most_s"), [(0.0, 1.0), (-1.0, 1.0), (2.0, 1.0)], ids=["zero", "negative", "beyond"]
)
def test_bounds_that_make_no_sense_are_refused(first_s, most_s):
    with pytest.raises(ValueError, match="first_s <= most_s"):
        Backoff(first_s, most_s)
