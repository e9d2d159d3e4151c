"""What other implementations say of a frame, our devices say: each line of the shared vectors."""

import json
import math
from datetime import UTC, datetime
from typing import Any

import pytest

from devices.codec import DecodeError, full_uuid, summary
from devices.fields import Cursor, Special
from devices.model import Advertisement, CharacteristicValue, Decoded, MqttMessage, Raw
from devices.registry import by_key, match

AT = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)
FIELDS = {"SFLOAT": "sfloat", "FLOAT": "float32", "2A08": "datetime"}
BUILT = {"2A35", "2A36", "2A9D", "2A5E", "2A5F", "2A19"}
BELONGS = {
    "gatt": lambda line: line["characteristic"] in BUILT | set(FIELDS),
    "adverts": lambda line: line["kind"] != "xiaomi",
    "mqtt": lambda line: True,
}

UNITS = {
    "kPa": "kPa", "mmHg": "mm[Hg]", "kg": "kg", "lb": "[lb_av]", "in": "[in_i]", "%": "%",
    "°C": "Cel", "lx": "lx", "mbar": "hPa", "V": "V", "W": "W", "kWh": "kW.h", "A": "A",
    "ppm": "[ppm]", "µg/m³": "ug/m3", "°": "deg", "m³/h": "m3/h", "m³": "m3", "L": "L",
    "m/s²": "m/s2", "µS/cm": "uS/cm", "mm": "mm", None: "1",
}  # fmt: skip
# Where the words of a source differ from our metrics, and the unit it leaves out.
GATT_NAMES = {
    "systolic": ("systolic_pressure", "mm[Hg]"),
    "diastolic": ("diastolic_pressure", "mm[Hg]"),
    "mean_arterial_pressure": ("mean_arterial_pressure", "mm[Hg]"),
    "pulse_rate": ("pulse_rate", "/min"),
    "weight": ("body_weight", "kg"),
    "bmi": ("bmi", "kg/m2"),
    "height": ("body_height", "m"),
    "spo2": ("oxygen_saturation", "%"),
    "pulse_amplitude_index": ("pulse_amplitude_index", "%"),
    "battery_pct": ("battery", "%"),
}
IN_THE_UNIT_OF_THE_FRAME = {"systolic", "diastolic", "mean_arterial_pressure", "weight"}
# Blood Pressure Service 1.1.1, table 3.8; Pulse Oximeter Service 1.0.1, tables 3.4 and 3.5.
CUFF_STATUS = {
    0x01: "movement", 0x02: "cuff-loose", 0x04: "irregular-pulse", 0x20: "position",
}  # fmt: skip
CUFF_RANGE = 0x18


def answer(raw: Raw, known: dict[str, object]) -> Decoded:
    device = match(raw)
    assert device is not None
    return device.decode(raw, known)


def expected_of_gatt(line: dict[str, Any]) -> dict[str, object]:
    """The values of a line in our names; a value that is no number is not expected."""
    said = line["expected"]
    frame_unit = UNITS[said["unit"]] if "unit" in said else None
    units = dict.fromkeys(IN_THE_UNIT_OF_THE_FRAME, frame_unit) if frame_unit else {}
    if "height_unit" in said:
        units["height"] = UNITS[said["height_unit"]]
    expected: dict[str, object] = {
        metric: (float(said[name]), units.get(name, unit))
        for name, (metric, unit) in GATT_NAMES.items()
        if isinstance(said.get(name), int | float)
    }
    if line["characteristic"] == "2A36":
        expected["cuff_pressure"] = expected.pop("systolic_pressure")
    if "timestamp" in said:
        expected["taken_at"] = said["timestamp"]
    if "user_id" in said:
        expected["user"] = said["user_id"]
    return expected


def quality_of_gatt(line: dict[str, Any]) -> list[str]:
    said = line["expected"]
    quality = [flag for bit, flag in CUFF_STATUS.items() if said.get("status", 0) & bit]
    if said.get("status", 0) & CUFF_RANGE:
        quality.append("pulse-out-of-range")
    if line["characteristic"] == "2A36" or said.get("measurement_status", 0) & 0x0020:
        quality.append("still-measuring")
    if said.get("measurement_status", 0) & 0x4000 or said.get("device_sensor_status", 0) & 0x5FC:
        quality.append("poor-signal")
    if said.get("device_sensor_status", 0) & 0xD002:
        quality.append("device-fault")
    return sorted(quality)


