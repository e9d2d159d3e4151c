"""A moment as a page shows it: in the person's own timezone, with how long ago it was."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct

UTC = "UTC"
"""The zone of moments that belong to no person."""
_SOON = timedelta(minutes=1)
_NEAR = {-1: "tomorrow", 0: "today", 1: "yesterday"}


class Moment(Struct, frozen=True, kw_only=True):
    """One moment in words. `age` is empty for a moment that is still to come."""

    iso: str
    """With the zone's offset, for <time datetime>."""
    exact: str
    """Tuesday 3 March 2026, 07:42"""
    short: str
    """today 07:42, yesterday 21:10, tomorrow 22:00, 3 March 07:42"""
    age: str
    """12 minutes ago"""


def moment(at: datetime, now: datetime, zone: str) -> Moment:
    """How `at` reads at `now` in that IANA zone."""
    local = at.astimezone(ZoneInfo(zone))
    clock = f"{local:%H:%M}"
    return Moment(
        iso=local.isoformat(timespec="seconds"),
        exact=f"{local:%A} {local.day} {local:%B} {local.year}, {clock}",
        short=f"{_day(local, now.astimezone(ZoneInfo(zone)))} {clock}",
        age=_age(now - at),
    )


def _day(local: datetime, now: datetime) -> str:
    days = (now.date() - local.date()).days
    if days in _NEAR:
        return _NEAR[days]
    year = "" if local.year == now.year else f" {local.year}"
    return f"{local.day} {local:%B}{year}"


def _age(passed: timedelta) -> str:
    if passed < -_SOON:
        return ""
    if passed < _SOON:
        return "just now"
    for size, limit, word in _STEPS:
        if passed < limit:
            count = passed // size
            return f"{count} {word}{'' if count == 1 else 's'} ago"
    raise AssertionError("the last step has no limit")


_STEPS = (
    (timedelta(minutes=1), timedelta(hours=1), "minute"),
    (timedelta(hours=1), timedelta(days=2), "hour"),
    (timedelta(days=1), timedelta.max, "day"),
)
"""Unit, the age up to which it is used, its word."""
