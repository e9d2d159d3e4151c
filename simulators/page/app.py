"""The tester's page: its routes, and who may use them.

A tester presses buttons of devices, and breaks links. Works without JavaScript; with it, what
happened is shown as it happens.
"""

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jinja2
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from devices.metrics import METRICS
from simulators.homes.home import SimulatedHome
from simulators.page.view import view
from simulators.people.person import Deed

_FOLDER = Path(__file__).parent
_MAX_FORM_BYTES = 4 * 1024
_WEIGHT = METRICS["body_weight"]
_HEADERS = [
    (b"content-security-policy", b"default-src 'self'; frame-ancestors 'none'; form-action 'self'"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
]

Switch = Callable[[SimulatedHome], Awaitable[None]]


async def _radio(home: SimulatedHome, *, on: bool) -> None:
    home.switch_radio(on=on)


async def _answers(home: SimulatedHome, *, on: bool) -> None:
    home.let_answer(answers=on)


SWITCHES: Mapping[tuple[str, str], Switch] = {
    ("cable", "pull"): lambda home: home.move_cable(plugged=False),
    ("cable", "plug"): lambda home: home.move_cable(plugged=True),
    ("radio", "off"): lambda home: _radio(home, on=False),
    ("radio", "on"): lambda home: _radio(home, on=True),
    ("answers", "off"): lambda home: _answers(home, on=False),
    ("answers", "on"): lambda home: _answers(home, on=True),
}
"""What can be switched, by name and position: POST /{name}/{position}."""


def make_app(home: SimulatedHome) -> ASGIApp:
    pages = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )

    def page(name: str, status: int = 200, **values: Any) -> HTMLResponse:
        return HTMLResponse(pages.get_template(name).render(values), status)

    async def show(request: Request) -> Response:
        return page("tester.html", view=view(home))

    async def live(request: Request) -> Response:
        return page("live.html", view=view(home))

    async def device(request: Request) -> Response:
        name, what = request.path_params["device"], request.path_params["deed"]
        found = next((one for one in home.devices if one.config.device == name), None)
        if found is None or what not in found.config.deeds:
            return page("sorry.html", 404, reason="No device of this home can do that.")
        form = await _form(request)
        try:
            values = _weight(form["weight"]) if "weight" in form else None
        except ValueError as error:
            return page("sorry.html", 400, reason=str(error))
        home.tester_does(found, Deed(what), values)
        return RedirectResponse("/", 303)

    async def switch(request: Request) -> Response:
        key = request.path_params["name"], request.path_params["position"]
        if key not in SWITCHES:
            return page("sorry.html", 404, reason="There is no such switch.")
        await SWITCHES[key](home)
        return RedirectResponse("/", 303)

    return _Guard(
        Starlette(
            routes=[
                Route("/", show),
                Route("/live", live),
                Route("/devices/{device:path}/{deed}", device, methods=["POST"]),
                Route("/{name}/{position}", switch, methods=["POST"]),
                Mount("/static", StaticFiles(directory=_FOLDER / "static")),
            ]
        )
    )


def _weight(said: str) -> dict[str, float]:
    try:
        weight = float(said.replace(",", "."))
    except ValueError:
        weight = -1.0
    if not _WEIGHT.plausible(weight):
        raise ValueError(
            f"{said!r} is no weight: write kilograms between {_WEIGHT.low:g} and {_WEIGHT.high:g}."
        )
    return {_WEIGHT.name: weight}


async def _form(request: Request) -> dict[str, str]:
    async with request.form(max_fields=5, max_files=0, max_part_size=_MAX_FORM_BYTES) as form:
        return {key: value for key, value in form.items() if isinstance(value, str)}


class _Guard:
    """Security headers on every answer; forms are taken from this page, or from a program."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if scope["method"] not in {"GET", "HEAD"} and not _same_origin(scope):
            refusal = PlainTextResponse("Forms are taken from the tester's own page only.", 403)
            await refusal(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *_HEADERS]
            await send(message)

        await self._app(scope, receive, send_with_headers)


def _same_origin(scope: Scope) -> bool:
    headers = {key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]}
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in {"same-origin", "none"}
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc == headers.get("host")
