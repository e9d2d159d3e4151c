"""A rule in plain words: when it holds, since when it counts, and what happens then."""

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from zoneinfo import ZoneInfo

from rules.kinds import kinds
from rules.limits import RULE_PREFIX, metric_of
from rules.model import Concern, Debounce, Rule, Suppressor, Tier
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
_RULE = re.compile(rf"\b{re.escape(RULE_PREFIX)}([a-z0-9-]+)")
_KIT = "those who look after the equipment see it in their own list"


def explain_rule(
    rule: Rule,
    zone: str = "Europe/London",
    unseen: str = "",
    titles: Mapping[str, str] | None = None,
) -> str:
    """A few sentences. `unseen`: whom it can't tell apart (rules.unseen). `titles`: what other
    rules are called, by id."""
    kind = kinds()[rule.kind](rule.params, ZoneInfo(zone))
    each = " (each device by itself)" if rule.per_device else ""
    told = _KIT if rule.then.concern is Concern.KIT and rule.then.tier >= Tier.T3 else ""
    parts = [f"When {kind.words()}{each}{_counts(rule.debounce)}, {told or _THEN[rule.then.tier]}."]
    parts += _held_back(rule.debounce, asks=bool(rule.then.repeat))
    parts = [_RULE.sub(lambda found: _called(found, titles or {}), part) for part in parts]
    if rule.then.ask:
        asked = ", ".join(metric_of(metric).title for metric in rule.then.ask)
        parts.append(f"Asked, for {span_text(rule.then.ask_for)}: {asked}.")
    if rule.then.at_once:
        parts.append("Quiet hours do not hold it back.")
    if rule.debounce.max_age is not None and rule.then.tier < Tier.T5:
        parts.append(f"Later than {span_text(rule.debounce.max_age)} it counts as late.")
    if unseen:
        parts.append(unseen)
    if rule.agreed:
        parts.append(f"Agreed with {rule.agreed}.")
    if rule.source:
        parts.append(f"Source: {rule.source}")
    return " ".join(parts)


def _called(found: re.Match[str], titles: Mapping[str, str]) -> str:
    """ "rule.weight-gain" -> the quoted title; as it stands where the rule is not known."""
    return f'"{titles[found[1]]}"' if found[1] in titles else found[0]


def _counts(debounce: Debounce) -> str:
    words = ""
    if debounce.n > 1:
        words += f", {debounce.k} of {debounce.n} times"
    if debounce.persist_for > _NOTHING:
        words += f", for {span_text(debounce.persist_for)} without a break"
    if debounce.max_gap is not None:
        words += f" (readings more than {span_text(debounce.max_gap)} apart are no stretch)"
    if debounce.cooldown > _NOTHING:
        words += f", not again within {span_text(debounce.cooldown)} after it ended"
    return words


def _held_back(debounce: Debounce, *, asks: bool) -> Iterator[str]:
    """A sentence for each word that keeps a condition that holds from counting at once."""
    if debounce.repeat_after_rest is not None:
        repeat = debounce.repeat_after_rest
        times = "once more" if repeat.times == 1 else f"{repeat.times} times more"
        yield (
            f"First the person is asked to rest for {span_text(repeat.rest)} and to measure "
            f"{times}; with no repeat within {span_text(repeat.within)} it counts all the same."
        )
    if debounce.quality_gate:
        marks = " or ".join(mark.value for mark in debounce.quality_gate)
        again = ", and the person is asked to measure again" if asks else ""
        yield f"A reading marked {marks} counts neither way{again}."
    if debounce.rate_limit is not None:
        limit = debounce.rate_limit
        times = "once" if limit.count == 1 else f"{limit.count} times"
        yield f"It begins at most {times} in {span_text(limit.per)}."
    if debounce.same_direction_window is not None:
        window = span_text(debounce.same_direction_window)
        yield f"Within {window} after it began, it begins again only when it is worse."
    if debounce.suppressed_by:
        yield f"Held back by: {', '.join(map(_suppressor, debounce.suppressed_by))}."


def _suppressor(one: Suppressor) -> str:
    title = metric_of(one.by).title
    return f"{title} (and {span_text(one.rest)} after it)" if one.rest > _NOTHING else title
