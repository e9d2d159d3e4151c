"""Which device is visited when: those that are awake, a few at once, and a failing one not at once.

A device wakes only after it measured, so nothing is polled: an advertisement is the invitation.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from bleak.backends.device import BLEDevice

from devices.codec import Device, Gatt, full_uuid
from devices.model import CharacteristicValue, Fact
from gateway.ble.link import Gateway, Link
from gateway.ble.queue import Queue, Room
from gateway.ble.routes import BOND, HEARD_S, OWN, Ear, Elsewhere, Links, choose, source
from gateway.ble.scan import Scan
from gateway.ble.session import LinkFailed
from gateway.ble.settings import BleDevice
from gateway.ble.stack import RADIO_ERRORS, Stack
from gateway.ble.state import DeviceState
from gateway.ble.timing import within
from gateway.ble.upkeep import UPKEEP
from gateway.ble.words import NO_FREE_LINK, SAID_NOTHING
from plumbing.backoff import Backoff
from plumbing.clock import monotonic_s
from plumbing.logs import Log

log = Log("gateway.ble")


@dataclass(slots=True)
class _Host:
    """A device that is visited, and when next. Machine seconds."""

    state: DeviceState
    gatt: Gatt
    device: BleDevice
    link: Link
    backoff: Backoff
    waiting: bool = False
    not_before_s: float = 0.0
    heard_s: float = 0.0
    awake_since_s: float = 0.0
    found: BLEDevice | None = None
    heard_by: dict[str, tuple[float, BLEDevice]] = field(default_factory=dict)
    """Source of a radio: when it heard the device last, and as what."""

    def met(self, *, own: bool, since_s: float) -> BLEDevice | None:
        """The device as our own radio met it last, or as a proxy did; None: not since then."""
        met = [
            (at_s, found)
            for one, (at_s, found) in self.heard_by.items()
            if (one == OWN) is own and at_s >= since_s
        ]
        return max(met, key=lambda one: one[0])[1] if met else None


class _Always:
    """A proxy knows itself when it has to be silent."""

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        yield


class Visits:
    def __init__(self, queue: Queue, gateway: Gateway) -> None:
        self._queue = queue
        self._gateway = gateway
        self._clock = gateway.clock
        self._timing = gateway.timing
        self._hosts: dict[str, _Host] = {}
        self._due: asyncio.Queue[_Host] = asyncio.Queue()
        self._due_elsewhere: asyncio.Queue[_Host] = asyncio.Queue()
        self.has_own, self.has_proxies = True, False
        """Which radios there are: this machine's own, and others in the house."""

    def add(self, state: DeviceState, kind: Device, gatt: Gatt, device: BleDevice) -> None:
        self._hosts[state.address] = _Host(
            state,
            gatt,
            device,
            Link(kind, gatt, device, self._gateway),
            Backoff(self._timing.retry_first_s, self._timing.retry_most_s),
        )

    def remove(self, address: str) -> None:
        self._hosts.pop(address, None)

    def has(self, address: str) -> bool:
        """Whether the device on the air with that address is one that is visited."""
        return self._at(address) is not None

    def passkey(self, address: str) -> int | None:
        host = self._at(address)
        return None if host is None else host.device.passkey

    def _at(self, address: str) -> _Host | None:
        if address in self._hosts:
            return self._hosts[address]
        met = ((host, host.found) for host in self._hosts.values())
        return next((host for host, found in met if found and found.address == address), None)

    def awake(self, id_: str, found: BLEDevice) -> None:
        """The device advertises: visit it, unless that is under way, or it is too soon."""
        host = self._hosts.get(id_)
        if host is None:
            return
        now_s = monotonic_s()
        if now_s - host.heard_s > HEARD_S:
            host.awake_since_s = now_s
        host.found = found
        host.heard_s = now_s
        host.heard_by[source(found)] = (now_s, found)
        if not host.waiting and now_s >= host.not_before_s:
            self._send(host, now_s)

    def _send(self, host: _Host, now_s: float) -> None:
        """Tell the radio that is to visit the device; none, while one is to be waited for."""
        heard_by = {one for one, (at_s, _) in host.heard_by.items() if now_s - at_s < HEARD_S}
        awake_s = now_s - host.awake_since_s
        route = choose(heard_by, awake_s, self._bond(host), self._timing, own=self.has_own)
        if route is not None:
            host.waiting = True
            (self._due if route == OWN else self._due_elsewhere).put_nowait(host)

    def _bond(self, host: _Host) -> str | None:
        """The radio that holds the device's bond; None: none, or nobody knows."""
        said = self._gateway.memory.known(host.state.address).get(BOND) if host.gatt.bonded else ""
        return said if isinstance(said, str) and said else None

    async def run(self, stack: Stack, scan: Scan) -> None:
        """Until cancelled."""
        async with self._served(self._due), asyncio.TaskGroup() as group:
            group.create_task(self._take_over(stack))
            for _ in range(self._timing.slots):
                group.create_task(self._serve(stack, scan))

    async def _take_over(self, stack: Stack) -> None:
        """A gateway that died left its links open, and what is linked does not advertise."""
        await stack.usable.wait()
        services = sorted({full_uuid(host.gatt.service) for host in self._hosts.values()})
        if not services:
            return
        try:
            connected = await within(self._timing.bus_s, stack.linked(services))
        except RADIO_ERRORS as error:
            log.warning("open links can't be listed", error=error)
            return
        for found in connected:
            self.awake(found.address.upper(), found)

    async def _serve(self, stack: Stack, scan: Scan) -> None:
        while True:
            async with self._taken(self._due) as host:
                found = host.met(own=True, since_s=monotonic_s() - self._timing.stale_s)
                if found is not None:
                    await self._visit(host, found, stack, scan, self._own)

    def _own(self, address: str) -> str:
        """Without proxies nobody asks who holds a bond."""
        return OWN if self.has_proxies else ""

    async def run_elsewhere(self, proxies: Elsewhere) -> None:
        """Visit by way of proxies, until cancelled."""
        async with self._served(self._due_elsewhere), asyncio.TaskGroup() as group:
            for _ in range(self._timing.slots):
                group.create_task(self._serve_elsewhere(proxies))

    async def _serve_elsewhere(self, proxies: Elsewhere) -> None:
        ear = _Always()
        while True:
            async with self._taken(self._due_elsewhere) as host:
                found = host.met(own=False, since_s=monotonic_s() - self._timing.stale_s)
                if found is None:
                    continue
                try:
                    await within(
                        self._timing.stale_s,
                        proxies.has_room(found.address, self._bond(host)),
                    )
                except TimeoutError:
                    host.state.error = NO_FREE_LINK
                    continue
                await self._visit(host, found, proxies, ear, proxies.holder)

    @asynccontextmanager
    async def _served(self, due: asyncio.Queue[_Host]) -> AsyncIterator[None]:
        """Nobody waits for a radio that is gone: another one may hear the device."""
        try:
            yield
        finally:
            while not due.empty():
                due.get_nowait().waiting = False

    @asynccontextmanager
    async def _taken(self, due: asyncio.Queue[_Host]) -> AsyncIterator[_Host]:
        host = await due.get()
        try:
            yield host
        finally:
            host.waiting = False

    async def _visit(
        self,
        host: _Host,
        found: BLEDevice,
        links: Links,
        ear: Ear,
        holder: Callable[[str], str],
    ) -> None:
        state = host.state
        bond = ""

        def on_connected() -> None:
            nonlocal bond
            bond = holder(found.address)
            state.connected = True
            state.error = SAID_NOTHING

        def on_value(ahead_s: float | None, characteristic: str, value: bytes) -> None:
            at = state.last_seen = self._clock()
            if characteristic not in UPKEEP:
                state.last_value = at
                state.error = ""
                state.clock_ahead_s = ahead_s
            frame = CharacteristicValue(
                address=state.address,
                characteristic=characteristic,
                value=value,
                received_at=at,
                name=found.name,
                clock_ahead_s=ahead_s,
            )
            self._queue.put(frame, Room.VALUE)

        news = False
        try:
            news = await host.link.visit(found, links, ear, on_connected, on_value)
            state.failures = 0
        except LinkFailed as failure:
            state.failures += 1
            state.error = str(failure)
            log.warning("link failed", error=failure.__cause__, device=state.address)
        finally:
            state.connected = False
            if news:
                host.backoff.reset()
            host.not_before_s = monotonic_s() + (0.0 if news else host.backoff.next_s())
        await self._keep_bond(host, bond)

    async def _keep_bond(self, host: _Host, bond: str) -> None:
        """What one radio bonded is not for another, so it is kept which one did."""
        if not host.gatt.bonded or not bond or self._bond(host) == bond:
            return
        fact = Fact(device=host.state.address, name=BOND, value=bond)

        async def keep() -> None:
            await self._gateway.memory.keep(fact)

        try:
            await within(self._timing.keep_s, keep())
        except (TimeoutError, sqlite3.Error) as error:
            log.warning("the holder of a bond could not be kept", error=error)
