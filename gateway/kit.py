"""The devices of the home that were added on its page, and those nearby that could be."""

import sqlite3
from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec
from msgspec import Struct, structs

from devices.metrics import METRICS
from devices.model import Reading
from devices.registry import by_key
from gateway.adapters import adapters
from gateway.config import HomeDevice
from gateway.enrol import Enrolled, Stage, hear
from plumbing.queries import load_queries
from rules.records import DeviceState, encode

_SQL = load_queries("gateway.sql", "kit.sql")
_enrolled = msgspec.json.Decoder(Enrolled).decode

MOST_FOUND = 64
"""Devices nearby that are remembered, until the gateway ends; the newest."""
MOST_ENROLLED = 100
SHOWN_METRICS = 3
OF_ITSELF = frozenset({"battery", "battery_low", "battery_charging", "device_online"})
"""What a device says of itself, and not of the person."""
REMOVED = "removed"


def kind_title(key: str) -> str:
    """ "Blood pressure monitor": without the profile, which stands in brackets. "": not known."""
    kind = by_key(key) or next(iter(adapters({key})), None)
    return "" if kind is None else kind.title.partition(" (")[0]


class Found(Struct, frozen=True):
    """A device that was heard and is not of this home. `says`: what it measures, in words."""

    device: str
    kind: str
    """A key of the catalogue; empty for one of [[mqtt.mappings]]."""
    name: str
    """Under which it goes on the air, where it says so; its topic at the broker."""
    says: str
    at: datetime
    sealed: bool = False
    """What it says is encrypted: its key is needed to read it."""
    signs: frozenset[str] = frozenset()
    """What it said from which a role could follow."""

    @property
    def title(self) -> str:
        return self.name or kind_title(self.kind) or self.device


class Kit:
    """What was added and what was found. Whoever writes holds the journal's transaction."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._found: dict[str, Found] = {}
        self.awaits = False
        """Whether a reading could take a device further: mostly not, and each reading asks."""
        self.start_over()

    def start_over(self) -> None:
        """As the disk has it."""
        rows = self._db.execute(_SQL["enrolled"])
        self._enrolled = {one.device: one for one in (_enrolled(body) for (body,) in rows)}
        self._count()

    def enrolled(self) -> list[Enrolled]:
        """The newest first."""
        return sorted(self._enrolled.values(), key=lambda one: one.added_at, reverse=True)

    def get(self, device: str) -> Enrolled | None:
        return self._enrolled.get(device)

    def put(self, enrolled: Enrolled) -> None:
        self._enrolled[enrolled.device] = enrolled
        self._db.execute(_SQL["put_enrolled"], (enrolled.device, encode(enrolled)))
        self._found.pop(enrolled.device, None)
        self._count()

    def drop(self, device: str) -> None:
        self._enrolled.pop(device, None)
        self._db.execute(_SQL["drop_enrolled"], (device,))
        self._count()

    def is_awaited(self, device: str) -> bool:
        """Whether a reading of it takes it further."""
        enrolled = self._enrolled.get(device)
        return enrolled is not None and enrolled.stage is not Stage.PROVED

    def hear(self, reading: Reading) -> Enrolled | None:
        """A new reading of an awaited device. The device, where it is at another stage now.

        Its battery proves nothing: a device may tell that and never measure.
        """
        if reading.metric in OF_ITSELF:
            return None
        before = self._enrolled[reading.device]
        after = hear(before, reading)
        self.put(after)
        return after if after.stage is not before.stage else None

    def _count(self) -> None:
        stages = (enrolled.stage for enrolled in self._enrolled.values())
        self.awaits = any(stage is not Stage.PROVED for stage in stages)

    def note(self, strangers: Iterable[Found]) -> None:
        for stranger in strangers:
            before = self._found.pop(stranger.device, stranger)
            signs = before.signs | stranger.signs
            self._found[stranger.device] = structs.replace(stranger, signs=signs)
            if len(self._found) > MOST_FOUND:
                del self._found[next(iter(self._found))]

    def found(self, others: Iterable[Found] = ()) -> list[Found]:
        """The newest first; `others` are those that the radio met."""
        met = {one.device: one for one in others} | self._found
        left = (one for one in met.values() if one.device not in self._enrolled)
        return sorted(left, key=lambda one: one.at, reverse=True)[:MOST_FOUND]


def home_device(enrolled: Enrolled) -> HomeDevice | None:
    """As [[devices]] of the settings would name it; None while it is nobody's."""
    if not enrolled.people:
        return None
    first, *others = enrolled.people
    return HomeDevice(
        device=enrolled.device,
        patient=first,
        patients=tuple(others),
        kind=enrolled.kind,
        name=enrolled.name,
        bindkey=enrolled.bindkey,
        passkey=enrolled.passkey,
        role=enrolled.role,
    )


def state_of(enrolled: Enrolled, at: datetime, stage: str = "") -> DeviceState:
    """What the server is told of it."""
    value: Mapping[str, object] = {
        "stage": stage or enrolled.stage,
        "name": enrolled.name,
        "kind": enrolled.kind,
        "people": enrolled.people,
        "role": enrolled.role,
    }
    return DeviceState(device=enrolled.device, name="enrolment", value=value, at=at)


def made_by(known: Mapping[str, object]) -> str:
    """ "Maker Model 1, version 1.0.2, serial number 0042": the facts of device information."""
    said = {name: str(known[name]).strip() for name in _MADE if known.get(name)}
    maker = " ".join(said[name] for name in ("manufacturer", "model") if name in said)
    parts = [maker, *(f"{words} {said[name]}" for name, words in _NUMBERED if name in said)]
    return ", ".join(part for part in parts if part)


_NUMBERED = (("firmware_revision", "version"), ("serial_number", "serial number"))
_MADE = ("manufacturer", "model", *(name for name, _ in _NUMBERED))


def what_it_says(metrics: Iterable[str]) -> str:
    """ "Weight, Body fat": the titles of the first few."""
    known = dict.fromkeys(METRICS[name].title for name in metrics if name in METRICS)
    return ", ".join(list(known)[:SHOWN_METRICS])
