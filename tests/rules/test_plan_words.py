"""Words that hold a rule back, as a plan or pack may write them."""

from datetime import timedelta
from typing import Any

import pytest

from rules.model import Concern, Suppressor
from rules.plan import PlanError, parse_pack, parse_plan

H = timedelta(hours=1)
CALM = {"person": "Measure again, please.", "nurse": "High at {at}.", "log": "high"}
URGENT = {"person": "Sit down and rest.", "nurse": "Call now.", "log": "urgent"}


def rule(rule_id="high", tier="T3", debounce=None, then=None, **more: Any) -> dict[str, Any]:
    urgent = tier in ("T4", "T5")
    return {
        "id": rule_id,
        "source": "a test",
        "kind": "threshold",
        "params": {"metric": "level", "above": 10},
        "debounce": debounce or {},
        "then": {"tier": tier, "text": "urgent" if urgent else "calm", **(then or {})},
        **more,
    }


def planned(*rules: dict[str, Any]) -> Any:
    return parse_plan(
        {
            "version": "1",
            "people": [{"id": "tester", "name": "Tester", "simulated": True}],
            "rules": [{"for": "tester", **one} for one in rules],
            "texts": {"calm": CALM, "urgent": URGENT},
        },
        {},
    )


def packed(*rules: dict[str, Any], suppressed_by: Any = ()) -> Any:
    return parse_pack(
        {
            "id": "pack",
            "version": "1",
            "title": "Pack",
            "source": "a test",
            "suppressed_by": list(suppressed_by),
            "rules": list(rules),
            "texts": {"calm": CALM, "urgent": URGENT},
        }
    )


DELAYS = {
    "quality_gate": ["poor-signal"],
    "rate_limit": {"count": 1, "per": "1h"},
    "same_direction_window": "1h",
    "suppressed_by": ["person.away"],
    "repeat_after_rest": {"rest": "5min", "within": "20min"},
    "cooldown": "1h",
}


@pytest.mark.parametrize("word", DELAYS)
def test_an_emergency_is_held_back_by_nothing(word):
    held = {word: DELAYS[word]}
    with pytest.raises(PlanError, match="leave it out of a rule of tier T5") as caught:
        planned(rule(tier="T5", debounce=held, then={"repeat": "calm"}))
    assert caught.value.path == f"rules.0.debounce.{word}"
    assert planned(rule(tier="T4", debounce=held, then={"repeat": "urgent"})).rules


REFUSED = [
    pytest.param(
        [rule(debounce={"repeat_after_rest": DELAYS["repeat_after_rest"]})],
        "repeat is missing",
        id="a repeat without words",
    ),
    pytest.param(
        [rule(debounce={"suppressed_by": ["level"]})], "is no state", id="a quantity is no state"
    ),
    pytest.param(
        [rule(debounce={"suppressed_by": ["person.awya"]})], "person.away", id="a slip of the pen"
    ),
    pytest.param([rule(debounce={"suppressed_by": ["rule.none"]})], "rule.none", id="no such rule"),
    pytest.param([rule(debounce={"suppressed_by": ["rule.high"]})], "rule.high", id="itself"),
    pytest.param(
        [rule(debounce={"suppressed_by": ["rule.other"]}, per_device=True), rule("other")],
        "can't be heard",
        id="a rule of each device hears no other",
    ),
    pytest.param(
        [
            rule(debounce={"suppressed_by": ["rule.other"]}),
            rule("other", debounce={"suppressed_by": ["rule.high"]}),
        ],
        "listens to itself",
        id="two that hold each other back",
    ),
    pytest.param([rule(debounce={"quality_gate": ["poor"]})], "poor-signal", id="no such mark"),
    pytest.param(
        [
            rule(
                debounce={"repeat_after_rest": {"rest": "20min", "within": "20min"}},
                then={"repeat": "calm"},
            )
        ],
        "within is longer than rest",
        id="no time for the repeat",
    ),
    pytest.param(
        [rule(debounce={"rate_limit": {"count": 0, "per": "1h"}})], "at least one", id="no rate"
    ),
]


@pytest.mark.parametrize(("rules", "words"), REFUSED)
def test_a_plan_is_refused_with_what_to_write(rules, words):
    with pytest.raises(PlanError, match=words):
        planned(*rules)


AWAY, OFFLINE = Suppressor(by="person.away"), Suppressor(by="kit.gateway_offline", rest=3 * H)
WRITTEN = ["person.away", {"by": "kit.gateway_offline", "rest": "3h"}]


def test_a_pack_holds_back_all_its_rules_below_emergencies_that_do_not_say_otherwise():
    pack = packed(
        rule("plain"),
        rule("own", debounce={"suppressed_by": ["person.died"]}),
        rule("never", debounce={"suppressed_by": []}),
        rule("sos", tier="T5"),
        suppressed_by=[*WRITTEN, "rule.plain"],
    )
    held = {one.id: one.debounce.suppressed_by for one in pack.rules}
    assert held == {
        "plain": (AWAY, OFFLINE),
        "own": (Suppressor(by="person.died"),),
        "never": (),
        "sos": (),
    }


def test_a_persons_own_figures_keep_what_holds_the_pack_back():
    pack = packed(rule(), suppressed_by=WRITTEN)
    own = {"high": {"params": {"above": 12}, "then": {"concern": "kit", "time_critical": True}}}
    used = {"pack": "pack", "agreed_by": "Dr Example", "agreed_on": "2025-01-01", "rules": own}
    person = {"id": "tester", "name": "Tester", "simulated": True, "packs": [used]}
    (one,) = parse_plan({"version": "1", "people": [person]}, {"pack": pack}).rules
    assert one.debounce.suppressed_by == (AWAY, OFFLINE)
    assert (one.then.concern, one.then.at_once) == (Concern.KIT, True)


def test_who_else_lives_there_and_when_it_is_quiet():
    person = {
        "id": "tester",
        "name": "Tester",
        "quiet_hours": "22:00-07:00",
        "lives_with": [{"kind": "pet", "name": "Rex"}],
        "simulated": True,
    }
    plan = parse_plan({"version": "1", "people": [person]}, {})
    found = plan.people["tester"]
    assert str(found.quiet_hours) == "22:00-07:00"
    assert [(one.kind, one.name) for one in found.lives_with] == [("pet", "Rex")]
    assert found.simulated


def hears(rule_id, *others, tier="T5"):
    of = [{"metric": f"rule.{other}"} for other in others]
    return rule(rule_id, tier=tier, kind="any", params={"of": [*of, {"metric": "smoke"}]})


@pytest.mark.parametrize("word", DELAYS)
def test_an_emergency_hears_no_rule_that_may_be_held_back(word):
    held = rule(debounce={word: DELAYS[word]}, then={"repeat": "calm"})
    for rules in (
        (held, hears("fire", "high")),
        (held, hears("between", "high", tier="T3"), hears("fire", "between")),
    ):
        with pytest.raises(PlanError, match=rf"rule\.high may be held back by its {word}"):
            planned(*rules)
    assert planned(held, hears("fire", "high", tier="T4")).rules


def test_an_emergency_may_hear_a_rule_that_nothing_holds_back():
    assert planned(rule(debounce={"k": 2, "n": 3}), hears("fire", "high")).rules
