"""A trial finds what a home would have found, and counts it by the definitions."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from scipy import stats

from devices.metrics import METRICS
from devices.model import Quality, Reading, reading_id
from rules.backtest.course import Course, readings_of, replay
from rules.backtest.matching import Event, Matching, Tally, groups, match
from rules.backtest.measures import BURDEN, WORTH, Counted, draws, median_lead_days, ratio
from rules.backtest.report import report
from rules.backtest.trial import (
    SOMEONE,
    Begun,
    Lived,
    alerts_of,
    heard,
    live,
    plan_of,
    unanswerable,
)
from rules.exact import micros, moment

START = datetime(2025, 3, 3, 7, tzinfo=UTC)
START_US = micros(START)
HOUR = 3_600_000_000
DAY = 24 * HOUR


def course(*rows, person="ann"):
    """Rows (hours after the start, metric, value)."""
    series = tuple(dict.fromkeys(("", metric) for _, metric, _ in rows))
    return Course(
        person=person,
        series=series,
        us=np.array([START_US + round(hours * HOUR) for hours, _, _ in rows], dtype=np.int64),
        which=np.array([series.index(("", metric)) for _, metric, _ in rows], dtype=np.int32),
        values=np.array([value for _, _, value in rows], dtype=float),
        unusual=np.zeros(len(rows), dtype=bool),
    )


@pytest.fixture(scope="module")
def many():
    generator = np.random.default_rng(7)
    rows = []
    for session in range(120):
        hours = 12 * session + float(generator.integers(0, 60)) / 60
        rows += [
            (hours, "systolic_pressure", float(generator.integers(120, 190))),
            (hours, "diastolic_pressure", float(generator.integers(50, 125))),
            (hours, "pulse_rate", float(generator.integers(45, 110))),
        ]
    return rows


@pytest.fixture(scope="module")
def hypertension(packs):
    return packs["hypertension"]


@pytest.fixture(scope="module")
def trial_plan(hypertension, packs):
    present = {"systolic_pressure", "diastolic_pressure", "pulse_rate"}
    return plan_of(hypertension, leave_out=unanswerable(hypertension, present))


def test_a_trial_finds_what_a_home_finds_reading_by_reading(many, trial_plan, home):
    found = replay(trial_plan, course(*many))
    readings = [
        Reading(
            id=reading_id(SOMEONE, "", metric, moment(START_US + round(hours * HOUR)), value),
            patient=SOMEONE,
            device="",
            metric=metric,
            value=value,
            unit=METRICS[metric].unit,
            taken_at=moment(START_US + round(hours * HOUR)),
            received_at=moment(START_US + round(hours * HOUR)),
        )
        for hours, metric, value in many
    ]
    lived = home(trial_plan, readings[0].taken_at)
    for reading in readings:
        lived.take([reading], reading.taken_at)
    assert found
    assert {finding.id: finding for finding in found} == lived.journal.standing


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param(lambda rows: rows[::-1], id="backwards"),
        pytest.param(lambda rows: [*rows, *rows[40:90]], id="some twice"),
        pytest.param(lambda rows: sorted(rows, key=lambda row: (row[1], row[2])), id="by metric"),
    ],
)
def test_the_order_of_rows_and_rows_that_come_twice_change_nothing(many, trial_plan, rows):
    assert replay(trial_plan, course(*rows(many))) == replay(trial_plan, course(*many))


def test_what_is_marked_unusual_is_judged_and_stays_marked():
    one = course((0, "body_temperature", 33.0))
    marked = Course(
        person="ann",
        series=one.series,
        us=one.us,
        which=one.which,
        values=one.values,
        unusual=np.array([True]),
    )
    (reading,) = readings_of(marked, SOMEONE)
    assert reading.quality == (Quality.UNUSUAL,)


def test_a_course_without_readings_has_no_findings_and_no_days(trial_plan):
    lived = live(trial_plan, course())
    assert (lived.begun, lived.days, lived.adherence) == ((), 0, 0.0)


def test_days_are_counted_in_the_time_of_the_person(trial_plan, hypertension, packs):
    rows = [(hours, "pulse_rate", 70.0) for hours in (0, 10, 24 * 9)]
    first, last = live(trial_plan, course(*rows)).measured
    assert last - first == 9
    tokyo = plan_of(hypertension, timezone="Asia/Tokyo")
    assert len(live(tokyo, course(*rows)).measured) == 3


def test_rules_that_wait_for_a_person_who_was_not_asked_are_left_out(hypertension, packs):
    asked = {"systolic_pressure", *packs["hypertension"].questions}
    assert unanswerable(hypertension, asked) == ()
    assert unanswerable(hypertension, {"systolic_pressure"}) == (
        "severe-unanswered",
        "pressure-red-flag",
        "low-symptom",
        "low-with-symptom",
        "low-unanswered",
    )
    assert set(unanswerable(packs["heart-failure"], {"body_weight"})) == {
        "symptom",
        "weight-gain-with-symptom",
        "symptoms-alone",
        "unanswered-questions",
        "feel-worse",
        "red-flag",
    }


def test_a_debounce_is_laid_over_the_staff_rules(hypertension, packs):
    plan = plan_of(hypertension, debounce={"k": 2, "n": 3})
    by_id = {rule.id: rule.debounce for rule in plan.rules}
    assert (by_id["systolic-high"].k, by_id["systolic-high"].n) == (2, 3)
    assert (by_id["severe"].k, by_id["severe-unanswered"].k) == (1, 1)
    assert by_id["systolic-high"].max_age == timedelta(hours=24)


def lived(*begun, person="ann", days=10, measured=None):
    return Lived(
        person=person,
        readings=days,
        begun=tuple(begun),
        measured=tuple(range(days)) if measured is None else tuple(measured),
    )


def test_what_begins_within_an_hour_is_one_alert_of_its_family():
    alerts = alerts_of(
        lived(
            Begun("systolic", "pressure", 3, 0),
            Begun("diastolic", "pressure", 3, HOUR),
            Begun("diastolic", "pressure", 4, HOUR + 1),
            Begun("pulse", "pulse", 3, 0),
            Begun("prompt", "pressure", 1, 9 * HOUR),
        )
    )
    assert alerts == {"pressure": [0, HOUR + 1], "pulse": [0]}


@pytest.mark.parametrize(
    ("alerts", "events", "found", "explained", "leads_h"),
    [
        pytest.param([0], [14 * DAY], 1, 1, (336.0,), id="exactly fourteen days before"),
        pytest.param([0], [14 * DAY + 1], 0, 0, (), id="a moment longer before"),
        pytest.param([5], [5], 1, 1, (0.0,), id="at the same moment"),
        pytest.param([6], [5], 0, 0, (), id="after the event"),
        pytest.param([0, DAY], [2 * DAY], 1, 2, (48.0,), id="the lead is the first alert's"),
        pytest.param([0], [DAY, 2 * DAY], 2, 1, (24.0, 48.0), id="one alert before two events"),
        pytest.param([], [DAY], 0, 0, (), id="no alert"),
        pytest.param([DAY], [], 0, 0, (), id="no event"),
    ],
)
def test_events_and_alerts_meet_in_the_look_back(alerts, events, found, explained, leads_h):
    assert match(alerts, events, Matching()) == Tally(
        events=len(events),
        found=found,
        alerts=len(alerts),
        explained=explained,
        leads_h=leads_h,
    )


def test_by_day_several_of_one_local_day_are_one():
    summer = micros(datetime(2025, 7, 1, 23, 30, tzinfo=UTC))
    alerts = [summer, summer + HOUR // 2, summer + 2 * DAY]
    events = [summer + 8 * HOUR, summer + 9 * HOUR, summer - HOUR]
    by_day = Matching(lookback=None, timezone="Europe/London")
    assert match(alerts, events, by_day) == Tally(events=2, found=1, alerts=2, explained=1)


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        pytest.param({"pulse", "agitation"}, {"pulse": ("pulse",)}, id="a family's own kind"),
        pytest.param({"admission"}, {"admission": ("pressure", "pulse")}, id="of all families"),
        pytest.param(set(), {}, id="no events"),
    ],
)
def test_a_kind_of_event_is_held_against_its_family(kinds, expected):
    assert groups(kinds, {"pulse", "pressure"}) == expected


def counted(alerts, days, tally=None, person="ann"):
    return Counted(lived(person=person, days=days), tally or Tally(), alerts)


def test_alerts_a_day_are_those_of_all_over_the_days_of_all():
    people = [counted(3, 10), counted(0, 40)]
    figure = ratio(BURDEN["alerts_a_day_per_100"], people, np.zeros((0, 2)))
    assert (figure.value, figure.low, figure.high) == (6.0, None, None)


def test_time_not_monitored_is_the_days_without_a_reading():
    half = Counted(lived(measured=(0, 2, 3, 9)), Tally(), 0)
    assert ratio(BURDEN["not_monitored"], [half], np.zeros((0, 1))).value == 60.0


def test_where_there_is_nothing_to_count_there_is_no_figure():
    assert ratio(WORTH["sensitivity"], [counted(0, 10)], np.zeros((0, 1))).value is None
    assert median_lead_days([counted(0, 10)], np.zeros((0, 1))).value is None


def test_the_interval_is_that_of_scipy_s_percentile_bootstrap():
    generator = np.random.default_rng(5)
    events = generator.integers(1, 9, 40)
    found = generator.binomial(events, 0.7)
    people = [
        counted(0, 10, Tally(events=int(n), found=int(k)))
        for n, k in zip(events, found, strict=True)
    ]
    drawn = draws(40, 20_000, np.random.default_rng(1))
    ours = ratio(WORTH["sensitivity"], people, drawn)
    theirs = stats.bootstrap(
        (found, events),
        lambda k, n, axis=-1: 100 * k.sum(axis=axis) / n.sum(axis=axis),
        paired=True,
        vectorized=True,
        n_resamples=20_000,
        method="percentile",
        rng=np.random.default_rng(2),
    ).confidence_interval
    assert ours.value == pytest.approx(100 * found.sum() / events.sum())
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.25)


def test_the_median_lead_of_a_draw_is_that_of_its_people_as_often_as_they_were_drawn():
    leads = [(24.0, 72.0), (), (12.0, 48.0, 240.0)]
    people = [counted(0, 9, Tally(leads_h=hours)) for hours in leads]
    weights = np.array([[2.0, 1.0, 0.0], [1.0, 0.0, 2.0], [0.0, 3.0, 0.0]])
    figure = median_lead_days(people, weights)
    medians = [
        np.median(
            np.concatenate([list(hours) * int(n) for hours, n in zip(leads, row, strict=True)])
        )
        for row in weights[:2]
    ]
    assert figure.value == 2.0
    assert (figure.low, figure.high) == pytest.approx(
        tuple(np.percentile(medians, [2.5, 97.5]) / 24)
    )


def test_the_same_seed_gives_the_same_report(many, trial_plan):
    lives = [
        live(trial_plan, course(*many[3 * n :], person=f"p{n}").only(heard(trial_plan)))
        for n in range(6)
    ]
    events = [Event("p1", "pulse", START_US + 3 * DAY), Event("p9", "pulse", START_US)]

    def made(seed):
        generator = np.random.default_rng(seed)
        return report(trial_plan, lives, events, Matching(), resamples=200, generator=generator)

    assert made(1) == made(1)
    assert made(1).whole.burden != made(2).whole.burden
    assert made(1).not_judged == {"pulse: no readings of this person": 1}
    assert made(1).whole.alerts == sum(made(1).alerts_by_day.values())


def test_bands_hold_everyone_once(trial_plan):
    lives = [
        lived(person="few", measured=(0, 9)),
        lived(person="half", measured=(0, 1, 2, 3, 9)),
        lived(person="most", measured=(*range(7), 9)),
        lived(person="none", measured=()),
    ]
    made = report(
        trial_plan, lives, [], Matching(), resamples=0, generator=np.random.default_rng(1)
    )
    assert [part.people for part in made.bands.values()] == [2, 1, 1]
    assert made.whole.people == 4
