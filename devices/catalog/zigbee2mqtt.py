"""Zigbee2MQTT: what Zigbee sensors, buttons and plugs say through its bridge.

Topics: zigbee2mqtt/<friendly name> (a JSON object of properties), .../availability, and
zigbee2mqtt/bridge/# of the bridge itself. A friendly name may hold slashes.

Polarity and units differ by model. zigbee2mqtt/bridge/devices tells them for each device under
`exposes`; they become the fact `exposes` of that device, {property: {"on", "off", "unit"}}, and
rule over the defaults here. "on" is what the property is named after: a contact that is on is
open, as Home Assistant reads it (most models send `contact: false` then).

Events are no state: `action`, `sos` and a fall are heard when they happen, and a retained message,
which repeats what happened before we listened, says no event. A radar repeats its fall status in
each message, so a fall is one event until the status changes; the last status is a fact.
A retained quantity without `last_seen` was measured nobody knows when, and is left out; a retained
state still holds.

A property of several like parts ends in the part's name (`state_l1`, `temperature_2`); a number
from 9 on is a Zigbee endpoint of a device that has one such part (`temperature_38`).

A property that we know with a value that we do not becomes the fact `not_understood`.

Told to (`output: attribute`), the bridge says each property on a topic of its own, plainly:
zigbee2mqtt/<friendly name>/<property>. A button's press is said so beside the JSON in any case.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from devices.codec import (
    NOTHING_KNOWN,
    Claim,
    DecodeError,
    Device,
    Known,
    KnownBy,
    Place,
    Vector,
    raw_bytes,
)
from devices.metrics import METRICS
from devices.model import Decoded, Event, Fact, Measurement, MqttMessage, Raw
from devices.moments import moment
from devices.plain import unmeasured
from devices.units import convert, unit_of

BASE = "zigbee2mqtt/"
BRIDGE = BASE + "bridge"
AVAILABILITY = "/availability"
REQUESTS = ("/set", "/get")

NUMBERS = {
    "temperature": "room_temperature",
    "local_temperature": "room_temperature",
    "current_temperature": "room_temperature",
    "humidity": "room_humidity",
    "pressure": "air_pressure",
    "illuminance": "illuminance",
    "illuminance_lux": "illuminance",
    "battery": "battery",
    "co2": "carbon_dioxide",
    "co": "carbon_monoxide_level",
    "co_ppm": "carbon_monoxide_level",
    "carbon_monoxide_value": "carbon_monoxide_level",
    "voc_index": "voc_index",
    "pm25": "pm2_5",
    "pm10": "pm10",
    "dew_point": "dew_point",
    "soil_moisture": "soil_moisture",
    "formaldehyd": "formaldehyde",
    "formaldehyde": "formaldehyde",
    "hcho": "formaldehyde",
    "voc": "volatile_organic_compounds",
    "weight": "mass",
    "ambient_light": "illuminance",
    "power": "power",
    "current": "current",
    "energy": "energy",
    "voltage": "voltage",
    "target_distance": "distance",
    "distance": "distance",
    "breathing_rate": "respiratory_rate",
    "heart_rate": "pulse_rate",
    "heartrate": "pulse_rate",
}
"""Property: metric."""
UNITS = {
    "temperature": "Cel",
    "local_temperature": "Cel",
    "current_temperature": "Cel",
    "dew_point": "Cel",
    "pressure": "hPa",
    "power": "W",
    "current": "A",
    "energy": "kW.h",
}
"""The unit where the model's `exposes` are not known."""
UNIT_NEEDED = frozenset({"voc"})
"""Given in µg/m³ by some models and in ppb by others, so without `exposes` it is not known."""
VOLTAGES = ((80.0, 480.0, "V"), (1000.0, 20_000.0, "mV"))
"""From, to, unit: a voltage without `exposes`. Mains are given in V and cells in mV, and these
spans fit one of them only: no cell has under half a volt, no plug over a thousand. Others are
unknown."""


@dataclass(frozen=True, slots=True)
class State:
    """A property that is on or off, and what it sends for it unless its model says otherwise."""

    metric: str
    on: object = True
    off: object = False


