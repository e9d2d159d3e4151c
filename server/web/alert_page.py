"""One alert: why it is there, what the person said, and what was done about it."""

from collections.abc import Iterator
from datetime import datetime

from msgspec import structs

from devices.metrics import Kind
from rules.limits import RULE_PREFIX
from rules.model import AlertRequest, Evidence
from rules.words import shown_number
from server.alerting.lifecycle import Action
from server.config import ServerConfig
from server.queries.alerts import AlertDetail, AuditRow, Behind
from server.web import quantities, wording
from server.web.counterfactuals import NOT_ASKED, Rests, limits, sentences
from server.web.figures import Reader, figures, remark
from server.web.moments import UTC, moment
from server.web.packs import for_staff, origin, question
from server.web.snoozing import offered, quiet
from server.web.views import AlertView, Answer, Fact, RuleView, TrailRow

SIGN_OF_LIFE = "a sign of life"
"""What a silent home owes."""


def present(data: AlertDetail, config: ServerConfig) -> AlertView:
    alert, person, now = data.alert, data.person, data.home_now
    zone = person.timezone if person else UTC
    because = data.request.because
    if person is None:
        because = structs.replace(because, missing=SIGN_OF_LIFE)
    behind = tuple(_behind(data))
    rests = {reading for request in data.requests for reading in request.because.readings}
    drawn = limits(because, data.evidence)
    for each in behind:
        rests.update(each.finding.because.readings)
        drawn = {**limits(each.finding.because, each.evidence), **drawn}
    return AlertView(
        id=alert.id,
        urgency=wording.URGENCIES[alert.tier],
        name=person.name if person else wording.home(config, alert.gateway),
        first_name=alert.name.partition(" ")[0],
        person=wording.person(person) if person else None,
        why=for_staff(alert.text, alert.values),
        raised=moment(alert.opened_at, now, zone),
        note=wording.note(alert),
        seen=alert.state not in wording.UNSEEN,
        state=wording.staff_state(alert),
        matters=person.matters if person else "",
        counterfactuals=(
            *sentences(because, data.evidence),
            *(
                sentence
                for each in behind
                for sentence in sentences(each.finding.because, each.evidence, NOT_ASKED)
            ),
        ),
        reasons=tuple(
            dict.fromkeys(
                fact
                for judged, rests_on in [
                    (because, data.evidence),
                    *((each.finding.because, each.evidence) for each in behind),
                ]
                for fact in _reasons(judged, rests_on, zone, now)
            )
        ),
        answers=tuple(_answers(data, rests, zone, now)),
        rule=_rule(data.request),
        figures=figures(
            data.series,
            Reader(
                zone=zone,
                now=now,
                because=rests,
                limits=drawn,
                corrects=person.id if person else "",
            ),
        ),
        trail=tuple(_step(row, zone, now) for row in data.audit),
        shown_at=moment(now, now, zone).exact,
        may_acknowledge=Action.ACKNOWLEDGE in data.actions,
        may_resolve=Action.RESOLVE in data.actions,
        snooze=offered(alert),
        quiet=tuple(quiet(one, person, now, "") for one in data.snoozed),
    )


def _behind(data: AlertDetail) -> Iterator[Behind]:
    """The findings for which the answers were asked, or whose rule this one judges."""
    rested = set(data.request.because.readings)
    asking = {
        asked.prompt.finding
        for asked in data.asked
        if any(answer.reading in rested for answer in asked.answers)
    }
    judged = {
        number.name.removeprefix(RULE_PREFIX)
        for number in data.request.because.branches
        if number.name.startswith(RULE_PREFIX)
    }
    for each in data.behind:
        is_own = each.finding.id == data.request.finding
        if not is_own and (each.finding.id in asking or each.finding.rule in judged):
            yield each


def _reasons(because: Evidence, rests: Rests, zone: str, now: datetime) -> Iterator[Fact]:
    """The readings, the numbers compared, the limit, and what did not come."""
    for metric, reading in rests:
        if quantities.kind(metric) is not Kind.ANSWER:
            words, against = quantities.said(metric, reading.value, "1"), remark(reading.quality)
            yield Fact(
                term=quantities.title(metric),
                detail=f"{words} ({against})" if against else words,
                moment=moment(reading.taken_at, now, zone),
            )
    measured = {reading.value for _, reading in rests}
    for number in because.numbers:
        if number.name in wording.NUMBERS and number.value not in measured:
            yield Fact(term=wording.NUMBERS[number.name], detail=shown_number(number))
    if because.limit is not None and because.limit.unit != "1":
        yield Fact(term="Limit of the rule", detail=shown_number(because.limit))
    if because.missing is not None:
        missing = ", ".join(quantities.title(name) for name in because.missing.split(", "))
        yield Fact(term="Did not come", detail=missing)


def _answers(data: AlertDetail, rests: set[str], zone: str, now: datetime) -> Iterator[Answer]:
    for asked in data.asked:
        for answer in asked.answers:
            yield Answer(
                question=question(answer.metric),
                answer="Yes" if answer.yes else "No",
                yes=answer.yes,
                given=moment(answer.at, now, zone),
                because=answer.reading in rests,
            )


def _rule(request: AlertRequest) -> RuleView:
    named = origin(request.family, request.rule)
    return RuleView(
        title=named.title or request.values.get("title", request.rule),
        id=request.rule,
        version=request.version,
        source=named.source,
    )


def _step(row: AuditRow, zone: str, now: datetime) -> TrailRow:
    return TrailRow(
        what=wording.STEPS[row.action],
        by=row.actor_name,
        at=moment(row.home_at, now, zone),
        note="" if row.actor in wording.NOT_PEOPLE else row.reason,
    )
