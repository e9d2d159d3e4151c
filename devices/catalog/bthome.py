"""BTHome version 2: sensors, contacts and buttons that say what they are in their advertisements.

Service data FCD2: a device information byte (0 encrypted, 1 address included, 2 sent on an event,
5-7 version 2), [address 6, reversed], then objects: an id, and as many bytes as the id says,
little-endian. Encrypted, the objects are sealed with AES-CCM under the device's bindkey and
followed by a counter u32 and a tag of 4 bytes; the nonce is address, UUID, information byte and
counter. A receiver stops at an id that it does not know, since it can't know its length, and
keeps what it read.

Several objects of one kind are parts 1, 2, ... in the order of the frame. A button that is not
pressed says "none" to keep its place among them.

Facts: `packet_id` and `counter` (the packet's number, for the gateway's window over repeats), and
`not_understood`, the hex of what could not be read. `known["bindkey"]` is 32 hex digits.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum, auto

from devices.codec import (
    NOTHING_KNOWN,
    Claim,
    DecodeError,
    Device,
    Known,
    KnownBy,
    Vector,
    full_uuid,
    raw_bytes,
)
from devices.model import Advertisement, Decoded, Event, Fact, Measurement, Raw
from devices.sealed import NotSealedByKey, seal, unseal

SERVICE = full_uuid("FCD2")
_NONCE_UUID = b"\xd2\xfc"
ENCRYPTED, ADDRESS_INCLUDED, ON_EVENT, VERSION_2 = 0x01, 0x02, 0x04, 0x40
VERSION_BITS = 0xE0
ADDRESS_BYTES, COUNTER_BYTES, TAG_BYTES, BINDKEY_BYTES = 6, 4, 4, 16
RESTARTED_BELOW = 100
"""A counter that is lower than the last one and below this is that of a new battery."""


class Says(Enum):
    QUANTITY = auto()
    STATE = auto()
    EVENT = auto()
    FACT = auto()


NUMBERS = (Says.QUANTITY, Says.STATE)


@dataclass(frozen=True, slots=True)
class Object:
    """One object of the format. `name` is a metric, or that of a fact; an event's is in EVENTS.

    `size` in bytes, None where the byte after the id holds it. A quantity's value is the integer
    x `times` / `per`, in `unit`.
    """

    id: int
    says: Says
    name: str
    size: int | None = 1
    unit: str = "1"
    per: int = 1
    times: int = 1
    signed: bool = False


def _quantity(
    id_: int, metric: str, size: int, unit: str, per: int = 1, times: int = 1, *,
    signed: bool = False,
) -> Object:  # fmt: skip
    return Object(id_, Says.QUANTITY, metric, size, unit, per, times, signed)


BUTTON, COMMAND, DIMMER = 0x3A, 0x3B, 0x3C
PACKET_ID = 0x00

# https://bthome.io/format, section "Sensor data".
_QUANTITIES = (
    _quantity(0x01, "battery", 1, "%"),
    _quantity(0x02, "room_temperature", 2, "Cel", 100, signed=True),
    _quantity(0x03, "room_humidity", 2, "%", 100),
    _quantity(0x04, "air_pressure", 3, "hPa", 100),
    _quantity(0x05, "illuminance", 3, "lx", 100),
    _quantity(0x06, "mass", 2, "kg", 100),
    _quantity(0x07, "mass", 2, "[lb_av]", 100),
    _quantity(0x08, "dew_point", 2, "Cel", 100, signed=True),
    _quantity(0x09, "count", 1, "1"),
    _quantity(0x0A, "energy", 3, "kW.h", 1000),
    _quantity(0x0B, "power", 3, "W", 100),
    _quantity(0x0C, "voltage", 2, "V", 1000),
    _quantity(0x0D, "pm2_5", 2, "ug/m3"),
    _quantity(0x0E, "pm10", 2, "ug/m3"),
    _quantity(0x12, "carbon_dioxide", 2, "[ppm]"),
    _quantity(0x13, "volatile_organic_compounds", 2, "ug/m3"),
    _quantity(0x14, "soil_moisture", 2, "%", 100),
    _quantity(0x2E, "room_humidity", 1, "%"),
    _quantity(0x2F, "soil_moisture", 1, "%"),
    _quantity(0x3D, "count", 2, "1"),
    _quantity(0x3E, "count", 4, "1"),
    _quantity(0x3F, "rotation", 2, "deg", 10, signed=True),
    _quantity(0x40, "distance", 2, "mm"),
    _quantity(0x41, "distance", 2, "m", 10),
    _quantity(0x42, "duration", 3, "s", 1000),
    _quantity(0x43, "current", 2, "A", 1000),
    _quantity(0x44, "speed", 2, "m/s", 100),
    _quantity(0x45, "room_temperature", 2, "Cel", 10, signed=True),
    _quantity(0x46, "uv_index", 1, "1", 10),
    _quantity(0x47, "volume", 2, "L", 10),
    _quantity(0x48, "volume", 2, "mL"),
    _quantity(0x49, "volume_flow_rate", 2, "m3/h", 1000),
    _quantity(0x4A, "voltage", 2, "V", 10),
    _quantity(0x4B, "gas_used", 3, "m3", 1000),
    _quantity(0x4C, "gas_used", 4, "m3", 1000),
    _quantity(0x4D, "energy", 4, "kW.h", 1000),
    _quantity(0x4E, "volume", 4, "L", 1000),
    _quantity(0x4F, "water_used", 4, "L", 1000),
    _quantity(0x51, "acceleration", 2, "m/s2", 1000),
    _quantity(0x52, "angular_velocity", 2, "deg/s", 1000),
    _quantity(0x55, "stored_volume", 4, "L", 1000),
    _quantity(0x56, "conductivity", 2, "uS/cm"),
    _quantity(0x57, "room_temperature", 1, "Cel", signed=True),
    _quantity(0x58, "room_temperature", 1, "Cel", 100, 35, signed=True),
    _quantity(0x59, "count", 1, "1", signed=True),
    _quantity(0x5A, "count", 2, "1", signed=True),
    _quantity(0x5B, "count", 4, "1", signed=True),
    _quantity(0x5C, "power", 4, "W", 100, signed=True),
    _quantity(0x5D, "current", 2, "A", 1000, signed=True),
    _quantity(0x5E, "direction", 2, "deg", 100),
    _quantity(0x5F, "precipitation", 2, "mm", 10),
    _quantity(0x61, "rotational_speed", 2, "/min"),
    _quantity(0x62, "speed", 4, "m/s", 1_000_000, signed=True),
    _quantity(0x63, "acceleration", 4, "m/s2", 1_000_000, signed=True),
    _quantity(0x64, "light_level", 1, "1"),
)

# Section "Binary sensor data": one byte, 1 while it holds.
_STATES = {
    0x0F: "on", 0x10: "power_on", 0x11: "opening_open", 0x15: "battery_low",
    0x16: "battery_charging", 0x17: "carbon_monoxide", 0x18: "cold", 0x19: "connected",
    0x1A: "door_open", 0x1B: "garage_door_open", 0x1C: "gas", 0x1D: "heat",
    0x1E: "light_detected", 0x1F: "unlocked", 0x20: "water_leak", 0x21: "movement",
    0x22: "moving", 0x23: "occupancy", 0x24: "plugged_in", 0x25: "presence", 0x26: "problem",
    0x27: "running", 0x28: "safe", 0x29: "smoke", 0x2A: "sound", 0x2B: "tamper",
    0x2C: "vibration", 0x2D: "window_open",
}  # fmt: skip

# Sections "Misc data" and "Device information".
_FACTS = {
    PACKET_ID: ("packet_id", 1), 0x50: ("timestamp", 4), 0x53: ("text", None), 0x54: ("raw", None),
    0x60: ("channel", 1), 0x65: ("settings_revision", 1), 0xF0: ("device_type_id", 2),
    0xF1: ("firmware", 4), 0xF2: ("firmware", 3),
}  # fmt: skip

# Section "Events": the code, what happened, and the format's own word for it.
EVENTS: dict[int, dict[int, tuple[str, str]]] = {
    BUTTON: {
        0x01: ("button_pressed", "press"),
        0x02: ("button_pressed", "double_press"),
        0x03: ("button_pressed", "triple_press"),
        0x04: ("button_pressed", "long_press"),
        0x05: ("button_pressed", "long_double_press"),
        0x06: ("button_pressed", "long_triple_press"),
        0x80: ("button_pressed", "hold_press"),
        0x81: ("button_released", "hold_release"),
    },
    COMMAND: {
        0x00: ("command_sent", "off"),
        0x01: ("command_sent", "on"),
        0x02: ("command_sent", "toggle"),
        0x03: ("command_sent", "step_up"),
        0x04: ("command_sent", "step_down"),
    },
    DIMMER: {0x01: ("dial_turned", "rotate_left"), 0x02: ("dial_turned", "rotate_right")},
}
_NO_EVENT = {BUTTON: bytes(1), DIMMER: bytes(2)}
_EVENT_CODES = {word: (id_, code) for id_, codes in EVENTS.items() for code, word in codes.items()}

OBJECTS: dict[int, Object] = {
    row.id: row
    for row in (
        *_QUANTITIES,
        *(Object(id_, Says.STATE, metric) for id_, metric in _STATES.items()),
        *(Object(id_, Says.FACT, name, size) for id_, (name, size) in _FACTS.items()),
        Object(BUTTON, Says.EVENT, "button"),
        Object(COMMAND, Says.EVENT, "command", None),
        Object(DIMMER, Says.EVENT, "dimmer", 2),
    )
}
_BY_METRIC: dict[str, list[Object]] = {}
for _row in OBJECTS.values():
    if _row.says in NUMBERS:
        _BY_METRIC.setdefault(_row.name, []).append(_row)

Said = tuple[Object, float | bytes]
"""An object, and its value where it is a quantity or a state, else its bytes."""
Spoken = Measurement | Event | Fact


def decode(raw: Raw, known: Known) -> Decoded:
    if not isinstance(raw, Advertisement) or not raw.service_data.get(SERVICE):
        raise DecodeError("no BTHome service data in the frame", raw_bytes(raw))
    data = raw.service_data[SERVICE]
    info = data[0]
    if info & VERSION_BITS != VERSION_2:
        raise DecodeError(f"BTHome version {info >> 5} is not known", data)
    objects = data[7:] if info & ADDRESS_INCLUDED else data[1:]
    counter = None
    if info & ENCRYPTED:
        address = data[6:0:-1] if info & ADDRESS_INCLUDED else address_bytes(raw.address, data)
        objects, counter = opened(objects, address + _NONCE_UUID + data[:1], data, known)
    elif known.get("bindkey"):
        raise DecodeError("not encrypted, although this device has a bindkey", data)
    said, rest = _split(objects)
    if rest and not said:
        raise DecodeError("its first object is unknown or cut off", data)
    return meaning(raw.address, said, rest, counter)


def _split(objects: bytes) -> tuple[list[Said], bytes]:
    """The objects of a frame, and the rest from the first that is unknown or cut off."""
    said: list[Said] = []
    at, end = 0, len(objects)
    while at < end:
        row = OBJECTS.get(objects[at])
        if row is None:
            break
        size, start = row.size, at + 1
        if size is None:
            if start == end:
                break
            size = objects[start]
            # A command's length byte counts its arguments in 5 bits; its code comes on top.
            size = 1 + (size & 0x1F) if row.id == COMMAND else size
            start += 1
        if start + size > end:
            break
        content = objects[start : start + size]
        if row.says in NUMBERS:
            said.append((row, scaled(row, int.from_bytes(content, "little", signed=row.signed))))
        else:
            said.append((row, content))
        at = start + size
    return said, objects[at:]


def scaled(row: Object, number: float) -> float:
    """The value, in the object's unit, of the number in its bytes."""
    if row.says is Says.STATE:
        return 1.0 if number else 0.0
    return number * row.times / row.per


