"""Tasmota: plugs, sensors and a Zigbee bridge on small boards.

Topics: tele/<t>/SENSOR, STATE, LWT and RESULT, stat/<t>/..., or the same with the device first
(<t>/tele/SENSOR), as its `FullTopic` is set. A message is a JSON object: sensors by their chip's
name, ENERGY, POWER1..., Switch1..., Button1...; LWT and stat/<t>/POWER are plain text.

`TempUnit` and `PressureUnit` are said in the message; Tasmota says C and hPa unless it is set to
other ones, and then says so. `ENERGY.Power` may be a list: parts 1, 2, ... `Time` is the device's
own wall clock without a zone.

Zigbee2Tasmota (`ZbReceived`) speaks for other devices: <device>/<short address> each. What it
forwards is what the sensor sent: 1 for a contact is open, for a movement seen.

An input (`Switch1`) is a contact, a movement sensor or a push button: only who wired it knows, so
it is the state `on`, which a mapping can name better. A retained message says no event, and no
quantity without its time.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

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
from devices.metrics import METRICS, Kind
from devices.model import Decoded, Event, Fact, Measurement, MqttMessage, Raw
from devices.moments import moment
from devices.plain import is_on, json_object, number, text, unmeasured
from devices.units import convert, unit_of

KINDS = ("tele", "stat", "cmnd")
LWT = {"Online": True, "Offline": False}

# https://tasmota.github.io/docs/Supported-Peripherals/ and Zigbee/: key, metric, unit.
NUMBERS: dict[str, tuple[str, str]] = {
    "Temperature": ("room_temperature", "Cel"),
    "Humidity": ("room_humidity", "%"),
    "DewPoint": ("dew_point", "Cel"),
    "Pressure": ("air_pressure", "hPa"),
    "Illuminance": ("illuminance", "lx"),
    "CarbonDioxide": ("carbon_dioxide", "[ppm]"),
    "CO2": ("carbon_dioxide", "[ppm]"),
    "PM2.5": ("pm2_5", "ug/m3"),
    "PM10": ("pm10", "ug/m3"),
    "Distance": ("distance", "cm"),
    "Moisture": ("soil_moisture", "%"),
    "LocalTemperature": ("room_temperature", "Cel"),
    "Battery": ("battery", "%"),
    "BatteryVoltage": ("voltage", "V"),
    "BatteryPercentage": ("battery", "%"),
    "Power": ("power", "W"),
    "Voltage": ("voltage", "V"),
    "Current": ("current", "A"),
    "Total": ("energy", "kW.h"),
}
UNIT_KEYS = {
    "Temperature": "TempUnit",
    "LocalTemperature": "TempUnit",
    "DewPoint": "TempUnit",
    "Pressure": "PressureUnit",
}
UNIT_WORDS = {"C": "Cel", "F": "[degF]", "hPa": "hPa", "mmHg": "mm[Hg]", "inHg": "[in_i'Hg]"}
OWN_CHIPS = ("ESP32",)
"""The board's own chip, whose temperature is no room's: tasmota.github.io/docs/ESP32/."""
ENERGY = ("Power", "Voltage", "Current", "Total")
# https://tasmota.github.io/docs/Zigbee/: what a sensor says through the bridge.
ZIGBEE_STATES = {
    "Occupancy": "movement", "Movement": "movement", "Motion": "movement",
    "Contact": "opening_open", "Power": "power_on", "Water": "water_leak", "Smoke": "smoke",
    "Fire": "smoke", "CO": "carbon_monoxide", "Presence": "presence", "Vibration": "vibration",
    "AqaraVibrationMode": "vibration", "Tamper": "tamper", "BatteryLow": "battery_low",
}  # fmt: skip
VIBRATION = frozenset({"vibrate", "vibration", "tilt", "drop"})
ZIGBEE_EVENTS = ("Click", "action", "Action")
# The same page, "Receiving Commands": what a remote's button sends is a command, named as a cluster
# and a number beside the plain name of it ("0006!02" and "Power": 2).
COMMAND = re.compile(r"[0-9A-F]{4}![0-9A-F]{2}")
PRESSES: dict[str, dict[object, str]] = {
    "Power": {0: "off", 1: "on", 2: "toggle"},
    "DimmerUp": {True: "dimmer_up"},
    "DimmerDown": {True: "dimmer_down"},
    "DimmerStep": {0: "dimmer_up", 1: "dimmer_down"},
    "DimmerMove": {0: "dimmer_up_hold", 1: "dimmer_down_hold"},
    "DimmerStop": {True: "dimmer_stop"},
    "ArrowClick": {0: "arrow_right", 1: "arrow_left"},
}
RELEASES = ("DimmerStop",)
ZIGBEE_SAID = ("ZbReceived", "ZbInfo")
_STATE_PART = re.compile(r"POWER(\d*)")
_SWITCH = re.compile(r"Switch(\d+)")
_BUTTON = re.compile(r"Button(\d+)")

_dumps = msgspec.json.Encoder().encode


def subject(raw: Raw) -> str:
    """The device's own part of the topic: "sonoff_desk" of tele/sonoff_desk/SENSOR."""
    topic = raw.topic if isinstance(raw, MqttMessage) else ""
    levels = topic.split("/")
    if levels[0] == "tasmota" and levels[1:2] == ["discovery"]:
        return "/".join(levels[:3])
    rest = [level for level in levels[:-1] if level not in KINDS]
    return "/".join(rest) or topic


