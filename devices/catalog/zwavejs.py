"""Z-Wave JS UI: Z-Wave sensors, switches and locks.

Topics: zwave/[<location>/]<node>/<command class>/endpoint_<n>/<property>[/<key>], the command
class by name (notification) or number (113/0/...); the payload is {"time": ms, "value": ...} or
the value alone, as the gateway is set. zwave/.../<node>/status says whether the node is alive.

A notification is a number of the Z-Wave specification; idle is 0. A quantity without a unit in
the payload is taken only where no other unit is possible: Air_temperature is in the node's own.
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
    Place,
    Vector,
    raw_bytes,
)
from devices.metrics import METRICS, Kind
from devices.model import Decoded, Event, Fact, Measurement, MqttMessage, Raw
from devices.moments import moment
from devices.plain import is_on, json_or_text, number, words
from devices.units import UnitError, unit_of

BASE = "zwave/"
CLASSES = {
    "notification": "notification", "113": "notification",
    "binary_sensor": "binary_sensor", "sensor_binary": "binary_sensor", "48": "binary_sensor",
    "multilevel_sensor": "sensor", "sensor_multilevel": "sensor", "49": "sensor",
    "binary_switch": "switch", "switch_binary": "switch", "37": "switch",
    "multilevel_switch": "dimmer", "switch_multilevel": "dimmer", "38": "dimmer",
    "meter": "meter", "50": "meter",
    "battery": "battery", "128": "battery",
    "central_scene": "scene", "91": "scene",
    "door_lock": "lock", "98": "lock",
    "basic": "basic", "32": "basic",
}  # fmt: skip
"""A command class as a topic has it, and the word for it here."""
# Z-Wave Application Specification, Notification Command Class, the list of assigned
# notifications: type and property, event or state value, and what it says.
NOTIFICATIONS: dict[tuple[str, str], tuple[str, Mapping[int, float]]] = {
    ("home_security", "motion_sensor_status"): ("movement", {0: 0.0, 7: 1.0, 8: 1.0}),
    ("home_security", "sensor_status"): ("opening_open", {0: 0.0, 1: 1.0, 2: 1.0}),
    ("home_security", "cover_status"): ("tamper", {0: 0.0, 3: 1.0}),
    ("home_security", "tampering_product_cover_removed"): ("tamper", {0: 0.0, 3: 1.0}),
    ("home_security", "glass_breakage_status"): ("alarm", {0: 0.0, 5: 1.0, 6: 1.0}),
    ("access_control", "door_state"): ("door_open", {22: 1.0, 23: 0.0, 5632: 1.0, 5633: 1.0}),
    ("access_control", "door_state_simple"): ("door_open", {22: 1.0, 23: 0.0}),
    ("access_control", "door_window_state"): ("door_open", {22: 1.0, 23: 0.0}),
    ("access_control", "lock_state"): (
        "unlocked", {1: 0.0, 2: 1.0, 3: 0.0, 4: 1.0, 5: 0.0, 6: 1.0, 9: 0.0, 11: 1.0},
    ),
    ("smoke_alarm", "sensor_status"): ("smoke", {0: 0.0, 1: 1.0, 2: 1.0}),
    ("smoke_alarm", "alarm_status"): ("smoke", {0: 0.0, 1: 1.0, 2: 1.0}),
    ("co_alarm", "sensor_status"): ("carbon_monoxide", {0: 0.0, 1: 1.0, 2: 1.0}),
    ("carbon_monoxide_alarm", "sensor_status"): ("carbon_monoxide", {0: 0.0, 1: 1.0, 2: 1.0}),
    ("gas_alarm", "sensor_status"): ("gas", {0: 0.0, 1: 1.0, 2: 1.0}),
    ("water_alarm", "sensor_status"): ("water_leak", {0: 0.0, 1: 1.0, 2: 1.0}),
    ("heat_alarm", "heat_sensor_status"): ("heat", {0: 0.0, 1: 1.0, 2: 1.0}),
    ("heat_alarm", "sensor_status"): ("heat", {0: 0.0, 1: 1.0, 2: 1.0}),
    ("power_management", "power_status"): ("plugged_in", {2: 0.0, 3: 1.0}),
    ("power_management", "battery_load_status"): ("battery_low", {0: 0.0, 10: 1.0, 11: 1.0}),
    ("power_management", "battery_maintenance_status"): (
        "battery_low",
        {0: 0.0, 10: 1.0, 11: 1.0},
    ),
}  # fmt: skip
# The same list, type 0x0A: what a panic button or a pendant asks for. Events, with no idle state.
EMERGENCIES = {
    1: "contact police", 2: "contact fire service", 3: "contact medical service", 4: "panic alert",
}  # fmt: skip
PANIC = 4
LOCK_OPERATION = re.compile(r"(manual|keypad|rf|auto)_(un)?lock_operation")
SENSORS = {
    "air_temperature": "room_temperature", "temperature": "room_temperature",
    "humidity": "room_humidity", "relative_humidity": "room_humidity",
    "illuminance": "illuminance", "luminance": "illuminance",
    "carbon_dioxide_level": "carbon_dioxide", "carbon_dioxide_co2_level": "carbon_dioxide",
    "carbon_monoxide_level": "carbon_monoxide_level",
    "carbon_monoxide_co_level": "carbon_monoxide_level",
    "particulate_matter_2_5": "pm2_5", "power": "power", "voltage": "voltage",
    "current": "current", "dew_point": "dew_point", "atmospheric_pressure": "air_pressure",
    "barometric_pressure": "air_pressure", "heart_rate": "pulse_rate",
    "respiratory_rate": "respiratory_rate", "weight": "body_weight",
}  # fmt: skip
BINARY = {
    "any": "on", "motion": "movement", "smoke": "smoke", "co": "carbon_monoxide",
    "water": "water_leak", "heat": "heat", "tamper": "tamper", "door_window": "door_open",
    "door": "door_open", "window": "window_open", "glass_break": "alarm", "general_purpose": "on",
    "general_purpose_alarm": "alarm", "tilt": "opening_open",
}  # fmt: skip
# Central Scene Command Class, key attributes.
SCENE_KEYS = {
    0: ("button_pressed", "press"),
    1: ("button_released", "release"),
    2: ("button_pressed", "hold_press"),
    3: ("button_pressed", "double_press"),
    4: ("button_pressed", "triple_press"),
    5: ("button_pressed", "quadruple_press"),
    6: ("button_pressed", "quintuple_press"),
}
METERS = {"65537": ("energy", "kW.h"), "66049": ("power", "W"), "66561": ("voltage", "V"),
          "66817": ("current", "A"), "electric_kwh_consumed": ("energy", "kW.h"),
          "electric_w_consumed": ("power", "W"), "electric_v_consumed": ("voltage", "V"),
          "electric_a_consumed": ("current", "A")}  # fmt: skip
LOCKED_MODE, UNLOCKED_MODES = 255, (0, 1, 16, 17, 32, 33)
ALIVE = {"Alive": 1.0, "Awake": 1.0, "Asleep": 1.0, "Dead": 0.0}

_dumps = msgspec.json.Encoder().encode
Spoken = Measurement | Event


def _split(topic: str) -> tuple[str, str, list[str]]:
    """The node's topic, the word for its command class, and the levels after its endpoint."""
    levels = topic.split("/")
    for place, level in enumerate(levels[:-1]):
        if (
            place > 1
            and level in CLASSES
            and levels[place + 1].removeprefix("endpoint_").isdecimal()
        ):
            return "/".join(levels[:place]), CLASSES[level], levels[place + 2 :]
    return "/".join(levels[:-1]), "", levels[-1:]


