"""Blood pressure profile: the final measurement (2A35) and the cuff while it inflates (2A36).

Layout, little-endian: flags u8 (0 kPa else mmHg, 1 time, 2 pulse, 3 user, 4 status); systolic,
diastolic, mean as SFLOAT; [date time 7]; [pulse SFLOAT]; [user u8, FF unknown]; [status u16].
In 2A36 the first value is the cuff's pressure and the other two are unused.
A pressure or pulse of 0 is a field that the cuff leaves empty, and no measurement.

An irregular pulse is said twice: as the quality of each value, since it makes them less exact, and
as the event `irregular_pulse`, since it is a finding of its own that a rule can count. That a cuff
does not set the bit says nothing (not every one looks for it), so there is no "regular".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

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
    raw_bytes,
)
from devices.fields import Cursor, Special, to_date_time, to_sfloat, u16
from devices.model import CharacteristicValue, Decoded, Event, Fact, Measurement, Quality, Raw
from devices.units import convert

FINAL, INTERMEDIATE = "2A35", "2A36"
KPA, TIME, PULSE, USER, STATUS = 0x01, 0x02, 0x04, 0x08, 0x10
UNKNOWN_USER = 0xFF

# Blood Pressure Service 1.1.1, section 3.1.1.7; bits 3 and 4 are one field: 1 above, 2 below. All
# other bits are reserved, and passed over.
IRREGULAR = "irregular_pulse"
STATUS_BITS = (
    (0x01, Quality.MOVEMENT),
    (0x02, Quality.CUFF_LOOSE),
    (0x04, Quality.IRREGULAR_PULSE),
    (0x18, Quality.PULSE_OUT_OF_RANGE),
    (0x20, Quality.POSITION),
)
PULSE_ABOVE_RANGE = 0x08
PRESSURES = ("systolic_pressure", "diastolic_pressure", "mean_arterial_pressure")


@dataclass(frozen=True, slots=True)
class Layout:
    """How a maker's frames differ from the profile."""

    tail_order: Literal["little", "big"] = "little"
    """Order of the bytes of pulse and status."""
    user_always: bool = False
    """The user's byte is there without its flag."""


LAYOUTS = {"": Layout(), "beurer_be": Layout(tail_order="big", user_always=True)}
QUIRKS = {"BM85": "beurer_be"}
"""Seen in derdilla/blood-pressure-monitor-fl, frames captured from a Beurer BM85."""


def layout_of(name: str | None, known: Known) -> Layout:
    """By the quirk that is configured for the device, else by its name."""
    quirk = known.get("quirk")
    if quirk is None and name:
        quirk = next((found for start, found in QUIRKS.items() if name.startswith(start)), "")
    return LAYOUTS.get(str(quirk or ""), LAYOUTS[""])


def decode(raw: Raw, known: Known) -> Decoded:
    if not isinstance(raw, CharacteristicValue):
        raise DecodeError("not a value of a blood pressure characteristic", raw_bytes(raw))
    final = assigned_number(raw.characteristic) != INTERMEDIATE
    layout = layout_of(raw.name, known)
    frame = Cursor(raw.value)
    flags = frame.u8()
    pressures = frame.sfloat(), frame.sfloat(), frame.sfloat()
    taken_at = frame.date_time() if flags & TIME else None
    pulse = frame.sfloat(layout.tail_order) if flags & PULSE else Special.NAN
    user = frame.u8() if flags & USER or layout.user_always else UNKNOWN_USER
    status = frame.u16(layout.tail_order) if flags & STATUS else 0
    frame.finish()

    unit = "kPa" if flags & KPA else "mm[Hg]"
    values = (
        [(metric, value, unit) for metric, value in zip(PRESSURES, pressures, strict=True)]
        if final
        else [("cuff_pressure", pressures[0], unit)]
    )
    values.append(("pulse_rate", pulse, "/min"))
    quality = [flag for bits, flag in STATUS_BITS if status & bits]
    if not final:
        quality.append(Quality.STILL_MEASURING)
    measurements = tuple(
        Measurement(
            device=raw.address,
            metric=metric,
            value=value,
            unit=unit,
            taken_at=taken_at,
            quality=tuple(quality),
            user=None if user == UNKNOWN_USER else user,
        )
        for metric, value, unit in values
        if isinstance(value, float) and value != 0.0
    )
    if not measurements:
        raise DecodeError("the cuff reports a failed measurement: it gives no value", raw.value)
    if not final or Quality.IRREGULAR_PULSE not in quality:
        return Decoded(measurements)
    first = measurements[0]
    irregular = Event(device=raw.address, event=IRREGULAR, taken_at=taken_at, user=first.user)
    return Decoded(measurements, (irregular,))