STATES = {
    "contact": State("door_open", on=False, off=True),
    "occupancy": State("movement"),
    "presence": State("presence"),
    "motion": State("movement"),
    "pir": State("movement"),
    "pir_detection": State("movement"),
    "bed_occupied": State("bed_occupied"),
    "window_open": State("window_open"),
    "garage_door_contact": State("garage_door_open", on=False, off=True),
    "charging": State("battery_charging"),
    "charging_status": State("battery_charging"),
    "consumer_connected": State("plugged_in"),
    "alarm": State("alarm"),
    "test": State("under_test"),
    "smoke": State("smoke"),
    "carbon_monoxide": State("carbon_monoxide"),
    "gas": State("gas"),
    "water_leak": State("water_leak"),
    "active_water_leak": State("water_leak"),
    "vibration": State("vibration"),
    "moving": State("moving"),
    "tamper": State("tamper"),
    "battery_low": State("battery_low"),
    "state": State("power_on", on="ON", off="OFF"),
}
PROBLEMS = ("trouble", "fault", "battery_defect", "fault_alarm")
"""One `problem`: any of these is true."""
SWITCHED = {"ON": True, "OFF": False}
"""How some models say true and false. Not for a contact: which of them is open differs."""

WORDS: dict[str, dict[str, tuple[str, float]]] = {
    "battery_low": {"low": ("battery_low", 1.0), "normal": ("battery_low", 0.0)},
    "battery_level": {
        "low": ("battery_low", 1.0),
        "middle": ("battery_low", 0.0),
        "high": ("battery_low", 0.0),
    },
    "charging_status": {
        "charging": ("battery_charging", 1.0),
        "charged": ("battery_charging", 0.0),
        "fullycharged": ("battery_charging", 0.0),
        "uncharged": ("battery_charging", 0.0),
        "notcharged": ("battery_charging", 0.0),
        "none": ("battery_charging", 0.0),
    },
    "window_open": {
        "open": ("window_open", 1.0),
        "yes": ("window_open", 1.0),
        "close": ("window_open", 0.0),
        "closed": ("window_open", 0.0),
        "no": ("window_open", 0.0),
    },
    "window": {
        "open": ("window_open", 1.0),
        "opened": ("window_open", 1.0),
        "close": ("window_open", 0.0),
        "closed": ("window_open", 0.0),
    },
    "battery_state": {
        "low": ("battery_low", 1.0),
        "middle": ("battery_low", 0.0),
        "medium": ("battery_low", 0.0),
        "high": ("battery_low", 0.0),
        "full": ("battery_low", 0.0),
        "charging": ("battery_charging", 1.0),
        "discharging": ("battery_charging", 0.0),
        "not_charging": ("battery_charging", 0.0),
    },
    "work_state": {
        "presence": ("bed_occupied", 1.0),
        "presence_5min": ("bed_occupied", 1.0),
        "presence_30min": ("bed_occupied", 1.0),
        "none": ("bed_occupied", 0.0),
        "none_5min": ("bed_occupied", 0.0),
        "none_30min": ("bed_occupied", 0.0),
    },
    "status": {
        "on_the_bed": ("bed_occupied", 1.0),
        "sitting": ("seat_occupied", 1.0),
        "low_posture": ("presence", 1.0),
        "occupied": ("presence", 1.0),
        "unoccupied": ("presence", 0.0),
    },
    "pressure_state": {
        "sit": ("seat_occupied", 1.0),
        "none": ("seat_occupied", 0.0),
        "sedentary": ("seat_occupied", 1.0),
    },
    "presence_state": {
        word: ("presence", 0.0 if word == "none" else 1.0)
        for word in (
            "none",
            "presence",
            "peaceful",
            "small_movement",
            "large_movement",
            "motion",
            "stationary",
        )
    },
    "human_motion_state": {
        word: ("presence", 0.0 if word == "none" else 1.0)
        for word in ("none", "peaceful", "motion", "active", "static", "small", "large")
    },
    "motion_state": {
        word: ("presence", 0.0 if word == "none" else 1.0)
        for word in ("none", "static", "small", "medium", "large", "far", "near")
    },
    "state": {
        "none": ("presence", 0.0),
        "absence": ("presence", 0.0),
        "open": ("opening_open", 1.0),
        "close": ("opening_open", 0.0),
        "lock": ("unlocked", 0.0),
        "unlock": ("unlocked", 1.0),
        "presence": ("presence", 1.0),
        "move": ("presence", 1.0),
    },
    "sensor_status": {"activity": ("movement", 1.0)},
    "lock_state": {
        "locked": ("unlocked", 0.0),
        "unlocked": ("unlocked", 1.0),
        "not_fully_locked": ("unlocked", 1.0),
    },
    "window_state": {
        "open": ("window_open", 1.0),
        "closed": ("window_open", 0.0),
        "close": ("window_open", 0.0),
    },
    "door_state": {
        "open": ("door_open", 1.0),
        "error_forced_open": ("door_open", 1.0),
        "closed": ("door_open", 0.0),
    },
    "smoke_state": {"alarm": ("smoke", 1.0), "normal": ("smoke", 0.0), "none": ("smoke", 0.0)},
    "co_state": {"alarm": ("carbon_monoxide", 1.0), "normal": ("carbon_monoxide", 0.0)},
    "gas_sensor_state": {"alarm": ("gas", 1.0), "normal": ("gas", 0.0)},
    "water_leakage_state": {
        "water_leakage_yes": ("water_leak", 1.0),
        "water_leakage_no": ("water_leak", 0.0),
    },
}
"""Property: word: metric and value. Other words of these say nothing for us."""

