"""Home Assistant's MQTT discovery: devices that say what they are, in their own messages.

homeassistant/<component>/[<node>/]<object>/config holds one entity, homeassistant/device/<id>/
config many under `components`; both are retained, and empty when the device is gone. Keys may be
abbreviated, and "~" stands for the base topic. What a state topic says is then understood by its
entities: `device_class` says what it is, `value_template` where the value is.

Facts: of a config topic `entities`, a list of what it names; of each state topic
`discovered <config topic>`, those of its entities that this config names, and null when the config
no longer does. A state topic can be anything: the gateway looks its facts up by the topic.

Templates are read by devices/templates.py, which runs nothing; one that it does not take is said
in the entity's `problem`. An entity without a class is known by its name, else it is passed over.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

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
    BINARY_CLASSES,
    NAMED,
    SENSOR_CLASSES,
    is_event,
    is_on,
    json_object,
    json_or_text,
    number,
    of_class,
    quantity_named,
    state_named,
    text,
    unmeasured,
)
from devices.templates import NoSuchValue, NotSupported, compiled
from devices.units import UnitError, ucum, unit_of

PREFIX = "homeassistant/"
STATUS = PREFIX + "status"
CONFIG = "/config"
DISCOVERED = "discovered "
"""How the facts of a state topic begin that a config told."""

# home-assistant/core homeassistant/components/mqtt/abbreviations.py, those that we read.
ABBREVIATIONS = {
    "avty": "availability", "avty_t": "availability_topic", "avty_tpl": "availability_template",
    "curr_temp_t": "current_temperature_topic", "curr_temp_tpl": "current_temperature_template",
    "temp_unit": "temperature_unit",
    "cmps": "components", "cmd_t": "command_topic", "dev": "device", "dev_cla": "device_class",
    "ent_cat": "entity_category", "o": "origin", "obj_id": "object_id", "p": "platform",
    "pl": "payload", "pl_avail": "payload_available", "pl_home": "payload_home",
    "pl_not_avail": "payload_not_available", "pl_not_home": "payload_not_home",
    "pl_off": "payload_off", "pl_on": "payload_on", "stat_cla": "state_class",
    "stat_locked": "state_locked", "stat_off": "state_off", "stat_on": "state_on",
    "stat_open": "state_open", "stat_clsd": "state_closed", "stat_t": "state_topic",
    "stat_unlocked": "state_unlocked", "stype": "subtype", "t": "topic", "uniq_id": "unique_id",
    "unit_of_meas": "unit_of_measurement", "val_tpl": "value_template",
}  # fmt: skip
HEATERS = ("climate", "water_heater")
SWITCHES = ("switch", "light", "fan", "siren", "humidifier")
DEFAULTS: dict[str, tuple[str, str, str, str, str]] = {
    # component: metric, key and default of on, key and default of off.
    **dict.fromkeys(SWITCHES, ("power_on", "payload_on", "ON", "payload_off", "OFF")),
    "lock": ("unlocked", "state_unlocked", "UNLOCKED", "state_locked", "LOCKED"),
    "cover": ("opening_open", "state_open", "open", "state_closed", "closed"),
    "device_tracker": ("presence", "payload_home", "home", "payload_not_home", "not_home"),
}
EVENT_CLASSES = {
    "button": "button_pressed",
    "doorbell": "button_pressed",
    "motion": "movement_seen",
}
RELEASED = "release"
PRESSURE_UNITS = ("mmHg", "mm[Hg]", "kPa")
UNKNOWN = ("", "unknown", "unavailable", "None")
"""What Home Assistant's own sensors say before they know."""
ON_THE_WAY = {
    "cover": ("opening", "closing", "stopped"),
    "lock": ("LOCKING", "UNLOCKING", "JAMMED"),
}
"""Words of a component that are neither of its two states."""

_NAMED = (
    "device_online", "on", "power_on", "opening_open", "bed_occupied", "seat_occupied",
)  # fmt: skip
SAID = tuple(
    dict.fromkeys(
        (
            *SENSOR_CLASSES.values(),
            *BINARY_CLASSES.values(),
            *_NAMED,
            *(name for name in NAMED if not is_event(name)),
        )
    )
)
"""The metrics that a class or a name can mean."""

