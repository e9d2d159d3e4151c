"""What a finding leads to: words for the person, a request to the team, or nothing, and why."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from hashlib import blake2b
from zoneinfo import ZoneInfo

from msgspec import Struct

from devices.metrics import METRICS
from rules.debounce import QUALITY
from rules.exact import micros, moment
from rules.limits import RULE_PREFIX, metric_of
from rules.model import AlertRequest, Finding, Number, Person, Phase, Plan, Prompt, Rule, Tier
from rules.snooze import Snooze, hides
from rules.unseen import unseen
from rules.words import UNSEEN, shown_number, span_text


class Reason(StrEnum):
    """Why a finding led to what it led to."""

    ENDED = "the condition no longer holds: logged"
    NOT_IN_PLAN = "the rule is no longer in the plan: logged"
    LOGGED = "tier 0: logged"
    PROMPTED = "tier 1: the person is asked first"
    TOO_OLD_TO_PROMPT = "tier 1, but too old to prompt: logged"
    TEAM = "tier 3: the care team, next working session"
    TEAM_LATE = "tier 3, late: the care team, marked late"
    TEAM_NOW = "tier 4: the care team now, and the person is told"
    TEAM_NOW_LATE = "tier 4, too late to prompt: the care team as tier 3, marked late"
    EMERGENCY = "tier 5: every path at once"
    EMERGENCY_LATE = "tier 5, late: every path at once all the same"
    ASKED_AGAIN = "not confirmed yet: the person is asked to rest and measure again"
    ASKED_FOR_BETTER = "the reading can't be trusted: the person is asked to measure again"
    TOO_LATE_TO_ASK_AGAIN = "too late to ask for a repeat: logged"
    SUPPRESSED = "held back: logged"
    SNOOZED = "snoozed: logged"
    AFTER_DEATH = "after a death: logged"
    SNOOZED_PROMPTED = "snoozed for the team, and time-critical: the person is told"


class Outcome(Struct, frozen=True):
    prompt: Prompt | None
    alert: AlertRequest | None
    reason: Reason


class _Way(Struct, frozen=True):
    reason: Reason
    prompt: bool = False
    alert: Tier | None = None


_WAYS: dict[tuple[Tier, bool], _Way] = {
    (Tier.T0, False): _Way(Reason.LOGGED),
    (Tier.T0, True): _Way(Reason.LOGGED),
    (Tier.T1, False): _Way(Reason.PROMPTED, prompt=True),
    (Tier.T1, True): _Way(Reason.TOO_OLD_TO_PROMPT),
    (Tier.T3, False): _Way(Reason.TEAM, alert=Tier.T3),
    (Tier.T3, True): _Way(Reason.TEAM_LATE, alert=Tier.T3),
    (Tier.T4, False): _Way(Reason.TEAM_NOW, prompt=True, alert=Tier.T4),
    (Tier.T4, True): _Way(Reason.TEAM_NOW_LATE, alert=Tier.T3),
    (Tier.T5, False): _Way(Reason.EMERGENCY, prompt=True, alert=Tier.T5),
    (Tier.T5, True): _Way(Reason.EMERGENCY_LATE, prompt=True, alert=Tier.T5),
}
"""(tier, late) -> what happens. A plan with T2 is refused: nobody can be chosen yet."""


def decide(
    plan: Plan,
    finding: Finding,
    at: datetime,
    snoozes: Iterable[Snooze] = (),
    *,
    died: bool = False,
) -> Outcome:
    """What is to be done about a finding at home time `at`. The same finding, the same ids.

    `snoozes`: those in force at `at`. `died`: the person has, and only an emergency counts.
    """
    rule = _rule_of(plan, finding)
    if rule is None:
        return Outcome(None, None, Reason.NOT_IN_PLAN)
    if finding.phase == Phase.INACTIVE:
        return Outcome(None, None, Reason.ENDED)
    if died and finding.tier < Tier.T5:
        return Outcome(None, None, Reason.AFTER_DEATH)
    if finding.phase != Phase.ACTIVE:
        return _ask_again(plan, rule, finding, at)
    max_age = rule.debounce.max_age
    late = max_age is not None and at - finding.at > max_age
    way = _snoozed(_WAYS[rule.then.tier, late], rule, finding, snoozes)
    person = plan.people[rule.patient]
    values = values_of(person, rule, finding) | _unseen(plan, rule)
    prompt = alert = None
    if way.prompt:
        show_from = None if rule.then.at_once else after_quiet_hours(person, at)
        prompt = Prompt(
            id=_id_for("prompt", finding),
            finding=finding.id,
            rule=rule.id,
            patient=rule.patient,
            tier=rule.then.tier,
            at=at,
            expires_at=(show_from or at) + rule.then.ask_for,
            text=rule.then.text,
            values=values,
            ask=rule.then.ask,
            show_from=show_from,
            time_critical=rule.then.at_once,
        )
    if way.alert is not None:
        alert = AlertRequest(
            id=_id_for("alert", finding),
            finding=finding.id,
            rule=rule.id,
            version=finding.version,
            patient=rule.patient,
            tier=way.alert,
            family=rule.family,
            at=finding.at,
            text=rule.then.text,
            values=values,
            because=finding.because,
            late=late,
            concern=rule.then.concern,
        )
    return Outcome(prompt, alert, way.reason)


def _unseen(plan: Plan, rule: Rule) -> dict[str, str]:
    """Whom the rule can't tell apart, for who is called because of it."""
    said = unseen(plan, rule)
    return {UNSEEN: said} if said else {}


