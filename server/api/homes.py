"""What a home's gateway calls. Every request but the first is signed over a nonce used once."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response

from plumbing.clock import utc_now
from rules.records import (
    BatchAnswer,
    Heartbeat,
    Notice,
    Notices,
    StaffCorrection,
    StaffSnooze,
    StaffState,
)
from server import ingest, snoozes, states
from server.api import answers
from server.corrections import unheard
from server.db import Queries
from server.doors import AsGateway, Signed
from server.permissions import Action
from server.problems import Problem
from server.site import site_of

router = APIRouter(prefix="/api/v1")

_ingest_sql = Queries("ingest.sql")
_alerts_sql = Queries("alerts.sql")
_MOST_SEQ = 2**62
_decode_heartbeat = msgspec.json.Decoder(Heartbeat).decode


@router.post("/nonce")
async def give_nonce(request: Request) -> Response:
    """A nonce for the first signed request. Later ones come with each answer."""
    return answers.json(request, {"nonce": site_of(request).nonces.give()})


@router.post("/records")
async def store_records(
    request: Request, signed: Annotated[Signed, Depends(AsGateway(Action.STORE_RECORDS))]
) -> Response:
    """Store a batch; the answer comes after the database has committed it."""
    site = site_of(request)
    try:
        records, faults = ingest.parse(signed.body)
    except ingest.Malformed as error:
        raise Problem(
            400, "batch", "The batch can't be read", f"{error} Send a batch as JSON."
        ) from error
    rejected = await ingest.store(
        site.db, site.config.home_time, signed.actor.id, signed.actor.people, records, faults
    )
    committed = len(records) + len(faults) - len(rejected)
    return answers.json(request, BatchAnswer(committed=committed, rejected=tuple(rejected)))


@router.post("/heartbeat")
async def hear_heartbeat(
    request: Request, signed: Annotated[Signed, Depends(AsGateway(Action.REPORT_HEALTH))]
) -> Response:
    """The gateway lives: the dead-man timer begins anew, in machine time."""
    try:
        heartbeat = _decode_heartbeat(signed.body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Problem(
            400, "heartbeat", "The heartbeat can't be read", f"Send one as agreed: {error}."
        ) from error
    await site_of(request).db.execute(
        _ingest_sql["heartbeat"],
        {
            "id": signed.actor.id,
            "now": utc_now(),
            "home_time": heartbeat.home_time,
            "waiting": heartbeat.waiting,
            "plan": heartbeat.plan,
            "software": heartbeat.software,
        },
    )
    return answers.nothing(request)


@router.get("/notices")
async def read_notices(
    request: Request,
    signed: Annotated[Signed, Depends(AsGateway(Action.READ_NOTICES))],
    after: Annotated[int, Query(ge=0, le=_MOST_SEQ)] = 0,
    corrections_after: Annotated[int | None, Query(ge=0, le=_MOST_SEQ)] = None,
    states_after: Annotated[int | None, Query(ge=0, le=_MOST_SEQ)] = None,
    snoozes_after: Annotated[int | None, Query(ge=0, le=_MOST_SEQ)] = None,
) -> Response:
    """News of alerts for the people of this home, and what staff said, where it asks for that.

    Oldest first, 500 of each at most.
    """
    db, home = site_of(request).db, signed.actor.id
    found = await db.rows(Notice, _alerts_sql["notices_after"], {"gateway": home, "after": after})
    corrections: tuple[StaffCorrection, ...] = ()
    said: tuple[StaffState, ...] = ()
    snoozed: tuple[StaffSnooze, ...] = ()
    if corrections_after is not None:
        corrections = await unheard(db, home, corrections_after)
    if states_after is not None:
        said = await states.unheard(db, home, states_after)
    if snoozes_after is not None:
        snoozed = await snoozes.unheard(db, home, snoozes_after)
    return answers.json(
        request,
        Notices(notices=tuple(found), corrections=corrections, states=said, snoozes=snoozed),
    )
