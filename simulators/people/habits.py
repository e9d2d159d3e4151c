"""Habits: when a person gets up, measures, goes out, comes back and goes to bed.

Times are local; each day moves them by minutes. A home is seen through its sensors, so a day is
told as rooms walked into and doors opened.
"""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from random import Random

from msgspec import Struct

from simulators.people.chance import normal_within, of_day


class Outing(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """On these weekdays (Monday is 0) the person leaves at about `leave` for `minutes`."""

    weekdays: tuple[int, ...]
    leave: time
    minutes: float


class Habits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    up: time = time(6, 50)
    bed: time = time(22, 30)
    spread_minutes: float = 6.0
    night_visits: tuple[int, int] = (1, 2)
    """Fewest and most visits to the toilet in a night."""
    outings: tuple[Outing, ...] = (
        Outing(weekdays=(0, 2, 3, 5), leave=time(10, 30), minutes=75),
        Outing(weekdays=(1, 4), leave=time(10, 0), minutes=120),
        Outing(weekdays=(6,), leave=time(9, 30), minutes=110),
    )
    medicine: tuple[time, ...] = ()
    """About when the medicine box is opened: what a contact with `where = "medicine box"` notices
    (and one that says no `where`: give a door its own)."""
    tea: tuple[time, ...] = ()
    """About when the kettle is put on: what a plug notices."""


class Waking(Struct, frozen=True, kw_only=True):
    """The turns of one day, local and naive."""

    up: datetime
    bed: datetime
    out: datetime | None
    back: datetime | None
    visits: tuple[datetime, ...]
    """Visits to the toilet before getting up."""


def waking(habits: Habits, seed: int, day: date) -> Waking:
    """The turns of `day`."""
    draws = of_day(seed, day, "turns")
    up = _about(habits, draws, day, habits.up)
    bed = _about(habits, draws, day, habits.bed)
    outing = next((one for one in habits.outings if day.weekday() in one.weekdays), None)
    out = None if outing is None else _about(habits, draws, day, outing.leave)
    back = None
    if outing is not None and out is not None:
        back = out + timedelta(minutes=outing.minutes * draws.uniform(0.8, 1.2))
    night_starts = datetime.combine(day, time(0, 40))
    night_s = (up - night_starts).total_seconds() - 3_600
    visits = sorted(
        night_starts + timedelta(seconds=draws.uniform(0, night_s))
        for _ in range(draws.randint(*habits.night_visits))
    )
    return Waking(up=up, bed=bed, out=out, back=back, visits=tuple(visits))


_LIKED = {"kitchen": 5, "living room": 8, "bathroom": 2, "bedroom": 1}
"""Rooms of the day, and how much more often one is walked into than another."""


def rooms(turns: Waking, seed: int, day: date) -> Iterator[tuple[datetime, str]]:
    """Each room walked into, in order of time: from one room to another through the hall."""
    for visit in turns.visits:
        for minutes, room in ((0, "hall"), (1, "bathroom"), (5, "hall"), (6, "bedroom")):
            yield visit + timedelta(minutes=minutes), room
    draws = of_day(seed, day, "rooms")
    at, here = turns.up, "bedroom"
    while at < turns.bed:
        if turns.out is not None and turns.back is not None and turns.out <= at < turns.back:
            at, here = turns.back + timedelta(minutes=1), "outside"
            continue
        others = [room for room in _LIKED if room != here]
        here = draws.choices(others, [_LIKED[room] for room in others])[0]
        yield at, "hall"
        yield at + timedelta(seconds=20), here
        at += timedelta(minutes=draws.uniform(8, 50))
    yield turns.bed, "hall"
    yield turns.bed + timedelta(seconds=30), "bedroom"


def about(
    habits: Habits, seed: int, day: date, what: str, times: tuple[time, ...]
) -> list[datetime]:
    """These times as the day has them, moved by minutes."""
    draws = of_day(seed, day, what)
    return [_about(habits, draws, day, usual) for usual in times]


def _about(habits: Habits, draws: Random, day: date, usual: time) -> datetime:
    minutes = normal_within(draws, habits.spread_minutes, 3 * habits.spread_minutes)
    return datetime.combine(day, usual) + timedelta(minutes=minutes)
