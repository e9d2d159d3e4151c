"""Ed25519 signatures over HTTP requests, and over files.

A request is signed over a nonce that the other side gave, so a wrong clock never stops it and
an old one can't be played again:

    homebeat-v1 \\n METHOD \\n /path?query \\n nonce \\n hex(sha256(body))

A file's signature lies beside it in a file of two lines, who signed and the signature, over:

    homebeat-file-v1 \\n hex(sha256(body))
"""

from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

SENDER_HEADER = "Homebeat-Gateway"
NONCE_HEADER = "Homebeat-Nonce"
NEXT_NONCE_HEADER = "Homebeat-Next-Nonce"
SIGNATURE_HEADER = "Homebeat-Signature"


def load_or_make_key(path: Path) -> Ed25519PrivateKey:
    """The key whose 32-byte seed stands in hex in `path`; made there, for us only, if absent.

    Raises ValueError, with what to do, where the file holds something else.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        key = Ed25519PrivateKey.generate()
        path.touch(mode=0o600)
        path.write_text(key.private_bytes_raw().hex() + "\n")
        return key
    try:
        return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(path.read_text().strip()))
    except ValueError as error:
        raise ValueError(
            f"{path} holds no Ed25519 seed (64 hex digits). Restore it from a backup, or remove "
            "it and enrol again."
        ) from error


def public_hex(key: Ed25519PrivateKey) -> str:
    """The public key, as the other side is told it: 64 hex digits."""
    return key.public_key().public_bytes_raw().hex()


def sign_request(key: Ed25519PrivateKey, method: str, path: str, nonce: str, body: bytes) -> str:
    """The value of the signature header."""
    return b64encode(key.sign(_signed_text(method, path, nonce, body))).decode()


def request_is_signed(
    public: str, signature: str, method: str, path: str, nonce: str, body: bytes
) -> bool:
    """Whether the holder of `public` (64 hex digits) signed this request."""
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public))
        key.verify(b64decode(signature, validate=True), _signed_text(method, path, nonce, body))
    except (InvalidSignature, Base64Error, ValueError):
        return False
    return True


def sign_file(key: Ed25519PrivateKey, body: bytes) -> str:
    """What to write beside a file of that content."""
    return f"{public_hex(key)}\n{b64encode(key.sign(_signed_file(body))).decode()}\n"


def signer_of(body: bytes, beside: str) -> str:
    """The public key (64 hex digits) whose holder signed that content, as it says beside it.

    Raises ValueError, with what to do, where the signature is not that of this content.
    """
    try:
        public, signature = beside.split()
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public))
        key.verify(b64decode(signature, validate=True), _signed_file(body))
    except (InvalidSignature, Base64Error, ValueError) as error:
        raise ValueError(
            "it is not what was signed: restore it, or have it read and signed again"
        ) from error
    return public.lower()


def signature_beside(path: Path) -> Path:
    """Where the signature of a file lies."""
    return path.with_name(f"{path.name}.sig")


def signer_of_file(path: Path) -> str:
    """The public key whose holder signed that file; empty where no signature lies beside it.

    Raises OSError, and ValueError as `signer_of` does.
    """
    beside = signature_beside(path)
    return signer_of(path.read_bytes(), beside.read_text()) if beside.exists() else ""


def _signed_file(body: bytes) -> bytes:
    return f"homebeat-file-v1\n{sha256(body).hexdigest()}".encode()


def _signed_text(method: str, path: str, nonce: str, body: bytes) -> bytes:
    lines = ("homebeat-v1", method.upper(), path, nonce, sha256(body).hexdigest())
    return "\n".join(lines).encode()
