"""Somebody else lives there: a rule says whom it can't tell apart, and who is called reads it."""

from datetime import UTC, datetime

import pytest

from rules.explain import explain_rule
from rules.model import Evidence, Finding, Phase
from rules.outcome import decide
from rules.plan import parse_plan
from rules.unseen import BY_PEOPLE, BY_PETS, unseen
from rules.words import sentence

AT = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)
TOM = {"kind": "person", "name": "Tom"}
ANN = {"kind": "person", "name": "Ann"}
REX = {"kind": "pet", "name": "Rex"}
FROM_TOM = "The sensors can't tell Margaret from Tom, who lives there too."
TEXTS = {"words": {"person": "Please look.", "nurse": "Call now: look.", "log": "look"}}


def rule(rule_id, metric):
    at_least = 60 if metric == "body_weight" else 1
    kind = {"kind": "threshold", "params": {"metric": metric, "at_least": at_least}}
    return {"id": rule_id, "for": "margaret", **kind, "then": {"tier": "T3", "text": "words"}}


def plan(lives_with, rules, others=()):
    margaret = {"id": "margaret", "name": "Margaret Ellis", "lives_with": list(lives_with)}
    people = [margaret, *({"id": one.lower(), "name": one} for one in others)]
    return parse_plan({"version": "1", "people": people, "rules": rules, "texts": TEXTS}, {})


CASES = {
    "a person and movement": ([TOM], "movement", FROM_TOM),
    "a person and a door": ([TOM], "door_open", FROM_TOM),
    "a person and the medicine box": ([TOM], "medicine_box_open", FROM_TOM),
    "two people": (
        [TOM, ANN],
        "kettle_on",
        "The sensors can't tell Margaret from Tom and Ann, who live there too.",
    ),
    "a pet and movement": ([REX], "movement", "Rex, a pet, can set off: Movement."),
    "a pet and the bed": ([REX], "bed_occupied", "Rex, a pet, can set off: In bed."),
    "a pet opens no door": ([REX], "door_open", ""),
    "a pet boils no water": ([REX], "kettle_on", ""),
    "a person and a pet": (
        [TOM, REX],
        "movement",
        f"{FROM_TOM} Rex, a pet, can set off: Movement.",
    ),
    "nobody else": ([], "movement", ""),
    "a weight is somebody's": ([TOM, REX], "body_weight", ""),
    "a word is the person's own": ([TOM, REX], "im_ok", ""),
    "smoke is everybody's": ([TOM, REX], "smoke", ""),
}


@pytest.mark.parametrize(("lives_with", "metric", "says"), CASES.values(), ids=CASES)
def test_a_rule_says_whom_it_cannot_tell_apart(lives_with, metric, says):
    home = plan(lives_with, [rule("one", metric)])
    assert unseen(home, home.rules[0]) == says
    assert says in explain_rule(home.rules[0], unseen=says)


def test_a_rule_that_hears_another_rests_on_what_that_one_rests_on():
    home = plan(
        [TOM], [rule("one", "movement"), rule("two", "rule.one"), rule("three", "rule.two")]
    )
    assert {unseen(home, one) for one in home.rules} == {FROM_TOM}


def test_another_person_of_the_plan_lives_there_as_well_and_is_named_once():
    home = plan([TOM], [rule("one", "movement")], others=("Tom", "Joan"))
    assert unseen(home, home.rules[0]) == (
        "The sensors can't tell Margaret from Tom and Joan, who live there too."
    )


@pytest.mark.parametrize(("lives_with", "ends"), [([TOM], FROM_TOM), ([], "Call now: look.")])
def test_a_nurse_reads_it_after_the_words_of_the_alert_and_the_person_does_not(lives_with, ends):
    home = plan(lives_with, [rule("one", "movement")])
    finding = Finding(
        id="1", rule="one", version="1", patient="margaret", phase=Phase.ACTIVE,
        tier=home.rules[0].then.tier, family="one", at=AT, because=Evidence(),
    )  # fmt: skip
    alert = decide(home, finding, AT).alert
    assert alert is not None
    assert sentence(home.texts, alert.text, "nurse", alert.values).startswith("Call now: look.")
    assert sentence(home.texts, alert.text, "nurse", alert.values).endswith(ends)
    assert sentence(home.texts, alert.text, "person", alert.values) == "Please look."
    assert sentence(home.texts, alert.text, "log", alert.values) == "look"


def test_what_a_pet_sets_off_anybody_can():
    assert BY_PETS < BY_PEOPLE
