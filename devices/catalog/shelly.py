"""Shelly: plugs, relays, contacts, smoke and flood sensors, both generations.

Generation 2 and later: <id>/status/<component>:<number> is a component's whole status;
<id>/events/rpc carries NotifyFullStatus (all of it), NotifyStatus (only what changed) and
NotifyEvent (a press); <id>/online is true or false. The id may be a path (shellies/plus1pm).
Generation 1: shellies/<id>/relay/0, /sensor/temperature, /input_event/0 and so on, plain text.

A change lies over the last full status: one value is understood by itself, so what a change does
not say is simply not said again. Components tell which of several: number 0 is the only or the
first one, n is part n + 1.

`ts` is the epoch's seconds, or the seconds since the start where the clock was not set yet: then
it is no time. A retained message says no event, and no quantity without a time.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

import msgspec

from devices.codec import (
    NOTHING_KNOWN,
    Claim,
    DecodeError,
    Device,
    Known,
    KnownBy,
    Vector,
    raw_bytes,
)
from devices.metrics import METRICS, Kind
from devices.model import Decoded, Event, Fact, Measurement, MqttMessage, Raw
from devices.moments import moment
from devices.plain import at, json, json_object, number, text, unmeasured
from devices.units import convert

CLOCK_SET_FROM_S = 1_400_000_000
"""A `ts` below this (2014, before the first Shelly) counts from the device's start."""

# https://shelly-api-docs.shelly.cloud/gen2/ComponentsAndServices: component, path, metric, unit.
QUANTITIES: tuple[tuple[str, tuple[str, ...], str, str], ...] = (
    *(
        (component, path, metric, unit)
        for component in ("switch", "cover", "light", "pm1", "em1")
        for path, metric, unit in (
            (("apower",), "power", "W"),
            (("act_power",), "power", "W"),
            (("voltage",), "voltage", "V"),
            (("current",), "current", "A"),
            (("aenergy", "total"), "energy", "W.h"),
        )
    ),
    ("em", ("total_act_power",), "power", "W"),
    ("temperature", ("tC",), "room_temperature", "Cel"),
    ("humidity", ("rh",), "room_humidity", "%"),
    ("illuminance", ("lux",), "illuminance", "lx"),
    ("devicepower", ("battery", "percent"), "battery", "%"),
    ("devicepower", ("battery", "V"), "voltage", "V"),
    ("voltmeter", ("voltage",), "voltage", "V"),
    ("bthomedevice", ("battery",), "battery", "%"),
)
STATES: dict[tuple[str, str], str] = {
    ("switch", "output"): "power_on",
    ("light", "output"): "power_on",
    ("input", "state"): "on",
    ("smoke", "alarm"): "smoke",
    ("flood", "alarm"): "water_leak",
    ("gas", "alarm"): "gas",
    ("motion", "motion"): "movement",
    ("presence", "state"): "presence",
    ("occupancy", "value"): "occupancy",
    ("contact", "open"): "opening_open",
    ("window", "open"): "window_open",
    ("presencezone", "value"): "presence",
}
WORDS = {("cover", "state"): ("opening_open", {"open": 1.0, "closed": 0.0})}
"""Components that say it in a word; others of its words are neither (opening, stopped)."""
BLU = "shelly-blu"
"""The event of the script through which a Shelly passes on the Bluetooth sensors that it hears:
ioBroker.shelly docs/en/ble-devices.md, and Shelly's own script ble-shelly-blu."""
BLU_QUANTITIES = {
    "battery": ("battery", "%"), "temperature": ("room_temperature", "Cel"),
    "humidity": ("room_humidity", "%"), "illuminance": ("illuminance", "lx"),
    "rotation": ("rotation", "deg"),
}  # fmt: skip
BLU_STATES = {"window": "window_open", "motion": "movement"}
BLU_PRESSES = {1: "press", 2: "double_press", 3: "triple_press", 4: "long_press"}
PRESSES = {
    "single_push": "press", "double_push": "double_press", "triple_push": "triple_press",
    "long_push": "long_press", "btn_down": "down",
}  # fmt: skip
RELEASES = {"btn_up": "up"}

