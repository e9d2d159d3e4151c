"""Whether the server works, for whatever watches it."""

from fastapi import APIRouter, Request, Response
from msgspec import Struct

from rules.records import encode
from server.site import site_of

router = APIRouter()


class _One(Struct):
    one: int


@router.get("/healthz")
async def read_health(request: Request) -> Response:
    """200 with its parts where the database answers and news arrives; else a problem."""
    site = site_of(request)
    await site.db.row(_One, b"SELECT 1 AS one")
    status = {"database": "ok", "live": "ok" if site.live.listening.is_set() else "reconnecting"}
    return Response(encode(status), media_type="application/json")