def subject(raw: Raw) -> str:
    return _split(raw.topic)[0] if isinstance(raw, MqttMessage) else ""


def decode(raw: Raw, known: Known) -> Decoded:
    if not isinstance(raw, MqttMessage) or not raw.topic.startswith(BASE):
        raise DecodeError("no message of Z-Wave JS UI", raw_bytes(raw))
    device, class_, path = _split(raw.topic)
    if "/_" in raw.topic:
        return Decoded()
    said = json_or_text(raw.payload)
    value, unit, taken_at = said, None, None
    if isinstance(said, Mapping):
        if class_ == "" and path == ["status"]:
            word = str(said.get("status", ""))
            alive = ALIVE.get(word, 1.0 if said.get("value") is True else 0.0)
            return Decoded((_state(device, "device_online", alive, None),))
        if "value" not in said:
            used = () if raw.retained else tuple(_lock_used(device, class_, path))
            return Decoded(events=used)
        value, unit, taken_at = said["value"], said.get("unit"), _time(said.get("time"))
    if class_ == "" and path == ["status"] and isinstance(value, bool):
        return Decoded((_state(device, "device_online", float(value), None),))
    try:
        items = list(_said(device, class_, path, value, unit, taken_at))
    except ValueError as wrong:
        raise DecodeError(str(wrong), raw.payload) from None
    return Decoded(
        tuple(
            item
            for item in items
            if isinstance(item, Measurement)
            and not (
                raw.retained and taken_at is None and METRICS[item.metric].kind is Kind.QUANTITY
            )
        ),
        tuple(item for item in items if isinstance(item, Event) and not raw.retained),
    )


