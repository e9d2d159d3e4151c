"""A pack's own tests: short courses of readings, and the findings that they must lead to.

    pack: heart-failure
    timezone: Europe/London            # also first_day: "2025-03-03" (d1), and plan: own figures
    cases:
      - name: two kilograms in three days ask the questions
        readings:
          body_weight: {d1 07:00 every 24h: [80.0, 80.4, 82.0]}
          door_open @ front door: {d1 22:10: 1}
        until: d3 12:00
        expect:
          - d3 07:00 weight-gain T1
        only: [weight-gain]            # the rules looked at; all of them where it is left out

Times are local: the first day is d1. In a list after `every`, "_" is a reading that did not come.
An expectation is "<time> <rule> <tier>" where the rule became active and "<time> <rule> ends"
where it ceased, with " @ device" where a rule watches devices. "<time> <rule> pending" asks for a
repeat, and "<time> <rule> suppressed by <reason>" was held back. All findings up to `until` must
be listed, no more and no less. A value may bear what the device reported against it:
"88 poor-signal"; one that reached the home later than it was taken is written
`{value: 88, arrives: d3 09:00}`. What was found too late to prompt anyone bears " late" after the
tier at which the team hears of it: "d3 07:00 crisis T3 late" where the rule is of tier T4.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct

from devices.metrics import METRICS
from devices.model import Quality, Reading, reading_id
from rules import shapes
from rules.engine import advance, start
from rules.model import Finding, Phase, Plan
from rules.outcome import Reason, decide
from rules.place import Place, PlanError
from rules.plan import Pack, parse_plan
from rules.replay import settle
from rules.typed import duration

PATIENT = "someone"
_TIME = re.compile(r"d([1-9]\d*) (\d{2}:\d{2}(?::\d{2})?)")
_SERIES = re.compile(r"(.+) every (\S+)")
_SKIPPED = "_"
_WORDS = {"yes": 1.0, "no": 0.0}
_MARKED = re.compile(r"(-?\d+(?:\.\d+)?)((?: [a-z-]+)+)")
_ENDS, _PENDING, _SUPPRESSED, _LATE = "ends", "pending", "suppressed", "late"


class Case(Struct, frozen=True, kw_only=True):
    """One course. `path` is its place in the document; readings are in order."""

    name: str
    path: str
    plan: Plan
    readings: tuple[Reading, ...]
    starts: datetime
    until: datetime
    expected: tuple[str, ...]
    only: tuple[str, ...]


class Verdict(Struct, frozen=True, kw_only=True):
    """What was expected and did not come, and what came and was not expected."""

    case: Case
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]

    @property
    def passed(self) -> bool:
        return not self.missing and not self.unexpected


def parse_cases(document: Mapping[str, Any], packs: Mapping[str, Pack]) -> tuple[Case, ...]:
    """Raises PlanError."""
    top = Place("", document)
    top.only(*shapes.CASE_FILE)
    cases: list[Case] = []
    for place in top.at("cases").items():
        case = _case(place, top, packs)
        if case.name in [other.name for other in cases]:
            raise PlanError(f"{place.path}.name", f"{case.name!r} is there already: name it anew")
        cases.append(case)
    return tuple(cases)


def run_case(case: Case) -> Verdict:
    """One pass over the readings, in the order in which they were taken or else arrived."""
    if any(reading.received_at > reading.taken_at for reading in case.readings):
        return _run_as_it_came(case)
    states = start(case.plan, case.starts)
    findings = advance(case.plan, states, case.readings, case.until).findings
    return judged(case, findings)


class _Past:
    """The home's journal, as far as the rules ask for it."""

    def __init__(self) -> None:
        self.kept: dict[str, Reading] = {}
        self.standing: dict[str, Finding] = {}

    def readings(
        self, metrics: Collection[str], after: datetime, until: datetime
    ) -> Sequence[Reading]:
        found = [
            one
            for one in self.kept.values()
            if one.metric in metrics and after < one.taken_at <= until
        ]
        return sorted(found, key=lambda one: (one.taken_at, one.id))

    def findings(self, rules: Collection[str], since: datetime) -> Sequence[Finding]:
        return [one for one in self.standing.values() if one.rule in rules and one.at >= since]


