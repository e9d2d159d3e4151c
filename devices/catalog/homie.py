"""Homie: homie/<device>/<node>/<property> with a plain value, and attributes that begin with $.

Of version 5 the topics have its number first (homie/5/<device>/...). An attribute is a fact, by
its path below the device; `$state` says whether the device is there. A property's `$unit` is kept
as the fact `<node>/<property>/$unit`, and a quantity that could be in several units waits for it.
"""

from collections.abc import Iterator, Sequence

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
from devices.plain import NAMED, is_event, is_on, number, quantity_named, state_named, text
from devices.units import UnitError, unit_of

BASE = "homie/"
# homieiot/convention convention.md, "Device lifecycle".
LIFE = {"ready": 1.0, "alert": 1.0, "sleeping": 1.0, "disconnected": 0.0, "lost": 0.0}
BATTERY = "$stats/battery"


def subject(raw: Raw) -> str:
    topic = raw.topic if isinstance(raw, MqttMessage) else ""
    levels = topic.split("/")
    return "/".join(levels[: 3 if levels[1:2] in (["5"], ["4"]) else 2])


def decode(raw: Raw, known: Known) -> Decoded:
    if not isinstance(raw, MqttMessage) or not raw.topic.startswith(BASE):
        raise DecodeError("no message of Homie", raw_bytes(raw))
    device = subject(raw)
    path, word = raw.topic.removeprefix(device).strip("/"), text(raw.payload)
    if path.endswith("/set") or not path or not word:
        return Decoded()
    if path == "$state" and word in LIFE:
        return Decoded((_measured(device, "device_online", LIFE[word], "1"),))
    if path == BATTERY:
        try:
            return Decoded((_measured(device, "battery", number(word), "%"),))
        except ValueError as wrong:
            raise DecodeError(str(wrong), raw.payload) from None
    if "$" in path:
        return Decoded(facts=(Fact(device=device, name=path, value=word),))
    return _of_property(device, path, word, raw, known)


def _measured(device: str, metric: str, value: float, unit: str) -> Measurement:
    return Measurement(device=device, metric=metric, value=value, unit=unit)


def _of_property(device: str, path: str, word: str, raw: MqttMessage, known: Known) -> Decoded:
    not_understood = Fact(device=device, name="not_understood", value={path: word})
    try:
        value: float | bool = is_on(word) if word in ("true", "false") else number(word)
    except ValueError:
        return Decoded(facts=(not_understood,))
    if isinstance(value, bool):
        metric = state_named(path) or "on"
        if is_event(metric):
            pressed = value and not raw.retained
            return Decoded(events=(Event(device=device, event=metric),) if pressed else ())
        return Decoded((_measured(device, metric, float(value), "1"),))
    quantity = quantity_named(path.rpartition("/")[2]) or quantity_named(path)
    unit = known.get(f"{path}/$unit")
    if quantity is None:
        return Decoded(facts=(not_understood,))
    try:
        code = unit_of(quantity, unit if isinstance(unit, str) else None)
    except UnitError:
        return Decoded(facts=(not_understood,))
    return Decoded() if raw.retained else Decoded((_measured(device, quantity, value, code),))


def note(raw: Raw, known: Known) -> str:
    """What a message is that measures nothing."""
    if not isinstance(raw, MqttMessage):
        return ""
    path = raw.topic.removeprefix(subject(raw)).strip("/")
    if path.endswith("/set"):
        return "a command to the device"
    if "$" in path or "$" in raw.topic:
        return f"an attribute, {path}"
    return f"not understood: what {path} is, or its unit, which {path}/$unit tells"


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
            raise ValueError(f"Homie does not say {item.metric}")
        if item.metric == "device_online":
            return b"ready" if item.value else b"lost"
        if METRICS[item.metric].kind is Kind.STATE:
            return b"true" if item.value else b"false"
        return f"{item.value:g}".encode()
    for fact in facts:
        value = fact.value
        if isinstance(value, dict):
            value = next(iter(value.values()), "")
        return str(value).encode()
    return b"true" if events else b""


def places(name: str) -> Iterator[Place]:
    """A property that is called by what it says; a quantity, after its unit."""
    path = f"sensor/{name}"
    unit = METRICS[name].unit
    if METRICS[name].kind is not Kind.QUANTITY:
        yield Place(f"{BASE}homebeat/{path}")
        return
    told = (f"{BASE}homebeat/{path}/$unit", unit.encode())
    yield Place(f"{BASE}homebeat/{path}", {f"{path}/$unit": unit}, (told,))


_CONVENTION = "homieiot/convention convention.md@00e3460c"

DEVICE = Device(
    key="homie",
    title="Homie devices",
    known_by=KnownBy.SPECIFICATION,
    sources=("https://homieiot.github.io/specification/",),
    claims=(Claim(topic=BASE + "#"),),
    metrics=(*(name for name in NAMED if not is_event(name)), "on", "device_online"),
    events=("button_pressed", "sos_pressed", "fall_detected"),
    decode=decode,
    encode=encode,
    subject=subject,
    note=note,
    places=places,
    vectors=(
        Vector(
            at="homie/super-car/$state",
            frame="ready",
            expected={"device_online": (1.0, "1")},
            source=_CONVENTION,
        ),
        Vector(
            at="homie/super-car/$stats/battery",
            frame="80",
            expected={"battery": (80.0, "%")},
            source=_CONVENTION,
            open_ended=True,
        ),
        Vector(
            at="homie/super-car/engine/temperature",
            frame="21.5",
            expected={"room_temperature": (21.5, "Cel")},
            known={"engine/temperature/$unit": "°C"},
            source=_CONVENTION,
            open_ended=True,
        ),
        Vector(
            at="homie/super-car/engine/temperature",
            frame="21.5",
            expected={},
            facts={"not_understood": {"engine/temperature": "21.5"}},
            source=_CONVENTION,
            open_ended=True,
        ),
        Vector(
            at="homie/super-car/$nodes",
            frame="wheels,engine,lights[]",
            expected={},
            facts={"$nodes": "wheels,engine,lights[]"},
            source=_CONVENTION,
            open_ended=True,
        ),
    ),
)
