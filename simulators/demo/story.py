"""Who lives in the demo, with what, and when the story's morning comes.

Margaret's heart keeps water. Her scale shows it over a few mornings, which home time hurries
through; the morning on which it shows the limit is lived slowly enough to watch.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct

from plumbing.clock import HomeTime, Pace
from simulators.homes.config import DeviceConfig
from simulators.people.body import Body, Retention
from simulators.people.person import Deed, SimulatedPerson, day

GATEWAY = "home-1"
NURSE = "nurse"
MATTERS = "Walking to the allotment with Joan"
BORN = 1947
DRY_WEIGHT_KG = 71.4
EPISODE_EVERY_DAYS = 8
LIMIT_KG = 2.0
"""This much above the lowest morning of 84 h: the heart-failure pack's weight rule."""
LOOK_BACK = timedelta(hours=84)
MORNING = time(6, 25)
"""Local. Nobody in the house is up before it."""
SLOW_BEFORE_WEIGHING = timedelta(minutes=16)
_LONGEST_SEARCH_DAYS = 40

SCALE_TOPIC = "scales/bathroom"
SCALE_NAME = "bathroom scale"
"""A scale that publishes its own JSON: a mapping gives it this name at the gateway."""

DEVICES: tuple[DeviceConfig, ...] = (
    DeviceConfig(device=SCALE_TOPIC, model="scale", name="Scale in the bathroom"),
    DeviceConfig(
        device="A4:C1:38:00:00:01", kind="gatt.blood_pressure", name="Cuff in the kitchen"
    ),
    DeviceConfig(device="A4:C1:38:00:00:02", kind="gatt.pulse_oximeter", name="Oximeter"),
    DeviceConfig(
        device="A4:C1:38:00:00:03",
        kind="gatt.weight_scale",
        name="Bluetooth scale",
        by_habit=False,
    ),
    DeviceConfig(
        device="A4:C1:38:00:00:04",
        kind="bthome",
        model="contact",
        name="Front door",
        where="front door",
    ),
    DeviceConfig(
        device="A4:C1:38:00:00:05",
        kind="bthome",
        model="button",
        name="Button by the bed",
        by_habit=False,
    ),
    DeviceConfig(
        device="zigbee2mqtt/hall movement",
        kind="zigbee2mqtt",
        model="movement",
        name="Movement in the hall",
        where="hall",
    ),
    DeviceConfig(
        device="zigbee2mqtt/SOS button",
        kind="zigbee2mqtt",
        model="sos",
        name="SOS button",
        by_habit=False,
    ),
    DeviceConfig(
        device="zigbee2mqtt/back door",
        kind="zigbee2mqtt",
        model="contact reversed",
        name="Back door",
        where="back door",
        by_habit=False,
    ),
)


def heard_as(device: DeviceConfig) -> str:
    """What the gateway calls the device."""
    return SCALE_NAME if device.device == SCALE_TOPIC else device.device


class Tempo(Struct, frozen=True):
    """How home time is hurried: machine seconds for the start, then for the days before the
    story's morning; from then on home time runs `times` as fast."""

    start_s: float
    days_s: float
    times: float


SHOWN = Tempo(start_s=12.0, days_s=30.0, times=60.0)
CHECKED = Tempo(start_s=12.0, days_s=8.0, times=360.0)
STORY_LASTS = timedelta(hours=1)
"""Home time from the weighing to an acknowledgement, with room for a slow machine."""
START_SPAN = timedelta(minutes=6)
"""Home time that passes while the programs start: nobody in the home is up yet."""


def margaret(seed: int, onset: date) -> SimulatedPerson:
    retention = Retention(onset=onset, every_days=EPISODE_EVERY_DAYS)
    return SimulatedPerson(
        id="margaret",
        name="Margaret Ellis",
        seed=seed,
        body=Body(dry_weight_kg=DRY_WEIGHT_KG, retention=retention),
    )


def first_onset(today: date) -> date:
    """A day so far back that the story's morning comes at about `today`."""
    return today - timedelta(days=3)


def story_morning(person: SimulatedPerson, first: date) -> datetime:
    """When the person's scale first shows the limit, from the local day `first` on.

    Aware UTC. Only days from `first` on were seen by anyone, and a limit that was passed before
    is no news.
    """
    seen: list[tuple[datetime, float]] = []
    was_above = False
    for at, shown in _weighings(person, first):
        lowest = min((kg for when, kg in seen if at - when <= LOOK_BACK), default=shown)
        above = round(shown - lowest, 1) >= LIMIT_KG
        if above and not was_above and len(seen) >= 2:
            return at
        was_above = above
        seen.append((at, shown))
    raise ValueError(f"{person.name} keeps no water in {_LONGEST_SEARCH_DAYS} days from {first}")


def home_time(
    person: SimulatedPerson,
    first: date,
    story_at: datetime,
    machine_start: datetime,
    tempo: Tempo,
) -> HomeTime:
    """Home time from the morning of `first`, hurried until shortly before `story_at`."""
    zone = ZoneInfo(person.timezone)
    start = datetime.combine(first, MORNING, zone).astimezone(UTC)
    hurried = story_at - SLOW_BEFORE_WEIGHING - (start + START_SPAN)
    return HomeTime(
        machine_start=machine_start,
        home_start=start,
        paces=(
            Pace(times=START_SPAN.total_seconds() / tempo.start_s, for_s=tempo.start_s),
            Pace(times=hurried.total_seconds() / tempo.days_s, for_s=tempo.days_s),
            Pace(times=tempo.times),
        ),
    )


def next_morning(person: SimulatedPerson, last: datetime) -> date:
    """The local day after the one of `last` (aware UTC): a home that was off wakes up on it."""
    return last.astimezone(ZoneInfo(person.timezone)).date() + timedelta(days=1)


def _weighings(person: SimulatedPerson, first: date) -> Iterator[tuple[datetime, float]]:
    for number in range(_LONGEST_SEARCH_DAYS):
        for happening in day(person, first + timedelta(days=number)):
            if happening.what is Deed.WEIGHS:
                yield happening.at, round(happening.values["body_weight"], 1)