# https://shelly-api-docs.shelly.cloud/gen1/#common-mqtt-topics: the end of the topic.
GEN1_QUANTITIES: dict[str, tuple[str, str]] = {
    "sensor/temperature": ("room_temperature", "Cel"),
    "sensor/humidity": ("room_humidity", "%"),
    "sensor/battery": ("battery", "%"),
    "sensor/lux": ("illuminance", "lx"),
    "sensor/tilt": ("rotation", "deg"),
    "power": ("power", "W"),
    "energy": ("energy", "W.min"),
    "voltage": ("voltage", "V"),
}
GEN1_STATES: dict[str, tuple[str, Mapping[str, bool]]] = {
    "relay": ("power_on", {"on": True, "off": False}),
    **dict.fromkeys(("light", "color", "white"), ("power_on", {"on": True, "off": False})),
    "input": ("on", {"1": True, "0": False}),
    "sensor/state": ("opening_open", {"open": True, "close": False}),
    "sensor/motion": ("movement", {"true": True, "false": False, "1": True, "0": False}),
    "sensor/vibration": ("vibration", {"true": True, "false": False, "1": True, "0": False}),
    "sensor/flood": ("water_leak", {"true": True, "false": False}),
    "sensor/smoke": ("smoke", {"true": True, "false": False}),
    "sensor/gas": ("gas", {"none": False, "mild": True, "heavy": True, "test": False}),
    "online": ("device_online", {"true": True, "false": False}),
}
GEN1_PRESSES = {"S": "press", "SS": "double_press", "SSS": "triple_press", "L": "long_press"}
GEN1 = "shellies/"
WATT_MINUTES_IN_WATT_HOURS = 60
ENDS = ("/events/rpc", "/online")

_dumps = msgspec.json.Encoder().encode
Spoken = Measurement | Event | Fact


def subject(raw: Raw) -> str:
    """The id before /events/rpc, /status/..., /online; shellies/<id> of generation 1."""
    topic = raw.topic if isinstance(raw, MqttMessage) else ""
    for end in ENDS:
        if topic.endswith(end):
            return topic.removesuffix(end)
    before, status, _ = topic.rpartition("/status/")
    if status:
        return before
    return "/".join(topic.split("/")[:2]) if topic.startswith(GEN1) else topic


def decode(raw: Raw, known: Known) -> Decoded:
    if not isinstance(raw, MqttMessage):
        raise DecodeError("no message of Shelly", raw_bytes(raw))
    device = subject(raw)
    rest = raw.topic.removeprefix(device).strip("/")
    if rest == "online":
        return Decoded((_online(device, raw.payload),))
    if rest == "events/rpc":
        return _kept(raw, list(_of_rpc(device, json_object(raw.payload))))
    if rest.startswith("status/"):
        status = json(raw.payload)
        if not isinstance(status, Mapping):
            return Decoded()
        component = rest.removeprefix("status/")
        return _kept(raw, list(_of_component(device, component, status, None)))
    return _kept(raw, list(_of_gen1(device, rest, raw.payload)))


def note(raw: Raw, known: Known) -> str:
    """What a message is that measures nothing: the components and events that it speaks of."""
    if not isinstance(raw, MqttMessage) or not raw.payload.lstrip().startswith(b"{"):
        return ""
    try:
        said = json_object(raw.payload)
    except (DecodeError, RecursionError):
        return ""
    params = said.get("params")
    if not isinstance(params, Mapping):
        return unmeasured(raw.payload)
    events = params.get("events")
    named = (
        [item.get("event") for item in events if isinstance(item, Mapping)]
        if isinstance(events, list)
        else [name for name in params if name != "ts"]
    )
    return f"none of {', '.join(map(str, named))} is measured here" if named else ""


def _kept(raw: MqttMessage, items: Sequence[Spoken]) -> Decoded:
    """A retained message repeats what happened, and what was measured, before we listened."""
    return Decoded(
        tuple(
            item
            for item in items
            if isinstance(item, Measurement)
            and not (
                raw.retained
                and item.taken_at is None
                and METRICS[item.metric].kind is Kind.QUANTITY
            )
        ),
        tuple(item for item in items if isinstance(item, Event) and not raw.retained),
        tuple(item for item in items if isinstance(item, Fact)),
    )


def _online(device: str, payload: bytes) -> Measurement:
    words = {b"true": 1.0, b"false": 0.0}
    if payload not in words:
        raise DecodeError("neither true nor false", payload)
    return Measurement(device=device, metric="device_online", value=words[payload], unit="1")


