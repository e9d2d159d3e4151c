"""A home's care plan and the packs of rules that it uses: from plain data to checked rules.

    pack:   id, version, title, source, rules: [...], texts: {key: {person, nurse, log}},
            questions: {metric: text}, suppressed_by: of all its rules that do not say otherwise
    rule:   id, title, source, kind, params, debounce, per_device, family, then: {tier, text, ask,
            ask_for, repeat, time_critical, concern}
    plan:   version, people: [{id, name, timezone, matters, quiet_hours, lives_with, simulated,
            packs: [{pack, version, agreed_by, agreed_on, rules: {rule id: {use, basis, params,
            debounce, then}}}]}], rules: [rule with for, agreed_by, agreed_on], texts

A pack, or a rule, that `ships: off` holds for nobody until a person's plan says `use: true`, with
who agreed. One that `needs: consent` also asks there for its `basis`: consent or best-interest.

For a person who is not simulated a pack has to be signed, and agreed by a clinician's name.

What a rule's `params` may hold is what the Params of its kind hold: a table of types below turns
text into each. Every refusal is a PlanError with the dotted place and what to write instead.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct, structs

from devices.metrics import METRICS, Kind
from rules import shapes
from rules.engine import States
from rules.kinds import kinds
from rules.limits import RULE_PREFIX
from rules.model import (
    Companion,
    Concern,
    Debounce,
    Person,
    Plan,
    Rule,
    Suppressor,
    Then,
    Tier,
)
from rules.place import Place, PlanError
from rules.texts import check_said, check_texts, question_at, texts_at
from rules.typed import duration, hours, struct_at
from rules.words import AUDIENCES, Texts

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
    suppressed_by: tuple[Suppressor, ...] = ()
    """What holds back each rule below T5 that does not say otherwise."""
    signed_by: str = ""
    """The public key whose holder signed the file as it stands; empty: nobody did."""


def parse_pack(document: Mapping[str, Any], signed_by: str = "", *, strict: bool = True) -> Pack:
    """`signed_by`: the key whose signature of the file held. `strict`: a text that is not fit to be
    said is refused too; a home that runs does not stop over its tone. Raises PlanError.
    """
    top = Place("", document)
    top.only(*shapes.PACK)
    pack_id = _id(top.at("id"))
    written = texts_at(top.at("texts", {}))
    texts = {f"{pack_id}.{key}": text for key, text in written.items()}
    keys = {key: f"{pack_id}.{key}" for key in written}
    questions = {}
    for question in top.at("questions", {}).entries():
        metric = _answer_metric(Place(question.path, question.key))
        questions[metric] = question_at(question, strict)
        texts[metric] = dict.fromkeys(AUDIENCES, questions[metric])
    suppressed_by = tuple(
        struct_at(Suppressor, item) for item in top.at("suppressed_by", []).items()
    )
    drafts = {}
    rules = []
    for place in top.at("rules", []).items():
        place.only(*shapes.PACK_RULE)
        rule = _rule(place, "", pack_id, top.at("version").text(), keys, suppressed_by)
        if not rule.source.strip():
            raise PlanError(f"{place.path}.source", "say where its figures come from")
        if rule.id in drafts:
            raise PlanError(f"{place.path}.id", f"{rule.id!r} is there already: choose another id")
        drafts[rule.id] = place.mapping()
        if "ships" in top.mapping():
            drafts[rule.id] = {"ships": top.at("ships").one_of(shapes.SHIPS), **place.mapping()}
        rules.append(rule)
    if strict:
        check_texts(written, f"{pack_id}.", rules)
    return Pack(
        id=pack_id,
        version=top.at("version").text(),
        title=top.at("title").text(),
        source=top.at("source", "").text(),
        rules=tuple(rules),
        texts=texts,
        questions=questions,
        drafts=drafts,
        suppressed_by=suppressed_by,
        signed_by=signed_by,
    )


def parse_plan(
    document: Mapping[str, Any],
    packs: Mapping[str, Pack],
    signers: Collection[str] | None = None,
    *,
    strict: bool = True,
) -> Plan:
    """`signers`: the public keys whose signature of a pack counts; None: anybody's does.
    `strict`: as for a pack.

    Raises PlanError.
    """
    top = Place("", document)
    top.only(*shapes.PLAN)
    version = top.at("version").text()
    texts: dict[str, Mapping[str, str]] = {}
    for pack in packs.values():
        texts.update(pack.texts)
    own = texts_at(top.at("texts", {}))
    texts.update(own)
    people: dict[str, Person] = {}
    found: list[tuple[str, Rule]] = []
    for place in top.at("people").items():
        person = _person(place)
        if person.id in people:
            raise PlanError(f"{place.path}.id", f"{person.id!r} is there already")
        people[person.id] = person
        for used in place.at("packs", []).items():
            used.only(*shapes.USE)
            pack = packs[used.at("pack").one_of(packs)]
            if not person.simulated:
                _check_live(used, person, pack, signers)
            found += _from_pack(used, person.id, version, pack, own)
    if not people:
        raise PlanError("people", "is empty: name who lives here")
    keys = {key: key for key in texts}
    for place in top.at("rules", []).items():
        place.only(*shapes.OWN_RULE)
        patient = place.at("for").one_of(people)
        rule = _rule(place, patient, place.at("id").text(), version, keys)
        found.append((place.path, structs.replace(rule, agreed=_agreed(place))))
    _check_together(found)
    if strict:
        check_texts(own, "", [rule for _, rule in found])
        for path, rule in found:
            check_said(path, rule, texts)
    plan = Plan(version=version, people=people, rules=tuple(rule for _, rule in found), texts=texts)
    try:
        States(plan)
    except ValueError as error:
        raise PlanError("rules", str(error)) from error
    return plan


def _person(place: Place) -> Person:
    place.only(*shapes.PERSON)
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
        quiet_hours=hours(place.at("quiet_hours")) if "quiet_hours" in place.mapping() else None,
        lives_with=tuple(struct_at(Companion, item) for item in place.at("lives_with", []).items()),
        simulated=place.at("simulated", False).flag(),
    )


def _check_live(place: Place, person: Person, pack: Pack, signers: Collection[str] | None) -> None:
    """Someone lives there: the pack is signed, and a clinician's name stands for its defaults."""
    simulated = "or write `simulated: true` for somebody who is made up"
    if not _agreed(place):
        raise PlanError(
            place.path,
            f"the figures of {pack.id!r} count for {person.id!r} from a clinician's name on: give "
            f"agreed_by and agreed_on, {simulated}",
        )
    if not pack.signed_by:
        raise place.at("pack").error(
            "is not signed, and runs for simulated people only: have it signed "
            f"(homebeat rules sign), {simulated}"
        )
    if signers is not None and pack.signed_by not in signers:
        raise place.at("pack").error(
            f"is signed by {pack.signed_by}, whom this gateway does not trust: name that key in "
            f"[packs] signers of its settings, {simulated}"
        )


