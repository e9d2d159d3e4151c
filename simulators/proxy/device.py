"""One simulated peripheral as the radio of an ESP32 meets it: handles, a link, subscriptions."""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from simulators.ble.gatt import FIRST_HANDLE, MTU
from simulators.ble.mind import Mind
from simulators.ble.peripheral import (
    Advert,
    Characteristic,
    Faults,
    Pairing,
    Peripheral,
    uuid_of,
)

GAP_S = 0.01
"""Between two values of one device: a connection interval or so."""

INVALID_HANDLE, READ_NOT_PERMITTED, WRITE_NOT_PERMITTED = 0x01, 0x02, 0x03
NOT_ENCRYPTED = 0x05
"""ATT error codes: Core Specification 5.4, volume 3, part F, 3.4.1.1."""
NOT_ESTABLISHED = 0x3E
"""ESP_GATT_CONN_FAIL_ESTABLISH of the ESP-IDF."""
PAIRING_FAILED = 80
"""ESP_AUTH_SMP_PAIR_AUTH_FAIL of the ESP-IDF."""


class AttError(Exception):
    def __init__(self, code: int) -> None:
        super().__init__(f"ATT error {code}")
        self.code = code


class Link(Protocol):
    """Who is connected to a device: a node's radio."""

    name: str

    def said(self, device: "RoomDevice", handle: int, value: bytes) -> None: ...
    def ended(self, device: "RoomDevice") -> None: ...


@dataclass(frozen=True, slots=True)
class Placed:
    """A characteristic, and where it is. `configuration` is 0 where it says nothing by itself."""

    item: Characteristic
    handle: int
    configuration: int

    @property
    def uuid(self) -> str:
        return uuid_of(self.item.uuid)


@dataclass(slots=True)
class Layout:
    """What a client finds: (UUID of the service, its handle, its characteristics)."""

    services: list[tuple[str, int, list[Placed]]] = field(default_factory=list)

    def __iter__(self) -> Iterator[Placed]:
        return (placed for _, _, items in self.services for placed in items)


def layout(peripheral: Peripheral) -> Layout:
    """Handles count up as on a device: a declaration, a value, and its configuration."""
    found = Layout()
    handle = FIRST_HANDLE
    for service in peripheral.services:
        start, items = handle, []
        handle += 1
        for item in service.characteristics:
            speaks = bool({"notify", "indicate"} & set(item.flags))
            items.append(Placed(item, handle + 1, handle + 2 if speaks else 0))
            handle += 3 if speaks else 2
        found.services.append((uuid_of(service.uuid), start, items))
    return found


