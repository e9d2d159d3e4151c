"""Urgent alerts that nobody took in time escalate: in machine time, whatever home time says."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from msgspec import Struct

from plumbing.clock import utc_now
from rules.model import Tier
from server.alerting.ledger import THE_CLOCK, NoSuchAlert, NotPossible, Times, act
from server.alerting.lifecycle import Action
from server.config import ServerConfig
from server.db import Database, Queries

_sql = Queries("alerts.sql")


class Waiting(Struct, frozen=True, kw_only=True):
    """An open alert, and since when it waits for someone (machine time)."""

    id: str
    tier: int
    waiting_since: datetime


class Escalate(Struct, frozen=True):
    """It has waited too long; the reason goes into its trail."""

    reason: str


class Wait(Struct, frozen=True):
    """Not yet, or never: the reason is for the log."""

    reason: str


def decide(alert: Waiting, limits_s: Mapping[Tier, float], now: datetime) -> Escalate | Wait:
    """Whether an open alert escalates at `now`. A tier without a limit waits for the team."""
    limit_s = limits_s.get(Tier(alert.tier))
    if limit_s is None:
        return Wait(f"T{alert.tier} waits for the team's next session")
    waited = now - alert.waiting_since
    if waited < timedelta(seconds=limit_s):
        return Wait(f"T{alert.tier} waits {limit_s:g} s; {waited.total_seconds():.0f} s passed")
    return Escalate(f"nobody took a T{alert.tier} within {limit_s:g} s")


async def check(db: Database, config: ServerConfig) -> None:
    """Escalate what is due. Two servers that check at once escalate once."""
    now = utc_now()
    limits_s = config.escalation.limits_s()
    tiers = [int(tier) for tier in limits_s]
    for alert in await db.rows(Waiting, _sql["waiting"], {"tiers": tiers}):
        decision = decide(alert, limits_s, now)
        if isinstance(decision, Wait):
            continue
        times = Times(now=now, home=config.home_time.at(now))
        try:
            async with db.transaction() as connection:
                await act(connection, alert.id, Action.ESCALATE, THE_CLOCK, decision.reason, times)
        except (NotPossible, NoSuchAlert):
            continue
