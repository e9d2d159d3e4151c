"""A home's care plan and the packs of rules that it uses: from plain data to checked rules.

    pack:   id, version, title, source, rules: [...], texts: {key: {person, nurse, log}},
            questions: {metric: text}
    rule:   id, title, source, kind, params, debounce, per_device, family, then: {tier, text, ask}
    plan:   version, people: [{id, name, timezone, matters, packs: [{pack, agreed_by, agreed_on,
            rules: {rule id: {use, params, debounce, then}}}]}], rules: [rule with `for`], texts

What a rule's `params` may hold is what the Params of its kind hold: a table of types below turns
text into each. Every refusal is a PlanError with the dotted place and what to write instead.
"""

import re
from collections.abc import Iterable, Mapping
from string import Formatter
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct, structs

from devices.metrics import METRICS, Kind
from rules.engine import States
from rules.kinds import kinds
from rules.limits import RULE_PREFIX
from rules.model import Debounce, Person, Plan, Rule, Then, Tier
from rules.place import Place, PlanError
from rules.typed import duration, struct_at
from rules.words import AUDIENCES

__all__ = ["Pack", "PlanError", "parse_pack", "parse_plan"]

_ID = re.compile(r"[a-z0-9][a-z0-9_-]*")


class Pack(Struct, frozen=True, kw_only=True):
    """Rules for one condition, for nobody yet: `patient` is empty in them.

    `texts` are keyed "<pack>.<key>", and each question by its metric as well.
    """

    id: str
    version: str
    title: str
    source: str
    rules: tuple[Rule, ...]
    texts: Mapping[str, Mapping[str, str]]
    questions: Mapping[str, str]
    drafts: Mapping[str, Mapping[str, Any]]
    """Each rule as it was written, by id: what a person's own figures are laid over."""


def parse_pack(document: Mapping[str, Any]) -> Pack:
    """Raises PlanError."""
    top = Place("", document)
    top.only("id", "version", "title", "source", "rules", "texts", "questions")
    pack_id = _id(top.at("id"))
    texts = {f"{pack_id}.{key}": text for key, text in _texts(top.at("texts", {})).items()}
    questions = {}
    for question in top.at("questions", {}).entries():
        metric = _answer_metric(Place(question.path, question.key))
        questions[metric] = question.text()
        texts[metric] = dict.fromkeys(AUDIENCES, questions[metric])
    drafts = {}
    rules = []
    for place in top.at("rules", []).items():
        rule = _rule(place, "", pack_id, top.at("version").text(), f"{pack_id}.", texts)
        if not rule.source:
            raise PlanError(f"{place.path}.source", "say where its figures come from")
        if rule.id in drafts:
            raise PlanError(f"{place.path}.id", f"{rule.id!r} is there already: choose another id")
        drafts[rule.id] = place.mapping()
        rules.append(rule)
    return Pack(
        id=pack_id,
        version=top.at("version").text(),
        title=top.at("title").text(),
        source=top.at("source", "").text(),
        rules=tuple(rules),
        texts=texts,
        questions=questions,
        drafts=drafts,
    )


def parse_plan(document: Mapping[str, Any], packs: Mapping[str, Pack]) -> Plan:
    """Raises PlanError."""
    top = Place("", document)
    top.only("version", "people", "rules", "texts")
    version = top.at("version").text()
    texts: dict[str, Mapping[str, str]] = {}
    for pack in packs.values():
        texts.update(pack.texts)
    texts.update(_texts(top.at("texts", {})))
    people: dict[str, Person] = {}
    found: list[tuple[str, Rule]] = []
    for place in top.at("people").items():
        person = _person(place)
        if person.id in people:
            raise PlanError(f"{place.path}.id", f"{person.id!r} is there already")
        people[person.id] = person
        for used in place.at("packs", []).items():
            found += _from_pack(used, person.id, version, packs, texts)
    if not people:
        raise PlanError("people", "is empty: name who lives here")
    for place in top.at("rules", []).items():
        patient = place.at("for").one_of(people)
        rule_id = place.at("id").text()
        found.append((place.path, _rule(place, patient, rule_id, version, "", texts)))
    _check_together(found)
    plan = Plan(version=version, people=people, rules=tuple(rule for _, rule in found), texts=texts)
    try:
        States(plan)
    except ValueError as error:
        raise PlanError("rules", str(error)) from error
    return plan


def _person(place: Place) -> Person:
    place.only("id", "name", "timezone", "matters", "packs")
    zone = place.at("timezone", "Europe/London")
    try:
        ZoneInfo(zone.text())
    except (KeyError, ValueError, OSError) as error:
        raise zone.error("is no time zone: write one like Europe/London") from error
    return Person(
        id=_id(place.at("id")),
        name=place.at("name").text(),
        timezone=zone.text(),
        matters=place.at("matters", "").text(),
    )


