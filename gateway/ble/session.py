"""An open link, as the drivers use it: each call has its limit, and ends when the link does."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from bleak import BleakClient

from devices.codec import NOTHING_KNOWN, DecodeError, full_uuid
from devices.facts import fields_of
from devices.model import CharacteristicValue, Decoded, Fact
from devices.registry import Index
from gateway.ble.memory import Memory
from gateway.ble.timing import Timing, within
from gateway.ble.words import NOT_KEPT
from plumbing.clock import monotonic_s


class LinkFailed(Exception):
    """A visit that went wrong; the message says how, in words."""


class Session:
    """One device while it is connected. `address` is how the home calls it."""

    def __init__(
        self,
        client: BleakClient,
        address: str,
        ended: asyncio.Event,
        timing: Timing,
        clock: Callable[[], datetime],
        memory: Memory,
        catalogue: Index,
    ) -> None:
        self.ended = ended
        self.timing = timing
        self.clock = clock
        self._client = client
        self._address = address
        self._memory = memory
        self._catalogue = catalogue

    def offers(self, name: str) -> bool:
        """Whether the device has that characteristic ("2A35")."""
        return self._client.services.get_characteristic(full_uuid(name)) is not None

    async def read(self, name: str) -> bytes:
        reading = self._client.read_gatt_char(full_uuid(name))
        return bytes(await within(self.timing.answer_s, reading, self.ended))

    async def write(self, name: str, value: bytes) -> None:
        writing = self._client.write_gatt_char(full_uuid(name), value, response=True)
        await within(self.timing.answer_s, writing, self.ended)

    async def subscribe(self, name: str, hear: Callable[[bytes], None]) -> None:
        subscribing = self._client.start_notify(
            full_uuid(name), lambda _, value: hear(bytes(value))
        )
        await within(self.timing.subscribe_s, subscribing, self.ended)

    def known(self, name: str) -> object:
        """What was kept of the device under that name; None: nothing."""
        return self._memory.known(self._address).get(name)

    async def keep(self, **facts: object) -> None:
        """On the disk when it returns. Raises LinkFailed where the journal does not get there."""
        for name, value in facts.items():
            fact = Fact(device=self._address, name=name, value=value)
            await self.until_kept(partial(self._memory.keep, fact))

    async def until_kept(self, keeping: Callable[[], Awaitable[None]]) -> None:
        """Wait for the journal, within a limit. Raises LinkFailed."""

        async def keep() -> None:
            await keeping()

        try:
            await within(self.timing.keep_s, keep())
        except (TimeoutError, sqlite3.Error) as error:
            raise LinkFailed(NOT_KEPT) from error

    def decoded(self, name: str, value: bytes) -> Decoded:
        """What a frame of that characteristic says. Raises DecodeError."""
        frame = CharacteristicValue(
            address=self._address, characteristic=name, value=value, received_at=self.clock()
        )
        device = self._catalogue.match(frame)
        if device is None:
            raise DecodeError(f"no device of the catalogue speaks on {name}", value)
        return device.decode(frame, NOTHING_KNOWN)

    def facts(self, name: str, value: bytes) -> dict[str, Any]:
        """The facts of a frame, by name. Raises DecodeError."""
        return fields_of(self.decoded(name, value).facts)


class ControlPoint:
    """A characteristic that is written a request and indicates its answer."""

    def __init__(self, session: Session, name: str) -> None:
        self._session = session
        self._name = name
        self._answers: asyncio.Queue[bytes] = asyncio.Queue()

    async def open(self) -> None:
        await self._session.subscribe(self._name, self._answers.put_nowait)

    async def ask(
        self, request: bytes, last_heard_s: Callable[[], float] = lambda: 0.0
    ) -> Mapping[str, Any]:
        """The answer, as facts. Raises TimeoutError, and DecodeError for an answer in no form.

        `last_heard_s`: when the device said something else that shows it at work (machine time).
        """
        while not self._answers.empty():
            self._answers.get_nowait()
        asked_s = monotonic_s()
        await self._session.write(self._name, request)
        while True:
            limit_s = max(asked_s, last_heard_s()) + self._session.timing.answer_s - monotonic_s()
            try:
                waiting = self._answers.get()
                value = await within(max(limit_s, 0.0), waiting, self._session.ended)
            except TimeoutError:
                since_s = monotonic_s() - max(asked_s, last_heard_s())
                if self._session.ended.is_set() or since_s >= self._session.timing.answer_s:
                    raise
                continue
            facts = self._session.facts(self._name, value)
            if facts.get("request_op") == request[0]:
                return facts
