"""What other implementations say of a frame, our devices say: each line of the shared vectors."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from devices.codec import DecodeError, summary
from devices.fields import Cursor, Special
from devices.model import Advertisement, CharacteristicValue, Decoded, MqttMessage, Raw
from devices.registry import by_key, match

AT = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)
FIELDS = {"SFLOAT": "sfloat", "FLOAT": "float32", "2A08": "datetime"}
BUILT = {"2A35", "2A36", "2A9D", "2A5E", "2A5F", "2A19"}
BELONGS = {
    "gatt": lambda line: line["characteristic"] in BUILT | set(FIELDS),
    "adverts": lambda line: line["kind"] == "bthome",
    "mqtt": lambda line: line["topic"].startswith("zigbee2mqtt/"),
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
    "smoke alarm with temperature": [{"smoke": (1.0, "1"), "battery": (97.0, "%")}],
}
HUB_ONLINE = "hub online"


def test_a_message_means_what_its_source_says(shared_mqtt: dict[str, Any]) -> None:
    line = shared_mqtt
    raw = MqttMessage(
        topic=line["topic"], payload=json.dumps(line["payload"]).encode(), received_at=AT
    )
    decoded = answer(raw, {})
    if line["meaning"].startswith(HUB_ONLINE):
        assert [(fact.name, fact.value) for fact in decoded.facts] == [("online", True)]
        return
    said = summary(decoded)
    expected = MEANINGS[line["meaning"]]
    assert any(said | wanted == said for wanted in expected)
    if expected == [{}]:
        assert decoded == Decoded()


def test_the_devices_of_the_shared_vectors_are_in_the_catalogue() -> None:
    assert by_key("bthome")
    assert by_key("zigbee2mqtt")
    assert all(
        match(CharacteristicValue(address="", characteristic=name, value=b"", received_at=AT))
        for name in BUILT
    )
