"""What a finding leads to: words for the person, a request to the team, or nothing, and why."""

from datetime import datetime
from enum import StrEnum
from hashlib import blake2b
from zoneinfo import ZoneInfo

from msgspec import Struct

from devices.metrics import METRICS
from rules.limits import RULE_PREFIX, metric_of
from rules.model import AlertRequest, Finding, Number, Person, Phase, Plan, Prompt, Rule, Tier
from rules.words import shown_number


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


def decide(plan: Plan, finding: Finding, at: datetime) -> Outcome:
    """What is to be done about a finding at home time `at`. The same finding, the same ids."""
    rule = _rule_of(plan, finding)
    if rule is None:
        return Outcome(None, None, Reason.NOT_IN_PLAN)
    if finding.phase is not Phase.ACTIVE:
        return Outcome(None, None, Reason.ENDED)
    max_age = rule.debounce.max_age
    late = max_age is not None and at - finding.at > max_age
    way = _WAYS[rule.then.tier, late]
    values = values_of(plan.people[rule.patient], rule, finding)
    prompt = alert = None
    if way.prompt:
        prompt = Prompt(
            id=_id_for("prompt", finding),
            finding=finding.id,
            rule=rule.id,
            patient=rule.patient,
            tier=rule.then.tier,
            at=at,
            expires_at=at + rule.then.ask_for,
            text=rule.then.text,
            values=values,
            ask=rule.then.ask,
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
        )
    return Outcome(prompt, alert, way.reason)


def values_of(person: Person, rule: Rule, finding: Finding) -> dict[str, str]:
    """What a text about a finding can name, written out for people.

    title, name, matters, device, at ("08:05"), day ("3 March"), numbers (all in one line); each
    number of the evidence by its name; limit; change ("0.4 kg less"); missing; said.
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