def _agreed(place: Place) -> str:
    """Who agreed, and on which day; empty where nobody did."""
    by, on = place.at("agreed_by", ""), place.at("agreed_on", "")
    if on.value != "":
        on.day()
    return f"{by.text()}, {on.text()}" if by.text().strip() and on.text() else ""


def _from_pack(
    place: Place, patient: str, version: str, pack: Pack, texts: Texts
) -> list[tuple[str, Rule]]:
    """One person's use of a pack: its rules with that person's own figures laid over.

    `texts`: those of the plan, which a figure of one's own may name beside those of the pack.
    """
    if place.at("version", pack.version).text() != pack.version:
        raise place.at("version").error(
            f"is not the version of {pack.id!r} that is here: read version {pack.version!r}, agree "
            "on it, and write it"
        )
    agreed = _agreed(place)
    own = place.at("rules", {})
    for entry in own.entries():
        entry.only(*shapes.OVERRIDE)
        Place(entry.path, entry.key).one_of(pack.drafts)
        if entry.mapping().keys() - {"use"} and not agreed:
            raise PlanError(
                place.path, "own figures need agreed_by and agreed_on: who agreed, and when"
            )
    keys = {key: key for key in texts}
    keys |= {key.removeprefix(f"{pack.id}."): key for key in pack.texts if key not in METRICS}
    rules = []
    for rule_id, draft in pack.drafts.items():
        over = own.at(rule_id, {})
        if not _used(over, draft, agreed=bool(agreed)):
            continue
        laid = {key: value for key, value in over.mapping().items() if key not in _OF_USE}
        merged = Place(over.path, _laid_over(draft, laid))
        rule = _rule(merged, patient, pack.id, version, keys, pack.suppressed_by)
        rules.append((over.path, structs.replace(rule, agreed=agreed)))
    return rules


_OF_USE = ("use", "basis")


def _used(over: Place, draft: Mapping[str, Any], *, agreed: bool) -> bool:
    """Whether a rule of a pack holds for that person. One that ships off is taken up by name."""
    ships_off = draft.get("ships") == "off" or "needs" in draft
    use = over.at("use", not ships_off).flag()
    if not use or not ships_off:
        return use
    if not agreed:
        raise over.at("use").error(
            "turns on a rule that ships off: give agreed_by and agreed_on beside the pack"
        )
    if "needs" in draft:
        over.at("basis").one_of(shapes.BASES)
    return True


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
    keys: Mapping[str, str],
    suppressed_by: tuple[Suppressor, ...] = (),
) -> Rule:
    """`keys`: the texts that it may name, as they are written and as they are kept."""
    place.at("ships", "on").one_of(shapes.SHIPS)
    place.at("needs", shapes.NEEDS[0]).one_of(shapes.NEEDS)
    kind = kinds()[place.at("kind").one_of(kinds())]
    debounce_place = place.at("debounce", {})
    debounce: Debounce = struct_at(Debounce, debounce_place)
    if not 1 <= debounce.k <= debounce.n <= _LONGEST_N:
        raise debounce_place.error(f"k of n needs 1 <= k <= n <= {_LONGEST_N}")
    for word in ("max_age", "max_gap", "same_direction_window"):
        if getattr(debounce, word) == timedelta(0):
            raise debounce_place.at(word).error("has to be longer than nothing: leave it out")
    rule_id = _id(place.at("id"))
    then = _then(place.at("then"), keys)
    if then.tier is Tier.T5:
        _refuse_delay(debounce_place, debounce)
    elif "suppressed_by" not in debounce_place.mapping():
        others = tuple(one for one in suppressed_by if one.by != RULE_PREFIX + rule_id)
        debounce = structs.replace(debounce, suppressed_by=others)
    if debounce.repeat_after_rest is not None and not then.repeat:
        raise PlanError(
            f"{place.path}.then", "repeat is missing: name the words that ask to measure again"
        )
    return Rule(
        id=rule_id,
        version=version,
        patient=patient,
        kind=kind.name,
        params=struct_at(kind.params_type, place.at("params")),
        then=then,
        family=place.at("family", family).text(),
        debounce=debounce,
        per_device=place.at("per_device", False).flag(),
        title=place.at("title", rule_id).text(),
        source=place.at("source", "").text(),
    )


