"""People with heart failure who weigh themselves at home, and their admissions.

A person is a body of `simulators.people`: the water of an episode is a Retention that climbs for
two weeks and is gone after the stay in hospital. The same seed gives the same people.
"""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from math import exp, sqrt
from random import Random
from zoneinfo import ZoneInfo

from msgspec import Struct, structs

from simulators.cohort.sizes import (
    APART_DAYS,
    CLIMB_DAYS,
    DAYS_A_YEAR,
    IN_HOSPITAL_DAYS,
    OTHER_A_YEAR,
    OTHER_CHANGE_DRAWN_KG,
    SCALE_KG,
    WANDER_DAYS,
    WANDER_KG,
    WEIGHED_SHARE,
    WEIGHED_SHARE_SPREAD,
    WORSENING_A_YEAR,
    WORSENING_WATER_KG,
)
from simulators.people.body import MORNING, Body, Retention, vitals

ZONE = ZoneInfo("Europe/London")
BEGIN = date(2024, 1, 1)
WORSENING, OTHER = "worsening-heart-failure", "other-admission"
_ADMITTED_AT = time(15, 0)
_SPREAD_MINUTES = 20.0


class Admission(Struct, frozen=True, kw_only=True):
    """`change_kg`: what the two weeks before it added to the weight; may be less than 0."""

    kind: str
    day: date
    change_kg: float

    @property
    def at(self) -> datetime:
        """Aware, in local time."""
        return datetime.combine(self.day, _ADMITTED_AT, ZONE)

    @property
    def onset(self) -> date:
        return self.day - timedelta(days=CLIMB_DAYS)

    @property
    def home_again(self) -> date:
        return self.day + timedelta(days=IN_HOSPITAL_DAYS)


class Weighing(Struct, frozen=True):
    at: datetime
    weight_kg: float


class Patient(Struct, frozen=True, kw_only=True):
    id: str
    weighings: tuple[Weighing, ...]
    admissions: tuple[Admission, ...]


def cohort(people: int, days: int, seed: int, scale_kg: float = SCALE_KG) -> Iterator[Patient]:
    """Raises ValueError where nobody or no day is asked for."""
    if people < 1 or days < 1:
        raise ValueError("a cohort needs one person and one day at least")
    width = len(str(people))
    for number in range(1, people + 1):
        yield patient(f"person-{number:0{width}d}", days, Random(f"{seed}|{number}"), scale_kg)


def patient(id_: str, days: int, chance: Random, scale_kg: float = SCALE_KG) -> Patient:
    """One person over so many days from BEGIN on."""
    body = Body(dry_weight_kg=round(chance.uniform(55.0, 105.0), 1))
    seed = chance.getrandbits(32)
    weighs = chance.betavariate(
        WEIGHED_SHARE * WEIGHED_SHARE_SPREAD, (1 - WEIGHED_SHARE) * WEIGHED_SHARE_SPREAD
    )
    admissions = tuple(_admissions(days, chance))
    wander_kg = chance.gauss(0.0, WANDER_KG)
    kept = exp(-1 / WANDER_DAYS)
    weighings = []
    for number in range(days):
        day = BEGIN + timedelta(days=number)
        minutes = chance.gauss(0.0, _SPREAD_MINUTES)
        off_kg = chance.gauss(0.0, scale_kg)
        wander_kg = kept * wander_kg + sqrt(1 - kept * kept) * chance.gauss(0.0, WANDER_KG)
        if chance.random() >= weighs or any(one.day <= day < one.home_again for one in admissions):
            continue
        local = datetime.combine(day, MORNING) + timedelta(minutes=minutes)
        exact_kg = _exact_kg(body, seed, admissions, local)
        weight_kg = round(exact_kg + off_kg + wander_kg, 1)
        weighings.append(Weighing(local.replace(microsecond=0, tzinfo=ZONE), weight_kg))
    return Patient(id=id_, weighings=tuple(weighings), admissions=admissions)


def _admissions(days: int, chance: Random) -> Iterator[Admission]:
    """As they come, none too near to the one before; the last day is never one."""
    a_day = (WORSENING_A_YEAR + OTHER_A_YEAR) / DAYS_A_YEAR
    at = chance.expovariate(a_day)
    while at < days - 1:
        worse = chance.random() * a_day < WORSENING_A_YEAR / DAYS_A_YEAR
        yield Admission(
            kind=WORSENING if worse else OTHER,
            day=BEGIN + timedelta(days=int(at)),
            change_kg=chance.gauss(*(WORSENING_WATER_KG if worse else OTHER_CHANGE_DRAWN_KG)),
        )
        at += max(APART_DAYS, chance.expovariate(a_day))


def _exact_kg(body: Body, seed: int, admissions: tuple[Admission, ...], local: datetime) -> float:
    """What an exact scale would show, with the water that climbs just now, or what is lost."""
    near = next((one for one in admissions if one.onset <= local.date() <= one.day), None)
    if near is None:
        return vitals(body, seed, local).weight_kg
    water_kg = max(0.0, near.change_kg)
    climbing = Retention(
        onset=near.onset, gain_kg_per_day=water_kg / CLIMB_DAYS, climb_days=CLIMB_DAYS
    )
    days = (local - datetime.combine(near.onset, MORNING)) / timedelta(days=1)
    lost_kg = min(0.0, near.change_kg) * min(max(days / CLIMB_DAYS, 0.0), 1.0)
    return vitals(structs.replace(body, retention=climbing), seed, local).weight_kg + lost_kg