def meaning(address: str, said: Sequence[Said], rest: bytes, counter: int | None) -> Decoded:
    """What the objects of a frame say of the device at `address`."""
    names = [row.name for row, _ in said]
    several = Counter(names) if len(set(names)) < len(names) else {}
    seen: Counter[str] = Counter()
    measurements: list[Measurement] = []
    happened: list[tuple[int, bytes, int | None]] = []
    facts: list[Fact] = []
    key: str | None = None
    if counter is not None:
        key = f"counter {counter}"
        facts.append(Fact(device=address, name="counter", value=counter))
    for row, content in said:
        part = None
        if several and several[row.name] > 1:
            seen[row.name] += 1
            part = seen[row.name]
        if isinstance(content, bytes):
            if row.says is Says.EVENT:
                happened.append((row.id, content, part))
                continue
            facts.append(_fact(address, row, content))
            if row.id == PACKET_ID:
                key = str(content[0])
        else:
            measurements.append(
                Measurement(
                    device=address, metric=row.name, value=content, unit=row.unit, part=part
                )
            )
    if rest:
        facts.append(Fact(device=address, name="not_understood", value=rest.hex()))
    events = (_event(address, key, *item) for item in happened) if happened else ()
    return Decoded(tuple(measurements), tuple(event for event in events if event), tuple(facts))


