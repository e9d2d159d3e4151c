"""One peripheral on a virtual controller: what it says, to whom, and when it sleeps.

What it is comes from `Peripheral` and what it answers from its mind, as on the mock BlueZ. Here
bumble speaks for it, so nothing but its own rules keeps a client from what it holds: a value needs
a bond where the device pairs.
"""

import asyncio
import secrets
from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import suppress

from bumble import core, hci
from bumble.att import Attribute, AttributeValue
from bumble.core import UUID
from bumble.device import Connection, DeviceConfiguration
from bumble.device import Device as BumbleDevice
from bumble.gatt import Characteristic as Offered
from bumble.gatt import Descriptor
from bumble.gatt import Service as OfferedService
from bumble.host import Host
from bumble.keys import MemoryKeyStore
from bumble.ll import AdvInd
from bumble.transport.common import AsyncPipeSink

from simulators.ble.mind import Mind
from simulators.ble.peripheral import Advert, Characteristic, Faults, Pairing, Peripheral, uuid_of
from simulators.bumble import adverts
from simulators.bumble.air import Adapter, Air
from simulators.bumble.pairing import StrictSession, agreement

GAP_S = 0.01
"""Between two values of one device: a connection interval or so."""
CONFIGURATION = UUID.from_16_bits(0x2902)

FLAGS = {
    "read": Offered.Properties.READ,
    "write": Offered.Properties.WRITE,
    "write-without-response": Offered.Properties.WRITE_WITHOUT_RESPONSE,
    "notify": Offered.Properties.NOTIFY,
    "indicate": Offered.Properties.INDICATE,
}
OPEN = Attribute.Permissions.READABLE | Attribute.Permissions.WRITEABLE
BONDED = (
    OPEN
    | Attribute.Permissions.READ_REQUIRES_AUTHENTICATION
    | Attribute.Permissions.WRITE_REQUIRES_AUTHENTICATION
)
NOTIFY, INDICATE = 0x01, 0x02
"""Bits of the configuration descriptor (Core 5.4, Vol 3, Part G, 3.3.3.3)."""


