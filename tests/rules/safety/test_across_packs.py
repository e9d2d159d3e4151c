"""Safety points that hold for every pack that comes with Homebeat, whatever is in it."""

import re
from importlib.resources import files
from pathlib import Path

import pytest

from plumbing.documents import load_yaml
from rules.model import Concern, Tier
from rules.plan import PlanError, parse_pack, parse_plan

ROOT = Path(__file__).parents[3]
POINTS = ROOT / "docs" / "safety" / "points.md"
PACKS = {
    pack.id: pack
    for pack in (
        parse_pack(load_yaml(path))
        for path in sorted(Path(str(files("rules").joinpath("packs"))).glob("*.yaml"))
        if not path.name.endswith(".test.yaml")
    )
}
RULES = {f"{pack.id}.{rule.id}": rule for pack in PACKS.values() for rule in pack.rules}
TEXTS = {key: text for pack in PACKS.values() for key, text in pack.texts.items()}
DIED = "person.died"
NAMED = r"`((?:tests|rules|gateway|server)/[\w./-]+)(::(\w+))?`"
"""A file of the house, and a test in it."""


def rules(*tiers):
    return [pytest.param(rule, id=name) for name, rule in RULES.items() if rule.then.tier in tiers]


@pytest.mark.parametrize("rule", rules(Tier.T4, Tier.T5))
def test_an_urgent_text_says_that_somebody_is_told_or_to_call_for_help(rule):
    said = TEXTS[rule.then.text]["person"]
    assert re.search(r"telling your care team|Help is being called|[Cc]all 999", said)


@pytest.mark.parametrize("rule", rules(Tier.T3))
def test_what_waits_for_the_team_says_so_and_promises_nobody_at_once(rule):
    said = TEXTS[rule.then.text]["person"]
    assert "now" not in re.findall(r"\w+", re.sub(r"is low|turn off", "", said.lower()))


@pytest.mark.parametrize("rule", rules(Tier.T1, Tier.T3, Tier.T4))
def test_nothing_below_an_emergency_is_said_after_a_death(rule):
    assert DIED in [one.by for one in rule.debounce.suppressed_by]


@pytest.mark.parametrize("rule", rules(Tier.T5))
def test_an_emergency_is_held_back_by_nothing_and_never_too_old(rule):
    assert rule.debounce.suppressed_by == ()
    assert rule.debounce.max_age is None


@pytest.mark.parametrize("rule", rules(Tier.T4))
def test_what_is_urgent_is_marked_late_when_it_comes_late(rule):
    assert rule.debounce.max_age is not None


def test_kit_is_never_urgent():
    kit = [rule for rule in RULES.values() if rule.then.concern is Concern.KIT]
    assert kit
    assert max(rule.then.tier for rule in kit) <= Tier.T3


def test_packs_can_be_used_together():
    uses = [{"pack": name} for name in PACKS]
    person = {"id": "someone", "name": "Someone", "simulated": True, "packs": uses}
    plan = parse_plan({"version": "1", "people": [person]}, PACKS)
    assert len(plan.rules) == len({rule.id for rule in plan.rules})


@pytest.mark.parametrize("pack", [name for name, pack in PACKS.items() if pack.rules])
def test_an_unsigned_pack_runs_for_nobody_who_is_real(pack):
    use = {"pack": pack, "agreed_by": "Dr Okoro", "agreed_on": "2025-03-01"}
    person = {"id": "someone", "name": "Someone", "packs": [use]}
    with pytest.raises(PlanError, match="not signed"):
        parse_plan({"version": "1", "people": [person]}, PACKS)


@pytest.mark.parametrize("pack", ["virtual-ward", "dementia"])
def test_a_pack_that_ships_off_holds_for_nobody_by_itself(pack):
    person = {"id": "someone", "name": "Someone", "simulated": True, "packs": [{"pack": pack}]}
    assert parse_plan({"version": "1", "people": [person]}, PACKS).rules == ()


TURNED_ON = [
    pytest.param({"use": True}, False, "agreed_by", id="nobody agreed"),
    pytest.param({"use": True}, True, "basis", id="no consent is recorded"),
    pytest.param({"use": True, "basis": "they seemed happy"}, True, "basis", id="no such basis"),
]


@pytest.mark.parametrize(("own", "agreed", "wrong"), TURNED_ON)
def test_a_rule_that_watches_somebody_is_turned_on_by_name_and_with_consent(own, agreed, wrong):
    use = {"pack": "dementia", "rules": {"night-voice": own}}
    if agreed:
        use |= {"agreed_by": "Dr Okoro", "agreed_on": "2025-03-01"}
    person = {"id": "someone", "name": "Someone", "simulated": True, "packs": [use]}
    with pytest.raises(PlanError) as caught:
        parse_plan({"version": "1", "people": [person]}, PACKS)
    assert wrong in str(caught.value)


@pytest.mark.parametrize("pack", ["home-safety", "dementia"])
def test_a_pack_that_watches_movement_says_whom_it_cannot_tell_apart(pack):
    assert re.search(r"can't (tell|see)", PACKS[pack].source)


def test_the_table_of_points_names_each_point_and_nothing_that_is_not_there():
    table = POINTS.read_text()
    assert re.findall(r"^\| (\d+) \|", table, re.MULTILINE) == [str(n) for n in range(1, 15)]
    gone = []
    for path, _, test in re.findall(
        r"`((?:tests|rules|gateway|server)/[\w./-]+)(::(\w+))?`", table
    ):
        file = ROOT / path
        if not file.exists() or (test and f"def {test}(" not in file.read_text()):
            gone.append((path, test))
    assert gone == []
