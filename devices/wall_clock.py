"""The profiles' Date Time as text, since a device may know only a part of it.

"2018-04-24T13:08:24"; a year, month or day of 0 is unknown and stays 0 in the text. Seven bytes,
little-endian: year u16, month, day, hour, minute, second; local time without a zone.
"""

from datetime import datetime, timedelta
from re import fullmatch

from devices.codec import DecodeError
from devices.fields import Cursor, date_time, u16

UNKNOWN = "0000-00-00T00:00:00"
_LAST = (9999, 12, 31, 23, 59, 59)
_TEXT = r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)"


def read(frame: Cursor, whole: bytes) -> str:
    """The next seven bytes of the frame. DecodeError for a date that no calendar has."""
    raw = frame.take(7)
    parts = (raw[0] | raw[1] << 8, *raw[2:])
    try:
        date_time(raw)
    except ValueError as impossible:
        raise DecodeError(f"no such date: {impossible}", whole) from None
    if any(part > last for part, last in zip(parts, _LAST, strict=True)):
        raise DecodeError(f"no such date: {parts}", whole)
    year, month, day, hour, minute, second = parts
    return f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"


def write(text: str) -> bytes:
    """The reverse of `read`. ValueError for a text that is not of its form."""
    found = fullmatch(_TEXT, text)
    if not found:
        raise ValueError(f"{text!r} is not of the form {UNKNOWN}")
    year, *rest = map(int, found.groups())
    return u16(year) + bytes(rest)


def moment(text: object) -> datetime | None:
    """The naive time that the text means; None where a part of the date is unknown."""
    if not isinstance(text, str):
        return None
    try:
        return date_time(write(text))
    except ValueError:
        return None


def later(start: datetime | None, minutes: int) -> datetime | None:
    """None where the calendar ends before."""
    if start is None:
        return None
    try:
        return start + timedelta(minutes=minutes)
    except OverflowError:
        return None
