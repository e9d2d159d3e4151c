"""What the server knows of each home's gateway."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from server.alerting import deadman
from server.config import Gateway
from server.db import Database
from server.queries.rows import SQL


class HomeStatus(Struct, frozen=True, kw_only=True):
    """What the server knows of one home's gateway."""

    gateway: str
    people: tuple[str, ...]
    heard_at: datetime | None
    """Machine time of its last signed request; None: never yet."""
    silent: bool
    """Whether a silent-gateway alert is open."""
    waiting: int | None
    """Records that waited at home at its last heartbeat."""
    plan: str | None
    software: str | None


async def homes_of(db: Database, gateways: Sequence[Gateway]) -> tuple[HomeStatus, ...]:
    people = {gateway.id: gateway.people for gateway in gateways}
    rows = await db.rows(_Home, SQL["homes"], {"silence": deadman.RULE, "gateways": list(people)})
    return tuple(
        HomeStatus(
            gateway=row.gateway,
            people=people[row.gateway],
            heard_at=row.heard_at,
            silent=row.silent,
            waiting=row.waiting,
            plan=row.plan,
            software=row.software,
        )
        for row in rows
    )


async def device_names(db: Database, gateways: Sequence[Gateway]) -> dict[str, str]:
    """What people called the devices that they added at these homes, by device."""
    which = {"gateways": [gateway.id for gateway in gateways]}
    rows = await db.rows(_Named, SQL["device_names"], which)
    return {row.device: row.name for row in rows}


class _Named(Struct):
    device: str
    name: str


class _Home(Struct):
    gateway: str
    heard_at: datetime | None
    silent: bool
    waiting: int | None
    plan: str | None
    software: str | None
