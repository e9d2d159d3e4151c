"""A body: what exact devices would find in it at any moment.

A failing heart keeps water. The water is weight first (about 0.8 kg a day in a decline), then
swollen ankles, then breath: so oxygen falls a little and the pulse rises with it. A fever climbs in
half a day, stays, and goes; the pulse rises with it. Glucose climbs after meals, and may fall too
low. Sizes are the project's own assumptions, chosen to be believable, where no source is named;
nothing here is medical advice.
"""

from datetime import date, datetime, time, timedelta
from math import cos, exp, pi
from random import Random

from msgspec import Struct

from simulators.people.chance import normal_within, of_day

MORNING = time(7, 0)
"""Local time at which a day's figures hold; the rest of the day moves away from them."""


class Retention(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Water kept from the morning of `onset` on: it climbs, is treated, and may come back."""

    onset: date
    gain_kg_per_day: float = 0.8
    climb_days: float = 4.0
    relief_kg_per_day: float = 1.6
    every_days: int | None = None
    """From one onset to the next; None: it never comes back."""


class Fever(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An infection from `onset` (local, naive) on: the temperature climbs, stays, and eases."""

    onset: datetime
    rise_c: float = 2.2
    climb_hours: float = 12.0
    days: float = 3.0
    ease_hours: float = 24.0


class Low(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Too little glucose from `onset` (local, naive) on, until something was eaten."""

    onset: datetime
    to_mmol_l: float = 3.1
    falls_minutes: float = 20.0
    lasts_minutes: float = 90.0


class Glucose(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A person who measures their glucose. Figures of a treated diabetes in a good week.

    Fasting 4.4 to 7.2 mmol/L and below 10.0 after meals are what adults with diabetes are told to
    aim at (American Diabetes Association, Standards of Care, section 6, glycaemic goals).
    """

    fasting_mmol_l: float = 6.4
    meal_rise_mmol_l: float = 2.8
    meals: tuple[time, ...] = (time(7, 40), time(12, 40), time(18, 30))
    low: Low | None = None


class Body(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Figures of a morning in a good week."""

    dry_weight_kg: float
    systolic_mmhg: float = 132.0
    diastolic_mmhg: float = 76.0
    pulse_per_min: float = 68.0
    spo2_pct: float = 96.5
    temperature_c: float = 36.5
    nightclothes_kg: float = 0.3
    retention: Retention | None = None
    fever: Fever | None = None
    glucose: Glucose | None = None


class Vitals(Struct, frozen=True, kw_only=True):
    """What exact devices would find at one moment."""

    fluid_kg: float
    weight_kg: float
    systolic_mmhg: float
    diastolic_mmhg: float
    pulse_per_min: float
    spo2_pct: float
    temperature_c: float
    glucose_mmol_l: float | None
    """None of a person who does not measure it."""


PULSE_PER_DEGREE = 8.5
"""Beats a minute for each degree of fever (Karjalainen and Viitasalo, Fever and cardiac rhythm,
Archives of Internal Medicine 1986; 146: 1169)."""
MEAL_PEAK_MINUTES = 60.0
"""From a meal to the most glucose: assumed."""


def fever_c(fever: Fever | None, local: datetime) -> float:
    """Degrees above the person's own, at a local (naive) time. Never below 0."""
    if fever is None:
        return 0.0
    hours = (local - fever.onset) / timedelta(hours=1)
    eases = fever.climb_hours + fever.days * 24.0
    climbed = min(1.0, hours / fever.climb_hours)
    left = 1.0 - max(0.0, hours - eases) / fever.ease_hours
    return fever.rise_c * max(0.0, min(climbed, left))


def glucose_mmol_l(glucose: Glucose | None, local: datetime) -> float | None:
    """At a local (naive) time, without what differs from day to day."""
    if glucose is None:
        return None
    usual = glucose.fasting_mmol_l + sum(
        glucose.meal_rise_mmol_l * _after_meal(local - datetime.combine(day, meal))
        for meal in glucose.meals
        for day in (local.date(), local.date() - timedelta(days=1))
    )
    if glucose.low is None:
        return usual
    minutes = (local - glucose.low.onset) / timedelta(minutes=1)
    over = minutes - glucose.low.lasts_minutes
    depth = min(minutes, -over + glucose.low.falls_minutes) / glucose.low.falls_minutes
    return usual + (glucose.low.to_mmol_l - usual) * max(0.0, min(1.0, depth))


def _after_meal(since: timedelta) -> float:
    """The part of a meal's rise that is there so long after it: 1 at its peak."""
    peaks = since / timedelta(minutes=MEAL_PEAK_MINUTES)
    return 0.0 if peaks <= 0 else peaks * exp(1.0 - peaks)


def fluid_kg(retention: Retention | None, local: datetime) -> float:
    """Water above the dry weight, in kg, at a local (naive) time. Never below 0."""
    if retention is None:
        return 0.0
    days = (local - datetime.combine(retention.onset, MORNING)) / timedelta(days=1)
    if days < 0:
        return 0.0
    if retention.every_days is not None:
        days %= retention.every_days
    climbed = retention.gain_kg_per_day * min(days, retention.climb_days)
    relieved = retention.relief_kg_per_day * max(0.0, days - retention.climb_days)
    return max(0.0, climbed - relieved)


def vitals(body: Body, seed: int, local: datetime) -> Vitals:
    """The body at a local (naive) time."""
    fluid = fluid_kg(body.retention, local)
    day = local.date()
    hours = (local - datetime.combine(day, time(0))) / timedelta(hours=1)
    draws = of_day(seed, day, f"vitals {local:%H:%M}")
    awake = max(0.0, min(1.0, (hours - 7.0) / 12.0))
    # Blood pressure is lowest asleep and highest in the afternoon, temperature likewise.
    afternoon = (1.0 - cos(2 * pi * (hours - 3.0) / 24.0)) / 2.0
    fever = fever_c(body.fever, local)
    return Vitals(
        fluid_kg=fluid,
        weight_kg=(
            body.dry_weight_kg
            + body.nightclothes_kg
            + fluid
            + _bowel_and_food_kg(seed, day)
            + 0.7 * awake
        ),
        systolic_mmhg=body.systolic_mmhg + 8 * (afternoon - 0.25) + 1.5 * fluid + _near(draws, 5),
        diastolic_mmhg=body.diastolic_mmhg + 4 * (afternoon - 0.25) + fluid + _near(draws, 3),
        pulse_per_min=(
            body.pulse_per_min
            + 4 * awake
            + 3.5 * fluid
            + PULSE_PER_DEGREE * fever
            + _near(draws, 3)
        ),
        spo2_pct=min(100.0, body.spo2_pct - 0.6 * fluid + _near(draws, 0.5)),
        temperature_c=body.temperature_c + 0.5 * (afternoon - 0.25) + fever + _near(draws, 0.12),
        glucose_mmol_l=_glucose_of_day(body.glucose, local, draws),
    )


def _glucose_of_day(glucose: Glucose | None, local: datetime, draws: Random) -> float | None:
    exact = glucose_mmol_l(glucose, local)
    return None if exact is None else exact * (1.0 + _near(draws, 0.05))


def _near(draws: Random, spread: float) -> float:
    return normal_within(draws, spread, 2.5 * spread)


def _bowel_and_food_kg(seed: int, day: date) -> float:
    """Mornings of well people differ by a few hundred grams, and yesterday's excess lingers."""
    today, yesterday = (
        normal_within(of_day(seed, when, "weight"), 0.16, 0.4)
        for when in (day, day - timedelta(days=1))
    )
    return today + 0.5 * yesterday