def note(raw: Raw, known: Known) -> str:
    """What a message is that measures nothing."""
    if not isinstance(raw, MqttMessage):
        return ""
    if "/_" in raw.topic:
        return "the gateway's own message"
    _, class_, path = _split(raw.topic)
    return f"{' '.join((class_, *path)).strip()} is not measured here"


def _time(value: object) -> datetime | None:
    """The moment of the value; 0 where the gateway does not know it."""
    try:
        return moment(value) if value else None
    except ValueError:
        return None


def _state(device: str, metric: str, value: float, taken_at: datetime | None) -> Measurement:
    return Measurement(device=device, metric=metric, value=value, unit="1", taken_at=taken_at)


def _said(
    device: str,
    class_: str,
    path: list[str],
    value: object,
    unit: object,
    taken_at: datetime | None,
) -> Iterator[Spoken]:
    names = [words(level) for level in path]
    first = names[0] if names else ""
    match class_:
        case "notification":
            yield from _notified(device, names, value, taken_at)
        case "binary_sensor":
            yield _state(device, BINARY.get(first, "on"), float(is_on(value)), taken_at)
        case "switch" | "basic" if first in ("currentvalue", "current_value"):
            on = is_on(value) if isinstance(value, bool | str) else number(value) > 0
            yield _state(device, "power_on" if class_ == "switch" else "on", float(on), taken_at)
        case "sensor" if first in SENSORS:
            yield _quantity(device, SENSORS[first], value, unit, taken_at)
        case "battery" if first == "level":
            yield _quantity(device, "battery", value, "%", taken_at)
        case "battery" if first in ("islow", "is_low"):
            yield _state(device, "battery_low", float(is_on(value)), taken_at)
        case "meter" if names[-1:] and names[-1] in METERS:
            metric, own = METERS[names[-1]]
            yield _quantity(device, metric, value, own, taken_at)
        case "lock" if first in ("currentmode", "current_mode"):
            mode = int(number(value))
            if mode not in (LOCKED_MODE, *UNLOCKED_MODES):
                raise ValueError(f"lock mode {mode} is not known")
            yield _state(device, "unlocked", float(mode != LOCKED_MODE), taken_at)
        case "scene" if first == "scene" and value is not None:
            code = int(number(value))
            event, detail = SCENE_KEYS.get(code, ("button_pressed", str(code)))
            button = names[1] if len(names) > 1 else ""
            yield Event(
                device=device,
                event=event,
                detail=detail,
                part=int(button) if button.isdecimal() and len(button) < 4 else None,
                taken_at=taken_at,
            )


def _notified(
    device: str, names: Sequence[str], value: object, taken_at: datetime | None
) -> Iterator[Spoken]:
    if names[:1] == ["emergency_alarm"]:
        asked = EMERGENCIES.get(int(number(value)))
        if asked:
            yield Event(device=device, event="sos_pressed", detail=asked, taken_at=taken_at)
    elif tuple(names[:2]) in NOTIFICATIONS:
        metric, states = NOTIFICATIONS[names[0], names[1]]
        code = int(number(value))
        if code not in states:
            raise ValueError(f"{'/'.join(names)} {code} is not known")
        yield _state(device, metric, states[code], taken_at)


def _lock_used(device: str, class_: str, path: list[str]) -> Iterator[Event]:
    """A lock says who used it without a value: {"userId": 1}."""
    operation = words(path[-1]) if class_ == "notification" and path else ""
    if LOCK_OPERATION.fullmatch(operation):
        detail = operation.removesuffix("_operation")
        yield Event(device=device, event="lock_used", detail=detail)


def _quantity(
    device: str, metric: str, value: object, unit: object, taken_at: datetime | None
) -> Measurement:
    return Measurement(
        device=device,
        metric=metric,
        value=number(value),
        unit=unit_of(metric, unit if isinstance(unit, str) else None),
        taken_at=taken_at,
    )


def encode(
    *,
    measurements: Sequence[Measurement] = (),
    events: Sequence[Event] = (),
    facts: Sequence[Fact] = (),
    known: Known = NOTHING_KNOWN,
) -> bytes:
    """The payload for the topic known["at"], with its time where it has one."""
    _, class_, path = _split(str(known.get("at", "")))
    names = tuple(words(level) for level in path)
    spoken: tuple[Spoken, ...] = (*measurements, *events)
    for item in spoken:
        if isinstance(item, Event) and item.event == "lock_used":
            return b"{}"
        value, unit = _code(item, class_, names), _unit(item)
        if item.taken_at is None and not unit:
            return _dumps(value)
        time = {"time": round(item.taken_at.timestamp() * 1000)} if item.taken_at else {}
        return _dumps({**time, "value": value, **unit})
    return b"null"


def _unit(item: Spoken) -> dict[str, str]:
    """The unit, where a value without one could be in two."""
    if isinstance(item, Measurement):
        try:
            unit_of(item.metric, None)
        except UnitError:
            return {"unit": item.unit}
    return {}