def _of_rpc(device: str, said: Mapping[str, object]) -> Iterator[Spoken]:
    params = said.get("params")
    if not isinstance(params, Mapping):
        return
    taken_at = _moment(params.get("ts"))
    listed = params.get("events")
    if said.get("method") == "NotifyEvent" and isinstance(listed, list):
        for item in listed:
            if isinstance(item, Mapping):
                yield from _of_event(device, item, taken_at)
        return
    for component, status in params.items():
        if isinstance(status, Mapping):
            yield from _of_component(device, str(component), status, taken_at)


def _moment(ts: object) -> datetime | None:
    if isinstance(ts, bool) or not isinstance(ts, int | float) or ts < CLOCK_SET_FROM_S:
        return None
    try:
        return moment(ts)
    except ValueError:
        return None


def _part(number_: str) -> int | None:
    """Number 0 is the only one, or the first: a Shelly does not say how many it has."""
    return int(number_) + 1 if number_.isdecimal() and len(number_) < 4 and int(number_) else None


def _of_component(
    device: str, component: str, status: Mapping[str, object], taken_at: datetime | None
) -> Iterator[Spoken]:
    kind, _, place = component.partition(":")
    part = _part(place)
    missed: dict[str, object] = {}
    for of, path, metric, unit in QUANTITIES:
        value = at(status, *path) if of == kind else None
        if value is None:
            continue
        try:
            found = number(value)
        except ValueError:
            missed[".".join(path)] = value
            continue
        yield Measurement(
            device=device, metric=metric, value=found, unit=unit, taken_at=taken_at, part=part
        )
    for (of, name), metric in STATES.items():
        value = status.get(name) if of == kind else None
        if value is None:
            continue
        if not isinstance(value, bool):
            missed[name] = value
            continue
        yield Measurement(
            device=device, metric=metric, value=float(value), unit="1", taken_at=taken_at, part=part
        )
    for (of, name), (metric, words) in WORDS.items():
        word = status.get(name) if of == kind else None
        if isinstance(word, str) and word in words:
            yield Measurement(
                device=device,
                metric=metric,
                value=words[word],
                unit="1",
                taken_at=taken_at,
                part=part,
            )
    if missed:
        yield Fact(device=device, name="not_understood", value={component: missed})


def _of_event(
    device: str, said: Mapping[str, object], taken_at: datetime | None
) -> Iterator[Spoken]:
    word, component = said.get("event"), str(said.get("component", ""))
    own = _moment(said.get("ts")) or taken_at
    data = said.get("data")
    if word == BLU and isinstance(data, Mapping):
        yield from _of_blu(f"{device}/{str(data.get('address', BLU)).upper()}", data, own)
        return
    for name, words in (("button_pressed", PRESSES), ("button_released", RELEASES)):
        if isinstance(word, str) and word in words:
            yield Event(
                device=device,
                event=name,
                detail=words[word],
                part=_part(component.partition(":")[2]),
                taken_at=own,
            )


def _of_blu(device: str, said: Mapping[str, object], taken_at: datetime | None) -> Iterator[Spoken]:
    """What one Bluetooth sensor said, in the words of BTHome."""
    for name, (metric, unit) in BLU_QUANTITIES.items():
        value = said.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            yield Measurement(
                device=device, metric=metric, value=float(value), unit=unit, taken_at=taken_at
            )
    for name, metric in BLU_STATES.items():
        if said.get(name) in (0, 1):
            yield Measurement(
                device=device,
                metric=metric,
                value=float(bool(said[name])),
                unit="1",
                taken_at=taken_at,
            )
    pressed, packet = said.get("button"), said.get("pid")
    listed = pressed if isinstance(pressed, list) else [pressed]
    for place, code in enumerate(listed, 1):
        if isinstance(code, int) and code in BLU_PRESSES:
            yield Event(
                device=device,
                event="button_pressed",
                detail=BLU_PRESSES[code],
                key=str(packet) if isinstance(packet, int) else None,
                part=place if len(listed) > 1 else None,
                taken_at=taken_at,
            )


