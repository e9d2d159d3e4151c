"""RuuviTag and Ruuvi Air: climate and movement in their advertisements.

Manufacturer data of company 0499, big-endian: a byte that names the format (3, 5, 6 or E1), then
fields of fixed places, some of them split over two. A field that is all ones, or the lowest
number of its kind, was not measured. A format is a table of its fields, read in both directions.

An acceleration is in m/s2, parts 1 to 3 are x, y and z. Facts: `format`, `packet_id` (the number
of the measurement) and `movement_counter`.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from devices.codec import (
    NOTHING_KNOWN,
    Claim,
    DecodeError,
    Device,
    Known,
    KnownBy,
    Vector,
    raw_bytes,
)
from devices.model import Advertisement, Decoded, Event, Fact, Measurement, Raw
from devices.units import convert

COMPANY = 0x0499
STANDARD_GRAVITY = 9.80665
"""Of one g, in m/s2."""
# ruuvi/ruuvi.endpoints.c src/ruuvi_endpoint_6.h: 255 steps from 0 to 65535 lx.
LIGHT_STEP = math.log(65536) / 254


@dataclass(frozen=True, slots=True)
class Field:
    """One field: where its bits are, the code that says "not measured", and what a code means.

    `places` are (bit from the front of the frame, how many), the highest bits first. `name` is a
    metric, or that of a fact where there is no unit.
    """

    name: str
    places: tuple[tuple[int, int], ...]
    unit: str = ""
    absent: int | None = None
    part: int | None = None
    value: Callable[[int], float | None] = float
    code: Callable[[float], int] = round


def _scaled(
    name: str, at: int, bits: int, unit: str, *, per: int = 1, signed: bool = False, added: int = 0
) -> Field:
    half = 1 << bits - 1

    def value(code: int) -> float:
        return ((code ^ half) - half if signed else code + added) / per

    def code(value: float) -> int:
        return round(value * per) - added & (1 << bits) - 1

    absent = half if signed else (1 << bits) - 1
    return Field(name, ((at * 8, bits),), unit, absent, None, value, code)


def _axis(at: int, part: int) -> Field:
    def value(code: int) -> float:
        return round(((code ^ 0x8000) - 0x8000) * STANDARD_GRAVITY / 1000, 3)

    def code(value: float) -> int:
        return round(value * 1000 / STANDARD_GRAVITY) & 0xFFFF

    return Field("acceleration", ((at * 8, 16),), "m/s2", 0x8000, part, value, code)


def _count(name: str, at: int, bytes_: int, absent: int | None = None) -> Field:
    return Field(name, ((at * 8, bytes_ * 8),), absent=absent)


def _index(name: str, at: int, low_bit: int) -> Field:
    return Field(name, ((at * 8, 8), (low_bit, 1)), "1", 0x1FF)


def _temperature_3(code: int) -> float | None:
    """A sign, whole degrees and hundredths; from 100 on the hundredths are a fault."""
    whole, hundredths = code >> 8 & 0x7F, code & 0xFF
    if hundredths >= 100:
        return None
    return (whole * 100 + hundredths) / (-100 if code & 0x8000 else 100)


def _code_3(value: float) -> int:
    hundredths = round(abs(value) * 100)
    return (0x8000 if value < 0 else 0) | hundredths // 100 << 8 | hundredths % 100


def _humidity_3(code: int) -> float | None:
    return code / 2 if code <= 200 else None


FORMATS: dict[int, tuple[int, tuple[Field, ...]]] = {
    # https://docs.ruuvi.com/communication/bluetooth-advertisements: data formats 3, 5, 6 and E1.
    0x03: (
        14,
        (
            Field(
                "room_humidity",
                ((8, 8),),
                "%",
                0xFF,
                None,
                _humidity_3,
                lambda value: round(value * 2),
            ),
            Field("room_temperature", ((16, 16),), "Cel", 0xFFFF, None, _temperature_3, _code_3),
            _scaled("air_pressure", 4, 16, "hPa", per=100, added=50_000),
            _axis(6, 1),
            _axis(8, 2),
            _axis(10, 3),
            _scaled("voltage", 12, 16, "mV"),
        ),
    ),
    0x05: (
        24,
        (
            _scaled("room_temperature", 1, 16, "Cel", per=200, signed=True),
            _scaled("room_humidity", 3, 16, "%", per=400),
            _scaled("air_pressure", 5, 16, "hPa", per=100, added=50_000),
            _axis(7, 1),
            _axis(9, 2),
            _axis(11, 3),
            Field(
                "voltage",
                ((13 * 8, 11),),
                "mV",
                0x7FF,
                None,
                lambda code: float(code + 1600),
                lambda value: round(value) - 1600,
            ),
            _count("movement_counter", 15, 1, 0xFF),
            _count("packet_id", 16, 2, 0xFFFF),
        ),
    ),
    0x06: (
        20,
        (
            _scaled("room_temperature", 1, 16, "Cel", per=200, signed=True),
            _scaled("room_humidity", 3, 16, "%", per=400),
            _scaled("air_pressure", 5, 16, "hPa", per=100, added=50_000),
            _scaled("pm2_5", 7, 16, "ug/m3", per=10),
            _scaled("carbon_dioxide", 9, 16, "[ppm]"),
            _index("voc_index", 11, 16 * 8 + 1),
            _index("nox_index", 12, 16 * 8),
            Field(
                "illuminance",
                ((13 * 8, 8),),
                "lx",
                0xFF,
                None,
                lambda code: float(round(math.exp(code * LIGHT_STEP) - 1)),
                lambda value: round(math.log(value + 1) / LIGHT_STEP),
            ),
            _count("packet_id", 15, 1),
        ),
    ),
    0xE1: (
        40,
        (
            _scaled("room_temperature", 1, 16, "Cel", per=200, signed=True),
            _scaled("room_humidity", 3, 16, "%", per=400),
            _scaled("air_pressure", 5, 16, "hPa", per=100, added=50_000),
            _scaled("pm2_5", 9, 16, "ug/m3", per=10),
            _scaled("pm10", 13, 16, "ug/m3", per=10),
            _scaled("carbon_dioxide", 15, 16, "[ppm]"),
            _index("voc_index", 17, 28 * 8 + 1),
            _index("nox_index", 18, 28 * 8),
            _scaled("illuminance", 19, 24, "lx", per=100),
            _count("packet_id", 25, 3, 0xFFFFFF),
        ),
    ),
}
"""A format's number: how many bytes it has at least, and its fields."""


