"""`homebeat simulate device` prints the frames that `homebeat decode` reads back."""

import json

import pytest
from typer.testing import CliRunner

from gateway.decode import decode_lines
from simulators.cli import app
from simulators.frames import FrameError, codec_of, counted, sayable, saying_of
from simulators.play.faults import FAULTS
from simulators.play.frames import decoded

ADDRESS = "A4:C1:38:00:00:01"


def play(*words):
    """The command's answer."""
    return CliRunner().invoke(app, ["device", *words])


def heard(*words):
    """What `homebeat decode` makes of what it prints."""
    done = play(*words)
    assert done.exit_code == 0, done.output
    return [json.loads(answer) for answer in decode_lines(done.stdout.splitlines())]


def said(answer):
    return {item["metric"]: item["value"] for item in answer["readings"]}


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
        sayable(codec_of(kind), saying_of(codec_of(kind), [value]), ADDRESS)


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


def test_the_command_prints_hex_where_it_is_asked_for() -> None:
    done = play("gatt.weight_scale", "body_weight=73.8", "--hex")
    assert (done.exit_code, done.output) == (0, "00a839\n")


PIPED = {
    "a characteristic": (
        ["gatt.blood_pressure", "systolic_pressure=132", "pulse_rate=70"],
        {"systolic_pressure": 132.0, "pulse_rate": 70.0},
    ),
    "an advertisement": (["bthome", "battery=80"], {"battery": 80.0}),
    "a sealed one": (["bthome", "battery=80", "--known", KEY], {"battery": 80.0}),
    "a topic": (["zigbee2mqtt", "movement=1"], {"movement": 1.0}),
    "a topic of its own": (
        ["zigbee2mqtt", "movement=1", "--address", "zigbee2mqtt/hall"],
        {"movement": 1.0},
    ),
    "after what announces it": (["homie", "room_temperature=21"], {"room_temperature": 21.0}),
}


@pytest.mark.parametrize(("words", "meant"), PIPED.values(), ids=PIPED)
def test_what_the_command_prints_is_what_decode_takes(words, meant) -> None:
    assert said(heard(*words)[-1]) == meant


def test_a_device_that_nobody_named_has_a_name_for_a_home() -> None:
    (line,) = play("zigbee2mqtt", "movement=1").stdout.splitlines()
    assert json.loads(line)["topic"] == "zigbee2mqtt/simulated"


def test_a_device_that_is_said_to_speak_twice_is_printed_twice() -> None:
    assert len(heard("bthome", "button_pressed", "--times", "2")) == 2


SPOILT = {
    "truncated": (["gatt.weight_scale", "body_weight=73.8"], '"error"'),
    "battery-low": (["zigbee2mqtt", "movement=1"], '"battery","value":3.0'),
    "clock-1970": (["gatt.weight_scale", "body_weight=73.8"], '"1970-01-01T00:07:00"'),
    "replayed": (["zigbee2mqtt", "sos_pressed"], "a retained message repeats"),
    "wrong-unit": (["homie", "room_temperature=21"], "not_understood"),
}


@pytest.mark.parametrize(("fault", "row"), SPOILT.items(), ids=SPOILT)
def test_a_fault_is_in_the_frame_that_is_printed(fault, row) -> None:
    words, becomes = row
    done = play(*words, "--fault", fault)
    assert becomes in "".join(decode_lines(done.stdout.splitlines()))
    assert becomes not in "".join(decode_lines(play(*words).stdout.splitlines()))


NO_FAULT = {
    "unknown": (["bthome", "battery=80"], "kettle", "Write one of: truncated"),
    "of another radio": (["bthome", "battery=80"], "late", "can't happen to bthome"),
    "of the link": (["gatt.weight_scale", "body_weight=73.8"], "unconfirmed", "--over bluez"),
    "of several frames": (["bthome", "battery=80"], "reordered", "write --times 2"),
    "not of this frame": (["homie", "room_temperature=21"], "truncated", "nobody could tell"),
}


@pytest.mark.parametrize(("words", "fault", "why"), NO_FAULT.values(), ids=NO_FAULT)
def test_a_fault_that_cannot_be_printed_is_refused_in_words(words, fault, why) -> None:
    done = play(*words, "--fault", fault)
    assert done.exit_code == 2
    assert why in done.output


def test_a_device_that_says_nothing_says_so() -> None:
    done = play("bthome", "battery=80", "--fault", "silent")
    assert (done.exit_code, done.stdout) == (0, "")
    assert FAULTS["silent"].does in done.stderr


def test_hex_is_printed_and_not_played() -> None:
    done = play("bthome", "battery=80", "--hex", "--over", "bluez")
    assert done.exit_code == 2
    assert "one of the two" in done.output


def test_the_command_refuses_in_words() -> None:
    done = play("gatt.kettle", "body_weight=73.8")
    assert done.exit_code == 2
    assert "gatt.blood_pressure" in done.output
