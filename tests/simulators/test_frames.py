"""`homebeat simulate device` prints the bytes that the same catalogue reads back."""

import json
from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner

from devices.model import CharacteristicValue
from devices.registry import match
from simulators.cli import app
from simulators.frames import FrameError, codec_of, counted, frame, sayable, saying_of
from simulators.play.frames import decoded

ADDRESS = "A4:C1:38:00:00:01"


def test_a_frame_says_what_it_was_told() -> None:
    bytes_ = frame("gatt.blood_pressure", ADDRESS, ["systolic_pressure=132", "pulse_rate=70"])
    raw = CharacteristicValue(
        address=ADDRESS,
        characteristic="2A35",
        value=bytes_,
        received_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    device = match(raw)
    assert device is not None
    said = {item.metric: item.value for item in device.decode(raw, {}).measurements}
    assert said == {"systolic_pressure": 132.0, "pulse_rate": 70.0}


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        pytest.param("gatt.kettle", "body_weight=1", "gatt.weight_scale", id="unknown device"),
        pytest.param("gatt.weight_scale", "pulse_rate=70", "body_weight", id="another metric"),
        pytest.param("gatt.weight_scale", "body_weight=fat", "=number", id="no number"),
        pytest.param("gatt.weight_scale", "body_weight", "=number", id="no value"),
        pytest.param("gatt.weight_scale", "body_weight=nan", "can't say", id="not a number"),
        pytest.param("gatt.weight_scale", "body_weight=999999", "can't say", id="does not fit"),
    ],
)
def test_a_frame_that_cannot_be_says_what_to_write(kind: str, value: str, said: str) -> None:
    with pytest.raises(FrameError, match=said):
        frame(kind, ADDRESS, [value])


KEY = '{"bindkey": "231d39c1d7cc1ab1aee224cd096db932"}'


def test_a_device_that_seals_is_played_with_its_key_and_counts() -> None:
    codec = codec_of("bthome")
    address, known = "54:48:E6:8F:80:A5", json.loads(KEY)
    first = saying_of(codec, ["battery=80"])
    frames = [
        sayable(codec, counted(codec, first, number), address, known).frames[0] for number in (7, 8)
    ]
    found = [decoded(codec, one, known, address) for one in frames]
    told = [{fact.name: fact.value for fact in one.facts} for one in found if one]
    assert [facts["counter"] for facts in told] == [7, 8]
    assert decoded(codec, frames[0], {"bindkey": "00" * 16}, address) is None


def test_a_device_that_numbers_what_it_says_does_so_unless_the_tester_did() -> None:
    codec = codec_of("bthome")
    pressed = counted(codec, saying_of(codec, ["button_pressed=press"]), 5)
    assert {fact.name: fact.value for fact in pressed.facts} == {"packet_id": 5, "counter": 5}
    given = counted(codec, saying_of(codec, ["button_pressed", "packet_id=9"]), 5)
    assert ("packet_id", 9) in [(fact.name, fact.value) for fact in given.facts]
    scale = codec_of("gatt.weight_scale")
    assert not counted(scale, saying_of(scale, ["body_weight=72"]), 5).facts


@pytest.mark.parametrize("known", ["x", "[]", '{"bindkey'], ids=["no JSON", "a list", "cut"])
def test_what_a_listener_knows_is_a_json_object(known: str) -> None:
    words = ["device", "bthome", "battery=80", "--known", known]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 2
    assert "JSON object" in done.output


def test_the_command_prints_hex() -> None:
    done = CliRunner().invoke(app, ["device", "gatt.weight_scale", "body_weight=73.8"])
    assert (done.exit_code, done.output) == (0, "00a839\n")


def test_the_command_refuses_in_words() -> None:
    done = CliRunner().invoke(app, ["device", "gatt.kettle", "body_weight=73.8"])
    assert done.exit_code == 2
    assert "gatt.blood_pressure" in done.output
