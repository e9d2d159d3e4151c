"""Nobody in a simulated home does anything before somebody listens, or ever if that is too late."""

import asyncio
from datetime import timedelta

import pytest

from plumbing.clock import utc_now
from plumbing.processes import free_port
from simulators.homes.config import Begin
from simulators.homes.run import TooLate, _wait_to_begin

LONG = timedelta(seconds=30)
PAST = timedelta(seconds=-1)


async def _speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, status: str) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(f"HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode())
    await writer.drain()
    writer.close()


def begin(statuses: list[str], by: timedelta) -> None:
    """Wait for one server for each status; "" is one that is not there."""

    async def scene() -> None:
        urls = []
        servers = []
        for status in statuses:
            port = free_port()
            if status:
                servers.append(
                    await asyncio.start_server(
                        lambda reader, writer, status=status: _speak(reader, writer, status),
                        "127.0.0.1",
                        port,
                    )
                )
            urls.append(f"http://127.0.0.1:{port}/")
        try:
            await _wait_to_begin(Begin(when=tuple(urls), by=utc_now() + by))
        finally:
            for server in servers:
                server.close()

    asyncio.run(scene())


@pytest.mark.parametrize("status", ["200 OK", "303 See Other", "404 Not Found"])
def test_the_day_begins_once_all_answer(status: str) -> None:
    begin(["200 OK", status], LONG)


@pytest.mark.parametrize(
    "statuses",
    [[""], ["200 OK", ""], ["500 Broken"], ["200 OK"]],
    ids=["nobody there", "one is missing", "one is broken", "there, but too late"],
)
def test_a_day_whose_time_has_come_without_them_does_not_begin(statuses: list[str]) -> None:
    with pytest.raises(TooLate):
        begin(statuses, PAST)
