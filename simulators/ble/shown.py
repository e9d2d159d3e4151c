"""org.bluez.Device1 as BlueZ shows it: what it heard of a device, and for how long it keeps it."""

import asyncio
from collections.abc import Callable

from dbus_fast import Variant

from simulators.ble.adapter import Adapter
from simulators.ble.peripheral import Advert, Peripheral, uuid_of
from simulators.ble.tree import NO, ObjectTree, Properties

DEVICE = "org.bluez.Device1"

RSSI_STEP_DBM = 8
"""BlueZ reports no smaller change of the signal to a client that wants no repeats."""


class Shown:
    """The object of one device. `in_use`: whether there is a link, so that it has to stay."""

    def __init__(
        self,
        peripheral: Peripheral,
        adapter: Adapter,
        tree: ObjectTree,
        temporary_s: float,
        in_use: Callable[[], bool],
    ) -> None:
        self.path = f"{adapter.path}/dev_{peripheral.address.replace(':', '_')}"
        self.bonded = False
        self._peripheral = peripheral
        self._adapter = adapter
        self._tree = tree
        self._temporary_s = temporary_s
        self._in_use = in_use
        self._rssi_dbm: int | None = None
        self._heard_s = 0.0
        self._forgetting: asyncio.TimerHandle | None = None

    @property
    def known(self) -> bool:
        return self.path in self._tree.objects

    def set(self, **flags: bool) -> None:
        changed = {name: Variant("b", flag) for name, flag in flags.items()}
        self._tree.update(self.path, DEVICE, changed)

    def bond(self) -> None:
        self.bonded = True
        self.set(Paired=True, Bonded=True)

    def offer(self, services: list[str]) -> None:
        """The services that were found, as full UUIDs."""
        self._tree.update(self.path, DEVICE, {"UUIDs": Variant("as", services)})

    def hear(self, advert: Advert) -> None:
        """One advertisement arrives, if the adapter listens."""
        if not self._adapter.listens:
            return
        self._heard_s = asyncio.get_running_loop().time()
        changed = _properties(advert)
        if not self.known:
            self._rssi_dbm = advert.rssi_dbm
            self.show(changed)
            return
        if not self._adapter.repeats:
            changed = self._differing(changed, advert.rssi_dbm)
        if "RSSI" in changed:
            self._rssi_dbm = advert.rssi_dbm
        if changed:
            self._tree.update(self.path, DEVICE, changed)

    def show(self, extra: Properties | None = None) -> None:
        """Export the object."""
        address, name = self._peripheral.address, self._peripheral.name
        bonded = Variant("b", self.bonded)
        properties = {
            "Address": Variant("s", address),
            "AddressType": Variant("s", "public"),
            "Alias": Variant("s", name or address.replace(":", "-")),
            "Paired": bonded,
            "Bonded": bonded,
            "Trusted": bonded,
            "Blocked": NO,
            "LegacyPairing": NO,
            "Connected": NO,
            "ServicesResolved": NO,
            "UUIDs": Variant("as", []),
            "Adapter": Variant("o", self._adapter.path),
        }
        if name:
            properties["Name"] = Variant("s", name)
        self._tree.add(self.path, {DEVICE: properties | (extra or {})})
        loop = asyncio.get_running_loop()
        self._heard_s = loop.time()
        if self._forgetting is None:
            self._forgetting = loop.call_later(self._temporary_s, self._forget)

    def silence(self) -> None:
        """The last scan ended: BlueZ drops the signal strength."""
        if self.known and self._tree.value(self.path, DEVICE, "RSSI") is not None:
            self._tree.update(self.path, DEVICE, {}, ["RSSI"])
        self._rssi_dbm = None

    def rename(self, alias: str) -> None:
        """A change of the object that is no advertisement."""
        if self.known:
            self._tree.update(self.path, DEVICE, {"Alias": Variant("s", alias)})

    def remove(self) -> None:
        self.bonded = False
        self._tree.remove(self.path)

    def vanish(self) -> None:
        """bluetoothd is gone, and with it what only it knew."""
        self._rssi_dbm = None
        if self._forgetting is not None:
            self._forgetting.cancel()
            self._forgetting = None

    def _differing(self, advertised: Properties, rssi_dbm: int) -> Properties:
        """What BlueZ reports of an advertisement where nobody asked for repeats."""
        held = self._tree.objects[self.path][DEVICE]
        near = self._rssi_dbm is not None and abs(self._rssi_dbm - rssi_dbm) < RSSI_STEP_DBM
        return {
            name: value
            for name, value in advertised.items()
            if (not near if name == "RSSI" else held.get(name) != value)
        }

    def _forget(self) -> None:
        """An object without bond or link goes away when it was not heard for a while."""
        self._forgetting = None
        if not self.known or self.bonded:
            return
        loop = asyncio.get_running_loop()
        left_s = self._heard_s + self._temporary_s - loop.time()
        if self._in_use() or left_s > 0:
            self._forgetting = loop.call_later(max(left_s, 0.1), self._forget)
        else:
            self._tree.remove(self.path)


def _properties(advert: Advert) -> Properties:
    """What an advertisement says, as properties of the device."""
    said = {"RSSI": Variant("n", advert.rssi_dbm)}
    if advert.service_uuids:
        said["UUIDs"] = Variant("as", [uuid_of(uuid) for uuid in advert.service_uuids])
    if advert.service_data:
        services = advert.service_data.items()
        said["ServiceData"] = Variant(
            "a{sv}", {uuid_of(uuid): Variant("ay", data) for uuid, data in services}
        )
    if advert.manufacturer_data:
        makers = advert.manufacturer_data.items()
        said["ManufacturerData"] = Variant(
            "a{qv}", {company: Variant("ay", data) for company, data in makers}
        )
    return said
