"""What the scan hears: which advertisements go on, who is awake, and who is a stranger."""

from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType

from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData

from devices.codec import Device, full_uuid
from devices.model import Advertisement
from devices.registry import Index
from gateway.ble.adverts import Packet, Repeats
from gateway.ble.queue import Queue, Room
from gateway.ble.state import DeviceState, RadioState, Stranger
from plumbing.clock import monotonic_s

REPEAT_GAP_S = 1.0
"""One press, one door: the same packet is repeated at least this often while it is said."""
REPEAT_REFRESH_S = 30.0
"""A beacon that never stops is passed on again after this: it is alive, and so is its value."""
STRANGER_S = 600.0
"""A device that is not of this home is passed on this often, whatever it says."""
MOST_STRANGERS = 64


class Told:
    """What was passed on already, by whichever radio: one press that two hear is one."""

    def __init__(self) -> None:
        self._repeats = Repeats(REPEAT_GAP_S, REPEAT_REFRESH_S)
        self.strangers = Repeats(STRANGER_S, STRANGER_S)

    def is_news(self, address: str, packet: Packet, now_s: float) -> bool:
        """Each part is held against what was said: BlueZ may tell the parts one by one."""
        parts = (*packet.service_data.items(), *packet.manufacturer_data.items())
        news = [self._repeats.is_news((address, *part), now_s) for part in parts]
        return any(news)


class Hearing:
    """Passes on what the catalogue claims, and tells `awake` of each device that advertises."""

    def __init__(
        self,
        catalogue: Index,
        queue: Queue,
        state: RadioState,
        clock: Callable[[], datetime],
        awake: Callable[[str, BLEDevice], None],
        packet: Callable[[AdvertisementData], Packet],
        names: Mapping[str, str] = MappingProxyType({}),
        told: Told | None = None,
    ) -> None:
        """`packet` tells what is new in what the scanner says.

        `names`: beginnings of names in small letters, and the id of the device named so.
        `told`: shared with those who hear the same devices by another radio.
        """
        self._catalogue = catalogue
        self._queue = queue
        self._state = state
        self._clock = clock
        self._awake = awake
        self._names = names
        self._packet = packet
        self._told = told or Told()

    def hear(self, found: BLEDevice, data: AdvertisementData) -> None:
        """bleak calls this for each change of a device's object while the scan is on."""
        packet = self._packet(data)
        address = found.address.upper()
        if packet.service_data or packet.manufacturer_data:
            self._pass_on(address, data, packet)
        if not packet.advertised:
            return
        state = self._state.devices.get(address) or self._named(data.local_name)
        if state is None:
            self._note_stranger(address, data)
            return
        state.last_seen = self._clock()
        state.rssi_dbm = data.rssi
        self._awake(state.address, found)

    def _named(self, name: str | None) -> DeviceState | None:
        """The home's device that goes by that name, whatever its address is today."""
        if not name or not self._names:
            return None
        small = name.casefold()
        found = (id_ for start, id_ in self._names.items() if small.startswith(start))
        return next((self._state.devices[id_] for id_ in found), None)

    def _pass_on(self, address: str, data: AdvertisementData, packet: Packet) -> None:
        advertisement = Advertisement(
            address=address,
            received_at=self._clock(),
            name=data.local_name,
            service_uuids=tuple(data.service_uuids),
            service_data=packet.service_data,
            manufacturer_data=packet.manufacturer_data,
            rssi_dbm=data.rssi if packet.advertised else None,
        )
        if self._catalogue.match(advertisement) is None:
            return
        now_s = monotonic_s()
        if address not in self._state.devices:
            if self._told.strangers.is_news(address, now_s):
                self._queue.put(advertisement, Room.STRANGER)
            return
        if self._told.is_news(address, packet, now_s):
            self._queue.put(advertisement, Room.ADVERTISEMENT)

    def _note_stranger(self, address: str, data: AdvertisementData) -> None:
        kind = self._kind_of(data)
        if kind is None:
            return
        strangers = self._state.strangers
        strangers.pop(address, None)
        strangers[address] = Stranger(address, kind.key, data.local_name or "", self._clock())
        if len(strangers) > MOST_STRANGERS:
            del strangers[next(iter(strangers))]

    def _kind_of(self, data: AdvertisementData) -> Device | None:
        """By the service that it advertises, else by its name: some do not advertise theirs."""
        visited = [(kind, kind.gatt) for kind in self._catalogue.keys.values() if kind.gatt]
        for kind, gatt in visited:
            if full_uuid(gatt.service) in data.service_uuids:
                return kind
        for kind, gatt in visited:
            if data.local_name and data.local_name.startswith(gatt.names):
                return kind
        return None