def _run_as_it_came(case: Case) -> Verdict:
    """As a home lives it: each reading when it arrives, each timer when it is due."""
    past, states = _Past(), start(case.plan, case.starts)
    waiting = sorted(case.readings, key=lambda one: (one.received_at, one.taken_at, one.id))
    late: dict[str, str] = {}
    at, wake_at = case.starts, states.wake_at()
    while at < case.until:
        due = [moment for moment in (wake_at, *(one.received_at for one in waiting[:1])) if moment]
        at = max(at, min([case.until, *due]))
        came = [one for one in waiting if one.received_at <= at]
        del waiting[: len(came)]
        settled = settle(case.plan, states, came, at, past)
        states, wake_at = settled.states, settled.wake_at
        past.kept.update({one.id: one for one in came})
        for gone in settled.superseded:
            del past.standing[gone.id]
        for finding in settled.findings:
            past.standing[finding.id] = finding
            outcome = decide(case.plan, finding, at)
            if outcome.alert is not None and outcome.alert.late:
                late[finding.id] = f"{outcome.alert.tier.name} {_LATE}"
            elif outcome.reason is Reason.TOO_OLD_TO_PROMPT:
                late[finding.id] = f"{finding.tier.name} {_LATE}"
    return judged(case, past.standing.values(), late)


def judged(
    case: Case, findings: Iterable[Finding], late: Mapping[str, str] | None = None
) -> Verdict:
    """Hold findings, however they came about, against what the case expects.

    `late`: words for the findings that came too late, by id; None: it is not known when they came,
    and an expectation that is late is held to be met by the finding alone.
    """
    zone = ZoneInfo(case.plan.people[PATIENT].timezone)
    found = [
        _line(finding, case.starts.astimezone(zone).date(), zone, (late or {}).get(finding.id))
        for finding in findings
        if finding.rule in case.only
    ]
    expected = [_on_time(line, case.plan) if late is None else line for line in case.expected]
    return Verdict(
        case=case,
        missing=_without(expected, found),
        unexpected=_without(found, expected),
    )


def _on_time(line: str, plan: Plan) -> str:
    """The line of the same finding, had it come in time."""
    said, at, device = line.partition(" @ ")
    words = said.split(" ")
    if words[-1] != _LATE:
        return line
    (tier,) = {rule.then.tier.name for rule in plan.rules if rule.id == words[2]}
    return f"{' '.join([*words[:3], tier])}{at}{device}"


def _without(lines: Iterable[str], others: Iterable[str]) -> tuple[str, ...]:
    return tuple((Counter(lines) - Counter(others)).elements())


def _line(finding: Finding, first_day: date, zone: ZoneInfo, late: str | None) -> str:
    local = finding.at.astimezone(zone)
    clock = f"{local:%H:%M:%S}" if local.second else f"{local:%H:%M}"
    device = f" @ {finding.device}" if finding.device else ""
    day = (local.date() - first_day).days + 1
    return f"d{day} {clock} {finding.rule} {late or _phase_words(finding)}{device}"


def _phase_words(finding: Finding) -> str:
    if finding.phase is Phase.ACTIVE:
        return finding.tier.name
    if finding.phase is Phase.SUPPRESSED:
        return f"{_SUPPRESSED} by {finding.suppressed}"
    return _PENDING if finding.phase is Phase.PENDING else _ENDS


def _case(place: Place, top: Place, packs: Mapping[str, Pack]) -> Case:
    place.only(*shapes.CASE)
    zone_name = top.at("timezone", "Europe/London").text()
    own = place.at("plan", top.at("plan", {}).value).mapping()
    person = {"id": PATIENT, "name": "Someone", "timezone": zone_name, "simulated": True}
    use = {"pack": top.at("pack").one_of(packs), **own}
    if "rules" in use:
        use = {"agreed_by": "a test", "agreed_on": "2025-01-01", **use}
    try:
        plan = parse_plan({"version": "test", "people": [{**person, "packs": [use]}]}, packs)
    except PlanError as error:
        raise PlanError(f"{place.path}.plan", f"{error.path}: {error.reason}") from error
    first = place.at("first_day", top.at("first_day", "2025-03-03").value)
    clock = _Clock(_date(first), ZoneInfo(zone_name))
    readings = [
        reading for series in place.at("readings", {}).entries() for reading in _read(series, clock)
    ]
    ids = [rule.id for rule in plan.rules]
    return Case(
        name=place.at("name").text(),
        path=place.path,
        plan=plan,
        readings=tuple(sorted(readings, key=lambda one: (one.taken_at, one.id))),
        starts=clock.at(Place("", "d1 00:00")),
        until=clock.at(place.at("until")),
        expected=tuple(_expected(item, ids, clock) for item in place.at("expect").items()),
        only=tuple(item.one_of(ids) for item in place.at("only", ids).items()),
    )


