"""The JSON Schema says of a document's structure what the reader says, by an outside validator."""

from copy import deepcopy
from importlib.resources import files
from pathlib import Path

import pytest
from jsonschema import Draft7Validator

from devices.metrics import METRICS
from plumbing.documents import load_yaml
from rules import shapes
from rules.kinds import kinds
from rules.model import Debounce
from rules.place import PlanError
from rules.plan import parse_pack, parse_plan
from rules.schema import SCHEMAS, definitions

PACKS = Path(str(files("rules").joinpath("packs")))
DEPLOY = Path(__file__).parent.parent.parent / "deploy"
SHIPPED = {
    **{
        path.name: ("test" if path.stem.endswith(".test") else "pack", path)
        for path in sorted(PACKS.glob("*.yaml"))
    },
    "plan.example.yaml": ("plan", DEPLOY / "plan.example.yaml"),
}


def wrong(name, document):
    found = Draft7Validator(SCHEMAS[name]()).iter_errors(document)
    return [f"{error.json_path}: {error.message}" for error in found]


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_is_one(name):
    Draft7Validator.check_schema(SCHEMAS[name]())


@pytest.mark.parametrize(("name", "path"), SHIPPED.values(), ids=SHIPPED)
def test_what_is_shipped_is_as_its_schema_says(name, path):
    assert wrong(name, load_yaml(path)) == []


@pytest.mark.parametrize(("name", "path"), SHIPPED.values(), ids=SHIPPED)
def test_what_is_shipped_names_its_schema_so_that_editors_complete_it(name, path):
    marker, _, schema = path.read_text().splitlines()[0].partition("$schema=")
    assert marker == "# yaml-language-server: "
    assert (path.parent / schema).resolve() == (
        DEPLOY.parent / "docs" / "reference" / f"{name}.schema.json"
    )


PACK = {
    "id": "mine",
    "version": "1",
    "title": "Mine",
    "source": "a book",
    "ships": "on",
    "suppressed_by": ["person.away", {"by": "kit.gateway_offline", "rest": "3h"}],
    "rules": [
        {
            "id": "high",
            "title": "High",
            "source": "a book",
            "kind": "threshold",
            "params": {"metric": "body_weight", "above": "80 kg", "clear_after": "6h"},
            "debounce": {
                "k": 2,
                "n": 3,
                "persist_for": "20min",
                "cooldown": "1h",
                "max_age": "4h",
                "max_gap": "2h",
                "quality_gate": ["poor-signal"],
                "rate_limit": {"count": 3, "per": "24h"},
                "same_direction_window": "24h",
                "repeat_after_rest": {"rest": "5min", "within": "20min", "times": 1},
                "suppressed_by": ["person.away"],
            },
            "per_device": False,
            "family": "weight",
            "then": {
                "tier": "T3",
                "text": "high",
                "ask": ["symptom.pillows"],
                "ask_for": "4h",
                "repeat": "again",
                "time_critical": False,
                "concern": "clinical",
            },
            "ships": "off",
            "needs": "consent",
        }
    ],
    "questions": {"symptom.pillows": "Did you need more pillows last night?"},
    "texts": {
        "high": {"person": "It is high.", "nurse": "High.", "log": "high"},
        "again": {"person": "Please measure again.", "nurse": "Again.", "log": "again"},
    },
}
PLAN = {
    "version": "1",
    "people": [
        {
            "id": "margaret",
            "name": "Margaret Ellis",
            "timezone": "Europe/London",
            "matters": "my garden",
            "simulated": True,
            "quiet_hours": "22:00-07:00",
            "lives_with": [{"kind": "pet", "name": "Rex"}],
            "packs": [
                {
                    "pack": "mine",
                    "version": "1",
                    "agreed_by": "Sam Okoro",
                    "agreed_on": "2025-03-01",
                    "rules": {
                        "high": {
                            "use": True,
                            "basis": "consent",
                            "params": {"above": 79},
                            "debounce": {"n": 4},
                            "then": {"tier": "T1"},
                        }
                    },
                }
            ],
        }
    ],
    "rules": [
        {
            "id": "cold",
            "for": "margaret",
            "title": "Cold",
            "source": "agreed at home",
            "kind": "threshold",
            "params": {"metric": "room_temperature", "below": 18},
            "debounce": {"persist_for": "2h"},
            "per_device": False,
            "family": "room",
            "then": {"tier": "T1", "text": "cold"},
            "agreed_by": "Sam Okoro",
            "agreed_on": "2025-03-01",
        }
    ],
    "texts": {"cold": {"person": "It is cold.", "nurse": "Cold.", "log": "cold"}},
}
PARTS = {
    "a pack": ("pack", shapes.PACK, ()),
    "a pack's rule": ("pack", shapes.PACK_RULE, ("rules", 0)),
    "what follows": ("pack", shapes.THEN, ("rules", 0, "then")),
    "a plan": ("plan", shapes.PLAN, ()),
    "a person": ("plan", shapes.PERSON, ("people", 0)),
    "the use of a pack": ("plan", shapes.USE, ("people", 0, "packs", 0)),
    "own figures": ("plan", shapes.OVERRIDE, ("people", 0, "packs", 0, "rules", "high")),
    "a home's own rule": ("plan", shapes.OWN_RULE, ("rules", 0)),
}
WORDS = {
    f"{part}: {word}": (name, path, word, row.needed)
    for part, (name, shape, path) in PARTS.items()
    for word, row in shape.items()
}


