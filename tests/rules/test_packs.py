"""The packs that come with Homebeat: their cases, however the readings arrive, and their words."""

import re
from importlib.resources import files
from pathlib import Path
from string import Formatter

import pytest

from plumbing.documents import load_yaml
from rules.cases import judged, parse_cases, run_case
from rules.exact import micros
from rules.explain import explain_rule
from rules.limits import RULE_PREFIX
from rules.model import Tier
from rules.plan import parse_pack

FOLDER = Path(str(files("rules").joinpath("packs")))
PACKS = {
    pack.id: pack
    for pack in (
        parse_pack(load_yaml(path))
        for path in sorted(FOLDER.glob("*.yaml"))
        if not path.name.endswith(".test.yaml")
    )
}
CASES = {
    f"{path.name.removesuffix('.test.yaml')}: {case.name}": case
    for path in sorted(FOLDER.glob("*.test.yaml"))
    for case in parse_cases(load_yaml(path), PACKS)
}
RULES = {f"{pack.id}.{rule.id}": rule for pack in PACKS.values() for rule in pack.rules}
TEXTS = {key: text for pack in PACKS.values() for key, text in pack.texts.items()}


def verdict_text(verdict):
    return {"missing": verdict.missing, "unexpected": verdict.unexpected}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_case_of_a_pack(case):
    verdict = run_case(case)
    assert verdict.passed, verdict_text(verdict)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_case_of_a_pack_read_by_read_with_restarts_and_all_backwards(case, home):
    lived = home(case.plan, case.starts)
    for number, one in enumerate(case.readings):
        lived.take([one], one.taken_at)
        if number % 3 == 0:
            lived.restart(one.taken_at)
    lived.take((), case.until)
    backwards = home(case.plan, case.starts)
    for one in reversed(case.readings):
        backwards.take([one], case.until)
    backwards.take((), case.until)
    assert lived.journal.standing == backwards.journal.standing
    assert judged(case, lived.journal.standing.values()).passed


@pytest.mark.parametrize(
    "pack", [pack for pack in PACKS.values() if pack.rules], ids=lambda p: p.id
)
def test_every_rule_of_a_pack_has_a_case_in_which_it_begins(pack):
    begun = {
        line.split(" ")[2]
        for name, case in CASES.items()
        if name.startswith(f"{pack.id}: ")
        for line in case.expected
        if not line.split(" ")[3].startswith("ends")
    }
    assert begun == {rule.id for rule in pack.rules}


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_a_rule_of_a_pack_has_a_source_and_plain_words(rule):
    assert rule.source
    assert explain_rule(rule).startswith("When ")


FILLED = {
    "title", "name", "matters", "device", "at", "day", "numbers", "value", "limit", "change",
    "missing", "said", "waited", "reference", "difference", "slope", "samples", "window", "held",
}  # fmt: skip


@pytest.mark.parametrize("key", TEXTS)
def test_a_text_names_only_what_can_be_filled_in(key):
    named = {
        field
        for text in TEXTS[key].values()
        for _, field, _, _ in Formatter().parse(text)
        if field is not None
    }
    assert named <= FILLED


def person_texts(*tiers):
    return {
        key: TEXTS[rule.then.text]["person"]
        for key, rule in RULES.items()
        if rule.then.tier in tiers
    }


CHOICE = re.compile(
    r"\b(maybe|perhaps|if you like|would you|could you|you may|you might)\b", re.IGNORECASE
)
URGENT = person_texts(Tier.T4, Tier.T5)


@pytest.mark.parametrize("text", URGENT.values(), ids=URGENT)
def test_an_urgent_text_starts_with_the_action_and_offers_no_choice(text):
    first = text.split(".")[0]
    assert len(first.split()) <= 12, first
    assert not CHOICE.search(text)
    assert "?" not in text
    assert not first.startswith(("Your", "We have", "There"))


CALM = person_texts(Tier.T1)


@pytest.mark.parametrize("text", CALM.values(), ids=CALM)
def test_a_calm_text_can_be_read_by_a_child_of_eleven(text):
    """Flesch-Kincaid grade (Kincaid 1975) of 6 at most: children of 11 to 12."""
    plain = re.sub(r"\{[^}]*\}", "it", text)
    words = re.findall(r"[A-Za-z']+", plain)
    sentences = len(re.findall(r"[.?!]", plain))
    syllables = sum(
        max(1, len(re.findall(r"[aeiouy]+", word.lower().rstrip("e")))) for word in words
    )
    grade = 0.39 * len(words) / sentences + 11.8 * syllables / len(words) - 15.59
    assert grade <= 6.0


def test_what_a_pack_asks_has_a_question(packs):
    for pack in packs.values():
        asked = {metric for rule in pack.rules for metric in rule.then.ask}
        assert asked <= pack.questions.keys()


def test_rules_that_hear_rules_come_with_them(packs):
    for pack in packs.values():
        ids = {rule.id for rule in pack.rules}
        text = str([rule.params for rule in pack.rules])
        assert set(re.findall(rf"{RULE_PREFIX}([a-z-]+)", text)) <= ids


def test_cases_are_read_in_the_local_time_of_the_person(packs):
    document = {
        "pack": "heart-failure",
        "timezone": "Asia/Tokyo",
        "cases": [
            {
                "name": "one",
                "readings": {"body_weight": {"d1 07:00 every 12h": [80.0, "_", 81.0]}},
                "until": "d2 12:00",
                "expect": [],
            }
        ],
    }
    (case,) = parse_cases(document, packs)
    first, second = case.readings
    assert (micros(second.taken_at) - micros(first.taken_at)) == 24 * 3_600_000_000
    assert first.taken_at.isoformat() == "2025-03-02T22:00:00+00:00"
