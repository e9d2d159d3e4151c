"""Nonces for signed requests: given out for nothing, spent once.

A nonce carries the machine second of its making and a MAC over it, so giving one writes nothing
and nobody can fill a table by asking. Only a nonce that a rightly signed request has used is
written down, until it is too old to be used again.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from datetime import datetime, timedelta
from hashlib import blake2b
from hmac import compare_digest
from secrets import token_bytes

from msgspec import Struct

from plumbing.clock import utc_now
from server.db import Database, Queries

LIFETIME = timedelta(minutes=10)
_RANDOM_BYTES = 16
_SECOND_BYTES = 8
_MAC_BYTES = 16

_sql = Queries("nonces.sql")


class _Secret(Struct):
    secret: bytes


class Nonces:
    """The nonces of one database: every server on it shares their secret."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._secret = b""

    async def open(self) -> None:
        """Make the secret, or take the one that another server made."""
        await self._db.execute(_sql["make_secret"], {"secret": token_bytes(32)})
        kept = await self._db.row(_Secret, _sql["read_secret"])
        if kept is None:
            raise RuntimeError("the secret of the nonces was just written, and is not there")
        self._secret = kept.secret

    def give(self) -> str:
        """A fresh nonce."""
        second = int(utc_now().timestamp())
        content = second.to_bytes(_SECOND_BYTES, "big") + token_bytes(_RANDOM_BYTES)
        return urlsafe_b64encode(content + mac(self._secret, content)).decode().rstrip("=")

    def may_be_spent(self, nonce: str) -> bool:
        """Whether we gave it, and not too long ago. It may have been spent already."""
        return is_ours(self._secret, nonce, utc_now())

    async def spend(self, nonce: str) -> bool:
        """Whether this is its first use. After a crash of the database no older one is good."""
        now = utc_now()
        spent = await self._db.execute(
            _sql["spend"], {"nonce": nonce, "secret": self._secret, "now": now}
        )
        if spent == 0:
            await self.open()
        return spent == 1

    async def forget_old(self) -> None:
        """Remove the spent ones that are too old to be used again anyway."""
        await self._db.execute(_sql["forget"], {"before": utc_now() - 2 * LIFETIME})


def is_ours(secret: bytes, nonce: str, now: datetime) -> bool:
    """Whether a nonce was made with `secret` within its lifetime before `now`."""
    try:
        made = urlsafe_b64decode(nonce + "=" * (-len(nonce) % 4))
    except (Base64Error, ValueError):
        return False
    content, given_mac = made[:-_MAC_BYTES], made[-_MAC_BYTES:]
    if len(content) != _SECOND_BYTES + _RANDOM_BYTES:
        return False
    if not compare_digest(given_mac, mac(secret, content)):
        return False
    age_s = now.timestamp() - int.from_bytes(content[:_SECOND_BYTES], "big")
    return abs(age_s) <= LIFETIME.total_seconds()


def mac(secret: bytes, content: bytes) -> bytes:
    return blake2b(content, key=secret, digest_size=_MAC_BYTES).digest()
