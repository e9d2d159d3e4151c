"""What a home's MQTT devices publish, and the connection that they share.

Payloads of the catalogue's devices come from `devices`; a scale that publishes JSON of its own is
what a gateway reads through a mapping.
"""

import json
from datetime import datetime
from threading import Event
from typing import Self

import paho.mqtt.client as paho
from msgspec import Struct
from paho.mqtt.enums import CallbackAPIVersion

QOS = 1
"""Zigbee2MQTT publishes QoS 0 unless it is told otherwise: a home that must not lose tells it."""
MAX_UNSENT = 1_000
"""Messages that wait here while the broker is away; more than a device's memory would hold."""


class Publication(Struct, frozen=True, kw_only=True):
    """One message on its way to the broker."""

    topic: str
    payload: bytes
    retained: bool = False


def scale_payload(weight_kg: float, at: datetime) -> bytes:
    """{"weight": 72.4, "unit": "kg", "time": ISO 8601}: a Wi-Fi scale's own words."""
    said = {"weight": round(weight_kg, 1), "unit": "kg", "time": at.isoformat()}
    return json.dumps(said).encode()


class Publisher:
    """A connection that comes back by itself. Its thread ends with `close`."""

    def __init__(self, host: str, port: int, name: str) -> None:
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id=name, protocol=paho.MQTTv311
        )
        self._client.max_queued_messages_set(MAX_UNSENT)
        self._client.max_inflight_messages_set(MAX_UNSENT)
        self._client.reconnect_delay_set(min_delay=1, max_delay=5)
        self._last: paho.MQTTMessageInfo | None = None
        self._connected = Event()
        self._client.on_connect = lambda *_: self._connected.set()
        self._client.connect_async(host, port)
        self._client.loop_start()

    def publish(self, publication: Publication) -> None:
        """Hand over to the connection; while the broker is away, it waits there."""
        self._last = self._client.publish(
            publication.topic, publication.payload, qos=QOS, retain=publication.retained
        )

    def wait_connected(self, limit_s: float) -> bool:
        """Whether the broker answered before the limit was over."""
        return self._connected.wait(limit_s)

    def wait_sent(self, limit_s: float) -> None:
        """Return when the broker has confirmed the last message, or the limit is over."""
        if self._last is not None:
            self._last.wait_for_publish(limit_s)

    @property
    def connected(self) -> bool:
        return self._client.is_connected()

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
