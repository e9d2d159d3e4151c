"""When a reading was taken, by a device's clock that may be wrong.

Devices know no zone, are set once and then drift, stay in summer time, or wake up in 1970 with a
new battery. Where their clock could be compared with ours as the link opened, what they stored is
put right by the difference: their clock ran on evenly meanwhile, whatever it showed.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo

from devices.model import Clock

EARLIEST_CLOCK = datetime(2015, 1, 1, tzinfo=UTC)
"""A device clock before this was never set."""
AGREES = timedelta(seconds=120)
"""A clock within this of ours is right."""
PUT_RIGHT = timedelta(minutes=55)
"""From here on a difference changes what a reading means: a clock left in summer time is off by an
hour, give or take its drift. Less is said with the reading (`Quality.TIME_UNCERTAIN`)."""


@dataclass(frozen=True, slots=True)
class When:
    """`said_at` tells this reading from others of the device: it is the same each time that the
    device plays it back, though by then its clock may have been set."""

    taken_at: datetime
    clock: Clock
    said_at: datetime
    uncertain: bool = False


def when_taken(
    said: datetime | None,
    received_at: datetime,
    zone: tzinfo,
    ahead_s: float | None,
    future: timedelta,
) -> When:
    """All in UTC. `said` is naive where it is the device's own wall clock, in `zone`.

    `ahead_s`: how far that clock was ahead of local time when the link opened; None: unknown.
    It is taken to the second, as a device writes its times. A wall clock further ahead than
    `future` can't be right.
    """
    if said is None:
        return When(received_at, Clock.RECEIVED, received_at)
    if said.tzinfo is not None:
        taken_at = said.astimezone(UTC)
        if taken_at < EARLIEST_CLOCK:
            return When(received_at, Clock.UNKNOWN, received_at)
        return When(taken_at, Clock.DEVICE, taken_at)
    try:
        as_said = said.replace(tzinfo=zone).astimezone(UTC)
    except OverflowError:
        return When(received_at, Clock.UNKNOWN, received_at)
    ahead = timedelta(seconds=round(ahead_s or 0.0))
    possible = EARLIEST_CLOCK <= as_said <= received_at + future
    if abs(as_said - received_at) <= AGREES or (possible and abs(ahead) < PUT_RIGHT):
        off = abs(ahead) > AGREES and abs(as_said - received_at) > AGREES
        return When(as_said, Clock.DEVICE, as_said, uncertain=off)
    if abs(ahead) > AGREES:
        offset = received_at.astimezone(zone).utcoffset() or timedelta()
        right = _plus(said, -ahead - offset)
        if right is not None and EARLIEST_CLOCK <= right <= received_at + future:
            return When(right, Clock.CORRECTED, as_said)
    return When(received_at, Clock.UNKNOWN, received_at)


def earlier(when: When, ago_s: float) -> When:
    """The same, of what was over `ago_s` before."""
    ago = timedelta(seconds=ago_s)
    return replace(when, taken_at=when.taken_at - ago, said_at=when.said_at - ago)


def _plus(naive: datetime, span: timedelta) -> datetime | None:
    """None where the calendar ends before."""
    try:
        return (naive + span).replace(tzinfo=UTC)
    except OverflowError:
        return None
