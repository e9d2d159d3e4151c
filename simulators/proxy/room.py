"""The devices that proxies hear, and how well each of them is heard where."""

from collections.abc import Callable
from types import TracebackType
from typing import Self

from simulators.ble.mind import Mind
from simulators.ble.peripheral import Advert, Faults, Peripheral
from simulators.proxy.air import on_air
from simulators.proxy.device import RoomDevice

Ear = Callable[[RoomDevice, bytes, int], None]
"""Gets a device, the bytes of its advertisement, and its own signal in dBm."""


class Room:
    """Peripherals by address. It can do for them what `simulators.ble.bluez.MockBlueZ` can."""

    def __init__(self) -> None:
        self.ears: list[Ear] = []
        self._devices: dict[str, RoomDevice] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for device in self._devices.values():
            await device.close()

    def add_peripheral(self, peripheral: Peripheral, mind: Mind | None = None) -> None:
        """It is in the room, asleep. Raises ValueError for an address that is there already."""
        if peripheral.address in self._devices:
            raise ValueError(f"there is a peripheral {peripheral.address} already")
        self._devices[peripheral.address] = RoomDevice(peripheral, mind, self._advertised)

    def at(self, address: str) -> RoomDevice | None:
        return self._devices.get(address)

    def device(self, address: str) -> RoomDevice:
        return self._devices[address]

    def advertise(self, address: str, advert: Advert | None = None, for_s: float = 0.0) -> None:
        """Send this advertisement, or the peripheral's own, and repeat it for so long."""
        device = self._devices[address]
        device.broadcast(advert or device.peripheral.advert, for_s)

    def wake(self, address: str) -> None:
        self._devices[address].wake()

    def sleep(self, address: str) -> None:
        self._devices[address].sleep()

    def store(self, address: str, characteristic: str, *values: bytes) -> None:
        self._devices[address].store(characteristic, *values)

    def faults(self, address: str) -> Faults:
        """What goes wrong next with that peripheral: set its fields."""
        return self._devices[address].faults

    def _advertised(self, device: RoomDevice, advert: Advert) -> None:
        data = on_air(advert, device.peripheral.name)
        for ear in tuple(self.ears):
            ear(device, data, advert.rssi_dbm)
