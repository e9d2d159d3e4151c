"""Care plans and packs: what is refused, where, and what to write instead."""

from copy import deepcopy
from datetime import timedelta

import pytest

from rules.model import Tier
from rules.plan import PlanError, parse_pack, parse_plan

TEXT = {"person": "p", "nurse": "n", "log": "l"}


@pytest.fixture
def document():
    """A plan that is right: a pack with one own figure, and two own rules."""
    return {
        "version": "7",
        "people": [
            {
                "id": "margaret",
                "name": "Margaret Ellis",
                "timezone": "Europe/London",
                "matters": "the allotment",
                "packs": [
                    {
                        "pack": "heart-failure",
                        "agreed_by": "Sam Okoro",
                        "agreed_on": "2025-03-01",
                        "rules": {
                            "weight-gain": {"params": {"rise": "1.5 kg", "agreed": 78.5}},
                            "symptoms-alone": {"then": {"tier": "T4"}},
                            "weight-loss": {"use": False},
                        },
                    }
                ],
            }
        ],
        "rules": [
            {
                "id": "pressure-high",
                "for": "margaret",
                "kind": "threshold",
                "title": "Blood pressure",
                "params": {"metric": "systolic_pressure", "at_least": "180 mm[Hg]"},
                "debounce": {"k": 2, "n": 3, "persist_for": "20min"},
                "then": {"tier": "T3", "text": "high"},
            },
            {
                "id": "cold",
                "for": "margaret",
                "kind": "trend",
                "params": {"metric": "room_temperature", "falling_per_hour": 1, "samples": 12},
                "per_device": True,
                "then": {"tier": "T1", "text": "general.trend", "ask": ["im_ok"], "ask_for": "1h"},
            },
        ],
        "texts": {"high": TEXT},
    }


def by_id(plan):
    return {rule.id: rule for rule in plan.rules}


def test_a_pack_comes_with_the_figures_that_were_agreed_for_the_person(document, packs):
    plan = parse_plan(document, packs)
    gain = by_id(plan)["weight-gain"]
    assert (gain.params.rise, gain.params.agreed) == (1.5, 78.5)
    assert gain.params.window == timedelta(hours=84), "what was not set stays"
    assert gain.agreed == "Sam Okoro, 2025-03-01"
    assert by_id(plan)["symptoms-alone"].then.tier is Tier.T4
    assert by_id(plan)["symptoms-alone"].then.text == "heart-failure.symptoms-alone"
    assert "weight-loss" not in by_id(plan)
    assert {rule.version for rule in plan.rules} == {"7"}
    assert {rule.patient for rule in plan.rules} == {"margaret"}


def test_own_rules_stand_beside_those_of_packs(document, packs):
    plan = parse_plan(document, packs)
    pressure = by_id(plan)["pressure-high"]
    assert pressure.params.at_least == 180.0
    assert (pressure.debounce.k, pressure.debounce.n) == (2, 3)
    assert pressure.debounce.persist_for == timedelta(minutes=20)
    assert plan.texts["high"] == TEXT
    assert by_id(plan)["cold"].per_device
    assert plan.people["margaret"].matters == "the allotment"


def _set(path, value):
    def change(document):
        at = document
        *steps, last = path
        for step in steps:
            at = at[step]
        at[last] = value

    return change


