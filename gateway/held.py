"""Readings that wait for a yes: kept with what was on air, asked about, and answered once."""

import sqlite3
from collections.abc import Callable, Collection, Sequence

import msgspec
from msgspec import Struct, structs

from devices.model import Reading
from gateway.belongs import (
    CONCERNED,
    SAME_VISIT,
    TELLS_APART,
    Last,
    Limits,
    given_to,
    of_other_slot,
    whose,
)
from plumbing.queries import load_queries
from rules.exact import micros, micros_of
from rules.records import encode

_SQL = load_queries("gateway.sql", "held.sql")
_reading = msgspec.json.Decoder(Reading).decode

MOST_OPEN = 50
"""Weighings that wait at once; the oldest lapses when one more comes."""
MOST_CLOSED = 1_000
"""Answered ones that are known again when the device repeats them."""
NOBODY_SAID = "nobody said whose reading it was"

Row = tuple[Reading, bytes | None]


class HeldReading(Struct, frozen=True):
    """`reading` is as the enrolled person's; `asked` may say that it is theirs.

    `state`: open, given (to `patient`), nobody or lapsed.
    """

    reading: Reading
    weighing: str
    state: str
    patient: str
    asked: tuple[str, ...]
    why: str
    raw: bytes | None


Told = str | HeldReading
"""The person whose it is, or the weighing that waits (or waited) for a yes."""


class Held:
    """The table of them. Whoever writes holds the journal's transaction."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def place(
        self,
        rows: Sequence[Row],
        people: Collection[str],
        enrolled: Callable[[str], Sequence[str]],
        other_slot: Collection[str] = (),
    ) -> list[Row]:
        """What counts at once of one frame, each about whom it is; the rest waits.

        `people`: everyone in the home. `enrolled`: whom a device measures, at least one.
        `other_slot`: the ids of readings that a device made for another of its users.
        """
        passed: list[Row] = []
        told: dict[str, Told] = {}
        slots: dict[str, Told] = {}
        for reading, raw in sorted(rows, key=lambda row: row[0].metric not in TELLS_APART):
            other = reading.id in other_slot
            if reading.metric not in CONCERNED and not other:
                passed.append((reading, raw))
                continue
            limits = TELLS_APART.get(reading.metric)
            if other:
                found = slots.get(reading.device)
                if found is None:
                    found = self._of_other_slot(reading, raw, people, enrolled(reading.device))
                    slots[reading.device] = told[reading.device] = found
            elif limits is None:
                found = told.get(reading.device) or self._told_near(reading)
            else:
                names = enrolled(reading.device)
                found = self._told(reading, raw, people, names, limits)
                told[reading.device] = found
            match found:
                case str():
                    passed.append((given_to(reading, found), raw))
                case HeldReading(state="given"):
                    passed.append((given_to(reading, found.patient), raw))
                case HeldReading():
                    self._put(structs.replace(found, reading=reading, raw=raw))
        return passed

    def open(self, limit: int) -> list[HeldReading]:
        """The weighings that wait, the newest first."""
        return [_held(row) for row in self._db.execute(_SQL["open_weighings"], (limit, 0))]

    def waiting(self, weighing: str) -> list[HeldReading]:
        """A weighing that waits and all that follows it; empty where none does."""
        return [_held(row) for row in self._db.execute(_SQL["open_of_weighing"], (weighing,))]

    def close(self, weighing: str, state: str, patient: str = "") -> None:
        self._db.execute(_SQL["close_weighing"], (state, patient, weighing))
        self._db.execute(_SQL["prune"], (MOST_CLOSED,))

    def lapse(self) -> list[HeldReading]:
        """Give up the oldest beyond MOST_OPEN; returns them with all that followed."""
        beyond = self._db.execute(_SQL["open_weighings"], (-1, MOST_OPEN)).fetchall()
        gone: list[HeldReading] = []
        for weighing in map(_held, beyond):
            gone += self.waiting(weighing.reading.id)
            self.close(weighing.reading.id, "lapsed")
        return gone

    def is_recorded(self, reading: str) -> bool:
        return self._db.execute(_SQL["is_recorded"], (reading,)).fetchone() is not None

    def is_known(self, reading: str) -> bool:
        """Whether it was heard before: it counts, or it waits."""
        return self.is_recorded(reading) or self._by_id(reading) is not None

    # ------------------------------------------------------------------------------------------

    def _of_other_slot(
        self,
        reading: Reading,
        raw: bytes | None,
        people: Collection[str],
        enrolled: Sequence[str],
    ) -> Told:
        known = self._known(reading, people)
        if known is not None:
            return known
        found = of_other_slot(enrolled, tuple(people))
        return HeldReading(reading, reading.id, "open", "", found.asked, found.why, raw)

    def _known(self, reading: Reading, people: Collection[str]) -> Told | None:
        """What was told of it before, where the device repeats what it stored."""
        everyone = (reading.patient, *people)
        recorded = (p for p in everyone if self.is_recorded(given_to(reading, p).id))
        return next(recorded, None) or self._by_id(reading.id)

    def _told(
        self,
        reading: Reading,
        raw: bytes | None,
        people: Collection[str],
        enrolled: Sequence[str],
        limits: Limits,
    ) -> Told:
        """As it was told before where the device repeats what it stored, else by its value."""
        known = self._known(reading, people)
        if known is not None:
            return known
        last = self._last(reading, people)
        found = whose(reading.value, reading.taken_at, enrolled, last, limits)
        if found.patient is not None:
            return found.patient
        return HeldReading(reading, reading.id, "open", "", found.asked, found.why, raw)

    def _last(self, reading: Reading, people: Collection[str]) -> dict[str, Last]:
        """Each person's value nearest before it, else the first after it."""
        found: dict[str, Last] = {}
        for person in people:
            where = (reading.metric, person, micros(reading.taken_at))
            row = self._db.execute(_SQL["last_before"], where).fetchone()
            row = row or self._db.execute(_SQL["first_after"], where).fetchone()
            if row is not None:
                known = _reading(row[0])
                found[person] = Last(known.value, known.taken_at)
        return found

    def _told_near(self, reading: Reading) -> Told:
        """What became of the weight that came in another frame; else it is the enrolled person."""
        at, span = micros(reading.taken_at), micros_of(SAME_VISIT)
        row = self._db.execute(_SQL["held_near"], (reading.device, at, span, at)).fetchone()
        if row is not None:
            return _held(row)
        for metric in TELLS_APART:
            near = self._db.execute(_SQL["counted_near"], (metric, at - span, at + span))
            for (body,) in near:
                weight = _reading(body)
                if weight.device == reading.device:
                    return weight.patient
        return reading.patient

    def _put(self, held: HeldReading) -> None:
        row = (
            held.reading.id,
            held.weighing,
            held.reading.device,
            micros(held.reading.taken_at),
            held.state,
            held.patient,
            encode(held.asked).decode(),
            held.why,
            encode(held.reading),
            held.raw,
        )
        self._db.execute(_SQL["hold"], row)

    def _by_id(self, id_: str) -> HeldReading | None:
        row = self._db.execute(_SQL["held_by_id"], (id_,)).fetchone()
        return None if row is None else _held(row)


def _held(row: tuple[str, str, str, str, str, str, bytes, bytes | None]) -> HeldReading:
    _, weighing, state, patient, asked, why, body, raw = row
    names = tuple(msgspec.json.decode(asked, type=list[str]))
    return HeldReading(_reading(body), weighing, state, patient, names, why, raw)
