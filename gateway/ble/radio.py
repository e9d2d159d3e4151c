"""The home's Bluetooth radio: advertisements as they come, and visits to devices that have a value.

It scans all the time. A device that broadcasts (a door contact, a button) is heard that way; one
that speaks over GATT (a cuff, a scale) advertises once it has measured, and is then visited. What
is heard goes to `take` as it is on air; what it means is the intake's matter.

"Never lost" has a limit here: BlueZ confirms an indication to the device before we see it, so a
gateway that dies between that and its commit loses the value, unless the device keeps a memory.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime

from devices.registry import Index, index
from devices.registry import devices as all_kinds
from gateway.adapters import adapters
from gateway.ble.bluez import BUS_ERRORS, Agent, Bluez, bluez
from gateway.ble.hearing import Hearing
from gateway.ble.link import Gateway
from gateway.ble.memory import Memory, forgetful
from gateway.ble.queue import Queue, Take
from gateway.ble.scan import Scan
from gateway.ble.settings import BleDevice
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
        adapter: str | None = None,
        *,
        timing: Timing | None = None,
        catalogue: Index | None = None,
        memory: Memory | None = None,
    ) -> None:
        """`clock` is home time (aware UTC); `adapter` is "hci0", or None for the first.

        Without a `memory` bookmarks and slots are forgotten with the radio.

        Raises ValueError for a kind that is not in the catalogue.
        """
        self.state = RadioState()
        self._adapter = adapter or ""
        self._clock = clock
        self._timing = timing or Timing()
        self._catalogue = catalogue or index(
            (*all_kinds(), *adapters({device.kind for device in devices}))
        )
        self._queue = Queue(take, self.state)
        gateway = Gateway(
            clock, self._timing, memory or forgetful(), self._catalogue, self._queue.kept
        )
        self._visits = Visits(self._queue, gateway)
        self._names: dict[str, str] = {}
        self._has_passkey = any(device.passkey is not None for device in devices)
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
                group.create_task(self._hold_the_bus())
        except asyncio.CancelledError:
            await self._queue.leave()
            raise

    async def _hold_the_bus(self) -> None:
        backoff = Backoff(self._timing.retry_first_s, self._timing.retry_most_s)
        while True:
            try:
                agent = Agent(self._visits.has, self._visits.passkey, can_type=self._has_passkey)
                async with bluez(self._adapter, agent, self._timing.bus_s) as found:
                    backoff.reset()
                    await self._serve(found)
            except BUS_ERRORS as error:
                log.warning("system bus can't be used", error=error)
                self.state.error = service_in_words(error)
            self.state.running = self.state.powered = self.state.scanning = False
            self.state.adapter = ""
            await asyncio.sleep(backoff.next_s())

    async def _serve(self, found: Bluez) -> None:
        """Until the bus ends the connection. Raises what ended it, one of BUS_ERRORS."""
        hearing = Hearing(
            self._catalogue,
            self._queue,
            self.state,
            self._clock,
            self._visits.awake,
            self._names,
        )
        scan = Scan(found, self.state, hearing.hear, self._timing)
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(scan.run()),
                group.create_task(self._visits.run(found, scan)),
            ]
            ended = await asyncio.gather(found.until_closed(), return_exceptions=True)
            for task in tasks:
                task.cancel()
        raise EOFError("the bus ended the connection") from ended[0]
