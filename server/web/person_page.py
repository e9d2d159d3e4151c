"""One person's page, for those who care for them and for the person: the same facts."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from msgspec import structs

from devices.metrics import Kind
from rules.model import Concern, Finding
from server.config import Person, ServerConfig
from server.queries.alerts import AlertSummary
from server.queries.asked import Asked as AskedData
from server.queries.person import PersonPage
from server.queries.readings import TECHNICAL, LatestValue
from server.snoozes import Known
from server.web import quantities, where, wording
from server.web.figures import Reader, figures, remark
from server.web.homes import home_line
from server.web.moments import moment
from server.web.packs import for_person, for_staff, held_back_by, origin, question
from server.web.snoozing import quiet
from server.web.views import Asked, HeldBack, Latest, PersonAlert, PersonView

_UPPER, _LOWER = "systolic_pressure", "diastolic_pressure"


_OF_A_PERSON = "person."
"""States that are told in words of their own."""


def present(
    data: PersonPage, config: ServerConfig, *, own: bool, machine_now: datetime
) -> PersonView:
    """`own`: the reader is the person. `machine_now` judges when the home was last heard."""
    person, now = data.person, data.home_now
    titles = wording.PLAIN_TITLES if own else {}
    alerts = {alert.id: alert.values for alert in data.alerts}

    def called(snoozed: Known) -> str:
        """As the plan calls it, where no pack does."""
        return alerts.get(snoozed.alert, {}).get("title") or snoozed.family

    return PersonView(
        person=wording.person(person),
        first_name=person.name.partition(" ")[0],
        own=own,
        matters=person.matters,
        alerts=_alerts(data, Concern.CLINICAL, own),
        kit=_alerts(data, Concern.KIT, own),
        where=where.present(data.said, person, config, data.movement, now, own=own),
        quiet=()
        if own
        else tuple(
            quiet(one, person, now, origin(one.family, one.rule or "").title or called(one))
            for one in data.snoozed
        ),
        held_back=() if own else tuple(_held_back(found, person, now) for found in data.held_back),
        readings=tuple(_readings(data.latest, titles, person, now)),
        around=tuple(
            _around(value, titles, data)
            for value in data.latest
            if not quantities.is_vital(value.metric)
            and quantities.kind(value.metric) is not Kind.ANSWER
            and not value.metric.startswith(_OF_A_PERSON)
        ),
        figures=figures(
            [series for series in data.series if quantities.is_vital(series.metric)],
            Reader(zone=person.timezone, now=now, titles=titles, corrects="" if own else person.id),
        ),
        asked=tuple(_asked(asked, person, now) for asked in data.asked),
        homes=tuple(home_line(home, person, machine_now) for home in data.homes),
        shown_at=moment(now, now, person.timezone).exact,
    )


def _alerts(data: PersonPage, concern: Concern, own: bool) -> tuple[PersonAlert, ...]:
    return tuple(
        _alert(alert, data.person, data.home_now, own)
        for alert in data.alerts
        if alert.concern is concern
    )


def _held_back(found: Finding, person: Person, now: datetime) -> HeldBack:
    return HeldBack(
        what=origin(found.family, found.rule).title or found.rule,
        because=held_back_by(found),
        at=moment(found.at, now, person.timezone),
    )


def _alert(alert: AlertSummary, person: Person, now: datetime, own: bool) -> PersonAlert:
    say, state = (for_person, wording.own_state) if own else (for_staff, wording.staff_state)
    return PersonAlert(
        id=alert.id,
        words=say(alert.text, alert.values),
        state=state(alert),
        raised=moment(alert.opened_at, now, person.timezone),
    )


def _readings(
    values: Sequence[LatestValue], titles: wording.Titles, person: Person, now: datetime
) -> Iterator[Latest]:
    """The vital signs; the two numbers of one blood pressure are said together."""
    by_metric = {value.metric: value for value in values if quantities.is_vital(value.metric)}
    upper, lower = by_metric.get(_UPPER), by_metric.get(_LOWER)
    if upper and lower and upper.taken_at == lower.taken_at:
        del by_metric[_UPPER], by_metric[_LOWER]
        over = f"{quantities.number(_UPPER, upper.value)} over "
        yield Latest(
            title="Blood pressure",
            value=over + quantities.said(_LOWER, lower.value, lower.unit),
            taken=moment(upper.taken_at, now, person.timezone),
            remark=remark({*upper.quality, *lower.quality}),
        )
    for value in by_metric.values():
        yield _latest(value, titles, person, now)


def _latest(value: LatestValue, titles: wording.Titles, person: Person, now: datetime) -> Latest:
    return Latest(
        title=titles.get(value.metric) or quantities.title(value.metric),
        value=quantities.said(value.metric, value.value, value.unit),
        taken=moment(value.taken_at, now, person.timezone),
        remark=remark(value.quality),
    )


def _around(value: LatestValue, titles: wording.Titles, data: PersonPage) -> Latest:
    """What a device says of itself is told with its name: a home has many batteries."""
    row = _latest(value, titles, data.person, data.home_now)
    if value.metric not in TECHNICAL:
        return row
    name = data.device_names.get(value.device, value.device)
    return structs.replace(row, title=f"{row.title}: {name}")


def _asked(asked: AskedData, person: Person, now: datetime) -> Asked:
    given = {answer.metric: "Yes" if answer.yes else "No" for answer in asked.answers}
    return Asked(
        words=for_person(asked.prompt.text, asked.prompt.values),
        at=moment(asked.prompt.at, now, person.timezone),
        answers=tuple(
            (question(metric), given.get(metric, "No answer")) for metric in asked.prompt.ask
        ),
    )
