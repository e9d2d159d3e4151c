"""The built wheel holds what is shipped, and each of its extras runs what it promises."""

import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

import homebeat

pytestmark = [pytest.mark.wheel, pytest.mark.timeout(600)]

EXTRAS = (
    "",
    "gateway",
    "server",
    "simulators",
    "gateway,server,simulators",
    "gateway,simulators,bumble",
)
OPTIONAL = {
    "bumble": ("bumble",),
    "proxies": ("aioesphomeapi", "bleak_esphome", "habluetooth", "noise"),
}
"""Packages of extras that only modules of their own import: those may miss them without it."""


@pytest.fixture(scope="module")
def wheel(root, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, root],
        check=True,
        capture_output=True,
    )
    (built,) = folder.glob("homebeat-*.whl")
    return built


def test_the_wheel_holds_every_file_of_our_packages_and_no_other(wheel, files, packages, root):
    ours = {
        str(path.relative_to(root))
        for path in files
        if path.relative_to(root).parts[0] in (*packages, "homebeat.py")
    }
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert held == ours


def test_the_wheel_carries_its_licence(wheel, root):
    names = zipfile.ZipFile(wheel).namelist()
    (licence,) = (name for name in names if name.endswith("/licenses/LICENSE"))
    assert zipfile.ZipFile(wheel).read(licence) == (root / "LICENSE").read_bytes()


@dataclass(frozen=True)
class Installed:
    extra: str
    command: Path

    @property
    def python(self) -> Path:
        return self.command.parent / "python"


@pytest.fixture(scope="module", params=EXTRAS, ids=lambda extra: extra or "no extra")
def installed(request, wheel, root, tmp_path_factory) -> Installed:
    """Homebeat from the wheel in an environment that holds nothing else."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    what = f"{wheel}[{request.param}]" if request.param else str(wheel)
    pip = [sys.executable, "-m", "pip", "--python", folder / "bin" / "python", "install", "-qq"]
    subprocess.run([*pip, "-c", root / "constraints.txt", what], check=True)
    return Installed(request.param, folder / "bin" / "homebeat")


@pytest.mark.parametrize("word", homebeat.WORDS)
def test_a_word_opens_where_its_extra_is_and_says_what_to_install_elsewhere(
    installed, word, tmp_path
):
    done = subprocess.run(
        [installed.command, word, "--help"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    entry = homebeat.WORDS[word]
    if set(entry.extra.split(",")) <= set(installed.extra.split(",")):
        assert done.returncode == 0, done.stderr
    if done.returncode:
        assert f"pip install 'homebeat[{entry.extra}]'" in done.stderr
        assert "Traceback" not in done.stderr


def test_the_command_answers_from_any_folder(installed, tmp_path):
    done = subprocess.run(
        [installed.command, "--version"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("homebeat ")


IMPORT_ALL = """
import sys
from importlib import import_module
from pkgutil import walk_packages
parts, missing = sys.argv[1].split(","), sys.argv[2].split(",")
for name in filter(None, parts):
    package = import_module(name)
    for module in walk_packages(package.__path__, name + "."):
        if module.name.endswith(".env"):  # alembic runs it, within a migration
            continue
        try:
            import_module(module.name)
        except ModuleNotFoundError as error:
            if error.name.partition(".")[0] not in missing:
                raise
"""


def test_every_module_of_an_extra_finds_what_it_imports(installed, tmp_path):
    parts = [part for part in ("gateway", "server", "simulators") if part in installed.extra]
    if parts:
        parts += ["devices", "rules", "plumbing"]
    missing = [
        package
        for extra, packages in OPTIONAL.items()
        if extra not in installed.extra
        for package in packages
    ]
    done = subprocess.run(
        [installed.python, "-c", IMPORT_ALL, ",".join(parts), ",".join(missing)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