_LONGEST_N = 1_000
_DELAYS = (
    "quality_gate",
    "rate_limit",
    "same_direction_window",
    "suppressed_by",
    "repeat_after_rest",
    "cooldown",
)


def _refuse_delay(place: Place, debounce: Debounce) -> None:
    """An emergency is held back by nothing."""
    for word in _DELAYS:
        if getattr(debounce, word):
            raise place.at(word).error(
                f"{word} can't hold back an emergency: leave it out of a rule of tier T5, "
                "or write a rule of tier T4 beside it"
            )


def _then(place: Place, keys: Mapping[str, str]) -> Then:
    place.only(*shapes.THEN)
    tier = place.at("tier").one_of([tier.name for tier in Tier])
    if tier == Tier.T2.name:
        raise place.at("tier").error(
            "T2 is not there yet, nobody can be chosen: write T1 (the person) or T3 (the team)"
        )
    ask = tuple(_answer_metric(metric) for metric in place.at("ask", []).items())
    ask_for = duration(place.at("ask_for", "4h"))
    again = place.at("repeat", "")
    return Then(
        tier=Tier[tier],
        text=keys[place.at("text").one_of(keys)],
        ask=ask,
        ask_for=ask_for,
        repeat=keys[again.one_of(keys)] if again.value else "",
        time_critical=place.at("time_critical", False).flag(),
        concern=Concern(place.at("concern", "clinical").one_of(list(Concern))),
    )


def _answer_metric(place: Place) -> str:
    return place.one_of([name for name, row in METRICS.items() if row.kind is Kind.ANSWER])


def _check_together(found: Iterable[tuple[str, Rule]]) -> None:
    """What a rule alone can't show: ids that meet, and rules that listen to rules."""
    by_id: dict[tuple[str, str], Rule] = {}
    for path, rule in found:
        if (rule.patient, rule.id) in by_id:
            raise PlanError(f"{path}.id", f"{rule.id!r} is there already: choose another id")
        by_id[rule.patient, rule.id] = rule
    for path, rule in found:
        _check_suppressors(path, rule, by_id)
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
        if rule.then.tier is Tier.T5:
            _check_undelayed(path, rule, by_id)


def _check_undelayed(path: str, rule: Rule, by_id: Mapping[tuple[str, str], Rule]) -> None:
    """An emergency is held back by nothing, nor by what holds back a rule that it hears."""
    zone = ZoneInfo("UTC")
    heard = [rule]
    for one in heard:
        for metric in kinds()[one.kind](one.params, zone).metrics:
            other = by_id.get((rule.patient, metric.removeprefix(RULE_PREFIX)))
            if metric.startswith(RULE_PREFIX) and other is not None and other not in heard:
                heard.append(other)
    for other in heard[1:]:
        for word in _DELAYS:
            if getattr(other.debounce, word):
                raise PlanError(
                    f"{path}.params",
                    f"{RULE_PREFIX}{other.id} may be held back by its {word}, and an emergency by "
                    "nothing: write its condition into this rule, or make this one of tier T4",
                )


def _check_suppressors(path: str, rule: Rule, by_id: Mapping[tuple[str, str], Rule]) -> None:
    """A rule is held back by states, or by rules that are there and can be heard."""
    for number, one in enumerate(rule.debounce.suppressed_by):
        where = f"{path}.debounce.suppressed_by.{number}"
        if not one.by.startswith(RULE_PREFIX):
            if METRICS[one.by].kind is not Kind.STATE:
                raise PlanError(where, f"{one.by} is no state: name one that holds or does not")
            continue
        name = one.by.removeprefix(RULE_PREFIX)
        others = [other for patient, other in by_id if patient == rule.patient]
        Place(where, one.by).one_of([RULE_PREFIX + other for other in others if other != rule.id])
        if rule.per_device or by_id[rule.patient, name].per_device:
            raise PlanError(where, f"{one.by} can't be heard: leave per_device out of both rules")


def _id(place: Place) -> str:
    if not _ID.fullmatch(place.text()):
        raise place.error("is no id: write small letters, digits, - and _")
    return place.text()
