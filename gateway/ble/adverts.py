"""Which advertisements are worth passing on: fresh ones, and a repeated one only now and then.

A radio hears the same packet many times a second, and bleak calls for every change of BlueZ's
object of a device, with all that BlueZ remembers of it. Neither must make one press two.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

DATA = ("ServiceData", "ManufacturerData")
LINK = ("Connected", "ServicesResolved", "Paired", "Bonded", "Trusted", "Alias")
"""Properties of BlueZ's object of a device that no advertisement changes."""
MOST_DEVICES = 2_000
"""Remembered at once. Phones nearby change their addresses every quarter of an hour."""


@dataclass(frozen=True, slots=True)
class Packet:
    """What one signal about a device brought."""

    advertised: bool
    """The device is on the air and can be connected to, as far as one can tell."""
    service_data: Mapping[str, bytes]
    manufacturer_data: Mapping[int, bytes]


def as_heard(service_data: Mapping[str, bytes], manufacturer_data: Mapping[int, bytes]) -> Packet:
    """Of a stack that tells of each advertisement by itself, and remembers nothing in it."""
    return Packet(True, service_data, manufacturer_data)


class Fresh:
    """Tells what a signal brought from what BlueZ only remembers.

    BlueZ keeps a device's last data, and bleak hands it all over whenever anything changes (a name,
    the link), so a press of an hour ago would be heard again. bleak replaces the value of a
    property only when BlueZ sent it: what is still the same object is old. BlueZ drops RSSI when
    the scan ends, so without it nothing was heard since.
    """

    def __init__(self) -> None:
        self._last: dict[str, tuple[tuple[object, ...], tuple[object, ...]]] = {}

    def packet(self, path: str, properties: Mapping[str, Any]) -> Packet:
        """`properties` are BlueZ's of the device at `path`, as bleak holds them."""
        data = tuple(properties.get(name) for name in DATA)
        link = tuple(properties.get(name) for name in LINK)
        old_data, old_link = self._last.pop(path, ((None, None), link))
        _put(self._last, path, (data, link))
        service, manufacturer = (
            {} if new is None or new is old else {key: bytes(held) for key, held in new.items()}
            for new, old in zip(data, old_data, strict=True)
        )
        heard = "RSSI" in properties and not properties.get("Connected")
        return Packet(heard and link == old_link, service, manufacturer)


class Repeats:
    """Lets the same thing through once while it is repeated, and again after `refresh_s`.

    It counts as repeated while no two are further apart than `gap_s`.
    """

    def __init__(self, gap_s: float, refresh_s: float) -> None:
        self._gap_s = gap_s
        self._refresh_s = refresh_s
        self._last: dict[Hashable, tuple[float, float]] = {}

    def is_news(self, thing: Hashable, now_s: float) -> bool:
        heard_s, passed_s = self._last.pop(thing, (-float("inf"), -float("inf")))
        news = now_s - heard_s > self._gap_s or now_s - passed_s >= self._refresh_s
        _put(self._last, thing, (now_s, now_s if news else passed_s))
        return news


def _put(table: dict[Any, Any], key: Hashable, value: object) -> None:
    """As the newest; the oldest goes where there are too many."""
    table[key] = value
    if len(table) > MOST_DEVICES:
        del table[next(iter(table))]
