"""Readings that were entered in error: struck out and never erased, by the home or by staff.

What staff say travels to the home with the notices; the home's rules then take back what followed.
"""

from collections.abc import Collection, Sequence
from datetime import datetime

from msgspec import Struct, structs
from psycopg import AsyncConnection

from rules.records import Correction, StaffCorrection
from server.alerting.ledger import Author, Times
from server.db import Database, Queries

_sql = Queries("corrections.sql")

LONGEST_NOTE = 2000
"""Characters of what staff write for their colleagues."""


class Named(Struct, frozen=True, kw_only=True):
    """A reading that someone may mark. `by` to `note` are None where nothing was said against it.

    `at` is home time; `note` stays on the server.
    """

    metric: str
    reading: str
    taken_at: datetime
    value: float
    unit: str
    device: str
    quality: str
    gateway: str
    by: str | None
    at: datetime | None
    reason: str | None
    note: str | None


class _Count(Struct):
    count: int


async def readings_named(
    db: Database, patient: str, metrics: Collection[str], ids: Collection[str]
) -> tuple[Named, ...]:
    """Those of a person's readings that have these ids, in the order in which batches write."""
    found = await db.rows(
        Named,
        _sql["readings_named"],
        {"patient": patient, "metrics": list(metrics), "ids": list(ids)},
    )
    return tuple(found)


async def is_marked(db: Database, patient: str, reading: str) -> bool:
    """Whether somebody said that this reading was entered in error."""
    found = await db.row(_Count, _sql["count_marked"], {"patient": patient, "reading": reading})
    return found is not None and found.count > 0


async def mark(
    connection: AsyncConnection,
    patient: str,
    readings: Sequence[Named],
    author: Author,
    reason: str,
    note: str,
    times: Times,
) -> None:
    """Strike out `readings`, in the order of `readings_named`; their homes are told.

    One that was marked before stays as it was. In the caller's transaction: readings before the
    gateway's number, as a batch does, so that the two never wait for each other in a ring.
    """
    for each in readings:
        await _strike(connection, _place(patient, each.metric, each.taken_at, each.reading))
    for each in readings:
        await connection.execute(
            _sql["keep_staff_correction"],
            {
                **_place(patient, each.metric, each.taken_at, each.reading),
                "at": times.home,
                "by": author.name,
                "reason": reason,
                "gateway": each.gateway,
                "actor": author.id,
                "note": note,
                "now": times.now,
            },
        )


async def unheard(db: Database, gateway: str, after: int) -> tuple[StaffCorrection, ...]:
    """What a home has not heard yet, oldest first, 500 at most. Staff go by their first name."""
    found = await db.rows(
        StaffCorrection, _sql["corrections_after"], {"gateway": gateway, "after": after}
    )
    return tuple(structs.replace(each, by=Author(id="", name=each.by).shown) for each in found)


async def strike_out(connection: AsyncConnection, correction: Correction) -> None:
    """A home's own word: mark the reading, now or when it arrives. It stays where it is."""
    place = _place(correction.patient, correction.metric, correction.taken_at, correction.reading)
    said = {"at": correction.at, "by": correction.by, "reason": correction.reason}
    await connection.execute(_sql["keep_correction"], {**place, **said})
    await _strike(connection, place)


async def _strike(connection: AsyncConnection, place: dict[str, object]) -> None:
    await connection.execute(_sql["strike_out"], place)
    forgotten = await connection.execute(_sql["forget_latest"], place)
    for (device,) in await forgotten.fetchall():
        await connection.execute(_sql["restore_latest"], {**place, "device": device})


def _place(patient: str, metric: str, taken_at: datetime, reading: str) -> dict[str, object]:
    return {"patient": patient, "metric": metric, "taken_at": taken_at, "reading": reading}
