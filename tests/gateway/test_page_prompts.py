"""What two rules have to say at once is said on the home page once, and read once; no browser."""

import asyncio
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.config import HomeDevice
from gateway.home import Home
from gateway.intake import Intake
from gateway.journal import Journal
from gateway.page.app import Changes, make_app
from gateway.page.view import PromptCard, home_view
from gateway.plan import load_packs
from plumbing.clock import HomeTime
from rules.plan import parse_plan
from rules.records import Notice

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
PLAN = {
    "version": "1",
    "people": [
        {
            "id": "margaret",
            "name": "Margaret Ellis",
            "simulated": True,
            "packs": [{"pack": "heart-failure"}, {"pack": "hypertension"}],
        }
    ],
}


class HeldTime(HomeTime, frozen=True, kw_only=True):
    """Home time that stands still."""

    def now(self) -> datetime:
        return START


class Page:
    """A home of one person with two conditions, and its page."""

    def __init__(self, folder: Path) -> None:
        self.journal = Journal(folder / "journal")
        plan = parse_plan(PLAN, load_packs())
        intake = Intake([HomeDevice(device="s", patient="margaret")], [], plan.people, {})
        self.home = Home(self.journal, plan, intake, HeldTime())
        self.home.caught_up()
        unused: Any = None
        self.app = make_app(
            self.home,
            lambda: home_view(self.home, self.home.now(), reached=True),
            *(unused, unused, unused, lambda: "08:00"),
            Changes(),
            "999",
        )

    def ask(self, path: str, **form: str) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(
                transport=transport, base_url="http://home", follow_redirects=True
            ) as http:
                return await (http.post(path, data=form) if form else http.get(path))

        return asyncio.run(ask())

    def urgent(self) -> list[PromptCard]:
        people = home_view(self.home, self.home.now(), reached=True).people
        return [card for card in people[0].prompts if card.first == "Call 999 now."]

    def emergency(self) -> None:
        """ "I feel worse", and a yes to the first question."""
        shown = self.ask("/say", person="margaret", word="symptom.feel_worse").text
        found = re.search(r'action="(/prompts/\w+/answer)">\s*<fieldset>', shown)
        metric = re.search(r'<button name="([\w.]+)" value="yes"', shown)
        assert found
        assert metric
        self.ask(found[1], **{metric[1]: "yes"})

    def notice(self, alert: str, state: str, seq: int) -> None:
        told = Notice(seq=seq, alert=alert, patient="margaret", state=state, by="Sam", at=START)
        self.home.keep_notices([told])


@pytest.fixture
def page(tmp_path: Path) -> Page:
    return Page(tmp_path)


def test_an_emergency_that_two_rules_see_is_shown_once_and_read_once(page: Page) -> None:
    page.emergency()
    assert len({one.prompt.rule for one in page.journal.open_prompts(page.home.now())}) > 1
    (card,) = page.urgent()
    assert len(card.also) == 1
    shown = page.ask("/").text
    assert shown.count(">Call 999 now.</h2>") == 1
    assert (
        page.ask(f"/prompts/{card.id}/answer", also=card.also[0]).text.count("Call 999 now.") == 0
    )
    left = {one.prompt.id for one in page.journal.open_prompts(page.home.now())}
    assert left.isdisjoint({card.id, *card.also})


STATES = [
    pytest.param((), "On its way", id="neither is there"),
    pytest.param(("open",), "Nobody has opened it yet", id="one is there"),
    pytest.param(("open", "acknowledged"), "Sam has seen it", id="one was seen"),
    pytest.param(("resolved", "open"), "Nobody has opened it yet", id="one is dealt with"),
    pytest.param(("resolved",), "On its way", id="one is dealt with and one not there"),
    pytest.param(("resolved", "resolved"), "Sam has dealt with it", id="both are dealt with"),
]


@pytest.mark.parametrize(("states", "words"), STATES)
def test_of_two_messages_about_one_thing_the_one_that_came_furthest_is_told(
    page: Page, states: tuple[str, ...], words: str
) -> None:
    page.emergency()
    (card,) = page.urgent()
    about = {card.id, *card.also}
    findings = {
        one.prompt.finding
        for one in page.journal.open_prompts(page.home.now())
        if one.prompt.id in about
    }
    alerts = [one.id for one in page.journal.last_alerts(20) if one.finding in findings]
    for seq, (alert, state) in enumerate(zip(alerts, states, strict=False), 1):
        page.notice(alert, state, seq)
    assert words in page.urgent()[0].sent


def test_a_card_that_asks_is_never_folded_into_another(page: Page) -> None:
    page.ask("/say", person="margaret", word="symptom.feel_worse")
    people = home_view(page.home, page.home.now(), reached=True).people
    asking = [card for card in people[0].prompts if card.question]
    assert asking
    assert all(not card.also for card in asking)
