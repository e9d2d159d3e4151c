"""An advertisement as bytes (Core Supplement, Part A, 1): at most 31, as on the air."""

from collections.abc import Iterator

from bumble.core import UUID, AdvertisingData

from simulators.ble.peripheral import Advert, uuid_of

MOST_BYTES = 31
BASE = "-0000-1000-8000-00805f9b34fb"
KINDS = AdvertisingData.Type
GENERAL_LE_ONLY = b"\x06"

SERVICE_LIST = {
    2: KINDS.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS,
    16: KINDS.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS,
}
SERVICE_DATA = {2: KINDS.SERVICE_DATA_16_BIT_UUID, 16: KINDS.SERVICE_DATA_128_BIT_UUID}
"""By the bytes of the UUID."""


def uuid(name: str) -> UUID:
    """Of "1810" or a full UUID; as short as it can be."""
    full = uuid_of(name)
    return UUID(full[4:8] if full.startswith("0000") and full.endswith(BASE) else full)


def encoded(advert: Advert, name: str) -> bytes:
    """The name comes last, and short if it has to be.

    Raises ValueError where the rest is too long.
    """
    built = b"".join(_structure(kind, data) for kind, data in _parts(advert))
    if len(built) > MOST_BYTES:
        raise ValueError(f"{len(built)} bytes are too many for an advertisement")
    said = name.encode()
    room = MOST_BYTES - len(built) - 2
    if not said or room <= 0:
        return built
    kind = KINDS.COMPLETE_LOCAL_NAME if len(said) <= room else KINDS.SHORTENED_LOCAL_NAME
    return built + _structure(kind, said[:room])


def _parts(advert: Advert) -> Iterator[tuple[int, bytes]]:
    yield KINDS.FLAGS, GENERAL_LE_ONLY
    for service in advert.service_uuids:
        short = bytes(uuid(service))
        yield SERVICE_LIST[len(short)], short
    for service, data in advert.service_data.items():
        short = bytes(uuid(service))
        yield SERVICE_DATA[len(short)], short + data
    for company, data in advert.manufacturer_data.items():
        yield KINDS.MANUFACTURER_SPECIFIC_DATA, company.to_bytes(2, "little") + data


def _structure(kind: int, data: bytes) -> bytes:
    return bytes((len(data) + 1, kind)) + data
