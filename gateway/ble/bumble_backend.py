"""bleak over bumble: a scanner and a client that bleak takes as its backend, on any platform.

bumble is a Bluetooth host in Python (Apache-2.0): it speaks HCI to a bare adapter, and ATT and SMP
to the devices itself. What it needs of the gateway (bonds, who may pair) is in bumble_stack.py.

bumble cancels what waits for a device when the link is lost; a caller must not take that for its
own cancellation, so every call that is on the air goes through `on_air`.
"""

import asyncio
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, TypeVar
from uuid import UUID

from bleak import BleakClient
from bleak.args import SizedBuffer
from bleak.assigned_numbers import CharacteristicPropertyName
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient, NotifyCallback
from bleak.backends.descriptor import BleakGATTDescriptor
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import (
    AdvertisementData,
    AdvertisementDataCallback,
    BaseBleakScanner,
)
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection
from bleak.exc import BleakError
from bumble import core, hci
from bumble.att import ErrorCode
from bumble.core import AdvertisingData
from bumble.device import Advertisement, Connection, Device, Peer
from bumble.gatt_client import CharacteristicProxy

from devices.codec import full_uuid

T = TypeVar("T")
Kind = AdvertisingData.Type

MTU = 247
"""Of ATT: a body composition with all its fields is longer than the 20 bytes of the smallest."""
CONNECT_S = 20.0
DEVICE_GONE = "device disconnected"
KEY_MISSING = "PIN or key missing"
"""What the device says whose bond with us is gone (Core 5.4, Vol 1, Part F, 2.6)."""

NAMES = (Kind.COMPLETE_LOCAL_NAME, Kind.SHORTENED_LOCAL_NAME)
SERVICE_LISTS = {
    Kind.INCOMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS: 2,
    Kind.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS: 2,
    Kind.INCOMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS: 16,
    Kind.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS: 16,
}
SERVICE_DATA = {Kind.SERVICE_DATA_16_BIT_UUID: 2, Kind.SERVICE_DATA_128_BIT_UUID: 16}
"""Types of advertised structures (Core Supplement, Part A, 1), and the bytes of their UUIDs."""

PROPERTIES: dict[int, CharacteristicPropertyName] = {
    0x02: "read",
    0x04: "write-without-response",
    0x08: "write",
    0x10: "notify",
    0x20: "indicate",
}
"""Bits of a characteristic's properties (Core 5.4, Vol 3, Part G, 3.3.1.1), in bleak's words."""

UNPAIRED = (
    ErrorCode.INSUFFICIENT_AUTHENTICATION,
    ErrorCode.INSUFFICIENT_ENCRYPTION,
    ErrorCode.INSUFFICIENT_AUTHORIZATION,
)
KEY_GONE = (
    hci.HCI_ErrorCode.PIN_OR_KEY_MISSING_ERROR,
    hci.HCI_ErrorCode.CONNECTION_TERMINATED_DUE_TO_MIC_FAILURE_ERROR,
)


class Host:
    """What the classes below need of the stack that made them; bumble_stack.py has the rest."""

    device: Device
    running: bool
    """The adapter answers."""

    def identity(self, address: hci.Address) -> hci.Address:
        """Whose it is: a bonded device may use changing addresses on the air."""
        raise NotImplementedError

    async def connect(self, address: hci.Address, limit_s: float) -> Connection:
        """Raises TimeoutError, or one of bumble's errors."""
        raise NotImplementedError

    async def secure(self, connection: Connection, *, pair: bool) -> None:
        """Encrypt by the bond there is; without one, pair if told to."""
        raise NotImplementedError

    async def forget(self, address: hci.Address) -> None:
        """Erase the bond."""
        raise NotImplementedError


async def on_air(work: Awaitable[T]) -> T:
    """The result of a call to bumble. Raises BleakError, TimeoutError, or that we are cancelled."""
    try:
        return await work
    except core.TimeoutError as error:
        raise TimeoutError(str(error)) from error
    except core.BaseError as error:
        raise BleakError(_in_bleaks_words(error)) from error
    except core.BaseBumbleError as error:
        raise BleakError(str(error) or type(error).__name__) from error
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise BleakError(DEVICE_GONE) from None


