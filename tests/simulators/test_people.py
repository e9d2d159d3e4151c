"""A simulated person lives a believable life, and the same one each time it is told."""

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from statistics import fmean, pstdev
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from devices.metrics import METRICS
from simulators.people.body import (
    PULSE_PER_DEGREE,
    Body,
    Fever,
    Glucose,
    Low,
    Retention,
    fever_c,
    fluid_kg,
    glucose_mmol_l,
    vitals,
)
from simulators.people.person import (
    Deed,
    Happening,
    SimulatedPerson,
    answers,
    between,
    day,
    measured,
)

LONDON = ZoneInfo("Europe/London")
ONSET = date(2026, 3, 9)
DAYS = [date(2026, 1, 1) + timedelta(days=number) for number in range(0, 365, 3)]


def person(seed: int = 4, retention: Retention | None = None) -> SimulatedPerson:
    body = Body(dry_weight_kg=71.4, retention=retention)
    return SimulatedPerson(id="margaret", name="Margaret Ellis", seed=seed, body=body)


def failing(seed: int = 4) -> SimulatedPerson:
    return person(seed, Retention(onset=ONSET, every_days=12))


def told(who: SimulatedPerson, what: Deed, days: list[date] = DAYS) -> list[Happening]:
    return [one for date_ in days for one in day(who, date_) if one.what is what]


def weights(who: SimulatedPerson, days: list[date]) -> list[float]:
    return [one.values["body_weight"] for one in told(who, Deed.WEIGHS, days)]


def test_the_same_seed_and_date_tell_the_same_day() -> None:
    assert day(failing(), ONSET) == day(failing(), ONSET)


def test_another_seed_tells_another_day() -> None:
    assert day(failing(4), ONSET) != day(failing(5), ONSET)


def test_a_life_told_in_parts_is_the_life_told_at_once() -> None:
    start = datetime(2026, 3, 9, 6, tzinfo=UTC)
    cuts = [start + timedelta(hours=hours) for hours in (0, 5, 19, 31, 60)]
    parts = [one for a, b in pairwise(cuts) for one in between(failing(), a, b)]
    assert parts == between(failing(), cuts[0], cuts[-1])
    assert len(parts) > 100


@pytest.mark.parametrize("date_", DAYS, ids=str)
def test_a_day_is_in_order_and_within_its_local_midnights(date_: date) -> None:
    happenings = day(failing(), date_)
    assert [one.at for one in happenings] == sorted(one.at for one in happenings)
    assert {one.at.astimezone(LONDON).date() for one in happenings} == {date_}


MEASURED = {
    metric
    for what in (Deed.WEIGHS, Deed.BLOOD_PRESSURE, Deed.OXYGEN, Deed.TEMPERATURE)
    for metric in measured(failing(), what, datetime(2026, 3, 9, tzinfo=UTC))
}


@pytest.mark.parametrize("metric", sorted(MEASURED))
def test_every_value_is_one_that_a_living_person_can_have(metric: str) -> None:
    values = [
        one.values[metric]
        for seed in range(5)
        for date_ in DAYS
        for one in day(failing(seed), date_)
        if metric in one.values
    ]
    assert values
    assert all(METRICS[metric].plausible(value) for value in values)


def test_a_well_weight_stays_within_a_kilogram_and_varies_by_a_few_hundred_grams() -> None:
    found = weights(person(), DAYS)
    assert max(found) - min(found) < 1.5
    assert 0.1 < pstdev(found) < 0.4
    assert fmean(found) == pytest.approx(71.7, abs=0.1)


def test_a_failing_heart_gains_more_than_two_kilograms_in_three_days() -> None:
    for seed in range(20):
        found = weights(failing(seed), [ONSET, ONSET + timedelta(days=3)])
        assert 1.6 < found[1] - found[0] < 3.2


@pytest.mark.parametrize(
    ("days", "kg"),
    [(-1, 0.0), (0, 0.0), (1, 0.8), (4, 3.2), (5, 1.6), (6, 0.0), (11, 0.0), (13, 0.8)],
    ids=str,
)
def test_water_climbs_is_treated_and_comes_back(days: int, kg: float) -> None:
    at = datetime.combine(ONSET, time(7)) + timedelta(days=days)
    assert fluid_kg(Retention(onset=ONSET, every_days=12), at) == pytest.approx(kg)


