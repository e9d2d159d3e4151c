"""Decoders that need a library of their own: here, and not in the catalogue, which is pure.

Each is imported only where a home has such a device, or `homebeat decode` is asked.
"""

from collections.abc import Collection
from importlib import import_module

from devices.codec import Device
from devices.model import Advertisement

ADAPTERS = {"xiaomi": "gateway.xiaomi"}
"""The key of a device, and the module that holds it as `DEVICE`."""


def adapters(keys: Collection[str] = tuple(ADAPTERS)) -> tuple[Device, ...]:
    """The adapters among these keys. Keys of the catalogue are passed over."""
    return tuple(import_module(ADAPTERS[key]).DEVICE for key in sorted(keys) if key in ADAPTERS)


def is_sealed(raw: Advertisement) -> bool:
    """Whether an adapter claims it and needs the device's key to read it."""
    return any(import_module(module).is_sealed(raw) for module in ADAPTERS.values())
