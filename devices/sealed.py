"""AES-CCM, as Bluetooth sensors seal their advertisements with it. Computes; does no I/O."""

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESCCM


class NotSealedByKey(Exception):
    """The bytes were not sealed with this key, or were changed on the way."""


@lru_cache(maxsize=256)
def _cipher(key: bytes, tag_bytes: int) -> "AESCCM":
    # Only homes with sealed sensors pay for the library, and only programs with its extra have it.
    from cryptography.hazmat.primitives.ciphers.aead import AESCCM  # noqa: PLC0415

    return AESCCM(key, tag_length=tag_bytes)


def seal(key: bytes, nonce: bytes, content: bytes, also: bytes = b"", tag_bytes: int = 4) -> bytes:
    """The sealed content followed by its tag. `also` is vouched for, and not in the result."""
    return _cipher(key, tag_bytes).encrypt(nonce, content, also)


def unseal(key: bytes, nonce: bytes, sealed: bytes, also: bytes = b"", tag_bytes: int = 4) -> bytes:
    """The content of `seal`. Raises NotSealedByKey."""
    from cryptography.exceptions import InvalidTag  # noqa: PLC0415

    try:
        return _cipher(key, tag_bytes).decrypt(nonce, sealed, also)
    except InvalidTag:
        raise NotSealedByKey from None