def decode(raw: Raw, known: Known) -> Decoded:
    if not isinstance(raw, MqttMessage):
        raise DecodeError("no message of Tasmota", raw_bytes(raw))
    device, last = subject(raw), raw.topic.rpartition("/")[2]
    if last == "LWT":
        word = text(raw.payload)
        if word not in LWT:
            raise DecodeError("neither Online nor Offline", raw.payload)
        return Decoded((_state(device, "device_online", LWT[word], None, None),))
    if "cmnd" in raw.topic.split("/") or raw.topic.startswith("tasmota/"):
        return Decoded()
    if not raw.payload.lstrip().startswith(b"{"):
        return _of_text(device, last, raw)
    said = json_object(raw.payload)
    taken_at, facts = _time(device, said)
    items = list(_spoken(device, said, taken_at))
    quantities_too = not raw.retained or taken_at is not None
    return Decoded(
        tuple(
            item
            for item in items
            if isinstance(item, Measurement)
            and (quantities_too or METRICS[item.metric].kind is Kind.STATE)
        ),
        tuple(item for item in items if isinstance(item, Event) and not raw.retained),
        (*facts, *(item for item in items if isinstance(item, Fact))),
    )


def note(raw: Raw, known: Known) -> str:
    """What a message is that measures nothing."""
    if not isinstance(raw, MqttMessage):
        return ""
    if "cmnd" in raw.topic.split("/"):
        return "a command to the device"
    if raw.topic.startswith("tasmota/discovery/"):
        return "the device announces itself"
    return unmeasured(raw.payload)


def _of_text(device: str, last: str, raw: MqttMessage) -> Decoded:
    """stat/<t>/POWER1 is ON or OFF; other plain answers are none of ours."""
    power = _STATE_PART.fullmatch(last)
    if power is None:
        text(raw.payload)
        return Decoded()
    try:
        is_it = is_on(text(raw.payload))
    except ValueError as wrong:
        raise DecodeError(str(wrong), raw.payload) from None
    return Decoded((_state(device, "power_on", is_it, _part(power[1]), None),))


def _time(device: str, said: Mapping[str, object]) -> tuple[datetime | None, tuple[Fact, ...]]:
    if "Time" not in said:
        return None, ()
    try:
        return moment(said["Time"]), ()
    except ValueError:
        return None, (Fact(device=device, name="not_understood", value={"Time": said["Time"]}),)


def _part(digits: str) -> int | None:
    return int(digits) if digits else None


def _state(
    device: str,
    metric: str,
    is_it: bool,
    part: int | None,
    taken_at: datetime | None,
) -> Measurement:
    return Measurement(
        device=device, metric=metric, value=float(is_it), unit="1", taken_at=taken_at, part=part
    )


Spoken = Measurement | Event | Fact


def _spoken(device: str, said: Mapping[str, object], taken_at: datetime | None) -> Iterator[Spoken]:
    nested = said.get("StatusSNS") or said.get("StatusSTS")
    if isinstance(nested, Mapping):
        at, _ = _time(device, nested)
        yield from _spoken(device, nested, at)
        return
    for name, value in said.items():
        if name == "ENERGY" and isinstance(value, Mapping):
            yield from _numbers(device, {key: value.get(key) for key in ENERGY}, said, taken_at)
        elif name in ZIGBEE_SAID and isinstance(value, Mapping):
            for address, inner in value.items():
                if isinstance(inner, Mapping):
                    yield from _zigbee(f"{device}/{address}", inner)
        elif name == "ZbState" and isinstance(value, Mapping):
            yield Fact(device=device, name="zigbee", value=dict(value))
        elif name in OWN_CHIPS:
            continue
        elif isinstance(value, Mapping) and not _is_input(name):
            yield from _numbers(device, value, said, taken_at)
        else:
            yield from _input(device, name, value, taken_at)


def _is_input(name: str) -> bool:
    return bool(_SWITCH.fullmatch(name) or _BUTTON.fullmatch(name))


