"""OpenMQTTGateway and Theengs Gateway: Bluetooth sensors, decoded by Theengs, over MQTT.

Topics: home/<gateway>/BTtoMQTT/<address>, or home/<gateway>/BTtoMQTT with the address as `id`;
home/<gateway>/LWT of the gateway itself. The payload is a JSON object; numbers may be texts.

The property's name holds its unit (`tempc`, `lux`), but a weight has its own beside it (kg, lb),
and without it is refused: 154 may be pounds. Only `weighing_mode: person` is body weight. A
pressure in bar is that of a tyre, an air pressure is in hPa: the name is the same, the model's
table of properties tells (and `type` is TPMS there), so outside of what air can have it is not
understood. A lamp's `pres` is true or false: somebody is there.

A button repeats its packet while it advertises: `packet` is the key of the event. A retained
message says no event, and no quantity, since it gives no time.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from devices.codec import (
    NOTHING_KNOWN,
    Claim,
    DecodeError,
    Device,
    Known,
    KnownBy,
    Vector,
    raw_bytes,
)
from devices.metrics import METRICS
from devices.model import Decoded, Event, Fact, Measurement, MqttMessage, Raw
from devices.plain import unmeasured
from devices.units import convert, unit_of

ADDRESS = re.compile(r"[0-9A-F]{12}")


@dataclass(frozen=True, slots=True)
class Number:
    """A property that is a quantity. `air`: only what air can have is it; else another device."""

    metric: str
    unit: str
    bounded: bool = False


# theengs/decoder src/devices/*_json.h: name and unit of each property.
NUMBERS: dict[str, Number] = {
    "tempc": Number("room_temperature", "Cel"),
    "hum": Number("room_humidity", "%"),
    "batt": Number("battery", "%"),
    "volt": Number("voltage", "V"),
    "pres": Number("air_pressure", "hPa", bounded=True),
    "lux": Number("illuminance", "lx"),
    "co2": Number("carbon_dioxide", "[ppm]"),
    "pm25": Number("pm2_5", "ug/m3"),
    "pm10": Number("pm10", "ug/m3"),
    "moi": Number("soil_moisture", "%"),
    "fer": Number("conductivity", "uS/cm"),
    "dp": Number("dew_point", "Cel"),
    "tempc2_dp": Number("dew_point", "Cel"),
    "bpm": Number("pulse_rate", "/min"),
    "spo2": Number("oxygen_saturation", "%"),
    "act_bpm": Number("pulse_rate", "/min"),
    "rot": Number("rotation", "deg"),
    "impedance": Number("body_impedance", "Ohm"),
    "windspeed": Number("speed", "m/s"),
    "current": Number("current", "A"),
    "lvl_cm": Number("distance", "cm"),
    "steps": Number("steps", "1"),
    "litres": Number("water_used", "L"),
    "energy": Number("energy", "kW.h"),
    "for": Number("formaldehyde", "mg/m3"),
}
METERS: dict[str, tuple[str, dict[str, tuple[str, str]]]] = {
    "avg": ("avgu", {"kW": ("power", "kW"), "W": ("power", "W")}),
    "sum": ("sumu", {"kWh": ("energy", "kW.h"), "Wh": ("energy", "W.h")}),
}
"""A meter's property: where its unit is, and what it is in that unit."""
_PARTS = re.compile(r"tempc([1-6])")

STATES = {
    "open": "door_open",
    "motion": "movement",
    "moving": "moving",
    "lowbatt": "battery_low",
    "batt_low": "battery_low",
    "alarm": "problem",
    "plugged_in": "plugged_in",
    "presence": "presence",
    "water_leak": "water_leak",
    "leak": "water_leak",
    "smoke": "smoke",
    "light": "light_detected",
}
"""Property: metric. They are true while it holds."""
WORDS: dict[str, dict[str, tuple[str, float]]] = {
    "contact": {
        "open": ("door_open", 1.0),
        "timeout not closed": ("door_open", 1.0),
        "closed": ("door_open", 0.0),
    },
    "presence": {"present": ("presence", 1.0), "absent": ("presence", 0.0)},
}
BRUSH = "ORALB_BT"
BRUSHING = {"running": 1.0, "idle": 0.0, "sleeping": 0.0, "charging": 0.0}
"""A toothbrush's `state`: theengs/decoder src/devices/ORALB_BT_json.h."""
JIN_IN_KG = 0.5
"""A Chinese pound, which Mi scales can be set to: the market unit of 500 g."""
BUTTONS = {
    1: "press",
    2: "double_press",
    3: "triple_press",
    9: "long_press",
    11: "hold_press",
}
"""What a `button` of ShellyBLU says: theengs/decoder src/devices/SBBT_002C_json.h, its lookup."""
_BUTTON = re.compile(r"button([1-4]?)")
FACTS = (
    "brand",
    "model",
    "model_id",
    "name",
    "rssi",
    "packet",
    "weighing_mode",
    "track",
    "unlocked",
    "uuid",
    "major",
    "minor",
)

