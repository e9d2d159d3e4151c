"""The broker's side of the gateway: messages are acknowledged after the journal has them.

MQTT 3.1.1 through paho, persistent session, one thread. Each turn of the loop reads what has
arrived, hands it to the home as one batch (one commit), and only then acknowledges it. While the
journal can't be written, nothing is acknowledged and the broker keeps what it has.
"""

import select
import socket
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from hashlib import blake2b
from threading import Event as Flag
from threading import Lock, Thread
from typing import Any

import msgspec
from paho.mqtt.client import Client, ConnectFlags
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion

from devices.model import MqttMessage
from gateway.config import Mqtt
from gateway.home import Delivery, Home, Said
from gateway.mqtt_tap import Published, PublishTap, no_delay
from plumbing.backoff import Backoff
from plumbing.clock import monotonic_s
from plumbing.logs import Log

log = Log("gateway.mqtt")

_TURN_S = 1.0
_CONNECT_TIMEOUT_S = 10.0
_JOURNAL_RETRY_S = 1.0
_MAX_OUTGOING = 1_000
"""Of our own messages to the broker; more are dropped and counted: they are copies."""


class _TappedClient(Client):
    """paho's client over a PublishTap; `tap` is the one of the present connection."""

    tap: PublishTap | None = None

    def _create_socket(self) -> Any:
        sock = super()._create_socket()
        if isinstance(sock, socket.socket) and sock.family != socket.AF_UNIX:
            no_delay(sock)
        self.tap = PublishTap(sock)
        return self.tap


class Broker:
    """Connects, subscribes, hands on and acknowledges, until `stop`."""

    def __init__(self, gateway: str, config: Mqtt, home: Home, backoff: Backoff) -> None:
        self.connected = False
        self.last_error = "not connected yet"
        self.last_heard_s: float | None = None
        """Machine seconds (monotonic) of the last message."""
        self.ready = Flag()
        self._topic = f"homebeat/{gateway}"
        self._config = config
        self._home = home
        self._backoff = backoff
        self._stopping = Flag()
        self._outgoing: list[tuple[str, bytes]] = []
        self._outgoing_lock = Lock()
        self._wake_r, self._wake_w = socket.socketpair()
        self._wake_r.settimeout(0)
        self._client = self._make_client(f"homebeat-{gateway}")
        self._thread = Thread(target=self._run, name="mqtt", daemon=True)
        home.on_said(self._publish_said)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Leave the broker with what is not acknowledged still in its queue."""
        self._stopping.set()
        self._nudge()
        self._thread.join(timeout=5.0)

    def _make_client(self, client_id: str) -> _TappedClient:
        client = _TappedClient(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            clean_session=False,
            protocol=MQTTProtocolVersion.MQTTv311,
            manual_ack=True,
        )
        client.connect_timeout = _CONNECT_TIMEOUT_S
        if self._config.username:
            client.username_pw_set(self._config.username, self._config.password or None)
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        return client

    # The loop ---------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._client.connect(
                    self._config.host, self._config.port, keepalive=self._config.keepalive_s
                )
                self._serve()
            except (OSError, ValueError) as error:
                self.last_error = str(error)
            self.connected = False
            if self._stopping.is_set():
                break
            wait_s = self._backoff.next_s()
            log.warning("broker not reached", why=self.last_error, again_in_s=round(wait_s, 1))
            self._stopping.wait(wait_s)
        self._client.disconnect()

    def _serve(self) -> None:
        """Until the connection ends."""
        misc_at = monotonic_s()
        while not self._stopping.is_set():
            tap = self._client.tap
            if tap is None or self._client.socket() is None:
                return
            writing: list[Any] = [tap] if self._client.want_write() or tap.has_unsent() else []
            reading: list[Any] = [tap, self._wake_r]
            readable, writable, _ = select.select(reading, writing, [], _TURN_S)
            if self._wake_r in readable:
                self._wake_r.recv(4096)
            if tap in readable and tap.fill():
                while tap.has_for_paho():
                    if self._client.loop_read() != MQTTErrorCode.MQTT_ERR_SUCCESS:
                        self.last_error = "the broker closed the connection"
                        return
                self._hand_on(tap, tap.take())
            if tap in writable:
                tap.flush()
                self._client.loop_write()
            self._send_outgoing()
            if monotonic_s() - misc_at >= _TURN_S:
                misc_at = monotonic_s()
                if self._client.loop_misc() != MQTTErrorCode.MQTT_ERR_SUCCESS:
                    self.last_error = "the broker did not answer a ping"
                    return

    def _hand_on(self, tap: PublishTap, published: Sequence[Published]) -> None:
        if not published:
            return
        self.last_heard_s = monotonic_s()
        frames: list[MqttMessage] = []
        deliveries: list[Delivery] = []
        mids: list[int] = []
        now = self._home.now
        for one in published:
            if one.mid is not None:
                mids.append(one.mid)
                delivery = Delivery(one.mid, _print(one))
                if one.duplicate and self._home.was_delivered(delivery):
                    continue
                deliveries.append(delivery)
            topic = one.topic.decode("utf-8", "backslashreplace")
            frames.append(
                MqttMessage(
                    topic=topic, payload=one.payload, received_at=now(), retained=one.retained
                )
            )
        while frames:
            try:
                self._home.take(frames, deliveries)
                break
            except sqlite3.Error as error:
                self.last_error = f"the journal can't be written ({error}); nothing is acknowledged"
                log.error("journal not written, nothing acknowledged", error=error)
                if self._stopping.wait(_JOURNAL_RETRY_S):
                    return
        tap.acknowledge(mids)

    # Callbacks of paho, in our thread ------------------------------------------------------------

    def _on_connect(
        self, client: Client, userdata: Any, flags: ConnectFlags, reason: Any, properties: Any
    ) -> None:
        if reason.is_failure:
            self.last_error = f"the broker refused us: {reason}"
            return
        if not flags.session_present:
            self._home.forget_deliveries()
        self._backoff.reset()
        self.connected = True
        self.last_error = ""
        topics = (*self._config.topics, *(one.topic for one in self._config.mappings))
        client.subscribe([(topic, 1) for topic in dict.fromkeys(topics)])
        log.info("broker connected", host=self._config.host, port=self._config.port)

    def _on_subscribe(
        self, client: Client, userdata: Any, mid: int, reasons: Any, properties: Any
    ) -> None:
        self.ready.set()
        for reason in reasons:
            if reason.is_failure:
                self.last_error = f"the broker refused a subscription: {reason}"
                log.error("subscription refused", why=str(reason))

    # What we publish ----------------------------------------------------------------------------

    def _publish_said(self, said: Said) -> None:
        rows = [(f"{self._topic}/prompt", msgspec.json.encode(one)) for one in said.prompts]
        rows += [(f"{self._topic}/alert", msgspec.json.encode(one)) for one in said.alerts]
        with self._outgoing_lock:
            room = _MAX_OUTGOING - len(self._outgoing)
            if room < len(rows):
                log.warning("own messages for the broker dropped", count=len(rows) - room)
            self._outgoing += rows[:room]
        self._nudge()

    def _send_outgoing(self) -> None:
        with self._outgoing_lock:
            rows, self._outgoing = self._outgoing, []
        for topic, payload in rows:
            self._client.publish(topic, payload, qos=1)

    def _nudge(self) -> None:
        with suppress(OSError):
            self._wake_w.send(b"\0")


def _print(one: Published) -> bytes:
    return blake2b(one.topic + b"|" + one.payload, digest_size=8).digest()
