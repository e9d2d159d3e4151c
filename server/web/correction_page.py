"""The page on which staff say that readings were entered in error, and what was said before."""

from collections.abc import Sequence
from datetime import datetime
from urllib.parse import quote, urlencode

from server.config import Person
from server.corrections import Named
from server.web import quantities, wording
from server.web.moments import moment
from server.web.views import CorrectionRow, CorrectionView


def address(person: str, readings: Sequence[str]) -> str:
    """Where these readings of one person can be marked; empty where there is nobody."""
    if not person or not readings:
        return ""
    named = urlencode([("reading", reading) for reading in readings])
    return f"/people/{quote(person, safe='')}/correct?{named}"


def present(readings: Sequence[Named], person: Person, now: datetime) -> CorrectionView:
    """`now` is home time."""
    return CorrectionView(
        person=wording.person(person),
        first_name=person.name.partition(" ")[0],
        rows=tuple(_row(reading, person.timezone, now) for reading in readings),
        open=any(reading.by is None for reading in readings),
        here=address(person.id, [reading.reading for reading in readings]),
    )


def _row(reading: Named, zone: str, now: datetime) -> CorrectionRow:
    reason = reading.reason or ""
    by_staff = reading.note is not None
    return CorrectionRow(
        reading=reading.reading,
        title=quantities.title(reading.metric),
        value=quantities.said(reading.metric, reading.value, reading.unit),
        taken=moment(reading.taken_at, now, zone),
        device=reading.device,
        by="" if reading.by is None else reading.by if by_staff else wording.AT_HOME,
        at=None if reading.at is None else moment(reading.at, now, zone),
        why=wording.CORRECTION_REASONS.get(reason, reason),
        note=reading.note or "",
    )
