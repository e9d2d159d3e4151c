"""How a route finds out who asks, and asks `allowed` whether they may: FastAPI dependencies.

A route without one of these is public, and stands by name in the list of the test that walks
all routes.
"""

import asyncio
from collections.abc import Awaitable, Callable

from fastapi import Request
from msgspec import Struct

from plumbing.clock import utc_now
from plumbing.signing import (
    NEXT_NONCE_HEADER,
    NONCE_HEADER,
    SENDER_HEADER,
    SIGNATURE_HEADER,
    request_is_signed,
)
from rules.records import MAX_BODY_BYTES
from server.permissions import Action, Actor, Resource, Role, allowed
from server.problems import NotSignedIn, Problem
from server.queries.alerts import alert_patient
from server.sessions import current_user
from server.site import site_of

_BODY_LIMIT_S = 30.0
"""How long a body may take to arrive."""

Subject = Callable[[Request], Awaitable[Resource]]


class Asks:
    """A dependency that lets a request through only if `allowed` says so."""

    def __init__(self, action: Action) -> None:
        self.action = action

    def require(self, actor: Actor, resource: Resource) -> None:
        decision = allowed(actor, self.action, resource, utc_now())
        if not decision.allowed:
            raise Problem(403, "permission", "This is not for you", decision.reason)


async def no_one_in_particular(request: Request) -> Resource:
    """A list; the route shows the part of it that the actor may see."""
    return Resource()


async def person_in_path(request: Request) -> Resource:
    """The person named by `{person}` in the route's path."""
    return Resource(patient=request.path_params["person"])


async def alert_in_path(request: Request) -> Resource:
    """Whom the alert named by `{alert}` in the route's path is about."""
    found = await alert_patient(site_of(request).db, request.path_params["alert"])
    if found is None:
        raise Problem(404, "alert", "There is no such alert", "Go back to the list at /.")
    return Resource(patient=found[0], kit=found[0] is None)


class AsUser(Asks):
    """Someone who is signed in. `touch`: whether the request counts as activity of a person."""

    def __init__(
        self, action: Action, subject: Subject = no_one_in_particular, *, touch: bool = True
    ) -> None:
        super().__init__(action)
        self._subject = subject
        self._touch = touch

    async def __call__(self, request: Request) -> Actor:
        actor = await current_user(request, touch=self._touch)
        if actor is None:
            raise NotSignedIn
        self.require(actor, await self._subject(request))
        return actor


class Signed(Struct, frozen=True):
    """A request that a home's gateway signed, and its body."""

    actor: Actor
    body: bytes


class AsGateway(Asks):
    """A home's gateway, known by its signature over a nonce that is used once."""

    async def __call__(self, request: Request) -> Signed:
        site = site_of(request)
        gateway = site.config.gateway(request.headers.get(SENDER_HEADER, ""))
        if gateway is None:
            raise _unauthorised("gateway", "Name this gateway in the server's settings.")
        nonce = request.headers.get(NONCE_HEADER, "")
        if not site.nonces.may_be_spent(nonce):
            raise _bad_nonce()
        body = await _read_body(request)
        signature = request.headers.get(SIGNATURE_HEADER, "")
        path = _path_and_query(request)
        if not request_is_signed(gateway.public_key, signature, request.method, path, nonce, body):
            raise _unauthorised(
                "signature", "Put this gateway's public key into the server's settings."
            )
        if not await site.nonces.spend(nonce):
            raise _bad_nonce()
        request.state.next_nonce = site.nonces.give()
        actor = Actor(id=gateway.id, role=Role.GATEWAY, people=gateway.people)
        self.require(actor, Resource())
        return Signed(actor, body)


def next_nonce(request: Request) -> dict[str, str]:
    """The header with the nonce for the next request, once this one was found rightly signed."""
    nonce = getattr(request.state, "next_nonce", None)
    return {} if nonce is None else {NEXT_NONCE_HEADER: nonce}


def _unauthorised(code: str, detail: str) -> Problem:
    return Problem(401, code, "The request is not signed by a gateway that is known here", detail)


def _bad_nonce() -> Problem:
    return _unauthorised("nonce", "Ask for a new nonce at /api/v1/nonce, and sign again.")


def _path_and_query(request: Request) -> str:
    query = request.scope["query_string"].decode("latin-1")
    path: str = request.scope["raw_path"].decode("latin-1")
    return f"{path}?{query}" if query else path


async def _read_body(request: Request) -> bytes:
    """The body, as long as it stays within the limit and arrives in time."""
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(_BODY_LIMIT_S):
            async for part in request.stream():
                size += len(part)
                if size > MAX_BODY_BYTES:
                    raise _too_large()
                parts.append(part)
    except TimeoutError:
        raise Problem(
            408, "slow", "The body did not arrive in time", "Send it again, in smaller batches."
        ) from None
    return b"".join(parts)


def _too_large() -> Problem:
    return Problem(
        413,
        "size",
        "The body is too large",
        f"Send at most {MAX_BODY_BYTES} bytes at once.",
        {"Connection": "close"},
    )
