"""What a device of the catalogue sends to say something, found from the catalogue itself.

A device says each thing at a place: a characteristic, a kind of data in its advertisement, a
topic; and sometimes only to a listener who knows facts that it told before. Its vectors show such
places with what is known there, and `Device.places` names more of them. Where a topic's words say
what is measured, the metric's own name is tried as such a word. A place is right where what was
encoded decodes to what was meant: so nothing has to be written down for a device twice.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from itertools import product

from devices.codec import NOTHING_KNOWN, DecodeError, Device, Known, Place, Vector
from devices.metrics import METRICS
from devices.model import (
    Advertisement,
    CharacteristicValue,
    Decoded,
    Event,
    Fact,
    Measurement,
    MqttMessage,
    Raw,
)
from devices.registry import by_key, index, match
from devices.units import to_canonical

ADDRESS = "A4:C1:38:00:00:01"
"""Of a played Bluetooth device, until a tester gives another."""
UNNAMED, NAMED = "FRIENDLY_NAME", "simulated"
"""How an outside source writes the name that each device has of its own, and what ours is."""
HEARD_AT = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)
CONFIGURED = ("bindkey", "quirk")
"""Facts that nobody tells over the air: a person wrote them into the settings."""
DETAILS = ("press", "single", "release", "hold_release", "emergency", "fall", "on")
"""Usual words for a press, a call and a fall, where no vector shows the device's own."""
NEAR = 0.02
"""How far, of itself, a value may be moved to the nearest of its frame's steps."""


class Unsayable(Exception):
    """The device has no place where it can say that; the message says what to write instead."""


class Over(StrEnum):
    """What carries a device's frames."""

    GATT = "gatt"
    ADVERTISEMENT = "advertisement"
    MQTT = "mqtt"


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame as it is sent. `after_s`: how long after the one before it."""

    at: str
    content: bytes
    retained: bool = False
    after_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Saying:
    """What is to be said, by a device that the home knows as `subject`."""

    measurements: tuple[Measurement, ...] = ()
    events: tuple[Event, ...] = ()
    facts: tuple[Fact, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return (
            *(item.metric for item in self.measurements),
            *(item.event for item in self.events),
        )

    def one_by_one(self) -> Iterator["Saying"]:
        """Each thing alone, as devices say it that have one topic for each."""
        yield from (Saying((item,)) for item in self.measurements)
        yield from (Saying(events=(item,)) for item in self.events)
        yield from (Saying(facts=(item,)) for item in self.facts)


@dataclass(frozen=True, slots=True)
class Spoken:
    """`announced` comes first, once; `frames` say what was to be said, one after the other."""

    codec: Device
    subject: str
    announced: tuple[Frame, ...]
    frames: tuple[Frame, ...]
    names: tuple[str, ...]
    """The metrics and events that they say."""
    known: Mapping[str, Known] = field(default_factory=dict)
    """What a listener knows after the announcements and the settings, by frame's `at`."""


def over(codec: Device) -> Over:
    """What carries its frames."""
    claim = codec.claims[0]
    if claim.topic is not None:
        return Over.MQTT
    return Over.GATT if claim.characteristic is not None else Over.ADVERTISEMENT


def heard(codec: Device, frame: Frame, address: str, at: datetime = HEARD_AT) -> Raw:
    """The frame, as a gateway hears it."""
    if over(codec) is Over.MQTT:
        return MqttMessage(
            topic=frame.at, payload=frame.content, received_at=at, retained=frame.retained
        )
    if over(codec) is Over.GATT:
        return CharacteristicValue(
            address=address, characteristic=frame.at, value=frame.content, received_at=at
        )
    if any(claim.service_data == frame.at for claim in codec.claims):
        return Advertisement(
            address=address, received_at=at, service_data={frame.at: frame.content}
        )
    return Advertisement(
        address=address, received_at=at, manufacturer_data={int(frame.at, 16): frame.content}
    )


def own_name(codec: Device) -> str:
    """What it is called where a tester does not say: its address, or the device of its messages;
    empty: as its vectors have it."""
    if over(codec) is not Over.MQTT:
        return ADDRESS
    named = subject_of(codec, codec.vectors[0].at, "")
    return named.replace(UNNAMED, NAMED) if UNNAMED in named else ""


