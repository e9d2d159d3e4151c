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
where it ceased, with " @ device" where a rule watches devices. All findings up to `until` must be
listed, no more and no less.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct

from devices.metrics import METRICS
from devices.model import Reading, reading_id
from rules.engine import advance, start
from rules.model import Finding, Phase, Plan
from rules.place import Place, PlanError
from rules.plan import Pack, parse_plan
from rules.typed import duration

PATIENT = "someone"
_TIME = re.compile(r"d([1-9]\d*) (\d{2}:\d{2}(?::\d{2})?)")
_SERIES = re.compile(r"(.+) every (\S+)")
_SKIPPED = "_"
_WORDS = {"yes": 1.0, "no": 0.0}


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
    top.only("pack", "timezone", "first_day", "plan", "cases")
    cases: list[Case] = []
    for place in top.at("cases").items():
        case = _case(place, top, packs)
        if case.name in [other.name for other in cases]:
            raise PlanError(f"{place.path}.name", f"{case.name!r} is there already: name it anew")
        cases.append(case)
    return tuple(cases)


def run_case(case: Case) -> Verdict:
    """One pass over the readings, in the order in which they were taken."""
    states = start(case.plan, case.starts)
    findings = advance(case.plan, states, case.readings, case.until).findings
    return judged(case, findings)


def judged(case: Case, findings: Iterable[Finding]) -> Verdict:
    """Hold findings, however they came about, against what the case expects."""
    zone = ZoneInfo(case.plan.people[PATIENT].timezone)
    found = [
        _line(finding, case.starts.astimezone(zone).date(), zone)
        for finding in findings
        if finding.rule in case.only
    ]
    return Verdict(
        case=case,
        missing=_without(case.expected, found),
        unexpected=_without(found, case.expected),
    )


def _without(lines: Iterable[str], others: Iterable[str]) -> tuple[str, ...]:
    return tuple((Counter(lines) - Counter(others)).elements())


def _line(finding: Finding, first_day: date, zone: ZoneInfo) -> str:
    local = finding.at.astimezone(zone)
    clock = f"{local:%H:%M:%S}" if local.second else f"{local:%H:%M}"
    word = finding.tier.name if finding.phase is Phase.ACTIVE else "ends"
    device = f" @ {finding.device}" if finding.device else ""
    return f"d{(local.date() - first_day).days + 1} {clock} {finding.rule} {word}{device}"


def _case(place: Place, top: Place, packs: Mapping[str, Pack]) -> Case:
    place.only("name", "readings", "until", "expect", "only", "plan", "first_day")
    zone_name = top.at("timezone", "Europe/London").text()
    own = place.at("plan", top.at("plan", {}).value).mapping()
    person = {"id": PATIENT, "name": "Someone", "timezone": zone_name}
    use = {"pack": top.at("pack").one_of(packs), **own}
    if "rules" in use:
        use = {"agreed_by": "a test", "agreed_on": "today", **use}
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
            number = _WORDS[value.value] if value.value in ("yes", "no") else value.number()
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
                    received_at=at,
                )
            )
    return readings


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
    if len(words) != 4:
        raise place.error("is no finding: write it like d3 07:00 weight-gain T1")
    clock.at(Place(place.path, " ".join(words[:2])))
    Place(place.path, words[2]).one_of(rules)
    Place(place.path, words[3]).one_of(["T0", "T1", "T3", "T4", "T5", "ends"])
    return f"{line}{at}{device}"
