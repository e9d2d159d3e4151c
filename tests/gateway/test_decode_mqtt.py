"""What `homebeat decode` makes of the talk of a house, family by family, as their pages show it.

The names and words are those of the public documentation of each family; values were chosen.
"""

import json

import pytest

from gateway.decode import decode_lines

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
        ([(Z, {"contact": "ON"})], "values that we do not know"),
        ([(Z, {"voltage": 12})], "values that we do not know"),
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
