"""The fields of the Bluetooth health profiles: one function each, both directions.

SFLOAT and FLOAT are ISO/IEEE 11073-20601's 16 and 32 bit floats: a two's complement mantissa in
the low 12 or 24 bits times ten to a two's complement exponent in the high 4 or 8. Five mantissas
with exponent 0 are no numbers but statements, and are told apart before any arithmetic.
"""

from datetime import datetime
from enum import StrEnum
from typing import Literal

from devices.codec import DecodeError


class Special(StrEnum):
    """What an SFLOAT or FLOAT says instead of a number."""

    NAN = "not a number"
    NRES = "not at this resolution"
    INFINITY = "+infinity"
    NEGATIVE_INFINITY = "-infinity"
    RESERVED = "reserved"


SFLOAT_SPECIALS = {
    0x07FF: Special.NAN,
    0x0800: Special.NRES,
    0x07FE: Special.INFINITY,
    0x0802: Special.NEGATIVE_INFINITY,
    0x0801: Special.RESERVED,
}
FLOAT_SPECIALS = {
    0x007FFFFF: Special.NAN,
    0x00800000: Special.NRES,
    0x007FFFFE: Special.INFINITY,
    0x00800002: Special.NEGATIVE_INFINITY,
    0x00800001: Special.RESERVED,
}
_SFLOAT_OF = {special: raw for raw, special in SFLOAT_SPECIALS.items()}
_FLOAT_OF = {special: raw for raw, special in FLOAT_SPECIALS.items()}


def sfloat(raw: int) -> float | Special:
    """The value of an SFLOAT's 16 bits."""
    if raw in SFLOAT_SPECIALS:
        return SFLOAT_SPECIALS[raw]
    mantissa = (raw & 0x0FFF ^ 0x0800) - 0x0800
    exponent = (raw >> 12 ^ 0x8) - 0x8
    return _scaled(mantissa, exponent)


def float32(raw: int) -> float | Special:
    """The value of a FLOAT's 32 bits."""
    if raw in FLOAT_SPECIALS:
        return FLOAT_SPECIALS[raw]
    mantissa = (raw & 0xFFFFFF ^ 0x800000) - 0x800000
    exponent = (raw >> 24 ^ 0x80) - 0x80
    return _scaled(mantissa, exponent)


def to_sfloat(value: float | Special, exponent: int | None = None) -> int:
    """The 16 bits that say `value`, with the exponent nearest 0 that loses nothing.

    Where each loses something: the nearest value, with the most digits. `exponent` -8..7 fixes it.
    ValueError for a value too large, or whose bits would be one of the specials.
    """
    if isinstance(value, Special):
        return _SFLOAT_OF[value]
    mantissa, exponent = _split(value, exponent, mantissa_bits=12, exponent_bits=4)
    raw = (exponent & 0xF) << 12 | mantissa & 0x0FFF
    if raw in SFLOAT_SPECIALS:
        raise ValueError(f"{value} would read as {SFLOAT_SPECIALS[raw]}")
    return raw


def to_float32(value: float | Special, exponent: int | None = None) -> int:
    """The 32 bits that say `value`; as `to_sfloat`, exponent -128..127."""
    if isinstance(value, Special):
        return _FLOAT_OF[value]
    mantissa, exponent = _split(value, exponent, mantissa_bits=24, exponent_bits=8)
    raw = (exponent & 0xFF) << 24 | mantissa & 0xFFFFFF
    if raw in FLOAT_SPECIALS:
        raise ValueError(f"{value} would read as {FLOAT_SPECIALS[raw]}")
    return raw


def _scaled(mantissa: int, exponent: int) -> float:
    # Dividing by a power of ten gives the double nearest to the decimal; multiplying by 0.1 not.
    power: int = 10 ** abs(exponent)
    return mantissa / power if exponent < 0 else float(mantissa * power)


