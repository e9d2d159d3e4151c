"""Xiaomi through its package: what its own tests expect of a frame, in our words."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.codec import DecodeError, summary
from devices.metrics import METRICS
from devices.model import Advertisement, Decoded, Quality
from devices.registry import devices, index
from gateway.adapters import adapters
from gateway.decode import decode_lines
from gateway.xiaomi import CLAIMED, DEVICE, MIBEACON, QUANTITIES, SCALE, STATES

AT = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)
SHARED = Path(os.environ.get("HOMEBEAT_SHARED", Path(__file__).parents[3] / "shared"))
FILE = SHARED / "vectors" / "adverts.jsonl"
LINES = (
    [line for line in map(json.loads, FILE.read_text().splitlines()) if line["kind"] == "xiaomi"]
    if FILE.is_file()
    else []
)
# Its tests feed a parser frame after frame; each of these says one value of the four.
SUMMED_UP = {"test_Xiaomi_HHCCJCY01", "test_Xiaomi_HHCCJCY01_all_values"}
KEY = "814aac74c4f17b6c1581e1ab87816b99"


def heard(service_data: dict[str, str], address: str = "A4:C1:38:00:00:01") -> Advertisement:
    return Advertisement(
        address=address,
        received_at=AT,
        name="Test",
        service_data={uuid: bytes.fromhex(data) for uuid, data in service_data.items()},
    )


@pytest.mark.parametrize(
    "line",
    [pytest.param(line, id=f"{n}-{line['source'][-40:]}") for n, line in enumerate(LINES)]
    or [pytest.param(None, marks=pytest.mark.skip(reason=f"no vectors at {FILE}"))],
)
def test_a_frame_says_what_the_packages_own_test_says(line: dict[str, Any]) -> None:
    raw = heard(line["service_data_by_uuid"], line["address"])
    known = {"bindkey": line["bindkey"]} if "bindkey" in line else {}
    said = line["expected"]
    if not (said["values"] or said["binary"] or said["events"]):
        with pytest.raises(DecodeError):
            DEVICE.decode(raw, known)
        return
    decoded = DEVICE.decode(raw, known)
    values = {item.metric: item.value for item in decoded.measurements}
    facts = {fact.name: fact.value for fact in decoded.facts}
    for name, value in said["values"].items():
        metric = QUANTITIES.get(name)
        if metric is None:
            assert facts[name] == value
        elif said["values"].keys() > {"illuminance", "temperature"} and metric not in values:
            assert set(values.values()) <= set(said["values"].values())
        else:
            assert values[metric] == pytest.approx(value)
    for name, value in said["binary"].items():
        assert (values[STATES[name]] if name in STATES else facts[name]) == bool(value)
    assert [event.detail for event in decoded.events] == list(said["events"].values())


SEAT, SEAT_KEY = "A4:C1:38:BE:EF:12", "8b72476b60fe2a0b63bf58d588fe4ea1"
ROOM, ROOM_KEY = "E8:B5:27:74:91:EE", "068a081b4e5aa7295ebf263585adf4f1"


@pytest.mark.parametrize(
    ("frame", "address", "key", "expected"),
    [
        pytest.param("58590f6abdee917427b5e885884d061c0000c263fbd0", ROOM, ROOM_KEY,
                     {"time_occupied": (1.0, "min")}, id="somebody-for-a-minute"),
        pytest.param("58590f6ac1ee917427b5e8bb7b2c201c0000f252a862", ROOM, ROOM_KEY,
                     {"time_unoccupied": (1.0, "min")}, id="nobody-for-a-minute"),
        pytest.param("58594c3f1012efbe38c1a47f7b3e9500000035019b75", SEAT, SEAT_KEY,
                     {"occupancy": (1.0, "1")}, id="somebody-sits"),
        pytest.param("58594c3f1312efbe38c1a418e36bcb000000e6fab951", SEAT, SEAT_KEY,
                     {"occupancy": (0.0, "1")}, id="nobody-sits"),
        pytest.param("59584c3f2112efbe38c1a4558db5277810330000001906bc63", SEAT, SEAT_KEY,
                     {"time_unseated": (120.0, "s")}, id="two-minutes-up"),
        pytest.param("5040f6070101f60738c1a40f0003640000", "A4:C1:38:07:F6:01", "",
                     {"movement": (1.0, "1"), "light_detected": (1.0, "1")}, id="nightlight"),
        pytest.param("4030dd032403000101", "DE:70:E8:B2:39:0C", "",
                     {"movement_seen": "motion_detected"}, id="nightlight-event"),
    ],
)  # fmt: skip
def test_more_frames_of_the_packages_own_tests(
    frame: str, address: str, key: str, expected: dict[str, object]
) -> None:
    decoded = DEVICE.decode(heard({MIBEACON: frame}, address), {"bindkey": key} if key else {})
    assert summary(decoded) == expected


LEAK_SENSOR, PRESENCE_SENSOR = 0x6375, 0x6A0F


@pytest.mark.parametrize(
    ("model", "thing", "expected"),
    [
        pytest.param(LEAK_SENSOR, 0x4806, ("water_leak", 1), id="under-it"),
        pytest.param(LEAK_SENSOR, 0x487B, ("water_leak", 2), id="on-its-top"),
        pytest.param(PRESENCE_SENSOR, 0x5413, ("presence", None), id="close-by"),
    ],
)
def test_each_probe_of_a_sensor_says_its_state(
    model: int, thing: int, expected: tuple[str, int | None]
) -> None:
    """Composed: an open frame of that model with that object of the package's table."""
    start = b"\x50\x50" + model.to_bytes(2, "little") + b"\x07" + bytes.fromhex("01000038c1a4")
    frame = start + thing.to_bytes(2, "little") + b"\x01\x01"
    (state,) = DEVICE.decode(heard({MIBEACON: frame.hex()}), {}).measurements
    assert (state.metric, state.part) == expected
    assert state.value == 1.0


