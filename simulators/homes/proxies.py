"""A home's Bluetooth proxies, and which of its devices is heard where.

A device is heard by the gateway's own adapter unless its settings say otherwise (`heard_by`).
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Protocol

from simulators.ble.mind import Mind
from simulators.ble.peripheral import Advert, Faults, Peripheral
from simulators.homes.config import OWN_RADIO, DeviceConfig, ProxyConfig
from simulators.homes.devices import Air


class Plugged(Protocol):
    """A proxy and its plug."""

    name: str
    port: int

    async def start(self) -> None: ...
    async def stop(self) -> None: ...


class Everywhere:
    """The airs of several radios, in which a device that nobody connects to speaks at once."""

    def __init__(self, airs: Sequence[Air]) -> None:
        self._airs = tuple(airs)

    def add_peripheral(self, peripheral: Peripheral, mind: Mind | None = None) -> None:
        for air in self._airs:
            air.add_peripheral(peripheral, mind)

    def advertise(self, address: str, advert: Advert | None = None) -> None:
        for air in self._airs:
            air.advertise(address, advert)

    def wake(self, address: str) -> None:
        for air in self._airs:
            air.wake(address)

    def store(self, address: str, characteristic: str, *values: bytes) -> None:
        """Only one of them may take the values, so a device that is visited is in one air."""
        self._airs[0].store(address, characteristic, *values)

    def faults(self, address: str) -> Faults:
        return self._airs[0].faults(address)


class Proxies:
    """The proxies of a home, running, and the room in which they hear its devices."""

    def __init__(self, room: Air, nodes: Sequence[Plugged]) -> None:
        self.plugged = True
        self._room = room
        self._nodes = tuple(nodes)

    def air(self, device: DeviceConfig, own: Air | None) -> Air | None:
        """Where the device speaks; None where nobody hears it."""
        airs: list[Air] = []
        if own is not None and OWN_RADIO in device.heard_by:
            airs.append(own)
        if any(node.name in device.heard_by for node in self._nodes):
            airs.append(self._room)
        return Everywhere(airs) if airs else None

    @property
    def reached_by(self) -> dict[str, int]:
        """The port of each, by its name."""
        return {node.name: node.port for node in self._nodes}

    async def plug(self, *, on: bool) -> None:
        """All of them lose their power, or get it back."""
        for node in self._nodes:
            if on is not self.plugged:
                await (node.start() if on else node.stop())
        self.plugged = on


@asynccontextmanager
async def running(
    proxies: Sequence[ProxyConfig], devices: Sequence[DeviceConfig]
) -> AsyncIterator[Proxies]:
    """Raises ModuleNotFoundError without homebeat[proxies], and OSError for a port in use."""
    from simulators.proxy.node import Node, NodeSettings  # noqa: PLC0415 - an extra
    from simulators.proxy.room import Room  # noqa: PLC0415

    async with AsyncExitStack() as parts:
        room = await parts.enter_async_context(Room())
        nodes = []
        for number, one in enumerate(proxies, 1):
            settings = NodeSettings(
                one.name,
                mac=f"A0:B7:65:00:00:{number:02X}",
                port=one.port,
                key=one.key,
                slots=one.slots,
                out_of_reach=frozenset(
                    device.device for device in devices if one.name not in device.heard_by
                ),
            )
            nodes.append(await parts.enter_async_context(Node(settings, room)))
        yield Proxies(room, nodes)
