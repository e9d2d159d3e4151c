"""Which radio visits a device that several hear: its bond's holder, else our own, else a proxy.

Many devices keep one bond only, so a device that is bonded is not taken to another radio because
that one happens to hear it better today. Each radio is named by its source: the address of a
proxy, or OWN.
"""

import asyncio
from collections.abc import Callable, Collection
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from bleak import BleakClient
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData

from gateway.ble.state import ProxyState
from gateway.ble.timing import Timing

OWN = "own"
BOND = "bonded_by"
"""The fact that keeps which radio holds a device's bond."""
HEARD_S = 5.0
"""A radio that heard a device so long ago hears it still."""


class Links(Protocol):
    """What opens links: a `Stack`, or all proxies together."""

    lost: asyncio.Event

    @property
    def client(self) -> type[BleakClient]: ...

    async def is_bonded(self, found: BLEDevice) -> bool: ...


class Ear(Protocol):
    """What may have to be silent while a link is made: a `Scan` does."""

    def held(self) -> AbstractAsyncContextManager[None]: ...


class Elsewhere(Links, Protocol):
    """The radios that are not this machine's: `proxies.Proxies` has them."""

    states: dict[str, ProxyState]

    async def run(self, heard: Callable[[BLEDevice, AdvertisementData], None]) -> None:
        """Until cancelled. Each advertisement is told once for each radio that hears it."""

    async def has_room(self, address: str, bond: str | None) -> None:
        """Return once a radio that hears the device has a free slot, and let it be the one.

        `bond`: the source that is preferred. Raises TimeoutError.
        """

    def holder(self, address: str) -> str:
        """The source whose link to the device is open; empty: none is."""


def source(found: BLEDevice) -> str:
    """Which radio found the device."""
    details = found.details
    said = details.get("source") if isinstance(details, dict) else None
    return said if isinstance(said, str) else OWN


def choose(
    heard_by: Collection[str], awake_s: float, bond: str | None, timing: Timing, *, own: bool
) -> str | None:
    """The source to take; "" for any proxy; None: wait, the right one may hear it yet.

    `heard_by` are those that hear the device now, `awake_s` how long it has been on the air, `own`
    whether this machine has a radio.
    """
    if bond in heard_by:
        return bond
    if bond is not None and awake_s < timing.bond_first_s:
        return None
    if OWN in heard_by:
        return OWN
    if own and awake_s < timing.own_first_s:
        return None
    return "" if heard_by else None