def subject_of(codec: Device, at: str, address: str) -> str:
    return codec.subject(heard(codec, Frame(at, b""), address))


def spoken(
    codec: Device, saying: Saying, address: str = "", known: Known = NOTHING_KNOWN
) -> Spoken:
    """The frames with which the device says all of it: in one where it can.

    `address`: its Bluetooth address, or the `device` of its messages ("zigbee2mqtt/hall door");
    empty: that of its vectors. `known`: what its listener has in the settings, as its key. Raises
    Unsayable.
    """
    try:
        return _in_one(codec, saying, address, known)
    except Unsayable:
        parts = list(saying.one_by_one())
        if len(parts) < 2:
            raise
    said = [_in_one(codec, part, address, known) for part in parts]
    return Spoken(
        codec,
        said[0].subject,
        tuple(dict.fromkeys(frame for one in said for frame in one.announced)),
        tuple(frame for one in said for frame in one.frames),
        saying.names,
        {at: known for one in said for at, known in one.known.items()},
    )


def presence(said: Spoken) -> tuple[Frame, ...]:
    """The frame with which it says that it is there, where it has a word for that."""
    name, codec = "device_online", said.codec
    if over(codec) is not Over.MQTT or name not in codec.metrics or name in said.names:
        return ()
    there = saying({name: 1.0}, {name: METRICS[name].unit}, {}, {}, None)
    try:
        found = _in_one(codec, there, said.subject)
    except Unsayable:
        return ()
    return tuple(_kept(codec, frame) for frame in found.frames if not found.announced)


def _in_one(
    codec: Device, saying: Saying, address: str, configured: Known = NOTHING_KNOWN
) -> Spoken:
    candidates = [one for one in _candidates(codec, saying, address) if _is_of(one, address)]
    for timed in (True, False):
        for plain in candidates:
            known = {**plain.place.known, **configured}
            one = replace(plain, place=replace(plain.place, known=known))
            for said in _worded(codec, saying, one.device):
                told_too = replace(said, facts=said.facts or one.facts)
                content = said_at(codec, one.place, told_too)
                if content is None:
                    continue
                frame = Frame(one.place.at, content)
                if not _is_heard(codec, one, frame, said, timed=timed):
                    continue
                told = _told(codec, plain.place, one.device)
                if told is not None:
                    places = {one.place.at: known}
                    return Spoken(codec, one.device, told, (frame,), said.names, places)
    raise Unsayable(
        f"{codec.key} has no place where it says {', '.join(saying.names) or 'nothing'} "
        "like this: its vectors show what it says, and where"
    )


def _is_of(one: "_Candidate", address: str) -> bool:
    return address in {"", one.device, one.address.upper()}


def said_at(codec: Device, place: Place, saying: Saying) -> bytes | None:
    """The bytes with which it says so there; None where it can't."""
    try:
        return codec.encode(
            measurements=saying.measurements,
            events=saying.events,
            facts=saying.facts,
            known={"at": place.at, **place.known},
        )
    except (ValueError, OverflowError):
        return None


def decoded(codec: Device, frame: Frame, known: Known, address: str) -> Decoded | None:
    """What a listener with that knowledge hears; None where it is refused."""
    try:
        return codec.decode(heard(codec, frame, address), known)
    except DecodeError:
        return None


def _is_heard(codec: Device, one: "_Candidate", frame: Frame, said: Saying, *, timed: bool) -> bool:
    """Whether what was encoded says what was meant, all of it and no more."""
    if _matches(codec, heard(codec, frame, one.address)) is not codec:
        return False
    found = decoded(codec, frame, one.place.known, one.address)
    if found is None or found.unread:
        return False
    if said.facts and not said.names:
        told = [(fact.name, fact.value) for fact in found.facts]
        return all((fact.name, fact.value) in told for fact in said.facts)
    spoken: tuple[Measurement | Event, ...] = (*found.measurements, *found.events)
    wanted = [(item.metric, _canonical(item)) for item in said.measurements]
    values = [(item.metric, _canonical(item)) for item in found.measurements]
    return (
        all(item.device == one.device for item in spoken)
        and [item.event for item in found.events] == [item.event for item in said.events]
        and len(values) == len(wanted)
        and all(
            any(name == metric and near(value, meant) for name, value in values)
            for metric, meant in wanted
        )
        and (not timed or _times(said) == _times(Saying(found.measurements, found.events)))
    )


