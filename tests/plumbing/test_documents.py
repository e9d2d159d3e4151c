"""What a person wrote in a YAML file is what arrives, or a line says why not."""

import pytest

from plumbing.documents import MAX_BYTES, DocumentError, line_of, load_yaml


@pytest.fixture
def document(tmp_path):
    path = tmp_path / "plan.yaml"

    def write(text: str | bytes):
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


VALUES = {
    "a time of day stays text": ("22:00", "22:00"),
    "no is a word": ("no", "no"),
    "on is a word": ("on", "on"),
    "a number with a leading zero stays text": ("010", "010"),
    "a date stays text": ("2026-01-05", "2026-01-05"),
    "an integer": ("-3", -3),
    "a decimal": ("1.50", 1.5),
    "an exponent": ("1e3", 1000.0),
    "a whole number that nobody writes": ("9" * 5_000, float("inf")),
    "true": ("true", True),
    "nothing": ("", None),
    "null": ("null", None),
    "a quoted number is text": ("'7'", "7"),
    "a quoted nothing is text": ('""', ""),
    "a list": ("[a, 1]", ["a", 1]),
    "a mapping": ("{a: 1}", {"a": 1}),
    "lines": ("|\n  one\n  two\n", "one\ntwo\n"),
}


@pytest.mark.parametrize(("written", "read"), VALUES.values(), ids=VALUES)
def test_a_value_arrives_as_it_stands(document, written, read):
    found = load_yaml(document(f"key: {written}"))["key"]
    assert found == read
    assert type(found) is type(read)


def test_keys_are_text_whatever_they_look_like(document):
    assert load_yaml(document("1: a\ntrue: b")) == {"1": "a", "true": "b"}


def test_an_empty_file_is_nothing(document):
    assert load_yaml(document("# only a comment\n")) is None


REFUSED = {
    "a key given twice": ("a: 1\nb: 2\na: 3", 3, "second time"),
    "an alias": ("a: &x [1]\nb: *x", 2, "write it out"),
    "a tag": ("a: 1\nb: !!python/name:os.system x", 2, "leave tags"),
    "a tag on a list": ("a: !!set [1]", 1, "leave tags"),
    "a key that is a list": ("a: 1\n? [x]\n: 2", 2, "use a word"),
    "two documents": ("a: 1\n---\nb: 2", 2, "keep one a file"),
    "a bracket left open": ("a: 1\nb: [1,", 2, "not YAML"),
    "a tab": ("a:\n\tb: 1", 2, "not YAML"),
    "a bottomless list": ("[" * 100_000, 1, "deep"),
    "bytes that are no text": (b"a: \xff\xfe", None, "UTF-8"),
    "a control character": ("a: \x01", None, "not YAML"),
    "too much": ("#" * (MAX_BYTES + 1), None, "larger"),
}


@pytest.mark.parametrize(("written", "line", "words"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused_names_its_file_and_line(document, written, line, words):
    path = document(written)
    with pytest.raises(DocumentError, match=words) as caught:
        load_yaml(path)
    assert caught.value.line == line
    place = str(path) if line is None else f"{path}:{line}"
    assert str(caught.value).startswith(f"{place}: ")


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(DocumentError, match=r"absent\.yaml: can't be read: No such file"):
        load_yaml(tmp_path / "absent.yaml")


TEXT = """\
# a pack
rules:
  - id: weight
    kind: delta
    symptom.ankles_swollen: yes
  -
    id: other
"""

LINES = {
    "rules": 2,
    "rules.0": 3,
    "rules.0.kind": 4,
    "rules.0.symptom.ankles_swollen": 5,
    "rules.1.id": 7,
}


@pytest.mark.parametrize(("where", "line"), LINES.items(), ids=LINES)
def test_the_line_of_a_value_is_found(document, where, line):
    assert line_of(document(TEXT), where) == line


@pytest.mark.parametrize(
    ("where", "line"),
    [("rules.0.params.limit", 3), ("rules.9", 2), ("packs", 2), ("", 2)],
    ids=["a key that is missing", "an item that is missing", "nothing of it", "the whole"],
)
def test_what_is_not_there_is_placed_at_what_is_above_it(document, where, line):
    assert line_of(document(TEXT), where) == line