FALLS = {
    "fall_down_status": {"fall": "fall_detected", "maybe_fall": "fall_suspected"},
    "fall_status": {"fall_alarm": "fall_detected", "fall_warning": "fall_suspected"},
    "status": {"falling": "fall_detected"},
}
"""Property: word: event. From the exposes of MIR-HE200-TY, HS2FD-EF1-3.0 and FDS315."""

PART_WORDS = {
    "left": 1, "right": 2, "center": 3, "top": 1, "bottom": 2, "a": 1, "b": 2, "c": 3,
    "phase_b": 2, "phase_c": 3,
} | {f"{letter}{number}": number for letter in ("l", "") for number in range(1, 9)}  # fmt: skip
"""The end of a property's name, and which of several like parts it means."""
PART = re.compile(r"(.+?)_(phase_[bc]|[a-z]+|l?\d{1,3})$")

SOS_STATES = ("sos", "sos_alarm")
SOS_ACTIONS = frozenset({"emergency", "sos", "panic"})
PRESSES = ("action", "click")
"""`click` is how versions before 1.19 said it."""
RELEASED_ACTIONS = frozenset({"release", "released"})
LOCK_ACTION = re.compile(r"(^|_)(un)?lock(ed)?$")
"""A lock says who used it as an action: keypad_unlock, manual_lock."""
MOVED_ACTIONS = frozenset({"tilt", "drop"})
"""Aqara's vibration sensor, on a bed or a chair, says these without `vibration`."""
SILENT_ACTIONS = frozenset({"", "none", "vibration", "shake", "slide", "flip90", "fall"})
"""Not a person's press. A `vibration` says so as a state too; the others are the moves of Aqara's
cube, and its `fall` is no person's."""
ALARM_PARTS = re.compile(r"(.+)_alarm_([12])$")
"""A sensor with two alarms: herdsman's iasZoneAlarm names them so and sends the polarity of the
property itself, whatever its `exposes` say of a contact."""

_loads = msgspec.json.Decoder().decode
_dumps = msgspec.json.Encoder().encode


def subject(raw: Raw) -> str:
    """The device: zigbee2mqtt/hall, of that topic and of zigbee2mqtt/hall/availability."""
    topic = raw.topic if isinstance(raw, MqttMessage) else ""
    if topic.startswith(BRIDGE + "/"):
        return BRIDGE
    for end in (AVAILABILITY, *REQUESTS):
        if topic.endswith(end):
            return topic.removesuffix(end)
    return topic.rpartition("/")[0] if _attribute(raw) else topic