def _event(
    address: str, key: str | None, id_: int, content: bytes, part: int | None
) -> Event | None:
    """The event of an object, or None where it says that nothing happened."""
    name, detail = EVENTS[id_].get(content[0], (None, None))
    if name is None:
        return None
    amount = content[1] if id_ == DIMMER else None
    return Event(device=address, event=name, key=key, detail=detail, amount=amount, part=part)


def _fact(address: str, row: Object, content: bytes) -> Fact:
    value: object = int.from_bytes(content, "little")
    match row.name:
        case "timestamp":
            value = datetime.fromtimestamp(int.from_bytes(content, "little"), UTC).isoformat()
        case "firmware":
            value = ".".join(str(number) for number in reversed(content))
        case "raw":
            value = content.hex()
        case "text":
            try:
                value = content.decode()
            except UnicodeDecodeError:
                return Fact(device=address, name="not_understood", value=content.hex())
    return Fact(device=address, name=row.name, value=value)


def address_bytes(address: str, data: bytes) -> bytes:
    """The 6 bytes of "A4:C1:38:8D:18:B2", as a nonce needs them."""
    try:
        found = bytes.fromhex(address.replace(":", ""))
    except ValueError:
        found = b""
    if len(found) != ADDRESS_BYTES:
        raise DecodeError(f"encrypted, and {address!r} is no address to decrypt it with", data)
    return found


