"""What plain values and common words say, in the MQTT families that have no table of their own.

Home Assistant's device classes, ON and OFF in their spellings, numbers as text, and what the name
of a thing says that it is. A name is the weakest of these: it is asked last.
"""

import math
import re
from collections.abc import Mapping
from typing import TypeGuard

import msgspec

from devices.codec import DecodeError
from devices.metrics import METRICS, Kind

SENSOR_CLASSES = {
    "temperature": "room_temperature", "humidity": "room_humidity", "battery": "battery",
    "pressure": "air_pressure", "atmospheric_pressure": "air_pressure",
    "illuminance": "illuminance", "carbon_dioxide": "carbon_dioxide",
    "carbon_monoxide": "carbon_monoxide_level", "pm25": "pm2_5", "pm10": "pm10",
    "volatile_organic_compounds": "volatile_organic_compounds", "power": "power",
    "energy": "energy", "voltage": "voltage", "current": "current", "distance": "distance",
    "duration": "duration", "speed": "speed", "wind_speed": "speed", "moisture": "soil_moisture",
    "weight": "mass", "water": "water_used", "gas": "gas_used", "conductivity": "conductivity",
    "precipitation": "precipitation", "volume_storage": "stored_volume", "volume": "volume",
    "volume_flow_rate": "volume_flow_rate", "wind_direction": "direction",
    "blood_glucose_concentration": "blood_glucose",
}  # fmt: skip
"""https://www.home-assistant.io/integrations/sensor/#device-class: metric."""
BINARY_CLASSES = {
    "battery": "battery_low", "battery_charging": "battery_charging",
    "carbon_monoxide": "carbon_monoxide", "cold": "cold", "connectivity": "connected",
    "door": "door_open", "garage_door": "garage_door_open", "gas": "gas", "heat": "heat",
    "light": "light_detected", "lock": "unlocked", "moisture": "water_leak", "motion": "movement",
    "moving": "moving", "occupancy": "occupancy", "opening": "opening_open", "plug": "plugged_in",
    "power": "power_on", "presence": "presence", "problem": "problem", "running": "running",
    "safety": "problem", "smoke": "smoke", "sound": "sound", "tamper": "tamper",
    "vibration": "vibration", "window": "window_open",
}  # fmt: skip
"""https://www.home-assistant.io/integrations/binary_sensor/#device-class: what on means."""

_NAMES = (
    ("sos|panic|emergency|pendant", "sos_pressed"),
    ("fall|fallen", "fall_detected"),
    ("bed", "bed_occupied"),
    ("chair|seat|sofa", "seat_occupied"),
    ("presence|present|mmwave", "presence"),
    ("motion|movement|pir", "movement"),
    ("occupancy|occupied", "occupancy"),
    ("moving", "moving"),
    ("garage", "garage_door_open"),
    ("(front|back|side|main|patio|balcony)?door", "door_open"),
    ("window", "window_open"),
    ("contact|opening|reed|lid", "opening_open"),
    ("smoke", "smoke"),
    ("co|carbon_monoxide", "carbon_monoxide"),
    ("gas", "gas"),
    ("leak|flood|water|moisture", "water_leak"),
    ("vibration", "vibration"),
    ("tamper", "tamper"),
    ("button", "button_pressed"),
    ("lock", "unlocked"),
    ("battery_low|low_battery", "battery_low"),
    ("switch|relay|plug|outlet|socket|light|lamp|kettle|tv", "power_on"),
)
_NUMBER_NAMES = (
    ("systolic", "systolic_pressure"),
    ("diastolic", "diastolic_pressure"),
    ("mean_arterial(_pressure)?", "mean_arterial_pressure"),
    ("sp_?o2|oxygen_saturation|blood_oxygen", "oxygen_saturation"),
    ("(sensor|cgm|interstitial|libre|dexcom)(_blood)?_glucose", "sensor_glucose"),
    ("glucose|blood_sugar", "blood_glucose"),
    ("body_temp(erature)?", "body_temperature"),
    ("dew_point|dewpoint", "dew_point"),
    ("(device|chip|cpu|internal|processor|board|core)_temp(erature)?", ""),
    ("body_fat", "body_fat"),
    ("bmi|body_mass_index", "bmi"),
    ("muscle_mass", "muscle_mass"),
    ("step(_count)?", "steps"),
    ("ok|low|alarm|warning|threshold|limit|min|max|state|status", ""),
    ("setpoint|target|offset|calibration|interval|count|behaviou?r", ""),
    ("battery_voltage", "voltage"),
    ("temperature|temp", "room_temperature"),
    ("humidity|hum", "room_humidity"),
    ("battery|battery_level", "battery"),
    ("illuminance|lux|brightness", "illuminance"),
    ("co2|carbon_dioxide", "carbon_dioxide"),
    ("pm25|pm2_5", "pm2_5"),
    ("pm10", "pm10"),
    ("heart_rate|heartrate|pulse|bpm", "pulse_rate"),
    ("respiratory_rate|respiration|breathing_rate|breath", "respiratory_rate"),
    ("power", "power"),
    ("energy", "energy"),
    ("voltage", "voltage"),
    ("current", "current"),
    ("blood_pressure|bp", ""),
    ("pressure", "air_pressure"),
    ("distance", "distance"),
    ("weight", "body_weight"),
)
"""The first that fits. Empty: it fits, and is nothing of ours (a chip's temperature is no room's)
or not clear (a blood pressure is two numbers)."""


