"""The shipped gateway and a shipped home, with no BlueZ between them: real bytes over TCP."""

import json
import sys
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from time import sleep
from typing import Any

import pytest

from plumbing.clock import monotonic_s
from plumbing.processes import free_port, start
from simulators.homes import config as settings
from simulators.homes.config import Radio

CUFF = "A4:C1:38:00:00:01"
LIMIT_S = 30.0
GATEWAY = """
id = "home-1"
data = "gateway"
plan = "plan.yaml"
[server]
url = "http://127.0.0.1:9"
[page]
listen = "127.0.0.1:{page}"
[ble]
enabled = true
transport = "{transport}"
[[devices]]
device = "A4:C1:38:00:00:01"
patient = "margaret"
kind = "gatt.blood_pressure"
name = "Cuff in the kitchen"
"""
PLAN = """
version: "1"
people:
  - {id: margaret, name: Margaret Ellis, timezone: Europe/London, simulated: true}
"""


@pytest.fixture
def example(root: Path) -> str:
    return (root / "deploy" / "home.example.toml").read_text()


def test_the_example_of_a_home_is_read_as_it_stands(root: Path) -> None:
    home = settings.load(root / "deploy" / "home.example.toml")
    assert home.radio == Radio(stack="bumble", port=9000)


@pytest.mark.parametrize(
    ("radio", "said"),
    [
        pytest.param('stack = "windows"', "stack", id="a stack that is none"),
        pytest.param('stack = "bluez"', "folder", id="a mock BlueZ without a folder"),
    ],
)
def test_a_radio_that_cant_be_simulated_is_refused(
    tmp_path: Path, example: str, radio: str, said: str
) -> None:
    file = tmp_path / "home.toml"
    file.write_text(example.replace('stack = "bumble"', radio))
    with pytest.raises(settings.ConfigError, match=said):
        settings.load(file)


class Programs:
    """`homebeat simulate home` with the example's settings, and `homebeat gateway run`."""

    def __init__(self, folder: Path, example: str, running: ExitStack) -> None:
        self._folder = folder
        self._running = running
        page, tester = free_port(), free_port()
        home = example.replace("port = 9000", "port = 0").replace("8440", str(tester))
        (folder / "home.toml").write_text(home)
        (folder / "plan.yaml").write_text(PLAN)
        said = self._start("home", "simulate", "home", "--config", folder / "home.toml")
        self.tester, self.page = f"http://127.0.0.1:{tester}", f"http://127.0.0.1:{page}"
        self.config = folder / "gateway.toml"
        self.config.write_text(GATEWAY.format(page=page, transport=said["transport"]))
        self._start("gateway", "gateway", "run", "--config", self.config)

    def _start(self, name: str, *words: object) -> dict[str, Any]:
        child = start(
            [sys.executable, "-m", "homebeat", *words],
            name=name,
            log=self._folder / f"{name}.log",
            output=self._folder / f"{name}.out",
        )
        self._running.callback(child.stop)
        return child.wait_for_json("ready", LIMIT_S)

    def press(self, deed: str) -> None:
        path = urllib.parse.quote(f"/devices/{CUFF}/{deed}", safe="/")
        urllib.request.urlopen(f"{self.tester}{path}", data=b"", timeout=5).close()

    def part(self, name: str) -> dict[str, str]:
        with urllib.request.urlopen(f"{self.page}/health.json", timeout=5) as answer:
            parts = json.load(answer)["parts"]
        return next(part for part in parts if part["name"] == name)

    def until(self, name: str, state: str) -> dict[str, str]:
        """Asked now and then: programs have no event for a test."""
        end_s = monotonic_s() + LIMIT_S
        while state not in (found := self.part(name))["state"]:
            assert monotonic_s() < end_s, found
            sleep(0.1)
        return found


@pytest.fixture
def programs(tmp_path: Path, example: str) -> Iterator[Programs]:
    with ExitStack() as running:
        yield Programs(tmp_path, example, running)


@pytest.mark.processes
def test_a_press_on_the_testers_page_is_a_reading_in_the_gateway(programs: Programs) -> None:
    assert programs.until("Bluetooth", "listens on tcp-client:127.0.0.1:")["trouble"] == ""
    programs.press("blood pressure")
    assert programs.until("Cuff in the kitchen", "gave a value")["trouble"] == ""
