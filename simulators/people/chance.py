"""Chance that a life can be told again with: a seed, a day and a purpose give the same numbers."""

from datetime import date
from random import Random


def of_day(seed: int, day: date, purpose: str) -> Random:
    """Draws for one purpose on one day. A new purpose changes nobody else's numbers."""
    return Random(f"{seed}|{day.isoformat()}|{purpose}")


def normal_within(draws: Random, spread: float, most: float) -> float:
    """A normal draw around 0 with standard deviation `spread`, held to [-most, most]."""
    return max(-most, min(most, draws.gauss(0.0, spread)))
