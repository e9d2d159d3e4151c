"""The tap takes QoS 0 and 1 publishes out of a stream, and leaves paho every other byte."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mqtt_tap import Published, PublishTap, split_packets

PINGRESP = bytes.fromhex("d000")
SUBACK = bytes.fromhex("9003000a01")


def packet(head: int, body: bytes) -> bytes:
    length, size = len(body), bytearray()
    while True:
        byte, length = length & 0x7F, length >> 7
        size.append(byte | (0x80 if length else 0))
        if not length:
            return bytes([head]) + bytes(size) + body


def publish(topic: str, payload: bytes, mid: int | None, flags: int = 0) -> bytes:
    name = topic.encode()
    body = struct.pack("!H", len(name)) + name
    if mid is not None:
        body += struct.pack("!H", mid)
    return packet(0x30 | flags | (0x02 if mid is not None else 0), body + payload)


SAID = st.tuples(
    st.text(min_size=1, max_size=20),
    st.binary(max_size=300),
    st.none() | st.integers(1, 65535),
    st.booleans(),
)
STREAM = st.lists(SAID | st.sampled_from([PINGRESP, SUBACK]), max_size=12)


@given(STREAM, st.lists(st.integers(1, 97), min_size=1, max_size=40))
def test_any_cut_of_the_stream_gives_the_same_messages(
    stream: list[object], cuts: list[int]
) -> None:
    wire, expected, others = b"", [], b""
    for item in stream:
        if isinstance(item, bytes):
            wire, others = wire + item, others + item
        else:
            topic, payload, mid, retained = item  # type: ignore[misc]
            wire += publish(topic, payload, mid, 0x01 if retained else 0)
            expected.append(Published(topic.encode(), payload, mid, False, retained))
    got, passed, rest = [], b"", b""
    at, turn = 0, 0
    while at < len(wire):
        step = cuts[turn % len(cuts)]
        rest, published, other = split_packets(rest + wire[at : at + step])
        got += published
        passed += other
        at, turn = at + step, turn + 1
    assert (got, passed, rest) == (expected, others, b"")


def test_a_redelivery_is_told_from_a_first_delivery() -> None:
    _, (again,), _ = split_packets(publish("a", b"1", 7, 0x08))
    assert again.duplicate
    assert again.mid == 7


def test_a_qos_2_publish_is_left_to_paho() -> None:
    wire = packet(0x34, b"\x00\x01a\x00\x05x")
    assert split_packets(wire) == (b"", [], wire)


def test_a_length_that_is_not_mqtt_is_left_to_paho() -> None:
    wire = b"\x30\xff\xff\xff\xff\xff"
    assert split_packets(wire) == (b"", [], wire)


@pytest.mark.parametrize(
    "body", [b"", b"\x00", b"\x00\x09abc", b"\x00\x01a\x00"], ids=["empty", "half", "long", "mid"]
)
def test_a_malformed_publish_is_left_to_paho(body: bytes) -> None:
    wire = packet(0x32, body)
    assert split_packets(wire) == (b"", [], wire)


class _Wire:
    """A socket of bytes in memory; it takes `room` bytes a send, and none when that is 0."""

    def __init__(self, incoming: list[bytes], room: int) -> None:
        self.incoming = incoming
        self.room = room
        self.sent = b""

    def recv(self, size: int) -> bytes:
        if not self.incoming:
            raise BlockingIOError
        return self.incoming.pop(0)

    def send(self, data: bytes) -> int:
        if not self.room:
            raise BlockingIOError
        taken = data[: self.room]
        self.sent += taken
        return len(taken)

    def fileno(self) -> int:
        return -1

    def close(self) -> None:
        self.room = 0

    def setblocking(self, flag: bool) -> None:
        assert not flag


def test_paho_never_writes_into_a_half_sent_acknowledgement() -> None:
    wire = _Wire([], room=3)
    tap = PublishTap(wire)
    wire.room = 0
    tap.acknowledge([1, 2])
    with pytest.raises(BlockingIOError):
        tap.send(b"\xc0\x00")
    wire.room = 3
    assert tap.send(b"\xc0\x00") == 2
    assert wire.sent == bytes.fromhex("40020001400200 02c000".replace(" ", ""))


def test_a_closed_connection_reaches_paho_after_what_came_before_it() -> None:
    tap = PublishTap(_Wire([PINGRESP + publish("t", b"1", 1), b""], room=9))
    assert tap.fill()
    assert tap.fill()
    assert [one.payload for one in tap.take()] == [b"1"]
    assert tap.recv(1) + tap.recv(1) == PINGRESP
    assert tap.has_for_paho()
    assert tap.recv(1) == b""
