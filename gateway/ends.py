"""The states of people that have an end: when it comes, they hold no longer."""

import sqlite3
from datetime import datetime

from msgspec import Struct

from plumbing.queries import load_queries
from rules.exact import micros, moment

_SQL = load_queries("gateway.sql", "ends.sql")


class End(Struct, frozen=True):
    patient: str
    metric: str
    at: datetime


class Ends:
    """The table of them, one for a person's state. Whoever writes holds the transaction."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def put(self, patient: str, metric: str, ends_at: datetime | None) -> None:
        """None: it has no end (any more)."""
        if ends_at is None:
            self._db.execute(_SQL["drop"], (patient, metric))
        else:
            self._db.execute(_SQL["put"], (patient, metric, micros(ends_at)))

    def of(self, patient: str, metric: str) -> datetime | None:
        row = self._db.execute(_SQL["of"], (patient, metric)).fetchone()
        return None if row is None else moment(row[0])

    def reached(self, at: datetime) -> list[End]:
        """Those that have come by `at`, in their order."""
        rows = self._db.execute(_SQL["ended_by"], (micros(at),)).fetchall()
        return [End(patient, metric, moment(ends_at)) for patient, metric, ends_at in rows]

    def next(self) -> datetime | None:
        (ends_at,) = self._db.execute(_SQL["next"]).fetchone()
        return None if ends_at is None else moment(ends_at)
