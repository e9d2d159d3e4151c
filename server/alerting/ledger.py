"""The only writer of alerts: each change with its audit row, the home's notice, and live news.

Everything here happens in the caller's transaction. A change locks the alert's row first; opening
takes a lock for the person's rule before, and a batch takes its locks in order.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec
from msgspec import Struct
from psycopg import AsyncConnection

from rules.model import AlertRequest, Concern
from rules.records import STANDS_AGAIN, Superseded, encode
from server.alerting.lifecycle import Action, Moved, Refused, State, apply
from server.db import Queries, rows
from server.live import CHANNEL, LiveEvent
from server.permissions import Actor

_sql = Queries("alerts.sql")


class Author(Struct, frozen=True, kw_only=True):
    """Who changes an alert, by the name that colleagues see."""

    id: str
    name: str

    @property
    def shown(self) -> str:
        """The first name, as the person at home is told."""
        return self.name.split(" ", 1)[0]


class Times(Struct, frozen=True, kw_only=True):
    """The moment of a change: by the machine's clock, and as the home's clock shows it."""

    now: datetime
    home: datetime


def staff(actor: Actor) -> Author:
    """Someone who is signed in, as the author of a change."""
    return Author(id=actor.id, name=actor.name)


class NoSuchAlert(Exception):
    """There is no alert with that id."""


class NotPossible(Exception):
    """The alert's state does not allow it; the message says why, for the one who tried."""


class Opening(Struct, frozen=True, kw_only=True):
    """What asks for an alert. `patient` is None for a home's kit."""

    gateway: str
    patient: str | None
    request: AlertRequest


class _Alert(Struct):
    id: str
    tier: int
    state: str
    last_at: datetime


class _Known(_Alert):
    gateway: str
    patient: str | None
    rule: str


class _Id(Struct):
    id: str


class _Resting(Struct):
    id: str
    finding: str
    headline: bool


class _SupersededBefore(Struct):
    finding: str
    by: str


THE_RULES = Author(id="rules", name="Homebeat")
"""The author of what the rules ask for."""
THE_CLOCK = Author(id="clock", name="Homebeat")
"""The author of what happens because time passed."""


async def open_alerts(
    connection: AsyncConnection, openings: Sequence[Opening], author: Author, times: Times
) -> None:
    """Open one alert for each request, or add it to the unresolved one of the same rule.

    A request that is here already changes nothing.
    """
    keys = [_series(opening) for opening in openings]
    await connection.execute(_sql["lock_series"], {"keys": keys})
    ids = [opening.request.id for opening in openings]
    known = {row.id for row in await rows(connection, _Id, _sql["known_requests"], {"ids": ids})}
    findings = [opening.request.finding for opening in openings]
    undone = {
        row.finding: row.by
        for row in await rows(
            connection, _SupersededBefore, _sql["superseded_before"], {"findings": findings}
        )
    }
    for opening in sorted(openings, key=lambda each: (_series(each), each.request.at)):
        if opening.request.id in known:
            continue
        known.add(opening.request.id)
        await _open(connection, opening, author, times)
        by = undone.get(opening.request.finding)
        if by is not None and by != STANDS_AGAIN:
            await _annotate_superseded(connection, [opening.request.finding], by, times)


async def supersede(
    connection: AsyncConnection, superseded: Iterable[Superseded], times: Times
) -> None:
    """Annotate the alerts that rest on findings which no longer stand. Nothing is erased."""
    by_reason: dict[str, list[str]] = {}
    for each in superseded:
        by_reason.setdefault(each.by, []).append(each.finding)
    for by, findings in sorted(by_reason.items()):
        await _annotate_superseded(connection, findings, by, times)


async def act(
    connection: AsyncConnection,
    alert: str,
    action: Action,
    author: Author,
    reason: str,
    times: Times,
) -> State:
    """Do what the table allows; the state after it. Raises NoSuchAlert or NotPossible."""
    found = await rows(connection, _Known, _sql["lock_alert"], {"id": alert})
    if not found:
        raise NoSuchAlert(alert)
    before = State(found[0].state)
    moved = apply(before, action)
    if isinstance(moved, Refused):
        raise NotPossible(moved.reason)
    after = moved.state
    taken_by = author.name if after is State.ACKNOWLEDGED and before is not after else None
    await connection.execute(
        _sql["change_state"], {"id": alert, "state": after, "taken_by": taken_by}
    )
    await _record(connection, found[0], action, before, after, author, reason, times)
    return after


