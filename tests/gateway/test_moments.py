"""A device's clock is put right where it is known to be wrong, and never trusted where it can't."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from devices.model import CharacteristicValue, Clock, Measurement, Quality
from devices.registry import by_key
from gateway.config import HomeDevice
from gateway.intake import Heard, Intake
from gateway.moments import When, when_taken
from rules.model import Person

LONDON = ZoneInfo("Europe/London")
AT = datetime(2026, 7, 1, 7, 0, tzinfo=UTC)
LOCAL = datetime(2026, 7, 1, 8, 0)
HOUR_S, DAY = 3600.0, timedelta(days=1)
FUTURE = timedelta(minutes=5)
YESTERDAY, LAST_WINTER = AT - DAY, datetime(2026, 1, 10, 8, 0, tzinfo=UTC)
METER = "A4:C1:38:00:00:04"


@pytest.mark.parametrize(
    ("said", "ahead_s", "taken_at", "clock", "uncertain"),
    [
        pytest.param(None, 0.0, AT, Clock.RECEIVED, False, id="no time at all"),
        pytest.param(LOCAL - DAY, 0.0, YESTERDAY, Clock.DEVICE, False, id="a right clock"),
        pytest.param(LOCAL - DAY, None, YESTERDAY, Clock.DEVICE, False, id="never compared"),
        pytest.param(LOCAL - DAY, 110.0, YESTERDAY, Clock.DEVICE, False, id="two minutes off"),
        pytest.param(LOCAL - DAY, 900.0, YESTERDAY, Clock.DEVICE, True, id="a quarter of an hour"),
        pytest.param(
            LOCAL - DAY, HOUR_S, YESTERDAY - timedelta(hours=1), Clock.CORRECTED, False,
            id="an hour",
        ),
        pytest.param(
            LOCAL + timedelta(seconds=900), 900.0, AT, Clock.CORRECTED, False,
            id="a quarter of an hour ahead, just measured",
        ),
        pytest.param(
            datetime(2026, 1, 10, 8, 0), -HOUR_S, LAST_WINTER, Clock.CORRECTED, False,
            id="stored in winter by a clock that was left there",
        ),
        pytest.param(
            datetime(2026, 1, 10, 8, 0), 0.0, LAST_WINTER, Clock.DEVICE, False,
            id="stored in winter by a clock that was moved since",
        ),
        pytest.param(
            datetime(1970, 1, 1, 0, 5), (datetime(1970, 1, 1, 0, 10) - LOCAL).total_seconds(),
            AT - timedelta(minutes=5), Clock.CORRECTED, False, id="1970, five minutes ago",
        ),
        pytest.param(
            datetime(2094, 6, 1) - DAY, (datetime(2094, 6, 1) - LOCAL).total_seconds(),
            YESTERDAY, Clock.CORRECTED, False, id="2094, a day ago",
        ),
        pytest.param(datetime(1970, 1, 1, 0, 5), None, AT, Clock.UNKNOWN, False, id="1970"),
        pytest.param(datetime(2094, 6, 1), None, AT, Clock.UNKNOWN, False, id="2094"),
        pytest.param(
            datetime(1970, 1, 1, 0, 5), 0.0, AT, Clock.UNKNOWN, False, id="1970, and set since"
        ),
        pytest.param(
            LOCAL + timedelta(seconds=20), -HOUR_S, AT + timedelta(seconds=20), Clock.DEVICE, False,
            id="measured after it was set, in the same visit",
        ),
        pytest.param(datetime.max, 1e11, AT, Clock.UNKNOWN, False, id="the end of the calendar"),
        pytest.param(datetime.min, -1e11, AT, Clock.UNKNOWN, False, id="its beginning"),
    ],
)  # fmt: skip
def test_a_reading_is_dated_by_how_far_its_device_s_clock_was_off(
    said: datetime | None, ahead_s: float | None, taken_at: datetime, clock: Clock, uncertain: bool
) -> None:
    found = when_taken(said, AT, LONDON, ahead_s, FUTURE)
    assert (found.taken_at, found.clock, found.uncertain) == (taken_at, clock, uncertain)


def test_a_time_with_a_zone_needs_no_correction() -> None:
    assert when_taken(YESTERDAY, AT, LONDON, HOUR_S, FUTURE) == When(
        YESTERDAY, Clock.DEVICE, YESTERDAY
    )


def read(intake: Intake, taken_at: datetime, ahead_s: float | None) -> Heard:
    kind = by_key("gatt.glucose")
    assert kind is not None
    said = Measurement(
        device=METER, metric="blood_glucose", value=112.0, unit="mg/dL", taken_at=taken_at
    )
    return intake.read(
        CharacteristicValue(
            address=METER,
            characteristic="2A18",
            value=kind.encode(measurements=[said]),
            received_at=AT,
            clock_ahead_s=ahead_s,
        )
    )


def intake() -> Intake:
    return Intake(
        [HomeDevice(device=METER, patient="margaret", kind="gatt.glucose")],
        [],
        {"margaret": Person(id="margaret", name="Margaret", timezone="Europe/London")},
        {},
    )


def test_a_stored_reading_keeps_its_true_time_and_says_that_it_was_corrected() -> None:
    (reading,) = read(intake(), LOCAL - DAY, HOUR_S).readings
    assert (reading.taken_at, reading.clock) == (YESTERDAY - timedelta(hours=1), Clock.CORRECTED)
    assert reading.received_at == AT


def test_a_clock_that_is_a_little_off_is_flagged() -> None:
    (reading,) = read(intake(), LOCAL - DAY, 600.0).readings
    assert (reading.clock, reading.quality) == (Clock.DEVICE, (Quality.TIME_UNCERTAIN,))


def test_a_record_played_back_after_its_clock_was_set_is_the_same_reading() -> None:
    home = intake()
    (first,) = read(home, LOCAL - DAY, HOUR_S).readings
    (again,) = read(home, LOCAL - DAY, 0.0).readings
    assert first.id == again.id
