"""What `homebeat decode` makes of the talk of a house, family by family, as their pages show it.

The names and words are those of the public documentation of each family; values were chosen.
"""

import json
from datetime import UTC, datetime

import pytest

from devices.codec import Device, no_note
from devices.model import MqttMessage
from devices.registry import devices
from gateway.decode import decode_lines

AT = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)

Z = "zigbee2mqtt/hall"
OMG = "home/OpenMQTTGateway/BTtoMQTT/A4C138112233"


def ask(*lines: tuple[str, object]) -> dict[str, object]:
    """The answer to the last of these lines; what the others said is known by then."""
    texts = [json.dumps({"topic": topic, "payload": payload}) for topic, payload in lines]
    answer: dict[str, object] = json.loads(list(decode_lines(texts))[-1])
    return answer


def meant(answer: dict[str, object]) -> dict[str, object]:
    """{metric: value} of the readings, {event: detail} of the events."""
    assert "error" not in answer, answer
    said: dict[str, object] = {}
    for row in answer["readings"]:  # type: ignore[attr-defined]
        said[row["metric"]] = pytest.approx(row["value"], rel=1e-4)
    for row in answer["events"]:  # type: ignore[attr-defined]
        said[row["event"]] = row.get("detail")
    return said


@pytest.mark.parametrize(
    ("topic", "payload", "expected"),
    [
        # Theengs: theengs/decoder tests/BLE/test_ble.cpp; a jin is 500 g
        (OMG, {"model_id": "JQJCY01YM", "type": "AIR", "for": 0.08}, {"formaldehyde": 0.08}),
        (OMG, {"model_id": "INEM", "avg": 2.376, "avgu": "kW", "sum": 21.2928, "sumu": "kWh",
               "batt": 10, "lowbatt": True},
         {"power": 2376, "energy": 21.2928, "battery": 10, "battery_low": 1}),
        (OMG, {"model_id": "INEM", "avg": 0.9, "avgu": "m³", "sum": 8.07, "sumu": "m³"}, {}),
        (OMG, {"model_id": "ORALB_BT", "state": "running", "duration": 63}, {"running": 1}),
        (OMG, {"model_id": "APPLEWATCH", "type": "BODY", "unlocked": False}, {}),
        (OMG, {"model_id": "MUE4094RT", "pres": True, "darkness": 29}, {"presence": 1}),
        (OMG, {"weighing_mode": "person", "unit": "jin", "weight": 123.5}, {"body_weight": 61.75}),
        # Topics that a person named, and ESPEasy's last will
        ("home/frontdoor/contact", "open", {"door_open": 1}),
        ("home/bathroom/switch/button", "0", {}),
        ("home/bathroom/status", "Connected", {"device_online": 1}),
        ("home/bathroom/status", "Connection Lost", {"device_online": 0}),
        # Tasmota: docs/Zigbee.md, "Receiving Commands", and docs/ESP32.md
        ("tele/t/SENSOR", {"ZbReceived": {"r": {"0006!02": "", "Power": 2, "Endpoint": 1}}},
         {"button_pressed": "toggle"}),
        ("tele/t/SENSOR", {"ZbReceived": {"r": {"0008!07": "", "DimmerStop": True}}},
         {"button_released": "dimmer_stop"}),
        ("tele/t/SENSOR", {"ZbReceived": {"lamp": {"Power": True, "LinkQuality": 52}}},
         {"power_on": 1}),
        ("tele/t/SENSOR", {"ZbReceived": {"trv": {"LocalTemperature": 19.5}}},
         {"room_temperature": 19.5}),
        ("tele/t/SENSOR", {"ESP32": {"Temperature": 53.3}, "TempUnit": "C"}, {}),
        ("cmnd/t/POWER", "ON", {}),
        # Shelly: BTHomeDevice and Cover of gen2/, and the script that passes on its BLU sensors
        ("gw/events/rpc", {"method": "NotifyStatus", "params":
            {"bthomedevice:200": {"id": 200, "rssi": -60, "battery": 100}}}, {"battery": 100}),
        ("shutter/status/cover:0", {"id": 0, "state": "closed", "current_pos": 0},
         {"opening_open": 0}),
        ("shutter/status/cover:0", {"id": 0, "state": "opening"}, {}),
        ("gw/events/rpc", {"method": "NotifyEvent", "params": {"events": [
            {"component": "script:1", "event": "shelly-blu", "data":
             {"pid": 12, "battery": 100, "illuminance": 13, "window": 1, "rotation": 40,
              "address": "60:ef:ab:42:ed:25"}}]}},
         {"battery": 100, "illuminance": 13, "window_open": 1, "rotation": 40}),
        ("gw/events/rpc", {"method": "NotifyEvent", "params": {"events": [
            {"component": "script:1", "event": "shelly-blu", "data":
             {"pid": 6, "battery": 70, "button": 2, "address": "5c:c7:c1:f2:e4:7c"}}]}},
         {"battery": 70, "button_pressed": "double_press"}),
        # Z-Wave: notification type 0x0A, and a lock that says who used it without a value
        ("zwave/pendant/notification/endpoint_0/Emergency_Alarm/Alarm_status", {"value": 4},
         {"sos_pressed": "panic alert"}),
        ("zwave/lock/notification/endpoint_0/Access_Control/Keypad_unlock_operation",
         {"userId": 1}, {"lock_used": "keypad_unlock"}),
        # Matter: a node that left, and the events of its Switch cluster
        ("ws:event", {"event": "node_removed", "data": 5}, {"device_online": 0}),
        ("ws:event", {"event": "node_event", "data":
            {"node_id": 1, "endpoint_id": 1, "cluster_id": 59, "event_id": 6,
             "data": {"totalNumberOfPressesCounted": 2}}}, {"button_pressed": "double_press"}),
        # Home Assistant: a lamp that speaks JSON
        ("homeassistant/light/kitchen/state", {"state": "ON", "brightness": 255}, {"power_on": 1}),
        # Zigbee2MQTT
        (Z, {"contact": True, "battery": 97, "voltage": 3015},
         {"door_open": 0, "battery": 97, "voltage": 3.015}),
        (Z, {"state": "OFF", "power": 0, "voltage": 231},
         {"power_on": 0, "power": 0, "voltage": 231}),
        (Z, {"occupancy": False, "illuminance": 33, "illuminance_lux": 33},
         {"movement": 0, "illuminance": 33}),
        (Z, {"action": "on_press_release"}, {"button_released": "on_press_release"}),
        (Z, {"action": ""}, {}),
        (Z, {"action": "panic"}, {"sos_pressed": "panic"}),
        (Z, {"action": "keypad_unlock", "lock_state": "unlocked"},
         {"lock_used": "keypad_unlock", "unlocked": 1}),
        (Z, {"consumer_connected": True, "voc_index": 120}, {"plugged_in": 1, "voc_index": 120}),
        (Z, {"click": "single"}, {"button_pressed": "single"}),
        (Z, {"presence": True, "pir_detection": False}, {"presence": 1, "movement": 0}),
        (Z, {"charging_status": True}, {"battery_charging": 1}),
        (Z, {"lock_state": "unlocked", "state": "UNLOCK"}, {"unlocked": 1}),
        (Z, {"position": 100, "state": "OPEN"}, {"opening_open": 1}),
        (Z, {"fall_down_status": "none", "presence": True}, {"presence": 1}),
        (Z, {"work_state": "presence_5min"}, {"bed_occupied": 1}),
        (f"{Z}/contact", "false", {"door_open": 1}),
        (f"{Z}/temperature", "21.5", {"room_temperature": 21.5}),
        (f"{Z}/action", "single", {"button_pressed": "single"}),
        ("zigbee2mqtt/house/front/door", {"contact": False}, {"door_open": 1}),
        (f"{Z}/set", {"state": "ON"}, {}),
        (f"{Z}/availability", "offline", {"device_online": 0}),
        # Theengs, OpenMQTTGateway
        (OMG, {"weighing_mode": "person", "unit": "lb", "weight": 158.2}, {"body_weight": 71.7583}),
        (OMG, {"weighing_mode": "object", "unit": "kg", "weight": 12.1}, {"mass": 12.1}),
        (OMG, {"steps": 4231, "act_bpm": 71}, {"steps": 4231, "pulse_rate": 71}),
        (OMG, {"contact": "open", "batt_low": False}, {"door_open": 1, "battery_low": 0}),
        (OMG, {"button1": 0, "button2": 1, "packet": 9}, {"button_pressed": "press"}),
        ("home/OpenMQTTGateway/RTL_433toMQTT/Acurite-Tower/A/1234",
         {"battery_ok": 1, "temperature_C": 21.3, "humidity": 44},
         {"room_temperature": 21.3, "room_humidity": 44}),
        # Tasmota
        ("tele/bath/SENSOR", {"DS18B20": {"Temperature": 70.1}, "TempUnit": "F"},
         {"room_temperature": 21.1667}),
        ("stat/kitchen/POWER", "OFF", {"power_on": 0}),
        ("tele/kitchen/LWT", "Offline", {"device_online": 0}),
        ("stat/btn/RESULT", {"Button1": {"Action": "SINGLE"}}, {"button_pressed": "single"}),
        ("tele/zb/SENSOR", {"ZbReceived": {"0xABCD": {"Device": "0xABCD", "Contact": 1}}},
         {"opening_open": 1}),
        ("tele/zb/SENSOR", {"ZbReceived": {"0xABCD": {"Water": 1, "BatteryPercentage": 88}}},
         {"water_leak": 1, "battery": 88}),
        ("tele/x/INFO1", {"Info1": {"Module": "Generic"}}, {}),
        # Shelly
        ("shellyplusi4-a/events/rpc",
         {"method": "NotifyEvent", "params": {"events": [
             {"component": "input:0", "id": 0, "event": "single_push"}]}},
         {"button_pressed": "press"}),
        ("shellypresenceg4-a/status/presencezone:200", {"id": 200, "value": True}, {"presence": 1}),
        ("shellies/shellymotionsensor-AA/status",
         {"motion": True, "vibration": False, "lux": 33, "bat": 99,
          "tmp": {"value": 70.0, "units": "F"}},
         {"movement": 1, "vibration": 0, "illuminance": 33, "battery": 99,
          "room_temperature": 21.1111}),
        ("shellies/shellydimmer-AA/light/0", "on", {"power_on": 1}),
        ("shellies/shellydw2-AA/sensor/state", "open", {"opening_open": 1}),
        ("shellies/shellyplug-s-AA/relay/0/energy", "12345", {"energy": 0.20575}),
        # ESPHome
        ("bed/binary_sensor/bed_occupied/state", "ON", {"bed_occupied": 1}),
        ("bed/sensor/respiratory_rate/state", "15", {"respiratory_rate": 15}),
        ("bed/sensor/spo2/state", "96", {"oxygen_saturation": 96}),
        ("bed/sensor/temp/state", "nan", {}),
        ("bed/sensor/internal_temperature/state", "53.3", {}),
        ("bed/cover/blind/state", "open", {"opening_open": 1}),
        ("bed/cover/blind/state", "opening", {}),
        ("bed/event/button/state", {"event_type": "single"}, {"button_pressed": "single"}),
        ("bed/status", "online", {"device_online": 1}),
        ("bed/debug", "[D][sensor:094]: 'Bed'", {}),
        # Z-Wave JS UI
        ("zwave/hall/node/notification/endpoint_0/Access_Control/Door_state_simple",
         {"time": 1700000000000, "value": 22}, {"door_open": 1}),
        ("zwave/hall/node/notification/endpoint_0/Power_Management/Battery_maintenance_status",
         {"value": 10}, {"battery_low": 1}),
        ("zwave/4/49/0/Illuminance", {"value": 12, "unit": "Lux"}, {"illuminance": 12}),
        ("zwave/hall/node/central_scene/endpoint_0/scene/001", {"value": 3},
         {"button_pressed": "double_press"}),
        ("zwave/hall/node/status", {"value": False, "status": "Dead"}, {"device_online": 0}),
        # Homie
        ("homie/car/battery/level", "55", {"battery": 55}),
        ("homie/car/bed/occupied", "true", {"bed_occupied": 1}),
        ("homie/car/$state", "lost", {"device_online": 0}),
        # Topics with a name
        ("home/door/battery_low", "0", {"battery_low": 0}),
        ("home/door/battery", "55", {"battery": 55}),
    ],
)  # fmt: skip
def test_a_message_means_what_its_family_s_pages_say(
    topic: str, payload: object, expected: dict[str, object]
) -> None:
    assert meant(ask((topic, payload))) == expected


