"""What does this device say? JSON lines in, JSON lines out, as `homebeat decode` prints them.

In: {"characteristic": "2A35", "hex": "..."}, {"advertisement": {"address", "name",
"manufacturer_data": {"0x0499": "hex"}, "service_data": {"uuid": "hex"}, "service_uuids": [...]},
"bindkey": "hex"} or
{"topic": "...", "payload": ...}; with any of them "known", the facts about the device, and
"quirk", the maker's way of writing. Out, one for each: {"device", "readings": [...], "events":
[...], "facts": {...}, "refused": [...]} or {"error", "hex"}; `refused` are parts that can't be
trusted, beside what can. The characteristic "SFLOAT" or "FLOAT" is that field alone, as the health
profiles have it.
"""

import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import cache

import msgspec
import typer
from msgspec import Struct

from devices.catalog.homeassistant import discovered
from devices.codec import BASE_UUID_TAIL, DecodeError, Device, raw_bytes
from devices.facts import plain
from devices.fields import Cursor
from devices.metrics import METRICS
from devices.model import (
    Advertisement,
    CharacteristicValue,
    Event,
    Measurement,
    MqttMessage,
    Raw,
)
from devices.registry import Index, by_key, index, match
from devices.units import to_canonical
from gateway.adapters import adapters

DESCRIBES = "/$unit"
"""How the names of facts end that say what later lines of the same device mean (Homie)."""
_UNHEARD = datetime(1970, 1, 1, tzinfo=UTC)
"""The lines were heard nobody knows when, and no decoder looks at it."""


class AdvertisementLine(Struct):
    address: str = "00:00:00:00:00:00"
    name: str | None = None
    service_uuids: list[str] = []
    manufacturer_data: dict[str, str] = {}
    service_data: dict[str, str] = {}


class Line(Struct):
    characteristic: str | None = None
    hex: str = ""
    address: str = "00:00:00:00:00:00"
    name: str | None = None
    advertisement: AdvertisementLine | None = None
    topic: str | None = None
    payload: msgspec.Raw = msgspec.Raw(b'""')
    retained: bool = False
    bindkey: str | None = None
    quirk: str | None = None
    known: dict[str, object] = {}


_parse = msgspec.json.Decoder(Line).decode
_text = msgspec.json.Decoder(str).decode
_dumps = msgspec.json.Encoder().encode


def decode_lines(lines: Iterable[str]) -> Iterator[str]:
    """One line of JSON for each line of JSON; an empty line is passed over.

    What one line says about another device (a bridge that lists its devices) is known to the
    lines after it. Nothing raises: a line that can't be understood becomes an `error`.
    """
    learned: dict[str, dict[str, object]] = {}
    for line in lines:
        if line.strip():
            yield _dumps(_answer(line, learned)).decode()


def _answer(line: str, learned: dict[str, dict[str, object]]) -> dict[str, object]:
    try:
        parsed = _parse(line)
        raw = _raw(parsed)
    except ValueError as wrong:
        return {
            "error": f"not a line that decode takes: {wrong}",
            "hex": line.encode(errors="replace").hex(),
        }
    if isinstance(raw, CharacteristicValue) and raw.characteristic in _NUMBERS:
        return _number(raw)
    topic = _topic(raw)
    device = match(raw) or _adapters().match(raw)
    if device is None and discovered(learned.get(topic, {})):
        device = by_key("homeassistant")
    if device is None:
        return {"error": "no device of the catalogue claims this", "hex": raw_bytes(raw).hex()}
    known = learned.get(device.subject(raw), {}) | learned.get(topic, {}) | parsed.known
    if parsed.bindkey:
        known["bindkey"] = parsed.bindkey
    if parsed.quirk:
        known["quirk"] = parsed.quirk
    try:
        return _said(device, raw, known, learned)
    except DecodeError as refused:
        return {"error": refused.reason, "hex": refused.raw.hex()}


_NUMBERS = {"sfloat": ("sfloat", Cursor.sfloat), "float": ("float32", Cursor.float32)}
"""What a bare number is called, and how it is read."""