def _in_bleaks_words(error: core.BaseError) -> str:
    said = f"{error.error_namespace}: {error.error_name or error.error_code}"
    if error.error_namespace == "att" and error.error_code in UNPAIRED:
        return f"Not paired ({said})"
    if error.error_namespace == "smp":
        return f"Authentication failed ({said})"
    if error.error_namespace == "hci" and error.error_code in KEY_GONE:
        return f"{KEY_MISSING} ({said})"
    return said


def uuid_text(little_endian: bytes) -> str:
    """2 or 16 bytes as they are on the air -> the full UUID as bleak writes it."""
    if len(little_endian) == 16:
        return str(UUID(bytes=little_endian[::-1]))
    return full_uuid(little_endian[::-1].hex())


# Scanning -------------------------------------------------------------------------------------


class BumbleScanner(BaseBleakScanner):
    """Hears every advertisement, repeats too. bleak hands it `host`, a `Host`."""

    def __init__(
        self,
        detection_callback: AdvertisementDataCallback | None,
        service_uuids: list[str] | None,
        scanning_mode: str = "active",
        *,
        host: Host,
        **_: object,
    ) -> None:
        super().__init__(detection_callback, service_uuids)
        self._host = host
        self._active = scanning_mode == "active"

    async def start(self) -> None:
        self.seen_devices = {}
        device = self._host.device
        device.on(Device.EVENT_ADVERTISEMENT, self._hear)
        await on_air(
            device.start_scanning(
                active=self._active,
                own_address_type=hci.OwnAddressType.PUBLIC,
                scanning_phys=(hci.HCI_LE_1M_PHY,),
            )
        )

    async def stop(self) -> None:
        device = self._host.device
        if self._hear in device.listeners(Device.EVENT_ADVERTISEMENT):
            device.remove_listener(Device.EVENT_ADVERTISEMENT, self._hear)
            if self._host.running:
                await on_air(device.stop_scanning())

    def _hear(self, heard: Advertisement) -> None:
        identity = self._host.identity(heard.address)
        address = identity.to_string(with_type_qualifier=False)
        known = self.seen_devices.get(address)
        data = advertised(heard, known[0].name if known else None)
        if not self.is_allowed_uuid(data.service_uuids):
            return
        found = self.create_or_update_device(
            address, address, data.local_name, {"host": self._host, "identity": identity}, data
        )
        found.details["on_air"] = heard.address
        self.call_detection_callbacks(found, data)


def advertised(heard: Advertisement, known_name: str | None = None) -> AdvertisementData:
    """In bleak's form. A name that was heard before stands where this one says none."""
    structures: list[tuple[int, bytes]] = list(heard.data.ad_structures)
    name = next((data.decode(errors="replace") for kind, data in structures if kind in NAMES), None)
    uuids: list[str] = []
    service_data: dict[str, bytes] = {}
    manufacturer_data: dict[int, bytes] = {}
    for kind, data in structures:
        if size := SERVICE_LISTS.get(Kind(kind)):
            whole = len(data) - len(data) % size
            uuids += [uuid_text(data[at : at + size]) for at in range(0, whole, size)]
        elif (size := SERVICE_DATA.get(Kind(kind))) and len(data) >= size:
            service_data[uuid_text(data[:size])] = bytes(data[size:])
        elif kind == Kind.MANUFACTURER_SPECIFIC_DATA and len(data) >= 2:
            (company,) = struct.unpack_from("<H", data)
            manufacturer_data[company] = bytes(data[2:])
    return AdvertisementData(
        local_name=name or known_name,
        manufacturer_data=manufacturer_data,
        service_data=service_data,
        service_uuids=list(dict.fromkeys(uuids)),
        tx_power=None,
        rssi=heard.rssi,
        platform_data=(heard,),
    )


# Links ----------------------------------------------------------------------------------------


