"""A home that falls silent is one alert: it can't report itself. In machine time.

Silence counts from the last heartbeat, but only while a server listened: after an outage of the
server every home gets its full limit again. The alert closes by itself when the home is back.
"""

from datetime import datetime, timedelta
from hashlib import blake2b

from msgspec import Struct

from plumbing.clock import utc_now
from rules.model import AlertRequest, Evidence, Tier
from server.alerting.ledger import (
    THE_CLOCK,
    NoSuchAlert,
    NotPossible,
    Opening,
    Times,
    act,
    open_alerts,
)
from server.alerting.lifecycle import Action
from server.config import ServerConfig
from server.db import Database, Queries

RULE = "server.gateway_silent"
"""The rule of these alerts, and the key of their words. Values: gateway, minutes, heard_at."""

_sql = Queries("alerts.sql")


class Home(Struct, frozen=True, kw_only=True):
    """What is known of a gateway: machine times, and its unresolved silence alert if any."""

    gateway: str
    known_since: datetime
    heard_at: datetime | None
    alert: str | None


class _Watch(Struct):
    listening_since: datetime


class Open(Struct, frozen=True):
    """It is silent for too long, since that machine time."""

    silent_since: datetime


class Close(Struct, frozen=True):
    """It was heard again."""

    reason: str


class Wait(Struct, frozen=True):
    """Nothing to do; why not."""

    reason: str


def decide(
    home: Home, listening_since: datetime, limit_s: float, now: datetime
) -> Open | Close | Wait:
    """What a home's silence, or its end, leads to at `now`."""
    since = max(home.heard_at or home.known_since, listening_since)
    silent = now - since >= timedelta(seconds=limit_s)
    if home.alert is None:
        return Open(since) if silent else Wait(f"heard within {limit_s:g} s")
    if home.heard_at is not None and now - home.heard_at < timedelta(seconds=limit_s):
        return Close(f"heard again at {home.heard_at:%Y-%m-%d %H:%M:%S} UTC")
    return Wait("silent, and its alert is open")


async def check(db: Database, config: ServerConfig) -> None:
    """Open and close what is due. Two servers that check at once do it once."""
    now = utc_now()
    times = Times(now=now, home=config.home_time.at(now))
    watch = await db.row(_Watch, _sql["keep_watch"], {"now": now})
    assert watch is not None, "the statement gives back the row that it wrote"
    gateways = [gateway.id for gateway in config.gateways]
    homes = await db.rows(Home, _sql["homes_for_deadman"], {"rule": RULE, "gateways": gateways})
    for home in homes:
        decision = decide(home, watch.listening_since, config.deadman.gateway_silent_s, now)
        if isinstance(decision, Open):
            opening = Opening(
                gateway=home.gateway,
                patient=None,
                request=silence(home, decision.silent_since, times),
            )
            async with db.transaction() as connection:
                await open_alerts(connection, [opening], THE_CLOCK, times)
        elif isinstance(decision, Close) and home.alert is not None:
            try:
                async with db.transaction() as connection:
                    await act(
                        connection, home.alert, Action.RESOLVE, THE_CLOCK, decision.reason, times
                    )
            except (NotPossible, NoSuchAlert):
                continue


def silence(home: Home, silent_since: datetime, times: Times) -> AlertRequest:
    """The request for staff: one for each stretch of silence, so that it opens once."""
    content = f"{RULE}|{home.gateway}|{silent_since.isoformat()}"
    request_id = blake2b(content.encode(), digest_size=16).hexdigest()
    minutes = (times.now - silent_since) // timedelta(minutes=1)
    heard = home.heard_at
    return AlertRequest(
        id=request_id,
        finding=request_id,
        rule=RULE,
        version="server",
        patient=home.gateway,
        tier=Tier.T3,
        family="kit",
        at=times.home,
        text=RULE,
        values={
            "gateway": home.gateway,
            "minutes": str(minutes),
            "heard_at": "" if heard is None else heard.isoformat(timespec="seconds"),
        },
        because=Evidence(missing=home.gateway),
    )