def opened(
    sealed: bytes, nonce_start: bytes, data: bytes, known: Known, also: bytes = b""
) -> tuple[bytes, int]:
    """The objects and the counter of an encrypted frame. Raises DecodeError."""
    end = len(sealed) - COUNTER_BYTES - TAG_BYTES
    if end < 0:
        raise DecodeError("too short for an encrypted frame", data)
    text = known.get("bindkey")
    if not text:
        raise DecodeError("encrypted, and this device has no bindkey: enter it", data)
    try:
        key = _key(text)
    except ValueError as wrong:
        raise DecodeError(str(wrong), data) from None
    counter_raw = sealed[end : end + COUNTER_BYTES]
    counter = int.from_bytes(counter_raw, "little")
    last = known.get("counter")
    if isinstance(last, int) and RESTARTED_BELOW <= counter < last:
        raise DecodeError(f"played again: its counter {counter} is below the last, {last}", data)
    content = sealed[:end] + sealed[end + COUNTER_BYTES :]
    try:
        return unseal(key, nonce_start + counter_raw, content, also), counter
    except NotSealedByKey:
        raise DecodeError("the bindkey of this device does not open the frame", data) from None


def _key(text: object) -> bytes:
    try:
        key = bytes.fromhex(str(text))
    except ValueError:
        key = b""
    if len(key) != BINDKEY_BYTES:
        raise ValueError("the bindkey of this device is not 32 hex digits")
    return key


