"""The scan: always on, except while a connection is made or the adapter can't be used.

Connecting while scanning fails on some adapters, so a connection may hold the scan; but a button
says its press for a second or two only, so the hold has an end, and the radio listens in between.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from bleak import BleakScanner
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData

from gateway.ble.stack import RADIO_ERRORS, Heard, Stack
from gateway.ble.state import RadioState
from gateway.ble.timing import Timing, within
from gateway.ble.words import service_in_words
from plumbing.backoff import Backoff
from plumbing.clock import monotonic_s
from plumbing.logs import Log

log = Log("gateway.ble")


class Scan:
    """Owns the scanner. `run` alone starts and stops it; the others say what they want."""

    def __init__(self, stack: Stack, state: RadioState, heard: Heard, timing: Timing) -> None:
        self._stack = stack
        self._state = state
        self._heard = heard
        self._timing = timing
        self._backoff = Backoff(timing.retry_first_s, timing.retry_most_s)
        self._scanner: BleakScanner | None = None
        self._lost = stack.lost
        self._held_until_s = 0.0
        self._released_s = -timing.listen_s
        self._heard_s = 0.0
        self._turn = asyncio.Lock()
        self._silent = asyncio.Event()
        self._silent.set()

    async def run(self) -> None:
        """Until cancelled."""
        try:
            while True:
                self._stack.changed.clear()
                look_again_s = await self._settle()
                with suppress(TimeoutError):
                    async with asyncio.timeout(look_again_s):
                        await self._stack.changed.wait()
        finally:
            await self._stop()

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """No scan inside, for `scan_pause_s` at most; one holder at a time, the others wait.

        The radio listens for `listen_s` between two holders. Raises TimeoutError where the scan
        does not stop.
        """
        async with self._turn:
            await asyncio.sleep(self._released_s + self._timing.listen_s - monotonic_s())
            self._held_until_s = monotonic_s() + self._timing.scan_pause_s
            self._stack.changed.set()
            try:
                await within(self._timing.bus_s, self._silent.wait())
                yield
            finally:
                self._held_until_s = 0.0
                self._released_s = monotonic_s()
                self._stack.changed.set()

    async def _settle(self) -> float | None:
        """Start or stop as it should be. Seconds after which to look again; None: on a change."""
        now_s = monotonic_s()
        adapter = self._stack.adapter
        self._state.running = self._stack.running
        self._state.powered = bool(adapter)
        self._state.adapter = adapter
        self._state.error = self._stack.trouble or self._state.error
        held_s = self._held_until_s - now_s
        if self._lost is not self._stack.lost or not adapter or held_s > 0 or self._is_quiet(now_s):
            await self._stop()
            self._lost = self._stack.lost
        if not adapter:
            return None
        if held_s > 0:
            return held_s
        if self._scanner is None and not await self._start(adapter):
            return self._backoff.next_s()
        return self._timing.quiet_s

    def _is_quiet(self, now_s: float) -> bool:
        return now_s - self._heard_s >= self._timing.quiet_s

    async def _start(self, adapter: str) -> bool:
        scanner = self._stack.scanner(self._on_heard)
        self._silent.clear()
        self._scanner = scanner
        try:
            await within(self._timing.bus_s, scanner.start())
        except RADIO_ERRORS as error:
            self._state.error = service_in_words(error)
            log.warning("scan did not start", error=error, adapter=adapter)
            await self._stop()
            return False
        self._heard_s = monotonic_s()
        self._backoff.reset()
        self._state.scanning = True
        self._state.error = ""
        return True

    async def _stop(self) -> None:
        """Stop what runs. An error says only that it was lost already."""
        scanner, self._scanner = self._scanner, None
        self._state.scanning = False
        if scanner is not None:
            with suppress(*RADIO_ERRORS):
                await within(self._timing.bus_s, scanner.stop())
        self._silent.set()

    def _on_heard(self, found: BLEDevice, data: AdvertisementData) -> None:
        self._heard_s = monotonic_s()
        self._heard(found, data)