def _snoozed(way: _Way, rule: Rule, finding: Finding, snoozes: Iterable[Snooze]) -> _Way:
    """The team, who set it aside a moment ago, does not hear of it again; what is time-critical the
    person is told all the same: a low glucose is spoken, whoever knows of the last one."""
    if not any(hides(snooze, finding) for snooze in snoozes):
        return way
    if way.prompt and rule.then.at_once:
        return _Way(Reason.SNOOZED_PROMPTED, prompt=True)
    return _Way(Reason.SNOOZED)


def _ask_again(plan: Plan, rule: Rule, finding: Finding, at: datetime) -> Outcome:
    """A repeat is asked for at once, in quiet hours too: the person has just measured."""
    then, repeat = rule.then, rule.debounce.repeat_after_rest
    reason, closes_at = Reason.ASKED_AGAIN, finding.at + then.ask_for
    if finding.phase == Phase.SUPPRESSED:
        if finding.suppressed != QUALITY or not then.repeat:
            return Outcome(None, None, Reason.SUPPRESSED)
        reason = Reason.ASKED_FOR_BETTER
    elif repeat is not None:
        closes_at = finding.at + repeat.within
    max_age = rule.debounce.max_age
    if at >= closes_at or (max_age is not None and at - finding.at > max_age):
        return Outcome(None, None, Reason.TOO_LATE_TO_ASK_AGAIN)
    values = values_of(plan.people[rule.patient], rule, finding)
    prompt = Prompt(
        id=_id_for("prompt", finding),
        finding=finding.id,
        rule=rule.id,
        patient=rule.patient,
        tier=Tier.T1,
        at=at,
        expires_at=closes_at,
        text=then.repeat,
        values=values,
        time_critical=then.at_once,
    )
    return Outcome(prompt, None, reason)


def after_quiet_hours(person: Person, at: datetime) -> datetime | None:
    """When the quiet hours end that hold at that moment."""
    hours, zone = person.quiet_hours, ZoneInfo(person.timezone)
    if hours is None or not hours.hold(micros(at), zone):
        return None
    _, end_us = next(hours.spans(micros(at), zone))
    return moment(end_us)


def values_of(person: Person, rule: Rule, finding: Finding) -> dict[str, str]:
    """What a text about a finding can name, written out for people.

    title, name, matters, device, at ("08:05"), day ("3 March"), numbers (all in one line); each
    number of the evidence by its name; limit; change ("0.4 kg less"); missing; said; where a repeat
    is asked for, rest ("5 minutes") and repeat_within ("20 minutes").
    """
    because = finding.because
    local = finding.at.astimezone(ZoneInfo(person.timezone))
    values = {
        "title": rule.title or rule.id,
        "name": person.name,
        "matters": person.matters or "staying well at home",
        "device": finding.device or "",
        "at": f"{local:%H:%M}",
        "day": f"{local.day} {local:%B}",
    }
    repeat = rule.debounce.repeat_after_rest
    if repeat is not None:
        values["rest"] = span_text(repeat.rest)
        values["repeat_within"] = span_text(repeat.within)
    for number in because.numbers:
        values.setdefault(number.name, shown_number(number))
    if because.limit is not None:
        values["limit"] = shown_number(because.limit)
    if because.counterfactual is not None:
        values["change"] = _shown_change(because.counterfactual)
    if because.missing is not None:
        values["missing"] = ", ".join(metric_of(name).title for name in because.missing.split(", "))
    said = [METRICS[number.name].title for number in because.numbers if number.name in METRICS]
    values["said"] = ", ".join(said)
    numbers = [
        f"{number.name} {shown_number(number)}"
        for number in because.numbers
        if number.name not in METRICS and not number.name.startswith(RULE_PREFIX)
    ]
    values["numbers"] = "; ".join([*said, *numbers])
    return values


def _shown_change(change: Number) -> str:
    size = Number(name=change.name, value=abs(change.value), unit=change.unit)
    return f"{shown_number(size)} {'less' if change.value < 0 else 'more'}"


def _rule_of(plan: Plan, finding: Finding) -> Rule | None:
    for rule in plan.rules:
        if rule.id == finding.rule and rule.patient == finding.patient:
            return rule
    return None


def _id_for(what: str, finding: Finding) -> str:
    return blake2b(f"{what}|{finding.id}".encode(), digest_size=16).hexdigest()
