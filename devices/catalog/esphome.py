"""ESPHome over MQTT: <prefix>/<component>/<object id>/state as plain text, <prefix>/status.

The state alone does not say what it is. Where the node announced itself by Home Assistant's
discovery (its default), the gateway knows the topic's entities and they rule; else the object id
says it (`ld2450_presence`). ESPHome measures in the units of UNITS unless its configuration
converts them; other quantities without a unit are refused.
"""

from collections.abc import Iterator, Sequence

import msgspec

from devices.catalog.homeassistant import SAID, announced, discovered, of_entities, state_or_event
from devices.codec import (
    NOTHING_KNOWN,
    Claim,
    DecodeError,
    Device,
    Known,
    KnownBy,
    Place,
    Vector,
    raw_bytes,
)
from devices.metrics import METRICS, Kind
from devices.model import Decoded, Event, Fact, Measurement, MqttMessage, Raw
from devices.plain import is_on, json_object, number, quantity_named, state_named, text
from devices.units import unit_of

# https://esphome.io/components/sensor: the unit that each component measures in.
UNITS = {
    "room_temperature": "Cel", "air_pressure": "hPa", "power": "W", "energy": "kW.h",
    "voltage": "V", "current": "A",
}  # fmt: skip
STATES = ("binary_sensor", "switch", "light", "fan", "lock", "cover")
METRICS_OF = {
    "lock": "unlocked", "cover": "opening_open",
    "switch": "power_on", "light": "power_on", "fan": "power_on",
}  # fmt: skip
OTHERS = ("text_sensor", "event")
"""Components whose topics are ours too: an event says a press, a text nothing."""
LOCK_WORDS = {"LOCKED": False, "UNLOCKED": True}
PASSING = frozenset({"opening", "closing", "LOCKING", "UNLOCKING", "JAMMED", "NONE"})
"""Words of a cover or a lock that are neither of its two states."""
QUANTITIES = ("sensor", "number")
ONLINE = {"online": 1.0, "offline": 0.0}
NOTHING_YET = frozenset({"nan", "unknown", ""})
"""What a sensor says before its first measurement."""

_dumps = msgspec.json.Encoder().encode


def subject(raw: Raw) -> str:
    """The node's prefix."""
    topic = raw.topic if isinstance(raw, MqttMessage) else ""
    levels = topic.split("/")
    return "/".join(levels[:-3]) if levels[-1] == "state" and len(levels) > 3 else levels[0]


def decode(raw: Raw, known: Known) -> Decoded:
    if not isinstance(raw, MqttMessage):
        raise DecodeError("no message of ESPHome", raw_bytes(raw))
    device, levels = subject(raw), raw.topic.split("/")
    word = text(raw.payload).strip()
    entities = discovered(known)
    if entities:
        return of_entities(device, entities, raw)
    if levels[-1] == "status":
        if word not in ONLINE:
            raise DecodeError("neither online nor offline", raw.payload)
        online = Measurement(device=device, metric="device_online", value=ONLINE[word], unit="1")
        return Decoded((online,))
    if len(levels) < 4 or word.lower() in NOTHING_YET:
        return Decoded()
    if levels[-3] == "event":
        return _press(device, raw)
    component, name = levels[-3], levels[-2]
    try:
        if component in STATES:
            metric = METRICS_OF.get(component) or state_named(name) or "on"
            if word.startswith("{"):
                word = str(json_object(raw.payload).get("state"))
            if word in PASSING:
                return Decoded()
            is_it = LOCK_WORDS[word] if word in LOCK_WORDS else is_on(word)
            items = tuple(state_or_event(device, metric, is_it, word))
        elif component in QUANTITIES:
            items = _quantity(device, name, word, retained=raw.retained)
        else:
            items = ()
    except ValueError as wrong:
        raise DecodeError(str(wrong), raw.payload) from None
    return Decoded(
        tuple(item for item in items if isinstance(item, Measurement)),
        tuple(item for item in items if isinstance(item, Event) and not raw.retained),
    )


def note(raw: Raw, known: Known) -> str:
    """What a message is that measures nothing."""
    levels = raw.topic.split("/") if isinstance(raw, MqttMessage) else []
    if levels[-1:] == ["debug"]:
        return "a log line of the node"
    if len(levels) < 4:
        return ""
    if levels[-3] in QUANTITIES and quantity_named(levels[-2]) is None:
        return f"no quantity of ours by its name: {levels[-2]}"
    return f"{levels[-3]} {levels[-2]} says neither a state nor a value that is measured here"