def _matches(codec: Device, raw: Raw) -> Device | None:
    """Who takes the frame: of the catalogue, where the device is in it."""
    return match(raw) if by_key(codec.key) is codec else index([codec]).match(raw)


def _canonical(item: Measurement) -> float:
    return to_canonical(item.metric, item.value, item.unit)


def near(value: float, meant: float) -> bool:
    """Whether it is the value that was meant, moved to a step of its frame."""
    return abs(value - meant) <= max(abs(meant) * NEAR, 0.5 if abs(meant) > 1 else 0.05)


def _times(saying: Saying) -> set[datetime | None]:
    spoken: tuple[Measurement | Event, ...] = (*saying.measurements, *saying.events)
    return {item.taken_at for item in spoken}


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A place to be tried. `facts`: those of a frame that belongs there."""

    place: Place
    device: str
    address: str
    facts: tuple[Fact, ...] = ()


def _candidates(codec: Device, saying: Saying, address: str) -> Iterator[_Candidate]:
    """The plainest first."""
    shown = [row for vector in codec.vectors for row in _shown(codec, vector, address)]
    yield from (replace(one, facts=()) for one in shown)
    yield from (one for one in shown if one.facts)
    for name in saying.names:
        for place in codec.places(name):
            yield _candidate(codec, place, address)
    if over(codec) is Over.MQTT and len(saying.names) == 1:
        for one in shown:
            for at in _named_after(one.place.at, saying.names[0]):
                yield _candidate(codec, replace(one.place, at=at), address)


def _candidate(codec: Device, place: Place, address: str) -> _Candidate:
    moved = _moved_place(codec, place, address)
    return _Candidate(moved, subject_of(codec, moved.at, address or ADDRESS), address or ADDRESS)


def _moved_place(codec: Device, place: Place, address: str) -> Place:
    """The place of another device of its kind, with what tells of it."""
    own = subject_of(codec, place.at, ADDRESS)
    at = _moved(codec, place.at, address)
    if at == place.at or not place.told:
        return replace(place, at=at)
    told = tuple(
        (topic.replace(own, address, 1), content.replace(own.encode(), address.encode()))
        for topic, content in place.told
    )
    heard_ = (decoded(codec, Frame(*one), NOTHING_KNOWN, ADDRESS) or Decoded() for one in told)
    facts = [fact for found in heard_ for fact in found.facts if fact.device in (at, address)]
    return Place(at, {fact.name: fact.value for fact in facts}, told)


def _shown(codec: Device, vector: Vector, address: str) -> Iterator[_Candidate]:
    """The place of a vector, for each device that speaks in it."""
    if vector.expected is None:
        return
    own = ADDRESS if vector.address == Vector("", {}, "").address else vector.address
    who = address or own
    place = Place(_moved(codec, vector.at, address), vector.known)
    found = decoded(codec, Frame(vector.at, vector_bytes(codec, vector)), vector.known, who)
    subject = subject_of(codec, place.at, who)
    if found is None:
        return
    items: tuple[Measurement | Event | Fact, ...] = (
        *found.measurements,
        *found.events,
        *found.facts,
    )
    speakers = [address] if address else [subject, *(item.device for item in items)]
    for device in dict.fromkeys(speakers):
        yield _Candidate(place, device, who, found.facts)


def _moved(codec: Device, at: str, address: str) -> str:
    """The topic of another device of its kind; what is no topic stays where it is."""
    if over(codec) is not Over.MQTT or not address:
        return at
    own = subject_of(codec, at, "")
    return at.replace(own, address, 1) if own else at


def _named_after(topic: str, name: str) -> Iterator[str]:
    """The topic with one of its levels called by what is measured, the last first."""
    levels = topic.split("/")
    for place in reversed(range(1, len(levels))):
        if not levels[place].startswith("$"):
            yield "/".join((*levels[:place], name, *levels[place + 1 :]))


def vector_bytes(codec: Device, vector: Vector) -> bytes:
    """The bytes of a vector's frame."""
    return vector.frame.encode() if over(codec) is Over.MQTT else bytes.fromhex(vector.frame)


