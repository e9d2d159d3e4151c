"""Adding a device at home, in one place: what is nearby, what was added, and both in force at once.

The home hears broadcasts and the broker, the radio meets devices that are to be visited: this
brings the two together.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from devices.registry import by_key
from devices.roles import ROLES, roles_for
from gateway.belongs import TELLS_APART
from gateway.ble.settings import BleDevice
from gateway.config import HomeDevice
from gateway.enrol import IN_WORDS, Enrolled, Stage
from gateway.fitting import said_by_kind, wrong_role
from gateway.home import Home
from gateway.journal import Journal
from gateway.kit import Found, home_device, kind_title, made_by

LONGEST_NAME = 60
PASSKEY_DIGITS = 6
_BINDKEY_LENGTHS = (0, 24, 32)
"""None; MiBeacon's older keys; AES-128 in hex."""


class Nearby(Struct, frozen=True):
    """A device that could be added."""

    device: str
    title: str
    kind: str
    kind_title: str
    says: str
    at: datetime
    tells_apart: bool
    """Whether several may share it: it measures what tells people apart."""
    sealed: bool
    """It can be read only with its key."""
    pairs: bool
    """It is paired with, and may want a passkey for it."""
    roles: tuple[str, ...] = ()
    """Where it may sit, by what it says: keys of devices.roles.ROLES."""


class Added(Struct, frozen=True):
    """A device of the home. `stage` is "settings" where the settings name it: nothing is proved."""

    device: str
    name: str
    kind: str
    kind_title: str
    people: tuple[str, ...]
    stage: str
    state: str
    next: str
    tells_apart: bool
    made: str = ""
    """Who made it, and which one it is, where it told."""
    role: str = ""
    roles: tuple[str, ...] = ()
    """Where it may sit, by what it says."""


class KitList(Struct, frozen=True):
    added: tuple[Added, ...]
    nearby: tuple[Nearby, ...]


def devices_of(configured: Sequence[HomeDevice], journal: Journal) -> list[HomeDevice]:
    """Those of the settings, and those that were added; the settings win."""
    named = {device.device for device in configured}
    added = (home_device(one) for one in journal.kit.enrolled() if one.device not in named)
    return [*configured, *(device for device in added if device is not None)]


