"""Each contract of the house catches what it is there for, in words that teach.

A file that breaks it is put into a copy of the tree and the tool is run as `make check` runs it.
"""

import json
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

import pytest


@dataclass(frozen=True)
class Break:
    file: str
    text: str
    words: str
    """In what the tool says of that file."""


DOWN = "imports point down only"
PURE = "time is an argument"
DOMAIN_FREE = "plumbing knows no word of our domain"
DOOR = "nothing imports the front door"
COMMANDS = "nothing imports a command line"


def importing(package: str, module: str, words: str) -> Break:
    name = f"{package}/imports_{module.replace('.', '_')}.py"
    return Break(name, f'"""Broken."""\n\nimport {module}\n\n__all__ = ["{module}"]\n', words)


IMPORTS = {
    f"{each.file.split('/')[0]} imports {module}": each
    for package, module, words in (
        ("devices", "rules.model", DOWN),
        ("devices", "gateway", DOWN),
        ("rules", "gateway", DOWN),
        ("rules", "server", DOWN),
        ("rules", "simulators", DOWN),
        ("gateway", "server", DOWN),
        ("gateway", "simulators", DOWN),
        ("server", "gateway", DOWN),
        ("server", "simulators", DOWN),
        ("simulators", "gateway", DOWN),
        ("simulators", "server", DOWN),
        ("plumbing", "devices.model", DOMAIN_FREE),
        ("plumbing", "rules.model", DOMAIN_FREE),
        ("plumbing", "server", DOMAIN_FREE),
        ("devices", "plumbing.clock", PURE),
        ("devices", "time", PURE),
        ("devices", "socket", PURE),
        ("devices", "bleak", PURE),
        ("rules", "random", PURE),
        ("rules", "asyncio", PURE),
        ("rules", "sqlite3", PURE),
        ("rules", "psycopg", PURE),
        ("rules", "pathlib", PURE),
        ("rules", "os", PURE),
        ("rules", "subprocess", PURE),
        ("rules", "urllib.request", PURE),
        ("rules", "yaml", PURE),
        ("gateway", "homebeat", DOOR),
        ("plumbing", "homebeat", DOOR),
        ("gateway", "gateway.cli", COMMANDS),
        ("simulators", "simulators.demo.cli", COMMANDS),
    )
    for each in (importing(package, module, words),)
}


@pytest.fixture(scope="session")
def import_report(broken_tree, tool) -> Mapping[str, str]:
    """What import-linter says: the contract's name -> the imports that break it."""
    for each in IMPORTS.values():
        (broken_tree / each.file).write_text(each.text)
    try:
        said = tool(broken_tree, "lint-imports", "--no-logo", "--no-cache")
    finally:
        for each in IMPORTS.values():
            (broken_tree / each.file).unlink()
    sections = re.split(r"\n-{20,}\n", said.partition("Broken contracts")[2])
    titles = [section.strip().rpartition("\n")[2] for section in sections]
    return dict(zip(titles, sections[1:], strict=False))


@pytest.mark.parametrize("broken", IMPORTS.values(), ids=IMPORTS)
def test_import_linter_catches(import_report, broken):
    module = broken.file.removesuffix(".py").replace("/", ".")
    told = [title for title, section in import_report.items() if f"{module} ->" in section]
    assert any(broken.words in title for title in told), import_report