RULE = ("rules", 0)
PACK = ("people", 0, "packs", 0)
WRONG = {
    "a word that is not there": (
        _set((*RULE, "debouce"), {}),
        "rules.0.debouce",
        "did you mean 'debounce'?",
    ),
    "a kind that is not there": (
        _set((*RULE, "kind"), "treshold"),
        "rules.0.kind",
        "did you mean 'threshold'?",
    ),
    "a metric that is not there": (
        _set((*RULE, "params", "metric"), "systolic_presure"),
        "rules.0.params.metric",
        "did you mean 'systolic_pressure'?",
    ),
    "a param that is not there": (
        _set((*RULE, "params", "atleast"), 3),
        "rules.0.params.atleast",
        "did you mean 'at_least'?",
    ),
    "another unit": (
        _set((*RULE, "params", "at_least"), "24 kPa"),
        "rules.0.params.at_least",
        "counted in mm[Hg], not kPa",
    ),
    "no number": (
        _set((*RULE, "params", "at_least"), "high"),
        "rules.0.params.at_least",
        "write it like 2.0",
    ),
    "true for a number": (
        _set((*RULE, "params", "at_least"), True),
        "rules.0.params.at_least",
        "is not a number",
    ),
    "two limits": (
        _set((*RULE, "params", "below"), 90),
        "rules.0.params",
        "exactly one of above, at_least, below or at_most",
    ),
    "a limit that never clears": (
        _set((*RULE, "params", "clear_at"), 185),
        "rules.0.params",
        "would never clear",
    ),
    "no duration": (
        _set((*RULE, "debounce", "persist_for"), 20),
        "rules.0.debounce.persist_for",
        "write it like 30s, 20min, 84h or 3d",
    ),
    "k above n": (_set((*RULE, "debounce", "k"), 4), "rules.0.debounce", "1 <= k <= n"),
    "a tier that is not there": (
        _set((*RULE, "then", "tier"), "T6"),
        "rules.0.then.tier",
        "there is no 'T6'",
    ),
    "the tier that nobody can be chosen for": (
        _set((*RULE, "then", "tier"), "T2"),
        "rules.0.then.tier",
        "write T1",
    ),
    "a text that is not there": (
        _set((*RULE, "then", "text"), "hihg"),
        "rules.0.then.text",
        "did you mean 'high'?",
    ),
    "a question that is no answer": (
        _set((*RULE, "then", "ask"), ["body_weight"]),
        "rules.0.then.ask.0",
        "there is no 'body_weight'",
    ),
    "someone who does not live here": (
        _set((*RULE, "for"), "margret"),
        "rules.0.for",
        "did you mean 'margaret'?",
    ),
    "an id that the state's keys can't hold": (
        _set((*RULE, "id"), "High|pressure"),
        "rules.0.id",
        "small letters",
    ),
    "an id that the pack has": (
        _set((*RULE, "id"), "weight-gain"),
        "rules.0.id",
        "choose another id",
    ),
    "a list where a mapping belongs": (_set(RULE, []), "rules.0", "`word: value` lines"),
    "a mapping where a list belongs": (_set(("rules",), {}), "rules", "write a list"),
    "a pack that is not there": (
        _set((*PACK, "pack"), "heart-failur"),
        "people.0.packs.0.pack",
        "did you mean 'heart-failure'?",
    ),
    "a pack's rule that is not there": (
        _set((*PACK, "rules"), {"weight-gian": {"use": False}}),
        "people.0.packs.0.rules.weight-gian",
        "did you mean 'weight-gain'?",
    ),
    "own figures that nobody agreed to": (
        _set((*PACK, "agreed_by"), ""),
        "people.0.packs.0",
        "agreed_by and agreed_on",
    ),
    "an own figure of the wrong type": (
        _set((*PACK, "rules"), {"weight-gain": {"params": {"window": "84 hours"}}}),
        "people.0.packs.0.rules.weight-gain.params.window",
        "is no duration",
    ),
    "a rule left out that another listens to": (
        _set((*PACK, "rules"), {"weight-gain": {"use": False}}),
        "people.0.packs.0.rules.weight-gain-with-symptom.params",
        "there is no 'rule.weight-gain' here",
    ),
    "a rule that listens to one with a state for each device": (
        _set((*RULE, "params"), {"metric": "rule.cold", "at_least": 1}),
        "rules.0.params",
        "leave per_device out",
    ),
    "a rule that listens to itself": (
        _set((*RULE, "params"), {"metric": "rule.pressure-high", "at_least": 1}),
        "rules",
        "listens to itself",
    ),
    "a time zone that is not there": (
        _set(("people", 0, "timezone"), "London"),
        "people.0.timezone",
        "write one like Europe/London",
    ),
    "nobody": (_set(("people",), []), "people", "name who lives here"),
    "a version that is a number": (_set(("version",), 7), "version", "put it in quotes"),
    "a text for some readers only": (
        _set(("texts", "high"), {"person": "p"}),
        "texts.high",
        "nurse is missing",
    ),
    "a text with an open bracket": (
        _set(("texts", "high"), {**TEXT, "log": "{value"}),
        "texts.high.log",
        "write {value}",
    ),
}


@pytest.mark.parametrize(("change", "path", "reason"), WRONG.values(), ids=WRONG)
def test_a_plan_is_refused_with(change, path, reason, document, packs):
    change(document)
    with pytest.raises(PlanError) as caught:
        parse_plan(document, packs)
    assert caught.value.path == path
    assert reason in caught.value.reason


TIMES = [
    ({"metrics": ["body_weight"], "by": "7 o'clock"}, "params.by", 'like "07:30"'),
    (
        {"metrics": ["movement"], "every": "3h", "between": "8 to 9"},
        "params.between",
        "22:00-06:00",
    ),
    ({"metrics": ["movement"], "every": "3h", "between": "08:00-10:00"}, "params", "never due"),
    ({"metrics": ["movement"]}, "params", "exactly one of by, every and after"),
    ({"metrics": [], "every": "3h"}, "params", "name what should come"),
    ({"metrics": ["im_ok"], "after": "rule.cold"}, "params", "after needs within"),
]


@pytest.mark.parametrize(("params", "path", "reason"), TIMES, ids=[row[2] for row in TIMES])
def test_a_rule_about_time_is_refused_with(params, path, reason, document, packs):
    document["rules"][0] |= {"kind": "absence", "params": params}
    with pytest.raises(PlanError) as caught:
        parse_plan(document, packs)
    assert caught.value.path == f"rules.0.{path}"
    assert reason in caught.value.reason


@pytest.mark.parametrize("junk", [None, [], "plan", 3, {"people": 3}, {"version": None}], ids=str)
def test_any_junk_is_refused_as_a_plan_and_as_a_pack(junk, packs):
    with pytest.raises(PlanError):
        parse_plan(junk, packs)
    with pytest.raises(PlanError):
        parse_pack(junk)


PACK_DOCUMENT = {
    "id": "mine",
    "version": "1",
    "title": "Mine",
    "rules": [
        {
            "id": "high",
            "source": "a book",
            "kind": "threshold",
            "params": {"metric": "level", "above": 1},
            "then": {"tier": "T3", "text": "high"},
        }
    ],
    "texts": {"high": TEXT},
    "questions": {"im_ok": "Are you OK?"},
}


def test_a_pack_keeps_its_texts_and_questions_under_its_own_name():
    pack = parse_pack(PACK_DOCUMENT)
    assert pack.texts["mine.high"] == TEXT
    assert pack.questions == {"im_ok": "Are you OK?"}
    assert pack.texts["im_ok"]["person"] == "Are you OK?"
    assert pack.rules[0].then.text == "mine.high"


def test_a_pack_says_where_its_figures_come_from():
    document = deepcopy(PACK_DOCUMENT)
    del document["rules"][0]["source"]
    with pytest.raises(PlanError, match=r"rules\.0\.source: say where"):
        parse_pack(document)
