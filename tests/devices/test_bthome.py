"""BTHome says what the bthome-ble library says of the same frame, object by object."""

import logging
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from bthome_ble import BTHomeBluetoothDeviceData
from bthome_ble.const import MEAS_TYPES
from habluetooth import BluetoothServiceInfoBleak
from hypothesis import given
from hypothesis import strategies as st

from devices.catalog.bthome import COMMAND, EVENTS, OBJECTS, SERVICE, Object, Says
from devices.codec import DecodeError
from devices.model import Advertisement, Decoded, Event, Fact, Measurement
from devices.registry import by_key
from devices.units import unit_of

logging.getLogger("bthome_ble").setLevel(logging.CRITICAL)

ADDRESS = "A4:C1:38:8D:18:B2"
KEY = "231d39c1d7cc1ab1aee224cd096db932"
SEALED = {
    "bthome": SERVICE,
    "bthome_v1": "0000181e-0000-1000-8000-00805f9b34fb",
}
PLAIN = {
    "bthome": SERVICE,
    "bthome_v1": "0000181c-0000-1000-8000-00805f9b34fb",
}

# Their device class: our metric, where the words differ.
NAMES = {
    "temperature": "room_temperature", "humidity": "room_humidity", "pressure": "air_pressure",
    "moisture": "soil_moisture", "pm25": "pm2_5", "gas": "gas_used", "water": "water_used",
    "gyroscope": "angular_velocity", "volume_storage": "stored_volume", "generic": "on",
    "opening": "opening_open", "door": "door_open", "garage_door": "garage_door_open",
    "window": "window_open", "lock": "unlocked", "light": "light_detected", "motion": "movement",
    "plug": "plugged_in", "safety": "safe", "connectivity": "connected",
}  # fmt: skip
BINARY_NAMES = {
    "power": "power_on", "moisture": "water_leak", "battery": "battery_low", "gas": "gas",
}  # fmt: skip
FACT_NAMES = {"packet_id", "timestamp", "text", "raw", "channel", "settings_revision"}
SILENT = {"signal_strength"}
TWO_UNITS = {0x07, 0x40, 0x48}
"""In one frame the library keeps only one of two units of one quantity."""
ROUNDED = 0x58
"""The library rounds this one, whose factor is 0.35, to one decimal; the format does not."""


def frame(data: bytes, uuid: str = SERVICE) -> Advertisement:
    return Advertisement(
        address=ADDRESS,
        received_at=datetime(2026, 3, 2, tzinfo=UTC),
        service_data={uuid: data},
    )


def ours(data: bytes, known: dict[str, object] | None = None, key: str = "bthome") -> Decoded:
    device = by_key(key)
    assert device is not None
    uuid = (SEALED if known and "bindkey" in known else PLAIN)[key]
    return device.decode(frame(data, uuid), known or {})


def theirs(data: bytes, key: str = "", uuid: str = SERVICE) -> Any:
    library = BTHomeBluetoothDeviceData(bindkey=bytes.fromhex(key) if key else None)
    return library.update(
        BluetoothServiceInfoBleak(
            name="sensor",
            address=ADDRESS,
            rssi=-60,
            manufacturer_data={},
            service_data={uuid: data},
            service_uuids=[uuid],
            source="",
            device=BLEDevice(address=ADDRESS, name=None, details={}),
            advertisement=AdvertisementData(None, {}, {uuid: data}, [uuid], None, -60, ()),
            time=0.0,
            connectable=False,
            tx_power=0,
        )
    )


def name_and_part(their_key: str, names: dict[str, str]) -> tuple[str, int | None]:
    name, _, number = their_key.rpartition("_")
    if name and number.isdecimal() and their_key not in names:
        return names.get(name, name), int(number)
    return names.get(their_key, their_key), None


def their_values(update: Any) -> Counter[tuple[str, int | None, float]]:
    found: Counter[tuple[str, int | None, float]] = Counter()
    for entry in update.entity_values.values():
        name, part = name_and_part(entry.device_key.key, NAMES)
        if name not in SILENT | FACT_NAMES:
            found[name, part, float(entry.native_value)] += 1
    for entry in update.binary_entity_values.values():
        name, part = name_and_part(entry.device_key.key, NAMES | BINARY_NAMES)
        found[name, part, float(entry.native_value)] += 1
    return found


def their_events(update: Any) -> Counter[tuple[str, int | None, int | None]]:
    found: Counter[tuple[str, int | None, int | None]] = Counter()
    for entry in update.events.values():
        _, part = name_and_part(entry.device_key.key, {})
        found[entry.event_type, part, (entry.event_properties or {}).get("steps")] += 1
    return found


