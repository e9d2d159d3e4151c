"""Times as home automation writes them."""

from datetime import UTC, datetime

EPOCH_MILLISECONDS_FROM = 1e11
"""The epoch's seconds reach this in the year 5138, its milliseconds did in 1973."""


def moment(value: object) -> datetime:
    """ISO 8601, or the epoch's seconds or milliseconds, as text or as a number.

    Naive where ISO 8601 names no zone. ValueError for anything else.
    """
    if isinstance(value, str):
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            pass
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(f"{value!r} is no time")
    try:
        seconds = float(value)
    except (ValueError, OverflowError):
        raise ValueError(f"{value!r} is neither ISO 8601 nor an epoch") from None
    if seconds >= EPOCH_MILLISECONDS_FROM:
        seconds /= 1000
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        raise ValueError(f"{value!r} is an epoch that no calendar reaches") from None