class _Clock:
    """Turns "d2 07:00" into a moment."""

    def __init__(self, first_day: date, zone: ZoneInfo) -> None:
        self._first_day = first_day
        self._zone = zone

    def at(self, place: Place) -> datetime:
        written = _TIME.fullmatch(place.text())
        if written is None:
            raise place.error("is no time: write it like d2 07:00")
        day = self._first_day + timedelta(days=int(written[1]) - 1)
        try:
            local = datetime.combine(day, time.fromisoformat(written[2]), self._zone)
        except ValueError as error:
            raise place.error(f"is no time: {error}") from error
        return local.astimezone(UTC)


def _date(place: Place) -> date:
    try:
        return date.fromisoformat(place.text())
    except ValueError as error:
        raise place.error('is no date: write it like "2025-03-03"') from error


def _read(series: Place, clock: _Clock) -> list[Reading]:
    name, _, device = (part.strip() for part in series.key.partition("@"))
    metric = Place(series.path, name).one_of(METRICS)
    readings = []
    for entry in series.entries():
        for at, value in _moments(entry, clock):
            said, arrives = _arrival(value, at, clock)
            number, quality = _value(said)
            source = device or metric
            readings.append(
                Reading(
                    id=reading_id(PATIENT, source, metric, at, number),
                    patient=PATIENT,
                    device=source,
                    metric=metric,
                    value=number,
                    unit=METRICS[metric].unit,
                    taken_at=at,
                    received_at=arrives,
                    quality=quality,
                )
            )
    return readings


def _arrival(place: Place, at: datetime, clock: _Clock) -> tuple[Place, datetime]:
    """The value, and when the home had it."""
    if not isinstance(place.value, Mapping):
        return place, at
    place.only("value", "arrives")
    arrives = clock.at(place.at("arrives"))
    if arrives < at:
        raise place.at("arrives").error("is before it was taken: write a later time")
    return place.at("value"), arrives


def _value(place: Place) -> tuple[float, tuple[Quality, ...]]:
    """A number, or yes or no, and what the device reported against it."""
    if place.value in _WORDS:
        return _WORDS[place.value], ()
    marked = _MARKED.fullmatch(place.value) if isinstance(place.value, str) else None
    if marked is None:
        return place.number(), ()
    flags = (Place(place.path, word).one_of(list(Quality)) for word in marked[2].split())
    return float(marked[1]), tuple(Quality(flag) for flag in flags)


def _moments(entry: Place, clock: _Clock) -> list[tuple[datetime, Place]]:
    repeated = _SERIES.fullmatch(entry.key)
    if repeated is None:
        return [(clock.at(Place(entry.path, entry.key)), entry)]
    first = clock.at(Place(entry.path, repeated[1]))
    step = duration(Place(entry.path, repeated[2]))
    return [
        (first + step * number, item)
        for number, item in enumerate(entry.items())
        if item.value != _SKIPPED
    ]


def _expected(place: Place, rules: Iterable[str], clock: _Clock) -> str:
    line, at, device = place.text().partition(" @ ")
    words = line.split(" ")
    longer = words[3:5] == [_SUPPRESSED, "by"] or words[4:] == [_LATE]
    if len(words) != 4 and not longer:
        raise place.error("is no finding: write it like d3 07:00 weight-gain T1")
    clock.at(Place(place.path, " ".join(words[:2])))
    Place(place.path, words[2]).one_of(rules)
    Place(place.path, words[3]).one_of(["T0", "T1", "T3", "T4", "T5", _ENDS, _PENDING, _SUPPRESSED])
    return f"{line}{at}{device}"