def _split(
    value: float, exponent: int | None, *, mantissa_bits: int, exponent_bits: int
) -> tuple[int, int]:
    if value - value != 0.0:
        raise ValueError(f"{value} is no finite number: use Special")
    low, high = -(1 << exponent_bits - 1), (1 << exponent_bits - 1) - 1
    limit = 1 << mantissa_bits - 1
    fitting = [
        (mantissa, candidate)
        for candidate in (range(low, high + 1) if exponent is None else (exponent,))
        if -limit <= (mantissa := round(value * 10.0**-candidate)) < limit
    ]
    if not fitting:
        raise ValueError(f"{value} is too large for a mantissa of {mantissa_bits} bits")
    exact = [pair for pair in fitting if _scaled(*pair) == value]
    return min(exact, key=lambda pair: abs(pair[1])) if exact else fitting[0]


def date_time(raw: bytes) -> datetime | None:
    """The device's wall clock from 7 bytes, without a zone. None: year, month or day unknown (0).

    ValueError for a date that no calendar has.
    """
    year, month, day = raw[0] | raw[1] << 8, raw[2], raw[3]
    if not (year and month and day):
        return None
    return datetime(year, month, day, raw[4], raw[5], raw[6])  # noqa: DTZ001 - it has no zone


def to_date_time(moment: datetime | None) -> bytes:
    """The 7 bytes of a wall clock; None: all unknown."""
    if moment is None:
        return bytes(7)
    return u16(moment.year) + bytes(
        (moment.month, moment.day, moment.hour, moment.minute, moment.second)
    )


def u16(value: int) -> bytes:
    return _unsigned(value, 2)


def u24(value: int) -> bytes:
    return _unsigned(value, 3)


def u32(value: int) -> bytes:
    return _unsigned(value, 4)


def s16(value: int) -> bytes:
    """ValueError where 16 bits don't hold it."""
    if not -0x8000 <= value < 0x8000:
        raise ValueError(f"{value} does not fit 2 bytes with a sign")
    return value.to_bytes(2, "little", signed=True)


def _unsigned(value: int, size: int) -> bytes:
    if not 0 <= value < 1 << 8 * size:
        raise ValueError(f"{value} does not fit {size} bytes")
    return value.to_bytes(size, "little")


class Cursor:
    """Reads a little-endian frame from front to back; DecodeError where it is too short."""

    __slots__ = ("_at", "_raw")

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._at = 0

    @property
    def left(self) -> int:
        """How many bytes are still to be read."""
        return len(self._raw) - self._at

    def take(self, size: int) -> bytes:
        start = self._at
        self._at = start + size
        if self._at > len(self._raw):
            raise DecodeError(
                f"too short: {len(self._raw)} bytes where at least {self._at} are due", self._raw
            )
        return self._raw[start : self._at]

    def u8(self) -> int:
        return self.take(1)[0]

    def s8(self) -> int:
        return int.from_bytes(self.take(1), "little", signed=True)

    def u16(self, order: Literal["little", "big"] = "little") -> int:
        return int.from_bytes(self.take(2), order)

    def s16(self) -> int:
        return int.from_bytes(self.take(2), "little", signed=True)

    def u24(self) -> int:
        return int.from_bytes(self.take(3), "little")

    def u32(self) -> int:
        return int.from_bytes(self.take(4), "little")

    def sfloat(self, order: Literal["little", "big"] = "little") -> float | Special:
        return sfloat(self.u16(order))

    def float32(self) -> float | Special:
        return float32(self.u32())

    def date_time(self) -> datetime | None:
        raw = self.take(7)
        try:
            return date_time(raw)
        except ValueError as impossible:
            raise DecodeError(f"no such date: {impossible}", self._raw) from None

    def finish(self) -> None:
        """Refuse bytes that no flag promised: the frame means something else than we read."""
        if self.left:
            raise DecodeError(f"{self.left} bytes more than its flags promise", self._raw)