def _attribute(raw: Raw) -> str:
    """The property of which the topic speaks alone; empty where it speaks of a whole device."""
    if not isinstance(raw, MqttMessage) or raw.payload.lstrip()[:1] in (b"{", b""):
        return ""
    device, _, name = raw.topic.removeprefix(BASE).rpartition("/")
    known = name in SOS_STATES or name in PRESSES or name in FALLS or name in WORDS
    known = known or any(_base(name)[0] in table for table in (NUMBERS, STATES))
    return name if device and known else ""


def decode(raw: Raw, known: Known) -> Decoded:
    if not isinstance(raw, MqttMessage) or not raw.topic.startswith(BASE):
        raise DecodeError("no message of Zigbee2MQTT", raw_bytes(raw))
    device = subject(raw)
    if device == BRIDGE:
        return _of_bridge(raw)
    if raw.topic.endswith(AVAILABILITY):
        return Decoded((_online(device, online=_is_online(raw)),))
    attribute = _attribute(raw)
    if attribute:
        return _of_device(device, {attribute: _plain(raw.payload)}, raw, known)
    if raw.topic != device or not raw.payload:
        return Decoded()
    said = _json(raw)
    if not isinstance(said, dict):
        raise DecodeError("no JSON object: set Zigbee2MQTT's `output` to json", raw.payload)
    return _of_device(device, said, raw, known)


def _json(raw: MqttMessage) -> Any:
    try:
        return _loads(raw.payload)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise DecodeError("no JSON", raw.payload) from None


def _plain(payload: bytes) -> object:
    """A value that is said alone: JSON where it is, else a word."""
    try:
        return _loads(payload)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return payload.decode(errors="replace")


def _is_online(raw: MqttMessage) -> bool:
    """{"state": "online"} since version 2, plain text before."""
    words = {
        b"online": True, b"offline": False,
        b'{"state":"online"}': True, b'{"state":"offline"}': False,
    }  # fmt: skip
    word = raw.payload.replace(b" ", b"")
    if word not in words:
        raise DecodeError("neither online nor offline", raw.payload)
    return words[word]


def _online(device: str, *, online: bool) -> Measurement:
    return Measurement(device=device, metric="device_online", value=float(online), unit="1")


def _of_bridge(raw: MqttMessage) -> Decoded:
    """The bridge's own topics: its state, its devices, a device that left; the rest is empty."""
    match raw.topic.removeprefix(BRIDGE):
        case "/state":
            return Decoded(facts=(Fact(device=BRIDGE, name="online", value=_is_online(raw)),))
        case "/devices":
            return Decoded(facts=tuple(_device_facts(_json(raw), raw.payload)))
        case "/event":
            match _json(raw):
                case {"type": "device_leave", "data": {"friendly_name": str(name)}}:
                    return Decoded((_online(BASE + name, online=False),))
        case "/response/device/remove":
            match _json(raw):
                case {"status": "ok", "data": {"id": str(name)}}:
                    return Decoded((_online(BASE + name, online=False),))
    return Decoded()


BRIDGE_NOTES = {
    "/state": "whether the hub is online",
    "/devices": "the hub's devices",
    "/groups": "the hub's groups",
    "/info": "about the hub",
    "/logging": "a log line of the hub",
    "/log": "a log line of the hub",
    "/definitions": "what the hub can say",
    "/extensions": "the hub's extensions",
    "/converters": "the hub's converters",
    "/health": "how the hub is",
}
EVENT_NOTES = {
    "device_joined": "a device joined",
    "device_announce": "a device announced itself",
    "device_interview": "the hub's interview of a new device",
    "group_added": "a group was added",
}


def note(raw: Raw, known: Known) -> str:
    """What a message is that measures nothing: the bridge's own, a command, other properties."""
    if not isinstance(raw, MqttMessage):
        return ""
    rest = raw.topic.removeprefix(BRIDGE)
    if rest != raw.topic and rest[:1] in ("", "/"):
        return _bridge_note(rest, raw.payload)
    if raw.topic != subject(raw) and not _attribute(raw):
        return "a command to a device"
    return unmeasured(raw.payload) if raw.payload else "cleared: the broker keeps nothing here"


