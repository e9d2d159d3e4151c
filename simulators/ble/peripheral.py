"""What a simulated Bluetooth device is: data, and what may go wrong with it."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from devices.codec import full_uuid


def uuid_of(name: str) -> str:
    """The full UUID of "2A35"; a full UUID stays what it is, in lower case."""
    return full_uuid(name) if len(name) == 4 else name.lower()


class Pairing(StrEnum):
    """What the device asks for when it pairs."""

    NONE = "none"
    """It needs no bond."""
    JUST_WORKS = "just works"
    """Nobody compares or types anything, but an agent has to be there."""
    CONFIRM = "confirm"
    """Both sides show six digits: the agent needs a display."""
    PASSKEY = "passkey"
    """Its six digits are to be typed: the agent needs keys, and to know them."""
    REFUSED = "refused"
    """It is not in its pairing mode."""


class ConnectFault(StrEnum):
    """How one call of Connect or Pair goes wrong."""

    ABORT = "le-connection-abort-by-local"
    """The link opens and is cut at once."""
    IN_PROGRESS = "in progress"
    """BlueZ says that it is busy with another connection."""
    NO_ANSWER = "no answer"
    """Nothing happens until the caller gives up."""


@dataclass(frozen=True, slots=True)
class Characteristic:
    """`uuid` is "2A35" or a full UUID; `flags` are BlueZ's: read, write, notify, indicate."""

    uuid: str
    flags: tuple[str, ...]
    value: bytes = b""
    """What a read gives."""


@dataclass(frozen=True, slots=True)
class Service:
    uuid: str
    characteristics: tuple[Characteristic, ...] = ()


MAKER = "Homebeat simulator"


def upkeep_services(battery_pct: int = 80, model: str = "Model 1") -> tuple[Service, ...]:
    """What most devices offer beside their values: battery, and who made them."""
    texts = {"2A29": MAKER, "2A24": model, "2A26": "1.0.2", "2A25": "0042"}
    information = (
        Characteristic(uuid, ("read",), value=text.encode()) for uuid, text in texts.items()
    )
    level = Characteristic("2A19", ("read", "notify"), value=bytes((battery_pct,)))
    return Service("180F", (level,)), Service("180A", tuple(information))


@dataclass(frozen=True, slots=True)
class Advert:
    """One advertisement on the air. UUIDs are "1810" or full."""

    service_uuids: tuple[str, ...] = ()
    service_data: Mapping[str, bytes] = field(default_factory=dict)
    manufacturer_data: Mapping[int, bytes] = field(default_factory=dict)
    rssi_dbm: int = -60


@dataclass(frozen=True, slots=True)
class Peripheral:
    """One device. `advert` is what it sends while it is awake."""

    address: str
    name: str = ""
    services: tuple[Service, ...] = ()
    advert: Advert = field(default_factory=Advert)
    pairing: Pairing = Pairing.NONE
    passkey: int = 0
    """The digits that it shows, or that are printed on it."""
    interval_s: float = 0.25
    """Between two advertisements."""
    drops_link: bool = True
    """It ends the link, and sleeps, once it has sent all that it stored."""
    deaf_s: float = 0.0
    """It ignores a subscription written sooner than this after discovery; one maker's do 0.1 s."""


@dataclass(slots=True)
class Faults:
    """What goes wrong next; the tester's hand sets it."""

    connects: deque[ConnectFault] = field(default_factory=deque)
    """One for each of the next calls of Connect or Pair."""
    drop_when_resolved: int = 0
    """The link is lost this many times as soon as the services are there."""
    lose_confirmations: int = 0
    """The link is lost this many times after a value was sent: the device will send it again."""
    speaks_early: bool = False
    """The first value leaves before the subscription is answered."""
    resolve_after_s: float = 0.0
    """How long the services take."""
    resolved_before_objects: int = 0
    """This many times, ServicesResolved comes before the GATT objects do."""
    refuses_reads: set[str] = field(default_factory=set)
    """Characteristics ("2A19") of which a read is refused."""
    hangs_reads: set[str] = field(default_factory=set)
    """Characteristics of which a read gets no answer."""
