"""Glucose profile: the measurement (2A18).

Layout, little-endian: flags u8 (0 offset, 1 concentration with type and place, 2 mol/L else kg/L,
3 status, 4 context follows); sequence u16; base time 7; [offset s16 min]; [concentration SFLOAT;
type low, place high nibble]; [status u16]. The person's time is the base time plus the offset:
meters move the offset when their clock is set.

HI and LO are no numbers: whatever stands in the field then is a limit of the meter, so they are
events. Control solution is not the person, and no measurement. A record without a value still
tells its sequence number, so that a download can go on behind it.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from devices import wall_clock
from devices.codec import (
    NOTHING_KNOWN,
    Claim,
    Device,
    Gatt,
    Known,
    KnownBy,
    Vector,
)
from devices.facts import fields_of, from_plain, plain, told, value_of, worded
from devices.fields import Cursor, Special, s16, sfloat, to_date_time, to_sfloat, u16
from devices.model import Decoded, Event, Fact, Measurement, Quality, Raw

MEASUREMENT = "2A18"
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
BEYOND = (
    ("glucose_above_range", ABOVE_RANGE, Special.INFINITY),
    ("glucose_below_range", BELOW_RANGE, Special.NEGATIVE_INFINITY),
)
"""Event, its bit in the status, and the SFLOAT that says it where there is no status."""
SAID_BITS = {
    Quality.DEVICE_FAULT: 0x0400,
    Quality.POOR_SAMPLE: 0x0004,
    Quality.TOO_HOT_OR_COLD: 0x0080,
    Quality.TIME_UNCERTAIN: 0x0800,
}


def decode(raw: Raw, known: Known) -> Decoded:
    heard = value_of(raw, "the glucose measurement characteristic")
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
        fields |= worded("type", sample, TYPES) | worded("location", place, PLACES)
    status = frame.u16() if flags & STATUS else 0
    if flags & STATUS:
        fields["status"] = status
    frame.finish()
    fields["context_follows"] = bool(flags & CONTEXT_FOLLOWS)

    start = None if offset in (OVERRUN, UNDERRUN) else wall_clock.moment(base)
    taken_at = wall_clock.later(start, offset)
    measurements: list[Measurement] = []
    events: list[Event] = []
    if sample != CONTROL_TYPE and place != CONTROL_PLACE:
        events = [
            Event(
                device=heard.address,
                event=event,
                key=str(fields["sequence"]),
                taken_at=taken_at,
            )
            for event, bit, special in BEYOND
            if status & bit or concentration is special
        ]
        if not events and isinstance(concentration, float) and concentration != 0.0:
            shown, power = SHOWN_AS[unit]
            measurements.append(
                Measurement(
                    device=heard.address,
                    metric="blood_glucose",
                    value=times_ten(concentration, power),
                    unit=shown,
                    taken_at=taken_at,
                    quality=_quality(status, taken_at),
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


def _quality(status: int, taken_at: datetime | None) -> tuple[Quality, ...]:
    found = [flag for bits, flag in STATUS_BITS if status & bits]
    if taken_at is None and Quality.TIME_UNCERTAIN not in found:
        found.append(Quality.TIME_UNCERTAIN)
    return tuple(found)


def times_ten(value: float, power: int) -> float:
    """The double nearest to the decimal value x 10^power: 0.0012 kg/L is 120 mg/dL, not 119.99."""
    return float(Decimal(repr(value)).scaleb(power))


def encode(
    *,
    measurements: Sequence[Measurement] = (),
    events: Sequence[Event] = (),
    facts: Sequence[Fact] = (),
    known: Known = NOTHING_KNOWN,
) -> bytes:
    """A 2A18 frame.

    The facts of a decoded frame hold for its status and times. What they don't say: sequence 0,
    capillary plasma from a finger, a status after quality and events. Without `blood_glucose` and
    without the fact `concentration`: the frame has no value.
    """
    fields = fields_of(facts)
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
    status = fields.get("status", 0 if "base_time" in fields else _status(said, events))
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


_NORDIC = (
    "NordicSemiconductor/Android-BLE-Common-Library@c078e25 "
    "ble-common/src/test/java/no/nordicsemi/android/ble/common/callback/glucose/"
)

DEVICE = Device(
    key="gatt.glucose",
    title="Glucose meter (Bluetooth glucose profile)",
    known_by=KnownBy.CAPTURED,
    sources=("Bluetooth SIG, Glucose Service 1.0.1, section 3.1",),
    claims=(Claim(characteristic=MEASUREMENT),),
    metrics=("blood_glucose", "battery_low"),
    events=("glucose_above_range", "glucose_below_range"),
    decode=decode,
    encode=encode,
    gatt=Gatt(service="1808", subscribe=(MEASUREMENT, "2A34"), records="2A52"),
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
                "type_words": "capillary whole blood",
                "location": 15,
                "location_words": "not available",
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
                "type_words": "plasma",
                "location": 15,
                "location_words": "not available",
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
                "type_words": "capillary whole blood",
                "location": 15,
                "location_words": "not available",
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
                "type_words": "capillary plasma",
                "location": 1,
                "location_words": "finger",
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
    ),
)
