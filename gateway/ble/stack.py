"""What the radio needs of a Bluetooth stack: an adapter that hears, links that open, and bonds.

BlueZ is one (bluez.py), a stack of our own over a bare adapter another. A stack is opened with what
it has to know of the home for pairing, and is what it says of itself until it is closed.
"""

import asyncio
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from bleak import BleakClient, BleakScanner
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from bleak.exc import BleakError

from gateway.ble.adverts import Packet


class StackFailed(Exception):
    """A stack can't be used, or has ended; the message says why and what to do, in words."""


if sys.platform == "win32":  # dbus-fast does not load there, and there is no BlueZ
    BUS_ERRORS = (StackFailed, OSError, EOFError, TimeoutError)
else:
    from dbus_fast.errors import DBusFastError

    BUS_ERRORS = (StackFailed, OSError, EOFError, TimeoutError, DBusFastError)
"""What opening or asking a stack can raise: the other end, the bus, or nobody in time."""

RADIO_ERRORS = (BleakError, *BUS_ERRORS, AssertionError, AttributeError, KeyError)
"""What a call of bleak can raise. The last three come from its inside when the bus or the device
goes away beneath it (bleak-retry-connector catches them for the same reason)."""

Heard = Callable[[BLEDevice, AdvertisementData], None]


@dataclass(frozen=True, slots=True)
class Pairing:
    """With whom the home pairs, and the digits for it. Both functions get an address on the air."""

    is_ours: Callable[[str], bool]
    passkey: Callable[[str], int | None]
    can_type: bool = False
    """The digits of some device are known, so that the home can say that it has keys."""


class Stack(Protocol):
    """A stack while it is open.

    `changed` is set whenever what it says of itself changes, `usable` while an adapter can be used.
    `lost` is set, and replaced, when what was begun is gone: the service died, or the adapter was
    switched off or pulled out.
    """

    changed: asyncio.Event
    usable: asyncio.Event
    lost: asyncio.Event
    running: bool
    """The service behind it answers."""

    @property
    def adapter(self) -> str:
        """The name of the adapter in use; empty while none can be used."""

    @property
    def trouble(self) -> str:
        """Why no adapter can be used, in words; empty while one can."""

    @property
    def client(self) -> type[BleakClient]:
        """What opens a link to a device that its scanner found. Pairs where it is told to."""

    def scanner(self, heard: Heard) -> BleakScanner:
        """A scanner that tells repeats too; it is not started yet."""

    def packet(self, data: AdvertisementData) -> Packet:
        """What is new in what its scanner said."""

    async def is_bonded(self, found: BLEDevice) -> bool:
        """Whether it holds a bond with the device. False where it does not know the device."""

    async def linked(self, services: Sequence[str]) -> Sequence[BLEDevice]:
        """Devices with one of these services (full UUIDs) whose link is open already.

        Raises one of RADIO_ERRORS.
        """

    async def until_closed(self) -> None:
        """Return when the stack ended by itself. May raise what ended it, one of BUS_ERRORS."""


OpenStack = Callable[[Pairing, float], AbstractAsyncContextManager[Stack]]
"""Opens a stack; the second argument limits each of its calls that needs no device, in seconds.
Entering it raises one of BUS_ERRORS where it can't be used."""
