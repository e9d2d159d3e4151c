"""BlueZ over D-Bus, for what bleak leaves out.

bleak registers no pairing agent, does not notice that bluetoothd died (no object of it says
goodbye), and does not say when an adapter is switched off. This is a connection of our own beside
bleak's: the agent lives on it, and it watches the name `org.bluez` and the adapters.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from bleak import BleakAdapter, BleakClient, BleakScanner
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from dbus_fast import BusType, DBusError, Message, MessageType, unpack_variants
from dbus_fast.aio import MessageBus
from dbus_fast.annotations import DBusObjectPath, DBusStr, DBusUInt16, DBusUInt32
from dbus_fast.service import ServiceInterface, dbus_method

from gateway.ble.adverts import Fresh, Packet
from gateway.ble.stack import BUS_ERRORS, Heard, OpenStack, Pairing
from gateway.ble.timing import within
from gateway.ble.words import (
    NO_ADAPTER,
    NOT_RUNNING,
    SWITCHED_OFF,
    missing_adapter,
    service_in_words,
)
from plumbing.backoff import Backoff
from plumbing.logs import Log

log = Log("gateway.ble.bluez")

BLUEZ = "org.bluez"
ADAPTER = "org.bluez.Adapter1"
DEVICE = "org.bluez.Device1"
AGENT_MANAGER = "org.bluez.AgentManager1"
OBJECT_MANAGER = "org.freedesktop.DBus.ObjectManager"
PROPERTIES = "org.freedesktop.DBus.Properties"
DBUS = "org.freedesktop.DBus"
ALREADY_THERE = "org.bluez.Error.AlreadyExists"
LOOK_FIRST_S, LOOK_MOST_S = 1.0, 60.0
AGENT_PATH = "/org/homebeat/agent"
NO_KEYS, KEYS = "NoInputNoOutput", "KeyboardOnly"
"""A gateway has no display: nobody at it could compare digits. It has keys only in so far as the
settings hold the digits that are printed on a device; else it says that it has none, since a device
may then pair without."""

_MATCHES = (
    f"type='signal',sender='{DBUS}',member='NameOwnerChanged',arg0='{BLUEZ}'",
    f"type='signal',sender='{BLUEZ}',member='PropertiesChanged',arg0='{ADAPTER}'",
    f"type='signal',sender='{BLUEZ}',interface='{OBJECT_MANAGER}'",
)


class Agent(ServiceInterface):
    """org.bluez.Agent1: agrees to pair with the home's own devices, and with nothing else."""

    def __init__(self, pairing: Pairing) -> None:
        super().__init__("org.bluez.Agent1")
        self.capability = KEYS if pairing.can_type else NO_KEYS
        self._is_ours = pairing.is_ours
        self._passkey = pairing.passkey

    @dbus_method(name="Release")
    def release(self) -> None:
        log.info("agent released")

    @dbus_method(name="RequestAuthorization")
    def request_authorization(self, device: DBusObjectPath) -> None:
        self._agree(device)

    @dbus_method(name="RequestConfirmation")
    def request_confirmation(self, device: DBusObjectPath, passkey: DBusUInt32) -> None:
        raise _rejected("this gateway has no display on which to compare digits")

    @dbus_method(name="AuthorizeService")
    def authorize_service(self, device: DBusObjectPath, uuid: DBusStr) -> None:
        self._agree(device)

    @dbus_method(name="RequestPinCode")
    def request_pin_code(self, device: DBusObjectPath) -> DBusStr:
        raise _rejected("this gateway has no keys to type a PIN")

    @dbus_method(name="RequestPasskey")
    def request_passkey(self, device: DBusObjectPath) -> DBusUInt32:
        self._agree(device)
        passkey = self._passkey(address_of(device))
        if passkey is None:
            raise _rejected("the settings hold no passkey of this device")
        return passkey

    @dbus_method(name="DisplayPinCode")
    def display_pin_code(self, device: DBusObjectPath, pin: DBusStr) -> None:
        raise _rejected("this gateway has no display for a PIN")

    @dbus_method(name="DisplayPasskey")
    def display_passkey(
        self, device: DBusObjectPath, passkey: DBusUInt32, entered: DBusUInt16
    ) -> None:
        """BlueZ expects no refusal here."""

    @dbus_method(name="Cancel")
    def cancel(self) -> None:
        log.info("pairing cancelled by the device")

    def _agree(self, device: str) -> None:
        if not self._is_ours(address_of(device)):
            raise _rejected("this device is not in the gateway's settings")