def our_values(decoded: Decoded) -> Counter[tuple[str, int | None, float]]:
    return Counter((item.metric, item.part, item.value) for item in decoded.measurements)


def our_events(decoded: Decoded) -> Counter[tuple[str | None, int | None, int | None]]:
    return Counter((item.detail, item.part, item.amount) for item in decoded.events)


def content_of(row: Object) -> st.SearchStrategy[bytes]:
    """An object with its id, whole."""
    if row.id == COMMAND:
        return st.sampled_from(list(EVENTS[COMMAND])).map(lambda code: bytes((row.id, 0, code)))
    if row.size is None:
        return st.binary(min_size=1, max_size=6).map(
            lambda content: bytes((row.id, len(content))) + content
        )
    return st.binary(min_size=row.size, max_size=row.size).map(
        lambda content: bytes((row.id,)) + content
    )


def test_the_table_knows_every_object_that_the_library_knows() -> None:
    assert set(OBJECTS) == set(MEAS_TYPES)


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(row, id=f"{row.id:02x}-{row.name}")
        for row in OBJECTS.values()
        if row.id != ROUNDED
    ],
)
@given(data=st.data())
def test_an_object_says_what_the_library_says(row: Object, data: st.DataObject) -> None:
    content = b"\x40" + data.draw(content_of(row))
    decoded, update = ours(content), theirs(content)
    assert our_values(decoded) == their_values(update)
    assert our_events(decoded) == their_events(update)


@given(st.integers(0, 255))
def test_a_temperature_in_steps_of_0_35_is_what_the_library_rounds(steps: int) -> None:
    content = bytes((0x40, ROUNDED, steps))
    (said,) = ours(content).measurements
    ((_, _, rounded),) = their_values(theirs(content))
    assert said.value == pytest.approx(rounded, abs=0.051)


@pytest.mark.parametrize(
    "row",
    [row for row in OBJECTS.values() if row.says is Says.QUANTITY],
    ids=lambda row: f"{row.id:02x}",
)
def test_a_quantity_is_in_the_unit_of_its_metric_or_one_that_converts(row: Object) -> None:
    assert unit_of(row.name, row.unit) == row.unit


PLAIN_OBJECTS = [
    row
    for row in OBJECTS.values()
    if row.says is not Says.FACT and row.id not in TWO_UNITS | {ROUNDED} and row.id != COMMAND
]


@given(st.lists(st.sampled_from(PLAIN_OBJECTS).flatmap(content_of), min_size=1, max_size=6))
def test_several_objects_are_numbered_as_the_library_numbers_them(objects: list[bytes]) -> None:
    content = b"\x40" + b"".join(objects)
    decoded, update = ours(content), theirs(content)
    assert our_values(decoded) == their_values(update)
    assert our_events(decoded) == their_events(update)


@given(st.binary(max_size=24))
def test_any_objects_say_what_the_library_says(junk: bytes) -> None:
    content = b"\x40" + bytes(byte for byte in junk if byte not in TWO_UNITS | {ROUNDED, 0x00})
    try:
        decoded = ours(content)
    except DecodeError:
        decoded = Decoded()
    update = theirs(content)
    assert our_values(decoded) == their_values(update)
    assert our_events(decoded) == their_events(update)


@pytest.mark.parametrize("key", ["bthome", "bthome_v1"])
@given(centi=st.integers(-32768, 32767), counter=st.integers(0, 2**32 - 1), is_open=st.booleans())
def test_the_library_opens_what_we_seal(key: str, centi: int, counter: int, is_open: bool) -> None:
    device = by_key(key)
    assert device is not None
    said = (
        Measurement(device=ADDRESS, metric="room_temperature", value=centi / 100, unit="Cel"),
        Measurement(device=ADDRESS, metric="door_open", value=float(is_open), unit="1"),
    )
    facts = (Fact(device=ADDRESS, name="counter", value=counter),)
    known: dict[str, object] = {"bindkey": KEY}
    data = device.encode(measurements=said, facts=facts, known=known)
    assert their_values(theirs(data, KEY, SEALED[key])) == our_values(Decoded(said))
    assert ours(data, known, key) == Decoded(said, facts=facts)


@pytest.mark.parametrize("key", ["bthome", "bthome_v1"])
@given(st.data())
def test_one_changed_bit_of_a_sealed_frame_is_refused(key: str, data: st.DataObject) -> None:
    device = by_key(key)
    assert device is not None
    said = (Measurement(device=ADDRESS, metric="battery", value=93.0, unit="%"),)
    known: dict[str, object] = {"bindkey": KEY}
    sealed = device.encode(measurements=said, known=known)
    # The first byte of version 2 says that the frame is encrypted at all.
    bit = data.draw(st.integers(8 if key == "bthome" else 0, 8 * len(sealed) - 1))
    changed = (int.from_bytes(sealed, "little") ^ 1 << bit).to_bytes(len(sealed), "little")
    with pytest.raises(DecodeError):
        ours(changed, known, key)


