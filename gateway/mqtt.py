"""The broker's side of the gateway: messages are acknowledged after the journal has them.

MQTT 3.1.1 through paho, persistent session, one thread. Each turn of the loop reads what has
arrived, hands it to the home as one batch (one commit), and only then acknowledges it. While the
journal can't be written, nothing is acknowledged and the broker keeps what it has.
"""

import select
import socket
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from hashlib import blake2b
from threading import Event as Flag
from threading import Lock, Thread
from typing import Any

import msgspec
from msgspec import Struct
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


Command = Callable[[bytes], None]
"""What is done with the payload of a message."""
_Outgoing = tuple[str, bytes, bool]
"""Topic, payload, and whether it stays on the broker."""


class Extras(Struct, frozen=True):
    """What else of the broker is used, beside what is measured (gateway/homeassistant.py)."""

    availability: str = ""
    """A retained topic on which the broker says "offline" when it loses us; empty: none."""
    commands: Mapping[str, Command] = {}
    """Topic -> what a message there does. At QoS 0 and not from a retained one: what nobody could
    hear at once ("I'm OK") would be untrue later."""
    own: tuple[str, ...] = ()
    """What we publish ourselves: no news when it comes back."""
    unheard: tuple[str, ...] = ()
    """What an earlier run subscribed to, and this one does not want."""


NO_EXTRAS = Extras()


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

    def __init__(
        self,
        gateway: str,
        config: Mqtt,
        home: Home,
        backoff: Backoff,
        extras: Extras = NO_EXTRAS,
    ) -> None:
        self.connected = False
        self.last_error = "not connected yet"
        self.last_heard_s: float | None = None
        """Machine seconds (monotonic) of the last message."""
        self.ready = Flag()
        self._topic = f"homebeat/{gateway}"
        self._config = config
        self._home = home
        self._backoff = backoff
        self._extras = extras
        self._on_connected: Callable[[], None] = lambda: None
        self._stopping = Flag()
        self._outgoing: list[_Outgoing] = []
        self._outgoing_lock = Lock()
        self._wake_r, self._wake_w = socket.socketpair()
        self._wake_r.settimeout(0)
        self._client = self._make_client(f"homebeat-{gateway}")
        self._thread = Thread(target=self._run, name="mqtt", daemon=True)
        home.on_said(self._publish_said)

    def on_connected(self, listener: Callable[[], None]) -> None:
        """Call `listener` in the broker's thread at each connection. It must be quick."""
        self._on_connected = listener

    def publish_retained(self, topic: str, payload: bytes) -> bool:
        """Queue a message that stays on the broker, at QoS 1; an empty one takes it away.

        False where it was not queued: not connected, or too much waits. Say it again then.
        """
        with self._outgoing_lock:
            if not self.connected or len(self._outgoing) >= _MAX_OUTGOING:
                return False
            self._outgoing.append((topic, payload, True))
        self._nudge()
        return True

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
        if self._extras.availability:
            client.will_set(self._extras.availability, b"offline", qos=1, retain=True)
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
                if self._stopping.is_set():
                    self._send_outgoing()
            except OSError as error:
                self.last_error = error.strerror or str(error)
            except Exception as error:  # noqa: BLE001 - a thread that dies leaves the home deaf
                self.last_error = f"{type(error).__name__}: {error}"
                log.error("connection given up after a mistake, made anew", error=error)
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
            if not readable and self.ready.is_set():
                self._home.caught_up()
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
        commanded: list[tuple[Command, bytes]] = []
        now = self._home.now
        for one in published:
            topic = one.topic.decode("utf-8", "backslashreplace")
            if one.mid is not None:
                mids.append(one.mid)
            command = self._extras.commands.get(topic)
            if command is not None and not one.retained:
                commanded.append((command, one.payload))
            if command is not None or self._is_own(topic):
                continue
            if one.mid is not None:
                delivery = Delivery(one.mid, _print(one))
                if one.duplicate and self._home.was_delivered(delivery):
                    continue
                deliveries.append(delivery)
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
        for command, payload in commanded:
            try:
                command(payload)
            except Exception as error:  # noqa: BLE001 - one command must not end the connection
                log.error("command from the broker not carried out", error=error)

    def _is_own(self, topic: str) -> bool:
        """What we said ourselves comes back where we listen to everything: it is no news."""
        return topic in self._extras.own or topic.startswith(f"{self._topic}/")

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
        client.subscribe(
            [(topic, 1) for topic in dict.fromkeys(topics)]
            + [(topic, 0) for topic in self._extras.commands]
        )
        if self._extras.unheard:
            client.unsubscribe(list(self._extras.unheard))
        self._on_connected()
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
        encode = msgspec.json.encode
        rows = [(f"{self._topic}/prompt", encode(one), False) for one in said.prompts]
        rows += [(f"{self._topic}/alert", encode(one), False) for one in said.alerts]
        with self._outgoing_lock:
            room = _MAX_OUTGOING - len(self._outgoing)
            if room < len(rows):
                log.warning("own messages for the broker dropped", count=len(rows) - room)
            self._outgoing += rows[:room]
        self._nudge()

    def _send_outgoing(self) -> None:
        with self._outgoing_lock:
            rows, self._outgoing = self._outgoing, []
        for topic, payload, retain in rows:
            self._client.publish(topic, payload, qos=1, retain=retain)

    def _nudge(self) -> None:
        with suppress(OSError):
            self._wake_w.send(b"\0")


def _print(one: Published) -> bytes:
    return blake2b(one.topic + b"|" + one.payload, digest_size=8).digest()
