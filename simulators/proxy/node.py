"""An ESPHome node with the component bluetooth_proxy, on a port of this machine.

It answers as the firmware does: one listener to its advertisements at a time, adverts in batches,
a slot for each link, and every link let go when the connection that asked for it ends.
Source: esphome/components/api and esphome/components/bluetooth_proxy.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from types import TracebackType
from typing import Any, Self
from uuid import UUID

from aioesphomeapi.core import MESSAGE_TYPE_TO_PROTO

from plumbing.logs import Log
from simulators.ble.gatt import CONFIGURATION
from simulators.ble.peripheral import ConnectFault
from simulators.proxy.device import (
    NOT_ESTABLISHED,
    PAIRING_FAILED,
    AttError,
    Placed,
    RoomDevice,
)
from simulators.proxy.frames import Frames, PlainFrames, Refused, SealedFrames
from simulators.proxy.room import Room

log = Log("simulators.proxy")

api: Any = import_module("aioesphomeapi.api_pb2")

NUMBERS = {proto: number for number, proto in MESSAGE_TYPE_TO_PROTO.items()}

PASSIVE_SCAN, ACTIVE_CONNECTIONS, REMOTE_CACHING, PAIRING, CACHE_CLEARING = 1, 2, 4, 8, 16
RAW_ADVERTISEMENTS, STATE_AND_MODE = 32, 64
FEATURES = (
    PASSIVE_SCAN
    | ACTIVE_CONNECTIONS
    | REMOTE_CACHING
    | PAIRING
    | CACHE_CLEARING
    | RAW_ADVERTISEMENTS
    | STATE_AND_MODE
)
"""Of ESPHome 2025.5 and newer. `feature_flags` of bluetooth_proxy.h."""
API_MAJOR, API_MINOR = 1, 14
FIRMWARE = "2025.9.0"
SLOTS = 3
BATCH_S, BATCH = 0.02, 16
CONNECT_S = 20.0
"""How long the ESP32 looks for a device that it shall connect to."""
DISCONNECT_, PAIR_, UNPAIR_, CLEAR_CACHE_ = 1, 2, 3, 6
CONNECTS = (4, 5)
"""BluetoothDeviceRequestType: with and without a cache of the services."""
RUNNING, ACTIVE = 2, 1
PROPERTIES = {
    "read": 0x02,
    "write-without-response": 0x04,
    "write": 0x08,
    "notify": 0x10,
    "indicate": 0x20,
}
"""Core Specification 5.4, volume 3, part G, 3.3.1.1."""
READ_BYTES = 4096


@dataclass(frozen=True, slots=True)
class NodeSettings:
    """`signals`: how well (dBm) the node hears a device; one that is not in it, as it sends.

    `out_of_reach`: addresses that it does not hear. `key` is base64 of 32 bytes, or empty.
    """

    name: str
    mac: str = "A0:B7:65:00:00:01"
    port: int = 0
    key: str = ""
    slots: int = SLOTS
    features: int = FEATURES
    connect_s: float = CONNECT_S
    signals: Mapping[str, int] = field(default_factory=dict)
    out_of_reach: frozenset[str] = frozenset()


class Node:
    """One node. `start` and `stop` are its plug; its port stays the same."""

    def __init__(self, settings: NodeSettings, room: Room) -> None:
        self.settings = settings
        self.name = settings.name
        self.port = settings.port
        self.linked: dict[str, RoomDevice | None] = {}
        """Addresses that hold a slot; None while the link is being made."""
        self.connections = 0
        """How many were opened since the node was made."""
        self._room = room
        self._server: asyncio.Server | None = None
        self._sessions: set[_Session] = set()
        self._listener: _Session | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Raises OSError where the port is taken."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        self._room.ears.append(self._hear)

    async def stop(self) -> None:
        """The plug is pulled: every connection and every link ends."""
        if self._server is None:
            return
        self._room.ears.remove(self._hear)
        self._server.close()
        for session in tuple(self._sessions):
            session.end()
        await self._server.wait_closed()
        self._server = None

    @property
    def listened_to(self) -> bool:
        """Whether a gateway wants to hear what the node hears."""
        return self._listener is not None

    @property
    def free(self) -> int:
        return self.settings.slots - len(self.linked)

    def take_slot(self, address: str) -> None:
        """Somebody else's link holds one from now on."""
        self.linked[address] = None
        self.tell_slots()

    def give_slot(self, address: str) -> None:
        self.linked.pop(address, None)
        self.tell_slots()

    def tell_slots(self) -> None:
        for session in self._sessions:
            session.tell_slots()

    # Of a device's link --------------------------------------------------------------------------

    def said(self, device: RoomDevice, handle: int, value: bytes) -> None:
        for session in self._sessions:
            session.pass_on(device.address, handle, value)

    def ended(self, device: RoomDevice) -> None:
        self.linked.pop(device.address, None)
        for session in self._sessions:
            session.tell_link(device.address, connected=False)
        self.tell_slots()

    # --------------------------------------------------------------------------------------------

    def _hear(self, device: RoomDevice, data: bytes, rssi_dbm: int) -> None:
        if self._listener is not None and device.address not in self.settings.out_of_reach:
            signal = self.settings.signals.get(device.address, rssi_dbm)
            self._listener.hear(device.address, data, signal)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        session = _Session(self, self._room, reader, writer)
        self._sessions.add(session)
        try:
            await session.run()
        finally:
            self._sessions.discard(session)
            if self._listener is session:
                self._listener = None
            if not self._sessions:
                for device in tuple(self.linked.values()):
                    if device is not None:
                        device.drop()

    def listen(self, session: "_Session") -> bool:
        """Whether that session hears adverts from now on: one at a time may."""
        if self._listener not in {None, session}:
            return False
        self._listener = session
        return True

    def leave(self, session: "_Session") -> None:
        if self._listener is session:
            self._listener = None


