"""The tester's page in a real browser: a hand in the simulated home, readable by anyone."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from plumbing.processes import free_port, start
from simulators.broker import listens, start_broker
from simulators.homes.diary import read_diary

pytestmark = [pytest.mark.browser, pytest.mark.processes]
LIMIT_S = 30.0

HOME = """\
id = "home-1"
data = "home"

[person]
id = "margaret"
name = "Margaret Ellis"
seed = 7
[person.body]
dry_weight_kg = 71.4

[home_page]
url = "http://127.0.0.1:9"

[tester]
port = {page}

[mqtt]
port = {broker}

[cable]
port = {cable}
server = {{ port = 9 }}

[radio]
folder = "{radio}"

[[devices]]
device = "scales/bathroom"
model = "scale"
name = "Scale in the bathroom"

[[devices]]
device = "A4:C1:38:00:00:01"
kind = "gatt.blood_pressure"
name = "Cuff in the kitchen"

[[devices]]
device = "zigbee2mqtt/SOS button"
kind = "zigbee2mqtt"
model = "sos"
name = "SOS button"
"""


class Home:
    """mosquitto, a private D-Bus and the shipped `homebeat simulate home`."""

    def __init__(self, folder: Path) -> None:
        ports = {name: free_port() for name in ("page", "broker", "cable")}
        self.url = f"http://127.0.0.1:{ports['page']}/"
        self._diary = folder / "home" / "diary.jsonl"
        settings = folder / "home.toml"
        settings.write_text(HOME.format(**ports, radio=folder / "r"))
        self._broker = start_broker(ports["broker"], folder / "broker", folder / "broker.log")
        self._broker.wait_until(lambda: listens(ports["broker"]), LIMIT_S)
        self._home = start(
            [sys.executable, "-m", "homebeat", "simulate", "home", "--config", settings],
            name="home",
            log=folder / "home.log",
            output=folder / "home.out",
        )
        self._home.wait_for_json("ready", LIMIT_S)

    def done_by_tester(self) -> list[dict[str, Any]]:
        return [entry for entry in read_diary(self._diary) if entry["who"] == "tester"]

    def stop(self) -> None:
        self._home.stop()
        self._broker.stop()


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    made = Home(tmp_path)
    yield made
    made.stop()


@pytest.fixture
def page(home: Home, open_browser: Callable[..., BrowserContext]) -> Page:
    opened = open_browser().new_page()
    opened.goto(home.url)
    return opened


def test_the_page_is_right_at_every_width(
    page: Page, pictures: Callable[[Page, str], None]
) -> None:
    page.get_by_role("button", name="Cuff in the kitchen: Press start").click()
    page.get_by_role("button", name="Pull it out").click()
    pictures(page, "tester-page")


def test_a_press_is_done_and_shown(page: Page, home: Home) -> None:
    page.get_by_label("Weight in kg").fill("75.2")
    page.get_by_role("button", name="Scale in the bathroom: Step on it").click()
    expect(
        page.get_by_text("You: Scale in the bathroom, step on it: weight 75.2 kg")
    ).to_be_visible()
    assert [entry["values"] for entry in home.done_by_tester()] == [{"body_weight": 75.2}]


def test_what_happens_elsewhere_is_shown_without_a_touch(
    page: Page, home: Home, open_browser: Callable[..., BrowserContext]
) -> None:
    other = open_browser().new_page()
    other.goto(home.url)
    other.get_by_role("button", name="SOS button: Press").click()
    expect(page.get_by_text("You: SOS button, press")).to_be_visible()


def test_a_link_is_broken_and_mended(page: Page, home: Home) -> None:
    page.get_by_role("button", name="Switch it off").click()
    page.get_by_role("button", name="Switch it on").click()
    expect(page.get_by_role("button", name="Switch it off")).to_be_visible()
    assert len(home.done_by_tester()) == 2


def test_the_page_works_without_scripts(
    home: Home, open_browser: Callable[..., BrowserContext]
) -> None:
    page = open_browser(java_script_enabled=False).new_page()
    page.goto(home.url)
    page.get_by_role("button", name="SOS button: Press").click()
    expect(page.get_by_text("You: SOS button, press")).to_be_visible()