def _of_gen1(device: str, rest: str, payload: bytes) -> Iterator[Spoken]:
    head, _, tail = rest.partition("/")
    channel, _, last = tail.partition("/")
    part = _part(channel)
    if head == "input_event":
        said = json_object(payload)
        word = said.get("event")
        if isinstance(word, str) and word in GEN1_PRESSES:
            count = said.get("event_cnt")
            yield Event(
                device=device,
                event="button_pressed",
                detail=GEN1_PRESSES[word],
                key=str(count) if isinstance(count, int) else None,
                part=part,
            )
        return
    if rest == "status":
        yield from _of_motion(device, json_object(payload))
        return
    name = rest if head == "sensor" else last or head
    if name in GEN1_STATES and not (head in ("relay", "input") and last):
        metric, words = GEN1_STATES[name]
        word = text(payload).lower()
        if word not in words:
            raise DecodeError(f"none of {', '.join(words)}", payload)
        yield Measurement(
            device=device, metric=metric, value=float(words[word]), unit="1", part=part
        )
    elif name in GEN1_QUANTITIES:
        metric, unit = GEN1_QUANTITIES[name]
        try:
            value = number(text(payload))
        except ValueError as wrong:
            raise DecodeError(str(wrong), payload) from None
        if unit == "W.min":
            value, unit = value / WATT_MINUTES_IN_WATT_HOURS, "W.h"
        yield Measurement(device=device, metric=metric, value=value, unit=unit, part=part)


def _of_motion(device: str, said: Mapping[str, object]) -> Iterator[Spoken]:
    """The one status of a Shelly Motion of generation 1, which says all in one object."""
    for name, metric in (("motion", "movement"), ("vibration", "vibration")):
        if isinstance(said.get(name), bool):
            yield Measurement(device=device, metric=metric, value=float(bool(said[name])), unit="1")
    warm, scale = at(said, "tmp", "value"), str(at(said, "tmp", "units"))
    unit = {"C": "Cel", "F": "[degF]"}.get(scale, "")
    rows = (
        ("illuminance", said.get("lux"), "lx"),
        ("battery", said.get("bat"), "%"),
        ("room_temperature", warm if unit else None, unit),
    )
    for metric, value, code in rows:
        if isinstance(value, int | float) and not isinstance(value, bool):
            yield Measurement(device=device, metric=metric, value=float(value), unit=code)


def encode(
    *,
    measurements: Sequence[Measurement] = (),
    events: Sequence[Event] = (),
    facts: Sequence[Fact] = (),
    known: Known = NOTHING_KNOWN,
) -> bytes:
    """The payload for the topic known["at"]; without it, that of <id>/events/rpc."""
    place = str(known.get("at", "shelly/events/rpc"))
    if place.endswith("/online"):
        return b"true" if any(item.value for item in measurements) else b"false"
    if not place.endswith("/events/rpc") and "/status/" not in place:
        return _gen1_payload(place, measurements, events)
    components: dict[str, dict[str, object]] = {}
    for item in measurements:
        kind, path, value = _place(item)
        status = components.setdefault(f"{kind}:{(item.part or 1) - 1}", {})
        for key in path[:-1]:
            status = status.setdefault(key, {})  # type: ignore[assignment]  # ours are dicts
        status[path[-1]] = value
    if "/status/" in place:
        return _dumps(next(iter(components.values()), {}))
    spoken: tuple[Measurement | Event, ...] = (*measurements, *events)
    taken_at = next((item.taken_at for item in spoken if item.taken_at), None)
    params: dict[str, object] = {"ts": taken_at.timestamp()} if taken_at else {}
    if events:
        return _dumps({"method": "NotifyEvent", "params": params | {"events": _presses(events)}})
    return _dumps({"method": "NotifyStatus", "params": params | components})


def _place(item: Measurement) -> tuple[str, tuple[str, ...], object]:
    for (kind, name), metric in STATES.items():
        if metric == item.metric:
            return kind, (name,), bool(item.value)
    for kind, path, metric, unit in QUANTITIES:
        if metric == item.metric:
            return kind, path, convert(metric, item.value, item.unit, unit)
    raise ValueError(f"no Shelly says {item.metric}")


def _presses(events: Sequence[Event]) -> list[object]:
    words = {word: code for code, word in (PRESSES | RELEASES).items()}
    unsaid = [event.event for event in events if event.detail not in words]
    if unsaid:
        raise ValueError(f"no Shelly says {unsaid[0]} like this")
    return [
        {"component": f"input:{(event.part or 1) - 1}", "event": words[event.detail or ""]}
        for event in events
    ]