def _from_pack(
    place: Place,
    patient: str,
    version: str,
    packs: Mapping[str, Pack],
    texts: Mapping[str, Mapping[str, str]],
) -> list[tuple[str, Rule]]:
    """One person's use of a pack: its rules with that person's own figures laid over."""
    place.only("pack", "agreed_by", "agreed_on", "rules")
    pack = packs[place.at("pack").one_of(packs)]
    by, on = place.at("agreed_by", "").text(), place.at("agreed_on", "").text()
    own = place.at("rules", {})
    for entry in own.entries():
        entry.only("use", "params", "debounce", "then")
        Place(entry.path, entry.key).one_of(pack.drafts)
        if entry.mapping().keys() - {"use"} and not (by and on):
            raise PlanError(
                place.path, "own figures need agreed_by and agreed_on: who agreed, and when"
            )
    rules = []
    for rule_id, draft in pack.drafts.items():
        over = own.at(rule_id, {})
        if over.at("use", True).value is False:
            continue
        laid = {key: value for key, value in over.mapping().items() if key != "use"}
        merged = Place(over.path, _laid_over(draft, laid))
        rule = _rule(merged, patient, pack.id, version, f"{pack.id}.", texts)
        agreed = f"{by}, {on}" if by and on else ""
        rules.append((over.path, structs.replace(rule, agreed=agreed)))
    return rules


def _laid_over(draft: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    laid = dict(draft)
    for key, value in own.items():
        below = laid.get(key)
        both = isinstance(below, Mapping) and isinstance(value, Mapping)
        laid[key] = _laid_over(below, value) if both and below is not None else value
    return laid


def _rule(
    place: Place,
    patient: str,
    family: str,
    version: str,
    prefix: str,
    texts: Mapping[str, Mapping[str, str]],
) -> Rule:
    place.only(
        "id", "for", "title", "source", "kind", "params", "debounce", "per_device", "family", "then"
    )
    kind = kinds()[place.at("kind").one_of(kinds())]
    debounce_place = place.at("debounce", {})
    debounce: Debounce = struct_at(Debounce, debounce_place)
    if not 1 <= debounce.k <= debounce.n <= _LONGEST_N:
        raise debounce_place.error(f"k of n needs 1 <= k <= n <= {_LONGEST_N}")
    rule_id = _id(place.at("id"))
    return Rule(
        id=rule_id,
        version=version,
        patient=patient,
        kind=kind.name,
        params=struct_at(kind.params_type, place.at("params")),
        then=_then(place.at("then"), prefix, texts),
        family=place.at("family", family).text(),
        debounce=debounce,
        per_device=place.at("per_device", False).flag(),
        title=place.at("title", rule_id).text(),
        source=place.at("source", "").text(),
    )


_LONGEST_N = 1_000


def _then(place: Place, prefix: str, texts: Mapping[str, Mapping[str, str]]) -> Then:
    place.only("tier", "text", "ask", "ask_for")
    tier = place.at("tier").one_of([tier.name for tier in Tier])
    if tier == Tier.T2.name:
        raise place.at("tier").error(
            "T2 is not there yet, nobody can be chosen: write T1 (the person) or T3 (the team)"
        )
    key = place.at("text")
    own = [name.removeprefix(prefix) for name in texts if name.startswith(prefix)]
    ask = tuple(_answer_metric(metric) for metric in place.at("ask", []).items())
    ask_for = duration(place.at("ask_for", "4h"))
    text = prefix + key.one_of(own)
    return Then(tier=Tier[tier], text=text, ask=ask, ask_for=ask_for)


def _answer_metric(place: Place) -> str:
    return place.one_of([name for name, row in METRICS.items() if row.kind is Kind.ANSWER])


def _texts(place: Place) -> dict[str, Mapping[str, str]]:
    texts: dict[str, Mapping[str, str]] = {}
    for entry in place.entries():
        entry.only(*AUDIENCES)
        for audience in AUDIENCES:
            said = entry.at(audience)
            try:
                list(Formatter().parse(said.text()))
            except ValueError as error:
                raise said.error(f"{error}: write {{value}}, or {{{{ for a bracket") from error
        texts[entry.key] = {audience: entry.at(audience).text() for audience in AUDIENCES}
    return texts


def _check_together(found: Iterable[tuple[str, Rule]]) -> None:
    """What a rule alone can't show: ids that meet, and rules that listen to rules."""
    by_id: dict[tuple[str, str], Rule] = {}
    for path, rule in found:
        if (rule.patient, rule.id) in by_id:
            raise PlanError(f"{path}.id", f"{rule.id!r} is there already: choose another id")
        by_id[rule.patient, rule.id] = rule
    for path, rule in found:
        zone = ZoneInfo("UTC")
        for metric in kinds()[rule.kind](rule.params, zone).metrics:
            if not metric.startswith(RULE_PREFIX):
                continue
            name = metric.removeprefix(RULE_PREFIX)
            others = [other for patient, other in by_id if patient == rule.patient]
            Place(f"{path}.params", metric).one_of([RULE_PREFIX + other for other in others])
            if rule.per_device or by_id[rule.patient, name].per_device:
                raise PlanError(
                    f"{path}.params",
                    f"{metric} can't be heard: leave per_device out of both rules",
                )


def _id(place: Place) -> str:
    if not _ID.fullmatch(place.text()):
        raise place.error("is no id: write small letters, digits, - and _")
    return place.text()