def _bridge_note(rest: str, payload: bytes) -> str:
    try:
        said = _plain(payload) if payload else None
    except RecursionError:
        return ""
    if rest == "/event" and isinstance(said, Mapping):
        data = said.get("data")
        about = data if isinstance(data, Mapping) else {}
        told = [EVENT_NOTES.get(str(said.get("type")), f"the hub's event {said.get('type')}")]
        told += [str(about[key]) for key in ("status", "friendly_name") if key in about]
        return ", ".join(told)
    for asked, words in (("/response/", "the hub's answer to"), ("/request/", "asks the hub:")):
        if rest.startswith(asked):
            result = said.get("status") if isinstance(said, Mapping) else None
            tail = f" ({result})" if isinstance(result, str) else ""
            return f"{words} {rest.removeprefix(asked)}{tail}"
    return BRIDGE_NOTES.get(rest, "the hub's own message")


def _device_facts(listed: object, payload: bytes) -> Iterator[Fact]:
    if not isinstance(listed, list):
        raise DecodeError("no list of devices", payload)
    for item in listed:
        match item:
            case {"friendly_name": str(name), "definition": {"exposes": list(exposes), **more}}:
                yield Fact(device=BASE + name, name="exposes", value=dict(_properties(exposes)))
                if isinstance(more.get("model"), str):
                    yield Fact(device=BASE + name, name="model", value=more["model"])


def _properties(exposes: list[Any]) -> Iterator[tuple[str, dict[str, object]]]:
    """What we need of each exposed property; the features of lights and plugs are exposed too."""
    for item in exposes:
        if not isinstance(item, dict):
            continue
        if isinstance(item.get("features"), list):
            yield from _properties(item["features"])
        name = item.get("property")
        if isinstance(name, str) and (_base(name)[0] in NUMBERS or _base(name)[0] in STATES):
            kept = {"on": "value_on", "off": "value_off", "unit": "unit"}
            yield name, {ours: item[theirs] for ours, theirs in kept.items() if theirs in item}


def _of_device(device: str, said: Mapping[str, object], raw: MqttMessage, known: Known) -> Decoded:
    exposes = known.get("exposes")
    measurements: list[Measurement] = []
    events: list[Event] = []
    facts: list[Fact] = []
    not_understood: dict[str, object] = {}
    reasons: list[str] = []
    taken_at: datetime | None = None
    if said.get("last_seen") is not None:
        try:
            taken_at = moment(said["last_seen"])
        except ValueError:
            not_understood["last_seen"] = said["last_seen"]
    for name, value in said.items():
        if value is None:
            continue
        try:
            base, part = _base(name)
            found = _measured(base, value, _model(name, exposes))
        except ValueError as wrong:
            not_understood[name] = value
            reasons.append(str(wrong) or f"{name} {value!r} is not known")
            continue
        if found and not (base in NUMBERS and raw.retained and taken_at is None):
            metric, number, unit = found
            measurement = Measurement(
                device=device, metric=metric, value=number, unit=unit, taken_at=taken_at, part=part
            )
            if measurement not in measurements:
                measurements.append(measurement)
        if name in FALLS and isinstance(value, str):
            facts.append(Fact(device=device, name=name, value=value))
        happened = None if raw.retained else _happened(name, value, said, known)
        if happened:
            event, detail = happened
            events.append(Event(device=device, event=event, taken_at=taken_at, detail=detail))
    troubles = [value for name in PROBLEMS if isinstance(value := said.get(name), bool)]
    if troubles:
        measurements.append(_problem(device, any(troubles), taken_at))
    if not_understood:
        if not (measurements or events or facts):
            raise DecodeError("; ".join(reasons) or "its time is not known", raw.payload)
        facts.append(Fact(device=device, name="not_understood", value=not_understood))
    return Decoded(tuple(measurements), tuple(events), tuple(facts))


def _model(name: str, exposes: object) -> Mapping[str, object]:
    """What the bridge told of the property of this model."""
    told = exposes.get(name) if isinstance(exposes, Mapping) else None
    return told if isinstance(told, Mapping) and not ALARM_PARTS.match(name) else NOTHING_KNOWN


