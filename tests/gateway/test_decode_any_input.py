"""Any line is answered, whatever device of the catalogue or adapter it is for; nothing raises."""

import json
import math
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.codec import Device
from devices.model import MqttMessage
from devices.registry import devices
from gateway.adapters import adapters
from gateway.decode import decode_lines
from gateway.intake import MAX_FRAME_BYTES, Intake
from rules.model import Person

ALL = (*devices(), *adapters())
KEYS = st.sampled_from([None, "231d39c1d7cc1ab1aee224cd096db932", "junk", ""])
JUNK = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
)
TALK = st.recursive(
    JUNK,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=8,
)


def line_of(device: Device, data: st.DataObject) -> dict[str, Any]:
    """A line for one of the device's claims: junk, or one of its own frames cut or changed."""
    claim = data.draw(st.sampled_from(device.claims))
    vectors = [vector for vector in device.vectors if vector.frame]
    if claim.topic is not None:
        at = data.draw(st.sampled_from([vector.at for vector in vectors] or [claim.topic]))
        own = st.sampled_from([vector.frame for vector in vectors] or [""])
        return {
            "topic": at,
            "payload": data.draw(TALK | own | own.flatmap(cut)),
            "retained": data.draw(st.booleans()),
        }
    frames = [bytes.fromhex(vector.frame) for vector in vectors]
    own_bytes = st.sampled_from(frames or [b"\0"])
    content = data.draw(st.binary(max_size=40) | own_bytes.flatmap(cut) | own_bytes).hex()
    if claim.characteristic is not None:
        return {"characteristic": claim.characteristic, "hex": content, "name": "BM85"}
    heard = {"address": "A4:C1:38:8D:18:B2"}
    if claim.service_data is not None:
        return {"advertisement": heard | {"service_data": {claim.service_data: content}}}
    return {"advertisement": heard | {"manufacturer_data": {f"{claim.manufacturer:#06x}": content}}}


def cut(whole: Any) -> st.SearchStrategy[Any]:
    return st.integers(0, max(0, len(whole) - 1)).map(lambda size: whole[:size])


def check(answer: dict[str, Any]) -> None:
    if "error" in answer:
        assert answer["error"]
        assert isinstance(answer["hex"], str)
        return
    for row in answer["readings"]:
        assert math.isfinite(row["value"])
        assert row["unit"]
    assert all(event["event"] for event in answer["events"])


@pytest.mark.parametrize("device", [pytest.param(device, id=device.key) for device in ALL])
@settings(deadline=None)  # the first frame of an adapter imports its library
@given(data=st.data())
def test_any_frame_of_any_device_is_answered(device: Device, data: st.DataObject) -> None:
    lines = [line_of(device, data) for _ in range(data.draw(st.integers(1, 3)))]
    for line in lines:
        key = data.draw(KEYS)
        if key is not None:
            line["bindkey"] = key
    answers = list(decode_lines(json.dumps(line) for line in lines))
    assert len(answers) == len(lines)
    for answer in answers:
        check(json.loads(answer))


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "characteristic": TALK,
            "hex": TALK,
            "advertisement": TALK,
            "topic": TALK,
            "payload": TALK,
            "known": TALK,
            "quirk": TALK,
            "bindkey": TALK,
            "retained": TALK,
        },
    )
)
def test_a_line_of_any_types_is_answered(line: dict[str, Any]) -> None:
    (answer,) = decode_lines([json.dumps(line)])
    check(json.loads(answer))


def test_a_payload_without_end_is_refused_by_the_home() -> None:
    intake = Intake([], [], {"margaret": Person(id="margaret", name="Margaret")}, {})
    huge = msgspec.json.encode({"contact": True, "junk": "x" * MAX_FRAME_BYTES})
    raw = MqttMessage(
        topic="zigbee2mqtt/door", payload=huge, received_at=datetime(2026, 3, 2, tzinfo=UTC)
    )
    (refused,) = intake.read(raw).refused
    assert "over" in refused.reason
