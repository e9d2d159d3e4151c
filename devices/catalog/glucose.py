"""Glucose profile: the measurement (2A18), and what the person noted beside it (2A34).

Layout of 2A18, little-endian: flags u8 (0 offset, 1 concentration with type and place, 2 mol/L
else kg/L, 3 status, 4 context follows); sequence u16; base time 7; [offset s16 min];
[concentration SFLOAT; type low, place high nibble]; [status u16]. The person's time is the base
time plus the offset: meters move the offset when their clock is set.
Layout of 2A34: flags u8; sequence u16; [extended flags u8]; then, by flags 0 to 6, the fields of
CONTEXT. Some stacks send it padded with zeros to its full length.

HI and LO are no numbers: whatever stands in the field then is a limit of the meter, so they are
events. Control solution is not the person, and no measurement. A record without a value still
tells its sequence number, so that a download can go on behind it.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from devices import wall_clock
from devices.codec import (
    NOTHING_KNOWN,
    Claim,
    DecodeError,
    Device,
    Gatt,
    Known,
    KnownBy,
    Vector,
    assigned_number,
)
from devices.facts import fields_of, from_plain, plain, told, value_of
from devices.fields import Cursor, Special, s16, sfloat, to_date_time, to_sfloat, u16
from devices.model import CharacteristicValue, Decoded, Event, Fact, Measurement, Quality, Raw

MEASUREMENT, CONTEXT_OF = "2A18", "2A34"
OFFSET, CONCENTRATION, MOLAR, STATUS, CONTEXT_FOLLOWS = 0x01, 0x02, 0x04, 0x08, 0x10
OVERRUN, UNDERRUN = 0x7FFF, -0x8000

# Bluetooth SIG, Glucose Service 1.0.1, section 3.1: what the meter shows is a power of ten away.
KG_L, MOL_L = "kg/L", "mol/L"
SHOWN_AS = {KG_L: ("mg/dL", 5), MOL_L: ("mmol/L", 3)}
FRAME_UNITS = {shown: (unit, power) for unit, (shown, power) in SHOWN_AS.items()}
USUAL_EXPONENTS = {KG_L: -5, MOL_L: -4}
"""Meters write whole mg/dL and tenths of mmol/L."""

TYPES = {
    1: "capillary whole blood", 2: "capillary plasma", 3: "venous whole blood",
    4: "venous plasma", 5: "arterial whole blood", 6: "arterial plasma", 7: "whole blood",
    8: "plasma", 9: "interstitial fluid", 10: "control solution",
}  # fmt: skip
PLACES = {
    1: "finger", 2: "alternate site", 3: "ear lobe", 4: "control solution", 15: "not available",
}  # fmt: skip
CONTROL_TYPE, CONTROL_PLACE = 10, 4
CAPILLARY_PLASMA, FINGER = 2, 1

# The same, section 3.1.1.6.
BATTERY_LOW, ABOVE_RANGE, BELOW_RANGE = 0x0001, 0x0020, 0x0040
STATUS_BITS = (
    (0x0002 | 0x0400, Quality.DEVICE_FAULT),
    (0x0004 | 0x0008 | 0x0010 | 0x0200, Quality.POOR_SAMPLE),
    (0x0080 | 0x0100, Quality.TOO_HOT_OR_COLD),
    (0x0800, Quality.TIME_UNCERTAIN),
)
SAID_BITS = {
    Quality.DEVICE_FAULT: 0x0400,
    Quality.POOR_SAMPLE: 0x0004,
    Quality.TOO_HOT_OR_COLD: 0x0080,
    Quality.TIME_UNCERTAIN: 0x0800,
}

# Section 3.2: flag, and its fields in order; "nibbles" are two in one byte, the low one first.
EXTENDED, MEDICATION_IN_LITRES = 0x80, 0x20
CONTEXT: tuple[tuple[int, tuple[tuple[str, str], ...]], ...] = (
    (0x01, (("u8", "carbohydrate"), ("sfloat", "carbohydrate_kg"))),
    (0x02, (("u8", "meal"),)),
    (0x04, (("nibbles", "tester health"),)),
    (0x08, (("u16", "exercise_duration_s"), ("u8", "exercise_intensity_pct"))),
    (0x10, (("u8", "medication"), ("sfloat", "medication_kg"))),
    (0x40, (("sfloat", "hba1c_pct"),)),
)
LITRES = {"medication_kg": "medication_l"}


def decode(raw: Raw, known: Known) -> Decoded:
    heard = value_of(raw, "a glucose characteristic")
    if assigned_number(heard.characteristic) == CONTEXT_OF:
        return Decoded(facts=told(heard.address, _context(heard.value)))
    return _measurement(heard)


def _measurement(heard: CharacteristicValue) -> Decoded:
    frame = Cursor(heard.value)
    flags = frame.u8()
    fields: dict[str, object] = {"sequence": frame.u16()}
    base = wall_clock.read(frame, heard.value)
    fields["base_time"] = base
    offset = frame.s16() if flags & OFFSET else 0
    if flags & OFFSET:
        fields["time_offset_min"] = offset
    concentration: float | Special = Special.NAN
    unit = MOL_L if flags & MOLAR else KG_L
    sample, place = 0, 0
    if flags & CONCENTRATION:
        concentration = frame.sfloat()
        kind = frame.u8()
        sample, place = kind & 0x0F, kind >> 4
        fields |= {"concentration": plain(concentration), "unit": unit}
        fields |= {"type": sample, "location": place}
    status = frame.u16() if flags & STATUS else 0
    if flags & STATUS:
        fields["status"] = status
    frame.finish()
    fields["context_follows"] = bool(flags & CONTEXT_FOLLOWS)

    known_offset = None if offset in (OVERRUN, UNDERRUN) else offset
    taken_at = (
        None
        if known_offset is None
        else wall_clock.later(wall_clock.moment(base), known_offset)
    )
    quality = [flag for bits, flag in STATUS_BITS if status & bits]
    if taken_at is None and Quality.TIME_UNCERTAIN not in quality:
        quality.append(Quality.TIME_UNCERTAIN)
    measurements: list[Measurement] = []
    events: list[Event] = []
    if sample != CONTROL_TYPE and place != CONTROL_PLACE:
        for event, bit, special in BEYOND:
            if status & bit or concentration is special:
                events.append(
                    Event(
                        device=heard.address,
                        event=event,
                        key=str(fields["sequence"]),
                        taken_at=taken_at,
                    )
                )
        if not events and isinstance(concentration, float) and concentration != 0.0:
            shown, power = SHOWN_AS[unit]
            measurements.append(
                Measurement(
                    device=heard.address,
                    metric="blood_glucose",
                    value=times_ten(concentration, power),
                    unit=shown,
                    taken_at=taken_at,
                    quality=tuple(quality),
                )
            )
    if flags & STATUS:
        measurements.append(
            Measurement(
                device=heard.address,
                metric="battery_low",
                value=1.0 if status & BATTERY_LOW else 0.0,
                unit="1",
                taken_at=taken_at,
            )
        )
    return Decoded(tuple(measurements), tuple(events), told(heard.address, fields))


BEYOND = (
    ("glucose_above_range", ABOVE_RANGE, Special.INFINITY),
    ("glucose_below_range", BELOW_RANGE, Special.NEGATIVE_INFINITY),
)
"""Event, its bit in the status, and the SFLOAT that says it where there is no status."""


def times_ten(value: float, power: int) -> float:
    """The double nearest to the decimal value x 10^power: 0.0012 kg/L is 120 mg/dL, not 119.99."""
    return float(Decimal(repr(value)).scaleb(power))


def _context(whole: bytes) -> dict[str, object]:
    frame = Cursor(whole)
    flags = frame.u8()
    fields: dict[str, object] = {"sequence": frame.u16()}
    if flags & EXTENDED:
        fields["extended_flags"] = frame.u8()
    for flag, layout in CONTEXT:
        for kind, name in layout if flags & flag else ():
            fields |= _read(frame, kind, _named(name, flags))
    if any(frame.take(frame.left)):
        raise DecodeError("more bytes than its flags promise, and they are not padding", whole)
    return fields


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
    """A 2A18 frame, or a 2A34 frame where known["at"] is "2A34".

    What facts don't say: sequence 0, capillary plasma from a finger. Without `blood_glucose` and
    without the fact `concentration`: the frame has no value.
    """
    fields = fields_of(facts)
    if known.get("at") == CONTEXT_OF:
        return _context_frame(fields)
    said = {item.metric: item for item in measurements}
    glucose = said.get("blood_glucose")
    spoken: tuple[Measurement | Event, ...] = (*measurements, *events)
    flags = CONTEXT_FOLLOWS if fields.get("context_follows") else 0
    body = u16(fields.get("sequence", 0))
    if "base_time" in fields:
        body += wall_clock.write(fields["base_time"])
    else:
        body += to_date_time(next((item.taken_at for item in spoken if item.taken_at), None))
    if "time_offset_min" in fields:
        flags |= OFFSET
        body += s16(fields["time_offset_min"])
    concentration, unit = _concentration(glucose, fields)
    if concentration is not None:
        flags |= CONCENTRATION | (MOLAR if unit == MOL_L else 0)
        body += u16(concentration)
        sample, place = fields.get("type", CAPILLARY_PLASMA), fields.get("location", FINGER)
        body += bytes((place << 4 | sample,))
    status = fields.get("status", _status(said, events))
    if status or "status" in fields:
        flags |= STATUS
        body += u16(status)
    return bytes((flags,)) + body


def _concentration(glucose: Measurement | None, fields: dict[str, Any]) -> tuple[int | None, str]:
    """The SFLOAT's bits and the frame's unit; None where there is no value."""
    if glucose is None:
        if "concentration" not in fields:
            return None, KG_L
        unit = fields.get("unit", KG_L)
        value = from_plain(fields["concentration"])
    else:
        if glucose.unit not in FRAME_UNITS:
            raise ValueError(f"glucose is in {' or '.join(FRAME_UNITS)}, not in {glucose.unit!r}")
        unit, power = FRAME_UNITS[glucose.unit]
        value = times_ten(glucose.value, -power)
    if isinstance(value, Special):
        return to_sfloat(value), unit
    try:
        usual = to_sfloat(value, USUAL_EXPONENTS[unit])
    except ValueError:
        return to_sfloat(value), unit
    return (usual if sfloat(usual) == value else to_sfloat(value)), unit


def _status(said: dict[str, Measurement], events: Sequence[Event]) -> int:
    happened = {event.event for event in events}
    status = sum(bit for event, bit, _ in BEYOND if event in happened)
    if "battery_low" in said and said["battery_low"].value:
        status |= BATTERY_LOW
    if "blood_glucose" in said:
        status |= sum(SAID_BITS.get(flag, 0) for flag in said["blood_glucose"].quality)
    return status


def _context_frame(fields: dict[str, Any]) -> bytes:
    litres = any(name in fields for name in LITRES.values())
    flags = MEDICATION_IN_LITRES if litres else 0
    body = u16(fields.get("sequence", 0))
    if "extended_flags" in fields:
        flags |= EXTENDED
        body += bytes((fields["extended_flags"],))
    for flag, layout in CONTEXT:
        names = [_named(name, flags) for _, row in layout for name in row.split()]
        if all(name in fields for name in names):
            flags |= flag
            for kind, name in layout:
                body += _written(kind, [fields[part] for part in _named(name, flags).split()])
    return bytes((flags,)) + body


def _written(kind: str, values: list[Any]) -> bytes:
    match kind:
        case "sfloat":
            return u16(to_sfloat(from_plain(values[0])))
        case "u16":
            return u16(values[0])
        case "nibbles":
            return bytes((values[1] << 4 | values[0],))
    return bytes(values)


_NORDIC = (
    "NordicSemiconductor/Android-BLE-Common-Library@c078e25 "
    "ble-common/src/test/java/no/nordicsemi/android/ble/common/callback/glucose/"
)

DEVICE = Device(
    key="gatt.glucose",
    title="Glucose meter (Bluetooth glucose profile)",
    known_by=KnownBy.CAPTURED,
    sources=(
        "Bluetooth SIG, Glucose Service 1.0.1, sections 3.1 and 3.2",
        "Bluetooth SIG, GATT Specification Supplement, Glucose Measurement Context",
    ),
    claims=(Claim(characteristic=MEASUREMENT), Claim(characteristic=CONTEXT_OF)),
    metrics=("blood_glucose", "battery_low"),
    events=("glucose_above_range", "glucose_below_range"),
    decode=decode,
    encode=encode,
    gatt=Gatt(service="1808", subscribe=(MEASUREMENT, CONTEXT_OF, "2A52")),
    vectors=(
        Vector(
            at=MEASUREMENT,
            frame="030600e407040d10260a000078b0f1",
            expected={"blood_glucose": (120.0, "mg/dL"), "taken_at": "2020-04-13T16:38:10"},
            facts={
                "sequence": 6,
                "base_time": "2020-04-13T16:38:10",
                "time_offset_min": 0,
                "concentration": 0.0012,
                "unit": "kg/L",
                "type": 1,
                "location": 15,
                "context_follows": False,
            },
            source="dotintent/react-native-ble-plx issue 652",
            note="captured from a meter that showed 120",
        ),
        Vector(
            at=MEASUREMENT,
            frame="1b0f00e807011e053a1b53016fb0f80000",
            expected={
                "blood_glucose": (111.0, "mg/dL"),
                "battery_low": (0.0, "1"),
                "taken_at": "2024-01-30T11:37:27",
            },
            facts={
                "sequence": 15,
                "base_time": "2024-01-30T05:58:27",
                "time_offset_min": 339,
                "concentration": 0.00111,
                "unit": "kg/L",
                "type": 8,
                "location": 15,
                "status": 0,
                "context_follows": True,
            },
            source="innoveit/react-native-ble-manager issue 1162",
            note="captured from an Accu-Chek Guide that showed 6.2 mmol/L",
        ),
        Vector(
            at=MEASUREMENT,
            frame="070200e3070815071b19b40050c0f1",
            expected={"blood_glucose": (8.0, "mmol/L"), "taken_at": "2019-08-21T10:27:25"},
            facts={
                "sequence": 2,
                "base_time": "2019-08-21T07:27:25",
                "time_offset_min": 180,
                "concentration": 0.008,
                "unit": "mol/L",
                "type": 1,
                "location": 15,
                "context_follows": False,
            },
            source="nordicsemi/Android-BLE-Library issue 130",
            note="captured; its log reads it as 0.008 mol/l and 180 min",
        ),
        Vector(
            at=MEASUREMENT,
            frame="1b0100e307021b0b0a1efbff1e00120501",
            expected={
                "blood_glucose": (3_000_000.0, "mg/dL"),
                "battery_low": (1.0, "1"),
                "taken_at": "2019-02-27T11:05:30",
                "quality": ["poor-sample", "too-hot-or-cold"],
            },
            facts={
                "sequence": 1,
                "base_time": "2019-02-27T11:10:30",
                "time_offset_min": -5,
                "concentration": 30.0,
                "unit": "kg/L",
                "type": 2,
                "location": 1,
                "status": 261,
                "context_follows": True,
            },
            source=_NORDIC + "GlucoseMeasurementDataCallbackTest.java",
            note="a made-up concentration: the intake refuses it as not plausible",
        ),
        Vector(
            at=MEASUREMENT,
            frame="1b0000e207041a0b091e1e00120501",
            expected=None,
            source=_NORDIC + "GlucoseMeasurementDataCallbackTest.java",
            note="its time offset is missing",
        ),
        Vector(
            at=CONTEXT_OF,
            frame="0001000000000000000000000000000000",
            expected={},
            facts={"sequence": 1},
            source=_NORDIC + "GlucoseMeasurementContextDataCallbackTest.java",
            lossless=False,
            note="padded with zeros to the full length",
            open_ended=True,
        ),
    ),
)
