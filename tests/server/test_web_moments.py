"""Moments in the person's own time, and numbers in plain words."""

from datetime import UTC, datetime, timedelta

import pytest

from devices.metrics import METRICS, Kind
from server.web import quantities
from server.web.moments import moment

NOW = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("passed", "age"),
    [
        pytest.param(timedelta(seconds=59), "just now", id="under-a-minute"),
        pytest.param(timedelta(seconds=-59), "just now", id="a-clock-a-little-ahead"),
        pytest.param(timedelta(seconds=-61), "", id="still-to-come"),
        pytest.param(timedelta(minutes=1), "1 minute ago", id="one"),
        pytest.param(timedelta(minutes=59, seconds=59), "59 minutes ago", id="minutes"),
        pytest.param(timedelta(hours=1), "1 hour ago", id="one-hour"),
        pytest.param(timedelta(hours=47, minutes=59), "47 hours ago", id="hours-for-two-days"),
        pytest.param(timedelta(days=2), "2 days ago", id="days"),
        pytest.param(timedelta(days=400), "400 days ago", id="more-than-a-year"),
    ],
)
def test_an_age_is_told_in_its_largest_whole_unit(passed: timedelta, age: str) -> None:
    assert moment(NOW - passed, NOW, "UTC").age == age


@pytest.mark.parametrize(
    ("at", "now", "zone", "short"),
    [
        pytest.param(
            datetime(2026, 3, 3, 7, 42, tzinfo=UTC), NOW, "Europe/London", "today 07:42", id="today"
        ),
        pytest.param(
            datetime(2026, 3, 2, 23, 59, tzinfo=UTC),
            NOW,
            "Europe/London",
            "yesterday 23:59",
            id="yesterday",
        ),
        pytest.param(
            datetime(2026, 3, 1, 7, 0, tzinfo=UTC),
            NOW,
            "Europe/London",
            "1 March 07:00",
            id="this-year",
        ),
        pytest.param(
            datetime(2025, 12, 31, 7, 0, tzinfo=UTC),
            NOW,
            "Europe/London",
            "31 December 2025 07:00",
            id="another-year",
        ),
        pytest.param(
            datetime(2026, 3, 3, 2, 0, tzinfo=UTC),
            NOW,
            "America/New_York",
            "yesterday 21:00",
            id="the-person's-day-not-ours",
        ),
        pytest.param(
            datetime(2026, 3, 29, 0, 30, tzinfo=UTC),
            datetime(2026, 3, 29, 1, 30, tzinfo=UTC),
            "Europe/London",
            "today 00:30",
            id="before-the-clock-goes-forward",
        ),
        pytest.param(
            datetime(2026, 3, 29, 1, 0, tzinfo=UTC),
            datetime(2026, 3, 29, 1, 30, tzinfo=UTC),
            "Europe/London",
            "today 02:00",
            id="after-the-clock-went-forward",
        ),
    ],
)
def test_a_day_is_the_day_where_the_person_lives(
    at: datetime, now: datetime, zone: str, short: str
) -> None:
    assert moment(at, now, zone).short == short


def test_the_exact_time_is_there_for_people_and_with_its_offset_for_programs() -> None:
    told = moment(datetime(2026, 7, 4, 6, 5, tzinfo=UTC), NOW, "Europe/London")
    assert told.exact == "Saturday 4 July 2026, 07:05"
    assert told.iso == "2026-07-04T07:05:00+01:00"


@pytest.mark.parametrize("name", METRICS)
@pytest.mark.parametrize("end", ["low", "high"])
def test_every_metric_is_said_in_words(name: str, end: str) -> None:
    metric = METRICS[name]
    said = quantities.said(name, getattr(metric, end), metric.unit)
    assert said.strip() == said != ""
    if metric.kind is not Kind.QUANTITY:
        assert said.isascii()
        assert not any(letter.isdigit() for letter in said)


@pytest.mark.parametrize(
    ("metric", "value", "said"),
    [
        pytest.param("body_weight", 72.449999, "72.4 kg", id="rounded-as-its-metric-says"),
        pytest.param("systolic_pressure", 121.6, "122 mmHg", id="no-decimals"),
        pytest.param("symptom.ankles_swollen", 1.0, "yes", id="an-answer"),
        pytest.param("door_open", 0.0, "closed", id="a-state"),
        pytest.param("sos_pressed", 1.0, "happened", id="an-event"),
        pytest.param("metric.of-tomorrow", 1.25, "1.2 kg", id="unknown-as-it-came"),
    ],
)
def test_a_value_is_said_as_its_metric_says(metric: str, value: float, said: str) -> None:
    assert quantities.said(metric, value, "kg") == said
