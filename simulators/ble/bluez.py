"""The mock org.bluez itself: one adapter, its peripherals, and the hand that moves them."""

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

from dbus_fast import Message

from simulators.ble.adapter import ADAPTER, Adapter
from simulators.ble.agents import AGENT_MANAGER, Agents
from simulators.ble.device import Device
from simulators.ble.gatt import CHARACTERISTIC
from simulators.ble.mind import Mind
from simulators.ble.peripheral import Advert, Faults, Peripheral
from simulators.ble.shown import DEVICE
from simulators.ble.tree import DBUS, Answer, ObjectTree, Refusal

BLUEZ = "org.bluez"
TEMPORARY_S = 30.0
"""How long BlueZ keeps an unpaired device that falls silent (main.conf, TemporaryTimeout)."""


class MockBlueZ:
    """bluetoothd with one adapter and no radio, on the bus at `bus_address`.

    A peripheral is named by its address. Inside one event loop; every method that returns nothing
    and is not a coroutine has taken effect when it returns, as far as D-Bus carries it.
    """

    def __init__(
        self,
        bus_address: str,
        adapter: str = "hci0",
        *,
        temporary_s: float = TEMPORARY_S,
        single_minded: bool = False,
    ) -> None:
        """`single_minded`: the adapter can't connect while it scans or makes another connection."""
        self.bus_address = bus_address
        self._tree = ObjectTree(self._on_call, self._on_set, self._on_leave)
        self._agents = Agents(self._tree)
        self._news = asyncio.Event()
        self._adapter = Adapter(adapter, self._tree, self._news.set, single_minded=single_minded)
        self._temporary_s = temporary_s
        self._devices: dict[str, Device] = {}
        self._running = False
        self._methods: dict[tuple[str, str], Callable[[Message], Awaitable[Answer]]] = {
            (ADAPTER, "SetDiscoveryFilter"): self._adapter.set_filter,
            (ADAPTER, "StartDiscovery"): self._adapter.start_discovery,
            (ADAPTER, "StopDiscovery"): self._stop_discovery,
            (ADAPTER, "RemoveDevice"): self._remove_device,
            (AGENT_MANAGER, "RegisterAgent"): self._agents.register,
            (AGENT_MANAGER, "RequestDefaultAgent"): self._agents.make_default,
            (AGENT_MANAGER, "UnregisterAgent"): self._agents.unregister,
        }
        self._device_methods: dict[
            tuple[str, str], Callable[[Device, Message], Awaitable[Answer]]
        ] = {
            (DEVICE, "Connect"): Device.connect,
            (DEVICE, "Disconnect"): Device.disconnect,
            (DEVICE, "Pair"): Device.pair,
            (CHARACTERISTIC, "StartNotify"): Device.start_notify,
            (CHARACTERISTIC, "StopNotify"): Device.stop_notify,
            (CHARACTERISTIC, "AcquireNotify"): Device.acquire_notify,
            (CHARACTERISTIC, "ReadValue"): Device.read,
            (CHARACTERISTIC, "WriteValue"): Device.write,
        }

    async def __aenter__(self) -> Self:
        await self.come_back()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for device in self._devices.values():
            await device.close()
        await self.vanish()

    @property
    def reached_by(self) -> dict[str, str]:
        """Where a client finds it: DBUS_SYSTEM_BUS_ADDRESS."""
        return {"bus": self.bus_address}

    # Peripherals ------------------------------------------------------------------------------

    def add_peripheral(self, peripheral: Peripheral, mind: Mind | None = None) -> None:
        """It is in the room, asleep. Raises ValueError for an address that is there already.

        `mind`: how it answers what is read and written; without one it gives fixed values.
        """
        if peripheral.address in self._devices:
            raise ValueError(f"there is a peripheral {peripheral.address} already")
        self._devices[peripheral.address] = Device(
            peripheral,
            self._adapter,
            self._agents,
            self._tree,
            self._temporary_s,
            self._news.set,
            mind,
        )

    def advertise(self, address: str, advert: Advert | None = None, for_s: float = 0.0) -> None:
        """Send this advertisement, or the peripheral's own, and repeat it for so long.

        A broadcaster repeats what it says, since nobody confirms it, and a scan has gaps.
        """
        device = self._devices[address]
        device.broadcast(advert or device.peripheral.advert, for_s)

    def wake(self, address: str) -> None:
        """Advertise, and take a connection, until it sleeps."""
        self._devices[address].wake()

    def sleep(self, address: str) -> None:
        self._devices[address].sleep()

    def store(self, address: str, characteristic: str, *values: bytes) -> None:
        """The peripheral measured: it wakes and holds these until a subscriber takes them."""
        self._devices[address].store(characteristic, *values)

    def stored(self, address: str) -> int:
        """How many values wait to be taken."""
        return self._devices[address].stored

    def indicate(self, address: str, characteristic: str, value: bytes) -> bool:
        """Notify or indicate now. False where nobody is subscribed: the value is lost."""
        return self._devices[address].say(characteristic, value)

    @property
    def scanning(self) -> bool:
        """Whether a client scans: what is advertised meanwhile is heard."""
        return self._adapter.listens

    def connected(self, address: str) -> bool:
        return self._devices[address].connected

    def bonded(self, address: str) -> bool:
        return self._devices[address].shown.bonded

    def subscribed(self, address: str, characteristic: str) -> bool:
        return self._devices[address].subscribed(characteristic)

    def written(self, address: str) -> list[tuple[str, bytes]]:
        """(characteristic, value) of each write, in order."""
        return self._devices[address].written

    # Faults -----------------------------------------------------------------------------------

    def faults(self, address: str) -> Faults:
        """What goes wrong next with that peripheral: set its fields."""
        return self._devices[address].faults

    def drop(self, address: str) -> None:
        """The link is lost."""
        self._devices[address].drop()

    def forget_bond(self, address: str) -> None:
        """The peripheral was reset: it knows the gateway no more, and BlueZ does not know that."""
        self._devices[address].remembers_bond = False

    def rename(self, address: str, alias: str) -> None:
        """Change BlueZ's object of the device by something that is no advertisement."""
        self._devices[address].shown.rename(alias)

    def lose_scan(self) -> None:
        """BlueZ still says that it discovers, and hears nothing any more.

        It does so: github.com/bluez/bluez/issues/807.
        """
        self._adapter.clear()

    def power(self, on: bool) -> None:
        """Switch the adapter. Off ends every link and every scan."""
        if not on:
            for device in self._devices.values():
                device.drop()
        self._adapter.set_power(on)
        self._silence_if_deaf()

    def freeze(self) -> None:
        """bluetoothd hangs: it stays on the bus and answers nothing until `thaw`."""
        self._tree.freeze()

    def thaw(self) -> None:
        self._tree.thaw()

    async def vanish(self) -> None:
        """bluetoothd dies: no signal says what became of its objects."""
        if self._running:
            self._running = False
            for device in self._devices.values():
                device.vanish()
            self._adapter.clear()
            self._agents.clear()
            await self._tree.close()

    async def come_back(self) -> None:
        """bluetoothd starts: it owns its name first, and shows its objects then."""
        await self._tree.open(self.bus_address, BLUEZ)
        self._running = True
        self._tree.add("/org/bluez", {AGENT_MANAGER: {}})
        self._tree.add(self._adapter.path, self._adapter.interfaces())
        for device in self._devices.values():
            if device.shown.bonded:
                device.shown.show()

    # Waiting ----------------------------------------------------------------------------------

    async def until(self, condition: Callable[[], bool], limit_s: float = 10.0) -> None:
        """Return once the condition holds; it is looked at whenever something changes here.

        Raises TimeoutError.
        """
        async with asyncio.timeout(limit_s):
            while not condition():
                self._news.clear()
                await self._news.wait()

    async def drained(self) -> None:
        """Return when the bus has read all that was sent until now."""
        await self._tree.drained()

    # D-Bus ------------------------------------------------------------------------------------

    async def _on_call(self, call: Message) -> Answer:
        key = (str(call.interface), str(call.member))
        if key in self._methods:
            return await self._methods[key](call)
        device = self._device_at(str(call.path))
        if device is None or key not in self._device_methods:
            raise Refusal(f"{DBUS}.Error.UnknownMethod", f"no {'.'.join(key)} at {call.path}")
        return await self._device_methods[key](device, call)

    async def _on_set(self, path: str, interface: str, name: str, value: object) -> None:
        if (interface, name) == (ADAPTER, "Powered"):
            self.power(bool(value))
        elif interface == DEVICE and name in ("Trusted", "Blocked", "Alias"):
            held = self._tree.objects[path][DEVICE][name]
            self._tree.update(path, DEVICE, {name: type(held)(held.signature, value)})
        else:
            raise Refusal(f"{DBUS}.Error.PropertyReadOnly", f"{name} can't be set")

    def _on_leave(self, client: str) -> None:
        self._agents.forget(client)
        self._adapter.forget(client)
        self._silence_if_deaf()
        for device in self._devices.values():
            device.forget_client(client)

    async def _stop_discovery(self, call: Message) -> Answer:
        answer = await self._adapter.stop_discovery(call)
        self._silence_if_deaf()
        return answer

    async def _remove_device(self, call: Message) -> Answer:
        device = self._device_at(call.body[0])
        if device is None or not device.shown.known:
            raise Refusal("org.bluez.Error.DoesNotExist", "Does Not Exist")
        device.remove()
        return Answer()

    def _silence_if_deaf(self) -> None:
        if not self._adapter.listens:
            for device in self._devices.values():
                device.shown.silence()

    def _device_at(self, path: str) -> Device | None:
        """The device whose object, or whose service's object, is at the path."""
        head = path.removeprefix(f"{self._adapter.path}/dev_").split("/")[0]
        return self._devices.get(head.replace("_", ":"))
