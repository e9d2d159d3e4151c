"""What a device is to Homebeat: its claims, both directions, its vectors and its source."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from devices.model import (
    Advertisement,
    CharacteristicValue,
    Decoded,
    Event,
    Measurement,
    MqttMessage,
    Raw,
)

Known = Mapping[str, object]
"""Facts learned or configured about one device: {"bindkey": "231d...", "exposes": {...}}."""
NOTHING_KNOWN: Known = MappingProxyType({})


class DecodeError(Exception):
    """A frame that can't be understood, with its bytes and why."""

    def __init__(self, reason: str, raw: bytes) -> None:
        super().__init__(f"{reason} (bytes: {raw.hex() or 'none'})")
        self.reason = reason
        self.raw = raw


class KnownBy(StrEnum):
    """How far a device is known."""

    SPECIFICATION = "specification"
    CAPTURED = "captured frames"
    HARDWARE = "tried on hardware"


@dataclass(frozen=True, slots=True)
class Claim:
    """What a device hears as its own. Exactly one field is set.

    characteristic: "2A35"; service_data: a full lower-case UUID; manufacturer: a company id;
    topic: an MQTT filter ("zigbee2mqtt/#").
    """

    characteristic: str | None = None
    service_data: str | None = None
    manufacturer: int | None = None
    topic: str | None = None


@dataclass(frozen=True, slots=True)
class Gatt:
    """How to listen to a device over GATT: its service, and what to subscribe to, in order."""

    service: str
    subscribe: tuple[str, ...]
    bonded: bool = True
    names: tuple[str, ...] = ()
    """Beginnings of names of devices that do not advertise the service."""
    reads: tuple[str, ...] = ()
    """What is read as the link opens, where it is offered: without it the rest has no meaning."""
    set_clock: bool = True
    """Its clock, where it has one, is compared with ours and then set."""
    records: str = ""
    """The control point by which it is asked for its records ("2A52"), once it was subscribed to.
    The records come as the first characteristic of `subscribe`, and tell their number: the fact
    `sequence`, or of each of its `records` the `time_offset_min`."""
    counts_from: str = ""
    """The characteristic that tells the fact `start`, from which on the records are counted, where
    they are: they come in the order of their numbers, and another start is another count."""
    users: str = ""
    """The control point by which it is told who is measured ("2A9F"): it keeps silent before."""
    steady: str = ""
    """The characteristic of which a person's values close together are one measurement: a scale
    says it more than once while it comes to rest, and the last one stands."""


@dataclass(frozen=True, slots=True)
class Vector:
    """A frame and what it says, from an outside source: never from our own encoder.

    `expected` maps a metric to (value, unit), an event to its detail, and "taken_at", "quality",
    "user" to theirs, as `summary` gives them; None: the frame must be refused.
    """

    frame: str
    """Hex, or the text of an MQTT payload."""
    expected: Mapping[str, object] | None
    source: str
    at: str = ""
    """Where it was heard: a characteristic, a service data UUID, or a topic."""
    known: Known = field(default_factory=dict)
    address: str = "00:00:00:00:00:00"
    lossless: bool = True
    """False where its maker wrote the same content in other bytes than our encoder does."""
    note: str = ""
    facts: Mapping[str, object] | None = None
    """The facts that it tells, by name. None: its source says nothing of them."""
    open_ended: bool = False
    """True where no flag promises how long it is (a text, a list): cut, it may mean less."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a device says something, and what a listener has to hold to understand it there.

    `at` and `known` as in a `Vector`. `told`: the frames that tell what is known, as (at, bytes),
    in order; they come first, and a broker keeps them.
    """

    at: str
    known: Known = field(default_factory=dict)
    told: tuple[tuple[str, bytes], ...] = ()


def no_places(name: str) -> tuple[Place, ...]:
    """Of a device that says everything where its vectors do."""
    return ()


def no_note(raw: Raw, known: Known) -> str:
    """Of a device whose frames all say something, or whose facts speak for themselves."""
    return ""


def subject_of(raw: Raw) -> str:
    """The address of what was heard over Bluetooth, the topic of what came over MQTT."""
    return raw.topic if isinstance(raw, MqttMessage) else raw.address


@dataclass(frozen=True, slots=True)
class Device:
    """One device or profile. `decode` raises DecodeError and nothing else, for any input.

    `encode(measurements=(), events=(), facts=(), known=NOTHING_KNOWN)` takes what `decode` gave
    and returns the bytes as they are on air (or in the payload). Where a device speaks on several
    characteristics or topics, known["at"] says on which. A value becomes the nearest of the
    frame's own steps. ValueError: such a frame can't say it.
    """

    key: str
    title: str
    known_by: KnownBy
    sources: tuple[str, ...]
    claims: tuple[Claim, ...]
    metrics: tuple[str, ...]
    decode: Callable[[Raw, Known], Decoded]
    encode: Callable[..., bytes]
    vectors: tuple[Vector, ...]
    events: tuple[str, ...] = ()
    gatt: Gatt | None = None
    quirks: Mapping[str, str] = field(default_factory=dict)
    """Beginnings of names, and the quirk that devices named so have."""
    subject: Callable[[Raw], str] = subject_of
    """The `device` of what a frame says: known before it is decoded, to look up its facts."""
    note: Callable[[Raw, Known], str] = no_note
    """What a frame is that was decoded to no measurement and no event: for who asks what it means.
    Empty: no more to say. It raises nothing."""
    places: Callable[[str], Iterable[Place]] = no_places
    """Where it says a metric or an event, beside the places of its vectors: so it can be played."""


BASE_UUID_TAIL = "-0000-1000-8000-00805f9b34fb"
"""The end of an assigned number's full UUID (Bluetooth Core, volume 3, part B, 2.5.1)."""


def full_uuid(assigned: str) -> str:
    """The 128-bit form of "2A35": "00002a35-0000-1000-8000-00805f9b34fb"."""
    return f"0000{assigned.lower()}{BASE_UUID_TAIL}"


def assigned_number(uuid: str) -> str:
    """The reverse of `full_uuid`; a maker's own UUID, or what is short already, as it came."""
    if uuid.endswith(BASE_UUID_TAIL) and uuid.startswith("0000"):
        return uuid[4:8].upper()
    return uuid


def raw_bytes(raw: Raw) -> bytes:
    """The bytes of a frame, for an error: all data of an advertisement one after the other."""
    match raw:
        case CharacteristicValue():
            return raw.value
        case MqttMessage():
            return raw.payload
        case Advertisement():
            return b"".join((*raw.service_data.values(), *raw.manufacturer_data.values()))


def summary(decoded: Decoded) -> dict[str, object]:
    """What a frame said, in the form of `Vector.expected`; several of one name become a list."""
    said: dict[str, list[object]] = {}
    for measurement in decoded.measurements:
        said.setdefault(measurement.metric, []).append((measurement.value, measurement.unit))
    for event in decoded.events:
        said.setdefault(event.event, []).append(event.detail)
    result = {name: items[0] if len(items) == 1 else items for name, items in said.items()}
    spoken: tuple[Measurement | Event, ...] = (*decoded.measurements, *decoded.events)
    taken_at = next((item.taken_at for item in spoken if item.taken_at), None)
    if taken_at:
        result["taken_at"] = taken_at.isoformat()
    for measurement in decoded.measurements[:1]:
        if measurement.quality:
            result["quality"] = [str(flag) for flag in measurement.quality]
        if measurement.user is not None:
            result["user"] = measurement.user
    return result
