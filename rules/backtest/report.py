"""The report of a trial: for all, by adherence, by rule, by person."""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from zoneinfo import ZoneInfo

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from rules.backtest.matching import Event, Matching, Tally, groups, match
from rules.backtest.measures import (
    BURDEN,
    LEAD,
    WORTH,
    Counted,
    Figure,
    Generator,
    draws,
    median_lead_days,
    ratio,
)
from rules.backtest.trial import Lived, alerts_of, day_of
from rules.model import Plan

BANDS: tuple[tuple[str, float, float], ...] = (
    ("under 50 % of days", 0.0, 0.5),
    ("50 to 79 % of days", 0.5, 0.8),
    ("80 % of days or more", 0.8, 1.01),
)
"""Adherence, the share of days with a reading: from (included) and to [D]."""


class Part(Struct, frozen=True, kw_only=True):
    """Figures of some people. `kinds`: by kind of event."""

    people: int
    days: int
    alerts: int
    burden: dict[str, Figure]
    kinds: dict[str, "Worth"]


class Worth(Struct, frozen=True, kw_only=True):
    """How alerts and the events of one kind meet."""

    events: int
    found: int
    alerts: int
    explained: int
    figures: dict[str, Figure]


class RuleRow(Struct, frozen=True, kw_only=True):
    """One rule at one tier: people of a care plan may have it at different ones.

    `explained` is None where no event is held against its family."""

    rule: str
    tier: str
    family: str
    begun: int
    people: int
    a_day_per_100: Figure
    explained: Figure


class PersonRow(Struct, frozen=True, kw_only=True):
    person: str
    days: int
    measured: int
    adherence: float
    readings: int
    begun: int
    alerts: int
    events: int
    found: int
    explained: int


class Report(Struct, frozen=True, kw_only=True):
    readings: int
    findings: int
    whole: Part
    bands: dict[str, Part]
    rules: tuple[RuleRow, ...]
    people: tuple[PersonRow, ...]
    alerts_by_day: dict[str, int]
    """Staff alerts of all people by local date, those with none left out."""
    not_judged: dict[str, int]
    """Events that no alert could be held against, by why."""


def report(
    plan: Plan,
    lives: Sequence[Lived],
    events: Sequence[Event],
    how: Matching,
    *,
    resamples: int,
    generator: Generator,
) -> Report:
    """`plan` is the one that the people lived under. Intervals come from `resamples` draws."""
    lives = sorted(lives, key=lambda lived: lived.person)
    known = {lived.person for lived in lives if lived.measured}
    held = groups({event.kind for event in events}, {rule.family for rule in plan.rules})
    by_kind = {
        kind: _counted(lives, [e for e in events if e.kind == kind], families, how)
        for kind, families in held.items()
    }
    drawn = draws(len(lives), resamples, generator)
    everyone = np.arange(len(lives))
    bands = {
        title: np.array([n for n, one in enumerate(lives) if low <= one.adherence < high], int)
        for title, low, high in BANDS
    }
    return Report(
        readings=sum(lived.readings for lived in lives),
        findings=sum(len(lived.begun) for lived in lives),
        whole=_part(lives, by_kind, everyone, drawn),
        bands={
            title: _part(lives, by_kind, some, draws(len(some), resamples, generator))
            for title, some in bands.items()
        },
        rules=_rules(plan, lives, events, held, how, drawn),
        people=_people(lives, by_kind),
        alerts_by_day=_by_day(lives, how),
        not_judged=_not_judged(events, held, known),
    )


def _counted(
    lives: Sequence[Lived], events: Sequence[Event], families: Sequence[str], how: Matching
) -> list[Counted]:
    happened = _by_person(events)
    counted = []
    for lived in lives:
        by_family = alerts_of(lived)
        alerts = sorted(us for family in families for us in by_family.get(family, ()))
        tally = match(alerts, happened.get(lived.person, []), how) if lived.measured else Tally()
        counted.append(Counted(lived, tally, sum(map(len, by_family.values()))))
    return counted


