"""Staff need not hear of a problem for a while: decided by the same rules here and at home."""

from datetime import datetime, timedelta

from msgspec import Struct, structs
from psycopg import AsyncConnection

from rules.model import AlertRequest, Tier
from rules.records import StaffSnooze
from rules.snooze import Direction, Refusal, Snooze, allowed, direction_of, snooze_id, value_of
from server.alerting.ledger import Author, Times, act
from server.alerting.lifecycle import Action
from server.db import Database, Queries, rows

_sql = Queries("snoozes.sql")
_LONG_AGO = timedelta(days=1)
"""A snooze that ended before that matters to none that begins."""


class Known(Struct, frozen=True, kw_only=True):
    """A snooze that staff set. `told`: the home has said that it keeps to it.

    `refused`: why the home has said that it does not, or empty.
    """

    id: str
    alert: str
    patient: str
    family: str
    direction: str
    tier: int
    value: float | None
    rule: str | None
    starts_at: datetime
    ends_at: datetime
    by: str
    reason: str
    told: bool
    refused: str

    @property
    def snooze(self) -> Snooze:
        fields = {name: getattr(self, name) for name in Snooze.__struct_fields__}
        return Snooze(**fields | {"direction": Direction(self.direction), "tier": Tier(self.tier)})


def asked_for(
    request: AlertRequest, tier: Tier, length: timedelta, by: str, reason: str, at: datetime
) -> Snooze:
    """A snooze of the problem that an alert is about, as bad as it is now; `at` is home time."""
    direction = direction_of(request)
    return Snooze(
        id=snooze_id(request.patient, request.family, direction, at, by),
        patient=request.patient,
        family=request.family,
        direction=direction,
        tier=tier,
        value=value_of(request),
        rule=request.rule,
        starts_at=at,
        ends_at=at + length,
        by=by,
        reason=reason,
    )


async def keep(
    connection: AsyncConnection,
    alert: str,
    gateway: str,
    snooze: Snooze,
    author: Author,
    words: str,
    times: Times,
) -> Refusal | None:
    """Keep it for the home, with `words` on the alert's trail; or why it is not allowed.

    In the caller's transaction.
    """
    await connection.execute(_sql["lock_person"], {"patient": snooze.patient})
    since = snooze.starts_at - _LONG_AGO
    which = {"patient": snooze.patient, "after": since}
    earlier = await rows(connection, Known, _sql["snoozes_of_person"], which)
    held = [each.snooze for each in earlier if not each.refused]
    refusal = allowed(snooze, held)
    if refusal is not None:
        return refusal
    await act(connection, alert, Action.ANNOTATE, author, words, times)
    await connection.execute(
        _sql["keep_snooze"],
        {
            **structs.asdict(snooze),
            "tier": int(snooze.tier),
            "by": author.name,
            "alert": alert,
            "gateway": gateway,
            "actor": author.id,
            "now": times.now,
        },
    )
    return None


async def unheard(db: Database, gateway: str, after: int) -> tuple[StaffSnooze, ...]:
    """What a home has not heard yet, oldest first, 500 at most. Staff go by their first name."""
    found = await db.rows(_Told, _sql["snoozes_after"], {"gateway": gateway, "after": after})
    return tuple(
        StaffSnooze(
            **structs.asdict(each)
            | {
                "direction": Direction(each.direction),
                "tier": Tier(each.tier),
                "by": Author(id="", name=each.by).shown,
            }
        )
        for each in found
    )


async def in_force(db: Database, patient: str, at: datetime) -> tuple[Known, ...]:
    """Those that staff set and that have not ended at that home time, the next to end first."""
    found = await db.rows(Known, _sql["snoozes_of_person"], {"patient": patient, "after": at})
    return tuple(found)


class _Told(Struct, kw_only=True):
    seq: int
    id: str
    patient: str
    family: str
    direction: str
    tier: int
    value: float | None
    rule: str | None
    starts_at: datetime
    ends_at: datetime
    by: str
    reason: str