def _number(raw: CharacteristicValue) -> dict[str, object]:
    name, read = _NUMBERS[raw.characteristic]
    frame = Cursor(raw.value)
    try:
        value = read(frame)
        frame.finish()
    except DecodeError as refused:
        return {"error": refused.reason, "hex": refused.raw.hex()}
    return {"device": "number", "readings": [], "events": [], "facts": {name: plain(value)}}


def _topic(raw: Raw) -> str:
    return raw.topic if isinstance(raw, MqttMessage) else ""


@cache
def _adapters() -> Index:
    return index(adapters())


def _raw(line: Line) -> Raw:
    """ValueError where the line names no frame or its bytes are not hex."""
    if line.characteristic is not None:
        characteristic = line.characteristic.upper().removeprefix("0X")
        if len(characteristic) > 4:
            characteristic = characteristic.lower()
        return CharacteristicValue(
            address=line.address,
            characteristic=characteristic,
            value=bytes.fromhex(line.hex),
            received_at=_UNHEARD,
            name=line.name,
        )
    if line.advertisement is not None:
        heard = line.advertisement
        return Advertisement(
            address=heard.address.upper(),
            received_at=_UNHEARD,
            name=heard.name,
            service_uuids=tuple(map(_uuid, heard.service_uuids)),
            service_data={
                _uuid(uuid): bytes.fromhex(content) for uuid, content in heard.service_data.items()
            },
            manufacturer_data={
                int(company, 0): bytes.fromhex(content)
                for company, content in heard.manufacturer_data.items()
            },
        )
    if line.topic is not None:
        payload = bytes(line.payload)
        if payload.startswith(b'"'):
            payload = _text(payload).encode()
        return MqttMessage(
            topic=line.topic, payload=payload, received_at=_UNHEARD, retained=line.retained
        )
    raise ValueError("it has no characteristic, no advertisement and no topic")


def _uuid(uuid: str) -> str:
    """A full lower-case UUID of "FCD2", "0xfcd2" or the full one."""
    short = uuid.lower().removeprefix("0x")
    return f"0000{short}{BASE_UUID_TAIL}" if len(short) == 4 else short


def _said(
    device: Device,
    raw: Raw,
    known: dict[str, object],
    learned: dict[str, dict[str, object]],
) -> dict[str, object]:
    decoded = device.decode(raw, known)
    subject = device.subject(raw)
    for fact in decoded.facts:
        if fact.device != subject or fact.name.endswith(DESCRIBES):
            learned.setdefault(fact.device, {})[fact.name] = fact.value
    answer: dict[str, object] = {
        "device": device.key,
        "readings": [_reading(item) for item in decoded.measurements],
        "events": [_event(item) for item in decoded.events],
    }
    facts = {fact.name: fact.value for fact in decoded.facts if fact.device == subject}
    refused = [{"reason": part.reason, "hex": part.raw.hex()} for part in decoded.unread]
    return answer | _given(facts=facts or None, refused=refused or None)


def _reading(item: Measurement) -> dict[str, object]:
    """In the metric's own unit; with what the device said where that was another."""
    metric = METRICS[item.metric]
    value = to_canonical(item.metric, item.value, item.unit)
    reading: dict[str, object] = {
        "metric": item.metric,
        "value": value,
        "unit": metric.unit,
        "taken_at": item.taken_at,
        "quality": item.quality,
    }
    if item.unit != metric.unit:
        reading |= {"raw_value": item.value, "raw_unit": item.unit}
    if not metric.plausible(value):
        reading["implausible"] = f"not within {metric.low:g} to {metric.high:g} {metric.unit}"
    return reading | _given(user=item.user, part=item.part, ago_s=item.ago_s or None)


def _event(item: Event) -> dict[str, object]:
    return {"event": item.event} | _given(
        detail=item.detail,
        amount=item.amount,
        part=item.part,
        key=item.key,
        taken_at=item.taken_at,
        user=item.user,
    )


def _given(**values: object) -> dict[str, object]:
    return {name: value for name, value in values.items() if value is not None}


app = typer.Typer(add_completion=False)


@app.command()
def decode() -> None:
    """Read JSON lines from standard input and say what each frame means."""
    if sys.stdin.isatty():
        typer.echo(
            'Type or pipe in JSON lines, such as {"characteristic": "2A9D", "hex": "00b036"}',
            err=True,
        )
    for answer in decode_lines(sys.stdin):
        typer.echo(answer)
