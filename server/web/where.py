"""Where a person is, in words: who said so, until when, and whether the home has been told."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from rules.records import Stated
from rules.whereabouts import PLACES, Word, word_of
from server.alerting.ledger import Author
from server.config import Person, ServerConfig
from server.queries.readings import LatestValue
from server.states import SaidByStaff, Statements
from server.web.moments import moment
from server.web.views import SaidRow, WhereView

WORDS = {
    Word.HOME: "At home",
    Word.AWAY: "Away",
    Word.IN_HOSPITAL: "In hospital",
    Word.DIED: "Died",
    Word.SAFEGUARDING: "Safeguarding concern",
    Word.NO_SAFEGUARDING: "The safeguarding concern is over",
}
MEANS = {
    Word.AWAY: "What the rules find is held back where a person has to be at home for it. "
    "An emergency is still told.",
    Word.IN_HOSPITAL: "What the rules find is held back and shown below. "
    "An emergency is still told.",
    Word.DIED: "Nothing at home asks {name} or says anything any more, unless it is an emergency. "
    "This can be taken back.",
}
OWN = {Word.AWAY: "you are away", Word.IN_HOSPITAL: "you are in hospital"}
WAITS = "The home has not been told yet. Until then it goes on as before."
TOLD = "The home has been told."
TIME = "time"
"""Who says that an end was reached which had been given before."""
_PAGE, _STAFF = "page:", "staff:"


def present(
    said: Statements,
    person: Person,
    config: ServerConfig,
    movement: LatestValue | None,
    now: datetime,
    *,
    own: bool,
) -> WhereView | None:
    """`movement`: the last that was seen. None where the reader is not to be told anything."""
    waiting, home = _waiting(said.by_staff), _newest(said.at_home)
    place, since, until, by, note = Word.HOME, None, None, "", ""
    if waiting is not None:
        place, since, until = Word(waiting.said), waiting.at, waiting.until
        by, note = waiting.by, waiting.note
    elif home is not None:
        place, since, until = Word(home.said), home.at, home.until
        staff = _said_as(home, said.by_staff)
        by = staff.by if staff else _sayer(home.by, person, config)
        note = staff.note if staff else ""
        if staff:
            since = staff.at
    if own and place not in OWN:
        return None
    first = person.name.partition(" ")[0]
    expected = waiting is None and home is not None and home.by == TIME
    moved = movement is not None and since is not None and movement.taken_at > since
    concern = None if own else _concern(said.by_staff)
    zone = person.timezone
    return WhereView(
        words=_own_words(place, by, person) if own else WORDS[place],
        by=by,
        at=None if since is None else moment(since, now, zone),
        until=None if until is None else moment(until, now, zone),
        expected=expected,
        told="" if waiting is None and not _by_staff(home) else WAITS if waiting else TOLD,
        note="" if own else note,
        means="" if own else MEANS.get(place, "").format(name=first),
        moved=moment(movement.taken_at, now, zone)
        if movement is not None and moved and place in OWN and not own
        else None,
        concern=None if concern is None else _row(concern, now, zone),
        history=() if own else tuple(_history(said, person, config, now)),
    )


def place_of(said: Statements) -> Word:
    """Where a person is, as it was said last; at home where nobody said anything."""
    newest = _waiting(said.by_staff) or _newest(said.at_home)
    return Word.HOME if newest is None else Word(newest.said)


def _waiting(by_staff: Sequence[SaidByStaff]) -> SaidByStaff | None:
    """The newest word of staff on where the person is, where the home does not know it yet."""
    newest = next((one for one in by_staff if word_of(one.said) in PLACES), None)
    return None if newest is None or newest.told else newest


def _newest(at_home: Sequence[Stated]) -> Stated | None:
    return next((one for one in at_home if word_of(one.said) in PLACES), None)


def _by_staff(stated: Stated | None) -> bool:
    return stated is not None and stated.by.startswith(_STAFF)


def _said_as(stated: Stated, by_staff: Sequence[SaidByStaff]) -> SaidByStaff | None:
    """The word of staff that holds at home."""
    if not _by_staff(stated):
        return None
    shown = stated.by.removeprefix(_STAFF)
    return next(
        (
            one
            for one in by_staff
            if one.told and Author(id="", name=one.by).shown == shown and one.said == stated.said
        ),
        None,
    )


def _concern(by_staff: Sequence[SaidByStaff]) -> SaidByStaff | None:
    """The safeguarding concern that holds: its last word."""
    words = (Word.SAFEGUARDING, Word.NO_SAFEGUARDING)
    newest = next((one for one in by_staff if one.said in words), None)
    return newest if newest is not None and newest.said == Word.SAFEGUARDING else None


def _sayer(by: str, person: Person, config: ServerConfig) -> str:
    if by.startswith(_PAGE):
        known = config.person(by.removeprefix(_PAGE))
        return f"{(known or person).name.partition(' ')[0]}, at home"
    return by.removeprefix(_STAFF) if by != TIME else ""


def _own_words(place: Word, by: str, person: Person) -> str:
    first = person.name.partition(" ")[0]
    who = "You" if by == f"{first}, at home" else Author(id="", name=by).shown.rstrip(",")
    return f"{who} said that {OWN[place]}"


def _history(
    said: Statements, person: Person, config: ServerConfig, now: datetime
) -> Iterator[SaidRow]:
    """All that was said, newest first; what staff said once, not again as the home's word."""
    rows = [(one.at, _row(one, now, person.timezone)) for one in said.by_staff]
    for one in said.at_home:
        word = word_of(one.said)
        if word is not None and not _by_staff(one):
            row = SaidRow(
                words="Was expected back" if one.by == TIME else WORDS[word],
                by=_sayer(one.by, person, config),
                at=moment(one.at, now, person.timezone),
                until=_until(one.until, now, person.timezone),
                told="",
                note="",
            )
            rows.append((one.at, row))
    for _, row in sorted(rows, key=lambda pair: pair[0], reverse=True):
        yield row


def _row(one: SaidByStaff, now: datetime, zone: str) -> SaidRow:
    word = word_of(one.said)
    return SaidRow(
        words=one.said if word is None else WORDS[word],
        by=one.by,
        at=moment(one.at, now, zone),
        until=_until(one.until, now, zone),
        told=TOLD if one.told else "The home has not been told yet.",
        note=one.note,
    )


def _until(until: datetime | None, now: datetime, zone: str) -> str:
    return "" if until is None else moment(until, now, zone).short
