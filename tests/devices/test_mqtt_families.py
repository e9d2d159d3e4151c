"""The MQTT families: what is said again is no event, what has no unit no quantity."""

import json
from datetime import UTC, datetime

import pytest

from devices.codec import DecodeError, summary
from devices.model import Decoded, MqttMessage
from devices.registry import match

AT = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)
BUTTON = "home/OpenMQTTGateway/BTtoMQTT/3C2EF5AABBCC"
SHELLY = "shellyplusi4-a8032abe54dc"


def say(
    topic: str, payload: object, known: dict[str, object] | None = None, *, retained: bool = False
) -> Decoded:
    content = payload if isinstance(payload, str) else json.dumps(payload)
    raw = MqttMessage(topic=topic, payload=content.encode(), received_at=AT, retained=retained)
    device = match(raw)
    assert device is not None
    return device.decode(raw, known or {})


def pressed(event: str, number: int = 0) -> dict[str, object]:
    said = {"component": f"input:{number}", "event": event, "ts": 1772434800.5}
    return {"method": "NotifyEvent", "params": {"ts": 1772434800.5, "events": [said]}}


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        pytest.param(BUTTON, {"button": 2, "packet": 30}, id="theengs"),
        pytest.param(f"{SHELLY}/events/rpc", pressed("single_push"), id="shelly"),
        pytest.param("shellies/button1/input_event/0", {"event": "S"}, id="shelly-1"),
        pytest.param("stat/x/RESULT", {"Button1": {"Action": "SINGLE"}}, id="tasmota"),
        pytest.param("zwave/fob/central_scene/endpoint_0/scene/001", 0, id="zwave"),
        pytest.param("hall/binary_sensor/sos_button/state", "ON", id="esphome"),
        pytest.param("homie/fob/keys/button", "true", id="homie"),
        pytest.param("home/bathroom/switch/button", "1", id="named-topic"),
    ],
)
def test_a_press_is_an_event_once_and_none_when_it_is_retained(topic: str, payload: object) -> None:
    assert len(say(topic, payload).events) == 1
    assert say(topic, payload, retained=True).events == ()


def test_a_button_s_packet_is_the_key_of_its_event() -> None:
    (event,) = say(BUTTON, {"button": 9, "packet": 32}).events
    assert (event.device, event.key, event.detail) == ("3C:2E:F5:AA:BB:CC", "32", "long_press")


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        pytest.param(
            {"weighing_mode": "person", "unit": "kg"}, ("body_weight", 154.0, "kg"), id="kg"
        ),
        pytest.param(
            {"weighing_mode": "person", "unit": "lb"}, ("body_weight", 154.0, "[lb_av]"), id="lb"
        ),
        pytest.param(
            {"weighing_mode": "person", "unit": "jin"}, ("body_weight", 77.0, "kg"), id="jin"
        ),
        pytest.param({"weighing_mode": "object", "unit": "kg"}, ("mass", 154.0, "kg"), id="object"),
    ],
)
def test_a_weight_is_body_weight_only_of_a_person_and_in_its_unit(
    said: dict[str, object], expected: tuple[str, float, str]
) -> None:
    (weight,) = say(BUTTON, said | {"weight": 154}).measurements
    assert (weight.metric, weight.value, weight.unit) == expected


@pytest.mark.parametrize("unit", [{}, {"unit": None}, {"unit": "bu"}], ids=["none", "null", "bu"])
def test_a_weight_without_a_unit_that_is_known_is_refused(unit: dict[str, object]) -> None:
    with pytest.raises(DecodeError, match="kg"):
        say(BUTTON, {"weighing_mode": "person", "weight": 154} | unit)


def test_a_tyre_s_pressure_is_no_air_pressure() -> None:
    decoded = say(BUTTON, {"tempc": 20, "pres": 2.4})
    assert summary(decoded) == {"room_temperature": (20.0, "Cel")}
    assert decoded.facts


def test_a_list_of_powers_is_one_for_each_socket() -> None:
    decoded = say("tele/strip/SENSOR", {"ENERGY": {"Power": [12, 0, 3], "Voltage": 231}})
    assert [(item.metric, item.value, item.part) for item in decoded.measurements] == [
        ("power", 12.0, 1), ("power", 0.0, 2), ("power", 3.0, 3), ("voltage", 231.0, None),
    ]  # fmt: skip


