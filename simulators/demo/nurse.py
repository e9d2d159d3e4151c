"""A simulated nurse: signs in, looks at the worklist, and takes each alert that is open."""

from contextlib import suppress
from threading import Event, Thread
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import httpx

from simulators.pages import Form, Page, read_page

LOOKS_EVERY_S = 0.5


class Nurse:
    """Works in a thread of its own while it is a context. A page out of reach is tried again."""

    def __init__(self, url: str, user: str) -> None:
        self._url = url
        self._user = user
        self._leaving = Event()
        self._thread = Thread(target=self._work, name="nurse", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._leaving.set()
        self._thread.join(timeout=10.0)

    def _work(self) -> None:
        # A browser says where a form comes from; without it the server takes no form.
        headers = {"Origin": self._url}
        with httpx.Client(
            base_url=self._url, headers=headers, timeout=5.0, follow_redirects=True
        ) as browser:
            while not self._leaving.wait(LOOKS_EVERY_S):
                with suppress(httpx.HTTPError):
                    self.look(browser)

    def look(self, browser: httpx.Client) -> None:
        """Take every alert on the list that nobody has taken. Raises httpx.HTTPError."""
        for link in dict.fromkeys(self._worklist(browser).links):
            path = urlsplit(link).path
            if path.startswith("/alerts/"):
                page = read_page(browser.get(path).raise_for_status().text)
                for form in page.forms_to("/alerts/", "/acknowledge"):
                    _send(browser, form)

    def _worklist(self, browser: httpx.Client) -> Page:
        page = read_page(browser.get("/").raise_for_status().text)
        mine = next((one for one in page.forms_to("/sign-in", "") if self._is_mine(one)), None)
        return page if mine is None else _send(browser, mine)

    def _is_mine(self, form: Form) -> bool:
        """The demo's own way in: a form that holds name and password already."""
        return form.fixed.get("name") == self._user and "password" in form.fixed


def _send(browser: httpx.Client, form: Form) -> Page:
    answer = browser.post(form.action, data=dict(form.fixed))
    return read_page(answer.raise_for_status().text)