def decode(raw: Raw, known: Known) -> Decoded:
    if not isinstance(raw, Advertisement) or not raw.manufacturer_data.get(COMPANY):
        raise DecodeError("no RuuviTag data in the frame", raw_bytes(raw))
    data = raw.manufacturer_data[COMPANY]
    if data[0] not in FORMATS:
        raise DecodeError(f"RuuviTag's format {data[0]} is not known", data)
    size, fields = FORMATS[data[0]]
    if len(data) < size:
        raise DecodeError(f"too short: {len(data)} bytes where {size} are due", data)
    measurements: list[Measurement] = []
    facts = [Fact(device=raw.address, name="format", value=data[0])]
    frame = int.from_bytes(data[:size], "big")
    for field in fields:
        code = 0
        for at, bits in field.places:
            code = code << bits | frame >> size * 8 - at - bits & (1 << bits) - 1
        if code == field.absent:
            continue
        if not field.unit:
            facts.append(Fact(device=raw.address, name=field.name, value=code))
            continue
        value = field.value(code)
        if value is not None:
            measurements.append(
                Measurement(
                    device=raw.address,
                    metric=field.name,
                    value=value,
                    unit=field.unit,
                    part=field.part,
                )
            )
    return Decoded(tuple(measurements), (), tuple(facts))


def encode(
    *,
    measurements: Sequence[Measurement] = (),
    events: Sequence[Event] = (),
    facts: Sequence[Fact] = (),
    known: Known = NOTHING_KNOWN,
) -> bytes:
    """The manufacturer data in the format of the fact `format`, 5 without it."""
    if events:
        raise ValueError("a RuuviTag says no events")
    told = {fact.name: fact.value for fact in facts}
    format_ = int(str(told.get("format", 5)))
    size, fields = FORMATS[format_]
    said = {(item.metric, item.part): item for item in measurements}
    frame = format_ << (size - 1) * 8
    for field in fields:
        item = said.pop((field.name, field.part), None)
        if item is not None:
            code = field.code(convert(field.name, item.value, item.unit, field.unit))
        elif field.name in told:
            code = int(str(told[field.name]))
        else:
            code = field.absent or 0
        for at, bits in reversed(field.places):
            frame |= (code & (1 << bits) - 1) << size * 8 - at - bits
            code >>= bits
    if said:
        raise ValueError(
            f"format {format_} of RuuviTag does not say {', '.join(str(key) for key in said)}"
        )
    return frame.to_bytes(size, "big")


_TESTS = "Bluetooth-Devices/ruuvitag-ble tests/"
_ADDRESS_TOO = "the address and the radio's power are in the frame too, and are no facts of ours"

DEVICE = Device(
    key="ruuvitag",
    title="RuuviTag and Ruuvi Air",
    known_by=KnownBy.CAPTURED,
    sources=("https://docs.ruuvi.com/communication/bluetooth-advertisements",),
    claims=(Claim(manufacturer=COMPANY),),
    metrics=tuple(
        dict.fromkeys(
            field.name for _, fields in FORMATS.values() for field in fields if field.unit
        )
    ),
    decode=decode,
    encode=encode,
    vectors=(
        Vector(
            at="0499",
            frame="03b20c1fca20007a002603d0088f",
            expected={
                "room_humidity": (89.0, "%"),
                "room_temperature": (12.31, "Cel"),
                "air_pressure": (1017.44, "hPa"),
                "acceleration": [(1.196, "m/s2"), (0.373, "m/s2"), (9.571, "m/s2")],
                "voltage": (2191.0, "mV"),
            },
            source=_TESTS + "test_v3.py",
        ),
        Vector(
            at="0499",
            frame="0505a060a0c89a8000028cff006376726976dead7b3fefaf",
            expected={
                "room_temperature": (7.2, "Cel"),
                "room_humidity": (61.84, "%"),
                "air_pressure": (1013.54, "hPa"),
                "acceleration": [(6.394, "m/s2"), (-2.511, "m/s2")],
                "voltage": (2395.0, "mV"),
            },
            source=_TESTS + "test_v5.py",
            lossless=False,
            note=_ADDRESS_TOO,
        ),
        Vector(
            at="0499",
            frame="06170c5668c79e007000c90501d94acd004c884f",
            expected={
                "room_temperature": (29.5, "Cel"),
                "room_humidity": (55.3, "%"),
                "air_pressure": (1011.02, "hPa"),
                "pm2_5": (11.2, "ug/m3"),
                "carbon_dioxide": (201.0, "[ppm]"),
                "voc_index": (10.0, "1"),
                "nox_index": (2.0, "1"),
                "illuminance": (13027.0, "lx"),
            },
            source=_TESTS + "test_v6.py; its fields by the format's layout",
            lossless=False,
            note=_ADDRESS_TOO,
        ),
        Vector(
            at="0499",
            frame="0505a060a0c89a8000028cff0063",
            expected=None,
            source="composed: the frame of test_v5.py, cut off",
        ),
    ),
)
