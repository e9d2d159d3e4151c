"""What the pages and the staff API read, as typed values. All times are aware UTC home times,
where nothing else is said.

Each function takes the database and the settings, and asks nobody's permission: the route did.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec
from msgspec import Struct

from devices.metrics import METRICS, Kind
from devices.model import Quality
from rules.model import AlertRequest, Finding, Prompt, Tier
from server.alerting import deadman
from server.alerting.lifecycle import Action, State, possible
from server.config import Gateway, Person, ServerConfig
from server.db import Database, Queries


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
    taken_by: str | None
    """Who acknowledged it, by the name staff chose to be shown."""


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


class LatestValue(Struct, frozen=True, kw_only=True):
    """The newest reading of one metric from one device."""

    metric: str
    device: str
    value: float
    unit: str
    taken_at: datetime
    reading: str
    quality: tuple[Quality, ...]


class PersonStatus(Struct, frozen=True, kw_only=True):
    """One person at a glance, for the list under the alerts."""

    person: Person
    last: LatestValue | None
    """The newest reading of any metric."""
    movement: LatestValue | None
    """The newest sign of movement (value 1), from any sensor."""


class Worklist(Struct, frozen=True, kw_only=True):
    alerts: tuple[AlertSummary, ...]
    """Not resolved, about people. Open and escalated first, highest tier first, oldest first."""
    kit: tuple[AlertSummary, ...]
    """Not resolved, about kit: silent gateways."""
    people: tuple[PersonStatus, ...]
    homes: tuple[HomeStatus, ...]
    home_now: datetime


class Point(Struct, frozen=True, kw_only=True):
    """One reading on a chart."""

    reading: str
    taken_at: datetime
    value: float
    device: str
    quality: tuple[Quality, ...]


class Series(Struct, frozen=True, kw_only=True):
    """Readings of one metric, oldest first."""

    metric: str
    unit: str
    points: tuple[Point, ...]
    cut: bool
    """Whether older readings of the window were left out."""


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


class Answer(Struct, frozen=True, kw_only=True):
    """A person's answer to one question of a prompt."""

    metric: str
    yes: bool
    at: datetime
    reading: str


class Asked(Struct, frozen=True, kw_only=True):
    """A prompt as it was shown at home, and what was answered. An unanswered question is absent."""

    prompt: Prompt
    answers: tuple[Answer, ...]


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
    home_now: datetime


class PersonPage(Struct, frozen=True, kw_only=True):
    person: Person
    latest: tuple[LatestValue, ...]
    """One for each metric, by title."""
    series: tuple[Series, ...]
    """Quantities of the last 28 days; states and events are left out."""
    alerts: tuple[AlertSummary, ...]
    """Not resolved ones first, then the ones resolved last (20 at most)."""
    asked: tuple[Asked, ...]
    """Prompts, newest first (20 at most)."""
    homes: tuple[HomeStatus, ...]
    home_now: datetime


async def worklist(db: Database, config: ServerConfig) -> Worklist:
    """Who needs staff, most urgent first, and the state of every home."""
    alerts = sorted(await _alerts(db, config, "unresolved_alerts", {}), key=urgency)
    return Worklist(
        alerts=tuple(alert for alert in alerts if alert.patient is not None),
        kit=tuple(alert for alert in alerts if alert.patient is None),
        people=await _people(db, config),
        homes=await _homes(db, config, config.gateways),
        home_now=config.home_time.now(),
    )


async def alert_detail(db: Database, config: ServerConfig, alert: str) -> AlertDetail | None:
    """All that is known of one alert; None where there is none with that id."""
    found = await _alerts(db, config, "alert", {"alert": alert})
    if not found:
        return None
    summary = found[0]
    bodies = await db.rows(_Body, _sql["requests_of_alert"], {"alert": alert})
    requests = tuple(_decode_request(row.body) for row in bodies)
    home_now = config.home_time.now()
    patient = summary.patient
    asked: tuple[Asked, ...] = ()
    findings: tuple[Finding, ...] = ()
    evidence: tuple[tuple[str, Point], ...] = ()
    behind: tuple[Behind, ...] = ()
    series: tuple[Series, ...] = ()
    if patient is not None:
        asked = await _asked(db, patient, requests[0].at - _ASKED_BEFORE, home_now)
        findings = await _findings_of_rule(db, patient, summary.rule)
        evidence = await _evidence(db, patient, requests[-1])
        behind = await _behind(db, patient, asked)
        rests = [*evidence, *(pair for each in behind for pair in each.evidence)]
        metrics = {metric for metric, _ in rests}
        series = await _series(
            db,
            patient,
            [metric for metric in metrics if _is_charted(metric)],
            requests[0].at - _CHART_BEFORE,
            requests[-1].at + _CHART_AFTER,
        )
    return AlertDetail(
        alert=summary,
        person=None if patient is None else _person(config, patient),
        request=requests[-1],
        requests=requests,
        findings=findings,
        evidence=evidence,
        behind=behind,
        series=series,
        asked=asked,
        audit=await _audit(db, alert),
        actions=possible(summary.state),
        home_now=home_now,
    )


