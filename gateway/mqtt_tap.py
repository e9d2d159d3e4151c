"""A socket for paho-mqtt that takes the bulk out of its way.

paho reads a packet with three calls of recv and acknowledges each with one send; at ten thousand
messages a second that is most of the gateway's work. The tap stands where paho's socket stands:
it reads whatever has arrived in one call, keeps the QoS 1 PUBLISH packets for us, and hands every
other packet (connection, subscription, ping, our own publishes) to paho unchanged. All
acknowledgements of a batch leave in one write, after the journal's commit.

Packet layout: MQTT 3.1.1, section 2.2 (fixed header) and 3.3 (PUBLISH).
"""

import socket
import struct
from collections.abc import Iterable
from typing import Protocol

from msgspec import Struct

_PUBLISH = 0x30
_DUP = 0x08
_QOS_MASK = 0x06
_QOS_1 = 0x02
_RETAIN = 0x01
_PUBACK = struct.Struct("!BBH")
_READ_BYTES = 256 * 1024


class Published(Struct, frozen=True, gc=False):
    """One QoS 0 or 1 message; `mid` is None for QoS 0, which nobody acknowledges."""

    topic: bytes
    payload: bytes
    mid: int | None
    duplicate: bool
    retained: bool


class Socket(Protocol):
    def recv(self, size: int) -> bytes: ...
    def send(self, data: bytes) -> int: ...
    def fileno(self) -> int: ...
    def close(self) -> None: ...
    def setblocking(self, flag: bool) -> None: ...


class PublishTap:
    """Looks like a socket to paho; `take` gives us what it held back."""

    def __init__(self, sock: Socket) -> None:
        self._sock = sock
        self._partial = b""
        self._for_paho = bytearray()
        self._published: list[Published] = []
        self._unsent = bytearray()
        self._closed = False

    # What we call -----------------------------------------------------------------------------

    def fill(self) -> bool:
        """Read once; True when something came. Raises OSError where the connection is gone."""
        try:
            data = self._sock.recv(_READ_BYTES)
        except BlockingIOError:
            return False
        if not data:
            self._closed = True
            return True
        rest, published, others = split_packets(self._partial + data)
        self._partial = rest
        self._published += published
        self._for_paho += others
        return True

    def take(self) -> list[Published]:
        """What was published since the last call, in order."""
        published, self._published = self._published, []
        return published

    def acknowledge(self, mids: Iterable[int]) -> None:
        """Send PUBACK for each. Raises OSError where the connection is gone."""
        self._unsent += b"".join(_PUBACK.pack(0x40, 2, mid) for mid in mids)
        self.flush()

    def flush(self) -> None:
        """Send what the socket did not take before."""
        while self._unsent:
            try:
                sent = self._sock.send(bytes(self._unsent))
            except BlockingIOError:
                return
            del self._unsent[:sent]

    def has_unsent(self) -> bool:
        return bool(self._unsent)

    def has_for_paho(self) -> bool:
        return bool(self._for_paho) or self._closed

    # What paho calls --------------------------------------------------------------------------

    def recv(self, size: int) -> bytes:
        if not self._for_paho:
            if self._closed:
                return b""
            raise BlockingIOError
        data = bytes(self._for_paho[:size])
        del self._for_paho[:size]
        return data

    def send(self, data: bytes) -> int:
        """Whole packets from paho wait behind acknowledgements that are half sent."""
        if self._unsent:
            self.flush()
            if self._unsent:
                raise BlockingIOError
        return self._sock.send(data)

    def fileno(self) -> int:
        return self._sock.fileno()

    def setblocking(self, flag: bool) -> None:
        self._sock.setblocking(flag)

    def close(self) -> None:
        self._sock.close()


def split_packets(data: bytes) -> tuple[bytes, list[Published], bytes]:
    """(bytes of an unfinished packet, QoS 0 and 1 publishes, all other packets as they were)."""
    published: list[Published] = []
    others: list[bytes] = []
    start, end = 0, len(data)
    while end - start >= 2:
        head = data[start]
        length = data[start + 1]
        body = start + 2
        if length & 0x80:
            length, shift = length & 0x7F, 7
            while True:
                if body >= end:
                    return data[start:], published, b"".join(others)
                byte = data[body]
                body += 1
                length |= (byte & 0x7F) << shift
                shift += 7
                if not byte & 0x80:
                    break
                if shift > 21:
                    # Not MQTT: paho is to see it and to close the connection.
                    return b"", published, b"".join((*others, data[start:]))
        stop = body + length
        if stop > end:
            break
        one = _publish(head, data, body, stop) if head & 0xF0 == _PUBLISH else None
        if one is not None:
            published.append(one)
        else:
            others.append(data[start:stop])
        start = stop
    return data[start:], published, b"".join(others)


def _publish(head: int, data: bytes, body: int, stop: int) -> Published | None:
    """None for QoS 2 and for what is cut short: that is paho's to answer."""
    topic_at = body + 2
    if head & _QOS_MASK > _QOS_1 or topic_at > stop:
        return None
    after = topic_at + (data[body] << 8 | data[body + 1])
    mid = None
    payload_at = after
    if head & _QOS_MASK:
        payload_at = after + 2
        if payload_at > stop:
            return None
        mid = data[after] << 8 | data[after + 1]
    elif after > stop:
        return None
    return Published(
        data[topic_at:after], data[payload_at:stop], mid, bool(head & _DUP), bool(head & _RETAIN)
    )


def no_delay(sock: socket.socket) -> None:
    """Small acknowledgements leave at once (p99 from publish to alert falls by a third)."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
