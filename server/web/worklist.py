"""Who needs staff, most urgent first, as the worklist shows it."""

from collections.abc import Mapping
from datetime import datetime

from rules.whereabouts import Word
from server.config import Person, ServerConfig
from server.queries.alerts import AlertSummary
from server.queries.readings import LatestValue
from server.queries.worklist import PersonStatus
from server.queries.worklist import Worklist as WorklistData
from server.web import where, wording
from server.web.homes import home_line
from server.web.moments import UTC, Moment, moment
from server.web.packs import for_staff
from server.web.views import AlertRow, Group, KitRow, PersonRow, Worklist


def present(data: WorklistData, config: ServerConfig, machine_now: datetime) -> Worklist:
    """Alerts by tier; in each tier those that nobody has seen first, oldest first.

    `machine_now` judges when a home was last heard.
    """
    people = {status.person.id: status for status in data.people}
    ordered = sorted(data.alerts, key=lambda alert: (not _unseen(alert), alert.opened_at))
    groups = [
        Group(
            urgency=urgency,
            rows=tuple(
                alert_row(alert, people, data.home_now) for alert in ordered if alert.tier is tier
            ),
        )
        for tier, urgency in wording.URGENCIES.items()
    ]
    return Worklist(
        groups=tuple(group for group in groups if group.rows),
        unseen=sum(map(_unseen, data.alerts)),
        count=len(data.alerts),
        kit=tuple(_kit_row(alert, data, config) for alert in data.kit),
        people=tuple(_person_row(status, data, machine_now) for status in data.people),
        shown_at=moment(data.home_now, data.home_now, _zone(data)).exact,
    )


def alert_row(alert: AlertSummary, people: Mapping[str, PersonStatus], now: datetime) -> AlertRow:
    status = people[alert.patient or ""]
    person = status.person
    return AlertRow(
        id=alert.id,
        urgency=wording.URGENCIES[alert.tier],
        person=wording.person(person),
        where=_elsewhere(status),
        why=for_staff(alert.text, alert.values),
        raised=moment(alert.opened_at, now, person.timezone),
        seen=not _unseen(alert),
        state=wording.staff_state(alert),
        note=wording.note(alert),
    )


def _kit_row(alert: AlertSummary, data: WorklistData, config: ServerConfig) -> KitRow:
    return KitRow(
        alert=alert.id,
        what=alert.name if alert.patient else wording.home(config, alert.gateway),
        why=for_staff(alert.text, alert.values),
        since=moment(alert.opened_at, data.home_now, _zone(data)),
        state=wording.staff_state(alert),
    )


def _unseen(alert: AlertSummary) -> bool:
    return alert.state in wording.UNSEEN


def _zone(data: WorklistData) -> str:
    """Of what belongs to no person: where the first of them lives."""
    return data.people[0].person.timezone if data.people else UTC


def _person_row(status: PersonStatus, data: WorklistData, machine_now: datetime) -> PersonRow:
    person = status.person
    return PersonRow(
        person=wording.person(person),
        where=_elsewhere(status),
        last=_taken(status.last, person, data.home_now),
        movement=_taken(status.movement, person, data.home_now),
        homes=tuple(
            home_line(home, person, machine_now) for home in data.homes if person.id in home.people
        ),
    )


def _elsewhere(status: PersonStatus) -> str:
    place = where.place_of(status.said)
    return "" if place is Word.HOME else where.WORDS[place]


def _taken(value: LatestValue | None, person: Person, now: datetime) -> Moment | None:
    return None if value is None else moment(value.taken_at, now, person.timezone)
