"""One peripheral: how it behaves, its link and its values.

The order of what BlueZ says is what clients stumble over: Connected, then the GATT objects, then
ServicesResolved, and only then the answer to Connect.
"""

import asyncio
import socket
from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import suppress

from dbus_fast import Message, Variant

from simulators.ble import gatt
from simulators.ble.adapter import Adapter
from simulators.ble.agents import Agents
from simulators.ble.gatt import CHARACTERISTIC
from simulators.ble.mind import Mind
from simulators.ble.peripheral import (
    Advert,
    Characteristic,
    ConnectFault,
    Faults,
    Pairing,
    Peripheral,
    uuid_of,
)
from simulators.ble.shown import Shown
from simulators.ble.tree import NO, YES, Answer, ObjectTree, Refusal

FAILED = "org.bluez.Error.Failed"
IN_PROGRESS = "org.bluez.Error.InProgress"
NOT_PERMITTED = "org.bluez.Error.NotPermitted"

GAP_S = 0.01
"""Between two values of one device: a connection interval or so."""
FLAP_S = 0.005
"""How long a link stays open that is aborted."""
LATE_OBJECTS_S = 0.1
"""How late the GATT objects are where ServicesResolved comes first."""


class Device:
    """What one peripheral does; `shown` is BlueZ's object of it."""

    def __init__(
        self,
        peripheral: Peripheral,
        adapter: Adapter,
        agents: Agents,
        tree: ObjectTree,
        temporary_s: float,
        changed: Callable[[], None],
        mind: Mind | None = None,
    ) -> None:
        self.peripheral = peripheral
        self._mind = mind
        self.shown = Shown(
            peripheral,
            adapter,
            tree,
            temporary_s,
            in_use=lambda: self.connected or self._giving_up is not None,
        )
        self.path = self.shown.path
        self.faults = Faults()
        self.connected = False
        self.remembers_bond = False
        """What the peripheral itself still knows of the bond."""
        self.written: list[tuple[str, bytes]] = []
        self._adapter = adapter
        self._agents = agents
        self._tree = tree
        self._changed = changed
        self._stored: deque[tuple[str, bytes]] = deque()
        self._sending = False
        self._beacon: asyncio.Task[None] | None = None
        self._woken = asyncio.Event()
        self._giving_up: asyncio.Event | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._clients: dict[str, set[str]] = {}
        self._pipes: dict[str, list[socket.socket]] = {}
        self._resolved_s = 0.0
        self._characteristics = dict(gatt.characteristics(self.path, peripheral.services))

    # The peripheral itself --------------------------------------------------------------------

    def wake(self) -> None:
        """Advertise until `sleep`, except while a link is open."""
        if self._beacon is None:
            self._beacon = asyncio.create_task(self._advertise())
            self._woken.set()
            self._changed()

    def sleep(self) -> None:
        if self._beacon is not None:
            self._beacon.cancel()
            self._beacon = None
            self._woken.clear()
            self._changed()

    def store(self, characteristic: str, *values: bytes) -> None:
        """Hold these until a subscriber takes them, and advertise that there is something."""
        self._stored.extend((uuid_of(characteristic), value) for value in values)
        self.wake()
        self._spawn(self._send_stored())

    @property
    def stored(self) -> int:
        return len(self._stored)

    def subscribed(self, characteristic: str) -> bool:
        uuid = uuid_of(characteristic)
        return bool(self._clients.get(uuid) or self._pipes.get(uuid))

    def say(self, characteristic: str, value: bytes) -> bool:
        """Notify or indicate now. False where nobody is subscribed: the value is lost."""
        uuid = uuid_of(characteristic)
        if not self.connected or not self.subscribed(uuid):
            return False
        for path, item in self._characteristics.items():
            if uuid_of(item.uuid) == uuid and self._clients.get(uuid):
                self._tree.update(path, CHARACTERISTIC, {"Value": Variant("ay", value)})
        for pipe in self._pipes.get(uuid, ()):
            with suppress(OSError):
                pipe.send(value)
        return True

    def broadcast(self, advert: Advert, for_s: float) -> None:
        """Say it now, and again and again for so long, asleep or not."""
        self.shown.hear(advert)
        if for_s > 0:
            self._spawn(self._broadcast_again(advert, for_s))

    async def _broadcast_again(self, advert: Advert, for_s: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(for_s):
                while True:
                    await asyncio.sleep(self.peripheral.interval_s)
                    self.shown.hear(advert)

    async def _advertise(self) -> None:
        while True:
            if not self.connected:
                self.shown.hear(self.peripheral.advert)
            await asyncio.sleep(self.peripheral.interval_s)

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
            self._changed()
            await asyncio.sleep(GAP_S)
            self._sending = False
            if not self._stored and self.peripheral.drops_link:
                self.sleep()
                self.drop()

    def vanish(self) -> None:
        """bluetoothd is gone, and with it the link."""
        self._lose_link()
        self.shown.vanish()

    def remove(self) -> None:
        """BlueZ forgets the device, its bond and its services."""
        self.drop()
        self._remove_objects()
        self.shown.remove()

    # The link ---------------------------------------------------------------------------------

    async def connect(self, call: Message) -> Answer:
        await self._link()
        await self._resolve()
        return Answer()

    async def pair(self, call: Message) -> Answer:
        if self.shown.bonded:
            raise Refusal("org.bluez.Error.AlreadyExists", "Already Exists")
        await self._link()
        try:
            wants = self.peripheral
            await self._agents.agree(str(call.sender), self.path, wants.pairing, wants.passkey)
        except Refusal:
            self.drop()
            raise
        self.remembers_bond = True
        self.shown.bond()
        self._spawn(self._resolve_after_pairing())
        return Answer()

    async def disconnect(self, call: Message) -> Answer:
        if self._giving_up is not None:
            self._giving_up.set()
        self.drop()
        return Answer()

    def drop(self) -> None:
        """The link is lost or ended."""
        if not self.connected:
            return
        self._lose_link()
        if self.shown.known:
            self.shown.set(ServicesResolved=False)
            self.shown.set(Connected=False)
            if not self.shown.bonded:
                self._remove_objects()

    async def _link(self) -> None:
        if self.connected:
            return
        if not self._adapter.powered:
            raise Refusal("org.bluez.Error.NotReady", "Resource Not Ready")
        if self._giving_up is not None:
            raise Refusal(IN_PROGRESS, "Operation already in progress")
        fault = self.faults.connects.popleft() if self.faults.connects else None
        if fault is ConnectFault.IN_PROGRESS or self._adapter.is_busy:
            raise Refusal(IN_PROGRESS, "Operation already in progress")
        self._giving_up = asyncio.Event()
        self._adapter.linking += 1
        try:
            if fault is ConnectFault.NO_ANSWER or not await self._reached(self._giving_up):
                await self._giving_up.wait()
                raise Refusal(FAILED, ConnectFault.ABORT.value)
        finally:
            self._giving_up = None
            self._adapter.linking -= 1
        stale = self.shown.bonded and not self.remembers_bond
        self.shown.set(Connected=True)
        if fault is ConnectFault.ABORT or stale:
            await asyncio.sleep(FLAP_S)
            self.shown.set(Connected=False)
            raise Refusal(FAILED, ConnectFault.ABORT.value)
        self.connected = True
        if self._mind is not None:
            self._mind.link_opened()
        self._changed()

    async def _reached(self, giving_up: asyncio.Event) -> bool:
        """Whether the peripheral can be heard before the caller gives up."""
        waits = {asyncio.create_task(event.wait()) for event in (self._woken, giving_up)}
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        return not giving_up.is_set()

    async def _resolve(self) -> None:
        if self.faults.resolve_after_s:
            await asyncio.sleep(self.faults.resolve_after_s)
        if self.connected and self.faults.resolved_before_objects:
            self.faults.resolved_before_objects -= 1
            self.shown.set(ServicesResolved=True)
            self._spawn(self._add_objects_late())
            return
        if self.connected:
            self._add_objects()
            self.shown.set(ServicesResolved=True)
            self._resolved_s = asyncio.get_running_loop().time()
        if self.connected and self.faults.drop_when_resolved:
            self.faults.drop_when_resolved -= 1
            self.drop()
        if not self.connected:
            raise Refusal(FAILED, "Software caused connection abort")
        self._changed()

    async def _resolve_after_pairing(self) -> None:
        with suppress(Refusal):
            await self._resolve()

    async def _add_objects_late(self) -> None:
        await asyncio.sleep(LATE_OBJECTS_S)
        if self.connected:
            self._add_objects()

    def _add_objects(self) -> None:
        for path, interfaces in gatt.objects(self.path, self.peripheral.services):
            if path not in self._tree.objects:
                self._tree.add(path, interfaces)
        self.shown.offer([uuid_of(service.uuid) for service in self.peripheral.services])

    def _remove_objects(self) -> None:
        for path, _ in reversed(list(gatt.objects(self.path, self.peripheral.services))):
            self._tree.remove(path)

    def _lose_link(self) -> None:
        self.connected = False
        self._clients.clear()
        for pipes in self._pipes.values():
            for pipe in pipes:
                pipe.close()
        self._pipes.clear()
        self._changed()

    # GATT -------------------------------------------------------------------------------------

    async def start_notify(self, call: Message) -> Answer:
        path, item = self._speaking(call)
        if self.faults.speaks_early and self._stored:
            self._clients[uuid_of(item.uuid)] = {str(call.sender)}
            self.say(*self._stored.popleft())
        if self._hears_subscriptions():
            self._clients.setdefault(uuid_of(item.uuid), set()).add(str(call.sender))
        self._tree.update(path, CHARACTERISTIC, {"Notifying": YES})
        self._subscribed()
        return Answer()

    async def stop_notify(self, call: Message) -> Answer:
        path, item = self._speaking(call)
        self._clients.get(uuid_of(item.uuid), set()).discard(str(call.sender))
        self._tree.update(path, CHARACTERISTIC, {"Notifying": NO})
        return Answer()

    async def acquire_notify(self, call: Message) -> Answer:
        """A socket on which each value is one packet. The caller owns its end."""
        _, item = self._speaking(call)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.settimeout(0)
        if self._hears_subscriptions():
            self._pipes.setdefault(uuid_of(item.uuid), []).append(ours)
        self._spawn(self._close_when_sent(theirs))
        self._subscribed()
        return Answer("hq", (0, gatt.MTU), (theirs.fileno(),))

    async def read(self, call: Message) -> Answer:
        _, item = self._found(call)
        if "read" not in item.flags:
            raise Refusal(NOT_PERMITTED, "Read not permitted")
        if item.uuid in self.faults.refuses_reads:
            raise Refusal(FAILED, "Operation failed with ATT error: 0x80")
        if item.uuid in self.faults.hangs_reads:
            await asyncio.Event().wait()
        said = None if self._mind is None else self._mind.read(item.uuid)
        return Answer("ay", (item.value if said is None else said,))

    async def write(self, call: Message) -> Answer:
        _, item = self._found(call)
        if not {"write", "write-without-response"} & set(item.flags):
            raise Refusal(NOT_PERMITTED, "Write not permitted")
        value = bytes(call.body[0])
        self.written.append((item.uuid, value))
        if self._mind is not None:
            self._spawn(self._mind.take(self, item.uuid, value))
        self._changed()
        return Answer()

    def forget_client(self, client: str) -> None:
        """That client left the bus: its subscriptions end, the link stays."""
        for clients in self._clients.values():
            clients.discard(client)

    async def close(self) -> None:
        self.sleep()
        self.vanish()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _found(self, call: Message) -> tuple[str, Characteristic]:
        path = str(call.path)
        item = self._characteristics.get(path)
        if item is None or not self.connected:
            raise Refusal(FAILED, "Not connected")
        if self.peripheral.pairing is not Pairing.NONE and not self.shown.bonded:
            raise Refusal(NOT_PERMITTED, "Not paired")
        return path, item

    def _speaking(self, call: Message) -> tuple[str, Characteristic]:
        path, item = self._found(call)
        if not {"notify", "indicate"} & set(item.flags):
            raise Refusal("org.bluez.Error.NotSupported", "Operation is not supported")
        return path, item

    def _hears_subscriptions(self) -> bool:
        since_s = asyncio.get_running_loop().time() - self._resolved_s
        return since_s >= self.peripheral.deaf_s

    def _subscribed(self) -> None:
        self._changed()
        self._spawn(self._send_stored())

    async def _close_when_sent(self, end: socket.socket) -> None:
        with end:
            await asyncio.sleep(GAP_S)
            await self._tree.drained()

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
