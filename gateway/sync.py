"""The way to the server: two lanes, at least once, nothing forgotten before it is committed there.

Urgent records (tier 3 and above) pass any backlog. A record leaves the outbox when the server
answers that its database has it; the stable id makes a second posting harmless. The way back
brings news of alerts for the person at home, and what staff say of readings and people.
"""

import http.client
import ssl
from threading import Event as Flag
from threading import Thread
from urllib.parse import urlsplit

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway import corrections, told
from gateway.config import ServerLink
from gateway.home import Home
from plumbing.backoff import Backoff
from plumbing.clock import HomeTime, monotonic_s
from plumbing.logs import Log
from plumbing.signing import (
    NEXT_NONCE_HEADER,
    NONCE_HEADER,
    SENDER_HEADER,
    SIGNATURE_HEADER,
    sign_request,
)
from rules.model import Lane
from rules.records import MAX_BODY_BYTES, Batch, BatchAnswer, Heartbeat, Notices, encode

log = Log("gateway.sync")

_BATCH = 500
_HUNG_UP = (ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError)
"""A kept connection that the other side closed in the meantime: a new one may well stand. A request
that was heard all the same is heard twice, which changes nothing: its nonce is used, its ids known.
"""
_answer = msgspec.json.Decoder(BatchAnswer).decode
_notices = msgspec.json.Decoder(Notices).decode
_nonce = msgspec.json.Decoder(dict[str, str]).decode


class Unreachable(Exception):
    """The server did not answer, or not as it should; the message says how."""


class Troubled(Unreachable):
    """The server answered that it can't just now: another lane may still get through."""


class Refused(Exception):
    """The server answered, and will not take it: its own words."""


class ServerClient:
    """Signed requests over one kept connection. Not thread-safe."""

    def __init__(self, gateway: str, key: Ed25519PrivateKey, link: ServerLink) -> None:
        parts = urlsplit(link.url)
        self._gateway = gateway
        self._key = key
        self._host = parts.hostname or ""
        self._port = parts.port
        self._secure = parts.scheme == "https"
        self._prefix = parts.path.rstrip("/")
        self._timeout_s = link.timeout_s
        self._connection: http.client.HTTPConnection | None = None
        self._nonce: str | None = None

    def request(self, method: str, path: str, body: bytes = b"") -> bytes:
        """The answer's body. Raises Unreachable (try again) or Refused (no use in that)."""
        for _ in range(2):
            if self._nonce is None:
                self._nonce = self._fetch_nonce()
            nonce, self._nonce = self._nonce, None
            signature = sign_request(self._key, method, self._prefix + path, nonce, body)
            headers = {
                SENDER_HEADER: self._gateway,
                NONCE_HEADER: nonce,
                SIGNATURE_HEADER: signature,
                "Content-Type": "application/json",
            }
            status, answer, next_nonce = self._send(method, path, body, headers)
            self._nonce = next_nonce
            if status < 300:
                return answer
            if status == 401 and _code(answer) == "nonce":
                continue
            text = answer[:300].decode("utf-8", "replace")
            if status >= 500 or status in (408, 429):
                raise Troubled(f"the server answered {status}: {text}")
            raise Refused(f"the server answered {status}: {text}")
        raise Unreachable("the server took none of its own nonces")

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _fetch_nonce(self) -> str:
        status, answer, _ = self._send("POST", "/api/v1/nonce", b"", {})
        if status != 200:
            raise Unreachable(f"the server gave no nonce: {status}")
        try:
            return _nonce(answer)["nonce"]
        except (msgspec.DecodeError, KeyError) as error:
            raise Unreachable("the server's nonce is not as agreed") from error

    def _send(
        self, method: str, path: str, body: bytes, headers: dict[str, str]
    ) -> tuple[int, bytes, str | None]:
        try:
            if self._connection is not None:
                try:
                    return self._exchange(self._connection, method, path, body, headers)
                except _HUNG_UP:
                    self.close()
            self._connection = self._connect()
            return self._exchange(self._connection, method, path, body, headers)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            self._nonce = None
            said = error.strerror if isinstance(error, OSError) else None
            raise Unreachable(said or str(error) or type(error).__name__) from error

    def _exchange(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        path: str,
        body: bytes,
        headers: dict[str, str],
    ) -> tuple[int, bytes, str | None]:
        connection.request(method, self._prefix + path, body=body, headers=headers)
        response = connection.getresponse()
        answer = response.read(MAX_BODY_BYTES)
        return response.status, answer, response.getheader(NEXT_NONCE_HEADER)

    def _connect(self) -> http.client.HTTPConnection:
        if self._secure:
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(
                self._host, self._port, timeout=self._timeout_s, context=context
            )
        return http.client.HTTPConnection(self._host, self._port, timeout=self._timeout_s)