class Onboarding:
    """May be called from any thread; the radio is told in the thread of `loop`."""

    def __init__(
        self,
        home: Home,
        configured: Sequence[HomeDevice],
        radio: Any,
        on_air: Callable[[HomeDevice], BleDevice | None],
    ) -> None:
        """`on_air`: the device as the radio knows it; None where it is none of the radio's."""
        self.loop: asyncio.AbstractEventLoop | None = None
        self._home = home
        self._configured = configured
        self._radio = radio
        self._on_air = on_air

    def kit(self) -> KitList:
        with self._home.journal() as journal:
            added = journal.kit.enrolled()
        named = {device.device for device in self._configured}
        return KitList(
            (
                *(
                    _added(one, made_by(self._home.known(one.device)), self._roles(one))
                    for one in added
                    if one.device not in named
                ),
                *(
                    _of_the_settings(device, made_by(self._home.known(device.device)))
                    for device in self._configured
                ),
            ),
            tuple(_nearby(found) for found in self._found()),
        )

    def enrol(
        self,
        device: str,
        name: str,
        people: Sequence[str],
        bindkey: str = "",
        passkey: str = "",
        role: str | None = None,
    ) -> Enrolled:
        """Add what is nearby, or change what was added. Raises ValueError, in words.

        `role`: where it sits, empty for nowhere in particular; None: as before.
        """
        digits = passkey.replace(" ", "")
        if digits and not (digits.isdecimal() and len(digits) == PASSKEY_DIGITS):
            raise ValueError("A code for pairing has six digits.")
        name, bindkey = " ".join(name.split()), bindkey.strip().lower()
        if not 0 < len(name) <= LONGEST_NAME:
            raise ValueError(f"Give it a name of up to {LONGEST_NAME} letters.")
        if len(bindkey) not in _BINDKEY_LENGTHS or set(bindkey) - set("0123456789abcdef"):
            raise ValueError("A key has 32 of the signs 0 to 9 and a to f.")
        with self._home.journal() as journal:
            before = journal.kit.get(device)
        if before is not None:
            found: Found | None = Found(device, before.kind, "", "", before.added_at)
        else:
            found = next((one for one in self._found() if one.device == device), None)
        if found is None:
            raise ValueError("This device is not nearby any more. Switch it on and look again.")
        self._check_role(found, role or "")
        enrolled = self._home.enrol(
            found, name, people, bindkey, int(digits) if digits else None, role
        )
        self._tell_radio(before, enrolled)
        return enrolled

    def place(self, device: str, role: str) -> Enrolled:
        """Say anew where an added device sits. Raises ValueError, in words."""
        with self._home.journal() as journal:
            before = journal.kit.get(device)
        if before is None:
            raise ValueError("This device is not here any more.")
        return self.enrol(device, before.name, before.people, role=role)

    def _check_role(self, found: Found, role: str) -> None:
        says = found.signs | self._home.signs(found.device) or said_by_kind(found.kind)
        if role and wrong_role(role, None, says):
            known = "It can't be there" if role in ROLES else "There is no such place"
            raise ValueError(f"{known}: this device does not say what that needs.")

    def _roles(self, one: Enrolled) -> tuple[str, ...]:
        """By what it said, or could; and where it is."""
        says = self._home.signs(one.device) or said_by_kind(one.kind)
        fitting = [role.key for role in roles_for(says)]
        return tuple(key for key in ROLES if key in fitting or key == one.role)

    def dismiss(self, device: str) -> bool:
        with self._home.journal() as journal:
            before = journal.kit.get(device)
        gone = self._home.dismiss(device)
        self._tell_radio(before, None)
        return gone

    def _found(self) -> list[Found]:
        strangers = () if self._radio is None else tuple(self._radio.state.strangers.values())
        met = [Found(one.address, one.kind, one.name, "", one.last_seen) for one in strangers]
        named = {device.device for device in self._configured}
        with self._home.journal() as journal:
            return [one for one in journal.kit.found(met) if one.device not in named]

    def _tell_radio(self, before: Enrolled | None, after: Enrolled | None) -> None:
        if self._radio is None or self.loop is None:
            return
        gone = None if before is None else home_device(before)
        new = None if after is None else home_device(after)
        for device, tell in ((gone, self._radio.dismiss), (new, self._radio.enrol)):
            on_air = None if device is None else self._on_air(device)
            if on_air is not None:
                self.loop.call_soon_threadsafe(tell, on_air)


def _tells_apart(key: str) -> bool:
    kind = by_key(key)
    return kind is None or any(metric in TELLS_APART for metric in kind.metrics)


def _nearby(found: Found) -> Nearby:
    return Nearby(
        found.device,
        found.title,
        found.kind,
        kind_title(found.kind),
        found.says,
        found.at,
        _tells_apart(found.kind),
        found.sealed,
        _pairs(found.kind),
        tuple(role.key for role in roles_for(found.signs or said_by_kind(found.kind))),
    )


def _pairs(key: str) -> bool:
    kind = by_key(key)
    return kind is not None and kind.gatt is not None and kind.gatt.bonded


def _added(one: Enrolled, made: str, roles: tuple[str, ...]) -> Added:
    words = IN_WORDS[Stage(one.stage)]
    return Added(
        one.device,
        one.name,
        one.kind,
        kind_title(one.kind),
        one.people,
        one.stage,
        words.state,
        words.next,
        _tells_apart(one.kind),
        made,
        one.role,
        roles,
    )


def _of_the_settings(device: HomeDevice, made: str) -> Added:
    return Added(
        device.device,
        device.name or device.device,
        device.kind,
        kind_title(device.kind),
        device.people,
        "settings",
        "Set up by whoever installed this.",
        "",
        _tells_apart(device.kind),
        made,
        device.role,
    )
