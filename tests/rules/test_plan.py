"""Care plans and packs: what is refused, where, and what to write instead."""

from copy import deepcopy
from datetime import timedelta

import pytest
from msgspec import structs

from rules.kinds import kinds
from rules.model import Tier
from rules.plan import PlanError, parse_pack, parse_plan

TEXT = {"person": "It is high.", "nurse": "n", "log": "l"}
URGENT = {"person": "Sit down and rest.", "nurse": "n", "log": "l"}
KEY = "ab" * 32


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
                "simulated": True,
                "packs": [
                    {
                        "pack": "heart-failure",
                        "version": "1",
                        "agreed_by": "Sam Okoro",
                        "agreed_on": "2025-03-01",
                        "rules": {
                            "weight-gain": {"params": {"rise": "1.5 kg", "agreed": 78.5}},
                            "symptoms-alone": {"then": {"tier": "T4", "text": "urgent"}},
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
        "texts": {"high": dict(TEXT), "urgent": dict(URGENT)},
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
    assert by_id(plan)["symptoms-alone"].then.text == "urgent"
    assert by_id(plan)["symptom"].then.text == "heart-failure.symptom"
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
        "people.0.packs.0.rules.weight-gain-team.params",
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
    "not a number": (
        _set((*RULE, "params", "at_least"), ".nan"),
        "rules.0.params.at_least",
        "write it like 2.0",
    ),
    "a number that is none": (
        _set((*RULE, "params", "at_least"), float("nan")),
        "rules.0.params.at_least",
        "is not a finite number",
    ),
    "infinity": (
        _set((*RULE, "params", "at_least"), float("inf")),
        "rules.0.params.at_least",
        "is not a finite number",
    ),
    "a number that no computer holds": (
        _set((*RULE, "params", "at_least"), 10**400),
        "rules.0.params.at_least",
        "too large",
    ),
    "that number with its unit": (
        _set((*RULE, "params", "at_least"), f"{10**400} mm[Hg]"),
        "rules.0.params.at_least",
        "between 50 and 300 mm[Hg]",
    ),
    "a limit that no reading reaches": (
        _set((*RULE, "params", "at_least"), 301),
        "rules.0.params.at_least",
        "between 50 and 300 mm[Hg]",
    ),
    "a limit that no reading passes": (
        _set((*RULE, "params"), {"metric": "smoke", "above": 1}),
        "rules.0.params.above",
        "between 0 and 1",
    ),
    "a limit that every reading reaches": (
        _set((*RULE, "params"), {"metric": "smoke", "at_least": 0}),
        "rules.0.params.at_least",
        "write one inside",
    ),
    "an end that no reading reaches": (
        _set((*RULE, "params", "clear_at"), 20),
        "rules.0.params.clear_at",
        "between 50 and 300 mm[Hg]",
    ),
    "a change that no reading can make": (
        _set(
            (*RULE,),
            {
                "id": "r",
                "for": "margaret",
                "kind": "delta",
                "then": {"tier": "T3", "text": "high"},
                "params": {"metric": "body_weight", "rise": 281, "window": "3d"},
            },
        ),
        "rules.0.params.rise",
        "can change, which is by 280 kg at most",
    ),
    "a window of nothing": (
        _set(
            (*RULE,),
            {
                "id": "r",
                "for": "margaret",
                "kind": "delta",
                "then": {"tier": "T3", "text": "high"},
                "params": {"metric": "body_weight", "rise": 2, "window": "0d"},
            },
        ),
        "rules.0.params",
        "longer than nothing",
    ),
    "a wait of years": (
        _set((*RULE, "debounce", "persist_for"), "9999d"),
        "rules.0.debounce.persist_for",
        "longer than 400d",
    ),
    "a wait of more digits than time has": (
        _set((*RULE, "debounce", "persist_for"), f"{10**400}d"),
        "rules.0.debounce.persist_for",
        "longer than 400d",
    ),
    "late from the start": (
        _set((*RULE, "debounce", "max_age"), "0s"),
        "rules.0.debounce.max_age",
        "longer than nothing",
    ),
    "a placeholder that nobody fills in": (
        _set(("texts", "high", "person"), "It is {valeu}."),
        "texts.high.person",
        "did you mean 'value'?",
    ),
    "a placeholder without a name": (
        _set(("texts", "high", "nurse"), "It is {}."),
        "texts.high.nurse",
        "nobody fills in {}",
    ),
    "a placeholder that says how": (
        _set(("texts", "high", "log"), "It is {value:.1f}."),
        "texts.high.log",
        "write {value} alone",
    ),
    "no words": (_set(("texts", "high", "log"), " "), "texts.high.log", "write the sentence"),
    "a prompt that orders": (
        _set(("texts", "high", "person"), "You must rest."),
        "texts.high.person",
        "It helps to",
    ),
    "a prompt that nobody says and that orders": (
        _set(("texts", "spare"), {**TEXT, "person": "You must rest."}),
        "texts.spare.person",
        "It helps to",
    ),
    "a verdict for staff": (
        _set(("texts", "high", "nurse"), "Weight is normal."),
        "texts.high.nurse",
        "is a verdict",
    ),
    "an urgent prompt without the action": (
        _set((*RULE, "then", "tier"), "T4"),
        "texts.high.person",
        "begin with",
    ),
    "a pack's prompt that is made urgent": (
        _set((*PACK, "rules"), {"symptoms-alone": {"then": {"tier": "T4"}}}),
        "people.0.packs.0.rules.symptoms-alone.then.text",
        "Write a text of your own",
    ),
    "a day that is none": (
        _set((*PACK, "agreed_on"), "2025-02-30"),
        "people.0.packs.0.agreed_on",
        'write it like "2025-03-03"',
    ),
    "a day written as a week's": (
        _set((*PACK, "agreed_on"), "2025-W09-6"),
        "people.0.packs.0.agreed_on",
        'write it like "2025-03-03"',
    ),
    "an own rule's day that is none": (
        _set((*RULE, "agreed_on"), "in March"),
        "rules.0.agreed_on",
        'write it like "2025-03-03"',
    ),
    "another version of the pack": (
        _set((*PACK, "version"), "0"),
        "people.0.packs.0.version",
        "read version '1', agree on it, and write it",
    ),
    "a pack for someone real that nobody signed": (
        _set(("people", 0, "simulated"), False),
        "people.0.packs.0.pack",
        "have it signed (homebeat rules sign)",
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


@pytest.fixture
def for_someone_real(document):
    document["people"][0]["simulated"] = False
    return document


@pytest.fixture
def signed(packs):
    """The packs, as if the holder of KEY had signed them."""
    return {name: structs.replace(pack, signed_by=KEY) for name, pack in packs.items()}


@pytest.mark.parametrize("signers", [None, [KEY]], ids=["anybody's counts", "this one counts"])
def test_a_signed_pack_that_a_clinician_agreed_to_counts_for_someone_real(
    signers, for_someone_real, signed
):
    plan = parse_plan(for_someone_real, signed, signers)
    assert by_id(plan)["weight-gain"].agreed == "Sam Okoro, 2025-03-01"
    assert not plan.people["margaret"].simulated


@pytest.mark.parametrize("word", ["agreed_by", "agreed_on"])
def test_a_signed_pack_that_nobody_agreed_to_does_not_count_for_someone_real(
    word, for_someone_real, signed
):
    used = for_someone_real["people"][0]["packs"][0]
    del used[word]
    del used["rules"]
    with pytest.raises(PlanError, match="give agreed_by and agreed_on") as caught:
        parse_plan(for_someone_real, signed)
    assert caught.value.path == "people.0.packs.0"


@pytest.mark.parametrize("signers", [[], ["cd" * 32]], ids=["nobody's counts", "another's counts"])
def test_a_pack_signed_by_a_stranger_does_not_count_for_someone_real(
    signers, for_someone_real, signed
):
    with pytest.raises(PlanError, match=r"\[packs\] signers") as caught:
        parse_plan(for_someone_real, signed, signers)
    assert caught.value.path == "people.0.packs.0.pack"


def test_someone_real_can_have_rules_of_their_own_without_a_pack(for_someone_real, packs):
    for_someone_real["people"][0]["packs"] = []
    for_someone_real["rules"][0] |= {"agreed_by": "Sam Okoro", "agreed_on": "2025-03-01"}
    plan = parse_plan(for_someone_real, packs, [])
    assert by_id(plan)["pressure-high"].agreed == "Sam Okoro, 2025-03-01"
    assert by_id(plan)["cold"].agreed == ""


WINDOWS = {
    f"{name} {field.name}": (kind.params_type, structs.asdict(example), field.name)
    for name, kind in kinds().items()
    for example in kind.examples
    for field in structs.fields(kind.params_type)
    if isinstance(getattr(example, field.name), timedelta) and getattr(example, field.name)
}
MAY_BE_NOTHING = {"grace", "apart", "repeats_within", "least"}


@pytest.mark.parametrize(("params", "given", "field"), WINDOWS.values(), ids=WINDOWS)
def test_no_kind_has_a_window_of_nothing(params, given, field):
    if field in MAY_BE_NOTHING:
        assert getattr(params(**{**given, field: timedelta(0)}), field) == timedelta(0)
        return
    with pytest.raises(ValueError):
        params(**{**given, field: timedelta(0)})


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


WRONG_PACK = {
    "a blank source": (_set(("rules", 0, "source"), " "), "rules.0.source", "say where"),
    "whose rule it is": (
        _set(("rules", 0, "for"), "margaret"),
        "rules.0.for",
        "there is no 'for' here",
    ),
    "a question that is none": (
        _set(("questions", "im_ok"), "Tell us how you are."),
        "questions.im_ok",
        'with "?" at its end',
    ),
    "a question about a metric that is not there": (
        _set(("questions", "im_okay"), "Are you OK?"),
        "questions.im_okay",
        "did you mean 'im_ok'?",
    ),
    "a prompt with a word of the trade": (
        _set(("texts", "high", "person"), "Your systolic pressure is high."),
        "texts.high.person",
        "write 'upper number'",
    ),
    "a prompt that takes an older reader": (
        _set(("texts", "high", "person"), "Physiological deterioration necessitates observation."),
        "texts.high.person",
        "shorter sentences of shorter words",
    ),
    "an urgent prompt without the action": (
        _set(("rules", 0, "then", "tier"), "T5"),
        "texts.high.person",
        "begin with",
    ),
    "words to measure again that are not there": (
        _set(("rules", 0, "then", "repeat"), "agian"),
        "rules.0.then.repeat",
        "there is no 'agian' here",
    ),
}


@pytest.mark.parametrize(("change", "path", "reason"), WRONG_PACK.values(), ids=WRONG_PACK)
def test_a_pack_is_refused_with(change, path, reason):
    document = deepcopy(PACK_DOCUMENT)
    change(document)
    with pytest.raises(PlanError) as caught:
        parse_pack(document)
    assert caught.value.path == path
    assert reason in caught.value.reason


def test_a_pack_says_who_signed_it():
    assert parse_pack(PACK_DOCUMENT).signed_by == ""
    assert parse_pack(PACK_DOCUMENT, KEY).signed_by == KEY
