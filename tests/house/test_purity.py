"""devices and rules do no I/O, read no clock and draw no random number.

import-linter bans the modules; this reads the code for what needs no import, or comes with a
type that is allowed (`datetime.now()`).
"""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
SHELL = ROOT / "rules" / "cli"
"""The words `homebeat rules ...`: a shell around the core, which nothing of the core imports."""
FILES = sorted(
    path.relative_to(ROOT)
    for part in ("devices", "rules")
    for path in (ROOT / part).rglob("*.py")
    if not path.is_relative_to(SHELL)
)

CLOCK = "time is an argument (`at`): live, replay and backtest must agree on it"
CHANCE = "the same readings must lead to the same findings: pass what varies as an argument"
DISK = "files are read by gateway and server (plumbing.documents), and passed in as parsed text"
SCREEN = "a pure function returns what it has to say"
TEXT_AS_CODE = "a plan is data; nobody's text is run as code"

CALLS = {
    "now": CLOCK,
    "utcnow": CLOCK,
    "today": CLOCK,
    "astimezone()": "without a zone it takes this machine's; pass the person's timezone",
    "fromtimestamp()": "without a zone it takes this machine's; pass UTC",
    "open": DISK,
    "print": SCREEN,
    "input": SCREEN,
    "breakpoint": SCREEN,
    "eval": TEXT_AS_CODE,
    "exec": TEXT_AS_CODE,
    "__import__": TEXT_AS_CODE,
    "hash": f"it differs from run to run (use hashlib.blake2b); {CHANCE}",
}
MODULES = {"time": CLOCK, "random": CHANCE, "secrets": CHANCE, "uuid": CHANCE}


def impurities(source: str) -> list[str]:
    """ "line: what - why", for each thing that a pure module must not do."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            bare = not node.args and not node.keywords
            zone_missing = name == "fromtimestamp" and len(node.args) + len(node.keywords) == 1
            key = f"{name}()" if bare or zone_missing else name
            reason = CALLS.get(key) or CALLS.get(name)
            if reason:
                found.append(f"{node.lineno}: {name}() - {reason}")
        elif isinstance(node, ast.Attribute) and node.attr == "random":
            found.append(f"{node.lineno}: .random - {CHANCE}")
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names]
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            found += [
                f"{node.lineno}: import {name} - {MODULES[name.partition('.')[0]]}"
                for name in names
                if name.partition(".")[0] in MODULES
            ]
    return found


@pytest.mark.parametrize("file", FILES, ids=str)
def test_a_core_file_is_pure(file):
    assert impurities((ROOT / file).read_text()) == []


CAUGHT = {
    "datetime.now": ("from datetime import datetime\ndatetime.now()", CLOCK),
    "now with a zone": ("import datetime as d\nd.datetime.now(d.UTC)", CLOCK),
    "now under another name": ("from datetime import datetime as d\nnow = d.now\nd.now()", CLOCK),
    "utcnow": ("datetime.utcnow()", CLOCK),
    "today": ("date.today()", CLOCK),
    "this machine's zone": ("at.astimezone()", "timezone"),
    "a timestamp without a zone": ("datetime.fromtimestamp(0)", "pass UTC"),
    "time": ("import time\ntime.monotonic()", CLOCK),
    "from time": ("from time import sleep", CLOCK),
    "random": ("import random", CHANCE),
    "numpy's random": ("import numpy as np\nnp.random.default_rng()", CHANCE),
    "uuid": ("from uuid import uuid4", CHANCE),
    "a file": ("open('plan.yaml')", DISK),
    "a path opened": ("path.open()", DISK),
    "the screen": ("print(1)", SCREEN),
    "text run as code": ("eval('1')", TEXT_AS_CODE),
    "a hash that differs from run to run": ("hash('a')", CHANCE),
}


@pytest.mark.parametrize(("source", "words"), CAUGHT.values(), ids=CAUGHT)
def test_what_is_not_pure_is_caught_with_the_reason(source, words):
    assert any(words in line for line in impurities(source))


ALLOWED = {
    "a time that was passed": "def due(at): return at.replace(hour=9)",
    "a zone that was passed": "def local(at, zone): return at.astimezone(zone)",
    "a timestamp with its zone": "datetime.fromtimestamp(0, UTC)",
    "a digest": "from hashlib import blake2b\nblake2b(b'a').hexdigest()",
}


@pytest.mark.parametrize("source", ALLOWED.values(), ids=ALLOWED)
def test_what_is_pure_is_let_through(source):
    assert impurities(source) == []
