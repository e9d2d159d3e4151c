"""A Bluetooth stack of our own over a bare adapter (a `Stack`): no BlueZ, on any platform.

`transport` is bumble's name of the adapter: `usb:0` for a dongle, `tcp-client:127.0.0.1:PORT` for
one behind a socket, such as a simulated home's. Bonds are kept in one file, for this user alone,
and none is erased unless a person asks for it: the device holds the other half.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path

from bleak import BleakScanner
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from bleak.exc import BleakError
from bumble import core, hci
from bumble.device import Connection, Device, DeviceConfiguration
from bumble.host import Host as HciHost
from bumble.keys import JsonKeyStore, PairingKeys
from bumble.pairing import PairingConfig, PairingDelegate
from bumble.transport import open_transport
from bumble.transport.common import Transport

from gateway.ble import bonds
from gateway.ble.adverts import Packet, as_heard
from gateway.ble.bumble_backend import BumbleScanner, Client, Host, on_air
from gateway.ble.stack import Heard, OpenStack, Pairing, StackFailed
from gateway.ble.timing import within
from gateway.ble.words import adapter_gone, adapter_unusable, bonds_unreadable, nameless_adapter
from plumbing.logs import Log

log = Log("gateway.ble.bumble")

GIVE_UP_S = 2.0
"""For the adapter to take back an attempt to connect."""
NAME = "Homebeat"
"""What a device may read of us."""

OURS = PairingDelegate.KeyDistribution.DISTRIBUTE_ENCRYPTION_KEY
THEIRS = OURS | PairingDelegate.KeyDistribution.DISTRIBUTE_IDENTITY_KEY
"""Keys that are exchanged: our address does not change, so that nobody has to resolve it."""
KEYS = PairingDelegate.IoCapability.KEYBOARD_INPUT_ONLY
NO_KEYS = PairingDelegate.IoCapability.NO_OUTPUT_NO_INPUT
"""As for BlueZ: a gateway has no display, and keys only where it knows a device's digits."""


class KeyStore(JsonKeyStore):
    """The keys of each device, by the adapter's address and the device's, in one JSON file.

    Read anew each time, so that a bond that a person erases is gone at once.
    """

    def __init__(self, adapter: str, path: Path) -> None:
        super().__init__(adapter, str(path))
        self._turn = asyncio.Lock()

    async def update(self, name: str, keys: PairingKeys) -> None:
        async with self._turn:
            await super().update(name, keys)

    async def delete(self, name: str) -> None:
        async with self._turn:
            await super().delete(name)

    async def save(self, db: bonds.Bonds) -> None:
        await asyncio.to_thread(bonds.write, self.filename, db)


class Typist(PairingDelegate):
    """Types the digits of one device, if they are known. Only we begin to pair, never a device."""

    def __init__(self, passkey: int | None) -> None:
        super().__init__(NO_KEYS if passkey is None else KEYS, OURS, THEIRS)
        self._passkey = passkey

    async def accept(self) -> bool:
        return False

    async def get_number(self) -> int | None:
        return self._passkey

    async def compare_numbers(self, number: int, digits: int) -> bool:
        return False


