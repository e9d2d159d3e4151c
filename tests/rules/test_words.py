"""Numbers, durations and sentences as people write them."""

import ast
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import rules.words
from rules.kinds.threshold import Params
from rules.model import Evidence, Finding, Number, Person, Phase, Rule, Then, Tier
from rules.outcome import values_of
from rules.words import PLACEHOLDERS, fillable, sentence, shown, span_text

SHOWN = [
    ((82.34, "kg"), "82.3 kg"),
    ((118.0, "mm[Hg]"), "118 mmHg"),
    ((97.0, "%"), "97%"),
    ((36.65, "Cel", 1), "36.6°C"),
    ((-2.0, "kg"), "-2.0 kg"),
    ((0.25, "kg/d"), "0.25 kg a day"),
    ((1.0, "h"), "1 hour"),
    ((4.5, "h"), "4.5 hours"),
    ((10.0, "min"), "10 minutes"),
    ((3.0, "1"), "3"),
    ((5.5, "furlong"), "5.50 furlong"),
]


@pytest.mark.parametrize(("number", "text"), SHOWN, ids=[text for _, text in SHOWN])
def test_a_number_is_shown_with_its_unit(number, text):
    assert shown(*number) == text


SPANS = [
    (timedelta(hours=84), "84 hours"),
    (timedelta(minutes=20), "20 minutes"),
    (timedelta(days=28), "28 days"),
    (timedelta(days=3), "72 hours"),
    (timedelta(hours=1), "1 hour"),
    (timedelta(seconds=90), "90 seconds"),
]


@pytest.mark.parametrize(("span", "text"), SPANS, ids=[text for _, text in SPANS])
def test_a_duration_is_said_in_the_unit_in_which_people_think(span, text):
    assert span_text(span) == text


TEXTS = {"up": {"person": "Up by {difference}.", "nurse": "{value} {gone}", "log": "{value}"}}


def test_a_sentence_is_filled_in_for_its_reader():
    assert sentence(TEXTS, "up", "person", {"difference": "2.3 kg"}) == "Up by 2.3 kg."


def test_a_value_that_is_not_there_shows_as_such():
    assert sentence(TEXTS, "up", "nurse", {"value": "82.3 kg"}) == "82.3 kg …"


def test_an_unknown_text_still_says_what_there_is_to_say():
    values = {"title": "Weight gain", "numbers": "value 82.3 kg"}
    assert sentence(TEXTS, "newer", "nurse", values) == "Weight gain. value 82.3 kg"


def test_a_metric_without_a_question_is_asked_by_its_title():
    assert sentence({}, "symptom.pillows", "person", {}) == "More pillows at night"


RULES = Path(rules.words.__file__).parent


def numbers_named_in(path):
    """The names that its code gives to the numbers of evidence."""
    return {
        word.value.value
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "Number"
        for word in call.keywords
        if word.arg == "name" and isinstance(word.value, ast.Constant)
    }


SOURCES = sorted([*RULES.glob("kinds/*.py"), RULES / "debounce.py", RULES / "branches.py"])


@pytest.mark.parametrize("path", SOURCES, ids=[path.stem for path in SOURCES])
def test_every_number_that_a_rule_gives_can_be_named_in_a_text(path):
    assert [name for name in numbers_named_in(path) if not fillable(name)] == []


ONE = Number(name="change", value=1.0, unit="1")
PERSON = Person(id="margaret", name="Margaret")
RULE = Rule(
    id="high",
    version="1",
    patient="margaret",
    kind="threshold",
    params=Params(metric="level", above=1.0),
    then=Then(tier=Tier.T3, text="high"),
    family="level",
)
FINDING = Finding(
    id="one",
    rule="high",
    version="1",
    patient="margaret",
    phase=Phase.ACTIVE,
    tier=Tier.T3,
    family="level",
    at=datetime(2025, 3, 3, tzinfo=UTC),
    because=Evidence(limit=ONE, counterfactual=ONE, missing="body_weight"),
)


def test_no_placeholder_is_offered_that_nothing_gives():
    given = set().union(*(numbers_named_in(path) for path in SOURCES))
    always = values_of(PERSON, RULE, FINDING)
    assert PLACEHOLDERS.keys() - given - always.keys() == {"score", "floor"}
