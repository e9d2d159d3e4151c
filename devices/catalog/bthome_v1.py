"""BTHome version 1, which sensors bought before 2023 still speak.

Service data 181C, or 181E where it is encrypted: objects, each a control byte (0-4 how many bytes
follow, 5-7 their format: 0 unsigned, 1 signed, 2 floating point, 3 text), an id of version 2's
table, and the content. Encrypted, all of it is sealed with AES-CCM and followed by a counter u32
and a tag of 4 bytes; the nonce is address, UUID and counter, and the byte 11 is vouched for.
"""

import struct
from collections.abc import Sequence

from devices.catalog.bthome import (
    NUMBERS,
    OBJECTS,
    Said,
    address_bytes,
    meaning,
    objects_of,
    opened,
    scaled,
    sealed_by,
)
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

PLAIN, ENCRYPTED = full_uuid("181C"), full_uuid("181E")
_NONCE_UUID = b"\x1e\x18"
_VOUCHED_FOR = b"\x11"
LENGTH_BITS, FORMAT_SHIFT = 0x1F, 5
UNSIGNED, SIGNED, FLOATING, TEXT = 0, 1, 2, 3
FLOATS = {2: "<e", 4: "<f", 8: "<d"}


def decode(raw: Raw, known: Known) -> Decoded:
    if not isinstance(raw, Advertisement):
        raise DecodeError("no BTHome service data in the frame", raw_bytes(raw))
    objects, counter = raw.service_data.get(PLAIN, b""), None
    data = objects
    if ENCRYPTED in raw.service_data:
        data = raw.service_data[ENCRYPTED]
        nonce_start = address_bytes(raw.address, data) + _NONCE_UUID
        objects, counter = opened(data, nonce_start, data, known, _VOUCHED_FOR)
    elif known.get("bindkey"):
        raise DecodeError("not encrypted, although this device has a bindkey", data)
    said, rest = _split(objects)
    if not said:
        raise DecodeError("its first object is unknown or cut off", data)
    return meaning(raw.address, said, rest, counter)


def _split(objects: bytes) -> tuple[list[Said], bytes]:
    """The objects of a frame, and the rest from the first that is cut off or unreadable.

    An id that is not known is passed over: unlike in version 2, its length is.
    """
    said: list[Said] = []
    at = 0
    while at + 1 < len(objects):
        end = at + 1 + (objects[at] & LENGTH_BITS)
        if end > len(objects) or end < at + 3:
            break
        row, content = OBJECTS.get(objects[at + 1]), objects[at + 2 : end]
        if row is not None and row.says in NUMBERS:
            number = _number(objects[at] >> FORMAT_SHIFT, content)
            if number is None:
                break
            said.append((row, scaled(row, number)))
        elif row is not None and (row.size is None or row.size == len(content)):
            said.append((row, content))
        at = end
    return said, objects[at:]


def _number(kind: int, content: bytes) -> float | None:
    """None where the bytes hold no finite number."""
    if kind in (UNSIGNED, SIGNED):
        return int.from_bytes(content, "little", signed=kind == SIGNED)
    if kind != FLOATING or len(content) not in FLOATS:
        return None
    (value,) = struct.unpack(FLOATS[len(content)], content)
    return float(value) if value - value == 0.0 else None


def encode(
    *,
    measurements: Sequence[Measurement] = (),
    events: Sequence[Event] = (),
    facts: Sequence[Fact] = (),
    known: Known = NOTHING_KNOWN,
) -> bytes:
    """The service data of a frame: 181C, or 181E where known["bindkey"] is set."""
    content = b""
    for row, item in objects_of(measurements, events, facts):
        signed = SIGNED if row.signed else TEXT if row.name == "text" else UNSIGNED
        content += bytes((1 + len(item) | signed << FORMAT_SHIFT, row.id)) + item
    if not known.get("bindkey"):
        return content
    return sealed_by(known, (*measurements, *events, *facts), content, _NONCE_UUID, _VOUCHED_FOR)


_V1 = "Bluetooth-Devices/bthome-ble@d55bd3a tests/test_parser_v1.py::"

DEVICE = Device(
    key="bthome_v1",
    title="BTHome sensors and buttons, version 1",
    known_by=KnownBy.CAPTURED,
    sources=("BTHome version 1, https://bthome.io/v1",),
    claims=(Claim(service_data=PLAIN), Claim(service_data=ENCRYPTED)),
    metrics=tuple(dict.fromkeys(row.name for row in OBJECTS.values() if row.says in NUMBERS)),
    events=("button_pressed", "button_released", "dial_turned"),
    decode=decode,
    encode=encode,
    vectors=(
        Vector(
            at=PLAIN,
            frame="2302ca090303bf13",
            expected={"room_temperature": (25.06, "Cel"), "room_humidity": (50.55, "%")},
            source=_V1 + "test_bthome_temperature_humidity",
        ),
        Vector(
            at=PLAIN,
            frame="4306fe70",
            expected={"mass": (102.24, "kg")},
            source=_V1 + "test_bthome_mass_kilograms",
            lossless=False,
            note="a half-precision float, which the encoder does not use",
        ),
        Vector(
            at=PLAIN,
            frame="021001",
            expected={"power_on": (1.0, "1")},
            source=_V1 + "test_bthome_binary_sensor_power",
        ),
        Vector(
            at=ENCRYPTED,
            frame="fba435e4d3c312fb0011223357d90a99",
            expected={"room_temperature": (25.06, "Cel"), "room_humidity": (50.55, "%")},
            source=_V1 + "test_bindkey_correct",
            known={"bindkey": "231d39c1d7cc1ab1aee224cd096db932"},
            address="54:48:E6:8F:80:A5",
        ),
        Vector(
            at=PLAIN,
            frame="033c0103",
            expected={"dial_turned": "rotate_left"},
            source=_V1 + "test_bthome_event_dimmer_rotate_left_3_steps",
        ),
    ),
)
