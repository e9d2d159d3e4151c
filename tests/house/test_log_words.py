"""Logs hold events, ids, counts and times: never what somebody weighs, feels or answered."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
FILES = sorted(
    path.relative_to(ROOT)
    for part in ("gateway", "server", "simulators", "plumbing")
    for path in (ROOT / part).rglob("*.py")
)
LEVELS = {"debug", "info", "warning", "error"}
TELLING = {"value", "values", "reading", "payload", "body", "answer", "answers", "note", "matters"}
"""Field names under which a person's health would stand."""


def tales(source: str) -> list[str]:
    """ "line: what is wrong", for each log call that could say something about a person."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in LEVELS
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id in ("log", "logger", "_log", "LOG")
        ):
            continue
        event = node.args[0] if node.args else None
        if not (isinstance(event, ast.Constant) and isinstance(event.value, str)):
            found.append(f"{node.lineno}: the event is a constant; what varies is a field")
        if len(node.args) > 1:
            found.append(f"{node.lineno}: what varies is a field with a name")
        found += [
            f"{node.lineno}: {keyword.arg}= says something about a person; log an id"
            for keyword in node.keywords
            if keyword.arg in TELLING
        ]
    return found


@pytest.mark.parametrize("file", FILES, ids=str)
def test_no_log_line_tells_of_a_person(file):
    assert tales((ROOT / file).read_text()) == []


@pytest.mark.parametrize(
    "source",
    [
        "log.info(f'weight {value}')",
        "log.info('weight %s', value)",
        "log.error('weight ' + value)",
        "log.warning('reading kept', value=71.2)",
        "log.info('answered', answer=True)",
    ],
    ids=["in the event", "as an argument", "added", "as a value", "as an answer"],
)
def test_a_line_that_would_is_caught(source):
    assert tales(source) != []
