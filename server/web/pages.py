"""From a template and its views to an answer with the security headers of every page."""

from collections.abc import Mapping
from os import PathLike, stat_result
from pathlib import Path
from secrets import token_urlsafe
from types import MappingProxyType
from typing import Any

import starlette.staticfiles
from fastapi.responses import HTMLResponse, Response
from jinja2 import ChainableUndefined, ChoiceLoader, Environment, FileSystemLoader, PackageLoader
from starlette.types import Scope

_NONE: Mapping[str, str] = MappingProxyType({})

FOLDER = Path(__file__).parent


_environment = Environment(
    loader=ChoiceLoader(
        [FileSystemLoader(FOLDER / "templates"), PackageLoader("nhsuk_frontend_jinja")]
    ),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=ChainableUndefined,
)
"""The nhsuk templates read parameters that were not given, hence ChainableUndefined."""

_POLICY = (
    "default-src 'self'; script-src 'self' 'nonce-{nonce}'; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)

HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


class StaticFiles(starlette.staticfiles.StaticFiles):
    """Style sheets, scripts and pictures: asked for again each time, sent only when changed."""

    def __init__(self) -> None:
        super().__init__(directory=FOLDER / "static")

    def file_response(
        self,
        full_path: str | PathLike[str],
        stat_result: stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        answer = super().file_response(full_path, stat_result, scope, status_code)
        answer.headers.update({**HEADERS, "Cache-Control": "no-cache"})
        return answer


def page(
    template: str, *, status: int = 200, headers: Mapping[str, str] = _NONE, **views: Any
) -> HTMLResponse:
    """The rendered template, with a nonce that this answer alone has."""
    nonce = token_urlsafe(16)
    content = _environment.get_template(template).render(cspNonce=nonce, **views)
    policy = {"Content-Security-Policy": _POLICY.format(nonce=nonce)}
    return HTMLResponse(content, status_code=status, headers={**headers, **HEADERS, **policy})
