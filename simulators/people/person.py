"""A person: a body with habits, and each of their days told in order.

`day` draws only from the seed and the date, so a home that was switched off and on again goes
on with the same life.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from msgspec import Struct

from simulators.people.body import Body, fluid_kg, vitals
from simulators.people.habits import Habits, Waking, about, rooms, waking


class Deed(StrEnum):
    """What a person does that a device or a sensor could notice."""

    WEIGHS = "weighs"
    BLOOD_PRESSURE = "blood pressure"
    OXYGEN = "oxygen"
    TEMPERATURE = "temperature"
    GLUCOSE = "glucose"
    MOVES = "moves"
    LEAVES = "leaves"
    OPENS = "opens"
    CLOSES = "closes"
    BOILS = "boils"
    BOILED = "boiled"
    PRESSES = "presses"


class Happening(Struct, frozen=True, kw_only=True):
    """One deed at `at` (aware UTC). `values` by metric, exact; `where` names a room or a door."""

    at: datetime
    what: Deed
    where: str = ""
    values: Mapping[str, float] = {}


class SimulatedPerson(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: str
    name: str
    seed: int
    body: Body
    habits: Habits = Habits()
    timezone: str = "Europe/London"


def day(person: SimulatedPerson, date_: date) -> list[Happening]:
    """All that happens from one local midnight to the next, in order of time."""
    turns = waking(person.habits, person.seed, date_)
    told = [*_measuring(person, turns), *_doors(person, turns), *_uses(person, date_)]
    told += (
        Happening(at=_utc(person, at), what=Deed.MOVES, where=room)
        for at, room in rooms(turns, person.seed, date_)
    )
    ends = _utc(person, datetime.combine(date_ + timedelta(days=1), time(0)))
    starts = _utc(person, datetime.combine(date_, time(0)))
    return sorted(
        (one for one in told if starts <= one.at < ends), key=lambda one: (one.at, one.what)
    )


def between(person: SimulatedPerson, after: datetime, until: datetime) -> list[Happening]:
    """All that happens in (after, until], both aware UTC, in order of time."""
    zone = ZoneInfo(person.timezone)
    first, last = after.astimezone(zone).date(), until.astimezone(zone).date()
    days = (first + timedelta(days=number) for number in range((last - first).days + 1))
    return [one for date_ in days for one in day(person, date_) if after < one.at <= until]


def measured(person: SimulatedPerson, what: Deed, at: datetime) -> dict[str, float]:
    """What exact devices would show for this deed at `at` (aware UTC), by metric."""
    found = vitals(person.body, person.seed, _local(person, at))
    return {
        Deed.WEIGHS: {"body_weight": found.weight_kg},
        Deed.BLOOD_PRESSURE: {
            "systolic_pressure": found.systolic_mmhg,
            "diastolic_pressure": found.diastolic_mmhg,
            "mean_arterial_pressure": (found.systolic_mmhg + 2 * found.diastolic_mmhg) / 3,
            "pulse_rate": found.pulse_per_min,
        },
        Deed.OXYGEN: {"oxygen_saturation": found.spo2_pct, "pulse_rate": found.pulse_per_min},
        Deed.TEMPERATURE: {"body_temperature": found.temperature_c},
        Deed.GLUCOSE: (
            {} if found.glucose_mmol_l is None else {"blood_glucose": found.glucose_mmol_l}
        ),
    }.get(what, {})


FEELS_FROM_KG: Mapping[str, float] = {
    "symptom.ankles_swollen": 1.5,
    "symptom.feel_worse": 2.2,
    "symptom.breathless": 2.6,
    "symptom.pillows": 3.0,
    "symptom.breathless_at_rest": 5.0,
    "im_ok": 0.0,
}
"""From how much water on, in kg, the person says yes. What is not here, the body never says."""


def answers(person: SimulatedPerson, asked: Iterable[str], at: datetime) -> dict[str, bool]:
    """What the person says to questions at `at` (aware UTC): yes where the body says so."""
    fluid = fluid_kg(person.body.retention, _local(person, at))
    return {metric: metric in FEELS_FROM_KG and fluid >= FEELS_FROM_KG[metric] for metric in asked}


_ROUTINE = (
    (timedelta(minutes=20), Deed.GLUCOSE),
    (timedelta(minutes=15), Deed.WEIGHS),
    (timedelta(minutes=25), Deed.BLOOD_PRESSURE),
    (timedelta(minutes=27), Deed.BLOOD_PRESSURE),
    (timedelta(minutes=30), Deed.OXYGEN),
    (timedelta(minutes=32), Deed.TEMPERATURE),
    (timedelta(hours=13), Deed.BLOOD_PRESSURE),
    (timedelta(hours=13, minutes=2), Deed.BLOOD_PRESSURE),
    (timedelta(hours=15, minutes=10), Deed.GLUCOSE),
)
"""After getting up. Blood pressure: two at least a minute apart, morning and evening. Glucose:
before breakfast and before bed, by who measures it."""


def _measuring(person: SimulatedPerson, turns: Waking) -> Iterable[Happening]:
    for after, what in _ROUTINE:
        at = _utc(person, turns.up + after)
        values = measured(person, what, at)
        if values:
            yield Happening(at=at, what=what, values=values)


def _doors(person: SimulatedPerson, turns: Waking) -> Iterable[Happening]:
    for passes in (turns.out, turns.back):
        if passes is not None:
            for seconds, what in ((0, Deed.OPENS), (12, Deed.CLOSES)):
                at = _utc(person, passes + timedelta(seconds=seconds))
                yield Happening(at=at, what=what, where="front door")


_BOX_OPEN_S = 25
_BOILING_S = 170


def _uses(person: SimulatedPerson, date_: date) -> Iterable[Happening]:
    """The medicine box and the kettle, by who has such a habit."""
    habits = person.habits
    for where, times, begins, ends, lasts_s in (
        ("medicine box", habits.medicine, Deed.OPENS, Deed.CLOSES, _BOX_OPEN_S),
        ("kettle", habits.tea, Deed.BOILS, Deed.BOILED, _BOILING_S),
    ):
        for at in about(habits, person.seed, date_, where, times):
            for seconds, what in ((0, begins), (lasts_s, ends)):
                moment = _utc(person, at + timedelta(seconds=seconds))
                yield Happening(at=moment, what=what, where=where)


def _utc(person: SimulatedPerson, local: datetime) -> datetime:
    return local.replace(tzinfo=ZoneInfo(person.timezone)).astimezone(UTC)


def _local(person: SimulatedPerson, at: datetime) -> datetime:
    return at.astimezone(ZoneInfo(person.timezone)).replace(tzinfo=None)
