"""The server's cable carries bytes until it is pulled, and again once it is plugged in."""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable

import pytest

from simulators.cable import Cable


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(1024):
        writer.write(data)
    writer.close()


def with_a_cable(scene: Callable[[Cable], Awaitable[None]]) -> None:
    async def play() -> None:
        server = await asyncio.start_server(_echo, "127.0.0.1", 0)
        async with server, Cable(0, "127.0.0.1", server.sockets[0].getsockname()[1]) as cable:
            await asyncio.wait_for(scene(cable), 10)

    asyncio.run(play())


async def ask(cable: Cable) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", cable.listen_port)
    writer.write(b"hello")
    writer.write_eof()
    try:
        return await reader.read()
    finally:
        writer.close()


async def ends_without_a_byte(reading: Awaitable[bytes]) -> bool:
    try:
        return await reading == b""
    except ConnectionError:
        return True


def test_bytes_go_through_both_ways_and_end_when_they_end() -> None:
    async def scene(cable: Cable) -> None:
        assert await ask(cable) == b"hello"

    with_a_cable(scene)


def test_a_pulled_cable_refuses_new_connections() -> None:
    async def scene(cable: Cable) -> None:
        cable.pull()
        assert not cable.plugged
        with pytest.raises(OSError):
            await ask(cable)

    with_a_cable(scene)


def test_pulling_cuts_a_connection_under_way() -> None:
    async def scene(cable: Cable) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", cable.listen_port)
        writer.write(b"hello")
        assert await reader.readexactly(5) == b"hello"
        cable.pull()
        assert await ends_without_a_byte(reader.read())
        writer.close()

    with_a_cable(scene)


def test_a_cable_plugged_in_again_carries_on_at_the_same_port() -> None:
    async def scene(cable: Cable) -> None:
        port = cable.listen_port
        cable.pull()
        await cable.plug()
        assert cable.listen_port == port
        assert await ask(cable) == b"hello"

    with_a_cable(scene)


def test_a_cable_whose_far_end_is_gone_closes_the_near_one() -> None:
    async def scene(cable: Cable) -> None:
        async with Cable(0, "127.0.0.1", 1) as lonely:
            assert await ends_without_a_byte(ask(lonely))

    with_a_cable(scene)


def test_an_end_that_is_reset_is_heard_of_at_the_other_end() -> None:
    async def slam(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1024)
        linger = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.transport.abort()

    async def play() -> None:
        server = await asyncio.start_server(slam, "127.0.0.1", 0)
        async with server, Cable(0, "127.0.0.1", server.sockets[0].getsockname()[1]) as cable:
            reader, writer = await asyncio.open_connection("127.0.0.1", cable.listen_port)
            writer.write(b"hello")
            assert await asyncio.wait_for(ends_without_a_byte(reader.read()), 10)
            writer.close()

    asyncio.run(play())
