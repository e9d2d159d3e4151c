"""Weight scale profile: weight measurement (2A9D).

Layout, little-endian: flags u8 (0 pounds and inches else kg and m, 1 time, 2 user, 3 BMI and
height); weight u16 in 0.005 kg or 0.01 lb, FFFF failed; [date time 7]; [user u8, FF unknown];
[BMI u16 in 0.1 kg/m2, height u16 in 0.001 m or 0.1 in]. A 0 is an empty field.
"""

from collections.abc import Sequence

from devices.codec import (
    NOTHING_KNOWN,
    Claim,
    DecodeError,
    Device,
    Gatt,
    Known,
    KnownBy,
    Vector,
    raw_bytes,
)
from devices.fields import Cursor, to_date_time, u16
from devices.model import CharacteristicValue, Decoded, Event, Fact, Measurement, Raw
from devices.units import convert

WEIGHT = "2A9D"
IMPERIAL, TIME, USER, BMI_AND_HEIGHT = 0x01, 0x02, 0x04, 0x08
FAILED = 0xFFFF
UNKNOWN_USER = 0xFF

# Weight Scale Service 1.0, section 3.2.1: steps in one unit.
WEIGHT_STEPS = {"kg": 200, "[lb_av]": 100}
HEIGHT_STEPS = {"m": 1000, "[in_i]": 10}
BMI_STEPS = 10
METRIC_UNITS, IMPERIAL_UNITS = ("kg", "m"), ("[lb_av]", "[in_i]")


def decode(raw: Raw, known: Known) -> Decoded:
    if not isinstance(raw, CharacteristicValue):
        raise DecodeError("not a value of the weight characteristic", raw_bytes(raw))
    frame = Cursor(raw.value)
    flags = frame.u8()
    weight = frame.u16()
    taken_at = frame.date_time() if flags & TIME else None
    user = frame.u8() if flags & USER else UNKNOWN_USER
    bmi, height = (frame.u16(), frame.u16()) if flags & BMI_AND_HEIGHT else (0, 0)
    frame.finish()
    if weight == FAILED:
        raise DecodeError("the scale reports a failed measurement", raw.value)
    if weight == 0:
        raise DecodeError("a weight of zero is an empty frame, not a measurement", raw.value)

    weight_unit, height_unit = IMPERIAL_UNITS if flags & IMPERIAL else METRIC_UNITS
    fields = (
        ("body_weight", weight, WEIGHT_STEPS[weight_unit], weight_unit),
        ("bmi", bmi, BMI_STEPS, "kg/m2"),
        ("body_height", height, HEIGHT_STEPS[height_unit], height_unit),
    )
    return Decoded(
        tuple(
            Measurement(
                device=raw.address,
                metric=metric,
                value=count / steps,
                unit=unit,
                taken_at=taken_at,
                user=None if user == UNKNOWN_USER else user,
            )
            for metric, count, steps, unit in fields
            if count
        )
    )


def encode(
    *,
    measurements: Sequence[Measurement] = (),
    events: Sequence[Event] = (),
    facts: Sequence[Fact] = (),
    known: Known = NOTHING_KNOWN,
) -> bytes:
    """A 2A9D frame, in the system of units of the weight.

    Without `body_weight`: the frame with which a scale says that it failed.
    """
    said = {item.metric: item for item in measurements}
    weight, bmi, height = (said.get(metric) for metric in ("body_weight", "bmi", "body_height"))
    if weight is None:
        return bytes((0,)) + u16(FAILED)
    imperial = weight.unit == "[lb_av]"
    weight_unit, height_unit = IMPERIAL_UNITS if imperial else METRIC_UNITS
    flags = IMPERIAL if imperial else 0
    body = _count(weight, WEIGHT_STEPS[weight_unit], weight_unit)
    if weight.taken_at:
        flags |= TIME
        body += to_date_time(weight.taken_at)
    if weight.user is not None:
        flags |= USER
        body += bytes((weight.user,))
    if bmi or height:
        flags |= BMI_AND_HEIGHT
        body += _count(bmi, BMI_STEPS, "kg/m2") if bmi else u16(0)
        body += _count(height, HEIGHT_STEPS[height_unit], height_unit) if height else u16(0)
    return bytes((flags,)) + body


def _count(item: Measurement, steps: int, unit: str) -> bytes:
    return u16(round(convert(item.metric, item.value, item.unit, unit) * steps))


_SCALE_SYNC = "KristianP26/ble-scale-sync@3cce009 tests/scales/beurer-bf720.test.ts"
_SIG_PYTHON = (
    "RonanB96/bluetooth-sig-python@27bdb3d "
    "tests/gatt/characteristics/test_weight_measurement.py (synthetic)"
)

DEVICE = Device(
    key="gatt.weight_scale",
    title="Weighing scale (Bluetooth weight scale profile)",
    known_by=KnownBy.CAPTURED,
    sources=("Bluetooth SIG, Weight Scale Service 1.0, section 3.2",),
    claims=(Claim(characteristic=WEIGHT),),
    metrics=("body_weight", "bmi", "body_height"),
    decode=decode,
    encode=encode,
    gatt=Gatt(service="181D", subscribe=(WEIGHT,), users="2A9F", steady=WEIGHT),
    vectors=(
        Vector(
            at=WEIGHT,
            frame="00b036",
            expected={"body_weight": (70.0, "kg")},
            source=_SIG_PYTHON,
        ),
        Vector(
            at=WEIGHT,
            frame="02b036e7070c190e1e2d",
            expected={"body_weight": (70.0, "kg"), "taken_at": "2023-12-25T14:30:45"},
            source=_SIG_PYTHON,
        ),
        Vector(
            at=WEIGHT,
            frame="0f543de7070c190e1e2d03f500a802",
            expected={
                "body_weight": (157.0, "[lb_av]"),
                "bmi": (24.5, "kg/m2"),
                "body_height": (68.0, "[in_i]"),
                "taken_at": "2023-12-25T14:30:45",
                "user": 3,
            },
            source=_SIG_PYTHON,
        ),
        Vector(
            at=WEIGHT,
            frame="0e783eea07050c12353601ee002607",
            expected={
                "body_weight": (79.96, "kg"),
                "bmi": (23.8, "kg/m2"),
                "body_height": (1.83, "m"),
                "taken_at": "2026-05-12T18:53:54",
                "user": 1,
            },
            source=_SCALE_SYNC,
            note="captured from a Beurer BF720",
        ),
        Vector(
            at=WEIGHT,
            frame="0e205cea07070e1729200140018007",
            expected={
                "body_weight": (117.92, "kg"),
                "bmi": (32.0, "kg/m2"),
                "body_height": (1.92, "m"),
                "taken_at": "2026-07-14T23:41:32",
                "user": 1,
            },
            source=_SCALE_SYNC,
            note="captured from a Beurer BF720",
        ),
    ),
)
