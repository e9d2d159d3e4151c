"""What is committed holds anywhere: no registry's host, no path of one machine, no dead link."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
TEXT = {".py", ".md", ".toml", ".txt", ".yaml", ".yml", ".sh", ".sql", ".cfg", ".json", ".in", ""}

# Written so that this file does not hold what it forbids.
HOSTS = [
    "pypi" + r"\.org",
    "pythonhosted" + r"\.org",
    "npmjs" + r"\.(org|com)",
    r"deb\." + r"debian\.org",
    r"security\." + r"debian\.org",
    r"piwheels" + r"\.org",
]
REGISTRY = re.compile("|".join(HOSTS))
MACHINE_PATH = re.compile(r"(?<![\w./$}~-])/(?:" + "work|root|farm|tmp" + r")/\w")


@pytest.fixture(scope="session")
def texts(files) -> dict[str, str]:
    """Every committed text file of ours, by its path. Vendored ones are their makers'."""
    return {
        str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
        for path in files
        if path.suffix in TEXT and "vendor" not in path.parts and "static" not in path.parts
    }


def lines_with(pattern: re.Pattern[str], texts: dict[str, str]) -> list[str]:
    return [
        f"{name}:{number}: {line.strip()}"
        for name, text in texts.items()
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]


@pytest.mark.parametrize(
    "pattern",
    [REGISTRY, MACHINE_PATH],
    ids=["a registry's host", "a path of one machine"],
)
def test_no_committed_text_holds(texts, pattern):
    assert lines_with(pattern, texts) == []


@pytest.mark.parametrize(
    ("pattern", "line"),
    [
        (REGISTRY, "--index-url https://" + "pypi" + ".org/simple"),
        (MACHINE_PATH, "open('/" + "tmp/x')"),
        (MACHINE_PATH, "see /" + "root/notes"),
    ],
    ids=["a host", "a temporary file", "a home"],
)
def test_a_line_that_holds_it_is_caught(pattern, line):
    assert lines_with(pattern, {"a": line}) == [f"a:1: {line}"]


def test_constraints_hold_names_and_versions_only():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    odd = [
        line
        for line in lines
        if not line.startswith("#") and not re.fullmatch(r"[a-z0-9-]+==[0-9][\w.+!-]*", line)
    ]
    assert odd == []


MARKDOWN = sorted(
    path.relative_to(ROOT) for path in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"))
)
LINK = re.compile(r"(?<!`)!?\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+\s+(.*)$", re.MULTILINE)


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as they are made from their words."""
    return {
        re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-")
        for title in HEADING.findall(text)
    }


def dead_links(page: Path, text: str) -> list[str]:
    dead = []
    for link in LINK.findall(re.sub(r"```.*?```", "", text, flags=re.DOTALL)):
        target, _, anchor = link.partition("#")
        if re.match(r"(https?|mailto):", link):
            continue
        path = (page.parent / target).resolve() if target else page
        if not path.exists() or (
            anchor and path.suffix == ".md" and anchor not in anchors(path.read_text())
        ):
            dead.append(link)
    return dead


@pytest.mark.parametrize("page", MARKDOWN, ids=str)
def test_every_link_of_a_page_leads_somewhere(page):
    assert dead_links(ROOT / page, (ROOT / page).read_text()) == []


@pytest.mark.parametrize(
    "text",
    ["[a](absent.md)", "![a](docs/absent.png)", "[a](README.md#no-such-heading)", "[a](#nowhere)"],
    ids=["a page", "a picture", "a heading of a page", "a heading of its own"],
)
def test_a_dead_link_is_caught(text):
    assert len(dead_links(ROOT / "README.md", text)) == 1


BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
SHOWN = {"console", "toml", "yaml", "json", "text", "mermaid", "sql"}
"""Blocks that show something; a python one must run."""


@pytest.mark.parametrize("page", MARKDOWN, ids=str)
def test_every_example_of_a_page_says_what_it_is_and_runs_if_it_is_code(page, tmp_path):
    for language, code in BLOCK.findall((ROOT / page).read_text()):
        assert language in SHOWN | {"python"}, f"a block of {language or 'no language'}: {code}"
        if language == "python":
            subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)


SHOWN_AND_RUN = re.compile(r"^\$ (echo .*\.venv/bin/homebeat.*)\n((?!\$).+)$", re.MULTILINE)


@pytest.mark.parametrize("page", MARKDOWN, ids=str)
def test_a_command_that_shows_its_answer_gives_it(page):
    for command, answer in SHOWN_AND_RUN.findall((ROOT / page).read_text()):
        done = subprocess.run(
            command, shell=True, cwd=ROOT, capture_output=True, text=True, check=True
        )
        assert done.stdout.rstrip("\n") == answer


NAMED = re.compile(
    r"`((?:devices|rules|gateway|server|simulators|plumbing|tests|deploy|docs)/[\w./]*)`"
)


@pytest.mark.parametrize("page", MARKDOWN, ids=str)
def test_every_file_that_a_page_names_is_there(page):
    named = NAMED.findall((ROOT / page).read_text())
    assert [name for name in named if not (ROOT / name).exists()] == []
