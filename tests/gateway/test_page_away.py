"""The home page says who is away, in hospital or dead, and takes what people say; no browser."""

import asyncio
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
from gateway.page.view import home_view
from plumbing.clock import HomeTime
from rules.plan import parse_plan
from rules.records import StaffState
from rules.whereabouts import Word

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
LATE = datetime(2026, 3, 2, 22, 30, tzinfo=UTC)
TEXT = {"person": "Sit down. Wait for help.", "nurse": "Call.", "log": "said"}
PLAN = {
    "version": "1",
    "people": [
        {"id": "margaret", "name": "Margaret Ellis", "timezone": "UTC"},
        {"id": "joan", "name": "Joan Hart", "timezone": "UTC"},
    ],
    "rules": [
        {
            "id": "sos",
            "for": "margaret",
            "kind": "answer",
            "params": {"metrics": ["im_ok"]},
            "then": {"tier": "T5", "text": "said"},
        }
    ],
    "texts": {"said": TEXT},
}


class HeldTime(HomeTime, frozen=True, kw_only=True):
    """Home time that the test holds in its hand."""

    shown: list[datetime]

    def now(self) -> datetime:
        return self.shown[0]


class Page:
    def __init__(self, folder: Path) -> None:
        self.clock = [START]
        self.journal = Journal(folder / "journal")
        plan = parse_plan(PLAN, {})
        intake = Intake([HomeDevice(device="s", patient="joan")], [], plan.people, {})
        self.home = Home(self.journal, plan, intake, HeldTime(shown=self.clock))
        unused: Any = None
        self.app = make_app(
            self.home,
            lambda: home_view(self.home, self.clock[0], reached=True),
            unused,
            unused,
            unused,
            lambda: "08:00",
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


@pytest.fixture
def page(tmp_path: Path) -> Page:
    return Page(tmp_path)


def test_each_person_of_a_home_goes_away_and_comes_back_for_themselves(page: Page) -> None:
    asked = page.ask("/away/margaret").text
    assert "When do you come back, Margaret?" in asked
    shown = page.ask("/away", person="margaret", until="tonight").text
    assert shown.count("You said that you are away until tonight at 22:00.") == 1
    assert 'href="/away/joan"' in shown
    assert 'href="/away/margaret"' not in shown
    assert "You said that you are away" not in page.ask("/back", person="margaret").text


def test_tonight_is_not_offered_when_it_is_over(page: Page) -> None:
    page.clock[0] = LATE
    asked = page.ask("/away/margaret").text
    assert 'value="tonight"' not in asked
    answer = page.ask("/away", person="margaret", until="tonight")
    assert (answer.status_code, "still to come" in answer.text) == (400, True)


WRONG = [
    pytest.param("/away", {"person": "nobody", "until": "tonight"}, "Say who", id="nobody"),
    pytest.param("/away", {"person": "joan", "until": "day", "day": "<b>"}, "Choose", id="no day"),
    pytest.param("/away", {"person": "joan"}, "Choose the day", id="nothing"),
    pytest.param("/away", {"person": "joan", "day": "9999-12-31"}, "90 days", id="for ever"),
    pytest.param("/back", {"person": "nobody"}, "Say who", id="nobody back"),
]


@pytest.mark.parametrize(("path", "form", "words"), WRONG)
def test_what_can_not_be_said_is_explained(
    path: str, form: dict[str, str], words: str, page: Page
) -> None:
    answer = page.ask(path, **form)
    assert answer.status_code == 400
    assert words in answer.text
    assert "<b>" not in answer.text


def test_of_who_died_nothing_is_asked_and_an_emergency_is_still_shown(page: Page) -> None:
    page.home.hear_state(StaffState(seq=1, patient="margaret", said=Word.DIED, at=START, by="Sam"))
    shown = page.ask("/").text
    assert "Sam said that Margaret has died." in shown
    assert "Hello, Margaret" not in shown
    assert "Hello, Joan" in shown
    assert shown.count("I feel worse") == 1
    assert "Wait for help." not in shown
    page.home.tell("margaret", "im_ok")
    assert "Wait for help." in page.ask("/").text