def _base(name: str) -> tuple[str, int | None]:
    """The property without its part: ("state", 2) of "state_l2"."""
    if name in NUMBERS or name in STATES or name in WORDS:
        return name, None
    alarm = ALARM_PARTS.match(name)
    if alarm is not None and alarm[1] in STATES:
        return alarm[1], int(alarm[2])
    found = PART.match(name)
    if found is None or not (found[1] in NUMBERS or found[1] in STATES):
        return name, None
    if found[2] in PART_WORDS:
        return found[1], PART_WORDS[found[2]]
    return (found[1] if found[2].isdecimal() else name), None


def _problem(device: str, is_one: bool, taken_at: datetime | None) -> Measurement:
    return Measurement(
        device=device, metric="problem", value=float(is_one), unit="1", taken_at=taken_at
    )


def _measured(
    name: str, value: object, model: Mapping[str, object]
) -> tuple[str, float, str] | None:
    """Metric, value and unit of a property, or None where it is no measurement of ours.

    ValueError: the property is ours, and its value or its unit is not known.
    """
    if name in NUMBERS:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError
        number = float(value)
        unit = model.get("unit", UNITS.get(name))
        if unit is None and name in UNIT_NEEDED:
            raise ValueError
        if unit is None and name == "voltage":
            unit = next((said for low, high, said in VOLTAGES if low <= number <= high), None)
        if number - number != 0.0 or not (unit is None or isinstance(unit, str)):
            raise ValueError
        return NUMBERS[name], number, unit_of(NUMBERS[name], unit)
    if name in WORDS and isinstance(value, str) and value.lower() in WORDS[name]:
        return *WORDS[name][value.lower()], "1"
    if name in STATES:
        state = STATES[name]
        if state.on is True and isinstance(value, str) and "on" not in model:
            value = SWITCHED.get(value, value)
        if _same(value, model.get("on", state.on)):
            return state.metric, 1.0, "1"
        if _same(value, model.get("off", state.off)):
            return state.metric, 0.0, "1"
        raise ValueError
    return None


def _same(one: object, other: object) -> bool:
    """Equal, and of one type: 1 is not true in JSON."""
    return type(one) is type(other) and one == other


def _happened(
    name: str, value: object, said: Mapping[str, object], known: Known
) -> tuple[str, str | None] | None:
    """The event of a property and its detail."""
    if name in SOS_STATES and value is True:
        return "sos_pressed", None
    if not isinstance(value, str):
        return None
    if name in PRESSES and value not in SILENT_ACTIONS:
        if value in SOS_ACTIONS:
            return "sos_pressed", value
        if value in MOVED_ACTIONS:
            return None if said.get("vibration") is True else ("sensor_moved", value)
        if LOCK_ACTION.search(value):
            return "lock_used", value
        released = not RELEASED_ACTIONS.isdisjoint(value.split("_"))
        return "button_released" if released else "button_pressed", value
    if name in FALLS and value in FALLS[name] and known.get(name) != value:
        return FALLS[name][value], value
    return None


def encode(
    *,
    measurements: Sequence[Measurement] = (),
    events: Sequence[Event] = (),
    facts: Sequence[Fact] = (),
    known: Known = NOTHING_KNOWN,
) -> bytes:
    """A payload, in the polarity of known["exposes"].

    Of the facts `exposes` and `model`: that of bridge/devices; of `online`: of bridge/state; of
    `device_online`: of availability; else that of a device.
    """
    if any(fact.name == "exposes" for fact in facts):
        return _devices_payload(facts)
    for online in (fact.value for fact in facts if fact.name == "online"):
        return _dumps({"state": "online" if online else "offline"})
    for item in measurements:
        if item.metric == "device_online":
            if known.get("at") == BRIDGE + "/event" and not item.value:
                left = {"friendly_name": item.device.removeprefix(BASE)}
                return _dumps({"type": "device_leave", "data": left})
            return _dumps({"state": "online" if item.value else "offline"})
    exposes = known.get("exposes")
    said: dict[str, object] = {}
    for item in measurements:
        said |= _property(item, exposes if isinstance(exposes, Mapping) else NOTHING_KNOWN)
    for fact in facts:
        said |= {fact.name: fact.value} if fact.name in FALLS else {}
    for event in events:
        said |= _event_property(event)
    spoken: tuple[Measurement | Event, ...] = (*measurements, *events)
    taken_at = next((item.taken_at for item in spoken if item.taken_at), None)
    if taken_at:
        said["last_seen"] = taken_at.isoformat()
    return _dumps(said)


