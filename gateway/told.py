"""What staff told this home: kept by the server's numbers, and applied once."""

import sqlite3
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from plumbing.logs import Log
from plumbing.queries import load_queries
from rules.records import encode

log = Log("gateway.told")

_SQL = load_queries("gateway.sql", "told.sql")


class Numbered(Protocol):
    @property
    def seq(self) -> int: ...


One = TypeVar("One", bound=Numbered)


class Told:
    """One kind of it. Whoever writes holds the journal's transaction."""

    def __init__(self, db: sqlite3.Connection, kind: str) -> None:
        self._db = db
        self.kind = kind

    def put(self, one: Numbered) -> bool:
        """False where it was heard before."""
        return self._db.execute(_SQL["put"], (self.kind, one.seq, encode(one))).rowcount == 1

    def last(self) -> int:
        """The server's number of the newest; 0 before the first."""
        return int(self._db.execute(_SQL["last"], (self.kind,)).fetchone()[0])


_FAILED = "The home could not take it in."
"""Of what nobody foresaw, the log says more."""


def hear(
    told: Sequence[One], apply: Callable[[One], None], keep: Callable[[One, str], None]
) -> None:
    """Apply each. One that can't be applied costs itself: it is kept with why, said in the log.

    Raises sqlite3.Error where the journal can't be written: those left are to be asked for again.
    """
    for one in told:
        try:
            apply(one)
        except sqlite3.Error:
            raise
        except Exception as error:  # noqa: BLE001 - one must not keep the others from being heard
            log.error("what staff said could not be applied", seq=one.seq, error=error)
            keep(one, str(error) if isinstance(error, ValueError) else _FAILED)
