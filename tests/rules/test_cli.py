"""`homebeat rules ...`: what it prints, and how it ends."""

import json
import re

import pytest
from typer.testing import CliRunner

from rules.cli import app
from rules.cli.named import shipped

PLAN = """\
version: "1"
people:
  - id: margaret
    name: Margaret Ellis
    simulated: true
    packs:
      - pack: heart-failure
rules:
  - id: cold
    for: margaret
    kind: threshold
    params: {metric: room_temperature, below: 18, clear_at: 19}
    debounce: {persist_for: 2h}
    then: {tier: T1, text: general.beyond-limit}
"""
PACK = """\
id: mine
version: "1"
title: Mine
rules:
  - id: high
    source: a book
    kind: threshold
    params: {metric: level, above: 10}
    then: {tier: T3, text: high}
texts:
  high: {person: p, nurse: n, log: l}
"""
CASES = """\
pack: mine
cases:
  - name: eleven is high
    readings:
      level: {d1 07:00: 11}
    until: d1 08:00
    expect: [d1 07:00 high T3]
  - name: nine is said to be high
    readings:
      level: {d1 07:00: 9}
    until: d1 08:00
    expect: [d1 07:00 high T3]
"""


@pytest.fixture
def run():
    def call(*arguments):
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    return call


@pytest.fixture
def write(tmp_path):
    def put(name, text):
        (tmp_path / name).write_text(text)
        return tmp_path / name

    return put


def test_check_says_that_a_plan_can_be_used(run, write, packs):
    path = write("plan.yaml", PLAN)
    own = [draft for draft in packs["heart-failure"].drafts.values() if draft.get("ships") != "off"]
    done = run("check", path)
    assert done.exit_code == 0
    assert done.output == f"{path}: {len(own) + 1} rules\n"


def test_check_names_the_line_and_what_to_write(run, write):
    path = write("plan.yaml", PLAN.replace("below: 18", "belw: 18"))
    done = run("check", path)
    assert done.exit_code == 1
    assert f"{path}:12: rules.0.params.belw" in done.output
    assert "did you mean 'below'?" in done.output


BAD_PACK = """\
id: mine
version: "1"
title: Mine
rules:
  - id: high
    source: a book
    kind: threshold
    params:
      metric: body_weight
      at_least: 90 kg
      clear_at: 88 kg
    debounce:
      k: 2
      n: 3
      max_age: 4h
    then:
      tier: T1
      text: high
      ask: [symptom.pillows]
questions:
  symptom.pillows: Did you need more pillows last night?
texts:
  high:
    person: It is {value}.
    nurse: Weight {value}.
    log: weight {value}
"""
REFUSED = {
    "an unknown word": ("source: a book", "sauce: a book", 6, "did you mean 'source'?"),
    "a missing source": ("    source: a book\n", "", 5, "source: say where"),
    "an unknown kind": ("kind: threshold", "kind: treshold", 7, "did you mean 'threshold'?"),
    "an unknown metric": ("metric: body_weight", "metric: weight", 9, "did you mean"),
    "an unknown param": ("at_least: 90", "atleast: 90", 10, "did you mean 'at_least'?"),
    "another unit": ("90 kg", "198 lb", 10, "counted in kg, not lb: convert it and write kg"),
    "no number": ("90 kg", "ninety", 10, "write it like 2.0"),
    "not a number": ("90 kg", ".nan", 10, "write it like 2.0"),
    "infinity": ("90 kg", ".inf", 10, "write it like 2.0"),
    "infinity in figures": ("90 kg", "1e999", 10, "is not a finite number"),
    "a limit that nobody has": ("90 kg", "900 kg", 10, "between 20 and 300 kg: write one inside"),
    "an end on the wrong side": ("clear_at: 88", "clear_at: 92", 8, "it would never clear"),
    "more than all": ("k: 2", "k: 4", 12, "k of n needs 1 <= k <= n"),
    "no duration": ("max_age: 4h", "max_age: 4", 15, "write it like 30s, 20min, 84h or 3d"),
    "a span of nothing": ("max_age: 4h", "max_age: 0h", 15, "longer than nothing: leave it out"),
    "an unknown tier": ("tier: T1", "tier: T9", 17, "write one of T0, T1"),
    "an unknown text": ("text: high", "text: hihg", 18, "did you mean 'high'?"),
    "an unknown question": ("[symptom.pillows]", "[symptom.pilows]", 19, "did you mean"),
    "no question": ("last night?", "last night.", 21, 'write one, with "?" at its end'),
    "a placeholder that nobody fills in": ("is {value}", "is {valeu}", 24, "did you mean 'value'?"),
    "a prompt that orders": ("It is {value}.", "You must rest.", 24, "say what helps and why"),
    "a verdict": ("Weight {value}.", "All is normal.", 25, "say what was seen and when"),
    "a reader without words": ("    log: weight {value}\n", "", 23, "log is missing: give it"),
    "an urgent prompt without the action": ("tier: T1", "tier: T4", 24, "begin with"),
    "a word given twice": ("kind: threshold", "id: again", 7, "gives 'id' a second time"),
}


