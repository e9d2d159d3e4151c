"""The simulated person reads the home page and answers as the body says."""

import asyncio
from datetime import UTC, date, datetime
from pathlib import Path
from urllib.parse import parse_qs

import httpx
import pytest

from plumbing.clock import HomeTime, Pace
from simulators.homes.answering import Answering
from simulators.homes.diary import Diary, read_diary
from simulators.people.body import Body, Retention
from simulators.people.person import SimulatedPerson

ONSET = date(2026, 3, 9)
PERSON = SimulatedPerson(
    id="margaret",
    name="Margaret Ellis",
    seed=7,
    body=Body(dry_weight_kg=71.4, retention=Retention(onset=ONSET)),
)
QUESTION = """
<form method="post" action="/prompts/p1/answer">
  <button name="{metric}" value="yes">Yes</button><button name="{metric}" value="no">No</button>
</form>
<form method="post" action="/say"><button name="word" value="im_ok">I'm OK</button></form>
"""
READ_ONLY = (
    '<form method="post" action="/prompts/p2/answer"><button>I have read this</button></form>'
)


def third_morning() -> HomeTime:
    """2.4 kg of water: ankles yes, breath no."""
    return HomeTime(
        machine_start=datetime(2026, 1, 1, tzinfo=UTC),
        home_start=datetime(2026, 3, 12, 7, tzinfo=UTC),
        paces=(Pace(times=1e-9),),
    )


class HomePage:
    def __init__(self, html: str, status: int = 303) -> None:
        self.html = html
        self.status = status
        self.posts: list[tuple[str, dict[str, list[str]]]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(200, text=self.html)
        self.posts.append((request.url.path, parse_qs(request.content.decode())))
        return httpx.Response(self.status)


def look(page: HomePage, folder: Path, *, answers: bool = True, times: int = 1) -> list[str]:
    """What the diary says that the person did."""
    diary = Diary(folder / "diary.jsonl")
    person = Answering(PERSON, "http://home", third_morning(), diary, answers=answers)

    async def scene() -> None:
        transport = httpx.MockTransport(page)
        async with httpx.AsyncClient(base_url="http://home", transport=transport) as browser:
            for _ in range(times):
                await person.look(browser)

    asyncio.run(scene())
    diary.close()
    return [entry["did"] for entry in read_diary(folder / "diary.jsonl")]


@pytest.mark.parametrize(
    ("metric", "word"),
    [("symptom.ankles_swollen", "yes"), ("symptom.breathless", "no"), ("im_ok", "yes")],
)
def test_a_question_is_answered_as_the_body_says(tmp_path: Path, metric: str, word: str) -> None:
    page = HomePage(QUESTION.format(metric=metric))
    assert look(page, tmp_path) == ["read a prompt", "answered"]
    assert page.posts == [("/prompts/p1/answer", {metric: [word]})]


def test_a_prompt_without_a_question_is_marked_as_read(tmp_path: Path) -> None:
    page = HomePage(READ_ONLY)
    assert look(page, tmp_path) == ["read a prompt", "answered"]
    assert page.posts == [("/prompts/p2/answer", {})]


def test_who_is_silent_reads_and_says_nothing(tmp_path: Path) -> None:
    page = HomePage(QUESTION.format(metric="symptom.breathless"))
    assert look(page, tmp_path, answers=False, times=3) == ["read a prompt"]
    assert not page.posts


def test_an_answer_that_was_refused_is_not_tried_again(tmp_path: Path) -> None:
    page = HomePage(QUESTION.format(metric="symptom.breathless"), status=400)
    assert look(page, tmp_path, times=3) == ["read a prompt", "was refused"]
    assert len(page.posts) == 1


def test_buttons_that_no_prompt_asks_for_are_left_alone(tmp_path: Path) -> None:
    page = HomePage('<form method="post" action="/say"><button name="word">x</button></form>')
    assert look(page, tmp_path) == []
    assert not page.posts