def _property(item: Measurement, exposes: Mapping[str, Any]) -> dict[str, object]:
    end = "" if item.part is None else f"_l{item.part}"
    for name, metric in NUMBERS.items():
        if metric == item.metric:
            unit = exposes.get(name + end, {}).get("unit", UNITS.get(name))
            code = unit_of(metric, unit) if isinstance(unit, str) else item.unit
            return {name + end: convert(metric, item.value, item.unit, code)}
    for name, state in STATES.items():
        if state.metric == item.metric:
            model = exposes.get(name + end, {})
            key, default = ("on", state.on) if item.value else ("off", state.off)
            return {name + end: model.get(key, default)}
    if item.metric == "problem":
        return {PROBLEMS[0]: bool(item.value)}
    for name, words in WORDS.items():
        for word, said in words.items():
            if said == (item.metric, item.value):
                return {name: word}
    raise ValueError(f"no property of Zigbee2MQTT says {item.metric} {item.value}")


def _event_property(event: Event) -> dict[str, object]:
    match event.event:
        case "sos_pressed" if event.detail is None:
            return {"sos": True}
        case "lock_used":
            return {"action": event.detail or "unlock"}
        case "sensor_moved":
            return {"action": event.detail or "tilt"}
        case "sos_pressed" | "button_pressed" | "button_released":
            return {"action": event.detail or "single"}
        case "fall_detected" | "fall_suspected":
            for name, words in FALLS.items():
                if words.get(event.detail or "") == event.event:
                    return {name: event.detail}
    raise ValueError(f"no property of Zigbee2MQTT says {event.event} {event.detail}")


def _devices_payload(facts: Sequence[Fact]) -> bytes:
    definitions: dict[str, dict[str, object]] = {}
    for fact in facts:
        definition = definitions.setdefault(fact.device.removeprefix(BASE), {})
        if fact.name == "exposes" and isinstance(fact.value, Mapping):
            theirs = {"on": "value_on", "off": "value_off", "unit": "unit"}
            definition["exposes"] = [
                {"property": name, **{theirs[key]: value for key, value in model.items()}}
                for name, model in fact.value.items()
            ]
        else:
            definition[fact.name] = fact.value
    return _dumps(
        [
            {"friendly_name": name, "definition": definition}
            for name, definition in definitions.items()
        ]
    )


_DOCS = "Koenkk/zigbee2mqtt.io docs/guide/usage/mqtt_topics_and_messages.md@0014d923"
_CONVERTERS = "zigbee-herdsman-converters 26.112.0 (npm), "
_EXPOSES = (
    "composed: structure from https://www.zigbee2mqtt.io/guide/usage/exposes.html, polarity and "
    "units from Koenkk/zigbee-herdsman-converters src/lib/modernExtend.ts, IAS_EXPOSE_LOOKUP"
)


def places(name: str) -> Iterator[Place]:
    """A sensor whose `exposes` name the unit of what it measures."""
    for own, metric in NUMBERS.items():
        if metric == name:
            yield Place(BASE + "homebeat", {"exposes": {own: {"unit": METRICS[name].unit}}})