def _by_person(events: Sequence[Event]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for event in sorted(events, key=lambda event: event.us):
        found.setdefault(event.person, []).append(event.us)
    return found


def _part(
    lives: Sequence[Lived],
    by_kind: dict[str, list[Counted]],
    some: NDArray[np.int64],
    drawn: NDArray[np.float64],
) -> Part:
    people = [Counted(lives[n], Tally(), sum(map(len, alerts_of(lives[n]).values()))) for n in some]
    kinds = {}
    for kind, counted in by_kind.items():
        chosen = [counted[n] for n in some]
        total = sum((one.tally for one in chosen), Tally())
        figures = {name: ratio(of, chosen, drawn) for name, of in WORTH.items()}
        kinds[kind] = Worth(
            events=total.events,
            found=total.found,
            alerts=total.alerts,
            explained=total.explained,
            figures={**figures, LEAD: median_lead_days(chosen, drawn)},
        )
    return Part(
        people=len(people),
        days=sum(one.lived.days for one in people),
        alerts=sum(one.alerts for one in people),
        burden={name: ratio(of, people, drawn) for name, of in BURDEN.items()},
        kinds=kinds,
    )


def _rules(
    plan: Plan,
    lives: Sequence[Lived],
    events: Sequence[Event],
    held: dict[str, tuple[str, ...]],
    how: Matching,
    drawn: NDArray[np.float64],
) -> tuple[RuleRow, ...]:
    rows = []
    for rule in {(rule.id, rule.then.tier): rule for rule in plan.rules}.values():
        kinds = [kind for kind, families in held.items() if rule.family in families]
        happened = _by_person([event for event in events if event.kind in kinds])
        counted = []
        for lived in lives:
            begun = [
                one.us for one in lived.begun if (one.rule, one.tier) == (rule.id, rule.then.tier)
            ]
            tally = match(begun, happened.get(lived.person, []), how)
            counted.append(Counted(lived, tally, len(begun)))
        value = ratio(WORTH["positive_predictive_value"], counted, drawn)
        rows.append(
            RuleRow(
                rule=rule.id,
                tier=rule.then.tier.name,
                family=rule.family,
                begun=sum(one.alerts for one in counted),
                people=sum(one.alerts > 0 for one in counted),
                a_day_per_100=ratio(BURDEN["alerts_a_day_per_100"], counted, drawn),
                explained=value if kinds else Figure(None),
            )
        )
    return tuple(rows)


def _people(lives: Sequence[Lived], by_kind: dict[str, list[Counted]]) -> tuple[PersonRow, ...]:
    rows = []
    for number, lived in enumerate(lives):
        total = sum((counted[number].tally for counted in by_kind.values()), Tally())
        rows.append(
            PersonRow(
                person=lived.person,
                days=lived.days,
                measured=len(lived.measured),
                adherence=round(lived.adherence, 4),
                readings=lived.readings,
                begun=len(lived.begun),
                alerts=sum(map(len, alerts_of(lived).values())),
                events=total.events,
                found=total.found,
                explained=total.explained,
            )
        )
    return tuple(rows)


def _by_day(lives: Sequence[Lived], how: Matching) -> dict[str, int]:
    zone = ZoneInfo(how.timezone)
    days = Counter(
        day_of(us, zone) for lived in lives for alerts in alerts_of(lived).values() for us in alerts
    )
    return {date.fromordinal(day).isoformat(): days[day] for day in sorted(days)}


def _not_judged(
    events: Sequence[Event], held: dict[str, tuple[str, ...]], known: set[str]
) -> dict[str, int]:
    why: Counter[str] = Counter()
    for event in events:
        if event.kind not in held:
            why[f"{event.kind}: no rule of the pack is about it"] += 1
        elif event.person not in known:
            why[f"{event.kind}: no readings of this person"] += 1
    return dict(sorted(why.items()))
