"""ESPHome nodes that listen elsewhere in the house, and open links for us (`homebeat[proxies]`).

bleak-esphome speaks to them, and habluetooth chooses among them: the one that hears a device best
and has a free slot. Advertisements are not taken from habluetooth: it passes on what differs from
the last, merged with what was said before, from one node of several, so the second press of a
button without a counter would be lost. Here each packet is heard as it was on the air, and who
hears more than one radio tells repeats apart (`hearing.Told`).

habluetooth is kept to the proxies: set up as it is meant to be, it replaces bleak's scanner and
client in the whole program, and takes the adapters of this machine.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, suppress
from datetime import datetime
from functools import partial
from typing import Any

from aioesphomeapi.client import APIClient
from aioesphomeapi.core import (
    APIConnectionError,
    EncryptionHelloAPIError,
    EncryptionPlaintextAPIError,
    InvalidAuthAPIError,
    InvalidEncryptionKeyAPIError,
    RequiresEncryptionAPIError,
    ResolveAPIError,
    TimeoutAPIError,
)
from aioesphomeapi.model import BluetoothProxyFeature, DeviceInfo
from bleak import BleakClient
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from bleak.exc import BleakError
from bleak_esphome import connect_scanner
from bleak_esphome.backend.client import ESPHomeClientData
from bluetooth_data_tools import int_to_bluetooth_address, parse_advertisement_data_bytes
from habluetooth import (
    BluetoothManager,
    BluetoothScannerDevice,
    BluetoothServiceInfoBleak,
    HaBleakClientWrapper,
    set_manager,
)

from gateway.ble.settings import Proxy
from gateway.ble.stack import Heard
from gateway.ble.state import ProxyState
from gateway.ble.timing import Timing, within
from plumbing.backoff import Backoff
from plumbing.logs import Log

log = Log("gateway.ble.proxies")

CLIENT = "Homebeat"
WRONG_KEY = (
    "It has another key. Copy `api: encryption: key:` of its ESPHome configuration into `key` of "
    "[[ble.proxies]]."
)
NEEDS_KEY = (
    "It speaks only encrypted. Copy `api: encryption: key:` of its ESPHome configuration into "
    "`key` of [[ble.proxies]]."
)
NO_KEY_THERE = (
    "It does not encrypt, and the settings hold a key. Add `api: encryption:` with that key to its "
    "ESPHome configuration; or take `key` out of [[ble.proxies]], if you trust your network."
)
ASKS_FOR_WORD = (
    "It asks for a password, which ESPHome has given up. Put `api: encryption:` with a key into "
    "its configuration instead of `password:`."
)
NOT_FOUND = "There is no such name in the network. Write its IP address as `host`."
NO_ANSWER = "It does not answer. See that it has power and is in the Wi-Fi, and compare `host`."
WENT_AWAY = "The connection to it ended. It is tried again."
NO_PROXY = (
    "It is no Bluetooth proxy. Add `bluetooth_proxy:` with `active: true` to its ESPHome "
    "configuration."
)
TOO_OLD = "Its ESPHome is too old for this gateway: update it to 2023.6 or newer."
ONLY_HEARS = (
    "It only listens, so no cuff or scale is read by way of it. Write `active: true` under "
    "`bluetooth_proxy:` in its ESPHome configuration."
)
TAKEN = (
    "It tells what it hears to another program (Home Assistant?), and a node has one listener. Let "
    "one of the two go; after a restart of the gateway this can take three minutes."
)
NO_SENSE = "It answers as no ESPHome node does. See that `host` and `port` are its own."
TWICE = "It is the same node as another one of [[ble.proxies]]. Keep one."

_WORDS: tuple[tuple[type[BaseException], str], ...] = (
    (InvalidEncryptionKeyAPIError, WRONG_KEY),
    (RequiresEncryptionAPIError, NEEDS_KEY),
    (EncryptionPlaintextAPIError, NO_KEY_THERE),
    (EncryptionHelloAPIError, NO_KEY_THERE),
    (InvalidAuthAPIError, ASKS_FOR_WORD),
    (ResolveAPIError, NOT_FOUND),
    (TimeoutAPIError, NO_ANSWER),
    (TimeoutError, NO_ANSWER),
    (OSError, NO_ANSWER),
    (APIConnectionError, NO_ANSWER),
)
"""The first row of which an error is one is taken."""
SETTINGS_ERRORS = (WRONG_KEY, NEEDS_KEY, NO_KEY_THERE, ASKS_FOR_WORD, NO_PROXY, TOO_OLD, TWICE)
"""What time does not mend: tried again as slowly as can be."""
_LIBRARIES = ("aioesphomeapi", "bleak_esphome", "habluetooth")


class ProxyFailed(Exception):
    """A proxy can't be used; the message says why and what to do, in words."""