def test_a_characteristic_says_what_its_source_says(shared_gatt: dict[str, Any]) -> None:
    line, content = shared_gatt, bytes.fromhex(shared_gatt["hex"])
    characteristic = line["characteristic"]
    if characteristic in FIELDS:
        check_field(FIELDS[characteristic], content, line)
        return
    raw = CharacteristicValue(
        address="A4:C1:38:00:00:01", characteristic=characteristic, value=content, received_at=AT
    )
    known = {"quirk": line["quirk"]} if "quirk" in line else {}
    values = {name: value for name, value in line["expected"].items() if name in GATT_NAMES}
    if line.get("invalid") or (values and set(values.values()) == {"NaN"}):
        with pytest.raises(DecodeError):
            answer(raw, known)
        return
    said = summary(answer(raw, known))
    quality = said.pop("quality", [])
    expected = expected_of_gatt(line)
    assert {name: said[name] for name in expected} == expected
    if "status" in line["expected"] or "measurement_status" in line["expected"]:
        assert sorted(quality) == quality_of_gatt(line)  # type: ignore[call-overload]


def check_field(kind: str, content: bytes, line: dict[str, Any]) -> None:
    if kind == "datetime":
        if line.get("invalid"):
            with pytest.raises(DecodeError):
                Cursor(content).date_time()
        else:
            moment = Cursor(content).date_time()
            assert moment is not None
            assert moment.isoformat() == line["expected"]["datetime"]
        return
    value = getattr(Cursor(content), kind)()
    (expected,) = line["expected"].values()
    if expected == "NaN":
        assert value is Special.NAN
    else:
        assert value == pytest.approx(expected, rel=1e-12)


BTHOME_NAMES = {
    "temperature": "room_temperature", "humidity": "room_humidity", "pressure": "air_pressure",
    "moisture": "soil_moisture", "pm25": "pm2_5", "gas": "gas_used", "water": "water_used",
    "gyroscope": "angular_velocity", "volume_storage": "stored_volume",
}  # fmt: skip
BTHOME_STATES = {
    "generic": "on", "power": "power_on", "opening": "opening_open", "door": "door_open",
    "garage_door": "garage_door_open", "window": "window_open", "lock": "unlocked",
    "light": "light_detected", "motion": "movement", "moisture": "water_leak",
    "plug": "plugged_in", "safety": "safe", "battery": "battery_low",
    "connectivity": "connected",
}  # fmt: skip
BTHOME_FACTS = {"packet_id", "timestamp"}
# The library keeps a packet's number from one frame to the next; a line is one frame.
STATEFUL = {"test_identical_packet_id", "test_increasing_packet_id"}


def bare(name: str) -> str:
    """temperature_2 is the second of what temperature_1 is the first."""
    start, _, number = name.rpartition("_")
    return start if start and number.isdecimal() else name


def test_an_advertisement_says_what_its_source_says(shared_adverts: dict[str, Any]) -> None:
    line = shared_adverts
    if line["kind"] != "bthome":
        check_maker(line)
        return
    raw = Advertisement(
        address=line["address"],
        received_at=AT,
        name=line["name"],
        service_data={
            uuid: bytes.fromhex(data) for uuid, data in line["service_data_by_uuid"].items()
        },
    )
    known = {"bindkey": line["bindkey"]} if "bindkey" in line else {}
    said = line["expected"]
    if not (said["values"] or said["binary"] or said["events"]):
        try:
            decoded = answer(raw, known)
        except DecodeError:
            return
        assert not decoded.measurements
        assert not decoded.events
        return
    decoded = answer(raw, known)
    expected = sorted(
        [
            (BTHOME_NAMES.get(bare(name), bare(name)), value, UNITS[said["units"][name]])
            for name, value in said["values"].items()
            if name not in BTHOME_FACTS
        ]
        + [
            (BTHOME_STATES.get(bare(name), bare(name)), float(value), "1")
            for name, value in said["binary"].items()
        ]
    )
    assert sorted((item.metric, item.value, item.unit) for item in decoded.measurements) == expected
    assert [item.detail for item in decoded.events] == list(said["events"].values())
    facts = {fact.name: fact.value for fact in decoded.facts}
    if line["source"].rpartition("::")[2] not in STATEFUL:
        for name in BTHOME_FACTS & said["values"].keys():
            told = facts[name]
            assert str(told).replace("T", " ") == str(said["values"][name])


