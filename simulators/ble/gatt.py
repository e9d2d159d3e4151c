"""A peripheral's services as BlueZ exports them: one object for each service, characteristic and
its configuration descriptor, by handle (doc/org.bluez.GattService.rst and its neighbours)."""

from collections.abc import Iterator

from dbus_fast import Variant

from simulators.ble.peripheral import Characteristic, Service, uuid_of
from simulators.ble.tree import NO, YES, Interfaces

SERVICE = "org.bluez.GattService1"
CHARACTERISTIC = "org.bluez.GattCharacteristic1"
DESCRIPTOR = "org.bluez.GattDescriptor1"
CONFIGURATION = "2902"
FIRST_HANDLE = 0x000C
MTU = 247


def characteristics(
    device: str, services: tuple[Service, ...]
) -> Iterator[tuple[str, Characteristic]]:
    """(path, characteristic) of each."""
    for path, _, item in _layout(device, services):
        if isinstance(item, Characteristic):
            yield path, item


def objects(device: str, services: tuple[Service, ...]) -> Iterator[tuple[str, Interfaces]]:
    """(path, interfaces) in the order in which BlueZ announces them."""
    for path, parent, item in _layout(device, services):
        if isinstance(item, Service):
            yield (
                path,
                {
                    SERVICE: {
                        "UUID": Variant("s", uuid_of(item.uuid)),
                        "Device": Variant("o", parent),
                        "Primary": YES,
                        "Includes": Variant("ao", []),
                    }
                },
            )
        elif isinstance(item, Characteristic):
            yield (
                path,
                {
                    CHARACTERISTIC: {
                        "UUID": Variant("s", uuid_of(item.uuid)),
                        "Service": Variant("o", parent),
                        "Value": Variant("ay", b""),
                        "Flags": Variant("as", list(item.flags)),
                        "MTU": Variant("q", MTU),
                        **({"Notifying": NO} if _speaks(item) else {}),
                        **({"NotifyAcquired": NO} if _speaks(item) else {}),
                    }
                },
            )
        else:
            yield (
                path,
                {
                    DESCRIPTOR: {
                        "UUID": Variant("s", uuid_of(item)),
                        "Characteristic": Variant("o", parent),
                        "Value": Variant("ay", b""),
                        "Flags": Variant("as", ["read", "write"]),
                    }
                },
            )


def _speaks(characteristic: Characteristic) -> bool:
    return bool({"notify", "indicate"} & set(characteristic.flags))


def _layout(
    device: str, services: tuple[Service, ...]
) -> Iterator[tuple[str, str, Service | Characteristic | str]]:
    """(path, parent's path, what is there) of each object; handles count up as on a device."""
    handle = FIRST_HANDLE
    for service in services:
        service_path = f"{device}/service{handle:04x}"
        handle += 1
        yield service_path, device, service
        for characteristic in service.characteristics:
            path = f"{service_path}/char{handle:04x}"
            handle += 2
            yield path, service_path, characteristic
            if _speaks(characteristic):
                yield f"{path}/desc{handle:04x}", path, CONFIGURATION
                handle += 1