def _input(device: str, name: str, value: object, taken_at: datetime | None) -> Iterator[Spoken]:
    """POWER1, Switch1 or Button1, plain or as {"Action": ...}."""
    word = value.get("Action") if isinstance(value, Mapping) else value
    if not isinstance(word, str) or word in ("", "NONE"):
        return
    button = _BUTTON.fullmatch(name)
    if button:
        yield Event(
            device=device,
            event="button_pressed",
            detail=word.lower(),
            part=int(button[1]),
            taken_at=taken_at,
        )
        return
    for pattern, metric in ((_STATE_PART, "power_on"), (_SWITCH, "on")):
        found = pattern.fullmatch(name)
        if found:
            try:
                yield _state(device, metric, is_on(word), _part(found[1]), taken_at)
            except ValueError:
                yield Fact(device=device, name="not_understood", value={name: word})


def _numbers(
    device: str, inner: Mapping[str, object], said: Mapping[str, object], taken_at: datetime | None
) -> Iterator[Spoken]:
    """The quantities of one sensor; a list is one for each of its parts."""
    for name, value in inner.items():
        if name not in NUMBERS or value is None:
            continue
        metric, unit = NUMBERS[name]
        asked = UNIT_KEYS.get(name, "")
        stated = inner.get(asked, said.get(asked))
        values = value if isinstance(value, list) else [value]
        for place, single in enumerate(values, 1):
            try:
                code = unit_of(metric, UNIT_WORDS.get(str(stated), str(stated)) if stated else unit)
                yield Measurement(
                    device=device,
                    metric=metric,
                    value=number(single),
                    unit=code,
                    taken_at=taken_at,
                    part=place if len(values) > 1 else None,
                )
            except ValueError:
                yield Fact(device=device, name="not_understood", value={name: single})


def _zigbee(device: str, inner: Mapping[str, object]) -> Iterator[Spoken]:
    name = inner.get("Name")
    if isinstance(name, str):
        yield Fact(device=device, name="name", value=name)
    sent = [key for key, value in inner.items() if _press(key, value)]
    if any(COMMAND.fullmatch(key) for key in inner) and sent:
        for key in sent:
            event = "button_released" if key in RELEASES else "button_pressed"
            yield Event(device=device, event=event, detail=_press(key, inner[key]))
        return
    numbers = {key: value for key, value in inner.items() if key not in ZIGBEE_STATES}
    yield from _numbers(device, numbers, inner, None)
    for key, value in inner.items():
        if key in ZIGBEE_EVENTS and isinstance(value, str):
            yield Event(device=device, event="button_pressed", detail=value)
        elif key in ZIGBEE_STATES:
            try:
                is_it = value in VIBRATION if key == "AqaraVibrationMode" else is_on(value)
                yield _state(device, ZIGBEE_STATES[key], is_it, None, None)
            except (ValueError, TypeError):
                yield Fact(device=device, name="not_understood", value={key: value})


def _press(key: str, value: object) -> str | None:
    return PRESSES.get(key, {}).get(value) if isinstance(value, int) else None


def encode(
    *,
    measurements: Sequence[Measurement] = (),
    events: Sequence[Event] = (),
    facts: Sequence[Fact] = (),
    known: Known = NOTHING_KNOWN,
) -> bytes:
    """A payload for the topic known["at"]; without it, that of SENSOR."""
    last = str(known.get("at", "SENSOR")).rpartition("/")[2]
    if last == "LWT":
        return b"Online" if any(item.value for item in measurements) else b"Offline"
    if _STATE_PART.fullmatch(last):
        return b"ON" if any(item.value for item in measurements) else b"OFF"
    spoken: tuple[Measurement | Event, ...] = (*measurements, *events)
    said: dict[str, object] = {}
    taken_at = next((item.taken_at for item in spoken if item.taken_at), None)
    if taken_at:
        said["Time"] = taken_at.isoformat()
    named = [fact for fact in facts if fact.name == "name"]
    if named:
        inner = {"Name": named[0].value} | _of_zigbee(measurements, events)
        return _dumps(said | {"ZbReceived": {named[0].device.rpartition("/")[2]: inner}})
    for fact in facts:
        said |= {"ZbState": fact.value} if fact.name == "zigbee" else {}
    energy: dict[str, object] = {}
    sensor: dict[str, object] = {}
    for item in measurements:
        key, value = _key(item)
        if key in ENERGY:
            energy[key] = [*_listed(energy.get(key)), value] if item.part else value
        elif key in NUMBERS:
            sensor[key] = value
        else:
            said[key] = value
    for event in events:
        if event.event != "button_pressed":
            raise ValueError(f"Tasmota does not say {event.event}")
        said[f"Button{event.part or 1}"] = {"Action": (event.detail or "single").upper()}
    said |= {"SENSOR": sensor} if sensor else {}
    return _dumps(said | ({"ENERGY": energy} if energy else {}))


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _key(item: Measurement) -> tuple[str, object]:
    if item.metric == "power_on":
        return f"POWER{item.part or ''}", "ON" if item.value else "OFF"
    if item.metric == "on":
        return f"Switch{item.part or 1}", {"Action": "ON" if item.value else "OFF"}
    for key, (metric, unit) in NUMBERS.items():
        if metric == item.metric:
            return key, convert(metric, item.value, item.unit, unit)
    raise ValueError(f"Tasmota does not say {item.metric}")