_loads = msgspec.json.Decoder().decode
_dumps = msgspec.json.Encoder().encode


def subject(raw: Raw) -> str:
    """The address where the topic ends in one, else the topic."""
    topic = raw.topic if isinstance(raw, MqttMessage) else ""
    end = topic.rpartition("/")[2].upper()
    return _with_colons(end) if ADDRESS.fullmatch(end) else topic


def _with_colons(address: str) -> str:
    return ":".join(address[at : at + 2] for at in range(0, 12, 2))


def decode(raw: Raw, known: Known) -> Decoded:
    if not isinstance(raw, MqttMessage):
        raise DecodeError("no message of OpenMQTTGateway", raw_bytes(raw))
    device = subject(raw)
    if raw.topic.endswith("/LWT"):
        words = {b"online": True, b"offline": False}
        if raw.payload not in words:
            raise DecodeError("neither online nor offline", raw.payload)
        return Decoded(facts=(Fact(device=device, name="online", value=words[raw.payload]),))
    if raw.topic.endswith("/SYStoMQTT") or "/commands/" in raw.topic:
        return Decoded()
    try:
        said = _loads(raw.payload)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise DecodeError("no JSON", raw.payload) from None
    if not isinstance(said, dict):
        raise DecodeError("no JSON object", raw.payload)
    address = said.get("id")
    if device == raw.topic and isinstance(address, str):
        address = address.upper().replace(":", "")
        device = _with_colons(address) if ADDRESS.fullmatch(address) else device
    return _of_sensor(device, said, raw)


def note(raw: Raw, known: Known) -> str:
    """What a message is that measures nothing."""
    if not isinstance(raw, MqttMessage):
        return ""
    if "/commands/" in raw.topic:
        return "a command to the gateway"
    if raw.topic.endswith("/LWT"):
        return "whether the gateway is online"
    if raw.topic.endswith("/SYStoMQTT"):
        return "how the gateway is"
    return f"a beacon or device was seen; {unmeasured(raw.payload)}"


def _of_sensor(device: str, said: Mapping[str, object], raw: MqttMessage) -> Decoded:
    measurements: list[Measurement] = []
    events: list[Event] = []
    facts = [
        Fact(device=device, name=name, value=said[name])
        for name in FACTS
        if isinstance(said.get(name), str | int | float)
    ]
    refused: dict[str, object] = {}
    for name, value in said.items():
        try:
            found = _measured(name, value, said)
        except ValueError as wrong:
            refused[name] = str(wrong) or value
            continue
        if isinstance(found, Measurement):
            if not (raw.retained and name not in STATES and name not in WORDS):
                measurements.append(_of(device, found))
        elif isinstance(found, Event) and not raw.retained:
            events.append(_of(device, found))
    if refused:
        if not (measurements or events):
            raise DecodeError(
                "; ".join(f"{name}: {why}" for name, why in refused.items()), raw.payload
            )
        facts.append(Fact(device=device, name="not_understood", value=refused))
    return Decoded(tuple(measurements), tuple(events), tuple(facts))


def _of(device: str, item: Any) -> Any:
    return msgspec.structs.replace(item, device=device)


