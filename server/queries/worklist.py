"""Who needs staff, most urgent first."""

from datetime import datetime

from msgspec import Struct

from rules.model import Concern
from server.alerting.lifecycle import State
from server.config import Person, ServerConfig
from server.db import Database
from server.queries.alerts import AlertSummary, alerts_of
from server.queries.homes import HomeStatus, homes_of
from server.queries.readings import (
    STATED,
    TECHNICAL,
    LatestRow,
    LatestValue,
    last_movements,
)
from server.queries.rows import SQL
from server.states import Statements, places

_NOTHING_SAID = Statements(by_staff=(), at_home=())


class PersonStatus(Struct, frozen=True, kw_only=True):
    """One person at a glance, for the list under the alerts."""

    person: Person
    last: LatestValue | None
    """The newest reading of any metric."""
    movement: LatestValue | None
    """The newest sign of movement (value 1), from any sensor."""
    said: Statements
    """Where they are, as staff and the home said last."""


class Worklist(Struct, frozen=True, kw_only=True):
    alerts: tuple[AlertSummary, ...]
    """Not resolved, about people. Open and escalated first, highest tier first, oldest first."""
    kit: tuple[AlertSummary, ...]
    """Not resolved, about kit: silent gateways, devices, batteries."""
    people: tuple[PersonStatus, ...]
    homes: tuple[HomeStatus, ...]
    home_now: datetime


async def worklist(db: Database, config: ServerConfig) -> Worklist:
    """Who needs staff, most urgent first, and the state of every home."""
    alerts = sorted(await alerts_of(db, config, "unresolved_alerts", {}), key=urgency)
    return Worklist(
        alerts=tuple(alert for alert in alerts if alert.concern is Concern.CLINICAL),
        kit=tuple(alert for alert in alerts if alert.concern is Concern.KIT),
        people=await _people(db, config),
        homes=await homes_of(db, config.gateways),
        home_now=config.home_time.now(),
    )


def urgency(alert: AlertSummary) -> tuple[bool, int, datetime, str]:
    """Order of the worklist: nobody has it, highest tier, longest waiting."""
    return (alert.state is State.ACKNOWLEDGED, -alert.tier, alert.opened_at, alert.id)


async def _people(db: Database, config: ServerConfig) -> tuple[PersonStatus, ...]:
    patients = [person.id for person in config.people]
    newest = await db.rows(
        LatestRow,
        SQL["newest_of_people"],
        {"patients": patients, "technical": [*TECHNICAL, *STATED]},
    )
    last = {row.patient: row.value_of() for row in newest}
    movement = await last_movements(db, patients)
    said = await places(db, patients)
    return tuple(
        PersonStatus(
            person=person,
            last=last.get(person.id),
            movement=movement.get(person.id),
            said=said.get(person.id, _NOTHING_SAID),
        )
        for person in config.people
    )
