from typing import Any

import pytest

from gateway.ble.adverts import MOST_DEVICES, Fresh, Packet, Repeats

PATH = "/org/bluez/hci0/dev_A4_C1_38_00_00_02"
BTHOME = "0000fcd2-0000-1000-8000-00805f9b34fb"


def button(**changed: Any) -> dict[str, Any]:
    """BlueZ's object of a button, as bleak hands it over: a new dict around the held values."""
    held: dict[str, Any] = {"Address": "A4:C1:38:00:00:02", "RSSI": -60, "Connected": False}
    return held | changed


def test_data_that_bluez_only_remembers_is_not_a_new_press() -> None:
    fresh = Fresh()
    pressed = {BTHOME: b"\x40\x3a\x01"}
    assert fresh.packet(PATH, button(ServiceData=pressed)).service_data == pressed
    later = fresh.packet(PATH, button(ServiceData=pressed, Alias="renamed"))
    assert later == Packet(advertised=False, service_data={}, manufacturer_data={})


def test_the_same_press_sent_again_is_heard_again() -> None:
    fresh = Fresh()
    fresh.packet(PATH, button(ServiceData={BTHOME: b"\x40\x3a\x01"}))
    again = fresh.packet(PATH, button(ServiceData={BTHOME: b"\x40\x3a\x01"}))
    assert again.service_data == {BTHOME: b"\x40\x3a\x01"}
    assert again.advertised


def test_only_the_half_that_came_is_passed_on() -> None:
    fresh = Fresh()
    makers = {0x0499: b"\x05"}
    fresh.packet(PATH, button(ServiceData={BTHOME: b"\x40"}, ManufacturerData=makers))
    packet = fresh.packet(PATH, button(ServiceData={BTHOME: b"\x41"}, ManufacturerData=makers))
    assert (packet.service_data, packet.manufacturer_data) == ({BTHOME: b"\x41"}, {})


@pytest.mark.parametrize(
    "second",
    [
        pytest.param(button(Connected=True), id="it was connected"),
        pytest.param(button(Paired=True), id="it was paired"),
        pytest.param(button(ServicesResolved=True), id="its services were found"),
    ],
)
def test_a_change_of_the_link_does_not_mean_that_it_advertises(second: dict[str, Any]) -> None:
    fresh = Fresh()
    assert fresh.packet(PATH, button()).advertised
    assert not fresh.packet(PATH, second).advertised


def test_a_link_that_ends_does_not_mean_that_it_advertises() -> None:
    fresh = Fresh()
    fresh.packet(PATH, button(Connected=True))
    assert not fresh.packet(PATH, button()).advertised
    assert fresh.packet(PATH, button()).advertised


def test_without_signal_strength_nothing_was_heard() -> None:
    silent = button()
    del silent["RSSI"]
    assert not Fresh().packet(PATH, silent).advertised


@pytest.mark.parametrize(
    ("heard_s", "passed"),
    [
        pytest.param([0.0, 0.3, 0.6, 0.9], [True, False, False, False], id="one burst is once"),
        pytest.param([0.0, 0.9, 1.8, 2.7], [True, False, False, False], id="a slow burst is once"),
        pytest.param([0.0, 1.1], [True, True], id="after a pause it is news"),
        pytest.param(
            [0.0, 0.9, 1.8, 2.7, 3.6, 4.5, 5.4],
            [True] + 5 * [False] + [True],
            id="what never stops is news again after the refresh",
        ),
    ],
)
def test_a_repeated_packet_is_passed_once(heard_s: list[float], passed: list[bool]) -> None:
    repeats = Repeats(gap_s=1.0, refresh_s=5.0)
    assert [repeats.is_news("packet 7", at_s) for at_s in heard_s] == passed


def test_a_new_packet_id_is_never_a_repeat() -> None:
    repeats = Repeats(gap_s=1.0, refresh_s=5.0)
    assert all(repeats.is_news(("button", count), 0.001 * count) for count in range(100))


def test_an_old_packet_between_two_new_ones_stays_a_repeat() -> None:
    repeats = Repeats(gap_s=1.0, refresh_s=5.0)
    said = [
        repeats.is_news(thing, at_s) for thing, at_s in zip("ABAB", (0, 0.2, 0.4, 0.6), strict=True)
    ]
    assert said == [True, True, False, False]


def test_memory_is_bounded_and_keeps_the_newest() -> None:
    repeats = Repeats(gap_s=1e9, refresh_s=1e9)
    for count in range(MOST_DEVICES + 10):
        repeats.is_news(count, 0.0)
    assert repeats.is_news(0, 1.0)
    assert not repeats.is_news(MOST_DEVICES + 9, 1.0)
    assert len(repeats._last) == MOST_DEVICES
