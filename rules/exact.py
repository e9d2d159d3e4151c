"""Numbers and times as whole numbers, so that equal things compare equal.

In binary floating point 64.1 - 62.1 is a little less than 2, and a sum that is kept up as
samples come and go drifts from one that is made afresh. Both would make a rule depend on the
road by which its state was reached. So what is subtracted or summed is counted in millionths
of its unit, and time in microseconds since 1970: integers, without rounding and in any order.
"""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLION = 1_000_000

BEGINNING = datetime(1, 1, 1, tzinfo=UTC)
"""Before every reading."""
END = datetime(9999, 12, 31, tzinfo=UTC)
"""After every reading."""


def micros(moment: datetime) -> int:
    """Microseconds from 1970 to an aware time."""
    span = moment - _EPOCH
    return (span.days * 86_400 + span.seconds) * _MILLION + span.microseconds


def moment(us: int) -> datetime:
    """The aware UTC time that many microseconds after 1970."""
    seconds, rest = divmod(us, _MILLION)
    return _EPOCH + timedelta(0, seconds, rest)


def micros_of(span: timedelta) -> int:
    """A duration in microseconds."""
    return (span.days * 86_400 + span.seconds) * _MILLION + span.microseconds


def millionths(value: float) -> int:
    """A value in millionths of its unit: the finest step that a rule sees."""
    return round(value * 1e6)


def from_millionths(count: int) -> float:
    """The value again: the float nearest to it."""
    return count / _MILLION


def grid(decimals: int) -> int:
    """The step, in millionths, of a value that is shown with that many decimals (0 to 6)."""
    return int(10 ** (6 - decimals))