SEALED_MOVEMENT = bytes.fromhex("4187b90011223372b0231f")
SEALED_COUNTER = 0x33221100


def refusal(data: bytes, **known: object) -> str:
    raw = Advertisement(
        address="54:48:E6:8F:80:A5",
        received_at=datetime(2026, 3, 2, tzinfo=UTC),
        service_data={SERVICE: data},
    )
    device = by_key("bthome")
    assert device is not None
    with pytest.raises(DecodeError) as refused:
        device.decode(raw, known)
    return refused.value.reason


@pytest.mark.parametrize(
    ("data", "known", "words"),
    [
        pytest.param(SEALED_MOVEMENT, {}, "no bindkey", id="no-key"),
        pytest.param(SEALED_MOVEMENT, {"bindkey": "abc"}, "32 hex digits", id="half-a-key"),
        pytest.param(SEALED_MOVEMENT, {"bindkey": "00" * 16}, "does not open", id="another-key"),
        pytest.param(SEALED_MOVEMENT[:8], {"bindkey": KEY}, "too short", id="cut-off"),
        pytest.param(
            SEALED_MOVEMENT,
            {"bindkey": KEY, "counter": SEALED_COUNTER + 1},
            "played again",
            id="an-older-counter",
        ),
        pytest.param(b"\x40\x21\x01", {"bindkey": KEY}, "not encrypted", id="a-downgrade"),
        pytest.param(b"\x60\x21\x01", {}, "version 3", id="another-version"),
        pytest.param(b"", {}, "no BTHome", id="empty"),
    ],
)
def test_a_frame_that_is_not_to_be_trusted_is_refused_with_the_reason(
    data: bytes, known: dict[str, object], words: str
) -> None:
    assert words in refusal(data, **known)


def test_a_repeat_of_the_last_counter_is_the_same_packet_and_is_decoded() -> None:
    raw = Advertisement(
        address="54:48:E6:8F:80:A5",
        received_at=datetime(2026, 3, 2, tzinfo=UTC),
        service_data={SERVICE: SEALED_MOVEMENT},
    )
    device = by_key("bthome")
    assert device is not None
    decoded = device.decode(raw, {"bindkey": KEY, "counter": SEALED_COUNTER})
    assert [item.metric for item in decoded.measurements] == ["movement"]


def test_an_encrypted_frame_without_a_usable_address_is_refused() -> None:
    device = by_key("bthome")
    assert device is not None
    raw = Advertisement(
        address="6F1D2C3B-1111-2222-3333-444455556666",
        received_at=datetime(2026, 3, 2, tzinfo=UTC),
        service_data={SERVICE: SEALED_MOVEMENT},
    )
    with pytest.raises(DecodeError, match="no address"):
        device.decode(raw, {"bindkey": KEY})


def test_a_press_carries_its_packet_id_so_that_a_repeat_is_the_same_press() -> None:
    decoded = ours(bytes.fromhex("44002e3a01"))
    assert decoded.events == (
        Event(device=ADDRESS, event="button_pressed", key="46", detail="press"),
    )
    assert decoded.facts == (Fact(device=ADDRESS, name="packet_id", value=46),)


def test_the_second_of_three_buttons_is_told_from_the_others() -> None:
    decoded = ours(bytes.fromhex("443a003a023a00"))
    assert [(item.part, item.detail) for item in decoded.events] == [(2, "double_press")]


def test_a_press_of_a_button_that_an_encoder_wrote_is_read_by_the_library() -> None:
    device = by_key("bthome")
    assert device is not None
    press = Event(device=ADDRESS, event="button_pressed", key="7", detail="long_press", part=2)
    data = device.encode(events=(press,))
    assert data.hex() == "4400073a003a04"
    assert their_events(theirs(data)) == Counter({("long_press", 2, None): 1})


def test_what_follows_an_unknown_object_is_kept_as_a_fact_for_the_integrator() -> None:
    decoded = ours(bytes.fromhex("40015dfe5d0903b718"))
    assert decoded.facts == (Fact(device=ADDRESS, name="not_understood", value="fe5d0903b718"),)


def test_version_1_passes_over_an_object_it_does_not_know_since_its_length_is_known() -> None:
    decoded = ours(bytes.fromhex("03fe010202015d"), key="bthome_v1")
    assert our_values(decoded) == Counter({("battery", None, 93.0): 1})
