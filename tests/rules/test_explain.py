"""A rule in plain words: every word of its debouncing, and who agreed to its figures."""

from datetime import timedelta

import pytest
from msgspec import structs

from devices.model import Quality
from rules.explain import explain_rule
from rules.model import (
    Concern,
    Debounce,
    RateLimit,
    RepeatAfterRest,
    Suppressor,
    Then,
    Tier,
)

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
WORDS = {
    "k of n": ({"k": 2, "n": 3}, "2 of 3 times"),
    "persist_for": ({"persist_for": 20 * MINUTE}, "for 20 minutes without a break"),
    "max_gap": (
        {"persist_for": 20 * MINUTE, "max_gap": 36 * HOUR},
        "(readings more than 36 hours apart are no stretch)",
    ),
    "cooldown": ({"cooldown": 2 * HOUR}, "not again within 2 hours after it ended"),
    "max_age": ({"max_age": 4 * HOUR}, "Later than 4 hours it counts as late."),
    "quality_gate": (
        {"quality_gate": (Quality.POOR_SIGNAL, Quality.MOVEMENT)},
        "A reading marked poor-signal or movement counts neither way.",
    ),
    "repeat_after_rest": (
        {"repeat_after_rest": RepeatAfterRest(rest=5 * MINUTE, within=20 * MINUTE)},
        "rest for 5 minutes and to measure once more; with no repeat within 20 minutes it counts",
    ),
    "two repeats": (
        {"repeat_after_rest": RepeatAfterRest(rest=5 * MINUTE, within=20 * MINUTE, times=2)},
        "to measure 2 times more",
    ),
    "rate_limit": (
        {"rate_limit": RateLimit(count=3, per=24 * HOUR)},
        "It begins at most 3 times in 24 hours.",
    ),
    "same_direction_window": (
        {"same_direction_window": 24 * HOUR},
        "Within 24 hours after it began, it begins again only when it is worse.",
    ),
    "suppressed_by": (
        {"suppressed_by": (Suppressor(by="person.away"), Suppressor(by="rule.fall", rest=HOUR))},
        "rule.fall (and 1 hour after it).",
    ),
}


@pytest.fixture
def high(rule):
    """A rule with these words of the debounce."""

    def make(**debounce):
        return rule("threshold", metric="level", above=10.0, debounce=debounce)

    return make


@pytest.mark.parametrize(("debounce", "said"), WORDS.values(), ids=WORDS)
def test_a_word_of_the_debounce_is_explained(debounce, said, high):
    assert said in explain_rule(high(**debounce))
    assert said not in explain_rule(high())


def test_every_word_of_the_debounce_has_a_case_here():
    shown = {word for debounce, _ in WORDS.values() for word in debounce}
    assert shown == set(Debounce.__struct_fields__)


def test_a_doubtful_reading_is_asked_about_where_there_are_words_for_it(high):
    rule = high(quality_gate=(Quality.POOR_SIGNAL,))
    asking = structs.replace(rule, then=structs.replace(rule.then, repeat="again"))
    assert "and the person is asked to measure again." in explain_rule(asking)


@pytest.mark.parametrize("tier", Tier)
def test_every_tier_is_explained(tier, high):
    rule = structs.replace(high(), then=Then(tier=tier, text="high"))
    assert explain_rule(rule).startswith("When Level above 10")
    assert ("Quiet hours do not hold it back." in explain_rule(rule)) is (tier >= Tier.T4)


def test_what_concerns_the_equipment_is_said_to_go_elsewhere(high):
    rule = structs.replace(high(), then=Then(tier=Tier.T3, text="high", concern=Concern.KIT))
    assert "those who look after the equipment" in explain_rule(rule)
    assert "the care team" not in explain_rule(rule)


def test_questions_source_and_who_agreed_are_named(high):
    rule = structs.replace(
        high(),
        then=Then(tier=Tier.T1, text="high", ask=("symptom.pillows",), ask_for=HOUR),
        source="a book",
        agreed="Sam Okoro, 2025-03-01",
    )
    said = explain_rule(rule)
    assert "Asked, for 1 hour: More pillows at night." in said
    assert said.endswith("Agreed with Sam Okoro, 2025-03-01. Source: a book")


def test_another_rule_is_called_by_its_title_where_that_is_known(rule, high):
    waits = rule(
        "absence",
        metrics=["symptom.pillows", "symptom.fainted"],
        after="rule.weight-gain",
        within=4 * HOUR,
        debounce={"suppressed_by": (Suppressor(by="rule.fever"), Suppressor(by="person.died"))},
    )
    said = explain_rule(waits, titles={"weight-gain": "Weight gain", "fever": "A fever"})
    assert said.startswith(
        "When not all of More pillows at night and Fainted were answered within 4 hours after "
        '"Weight gain", '
    )
    assert 'Held back by: "A fever", Died.' in said
    assert "after rule.weight-gain" in explain_rule(waits)


def test_an_event_that_is_waited_upon_is_called_by_its_title(rule):
    waits = rule("absence", metrics=["im_ok"], after="fall_suspected", within=15 * MINUTE)
    assert explain_rule(waits).startswith("When no I'm OK within 15 minutes after Possible fall")
