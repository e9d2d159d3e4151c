"""The home's Bluetooth radio: advertisements as they come, and visits to devices that have a value.

It scans all the time. A device that broadcasts (a door contact, a button) is heard that way; one
that speaks over GATT (a cuff, a scale) advertises once it has measured, and is then visited. What
is heard goes to `take` as it is on air; what it means is the intake's matter.

"Never lost" has a limit here: BlueZ confirms an indication to the device before we see it, so a
gateway that dies between that and its commit loses the value, unless the device keeps a memory.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from bleak.backends.scanner import AdvertisementData

from devices.registry import Index, index
from devices.registry import devices as all_kinds
from gateway.adapters import adapters
from gateway.ble.adverts import Packet, as_heard
from gateway.ble.hearing import Hearing, Told
from gateway.ble.link import Gateway
from gateway.ble.memory import Memory, forgetful
from gateway.ble.queue import Queue, Take
from gateway.ble.routes import Elsewhere
from gateway.ble.scan import Scan
from gateway.ble.settings import BleDevice
from gateway.ble.stack import BUS_ERRORS, OpenStack, Pairing, Stack, StackFailed
from gateway.ble.state import DeviceState, RadioState, report
from gateway.ble.timing import Timing
from gateway.ble.visits import Visits
from gateway.ble.words import service_in_words
from plumbing.backoff import Backoff
from plumbing.logs import Log

log = Log("gateway.ble")


class Radio:
    """Hears the home's devices until its `run` is cancelled. `state` says how it is."""

    def __init__(
        self,
        devices: Sequence[BleDevice],
        take: Take,
        clock: Callable[[], datetime],
        opens: OpenStack | None,
        *,
        elsewhere: Elsewhere | None = None,
        timing: Timing | None = None,
        catalogue: Index | None = None,
        memory: Memory | None = None,
    ) -> None:
        """`clock` is home time (aware UTC); `opens` is the Bluetooth stack of this machine.

        None: it has none, and only `elsewhere`, radios in other rooms, hears and visits.
        Without a `memory` bookmarks and slots are forgotten with the radio.

        Raises ValueError for a kind that is not in the catalogue.
        """
        self.state = RadioState(own=opens is not None)
        if elsewhere is not None:
            self.state.proxies = elsewhere.states
        self._opens = opens
        self._elsewhere = elsewhere
        self._told = Told()
        self._clock = clock
        self._timing = timing or Timing()
        self._catalogue = catalogue or index((*all_kinds(), *adapters()))
        self._queue = Queue(take, self.state)
        gateway = Gateway(
            clock, self._timing, memory or forgetful(), self._catalogue, self._queue.kept
        )
        self._visits = Visits(self._queue, gateway)
        self._visits.has_own = opens is not None
        self._visits.has_proxies = elsewhere is not None
        self._names: dict[str, str] = {}
        self._pairing = Pairing(
            self._visits.has,
            self._visits.passkey,
            can_type=any(device.passkey is not None for device in devices),
        )
        self._reopen = asyncio.Event()
        """The stack is to be opened anew: what it tells devices of us has changed."""
        for device in devices:
            self._add(device)

    def _add(self, device: BleDevice) -> None:
        kind = self._catalogue.keys.get(device.kind)
        if kind is None and device.kind:
            raise ValueError(f"{device.address}: the catalogue has no kind {device.kind!r}")
        state = DeviceState(address=device.id, kind=device.kind, name=device.name)
        self.state.devices[state.address] = state
        if device.is_named:
            self._names[device.id.casefold()] = device.id
        if kind is not None and kind.gatt is not None:
            self._visits.add(state, kind, kind.gatt, device)

    def enrol(self, device: BleDevice) -> None:
        """Hear and visit it from now on. Call it in the thread of `run`.

        Raises ValueError for a kind that is not in the catalogue.
        """
        self._add(device)
        self.state.strangers.pop(device.id, None)
        if device.passkey is not None and not self._pairing.can_type:
            self._pairing = replace(self._pairing, can_type=True)
            self._reopen.set()

    def dismiss(self, device: BleDevice) -> None:
        """It is a stranger from now on. A visit under way ends by itself."""
        self.state.devices.pop(device.id, None)
        self._names.pop(device.id.casefold(), None)
        self._visits.remove(device.id)

    def report(self) -> list[tuple[str, str, str]]:
        """(part, how it is, what to do about it or "") of the radio and each device, in words."""
        return report(self.state, self._clock())

    async def run(self) -> None:
        """Until cancelled; what was heard and not kept yet is handed to `take` at the end.

        Whatever is wrong with the adapter, bluetoothd or the bus is said in `state`, and tried
        again. Where `take` raises anything but sqlite3.Error, that is raised, in a group.
        """
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._queue.run())
                if self._opens is not None:
                    group.create_task(self._hold_the_stack(self._opens))
                if self._elsewhere is not None:
                    hearing = self._hearing(_as_heard)
                    group.create_task(self._elsewhere.run(hearing.hear))
                    group.create_task(self._visits.run_elsewhere(self._elsewhere))
        except asyncio.CancelledError:
            await self._queue.leave()
            raise

    def _hearing(self, packet: Callable[[AdvertisementData], Packet]) -> Hearing:
        return Hearing(
            self._catalogue,
            self._queue,
            self.state,
            self._clock,
            self._visits.awake,
            packet,
            self._names,
            self._told,
        )

    async def _hold_the_stack(self, opens: OpenStack) -> None:
        backoff = Backoff(self._timing.retry_first_s, self._timing.retry_most_s)
        while True:
            try:
                async with opens(self._pairing, self._timing.bus_s) as stack:
                    backoff.reset()
                    await self._serve(stack)
            except BUS_ERRORS as error:
                log.warning("the Bluetooth stack can't be used", error=error)
                self.state.error = service_in_words(error)
            self.state.running = self.state.powered = self.state.scanning = False
            self.state.adapter = ""
            await asyncio.sleep(backoff.next_s())

    async def _serve(self, stack: Stack) -> None:
        """Until the stack ends by itself. Raises what ended it, one of BUS_ERRORS."""
        scan = Scan(stack, self.state, self._hearing(stack.packet).hear, self._timing)
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(scan.run()),
                group.create_task(self._visits.run(stack, scan)),
            ]
            closed = asyncio.create_task(stack.until_closed())
            reopen = asyncio.create_task(self._reopen.wait())
            try:
                await asyncio.wait({closed, reopen}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                closed.cancel()
                reopen.cancel()
            ended = await asyncio.gather(closed, return_exceptions=True)
            for task in tasks:
                task.cancel()
        if self._reopen.is_set():
            self._reopen.clear()
            return
        if isinstance(ended[0], StackFailed):
            raise ended[0]
        raise EOFError("the Bluetooth stack ended") from ended[0]


def _as_heard(data: AdvertisementData) -> Packet:
    return as_heard(data.service_data, data.manufacturer_data)
