"""Local hours of the day, through both changes of the clock.

A local time that a spring change skips counts as the same moment after it; one that an autumn
change repeats counts as its first.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache

from msgspec import Struct

from rules.exact import micros


class Hours(Struct, frozen=True):
    """From `start` (included) to `end` (left out), local time; past midnight where end < start."""

    start: time
    end: time

    def __post_init__(self) -> None:
        if self.start == self.end:
            raise ValueError("hours begin and end at different times")
        if self.start.microsecond or self.end.microsecond:
            raise ValueError("hours begin and end on a whole second")

    def __str__(self) -> str:
        return f"{self.start:%H:%M}-{self.end:%H:%M}"

    def hold(self, us: int, zone: tzinfo) -> bool:
        """Whether that moment lies within them."""
        shown = wall(us, zone)
        if shown.fold:
            start_us, _ = next(self.spans(us, zone))
            return start_us <= us
        local = shown.time()
        if self.start < self.end:
            return self.start <= local < self.end
        return local >= self.start or local < self.end

    def spans(self, us: int, zone: tzinfo) -> Iterator[tuple[int, int]]:
        """Start and end of each day's hours, from those that end after `us` on."""
        day = wall(us, zone).date() - timedelta(days=1)
        overnight = timedelta(days=1 if self.end < self.start else 0)
        while True:
            start, end = local_us(day, self.start, zone), local_us(day + overnight, self.end, zone)
            if end > us:
                yield start, end
            day += timedelta(days=1)


def wall(us: int, zone: tzinfo) -> datetime:
    """What calendar and clock on the wall show at that moment, to the second."""
    return _wall(us // 1_000_000, zone)


@lru_cache(maxsize=256)
def _wall(seconds: int, zone: tzinfo) -> datetime:
    """Rules ask for the same moments one after the other."""
    return datetime.fromtimestamp(seconds, zone)


@lru_cache(maxsize=4_096)
def local_us(day: date, at: time, zone: tzinfo) -> int:
    """The moment at which a clock on the wall shows that time on that day."""
    return micros(datetime.combine(day, at, zone).astimezone(UTC))