def _measured(name: str, value: object, said: Mapping[str, object]) -> Measurement | Event | None:
    """What a property says, of no device yet; None: nothing for us. ValueError: not understood."""
    if name == "weight":
        return _weight(value, said)
    if name in METERS:
        unit_at, units = METERS[name]
        return _metered(value, said.get(unit_at), units)
    if name == "state" and said.get("model_id") == BRUSH and value in BRUSHING:
        return Measurement(device="", metric="running", value=BRUSHING[str(value)], unit="1")
    if name == "pres" and isinstance(value, bool):
        return Measurement(device="", metric="presence", value=float(value), unit="1")
    numbered = _PARTS.fullmatch(name)
    row = NUMBERS["tempc"] if numbered else NUMBERS.get(name)
    if row is not None:
        number = _number(value)
        if row.bounded and not METRICS[row.metric].plausible(number):
            raise ValueError(f"{value!r} is no {METRICS[row.metric].title.lower()}")
        part = int(numbered[1]) if numbered else None
        return Measurement(device="", metric=row.metric, value=number, unit=row.unit, part=part)
    if name in STATES and isinstance(value, bool | int):
        if value not in (0, 1):
            raise ValueError(f"{value!r} is neither true nor false")
        return Measurement(device="", metric=STATES[name], value=float(value), unit="1")
    if name in WORDS and isinstance(value, str):
        if value not in WORDS[name]:
            raise ValueError(f"{value!r} is not known")
        metric, state = WORDS[name][value]
        return Measurement(device="", metric=metric, value=state, unit="1")
    pressed = _BUTTON.fullmatch(name)
    if pressed:
        return _press(value, pressed[1], said)
    if name == "action" and isinstance(value, str) and value:
        return Event(device="", event="button_pressed", detail=value)
    return None


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("no number")
    try:
        number = float(value)
    except (ValueError, OverflowError):
        raise ValueError("no number") from None
    if not math.isfinite(number):
        raise ValueError("no finite number")
    return number


def _weight(value: object, said: Mapping[str, object]) -> Measurement:
    unit = said.get("unit")
    metric = "body_weight" if said.get("weighing_mode", "person") == "person" else "mass"
    if unit == "jin":
        return Measurement(device="", metric=metric, value=_number(value) * JIN_IN_KG, unit="kg")
    code = unit_of(metric, unit if isinstance(unit, str) else None)
    return Measurement(device="", metric=metric, value=_number(value), unit=code)


def _metered(
    value: object, unit: object, units: Mapping[str, tuple[str, str]]
) -> Measurement | None:
    """None for gas and water, of which a meter does not say which it is."""
    if not isinstance(unit, str) or unit not in units:
        return None
    metric, code = units[unit]
    return Measurement(device="", metric=metric, value=_number(value), unit=code)


def _press(value: object, number: str, said: Mapping[str, object]) -> Event | None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("no number")
    if value == 0:
        return None
    packet = said.get("packet")
    return Event(
        device="",
        event="button_pressed",
        key=str(packet) if isinstance(packet, int) else None,
        detail=BUTTONS.get(value, str(value)),
        part=int(number) if number else None,
    )


def encode(
    *,
    measurements: Sequence[Measurement] = (),
    events: Sequence[Event] = (),
    facts: Sequence[Fact] = (),
    known: Known = NOTHING_KNOWN,
) -> bytes:
    """The payload of a sensor's message, or of the gateway's own (the fact `online`)."""
    for online in (fact.value for fact in facts if fact.name == "online"):
        return b"online" if online else b"offline"
    said: dict[str, object] = {fact.name: fact.value for fact in facts if fact.name in FACTS}
    for item in measurements:
        said |= _property(item)
    for event in events:
        said |= _button(event)
    return _dumps(said)


def _property(item: Measurement) -> dict[str, object]:
    if item.metric in ("body_weight", "mass"):
        mode = "person" if item.metric == "body_weight" else "object"
        unit = "lb" if item.unit == "[lb_av]" else "kg"
        return {"weighing_mode": mode, "unit": unit, "weight": item.value}
    if item.metric == "running":
        return {"model_id": BRUSH, "state": "running" if item.value else "idle"}
    for name, (unit_at, units) in METERS.items():
        for word, (metric, code) in units.items():
            if (metric, code) == (item.metric, item.unit):
                return {name: item.value, unit_at: word}
    for name, row in NUMBERS.items():
        if row.metric == item.metric:
            end = "" if item.part is None else str(item.part)
            return {name + end: convert(item.metric, item.value, item.unit, row.unit)}
    for name, metric in STATES.items():
        if metric == item.metric:
            return {name: bool(item.value)}
    raise ValueError(f"no property of Theengs says {item.metric}")


