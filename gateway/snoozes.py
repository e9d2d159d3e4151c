"""The snoozes of this home: kept with their names, and never taken out again."""

import sqlite3
from datetime import datetime

import msgspec

from plumbing.queries import load_queries
from rules.exact import micros
from rules.records import encode
from rules.snooze import Snooze

_SQL = load_queries("gateway.sql", "snoozes.sql")
_decode = msgspec.json.Decoder(Snooze).decode


class Snoozes:
    """The table of them. Whoever writes holds the journal's transaction."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def put(self, snooze: Snooze) -> None:
        row = (snooze.id, snooze.patient, micros(snooze.ends_at), encode(snooze))
        self._db.execute(_SQL["put"], row)

    def of(self, patient: str) -> list[Snooze]:
        """All that were ever set for a person, the newest end first."""
        return [_decode(body) for (body,) in self._db.execute(_SQL["of"], (patient,))]

    def in_force(self, at: datetime) -> list[Snooze]:
        rows = self._db.execute(_SQL["ending_after"], (micros(at),))
        found = [_decode(body) for (body,) in rows]
        return [snooze for snooze in found if snooze.starts_at <= at]