def _press(device: str, raw: MqttMessage) -> Decoded:
    """{"event_type": "single"}."""
    said = json_object(raw.payload).get("event_type")
    if raw.retained or not isinstance(said, str):
        return Decoded()
    return Decoded(events=(Event(device=device, event="button_pressed", detail=said),))


def _quantity(
    device: str, name: str, word: str, *, retained: bool
) -> tuple[Measurement | Event, ...]:
    metric, value = quantity_named(name), number(word)
    if metric is None or retained:
        return ()
    unit = unit_of(metric, UNITS.get(metric))
    return (Measurement(device=device, metric=metric, value=value, unit=unit),)


def encode(
    *,
    measurements: Sequence[Measurement] = (),
    events: Sequence[Event] = (),
    facts: Sequence[Fact] = (),
    known: Known = NOTHING_KNOWN,
) -> bytes:
    """The plain text of one measurement or event."""
    for item in measurements:
        if item.metric not in DEVICE.metrics:
            raise ValueError(f"ESPHome does not say {item.metric}")
        if item.metric == "device_online":
            return b"online" if item.value else b"offline"
        if METRICS[item.metric].kind is Kind.STATE:
            return b"ON" if item.value else b"OFF"
        return f"{item.value:g}".encode()
    if events and "/event/" in str(known.get("at", "")):
        return _dumps({"event_type": events[0].detail})
    return b"ON" if events else b""


def places(name: str) -> Iterator[Place]:
    """A node's topics, announced by Home Assistant's discovery, as is its default."""
    for component in ("sensor", "binary_sensor"):
        yield from announced(name, f"homebeat/{component}/{name}/state")


DEVICE = Device(
    key="esphome",
    title="ESPHome nodes over MQTT",
    known_by=KnownBy.SPECIFICATION,
    sources=("https://esphome.io/components/mqtt",),
    claims=(
        *(Claim(topic=f"+/{component}/+/state") for component in (*STATES, *QUANTITIES, *OTHERS)),
        Claim(topic="+/status"),
        Claim(topic="+/debug"),
    ),
    metrics=SAID,
    events=(
        "button_pressed",
        "button_released",
        "movement_seen",
        "sos_pressed",
        "fall_detected",
    ),
    decode=decode,
    encode=encode,
    subject=subject,
    note=note,
    places=places,
    vectors=(
        Vector(
            at="bedroom/cover/garage/state",
            frame="open",
            expected={"opening_open": (1.0, "1")},
            source="https://esphome.io/components/mqtt",
            lossless=False,
            note="the topic's form is the documentation's, the word that of a cover",
        ),
        Vector(
            at="bedroom/event/button/state",
            frame='{"event_type":"single"}',
            expected={"button_pressed": "single"},
            source="https://www.home-assistant.io/integrations/event.mqtt/",
        ),
        Vector(
            at="bedroom/debug",
            frame="[D][sensor:094]: 'Bed': Sending state 21.3 C",
            expected={},
            source="https://esphome.io/components/mqtt",
            lossless=False,
            note="a log line says nothing to us",
        ),
        Vector(
            at="apollo-mtr-1-livingroom/binary_sensor/ld2450_presence/state",
            frame="ON",
            expected={"presence": (1.0, "1")},
            source="topic: a public test; ON and OFF are ESPHome's own",
        ),
        Vector(
            at="livingroom/sensor/bedroom_temperature/state",
            frame="21.5",
            expected={"room_temperature": (21.5, "Cel")},
            source="composed from https://esphome.io/components/mqtt",
            open_ended=True,
        ),
        *(
            Vector(
                at=f"livingroom/{component}/kettle/state",
                frame=word,
                expected=expected,
                source="composed from https://esphome.io/components/mqtt",
                lossless=lossless,
                note="" if lossless else "our encoder writes ON and OFF",
            )
            for component, word, expected, lossless in (
                ("switch", "ON", {"power_on": (1.0, "1")}, True),
                ("light", "OFF", {"power_on": (0.0, "1")}, True),
                ("fan", "OFF", {"power_on": (0.0, "1")}, True),
                ("lock", "LOCKED", {"unlocked": (0.0, "1")}, False),
                ("number", "nan", {}, False),
                ("text_sensor", "warm", {}, False),
            )
        ),
        Vector(
            at="livingroom/status",
            frame="online",
            expected={"device_online": (1.0, "1")},
            source="https://esphome.io/components/mqtt#last-will",
        ),
    ),
)
