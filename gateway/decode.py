"""What does this device say? JSON lines in, JSON lines out, as `homebeat decode` prints them.

In: {"characteristic": "2A35", "hex": "..."}, {"advertisement": {"address", "name",
"manufacturer_data": {"0x0499": "hex"}, "service_data": {"uuid": "hex"}, "service_uuids": [...]},
"bindkey": "hex"} or
{"topic": "...", "payload": ...}; with any of them "known", the facts about the device, and
"quirk", the maker's way of writing. Out, one for each: {"device", "readings": [...], "events":
[...], "facts": {...}, "refused": [...]} or {"error", "hex"}; `refused` are parts that can't be
trusted, beside what can. Where nothing was measured and nothing happened, `note` says why. The
characteristic "SFLOAT" or "FLOAT" is that field alone, as the health profiles have it.
"""

import re
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import cache
from itertools import pairwise

import msgspec
import typer
from msgspec import Struct

from devices.catalog.homeassistant import discovered
from devices.codec import DecodeError, Device, assigned_number, full_uuid, raw_bytes
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
NOWHERE = "00:00:00:00:00:00"
FULL_UUID, HYPHENS = 36, 4
BETWEEN_BYTES = re.compile(r"^0x|[\s:,-]", re.IGNORECASE)
_UNHEARD = datetime(1970, 1, 1, tzinfo=UTC)
"""The lines were heard nobody knows when, and no decoder looks at it."""


class AdvertisementLine(Struct):
    address: str | None = None
    name: str | None = None
    service_uuids: list[str] = []
    manufacturer_data: dict[str, str] = {}
    service_data: dict[str, str] = {}
    bindkey: str | None = None


class Line(Struct):
    characteristic: str | None = None
    hex: str = ""
    address: str | None = None
    name: str | None = None
    advertisement: AdvertisementLine | None = None
    topic: str | None = None
    payload: msgspec.Raw = msgspec.Raw(b'""')
    retained: bool = False
    retain: bool = False
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
            try:
                answer = _answer(line, learned)
            except RecursionError:
                answer = {"error": "nested too deeply", "hex": line.encode(errors="replace").hex()}
            yield _dumps(answer).decode()


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
        hint = ": say what it is under [[mqtt.mappings]]" if topic else ""
        reason = f"no device of the catalogue claims this{hint}"
        return {"error": reason, "hex": raw_bytes(raw).hex()}
    known = learned.get(device.subject(raw), {}) | learned.get(topic, {}) | parsed.known
    bindkey = parsed.bindkey or (parsed.advertisement and parsed.advertisement.bindkey)
    if bindkey:
        known["bindkey"] = bindkey
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
        return CharacteristicValue(
            address=(line.address or NOWHERE).upper(),
            characteristic=_characteristic(line.characteristic),
            value=_bytes(line.hex),
            received_at=_UNHEARD,
            name=line.name,
        )
    if line.advertisement is not None:
        heard = line.advertisement
        return Advertisement(
            address=(heard.address or NOWHERE).upper(),
            received_at=_UNHEARD,
            name=heard.name,
            service_uuids=tuple(map(_uuid, heard.service_uuids)),
            service_data={
                _uuid(uuid): _bytes(content) for uuid, content in heard.service_data.items()
            },
            manufacturer_data={
                _company(company): _bytes(content)
                for company, content in heard.manufacturer_data.items()
            },
        )
    if line.topic is not None:
        payload = bytes(line.payload)
        if payload.startswith(b'"'):
            payload = _text(payload).encode()
        return MqttMessage(
            topic=line.topic,
            payload=payload,
            received_at=_UNHEARD,
            retained=line.retained or line.retain,
        )
    raise ValueError(
        'it has no characteristic, no advertisement and no topic: write {"characteristic": "2A9D", '
        '"hex": "000239"}, {"advertisement": {...}} or {"topic": "...", "payload": ...}'
    )


def _bytes(text: str) -> bytes:
    """The bytes of "0478", "04 78", "04:78", "04-78" or "0x0478"."""
    try:
        return bytes.fromhex(BETWEEN_BYTES.sub("", text))
    except ValueError:
        raise ValueError(f"{text!r} is not hex: write two digits of 0-9 and a-f a byte") from None


def _characteristic(text: str) -> str:
    """The assigned number of "2a35", "0x2A35", "00002a35" or its full UUID; else in lower case."""
    return assigned_number(_uuid(text))


def _company(text: str) -> int:
    """A company id: "0x0499", "1177", or "0499" as tools print it, in hexadecimal."""
    number = text.strip().lower()
    if number.isdecimal() and not number.startswith("0"):
        return int(number)
    return int(number, 16)


def _uuid(uuid: str) -> str:
    """A full lower-case UUID of "FCD2", "0xfcd2", "0000fcd2" or the full one."""
    short = uuid.strip().lower().removeprefix("0x")
    if len(short) == FULL_UUID - HYPHENS and short.isalnum():
        ends = (0, 8, 12, 16, 20, 32)
        return "-".join(short[start:end] for start, end in pairwise(ends))
    short = short.removeprefix("0000") if len(short) == 8 else short
    return full_uuid(short) if len(short) == 4 else short


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
    silent = not (decoded.measurements or decoded.events or refused)
    return answer | _given(
        facts=facts or None,
        refused=refused or None,
        note=_note(device, raw, known, facts) if silent else None,
    )


def _note(device: Device, raw: Raw, known: dict[str, object], facts: dict[str, object]) -> str:
    """Why an answer has no reading and no event."""
    if "not_understood" in facts:
        return device.note(raw, known) or "not understood: it is in `facts`, with its value"
    said = device.note(raw, known)
    if isinstance(raw, MqttMessage) and raw.retained:
        kept = "a retained message repeats what was said before we listened: no news"
        return f"{said}; {kept}" if said else kept
    if said:
        return f"nothing to measure: {said}"
    return "nothing to measure" + (": it tells `facts`" if facts else "")


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
    """Read JSON lines from standard input and say what each frame means.

    A line is what a characteristic says, an advertisement, or a message of MQTT:

    \b
    {"characteristic": "2A9D", "hex": "000239"}
    {"advertisement": {"service_data": {"FCD2": "40006402C409"}}}
    {"topic": "zigbee2mqtt/hall", "payload": {"occupancy": true}}

    Beside it may stand "bindkey" (hex) for what is encrypted, "quirk" for a maker's way
    of writing, and "known" for facts about the device. A line that can't be understood is
    answered with "error".
    """
    if sys.stdin.isatty():
        typer.echo(
            'Type or pipe in JSON lines, such as {"characteristic": "2A9D", "hex": "00b036"}',
            err=True,
        )
    for answer in decode_lines(sys.stdin):
        typer.echo(answer)