def test_the_pack_that_is_spoilt_below_can_be_used(run, write):
    path = write("mine.yaml", BAD_PACK)
    assert run("check", path).output == f"{path}: 1 rules, unsigned: for simulated people\n"


@pytest.mark.parametrize(("right", "wrong", "line", "reason"), REFUSED.values(), ids=REFUSED)
def test_a_pack_is_refused_with_its_line_and_what_to_write(right, wrong, line, reason, run, write):
    assert BAD_PACK.count(right) == 1
    path = write("mine.yaml", BAD_PACK.replace(right, wrong))
    done = run("check", path)
    assert done.exit_code == 1
    assert done.output.startswith(f"{path}:{line}: "), done.output
    assert reason in done.output


def test_check_says_how_many_cases_can_be_run(run, write):
    write("mine.yaml", PACK)
    path = write("mine.test.yaml", CASES)
    assert run("check", path).output == f"{path}: 2 cases\n"


def test_a_signed_pack_is_known_by_its_key_until_it_is_changed(run, write, tmp_path):
    path = write("mine.yaml", PACK)
    signing = run("sign", path, "--key", tmp_path / "clinician.key")
    assert signing.exit_code == 0, signing.output
    (public,) = re.findall(r'signers = \["([0-9a-f]{64})"\]', signing.output)
    assert f"1 rules, signed by {public}" in run("check", path).output
    write("mine.yaml", PACK.replace("above: 10", "above: 11"))
    changed = run("check", path)
    assert changed.exit_code == 1
    assert "it is not what was signed: restore it" in changed.output
    again = run("sign", path, "--key", tmp_path / "clinician.key")
    assert public in again.output
    assert run("check", path).exit_code == 0


def test_a_pack_that_is_refused_is_not_signed(run, write, tmp_path):
    path = write("mine.yaml", PACK.replace("kind: threshold", "kind: treshold"))
    done = run("sign", path, "--key", tmp_path / "clinician.key")
    assert done.exit_code == 1
    assert "did you mean 'threshold'?" in done.output
    assert not (tmp_path / "mine.yaml.sig").exists()


REAL = PLAN.replace("    simulated: true\n", "").replace("heart-failure", "mine")


def test_a_plan_for_someone_real_needs_a_signed_pack_and_a_clinicians_name(run, write, tmp_path):
    pack, plan = write("mine.yaml", PACK), write("plan.yaml", REAL)
    nobody = run("check", plan)
    assert f"{plan}:6: people.0.packs.0: the figures of 'mine'" in nobody.output
    agreed = "pack: mine\n        agreed_by: Dr Iris Long\n        agreed_on: 2025-03-01\n"
    plan.write_text(REAL.replace("pack: mine\n", agreed))
    assert f"{plan}:6: people.0.packs.0.pack: 'mine' is not signed" in run("check", plan).output
    run("sign", pack, "--key", tmp_path / "clinician.key")
    assert run("check", plan).output == f"{plan}: 2 rules\n"


@pytest.mark.parametrize("of", ["pack", "plan", "test"])
def test_a_schema_is_printed_as_json(of, run):
    done = run("schema", of)
    assert json.loads(done.output)["$schema"].startswith("http://json-schema.org/draft-07/")


def test_check_as_json(run, write):
    good, bad = write("plan.yaml", PLAN), write("other.yaml", "just text")
    done = run("check", "--json", good, bad)
    rows = [json.loads(line) for line in done.output.splitlines()]
    assert [row["ok"] for row in rows] == [True, False]
    assert done.exit_code == 1


def test_check_without_files_checks_what_comes_with_homebeat(run):
    done = run("check")
    assert done.exit_code == 0
    assert re.search(r"heart-failure.yaml: \d+ rules, unsigned", done.output)


def test_cases_beside_a_pack_are_run_and_a_failure_says_what_came_instead(run, write):
    pack, cases = write("mine.yaml", PACK), write("mine.test.yaml", CASES)
    done = run("test", pack)
    assert done.exit_code == 1
    assert done.output.startswith("mine: 1 of 2 cases FAILED\n")
    assert done.output.endswith("in all: 1 of 2 cases FAILED\n")
    assert "eleven is high" not in done.output
    assert f"FAILED  {cases}:8: nine is said to be high" in done.output
    assert "missing:    d1 07:00 high T3" in done.output
    assert run("test", cases).output == done.output


