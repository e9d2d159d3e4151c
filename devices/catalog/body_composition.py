"""Body composition profile: the measurement (2A9C).

Layout, little-endian: flags u16 (0 pounds and inches else kg and m, 1 time, 2 user, 3 to 11 the
rows of FIELDS, 12 more than one packet); body fat u16 in 0.1 %; [date time 7]; [user u8, FF
unknown]; then FIELDS, u16 each, in their order. FFFF is a failed measurement, 0 an empty field.

What does not fit one packet comes in a second, which has neither time nor user: the first one's
are kept in the fact `first_packet` and hold for the second, when it comes at once.

A scale that plays back its history sends frames in which nothing is measured and only the basal
metabolism, worked out from the person's data, is there: 35 of 36 in one captured session. They are
no failure and no measurement; the fact `placeholder` shows what was in them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
from msgspec import Struct

from devices.codec import (
    NOTHING_KNOWN,
    Claim,
    DecodeError,
    Device,
    Gatt,
    Known,
    KnownBy,
    Vector,
)
from devices.facts import fields_of, told, value_of
from devices.fields import Cursor, to_date_time, u16
from devices.model import CharacteristicValue, Decoded, Event, Fact, Measurement, Raw
from devices.units import convert

COMPOSITION = "2A9C"
IMPERIAL, TIME, USER, MORE_PACKETS = 0x0001, 0x0002, 0x0004, 0x1000
FAILED = 0xFFFF
UNKNOWN_USER = 0xFF
SECOND_PACKET_WITHIN = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Field:
    """A field: its flag (0: always there), and unit with steps in it, metric and imperial."""

    flag: int
    metric: str
    told_as: str
    units: tuple[tuple[str, int], tuple[str, int]]


def _same(unit: str, steps: int) -> tuple[tuple[str, int], tuple[str, int]]:
    return (unit, steps), (unit, steps)


_MASS = (("kg", 200), ("[lb_av]", 100))
_HEIGHT = (("m", 1000), ("[in_i]", 10))

# Bluetooth SIG, Body Composition Service 1.0, section 3.2.1.
FAT = Field(0, "body_fat", "body_fat_pct", _same("%", 10))
FIELDS = (
    Field(0x0008, "basal_metabolism", "basal_metabolism_kJ", _same("kJ", 1)),
    Field(0x0010, "muscle_percentage", "muscle_pct", _same("%", 10)),
    Field(0x0020, "muscle_mass", "muscle_mass", _MASS),
    Field(0x0040, "fat_free_mass", "fat_free_mass", _MASS),
    Field(0x0080, "soft_lean_mass", "soft_lean_mass", _MASS),
    Field(0x0100, "body_water_mass", "body_water_mass", _MASS),
    Field(0x0200, "body_impedance", "impedance_ohm", _same("Ohm", 10)),
    Field(0x0400, "body_weight", "weight", _MASS),
    Field(0x0800, "body_height", "height", _HEIGHT),
)
NOT_MEASURED = ("basal_metabolism", "body_height")
"""What a scale works out or was told, so that it alone is no measurement."""


class FirstPacket(Struct, frozen=True):
    """What the first of two packets said for both."""

    heard_at: datetime
    taken_at: datetime | None
    user: int | None


def decode(raw: Raw, known: Known) -> Decoded:
    heard = value_of(raw, "the body composition characteristic")
    frame = Cursor(heard.value)
    flags = frame.u16()
    counts = [(FAT, frame.u16())]
    taken_at = frame.date_time() if flags & TIME else None
    slot = frame.u8() if flags & USER else UNKNOWN_USER
    user = None if slot == UNKNOWN_USER else slot
    counts += [(field, frame.u16()) for field in FIELDS if flags & field.flag]
    frame.finish()

    system = 1 if flags & IMPERIAL else 0
    measured = [
        (field, count)
        for field, count in counts
        if count not in (0, FAILED) and field.metric not in NOT_MEASURED
    ]
    if not measured:
        if counts[0][1] == FAILED:
            raise DecodeError("the scale reports a failed measurement", heard.value)
        empty = {field.told_as: count / field.units[system][1] for field, count in counts}
        return Decoded(facts=told(heard.address, {"placeholder": empty}))

    facts: dict[str, object] = {}
    if flags & MORE_PACKETS:
        if flags & (TIME | USER):
            first = FirstPacket(heard_at=heard.received_at, taken_at=taken_at, user=user)
            facts["first_packet"] = msgspec.to_builtins(first)
        else:
            remembered = _first_packet(heard, known)
            if remembered:
                taken_at, user = remembered.taken_at, remembered.user
            facts["first_packet"] = None
    return Decoded(
        tuple(
            Measurement(
                device=heard.address,
                metric=field.metric,
                value=count / field.units[system][1],
                unit=field.units[system][0],
                taken_at=taken_at,
                user=user,
            )
            for field, count in counts
            if count not in (0, FAILED)
        ),
        facts=told(heard.address, facts),
    )


def _first_packet(heard: CharacteristicValue, known: Known) -> FirstPacket | None:
    """The first packet of the measurement that this one ends, if it was heard just before."""
    try:
        first = msgspec.convert(known.get("first_packet"), FirstPacket)
    except msgspec.ValidationError:
        return None
    if first.heard_at.utcoffset() is None:
        return None
    passed = heard.received_at - first.heard_at
    return first if timedelta(0) <= passed <= SECOND_PACKET_WITHIN else None


def encode(
    *,
    measurements: Sequence[Measurement] = (),
    events: Sequence[Event] = (),
    facts: Sequence[Fact] = (),
    known: Known = NOTHING_KNOWN,
) -> bytes:
    """A 2A9C frame, in pounds and inches where a mass is in pounds.

    The fact `first_packet`: one of two packets, the second where it is None. `placeholder`: a
    frame in which nothing is measured. With neither fact nor measurement: the frame with which a
    scale says that it failed.
    """
    fields = fields_of(facts)
    if "placeholder" in fields:
        return _placeholder(fields["placeholder"])
    said = {item.metric: item for item in measurements}
    first = next(iter(measurements), None)
    imperial = any(item.unit == "[lb_av]" for item in measurements)
    flags = IMPERIAL if imperial else 0
    flags |= MORE_PACKETS if "first_packet" in fields else 0
    body = _count(FAT, said[FAT.metric], imperial) if FAT.metric in said else u16(FAILED)
    if first and not ("first_packet" in fields and fields["first_packet"] is None):
        if first.taken_at:
            flags |= TIME
            body += to_date_time(first.taken_at)
        if first.user is not None:
            flags |= USER
            body += bytes((first.user,))
    for field in FIELDS:
        if field.metric in said:
            flags |= field.flag
            body += _count(field, said[field.metric], imperial)
    return u16(flags) + body


def _count(field: Field, item: Measurement, imperial: bool) -> bytes:
    unit, steps = field.units[imperial]
    return u16(round(convert(item.metric, item.value, item.unit, unit) * steps))


def _placeholder(empty: Mapping[str, Any]) -> bytes:
    rows = [(field, empty[field.told_as]) for field in FIELDS if field.told_as in empty]
    values = [(FAT, empty.get(FAT.told_as, 0.0)), *rows]
    return u16(sum(field.flag for field, _ in rows)) + b"".join(
        u16(round(value * field.units[0][1])) for field, value in values
    )


_SCALE_SYNC = "KristianP26/ble-scale-sync@3cce009 tests/scales/"
_SIG_PYTHON = (
    "RonanB96/bluetooth-sig-python@27bdb3d "
    "tests/gatt/characteristics/test_body_composition_measurement.py (synthetic)"
)

DEVICE = Device(
    key="gatt.body_composition",
    title="Body composition scale (Bluetooth body composition profile)",
    known_by=KnownBy.CAPTURED,
    sources=("Bluetooth SIG, Body Composition Service 1.0, section 3.2",),
    claims=(Claim(characteristic=COMPOSITION),),
    metrics=(FAT.metric, *(field.metric for field in FIELDS)),
    decode=decode,
    encode=encode,
    gatt=Gatt(service="181B", subscribe=("2A9D", COMPOSITION), users="2A9F", steady="2A9D"),
    vectors=(
        Vector(
            at=COMPOSITION,
            frame="9803c200df1a9701cc2fca21a811",
            expected={
                "body_fat": (19.4, "%"),
                "basal_metabolism": (6879.0, "kJ"),
                "muscle_percentage": (40.7, "%"),
                "soft_lean_mass": (61.18, "kg"),
                "body_water_mass": (43.25, "kg"),
                "body_impedance": (452.0, "Ohm"),
            },
            facts={},
            source=_SCALE_SYNC + "beurer-bf720.test.ts",
            note="captured from a Beurer BF720",
        ),
        Vector(
            at=COMPOSITION,
            frame="9803f300962389014042fa2f550f",
            expected={
                "body_fat": (24.3, "%"),
                "basal_metabolism": (9110.0, "kJ"),
                "muscle_percentage": (39.3, "%"),
                "soft_lean_mass": (84.8, "kg"),
                "body_water_mass": (61.41, "kg"),
                "body_impedance": (392.5, "Ohm"),
            },
            facts={},
            source=_SCALE_SYNC + "beurer-bf720.test.ts",
            note="captured from a Beurer BF788",
        ),
        Vector(
            at=COMPOSITION,
            frame="9803000096230000000000000000",
            expected={},
            facts={
                "placeholder": {
                    "body_fat_pct": 0.0,
                    "basal_metabolism_kJ": 9110.0,
                    "muscle_pct": 0.0,
                    "soft_lean_mass": 0.0,
                    "body_water_mass": 0.0,
                    "impedance_ohm": 0.0,
                }
            },
            source=_SCALE_SYNC + "beurer-bf720.test.ts",
            note="captured from a Beurer BF788 playing back its history: not to be stored",
        ),
        Vector(
            at=COMPOSITION,
            frame="9803ffff96230000000000000000",
            expected=None,
            source=_SCALE_SYNC + "beurer-bf720.test.ts",
            note="the frame before with body fat FFFF",
        ),
        Vector(
            at=COMPOSITION,
            frame="0006c8008813803e",
            expected={
                "body_fat": (20.0, "%"),
                "body_impedance": (500.0, "Ohm"),
                "body_weight": (80.0, "kg"),
            },
            facts={},
            source=_SCALE_SYNC + "standard-gatt.test.ts",
        ),
        Vector(
            at=COMPOSITION,
            frame="0104c800e544",
            expected={"body_fat": (20.0, "%"), "body_weight": (176.37, "[lb_av]")},
            facts={},
            source=_SCALE_SYNC + "standard-gatt.test.ts",
        ),
        Vector(
            at=COMPOSITION,
            frame="10040000" + "0000803e",
            expected={"body_weight": (80.0, "kg")},
            facts={},
            source=_SCALE_SYNC + "sig-bcs.test.ts",
            lossless=False,
            note="weighed without bare feet: its zeros are empty fields, and are not written again",
        ),
        Vector(
            at=COMPOSITION,
            frame="03009600e80706140a1e00",
            expected={"body_fat": (15.0, "%"), "taken_at": "2024-06-20T10:30:00"},
            facts={},
            source=_SIG_PYTHON,
            lossless=False,
            note="says pounds, and has no value in them",
        ),
        Vector(
            at=COMPOSITION,
            frame="0c007800054006",
            expected={"body_fat": (12.0, "%"), "basal_metabolism": (1600.0, "kJ"), "user": 5},
            facts={},
            source=_SIG_PYTHON,
        ),
        Vector(
            at=COMPOSITION,
            frame="000e4600401fb036e803",
            expected={
                "body_fat": (7.0, "%"),
                "body_impedance": (800.0, "Ohm"),
                "body_weight": (70.0, "kg"),
                "body_height": (1.0, "m"),
            },
            facts={},
            source=_SIG_PYTHON,
        ),
    ),
)
