"""Signed requests: what the gateway does with each answer that a server can give."""

import socket
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.config import ServerLink
from gateway.sync import Refused, ServerClient, Unreachable
from plumbing.signing import (
    NEXT_NONCE_HEADER,
    NONCE_HEADER,
    SIGNATURE_HEADER,
    public_hex,
    request_is_signed,
)

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


class Listener(HTTPServer):
    """Gives nonces n1, n2 ... and answers each signed request from a script of statuses."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script: list[tuple[int, bytes]] = []
        self.nonces = 0
        self.good_signatures: list[bool] = []
        self.seen: list[str] = []
        self.connections = 0
        self.keeps = True
        """Whether a connection is kept after an answer; nothing is said about it beforehand."""

    def nonce(self) -> str:
        self.nonces += 1
        return f"n{self.nonces}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Listener

    def setup(self) -> None:
        super().setup()
        self.server.connections += 1

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path == "/api/v1/nonce":
            self._answer(200, f'{{"nonce": "{self.server.nonce()}"}}'.encode(), None)
            return
        nonce = self.headers[NONCE_HEADER]
        self.server.seen.append(nonce)
        self.server.good_signatures.append(
            request_is_signed(
                public_hex(KEY), self.headers[SIGNATURE_HEADER], "POST", self.path, nonce, body
            )
        )
        status, answer = self.server.script.pop(0)
        self._answer(status, answer, self.server.nonce())

    def _answer(self, status: int, body: bytes, next_nonce: str | None) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if next_nonce is not None:
            self.send_header(NEXT_NONCE_HEADER, next_nonce)
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = not self.server.keeps

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Say nothing."""


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener()
    Thread(target=made.serve_forever, daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


def client(listener: Listener) -> ServerClient:
    url = f"http://127.0.0.1:{listener.server_port}"
    return ServerClient("home-1", KEY, ServerLink(url=url, timeout_s=2.0))


def test_each_request_is_signed_over_a_fresh_nonce(listener: Listener) -> None:
    listener.script = [(200, b"one"), (200, b"two")]
    sends = client(listener)
    assert [sends.request("POST", "/x?a=1", b"body"), sends.request("POST", "/x")] == [
        b"one",
        b"two",
    ]
    assert listener.good_signatures == [True, True]
    assert listener.seen == ["n1", "n2"]


def test_a_nonce_that_the_server_forgot_is_replaced_once(listener: Listener) -> None:
    listener.script = [(401, b'{"code": "nonce"}'), (200, b"done")]
    assert client(listener).request("POST", "/x") == b"done"


@pytest.mark.parametrize("status", [500, 503, 429, 408])
def test_a_server_in_trouble_is_tried_again_later(listener: Listener, status: int) -> None:
    listener.script = [(status, b"busy")]
    with pytest.raises(Unreachable, match=str(status)):
        client(listener).request("POST", "/x")


@pytest.mark.parametrize(
    ("status", "answer"),
    [(401, b'{"code": "signature"}'), (413, b"too large"), (400, b"no")],
    ids=["signature", "too large", "bad request"],
)
def test_a_refusal_is_told_apart_from_trouble(
    listener: Listener, status: int, answer: bytes
) -> None:
    listener.script = [(status, answer)]
    with pytest.raises(Refused, match=str(status)):
        client(listener).request("POST", "/x")


def test_a_kept_connection_that_was_closed_is_replaced_at_once(listener: Listener) -> None:
    listener.keeps = False
    listener.script = [(200, b"one"), (200, b"two")]
    sends = client(listener)
    assert [sends.request("POST", "/x"), sends.request("POST", "/x")] == [b"one", b"two"]
    assert listener.seen == ["n1", "n2"]
    assert listener.connections == 3


def test_a_new_connection_that_is_closed_without_an_answer_is_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        accepted = []

        def hang_up() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = deaf.accept()
                    accepted.append(connection.getsockname())
                    connection.close()

        Thread(target=hang_up, daemon=True).start()
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        with pytest.raises(Unreachable):
            ServerClient("home-1", KEY, ServerLink(url=url, timeout_s=2.0)).request("POST", "/x")
        assert len(accepted) == 1


def test_a_server_that_is_not_there_is_unreachable(listener: Listener) -> None:
    sends = client(listener)
    listener.shutdown()
    listener.server_close()
    with pytest.raises(Unreachable):
        sends.request("POST", "/x")
