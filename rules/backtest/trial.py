"""A pack put to the trial: the plan that everyone has in it, and what became of each person.

An alert is what reaches staff: rules of T3 and above that begin. What begins within an hour of
the first of the same person and family is the same alert, as one measurement can break two limits.
"""

from collections.abc import Collection, Mapping
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from msgspec import Struct, structs

from devices.metrics import METRICS, Kind
from rules.backtest.course import Course, replay
from rules.exact import micros
from rules.hours import wall
from rules.kinds import kinds
from rules.limits import RULE_PREFIX
from rules.model import Person, Phase, Plan, Rule, Tier
from rules.plan import Pack

SOMEONE = "someone"
STAFF = Tier.T3
"""From this tier on a finding costs staff time."""
JOINED_US = 3_600_000_000


class Begun(Struct, frozen=True):
    """A rule became active."""

    rule: str
    family: str
    tier: int
    us: int


class Lived(Struct, frozen=True, kw_only=True):
    """One person's part of a trial. Days are local dates as ordinals."""

    person: str
    readings: int
    begun: tuple[Begun, ...]
    measured: tuple[int, ...]
    """Days with a reading that the rules hear, in order."""

    @property
    def days(self) -> int:
        """From the first day with a reading to the last, both included."""
        return self.measured[-1] - self.measured[0] + 1 if self.measured else 0

    @property
    def adherence(self) -> float:
        """The share of those days with a reading."""
        return len(self.measured) / self.days if self.days else 0.0


def plan_of(
    pack: Pack,
    *,
    timezone: str = "Europe/London",
    leave_out: Collection[str] = (),
    debounce: Mapping[str, Any] | None = None,
) -> Plan:
    """All of the pack for one person, rules that ship off too; `debounce` is laid over its staff
    rules."""
    plan = Plan(
        version=pack.version,
        people={SOMEONE: Person(id=SOMEONE, name="Someone", timezone=timezone)},
        rules=tuple(
            structs.replace(rule, patient=SOMEONE)
            for rule in pack.rules
            if rule.id not in leave_out
        ),
        texts=pack.texts,
    )
    return with_debounce(plan, debounce or {})


def plan_for(plan: Plan, person: str, leave_out: Collection[str] = ()) -> Plan:
    """One person's rules of a care plan, as the plan of a trial."""
    return structs.replace(
        plan,
        people={SOMEONE: structs.replace(plan.people[person], id=SOMEONE)},
        rules=tuple(
            structs.replace(rule, patient=SOMEONE)
            for rule in plan.rules
            if rule.patient == person and rule.id not in leave_out
        ),
    )


def with_debounce(plan: Plan, debounce: Mapping[str, Any]) -> Plan:
    """Those words (of Debounce) laid over the staff rules that hear no other rule.

    An emergency (T5) is never held back, so it stays as it is.
    """
    return structs.replace(
        plan,
        rules=tuple(
            structs.replace(rule, debounce=structs.replace(rule.debounce, **debounce))
            if STAFF <= rule.then.tier < Tier.T5 and not _hears(rule)
            else rule
            for rule in plan.rules
        ),
    )


def metrics_of(rule: Rule) -> tuple[str, ...]:
    """What a rule reads, `rule.<id>` included."""
    metrics: tuple[str, ...] = kinds()[rule.kind](rule.params, ZoneInfo("UTC")).metrics
    return metrics


def heard(plan: Plan) -> frozenset[str]:
    """The metrics of readings that the plan's rules read."""
    names = {metric for rule in plan.rules for metric in metrics_of(rule)}
    return frozenset(name for name in names if not name.startswith(RULE_PREFIX))


def unanswerable(pack: Pack | Plan, present: Collection[str]) -> tuple[str, ...]:
    """Rules that wait for what nobody was asked for in these readings: answers, or whatever else
    was to follow a prompt with questions. They would find silence everywhere.

    So would the rules that hear them.
    """
    asking = {
        rule.id
        for rule in pack.rules
        if rule.then.ask and not any(metric in present for metric in rule.then.ask)
    }
    out = [
        rule.id
        for rule in pack.rules
        if str(getattr(rule.params, "after", "")).removeprefix(RULE_PREFIX) in asking
    ]
    grown = True
    while grown:
        found = [
            rule.id
            for rule in pack.rules
            if rule.id not in out
            and any(_unasked(metric, present, out) for metric in metrics_of(rule))
        ]
        out += found
        grown = bool(found)
    return tuple(rule.id for rule in pack.rules if rule.id in out)


def _unasked(metric: str, present: Collection[str], out: Collection[str]) -> bool:
    if metric.startswith(RULE_PREFIX):
        return metric.removeprefix(RULE_PREFIX) in out
    return METRICS[metric].kind is Kind.ANSWER and metric not in present


def _hears(rule: Rule) -> bool:
    return any(metric.startswith(RULE_PREFIX) for metric in metrics_of(rule))


def live(plan: Plan, course: Course) -> Lived:
    """Replay the plan over one person's readings."""
    own = course.only(heard(plan))
    findings = replay(plan, own)
    zone = ZoneInfo(plan.people[SOMEONE].timezone)
    hours = np.unique(own.us // 3_600_000_000).tolist()
    return Lived(
        person=course.person,
        readings=len(own.us),
        begun=tuple(
            Begun(finding.rule, finding.family, int(finding.tier), micros(finding.at))
            for finding in findings
            if finding.phase is Phase.ACTIVE
        ),
        measured=tuple(sorted({day_of(hour * 3_600_000_000, zone) for hour in hours})),
    )


def day_of(us: int, zone: ZoneInfo) -> int:
    """The local date as an ordinal."""
    return wall(us, zone).date().toordinal()


def alerts_of(lived: Lived) -> dict[str, list[int]]:
    """When each alert reached staff, by family, oldest first (microseconds)."""
    found: dict[str, list[int]] = {}
    for begun in sorted(lived.begun, key=lambda begun: begun.us):
        if begun.tier >= STAFF:
            alerts = found.setdefault(begun.family, [])
            if not alerts or begun.us - alerts[-1] > JOINED_US:
                alerts.append(begun.us)
    return found