RUUVI_NAMES = {
    "temperature_C": ("room_temperature", None), "humidity_pct": ("room_humidity", None),
    "pressure_hPa": ("air_pressure", None), "voltage_mV": ("voltage", None),
    "accel_x": ("acceleration", 1), "accel_y": ("acceleration", 2), "accel_z": ("acceleration", 3),
}  # fmt: skip


def check_maker(line: dict[str, Any]) -> None:
    """A line of RuuviTag or Omron, whose data are under the maker's company id."""
    raw = Advertisement(
        address=line.get("address", "CA:FE:00:00:00:01"),
        received_at=AT,
        service_uuids=tuple(map(full_uuid, line["expected"].get("service_uuids", ()))),
        manufacturer_data={
            line["manufacturer_id"]: bytes.fromhex(line["manufacturer_data_without_id"])
        },
    )
    decoded = answer(raw, {})
    values = {(item.metric, item.part): item.value for item in decoded.measurements}
    facts = {fact.name: fact.value for fact in decoded.facts}
    for name, value in line["expected"].items():
        if name in RUUVI_NAMES and value is not None:
            # Its library rounds to two digits.
            assert values[RUUVI_NAMES[name]] == pytest.approx(value, abs=0.0051)
        elif name in facts:
            assert facts[name] == value
        elif name == "accel_total" and value is not None:
            axes = [values["acceleration", axis] for axis in (1, 2, 3)]
            assert math.hypot(*axes) == pytest.approx(value, abs=0.0051)
        elif name == "accel_total":
            assert not all(("acceleration", axis) in values for axis in (1, 2, 3))
        else:
            # The library gives none of the axes where one was not measured; here each is its own.
            assert value is None
            assert name in RUUVI_NAMES


