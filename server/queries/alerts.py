"""Alerts: a line of the worklist, and all that is known of one."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import msgspec
from msgspec import Struct

from rules.model import AlertRequest, Concern, Finding, Tier
from server.alerting.lifecycle import Action, State, possible
from server.config import Person, ServerConfig
from server.db import Database
from server.queries.asked import Asked, asked_between
from server.queries.readings import (
    CHART_AFTER,
    Point,
    Series,
    is_charted,
    readings_by_id,
    series_of,
)
from server.queries.rows import SQL, Body
from server.snoozes import Known, in_force

_ASKED_BEFORE = timedelta(days=1)
_CHART_BEFORE = timedelta(days=14)
_MOST_FINDINGS = 50

_decode_request = msgspec.json.Decoder(AlertRequest).decode
_decode_finding = msgspec.json.Decoder(Finding).decode
_decode_values = msgspec.json.Decoder(dict[str, str]).decode


class AlertSummary(Struct, frozen=True, kw_only=True):
    """One line of the worklist. `text` and `values` are the words' key and what fills them."""

    id: str
    patient: str | None
    """None: about a home's kit, not about a person."""
    name: str
    """The person's name, or the gateway's id."""
    gateway: str
    rule: str
    family: str
    tier: Tier
    state: State
    opened_at: datetime
    last_at: datetime
    """When it last recurred; `opened_at` where it did not."""
    occurrences: int
    text: str
    values: Mapping[str, str]
    late: bool
    superseded: str | None
    """Why its latest finding no longer stands ("late-reading"), or None."""
    concern: Concern
    """Whose list it belongs to: kit is never a clinical alert."""
    taken_by: str | None
    """Who acknowledged it, by the name staff chose to be shown."""


class AuditRow(Struct, frozen=True, kw_only=True):
    """One change of an alert, or one note on it."""

    at: datetime
    home_at: datetime
    actor: str
    actor_name: str
    action: Action | None
    """None: it was opened."""
    before: State | None
    after: State
    reason: str


class Behind(Struct, frozen=True, kw_only=True):
    """What the person was asked about: a finding, and its readings that have arrived."""

    finding: Finding
    evidence: tuple[tuple[str, Point], ...]


class AlertDetail(Struct, frozen=True, kw_only=True):
    alert: AlertSummary
    person: Person | None
    request: AlertRequest
    """The latest occurrence: its `because` holds the evidence and the counterfactual."""
    requests: tuple[AlertRequest, ...]
    """Every occurrence, oldest first."""
    findings: tuple[Finding, ...]
    """The latest changes of the same rule for the same person, oldest first (50 at most)."""
    evidence: tuple[tuple[str, Point], ...]
    """(metric, reading) of each reading that the request names and that has arrived."""
    behind: tuple[Behind, ...]
    """The findings of the prompts in `asked`, oldest first."""
    series: tuple[Series, ...]
    """The metrics of both, over the 14 days before the alert and the day after it."""
    asked: tuple[Asked, ...]
    """Prompts of the day before the alert until now, oldest first."""
    audit: tuple[AuditRow, ...]
    """Oldest first."""
    actions: tuple[Action, ...]
    """What its state allows."""
    snoozed: tuple[Known, ...]
    """What staff need not hear of, of the same family, the next to end first."""
    home_now: datetime


async def alert_detail(db: Database, config: ServerConfig, alert: str) -> AlertDetail | None:
    """All that is known of one alert; None where there is none with that id."""
    found = await alerts_of(db, config, "alert", {"alert": alert})
    if not found:
        return None
    summary = found[0]
    bodies = await db.rows(Body, SQL["requests_of_alert"], {"alert": alert})
    requests = tuple(_decode_request(row.body) for row in bodies)
    home_now = config.home_time.now()
    patient = summary.patient
    asked: tuple[Asked, ...] = ()
    findings: tuple[Finding, ...] = ()
    evidence: tuple[tuple[str, Point], ...] = ()
    behind: tuple[Behind, ...] = ()
    series: tuple[Series, ...] = ()
    snoozed: tuple[Known, ...] = ()
    if patient is not None:
        asked = await asked_between(db, patient, requests[0].at - _ASKED_BEFORE, home_now)
        findings = await _findings_of_rule(db, patient, summary.rule)
        evidence = await _evidence(db, patient, requests[-1])
        behind = await _behind(db, patient, asked)
        rests = [*evidence, *(pair for each in behind for pair in each.evidence)]
        metrics = {metric for metric, _ in rests}
        series = await series_of(
            db,
            patient,
            [metric for metric in metrics if is_charted(metric)],
            requests[0].at - _CHART_BEFORE,
            requests[-1].at + CHART_AFTER,
        )
        snoozed = await in_force(db, patient, home_now)
    return AlertDetail(
        alert=summary,
        person=None if patient is None else person_of(config, patient),
        request=requests[-1],
        requests=requests,
        findings=findings,
        evidence=evidence,
        behind=behind,
        series=series,
        asked=asked,
        audit=await _audit(db, alert),
        actions=possible(summary.state),
        snoozed=tuple(one for one in snoozed if one.family == summary.family),
        home_now=home_now,
    )