class BumbleClient(BaseBleakClient):
    """A link to a device that a `BumbleScanner` found."""

    def __init__(
        self,
        address_or_ble_device: BLEDevice | str,
        *,
        disconnected_callback: Callable[[], None] | None,
        timeout: float,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            address_or_ble_device,
            disconnected_callback=disconnected_callback,
            timeout=timeout,
            **kwargs,
        )
        if not isinstance(address_or_ble_device, BLEDevice):
            raise BleakError(f"{address_or_ble_device} was not found by a scanner of bumble")
        self._found = address_or_ble_device
        self._host: Host = address_or_ble_device.details["host"]
        self._connection: Connection | None = None
        self._leaving = False
        self._reason = 0

    @property
    def name(self) -> str:
        return self._found.name or self.address.replace(":", "-")

    @property
    def mtu_size(self) -> int:
        return self._open.att_mtu

    @property
    def is_connected(self) -> bool:
        return self._connection is not None

    @property
    def _open(self) -> Connection:
        if self._connection is None:
            raise BleakError(DEVICE_GONE)
        return self._connection

    async def connect(self, pair: bool, **options: Any) -> None:
        limit_s = options.get("timeout", CONNECT_S)
        connection = await on_air(self._host.connect(self._found.details["on_air"], limit_s))
        self._connection = connection
        self._leaving = False
        connection.on(Connection.EVENT_DISCONNECTION, self._on_gone)
        try:
            await on_air(self._host.secure(connection, pair=pair))
            self.services = await on_air(_discovered(connection))
        except BaseException as error:
            with suppress(BleakError, TimeoutError):
                await self.disconnect()
            if isinstance(error, BleakError) and self._reason in KEY_GONE:
                raise BleakError(KEY_MISSING) from error
            raise

    async def disconnect(self) -> None:
        self._leaving = True
        if self._connection is not None:
            await on_air(self._connection.disconnect())

    async def pair(self, *args: Any, **kwargs: Any) -> None:
        await on_air(self._host.secure(self._open, pair=True))

    async def unpair(self) -> None:
        await on_air(self._host.forget(self._found.details["identity"]))

    async def read_gatt_char(
        self, characteristic: BleakGATTCharacteristic, *, use_cached: bool = False, **_: Any
    ) -> bytearray:
        client = self._open.gatt_client
        return bytearray(await on_air(client.read_value(characteristic.obj)))

    async def read_gatt_descriptor(
        self, descriptor: BleakGATTDescriptor, *, use_cached: bool = False, **_: Any
    ) -> bytearray:
        return bytearray(await on_air(self._open.gatt_client.read_value(descriptor.obj)))

    async def write_gatt_char(
        self, characteristic: BleakGATTCharacteristic, data: SizedBuffer, response: bool
    ) -> None:
        client = self._open.gatt_client
        await on_air(client.write_value(characteristic.obj, bytes(data), with_response=response))

    async def write_gatt_descriptor(
        self, descriptor: BleakGATTDescriptor, data: SizedBuffer
    ) -> None:
        client = self._open.gatt_client
        await on_air(client.write_value(descriptor.obj, bytes(data), with_response=True))

    async def start_notify(
        self, characteristic: BleakGATTCharacteristic, callback: NotifyCallback, **_: Any
    ) -> None:
        """The callback is there before the device is asked: nothing that it says early is lost."""
        client = self._open.gatt_client
        await on_air(client.subscribe(characteristic.obj, lambda value: callback(bytearray(value))))

    async def stop_notify(self, characteristic: BleakGATTCharacteristic) -> None:
        await on_air(self._open.gatt_client.unsubscribe(characteristic.obj))

    def _on_gone(self, reason: int) -> None:
        self._connection = None
        self._reason = reason
        if not self._leaving and self._disconnected_callback is not None:
            self._disconnected_callback()


class Client(BleakClient):
    """bleak's client over bumble."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, backend=BumbleClient, **kwargs)


async def _discovered(connection: Connection) -> BleakGATTServiceCollection:
    """What the device offers, asked of it anew."""
    peer = Peer(connection)
    await peer.request_mtu(MTU)
    found = BleakGATTServiceCollection()
    for service in await peer.discover_services():
        held = BleakGATTService(service, service.handle, uuid_text(bytes(service.uuid)))
        found.add_service(held)
        for item in await service.discover_characteristics():
            await item.discover_descriptors()
            _add(found, held, item, connection)
    return found


def _add(
    found: BleakGATTServiceCollection,
    service: BleakGATTService,
    item: CharacteristicProxy[bytes],
    connection: Connection,
) -> None:
    characteristic = BleakGATTCharacteristic(
        item,
        item.handle,
        uuid_text(bytes(item.uuid)),
        [word for bit, word in PROPERTIES.items() if item.properties & bit],
        lambda: connection.att_mtu - 3,
        service,
    )
    found.add_characteristic(characteristic)
    for descriptor in item.descriptors:
        found.add_descriptor(
            BleakGATTDescriptor(
                descriptor, descriptor.handle, uuid_text(bytes(descriptor.type)), characteristic
            )
        )