def at(document, path):
    for step in path:
        document = document[step]
    return document


def read(name, document):
    if name == "pack":
        return parse_pack(document)
    return parse_plan(document, {"mine": parse_pack(PACK)})


@pytest.mark.parametrize("name", ["pack", "plan"])
def test_a_document_with_every_word_is_read_and_is_as_the_schema_says(name):
    document = PACK if name == "pack" else PLAN
    read(name, document)
    assert wrong(name, document) == []


@pytest.mark.parametrize(("name", "path", "word", "needed"), WORDS.values(), ids=WORDS)
def test_reader_and_schema_need_the_same_words(name, path, word, needed):
    document = deepcopy(PACK if name == "pack" else PLAN)
    del at(document, path)[word]
    assert bool(wrong(name, document)) is needed
    if needed:
        with pytest.raises(PlanError, match=word):
            read(name, document)


@pytest.mark.parametrize(("name", "shape", "path"), PARTS.values(), ids=PARTS)
def test_reader_and_schema_refuse_the_same_unknown_word(name, shape, path):
    document = deepcopy(PACK if name == "pack" else PLAN)
    at(document, path)["unheard"] = 1
    assert any("unheard" in line for line in wrong(name, document))
    with pytest.raises(PlanError, match="unheard"):
        read(name, document)


BAD = {
    "a kind that is not there": (("rules", 0, "kind"), "treshold"),
    "a metric that is not there": (("rules", 0, "params", "metric"), "systolic_presure"),
    "a param that is not there": (("rules", 0, "params", "atleast"), 3),
    "a param of another kind": (("rules", 0, "params", "window"), "3d"),
    "no number": (("rules", 0, "params", "above"), "high"),
    "true for a number": (("rules", 0, "params", "above"), True),
    "not a number": (("rules", 0, "params", "above"), ".nan"),
    "infinity": (("rules", 0, "params", "above"), ".inf"),
    "no duration": (("rules", 0, "debounce", "persist_for"), 20),
    "a word of the debounce that is not there": (("rules", 0, "debounce", "cooldwn"), "1h"),
    "half of a rate limit": (("rules", 0, "debounce", "rate_limit"), {"count": 3}),
    "a mark that no device sets": (("rules", 0, "debounce", "quality_gate"), ["noisy"]),
    "a tier that is not there": (("rules", 0, "then", "tier"), "T6"),
    "the tier that nobody can be chosen for": (("rules", 0, "then", "tier"), "T2"),
    "a question that is no answer": (("rules", 0, "then", "ask"), ["body_weight"]),
    "a concern that is not there": (("rules", 0, "then", "concern"), "fire"),
    "an id with a space": (("rules", 0, "id"), "High pressure"),
    "a list where a mapping belongs": (("rules", 0), []),
    "a mapping where a list belongs": (("rules",), {}),
    "a version that is a number": (("version",), 1),
    "a text for some readers only": (("texts", "high"), {"person": "It is high."}),
    "a question for what is no answer": (("questions",), {"body_weight": "Are you heavy?"}),
    "a ships that is neither": (("ships",), "maybe"),
}
BAD_PLAN = {
    "a day that is none": (("people", 0, "packs", 0, "agreed_on"), "yesterday"),
    "a flag that is text": (("people", 0, "simulated"), "yes"),
    "nobody": (("people",), []),
    "hours that are none": (("people", 0, "quiet_hours"), "at night"),
    "a companion of no kind": (("people", 0, "lives_with"), [{"kind": "ghost", "name": "Rex"}]),
    "an own figure that no kind has": (
        ("people", 0, "packs", 0, "rules", "high", "params"),
        {"abov": 3},
    ),
    "a basis that is none": (("people", 0, "packs", 0, "rules", "high", "basis"), "habit"),
}


@pytest.mark.parametrize(
    ("name", "path", "value"),
    [
        *(("pack", path, value) for path, value in BAD.values()),
        *(("plan", path, value) for path, value in BAD_PLAN.values()),
    ],
    ids=[*BAD, *BAD_PLAN],
)
def test_reader_and_schema_both_refuse(name, path, value):
    document = deepcopy(PACK if name == "pack" else PLAN)
    at(document, path[:-1])[path[-1]] = value
    assert wrong(name, document) != []
    with pytest.raises(PlanError):
        read(name, document)


@pytest.mark.parametrize("kind", kinds().values(), ids=kinds())
def test_a_kind_is_described_field_by_field(kind):
    described = definitions()[f"params-{kind.name}"]
    assert set(described["properties"]) == set(kind.params_type.__struct_encode_fields__)


def test_every_metric_and_every_debounce_word_is_offered():
    assert definitions()["metric"]["anyOf"][0]["enum"] == list(METRICS)
    assert set(definitions()["debounce"]["properties"]) == set(Debounce.__struct_fields__)