@pytest.mark.parametrize(
    ("config", "payload", "expected"),
    [
        ({"name": "Systolic", "unit_of_meas": "mmHg"}, "122", {"systolic_pressure": 122}),
        ({"name": "Systolic", "unit_of_meas": "kPa"}, "16", {"systolic_pressure": 120.01}),
        ({"name": "Blood pressure systolic", "dev_cla": "pressure", "unit_of_meas": "mmHg"},
         "122", {"systolic_pressure": 122}),
        ({"name": None, "uniq_id": "bpm_diastolic", "unit_of_meas": "mmHg"}, "72",
         {"diastolic_pressure": 72}),
        ({"name": "SpO2", "unit_of_meas": "%"}, "97", {"oxygen_saturation": 97}),
        ({"name": "Heart rate", "unit_of_meas": "bpm"}, "61", {"pulse_rate": 61}),
        ({"name": "Respiratory rate", "unit_of_meas": "br/min"}, "14", {"respiratory_rate": 14}),
        ({"name": "Body temperature", "dev_cla": "temperature", "unit_of_meas": "°C"}, "36.9",
         {"body_temperature": 36.9}),
        ({"name": "Bedroom", "dev_cla": "temperature", "unit_of_meas": "°F"}, "70",
         {"room_temperature": 21.1111}),
        ({"name": "Device temperature", "dev_cla": "temperature", "unit_of_meas": "°C"}, "44", {}),
        ({"name": "Dew point", "dev_cla": "temperature", "unit_of_meas": "°C"}, "9",
         {"dew_point": 9}),
        ({"name": "Glucose", "dev_cla": "blood_glucose_concentration", "unit_of_meas": "mg/dL"},
         "110", {"blood_glucose": 6.10568}),
        ({"name": "Libre glucose", "unit_of_meas": "mmol/L"}, "6.1", {"sensor_glucose": 6.1}),
        ({"name": "Body weight", "unit_of_meas": "lb"}, "158", {"body_weight": 71.6676}),
        ({"name": "Parcel", "dev_cla": "weight", "unit_of_meas": "kg"}, "3", {"mass": 3}),
        ({"name": "Body fat", "unit_of_meas": "%"}, "31", {"body_fat": 31}),
        ({"name": "Steps", "unit_of_meas": "steps"}, "4000", {"steps": 4000}),
        ({"name": "P", "dev_cla": "atmospheric_pressure", "unit_of_meas": "inHg"}, "29.92",
         {"air_pressure": 1013.2}),
        ({"name": "E", "dev_cla": "energy", "unit_of_meas": "MJ"}, "3.6", {"energy": 1}),
        ({"name": "Battery low"}, "1", {}),
        ({"name": "T", "dev_cla": "temperature", "unit_of_meas": "°C"}, "unavailable", {}),
    ],
    ids=str,
)  # fmt: skip
def test_a_sensor_that_home_assistant_discovers_is_known_by_class_name_and_unit(
    config: dict[str, object], payload: str, expected: dict[str, object]
) -> None:
    discovery = ("homeassistant/sensor/it/config", {**config, "stat_t": "it/is"})
    assert meant(ask(discovery, ("it/is", payload))) == expected