class _Session:
    """One connection of a gateway."""

    def __init__(
        self, node: Node, room: Room, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        settings = node.settings
        self._node = node
        self._room = room
        self._reader = reader
        self._writer = writer
        self._frames: Frames = (
            SealedFrames(settings.key, settings.name, _plain_mac(settings.mac))
            if settings.key
            else PlainFrames()
        )
        self._wants_slots = False
        self._notifies: set[tuple[str, int]] = set()
        self._batch: list[Any] = []
        self._flushing: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._answers: dict[Any, Callable[[Any], None]] = {
            api.HelloRequest: self._hello,
            api.AuthenticationRequest: self._authenticate,
            api.DisconnectRequest: self._disconnect,
            api.PingRequest: lambda _: self._send(api.PingResponse()),
            api.DeviceInfoRequest: self._info,
            api.SubscribeBluetoothLEAdvertisementsRequest: self._listen,
            api.UnsubscribeBluetoothLEAdvertisementsRequest: lambda _: node.leave(self),
            api.SubscribeBluetoothConnectionsFreeRequest: self._want_slots,
            api.BluetoothScannerSetModeRequest: lambda _: self._tell_scanner(),
            api.BluetoothDeviceRequest: self._device,
            api.BluetoothGATTGetServicesRequest: self._services,
            api.BluetoothGATTReadRequest: self._read,
            api.BluetoothGATTWriteRequest: self._write,
            api.BluetoothGATTWriteDescriptorRequest: self._configure,
            api.BluetoothGATTNotifyRequest: self._notify,
        }

    async def run(self) -> None:
        try:
            while data := await self._reader.read(READ_BYTES):
                for item in self._frames.feed(data):
                    if isinstance(item, bytes):
                        self._writer.write(item)
                    else:
                        self._take(*item)
        except Refused as refused:
            log.info("a gateway was refused", reason=str(refused), node=self._node.name)
            self._writer.write(refused.answer)
        except ConnectionError:
            pass
        finally:
            for task in tuple(self._tasks):
                task.cancel()
            if self._flushing is not None:
                self._flushing.cancel()
            self._writer.close()

    def end(self) -> None:
        """As when the power goes."""
        self._writer.transport.abort()

    # What is told by itself -----------------------------------------------------------------------

    def hear(self, address: str, data: bytes, rssi_dbm: int) -> None:
        self._batch.append(
            api.BluetoothLERawAdvertisement(
                address=_number(address), rssi=rssi_dbm, address_type=0, data=data
            )
        )
        if len(self._batch) >= BATCH:
            self._flush()
        elif self._flushing is None:
            self._flushing = asyncio.get_running_loop().call_later(BATCH_S, self._flush)

    def tell_slots(self) -> None:
        if self._wants_slots:
            node = self._node
            allocated = [_number(address) for address in node.linked]
            self._send(
                api.BluetoothConnectionsFreeResponse(
                    free=node.free, limit=node.settings.slots, allocated=allocated
                )
            )

    def tell_link(self, address: str, *, connected: bool, error: int = 0) -> None:
        if not connected:
            self._notifies = {one for one in self._notifies if one[0] != address}
        device = self._room.at(address)
        self._send(
            api.BluetoothDeviceConnectionResponse(
                address=_number(address),
                connected=connected,
                mtu=device.mtu if connected and device is not None else 0,
                error=error,
            )
        )

    def pass_on(self, address: str, handle: int, value: bytes) -> None:
        if (address, handle) in self._notifies:
            self._send(
                api.BluetoothGATTNotifyDataResponse(
                    address=_number(address), handle=handle, data=value
                )
            )

    def _flush(self) -> None:
        if self._flushing is not None:
            self._flushing.cancel()
            self._flushing = None
        batch, self._batch = self._batch, []
        self._send(api.BluetoothLERawAdvertisementsResponse(advertisements=batch))

    # What is asked --------------------------------------------------------------------------------

    def _take(self, kind: int, body: bytes) -> None:
        proto = MESSAGE_TYPE_TO_PROTO.get(kind)
        answer = self._answers.get(proto)
        if proto is not None and answer is not None:
            answer(proto.FromString(body))

    def _hello(self, _: Any) -> None:
        self._send(
            api.HelloResponse(
                api_version_major=API_MAJOR,
                api_version_minor=API_MINOR,
                server_info=f"{self._node.name} (simulated)",
                name=self._node.name,
            )
        )

    def _authenticate(self, _: Any) -> None:
        self._send(api.AuthenticationResponse(invalid_password=False))

    def _disconnect(self, _: Any) -> None:
        self._send(api.DisconnectResponse())
        self._writer.close()

    def _info(self, _: Any) -> None:
        settings = self._node.settings
        self._send(
            api.DeviceInfoResponse(
                name=settings.name,
                friendly_name=settings.name,
                mac_address=settings.mac,
                bluetooth_mac_address=settings.mac,
                esphome_version=FIRMWARE,
                model="simulated",
                bluetooth_proxy_feature_flags=settings.features,
                api_encryption_supported=bool(settings.key),
            )
        )

    def _listen(self, _: Any) -> None:
        if self._node.listen(self):
            self._tell_scanner()

    def _tell_scanner(self) -> None:
        if self._node.settings.features & STATE_AND_MODE:
            self._send(
                api.BluetoothScannerStateResponse(
                    state=RUNNING, mode=ACTIVE, configured_mode=ACTIVE
                )
            )

    def _want_slots(self, _: Any) -> None:
        self._wants_slots = True
        self.tell_slots()

    def _device(self, request: Any) -> None:
        address = _address(request.address)
        device = self._room.at(address)
        if request.request_type in CONNECTS:
            self._spawn(self._connect(address))
        elif request.request_type == DISCONNECT_:
            if device is not None and self._node.linked.get(address) is device:
                device.drop()
            else:
                self._node.give_slot(address)
                self.tell_link(address, connected=False)
        elif request.request_type == PAIR_ and device is not None and self._holds(device):
            paired = device.pair()
            self._send(
                api.BluetoothDevicePairingResponse(
                    address=request.address,
                    paired=paired,
                    error=0 if paired else PAIRING_FAILED,
                )
            )
        elif request.request_type == UNPAIR_ and device is not None:
            device.bonds.discard(self._node.name)
            self._send(api.BluetoothDeviceUnpairingResponse(address=request.address, success=True))
        elif request.request_type == CLEAR_CACHE_:
            self._send(api.BluetoothDeviceClearCacheResponse(address=request.address, success=True))

    async def _connect(self, address: str) -> None:
        node = self._node
        device = self._room.at(address)
        if node.free <= 0 or address in node.linked:
            self.tell_link(address, connected=False)
            return
        node.linked[address] = None
        node.tell_slots()
        reached = device is not None and address not in node.settings.out_of_reach
        if device is not None and reached:
            try:
                await asyncio.wait_for(device.awake.wait(), node.settings.connect_s)
            except TimeoutError:
                reached = False
        if address not in node.linked:
            return
        fault = device.faults.connects.popleft() if device and device.faults.connects else None
        if fault is ConnectFault.NO_ANSWER:
            return
        if device is None or not reached or fault is not None or not device.open(node):
            node.give_slot(address)
            self.tell_link(address, connected=False, error=NOT_ESTABLISHED)
            return
        node.linked[address] = device
        self.tell_link(address, connected=True)
        node.tell_slots()

    def _services(self, request: Any) -> None:
        device = self._found(request)
        if device is None:
            self._fail(request, 0, NOT_ESTABLISHED)
            return
        for uuid, start, items in device.layout.services:
            service = api.BluetoothGATTService(
                uuid=_halves(uuid),
                handle=start,
                characteristics=[_characteristic(placed) for placed in items],
            )
            self._send(
                api.BluetoothGATTGetServicesResponse(address=request.address, services=[service])
            )
        self._send(api.BluetoothGATTGetServicesDoneResponse(address=request.address))

    def _read(self, request: Any) -> None:
        def answer(device: RoomDevice) -> Any:
            return api.BluetoothGATTReadResponse(
                address=request.address, handle=request.handle, data=device.read(request.handle)
            )

        self._attempt(request, answer)

    def _write(self, request: Any) -> None:
        def answer(device: RoomDevice) -> Any:
            device.write(request.handle, request.data)
            return _written(request)

        self._attempt(request, answer)

    def _configure(self, request: Any) -> None:
        def answer(device: RoomDevice) -> Any:
            device.configure(request.handle, request.data)
            return _written(request)

        self._attempt(request, answer)

    def _notify(self, request: Any) -> None:
        def answer(device: RoomDevice) -> Any:
            one = (device.address, request.handle)
            if request.enable:
                self._notifies.add(one)
            else:
                self._notifies.discard(one)
            return api.BluetoothGATTNotifyResponse(address=request.address, handle=request.handle)

        self._attempt(request, answer)

    def _attempt(self, request: Any, answer: Callable[[RoomDevice], Any]) -> None:
        device = self._found(request)
        if device is None:
            self._fail(request, request.handle, NOT_ESTABLISHED)
            return
        try:
            self._send(answer(device))
        except AttError as error:
            self._fail(request, request.handle, error.code)

    def _fail(self, request: Any, handle: int, code: int) -> None:
        self._send(
            api.BluetoothGATTErrorResponse(address=request.address, handle=handle, error=code)
        )

    def _found(self, request: Any) -> RoomDevice | None:
        device = self._room.at(_address(request.address))
        return device if device is not None and self._holds(device) else None

    def _holds(self, device: RoomDevice) -> bool:
        return self._node.linked.get(device.address) is device

    def _send(self, message: Any) -> None:
        if not self._writer.is_closing():
            number = NUMBERS[type(message)]
            self._writer.write(self._frames.pack(number, message.SerializeToString()))

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _written(request: Any) -> Any:
    return api.BluetoothGATTWriteResponse(address=request.address, handle=request.handle)


def _characteristic(placed: Placed) -> Any:
    descriptors = []
    if placed.configuration:
        uuid = f"0000{CONFIGURATION}-0000-1000-8000-00805f9b34fb"
        descriptors.append(
            api.BluetoothGATTDescriptor(uuid=_halves(uuid), handle=placed.configuration)
        )
    return api.BluetoothGATTCharacteristic(
        uuid=_halves(placed.uuid),
        handle=placed.handle,
        properties=sum(PROPERTIES[flag] for flag in placed.item.flags),
        descriptors=descriptors,
    )


def _halves(uuid: str) -> tuple[int, int]:
    """A UUID as the API carries it: two numbers of 64 bits."""
    number = UUID(uuid).int
    return number >> 64, number & 0xFFFF_FFFF_FFFF_FFFF


def _plain_mac(mac: str) -> str:
    return mac.replace(":", "").lower()


def _number(address: str) -> int:
    return int(address.replace(":", ""), 16)


def _address(number: int) -> str:
    digits = f"{number:012X}"
    return ":".join(digits[at : at + 2] for at in range(0, len(digits), 2))
