"""The home page's routes. Works without JavaScript and without the server."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import jinja2
import msgspec
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import (
    HTMLResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from gateway.health import Health
from gateway.home import Home
from gateway.onboarding import Onboarding
from gateway.page.kit import kit_routes, kit_view
from gateway.page.prompts import prompt_routes
from gateway.page.view import HomeView, ReadingLine
from gateway.page.where import where_routes
from gateway.page.words import KEPT
from plumbing.own_page import OwnPage, form_fields

_FOLDER = Path(__file__).parent
_GONE = "This reading is not here any more."
CORRECTION_REASONS = {
    "another-person": "It was someone else",
    "slip": "Something slipped or moved",
    "not-taken": "Nobody took this reading",
}
_TICK_S = 10.0


class Changes:
    """Tells open pages that something is new. `bump` may be called from any thread."""

    def __init__(self) -> None:
        self.version = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._changed = asyncio.Event()

    def bump(self) -> None:
        self.version += 1
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._wake)

    async def wait(self, timeout_s: float) -> None:
        """Until the next change, or the time-out."""
        self._loop = asyncio.get_running_loop()
        changed = self._changed
        try:
            await asyncio.wait_for(changed.wait(), timeout_s)
        except TimeoutError:
            return

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


def make_app(
    home: Home,
    view: Callable[[], HomeView],
    health: Callable[[], Health],
    onboarding: Onboarding,
    reading_line: Callable[[str], ReadingLine | None],
    clock: Callable[[], str],
    changes: Changes,
    emergency_number: str,
) -> ASGIApp:
    """The app. `view`, `health` and `reading_line` may block: they are called in a thread."""
    pages = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )

    def page(name: str, status: int = 200, **values: Any) -> HTMLResponse:
        values["emergency_number"] = emergency_number
        return HTMLResponse(pages.get_template(name).render(values), status)

    async def show_home(request: Request) -> Response:
        seen = await run_in_threadpool(view)
        return page("home.html", view=seen, version=changes.version)

    async def show_health(request: Request) -> Response:
        found = await run_in_threadpool(health)
        devices = await run_in_threadpool(onboarding.kit)
        kit = kit_view(devices, home.plan.people, found.at)
        return page("health.html", health=found, kit=kit, kept=KEPT)

    async def health_json(request: Request) -> Response:
        found = await run_in_threadpool(health)
        return Response(msgspec.json.encode(found), media_type="application/json")

    async def whose(request: Request) -> Response:
        person = (await form_fields(request)).get("person")
        if person is None:
            return page("sorry.html", 400, reason="Say whose it is.")
        reading = request.path_params["reading"]
        try:
            waited = await run_in_threadpool(home.belongs_to, reading, person)
        except ValueError:
            return page("sorry.html", 400, reason="This person was not asked.")
        if not waited:
            return page("sorry.html", 404, reason="This question is not here any more.")
        return RedirectResponse("/", 303)

    async def show_wrong(request: Request) -> Response:
        line = await run_in_threadpool(reading_line, request.path_params["reading"])
        if line is None:
            return page("sorry.html", 404, reason=_GONE)
        return page(
            "wrong.html",
            reading=line.id,
            title=line.title,
            value=line.value,
            when=line.when,
            reasons=CORRECTION_REASONS,
        )

    async def put_right(request: Request) -> Response:
        reason = (await form_fields(request)).get("reason", "")
        if reason not in CORRECTION_REASONS:
            return page("sorry.html", 400, reason="Choose one of the reasons.")
        if not await run_in_threadpool(home.correct, request.path_params["reading"], reason):
            return page("sorry.html", 404, reason=_GONE)
        return RedirectResponse("/", 303)

    async def say(request: Request) -> Response:
        form = await form_fields(request)
        try:
            await run_in_threadpool(home.tell, form.get("person", ""), form.get("word", ""))
        except ValueError:
            return page("sorry.html", 400, reason="This can't be said here.")
        changes.bump()
        return RedirectResponse("/?said=1", 303)

    async def events(request: Request) -> Response:
        return StreamingResponse(_events(changes, clock), media_type="text/event-stream")

    async def alive(request: Request) -> Response:
        return PlainTextResponse("alive")

    def sorry(status: int, reason: str) -> Response:
        return page("sorry.html", status, reason=reason)

    app = Starlette(
        routes=[
            Route("/", show_home),
            Route("/health", show_health),
            Route("/health.json", health_json),
            *kit_routes(onboarding, home.plan.people, sorry),
            *prompt_routes(home, sorry),
            *where_routes(home, page, sorry),
            Route("/say", say, methods=["POST"]),
            Route("/readings/{reading}/whose", whose, methods=["POST"]),
            Route("/readings/{reading}/wrong", show_wrong),
            Route("/readings/{reading}/wrong", put_right, methods=["POST"]),
            Route("/changes", events),
            Route("/alive", alive),
            Mount("/static", StaticFiles(directory=_FOLDER / "static")),
        ]
    )
    return OwnPage(app)


async def _events(changes: Changes, clock: Callable[[], str]) -> AsyncIterator[bytes]:
    while True:
        news = msgspec.json.encode({"version": str(changes.version), "clock": clock()})
        yield b"data: " + news + b"\n\n"
        await changes.wait(_TICK_S)
