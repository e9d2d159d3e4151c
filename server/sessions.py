"""Who is signed in: an opaque id in a cookie, its hash in the database, an end in any case."""

import asyncio
from datetime import datetime, timedelta
from hashlib import blake2b
from secrets import token_urlsafe

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from fastapi import Request, Response
from msgspec import Struct

from plumbing.clock import utc_now
from server.config import ServerConfig
from server.db import Database, Queries
from server.permissions import Actor, Role
from server.site import Site, site_of

_sql = Queries("sessions.sql")
_hasher = PasswordHasher()
_hashing = asyncio.Semaphore(2)
"""A hash takes 64 MB and a tenth of a second of a core: not more than two at once."""
_NOBODY = _hasher.hash(token_urlsafe())
"""Checked where there is no such user, so that an answer takes as long."""
_TOUCH = timedelta(minutes=1)
"""The idle clock is moved at most this often."""
_LONGEST_NAME = 200


class _User(Struct):
    id: str
    password_hash: str


class _Session(Struct):
    user_id: str
    name: str
    role: str
    people: list[str]
    seen_at: datetime
    ends_at: datetime


async def sign_in(site: Site, name: str, password: str) -> str | None:
    """A new session's token, to be set as the cookie; None where name or password is wrong."""
    if len(name) > _LONGEST_NAME or len(password) > _LONGEST_NAME or "\0" in name:
        return None
    user = await site.db.row(_User, _sql["user_for_sign_in"], {"id": name})
    async with _hashing:
        right = await asyncio.to_thread(
            _verify, _NOBODY if user is None else user.password_hash, password
        )
    if user is None or not right:
        return None
    token = token_urlsafe(32)
    now = utc_now()
    ends_at = now + timedelta(seconds=site.config.sessions.longest_s)
    await site.db.execute(
        _sql["begin_session"],
        {"hash": _hash(token), "user": user.id, "now": now, "ends_at": ends_at},
    )
    return token


def set_cookie(site: Site, response: Response, token: str) -> None:
    """Give the browser its session."""
    response.set_cookie(
        cookie_name(site.config),
        token,
        max_age=int(site.config.sessions.longest_s),
        httponly=True,
        samesite="lax",
        secure=_is_secure(site.config),
        path="/",
    )


async def sign_out(request: Request, response: Response) -> None:
    """End the session of this request, in the database and in the browser."""
    site = site_of(request)
    token = request.cookies.get(cookie_name(site.config))
    if token:
        await site.db.execute(_sql["end_session"], {"hash": _hash(token)})
    response.delete_cookie(
        cookie_name(site.config), path="/", httponly=True, secure=_is_secure(site.config)
    )


async def current_user(request: Request, *, touch: bool = True) -> Actor | None:
    """Who is signed in, or None. `touch`: whether this request counts as activity."""
    site = site_of(request)
    token = request.cookies.get(cookie_name(site.config))
    if not token:
        return None
    now = utc_now()
    idle = timedelta(seconds=site.config.sessions.idle_s)
    found = {"hash": _hash(token), "now": now, "seen_after": now - idle}
    session = await site.db.row(_Session, _sql["find_session"], found)
    if session is None:
        return None
    if touch and now - session.seen_at > _TOUCH:
        await site.db.execute(_sql["touch_session"], {"hash": _hash(token), "now": now})
    return Actor(
        id=session.user_id,
        role=Role(session.role),
        name=session.name,
        people=tuple(session.people),
        until=session.ends_at,
    )


async def forget_old(db: Database) -> None:
    """Remove the sessions that are over."""
    await db.execute(_sql["forget_sessions"], {"now": utc_now()})


def cookie_name(config: ServerConfig) -> str:
    """With the prefix that binds a cookie to this very host, where the page comes by TLS."""
    return "__Host-homebeat" if _is_secure(config) else "homebeat"


def hash_password(password: str) -> str:
    return _hasher.hash(password)


def _is_secure(config: ServerConfig) -> bool:
    return config.url.startswith("https://")


def _verify(password_hash: str, password: str) -> bool:
    try:
        return _hasher.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False


def _hash(token: str) -> bytes:
    return blake2b(token.encode(), digest_size=32).digest()
