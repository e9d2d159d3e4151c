"""From what a radio or a broker delivered to readings about a person, or to quarantine.

`Intake.read` decides what one frame means: which decoder, whose device, which unit, when, and
whether it is plausible, a repeat of what was just heard, or nothing for us. It stores nothing.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct, structs

from devices.catalog.homeassistant import DISCOVERED
from devices.codec import DecodeError, Device
from devices.mapping import Mapping as TopicMapping
from devices.mapping import decoders
from devices.metrics import METRICS, Kind, Metric
from devices.model import (
    Advertisement,
    CharacteristicValue,
    Decoded,
    Event,
    Fact,
    Measurement,
    MqttMessage,
    Quality,
    Raw,
    Reading,
    reading_id,
)
from devices.registry import Index, by_key, index, match
from devices.roles import SIGNS
from devices.units import UnitError, to_canonical
from gateway.adapters import adapters, is_sealed
from gateway.config import FUTURE_LIMIT, HomeDevice
from gateway.kit import Found, what_it_says
from gateway.moments import When, earlier, when_taken
from gateway.places import Gone, Places
from rules.model import Person

ADVERT_REPEAT = timedelta(seconds=60)
"""An advertisement repeats a value many times a second: the same one is news after this."""
PACKET_REPEAT = timedelta(seconds=4)
"""A packet with the same id within this is the same one, still being advertised."""
BURST = timedelta(seconds=1)
"""One door opening can be published six times in 0.65 s."""
MAX_FRAME_BYTES = 256 * 1024


class Refused(Struct, frozen=True):
    """Why a frame, or a part of one, became no reading."""

    source: str
    raw: str
    reason: str


class Heard(Struct, frozen=True):
    """What one frame came to."""

    readings: tuple[Reading, ...] = ()
    facts: tuple[Fact, ...] = ()
    refused: tuple[Refused, ...] = ()
    strangers: tuple[Found, ...] = ()
    """Devices that are understood and are not of this home."""
    other_slot: frozenset[str] = frozenset()
    """The ids of readings that the device made for another of its users than its person."""


_BESIDE: Index = index(adapters())
"""What a library has to read: a stranger's frame is not read for that, it is only found."""
_NOTHING = Heard()
_NOTHING_SAID = Decoded()


