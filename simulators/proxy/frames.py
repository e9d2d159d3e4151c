"""How ESPHome's native API puts messages on the wire: in plain text, or sealed by Noise.

Source: esphome/components/api/api_frame_helper_plaintext.cpp and api_frame_helper_noise.cpp, and
the protocol's page in the developers' documentation of ESPHome.
"""

from base64 import b64decode
from collections.abc import Iterator
from typing import Protocol

from cryptography.exceptions import InvalidTag
from noise.connection import NoiseConnection  # type: ignore[import-untyped]

PLAIN, SEALED = 0x00, 0x01
"""The first byte of each frame."""
SEALED_HEAD_BYTES = 3
PROLOGUE = b"NoiseAPIInit\x00\x00"
PATTERN = b"Noise_NNpsk0_25519_ChaChaPoly_SHA256"
WRONG_KEY = b"\x01Handshake MAC failure"
BAD_INDICATOR = b"Bad indicator byte"
VARINT_BITS = 7

Message = tuple[int, bytes]
"""(number of its type, protobuf)."""


class Refused(Exception):
    """The other side does not speak as it should. `answer` is what it is told before the end."""

    def __init__(self, reason: str, answer: bytes) -> None:
        super().__init__(reason)
        self.answer = answer


class Frames(Protocol):
    def feed(self, data: bytes) -> Iterator[bytes | Message]:
        """Messages that are whole now; bytes are an answer to be sent. Raises Refused."""

    def pack(self, kind: int, body: bytes) -> bytes: ...


class PlainFrames:
    """Each frame is 00, the length and the type as varints, and the message."""

    def __init__(self) -> None:
        self._waiting = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes | Message]:
        self._waiting += data
        while self._waiting:
            if self._waiting[0] != PLAIN:
                raise Refused("it wants encryption, and there is none here", b"\0" + BAD_INDICATOR)
            length, at = _varint(self._waiting, 1)
            kind, at = _varint(self._waiting, at)
            if not at or len(self._waiting) < at + length:
                return
            body = bytes(self._waiting[at : at + length])
            del self._waiting[: at + length]
            yield kind, body

    def pack(self, kind: int, body: bytes) -> bytes:
        return bytes((PLAIN,)) + _as_varint(len(body)) + _as_varint(kind) + body


class SealedFrames:
    """Each frame is 01, its length in two bytes, and the sealed type, length and message."""

    def __init__(self, key: str, name: str, mac: str) -> None:
        """`key` is base64 of 32 bytes."""
        self._hello = b"\x01" + name.encode() + b"\0" + mac.encode() + b"\0"
        self._waiting = bytearray()
        self._said_hello = False
        self._noise = NoiseConnection.from_name(PATTERN)
        self._noise.set_as_responder()
        self._noise.set_psks(b64decode(key))
        self._noise.set_prologue(PROLOGUE)
        self._noise.start_handshake()

    def feed(self, data: bytes) -> Iterator[bytes | Message]:
        self._waiting += data
        while len(self._waiting) >= SEALED_HEAD_BYTES:
            if self._waiting[0] != SEALED:
                raise Refused("it does not encrypt", _sealed(b"\x01" + BAD_INDICATOR))
            length = int.from_bytes(self._waiting[1:SEALED_HEAD_BYTES], "big")
            end = SEALED_HEAD_BYTES + length
            if len(self._waiting) < end:
                return
            body = bytes(self._waiting[SEALED_HEAD_BYTES:end])
            del self._waiting[:end]
            if not self._said_hello:
                self._said_hello = True
                yield _sealed(self._hello)
            elif not self._noise.handshake_finished:
                yield self._shake(body)
            else:
                opened = self._noise.decrypt(body)
                yield int.from_bytes(opened[:2], "big"), bytes(opened[4:])

    def pack(self, kind: int, body: bytes) -> bytes:
        head = kind.to_bytes(2, "big") + len(body).to_bytes(2, "big")
        return _sealed(bytes(self._noise.encrypt(head + body)))

    def _shake(self, body: bytes) -> bytes:
        try:
            self._noise.read_message(body[1:])
        except InvalidTag:
            raise Refused("it has another key", _sealed(WRONG_KEY)) from None
        return _sealed(b"\x00" + bytes(self._noise.write_message()))


def _sealed(body: bytes) -> bytes:
    return bytes((SEALED,)) + len(body).to_bytes(2, "big") + body


def _varint(data: bytearray, at: int) -> tuple[int, int]:
    """(value, where it ends); (0, 0) where it is not whole yet, or began nowhere."""
    value = shift = 0
    for index in range(at, len(data) if at else 0):
        value |= (data[index] & 0x7F) << shift
        if data[index] < 0x80:
            return value, index + 1
        shift += VARINT_BITS
    return 0, 0


def _as_varint(value: int) -> bytes:
    out = bytearray()
    while True:
        low, value = value & 0x7F, value >> VARINT_BITS
        out.append(low | (0x80 if value else 0))
        if not value:
            return bytes(out)