def test_tasmota_s_temperature_is_in_the_unit_that_it_says() -> None:
    said = {"AM2301": {"Temperature": 68.0, "Humidity": 50}, "TempUnit": "F"}
    assert summary(say("tele/x/SENSOR", said))["room_temperature"] == (68.0, "[degF]")


@pytest.mark.parametrize(
    ("topic", "device"),
    [
        ("tele/desk/STATE", "desk"),
        ("desk/tele/STATE", "desk"),
        ("stat/upstairs/desk/STATUS11", "upstairs/desk"),
    ],
)
def test_a_tasmota_is_one_device_on_all_its_topics(topic: str, device: str) -> None:
    (power,) = say(
        topic, {"StatusSTS": {"POWER": "ON"}} if "STATUS" in topic else {"POWER": "ON"}
    ).measurements
    assert (power.device, power.metric, power.value) == (device, "power_on", 1.0)


def test_a_change_says_what_changed_and_seconds_since_the_start_are_no_time() -> None:
    change = {"method": "NotifyStatus", "params": {"ts": 12.5, "switch:1": {"output": True}}}
    (power,) = say(f"{SHELLY}/events/rpc", change).measurements
    assert (power.metric, power.part, power.taken_at) == ("power_on", 2, None)


def test_a_shelly_is_one_device_on_all_its_topics() -> None:
    heard = [
        say(f"{SHELLY}/online", "true"),
        say(f"{SHELLY}/status/switch:0", {"output": False}),
        say(f"{SHELLY}/events/rpc", pressed("double_push", 1)),
    ]
    said = {item.device for decoded in heard for item in (*decoded.measurements, *decoded.events)}
    assert said == {SHELLY}


@pytest.mark.parametrize(
    ("end", "payload", "expected"),
    [
        ("relay/0", "on", {"power_on": (1.0, "1")}),
        ("relay/0/power", "1850.5", {"power": (1850.5, "W")}),
        ("sensor/state", "close", {"opening_open": (0.0, "1")}),
        ("sensor/flood", "true", {"water_leak": (1.0, "1")}),
        ("sensor/temperature", "21.5", {"room_temperature": (21.5, "Cel")}),
        ("sensor/battery", "87", {"battery": (87.0, "%")}),
        ("announce", '{"id": "x"}', {}),
    ],
)
def test_a_shelly_of_the_first_generation_speaks_plainly(
    end: str, payload: str, expected: dict[str, object]
) -> None:
    assert summary(say(f"shellies/shelly1-AABBCC/{end}", payload)) == expected


@pytest.mark.parametrize(
    ("topic", "payload", "expected"),
    [
        ("zwave/door/113/0/Access_Control/Door_state", {"value": 22}, {"door_open": (1.0, "1")}),
        ("zwave/a/b/door/notification/endpoint_0/Access_Control/Door_state", "23",
         {"door_open": (0.0, "1")}),
        ("zwave/alarm/notification/endpoint_0/Smoke_Alarm/Sensor_status", 2, {"smoke": (1.0, "1")}),
        ("zwave/x/battery/endpoint_0/level", {"time": 1772434800000, "value": 71},
         {"battery": (71.0, "%"), "taken_at": "2026-03-02T07:00:00+00:00"}),
        ("zwave/x/sensor_multilevel/endpoint_0/Air_temperature", {"value": 21.5, "unit": "°C"},
         {"room_temperature": (21.5, "Cel")}),
        ("zwave/x/door_lock/endpoint_0/currentMode", 255, {"unlocked": (0.0, "1")}),
        ("zwave/x/status", {"value": False, "status": "Dead"}, {"device_online": (0.0, "1")}),
        ("zwave/_CLIENTS/ZWAVE_GATEWAY/status", {"value": True}, {}),
    ],
)  # fmt: skip
def test_z_wave_speaks_by_name_by_number_and_plainly(
    topic: str, payload: object, expected: dict[str, object]
) -> None:
    assert summary(say(topic, payload)) == expected


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("1/69/0", True, {"opening_open": (0.0, "1")}),
        ("1/1026/0", 2150, {"room_temperature": (21.5, "Cel")}),
        ("1/1030/0", 1, {"occupancy": (1.0, "1")}),
        ("0/47/12", 180, {"battery": (90.0, "%")}),
        ("1/29/0", [], {}),
    ],
)
def test_a_matter_attribute_says_what_its_cluster_says(
    path: str, value: object, expected: dict[str, object]
) -> None:
    event = {"event": "attribute_updated", "data": [4, path, value]}
    assert summary(say("ws:event", event)) == expected