def _of_zigbee(measurements: Sequence[Measurement], events: Sequence[Event]) -> dict[str, object]:
    states = {metric: key for key, metric in reversed(ZIGBEE_STATES.items())}
    said: dict[str, object] = {}
    for item in measurements:
        if item.metric in states:
            said[states[item.metric]] = int(item.value)
        else:
            key, value = _key(item)
            said[key] = value
    for event in events:
        said["Click"] = event.detail
    return said


_HA = "home-assistant/core tests/components/tasmota"
_SHORTER = "what is no measurement of ours is left out"

DEVICE = Device(
    key="tasmota",
    title="Plugs, sensors and the Zigbee bridge of Tasmota",
    known_by=KnownBy.SPECIFICATION,
    sources=(
        "https://tasmota.github.io/docs/MQTT/",
        "https://tasmota.github.io/docs/Zigbee/",
    ),
    claims=(
        Claim(topic="tele/#"),
        Claim(topic="stat/#"),
        Claim(topic="+/tele/#"),
        Claim(topic="+/stat/#"),
        Claim(topic="cmnd/#"),
        Claim(topic="+/cmnd/#"),
        Claim(topic="tasmota/discovery/#"),
    ),
    metrics=tuple(
        dict.fromkeys(
            (
                *(metric for metric, _ in NUMBERS.values()),
                *ZIGBEE_STATES.values(),
                "on",
                "device_online",
            )
        )
    ),
    events=("button_pressed", "button_released"),
    decode=decode,
    encode=encode,
    subject=subject,
    note=note,
    vectors=(
        Vector(
            at="tele/sonoff_desk/SENSOR",
            frame='{"Time":"2023-05-19T20:52:56","ENERGY":{"Total":514.153,"Today":0.537,'
            '"Power":56,"Factor":0.61,"Voltage":234,"Current":0.392}}',
            expected={
                "power": (56.0, "W"),
                "voltage": (234.0, "V"),
                "current": (0.392, "A"),
                "energy": (514.153, "kW.h"),
                "taken_at": "2023-05-19T20:52:56",
            },
            source="a public test, shortened",
            lossless=False,
            note=_SHORTER,
        ),
        Vector(
            at="tele/plugs/SENSOR",
            frame='{"ENERGY":{"Power":[12.0,0.0]}}',
            expected={"power": [(12.0, "W"), (0.0, "W")]},
            source="composed: a plug with two sockets, by tasmota.github.io/docs/JSON-Status",
        ),
        Vector(
            at="tasmota_49A3BC/stat/RESULT",
            frame='{"Switch1":{"Action":"ON"}}',
            expected={"on": (1.0, "1")},
            source=_HA + "/test_binary_sensor.py",
        ),
        Vector(
            at="tasmota_49A3BC/tele/LWT",
            frame="Online",
            expected={"device_online": (1.0, "1")},
            source=_HA,
        ),
        Vector(
            at="stat/kettle/POWER",
            frame="OFF",
            expected={"power_on": (0.0, "1")},
            source="https://tasmota.github.io/docs/MQTT/",
        ),
        Vector(
            at="tele/bridge/SENSOR",
            frame='{"ZbReceived":{"0x8F20":{"Name":"Kitchen","Voltage":2.995,"Battery":98,'
            '"Temperature":21.01,"Humidity":53.68,"Pressure":1004.04,"PressureUnit":"hPa",'
            '"Endpoint":1,"LinkQuality":88}}}',
            expected={
                "voltage": (2.995, "V"),
                "battery": (98.0, "%"),
                "room_temperature": (21.01, "Cel"),
                "room_humidity": (53.68, "%"),
                "air_pressure": (1004.04, "hPa"),
            },
            source="tasmota/docs docs/Zigbee.md@005692a9",
            lossless=False,
            note=_SHORTER,
        ),
        Vector(
            at="cmnd/kettle/Status",
            frame="{}",
            expected={},
            source="composed from https://tasmota.github.io/docs/MQTT/; a command is none of ours",
        ),
        Vector(
            at="tasmota_49A3BC/cmnd/Status",
            frame="{}",
            expected={},
            source="composed from https://tasmota.github.io/docs/MQTT/; the prefix comes second",
        ),
        Vector(
            at="tasmota/discovery/49A3BC/config",
            frame="{}",
            expected={},
            source="https://tasmota.github.io/docs/MQTT/; its contents are not used",
            lossless=True,
        ),
    ),
)