@pytest.mark.parametrize(
    ("component", "config", "payload", "expected"),
    [
        ("binary_sensor", {"name": "Bed", "dev_cla": "occupancy"}, "ON", {"bed_occupied": 1}),
        ("binary_sensor", {"name": "Hall", "dev_cla": "occupancy"}, "OFF", {"occupancy": 0}),
        ("binary_sensor", {"name": "Fall", "dev_cla": "safety"}, "ON", {"fall_detected": "ON"}),
        ("binary_sensor", {"name": "Boiler", "dev_cla": "problem"}, "ON", {"problem": 1}),
        ("binary_sensor", {"name": "Pendant"}, "ON", {"sos_pressed": "ON"}),
        ("binary_sensor", {"name": "D", "dev_cla": "door"}, "unavailable", {}),
        ("cover", {"name": "Garage"}, "closing", {}),
        ("cover", {"name": "Garage"}, "open", {"opening_open": 1}),
        ("lock", {"name": "Front"}, "JAMMED", {}),
        ("device_tracker", {"name": "Margaret"}, "not_home", {"presence": 0}),
        ("event", {"name": "B", "dev_cla": "button"}, {"event_type": "double"},
         {"button_pressed": "double"}),
    ],
)  # fmt: skip
def test_what_home_assistant_discovers_besides_sensors(
    component: str, config: dict[str, object], payload: object, expected: dict[str, object]
) -> None:
    discovery = (f"homeassistant/{component}/it/config", {**config, "stat_t": "it/is"})
    assert meant(ask(discovery, ("it/is", payload))) == expected


