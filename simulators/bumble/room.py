"""A room with simulated Bluetooth devices, and the gateway's adapter in it on a TCP port."""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Self

from bumble.transport.common import StreamPacketSink, StreamPacketSource

from simulators.ble.mind import Mind
from simulators.ble.peripheral import Advert, Faults, Peripheral
from simulators.bumble.air import Adapter, Air
from simulators.bumble.device import Device

ADAPTER_ADDRESS = "00:1A:7D:DA:71:13"


class Room:
    """One event loop, one adapter, any number of peripherals, each named by its address.

    Whoever connects to the port is the adapter's host; there is one at a time, as with a dongle,
    and each finds the adapter as if it had just been plugged in.
    """

    def __init__(self, port: int = 0) -> None:
        """Port 0: any that is free."""
        self._port = port
        self._air = Air()
        self._news = asyncio.Event()
        self._devices: dict[str, Device] = {}
        self._server: asyncio.Server | None = None
        self._is_on = True
        self._host: HostSocket | None = None

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: HostSocket(self), "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.power(on=False)
        if self._server is not None:
            self._server.close()
        for device in self._devices.values():
            await device.close()

    @property
    def transport(self) -> str:
        """What a gateway's settings call the adapter."""
        return f"tcp-client:127.0.0.1:{self._port}"

    @property
    def reached_by(self) -> dict[str, str]:
        """Where a gateway finds the adapter: its [ble] transport."""
        return {"transport": self.transport}

    # Peripherals ------------------------------------------------------------------------------

    def add_peripheral(self, peripheral: Peripheral, mind: Mind | None = None) -> None:
        """It is in the room, asleep. Raises ValueError for an address that is there already.

        `mind`: how it answers what is read and written; without one it gives fixed values.
        """
        if peripheral.address in self._devices:
            raise ValueError(f"there is a peripheral {peripheral.address} already")
        self._devices[peripheral.address] = Device(peripheral, self._air, self._news.set, mind)

    def advertise(self, address: str, advert: Advert | None = None, for_s: float = 0.0) -> None:
        """Send this advertisement, or the peripheral's own, and repeat it for so long."""
        device = self._devices[address]
        device.broadcast(advert or device.peripheral.advert, for_s)

    def wake(self, address: str) -> None:
        """Advertise, and take a connection, until it sleeps."""
        self._devices[address].wake()

    def sleep(self, address: str) -> None:
        self._devices[address].sleep()

    def store(self, address: str, characteristic: str, *values: bytes) -> None:
        """The peripheral measured: it wakes and holds these until a subscriber takes them."""
        self._devices[address].store(characteristic, *values)

    def stored(self, address: str) -> int:
        """How many values wait to be taken."""
        return self._devices[address].stored

    def connected(self, address: str) -> bool:
        return self._devices[address].connected

    def bonded(self, address: str) -> bool:
        """Whether the peripheral holds a bond."""
        return self._devices[address].bonded

    def pairings(self, address: str) -> int:
        """How often it has paired anew."""
        return self._devices[address].pairings

    def subscribed(self, address: str, characteristic: str) -> bool:
        return self._devices[address].subscribed(characteristic)

    def written(self, address: str) -> list[tuple[str, bytes]]:
        """(characteristic, value) of each write, in order."""
        return self._devices[address].written

    # Faults -----------------------------------------------------------------------------------

    def faults(self, address: str) -> Faults:
        """What goes wrong next with that peripheral: set its fields."""
        return self._devices[address].faults

    def drop(self, address: str) -> None:
        """The link is lost: neither side hears the other any more."""
        self._devices[address].drop()

    def forget_bond(self, address: str) -> None:
        """The peripheral was reset: it knows the gateway no more, and the gateway does not know."""
        self._devices[address].forget_bond()

    def hide(self, address: str) -> None:
        """It is private from now on: only who has paired with it knows it by its address."""
        self._devices[address].is_private = True

    def power(self, on: bool) -> None:
        """Plug the adapter in, or pull it out: its host loses it, and every link with it."""
        self._is_on = on
        if self._host is not None and not on:
            self._host.pull()

    @property
    def scanning(self) -> bool:
        """Whether the adapter listens: what is advertised meanwhile is heard."""
        adapter = None if self._host is None else self._host.adapter
        return adapter is not None and adapter.le_scan_enable

    async def until(self, condition: Callable[[], bool], limit_s: float = 10.0) -> None:
        """Return once the condition holds; it is looked at whenever something changes here.

        Raises TimeoutError.
        """
        async with asyncio.timeout(limit_s):
            while not condition():
                self._news.clear()
                await self._news.wait()

    # The adapter ------------------------------------------------------------------------------

    def plug(self, host: "HostSocket", sink: StreamPacketSink) -> Adapter | None:
        """The adapter for that host; None where there is none, or another host has it."""
        if not self._is_on or self._host is not None:
            return None
        self._host = host
        self._news.set()
        return Adapter("gateway", self._air, ADAPTER_ADDRESS, sink)

    def unplug(self, adapter: Adapter) -> None:
        self._host = None
        self._air.leave(adapter)
        self._news.set()


class HostSocket(StreamPacketSource):
    """A host at the port: HCI packets over TCP, as bumble's tcp-client speaks."""

    def __init__(self, room: Room) -> None:
        super().__init__()
        self.adapter: Adapter | None = None
        self._room = room

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self.adapter = self._room.plug(self, StreamPacketSink(transport))
        if self.adapter is None:
            transport.abort()
        else:
            self.set_packet_sink(self.adapter)

    def connection_lost(self, exc: Exception | None) -> None:
        adapter, self.adapter = self.adapter, None
        if adapter is not None:
            self._room.unplug(adapter)

    def pull(self) -> None:
        self._transport.abort()