def _gen1_payload(
    place: str, measurements: Sequence[Measurement], events: Sequence[Event]
) -> bytes:
    for event in events:
        words = {word: code for code, word in GEN1_PRESSES.items()}
        if event.detail not in words:
            raise ValueError(f"no Shelly says {event.event} like this")
        count = {"event_cnt": int(event.key)} if event.key else {}
        return _dumps({"event": words[event.detail]} | count)
    for item in measurements:
        for metric, words_ in GEN1_STATES.values():
            if metric == item.metric:
                return next(word for word, on in words_.items() if on == bool(item.value)).encode()
        for metric, unit in GEN1_QUANTITIES.values():
            if metric == item.metric and unit != "W.min":
                return _dumps(convert(metric, item.value, item.unit, unit))
        raise ValueError(f"{place} of no Shelly says {item.metric}")
    return b"{}"


_CAPTURE = "a capture in public source"
_GEN2 = "https://shelly-api-docs.shelly.cloud/gen2/General/Notifications"

DEVICE = Device(
    key="shelly",
    title="Shelly plugs, relays and sensors",
    known_by=KnownBy.CAPTURED,
    sources=(_GEN2, "https://shelly-api-docs.shelly.cloud/gen1/"),
    claims=(
        Claim(topic="+/events/rpc"),
        Claim(topic="+/+/events/rpc"),
        Claim(topic="+/status/+"),
        Claim(topic="+/online"),
        Claim(topic="shellies/#"),
    ),
    metrics=tuple(
        dict.fromkeys(
            (
                *(metric for _, _, metric, _ in QUANTITIES),
                *STATES.values(),
                *BLU_STATES.values(),
                *(metric for metric, _ in WORDS.values()),
                *(metric for metric, _ in GEN1_QUANTITIES.values()),
                *(metric for metric, _ in GEN1_STATES.values()),
            )
        )
    ),
    events=("button_pressed", "button_released"),
    decode=decode,
    encode=encode,
    subject=subject,
    note=note,
    vectors=(
        Vector(
            at="shellyplussmoke-80646fd09ed4/events/rpc",
            frame='{"src":"shellyplussmoke-80646fd09ed4","method":"NotifyFullStatus","params":'
            '{"ts":1.33,"cloud":{"connected":false},"devicepower:0":{"id":0,"battery":'
            '{"V":2.99,"percent":97}},"smoke:0":{"id":0,"alarm":false,"mute":false}}}',
            expected={
                "battery": (97.0, "%"),
                "voltage": (2.99, "V"),
                "smoke": (0.0, "1"),
            },
            source=_CAPTURE + ", shortened",
            lossless=False,
            note="what is no measurement of ours is left out",
        ),
        Vector(
            at="shellies/plus1pm/events/rpc",
            frame='{"src":"shellyplus1pm-4417939341dc","dst":"shellies/plus1pm/events",'
            '"method":"NotifyStatus","params":{"ts":1661517385.44,"switch:0":{"id":0,'
            '"voltage":232.7}}}',
            expected={
                "voltage": (232.7, "V"),
                "taken_at": "2022-08-26T12:36:25.440000+00:00",
            },
            source=_CAPTURE,
            lossless=False,
            note="who sent it is in the topic too",
        ),
        Vector(
            at="shellyplus1pm-4417939341dc/status/switch:0",
            frame='{"output":true}',
            expected={"power_on": (1.0, "1")},
            source="composed from " + _GEN2,
        ),
        Vector(
            at="shellyplus1pm-4417939341dc/online",
            frame="true",
            expected={"device_online": (1.0, "1")},
            source=_CAPTURE,
        ),
        Vector(
            at="shellyplusi4-a8032abe54dc/events/rpc",
            frame='{"method":"NotifyEvent","params":{"events":[{"component":"input:1",'
            '"event":"single_push"}]}}',
            expected={"button_pressed": "press"},
            source="composed from " + _GEN2,
        ),
        Vector(
            at="shellies/shellydw2-73BF46/sensor/state",
            frame="open",
            expected={"opening_open": (1.0, "1")},
            source="https://shelly-api-docs.shelly.cloud/gen1/#shelly-door-window-2-mqtt",
        ),
    ),
)
