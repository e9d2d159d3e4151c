"""The ranges of the International Consensus on Time in Range (Battelino and others 2019).

They are printed in mg/dL and, rounded, in mmol/L: 70 is 3.9, 54 is 3.0, 180 is 10.0 and 250 is
13.9. A value is judged in whole mg/dL, where both scales agree: 3.9 mmol/L and 70 mg/dL (3.885)
are in range, 10.1 mmol/L and 181 mg/dL (10.05) are not.
"""

from dataclasses import dataclass

MG_PER_MMOL = 18.016
"""mg/dL in a mmol/L of glucose."""


def mg_per_dl(mmol_per_l: float) -> int:
    """The value in whole mg/dL."""
    return round(mmol_per_l * MG_PER_MMOL)


@dataclass(frozen=True, slots=True)
class Range:
    """From `low` to `high` mg/dL, both included."""

    title: str
    low: int
    high: int

    def holds(self, mmol_per_l: float) -> bool:
        return self.low <= mg_per_dl(mmol_per_l) <= self.high


_NONE, _ANY = 0, 10_000

RANGES: dict[str, Range] = {
    "very-low": Range("below 3.0 mmol/L", _NONE, 53),
    "low": Range("below 3.9 mmol/L", _NONE, 69),
    "in-range": Range("3.9 to 10.0 mmol/L", 70, 180),
    "high": Range("above 10.0 mmol/L", 181, _ANY),
    "very-high": Range("above 13.9 mmol/L", 251, _ANY),
}
"""Low and high hold the very low and the very high."""


@dataclass(frozen=True, slots=True)
class Level:
    """An event's level: beyond which value (mmol/L) it begins, and up or down."""

    range: Range
    edge: float
    upwards: bool


LEVELS: dict[str, Level] = {
    "low-1": Level(RANGES["low"], 3.9, upwards=False),
    "low-2": Level(RANGES["very-low"], 3.0, upwards=False),
    "high-1": Level(RANGES["high"], 10.0, upwards=True),
    "high-2": Level(RANGES["very-high"], 13.9, upwards=True),
}
