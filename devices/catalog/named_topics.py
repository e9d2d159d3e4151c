"""Topics that a person named: what a plain message on them says, by that name.

home-assistant/window/contact, home/bathroom/switch/button: the words of the topic say what it is,
a word ON, a number or {"state": "ON"} how it is. A quantity that could be in several units is
refused: a mapping (gateway.toml, [[mqtt.mappings]]) says what the name does not, and goes first.
"""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from devices.catalog.homeassistant import (
    SAID,
    announced,
    discovered,
    of_entities,
    state_or_event,
)
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
from devices.plain import (
    NAMED,
    is_event,
    is_on,
    json_or_text,
    number,
    quantity_named,
    state_named,
)
from devices.units import unit_of

BASES = ("home-assistant", "home")
ENDS = ("/availability", "/available", "/status", "/LWT")
# https://espeasy.readthedocs.io/en/latest/Controller/C002.html: its last will and its greeting.
THERE = {
    "connected": True, "connection lost": False, "disconnected": False, "available": True,
    "unavailable": False, "not_available": False, "alive": True, "dead": False,
}  # fmt: skip
COMMANDS = ("set", "command", "cmd")
PLAIN_KEYS = ("state", "value")
# https://github.com/merbanan/rtl_433, docs/DATA_FORMAT.md: a field's name ends in its unit.
UNIT_ENDINGS = {
    "C": "Cel", "F": "[degF]", "hPa": "hPa", "kPa": "kPa", "kg": "kg", "lb": "[lb_av]",
    "lbs": "[lb_av]", "mmHg": "mm[Hg]", "W": "W", "kW": "kW", "kWh": "kW.h", "Wh": "W.h", "V": "V",
    "mV": "mV", "A": "A", "mA": "mA", "cm": "cm", "mm": "mm", "m": "m",
}  # fmt: skip
_dumps = msgspec.json.Encoder().encode


def subject(raw: Raw) -> str:
    topic = raw.topic if isinstance(raw, MqttMessage) else ""
    for end in ENDS:
        topic = topic.removesuffix(end)
    return topic


def decode(raw: Raw, known: Known) -> Decoded:
    if not isinstance(raw, MqttMessage):
        raise DecodeError("no message on a named topic", raw_bytes(raw))
    device, entities = subject(raw), discovered(known)
    if entities:
        return of_entities(device, entities, raw)
    if _last(raw.topic) in COMMANDS:
        return Decoded()
    said = json_or_text(raw.payload)
    if device != raw.topic:
        value = said.get("state") if isinstance(said, Mapping) else said
        value = THERE.get(str(value).lower(), value)
        return _kept(raw, _read(device, "device_online", value, raw))
    if not isinstance(said, Mapping):
        known_name = bool(quantity_named(_last(device)) or state_named(device))
        return _kept(raw, _one(device, device, said, None, raw), named=known_name)
    items: list[Measurement | Event] = []
    unit = said.get("unit", said.get("unit_of_measurement"))
    for name, value in said.items():
        plain = name in PLAIN_KEYS
        own = device if plain else str(name)
        if plain or state_named(own) or quantity_named(own):
            items += _one(device, own, value, unit if plain else None, raw)
    return _kept(raw, items)


def note(raw: Raw, known: Known) -> str:
    """What a message is that measures nothing."""
    if isinstance(raw, MqttMessage) and _last(raw.topic) in COMMANDS:
        return "a command to a device"
    return "no more pressed" if isinstance(raw, MqttMessage) and not raw.retained else ""


def _kept(
    raw: MqttMessage, items: Sequence[Measurement | Event], *, named: bool = False
) -> Decoded:
    """`named`: the name said what it is, so that nothing is no riddle (a button let go)."""
    if not items and not named:
        raise DecodeError(
            "its name does not say what it is: add it under [[mqtt.mappings]]", raw.payload
        )
    return Decoded(
        tuple(
            item
            for item in items
            if isinstance(item, Measurement)
            and not (raw.retained and METRICS[item.metric].kind is Kind.QUANTITY)
        ),
        tuple(item for item in items if isinstance(item, Event) and not raw.retained),
    )


def _one(
    device: str, name: str, value: object, unit: object, raw: MqttMessage
) -> list[Measurement | Event]:
    """The quantity that the last words name, else the state."""
    own = _last(name)
    quantity = quantity_named(own)
    if quantity is not None:
        ending = UNIT_ENDINGS.get(own.rpartition("_")[2])
        try:
            code = unit_of(quantity, unit if isinstance(unit, str) else ending)
            found = Measurement(device=device, metric=quantity, value=number(value), unit=code)
        except ValueError as wrong:
            raise DecodeError(str(wrong), raw.payload) from None
        return [found]
    metric = state_named(own) or state_named(name)
    if metric == "opening_open":
        metric = state_named(name)
    return _read(device, metric, value, raw) if metric else []


def _last(name: str) -> str:
    return name.rpartition("/")[2]


def _read(device: str, metric: str, value: object, raw: MqttMessage) -> list[Measurement | Event]:
    try:
        return list(state_or_event(device, metric, is_on(value), str(value)))
    except ValueError as wrong:
        raise DecodeError(str(wrong), raw.payload) from None


def encode(
    *,
    measurements: Sequence[Measurement] = (),
    events: Sequence[Event] = (),
    facts: Sequence[Fact] = (),
    known: Known = NOTHING_KNOWN,
) -> bytes:
    """The plain value for the topic known["at"]."""
    for item in measurements:
        if item.metric not in DEVICE.metrics:
            raise ValueError(f"no name says {item.metric}")
        if item.metric == "device_online":
            return b"online" if item.value else b"offline"
        if METRICS[item.metric].kind is Kind.STATE:
            return _dumps({"state": "ON" if item.value else "OFF"})
        return _dumps(item.value)
    return (events[0].detail or "1").encode() if events else b""


_HA = "home-assistant/home-assistant.io source/_integrations/binary_sensor.mqtt.markdown@04987cbb"


def places(name: str) -> Iterator[Place]:
    """A topic that Home Assistant's discovery announced."""
    return announced(name, f"{BASES[-1]}/homebeat/{name}")


DEVICE = Device(
    key="named_topics",
    title="Topics whose name says what they are",
    known_by=KnownBy.SPECIFICATION,
    sources=("https://www.home-assistant.io/integrations/binary_sensor.mqtt/",),
    claims=tuple(Claim(topic=f"{base}/#") for base in BASES),
    metrics=tuple(
        dict.fromkeys((*(name for name in NAMED if not is_event(name)), *SAID, "device_online"))
    ),
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
            at="home-assistant/window/contact",
            frame='{"state":"ON"}',
            expected={"window_open": (1.0, "1")},
            source=_HA,
        ),
        Vector(
            at="home-assistant/window/availability",
            frame="online",
            expected={"device_online": (1.0, "1")},
            source=_HA,
        ),
        Vector(
            at="home/bathroom/switch/button",
            frame="1",
            expected={"button_pressed": "1"},
            source=_HA,
        ),
    ),
)