def _code(item: Spoken, class_: str, names: tuple[str, ...]) -> object:
    if isinstance(item, Event):
        if item.event == "sos_pressed":
            asked = {word: code for code, word in EMERGENCIES.items()}
            return asked.get(item.detail or "", PANIC)
        codes = {word: code for code, word in SCENE_KEYS.items()}
        if (item.event, item.detail) not in codes:
            raise ValueError(f"no scene of Z-Wave says {item.event} {item.detail}")
        return codes[item.event, item.detail or ""]
    if class_ == "notification" and names[:2] in NOTIFICATIONS:
        metric, states = NOTIFICATIONS[names[0], names[1]]
        if metric == item.metric:
            return next(
                code for code, value in reversed(list(states.items())) if value == item.value
            )
    if item.metric not in DEVICE.metrics:
        raise ValueError(f"Z-Wave does not say {item.metric}")
    if METRICS[item.metric].kind is Kind.STATE:
        return bool(item.value)
    return item.value


_CONFIRMED = "topic: a public test marked as confirmed live"


def places(name: str) -> Iterator[Place]:
    """A node's topics with named values, as Z-Wave JS UI makes them by default."""
    for (kind, state), (metric, _) in NOTIFICATIONS.items():
        if metric == name:
            yield _place("notification", f"{kind}/{state}")
    for class_, table in (("sensor_multilevel", SENSORS), ("sensor_binary", BINARY)):
        for value, metric in table.items():
            if metric == name:
                yield _place(class_, value)
    for value, (metric, _) in METERS.items():
        if metric == name:
            yield _place("meter", f"value/{value}")
    for class_, value in OTHER_PLACES.get(name, ()):
        yield _place(class_, value)
    if name == "device_online":
        yield Place(BASE + "homebeat/status")


OTHER_PLACES = {
    "battery": (("battery", "level"),),
    "power_on": (("switch_binary", "currentValue"),),
    "button_pressed": (("central_scene", "scene/001"),),
    "button_released": (("central_scene", "scene/001"),),
    "sos_pressed": (("notification", "Emergency_Alarm/Alarm_status"),),
    "lock_used": (("notification", "Access_Control/Keypad_unlock_operation"),),
}
"""(command class, property) by what it says, where no table of values has it."""


def _place(class_: str, value: str) -> Place:
    return Place(f"{BASE}homebeat/{class_}/endpoint_0/{value}")


DEVICE = Device(
    key="zwavejs",
    title="Z-Wave sensors, switches and locks through Z-Wave JS UI",
    known_by=KnownBy.SPECIFICATION,
    sources=(
        "https://zwave-js.github.io/zwave-js-ui/#/guide/mqtt",
        "Z-Wave Application Specification, Notification Command Class",
    ),
    claims=(Claim(topic=BASE + "#"),),
    metrics=tuple(
        dict.fromkeys(
            (
                *(metric for metric, _ in NOTIFICATIONS.values()),
                *SENSORS.values(),
                *BINARY.values(),
                *(metric for metric, _ in METERS.values()),
                "power_on",
                "battery",
                "device_online",
            )
        )
    ),
    events=("button_pressed", "button_released", "sos_pressed", "lock_used"),
    decode=decode,
    encode=encode,
    subject=subject,
    note=note,
    places=places,
    vectors=(
        Vector(
            at="zwave/second_floor/guest_bedroom/motion_sensor/notification/endpoint_0/"
            "Home_Security/Motion_sensor_status",
            frame='{"time":0,"value":8,"nodeName":"car"}',
            expected={"movement": (1.0, "1")},
            source=_CONFIRMED + "; payload: a public simulator",
            lossless=False,
            note="a time of 0 is none",
        ),
        Vector(
            at="zwave/shed/notification/endpoint_0/Home_Security/Motion_sensor_status",
            frame="0",
            expected={"movement": (0.0, "1")},
            source="a public source",
        ),
        Vector(
            at="zwave/hall/pendant/notification/endpoint_0/Emergency_Alarm/Alarm_status",
            frame="4",
            expected={"sos_pressed": "panic alert"},
            source="composed from the Z-Wave Application Specification, notification type 0x0A",
        ),
        Vector(
            at="zwave/nodeID_5/48/0/Any",
            frame="true",
            expected={"on": (1.0, "1")},
            source="composed from https://zwave-js.github.io/zwave-js-ui/#/guide/mqtt",
        ),
        Vector(
            at="zwave/bedroom/thermometer/sensor_multilevel/endpoint_0/Air_temperature",
            frame="21.5",
            expected=None,
            source="composed: the gateway's plain form leaves out the unit",
        ),
    ),
)