def test_a_thermostat_says_how_warm_the_room_is_where_its_unit_is_told() -> None:
    config = {"name": "Heating", "curr_temp_t": "it/is", "temp_unit": "F"}
    answer = ask(("homeassistant/climate/it/config", config), ("it/is", "70"))
    assert meant(answer) == {"room_temperature": 21.1111}
    del config["temp_unit"]
    answer = ask(("homeassistant/climate/it/config", config), ("it/is", "70"))
    assert "without a unit" in str(answer["error"])


def test_a_unit_that_homie_told_is_used_for_what_it_says_later() -> None:
    unit = ("homie/car/engine/temperature/$unit", "°F")
    assert meant(ask(unit, ("homie/car/engine/temperature", "70"))) == {"room_temperature": 21.1111}


def test_the_model_s_own_words_and_units_go_before_ours() -> None:
    exposes = [
        {"property": "contact", "value_on": True, "value_off": False},
        {"property": "temperature", "unit": "°F"},
        {"property": "voltage", "unit": "mV"},
    ]
    devices = [{"friendly_name": "hall", "definition": {"model": "X", "exposes": exposes}}]
    answer = ask(
        ("zigbee2mqtt/bridge/devices", devices),
        (Z, {"contact": True, "temperature": 70, "voltage": 231}),
    )
    assert meant(answer) == {"door_open": 1, "room_temperature": 21.1111, "voltage": 0.231}
    (said, *_) = [ask(("zigbee2mqtt/bridge/devices", devices), (f"{Z}/contact", "true"))]
    assert meant(said) == {"door_open": 1}


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ([(OMG, {"weight": 70.2})], "body_weight without a unit"),
        ([(Z, {"contact": "ON"})], "contact 'ON' is not known"),
        ([(Z, {"voltage": 12})], "voltage without a unit"),
        ([("bed/sensor/person_weight/state", "71.2")], "body_weight without a unit"),
        ([("bed/sensor/blood_pressure_systolic/state", "122")], "systolic_pressure without a unit"),
        ([("zwave/hall/node/sensor_multilevel/endpoint_0/Air_temperature", "21.5")],
         "room_temperature without a unit"),
        ([("homeassistant/sensor/it/config", {"name": "systolic", "stat_t": "it/is"}),
          ("it/is", "122")], "systolic_pressure without a unit"),
        ([("homeassistant/sensor/it/config",
           {"name": "Blood pressure", "stat_t": "it/is", "unit_of_meas": "mmHg"}),
          ("it/is", "122")], "call it systolic or diastolic"),
        ([("homeassistant/sensor/it/config",
           {"name": "Blood pressure", "stat_t": "it/is", "dev_cla": "pressure",
            "unit_of_meas": "mmHg"}),
          ("it/is", "122")], "call it systolic or diastolic"),
    ],
    ids=["scale", "contact", "voltage", "esphome weight", "esphome pressure", "z-wave", "systolic",
         "blood pressure", "blood pressure with its class"],
)  # fmt: skip
def test_a_number_that_could_mean_two_things_is_refused_and_says_why(
    lines: list[tuple[str, object]], reason: str
) -> None:
    assert reason in str(ask(*lines)["error"])


