"""Xiaomi's Bluetooth sensors, buttons and scales, through the package xiaomi-ble.

Service data FE95 (MiBeacon, sealed under the device's bindkey or open), FD50 (a plant sensor),
181D and 181B (scales). The package's tables are long and change with each new model, so they are
not written here again; this file says in our words what it found. What is the same packet is the
intake's to say, by the fact `packet_id`. A sealed packet has a number that only rises (the fact
`counter`): one with a lower number was recorded and is played again, except after a new battery.

The package is an extra (`homebeat[adverts]`), imported with the first such frame.

Differences from what the package's own tests expect:
- They feed several frames to one parser, which adds them up: a frame of the plant sensor
  HHCCJCY01 says one of its four values.
- Facts here, since nothing is measured by them: `key_id`, `lock_method`, `profile_id`, `score`,
  `charging_state`, and states that are not in STATES (`stabilized`, `fingerprint`, ...).
- A scale's weight that is not stable yet carries the quality still-measuring, and is left out once
  the stable one is in the same frame. Bit 6 of a Mi Smart Scale's first byte (2 of a Mi Body
  Composition Scale's second) says that no person stands on it: then it is `mass`.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import structs

from devices.catalog.bthome import RESTARTED_BELOW
from devices.codec import (
    NOTHING_KNOWN,
    Claim,
    DecodeError,
    Device,
    Known,
    KnownBy,
    full_uuid,
    raw_bytes,
)
from devices.model import Advertisement, Decoded, Event, Fact, Measurement, Quality, Raw
from devices.units import UnitError, unit_of

if TYPE_CHECKING:
    from sensor_state_data import SensorUpdate

MIBEACON, PLANT, SCALE, BODY_SCALE = map(full_uuid, ("FE95", "FD50", "181D", "181B"))
CLAIMED = (MIBEACON, PLANT, SCALE, BODY_SCALE)
ENCRYPTED, HAS_CONTENT = 0x08, 0x40
"""Bits of a MiBeacon's first byte."""
VERSION_SHIFT, WIDE_COUNTER_SINCE, SHORTEST_SEALED = 4, 4, 12
HIGH_COUNTER_BYTES, TAG_BYTES = 3, 4
SPLIT_AT, KEY_BYTES, LEGACY_KEY_BYTES = 5, 16, 12
NO_PERSON = {SCALE: (0, 0x40), BODY_SCALE: (1, 0x40)}
"""theengs/decoder src/devices/XMTZC04HMKG_json.h and XMTZC05HMKG_json.h, `weighing_mode`."""

QUANTITIES = {
    "temperature": "room_temperature",
    "humidity": "room_humidity",
    "pressure": "air_pressure",
    "moisture": "soil_moisture",
    "conductivity": "conductivity",
    "illuminance": "illuminance",
    "battery": "battery",
    "voltage": "voltage",
    "power": "power",
    "formaldehyde": "formaldehyde",
    "consumable": "consumable_left",
    "counter": "count",
    "mass": "body_weight",
    "mass_non_stabilized": "body_weight",
    "impedance": "body_impedance",
    "impedance_low": "body_impedance",
    "impedance_high": "body_impedance_high",
    "heart_rate": "pulse_rate",
    "duration_detected": "time_occupied",
    "duration_cleared": "time_unoccupied",
    "idle_time": "time_since_movement",
    "pressure_present_duration": "time_seated",
    "pressure_not_present_duration": "time_unseated",
}
"""The package's word: metric."""
STATES = {
    "battery": "battery_low",
    "carbon_monoxide": "carbon_monoxide",
    "door": "door_open",
    "gas": "gas",
    "generic": "on",
    "light": "light_detected",
    "lock": "unlocked",
    "moisture": "water_leak",
    "motion": "movement",
    "bottom_submersion": "water_leak",
    "top_splash": "water_leak",
    "occupancy": "occupancy",
    "occupancy_close_range": "presence",
    "opening": "opening_open",
    "power": "power_on",
    "presence": "presence",
    "pressure": "seat_occupied",
    "problem": "problem",
    "smoke": "smoke",
    "vibration": "vibration",
    "asleep": "asleep",
    "wearing": "worn",
    "toothbrush": "running",
    "armed": "armed",
    "door_left_open": "door_left_open",
    "door_stuck": "problem",
    "device_forcibly_removed": "tamper",
    "pry_the_door": "tamper",
}
PARTS = {"bottom_submersion": 1, "top_splash": 2}
"""The probes of one leak sensor, under it and on its top."""
RELEASED = frozenset({"release", "hold_release"})
EVENTS = {
    "button": "button_pressed",
    "cube": "button_pressed",
    "dimmer": "dial_turned",
    "fingerprint": "fingerprint_read",
    "lock": "lock_used",
    "motion": "movement_seen",
    "error": "device_error",
}
SIDES = {
    "left": 1, "right": 2, "middle": 3,
}  # fmt: skip
"""Which of several buttons: the end of the package's word for it. A remote's keys have names, and
the fact `button` tells which."""


