"""What staff say against readings of this home: kept, and applied as if it had been said here."""

import sqlite3
from collections.abc import Callable, Sequence

from plumbing.logs import Log
from plumbing.queries import load_queries
from rules.records import StaffCorrection, encode

log = Log("gateway.corrections")

_SQL = load_queries("gateway.sql", "corrections.sql")

Correct = Callable[[str, str, str], bool]
"""(reading, reason, by): whether there was such a reading that still stood."""


class ToldCorrections:
    """The table of what the server told. Whoever writes holds the journal's transaction."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def put(self, told: Sequence[StaffCorrection]) -> None:
        self._db.executemany(_SQL["put"], [(one.seq, encode(one)) for one in told])

    def last(self) -> int:
        """The server's sequence of the newest; 0 before the first."""
        return int(self._db.execute(_SQL["last"]).fetchone()[0])


def apply(told: Sequence[StaffCorrection], correct: Correct) -> None:
    """Strike out what is here and stands; again, or of a reading unknown here, changes nothing.

    One that the rules can't digest costs itself. Raises sqlite3.Error where the journal can't be
    written: all of them are then to be asked for again.
    """
    for one in told:
        try:
            if not correct(one.reading, one.reason, one.by):
                log.info("correction of a reading that does not stand here", seq=one.seq)
        except sqlite3.Error:
            raise
        except Exception as error:  # noqa: BLE001 - one must not keep the others from being heard
            log.error("correction could not be applied", seq=one.seq, error=error)
