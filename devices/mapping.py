"""Any JSON topic to one metric: the way in for a sensor that no catalogue file knows.

A `Mapping` is data from the gateway's configuration; `decoder` compiles it once, so that a
message costs little more than its JSON.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from devices.codec import DecodeError
from devices.metrics import METRICS, Kind
from devices.model import Decoded, Event, Measurement, MqttMessage, Unread
from devices.moments import moment
from devices.units import UnitError, unit_of


class MappingError(ValueError):
    """A mapping that can't be used, with what to write instead."""


class Mapping(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One topic of one device that says one metric.

    `value`, `unit_at` and `time` are dotted paths into the JSON ("sensors.0.weight"; a number is
    a place in a list); an empty `value`: the payload is the number itself. `unit` is UCUM or a
    common spelling; `unit_at` reads it from the payload. `time` is ISO 8601, or the epoch's
    seconds or milliseconds; absent or null in a message, the time is that of its receipt.
    """

    topic: str
    device: str
    metric: str
    value: str = ""
    unit: str = ""
    unit_at: str = ""
    time: str = ""


_STATES = {
    "on": 1.0, "true": 1.0, "open": 1.0, "yes": 1.0, "1": 1.0,
    "off": 0.0, "false": 0.0, "closed": 0.0, "no": 0.0, "0": 0.0,
}  # fmt: skip
_EMPTY = Decoded()
_loads = msgspec.json.Decoder().decode


def decoder(mapping: Mapping) -> Callable[[MqttMessage], Decoded]:
    """The function that decodes the mapping's messages; it raises DecodeError. MappingError."""
    row = METRICS.get(mapping.metric)
    if row is None:
        raise MappingError(
            f"no metric {mapping.metric!r}: write one of {', '.join(sorted(METRICS))}"
        )
    if "+" in mapping.topic or "#" in mapping.topic:
        raise MappingError(f"{mapping.topic}: write one topic, without + or #, for one device")
    if not mapping.topic or not mapping.device:
        raise MappingError("a mapping needs a topic and a device")
    if mapping.unit and mapping.unit_at:
        raise MappingError(f"{mapping.topic}: write unit or unit_at, not both")
    fixed_unit = ""
    if not mapping.unit_at:
        try:
            fixed_unit = unit_of(mapping.metric, mapping.unit)
        except UnitError as wrong:
            raise MappingError(f"{mapping.topic}: {wrong}") from None

    device, metric, kind, path = mapping.device, mapping.metric, row.kind, mapping.value
    value_at, unit_at, time_at = map(_walker, (path, mapping.unit_at, mapping.time))
    timed, quantity = bool(mapping.time), kind is Kind.QUANTITY

    def decode(message: MqttMessage) -> Decoded:
        payload = message.payload
        try:
            document = _loads(payload)
        except (msgspec.DecodeError, UnicodeDecodeError):
            document = _text(payload, path)
        try:
            value = value_at(document)
        except (KeyError, IndexError, TypeError):
            raise DecodeError(f"no {path!r} in the payload", payload) from None
        if type(value) is not float or not quantity:
            value = _number(value, kind, payload)
        elif value - value != 0.0:
            raise DecodeError(f"{value} is no finite number", payload)
        unit = fixed_unit or _unit(metric, unit_at, document, mapping.unit_at, payload)
        taken_at = _time(time_at, document, payload) if timed else None
        if kind is Kind.EVENT:
            if message.retained or not value:
                return _EMPTY
            return Decoded((), (Event(device=device, event=metric, taken_at=taken_at),))
        if message.retained and quantity and taken_at is None:
            # It was measured before we listened, nobody knows when.
            return _EMPTY
        return Decoded(
            (Measurement(device=device, metric=metric, value=value, unit=unit, taken_at=taken_at),)
        )

    return decode


def decoders(mappings: Iterable[Mapping]) -> dict[str, Callable[[MqttMessage], Decoded]]:
    """By topic: what decodes its messages, of which several mappings may each read a part.

    Raises MappingError, also where two read the same metric of the same device.
    """
    by_topic: dict[str, dict[tuple[str, str], Callable[[MqttMessage], Decoded]]] = {}
    for mapping in mappings:
        parts = by_topic.setdefault(mapping.topic, {})
        if (mapping.device, mapping.metric) in parts:
            raise MappingError(
                f"{mapping.topic}: two mappings read {mapping.metric} of {mapping.device}. Keep "
                "one, or name another `device` in one of them."
            )
        parts[mapping.device, mapping.metric] = decoder(mapping)
    return {topic: _together(tuple(parts.values())) for topic, parts in by_topic.items()}


def _together(
    parts: tuple[Callable[[MqttMessage], Decoded], ...],
) -> Callable[[MqttMessage], Decoded]:
    """All that the parts read. One that can't read its own costs none of the others theirs."""
    if len(parts) == 1:
        return parts[0]

    def decode(message: MqttMessage) -> Decoded:
        measurements: list[Measurement] = []
        events: list[Event] = []
        unread: list[Unread] = []
        for part in parts:
            try:
                read = part(message)
            except DecodeError as error:
                unread.append(Unread(error.reason, message.payload))
                continue
            measurements += read.measurements
            events += read.events
        if len(unread) == len(parts):
            raise DecodeError(
                "; ".join(dict.fromkeys(one.reason for one in unread)), message.payload
            )
        return Decoded(tuple(measurements), tuple(events), (), tuple(unread))

    return decode


def _walker(path: str) -> Callable[[Any], Any]:
    """The value at a dotted path. Raises KeyError, IndexError or TypeError where it is not."""
    if not path:
        return lambda document: document
    steps = [(step, int(step) if step.isdecimal() else None) for step in path.split(".")]

    def walk(document: Any) -> Any:
        for key, place in steps:
            document = document[place if type(document) is list else key]
        return document

    return walk


def _text(payload: bytes, path: str) -> str:
    """A payload that is no JSON: the value itself, where no path leads into it."""
    if path:
        raise DecodeError("no JSON", payload)
    try:
        return payload.decode()
    except UnicodeDecodeError:
        raise DecodeError("neither JSON nor text", payload) from None


def _number(value: object, kind: Kind, payload: bytes) -> float:
    """A finite float from what JSON holds: 71.2, "71.2"; for a state also true or "ON"."""
    if isinstance(value, str) and kind is not Kind.QUANTITY and value.lower() in _STATES:
        return _STATES[value.lower()]
    if value is None or isinstance(value, dict | list):
        raise DecodeError("the value is no number", payload)
    if isinstance(value, bool) and kind is Kind.QUANTITY:
        raise DecodeError("the value is true or false, not a number", payload)
    try:
        number = float(value)  # type: ignore[arg-type]  # int, bool or str are left
    except (ValueError, OverflowError):
        raise DecodeError(f"{value!r} is no number", payload) from None
    if number - number != 0.0:
        raise DecodeError(f"{value!r} is no finite number", payload)
    if kind is not Kind.QUANTITY and number not in (0.0, 1.0):
        raise DecodeError(f"{value!r} is neither yes nor no", payload)
    return number


def _unit(
    metric: str, walk: Callable[[Any], Any], document: object, path: str, payload: bytes
) -> str:
    try:
        unit = walk(document)
    except (KeyError, IndexError, TypeError):
        unit = None
    if unit is not None and not isinstance(unit, str):
        raise DecodeError(f"the unit at {path!r} is no text", payload)
    try:
        return unit_of(metric, unit)
    except UnitError as wrong:
        raise DecodeError(str(wrong), payload) from None


def _time(walk: Callable[[Any], Any], document: object, payload: bytes) -> datetime | None:
    try:
        value = walk(document)
    except (KeyError, IndexError, TypeError):
        return None
    if value is None:
        return None
    try:
        return moment(value)
    except ValueError as wrong:
        raise DecodeError(str(wrong), payload) from None
