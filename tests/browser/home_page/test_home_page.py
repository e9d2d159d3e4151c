"""The home's own page in a real browser: one tap an answer, alone, and readable by anyone."""

import json
import re
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from playwright.sync_api import BrowserContext, Page, expect

from plumbing.processes import Child, free_port, start
from simulators.broker import listens, start_broker

pytestmark = [pytest.mark.browser, pytest.mark.processes]
LIMIT_S = 30.0

PLAN = """\
version: "1"
people:
  - id: margaret
    name: Margaret Ellis
    timezone: Europe/London
    matters: Walking to the allotment with Joan
    simulated: true
    packs:
      - {pack: heart-failure}
      - {pack: home-safety}
rules:
  - id: severe-pressure
    for: margaret
    kind: threshold
    params: {metric: systolic_pressure, at_least: "180 mm[Hg]"}
    debounce: {repeat_after_rest: {rest: 5min, within: 20min}}
    then: {tier: T4, text: still-severe, repeat: measure-again, time_critical: true}
    source: a limit for tests
texts:
  measure-again:
    person: Your blood pressure is high. Please sit and rest for five minutes, then measure again.
    nurse: Very high, to be repeated.
    log: very high
  still-severe:
    person: Sit down and wait. Your care team is being told.
    nurse: Very high.
    log: very high
"""

SETTINGS = """\
id = "home-1"
data = "data"
plan = "plan.yaml"
[server]
url = "http://127.0.0.1:9"
[page]
listen = "127.0.0.1:{page}"
[mqtt]
port = {broker}
topics = ["zigbee2mqtt/#"]
[[mqtt.mappings]]
topic = "scale"
device = "scale"
metric = "body_weight"
value = "kg"
unit = "kg"
time = "at"
[[mqtt.mappings]]
topic = "cuff"
device = "cuff"
metric = "systolic_pressure"
value = "sys"
unit = "mm[Hg]"
[[mqtt.mappings]]
topic = "sos"
device = "sos"
metric = "sos_pressed"
[[devices]]
device = "scale"
patient = "margaret"
[[devices]]
device = "cuff"
patient = "margaret"
[[devices]]
device = "sos"
patient = "margaret"
"""


