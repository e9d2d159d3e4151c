"""The tester's page: its routes, and who may use them.

A tester presses buttons of devices, and breaks links. Works without JavaScript; with it, what
happened is shown as it happens.
"""

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import jinja2
from starlette.applications import Starlette
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from devices.metrics import METRICS
from plumbing.own_page import OwnPage, form_fields
from simulators.homes.config import LOOPBACK
from simulators.homes.home import SimulatedHome
from simulators.page.view import view
from simulators.people.person import Deed
from simulators.people.scenarios import SCENARIOS
from simulators.play.faults import FAULTS, NO_FAULT, Fault

_FOLDER = Path(__file__).parent
_WEIGHT = METRICS["body_weight"]

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
    ("proxies", "off"): lambda home: home.plug_proxies(on=False),
    ("proxies", "on"): lambda home: home.plug_proxies(on=True),
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
        form = await form_fields(request)
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

    async def fault(request: Request) -> Response:
        form = await form_fields(request)
        name = request.path_params.get("fault", form.get("fault", ""))
        wants_json = "json" in request.headers.get("accept", "")
        try:
            devices = home.let_fail(_fault(name, off=bool(form.get("off"))), form.get("device", ""))
        except ValueError as error:
            if wants_json:
                return JSONResponse({"error": str(error)}, 404)
            return page("sorry.html", 404, reason=str(error))
        if wants_json:
            return JSONResponse({"fault": name, "on": not form.get("off"), "devices": devices})
        return RedirectResponse("/", 303)

    async def illness(request: Request) -> Response:
        name, moment = request.path_params["name"], request.path_params["moment"]
        if name not in SCENARIOS or moment not in ("begins", "ends"):
            return page("sorry.html", 404, reason="There is no such illness here.")
        home.fall_ill(SCENARIOS[name], begins=moment == "begins")
        return RedirectResponse("/", 303)

    app = Starlette(
        routes=[
            Route("/", show),
            Route("/live", live),
            Route("/devices/{device:path}/{deed}", device, methods=["POST"]),
            Route("/faults", fault, methods=["POST"]),
            Route("/faults/{fault}", fault, methods=["POST"]),
            Route("/illness/{name}/{moment}", illness, methods=["POST"]),
            Route("/{name}/{position}", switch, methods=["POST"]),
            Mount("/static", StaticFiles(directory=_FOLDER / "static")),
        ]
    )
    # A stranger's name that leads to 127.0.0.1 would make a stranger's page ours for a browser.
    return OwnPage(TrustedHostMiddleware(app, allowed_hosts=LOOPBACK))


def _fault(name: str, *, off: bool) -> Fault | None:
    """None: no fault any more."""
    if off or name == NO_FAULT:
        return None
    if name not in FAULTS:
        raise ValueError(f"no fault is {name!r}: there are {', '.join((*FAULTS, NO_FAULT))}")
    return FAULTS[name]


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