DEVICE = Device(
    key="zigbee2mqtt",
    title="Zigbee sensors, buttons and plugs through Zigbee2MQTT",
    known_by=KnownBy.SPECIFICATION,
    sources=(
        "https://www.zigbee2mqtt.io/guide/usage/mqtt_topics_and_messages.html",
        "https://www.zigbee2mqtt.io/guide/usage/exposes.html",
    ),
    claims=(Claim(topic=BASE + "#"),),
    metrics=tuple(
        dict.fromkeys(
            (
                *NUMBERS.values(),
                *(state.metric for state in STATES.values()),
                *(metric for words in WORDS.values() for metric, _ in words.values()),
                "problem",
                "device_online",
            )
        )
    ),
    events=(
        "button_pressed",
        "button_released",
        "lock_used",
        "sensor_moved",
        "sos_pressed",
        "fall_detected",
        "fall_suspected",
    ),
    decode=decode,
    encode=encode,
    subject=subject,
    note=note,
    places=places,
    vectors=(
        Vector(
            at="zigbee2mqtt/FRIENDLY_NAME",
            frame='{"temperature":27.34,"humidity":44.72}',
            expected={"room_temperature": (27.34, "Cel"), "room_humidity": (44.72, "%")},
            source=_DOCS,
        ),
        Vector(
            at="zigbee2mqtt/FRIENDLY_NAME",
            frame='{"action":"single"}',
            expected={"button_pressed": "single"},
            source=_DOCS,
        ),
        Vector(
            at="zigbee2mqtt/FRIENDLY_NAME",
            frame='{"occupancy":true}',
            expected={"movement": (1.0, "1")},
            source=_DOCS,
        ),
        Vector(
            at="zigbee2mqtt/FRIENDLY_NAME",
            frame='{"contact":false,"tamper":false,"battery_low":false}',
            expected={
                "door_open": (1.0, "1"),
                "tamper": (0.0, "1"),
                "battery_low": (0.0, "1"),
            },
            source=_CONVERTERS + "fromZigbee.ias_contact_alarm_1.convert with zonestatus=1",
        ),
        Vector(
            at="zigbee2mqtt/FRIENDLY_NAME",
            frame='{"sos":true,"tamper":false,"battery_low":false}',
            expected={"sos_pressed": None, "tamper": (0.0, "1"), "battery_low": (0.0, "1")},
            source=_CONVERTERS + "fromZigbee.ias_sos_alarm_2.convert with zonestatus=2",
            lossless=False,
            note="our encoder writes events last",
        ),
        Vector(
            at="zigbee2mqtt/FRIENDLY_NAME",
            frame='{"action":"emergency","battery":100,"voltage":3000}',
            expected={
                "sos_pressed": "emergency",
                "battery": (100.0, "%"),
                "voltage": (3000.0, "mV"),
            },
            known={"exposes": {"voltage": {"unit": "mV"}}},
            source=_CONVERTERS + "exposes of TS0215A_sos; values chosen from those it lists",
            lossless=False,
            note="our encoder writes events last",
        ),
        Vector(
            at="zigbee2mqtt/FRIENDLY_NAME",
            frame='{"contact":"ON"}',
            expected={"door_open": (1.0, "1")},
            known={"exposes": {"contact": {"on": "ON", "off": "OFF"}}},
            source=_EXPOSES + "; the values as other models name theirs",
        ),
        Vector(
            at="zigbee2mqtt/bulb_color/availability",
            frame='{"state":"online"}',
            expected={"device_online": (1.0, "1")},
            source="Koenkk/zigbee2mqtt@06f44533 test/extensions/availability.test.ts",
        ),
        Vector(
            at="zigbee2mqtt/bridge/state",
            frame='{"state":"online"}',
            expected={},
            source="Koenkk/zigbee2mqtt@6835cbf5 test/extensions/homeassistant.test.ts",
        ),
        Vector(
            at="zigbee2mqtt/bridge/devices",
            frame='[{"ieee_address":"0x00124b0018e2abcd","type":"EndDevice",'
            '"friendly_name":"front door","definition":{"model":"MCCGQ11LM","vendor":"Aqara",'
            '"exposes":[{"type":"binary","name":"contact","property":"contact","access":1,'
            '"value_on":false,"value_off":true},{"type":"numeric","name":"battery",'
            '"property":"battery","unit":"%","access":1}]}}]',
            expected={},
            source=_EXPOSES,
            lossless=False,
            note="what we need of it, and no more, becomes facts",
        ),
        Vector(
            at="zigbee2mqtt/bridge/event",
            frame='{"type":"device_leave","data":{"ieee_address":"0x90fd9ffffe6494fc",'
            '"friendly_name":"my_bulb"}}',
            expected={"device_online": (0.0, "1")},
            source=_DOCS,
            lossless=False,
            note="its address is no fact of ours",
        ),
        Vector(
            at="zigbee2mqtt/FRIENDLY_NAME",
            frame="temperature=21",
            expected=None,
            source="composed: what JSON forbids, RFC 8259",
        ),
    ),
)