def encode(
    *,
    measurements: Sequence[Measurement] = (),
    events: Sequence[Event] = (),
    facts: Sequence[Fact] = (),
    known: Known = NOTHING_KNOWN,
) -> bytes:
    """The service data of a frame; sealed where known["bindkey"] is set, by the fact `counter`.

    The packet id is that of the fact `packet_id`, else the key of the first event.
    """
    content = b""
    for row, item in objects_of(measurements, events, facts):
        content += bytes((row.id,)) + (b"" if row.size else _length(row, item)) + item
    info = VERSION_2 | (ON_EVENT if events else 0)
    if not known.get("bindkey"):
        return bytes((info,)) + content
    start = bytes((info | ENCRYPTED,))
    spoken: tuple[Spoken, ...] = (*measurements, *events, *facts)
    return start + sealed_by(known, spoken, content, _NONCE_UUID + start)


def _length(row: Object, content: bytes) -> bytes:
    return bytes((len(content) - 1 if row.id == COMMAND else len(content),))


def objects_of(
    measurements: Sequence[Measurement], events: Sequence[Event], facts: Sequence[Fact]
) -> list[tuple[Object, bytes]]:
    """The objects and their bytes, in the order of their ids, as the format asks."""
    objects = [_of_measurement(item) for item in measurements]
    objects += _of_events(events)
    objects += [_of_fact(fact) for fact in facts if fact.name not in ("counter", "not_understood")]
    key = events[0].key if events else None
    if key and key.isdecimal() and all(fact.name != "packet_id" for fact in facts):
        objects.append((OBJECTS[PACKET_ID], bytes((int(key),))))
    return sorted(objects, key=lambda pair: pair[0].id)


def sealed_by(
    known: Known,
    spoken: Sequence[Spoken],
    content: bytes,
    nonce_middle: bytes,
    also: bytes = b"",
) -> bytes:
    """The sealed content, the counter (the fact `counter`, else 0) and the tag."""
    counter = next(
        (item.value for item in spoken if isinstance(item, Fact) and item.name == "counter"), 0
    )
    if not isinstance(counter, int):
        raise ValueError(f"a counter is a whole number, not {counter!r}")
    counter_raw = counter.to_bytes(COUNTER_BYTES, "little")
    nonce = bytes.fromhex(spoken[0].device.replace(":", "")) + nonce_middle + counter_raw
    sealed = seal(_key(known["bindkey"]), nonce, content, also, TAG_BYTES)
    return sealed[:-TAG_BYTES] + counter_raw + sealed[-TAG_BYTES:]


def _of_measurement(item: Measurement) -> tuple[Object, bytes]:
    """The first object that holds the value without loss; else the nearest value of the finest."""
    fitting: list[tuple[Object, int]] = []
    for row in _BY_METRIC.get(item.metric, ()):
        integer = round(item.value * row.per / row.times)
        limit = 1 << 8 * (row.size or 0) - row.signed
        if row.unit == item.unit and (-limit if row.signed else 0) <= integer < limit:
            fitting.append((row, integer))
    if not fitting:
        raise ValueError(f"no BTHome object says {item.metric} {item.value} {item.unit}")
    exact = [pair for pair in fitting if scaled(*pair) == item.value]
    row, integer = exact[0] if exact else max(fitting, key=lambda pair: pair[0].per / pair[0].times)
    return row, integer.to_bytes(row.size or 0, "little", signed=row.signed)


def _of_events(events: Sequence[Event]) -> list[tuple[Object, bytes]]:
    """A dimmer's amount defaults to 0. Parts that say nothing keep the place of those that do."""
    found: dict[int, dict[int, bytes]] = {}
    for event in events:
        word = (event.event, event.detail or "")
        if word not in _EVENT_CODES:
            raise ValueError(f"no BTHome object says {event.event} {event.detail}")
        id_, code = _EVENT_CODES[word]
        content = bytes((code, event.amount or 0)) if id_ == DIMMER else bytes((code,))
        found.setdefault(id_, {})[event.part or 1] = content
    return [
        (OBJECTS[id_], parts.get(part, _NO_EVENT.get(id_, b"")))
        for id_, parts in found.items()
        for part in range(1, max(parts) + 1)
    ]