class Intake:
    """Knows the home's devices and people, and what each device said last."""

    def __init__(
        self,
        devices: Sequence[HomeDevice],
        mappings: Sequence[TopicMapping],
        people: Mapping[str, Person],
        facts: Mapping[str, Mapping[str, object]],
    ) -> None:
        self._devices = {device.device: device for device in devices}
        self._known: dict[str, dict[str, object]] = {}
        self._places = Places()
        self._zones = {person.id: ZoneInfo(person.timezone) for person in people.values()}
        self._put_devices()
        self._mappings = decoders(mappings)
        self.start_over(facts)

    def start_over(self, facts: Mapping[str, Mapping[str, object]]) -> None:
        """Forget what was heard and not kept: a frame read again must not look like a repeat."""
        self._known = {device: dict(known) for device, known in facts.items()}
        self._give_bindkeys()
        self._last: dict[tuple[str, str, int | None], tuple[float, datetime]] = {}
        self._packets: dict[str, tuple[object, datetime]] = {}

    def read(self, raw: Raw) -> Heard:
        """Readings, facts and refusals of one frame. Raises nothing for any input."""
        if isinstance(raw, Advertisement) and raw.address not in self._people:
            beside = _BESIDE.match(raw) if match(raw) is None else None
            if beside is not None:
                return Heard(strangers=(self._found(raw, raw.address, (), beside),))
        try:
            decoded = self._decode(raw)
        except DecodeError as error:
            refused = (Refused(source_of(raw), raw_text(raw), error.reason),)
            return Heard(refused=refused, strangers=self._unread(raw, error.reason))
        except Exception as error:  # noqa: BLE001 - a decoder's mistake costs one frame, not the home
            reason = f"the decoder failed: {type(error).__name__}: {error}"
            return Heard(refused=(Refused(source_of(raw), raw_text(raw), reason),))
        if decoded == _NOTHING_SAID:
            return _NOTHING
        return self._about_people(raw, decoded)

    def _decode(self, raw: Raw) -> Decoded:
        if isinstance(raw, MqttMessage):
            if len(raw.payload) > MAX_FRAME_BYTES:
                raise DecodeError(f"a payload over {MAX_FRAME_BYTES} bytes", raw.payload[:64])
            mapped = self._mappings.get(raw.topic)
            if mapped is not None:
                return mapped(raw)
        device = match(raw) or self._adapters.match(raw)
        if device is None:
            device = self._announced(raw)
        if device is None:
            raise DecodeError(_unknown(raw), _bytes_of(raw))
        return device.decode(raw, self._known_for(device, raw))

    def _announced(self, raw: Raw) -> Device | None:
        """Who reads a topic that no device of the catalogue claims, but a discovery named."""
        if not isinstance(raw, MqttMessage):
            return None
        told = self._known.get(raw.topic, {})
        named = any(name.startswith(DISCOVERED) and told[name] for name in told)
        return by_key("homeassistant") if named else None

    def _known_for(self, device: Device, raw: Raw) -> Mapping[str, object]:
        """The facts of the device; with those of its topic, where a discovery told some."""
        subject = device.subject(raw)
        known = self._known.get(subject, {})
        if isinstance(raw, MqttMessage) and raw.topic != subject and raw.topic in self._known:
            return {**known, **self._known[raw.topic]}
        return known

    def _about_people(self, raw: Raw, decoded: Decoded) -> Heard:
        if isinstance(raw, Advertisement) and self._is_repeated_packet(raw, decoded.facts):
            return _NOTHING
        readings: list[Reading] = []
        refused = [Refused(source_of(raw), part.raw.hex(), part.reason) for part in decoded.unread]
        items: tuple[Measurement | Event, ...] = (*decoded.measurements, *decoded.events)
        other_slot: set[str] = set()
        news: list[Fact] = []
        for item in items:
            made: Reading | str | None
            if item.device in self._people and isinstance(item, Measurement):
                self._places.note(item.device, item.metric)
            if self._places.has(item.device):
                made = self._in_its_place(raw, item, readings, news)
            else:
                made = self._reading(raw, item)
            if isinstance(made, Reading):
                readings.append(made)
                if item.user is not None and item.user != self._slot(item.device, item.user):
                    other_slot.add(made.id)
            elif made is not None:
                refused.append(Refused(source_of(raw), raw_text(raw), made))
        news += (fact for fact in decoded.facts if self.learn(fact))
        strangers = self._strangers(raw, items)
        return Heard(tuple(readings), tuple(news), tuple(refused), strangers, frozenset(other_slot))

    def _in_its_place(
        self,
        raw: Raw,
        item: Measurement | Event,
        readings: list[Reading],
        news: list[Fact],
    ) -> Reading | str | None:
        """What it says by itself, as `_reading`; what follows from its place joins `readings`."""
        placed = self._places.place(raw, item, self._known.get(item.device, {}))
        if placed.state is not None:
            made = self._reading(raw, placed.state)
            if not isinstance(made, Reading):
                return made
            if isinstance(item, Measurement) and item.unit != made.unit:
                made = structs.replace(made, raw_value=item.value, raw_unit=item.unit)
            readings.append(made)
        if placed.fact is not None and self.learn(placed.fact):
            news.append(placed.fact)
        return None if placed.own is None else self._reading(raw, placed.own)

    def _slot(self, device: str, said: int) -> int:
        """The slot of the device's person; what it said where nobody knows, or several share it."""
        home = self._devices[device]
        if home.user_index is None or home.patients:
            return said
        return home.user_index

    def _strangers(self, raw: Raw, items: Sequence[Measurement | Event]) -> tuple[Found, ...]:
        """The devices of one frame that could be added."""
        said: dict[str, list[str]] = {}
        for item in items:
            if item.device not in self._people:
                name = item.event if isinstance(item, Event) else item.metric
                said.setdefault(item.device, []).append(name)
        return tuple(self._found(raw, device, names) for device, names in said.items())

    def _unread(self, raw: Raw, why: str) -> tuple[Found, ...]:
        """A stranger on the air whose frame can't be read: it may need its key."""
        if not isinstance(raw, Advertisement) or raw.address in self._people:
            return ()
        kind = match(raw)
        if kind is None:
            return ()
        found = self._found(raw, raw.address, (), kind)
        return (structs.replace(found, sealed="encrypted" in why),)

    def _found(
        self, raw: Raw, device: str, metrics: Sequence[str], kind: Device | None = None
    ) -> Found:
        mapped = isinstance(raw, MqttMessage) and raw.topic in self._mappings
        kind = None if mapped else kind or match(raw) or self._announced(raw)
        return Found(
            device,
            "" if kind is None else kind.key,
            device if isinstance(raw, MqttMessage) else raw.name or "",
            what_it_says(metrics),
            raw.received_at,
            isinstance(raw, Advertisement) and is_sealed(raw),
            SIGNS.intersection(metrics),
        )

    def _reading(self, raw: Raw, item: Measurement | Event) -> Reading | str | None:
        """A reading, a reason to refuse it, or None for a repeat of what was just heard."""
        quality: tuple[Quality, ...] = ()
        if isinstance(item, Event):
            name, said, unit = item.event, 1.0, "1"
        else:
            name, said, unit, quality = item.metric, item.value, item.unit, item.quality
        metric = METRICS.get(name)
        if metric is None:
            return f"{name} is not in the table of metrics"
        people = self._people.get(item.device)
        if people is None:
            return (
                f"the device {item.device} is not one of this home's: add it on the home's page "
                "(Is everything working?), or under [[devices]]"
            )
        patient = people[0]
        if Quality.STILL_MEASURING in quality:
            return None
        try:
            value = said if unit == metric.unit else to_canonical(name, said, unit)
        except UnitError as error:
            return str(error)
        if not metric.plausible(value):
            return (
                f"{metric.title} {value:g} {metric.unit} is outside "
                f"{metric.low:g} to {metric.high:g}: not plausible"
            )
        counted = isinstance(item, Event) and item.key is not None
        if not counted and self._is_repeat(raw, item, metric, value):
            return None
        when = self._when(item.taken_at, patient, raw)
        if isinstance(item, Measurement) and item.ago_s:
            when = earlier(when, item.ago_s)
        if when.taken_at > raw.received_at + FUTURE_LIMIT:
            at = when.taken_at.isoformat()
            return f"taken at {at}, in the future: the device's clock is wrong"
        if when.uncertain and Quality.TIME_UNCERTAIN not in quality:
            quality = (*quality, Quality.TIME_UNCERTAIN)
        return Reading(
            id=reading_id(patient, item.device, name, when.said_at, value),
            patient=patient,
            device=item.device,
            metric=name,
            value=value,
            unit=metric.unit,
            taken_at=when.taken_at,
            received_at=raw.received_at,
            clock=when.clock,
            quality=quality,
            raw_value=None if unit == metric.unit else said,
            raw_unit=None if unit == metric.unit else unit,
        )

    def _when(self, said: datetime | None, patient: str, raw: Raw) -> When:
        zone = self._zones.get(patient) or UTC
        ahead_s = raw.clock_ahead_s if isinstance(raw, CharacteristicValue) else None
        return when_taken(said, raw.received_at, zone, ahead_s, FUTURE_LIMIT)

    def _is_repeat(self, raw: Raw, item: Measurement | Event, metric: Metric, value: float) -> bool:
        """States and events are said again and again; a quantity twice is two measurements."""
        if isinstance(raw, Advertisement):
            window = ADVERT_REPEAT if metric.kind is not Kind.EVENT else BURST
        elif isinstance(raw, CharacteristicValue) or metric.kind is Kind.QUANTITY:
            return False
        else:
            window = BURST
        key = (item.device, metric.name, item.part)
        last = self._last.get(key)
        if last is not None and last[0] == value and raw.received_at - last[1] < window:
            return True
        self._last[key] = (value, raw.received_at)
        return False

    def _is_repeated_packet(self, raw: Advertisement, facts: Sequence[Fact]) -> bool:
        """A packet id has 256 values, so the same one later is another packet: a press counts."""
        for fact in facts:
            if fact.name == "packet_id":
                last = self._packets.get(fact.device)
                self._packets[fact.device] = (fact.value, raw.received_at)
                if last is not None and last[0] == fact.value:
                    return raw.received_at - last[1] < PACKET_REPEAT
        return False

    def enrol(self, device: HomeDevice) -> None:
        """From now on what it says is about its people."""
        self._devices[device.device] = device
        self._last = {key: last for key, last in self._last.items() if key[0] != device.device}
        self._put_devices()

    def dismiss(self, device: str) -> None:
        """It is not of this home any more."""
        if self._devices.pop(device, None) is not None:
            self._known.get(device, {}).pop("bindkey", None)
            self._put_devices()

    def has(self, device: str) -> bool:
        return device in self._people

    def _put_devices(self) -> None:
        devices = self._devices.values()
        self._people = {device.device: device.people for device in devices}
        self._places.put(devices)
        self._adapters: Index = index(adapters({device.kind for device in devices}))
        self._bindkeys = {device.device: device.bindkey for device in devices if device.bindkey}
        self._give_bindkeys()

    def _give_bindkeys(self) -> None:
        for device, bindkey in self._bindkeys.items():
            self._known.setdefault(device, {})["bindkey"] = bindkey

    def people_of(self, device: str) -> tuple[str, ...]:
        """Whom a device of the home measures; its readings come as the first one's."""
        return self._people[device]

    def moved(self) -> list[Gone]:
        """What devices said last in a place where they are no more; to be learned once ended."""
        return self._places.gone(self._known)

    def says(self, device: str) -> frozenset[str]:
        """From which a role could follow: of a device of the home, as far as it was heard."""
        return self._places.said(device)

    def known(self, device: str) -> Mapping[str, object]:
        """The facts of a device, by name."""
        return self._known.get(device, {})

    def learn(self, fact: Fact) -> bool:
        """Hold a fact for the next frame. Whether it is news."""
        known = self._known.setdefault(fact.device, {})
        if fact.name in known and known[fact.name] == fact.value:
            return False
        known[fact.name] = fact.value
        return True


