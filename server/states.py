"""Where a person is, as staff and homes say: kept as it was said, and carried home.

What staff say travels to the home with the notices, and holds when the home has said so.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import uuid4

import msgspec
from msgspec import Struct, structs
from psycopg import AsyncConnection

from rules.records import StaffState, Stated
from rules.whereabouts import PLACES, Word
from server.alerting.ledger import Author, Times
from server.db import Database, Queries
from server.queries.rows import Body

_sql = Queries("states.sql")
_decode = msgspec.json.Decoder(Stated).decode

NO_HOME = ""
MOST = 20


class SaidByStaff(Struct, frozen=True, kw_only=True):
    """`at` and `until` are home time; `note` stays on the server."""

    said: str
    until: datetime | None
    at: datetime
    by: str
    note: str
    told: bool
    """Whether it holds at every home that sends for the person."""


class _Place(SaidByStaff, frozen=True, kw_only=True):
    patient: str


class _AtHome(Struct):
    patient: str
    body: str


class Statements(Struct, frozen=True, kw_only=True):
    """What was said of one person, by staff and at home: each newest first."""

    by_staff: tuple[SaidByStaff, ...]
    at_home: tuple[Stated, ...]
    """The word of staff too, from when it held there."""


async def say(
    connection: AsyncConnection,
    patient: str,
    gateways: Sequence[str],
    word: Word,
    until: datetime | None,
    author: Author,
    note: str,
    times: Times,
) -> None:
    """Keep it, for each of the homes that send for the person. In the caller's transaction."""
    statement = uuid4().hex
    for gateway in sorted(gateways) or [NO_HOME]:
        await connection.execute(
            _sql["keep_state"],
            {
                "statement": statement,
                "gateway": gateway,
                "patient": patient,
                "said": word,
                "until": until,
                "at": times.home,
                "actor": author.id,
                "by": author.name,
                "note": note,
                "now": times.now,
            },
        )


async def unheard(db: Database, gateway: str, after: int) -> tuple[StaffState, ...]:
    """What a home has not heard yet, oldest first, 500 at most. Staff go by their first name."""
    found = await db.rows(StaffState, _sql["states_after"], {"gateway": gateway, "after": after})
    return tuple(structs.replace(each, by=Author(id="", name=each.by).shown) for each in found)


async def places(db: Database, people: Sequence[str]) -> dict[str, Statements]:
    """Where each is, of whom anything was said: the newest word of staff and the home's."""
    which = {"patients": list(people), "places": list(PLACES)}
    by_staff: dict[str, tuple[SaidByStaff, ...]] = {}
    for said in await db.rows(_Place, _sql["places_said_by_staff"], which):
        by_staff[said.patient] = (said,)
    at_home: dict[str, tuple[Stated, ...]] = {}
    for row in await db.rows(_AtHome, _sql["places_said_at_home"], which):
        at_home[row.patient] = (_decode(row.body),)
    return {
        person: Statements(by_staff=by_staff.get(person, ()), at_home=at_home.get(person, ()))
        for person in {*by_staff, *at_home}
    }


async def statements(db: Database, patient: str) -> Statements:
    which = {"patient": patient, "most": MOST}
    by_staff = await db.rows(SaidByStaff, _sql["said_by_staff"], which)
    at_home = await db.rows(Body, _sql["said_at_home"], which)
    return Statements(by_staff=tuple(by_staff), at_home=tuple(_decode(row.body) for row in at_home))
