"""Pulse oximeter profile: spot check (2A5E) and continuous (2A5F) measurement.

Layouts, little-endian. 2A5E: flags u8 (0 time, 1 measurement status, 2 sensor status, 3 pulse
amplitude index, 4 clock not set); SpO2, pulse as SFLOAT; [date time 7]; [u16]; [u24]; [SFLOAT].
2A5F: flags u8 (0 fast, 1 slow, 2 measurement status, 3 sensor status, 4 amplitude); SpO2, pulse;
[fast SpO2, pulse]; [slow SpO2, pulse]; [u16]; [u24]; [SFLOAT]. The fast and slow averages say
the same as the first pair, later or sooner, and are passed over. A 0 is an empty field.
"""

from collections.abc import Sequence
from datetime import datetime

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

# Pulse Oximeter Service 1.0.1, sections 3.1.1.4 and 3.1.1.5: measurement and sensor status.
ONGOING = 0x0020
QUESTIONABLE = 0x4000
DEMONSTRATION_OR_TEST = 0x0400 | 0x0800
UNAVAILABLE_OR_INVALID = 0x2000 | 0x8000
IRREGULAR_SIGNAL, INADEQUATE_SIGNAL, POOR_SIGNAL, LOW_PERFUSION = 0x04, 0x08, 0x10, 0x20
ERRATIC_SIGNAL, NO_PULSE_SIGNAL, QUESTIONABLE_PULSE, INTERFERENCE = 0x40, 0x80, 0x100, 0x400
POOR_SENSOR_BITS = (
    IRREGULAR_SIGNAL | INADEQUATE_SIGNAL | POOR_SIGNAL | LOW_PERFUSION
    | ERRATIC_SIGNAL | NO_PULSE_SIGNAL | QUESTIONABLE_PULSE | INTERFERENCE
)  # fmt: skip
UNCONNECTED, DISPLACED = 0x0800, 0x2000
POSITION_BITS = UNCONNECTED | DISPLACED


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
    if status & DEMONSTRATION_OR_TEST:
        raise DecodeError("the oximeter shows demonstration or test data", raw.value)
    if status & UNAVAILABLE_OR_INVALID:
        raise DecodeError("the oximeter calls its measurement invalid or not available", raw.value)

    quality = _quality(status, sensor)
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


def _quality(status: int, sensor: int) -> tuple[Quality, ...]:
    found = (
        (Quality.POOR_SIGNAL, status & QUESTIONABLE or sensor & POOR_SENSOR_BITS),
        (Quality.POSITION, sensor & POSITION_BITS),
        (Quality.STILL_MEASURING, status & ONGOING),
    )
    return tuple(flag for flag, bits in found if bits)


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
    status = ONGOING if Quality.STILL_MEASURING in quality else 0
    sensor = POOR_SIGNAL if Quality.POOR_SIGNAL in quality else 0
    sensor |= DISPLACED if Quality.POSITION in quality else 0
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
                "quality": ["poor-signal", "still-measuring"],
            },
            source=_SPEZI,
            lossless=False,
            note="questionable and low perfusion are one flag of ours, with exponents of its own",
        ),
    ),
)
