"""The cable between a home and its server: a TCP relay that can be pulled out."""

import asyncio
from typing import Self

_CHUNK = 64 * 1024


class Cable:
    """Relays every connection to `host`:`port` until it is pulled.

    While it is pulled, live connections are cut (reset, as far as the kernel does it) and new ones
    are refused, since nothing listens: what a gateway sees when the router is off.
    """

    def __init__(self, listen_port: int, host: str, port: int) -> None:
        self.listen_port = listen_port
        """0 until the first `plug` chooses a free one."""
        self._host = host
        self._port = port
        self._server: asyncio.Server | None = None
        self._ends: set[asyncio.StreamWriter] = set()

    @property
    def plugged(self) -> bool:
        return self._server is not None

    async def plug(self) -> None:
        """Listen on 127.0.0.1:`listen_port`. Raises OSError where the port is taken."""
        if self._server is None:
            self._server = await asyncio.start_server(
                self._relay, "127.0.0.1", self.listen_port, reuse_address=True
            )
            self.listen_port = self._server.sockets[0].getsockname()[1]

    def pull(self) -> None:
        """Cut what is under way and refuse what is new."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for end in tuple(self._ends):
            end.transport.abort()

    async def __aenter__(self) -> Self:
        await self.plug()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.pull()

    async def _relay(self, near_in: asyncio.StreamReader, near_out: asyncio.StreamWriter) -> None:
        self._ends.add(near_out)
        try:
            far_in, far_out = await asyncio.open_connection(self._host, self._port)
        except OSError:
            near_out.transport.abort()
            self._ends.discard(near_out)
            return
        self._ends.add(far_out)
        try:
            await asyncio.gather(_carry(near_in, far_out), _carry(far_in, near_out))
        finally:
            for end in (near_out, far_out):
                self._ends.discard(end)
                end.close()


async def _carry(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    # An end that is gone says so in several ways: reset, broken, not connected any more. The other
    # end is to hear of it too, or it would wait for an answer on a line that leads nowhere.
    try:
        while chunk := await source.read(_CHUNK):
            sink.write(chunk)
            await sink.drain()
        if sink.can_write_eof():
            sink.write_eof()
    except OSError:
        sink.transport.abort()