class BumbleStack(Host):
    """The adapter while it is there, and what is done with it."""

    running = True
    client = Client

    def __init__(self, device: Device, transport: Transport, name: str, pairing: Pairing) -> None:
        self.device = device
        self.changed = asyncio.Event()
        self.usable = asyncio.Event()
        self.lost = asyncio.Event()
        self.adapter = name
        self.trouble = ""
        self._transport = transport
        self._pairing = pairing
        self._connecting = asyncio.Lock()
        device.pairing_config_factory = self._agreement
        self.changed.set()
        self.usable.set()

    def scanner(self, heard: Heard) -> BleakScanner:
        return BleakScanner(heard, backend=BumbleScanner, host=self)

    def packet(self, data: AdvertisementData) -> Packet:
        return as_heard(data.service_data, data.manufacturer_data)

    async def is_bonded(self, found: BLEDevice) -> bool:
        return await self._is_bonded(found.details["identity"])

    async def linked(self, services: Sequence[str]) -> Sequence[BLEDevice]:
        """None: the adapter was reset when it was opened."""
        return ()

    async def until_closed(self) -> None:
        await asyncio.shield(self._transport.source.terminated)
        self.running = False
        self.lost.set()
        raise StackFailed(adapter_gone(self.adapter))

    # For the backend --------------------------------------------------------------------------

    def identity(self, address: hci.Address) -> hci.Address:
        resolver = self.device.address_resolver
        if not address.is_resolvable or resolver is None:
            return address
        return resolver.resolve(address) or address

    async def connect(self, address: hci.Address, limit_s: float) -> Connection:
        async with self._connecting:
            linking = asyncio.create_task(
                self.device.connect_le(
                    address, own_address_type=hci.OwnAddressType.PUBLIC, timeout=None
                )
            )
            try:
                return await asyncio.wait_for(asyncio.shield(linking), limit_s)
            except BaseException:
                await self._take_back(linking)
                raise

    async def secure(self, connection: Connection, *, pair: bool) -> None:
        if await self._is_bonded(connection.peer_address):
            await connection.encrypt()
        elif pair:
            await connection.pair()
            if not await self._is_bonded(connection.peer_address):
                raise BleakError("the bond could not be written: the disk may be full")

    async def forget(self, address: hci.Address) -> None:
        if await self._is_bonded(address):
            await self._bonds.delete(str(address))
            await self.device.refresh_resolving_list()

    @property
    def _bonds(self) -> KeyStore:
        store = self.device.keystore
        assert isinstance(store, KeyStore), "set when the adapter was opened"
        return store

    async def _is_bonded(self, address: hci.Address) -> bool:
        return await self._bonds.get(str(address)) is not None

    def _agreement(self, connection: Connection) -> PairingConfig:
        address = connection.peer_address.to_string(with_type_qualifier=False)
        ours = self._pairing.is_ours(address)
        passkey = self._pairing.passkey(address) if ours else None
        return PairingConfig(
            sc=True, mitm=passkey is not None, bonding=ours, delegate=Typist(passkey)
        )

    async def _take_back(self, linking: asyncio.Task[Connection]) -> None:
        """Nobody waits for that link any more: it must not open later, nor block the next."""
        if not linking.done():
            with suppress(core.BaseBumbleError, TimeoutError):
                command = hci.HCI_LE_Create_Connection_Cancel_Command()
                await within(GIVE_UP_S, self.device.send_sync_command(command))
            await asyncio.wait({linking}, timeout=GIVE_UP_S)
            linking.cancel()
        if not linking.cancelled() and linking.done() and linking.exception() is None:
            with suppress(BleakError, TimeoutError):
                await within(GIVE_UP_S, on_air(linking.result().disconnect()))


def over_bumble(transport: str, keys: Path) -> OpenStack:
    """The adapter that bumble calls `transport`; `keys` is the file of bonds."""
    return partial(_bumble, transport, keys)


@asynccontextmanager
async def _bumble(
    transport: str, keys: Path, pairing: Pairing, limit_s: float
) -> AsyncIterator[BumbleStack]:
    """Raises StackFailed."""
    try:
        adapter = await within(limit_s, open_transport(transport))
    except Exception as error:  # each sort of transport has errors of its own library
        raise StackFailed(adapter_unusable(transport, error)) from error
    device = Device(
        config=DeviceConfiguration(name=NAME, classic_smp_enabled=False),
        host=HciHost(adapter.source, adapter.sink),
    )
    try:
        await _power_on(device, transport, keys, limit_s)
        yield BumbleStack(device, adapter, transport, pairing)
    finally:
        if not adapter.source.terminated.done():
            with suppress(TimeoutError, core.BaseBumbleError):
                await within(limit_s, _power_off(device))
        await adapter.close()


async def _power_on(device: Device, transport: str, keys: Path, limit_s: float) -> None:
    try:
        await within(limit_s, device.power_on())
    except (core.BaseBumbleError, OSError, TimeoutError) as error:
        raise StackFailed(adapter_unusable(transport, error)) from error
    if device.public_address == hci.Address.ANY:
        raise StackFailed(nameless_adapter(transport))
    device.keystore = KeyStore(str(device.public_address), keys)
    try:
        await device.refresh_resolving_list()
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise StackFailed(bonds_unreadable(keys)) from error


async def _power_off(device: Device) -> None:
    """The links end: a device that is left alone would not advertise."""
    for connection in tuple(device.connections.values()):
        await connection.disconnect()
    await device.power_off()
