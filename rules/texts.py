"""The words of packs and plans: what they can name, and whether they are fit to be said."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from string import Formatter

from devices.metrics import METRICS
from rules.model import Rule, Tier
from rules.place import Place, PlanError, unknown
from rules.tone import faults, question_faults
from rules.words import AUDIENCES, PLACEHOLDERS, Audience, Texts, fillable

_faults = lru_cache(maxsize=4_096)(faults)


def texts_at(place: Place) -> dict[str, Mapping[str, str]]:
    """Text key -> audience -> sentence. Raises PlanError."""
    texts: dict[str, Mapping[str, str]] = {}
    for entry in place.entries():
        entry.only(*AUDIENCES)
        texts[entry.key] = {audience: _sentence(entry.at(audience)) for audience in AUDIENCES}
    return texts


def question_at(place: Place, strict: bool = True) -> str:
    """A question for the person; `strict`: one that is fit to be asked. Raises PlanError."""
    text = _sentence(place)
    found = question_faults(text) if strict else ()
    if found:
        raise PlanError(place.path, "; ".join(map(str, found)))
    return text


def check_texts(texts: Texts, prefix: str, rules: Iterable[Rule]) -> None:
    """Each text, written as `texts.<key>`, as the rules say it; one that none says, as T1.

    `prefix` stands before each key in the rules. Raises PlanError.
    """
    tiers: dict[str, set[Tier]] = {}
    for rule in rules:
        for key, tier in said_by(rule):
            tiers.setdefault(key, set()).add(tier)
    for key, text in texts.items():
        for tier in sorted(tiers.get(prefix + key, {Tier.T1})):
            for audience in AUDIENCES:
                wrong = _wrong(text, tier, audience)
                if wrong:
                    raise PlanError(f"texts.{key}.{audience}", wrong)


def check_said(path: str, rule: Rule, texts: Texts) -> None:
    """That the texts which a rule takes from elsewhere are fit for its tier. Raises PlanError."""
    for word, (key, tier) in zip(("text", "repeat"), said_by(rule), strict=False):
        wrong = _wrong(texts[key], tier, "person")
        if wrong:
            raise PlanError(
                f"{path}.then.{word}",
                f"{key!r} is no text for {tier.name}, it {wrong}. Write a text of your own",
            )


def said_by(rule: Rule) -> list[tuple[str, Tier]]:
    """The texts of a rule, each with the tier at which it is said: `text`, then `repeat`."""
    said = [(rule.then.text, rule.then.tier)]
    if rule.then.repeat:
        said.append((rule.then.repeat, Tier.T1))
    return said


def _wrong(text: Mapping[str, str], tier: Tier, audience: Audience) -> str:
    return "; ".join(map(str, _faults(text[audience], tier, audience)))


def _sentence(place: Place) -> str:
    """A text of which every placeholder is filled in."""
    try:
        parts = list(Formatter().parse(place.text()))
    except ValueError as error:
        raise place.error(f"{error}: write {{value}}, or {{{{ for a bracket") from error
    for _, name, form, conversion in parts:
        if name is None:
            continue
        if form or conversion:
            raise PlanError(place.path, f"write {{{name}}} alone, without : or !")
        if not fillable(name):
            known = [*PLACEHOLDERS, *(metric for metric in METRICS if metric in name)]
            raise PlanError(place.path, f"nobody fills in {{{name}}}: {unknown(name, known)}")
    if not place.text().strip():
        raise PlanError(place.path, "is empty: write the sentence")
    return place.text()
