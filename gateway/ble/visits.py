"""Which device is visited when: those that are awake, a few at once, and a failing one not at once.

A device wakes only after it measured, so nothing is polled: an advertisement is the invitation.
"""

import asyncio
from dataclasses import dataclass

from bleak import BleakAdapter
from bleak.backends.device import BLEDevice

from devices.codec import Device, Gatt, full_uuid
from devices.model import CharacteristicValue
from gateway.ble.bluez import Bluez
from gateway.ble.link import Gateway, Link
from gateway.ble.queue import Queue, Room
from gateway.ble.scan import RADIO_ERRORS, Scan
from gateway.ble.session import LinkFailed
from gateway.ble.settings import BleDevice
from gateway.ble.state import DeviceState
from gateway.ble.timing import within
from gateway.ble.words import SAID_NOTHING
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
    found: BLEDevice | None = None


class Visits:
    def __init__(self, queue: Queue, gateway: Gateway) -> None:
        self._queue = queue
        self._gateway = gateway
        self._clock = gateway.clock
        self._timing = gateway.timing
        self._hosts: dict[str, _Host] = {}
        self._due: asyncio.Queue[_Host] = asyncio.Queue()

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
        host.found = found
        host.heard_s = monotonic_s()
        if not host.waiting and host.heard_s >= host.not_before_s:
            host.waiting = True
            self._due.put_nowait(host)

    async def run(self, bluez: Bluez, scan: Scan) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._take_over(bluez))
            for _ in range(self._timing.slots):
                group.create_task(self._serve(bluez, scan))

    async def _take_over(self, bluez: Bluez) -> None:
        """A gateway that died left its links open, and what is linked does not advertise."""
        await bluez.usable.wait()
        services = sorted({full_uuid(host.gatt.service) for host in self._hosts.values()})
        if not services:
            return
        try:
            adapter = await within(
                self._timing.bus_s, BleakAdapter.get(bluez={"adapter": bluez.adapter})
            )
            connected = await within(self._timing.bus_s, adapter.get_connected_devices(services))
        except RADIO_ERRORS as error:
            log.warning("open links can't be listed", error=error)
            return
        for found in connected:
            self.awake(found.address.upper(), found)

    async def _serve(self, bluez: Bluez, scan: Scan) -> None:
        while True:
            host = await self._due.get()
            try:
                if host.found and monotonic_s() - host.heard_s < self._timing.stale_s:
                    await self._visit(host, host.found, bluez, scan)
            finally:
                host.waiting = False

    async def _visit(self, host: _Host, found: BLEDevice, bluez: Bluez, scan: Scan) -> None:
        state = host.state

        def on_connected() -> None:
            state.connected = True
            state.error = SAID_NOTHING

        def on_value(ahead_s: float | None, characteristic: str, value: bytes) -> None:
            at = self._clock()
            state.last_value = state.last_seen = at
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
            news = await host.link.visit(found, bluez, scan, on_connected, on_value)
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
