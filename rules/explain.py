"""A rule in plain words: when it holds, since when it counts, and what happens then."""

from datetime import timedelta
from zoneinfo import ZoneInfo

from rules.kinds import kinds
from rules.limits import metric_of
from rules.model import Debounce, Rule, Tier
from rules.words import span_text

_NOTHING = timedelta(0)
_THEN = {
    Tier.T0: "it is logged, and nobody is told",
    Tier.T1: "the person is told",
    Tier.T2: "someone the person chose is told",
    Tier.T3: "the care team sees it in its next working session",
    Tier.T4: "the care team is called now, and the person is told so",
    Tier.T5: "every path is used at once, and nothing holds it back",
}


def explain_rule(rule: Rule, zone: str = "Europe/London") -> str:
    """A few sentences."""
    kind = kinds()[rule.kind](rule.params, ZoneInfo(zone))
    each = " (each device by itself)" if rule.per_device else ""
    parts = [f"When {kind.words()}{each}{_counts(rule.debounce)}, {_THEN[rule.then.tier]}."]
    if rule.then.ask:
        asked = ", ".join(metric_of(metric).title for metric in rule.then.ask)
        parts.append(f"Asked, for {span_text(rule.then.ask_for)}: {asked}.")
    if rule.debounce.max_age is not None and rule.then.tier < Tier.T5:
        parts.append(f"Later than {span_text(rule.debounce.max_age)} it counts as late.")
    if rule.agreed:
        parts.append(f"Agreed with {rule.agreed}.")
    if rule.source:
        parts.append(f"Source: {rule.source}")
    return " ".join(parts)


def _counts(debounce: Debounce) -> str:
    words = ""
    if debounce.n > 1:
        words += f", {debounce.k} of {debounce.n} times"
    if debounce.persist_for > _NOTHING:
        words += f", for {span_text(debounce.persist_for)} without a break"
    if debounce.cooldown > _NOTHING:
        words += f", not again within {span_text(debounce.cooldown)} after it ended"
    return words