def _button(event: Event) -> dict[str, object]:
    if event.event != "button_pressed":
        raise ValueError(f"no property of Theengs says {event.event}")
    codes = {word: code for code, word in BUTTONS.items()}
    name = "button" if event.part is None else f"button{event.part}"
    if event.detail in codes or (event.detail or "").isdecimal():
        said: dict[str, object] = {name: codes.get(event.detail or "") or int(event.detail or 0)}
    else:
        said = {"action": event.detail}
    return said if event.key is None else {"packet": int(event.key)} | said


_TESTS = "theengs/decoder@d6fdd205 tests/BLE/test_ble.cpp"
_AT = "home/OpenMQTTGateway/BTtoMQTT/3C2EF5AABBCC"
_RENAMED = "the address and other words of the gateway are no facts of ours"

DEVICE = Device(
    key="openmqttgateway",
    title="Bluetooth sensors through OpenMQTTGateway or Theengs Gateway",
    known_by=KnownBy.CAPTURED,
    sources=(
        "https://docs.openmqttgateway.com/use/ble.html",
        "https://gateway.theengs.io/use/use.html",
        "https://decoder.theengs.io, src/devices",
    ),
    claims=(
        Claim(topic="home/+/BTtoMQTT/#"),
        Claim(topic="home/+/LWT"),
        Claim(topic="home/+/SYStoMQTT"),
        Claim(topic="home/+/commands/#"),
    ),
    metrics=tuple(
        dict.fromkeys(
            (
                *(row.metric for row in NUMBERS.values()),
                *STATES.values(),
                *(metric for words in WORDS.values() for metric, _ in words.values()),
                *(metric for _, units in METERS.values() for metric, _ in units.values()),
                "running",
                "body_weight",
                "mass",
            )
        )
    ),
    events=("button_pressed",),
    decode=decode,
    encode=encode,
    subject=subject,
    note=note,
    vectors=(
        Vector(
            at=_AT,
            frame='{"brand":"Shelly","model":"ShellyBLU Button1","model_id":"SBBT-002C",'
            '"packet":30,"batt":100.0,"button":2}',
            expected={"battery": (100.0, "%"), "button_pressed": "double_press"},
            source=_TESTS,
            note="the line of that test without `type`, `acts` and `cont`",
        ),
        Vector(
            at=_AT,
            frame='{"brand":"Xiaomi","model":"Mi Smart Scale","weighing_mode":"person",'
            '"unit":"kg","weight":61.75}',
            expected={"body_weight": (61.75, "kg")},
            source=_TESTS,
        ),
        Vector(
            at=_AT,
            frame='{"brand":"Xiaomi","model":"Mi Smart Scale","weighing_mode":"object",'
            '"unit":"kg","weight":9.55}',
            expected={"mass": (9.55, "kg")},
            source=_TESTS,
            note="nobody stood on it, whatever the model is: not body weight",
        ),
        Vector(
            at=_AT,
            frame='{"weighing_mode":"person","weight":154.3}',
            expected=None,
            source="composed from " + _TESTS + " without its unit: kg or lb",
        ),
        Vector(
            at=_AT,
            frame='{"id":"4C:33:A6:60:3C:79","hum":"52.6","tempc":"19.2","tempf":"66.56"}',
            expected={"room_humidity": (52.6, "%"), "room_temperature": (19.2, "Cel")},
            source="1technophile/OpenMQTTGateway docs/use/ble.md@03025342",
            lossless=False,
            note=_RENAMED,
        ),
        Vector(
            at="home/OpenMQTTGateway/LWT",
            frame="online",
            expected={},
            source="1technophile/OpenMQTTGateway docs/use/gateway.md",
        ),
        Vector(
            at="home/OpenMQTTGateway/SYStoMQTT",
            frame="{}",
            expected={},
            source="1technophile/OpenMQTTGateway docs/use/gateway.md; its contents are not used",
        ),
        Vector(
            at="home/OpenMQTTGateway/commands/MQTTtoBT/config",
            frame="{}",
            expected={},
            source="1technophile/OpenMQTTGateway docs/use/ble.md; its contents are not used",
        ),
    ),
)