def source_of(raw: Raw) -> str:
    """Where a frame came from, in words a person can look for."""
    if isinstance(raw, MqttMessage):
        return f"mqtt {raw.topic}"
    if isinstance(raw, CharacteristicValue):
        return f"bluetooth {raw.address} {raw.characteristic}"
    return f"bluetooth {raw.address} advertisement"


def raw_bytes(raw: Raw) -> bytes:
    """What the journal keeps beside a reading, so that it can be traced to the air."""
    if isinstance(raw, MqttMessage):
        return raw.topic.encode() + b" " + raw.payload
    if isinstance(raw, CharacteristicValue):
        return f"{raw.address} {raw.characteristic} {raw.value.hex()}".encode()
    return f"{raw.address} {_advert_text(raw)}".encode()


def raw_text(raw: Raw) -> str:
    """The frame as a person can read it: the text of a payload, else hex."""
    if isinstance(raw, MqttMessage):
        try:
            return raw.payload[:4096].decode()
        except UnicodeDecodeError:
            return raw.payload[:2048].hex()
    if isinstance(raw, CharacteristicValue):
        return raw.value.hex()
    return _advert_text(raw)


def _advert_text(raw: Advertisement) -> str:
    parts: list[Any] = [f"{uuid}={data.hex()}" for uuid, data in raw.service_data.items()]
    parts += [f"{company:04x}={data.hex()}" for company, data in raw.manufacturer_data.items()]
    return " ".join(parts)


def _bytes_of(raw: Raw) -> bytes:
    if isinstance(raw, MqttMessage):
        return raw.payload[:64]
    return raw.value if isinstance(raw, CharacteristicValue) else b""


def _unknown(raw: Raw) -> str:
    if isinstance(raw, MqttMessage):
        return "nothing understands this topic: add it under [[mqtt.mappings]], or leave it out"
    return "no device of the catalogue sends this"