class House(BluetoothManager):
    """habluetooth's knowledge of which proxy hears what, and of its links. Nothing else of it."""

    def __init__(self) -> None:
        super().__init__()
        self.wanted: dict[str, str] = {}
        """Address of a device: the source through which alone it is to be reached."""

    async def async_setup(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.async_setup_unavailable_tracking()
        set_manager(self)

    def _discover_service_info(self, service_info: BluetoothServiceInfoBleak) -> None:
        """What is heard is taken from the proxies themselves."""

    def async_scanner_devices_by_address(
        self, address: str, connectable: bool
    ) -> list[BluetoothScannerDevice]:
        ways = super().async_scanner_devices_by_address(address, connectable)
        wanted = self.wanted.get(address)
        return [way for way in ways if wanted in {None, way.scanner.source}]


class Client(HaBleakClientWrapper):
    """A link by way of the best proxy."""

    async def connect(self, **kwargs: Any) -> None:
        try:
            await super().connect(**kwargs)
        except NotImplementedError as error:  # a node too old to pair
            raise BleakError(str(error)) from error


class Proxies:
    """All proxies of the house (`routes.Elsewhere`). `states` says how each of them is."""

    client: type[BleakClient] = Client

    def __init__(
        self, proxies: Sequence[Proxy], clock: Callable[[], datetime], timing: Timing | None = None
    ) -> None:
        """`clock` is home time."""
        self.states = {proxy.name: ProxyState(proxy.name) for proxy in proxies}
        self.lost = asyncio.Event()
        self._proxies = tuple(proxies)
        self._clock = clock
        self._timing = timing or Timing()
        self._house: House
        self._moved = asyncio.Event()

    async def run(self, heard: Heard) -> None:
        for library in _LIBRARIES:  # what they say at each try stands in `states`, in our words
            logging.getLogger(library).setLevel(logging.CRITICAL)  # noqa: TID251
        self._house = House()
        await self._house.async_setup()
        try:
            async with asyncio.TaskGroup() as group:
                for proxy in self._proxies:
                    group.create_task(self._hold(proxy, heard))
        finally:
            self._house.async_stop()

    async def is_bonded(self, found: BLEDevice) -> bool:
        """A proxy does not tell: a bond that went stale shows as a pairing that fails."""
        return False

    async def has_room(self, address: str, bond: str | None) -> None:
        while True:
            ways = self._ways(address)
            if bond in {way.scanner.source for way in ways}:
                ways = [way for way in ways if way.scanner.source == bond]
                self._house.wanted[address] = str(bond)
            else:
                self._house.wanted.pop(address, None)
            if any(way.scanner.connector.can_connect() for way in ways if way.scanner.connector):
                return
            self._moved.clear()
            await self._moved.wait()

    def _ways(self, address: str) -> list[BluetoothScannerDevice]:
        self._house.wanted.pop(address, None)
        return self._house.async_scanner_devices_by_address(address, True)

    def holder(self, address: str) -> str:
        for slots in self._house.async_current_allocations() or ():
            if address in slots.allocated:
                return str(slots.source)
        return ""

    async def _hold(self, proxy: Proxy, heard: Heard) -> None:
        """One proxy, again and again."""
        state = self.states[proxy.name]
        backoff = Backoff(self._timing.retry_first_s, self._timing.retry_most_s)
        slow = Backoff(self._timing.retry_most_s, self._timing.retry_most_s)
        while True:
            try:
                await self._connected(proxy, state, heard, backoff)
                state.error = WENT_AWAY
            except (ProxyFailed, APIConnectionError, OSError, TimeoutError) as error:
                state.error = in_words(error)
                log.warning("proxy not reached", error=error, proxy=proxy.name)
            except Exception as error:  # noqa: BLE001 - one node must not deafen the house
                state.error = NO_SENSE
                log.error("a proxy made a mistake happen", error=error, proxy=proxy.name)
            state.connected = False
            wait = slow if state.error in SETTINGS_ERRORS else backoff
            await asyncio.sleep(wait.next_s())

    async def _connected(
        self, proxy: Proxy, state: ProxyState, heard: Heard, backoff: Backoff
    ) -> None:
        """Until the connection ends. Raises ProxyFailed, APIConnectionError or TimeoutError."""
        ended = asyncio.Event()

        async def on_stop(expected: bool) -> None:
            ended.set()

        api = APIClient(
            proxy.host, proxy.port, None, client_info=CLIENT, noise_psk=proxy.key or None
        )
        async with AsyncExitStack() as parts:
            parts.push_async_callback(self._leave, api)
            opening = api.connect(on_stop=on_stop, login=True, log_errors=False)
            await within(self._timing.connect_s, opening)
            about = await within(self._timing.bus_s, api.device_info())
            flags = _flags(about, api)
            held = connect_scanner(api, about, True)
            self._enter(held, parts)
            told = partial(self._hear, heard, state, held)
            api.subscribe_bluetooth_le_raw_advertisements(told)
            # Without a watch of our own on the slots, `states` would lag behind.
            api.subscribe_bluetooth_connections_free(partial(self._count, state))
            self._watch(api, flags, state, parts)
            state.connected = True
            backoff.reset()
            log.info("proxy reached", proxy=proxy.name)
            await ended.wait()

    def _watch(self, api: APIClient, flags: int, state: ProxyState, parts: AsyncExitStack) -> None:
        """A node tells one listener what it hears, and answers no other: then it is silent."""
        well = "" if flags & BluetoothProxyFeature.ACTIVE_CONNECTIONS else ONLY_HEARS
        state.error = well
        if not flags & BluetoothProxyFeature.FEATURE_STATE_AND_MODE:
            return

        def silent() -> None:
            state.error = TAKEN

        def tells(_: object) -> None:
            waiting.cancel()
            state.error = well

        waiting = asyncio.get_running_loop().call_later(self._timing.bus_s, silent)
        parts.callback(waiting.cancel)
        api.subscribe_bluetooth_scanner_state(tells)

    def _enter(self, held: ESPHomeClientData, parts: AsyncExitStack) -> None:
        """Make it one of the house until `parts` close. Raises ProxyFailed."""
        scanner = held.scanner
        assert scanner is not None
        if self._house.async_scanner_by_source(scanner.source) is not None:
            raise ProxyFailed(TWICE)
        parts.callback(self._house.async_register_scanner(scanner))
        parts.callback(scanner.async_setup())
        parts.callback(_end_links, held)
        parts.callback(held.bluetooth_device.async_set_unavailable)

    def _hear(self, heard: Heard, state: ProxyState, held: ESPHomeClientData, batch: Any) -> None:
        state.last_heard = self._clock()
        scanner = held.scanner
        assert scanner is not None
        for said in batch.advertisements:
            address = int_to_bluetooth_address(said.address)
            known = scanner.get_discovered_device_advertisement_data(address)
            name, uuids, service_data, makers, power = parse_advertisement_data_bytes(said.data)
            if known is not None:
                name = name or known[1].local_name
                uuids = list(dict.fromkeys((*uuids, *known[1].service_uuids)))
            found = BLEDevice(
                address, name, {"source": scanner.source, "address_type": said.address_type}
            )
            heard(
                found,
                AdvertisementData(name, makers, service_data, uuids, power, said.rssi, ()),
            )
        self._moved.set()

    def _count(self, state: ProxyState, free: int, limit: int, allocated: list[int]) -> None:
        state.free, state.slots = free, limit
        asyncio.get_running_loop().call_soon(self._moved.set)

    async def _leave(self, api: APIClient) -> None:
        with suppress(APIConnectionError, OSError, TimeoutError):
            await within(self._timing.bus_s, api.disconnect())


def _end_links(held: ESPHomeClientData) -> None:
    for callback in tuple(held.disconnect_callbacks):
        callback()


def _flags(about: DeviceInfo, api: APIClient) -> int:
    """What the node can do. Raises ProxyFailed where that is too little."""
    version = api.api_version
    assert version is not None
    flags = about.bluetooth_proxy_feature_flags_compat(version)
    if not flags:
        raise ProxyFailed(NO_PROXY)
    if not flags & BluetoothProxyFeature.RAW_ADVERTISEMENTS:
        raise ProxyFailed(TOO_OLD)
    return flags


def in_words(error: BaseException) -> str:
    """What went wrong with a proxy, and what to do next."""
    if isinstance(error, ProxyFailed):
        return str(error)
    return next((words for kind, words in _WORDS if isinstance(error, kind)), NO_ANSWER)


async def trouble(proxy: Proxy, limit_s: float = 5.0) -> tuple[str, str]:
    """(how a proxy is, what to do about it or "") now: for `doctor`."""
    api = APIClient(proxy.host, proxy.port, None, client_info=CLIENT, noise_psk=proxy.key or None)
    try:
        await within(limit_s, api.connect(login=True, log_errors=False))
        about = await within(limit_s, api.device_info())
        flags = _flags(about, api)
    except (ProxyFailed, APIConnectionError, OSError, TimeoutError) as error:
        return "not usable", in_words(error)
    finally:
        with suppress(APIConnectionError, OSError, TimeoutError):
            await within(limit_s, api.disconnect())
    if not flags & BluetoothProxyFeature.ACTIVE_CONNECTIONS:
        return f"ESPHome {about.esphome_version}", ONLY_HEARS
    return f"ESPHome {about.esphome_version} answers", ""
