"""What was published held against what was kept: nothing lost, nothing twice."""

from collections import Counter
from collections.abc import Iterable

from msgspec import Struct


class Tally(Struct, frozen=True, kw_only=True):
    """`strange`: kept, and never published."""

    wanted: int
    lost: int
    twice: int
    strange: int = 0

    @property
    def clean(self) -> bool:
        return not (self.lost or self.twice or self.strange)


def tally(wanted: Iterable[object], kept: Iterable[object]) -> Tally:
    """Each of `wanted` (no two are equal) must have been kept exactly once."""
    expected = set(wanted)
    found = Counter(kept)
    return Tally(
        wanted=len(expected),
        lost=len(expected - found.keys()),
        twice=sum(times - 1 for one, times in found.items() if one in expected),
        strange=sum(times for one, times in found.items() if one not in expected),
    )


def together(tallies: Iterable[Tally]) -> Tally:
    """The sums of several."""
    rows = list(tallies)
    return Tally(
        wanted=sum(row.wanted for row in rows),
        lost=sum(row.lost for row in rows),
        twice=sum(row.twice for row in rows),
        strange=sum(row.strange for row in rows),
    )
