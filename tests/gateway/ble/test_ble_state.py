from datetime import UTC, datetime, timedelta

import pytest

from gateway.ble.state import DeviceState, RadioState, Stranger, report

AT = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)


def cuff(**facts: object) -> RadioState:
    state = DeviceState("A4:C1:38:00:00:01", "gatt.blood_pressure", "Cuff", **facts)
    return RadioState(adapter="hci0", scanning=True, error="", devices={state.address: state})


@pytest.mark.parametrize(
    ("facts", "how"),
    [
        pytest.param({}, "not heard yet: switch it on, or take a reading with it", id="never"),
        pytest.param({"connected": True}, "connected", id="now"),
        pytest.param({"last_seen": AT - timedelta(seconds=9)}, "heard 9 seconds ago", id="seconds"),
        pytest.param({"last_seen": AT - timedelta(minutes=5)}, "heard 5 minutes ago", id="minutes"),
        pytest.param(
            {"last_seen": AT - timedelta(hours=3), "last_value": AT - timedelta(days=2)},
            "heard 3 hours ago, gave a value 2 days ago",
            id="hours and days",
        ),
        pytest.param(
            {"last_seen": AT + timedelta(seconds=5)}, "heard 0 seconds ago", id="a clock set back"
        ),
    ],
)
def test_a_device_says_when_it_was_heard(facts: dict[str, object], how: str) -> None:
    assert ("Cuff", how, "") in report(cuff(**facts), AT)


def test_what_is_wrong_is_on_the_row_of_its_part() -> None:
    state = cuff(error="Put it in pairing mode.")
    state.scanning, state.error = False, "Switch it on."
    assert report(state, AT) == [
        ("Bluetooth", "does not listen", "Switch it on."),
        ("Cuff", "not heard yet", "Put it in pairing mode."),
    ]


def test_a_journal_that_can_not_be_written_and_lost_frames_are_told() -> None:
    state = RadioState(adapter="hci0", scanning=True, error="", keeping=False, refused=3)
    assert [row[1] for row in report(state, AT)] == [
        "listens on hci0",
        "waits for the journal",
        "3 frames lost",
    ]


def test_a_stranger_is_no_part_of_the_home() -> None:
    state = RadioState()
    state.strangers["A4:C1:38:00:00:09"] = Stranger(
        "A4:C1:38:00:00:09", "gatt.weight_scale", "BF720", AT
    )
    assert [part for part, _, _ in report(state, AT)] == ["Bluetooth"]


@pytest.mark.parametrize(
    ("ahead_s", "told"),
    [
        pytest.param(None, "", id="not known"),
        pytest.param(-119.0, "", id="good enough"),
        pytest.param(-3600.0, "60 minutes slow", id="left in winter time"),
        pytest.param(2.0e9, "23148 days fast", id="far in the future"),
    ],
)
def test_a_clock_that_is_off_is_told_with_the_device(ahead_s: float | None, told: str) -> None:
    trouble = report(cuff(clock_ahead_s=ahead_s), AT)[-1][2]
    assert told in trouble
    assert bool(told) is bool(trouble)
