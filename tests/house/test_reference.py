"""docs/reference is what the code says."""

import importlib.util
from pathlib import Path

import pytest

from plumbing.documents import load_yaml
from rules.kinds import kinds
from rules.place import Place
from rules.typed import struct_at

ROOT = Path(__file__).parent.parent.parent
PAGES = (
    *("metrics.md", "devices.md", "roles.md", "rule-kinds.md", "faults.md", "commands.md"),
    *("pack.schema.json", "plan.schema.json", "test.schema.json"),
)


@pytest.fixture(scope="module")
def generate():
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_what_the_code_says(generate, page):
    written = (ROOT / "docs" / "reference" / page).read_text()
    assert written == generate.PAGES[page](), "write it anew: make docs"


def test_every_page_is_held(generate):
    assert set(generate.PAGES) == set(PAGES)
    assert {path.name for path in (ROOT / "docs" / "reference").iterdir()} == set(PAGES)


@pytest.mark.parametrize(("given", "code"), [("--help", 0), ("metrics.md", 2)])
def test_a_word_after_the_generator_is_answered_and_writes_nothing(
    generate, given, code, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(generate, "REFERENCE", tmp_path / "reference")
    with pytest.raises(SystemExit) as left:
        generate.main([given])
    assert left.value.code == code
    assert "usage" in "".join(capsys.readouterr())
    assert not (tmp_path / "reference").exists()


EXAMPLES = {
    f"{name} {number}": params
    for name, kind in kinds().items()
    for number, params in enumerate(kind.examples, 1)
}


@pytest.mark.parametrize("params", EXAMPLES.values(), ids=EXAMPLES)
def test_an_example_of_a_rule_can_be_written_in_a_plan_as_it_is_shown(generate, params, tmp_path):
    plan = tmp_path / "plan.yaml"
    plan.write_text(f"params: {{{generate.example_words(params)}}}")
    assert struct_at(type(params), Place("params", load_yaml(plan)["params"])) == params