# What the words of a line's meaning are in our metrics and events; the words are the source's.
MEANINGS: dict[str, list[dict[str, object]]] = {
    "room temperature and humidity (WSDCGQ01LM)": [
        {"room_temperature": (27.34, "Cel"), "room_humidity": (44.72, "%")}
    ],
    "wireless button pressed once (WXKG01LM)": [{"button_pressed": "single"}],
    "movement seen (RTCGQ01LM)": [{"movement": (1.0, "1")}],
    "lamp state (LED1545G12)": [{"power_on": (1.0, "1")}],
    "hub log line: joining opened": [{}],
    "a device joined": [{}],
    "a device announced itself": [{}],
    "interview started": [{}],
    "interview done, device supported": [{}],
    "a device left: monitoring gap": [{"device_online": (0.0, "1")}],
    "answer to permit_join": [{}],
    "ask the hub to allow joining for 20 s": [{}],
    "answer with transaction id": [{}],
    "hub health answer": [{}],
    "button pressed, with link quality": [{"button_pressed": "single"}],
    "smoke alarm": [{"smoke": (1.0, "1"), "battery_low": (0.0, "1")}],
    "smoke alarm cleared": [{"smoke": (0.0, "1")}],
    "smoke alarm and battery low": [{"smoke": (1.0, "1"), "battery_low": (1.0, "1")}],
    "water leak": [{"water_leak": (1.0, "1")}],
    "water leak, tampered, battery low": [
        {"water_leak": (1.0, "1"), "tamper": (1.0, "1"), "battery_low": (1.0, "1")}
    ],
    "door OPEN: contact false means open": [{"door_open": (1.0, "1")}],
    "door closed": [{"door_open": (0.0, "1")}],
    "movement seen": [{"movement": (1.0, "1")}],
    "movement ended": [{"movement": (0.0, "1")}],
    "carbon monoxide alarm": [{"carbon_monoxide": (1.0, "1")}],
    "CO alarm battery low": [{"carbon_monoxide": (0.0, "1"), "battery_low": (1.0, "1")}],
    "vibration (bed or chair)": [{"vibration": (1.0, "1")}],
    "SOS button pressed": [
        {"sos_pressed": None},
        {"sos_pressed": "emergency", "battery": (100.0, "%")},
        {"sos_pressed": "sos"},
    ],
    "gas alarm": [{"gas": (1.0, "1")}],
    "panic button pressed": [{"sos_pressed": "emergency"}],
    "radar: fall detected": [{"fall_detected": "fall", "presence": (1.0, "1")}],
    "radar: possible fall": [{"fall_suspected": "maybe_fall"}],
    "fall alarm": [{"fall_detected": "fall_alarm"}],
    "fall, breathing rate and position": [
        {"fall_detected": "falling", "respiratory_rate": (16.0, "/min")}
    ],
    "person in bed, breathing rate": [
        {"bed_occupied": (1.0, "1"), "respiratory_rate": (14.0, "/min")}
    ],
    "in bed for 30 minutes": [{"bed_occupied": (1.0, "1")}],
    "out of bed for 30 minutes": [{"bed_occupied": (0.0, "1")}],
    "sitting on chair or bed": [{"seat_occupied": (1.0, "1")}],
    "person entered the room (mmWave)": [{"presence": (1.0, "1")}],
    "person left the room (mmWave)": [{"presence": (0.0, "1")}],
    "mmWave occupancy": [{"movement": (1.0, "1")}],
    "object dropped or bed moved": [{"vibration": (1.0, "1")}],
    "kettle on": [{"power_on": (1.0, "1"), "power": (1850.0, "W"), "current": (7.8, "A")}],
    "flood alarm with temperature": [{"water_leak": (1.0, "1"), "room_temperature": (19.5, "Cel")}],
    "CO alarm with ppm": [
        {"carbon_monoxide": (1.0, "1"), "carbon_monoxide_level": (85.0, "[ppm]")}
    ],
    "smoke alarm with temperature": [
        {"smoke": (1.0, "1"), "battery": (97.0, "%"), "room_temperature": (31.2, "Cel")}
    ],
    "motion (plain text payload)": [{"movement": (1.0, "1")}],
    "bedroom readings": [{"room_temperature": (23.2, "Cel"), "room_humidity": (43.7, "%")}],
    "HA binary_sensor: window open": [{"window_open": (1.0, "1")}],
    "HA binary_sensor: window closed": [{"window_open": (0.0, "1")}],
    "HA availability": [{"device_online": (1.0, "1")}],
    "ESPEasy: button pressed": [{"button_pressed": "1"}],
    "BLE beacon seen": [{}],
    "room climate (numbers as strings)": [
        {"room_temperature": (19.2, "Cel"), "room_humidity": (52.6, "%")}
    ],
    "iBeacon seen (wearable pendant)": [{}],
    "room climate; humidity 104.7 is out of range and must be rejected by plausibility": [
        {"room_temperature": (24.1, "Cel"), "room_humidity": (104.7, "%"), "voltage": (2.56, "V")}
    ],
    "door open": [{"door_open": (1.0, "1"), "battery": (100.0, "%")}],
    "door or window open with tilt and light": [
        {"door_open": (1.0, "1"), "rotation": (40.6, "deg"), "illuminance": (87.0, "lx")}
    ],
    "movement": [{"movement": (1.0, "1"), "illuminance": (132.0, "lx")}],
    "button single press": [{"button_pressed": "press"}],
    "button double press": [{"button_pressed": "double_press"}],
    "button triple press": [{"button_pressed": "triple_press"}],
    "button long press": [{"button_pressed": "long_press"}],
    "heart rate from chest strap": [{"pulse_rate": (70.0, "/min")}],
    "heart rate and battery": [{"pulse_rate": (63.0, "/min"), "battery": (97.0, "%")}],
    # The second of these lines says `weighing_mode: object`: no body weight, whatever its words.
    "body weight": [{"body_weight": (61.75, "kg")}, {"mass": (9.55, "kg")}],
    "room CO2": [{"carbon_dioxide": (879.0, "[ppm]"), "air_pressure": (804.0, "hPa")}],
    "room climate": [{"room_temperature": (26.0, "Cel"), "room_humidity": (61.4, "%")}],
    "tracker tag seen": [{}],
    "Zigbee2Tasmota room climate (the page lacks the last brace)": [
        {
            "room_temperature": (21.01, "Cel"),
            "room_humidity": (53.68, "%"),
            "air_pressure": (1004.04, "hPa"),
            "battery": (98.0, "%"),
        }
    ],
    "Zigbee2Tasmota vibration or tilt": [{"vibration": (1.0, "1")}],
    "Zigbee2Tasmota device joined": [{}],
    "pairing opened": [{}],
    "Tasmota switch input on (PIR or reed)": [{"on": (1.0, "1")}],
    "Tasmota switch input off": [{"on": (0.0, "1")}],
    "Tasmota last will: online": [{"device_online": (1.0, "1")}],
    "smart plug power (W) and energy (kWh)": [
        {"power": (56.0, "W"), "energy": (514.153, "kW.h"), "taken_at": "2023-05-19T20:52:56"}
    ],
    "Shelly Plus Smoke woke: no alarm, battery (sys and wifi left out)": [
        {"smoke": (0.0, "1"), "battery": (97.0, "%")}
    ],
    "Shelly Plus 1PM power": [{"power": (0.0, "W"), "power_on": (0.0, "1")}],
    "Shelly change only: overlay on the last full status": [
        {"voltage": (232.7, "V"), "taken_at": "2022-08-26T12:36:25.440000+00:00"}
    ],
    "Shelly online flag": [{"device_online": (1.0, "1")}],
    "Shelly relay off": [{"power_on": (0.0, "1")}],
    "Shelly Flood Gen4: water alarm": [{"water_leak": (1.0, "1"), "battery": (89.0, "%")}],
    "device ready": [{"device_online": (1.0, "1")}],
    "convention version": [{}],
    "nodes": [{}],
    # Without its $unit a temperature could be in two units: kept as not understood.
    "property value (plain text)": [{}],
    "battery": [{"battery": (80.0, "%")}],
    "properties": [{}],
    "ESPHome mmWave presence; form <prefix>/<component>/<object_id>/state": [
        {"presence": (1.0, "1")}
    ],
    "Z-Wave movement (8 = motion, 0 = idle)": [{"movement": (1.0, "1")}],
    "Z-Wave movement, plain value payload mode": [{"movement": (1.0, "1")}],
    "Z-Wave movement ended": [{"movement": (0.0, "1")}],
}
HUB_ONLINE = "hub online"
# What a config announces: the topic that it names, and the metric that is said there.
ANNOUNCED = {
    "HA discovery of a sensor (origin left out)": [
        ("zigbee2mqtt/weather_sensor", "room_temperature")
    ],
    "HA discovery of the hub connection (origin and device left out)": [
        ("zigbee2mqtt/bridge/state", "connected")
    ],
    "HA discovery: motion sensor": [("homeassistant/binary_sensor/garden/state", "movement")],
    "empty retained config: entity removed": [],
    "HA discovery: bedroom temperature": [
        ("homeassistant/sensor/sensorBedroom/state", "room_temperature")
    ],
    "HA discovery: bedroom humidity": [
        ("homeassistant/sensor/sensorBedroom/state", "room_humidity")
    ],
    "HA discovery with abbreviations and base topic": [
        ("homeassistant/switch/irrigation/state", "power_on")
    ],
    "HA device-based discovery: one message, many components": [
        ("/test/a", None), ("/blah", "device_online"),
    ],
}  # fmt: skip
ASKED = "Matter:"