async def alert_patient(db: Database, alert: str) -> tuple[str | None] | None:
    """Whom an alert is about, as a tuple of one (None for kit); None where there is no alert."""
    found = await db.row(_Patient, _sql["patient_of_alert"], {"alert": alert})
    return None if found is None else (found.patient,)


async def person_page(db: Database, config: ServerConfig, person: str) -> PersonPage | None:
    """One person's own page; None where nobody has that id."""
    known = config.person(person)
    if known is None:
        return None
    home_now = config.home_time.now()
    quantities = [name for name in METRICS if _is_charted(name)]
    alerts = await _alerts(
        db, config, "alerts_of_person", {"patient": person, "resolved": _MOST_RESOLVED}
    )
    asked = await _asked(db, person, home_now - _PERSON_WINDOW, home_now)
    return PersonPage(
        person=known,
        latest=await latest_values(db, person),
        series=await _series(db, person, quantities, home_now - _PERSON_WINDOW, home_now),
        alerts=tuple(sorted(alerts, key=_unresolved_first)),
        asked=tuple(reversed(asked)),
        homes=await _homes(db, config, [home for home in config.gateways if person in home.people]),
        home_now=home_now,
    )


async def latest_values(db: Database, person: str) -> tuple[LatestValue, ...]:
    """The newest value of each metric of one person, by the metric's title."""
    rows = await db.rows(_Latest, _sql["latest_of_person"], {"patient": person})
    return tuple(sorted((row.value_of() for row in rows), key=lambda value: _title(value.metric)))


def urgency(alert: AlertSummary) -> tuple[bool, int, datetime, str]:
    """Order of the worklist: nobody has it, highest tier, longest waiting."""
    return (alert.state is State.ACKNOWLEDGED, -alert.tier, alert.opened_at, alert.id)


def match_answers(
    prompts: Sequence[Prompt], given: Sequence[tuple[str, Point]]
) -> tuple[Asked, ...]:
    """Prompts, oldest first, each with the answers given to it.

    An answer belongs to the newest prompt before it that asks its question; the last one counts.
    One that was struck out is none.
    """
    given = [pair for pair in given if Quality.ENTERED_IN_ERROR not in pair[1].quality]
    ordered = sorted(prompts, key=lambda prompt: (prompt.at, prompt.id))
    answers: dict[str, dict[str, Answer]] = {prompt.id: {} for prompt in ordered}
    for metric, point in sorted(given, key=lambda pair: (pair[1].taken_at, pair[1].reading)):
        asking = [each for each in ordered if each.at <= point.taken_at and metric in each.ask]
        if asking:
            answers[asking[-1].id][metric] = Answer(
                metric=metric, yes=point.value != 0.0, at=point.taken_at, reading=point.reading
            )
    return tuple(
        Asked(
            prompt=prompt,
            answers=tuple(
                answers[prompt.id][metric] for metric in prompt.ask if metric in answers[prompt.id]
            ),
        )
        for prompt in ordered
    )


_sql = Queries("pages.sql")

_ASKED_BEFORE = timedelta(days=1)
_CHART_BEFORE = timedelta(days=14)
_CHART_AFTER = timedelta(days=1)
_EVIDENCE_BEFORE = timedelta(days=100)
_PERSON_WINDOW = timedelta(days=28)
_MOST_POINTS = 1_000
_MOST_PROMPTS = 20
_MOST_FINDINGS = 50
_MOST_RESOLVED = 20
_TECHNICAL = ("battery", "battery_low", "device_online")
"""Metrics that say how the kit is, not how the person is."""

_decode_request = msgspec.json.Decoder(AlertRequest).decode
_decode_finding = msgspec.json.Decoder(Finding).decode
_decode_prompt = msgspec.json.Decoder(Prompt).decode
_decode_values = msgspec.json.Decoder(dict[str, str]).decode


class _Body(Struct):
    body: str


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


class _Latest(Struct):
    metric: str
    device: str
    value: float
    unit: str
    taken_at: datetime
    reading: str
    quality: str
    patient: str = ""

    def value_of(self) -> LatestValue:
        return LatestValue(
            metric=self.metric,
            device=self.device,
            value=self.value,
            unit=self.unit,
            taken_at=self.taken_at,
            reading=self.reading,
            quality=_flags(self.quality),
        )


class _Point(Struct):
    metric: str
    reading: str
    taken_at: datetime
    value: float
    device: str
    quality: str
    unit: str = ""

    def point(self) -> Point:
        return Point(
            reading=self.reading,
            taken_at=self.taken_at,
            value=self.value,
            device=self.device,
            quality=_flags(self.quality),
        )


class _Audit(Struct):
    at: datetime
    home_at: datetime
    actor: str
    actor_name: str
    action: str | None
    before: str | None
    after: str
    reason: str


class _Home(Struct):
    gateway: str
    heard_at: datetime | None
    silent: bool
    waiting: int | None
    plan: str | None
    software: str | None


def _flags(quality: str) -> tuple[Quality, ...]:
    return tuple(Quality(word) for word in quality.split())


def _title(metric: str) -> str:
    known = METRICS.get(metric)
    return metric if known is None else known.title


