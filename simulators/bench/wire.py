"""The bench's own connection to the broker, to fill a queue, or to publish and hear."""

import socket
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from plumbing.clock import monotonic_s
from simulators.bench.load import Message

LIMIT_S = 60.0
_IN_FLIGHT = 1_000


class Wire:
    """A connection to 127.0.0.1:`port`, open for the length of a `with`; its sends don't wait.

    `hear(at_s, payload)` is called in the connection's thread for each message of `topic`.
    """

    def __init__(
        self, port: int, topic: str = "", hear: Callable[[float, bytes], None] | None = None
    ) -> None:
        self._port = port
        self._topic = topic
        self._subscribed = not topic
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv311
        )
        self._client.max_inflight_messages_set(_IN_FLIGHT)
        self._client.on_socket_open = _without_delay
        self._client.on_subscribe = self._on_subscribe
        if hear is not None:
            self._client.on_message = lambda _client, _userdata, message: hear(
                monotonic_s(), bytes(message.payload)
            )

    def __enter__(self) -> Self:
        self._client.connect("127.0.0.1", self._port)
        if self._topic:
            self._client.subscribe(self._topic, qos=1)
            end_s = monotonic_s() + LIMIT_S
            while not self._subscribed and monotonic_s() < end_s:
                self._client.loop(0.1)
        self._client.loop_start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def publish(self, message: Message) -> paho.MQTTMessageInfo:
        return self._client.publish(message.topic, message.payload, qos=1)

    def _on_subscribe(self, *_: Any) -> None:
        self._subscribed = True


def enqueue(port: int, messages: Sequence[Message]) -> None:
    """Publish at QoS 1; the broker has them all when it returns."""
    with Wire(port) as wire:
        for info in [wire.publish(message) for message in messages]:
            info.wait_for_publish(LIMIT_S)


def _without_delay(_client: paho.Client, _userdata: Any, sock: Any) -> None:
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
