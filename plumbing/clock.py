"""The two times: machine time, which is never scaled, and home time, which a demo may hurry.

Home time is a piecewise linear function of machine time, so every program that is given the
same paces agrees on it without talking.
"""

import time
from datetime import UTC, datetime, timedelta

from msgspec import Struct


class Pace(Struct, frozen=True, kw_only=True):
    """For `for_s` seconds of machine time, home time runs `times` as fast. The last one stays."""

    times: float
    for_s: float | None = None

    def __post_init__(self) -> None:
        if self.times <= 0 or (self.for_s is not None and self.for_s <= 0):
            raise ValueError("a pace needs times > 0 and for_s > 0: home time only goes forward")


class HomeTime(Struct, frozen=True, kw_only=True):
    """What a home's clock shows. Without paces it is the machine's own UTC."""

    machine_start: datetime | None = None
    home_start: datetime | None = None
    paces: tuple[Pace, ...] = ()

    def __post_init__(self) -> None:
        if self.paces and (self.machine_start is None or self.home_start is None):
            raise ValueError("scaled home time needs machine_start and home_start")

    def now(self) -> datetime:
        """Home time, aware UTC."""
        return self.at(datetime.now(UTC))

    def at(self, machine: datetime) -> datetime:
        """The home time at that machine time."""
        if not self.paces or self.machine_start is None or self.home_start is None:
            return machine
        left = (machine - self.machine_start).total_seconds()
        home = 0.0
        for pace in self.paces:
            span = left if pace.for_s is None else min(left, pace.for_s)
            home += span * pace.times
            left -= span
            if left <= 0:
                break
        else:
            home += left * self.paces[-1].times
        return self.home_start + timedelta(seconds=home)

    def wait_s(self, home: datetime) -> float:
        """Seconds of machine time until the home's clock shows `home`; 0 when it has."""
        low, high = 0.0, 1.0
        start = datetime.now(UTC)
        if self.at(start) >= home:
            return 0.0
        if not self.paces:
            return (home - start).total_seconds()
        while self.at(start + timedelta(seconds=high)) < home:
            high *= 2
        while high - low > 0.001:
            middle = (low + high) / 2
            if self.at(start + timedelta(seconds=middle)) < home:
                low = middle
            else:
                high = middle
        return high


def utc_now() -> datetime:
    """Machine time, aware UTC."""
    return datetime.now(UTC)


def monotonic_s() -> float:
    """Machine seconds for time-outs: never set back."""
    return time.monotonic()
