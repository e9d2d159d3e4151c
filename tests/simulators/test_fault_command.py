"""`homebeat simulate fault` changes a running simulated home through its tester's page."""

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest
from typer.testing import CliRunner

from plumbing.processes import free_port
from simulators.cli import app
from simulators.play.faults import FAULTS

pytestmark = pytest.mark.processes

HOME = """
id = "home-1"
data = "home"
[tester]
port = {tester}
[mqtt]
port = {broker}
[person]
id = "margaret"
name = "Margaret Ellis"
seed = 1
[person.body]
dry_weight_kg = 71.4
[person.body.glucose]
fasting_mmol_l = 6.8
[[devices]]
device = "scales/bathroom"
name = "Scale"
model = "scale"
by_habit = false
[[devices]]
device = "zigbee2mqtt/hall"
name = "Hall"
kind = "zigbee2mqtt"
model = "movement"
by_habit = false
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    file = tmp_path_factory.mktemp("home") / "home.toml"
    file.write_text(HOME.format(tester=free_port(), broker=free_port()))
    command = [sys.executable, "-m", "homebeat", "simulate", "home", "--config", str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        try:
            assert program.stdout is not None
            yield json.loads(program.stdout.readline())["url"]
        finally:
            program.terminate()


def run(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["fault", *words])
    return done.exit_code, done.output


@pytest.mark.parametrize("as_json", [False, True], ids=["text", "json"])
def test_the_faults_are_listed_without_a_home(as_json: bool) -> None:
    code, said = run("--list", *(["--json"] if as_json else []))
    assert code == 0
    assert len(said.splitlines()) == len(FAULTS)


def test_a_fault_begins_and_ends(home: str) -> None:
    begun = run("burst", "--home", home, "--device", "zigbee2mqtt/hall")
    ended = run("burst", "--home", home, "--off")
    assert (begun[0], json.loads(begun[1])) == (
        0,
        {"fault": "burst", "on": True, "devices": ["Hall"]},
    )
    assert (ended[0], json.loads(ended[1])["on"]) == (0, False)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(["gremlins"], "truncated", id="no such fault"),
        pytest.param(["unconfirmed"], "can't happen", id="none of its devices"),
        pytest.param(["late", "--device", "scales/attic"], "scales/attic", id="no such device"),
    ],
)
def test_what_can_not_go_wrong_is_said(home: str, words: list[str], said: str) -> None:
    code, output = run(*words, "--home", home)
    assert code == 2
    assert said in output


def test_a_home_that_does_not_run_is_said() -> None:
    code, output = run("late", "--home", f"http://127.0.0.1:{free_port()}")
    assert code == 2
    assert "homebeat simulate home" in output