def _worded(codec: Device, saying: Saying, subject: str) -> Iterator[Saying]:
    """The saying in the device's own name, and events in the words that devices have for them.

    Of a device that has several of a part, the first one says it.
    """
    facts = tuple(Fact(device=subject, name=fact.name, value=fact.value) for fact in saying.facts)
    details = _details(codec, saying.events[0]) if saying.events else (None,)
    for detail, part in product(details, (None, 1)):
        yield Saying(
            tuple(_of(item, subject, part) for item in saying.measurements),
            tuple(
                Event(
                    device=subject,
                    event=item.event,
                    key=item.key,
                    taken_at=item.taken_at,
                    detail=item.detail or detail,
                    part=item.part or part,
                )
                for item in saying.events
            ),
            facts,
        )


def _of(item: Measurement, subject: str, part: int | None) -> Measurement:
    return Measurement(
        device=subject,
        metric=item.metric,
        value=item.value,
        unit=item.unit,
        taken_at=item.taken_at,
        quality=item.quality,
        user=item.user,
        part=item.part or part,
    )


def _details(codec: Device, event: Event) -> Iterable[str | None]:
    if event.detail is not None:
        return (event.detail,)
    shown = (
        vector.expected[event.event]
        for vector in codec.vectors
        if vector.expected and event.event in vector.expected
    )
    return dict.fromkeys((*(word for word in shown if isinstance(word, str)), None, *DETAILS))


def _told(codec: Device, place: Place, subject: str) -> tuple[Frame, ...] | None:
    """The frames that tell what has to be known there; None where nothing tells it."""
    if place.told:
        return tuple(_kept(codec, Frame(at, content)) for at, content in place.told)
    frames: dict[Frame, None] = {}
    for name, value in place.known.items():
        if name in CONFIGURED:
            continue
        frame = _telling(codec, Fact(device=subject, name=name, value=value))
        if frame is None:
            return None
        frames[_kept(codec, frame)] = None
    return tuple(frames)


def _telling(codec: Device, fact: Fact) -> Frame | None:
    """A frame that tells this fact: one of an outside source, else one of the device's encoder."""
    for vector in codec.vectors:
        if vector.expected is None:
            continue
        own = Frame(vector.at, vector_bytes(codec, vector))
        place = Place(_moved_to(codec, vector.at, fact.device))
        made = said_at(codec, place, Saying(facts=(fact,)))
        for frame in (own, Frame(place.at, made or b"")):
            found = decoded(codec, frame, NOTHING_KNOWN, ADDRESS)
            if found is not None and fact in found.facts:
                return frame
    return None


def _moved_to(codec: Device, at: str, subject: str) -> str:
    return _moved(codec, at, subject) if "/bridge/" not in at else at


def _kept(codec: Device, frame: Frame) -> Frame:
    return replace(frame, retained=over(codec) is Over.MQTT)


def saying(
    measured: Mapping[str, float],
    units: Mapping[str, str],
    events: Mapping[str, str | None],
    facts: Mapping[str, object],
    taken_at: datetime | None,
) -> Saying:
    """What is to be said, of a device whose name is not yet known. Values are in `units`."""
    return Saying(
        tuple(
            Measurement(device="", metric=name, value=value, unit=units[name], taken_at=taken_at)
            for name, value in measured.items()
        ),
        tuple(
            Event(device="", event=name, detail=detail, taken_at=taken_at)
            for name, detail in events.items()
        ),
        tuple(Fact(device="", name=name, value=value) for name, value in facts.items()),
    )


def facts_told(codec: Device) -> Sequence[str]:
    """The names of the facts that its vectors tell, whether or not their sources say so."""
    shown = (one for vector in codec.vectors for one in _shown(codec, vector, ""))
    named = (name for vector in codec.vectors for name in vector.facts or ())
    return list(dict.fromkeys((*named, *(fact.name for one in shown for fact in one.facts))))
