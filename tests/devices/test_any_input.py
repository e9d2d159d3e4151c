"""Any bytes and any JSON are decoded or refused: nothing else happens, and nothing is made up."""

import math
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.codec import DecodeError, Device
from devices.metrics import METRICS
from devices.model import Advertisement, CharacteristicValue, Decoded, MqttMessage, Raw
from devices.registry import devices
from devices.units import to_canonical

AT = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)
KEY = "231d39c1d7cc1ab1aee224cd096db932"


def heard(device: Device, at: str, content: bytes) -> Raw:
    if any(claim.topic for claim in device.claims):
        return MqttMessage(topic=at, payload=content, received_at=AT)
    if any(claim.service_data for claim in device.claims):
        return Advertisement(
            address="A4:C1:38:8D:18:B2", received_at=AT, service_data={at: content}
        )
    if any(claim.manufacturer for claim in device.claims):
        return Advertisement(
            address="A4:C1:38:8D:18:B2", received_at=AT, manufacturer_data={int(at, 16): content}
        )
    return CharacteristicValue(
        address="A4:C1:38:8D:18:B2", characteristic=at, value=content, received_at=AT
    )


def places(device: Device) -> list[str]:
    return sorted({vector.at for vector in device.vectors})


def check(device: Device, raw: Raw, known: dict[str, object]) -> None:
    try:
        decoded = device.decode(raw, known)
    except DecodeError:
        return
    assert isinstance(decoded, Decoded)
    for item in decoded.measurements:
        assert math.isfinite(item.value)
        assert math.isfinite(to_canonical(item.metric, item.value, item.unit))
        assert item.metric in device.metrics
    for event in decoded.events:
        assert event.event in device.events
        assert event.event in METRICS
    msgspec.json.encode(decoded.facts)


@pytest.mark.parametrize(
    ("device", "at"),
    [
        pytest.param(device, at, id=f"{device.key}-{at}")
        for device in devices()
        for at in places(device)
    ],
)
@given(
    content=st.binary(max_size=64),
    known=st.sampled_from(
        [{}, {"bindkey": KEY}, {"bindkey": "junk"}, {"quirk": "beurer_be"}, {"counter": 7}]
    ),
)
def test_any_bytes_are_decoded_or_refused(
    device: Device, at: str, content: bytes, known: dict[str, object]
) -> None:
    check(device, heard(device, at, content), known)


@pytest.mark.parametrize(
    "device",
    [pytest.param(device, id=device.key) for device in devices() if device.key.startswith("gatt.")],
)
@given(flags=st.integers(0, 255), body=st.binary(max_size=32), which=st.integers(0, 1))
def test_any_flags_are_decoded_or_refused(
    device: Device, flags: int, body: bytes, which: int
) -> None:
    claim = device.claims[which % len(device.claims)].characteristic
    assert claim is not None
    check(device, heard(device, claim, bytes((flags,)) + body), {})


PROPERTIES = st.sampled_from(
    ["contact", "occupancy", "battery", "temperature", "voltage", "action", "sos", "last_seen",
     "fall_status", "status", "state", "power", "smoke", "unheard_of"]
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(PROPERTIES, inner, max_size=3),
    max_leaves=8,
)
TOPICS = st.sampled_from(
    ["zigbee2mqtt/hall", "zigbee2mqtt/hall/availability", "zigbee2mqtt/bridge/devices",
     "zigbee2mqtt/bridge/event", "zigbee2mqtt/bridge/state", "zigbee2mqtt/", "zigbee2mqtt/a/set"]
)  # fmt: skip


@given(
    topic=TOPICS,
    payload=JSON | st.dictionaries(PROPERTIES, JSON, max_size=5),
    exposes=JSON | st.dictionaries(PROPERTIES, JSON, max_size=3),
)
def test_any_json_is_decoded_or_refused_whatever_is_known(
    topic: str, payload: object, exposes: object
) -> None:
    (device,) = (device for device in devices() if device.key == "zigbee2mqtt")
    check(device, heard(device, topic, msgspec.json.encode(payload)), {"exposes": exposes})


FAMILIES = [
    pytest.param(device, id=device.key)
    for device in devices()
    if any(claim.topic for claim in device.claims)
]
WORDS = st.sampled_from(
    ["id", "tempc", "weight", "unit", "button", "packet", "contact", "params", "ts", "switch:0",
     "input:1", "smoke:0", "events", "event", "component", "method", "NotifyEvent", "output",
     "battery", "percent", "ENERGY", "Power", "POWER1", "Switch1", "Action", "ZbReceived", "0x1",
     "Temperature", "TempUnit", "Time", "value", "time", "state", "status", "data", "node_id",
     "attributes", "1/6/0", "attribute_updated", "device_class", "state_topic", "val_tpl", "~",
     "cmps", "p", "avty", "availability", "topic", "motion", "temperature", "payload_on"]
)  # fmt: skip
TALK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | WORDS
    | st.text(max_size=8)
    | st.sampled_from(
        ["ON", "1e999", "{{ value_json.x }}", "{{ 1/0 }}", "{{ value | round(9e9) }}"]
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize("device", FAMILIES)
@given(data=st.data(), payload=TALK | st.dictionaries(WORDS, TALK, max_size=5), told=TALK)
def test_any_talk_of_a_family_is_decoded_or_refused(
    device: Device, data: st.DataObject, payload: object, told: object
) -> None:
    place = data.draw(st.sampled_from(places(device)))
    content = payload.encode() if isinstance(payload, str) else msgspec.json.encode(payload)
    known = {"discovered x": [told], "entities": told, "engine/temperature/$unit": told}
    for facts in ({}, known):
        check(device, heard(device, place, content), facts)


@given(
    payload=st.lists(
        st.fixed_dictionaries(
            {"friendly_name": st.text(max_size=5) | st.integers()},
            optional={
                "definition": JSON | st.fixed_dictionaries({"exposes": JSON | st.lists(JSON)})
            },
        ),
        max_size=3,
    )
)
def test_any_list_of_devices_is_decoded_or_refused(payload: object) -> None:
    (device,) = (device for device in devices() if device.key == "zigbee2mqtt")
    content = msgspec.json.encode(payload)
    check(device, heard(device, "zigbee2mqtt/bridge/devices", content), {})