def _rejected(why: str) -> DBusError:
    return DBusError("org.bluez.Error.Rejected", why)


def address_of(path: str) -> str:
    """/org/bluez/hci0/dev_A4_C1_38_00_00_01 -> A4:C1:38:00:00:01."""
    return path.rpartition("/dev_")[2].replace("_", ":").upper()


class Bluez:
    """What is known of bluetoothd and its adapters, kept up to date (a `Stack`)."""

    client = BleakClient

    def __init__(self, bus: MessageBus, wanted: str, agent: Agent | None, limit_s: float) -> None:
        self.running = False
        self.changed = asyncio.Event()
        self.usable = asyncio.Event()
        self.lost = asyncio.Event()
        self._bus = bus
        self._wanted = wanted
        self._agent = agent
        self._limit_s = limit_s
        self._adapters: dict[str, dict[str, Any]] = {}
        self._arriving: asyncio.Task[None] | None = None
        self._trouble = NOT_RUNNING
        self._fresh = Fresh()

    @property
    def adapter(self) -> str:
        """The wanted adapter ("hci0"), or the first one, if it is switched on; else empty."""
        for path, properties in sorted(self._adapters.items()) if self.running else ():
            name = path.rpartition("/")[2]
            if self._wanted in ("", name) and properties.get("Powered") and _is_central(properties):
                return name
        return ""

    @property
    def trouble(self) -> str:
        """Why no adapter can be used, in words; empty while one can."""
        if self.adapter:
            return ""
        if not self.running:
            return self._trouble
        if not self._adapters:
            return NO_ADAPTER
        if self._wanted and f"/org/bluez/{self._wanted}" not in self._adapters:
            return missing_adapter(self._wanted)
        return SWITCHED_OFF

    def scanner(self, heard: Heard) -> BleakScanner:
        return BleakScanner(
            heard, bluez={"adapter": self.adapter, "filters": {"DuplicateData": True}}
        )

    def packet(self, data: AdvertisementData) -> Packet:
        path, properties = data.platform_data
        return self._fresh.packet(path, properties)

    async def linked(self, services: Sequence[str]) -> Sequence[BLEDevice]:
        adapter = await BleakAdapter.get(bluez={"adapter": self.adapter})
        return await adapter.get_connected_devices(list(services))

    async def is_bonded(self, found: BLEDevice) -> bool:
        path = str(found.details["path"])
        try:
            reply = await self._call(path, PROPERTIES, "Get", "ss", [DEVICE, "Paired"])
        except DBusError:
            return False
        return bool(reply.body[0].value)

    async def start(self) -> None:
        """Watch, and take bluetoothd as it is now. Raises one of BUS_ERRORS."""
        if self._agent is not None:
            self._bus.export(AGENT_PATH, self._agent)
        self._bus.add_message_handler(self._on_message)
        for match in _MATCHES:
            await self._call("/org/freedesktop/DBus", DBUS, "AddMatch", "s", [match], DBUS)
        self._arrive()

    async def stop(self) -> None:
        if self._arriving is not None:
            self._arriving.cancel()
        self._bus.disconnect()

    async def until_closed(self) -> None:
        closed: Any = self._bus.wait_for_disconnect
        await closed()

    def _arrive(self) -> None:
        if self._arriving is not None:
            self._arriving.cancel()
        self._arriving = asyncio.create_task(self._look())

    async def _look(self) -> None:
        """Until bluetoothd answers: the system's bus may start it for the call."""
        backoff = Backoff(LOOK_FIRST_S, LOOK_MOST_S)
        while not self.running:
            try:
                await self._take_over()
            except BUS_ERRORS as error:
                self._trouble = service_in_words(error)
                log.warning("bluetoothd does not answer", error=error)
                self.changed.set()
                await asyncio.sleep(backoff.next_s())

    async def _take_over(self) -> None:
        """See the adapters, and be the agent."""
        reply = await self._call("/", OBJECT_MANAGER, "GetManagedObjects")
        for path, interfaces in reply.body[0].items():
            if ADAPTER in interfaces:
                since = self._adapters.get(path, {})
                self._adapters[path] = unpack_variants(interfaces[ADAPTER]) | since
        if self._agent is not None:
            await self._be_agent(self._agent)
        self.running = True
        self._announce("")

    async def _be_agent(self, agent: Agent) -> None:
        """bleak calls Pair on connections of its own, so only the default agent is asked."""
        try:
            arguments = [AGENT_PATH, agent.capability]
            await self._call("/org/bluez", AGENT_MANAGER, "RegisterAgent", "os", arguments)
        except DBusError as error:
            if error.type != ALREADY_THERE:
                raise
        await self._call("/org/bluez", AGENT_MANAGER, "RequestDefaultAgent", "o", [AGENT_PATH])

    def _on_message(self, message: Message) -> None:
        if message.message_type is not MessageType.SIGNAL:
            return
        before = self.adapter
        if message.member == "NameOwnerChanged" and message.body[0] == BLUEZ:
            self._adapters.clear()
            self.running = False
            self._trouble = NOT_RUNNING
            if message.body[2]:
                self._arrive()
            else:
                log.warning("bluetoothd is gone")
        elif message.member == "PropertiesChanged":
            changed = unpack_variants(message.body[1])
            self._adapters.setdefault(str(message.path), {}).update(changed)
        elif message.member == "InterfacesAdded" and ADAPTER in message.body[1]:
            self._adapters[message.body[0]] = unpack_variants(message.body[1][ADAPTER])
        elif message.member == "InterfacesRemoved" and ADAPTER in message.body[1]:
            self._adapters.pop(message.body[0], None)
        else:
            return
        self._announce(before)

    def _announce(self, before: str) -> None:
        """Something changed; `before` is the adapter that could be used until now."""
        if before and self.adapter != before:
            self.lost.set()
            self.lost = asyncio.Event()
        if self.adapter:
            self.usable.set()
        else:
            self.usable.clear()
        self.changed.set()

    async def _call(
        self,
        path: str,
        interface: str,
        member: str,
        signature: str = "",
        body: list[Any] | None = None,
        destination: str = BLUEZ,
    ) -> Message:
        message = Message(
            destination=destination,
            path=path,
            interface=interface,
            member=member,
            signature=signature,
            body=body or [],
        )
        reply: Message = await within(self._limit_s, self._bus.call(message))
        if reply.message_type is MessageType.ERROR:
            text = str(reply.body[0]) if reply.body else ""
            raise DBusError(reply.error_name or "unknown.Error", text)
        return reply