class RoomDevice:
    """What one peripheral does. One link at a time, as real ones have it."""

    def __init__(
        self,
        peripheral: Peripheral,
        mind: Mind | None,
        advertised: Callable[["RoomDevice", Advert], None],
    ) -> None:
        self.peripheral = peripheral
        self.layout = layout(peripheral)
        self.mtu = MTU
        self.bonds: set[str] = set()
        """Names of the nodes with which it is bonded."""
        self.written: list[tuple[str, bytes]] = []
        self.awake = asyncio.Event()
        self.faults = Faults()
        """Of these it has `connects` and `lose_confirmations`."""
        self._mind = mind
        self._advertised = advertised
        self._link: Link | None = None
        self._stored: deque[tuple[str, bytes]] = deque()
        self._heeded: set[int] = set()
        self._beacon: asyncio.Task[None] | None = None
        self._sending = False
        self._tasks: set[asyncio.Task[None]] = set()

    # The peripheral itself --------------------------------------------------------------------

    @property
    def address(self) -> str:
        return self.peripheral.address

    @property
    def connected(self) -> bool:
        return self._link is not None

    @property
    def via(self) -> str:
        """The node through which it is connected; empty: none."""
        return "" if self._link is None else self._link.name

    @property
    def stored(self) -> int:
        return len(self._stored)

    def wake(self) -> None:
        """Advertise until `sleep`, except while a link is open."""
        if self._beacon is None:
            self.awake.set()
            self._beacon = asyncio.create_task(self._advertise())

    def sleep(self) -> None:
        if self._beacon is not None:
            self._beacon.cancel()
            self._beacon = None
            self.awake.clear()

    def store(self, characteristic: str, *values: bytes) -> None:
        """Hold these until a subscriber takes them, and advertise that there is something."""
        self._stored.extend((uuid_of(characteristic), value) for value in values)
        self.wake()
        self._spawn(self._send_stored())

    def say(self, characteristic: str, value: bytes) -> bool:
        """Notify or indicate now. False where nobody is subscribed: the value is lost."""
        for placed in self.layout:
            if placed.uuid == uuid_of(characteristic) and placed.configuration in self._heeded:
                assert self._link is not None
                self._link.said(self, placed.handle, value)
                return True
        return False

    def subscribed(self, characteristic: str) -> bool:
        return any(
            placed.uuid == uuid_of(characteristic) and placed.configuration in self._heeded
            for placed in self.layout
        )

    def broadcast(self, advert: Advert, for_s: float) -> None:
        """Say it now, and again and again for so long, asleep or not."""
        self._advertised(self, advert)
        if for_s > 0:
            self._spawn(self._broadcast_again(advert, for_s))

    async def close(self) -> None:
        self.sleep()
        self.drop()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # The link ---------------------------------------------------------------------------------

    def open(self, link: Link) -> bool:
        """False where another one is connected."""
        if self._link is not None:
            return False
        self._link = link
        if self._mind is not None:
            self._mind.link_opened()
        return True

    def drop(self) -> None:
        """The link is lost or ended."""
        link, self._link = self._link, None
        self._heeded.clear()
        if link is not None:
            link.ended(self)

    def pair(self) -> bool:
        """Whether it bonds with a node, which has neither display nor keys."""
        if self.peripheral.pairing not in {Pairing.NONE, Pairing.JUST_WORKS}:
            return False
        self.bonds.add(self.via)
        return True

    def read(self, handle: int) -> bytes:
        item = self._at(handle).item
        if "read" not in item.flags:
            raise AttError(READ_NOT_PERMITTED)
        said = None if self._mind is None else self._mind.read(item.uuid)
        return item.value if said is None else said

    def write(self, handle: int, value: bytes) -> None:
        item = self._at(handle).item
        if not {"write", "write-without-response"} & set(item.flags):
            raise AttError(WRITE_NOT_PERMITTED)
        self.written.append((item.uuid, value))
        if self._mind is not None:
            self._spawn(self._mind.take(self, item.uuid, value))

    def configure(self, handle: int, value: bytes) -> None:
        """The configuration of a characteristic is written: 0001 notify, 0002 indicate."""
        self._must_be_bonded()
        if not any(placed.configuration == handle for placed in self.layout):
            raise AttError(INVALID_HANDLE)
        if any(value):
            self._heeded.add(handle)
            self._spawn(self._send_stored())
        else:
            self._heeded.discard(handle)

    def _at(self, handle: int) -> Placed:
        self._must_be_bonded()
        for placed in self.layout:
            if placed.handle == handle:
                return placed
        raise AttError(INVALID_HANDLE)

    def _must_be_bonded(self) -> None:
        if self.peripheral.pairing is not Pairing.NONE and self.via not in self.bonds:
            raise AttError(NOT_ENCRYPTED)

    async def _advertise(self) -> None:
        while True:
            if not self.connected:
                self._advertised(self, self.peripheral.advert)
            await asyncio.sleep(self.peripheral.interval_s)

    async def _broadcast_again(self, advert: Advert, for_s: float) -> None:
        end_s = asyncio.get_running_loop().time() + for_s
        while asyncio.get_running_loop().time() < end_s:
            await asyncio.sleep(self.peripheral.interval_s)
            self._advertised(self, advert)

    async def _send_stored(self) -> None:
        """Send what is held, one after the other; of two of these at once, one goes home."""
        await asyncio.sleep(GAP_S)
        while self._stored and not self._sending and self.say(*self._stored[0]):
            if self.faults.lose_confirmations:
                self.faults.lose_confirmations -= 1
                self.drop()
                return
            self._stored.popleft()
            self._sending = True
            await asyncio.sleep(GAP_S)
            self._sending = False
            if not self._stored and self.peripheral.drops_link:
                self.sleep()
                self.drop()

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