def test_every_word_of_the_adapter_is_a_metric() -> None:
    assert set(DEVICE.metrics) | set(DEVICE.events) <= METRICS.keys()


def test_its_claims_clash_with_none_of_the_catalogue() -> None:
    assert index((*devices(), DEVICE)).keys["xiaomi"] is DEVICE


def test_only_the_adapters_that_a_home_has_are_loaded() -> None:
    assert adapters({"gatt.weight_scale", "bthome"}) == ()
    assert adapters({"bthome", "xiaomi"}) == (DEVICE,)


def test_without_its_bindkey_a_sealed_frame_is_refused_with_what_to_do() -> None:
    sealed = heard({MIBEACON: "58598d0a170fc4e044ef547cc27a5c03a1000000790df258"})
    with pytest.raises(DecodeError, match="no bindkey: enter it"):
        DEVICE.decode(sealed, {})
    with pytest.raises(DecodeError, match="hex digits"):
        DEVICE.decode(sealed, {"bindkey": "short"})


@pytest.mark.parametrize(
    ("first", "metric", "quality"),
    [
        pytest.param("22", "body_weight", (), id="a-person-stable"),
        pytest.param("62", "mass", (), id="an-object"),
        pytest.param("02", "body_weight", (Quality.STILL_MEASURING,), id="not-stable-yet"),
    ],
)
def test_only_a_person_has_a_body_weight_and_only_a_stable_one_counts(
    first: str, metric: str, quality: tuple[Quality, ...]
) -> None:
    (weight,) = DEVICE.decode(heard({SCALE: first + "9e43e507040b101301"}), {}).measurements
    assert (weight.metric, weight.value, weight.quality) == (metric, 86.55, quality)


@given(
    uuid=st.sampled_from(CLAIMED),
    data=st.binary(max_size=32)
    | st.binary(max_size=20).map(lambda rest: bytes.fromhex("5040d60301") + rest),
    bindkey=st.sampled_from([None, KEY, KEY[:24], "junk"]),
)
def test_any_bytes_are_decoded_or_refused(uuid: str, data: bytes, bindkey: str | None) -> None:
    known = {"bindkey": bindkey} if bindkey else {}
    try:
        decoded = DEVICE.decode(heard({uuid: data.hex()}), known)
    except DecodeError:
        return
    assert isinstance(decoded, Decoded)
    assert {item.metric for item in decoded.measurements} <= set(DEVICE.metrics)
    assert {item.event for item in decoded.events} <= set(DEVICE.events)
    assert all(METRICS[item.metric].unit for item in decoded.measurements)


def test_the_command_line_understands_it_too() -> None:
    service_data = {"fe95": "5040d60301d6030a38c1a419100100"}
    line = {"advertisement": {"address": "a4:c1:38:0a:03:d6", "service_data": service_data}}
    (answer,) = decode_lines([json.dumps(line)])
    assert json.loads(answer)["readings"][0]["metric"] == "opening_open"


# Two packets of one opening sensor, from the package's own tests: 9845 and then 9873.
OPENING, OPENING_KEY = "A4:C1:38:66:E5:67", "0fdcc30fe9289254876b5ef7c11ef1f0"
EARLIER = "585989187567e56638c1a469ddf3a1260000a24a1b45"
LATER = "585989189167e56638c1a4d6120d6d2600006fbc0cb4"


def counter_of(frame: str, known: dict[str, object]) -> object:
    decoded = DEVICE.decode(heard({MIBEACON: frame}, OPENING), {"bindkey": OPENING_KEY} | known)
    return next(fact.value for fact in decoded.facts if fact.name == "counter")


def test_a_sealed_packet_that_is_played_again_later_is_refused() -> None:
    assert counter_of(EARLIER, {}) == 9845
    assert counter_of(LATER, {"counter": 9845}) == 9873
    assert counter_of(LATER, {"counter": 9873}) == 9873
    with pytest.raises(DecodeError, match="played again"):
        counter_of(EARLIER, {"counter": 9873})


def test_after_a_new_battery_the_counter_may_begin_anew() -> None:
    scale = heard(
        {MIBEACON: "4859d53b0bd6ef0b25db72785e7e2f46d6000000d8642df6"}, "8C:D0:B2:F6:BE:EF"
    )
    known = {"bindkey": "0728974d657a4b60964c1b1677f35f7c", "counter": 9_000_000}
    facts = {fact.name: fact.value for fact in DEVICE.decode(scale, known).facts}
    assert facts["counter"] == 11
