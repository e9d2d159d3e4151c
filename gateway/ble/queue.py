"""What the radio heard and the journal does not have yet. Bounded, and what is full is said.

A radio can't be asked to say it again, so a frame leaves the queue only after it was kept. While
the journal can't be written, frames of unknown devices are refused first, then advertisements
(a device says its state again), and values from a link last, since the device has forgotten them.
"""

import asyncio
import sqlite3
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from enum import IntEnum
from itertools import islice

from devices.model import Raw
from gateway.ble.state import RadioState
from plumbing.backoff import Backoff
from plumbing.logs import Log

log = Log("gateway.ble")

BATCH = 256
RETRY_FIRST_S, RETRY_MOST_S = 0.5, 30.0
LEAVE_LIMIT_S = 5.0


class Room(IntEnum):
    """How many frames may wait when one of this sort comes."""

    STRANGER = 200
    ADVERTISEMENT = 4_000
    VALUE = 20_000


Take = Callable[[Sequence[Raw]], Awaitable[None]]
"""Keeps frames, in their order; on the disk when it returns. sqlite3.Error: nothing was kept."""


class Queue:
    def __init__(self, take: Take, state: RadioState) -> None:
        self._take = take
        self._state = state
        self._frames: deque[Raw] = deque()
        self._filled = asyncio.Event()
        self._put = 0
        self._kept = 0
        self._moved = asyncio.Event()

    def put(self, frame: Raw, room: Room) -> None:
        if len(self._frames) >= room:
            self._state.refused += 1
            return
        self._frames.append(frame)
        self._put += 1
        self._filled.set()

    async def kept(self) -> None:
        """Return once all that was put until now was kept."""
        until = self._put
        while self._kept < until:
            self._moved.clear()
            await self._moved.wait()

    async def run(self) -> None:
        """Hand on until cancelled. Raises what `take` raises, except for sqlite3.Error."""
        backoff = Backoff(RETRY_FIRST_S, RETRY_MOST_S)
        while True:
            await self._filled.wait()
            self._filled.clear()
            while self._frames:
                try:
                    await self._hand_on()
                except sqlite3.Error as error:
                    log.warning("journal can't be written", error=error, waiting=len(self._frames))
                    self._state.keeping = False
                    await asyncio.sleep(backoff.next_s())
                else:
                    self._state.keeping = True
                    backoff.reset()

    async def leave(self) -> None:
        """Hand on what is left, within a limit.

        A frame whose keeping was cut off is handed on again: its readings have the same ids.
        """
        try:
            async with asyncio.timeout(LEAVE_LIMIT_S):
                while self._frames:
                    await self._hand_on()
        except (TimeoutError, sqlite3.Error) as error:
            log.error("frames are lost at the end", error=error, frames=len(self._frames))

    async def _hand_on(self) -> None:
        batch = tuple(islice(self._frames, BATCH))
        await self._take(batch)
        for _ in batch:
            self._frames.popleft()
        self._kept += len(batch)
        self._moved.set()