_dumps = msgspec.json.Encoder().encode
Entity = Mapping[str, Any]


def subject(raw: Raw) -> str:
    return raw.topic if isinstance(raw, MqttMessage) else ""


def discovered(known: Known) -> list[Entity]:
    """The entities that speak on a topic with these facts."""
    return [
        entity
        for name, entities in known.items()
        if name.startswith(DISCOVERED) and isinstance(entities, list)
        for entity in entities
        if isinstance(entity, Mapping)
    ]


def decode(raw: Raw, known: Known) -> Decoded:
    if not isinstance(raw, MqttMessage):
        raise DecodeError("no message of Home Assistant's discovery", raw_bytes(raw))
    entities = discovered(known)
    if entities:
        return of_entities(raw.topic, entities, raw)
    if raw.topic == STATUS:
        words = {b"online": True, b"offline": False}
        if raw.payload not in words:
            raise DecodeError("neither online nor offline", raw.payload)
        return Decoded(facts=(Fact(device=STATUS, name="online", value=words[raw.payload]),))
    if raw.topic.startswith(PREFIX) and raw.topic.endswith(CONFIG):
        return Decoded(facts=tuple(_config_facts(raw, known)))
    component = raw.topic.removeprefix(PREFIX).partition("/")[0]
    return _unannounced(raw, component)


def _config_facts(raw: MqttMessage, known: Known) -> Iterator[Fact]:
    entities = list(_entities(raw)) if raw.payload.strip() else []
    told: dict[str, list[Entity]] = {}
    before = known.get("entities")
    for entity in before if isinstance(before, list) else ():
        if isinstance(entity, Mapping) and isinstance(entity.get("topic"), str):
            told[entity["topic"]] = []
    for entity in entities:
        if entity.get("topic"):
            told.setdefault(str(entity["topic"]), []).append(entity)
    yield Fact(device=raw.topic, name="entities", value=entities)
    for topic, of_topic in told.items():
        yield Fact(device=topic, name=DISCOVERED + raw.topic, value=of_topic or None)


def _entities(raw: MqttMessage) -> Iterator[dict[str, object]]:
    levels = raw.topic.removeprefix(PREFIX).split("/")
    config = _expanded(json_object(raw.payload))
    component, own = levels[0], levels[-2] if len(levels) > 1 else ""
    if component != "device":
        yield from _named(config, component, own)
        return
    components = config.pop("components", None)
    if not isinstance(components, Mapping):
        raise DecodeError("a device without components", raw.payload)
    base = {key: value for key, value in config.items() if key in ("availability", "~", "device")}
    for name, item in components.items():
        if isinstance(item, Mapping):
            inner = _expanded(base | dict(item))
            yield from _named(inner, str(inner.get("platform", "")), str(name))


def _expanded(config: Mapping[str, object]) -> dict[str, object]:
    """Long keys, and topics without "~"."""
    base = config.get("~")
    result: dict[str, object] = {}
    for key, value in config.items():
        name = ABBREVIATIONS.get(key, key)
        if name == "availability":
            rows = value if isinstance(value, list) else [value]
            result[name] = [
                _expanded({"~": base, **row}) for row in rows if isinstance(row, Mapping)
            ]
        elif name.endswith("topic") and isinstance(value, str) and isinstance(base, str):
            result[name] = _with_base(value, base)
        else:
            result[name] = value
    return result


def _with_base(topic: str, base: str) -> str:
    if topic.startswith("~"):
        return base + topic[1:]
    return topic[:-1] + base if topic.endswith("~") else topic


