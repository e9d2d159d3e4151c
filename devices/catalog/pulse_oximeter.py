"""Pulse oximeter profile: spot check (2A5E) and continuous (2A5F) measurement.

Layouts, little-endian. 2A5E: flags u8 (0 time, 1 measurement status, 2 sensor status, 3 pulse
amplitude index, 4 clock not set); SpO2, pulse as SFLOAT; [date time 7]; [u16]; [u24]; [SFLOAT].
2A5F: flags u8 (0 fast, 1 slow, 2 measurement status, 3 sensor status, 4 amplitude); SpO2, pulse;
[fast SpO2, pulse]; [slow SpO2, pulse]; [u16]; [u24]; [SFLOAT]. The fast and slow averages say
the same as the first pair, later or sooner, and are passed over. A 0 is an empty field.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

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
from devices.fields import Cursor, Special, to_date_time, to_sfloat, u16, u24
from devices.model import CharacteristicValue, Decoded, Event, Fact, Measurement, Quality, Raw

SPOT, CONTINUOUS = "2A5E", "2A5F"
TIME, SPOT_STATUS, SPOT_SENSOR, SPOT_AMPLITUDE, CLOCK_NOT_SET = 0x01, 0x02, 0x04, 0x08, 0x10
FAST, SLOW, STATUS, SENSOR, AMPLITUDE = 0x01, 0x02, 0x04, 0x08, 0x10


class Bit(NamedTuple):
    """One bit of a status: the flag that it means, why it refuses the frame, or neither."""

    bit: int
    words: str
    flag: Quality | None = None
    refuses: str = ""


_NO_REAL_DATA = "the oximeter shows demonstration or test data"
_INVALID = "the oximeter calls its measurement invalid or not available"

# Pulse Oximeter Service 1.0.1, tables 3.4 and 3.5. Bits not named are reserved, and passed over.
# A bit without a flag says that a value is as good as it should be, or of the display only.
MEASUREMENT_STATUS = (
    Bit(0x0020, "measurement ongoing", Quality.STILL_MEASURING),
    Bit(0x0040, "early estimate", Quality.STILL_MEASURING),
    Bit(0x0080, "validated"),
    Bit(0x0100, "fully qualified"),
    Bit(0x0200, "from the storage"),
    Bit(0x0400, "demonstration", refuses=_NO_REAL_DATA),
    Bit(0x0800, "test", refuses=_NO_REAL_DATA),
    Bit(0x1000, "calibration ongoing", Quality.NOT_CALIBRATED),
    Bit(0x2000, "measurement unavailable", refuses=_INVALID),
    Bit(0x4000, "questionable measurement", Quality.POOR_SIGNAL),
    Bit(0x8000, "invalid measurement", refuses=_INVALID),
)
SENSOR_STATUS = (
    Bit(0x0001, "extended display update ongoing"),
    Bit(0x0002, "equipment malfunction", Quality.DEVICE_FAULT),
    Bit(0x0004, "signal processing irregularity", Quality.POOR_SIGNAL),
    Bit(0x0008, "inadequate signal", Quality.POOR_SIGNAL),
    Bit(0x0010, "poor signal", Quality.POOR_SIGNAL),
    Bit(0x0020, "low perfusion", Quality.POOR_SIGNAL),
    Bit(0x0040, "erratic signal", Quality.POOR_SIGNAL),
    Bit(0x0080, "nonpulsatile signal", Quality.POOR_SIGNAL),
    Bit(0x0100, "questionable pulse", Quality.POOR_SIGNAL),
    Bit(0x0200, "signal analysis ongoing"),
    Bit(0x0400, "sensor interference", Quality.POOR_SIGNAL),
    Bit(0x0800, "sensor unconnected to the user", Quality.POSITION),
    Bit(0x1000, "unknown sensor connected", Quality.DEVICE_FAULT),
    Bit(0x2000, "sensor displaced", Quality.POSITION),
    Bit(0x4000, "sensor malfunctioning", Quality.DEVICE_FAULT),
    Bit(0x8000, "sensor disconnected", Quality.DEVICE_FAULT),
)
FROM_STORAGE = 0x0200
"""Without a time of its own such a value is of some time before."""
ENCODED = {
    Quality.STILL_MEASURING: (0x0020, 0),
    Quality.NOT_CALIBRATED: (0x1000, 0),
    Quality.POOR_SIGNAL: (0, 0x0010),
    Quality.POSITION: (0, 0x2000),
    Quality.DEVICE_FAULT: (0, 0x4000),
    Quality.TIME_UNCERTAIN: (FROM_STORAGE, 0),
}
"""The bits of both by which a flag is written."""


def decode(raw: Raw, known: Known) -> Decoded:
    if not isinstance(raw, CharacteristicValue):
        raise DecodeError("not a value of an oximeter characteristic", raw_bytes(raw))
    spot = assigned_number(raw.characteristic) != CONTINUOUS
    frame = Cursor(raw.value)
    flags = frame.u8()
    oxygen, pulse = frame.sfloat(), frame.sfloat()
    taken_at: datetime | None = None
    if spot:
        taken_at = frame.date_time() if flags & TIME else None
        status = frame.u16() if flags & SPOT_STATUS else 0
        sensor = frame.u24() if flags & SPOT_SENSOR else 0
        amplitude = frame.sfloat() if flags & SPOT_AMPLITUDE else Special.NAN
        if flags & CLOCK_NOT_SET:
            taken_at = None
    else:
        frame.take(4 * ((flags & FAST != 0) + (flags & SLOW != 0)))
        status = frame.u16() if flags & STATUS else 0
        sensor = frame.u24() if flags & SENSOR else 0
        amplitude = frame.sfloat() if flags & AMPLITUDE else Special.NAN
    frame.finish()
    refused = [row.refuses for row in MEASUREMENT_STATUS if row.refuses and status & row.bit]
    if refused:
        raise DecodeError(refused[0], raw.value)

    quality = _quality(status, sensor, timed=taken_at is not None)
    measurements = tuple(
        Measurement(
            device=raw.address,
            metric=metric,
            value=value,
            unit=unit,
            taken_at=taken_at,
            quality=quality,
        )
        for metric, value, unit in (
            ("oxygen_saturation", oxygen, "%"),
            ("pulse_rate", pulse, "/min"),
            ("pulse_amplitude_index", amplitude, "%"),
        )
        if isinstance(value, float) and value != 0.0
    )
    if spot and not measurements:
        raise DecodeError("the oximeter reports a failed measurement: it gives no value", raw.value)
    return Decoded(measurements)


def _quality(status: int, sensor: int, *, timed: bool) -> tuple[Quality, ...]:
    found = [row.flag for row in MEASUREMENT_STATUS if row.flag and status & row.bit]
    found += [row.flag for row in SENSOR_STATUS if row.flag and sensor & row.bit]
    if status & FROM_STORAGE and not timed:
        found.append(Quality.TIME_UNCERTAIN)
    return tuple(sorted(set(found), key=list(ENCODED).index))


def encode(
    *,
    measurements: Sequence[Measurement] = (),
    events: Sequence[Event] = (),
    facts: Sequence[Fact] = (),
    known: Known = NOTHING_KNOWN,
) -> bytes:
    """A 2A5E frame, or a 2A5F frame where known["at"] is "2A5F". Missing values: not a number."""
    spot = known.get("at") != CONTINUOUS
    said = {item.metric: item for item in measurements}
    first = next(iter(measurements), None)
    quality = first.quality if first else ()
    bits = [ENCODED[flag] for flag in quality if flag in ENCODED]
    status, sensor = sum(one for one, _ in bits), sum(other for _, other in bits)
    flags = 0
    body = b"".join(
        u16(to_sfloat(said[metric].value if metric in said else Special.NAN))
        for metric in ("oxygen_saturation", "pulse_rate")
    )
    if first and first.taken_at:
        if not spot:
            raise ValueError("a continuous measurement has no time of its own")
        flags |= TIME
        body += to_date_time(first.taken_at)
    if status:
        flags |= SPOT_STATUS if spot else STATUS
        body += u16(status)
    if sensor:
        flags |= SPOT_SENSOR if spot else SENSOR
        body += u24(sensor)
    if "pulse_amplitude_index" in said:
        flags |= SPOT_AMPLITUDE if spot else AMPLITUDE
        body += u16(to_sfloat(said["pulse_amplitude_index"].value))
    return bytes((flags,)) + body


_SPEZI = "StanfordSpezi/SpeziBluetooth@c52a637 Tests/SpeziBluetoothServicesTests/PLXTests.swift"

DEVICE = Device(
    key="gatt.pulse_oximeter",
    title="Pulse oximeter (Bluetooth pulse oximeter profile)",
    known_by=KnownBy.SPECIFICATION,
    sources=("Bluetooth SIG, Pulse Oximeter Service 1.0.1, sections 3.1 and 3.2",),
    claims=(Claim(characteristic=SPOT), Claim(characteristic=CONTINUOUS)),
    metrics=("oxygen_saturation", "pulse_rate", "pulse_amplitude_index"),
    decode=decode,
    encode=encode,
    gatt=Gatt(service="1822", subscribe=(SPOT, CONTINUOUS)),
    vectors=(
        Vector(
            at=CONTINUOUS,
            frame="0064005a00",
            expected={"oxygen_saturation": (100.0, "%"), "pulse_rate": (90.0, "/min")},
            source=_SPEZI,
        ),
        Vector(
            at=CONTINUOUS,
            frame="00e8f384f3",
            expected={"oxygen_saturation": (100.0, "%"), "pulse_rate": (90.0, "/min")},
            source=_SPEZI,
            lossless=False,
            note="the same values with the exponent -1",
        ),
        Vector(
            at=SPOT,
            frame="0facf3bef5e8070b1d170839204022000066e3",
            expected={
                "oxygen_saturation": (94.0, "%"),
                "pulse_rate": (147.0, "/min"),
                "pulse_amplitude_index": (8.7, "%"),
                "taken_at": "2024-11-29T23:08:57",
                "quality": ["still-measuring", "poor-signal", "device-fault"],
            },
            source=_SPEZI,
            lossless=False,
            note="questionable and low perfusion are one flag of ours, with exponents of its own",
        ),
    ),
)