class Sync:
    """Sends what waits, tells the server that the home lives, and brings back news."""

    def __init__(
        self,
        client: ServerClient,
        link: ServerLink,
        gateway: str,
        home: Home,
        home_time: HomeTime,
        backoff: Backoff,
        software: str,
    ) -> None:
        self.online = False
        self.last_error = "not tried yet"
        self.last_contact_s: float | None = None
        """Machine seconds (monotonic) of the server's last answer."""
        self._client = client
        self._link = link
        self._gateway = gateway
        self._home = home
        self._home_time = home_time
        self._backoff = backoff
        self._software = software
        self._stopping = Flag()
        self._heartbeat_at_s = 0.0
        self._poll_at_s = 0.0
        self._thread = Thread(target=self._run, name="sync", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        with self._home.news:
            self._home.news.notify_all()
        self._thread.join(timeout=self._link.timeout_s + 1)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self.turn()
                self._succeeded()
                self._wait()
            except (Unreachable, Refused) as error:
                self._failed(error)
                self._stopping.wait(self._backoff.next_s())
            except Exception as error:  # noqa: BLE001 - a sync that dies would never send again
                log.error("sync met something unknown, and goes on", error=error)
                self._failed(error)
                self._stopping.wait(self._backoff.next_s())
        self._client.close()

    def turn(self) -> None:
        """All that waits, and heartbeat and news when due. Raises Unreachable or Refused.

        A heartbeat comes after what waited, so that it tells of what is stuck and not of what was
        on its way; a backlog that takes longer than a heartbeat has them in between.
        """
        late_at_s = max(self._heartbeat_at_s, monotonic_s()) + self._link.heartbeat_s
        while not self._stopping.is_set() and self._send_next():
            self._succeeded()
            if monotonic_s() >= late_at_s:
                self._beat()
                late_at_s = self._heartbeat_at_s
        if monotonic_s() >= self._heartbeat_at_s:
            self._beat()
        if monotonic_s() >= self._poll_at_s:
            self._fetch_notices()
            self._poll_at_s = monotonic_s() + self._link.poll_s

    def _send_next(self) -> bool:
        """One batch, of the urgent lane while it has any; False where nothing waits.

        An urgent record that the server can't take holds back its own lane alone.
        """
        try:
            return self._send(Lane.URGENT) or self._send(Lane.BULK)
        except (Troubled, Refused):
            while not self._stopping.is_set() and self._send(Lane.BULK):
                pass
            raise

    def _send(self, lane: Lane) -> bool:
        """One batch; False where nothing waited in this lane."""
        with self._home.journal() as journal:
            records = journal.outbox(lane, self._gateway, _BATCH)
        if not records:
            return False
        body = encode(Batch(records=tuple(records)))
        while len(body) > MAX_BODY_BYTES and len(records) > 1:
            records = records[: len(records) // 2]
            body = encode(Batch(records=tuple(records)))
        answer = _answer(self._client.request("POST", "/api/v1/records", body))
        for rejected in answer.rejected:
            log.error("record put into the server's quarantine", record=rejected.id)
        with self._home.journal() as journal, journal.transaction():
            journal.mark_sent(lane, records[-1].seq)
        return True

    def _beat(self) -> None:
        waiting = self._home.waiting()
        body = Heartbeat(
            home_time=self._home_time.now(),
            waiting=waiting.urgent + waiting.bulk,
            plan=self._home.plan.version,
            software=self._software,
        )
        self._client.request("POST", "/api/v1/heartbeat", encode(body))
        self._heartbeat_at_s = monotonic_s() + self._link.heartbeat_s

    def _fetch_notices(self) -> None:
        """What staff say of people waits while silence is not judged yet: it would end that."""
        home = self._home
        with home.journal() as journal:
            after, corrected = journal.last_notice(), journal.told_corrections.last()
            path = f"/api/v1/notices?after={after}&corrections_after={corrected}"
            if home.is_caught_up:
                path += f"&states_after={journal.told_states.last()}"
            path += f"&snoozes_after={journal.told_snoozes.last()}"
        answer = _notices(self._client.request("GET", path))
        if answer.notices:
            home.keep_notices(answer.notices)
        if answer.corrections:
            corrections.apply(answer.corrections, home.correct)
            with home.journal() as journal, journal.transaction():
                journal.told_corrections.put(answer.corrections)
        told.hear(answer.states, home.hear_state, home.keep_unheard)
        told.hear(answer.snoozes, home.hear_snooze, home.keep_unheard)

    def _wait(self) -> None:
        next_s = min(self._heartbeat_at_s, self._poll_at_s) - monotonic_s()
        with self._home.news:
            if not self._home.has_news():
                self._home.news.wait(max(0.0, next_s))

    def _succeeded(self) -> None:
        if not self.online:
            log.info("server reached")
        self.online = True
        self.last_error = ""
        self.last_contact_s = monotonic_s()
        self._backoff.reset()

    def _failed(self, error: Exception) -> None:
        if self.online or self.last_error != str(error):
            log.warning("server not reached, the home goes on alone", error=error)
        self.online = False
        self.last_error = str(error)


def _code(answer: bytes) -> str:
    try:
        problem = msgspec.json.decode(answer)
    except msgspec.DecodeError:
        return ""
    return str(problem.get("code", "")) if isinstance(problem, dict) else ""