def _named(config: Mapping[str, object], component: str, own: str) -> Iterator[dict[str, object]]:
    """The entity of a config, and one for each topic that says whether it is there."""
    wanted = {
        "topic": config.get("state_topic") or config.get("topic"),
        "name": config.get("name") or config.get("object_id") or own,
        "class": config.get("device_class"),
        "unit": config.get("unit_of_measurement"),
        "template": config.get("value_template") or config.get("state_value_template"),
        "payload": config.get("payload"),
        "type": config.get("type"),
        "id": config.get("unique_id") or own,
    }
    if component in DEFAULTS:
        _, on_key, on, off_key, off = DEFAULTS[component]
        if on_key == "payload_on":
            wanted["on"] = config.get("state_on", config.get(on_key, on))
            wanted["off"] = config.get("state_off", config.get(off_key, off))
        else:
            wanted["on"], wanted["off"] = config.get(on_key, on), config.get(off_key, off)
    elif component == "binary_sensor":
        wanted["on"] = config.get("payload_on", "ON")
        wanted["off"] = config.get("payload_off", "OFF")
    entity: dict[str, object] = {"component": component}
    entity |= {key: value for key, value in wanted.items() if isinstance(value, str | bool | int)}
    metric = _metric(entity)
    if metric is not None:
        entity["metric"] = metric
    problem = _problem(entity)
    if problem is not None:
        entity["problem"] = problem
    yield entity
    if component in HEATERS and isinstance(config.get("current_temperature_topic"), str):
        yield _current_temperature(config)
    yield from _availability(config)


def _current_temperature(config: Mapping[str, object]) -> dict[str, object]:
    """What a thermostat measures: an entity of its own."""
    said: dict[str, object] = {
        "component": "sensor",
        "topic": config["current_temperature_topic"],
        "name": "temperature",
        "metric": "room_temperature",
    }
    unit = {"C": "°C", "F": "°F"}.get(str(config.get("temperature_unit")))
    template = config.get("current_temperature_template")
    said |= {"unit": unit} if unit else {}
    said |= {"template": template} if isinstance(template, str) else {}
    problem = _problem(said)
    return said | ({"problem": problem} if problem else {})


def _availability(config: Mapping[str, object]) -> Iterator[dict[str, object]]:
    listed = config.get("availability")
    rows = (
        [item for item in listed if isinstance(item, Mapping)] if isinstance(listed, list) else []
    )
    if isinstance(config.get("availability_topic"), str):
        rows.append(
            {
                "topic": config["availability_topic"],
                "value_template": config.get("availability_template"),
                "payload_available": config.get("payload_available", "online"),
                "payload_not_available": config.get("payload_not_available", "offline"),
            }
        )
    for row in rows:
        if isinstance(row.get("topic"), str):
            template = row.get("value_template")
            yield {
                "component": "availability",
                "topic": row["topic"],
                "metric": "device_online",
                "on": row.get("payload_available", "online"),
                "off": row.get("payload_not_available", "offline"),
            } | ({"template": template} if isinstance(template, str) else {})


def _metric(entity: Entity) -> str | None:
    """By its class, narrowed by its name; without a class by its name, else by its id."""
    component, class_, name = entity["component"], entity.get("class"), str(entity.get("name", ""))
    id_ = str(entity.get("id", ""))
    if component == "sensor":
        if class_:
            return of_class(SENSOR_CLASSES, str(class_), name)
        return quantity_named(name) or quantity_named(id_)
    if component == "binary_sensor":
        if class_:
            return of_class(BINARY_CLASSES, str(class_), name)
        return state_named(name) or state_named(id_) or "on"
    if component in DEFAULTS:
        return DEFAULTS[component][0]
    if component == "event":
        return EVENT_CLASSES.get(str(class_), "button_pressed")
    return "button_pressed" if component == "device_automation" else None


def _problem(entity: Entity) -> str | None:
    template, metric = entity.get("template"), entity.get("metric")
    if isinstance(template, str):
        try:
            compiled(template)
        except NotSupported as wrong:
            return str(wrong)
    if entity["component"] == "sensor" and metric is None and entity.get("unit") in PRESSURE_UNITS:
        return "a pressure whose name does not say which: call it systolic or diastolic"
    if entity["component"] == "sensor" and isinstance(metric, str):
        unit = entity.get("unit")
        try:
            unit_of(metric, ucum(unit) if isinstance(unit, str) else None)
        except UnitError as wrong:
            return str(wrong)
    return None


