"""The front door loads a part only when it is called, and says what to install where it is not."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import homebeat

HOMEBEAT = Path(sys.executable).parent / "homebeat"


def run(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [HOMEBEAT, *arguments], capture_output=True, text=True, check=False, cwd=cwd
    )


def test_help_names_every_word(tmp_path):
    done = run("--help", cwd=tmp_path)
    assert done.returncode == 0
    assert [word for word in homebeat.WORDS if f" {word} " not in done.stdout] == []


def test_help_loads_no_part():
    code = (
        "import sys, json\n"
        "sys.argv = ['homebeat', '--help']\n"
        "import homebeat\n"
        "try:\n    homebeat.main()\n"
        "except SystemExit:\n    print(json.dumps(sorted(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(json.loads(done.stdout.splitlines()[-1]))
    assert loaded.isdisjoint({*homebeat.OWN_PACKAGES, "msgspec", "yaml", "numpy"})


def test_the_version_is_that_of_the_distribution():
    assert run("--version").stdout.startswith("homebeat ")


def test_a_slip_of_the_finger_is_answered_with_the_word_meant():
    done = run("gatway", "run")
    assert done.returncode == 2
    assert "Did you mean 'gateway'?" in done.stderr


@pytest.mark.parametrize("word", homebeat.WORDS)
def test_every_word_opens(word, tmp_path):
    done = run(word, "--help", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert f"homebeat {word}" in done.stdout
    assert "--install-completion" not in done.stdout, "completion belongs to the front door"


@pytest.mark.parametrize("word", ["gateway", "server"])
def test_the_front_door_names_every_word_behind_it(word):
    entry = homebeat.WORDS[word]
    named = entry.help.partition(": ")[2].rstrip(".").split(", ")
    assert set(named) == set(homebeat.opened(entry).commands)


@pytest.mark.parametrize(
    "words",
    [
        ("decode",),
        ("rules", "estimate"),
        ("rules", "score", "news2"),
        ("rules", "score", "glucose"),
    ],
    ids=" ".join,
)
def test_the_lines_that_a_command_shows_in_its_help_are_understood(words):
    command = homebeat.opened(homebeat.WORDS[words[0]])
    for word in words[1:]:
        command = command.commands[word]
    lines = [line for line in command.help.splitlines() if line.startswith("{")]
    done = subprocess.run(
        [HOMEBEAT, *words], capture_output=True, text=True, check=True, input="\n".join(lines)
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer for answer in answers if "error" in answer or "incomplete" in answer] == []
    assert len(answers) == len(lines) > 0


@pytest.mark.parametrize(("word", "entry"), homebeat.WORDS.items(), ids=homebeat.WORDS)
def test_a_part_that_is_not_installed_is_named_with_its_extra(word, entry, tmp_path):
    # A library that the word needs, made to be absent.
    code = (
        "import sys\n"
        "class Absent:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name == {entry.module!r}:\n"
        "            raise ModuleNotFoundError(\"No module named 'paho'\", name='paho.mqtt')\n"
        "sys.meta_path.insert(0, Absent())\n"
        "import homebeat\n"
        f"sys.argv = ['homebeat', {word!r}, '--help']\n"
        "homebeat.main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 1
    assert f"pip install 'homebeat[{entry.extra}]'" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("word", "entry"), homebeat.WORDS.items(), ids=homebeat.WORDS)
def test_the_extra_that_is_named_exists(word, entry):
    assert Requirement(f"homebeat[{entry.extra}]").extras <= {"gateway", "server", "simulators"}


def test_our_own_packages_are_those_of_the_wheel(packages):
    assert set(homebeat.OWN_PACKAGES) == set(packages)
