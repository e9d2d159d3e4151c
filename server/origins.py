"""Which pages may send what: an unsafe request must come from a page of our own.

A browser says where a request comes from (Sec-Fetch-Site, Origin); another site can't forge that.
Requests that a gateway signs carry no cookie, so no page can send one in someone's name.
"""

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from server.problems import Problem, document

_SAFE = ("GET", "HEAD", "OPTIONS")


class SameOrigin:
    """ASGI middleware that refuses unsafe requests from elsewhere, but for the signed paths."""

    def __init__(self, app: ASGIApp, public_url: str, signed: tuple[str, ...]) -> None:
        self._app = app
        self._public_url = public_url
        self._signed = signed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if (
            scope["type"] != "http"
            or scope["method"] in _SAFE
            or scope["path"] in self._signed
            or is_own(Headers(scope=scope), scope["scheme"], self._public_url)
        ):
            await self._app(scope, receive, send)
            return
        problem = Problem(
            403,
            "origin",
            "The request does not come from a page of this server",
            "Open the page here and send it again. A program sends the Origin header.",
        )
        await document(problem)(scope, receive, send)


def is_own(headers: Headers, scheme: str, public_url: str) -> bool:
    """Whether the browser says that one of our own pages sent it. Saying nothing is a no."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = headers.get("origin", "").rstrip("/")
    if public_url:
        ours = urlsplit(public_url)
        return origin == f"{ours.scheme}://{ours.netloc}"
    return origin == f"{scheme}://{headers.get('host', '')}"
