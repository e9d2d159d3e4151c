"""What the pages load: whole, licensed, ours to show, and from nowhere else."""

import hashlib
import json
import re
from importlib.metadata import distribution
from pathlib import Path

import pytest

WEB = Path(__file__).parent.parent.parent / "server" / "web"
VENDOR = WEB / "static" / "vendor"
MANIFEST = json.loads((VENDOR / "manifest.json").read_text())
OURS = sorted(
    path
    for folder in ("templates", "static")
    for path in (WEB / folder).rglob("*")
    if path.is_file() and VENDOR not in path.parents
)
STYLES_AND_SCRIPTS = sorted(
    path for path in (WEB / "static").rglob("*") if path.suffix in (".css", ".js")
)


@pytest.mark.parametrize("package", MANIFEST, ids=lambda package: package["name"])
def test_each_vendored_file_is_as_the_manifest_says_and_nothing_else_is_there(
    package: dict[str, object],
) -> None:
    folder = VENDOR / str(package["name"])
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}
    assert found == package["files"]
    assert "LICENSE" in found
    assert package["licence"] in ("MIT", "0BSD")


def test_nothing_is_vendored_without_a_manifest() -> None:
    folders = {path.name for path in VENDOR.iterdir() if path.is_dir()}
    assert folders == {package["name"] for package in MANIFEST}


def test_styles_are_of_the_version_that_the_templates_are_made_for() -> None:
    templates = distribution("nhsuk-frontend-jinja")
    version = next(each["version"] for each in MANIFEST if each["name"] == "nhsuk-frontend")
    assert f"| {version} | {templates.version} |" in (templates.read_text("METADATA") or "")


@pytest.mark.parametrize("path", STYLES_AND_SCRIPTS, ids=lambda path: path.name)
def test_no_style_or_script_asks_another_host(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"""(url\(|@import|fetch\(|from)\s*["'`]?(https?:)?//""", text)
    assert "@font-face" not in text
    assert "sourceMappingURL" not in text


@pytest.mark.parametrize("path", OURS, ids=lambda path: str(path.relative_to(WEB)))
def test_our_own_files_bring_nothing_that_the_policy_forbids(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"<[a-z][^>]*\s(style|on[a-z]+)=", text)
    assert "<script>" not in text
    assert not re.search(r"""(href|src)=["']https?:""", text)


@pytest.mark.parametrize("path", OURS, ids=lambda path: str(path.relative_to(WEB)))
def test_no_page_shows_a_mark_of_the_nhs(path: Path) -> None:
    shown = path.read_text(encoding="utf-8").replace("NHS_", "")
    assert not re.search(r"\bNHS\b|©", shown)