RUFF = {
    "a clock read in the core": Break(
        "rules/reads_the_clock.py",
        "from datetime import UTC, datetime\n\nBEGAN = datetime.now(UTC)\n",
        "Take the time as an argument (`at`)",
    ),
    "a clock read in the core under another name": Break(
        "devices/reads_the_clock.py",
        "import datetime as d\n\nBEGAN = d.datetime.now(d.UTC)\n",
        "Take the time as an argument (`at`)",
    ),
    "a clock of its own in the gateway": Break(
        "gateway/reads_the_clock.py",
        "from datetime import UTC, datetime\n\nBEGAN = datetime.now(UTC)\n",
        "plumbing.clock",
    ),
    "seconds that can be set back": Break(
        "server/counts_seconds.py", "import time\n\nBEGAN = time.time()\n", "monotonic_s()"
    ),
    "a day without a place": Break(
        "server/knows_today.py",
        "from datetime import date\n\nTODAY = date.today()\n",
        "Whose today?",
    ),
    "a front door walked through": Break(
        "simulators/enters.py", "import homebeat\n\nDOOR = homebeat.app\n", "call the part itself"
    ),
    "logs that keep anything": Break(
        "gateway/chatters.py", 'import logging\n\nlog = logging.getLogger("x")\n', "plumbing.logs"
    ),
    "a mock in the product": Break(
        "gateway/pretends.py",
        "from unittest.mock import Mock\n\nBROKER = Mock()\n",
        "Pass what you need as an argument",
    ),
    "a pickle": Break(
        "server/pickles.py", "import pickle\n\nEMPTY = pickle.dumps(())\n", "Loading it runs code"
    ),
    "a time without a zone": Break(
        "server/naive.py",
        "from datetime import datetime\n\nDAY = datetime(2026, 1, 5)\n",
        "without a `tzinfo` argument",
    ),
    "an unused import": Break("rules/unused.py", "import math\n", "imported but unused"),
    "a bare except": Break(
        "gateway/swallows.py", "try:\n    X = 1\nexcept Exception:\n    X = 2\n", "blind exception"
    ),
    "a note to do it later": Break("rules/later.py", "# TODO: do it\nX = 1\n", "TODO"),
    "code commented out": Break("rules/comments.py", "X = 1\n# X = 2\n", "commented-out code"),
    "SQL put together from text": Break(
        "server/composes.py",
        'def query(name: str) -> str:\n    return f"SELECT * FROM people WHERE id = {name}"\n',
        "SQL injection",
    ),
    "a name that cannot be found": Break("rules/unnamed.py", "X = nothing\n", "Undefined name"),
    "an import from beside": Break(
        "rules/beside.py", "from . import model\n\nX = model.Phase\n", "absolute imports"
    ),
}


@pytest.fixture(scope="session")
def ruff_report(broken_tree, tool) -> Mapping[str, str]:
    """What ruff says of each file that breaks it."""
    for each in RUFF.values():
        (broken_tree / each.file).write_text(f'"""Broken."""\n\n{each.text}')
    try:
        said = tool(broken_tree, "ruff", "check", "--no-cache", "--output-format=json", ".")
    finally:
        for each in RUFF.values():
            (broken_tree / each.file).unlink()
    report: dict[str, str] = {}
    for found in json.loads(said):
        name = str(found["filename"]).removeprefix(f"{broken_tree}/")
        report[name] = report.get(name, "") + found["message"] + "\n"
    return report


@pytest.mark.parametrize("broken", RUFF.values(), ids=RUFF)
def test_ruff_catches(ruff_report, broken):
    assert broken.words in ruff_report.get(broken.file, "nothing")


MYPY = {
    "a wrong type": Break("plumbing/wrong.py", 'X: int = "one"\n', "Incompatible types"),
    "a function without types": Break(
        "plumbing/untyped.py", "def f(x):\n    return x\n", "missing a type annotation"
    ),
    "an optional value used as if it were there": Break(
        "plumbing/optional.py",
        "def f(x: str | None) -> str:\n    return x.upper()\n",
        'has no attribute "upper"',
    ),
    "an ignore that says nothing": Break(
        "plumbing/silenced.py", 'X: int = "one"  # type: ignore\n', '"type: ignore" comment'
    ),
    "code that is never reached": Break(
        "plumbing/unreached.py",
        "def f(x: int) -> int:\n    if isinstance(x, str):\n        return 1\n    return 2\n",
        "unreachable",
    ),
}


@pytest.fixture(scope="session")
def mypy_report(broken_tree, tool, tmp_path_factory) -> str:
    for each in MYPY.values():
        (broken_tree / each.file).write_text(f'"""Broken."""\n\n{each.text}')
    cache = tmp_path_factory.mktemp("mypy")
    try:
        names = [each.file for each in MYPY.values()]
        return tool(broken_tree, "mypy", f"--cache-dir={cache}", *names)
    finally:
        for each in MYPY.values():
            (broken_tree / each.file).unlink()


@pytest.mark.parametrize("broken", MYPY.values(), ids=MYPY)
def test_mypy_catches(mypy_report, broken):
    told = [line for line in mypy_report.splitlines() if line.startswith(f"{broken.file}:")]
    assert any(broken.words in line for line in told), mypy_report


def test_the_formatter_catches_a_file_of_another_shape(broken_tree, tool):
    path = broken_tree / "rules" / "shapeless.py"
    path.write_text('"""Broken."""\nX = { "a":1 }\n')
    try:
        said = tool(broken_tree, "ruff", "format", "--check", "--no-cache", ".")
    finally:
        path.unlink()
    assert "rules/shapeless.py" in said


def test_make_check_runs_every_tool(root):
    plan = subprocess.run(
        ["make", "--dry-run", "--always-make", "check"],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for command in ("ruff check .", "ruff format --check .", "mypy", "lint-imports", "tests/house"):
        assert re.search(rf"bin/\S*{re.escape(command)}|pytest .*{command}", plan), command