class Home:
    """mosquitto and the shipped gateway, with the care team's server out of reach."""

    def __init__(self, folder: Path) -> None:
        self.url = f"http://127.0.0.1:{(page := free_port())}/"
        self._broker_port = free_port()
        folder.mkdir()
        (folder / "plan.yaml").write_text(PLAN)
        (folder / "gateway.toml").write_text(SETTINGS.format(page=page, broker=self._broker_port))
        self.broker = start_broker(self._broker_port, folder / "broker", folder / "broker.log")
        self.broker.wait_until(lambda: listens(self._broker_port), LIMIT_S)
        self._folder = folder
        self.gateway = self._start_gateway()
        self._client = paho.Client(CallbackAPIVersion.VERSION2)
        self._client.connect("127.0.0.1", self._broker_port)
        self._client.loop_start()

    def _start_gateway(self) -> Child:
        folder = self._folder
        gateway = start(
            [sys.executable, "-m", "homebeat", "gateway", "run", "--config", "gateway.toml"],
            name="gateway",
            log=folder / "gateway.log",
            output=folder / "gateway.out",
            folder=folder,
        )
        gateway.wait_for_json("ready", LIMIT_S)
        return gateway

    def kill_and_restart(self) -> None:
        self.gateway.kill()
        self.gateway = self._start_gateway()

    def publish(self, topic: str, body: object) -> None:
        self._client.publish(topic, json.dumps(body), qos=1).wait_for_publish(LIMIT_S)

    def weigh(self, kilograms: float, hours_ago: float) -> None:
        at = datetime.now(UTC) - timedelta(hours=hours_ago)
        self.publish("scale", {"kg": kilograms, "at": at.isoformat()})

    def stop(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()
        self.gateway.stop()
        self.broker.stop()


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    made = Home(tmp_path / "home")
    yield made
    made.stop()


def test_an_emergency_is_on_the_open_page_at_once_and_first(
    home: Home,
    open_browser: Callable[..., BrowserContext],
    pictures: Callable[[Page, str], None],
) -> None:
    page = open_browser().new_page()
    page.goto(home.url)
    expect(page.get_by_text("Nothing to do just now.")).to_be_visible()
    home.publish("sos", True)
    urgent = page.locator(".card.urgent").first
    expect(urgent).to_be_visible(timeout=3_000)
    expect(page.get_by_text("On its way. The care team does not have it yet.")).to_be_visible()
    expect(urgent.get_by_text("It has not got through yet")).to_be_visible()
    expect(page.get_by_text("can't reach the care team just now")).to_be_visible()
    pictures(page, "home-emergency")


def test_a_question_takes_one_tap_and_the_focus_stays_on_the_next(
    home: Home,
    open_browser: Callable[..., BrowserContext],
    pictures: Callable[[Page, str], None],
) -> None:
    page = open_browser().new_page()
    page.goto(home.url)
    page.get_by_role("button", name="I feel worse").click()
    expect(page.get_by_text("Question 1 of 3")).to_be_visible()
    pictures(page, "home-question")
    page.get_by_role("button", name="No", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Question 2 of 3")).to_be_visible()
    page.get_by_role("button", name="No", exact=True).click()
    page.get_by_role("button", name="No", exact=True).click()
    expect(page.get_by_text("Question 3 of 3")).to_have_count(0)


def test_everything_works_without_javascript(
    home: Home, open_browser: Callable[..., BrowserContext]
) -> None:
    page = open_browser(java_script_enabled=False).new_page()
    home.weigh(70.0, hours_ago=1)
    page.goto(home.url)
    page.get_by_role("button", name="I feel worse").click()
    page.get_by_role("button", name="Yes", exact=True).click()
    expect(page.get_by_role("heading", name="Call 999 now.")).to_be_visible()
    expect(page.get_by_role("rowheader", name="Weight")).to_be_visible()


def test_the_health_page_says_what_does_not_work_and_what_was_refused(
    home: Home,
    open_browser: Callable[..., BrowserContext],
    pictures: Callable[[Page, str], None],
) -> None:
    home.weigh(900.0, hours_ago=1)
    page = open_browser().new_page()
    page.goto(home.url + "health")
    expect(page.get_by_text("not reached")).to_be_visible()
    expect(page.get_by_text("is outside 20 to 300")).to_be_visible()
    expect(page.get_by_text("Refused: 1")).to_be_visible()
    pictures(page, "home-health")


def test_no_table_breaks_inside_a_word_on_a_phone(
    home: Home, open_browser: Callable[..., BrowserContext]
) -> None:
    home.weigh(70.0, hours_ago=60)
    home.publish("cuff", {"sys": 128})
    page = open_browser(viewport={"width": 320, "height": 800}).new_page()
    for path in ("", "health"):
        _load_until(page, home.url + path, "Systolic blood pressure" if not path else "MQTT broker")
        broken = page.evaluate(_BROKEN_WORDS)
        assert broken == []
        assert page.evaluate("document.documentElement.scrollWidth") <= 320


_BROKEN_WORDS = """() => {
  const broken = [];
  for (const cell of document.querySelectorAll("th, td")) {
    const texts = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      for (const word of texts.currentNode.data.matchAll(/[^\\s/:.]+/g)) {
        const range = document.createRange();
        range.setStart(texts.currentNode, word.index);
        range.setEnd(texts.currentNode, word.index + word[0].length);
        const seen = !texts.currentNode.parentElement.closest(".unseen");
        if (seen && range.getClientRects().length > 1) broken.push(word[0]);
      }
    }
  }
  return broken;
}"""
"""The words in tables that stand on two lines."""


def test_a_weight_of_someone_else_is_put_right(
    home: Home,
    open_browser: Callable[..., BrowserContext],
    pictures: Callable[[Page, str], None],
) -> None:
    home.weigh(70.0, hours_ago=2)
    home.weigh(74.0, hours_ago=1)
    page = open_browser().new_page()
    page.goto(home.url)
    expect(page.get_by_role("cell", name="74.0 kg")).to_be_visible()
    page.get_by_role("link", name="Wrong? Weight").click()
    pictures(page, "home-wrong")
    page.get_by_role("button", name="It was someone else").click()
    expect(page.get_by_role("cell", name="70.0 kg")).to_be_visible()


def test_a_weight_that_may_be_a_visitors_is_asked_about_and_survives_a_kill(
    home: Home,
    open_browser: Callable[..., BrowserContext],
    pictures: Callable[[Page, str], None],
) -> None:
    home.weigh(70.0, hours_ago=3)
    home.weigh(92.1, hours_ago=2)
    home.weigh(110.0, hours_ago=1)
    seen = open_browser().new_page()
    seen.goto(home.url)
    expect(seen.get_by_role("heading", name="Was this you, Margaret?")).to_have_count(2)
    pictures(seen, "home-whose")
    home.publish("sos", True)
    expect(seen.locator(".card.urgent")).to_be_visible(timeout=3_000)
    assert "urgent" in str(seen.locator(".card").first.get_attribute("class"))
    seen.close()
    page = open_browser(java_script_enabled=False).new_page()
    home.kill_and_restart()
    page.goto(home.url)
    page.get_by_role("button", name="Someone else").first.click()
    expect(page.get_by_role("heading", name="Was this you, Margaret?")).to_have_count(1)
    expect(page.get_by_role("cell", name="70.0 kg")).to_be_visible()
    expect(page.get_by_text("Weight: 92.1 kg")).to_be_visible()
    page.get_by_role("button", name="Yes, I am Margaret").click()
    expect(page.get_by_role("cell", name="92.1 kg")).to_be_visible()
    expect(page.get_by_role("heading", name="Was this you, Margaret?")).to_have_count(0)


def _load_until(page: Page, url: str, words: str) -> None:
    """This page stands still: it is loaded again until what was just published is on it."""
    page.goto(url)
    for _ in range(50):
        if page.get_by_text(words).count():
            return
        page.wait_for_timeout(100)
        page.reload()
    raise AssertionError(f"{words!r} never came onto the page")


def test_a_device_nearby_is_added_without_javascript_and_counts_at_once(
    home: Home,
    open_browser: Callable[..., BrowserContext],
    pictures: Callable[[Page, str], None],
) -> None:
    seen = open_browser().new_page()
    home.publish("zigbee2mqtt/hall", {"occupancy": True})
    home.publish("zigbee2mqtt/porch", {"contact": False})
    _load_until(seen, home.url + "health", "zigbee2mqtt/porch")
    seen.get_by_text("Add it").first.click()
    pictures(seen, "home-nearby")
    page = open_browser(java_script_enabled=False).new_page()
    page.goto(home.url + "health")
    card = page.get_by_role("article", name="zigbee2mqtt/hall")
    card.get_by_text("Add it").first.click()
    card.get_by_label("What do you call it?").fill("Eye in the hall")
    card.get_by_role("button", name="Add it").click()
    added = page.get_by_role("article", name="Eye in the hall")
    expect(added.get_by_text("Take a reading with it now.")).to_be_visible()
    home.publish("zigbee2mqtt/hall", {"occupancy": False})
    _load_until(page, home.url + "health", "Take one more reading")
    expect(added.get_by_text("switching it off and on")).to_be_visible()
    seen.reload()
    pictures(seen, "home-devices")
    home.kill_and_restart()
    page.reload()
    expect(added.get_by_text("Not proved yet")).to_be_visible()
    added.get_by_text("Remove").first.click()
    added.get_by_role("button", name="Yes, remove").click()
    expect(added).to_have_count(0)


def test_where_a_sensor_is_is_asked_said_and_changed_without_javascript(
    home: Home, open_browser: Callable[..., BrowserContext]
) -> None:
    home.publish("zigbee2mqtt/lid", {"contact": True})
    page = open_browser(java_script_enabled=False).new_page()
    _load_until(page, home.url + "health", "zigbee2mqtt/lid")
    card = page.get_by_role("article", name="zigbee2mqtt/lid")
    card.get_by_text("Add it").first.click()
    card.get_by_label("What do you call it?").fill("Pills")
    card.get_by_label("Where is it?").select_option("On the fridge")
    card.get_by_role("button", name="Add it").click()
    added = page.get_by_role("article", name="Pills")
    expect(added.locator(".where")).to_have_text("On the fridge")
    added.get_by_text("Where is it?").first.click()
    added.get_by_label("Where is it?").select_option("On the lid of the medicine box")
    added.get_by_role("button", name="Save").click()
    expect(added.locator(".where")).to_have_text("On the lid of the medicine box")


def test_a_form_from_another_site_is_refused(
    home: Home, open_browser: Callable[..., BrowserContext]
) -> None:
    request = open_browser().request
    answer = request.post(
        home.url + "say",
        form={"person": "margaret", "word": "im_ok"},
        headers={"Sec-Fetch-Site": "cross-site"},
    )
    assert answer.status == 403


def test_a_person_says_that_they_go_away_and_are_back_with_the_keyboard_alone(
    home: Home,
    open_browser: Callable[..., BrowserContext],
    pictures: Callable[[Page, str], None],
) -> None:
    page = open_browser().new_page()
    page.goto(home.url)
    going = page.get_by_role("link", name="I am going away")
    going.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("When do you come back?")
    pictures(page, "home-away-ask")
    page.get_by_role("button", name="Tomorrow").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("You said that you are away until tomorrow at 22:00.")).to_be_visible()
    pictures(page, "home-away")
    page.close()
    home.kill_and_restart()
    page = open_browser().new_page()
    page.goto(home.url)
    expect(page.get_by_text("You said that you are away until tomorrow at 22:00.")).to_be_visible()
    page.get_by_role("button", name="I am back").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("You said that you are away")).to_have_count(0)
    expect(page.get_by_role("link", name="I am going away")).to_be_visible()


