"""The home page's routes. Works without JavaScript and without the server."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

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
from starlette.types import ASGIApp, Receive, Scope, Send

from devices.metrics import METRICS
from gateway.health import Health
from gateway.home import Home
from gateway.page.view import HomeView

_FOLDER = Path(__file__).parent
_ANSWERS = {"yes": True, "no": False}
_MAX_FORM_BYTES = 16 * 1024
_TICK_S = 10.0
_HEADERS = [
    (b"content-security-policy", b"default-src 'self'; frame-ancestors 'none'; form-action 'self'"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
]


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
    changes: Changes,
    emergency_number: str,
) -> ASGIApp:
    """The app. `view` and `health` may block: they are called in a thread."""
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
        return page("health.html", health=await run_in_threadpool(health))

    async def health_json(request: Request) -> Response:
        found = await run_in_threadpool(health)
        return Response(msgspec.json.encode(found), media_type="application/json")

    async def answer(request: Request) -> Response:
        form = await _form(request)
        answers = {}
        for metric, word in form.items():
            if metric not in METRICS or word not in _ANSWERS:
                return page("sorry.html", 400, reason="This answer can't be read.")
            answers[metric] = _ANSWERS[word]
        try:
            known = await run_in_threadpool(home.answer, request.path_params["prompt"], answers)
        except ValueError:
            return page("sorry.html", 400, reason="This question was not asked.")
        if not known:
            return page("sorry.html", 404, reason="This question is not here any more.")
        return RedirectResponse("/", 303)

    async def say(request: Request) -> Response:
        form = await _form(request)
        try:
            await run_in_threadpool(home.tell, form.get("person", ""), form.get("word", ""))
        except ValueError:
            return page("sorry.html", 400, reason="This can't be said here.")
        changes.bump()
        return RedirectResponse("/?said=1", 303)

    async def events(request: Request) -> Response:
        return StreamingResponse(_events(changes), media_type="text/event-stream")

    async def alive(request: Request) -> Response:
        return PlainTextResponse("alive")

    app = Starlette(
        routes=[
            Route("/", show_home),
            Route("/health", show_health),
            Route("/health.json", health_json),
            Route("/prompts/{prompt}/answer", answer, methods=["POST"]),
            Route("/say", say, methods=["POST"]),
            Route("/changes", events),
            Route("/alive", alive),
            Mount("/static", StaticFiles(directory=_FOLDER / "static")),
        ]
    )
    return _Guard(app)


async def _events(changes: Changes) -> AsyncIterator[bytes]:
    while True:
        yield f"data: {changes.version}\n\n".encode()
        await changes.wait(_TICK_S)


async def _form(request: Request) -> dict[str, str]:
    async with request.form(max_fields=20, max_files=0, max_part_size=_MAX_FORM_BYTES) as form:
        return {key: value for key, value in form.items() if isinstance(value, str)}


class _Guard:
    """Security headers on every answer; forms are taken from our own page only."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if scope["method"] not in ("GET", "HEAD") and not _same_origin(scope):
            refusal = PlainTextResponse("Forms are taken from this home's own page only.", 403)
            await refusal(scope, receive, send)
            return

        async def send_with_headers(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *_HEADERS]
            await send(message)

        await self._app(scope, receive, send_with_headers)


def _same_origin(scope: Scope) -> bool:
    headers = {key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]}
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc == headers.get("host")