BRIDGE = "zigbee2mqtt/bridge"
UNIT_WAITS = "not understood: what engine/temperature is, or its unit"


@pytest.mark.parametrize(
    ("topic", "payload", "words"),
    [
        (f"{BRIDGE}/logging", {"level": "info", "message": "x"}, "a log line of the hub"),
        (f"{BRIDGE}/event", {"type": "device_joined", "data": {"friendly_name": "0x9"}},
         "a device joined, 0x9"),
        (f"{BRIDGE}/event", {"type": "device_interview", "data": {"status": "failed"}},
         "interview of a new device, failed"),
        (f"{BRIDGE}/response/permit_join", {"data": {}, "status": "ok"},
         "the hub's answer to permit_join (ok)"),
        (f"{BRIDGE}/request/permit_join", {"value": True, "time": 20}, "asks the hub: permit_join"),
        (f"{BRIDGE}/info", {"version": "2.0"}, "about the hub"),
        (f"{Z}/set", {"state": "ON"}, "a command to a device"),
        (Z, {"linkquality": 90}, "none of linkquality is measured here"),
        (Z, "", "cleared"),
        ("tele/t/RESULT", {"ZbBind": {"Status": 0}}, "none of ZbBind"),
        ("cmnd/t/POWER", "ON", "a command"),
        ("home/gateway/commands/MQTTtoBT/config", {"interval": 1}, "a command to the gateway"),
        ("home/gateway/BTtoMQTT/45E174126E00", {"id": "45:e1:74:12:6e:00"}, "was seen"),
        ("plug/events/rpc", {"params": {"ts": 1.0, "wifi": {"rssi": -60}}}, "none of wifi"),
        ("node/debug", "[I] x", "a log line"),
        ("node/sensor/wifi_signal/state", "-60", "wifi_signal"),
        ("zwave/node/configuration/endpoint_0/LED", 1, "not measured"),
        ("zwave/_EVENTS/gateway/node/node_added", {"data": []}, "the gateway's own message"),
        ("homie/car/$name", "Car", "an attribute, $name"),
        ("homie/car/engine/temperature", "21.5", UNIT_WAITS),
        ("homie/car/lamp/power/set", "true", "a command to the device"),
        ("ws:command", {"command": "start_listening"}, "start_listening"),
        ("homeassistant/binary_sensor/x/config", "", "is gone"),
    ],
)  # fmt: skip
def test_an_answer_without_a_reading_says_what_the_message_is(
    topic: str, payload: object, words: str
) -> None:
    answer = ask((topic, payload))
    assert answer["readings"] == []
    assert answer["events"] == []
    assert words in str(answer["note"])


def test_an_answer_with_a_reading_needs_no_note() -> None:
    assert "note" not in ask((Z, {"contact": True}))


def test_a_retained_event_says_why_it_is_none() -> None:
    line = {"topic": Z, "payload": {"action": "emergency"}, "retained": True}
    (text,) = decode_lines([json.dumps(line)])
    answer = json.loads(text)
    assert answer["events"] == []
    assert "retained" in answer["note"]


@pytest.mark.parametrize("payload", [b"[" * 3000, b"{", b"\xff", b"5", b"null"])
@pytest.mark.parametrize("device", [row for row in devices() if row.note is not no_note])
def test_a_note_raises_nothing(device: Device, payload: bytes) -> None:
    for vector in device.vectors:
        raw = MqttMessage(topic=vector.at, payload=payload, received_at=AT)
        assert isinstance(device.note(raw, {}), str)