def of_entities(device: str, entities: Sequence[Entity], raw: MqttMessage) -> Decoded:
    """What a message on a state topic says, by the entities that speak there.

    DecodeError where none of them could be understood; of a topic that many share, each message
    need not speak of all.
    """
    plain = json_or_text(raw.payload)
    given = {"value": plain if isinstance(plain, str) else text(raw.payload), "value_json": plain}
    items: list[Measurement | Event] = []
    wrong: dict[str, object] = {}
    for entity in entities:
        name = str(entity.get("name") or entity.get("id") or entity.get("component"))
        try:
            items += _said(device, entity, plain, given)
        except NoSuchValue:
            continue
        except ValueError as reason:
            wrong[name] = str(reason)
    facts = (Fact(device=device, name="not_understood", value=wrong),) if wrong else ()
    if wrong and not items:
        raise DecodeError("; ".join(f"{name}: {why}" for name, why in wrong.items()), raw.payload)
    return Decoded(
        tuple(
            item
            for item in items
            if isinstance(item, Measurement)
            and not (raw.retained and METRICS[item.metric].kind is Kind.QUANTITY)
        ),
        tuple(item for item in items if isinstance(item, Event) and not raw.retained),
        facts,
    )


def _said(
    device: str, entity: Entity, plain: object, given: Mapping[str, object]
) -> Iterator[Measurement | Event]:
    metric = entity.get("metric")
    if not isinstance(metric, str) or metric not in METRICS:
        if entity.get("problem"):
            raise ValueError(entity["problem"])
        return
    template = entity.get("template")
    value = compiled(template)(given) if isinstance(template, str) else plain
    component = entity.get("component")
    if component in ("event", "device_automation"):
        word = value.get("event_type") if isinstance(value, Mapping) else value
        wanted = entity.get("payload")
        if component == "device_automation" and str(word) != str(wanted):
            return
        name = "button_released" if RELEASED in str(word) else metric
        yield Event(device=device, event=name, detail=str(word))
    elif component == "sensor":
        if value is None or value in UNKNOWN:
            return
        unit = entity.get("unit")
        code = unit_of(metric, unit if isinstance(unit, str) else None)
        yield Measurement(device=device, metric=metric, value=number(value), unit=code)
    else:
        yield from _switched(device, metric, value, entity)


def _switched(
    device: str, metric: str, value: object, entity: Entity
) -> Iterator[Measurement | Event]:
    if isinstance(value, Mapping):
        value = value.get("state")
    if value is None or value in UNKNOWN:
        return
    if value in ON_THE_WAY.get(str(entity.get("component")), ()):
        return
    words = {str(entity.get("on", "ON")): True, str(entity.get("off", "OFF")): False}
    if str(value) not in words:
        raise ValueError(f"{value!r} is none of {', '.join(words)}")
    yield from state_or_event(device, metric, words[str(value)], str(value))


def state_or_event(
    device: str,
    metric: str,
    is_it: bool,
    word: str,
) -> Iterator[Measurement | Event]:
    """A state; of a button, the event when it is pressed."""
    if not is_event(metric):
        yield Measurement(device=device, metric=metric, value=float(is_it), unit="1")
    elif is_it:
        yield Event(device=device, event=metric, detail=word)