def _is_charted(metric: str) -> bool:
    known = METRICS.get(metric)
    return known is not None and known.kind is Kind.QUANTITY and metric not in _TECHNICAL


def _person(config: ServerConfig, person: str) -> Person:
    """The person as the settings know them; one who was taken out keeps their id as a name."""
    return config.person(person) or Person(id=person, name=person)


def _unresolved_first(alert: AlertSummary) -> tuple[bool, int, float]:
    resolved = alert.state is State.RESOLVED
    return (resolved, 0 if resolved else -alert.tier, -alert.last_at.timestamp())


async def _alerts(
    db: Database, config: ServerConfig, query: str, parameters: Mapping[str, object]
) -> list[AlertSummary]:
    return [
        AlertSummary(
            id=row.id,
            patient=row.patient,
            name=row.gateway if row.patient is None else _person(config, row.patient).name,
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
        )
        for row in await db.rows(_AlertRow, _sql[query], parameters)
    ]


async def _people(db: Database, config: ServerConfig) -> tuple[PersonStatus, ...]:
    patients = [person.id for person in config.people]
    newest = await db.rows(
        _Latest,
        _sql["newest_of_people"],
        {"patients": patients, "technical": list(_TECHNICAL)},
    )
    moved = await db.rows(_Latest, _sql["movement_of_people"], {"patients": patients})
    last = {row.patient: row.value_of() for row in newest}
    movement = {row.patient: row.value_of() for row in moved}
    return tuple(
        PersonStatus(person=person, last=last.get(person.id), movement=movement.get(person.id))
        for person in config.people
    )


async def _homes(
    db: Database, config: ServerConfig, gateways: Sequence[Gateway]
) -> tuple[HomeStatus, ...]:
    people = {gateway.id: gateway.people for gateway in gateways}
    rows = await db.rows(_Home, _sql["homes"], {"silence": deadman.RULE, "gateways": list(people)})
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
        for row in await db.rows(_Audit, _sql["audit_of_alert"], {"alert": alert})
    )


async def _findings_of_rule(db: Database, patient: str, rule: str) -> tuple[Finding, ...]:
    rows = await db.rows(
        _Body,
        _sql["findings_of_rule"],
        {"patient": patient, "rule": rule, "most": _MOST_FINDINGS},
    )
    return tuple(_decode_finding(row.body) for row in reversed(rows))


async def _evidence(
    db: Database, patient: str, request: AlertRequest
) -> tuple[tuple[str, Point], ...]:
    return await _readings_by_id(db, patient, request.because.readings, request.at)


async def _readings_by_id(
    db: Database, patient: str, ids: Collection[str], at: datetime
) -> tuple[tuple[str, Point], ...]:
    rows = await db.rows(
        _Point,
        _sql["readings_by_id"],
        {
            "patient": patient,
            "ids": list(ids),
            "since": at - _EVIDENCE_BEFORE,
            "until": at + _CHART_AFTER,
        },
    )
    return tuple((row.metric, row.point()) for row in rows)


async def _behind(db: Database, patient: str, asked: Sequence[Asked]) -> tuple[Behind, ...]:
    """The findings for which the person was asked something."""
    if not asked:
        return ()
    since = asked[0].prompt.at - _ASKED_BEFORE
    rows = await db.rows(
        _Body,
        _sql["findings_by_id"],
        {"patient": patient, "ids": [each.prompt.finding for each in asked], "since": since},
    )
    findings = sorted((_decode_finding(row.body) for row in rows), key=lambda each: each.at)
    ids = {reading for finding in findings for reading in finding.because.readings}
    found = {
        point.reading: (metric, point)
        for metric, point in await _readings_by_id(db, patient, ids, asked[-1].prompt.at)
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


async def _series(
    db: Database, patient: str, metrics: Sequence[str], since: datetime, until: datetime
) -> tuple[Series, ...]:
    rows = await db.rows(
        _Point,
        _sql["series"],
        {
            "patient": patient,
            "metrics": list(metrics),
            "since": since,
            "until": until,
            "most": _MOST_POINTS + 1,
        },
    )
    found: dict[str, list[_Point]] = {}
    for row in rows:
        found.setdefault(row.metric, []).append(row)
    return tuple(
        Series(
            metric=metric,
            unit=points[-1].unit,
            points=tuple(point.point() for point in points[-_MOST_POINTS:]),
            cut=len(points) > _MOST_POINTS,
        )
        for metric, points in sorted(found.items(), key=lambda pair: _title(pair[0]))
    )


async def _asked(db: Database, patient: str, since: datetime, until: datetime) -> tuple[Asked, ...]:
    bodies = await db.rows(
        _Body,
        _sql["prompts_between"],
        {"patient": patient, "since": since, "until": until, "most": _MOST_PROMPTS},
    )
    prompts = [_decode_prompt(row.body) for row in bodies]
    metrics = sorted({metric for prompt in prompts for metric in prompt.ask})
    given: list[tuple[str, Point]] = []
    if metrics:
        answered = await _series(db, patient, metrics, since, until)
        given = [(series.metric, point) for series in answered for point in series.points]
    return match_answers(prompts, given)
