"""An advertisement as its bytes on the air: structures of length, type and data.

Source: Core Specification Supplement, part A, and Assigned Numbers, 2.3 (common data types).
"""

from collections.abc import Iterator
from uuid import UUID

from simulators.ble.peripheral import Advert, uuid_of

FLAGS, NAME = 0x01, 0x09
UUIDS_16, UUIDS_128 = 0x03, 0x07
SERVICE_DATA_16, SERVICE_DATA_128 = 0x16, 0x21
MANUFACTURER = 0xFF
GENERAL_DISCOVERABLE_LE_ONLY = b"\x06"
MOST_BYTES = 62
"""The advertisement and its scan response, which a proxy passes on as one."""
_BASE = "-0000-1000-8000-00805f9b34fb"


def on_air(advert: Advert, name: str) -> bytes:
    """The name goes last, cut to what is left, as devices do."""
    data = b"".join(_structure(kind, body) for kind, body in _parts(advert))
    room = MOST_BYTES - len(data) - 2
    if name and room > 0:
        data += _structure(NAME, name.encode()[:room])
    if len(data) > MOST_BYTES:
        raise ValueError(f"{len(data)} bytes do not fit into an advertisement")
    return data


def _parts(advert: Advert) -> Iterator[tuple[int, bytes]]:
    yield FLAGS, GENERAL_DISCOVERABLE_LE_ONLY
    for uuid in map(uuid_of, advert.service_uuids):
        yield (UUIDS_16 if _is_short(uuid) else UUIDS_128), _uuid(uuid)
    for uuid, data in advert.service_data.items():
        full = uuid_of(uuid)
        yield (SERVICE_DATA_16 if _is_short(full) else SERVICE_DATA_128), _uuid(full) + data
    for company, data in advert.manufacturer_data.items():
        yield MANUFACTURER, company.to_bytes(2, "little") + data


def _is_short(uuid: str) -> bool:
    return uuid.startswith("0000") and uuid.endswith(_BASE)


def _uuid(uuid: str) -> bytes:
    """Little-endian, in two bytes where that says it."""
    if _is_short(uuid):
        return int(uuid[4:8], 16).to_bytes(2, "little")
    return UUID(uuid).bytes[::-1]


def _structure(kind: int, body: bytes) -> bytes:
    return bytes((len(body) + 1, kind)) + body