def _is_central(properties: dict[str, Any]) -> bool:
    return "central" in properties.get("Roles", ["central"])


def over_bluez(adapter: str = "") -> OpenStack:
    """BlueZ on the system's bus, when it is opened. `adapter` is "hci0", or "" for the first."""
    return partial(_bluez, adapter)


@asynccontextmanager
async def _bluez(adapter: str, pairing: Pairing | None, limit_s: float) -> AsyncIterator[Bluez]:
    """Without a `pairing` there is no agent: nothing can be paired.

    Raises one of BUS_ERRORS where the bus can't be reached, or refuses.
    """
    agent = None if pairing is None else Agent(pairing)
    bus = MessageBus(bus_type=BusType.SYSTEM)
    try:
        await within(limit_s, bus.connect())
        found = Bluez(bus, adapter, agent, limit_s)
        try:
            await found.start()
            yield found
        finally:
            await found.stop()
    finally:
        if bus.connected:
            bus.disconnect()


async def trouble(adapter: str, limit_s: float = 5.0) -> str:
    """What keeps Bluetooth from working, in words; empty where nothing does."""
    try:
        async with _bluez(adapter, None, limit_s) as found:
            await within(2 * limit_s, found.changed.wait())
            return found.trouble
    except BUS_ERRORS as error:
        return service_in_words(error)
