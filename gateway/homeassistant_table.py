"""Our entities as Home Assistant's MQTT discovery describes them: topics, keys, units, states.

One device for each gateway, in the device form: homeassistant/device/<id>/config holds `device`,
`origin` and `components`; each component has a `platform` and a `unique_id` that never changes.
Source: home-assistant.io/integrations/mqtt (discovery payload, device form), sensor.mqtt,
binary_sensor.mqtt and button.mqtt; device classes and units: home-assistant/core,
homeassistant/components/sensor/const.py.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from devices.metrics import METRICS
from rules.model import Person

Config = dict[str, Any]

PRESS = b"PRESS"
"""What Home Assistant sends for a pressed button (payload_press, its default)."""
LONGEST_STATE = 255
"""Characters; Home Assistant takes no longer state."""
NOTHING_TO_SAY = "Nothing just now"

CARE_TEAM = {
    "open": "arrived",
    "escalated": "passed on",
    "acknowledged": "seen",
    "resolved": "dealt with",
}
"""State of an alert at the server -> what Home Assistant shows of the last message to staff."""
NO_MESSAGE, ON_ITS_WAY = "none", "on its way"
CARE_TEAM_STATES = (NO_MESSAGE, ON_ITS_WAY, *CARE_TEAM.values())


@dataclass(frozen=True, slots=True)
class Shown:
    """How a metric is shown. `device_class` is None where Home Assistant has none that fits."""

    unit: str
    device_class: str | None = None


# A blood pressure has no class: "pressure" is that of the air, and a home with US units would
# turn mmHg into inHg (homeassistant/util/unit_system.py).
SENSORS: Mapping[str, Shown] = {
    "body_weight": Shown("kg", "weight"),
    "systolic_pressure": Shown("mmHg"),
    "diastolic_pressure": Shown("mmHg"),
    "pulse_rate": Shown("bpm"),
    "oxygen_saturation": Shown("%"),
    "body_temperature": Shown("°C", "temperature"),
    "blood_glucose": Shown("mmol/L", "blood_glucose_concentration"),
    "sensor_glucose": Shown("mmol/L", "blood_glucose_concentration"),
    "respiratory_rate": Shown("breaths/min"),
}


@dataclass(frozen=True, slots=True)
class Topics:
    """Where a gateway speaks and listens. Ids of persons and gateway become parts of topics."""

    gateway: str

    @property
    def device(self) -> str:
        return f"homebeat_{part(self.gateway)}"

    @property
    def config(self) -> str:
        return f"homeassistant/device/{self.device}/config"

    @property
    def availability(self) -> str:
        return f"homebeat/{part(self.gateway)}/availability"

    @property
    def server(self) -> str:
        return f"homebeat/{part(self.gateway)}/server"

    def prompts(self, person: str) -> str:
        return f"homebeat/{part(self.gateway)}/people/{part(person)}/prompts"

    def readings(self, person: str) -> str:
        return f"homebeat/{part(self.gateway)}/people/{part(person)}/readings"

    def im_ok(self, person: str) -> str:
        return f"homebeat/{part(self.gateway)}/people/{part(person)}/im_ok"

    def retained(self, people: Collection[str]) -> tuple[str, ...]:
        """All that stays on the broker."""
        of_people = [topic(one) for one in people for topic in (self.prompts, self.readings)]
        return (self.config, self.availability, self.server, *of_people)


def part(ident: str) -> str:
    """An id as a part of a topic and of a discovery id: only [A-Za-z0-9_-]. Two never clash."""
    plain = re.sub(r"[^A-Za-z0-9_-]", "_", ident)
    if plain == ident:
        return ident
    return f"{plain}_{blake2b(ident.encode(), digest_size=4).hexdigest()}"


def config(
    gateway: str,
    people: Collection[Person],
    measured: Mapping[str, Collection[str]],
    software: str,
    gone: Mapping[str, str],
) -> Config:
    """The retained message that makes the entities.

    `measured`: person id -> metrics of SENSORS of which there are readings. `gone`: component ->
    platform of those that were announced before; one that is not there any more is taken away by
    naming its platform alone.
    """
    topics = Topics(gateway)
    components: dict[str, Config] = {"server": _server(topics)}
    for person in people:
        components |= _of_person(topics, person, measured.get(person.id, ()))
    for component, platform in gone.items():
        components.setdefault(component, {"platform": platform})
    return {
        "device": {
            "identifiers": [topics.device],
            "name": "Homebeat",
            "manufacturer": "Homebeat",
            "model": "Home gateway",
            "sw_version": software,
        },
        "origin": {"name": "Homebeat", "sw_version": software},
        "availability": [{"topic": topics.availability}],
        "qos": 1,
        "components": components,
    }


def platforms(made: Config) -> dict[str, str]:
    """The components of a config that are there, each with its platform."""
    return {
        component: each["platform"]
        for component, each in made["components"].items()
        if len(each) > 1
    }


def cut(text: str) -> str:
    """Text that fits into a state, ended at a word."""
    if len(text) <= LONGEST_STATE:
        return text
    return text[: LONGEST_STATE - 1].rsplit(" ", 1)[0] + "…"


def _server(topics: Topics) -> Config:
    return {
        "platform": "binary_sensor",
        "unique_id": f"{topics.device}_server",
        "name": "Care team reached",
        "device_class": "connectivity",
        "entity_category": "diagnostic",
        "state_topic": topics.server,
    }


def _of_person(topics: Topics, person: Person, measured: Collection[str]) -> dict[str, Config]:
    prompts = {"state_topic": topics.prompts(person.id)}
    rows: dict[str, Config] = {
        "prompts": {
            "platform": "sensor",
            "name": "open prompts",
            "icon": "mdi:message-text",
            **prompts,
            "value_template": "{{ value_json.open }}",
            "json_attributes_topic": topics.prompts(person.id),
        },
        "says": {
            "platform": "sensor",
            "name": "message",
            "icon": "mdi:message-text-outline",
            **prompts,
            "value_template": "{{ value_json.says }}",
        },
        "needs_help": {
            "platform": "binary_sensor",
            "name": "needs help",
            "device_class": "problem",
            **prompts,
            "value_template": "{{ value_json.needs_help }}",
        },
        "care_team": {
            "platform": "sensor",
            "name": "message to the care team",
            "device_class": "enum",
            "options": list(CARE_TEAM_STATES),
            **prompts,
            "value_template": "{{ value_json.care_team }}",
        },
        "im_ok": {
            "platform": "button",
            "name": "I'm OK",
            "icon": "mdi:hand-okay",
            "command_topic": topics.im_ok(person.id),
            "payload_press": PRESS.decode(),
        },
        **{
            metric: _reading(topics.readings(person.id), metric, SENSORS[metric])
            for metric in SENSORS
            if metric in measured
        },
    }
    first_name = person.name.split()[0]
    return {
        f"{part(person.id)}_{what}": {
            **row,
            "name": f"{first_name} {row['name']}",
            "unique_id": f"{topics.device}_{part(person.id)}_{what}",
        }
        for what, row in rows.items()
    }


def _reading(topic: str, metric: str, shown: Shown) -> Config:
    named = {"device_class": shown.device_class} if shown.device_class else {}
    return {
        "platform": "sensor",
        "name": METRICS[metric].title.lower(),
        **named,
        "unit_of_measurement": shown.unit,
        "state_class": "measurement",
        "suggested_display_precision": METRICS[metric].decimals,
        "state_topic": topic,
        "value_template": f"{{{{ value_json.{metric} }}}}",
        "json_attributes_topic": topic,
        "json_attributes_template": f"{{{{ value_json.{metric}_about | tojson }}}}",
    }