def is_sealed(raw: Advertisement) -> bool:
    """Whether its frame is encrypted."""
    data = raw.service_data.get(MIBEACON, b"")
    return bool(data) and bool(data[0] & ENCRYPTED)


def decode(raw: Raw, known: Known) -> Decoded:
    if not isinstance(raw, Advertisement) or not any(map(raw.service_data.get, CLAIMED)):
        raise DecodeError("no service data of Xiaomi in the frame", raw_bytes(raw))
    data = next(raw.service_data[uuid] for uuid in CLAIMED if raw.service_data.get(uuid))
    sealed = MIBEACON in raw.service_data and bool(data[0] & ENCRYPTED)
    key = _key(known, data) if sealed else None
    said, opened = _parsed(raw, key, data)
    if sealed and not opened:
        reason = "the bindkey of this device does not open the frame"
        raise DecodeError(
            reason if key else "encrypted, and this device has no bindkey: enter it", data
        )
    counter = _counter(data) if sealed else None
    last = known.get("counter")
    if counter is not None and isinstance(last, int) and RESTARTED_BELOW <= counter < last:
        raise DecodeError(f"played again: its counter {counter} is below the last, {last}", data)
    decoded = _meaning(raw, said, data)
    if counter is None:
        return decoded
    told = (*decoded.facts, Fact(device=raw.address, name="counter", value=counter))
    return structs.replace(decoded, facts=told)


def _counter(data: bytes) -> int | None:
    """The packet's number, which only rises: the frame counter, below three bytes beside the tag.

    None of versions before 4, whose counter has one byte.
    """
    if data[1] >> VERSION_SHIFT < WIDE_COUNTER_SINCE or len(data) < SHORTEST_SEALED:
        return None
    high = int.from_bytes(data[-TAG_BYTES - HIGH_COUNTER_BYTES : -TAG_BYTES], "little")
    return high << 8 | data[4]


def _key(known: Known, data: bytes) -> bytes | None:
    text = known.get("bindkey")
    if not text:
        return None
    try:
        key = bytes.fromhex(str(text))
    except ValueError:
        key = b""
    if len(key) not in (KEY_BYTES, LEGACY_KEY_BYTES):
        raise DecodeError("the bindkey of this device is neither 32 nor 24 hex digits", data)
    return key


def _parsed(raw: Advertisement, key: bytes | None, data: bytes) -> tuple["SensorUpdate", bool]:
    """What the package says of the frame, and whether the key opened it."""
    try:
        from home_assistant_bluetooth import BluetoothServiceInfo
        from xiaomi_ble import XiaomiBluetoothDeviceData
    except ImportError:
        raise DecodeError(
            "install homebeat[adverts] to understand Xiaomi's sensors", data
        ) from None
    # The package logs each frame that it can't open, on each frame: the reason is our error's.
    logging.getLogger("xiaomi_ble").setLevel(logging.CRITICAL)  # noqa: TID251
    parser = XiaomiBluetoothDeviceData(bindkey=key)
    heard = BluetoothServiceInfo(
        name=raw.name or raw.address,
        address=raw.address,
        rssi=raw.rssi_dbm or -60,
        manufacturer_data=dict(raw.manufacturer_data),
        service_data={uuid: raw.service_data[uuid] for uuid in CLAIMED if uuid in raw.service_data},
        service_uuids=list(raw.service_uuids),
        source="",
    )
    try:
        return parser.update(heard), parser.bindkey_verified
    except Exception as wrong:  # noqa: BLE001 - any bytes are on the air, and its tables trust them
        raise DecodeError(f"xiaomi-ble can't read it: {type(wrong).__name__}", data) from None


