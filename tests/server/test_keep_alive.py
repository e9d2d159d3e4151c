"""A home keeps one connection to its server, and asks again and again over it."""

from gateway.config import ServerLink
from server.run import KEEP_ALIVE_S


def test_the_server_keeps_a_connection_open_for_longer_than_a_home_is_silent() -> None:
    home = ServerLink(url="http://127.0.0.1:8420")
    assert max(home.poll_s, home.heartbeat_s) < KEEP_ALIVE_S
