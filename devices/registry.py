"""Finds the catalogue's devices, and the one that a frame belongs to.

Every module of devices/catalog holds one `DEVICE`. A frame is matched by its claims through
dictionaries, so the cost does not grow with the catalogue.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from devices import catalog
from devices.codec import Claim, Device, full_uuid
from devices.model import Advertisement, CharacteristicValue, MqttMessage, Raw


class ClaimClash(ValueError):
    """Two devices claim the same frames, or have the same key."""


@dataclass(frozen=True, slots=True)
class Index:
    """Devices by what they claim. `topics` is a tree of topic levels; its leaves are under ""."""

    keys: dict[str, Device] = field(default_factory=dict)
    characteristics: dict[str, Device] = field(default_factory=dict)
    service_data: dict[str, Device] = field(default_factory=dict)
    manufacturers: dict[int, Device] = field(default_factory=dict)
    topics: dict[str, Any] = field(default_factory=dict)

    def match(self, raw: Raw) -> Device | None:
        """The device that claims the frame. Of several topic filters, the most exact."""
        match raw:
            case MqttMessage():
                return _topic_match(self.topics, raw.topic.split("/"), 0)
            case CharacteristicValue():
                return self.characteristics.get(raw.characteristic)
            case Advertisement():
                for uuid in raw.service_data:
                    if uuid in self.service_data:
                        return self.service_data[uuid]
                for company in raw.manufacturer_data:
                    if company in self.manufacturers:
                        return self.manufacturers[company]
                return None


def index(devices: Iterable[Device]) -> Index:
    """The index of these devices. Raises ClaimClash."""
    result = Index()
    for device in devices:
        _put(result.keys, device.key, device)
        for claim in device.claims:
            _put_claim(result, claim, device)
    return result


def _put_claim(result: Index, claim: Claim, device: Device) -> None:
    if claim.characteristic is not None:
        _put(result.characteristics, claim.characteristic, device)
        _put(result.characteristics, full_uuid(claim.characteristic), device)
    if claim.service_data is not None:
        _put(result.service_data, claim.service_data, device)
    if claim.manufacturer is not None:
        _put(result.manufacturers, claim.manufacturer, device)
    if claim.topic is not None:
        node = result.topics
        for level in claim.topic.split("/"):
            node = node.setdefault(level, {})
        _put(node, "", device)


def _put(table: dict[Any, Any], key: object, device: Device) -> None:
    if key in table:
        raise ClaimClash(f"{device.key} and {table[key].key} both claim {key or 'one topic'!r}")
    table[key] = device


def _topic_match(node: dict[str, Any], levels: list[str], at: int) -> Device | None:
    """MQTT 3.1.1 section 4.7: "+" is one level, "#" the rest and the parent itself."""
    if at == len(levels):
        found = node.get("") or node.get("#", {}).get("")
        return found if isinstance(found, Device) else None
    for level in (levels[at], "+"):
        if level and level in node:
            deeper = _topic_match(node[level], levels, at + 1)
            if deeper is not None:
                return deeper
    rest = node.get("#", {}).get("")
    return rest if isinstance(rest, Device) else None


@cache
def devices() -> tuple[Device, ...]:
    """Every device of the catalogue, by key."""
    found = (
        import_module(f"{catalog.__name__}.{module.name}").DEVICE
        for module in iter_modules(catalog.__path__)
    )
    return tuple(sorted(found, key=lambda device: device.key))


@cache
def _catalogue() -> Index:
    return index(devices())


def match(raw: Raw) -> Device | None:
    """The catalogue's device that claims the frame."""
    return _catalogue().match(raw)


def by_key(key: str) -> Device | None:
    """The catalogue's device of that key ("gatt.blood_pressure")."""
    return _catalogue().keys.get(key)