def encode(
    *,
    measurements: Sequence[Measurement] = (),
    events: Sequence[Event] = (),
    facts: Sequence[Fact] = (),
    known: Known = NOTHING_KNOWN,
) -> bytes:
    """A 2A35 frame, or a 2A36 frame where `cuff_pressure` is measured.

    In kPa where one of the pressures is. Without a pressure: the frame with which a cuff says
    that it failed.
    """
    layout = layout_of(None, known)
    said = {item.metric: item for item in measurements}
    first = next(iter(measurements), None)
    cuff = said.get("cuff_pressure")
    pressures = [cuff] if cuff else [said.get(metric) for metric in PRESSURES]
    unit = "kPa" if any(item and item.unit == "kPa" for item in pressures) else "mm[Hg]"
    pulse = said.get("pulse_rate")
    taken_at = first.taken_at if first else None
    user = first.user if first else None
    status = sum(
        PULSE_ABOVE_RANGE if flag is Quality.PULSE_OUT_OF_RANGE else bits
        for bits, flag in STATUS_BITS
        if first and flag in first.quality
    )
    flags = KPA if unit == "kPa" else 0
    body = b"".join(u16(to_sfloat(_in(unit, item))) for item in pressures)
    body += bytes(4) if cuff else b""
    if taken_at:
        flags |= TIME
        body += to_date_time(taken_at)
    if pulse:
        flags |= PULSE
        body += to_sfloat(pulse.value).to_bytes(2, layout.tail_order)
    if user is not None:
        flags |= USER
        body += bytes((user,))
    elif layout.user_always:
        body += bytes((UNKNOWN_USER,))
    if status:
        flags |= STATUS
        body += status.to_bytes(2, layout.tail_order)
    return bytes((flags,)) + body


def _in(unit: str, item: Measurement | None) -> float | Special:
    return convert(item.metric, item.value, item.unit, unit) if item else Special.NAN


_NORDIC = (
    "NordicSemiconductor/Android-BLE-Common-Library@c078e25 "
    "ble-common/src/test/java/no/nordicsemi/android/ble/common/callback/bps/"
)
_DERDILLA = (
    "derdilla/blood-pressure-monitor-fl@17aba3d "
    "app/test/features/bluetooth/logic/characteristics/ble_measurement_data_test.dart"
)

DEVICE = Device(
    key="gatt.blood_pressure",
    title="Blood pressure monitor (Bluetooth blood pressure profile)",
    known_by=KnownBy.CAPTURED,
    sources=(
        "Bluetooth SIG, Blood Pressure Service 1.1.1, sections 3.1 and 3.2",
        "Bluetooth SIG, Personal Health Devices Transcoding White Paper, section 2.2",
    ),
    claims=(Claim(characteristic=FINAL), Claim(characteristic=INTERMEDIATE)),
    metrics=(*PRESSURES, "cuff_pressure", "pulse_rate"),
    events=(IRREGULAR,),
    decode=decode,
    encode=encode,
    gatt=Gatt(service="1810", subscribe=(FINAL,), names=tuple(QUIRKS)),
    quirks=QUIRKS,
    vectors=(
        Vector(
            at=FINAL,
            frame="15bdf00b009ff03c001200",
            expected={
                "systolic_pressure": (18.9, "kPa"),
                "diastolic_pressure": (11.0, "kPa"),
                "mean_arterial_pressure": (15.9, "kPa"),
                "pulse_rate": (60.0, "/min"),
                "quality": ["cuff-loose", "pulse-out-of-range"],
            },
            source=_NORDIC + "BloodPressureMeasurementDataCallbackTest.java",
            lossless=False,
            note="pulse below the range; the encoder says above",
        ),
        Vector(
            at=FINAL,
            frame="010203040506",
            expected=None,
            source=_NORDIC + "BloodPressureMeasurementDataCallbackTest.java",
        ),
        Vector(
            at=INTERMEDIATE,
            frame="00d7f000000000",
            expected={"cuff_pressure": (21.5, "mm[Hg]"), "quality": ["still-measuring"]},
            source=_NORDIC + "IntermediateCuffPressureDataCallbackTest.java",
        ),
        Vector(
            at=FINAL,
            frame="00720072007200",
            expected={
                "systolic_pressure": (114.0, "mm[Hg]"),
                "diastolic_pressure": (114.0, "mm[Hg]"),
                "mean_arterial_pressure": (114.0, "mm[Hg]"),
            },
            source="Bluetooth SIG, Personal Health Devices Transcoding White Paper, section 2.2.6",
        ),
        Vector(
            at=FINAL,
            frame="167c0056006100e807060f11111b33002700",
            expected={
                "systolic_pressure": (124.0, "mm[Hg]"),
                "diastolic_pressure": (86.0, "mm[Hg]"),
                "mean_arterial_pressure": (97.0, "mm[Hg]"),
                "pulse_rate": (51.0, "/min"),
                "taken_at": "2024-06-15T17:17:27",
                "irregular_pulse": None,
                "quality": ["movement", "cuff-loose", "irregular-pulse", "position"],
            },
            source=_DERDILLA,
        ),
        Vector(
            at=FINAL,
            frame="566a0047000000ea07080b121f00003f000000",
            expected={
                "systolic_pressure": (106.0, "mm[Hg]"),
                "diastolic_pressure": (71.0, "mm[Hg]"),
                "pulse_rate": (63.0, "/min"),
                "taken_at": "2026-08-11T18:31:00",
                "user": 0,
            },
            source=_DERDILLA,
            known={"quirk": "beurer_be"},
            lossless=False,
            note="captured from a Beurer BM85, which sets a reserved flag",
        ),
        Vector(
            at=FINAL,
            frame="16ff07ff07ff07e80706170e230aff070000",
            expected=None,
            source="derdilla/blood-pressure-monitor-fl issue 80",
            note="captured from a boso medicus that showed Err: no value is a number",
        ),
    ),
)