# What the configs of the lines before told of these topics.
KNOWN: dict[str, dict[str, object]] = {
    "homeassistant/binary_sensor/garden/state": {
        "discovered 1": [{"component": "binary_sensor", "metric": "movement"}]
    },
    "homeassistant/sensor/sensorBedroom/state": {
        "discovered 1": [
            {"component": "sensor", "metric": "room_temperature", "unit": "°C",
             "template": "{{ value_json.temperature}}"}
        ],
        "discovered 2": [
            {"component": "sensor", "metric": "room_humidity", "unit": "%",
             "template": "{{ value_json.humidity}}"}
        ],
    },
}  # fmt: skip


def test_a_message_means_what_its_source_says(shared_mqtt: dict[str, Any]) -> None:
    line = shared_mqtt
    said = line["payload"]
    payload = said if isinstance(said, str) else json.dumps(said)
    raw = MqttMessage(topic=line["topic"], payload=payload.encode(), received_at=AT)
    decoded = answer(raw, KNOWN.get(line["topic"], {}))
    if line["meaning"] in ANNOUNCED:
        (entities,) = [fact.value for fact in decoded.facts if fact.name == "entities"]
        assert isinstance(entities, list)
        told = [(entity["topic"], entity.get("metric")) for entity in entities]
        assert told[: len(ANNOUNCED[line["meaning"]])] == ANNOUNCED[line["meaning"]]
        return
    if line["meaning"].startswith(ASKED):
        assert decoded == Decoded()
        return
    if line["meaning"].startswith(HUB_ONLINE):
        assert [(fact.name, fact.value) for fact in decoded.facts] == [("online", True)]
        return
    meant = summary(decoded)
    expected = MEANINGS[line["meaning"]]
    assert any(meant | wanted == meant for wanted in expected)
    if expected == [{}]:
        assert not decoded.measurements
        assert not decoded.events


def test_the_devices_of_the_shared_vectors_are_in_the_catalogue() -> None:
    assert by_key("bthome")
    assert by_key("zigbee2mqtt")
    assert all(
        match(CharacteristicValue(address="", characteristic=name, value=b"", received_at=AT))
        for name in BUILT
    )