NAMED = tuple(dict.fromkeys(metric for _, metric in (*_NAMES, *_NUMBER_NAMES) if metric))
"""The metrics and events that a name can mean."""


def _compiled(rows: tuple[tuple[str, str], ...]) -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple((re.compile(rf"(^|_)({words})s?(_|\d|$)"), metric) for words, metric in rows)


_STATE_PATTERNS, _NUMBER_PATTERNS = _compiled(_NAMES), _compiled(_NUMBER_NAMES)
ON = frozenset(
    {"on", "true", "open", "opened", "yes", "1", "detected", "pressed", "home", "online"}
)
OFF = frozenset(
    {"off", "false", "closed", "no", "0", "clear", "released", "not_home", "away", "offline"}
)
_loads = msgspec.json.Decoder().decode


def words(name: str) -> str:
    """A name as this file's patterns want it: "Front Door" and "frontDoor" are front_door."""
    return re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()).strip("_")


def state_named(name: str) -> str | None:
    """The state or event that a name speaks of: "hall_motion" -> "movement"."""
    return _first(_STATE_PATTERNS, name)


def quantity_named(name: str) -> str | None:
    """The quantity that a name speaks of: "bedroom_temperature" -> "room_temperature"."""
    return _first(_NUMBER_PATTERNS, name)


NARROWER: Mapping[str, frozenset[str]] = {
    "pressure": frozenset({"systolic_pressure", "diastolic_pressure", "mean_arterial_pressure"}),
    "temperature": frozenset({"body_temperature", "dew_point"}),
    "occupancy": frozenset({"bed_occupied", "seat_occupied"}),
    "presence": frozenset({"bed_occupied", "seat_occupied"}),
    "motion": frozenset({"bed_occupied", "seat_occupied"}),
    "safety": frozenset({"sos_pressed", "fall_detected"}),
    "problem": frozenset({"sos_pressed", "fall_detected"}),
    "blood_glucose_concentration": frozenset({"sensor_glucose"}),
}
"""A device class that is wide, and what a name may narrow it to."""
_NOT_OURS = re.compile(
    r"(^|_)((device|chip|cpu|internal|processor|board|core)_temp(erature)?|blood_pressure|bp)(_|$)"
)


def of_class(classes: Mapping[str, str], class_: str, name: str) -> str | None:
    """What a device class says, narrowed by the name; None where the name says that it is not."""
    wide = classes.get(class_)
    named = quantity_named(name) if classes is SENSOR_CLASSES else state_named(name)
    if named in NARROWER.get(class_, ()):
        return named
    if "body" in words(name).split("_") and class_ == "weight":
        return "body_weight"
    return None if class_ in ("temperature", "pressure") and _NOT_OURS.search(words(name)) else wide


def _first(patterns: tuple[tuple[re.Pattern[str], str], ...], name: str) -> str | None:
    spelled = words(name)
    return next((metric for pattern, metric in patterns if pattern.search(spelled)), None) or None


def number(value: object) -> float:
    """A finite number, from JSON or its text. ValueError for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(f"{value!r} is no number")
    try:
        found = float(value)
    except (ValueError, OverflowError):
        raise ValueError(f"{value!r} is no number") from None
    if not math.isfinite(found):
        raise ValueError(f"{value!r} is no finite number")
    return found


def is_on(value: object) -> bool:
    """true, 1, "ON", "open" and their like. ValueError for what is neither on nor off."""
    word = str(value).lower() if isinstance(value, str | bool | int) else ""
    if word in ON:
        return True
    if word in OFF:
        return False
    raise ValueError(f"{value!r} is neither on nor off")


def text(payload: bytes) -> str:
    """The payload as text. DecodeError where it is none."""
    try:
        return payload.decode()
    except UnicodeDecodeError:
        raise DecodeError("no text", payload) from None


def json(payload: bytes) -> object:
    """The payload as JSON. DecodeError where it is none."""
    try:
        return _loads(payload)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise DecodeError("no JSON", payload) from None


def json_object(payload: bytes) -> dict[str, object]:
    found = json(payload)
    if not isinstance(found, dict):
        raise DecodeError("no JSON object", payload)
    return found


def json_or_text(payload: bytes) -> object:
    """JSON, else the text itself: "ON" and 21.5 are both said plainly."""
    try:
        return _loads(payload)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return text(payload)


def unmeasured(payload: bytes) -> str:
    """What a JSON object talks of that no decoder read, by the names in it; else nothing."""
    try:
        said = _loads(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
    names = [name for name, value in said.items() if value is not None] if _object(said) else []
    return f"none of {', '.join(names)} is measured here" if names else ""


def _object(said: object) -> TypeGuard[dict[str, object]]:
    return isinstance(said, dict)


def is_event(metric: str) -> bool:
    return METRICS[metric].kind is Kind.EVENT


def at(document: object, *path: str) -> object:
    """The value at a path of keys in JSON objects; None where it is not."""
    for key in path:
        if not isinstance(document, Mapping):
            return None
        document = document.get(key)
    return document