def _of_fact(fact: Fact) -> tuple[Object, bytes]:
    rows = [row for row in OBJECTS.values() if row.says is Says.FACT and row.name == fact.name]
    value = fact.value
    match fact.name, value:
        case "timestamp", str():
            content = round(datetime.fromisoformat(value).timestamp()).to_bytes(4, "little")
        case "firmware", str():
            content = bytes(int(number) for number in reversed(value.split(".")))
        case "raw", str():
            content = bytes.fromhex(value)
        case "text", str():
            content = value.encode()
        case _, int() if rows:
            content = value.to_bytes(rows[0].size or 0, "little")
        case _:
            raise ValueError(f"no BTHome object says {fact.name} {value!r}")
    return next(row for row in rows if row.size in (None, len(content))), content


_V2 = "Bluetooth-Devices/bthome-ble@d55bd3a tests/test_parser_v2.py::"

DEVICE = Device(
    key="bthome",
    title="BTHome sensors and buttons",
    known_by=KnownBy.CAPTURED,
    sources=("BTHome version 2, https://bthome.io/format and https://bthome.io/encryption",),
    claims=(Claim(service_data=SERVICE),),
    metrics=tuple(_BY_METRIC),
    events=("button_pressed", "button_released", "command_sent", "dial_turned"),
    decode=decode,
    encode=encode,
    vectors=(
        Vector(
            at=SERVICE,
            frame="4002ca0903bf13",
            expected={"room_temperature": (25.06, "Cel"), "room_humidity": (50.55, "%")},
            source=_V2 + "test_bthome_temperature_humidity",
        ),
        Vector(
            at=SERVICE,
            frame="40002e01641e012e34451601",
            expected={
                "battery": (100.0, "%"),
                "light_detected": (1.0, "1"),
                "room_humidity": (52.0, "%"),
                "room_temperature": (27.8, "Cel"),
            },
            facts={"packet_id": 46},
            source=_V2 + "test_shelly_blu_ht_display_zb",
            lossless=False,
            note="it says tenths and whole percents where finer objects can say the same",
        ),
        Vector(
            at=SERVICE,
            frame="402d01",
            expected={"window_open": (1.0, "1")},
            source=_V2 + "test_bthome_binary_sensor_window",
        ),
        Vector(
            at=SERVICE,
            frame="403c0103",
            expected={"dial_turned": "rotate_left"},
            source=_V2 + "test_bthome_event_dimmer_rotate_left_3_steps",
            lossless=False,
            note="not marked as sent on an event",
        ),
        Vector(
            at=SERVICE,
            frame="40feca09",
            expected=None,
            source=_V2 + "test_bthome_wrong_object_id",
        ),
        Vector(
            at=SERVICE,
            frame="40015dfe5d0903b718",
            expected={"battery": (93.0, "%")},
            source=_V2 + "test_bthome_battery_wrong_object_id_humidity",
            lossless=False,
            note="what follows the unknown object can't be read",
        ),
        Vector(
            at=SERVICE,
            frame="4002ca0902cf0902cf0803b71803b717015d",
            expected={
                "room_temperature": [(25.06, "Cel"), (25.11, "Cel"), (22.55, "Cel")],
                "room_humidity": [(63.27, "%"), (60.71, "%")],
                "battery": (93.0, "%"),
            },
            source=_V2 + "test_bthome_triple_temperature_double_humidity_battery",
            lossless=False,
            note="not in the order of the ids",
        ),
        Vector(
            at=SERVICE,
            frame="43a5808fe64854f196c06ffb4900112233f08ecbde",
            expected={"room_temperature": (25.06, "Cel"), "room_humidity": (50.55, "%")},
            source=_V2 + "test_bthome_with_mac_encrypted",
            known={"bindkey": "231d39c1d7cc1ab1aee224cd096db932"},
            address="54:48:E6:8F:80:A5",
            lossless=False,
            note="with the address in the frame",
        ),
        Vector(
            at=SERVICE,
            frame="4187b90011223372b0231f",
            expected={"movement": (1.0, "1")},
            source=_V2 + "test_bthome_motion",
            known={"bindkey": "231d39c1d7cc1ab1aee224cd096db932"},
            address="54:48:E6:8F:80:A5",
        ),
    ),
)