def test_water_lowers_oxygen_and_raises_the_pulse() -> None:
    wet = [ONSET + timedelta(days=12 * number + 4) for number in range(30)]
    dry = [date_ + timedelta(days=4) for date_ in wet]
    means = {
        (name, metric): fmean(one.values[metric] for one in told(failing(), Deed.OXYGEN, days))
        for name, days in (("wet", wet), ("dry", dry))
        for metric in ("oxygen_saturation", "pulse_rate")
    }
    assert 1.0 < means["dry", "oxygen_saturation"] - means["wet", "oxygen_saturation"] < 3.0
    assert 5.0 < means["wet", "pulse_rate"] - means["dry", "pulse_rate"] < 16.0


@pytest.mark.parametrize(
    ("days", "said"),
    [
        pytest.param(0, set(), id="dry: no complaint"),
        pytest.param(3, {"symptom.ankles_swollen", "symptom.feel_worse"}, id="2.4 kg: ankles"),
        pytest.param(
            4,
            {
                "symptom.ankles_swollen",
                "symptom.feel_worse",
                "symptom.breathless",
                "symptom.pillows",
            },
            id="3.2 kg: breath too",
        ),
    ],
)
def test_answers_follow_the_body(days: int, said: set[str]) -> None:
    at = datetime.combine(ONSET + timedelta(days=days), time(7, 30), UTC)
    asked = [name for name in METRICS if name.startswith("symptom.")]
    assert {name for name, yes in answers(failing(), asked, at).items() if yes} == said


def test_every_question_asked_is_answered() -> None:
    assert answers(failing(), ["symptom.fainted", "im_ok"], datetime(2026, 3, 9, tzinfo=UTC)) == {
        "symptom.fainted": False,
        "im_ok": True,
    }


def test_mornings_hold_one_weight_between_four_and_eleven() -> None:
    found = told(failing(), Deed.WEIGHS)
    assert Counter(one.at.astimezone(LONDON).date() for one in found) == Counter(DAYS)
    assert all(time(4) < one.at.astimezone(LONDON).time() < time(11) for one in found)


def test_blood_pressure_is_taken_twice_at_least_a_minute_apart() -> None:
    found = told(failing(), Deed.BLOOD_PRESSURE)
    assert len(found) == 4 * len(DAYS)
    gaps = [b.at - a.at for a, b in pairwise(found)]
    assert min(gaps) >= timedelta(minutes=1)


def test_a_door_that_was_opened_is_closed_again_within_a_minute() -> None:
    for date_ in DAYS:
        doors = [one for one in day(failing(), date_) if one.what in {Deed.OPENS, Deed.CLOSES}]
        assert [one.what for one in doors] == [Deed.OPENS, Deed.CLOSES] * 2
        for opens, closes in zip(doors[::2], doors[1::2], strict=True):
            assert timedelta(0) < closes.at - opens.at < timedelta(minutes=1)


def test_who_has_such_a_habit_opens_the_medicine_box_and_puts_the_kettle_on() -> None:
    usual = failing()
    habits = replace(usual.habits, medicine=(time(8, 0), time(20, 0)), tea=(time(7, 30),))
    for date_ in DAYS:
        lived = day(replace(usual, habits=habits), date_)
        told_of = {
            where: [one for one in lived if one.where == where]
            for where in ("medicine box", "kettle")
        }
        assert [one.what for one in told_of["medicine box"]] == [Deed.OPENS, Deed.CLOSES] * 2
        assert [one.what for one in told_of["kettle"]] == [Deed.BOILS, Deed.BOILED]
        opened = told_of["medicine box"][0].at.astimezone(LONDON)
        assert abs(opened.hour * 60 + opened.minute - 480) <= 3 * habits.spread_minutes
        assert [one for one in lived if one.where not in told_of] == day(usual, date_)


def test_the_hall_is_never_still_for_three_hours_of_a_day_at_home() -> None:
    for date_ in DAYS:
        seen = [
            one.at
            for one in day(failing(), date_)
            if one.where in {"hall", "front door"} and one.at.astimezone(LONDON).hour >= 6
        ]
        assert max(b - a for a, b in pairwise(seen)) < timedelta(hours=3)