async def _open(
    connection: AsyncConnection, opening: Opening, author: Author, times: Times
) -> None:
    request = opening.request
    place = {"whom": opening.patient or opening.gateway, "rule": request.rule}
    unresolved = await rows(connection, _Alert, _sql["unresolved_of_series"], place)
    headline = {
        "tier": int(request.tier),
        "home_at": request.at,
        "now": times.now,
        "text": request.text,
        "values": encode(request.values).decode(),
        "late": request.late,
    }
    if unresolved:
        alert = unresolved[0]
        action = Action.RAISE if request.tier > alert.tier else Action.RECUR
        before, moved = State(alert.state), apply(State(alert.state), action)
        assert isinstance(moved, Moved), "an unresolved alert can always recur"
        after = moved.state
        is_news = request.tier > alert.tier or (
            request.tier == alert.tier and request.at >= alert.last_at
        )
        await connection.execute(
            _sql["recur"], {**headline, "id": alert.id, "state": after, "headline": is_news}
        )
        alert_id = alert.id
    else:
        action, before, after, alert_id = None, None, State.OPEN, request.id
        await connection.execute(
            _sql["open_alert"],
            {
                **headline,
                "id": alert_id,
                "gateway": opening.gateway,
                "patient": opening.patient,
                "rule": request.rule,
                "family": request.family,
                "concern": Concern.KIT if opening.patient is None else request.concern,
            },
        )
    await connection.execute(
        _sql["add_request"],
        {
            "id": request.id,
            "alert": alert_id,
            "finding": request.finding,
            "at": request.at,
            "body": encode(request).decode(),
            "now": times.now,
        },
    )
    known = _Known(
        id=alert_id,
        tier=int(request.tier),
        state=after,
        last_at=request.at,
        gateway=opening.gateway,
        patient=opening.patient,
        rule=request.rule,
    )
    reason = f"{request.rule} asks for T{int(request.tier)}" + (", late" if request.late else "")
    await _record(connection, known, action, before, after, author, reason, times)


async def _annotate_superseded(
    connection: AsyncConnection, findings: list[str], by: str, times: Times
) -> None:
    resting = await rows(connection, _Resting, _sql["resting_on_findings"], {"findings": findings})
    for each in resting:
        stands = by == STANDS_AGAIN
        reason = f"finding {each.finding} " + (
            "stands again" if stands else f"no longer stands: {by}"
        )
        await act(connection, each.id, Action.ANNOTATE, THE_RULES, reason, times)
        if each.headline:
            await connection.execute(
                _sql["mark_superseded"], {"id": each.id, "by": None if stands else by}
            )


async def _record(
    connection: AsyncConnection,
    alert: _Known,
    action: Action | None,
    before: State | None,
    after: State,
    author: Author,
    reason: str,
    times: Times,
) -> None:
    """The audit row of a change, and whoever is to hear of it."""
    await connection.execute(
        _sql["add_audit"],
        {
            "alert": alert.id,
            "now": times.now,
            "home_at": times.home,
            "actor": author.id,
            "actor_name": author.name,
            "action": action,
            "before": before,
            "after": after,
            "reason": reason,
        },
    )
    if alert.patient is not None and before is not after:
        await connection.execute(
            _sql["add_notice"],
            {
                "gateway": alert.gateway,
                "alert": alert.id,
                "patient": alert.patient,
                "state": after,
                "by": author.shown,
                "at": times.home,
            },
        )
    event = LiveEvent(kind="alert", id=alert.id, patient=alert.patient)
    await connection.execute(
        _sql["notify"], {"channel": CHANNEL, "payload": msgspec.json.encode(event).decode()}
    )


def _series(opening: Opening) -> str:
    return f"{opening.patient or opening.gateway}|{opening.request.rule}"
