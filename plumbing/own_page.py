"""A small page on one's own machine: strict headers, and forms from that page alone."""

from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

_MAX_FORM_BYTES = 16 * 1024
_MAX_FIELDS = 20
_SAFE = frozenset({"GET", "HEAD"})
_HEADERS = (
    (b"content-security-policy", b"default-src 'self'; frame-ancestors 'none'; form-action 'self'"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
)


class OwnPage:
    """Wraps an app. A browser says where a form comes from; a program (curl) says nothing."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *_HEADERS]
            await send(message)

        if scope["method"] in _SAFE or _same_origin(scope):
            await self._app(scope, receive, send_with_headers)
        else:
            refusal = PlainTextResponse("Forms are taken from this machine's own page only.", 403)
            await refusal(scope, receive, send_with_headers)


async def form_fields(request: Request) -> dict[str, str]:
    """The text fields of a form. Starlette answers 400 to one that is too large."""
    async with request.form(
        max_fields=_MAX_FIELDS, max_files=0, max_part_size=_MAX_FORM_BYTES
    ) as form:
        return {key: value for key, value in form.items() if isinstance(value, str)}


def _same_origin(scope: Scope) -> bool:
    headers = {key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]}
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in {"same-origin", "none"}
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc == headers.get("host")