def test_going_away_until_a_day_works_without_javascript_and_a_day_gone_by_is_explained(
    home: Home, open_browser: Callable[..., BrowserContext], faults: Any
) -> None:
    faults.expected = ("status of 400",)
    page = open_browser(java_script_enabled=False).new_page()
    page.goto(home.url)
    page.get_by_role("link", name="I am going away").click()
    day = datetime.now(UTC) + timedelta(days=20)
    page.get_by_label("Or pick a day").fill(day.date().isoformat())
    page.get_by_role("button", name="I come back on that day").click()
    said = f"You said that you are away until {day:%A %-d %B} at 22:00."
    expect(page.get_by_text(said)).to_be_visible()
    answer = page.request.post(
        home.url + "away", form={"person": "margaret", "until": "day", "day": "2020-01-01"}
    )
    assert (answer.status, "still to come" in answer.text()) == (400, True)


def test_a_repeat_says_when_to_measure_again_without_javascript(
    home: Home,
    open_browser: Callable[..., BrowserContext],
    pictures: Callable[[Page, str], None],
) -> None:
    home.publish("cuff", {"sys": 186})
    page = open_browser(java_script_enabled=False).new_page()
    _load_until(page, home.url, "Measure again at")
    expect(page.get_by_text(re.compile(r"Measure again at \d\d:\d\d\."))).to_be_visible()
    seen = open_browser().new_page()
    seen.goto(home.url)
    pictures(seen, "home-measure-again")
