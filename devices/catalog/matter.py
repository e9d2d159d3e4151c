"""The Matter server of Home Assistant: its websocket's messages, as a bridge passes them on.

Topics are ws:command (what is asked of it; nothing for us) and ws:event: an attribute that changed
is [node, "endpoint/cluster/attribute", value]. Numbers are those of the Matter Application Cluster
Specification. A contact is closed while its BooleanState is true. What a bridge retained says no
quantity: it was measured nobody knows when.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from math import log10

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
from devices.plain import at, json_object, number
from devices.units import convert

COMMAND, EVENT, RESULT = "ws:command", "ws:event", "ws:result"
PATH = re.compile(r"(\d+)/(\d+)/(\d+)")
_dumps = msgspec.json.Encoder().encode


def _lux(value: float) -> float:
    """Illuminance Measurement: 10000 x log10(lx) + 1; 0 is too dark to be measured."""
    return 10 ** (min(value - 1, 65_533) / 10_000) if value > 0 else 0.0


# (cluster, attribute): metric, unit, and the value in it.
ATTRIBUTES: dict[tuple[int, int], tuple[str, str, Callable[[float], float]]] = {
    (0x0006, 0): ("power_on", "1", float),
    (0x002F, 12): ("battery", "%", lambda value: value / 2),
    (0x0045, 0): ("opening_open", "1", lambda value: 1.0 - value),
    (0x005C, 1): ("smoke", "1", lambda value: float(value > 0)),
    (0x005C, 2): ("carbon_monoxide", "1", lambda value: float(value > 0)),
    (0x005C, 3): ("battery_low", "1", lambda value: float(value > 0)),
    (0x0090, 4): ("voltage", "mV", float),
    (0x0090, 5): ("current", "mA", float),
    (0x0090, 8): ("power", "W", lambda value: value / 1000),
    (0x0101, 0): ("unlocked", "1", lambda value: float(value != 1)),
    (0x0400, 0): ("illuminance", "lx", _lux),
    (0x0402, 0): ("room_temperature", "Cel", lambda value: value / 100),
    (0x0403, 0): ("air_pressure", "hPa", float),
    (0x0405, 0): ("room_humidity", "%", lambda value: value / 100),
    (0x0406, 0): ("occupancy", "1", lambda value: float(int(value) & 1)),
    (0x040D, 0): ("carbon_dioxide", "[ppm]", float),
    (0x042A, 0): ("pm2_5", "ug/m3", float),
}
SWITCH = 0x003B
# Matter Application Cluster Specification, Switch cluster: its events.
PRESSES = {
    1: ("button_pressed", "press"),
    2: ("button_pressed", "long_press"),
    3: ("button_released", "release"),
    4: ("button_released", "long_release"),
}
MULTI_PRESS = 6
COUNTED = {2: "double_press", 3: "triple_press"}
"""How many presses a finished row of them was; one is said as a press before."""
STATES = frozenset(name for name, unit, _ in ATTRIBUTES.values() if unit == "1")


def subject(raw: Raw) -> str:
    return "matter"


def decode(raw: Raw, known: Known) -> Decoded:
    if not isinstance(raw, MqttMessage):
        raise DecodeError("no message of the Matter server", raw_bytes(raw))
    said = json_object(raw.payload)
    if raw.topic == COMMAND:
        return Decoded()
    try:
        return Decoded(
            tuple(
                item
                for item in _measured(said)
                if not (raw.retained and METRICS[item.metric].kind is Kind.QUANTITY)
            ),
            () if raw.retained else tuple(_pressed(said)),
        )
    except ValueError as wrong:
        raise DecodeError(str(wrong), raw.payload) from None


def _measured(said: Mapping[str, object]) -> Iterator[Measurement]:
    data = said.get("data")
    match said.get("event"), data:
        case "attribute_updated", [int(node), str(path), value]:
            yield from _attribute(node, path, value)
        case "node_added" | "node_updated", {"node_id": int(node), "attributes": dict(attributes)}:
            available = at(data, "available")
            if isinstance(available, bool):
                yield _of(node, "device_online", float(available), "1", None)
            for path, value in attributes.items():
                yield from _attribute(node, str(path), value)
        case "node_removed", int(node):
            yield _of(node, "device_online", 0.0, "1", None)


def _pressed(said: Mapping[str, object]) -> Iterator[Event]:
    match said:
        case {
            "event": "node_event",
            "data": {"node_id": int(node), "cluster_id": 0x3B, "event_id": int(code), **more},
        }:
            count = at(more, "data", "totalNumberOfPressesCounted")
            found = PRESSES.get(code)
            if code == MULTI_PRESS and isinstance(count, int) and count in COUNTED:
                found = ("button_pressed", COUNTED[count])
            if found:
                number_, endpoint = more.get("event_number"), more.get("endpoint_id")
                yield Event(
                    device=f"matter/{node}",
                    event=found[0],
                    detail=found[1],
                    key=str(number_) if isinstance(number_, int) else None,
                    part=endpoint if isinstance(endpoint, int) and endpoint > 1 else None,
                )


def note(raw: Raw, known: Known) -> str:
    """What a message is that measures nothing: the command, or the event that it tells."""
    if not isinstance(raw, MqttMessage):
        return ""
    try:
        said = json_object(raw.payload)
    except (DecodeError, RecursionError):
        return ""
    if raw.topic == COMMAND:
        return f"a command to the Matter server: {said.get('command')}"
    if raw.topic == RESULT:
        return "the Matter server's answer to a command"
    return f"the Matter server's event {said.get('event')}"


def _attribute(node: int, path: str, value: object) -> Iterator[Measurement]:
    found = PATH.fullmatch(path)
    row = ATTRIBUTES.get((int(found[2]), int(found[3]))) if found else None
    if found is None or row is None or value is None:
        return
    metric, unit, meaning = row
    given = float(value) if isinstance(value, bool) else number(value)
    endpoint = int(found[1])
    yield _of(node, metric, meaning(given), unit, endpoint if endpoint > 1 else None)


def _of(node: int, metric: str, value: float, unit: str, part: int | None) -> Measurement:
    return Measurement(device=f"matter/{node}", metric=metric, value=value, unit=unit, part=part)


def encode(
    *,
    measurements: Sequence[Measurement] = (),
    events: Sequence[Event] = (),
    facts: Sequence[Fact] = (),
    known: Known = NOTHING_KNOWN,
) -> bytes:
    """The event of the attribute of one measurement; a command is empty here."""
    for event in events:
        codes = {said: code for code, said in PRESSES.items()}
        codes |= {("button_pressed", word): MULTI_PRESS for word in COUNTED.values()}
        code = codes.get((event.event, event.detail or "press"))
        if code is None:
            raise ValueError(f"the Matter server does not say {event.event} {event.detail}")
        return _dumps({"event": "node_event", "data": _switched(event, code)})
    for item in measurements:
        node = int(item.device.rpartition("/")[2])
        if item.metric == "device_online":
            there = {"node_id": node, "available": bool(item.value), "attributes": {}}
            return _dumps({"event": "node_updated", "data": there})
        for (cluster, attribute), (metric, unit, meaning) in ATTRIBUTES.items():
            if metric == item.metric:
                path = f"{item.part or 1}/{cluster}/{attribute}"
                value = _attribute_value(convert(metric, item.value, item.unit, unit), meaning)
                said = bool(value) if metric in STATES else value
                return _dumps({"event": "attribute_updated", "data": [node, path, said]})
        raise ValueError(f"the Matter server does not say {item.metric}")
    return b"{}"


def _switched(event: Event, code: int) -> dict[str, object]:
    counts = {word: count for count, word in COUNTED.items()}
    count = counts.get(event.detail or "")
    return {
        "node_id": int(event.device.rpartition("/")[2]),
        "endpoint_id": event.part or 1,
        "cluster_id": SWITCH,
        "event_id": code,
        **({"event_number": int(event.key)} if event.key else {}),
        "data": {"totalNumberOfPressesCounted": count} if count else {},
    }


def _attribute_value(value: float, meaning: Callable[[float], float]) -> int:
    """The attribute that means the value: all but the logarithm of light are straight lines."""
    if meaning is _lux:
        return round(10_000 * log10(value) + 1) if value > 0 else 0
    zero, one = meaning(0.0), meaning(1.0)
    return round((value - zero) / (one - zero))


_DOCS = "home-assistant-libs/python-matter-server@606cfee7 docs/websockets_api.md"

DEVICE = Device(
    key="matter",
    title="Matter devices through the Matter server",
    known_by=KnownBy.SPECIFICATION,
    sources=("https://github.com/home-assistant-libs/python-matter-server",),
    claims=tuple(Claim(topic=topic) for topic in (COMMAND, EVENT, RESULT)),
    metrics=tuple(dict.fromkeys((*(name for name, _, _ in ATTRIBUTES.values()), "device_online"))),
    decode=decode,
    encode=encode,
    subject=subject,
    note=note,
    events=("button_pressed", "button_released"),
    vectors=(
        Vector(
            at=COMMAND,
            frame='{"message_id":"3","command":"start_listening"}',
            expected={},
            source=_DOCS,
            lossless=False,
            note="a command is not ours to repeat",
        ),
        Vector(
            at=EVENT,
            frame='{"event":"attribute_updated","data":[1,"1/6/0",true]}',
            expected={"power_on": (1.0, "1")},
            source=_DOCS + ": its event, with cluster 6 of the specification",
        ),
        Vector(
            at=EVENT,
            frame='{"event":"node_event","data":{"node_id":7,"endpoint_id":1,"cluster_id":59,'
            '"event_id":1,"event_number":3,"data":{}}}',
            expected={"button_pressed": "press"},
            source="composed: the server's node_event, with the Switch cluster's InitialPress",
        ),
        Vector(at=RESULT, frame="{}", expected={}, source=_DOCS),
    ),
)
