"""Where a person is, as somebody says it: one word for states that exclude one another."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from types import MappingProxyType
from zoneinfo import ZoneInfo

DIED = "person.died"
AWAY = "person.away"
IN_HOSPITAL = "person.in_hospital"
SAFEGUARDING = "person.safeguarding"

BACK_BY = time(22)
"""By when one who comes back on a day is expected, local time."""
LONGEST_AWAY = timedelta(days=90)


class Word(StrEnum):
    HOME = "home"
    AWAY = "away"
    IN_HOSPITAL = "in-hospital"
    DIED = "died"
    SAFEGUARDING = "safeguarding"
    NO_SAFEGUARDING = "no-safeguarding"


STATES: Mapping[Word, Mapping[str, bool]] = MappingProxyType(
    {
        Word.HOME: {AWAY: False, IN_HOSPITAL: False, DIED: False},
        Word.AWAY: {AWAY: True, IN_HOSPITAL: False, DIED: False},
        Word.IN_HOSPITAL: {AWAY: False, IN_HOSPITAL: True, DIED: False},
        Word.DIED: {AWAY: False, IN_HOSPITAL: False, DIED: True},
        Word.SAFEGUARDING: {SAFEGUARDING: True},
        Word.NO_SAFEGUARDING: {SAFEGUARDING: False},
    }
)
"""What each word says of the person's states. One that it does not name stays as it is."""

PLACES = (Word.HOME, Word.AWAY, Word.IN_HOSPITAL, Word.DIED)
"""The words that say where somebody is."""


class NoEnd(StrEnum):
    """Why somebody can't be away until then, in words for who says it."""

    PASSED = "Choose a day that is still to come."
    TOO_FAR = "Choose a day within the next 90 days."


def end_of(day: date, zone: str) -> datetime:
    """Until when somebody is away who comes back on that day. Aware UTC."""
    return datetime.combine(day, BACK_BY, ZoneInfo(zone)).astimezone(UTC)


def wrong_end(until: datetime, now: datetime) -> NoEnd | None:
    """None where somebody can be away until then; both in home time."""
    if until <= now:
        return NoEnd.PASSED
    return NoEnd.TOO_FAR if until > now + LONGEST_AWAY else None


def word_of(said: str) -> Word | None:
    """None for a word that this version does not know."""
    return Word(said) if said in set(Word) else None
