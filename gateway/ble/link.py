"""One visit to a device: connect, pair, subscribe, listen, let go."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial

from bleak import BleakClient
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.device import BLEDevice
from bleak_retry_connector import establish_connection

from devices.codec import Gatt, full_uuid
from gateway.ble.bluez import Bluez
from gateway.ble.scan import RADIO_ERRORS, Scan
from gateway.ble.timing import Timing, within
from gateway.ble.words import LOST_EARLY, STALE_BOND, STOPPED, in_words, not_its_kind
from plumbing.clock import monotonic_s

ABORTS_OF_A_STALE_BOND = 3
"""Links in a row that a bonded device cut as they opened, before the bond is doubted."""
CONNECT_ATTEMPTS = 2
"""Of bleak-retry-connector, besides those that it does not count."""
MOST_REMEMBERED = 256
"""Values of one visit that are held against the next."""


class LinkFailed(Exception):
    """A visit that went wrong; the message says how, in words."""


class Link:
    """Visits one device, as the catalogue says how."""

    def __init__(self, title: str, gatt: Gatt, name: str, timing: Timing) -> None:
        self._title = title
        self._gatt = gatt
        self._name = name
        self._timing = timing
        self._aborts = 0
        self._last: set[tuple[str, bytes]] = set()

    async def visit(
        self,
        found: BLEDevice,
        bluez: Bluez,
        scan: Scan,
        on_connected: Callable[[], None],
        on_value: Callable[[str, bytes], None],
    ) -> bool:
        """Until the device has said what it has to say. Whether it was news. Raises LinkFailed.

        `on_value` gets (characteristic as in the catalogue, value) as they come. BlueZ has
        confirmed an indication to the device by then: nobody but us holds it any more.
        """
        try:
            async with _follows(bluez.lost) as ended:
                async with scan.held():
                    client = await self._connect(found, bluez, ended)
                try:
                    on_connected()
                    said = await self._listen(client, ended, on_value)
                finally:
                    with suppress(*RADIO_ERRORS):
                        await within(self._timing.bus_s, client.disconnect())
                if not said and ended.is_set():
                    raise LinkFailed(LOST_EARLY)
        except RADIO_ERRORS as error:
            stale = self._aborts >= ABORTS_OF_A_STALE_BOND
            raise LinkFailed(STALE_BOND if stale else in_words(error)) from error
        news = not said <= self._last
        self._last = said
        return news

    async def _connect(self, found: BLEDevice, bluez: Bluez, ended: asyncio.Event) -> BleakClient:
        """A client that is connected and, where the kind asks for it, bonded.

        A connection that is aborted shows only as a link that opens and closes: bleak tries again
        by itself for as long as it has time, and never tells (BleakClientBlueZDBus.connect).
        """
        bonded = await bluez.is_bonded(str(found.details["path"]))
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
            BleakClient,
            found,
            self._name,
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

    async def _listen(
        self, client: BleakClient, ended: asyncio.Event, on_value: Callable[[str, bytes], None]
    ) -> set[tuple[str, bytes]]:
        """Subscribe in the catalogue's order, and stay while values come. What was said."""
        await asyncio.sleep(self._timing.settle_s)
        said: set[tuple[str, bytes]] = set()
        heard_s = monotonic_s()

        def hear(name: str, _: BleakGATTCharacteristic, value: bytearray) -> None:
            nonlocal heard_s
            heard_s = monotonic_s()
            if len(said) < MOST_REMEMBERED:
                said.add((name, bytes(value)))
            on_value(name, bytes(value))

        offered = [
            name
            for name in self._gatt.subscribe
            if client.services.get_characteristic(full_uuid(name)) is not None
        ]
        if not offered:
            raise LinkFailed(not_its_kind(self._title))
        for name in offered:
            subscribing = client.start_notify(full_uuid(name), partial(hear, name))
            try:
                await within(self._timing.subscribe_s, subscribing, ended)
            except RADIO_ERRORS:
                if not said:
                    raise
        self._aborts = 0
        while not ended.is_set():
            limit_s = self._timing.idle_s if said else self._timing.first_value_s
            left_s = heard_s + limit_s - monotonic_s()
            if left_s <= 0:
                break
            with suppress(TimeoutError):
                await within(left_s, ended.wait())
        return said


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