def test_cases_that_passed_are_named_when_asked_for(run, write):
    write("mine.yaml", PACK)
    done = run("test", "--verbose", write("mine.test.yaml", CASES))
    assert "passed  eleven is high" in done.output


def test_every_pack_is_counted_and_all_of_them_too(run, write, tmp_path):
    write("mine.yaml", PACK)
    right = CASES.partition("  - name: nine")[0]
    write("mine.test.yaml", right)
    write("more.test.yaml", right)
    write("spoilt.test.yaml", "pack: mine")
    done = run("test", tmp_path)
    assert done.exit_code == 1
    assert done.stdout.splitlines() == [
        "mine: 1 case passed",
        "mine: 1 case passed",
        "in all: 2 cases passed; files that can't be run: 1",
    ]


def test_cases_as_json(run, write):
    write("mine.yaml", PACK)
    done = run("test", "--json", write("mine.test.yaml", CASES))
    rows = [json.loads(line) for line in done.output.splitlines()]
    assert [row["passed"] for row in rows] == [True, False]


WRONG_CASES = [
    ("d1 07:00: 11", "d1 7:00: 11", "write it like d2 07:00"),
    ("level:", "levle:", "did you mean 'level'?"),
    ("high T3]", "hihg T3]", "did you mean 'high'?"),
    ("pack: mine", "pack: mien", "did you mean 'mine'?"),
]


@pytest.mark.parametrize(("right", "wrong", "reason"), WRONG_CASES)
def test_a_case_that_is_wrong_is_refused_with_its_place(right, wrong, reason, run, write):
    write("mine.yaml", PACK)
    path = write("mine.test.yaml", CASES.replace(right, wrong, 1))
    done = run("test", path)
    assert done.exit_code == 1
    assert f"{path}:" in done.output
    assert reason in done.output


def test_the_cases_that_come_with_homebeat_pass(run):
    done = run("test")
    assert done.exit_code == 0
    assert "FAILED" not in done.output


def test_explain_says_a_plan_in_plain_words(run, write):
    done = run("explain", write("plan.yaml", PLAN))
    assert done.exit_code == 0
    assert "When Room temperature below 18.0°C, until it is back at 19.0°C" in done.output
    assert "for 2 hours without a break, the person is told" in done.output


@pytest.mark.parametrize(
    ("word", "said"),
    [
        pytest.param("check", "copd.yaml: ", id="check"),
        pytest.param("explain", "(oxygen-very-low", id="explain"),
        pytest.param("test", "copd: ", id="test"),
    ],
)
def test_a_pack_that_comes_with_homebeat_is_named_by_its_id(word, said, run):
    done = run(word, "copd")
    assert done.exit_code == 0
    assert said in done.output


def test_each_pack_that_comes_with_homebeat_lies_in_a_file_called_by_its_id(packs):
    assert {path.stem for path in shipped()} == set(packs)


@pytest.mark.parametrize("word", ["check", "explain", "test"])
def test_a_folder_stands_for_all_in_it(word, run, write, tmp_path):
    write("mine.yaml", PACK)
    write("other.yaml", PACK.replace("id: mine", "id: other"))
    write("mine.test.yaml", CASES.partition("  - name: nine")[0])
    write("other.test.yaml", CASES.partition("  - name: nine")[0].replace("mine", "other"))
    done = run(word, "--json", tmp_path)
    assert done.exit_code == 0
    files = [json.loads(line)["file"] for line in done.output.splitlines()]
    assert len(files) == 2


UNKNOWN = {
    "a slip": ("heart-falure", "did you mean 'heart-failure'?"),
    "nothing like it": ("kettle", "The packs are copd, dementia"),
}


@pytest.mark.parametrize("word", ["check", "explain", "test"])
@pytest.mark.parametrize(("named", "said"), UNKNOWN.values(), ids=UNKNOWN)
def test_a_name_that_nothing_has_is_answered_with_the_packs_there_are(word, named, said, run):
    done = run(word, named)
    assert done.exit_code == 2
    assert said in done.output


@pytest.mark.parametrize("word", ["check", "explain", "test"])
def test_a_folder_with_nothing_in_it_is_said(word, run, tmp_path):
    done = run(word, tmp_path)
    assert done.exit_code == 2
    assert f"{tmp_path}: has no" in done.output


def test_explain_calls_other_rules_by_their_title(run, write):
    done = run("explain", write("plan.yaml", PLAN))
    assert '("Weight gain") and ("A heart failure symptom")' in done.output
    assert "rule." not in done.output


def test_a_file_that_is_not_there_is_said(run, tmp_path):
    done = run("check", tmp_path / "plan.yaml")
    assert done.exit_code == 1
    assert "can't be read" in done.output