def test_nights_have_a_visit_to_the_toilet() -> None:
    found = [
        one
        for one in told(failing(), Deed.MOVES)
        if one.where == "bathroom" and one.at.astimezone(LONDON).hour < 6
    ]
    assert 1.0 <= len(found) / len(DAYS) <= 2.0


@pytest.mark.parametrize(
    ("date_", "hour_utc"),
    [(date(2026, 3, 28), 7), (date(2026, 3, 29), 6)],
    ids=["the day before the clocks go forward", "the day on which they go"],
)
def test_habits_follow_the_clock_on_the_wall(date_: date, hour_utc: int) -> None:
    (weighs,) = told(failing(), Deed.WEIGHS, [date_])
    usual = datetime.combine(date_, time(hour_utc, 5), UTC)
    assert abs(weighs.at - usual) < timedelta(minutes=20)


# Fever and glucose --------------------------------------------------------------------------------

MORNING = datetime(2026, 3, 9, 7)


def at(hours: float) -> datetime:
    return MORNING + timedelta(hours=hours)


@pytest.mark.parametrize(
    ("hours", "degrees"),
    [
        pytest.param(-1, 0.0, id="before"),
        pytest.param(6, 1.1, id="half risen"),
        pytest.param(12, 2.2, id="risen"),
        pytest.param(72, 2.2, id="days later"),
        pytest.param(12 + 72 + 12, 1.1, id="easing"),
        pytest.param(12 + 72 + 24, 0.0, id="gone"),
        pytest.param(500, 0.0, id="long gone"),
    ],
)
def test_a_fever_climbs_stays_and_goes(hours: float, degrees: float) -> None:
    assert fever_c(Fever(onset=MORNING), at(hours)) == pytest.approx(degrees)


def test_a_fever_raises_the_temperature_and_the_pulse_and_nothing_else() -> None:
    well = Body(dry_weight_kg=71.4)
    ill = Body(dry_weight_kg=71.4, fever=Fever(onset=MORNING))
    before, during = (vitals(body, 4, at(24)) for body in (well, ill))
    assert during.temperature_c - before.temperature_c == pytest.approx(2.2)
    assert during.pulse_per_min - before.pulse_per_min == pytest.approx(2.2 * PULSE_PER_DEGREE)
    assert (during.weight_kg, during.systolic_mmhg) == (before.weight_kg, before.systolic_mmhg)


def test_glucose_climbs_after_a_meal_and_comes_back() -> None:
    meals = Glucose(fasting_mmol_l=6.0, meal_rise_mmol_l=3.0, meals=(time(7),))
    shown = [glucose_mmol_l(meals, at(hours)) for hours in (-0.5, 0.5, 1, 3, 8)]
    assert shown[0] == pytest.approx(6.0, abs=0.05)
    assert shown[2] == pytest.approx(9.0, abs=0.05)
    assert shown == sorted(shown[:3]) + sorted(shown[3:], reverse=True)
    assert shown[4] == pytest.approx(6.0, abs=0.05)


def test_too_little_glucose_is_there_for_a_while_and_gets_better() -> None:
    low = Glucose(meals=(), low=Low(onset=MORNING))
    shown = [glucose_mmol_l(low, at(minutes / 60)) for minutes in (-1, 10, 20, 90, 100, 130)]
    assert shown == pytest.approx([6.4, 4.75, 3.1, 3.1, 4.75, 6.4])


def test_only_who_measures_glucose_does() -> None:
    body = Body(dry_weight_kg=71.4, glucose=Glucose())
    diabetic = SimulatedPerson(id="a", name="A", seed=4, body=body)
    assert not told(person(), Deed.GLUCOSE)
    values = [one.values["blood_glucose"] for one in told(diabetic, Deed.GLUCOSE)]
    assert len(values) == 2 * len(DAYS)
    assert all(4.4 < value < 10.0 for value in values)


def test_to_measure_glucose_changes_nothing_else_of_a_life() -> None:
    body = Body(dry_weight_kg=71.4, glucose=Glucose())
    diabetic = SimulatedPerson(id="margaret", name="Margaret Ellis", seed=4, body=body)
    others = [one for one in day(diabetic, ONSET) if one.what is not Deed.GLUCOSE]
    assert others == day(person(), ONSET)