def _meaning(raw: Advertisement, said: "SensorUpdate", data: bytes) -> Decoded:
    device = raw.address
    facts = _about(raw, said, data)
    number = str(data[4]) if MIBEACON in raw.service_data and len(data) >= SPLIT_AT else None
    measurements: list[Measurement] = []
    values = {name.key: value.native_value for name, value in said.entity_values.items()}
    units = _units(said)
    for name, value in values.items():
        found = _quantity(device, name, value, units.get(name), values)
        if found is not None:
            measurements.append(found)
        elif name not in ("signal_strength", "mass_non_stabilized"):
            facts[str(name)] = value
    if measurements and _nobody_on_it(raw):
        measurements = [_mass(item) for item in measurements]
    for key, state in said.binary_entity_values.items():
        base, part = _base(key.key)
        metric = STATES.get(base)
        if metric is None:
            facts[str(key.key)] = bool(state.native_value)
        elif state.native_value is not None:
            measurements.append(
                Measurement(
                    device=device, metric=metric, value=float(bool(state.native_value)), unit="1",
                    part=part,
                )
            )  # fmt: skip
    for key in said.events:
        kind, _, button = key.key.partition("_")
        if kind == "button" and button:
            facts["button"] = button
    events = tuple(
        _event(device, key.key, str(event.event_type), event.event_properties, number)
        for key, event in said.events.items()
    )
    told = tuple(Fact(device=device, name=name, value=value) for name, value in facts.items())
    return Decoded(tuple(measurements), events, told)


def _about(raw: Advertisement, said: "SensorUpdate", data: bytes) -> dict[str, object]:
    facts: dict[str, object] = {}
    model = next((about.model for about in said.devices.values() if about.model), None)
    if model:
        facts["model"] = model
    if MIBEACON in raw.service_data and len(data) >= SPLIT_AT:
        facts["packet_id"] = data[4]
    return facts


def _units(said: "SensorUpdate") -> dict[str, str]:
    return {
        key.key: str(about.native_unit_of_measurement)
        for key, about in said.entity_descriptions.items()
        if about.native_unit_of_measurement
    }


def _quantity(
    device: str, name: str, value: object, unit: str | None, values: Mapping[str, object]
) -> Measurement | None:
    """None where it is no quantity, or an unstable one beside the stable one."""
    base, part = _base(name)
    metric = QUANTITIES.get(base)
    if metric is None or isinstance(value, bool) or not isinstance(value, int | float):
        return None
    quality: tuple[Quality, ...] = ()
    if name == "mass_non_stabilized":
        if "mass" in values:
            return None
        quality = (Quality.STILL_MEASURING,)
    try:
        code = unit_of(metric, unit)
    except UnitError:
        return None
    return Measurement(
        device=device, metric=metric, value=float(value), unit=code, quality=quality, part=part
    )


def _nobody_on_it(raw: Advertisement) -> bool:
    return any(
        len(data := raw.service_data.get(uuid, b"")) > at and bool(data[at] & bit)
        for uuid, (at, bit) in NO_PERSON.items()
    )


def _mass(item: Measurement) -> Measurement:
    if item.metric != "body_weight":
        return item
    return Measurement(
        device=item.device, metric="mass", value=item.value, unit=item.unit, quality=item.quality
    )


def _base(name: str) -> tuple[str, int | None]:
    """The package's word, and which of several like parts: ("button", 1) of "button_left"."""
    start, _, end = name.rpartition("_")
    if not start or name in QUANTITIES or name in STATES:
        return name, PARTS.get(name)
    if end in SIDES:
        return start, SIDES[end]
    return (start, int(end)) if end.isdecimal() else (name, None)


def _event(
    device: str, name: str, word: str, properties: Mapping[str, Any] | None, number: str | None
) -> Event:
    kind = name.partition("_")[0]
    _, part = _base(name)
    event = EVENTS.get(kind, "button_pressed")
    if kind == "button" and word in RELEASED:
        event = "button_released"
    steps = (properties or {}).get("steps")
    return Event(
        device=device,
        event=event,
        key=number,
        detail=word,
        amount=steps if isinstance(steps, int) else None,
        part=part,
    )


def encode(
    *,
    measurements: Sequence[Measurement] = (),
    events: Sequence[Event] = (),
    facts: Sequence[Fact] = (),
    known: Known = NOTHING_KNOWN,
) -> bytes:
    """ValueError: the package reads these frames, and does not write them."""
    raise ValueError("xiaomi-ble writes no frames")


def _once(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


DEVICE = Device(
    key="xiaomi",
    title="Xiaomi sensors, buttons and scales",
    known_by=KnownBy.CAPTURED,
    sources=("the package xiaomi-ble of Bluetooth-Devices",),
    claims=tuple(Claim(service_data=uuid) for uuid in CLAIMED),
    metrics=_once((*QUANTITIES.values(), *STATES.values(), "mass")),
    events=_once((*EVENTS.values(), "button_released")),
    decode=decode,
    encode=encode,
    vectors=(),
)
