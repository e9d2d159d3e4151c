"""The packs that come with Homebeat: their cases, however the readings arrive, and their words."""

import re
from importlib.resources import files
from pathlib import Path

import pytest

from plumbing.documents import load_yaml
from rules.cases import judged, parse_cases, run_case
from rules.engine import advance, start
from rules.exact import micros
from rules.explain import explain_rule
from rules.limits import RULE_PREFIX
from rules.model import Phase
from rules.outcome import values_of
from rules.place import PlanError
from rules.plan import parse_pack
from rules.texts import said_by
from rules.tone import faults, question_faults
from rules.words import AUDIENCES, sentence

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


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_a_title_speaks_to_the_person_as_to_the_team(rule):
    assert "team" not in rule.title


SAID = {
    f"{key} {tier.name} {audience}": (TEXTS[key][audience], tier, audience)
    for rule in RULES.values()
    for key, tier in said_by(rule)
    for audience in AUDIENCES
}
QUESTIONS = {
    f"{pack.id} {metric}": question
    for pack in PACKS.values()
    for metric, question in pack.questions.items()
}


@pytest.mark.parametrize(("text", "tier", "audience"), SAID.values(), ids=SAID)
def test_a_text_of_a_pack_is_fit_for_its_tier_and_its_reader(text, tier, audience):
    assert faults(text, tier, audience) == ()


@pytest.mark.parametrize("text", QUESTIONS.values(), ids=QUESTIONS)
def test_a_question_of_a_pack_is_fit_to_be_asked(text):
    assert question_faults(text) == ()


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_nothing_is_left_open_in_what_is_said_of_a_case(case):
    """Each placeholder is filled in by the finding that its text is said of."""
    rules = {rule.id: rule for rule in case.plan.rules}
    states = start(case.plan, case.starts)
    for finding in advance(case.plan, states, case.readings, case.until).findings:
        rule = rules[finding.rule]
        if finding.phase is not Phase.ACTIVE:
            continue
        values = values_of(case.plan.people[rule.patient], rule, finding)
        for audience in AUDIENCES:
            said = sentence(case.plan.texts, rule.then.text, audience, values)
            assert "…" not in said, said


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


LATE = [
    pytest.param("d1 08:00", "T4", True, id="on time: now"),
    pytest.param("d1 13:00", "T3 late", True, id="late: the team hears of it, marked late"),
    pytest.param("d1 13:00", "T4", False, id="late is not on time"),
]


@pytest.mark.parametrize(("arrives", "words", "passed"), LATE)
def test_a_severe_reading_that_arrives_late_is_judged_at_its_arrival(arrives, words, passed):
    rule = {
        "id": "high",
        "source": "a test",
        "kind": "threshold",
        "params": {"metric": "systolic_pressure", "at_least": 180},
        "debounce": {"max_age": "4h"},
        "then": {"tier": "T4", "text": "high"},
    }
    text = {"person": "Sit down and rest.", "nurse": "Call now.", "log": "high"}
    head = {"id": "late", "version": "1", "title": "Late", "source": "a test"}
    pack = parse_pack({**head, "texts": {"high": text}, "rules": [rule]})
    high = {"value": 190, "arrives": arrives}
    case = {
        "name": "one",
        "readings": {"systolic_pressure": {"d1 08:00": high, "d1 10:00": 120}},
        "until": "d1 20:00",
        "expect": [f"d1 08:00 high {words}", "d1 10:00 high ends"],
    }
    (one,) = parse_cases({"pack": "late", "cases": [case]}, {"late": pack})
    verdict = run_case(one)
    assert verdict.passed is passed, verdict_text(verdict)


def test_a_reading_that_arrives_before_it_was_taken_is_refused(packs):
    case = {
        "name": "one",
        "readings": {"body_weight": {"d1 08:00": {"value": 80, "arrives": "d1 07:00"}}},
        "until": "d1 20:00",
        "expect": [],
    }
    with pytest.raises(PlanError, match="before it was taken"):
        parse_cases({"pack": "heart-failure", "cases": [case]}, packs)
