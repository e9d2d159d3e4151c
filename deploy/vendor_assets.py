"""For maintainers: copy the pages' CSS and JavaScript from npm into server/web/static/vendor.

    python deploy/vendor_assets.py

Needs npm here and nowhere else: the copies are part of the package. nhsuk-frontend has the
version that the installed nhsuk-frontend-jinja names in its compatibility table, so templates
and styles never drift apart. What is taken out: the fonts that would be fetched from another
host, source maps, and every picture that is a trade mark.
"""

import hashlib
import json
import re
import subprocess
import tarfile
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path

VENDOR = Path(__file__).parent.parent / "server" / "web" / "static" / "vendor"
TEMPLATES = "nhsuk-frontend-jinja"
HTMX_VERSION = "2.0.11"
PLAIN_ICONS = ("arrow-down", "arrow-up", "arrow-up-down", "cross")

MIT = """MIT License

{notice}

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.
"""


def templates_pin() -> str:
    """The nhsuk-frontend version in the row of the installed template package."""
    installed = distribution(TEMPLATES)
    described = installed.read_text("METADATA") or ""
    row = re.search(rf"^\| ([\d.]+) \| {re.escape(installed.version)} \|$", described, re.MULTILINE)
    if row is None:
        raise SystemExit(
            f"{TEMPLATES} {installed.version} names no nhsuk-frontend version in its table. "
            "Read its release notes and install a version that does."
        )
    return row[1]


def local_css(css: bytes) -> bytes:
    """The style sheet without fonts of another host, with its pictures beside it."""
    text = css.decode()
    text = re.sub(r"@font-face\{[^}]*https?://[^}]*\}", "", text)
    text = re.sub(r"\s*/\*# sourceMappingURL=.*?\*/\s*$", "\n", text)
    return text.replace("url(/assets/images/", "url(").encode()


def without_source_map(script: bytes) -> bytes:
    return re.sub(rb"\s*//# sourceMappingURL=\S*\s*$", b"\n", script)


def as_it_is(content: bytes) -> bytes:
    return content


@dataclass(frozen=True, slots=True)
class Package:
    """One npm package: which of its files we ship, under which name, changed how."""

    name: str
    version: str
    licence: str
    files: tuple[tuple[str, str, Callable[[bytes], bytes]], ...]
    notice: str | None = None
    """The licence's text, where the package does not carry it."""


def packages() -> tuple[Package, ...]:
    icons = tuple(
        (f"dist/nhsuk/assets/images/nhsuk-icon-{name}.svg", f"nhsuk-icon-{name}.svg", as_it_is)
        for name in PLAIN_ICONS
    )
    return (
        Package(
            "nhsuk-frontend",
            templates_pin(),
            "MIT",
            (
                ("dist/nhsuk/nhsuk-frontend.min.css", "nhsuk-frontend.min.css", local_css),
                ("dist/nhsuk/nhsuk-frontend.min.js", "nhsuk-frontend.min.js", without_source_map),
                *icons,
            ),
            MIT.format(notice="Copyright (c) 2019 NHS.UK"),
        ),
        Package(
            "htmx.org",
            HTMX_VERSION,
            "0BSD",
            (
                ("dist/htmx.min.js", "htmx.min.js", without_source_map),
                ("LICENSE", "LICENSE", as_it_is),
            ),
        ),
    )


def unpacked(package: Package, folder: Path) -> dict[str, bytes]:
    """The files that we ship of a package, by the name that they get."""
    command = ["npm", "pack", "--silent", "--pack-destination", str(folder)]
    subprocess.run([*command, f"{package.name}@{package.version}"], check=True, cwd=folder)
    archive = folder / f"{package.name}-{package.version}.tgz"
    with tarfile.open(archive) as packed:
        files = {}
        for source, target, change in package.files:
            member = packed.extractfile(f"package/{source}")
            if member is None:
                raise SystemExit(f"{package.name} {package.version} has no file {source}.")
            files[target] = change(member.read())
    if package.notice is not None:
        files["LICENSE"] = package.notice.encode()
    return files


def main() -> None:
    manifest = []
    for package in packages():
        with tempfile.TemporaryDirectory() as folder:
            files = unpacked(package, Path(folder))
        place = VENDOR / package.name
        place.mkdir(parents=True, exist_ok=True)
        for old in place.iterdir():
            old.unlink()
        for name, content in files.items():
            (place / name).write_bytes(content)
        manifest.append(
            {
                "name": package.name,
                "version": package.version,
                "licence": package.licence,
                "files": {
                    name: hashlib.sha256(content).hexdigest()
                    for name, content in sorted(files.items())
                },
            }
        )
        print(f"{package.name} {package.version}: {len(files)} files")
    (VENDOR / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")


if __name__ == "__main__":
    main()