def _unannounced(raw: MqttMessage, component: str) -> Decoded:
    """A state topic whose config was not heard: only what the message itself makes clear."""
    said = json_or_text(raw.payload)
    last = raw.topic.rpartition("/")[2]
    if last in ("set", "command", "attributes"):
        return Decoded()
    items: list[Measurement | Event] = []
    wrong: dict[str, object] = {}
    named = said if isinstance(said, Mapping) else {raw.topic.removeprefix(PREFIX): said}
    for name, value in named.items():
        if component in SWITCHES and isinstance(said, Mapping) and name not in ("state", "value"):
            continue
        own = raw.topic if name in ("state", "value") else str(name)
        metric = "power_on" if component in SWITCHES else state_named(own)
        quantity = quantity_named(own)
        try:
            if component in ("binary_sensor", *SWITCHES):
                items += state_or_event(raw.topic, metric or "on", is_on(value), str(value))
            elif quantity is not None:
                code = unit_of(quantity, None)
                items.append(
                    Measurement(device=raw.topic, metric=quantity, value=number(value), unit=code)
                )
        except ValueError as reason:
            wrong[str(name)] = str(reason)
    if not items:
        raise DecodeError(
            "no discovery config for this topic was heard"
            + "".join(f"; {name}: {why}" for name, why in wrong.items()),
            raw.payload,
        )
    facts = (Fact(device=raw.topic, name="not_understood", value=wrong),) if wrong else ()
    return Decoded(
        tuple(
            item
            for item in items
            if isinstance(item, Measurement)
            and not (raw.retained and METRICS[item.metric].kind is Kind.QUANTITY)
        ),
        tuple(item for item in items if isinstance(item, Event) and not raw.retained),
        facts,
    )


def note(raw: Raw, known: Known) -> str:
    """What a message is that measures nothing."""
    if not isinstance(raw, MqttMessage):
        return ""
    if raw.topic == STATUS:
        return "whether Home Assistant is online"
    if raw.topic.endswith(CONFIG):
        if not raw.payload.strip():
            return "what was announced here is gone"
        return "it announces what speaks on which topic"
    return unmeasured(raw.payload)


def encode(
    *,
    measurements: Sequence[Measurement] = (),
    events: Sequence[Event] = (),
    facts: Sequence[Fact] = (),
    known: Known = NOTHING_KNOWN,
) -> bytes:
    """A config (the fact `entities`: of one the short form, else components), or a state.

    A state is said as the entities in `known` say it: by name in a JSON object where they have
    templates that are a path, else plainly.
    """
    for fact in facts:
        if fact.name == "entities" and isinstance(fact.value, list):
            return _config(fact.value, str(known.get("at", "")))
        if fact.name == "online":
            return b"online" if fact.value else b"offline"
    entities = discovered(known)
    said: dict[str, object] = {}
    spoken: tuple[Measurement | Event, ...] = (*measurements, *events)
    for item in spoken:
        metric = item.metric if isinstance(item, Measurement) else item.event
        entity = next((row for row in entities if row.get("metric") == metric), None)
        if entity is None:
            raise ValueError(f"no entity of this topic says {metric}")
        value = _word(item, entity)
        path = _path(entity)
        if path is None:
            return value.encode() if isinstance(value, str) else _dumps(value)
        said[path] = value
    return _dumps(said) if said else b""


def _word(item: Measurement | Event, entity: Entity) -> object:
    if isinstance(item, Event):
        return entity.get("on", item.detail or "press")
    if METRICS[item.metric].kind is Kind.QUANTITY:
        return item.value
    return entity.get("on", "ON") if item.value else entity.get("off", "OFF")


def _path(entity: Entity) -> str | None:
    template = entity.get("template")
    if not isinstance(template, str):
        return None
    return template.strip("{} ").removeprefix("value_json").strip(".[]\"'")


def _config(entities: Sequence[Entity], topic: str) -> bytes:
    if not entities:
        return b""
    theirs = {
        "topic": "state_topic", "name": "name", "class": "device_class",
        "unit": "unit_of_measurement", "template": "value_template", "on": "payload_on",
        "off": "payload_off", "id": "unique_id", "payload": "payload", "type": "type",
    }  # fmt: skip
    written = [
        {theirs[key]: value for key, value in entity.items() if key in theirs}
        for entity in entities
        if entity.get("component") != "availability"
    ]
    shared: dict[str, object] = {}
    there = [entity for entity in entities if entity.get("component") == "availability"]
    if there:
        rows = [
            {
                "topic": row.get("topic"),
                "payload_available": row.get("on"),
                "payload_not_available": row.get("off"),
            }
            | ({"value_template": row["template"]} if "template" in row else {})
            for row in there
        ]
        shared["availability"] = rows
    if not topic.startswith(PREFIX + "device/"):
        return _dumps((written[0] if written else {}) | shared)
    platforms = [row.get("component") for row in entities if row.get("component") != "availability"]
    components = {
        str(row.get("unique_id", place)): row | {"platform": platform}
        for place, (row, platform) in enumerate(zip(written, platforms, strict=True))
    }
    return _dumps({"components": components} | shared)