class Device:
    """`changed` is called whenever something is different from outside."""

    def __init__(
        self, peripheral: Peripheral, air: Air, changed: Callable[[], None], mind: Mind | None
    ) -> None:
        self.peripheral = peripheral
        self.written: list[tuple[str, bytes]] = []
        self.pairings = 0
        """How often it has paired anew."""
        self.faults = Faults()
        """Of these only `lose_confirmations` is the device's own; the others are BlueZ's."""
        self.is_private = False
        """It advertises under another address each time that it wakes."""
        self._air = air
        self._changed = changed
        self._mind = mind
        self._bonds = MemoryKeyStore()
        self._stored: deque[tuple[str, bytes]] = deque()
        self._awake = False
        self._link: Connection | None = None
        self._gone = asyncio.Event()
        self._turn = asyncio.Lock()
        self._telling = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._controller = Adapter(peripheral.name or peripheral.address, air, peripheral.address)
        self._device = self._make()
        self._offered = self._offer()
        self._on = asyncio.create_task(self._switch_on())

    # The peripheral itself --------------------------------------------------------------------

    def wake(self) -> None:
        """Advertise until `sleep`, except while a link is open."""
        self._awake = True
        self._spawn(self._settle())

    def sleep(self) -> None:
        self._awake = False
        self._spawn(self._settle())

    def store(self, characteristic: str, *values: bytes) -> None:
        """Hold these until a subscriber takes them, and advertise that there is something."""
        self._stored.extend((uuid_of(characteristic), value) for value in values)
        self.wake()
        self._spawn(self._send_stored())

    @property
    def stored(self) -> int:
        return len(self._stored)

    @property
    def connected(self) -> bool:
        return self._link is not None

    @property
    def bonded(self) -> bool:
        """Whether it holds a bond with anybody."""
        return bool(self._bonds.all_keys)

    def forget_bond(self) -> None:
        self._bonds.all_keys.clear()

    def subscribed(self, characteristic: str) -> bool:
        return bool(self._wanted(uuid_of(characteristic)))

    def say(self, characteristic: str, value: bytes) -> bool:
        """Notify or indicate now. False where nobody is subscribed: the value is lost."""
        if not self.subscribed(characteristic):
            return False
        self._spawn(self._tell_in_turn(uuid_of(characteristic), value))
        return True

    def drop(self) -> None:
        """The link is lost."""
        self._air.lose(self._controller)

    def broadcast(self, advert: Advert, for_s: float) -> None:
        """Say it now, and again and again for so long, asleep or not."""
        self._say_on_air(advert)
        if for_s > 0:
            self._spawn(self._broadcast_again(advert, for_s))

    async def _broadcast_again(self, advert: Advert, for_s: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(for_s):
                while True:
                    await asyncio.sleep(self.peripheral.interval_s)
                    self._say_on_air(advert)

    def _say_on_air(self, advert: Advert) -> None:
        self._controller.send_advertising_pdu(
            AdvInd(
                advertiser_address=self._controller.public_address,
                data=adverts.encoded(advert, self.peripheral.name),
            )
        )

    async def close(self) -> None:
        for task in (self._on, *self._tasks):
            task.cancel()
        await asyncio.gather(self._on, *self._tasks, return_exceptions=True)
        self._air.leave(self._controller)

    # What bumble is told ----------------------------------------------------------------------

    def _make(self) -> BumbleDevice:
        config = DeviceConfiguration(
            name=self.peripheral.name or self.peripheral.address,
            address=hci.Address(self.peripheral.address),
            irk=secrets.token_bytes(16),
            classic_smp_enabled=False,
            advertising_interval_min=self.peripheral.interval_s * 1000,
            advertising_interval_max=self.peripheral.interval_s * 1000,
            advertising_data=adverts.encoded(self.peripheral.advert, self.peripheral.name),
        )
        host = Host(self._controller, AsyncPipeSink(self._controller))
        device = BumbleDevice(config=config, host=host)
        device.keystore = self._bonds
        device.pairing_config_factory = lambda _: agreement(self.peripheral)
        device.smp_session_proxy = StrictSession
        device.on(BumbleDevice.EVENT_CONNECTION, self._on_link)
        device.on(BumbleDevice.EVENT_KEY_STORE_UPDATE, self._on_bond)
        return device

    def _offer(self) -> dict[str, Offered[bytes]]:
        """Its services, in its own order; the characteristics by full UUID."""
        offered: dict[str, Offered[bytes]] = {}
        for service in self.peripheral.services:
            items = [self._characteristic(item) for item in service.characteristics]
            offered |= {
                uuid_of(one.uuid): item
                for one, item in zip(service.characteristics, items, strict=True)
            }
            self._device.add_service(OfferedService(adverts.uuid(service.uuid), items))
        return offered

    def _characteristic(self, item: Characteristic) -> Offered[bytes]:
        permissions = OPEN if self.peripheral.pairing is Pairing.NONE else BONDED
        properties = Offered.Properties(0)
        for flag in item.flags:
            properties |= FLAGS[flag]
        offered: Offered[bytes] = Offered(
            adverts.uuid(item.uuid),
            properties,
            permissions,
            AttributeValue(
                read=lambda _: self._read(item), write=lambda _, value: self._take(item, value)
            ),
        )
        if properties & (Offered.Properties.NOTIFY | Offered.Properties.INDICATE):
            configuration = self._device.gatt_server.make_descriptor_value(offered)
            offered.descriptors = [Descriptor(CONFIGURATION, permissions, configuration)]
            offered.on(Offered.EVENT_SUBSCRIPTION, self._on_subscription)
        return offered

    async def _switch_on(self) -> None:
        await self._device.power_on()

    # The link ---------------------------------------------------------------------------------

    async def _settle(self) -> None:
        """Advertise, or do not, as it should be now."""
        await self._on
        async with self._turn:
            wanted = self._awake and not self.connected
            if wanted and not self._device.is_advertising:
                await self._start_advertising()
            elif not wanted and self._device.is_advertising:
                await self._device.stop_advertising()
        self._changed()

    async def _start_advertising(self) -> None:
        own = hci.OwnAddressType.PUBLIC
        if self.is_private:
            own = hci.OwnAddressType.RANDOM
            private = hci.Address.generate_private_address(self._device.irk)
            self._device.random_address = private
        await self._device.start_advertising(own_address_type=own)

    def _on_link(self, link: Connection) -> None:
        self._link = link
        self._gone.clear()
        link.on(Connection.EVENT_DISCONNECTION, self._on_gone)
        if self._mind is not None:
            self._mind.link_opened()
        self._changed()

    def _on_gone(self, _reason: int) -> None:
        self._link = None
        self._gone.set()
        self._spawn(self._settle())
        self._changed()

    def _on_bond(self) -> None:
        self.pairings += 1
        self._changed()

    # Values -----------------------------------------------------------------------------------

    def _read(self, item: Characteristic) -> bytes:
        said = None if self._mind is None else self._mind.read(item.uuid)
        return item.value if said is None else said

    def _take(self, item: Characteristic, value: bytes) -> None:
        self.written.append((item.uuid, value))
        if self._mind is not None:
            self._spawn(self._mind.take(self, item.uuid, value))
        self._changed()

    def _wanted(self, uuid: str) -> int:
        """Bits by which somebody subscribed to that characteristic."""
        if self._link is None or uuid not in self._offered:
            return 0
        subscriptions = self._device.gatt_server.subscribers.get(self._link, {})
        return subscriptions.get(self._offered[uuid].handle, b"\x00")[0]

    def _on_subscription(self, *_: object) -> None:
        self._changed()
        self._spawn(self._send_stored())

    async def _send_stored(self) -> None:
        """Send what is held, one after the other, each until it is confirmed where it is to be."""
        await asyncio.sleep(GAP_S)
        async with self._telling:
            sent = False
            while self._stored and self.subscribed(self._stored[0][0]):
                if not await self._tell(*self._stored[0]):
                    return
                if self.faults.lose_confirmations:
                    self.faults.lose_confirmations -= 1
                    self.drop()
                    return
                self._stored.popleft()
                sent = True
                self._changed()
                await asyncio.sleep(GAP_S)
        if sent and not self._stored and self.peripheral.drops_link:
            self.sleep()
            await self._end_link()

    async def _tell_in_turn(self, uuid: str, value: bytes) -> None:
        async with self._telling:
            await self._tell(uuid, value)

    async def _tell(self, uuid: str, value: bytes) -> bool:
        """Whether it left, and was confirmed if it was an indication."""
        link, wanted = self._link, self._wanted(uuid)
        if link is None or not wanted:
            return False
        item = self._offered[uuid]
        send = (
            self._device.notify_subscriber if wanted & NOTIFY else self._device.indicate_subscriber
        )
        telling = asyncio.ensure_future(send(link, item, value))
        gone = asyncio.create_task(self._gone.wait())
        await asyncio.wait({telling, gone}, return_when=asyncio.FIRST_COMPLETED)
        for task in (telling, gone):
            task.cancel()
        return telling.done() and not telling.cancelled() and telling.exception() is None

    async def _end_link(self) -> None:
        if self._link is not None:
            with suppress(core.BaseBumbleError):
                await self._link.disconnect()

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