async def alert_patient(db: Database, alert: str) -> tuple[str | None] | None:
    """Whom an alert is about, as a tuple of one (None for kit); None where there is no alert."""
    found = await db.row(_Patient, SQL["patient_of_alert"], {"alert": alert})
    return None if found is None else (found.patient,)


async def alerts_of(
    db: Database, config: ServerConfig, query: str, parameters: Mapping[str, object]
) -> list[AlertSummary]:
    return [
        AlertSummary(
            id=row.id,
            patient=row.patient,
            name=row.gateway if row.patient is None else person_of(config, row.patient).name,
            gateway=row.gateway,
            rule=row.rule,
            family=row.family,
            tier=Tier(row.tier),
            state=State(row.state),
            opened_at=row.opened_at,
            last_at=row.last_at,
            occurrences=row.occurrences,
            text=row.text,
            values=_decode_values(row.text_values),
            late=row.late,
            superseded=row.superseded,
            taken_by=row.taken_by,
            concern=Concern(row.concern),
        )
        for row in await db.rows(_AlertRow, SQL[query], parameters)
    ]


def person_of(config: ServerConfig, person: str) -> Person:
    """The person as the settings know them; one who was taken out keeps their id as a name."""
    return config.person(person) or Person(id=person, name=person)


async def _audit(db: Database, alert: str) -> tuple[AuditRow, ...]:
    return tuple(
        AuditRow(
            at=row.at,
            home_at=row.home_at,
            actor=row.actor,
            actor_name=row.actor_name,
            action=None if row.action is None else Action(row.action),
            before=None if row.before is None else State(row.before),
            after=State(row.after),
            reason=row.reason,
        )
        for row in await db.rows(_Audit, SQL["audit_of_alert"], {"alert": alert})
    )


async def _findings_of_rule(db: Database, patient: str, rule: str) -> tuple[Finding, ...]:
    rows = await db.rows(
        Body,
        SQL["findings_of_rule"],
        {"patient": patient, "rule": rule, "most": _MOST_FINDINGS},
    )
    return tuple(_decode_finding(row.body) for row in reversed(rows))


async def held_back_of(db: Database, patient: str, since: datetime) -> tuple[Finding, ...]:
    """What counted, and something held back: the newest first."""
    rows = await db.rows(
        Body,
        SQL["held_back_of_person"],
        {"patient": patient, "since": since, "most": _MOST_FINDINGS},
    )
    return tuple(_decode_finding(row.body) for row in rows)


async def _evidence(
    db: Database, patient: str, request: AlertRequest
) -> tuple[tuple[str, Point], ...]:
    return await readings_by_id(db, patient, request.because.readings, request.at)


async def _behind(db: Database, patient: str, asked: Sequence[Asked]) -> tuple[Behind, ...]:
    """The findings for which the person was asked something."""
    if not asked:
        return ()
    since = asked[0].prompt.at - _ASKED_BEFORE
    rows = await db.rows(
        Body,
        SQL["findings_by_id"],
        {"patient": patient, "ids": [each.prompt.finding for each in asked], "since": since},
    )
    findings = sorted((_decode_finding(row.body) for row in rows), key=lambda each: each.at)
    ids = {reading for finding in findings for reading in finding.because.readings}
    found = {
        point.reading: (metric, point)
        for metric, point in await readings_by_id(db, patient, ids, asked[-1].prompt.at)
    }
    return tuple(
        Behind(
            finding=finding,
            evidence=tuple(
                found[reading] for reading in finding.because.readings if reading in found
            ),
        )
        for finding in findings
    )


class _Patient(Struct):
    patient: str | None


class _AlertRow(Struct):
    id: str
    patient: str | None
    gateway: str
    rule: str
    family: str
    tier: int
    state: str
    opened_at: datetime
    last_at: datetime
    occurrences: int
    text: str
    text_values: str
    late: bool
    superseded: str | None
    taken_by: str | None
    concern: str


class _Audit(Struct):
    at: datetime
    home_at: datetime
    actor: str
    actor_name: str
    action: str | None
    before: str | None
    after: str
    reason: str
