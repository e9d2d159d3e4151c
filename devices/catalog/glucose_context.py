"""Glucose profile: what the person noted beside a measurement (2A34). All of it is facts.

Layout, little-endian: flags u8; sequence u16, the measurement's own; [extended flags u8]; then, by
flags 0 to 6, the fields of LAYOUT. Some stacks send it padded with zeros to its full length.
"""

from collections.abc import Sequence
from typing import Any

from devices.codec import NOTHING_KNOWN, Claim, DecodeError, Device, Known, KnownBy, Vector
from devices.facts import fields_of, from_plain, plain, told, value_of, worded
from devices.fields import Cursor, to_sfloat, u16
from devices.model import Decoded, Event, Fact, Measurement, Raw

CONTEXT = "2A34"

# Bluetooth SIG, Glucose Service 1.0.1, section 3.2: flag, and its fields in their order.
# "nibbles" are two fields in one byte, the low one first.
EXTENDED, MEDICATION_IN_LITRES = 0x80, 0x20
LAYOUT: tuple[tuple[int, tuple[tuple[str, str], ...]], ...] = (
    (0x01, (("u8", "carbohydrate"), ("sfloat", "carbohydrate_kg"))),
    (0x02, (("u8", "meal"),)),
    (0x04, (("nibbles", "tester health"),)),
    (0x08, (("u16", "exercise_duration_s"), ("u8", "exercise_intensity_pct"))),
    (0x10, (("u8", "medication"), ("sfloat", "medication_kg"))),
    (0x40, (("sfloat", "hba1c_pct"),)),
)
LITRES = {"medication_kg": "medication_l"}
WORDS = {
    "carbohydrate": {
        1: "breakfast", 2: "lunch", 3: "dinner", 4: "snack", 5: "drink", 6: "supper", 7: "brunch",
    },
    "meal": {
        1: "before a meal", 2: "after a meal", 3: "fasting", 4: "in between", 5: "bedtime",
    },
    "medication": {
        1: "rapid acting insulin", 2: "short acting insulin", 3: "intermediate acting insulin",
        4: "long acting insulin", 5: "pre-mixed insulin",
    },
}  # fmt: skip


def decode(raw: Raw, known: Known) -> Decoded:
    heard = value_of(raw, "the glucose context characteristic")
    frame = Cursor(heard.value)
    flags = frame.u8()
    fields: dict[str, Any] = {"sequence": frame.u16()}
    if flags & EXTENDED:
        fields["extended_flags"] = frame.u8()
    for flag, layout in LAYOUT:
        for kind, name in layout if flags & flag else ():
            fields |= _read(frame, kind, _named(name, flags))
    if any(frame.take(frame.left)):
        raise DecodeError("more than its flags promise, and it is no padding", heard.value)
    for name, words in WORDS.items():
        if name in fields:
            fields |= worded(name, fields[name], words)
    return Decoded(facts=told(heard.address, fields))


def _read(frame: Cursor, kind: str, name: str) -> dict[str, object]:
    match kind:
        case "sfloat":
            return {name: plain(frame.sfloat())}
        case "u16":
            return {name: frame.u16()}
        case "nibbles":
            both = frame.u8()
            low, high = name.split()
            return {low: both & 0x0F, high: both >> 4}
    return {name: frame.u8()}


def _named(name: str, flags: int) -> str:
    return LITRES.get(name, name) if flags & MEDICATION_IN_LITRES else name


def encode(
    *,
    measurements: Sequence[Measurement] = (),
    events: Sequence[Event] = (),
    facts: Sequence[Fact] = (),
    known: Known = NOTHING_KNOWN,
) -> bytes:
    """The frame of the facts; a group of fields is in it where all of them are told."""
    fields = fields_of(facts)
    litres = any(name in fields for name in LITRES.values())
    flags = MEDICATION_IN_LITRES if litres else 0
    body = u16(fields.get("sequence", 0))
    if "extended_flags" in fields:
        flags |= EXTENDED
        body += bytes((fields["extended_flags"],))
    for flag, layout in LAYOUT:
        parts = [(kind, _named(name, flags).split()) for kind, name in layout]
        if all(name in fields for _, names in parts for name in names):
            flags |= flag
            body += b"".join(
                _written(kind, [fields[name] for name in names]) for kind, names in parts
            )
    return bytes((flags,)) + body


def _written(kind: str, values: list[Any]) -> bytes:
    match kind:
        case "sfloat":
            return u16(to_sfloat(from_plain(values[0])))
        case "u16":
            return u16(values[0])
        case "nibbles":
            low, high = values
            return bytes((high << 4 | low,))
    return bytes(values)


DEVICE = Device(
    key="gatt.glucose_context",
    title="Notes of a glucose meter (Bluetooth glucose profile)",
    known_by=KnownBy.SPECIFICATION,
    sources=(
        "Bluetooth SIG, Glucose Service 1.0.1, section 3.2",
        "Bluetooth SIG, GATT Specification Supplement, Glucose Measurement Context",
    ),
    claims=(Claim(characteristic=CONTEXT),),
    metrics=(),
    decode=decode,
    encode=encode,
    vectors=(
        Vector(
            at=CONTEXT,
            frame="0001000000000000000000000000000000",
            expected={},
            facts={"sequence": 1},
            source=(
                "NordicSemiconductor/Android-BLE-Common-Library@c078e25 ble-common/src/test/java/"
                "no/nordicsemi/android/ble/common/callback/glucose/"
                "GlucoseMeasurementContextDataCallbackTest.java"
            ),
            lossless=False,
            note="padded with zeros to the full length",
            open_ended=True,
        ),
        Vector(
            at=CONTEXT,
            frame="002a00",
            expected={},
            facts={"sequence": 42},
            source=(
                "RonanB96/bluetooth-sig-python@27bdb3d "
                "tests/gatt/characteristics/test_glucose_measurement_context.py (synthetic)"
            ),
        ),
    ),
)