_HA = "home-assistant/home-assistant.io source/_integrations/mqtt.markdown@00db44af"
_SHORTER = "what we need of it, and no more, becomes facts"
_GARDEN = {
    DISCOVERED + "homeassistant/binary_sensor/garden/config": [
        {"component": "binary_sensor", "metric": "movement", "on": "ON", "off": "OFF"}
    ]
}
_BEDROOM = {
    DISCOVERED + "homeassistant/sensor/sensorBedroomT/config": [
        {
            "component": "sensor",
            "metric": "room_temperature",
            "unit": "°C",
            "template": "{{ value_json.temperature}}",
        }
    ],
    DISCOVERED + "homeassistant/sensor/sensorBedroomH/config": [
        {
            "component": "sensor",
            "metric": "room_humidity",
            "unit": "%",
            "template": "{{ value_json.humidity}}",
        }
    ],
}


def announced(name: str, topic: str) -> Iterator[Place]:
    """The state topic as the place of a metric or an event, with each config that says so."""
    for component, more in _configs(name):
        config = MqttMessage(
            topic=f"{PREFIX}{component}/{name}{CONFIG}",
            payload=_dumps({"name": name, "state_topic": topic, **more}),
            received_at=datetime.fromtimestamp(0, UTC),
        )
        told = _config_facts(config, NOTHING_KNOWN)
        known = {fact.name: fact.value for fact in told if fact.device == topic}
        yield Place(at=topic, known=known, told=((config.topic, config.payload),))


def _configs(name: str) -> Iterator[tuple[str, dict[str, object]]]:
    """(component, what its config says), by class first; last a name that speaks for itself."""
    unit = METRICS[name].unit
    for class_, metric in SENSOR_CLASSES.items():
        if metric == name:
            yield "sensor", {"device_class": class_, "unit_of_measurement": unit}
    for component, classes in (("binary_sensor", BINARY_CLASSES), ("event", EVENT_CLASSES)):
        for class_, metric in classes.items():
            if metric == name:
                yield component, {"device_class": class_}
    for component, (metric, *_) in DEFAULTS.items():
        if metric == name:
            yield component, {}
    yield "sensor", {"unit_of_measurement": unit}
    yield "binary_sensor", {}
    yield "event", {"device_class": "button"}


def places(name: str) -> Iterator[Place]:
    return announced(name, f"{PREFIX}homebeat/{name}/state")


DEVICE = Device(
    key="homeassistant",
    title="What Home Assistant's MQTT discovery announces",
    known_by=KnownBy.SPECIFICATION,
    sources=("https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery",),
    claims=(Claim(topic=PREFIX + "#"),),
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
            at="homeassistant/binary_sensor/garden/config",
            frame='{"name":"garden","device_class":"motion",'
            '"state_topic":"homeassistant/binary_sensor/garden/state"}',
            expected={},
            source=_HA,
            lossless=False,
            note="with the defaults written out",
        ),
        Vector(
            at="homeassistant/binary_sensor/garden/config",
            frame="",
            expected={},
            facts={"entities": []},
            source=_HA + ": an empty payload removes the entity",
        ),
        Vector(
            at="homeassistant/binary_sensor/garden/state",
            frame="ON",
            expected={"movement": (1.0, "1")},
            known=_GARDEN,
            source=_HA,
        ),
        Vector(
            at="homeassistant/sensor/sensorBedroom/state",
            frame='{"temperature":23.2,"humidity":43.7}',
            expected={"room_temperature": (23.2, "Cel"), "room_humidity": (43.7, "%")},
            known=_BEDROOM,
            source=_HA,
        ),
        Vector(
            at="homeassistant/sensor/sensorBedroom/state",
            frame='{"temperature":23.2}',
            expected=None,
            source="composed from " + _HA + " without its config: Celsius or Fahrenheit",
        ),
    ),
)
