"""The person reads the home page, and answers its questions as the body says.

A prompt without a question is answered too: it was read.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress

import httpx

from plumbing.clock import HomeTime
from simulators.homes.diary import Diary
from simulators.pages import Form, read_page
from simulators.people.person import SimulatedPerson, answers

LOOKS_EVERY_S = 0.5
"""Machine time, so that a hurried home time does not hammer the page."""
WORDS: Mapping[bool, str] = {True: "yes", False: "no"}


class Answering:
    """Looks at the page now and then. `answers` can be switched while it runs."""

    def __init__(
        self,
        person: SimulatedPerson,
        url: str,
        home_time: HomeTime,
        diary: Diary,
        *,
        answers: bool,
    ) -> None:
        self.answers = answers
        self._person = person
        self._url = url
        self._home_time = home_time
        self._diary = diary
        self._seen: set[str] = set()
        self._refused: set[str] = set()

    async def run(self) -> None:
        """Until it is cancelled. A page that can't be reached is looked at again later."""
        async with httpx.AsyncClient(base_url=self._url, timeout=5.0) as browser:
            while True:
                with suppress(httpx.HTTPError):
                    await self.look(browser)
                await asyncio.sleep(LOOKS_EVERY_S)

    async def look(self, browser: httpx.AsyncClient) -> None:
        """Read the page once, and answer what it asks at this moment. Raises httpx.HTTPError."""
        page = await browser.get("/")
        page.raise_for_status()
        for form in read_page(page.text).forms_to("/prompts/", "/answer"):
            if form.action not in self._seen:
                self._seen.add(form.action)
                self._note("read a prompt", form)
            if self.answers and form.action not in self._refused:
                await self._answer(browser, form)

    async def _answer(self, browser: httpx.AsyncClient, form: Form) -> None:
        asked = [name for name, words in form.choices.items() if {"yes", "no"} <= {*words}]
        said = answers(self._person, asked, self._home_time.now())
        fields = {name: WORDS[yes] for name, yes in said.items()}
        reply = await browser.post(form.action, data={**form.fixed, **fields})
        if reply.is_error:
            self._refused.add(form.action)
            self._note("was refused", form, status=reply.status_code)
            return
        self._note("answered", form, answers=fields)

    def _note(self, did: str, form: Form, **more: object) -> None:
        prompt = form.action.split("/")[2]
        self._diary.note(self._home_time.now(), self._person.id, did, prompt=prompt, **more)
