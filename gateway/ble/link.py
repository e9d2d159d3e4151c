"""One visit to a device: connect, pair, set its clock, subscribe, ask, listen, let go."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from bleak import BleakClient
from bleak.backends.device import BLEDevice
from bleak_retry_connector import establish_connection

from devices.codec import DecodeError, Device, Gatt
from devices.registry import Index
from gateway.ble.device_clock import set_clock, tell_session
from gateway.ble.memory import Memory
from gateway.ble.records import Stored, fetch, read_whole, start_in
from gateway.ble.routes import Ear, Links
from gateway.ble.session import ControlPoint, LinkFailed, Session
from gateway.ble.settings import BleDevice
from gateway.ble.stack import RADIO_ERRORS
from gateway.ble.steady import Steady
from gateway.ble.timing import Timing, within
from gateway.ble.upkeep import Upkeep
from gateway.ble.users import consent, tell_of
from gateway.ble.words import (
    LOST_EARLY,
    NO_SENSE,
    STALE_BOND,
    STOPPED,
    in_words,
    not_its_kind,
)
from plumbing.clock import monotonic_s

ABORTS_OF_A_STALE_BOND = 3
"""Links in a row that a bonded device cut as they opened, before the bond is doubted."""
CONNECT_ATTEMPTS = 2
"""Of bleak-retry-connector, besides those that it does not count."""
MOST_REMEMBERED = 256
"""Values of one visit that are held against the next."""


OnValue = Callable[[float | None, str, bytes], None]
"""Gets (how far the device's clock was ahead, characteristic as in the catalogue, value)."""


@dataclass(frozen=True, slots=True)
class Gateway:
    """What a visit needs of the home around it."""

    clock: Callable[[], datetime]
    timing: Timing
    memory: Memory
    catalogue: Index
    kept: Callable[[], Awaitable[None]]
    """Returns once the journal has all values that came until now."""


class Link:
    """Visits one device, as the catalogue says how."""

    def __init__(self, kind: Device, gatt: Gatt, device: BleDevice, gateway: Gateway) -> None:
        self._kind = kind
        self._gatt = gatt
        self._device = device
        self._gateway = gateway
        self._timing = gateway.timing
        self._aborts = 0
        self._last: set[tuple[str, bytes]] = set()
        self._upkeep = Upkeep()

    async def visit(
        self,
        found: BLEDevice,
        stack: Links,
        scan: Ear,
        on_connected: Callable[[], None],
        on_value: OnValue,
    ) -> bool:
        """Until the device has said what it has to say. Whether it was news. Raises LinkFailed.

        `on_value` gets values as they come. BlueZ has confirmed an indication to the device by
        then: nobody but us holds it any more.
        """
        try:
            async with _follows(stack.lost) as ended:
                async with scan.held():
                    client = await self._connect(found, stack, ended)
                try:
                    on_connected()
                    said = await self._listen(self._session(client, ended), on_value)
                    lost = ended.is_set()
                finally:
                    with suppress(*RADIO_ERRORS):
                        await within(self._timing.bus_s, client.disconnect())
                if lost and not said:
                    raise LinkFailed(LOST_EARLY)
        except RADIO_ERRORS as error:
            stale = self._aborts >= ABORTS_OF_A_STALE_BOND
            raise LinkFailed(STALE_BOND if stale else in_words(error)) from error
        except DecodeError as error:
            raise LinkFailed(NO_SENSE) from error
        news = not said <= self._last
        self._last = said
        return news

    async def _connect(self, found: BLEDevice, stack: Links, ended: asyncio.Event) -> BleakClient:
        """A client that is connected and, where the kind asks for it, bonded.

        A connection that is aborted shows only as a link that opens and closes: bleak tries again
        by itself for as long as it has time, and never tells (BleakClientBlueZDBus.connect).
        """
        bonded = await stack.is_bonded(found)
        connected = False

        def on_disconnect(_: BleakClient) -> None:
            if connected:
                ended.set()
            elif bonded:
                self._aborts += 1
                if self._aborts >= ABORTS_OF_A_STALE_BOND:
                    ended.set()

        # The plain client: BleakClientWithServiceCache answers a hiccup of the services by removing
        # the device from BlueZ, and its bond with it.
        attempt = establish_connection(
            stack.client,
            found,
            self._device.name,
            disconnected_callback=on_disconnect,
            max_attempts=CONNECT_ATTEMPTS,
            use_services_cache=False,
            pair=self._gatt.bonded,
        )
        client = await within(self._timing.connect_s, attempt, ended)
        connected = True
        if not client.is_connected:
            ended.set()
        return client

    def _session(self, client: BleakClient, ended: asyncio.Event) -> Session:
        gateway = self._gateway
        return Session(
            client,
            self._device.id,
            ended,
            self._timing,
            gateway.clock,
            gateway.memory,
            gateway.catalogue,
        )

    async def _listen(self, session: Session, on_value: OnValue) -> set[tuple[str, bytes]]:
        """Set the clock, subscribe in the catalogue's order, ask, and stay while values come.

        What was said.
        """
        await asyncio.sleep(self._timing.settle_s)
        offered = [name for name in self._gatt.subscribe if session.offers(name)]
        if not offered:
            raise LinkFailed(not_its_kind(self._kind.title))
        ahead_s = await set_clock(session, self._device.zone) if self._gatt.set_clock else None
        if self._gatt.set_clock:
            await tell_session(session, self._device.zone)
        hearing = Values(session, self._gatt, partial(on_value, ahead_s))
        for name in filter(session.offers, self._gatt.reads):
            value = await read_whole(session, name)
            if name == self._gatt.counts_from:
                hearing.stored.start = start_in(session, name, value)
            on_value(ahead_s, name, value)
        try:
            for name in offered:
                try:
                    await session.subscribe(name, partial(hearing.hear, name))
                except RADIO_ERRORS:
                    if not hearing.said:
                        raise
            self._aborts = 0
            done = await self._ask(session, hearing)
            skip = (*self._gatt.subscribe, *self._gatt.reads)
            telling = self._upkeep.read(session, skip, partial(on_value, ahead_s))
            if done:
                await telling
            else:
                await self._stay(session, hearing, telling)
        finally:
            hearing.release()
        return hearing.said

    async def _stay(
        self, session: Session, hearing: "Values", telling: Coroutine[None, None, None]
    ) -> None:
        """While values come; beside them it is told of the device what nothing depends on."""
        beside = asyncio.create_task(telling)
        try:
            while not session.ended.is_set():
                left_s = hearing.left_s()
                if left_s <= 0:
                    break
                with suppress(TimeoutError):
                    await within(left_s, session.ended.wait())
        finally:
            beside.cancel()
            with suppress(asyncio.CancelledError):
                await beside

    async def _ask(self, session: Session, hearing: "Values") -> bool:
        """What the device has to be asked. Whether it has said all."""
        gatt, device = self._gatt, self._device
        if gatt.users and session.offers(gatt.users):
            control = ControlPoint(session, gatt.users)
            await control.open()
            await consent(session, control, device.slot)
            if device.user is not None:
                await tell_of(session, device.user)
        if gatt.records and session.offers(gatt.records):
            control = ControlPoint(session, gatt.records)
            await control.open()
            return await fetch(
                session, control, hearing.stored, self._gateway.kept, delete=device.delete_records
            )
        return False


class Values:
    """What a device says during one visit."""

    def __init__(self, session: Session, gatt: Gatt, pass_on: Callable[[str, bytes], None]) -> None:
        self.said: set[tuple[str, bytes]] = set()
        self.stored = Stored(session, gatt.subscribe[0], counted=bool(gatt.counts_from))
        self._timing = session.timing
        self._gatt = gatt
        self._pass_on = pass_on
        self._heard_s = monotonic_s()
        self._steady = Steady(
            session.timing.rest_s,
            partial(session.decoded, gatt.steady),
            partial(pass_on, gatt.steady),
        )

    def hear(self, name: str, value: bytes) -> None:
        self._heard_s = monotonic_s()
        if len(self.said) < MOST_REMEMBERED:
            self.said.add((name, value))
        if name == self._gatt.subscribe[0]:
            self.stored.note(value)
        if name == self._gatt.steady:
            self._steady.hear(value, self._heard_s)
        else:
            self._pass_on(name, value)

    def release(self) -> None:
        self._steady.release()

    def left_s(self) -> float:
        """How long there is still to wait; what came to rest meanwhile goes on."""
        now_s = monotonic_s()
        limit_s = self._timing.idle_s if self.said else self._timing.first_value_s
        left_s = self._heard_s + limit_s - now_s
        rest_s = self._steady.left_s(now_s)
        if rest_s is not None and rest_s <= 0:
            self._steady.release()
            rest_s = None
        return left_s if rest_s is None else min(left_s, rest_s)


@asynccontextmanager
async def _follows(lost: asyncio.Event) -> AsyncIterator[asyncio.Event]:
    """An event of its own that is set once `lost` is.

    Raises LinkFailed where what was done inside failed for that reason.
    """
    ended = asyncio.Event()

    async def follow() -> None:
        await lost.wait()
        ended.set()

    following = asyncio.create_task(follow())
    try:
        yield ended
    except (*RADIO_ERRORS, LinkFailed) as error:
        if lost.is_set():
            raise LinkFailed(STOPPED) from error
        raise
    finally:
        following.cancel()
