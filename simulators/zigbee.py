"""A simulated Zigbee2MQTT: its bridge topics, and the sensors behind it.

What a sensor publishes is encoded by `devices`, with the values that its own `exposes` declare:
models differ in which value means open.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from simulators.mqtt import Publication

BASE = "zigbee2mqtt"
_PUBLISHED = 1
"""Access bit 1: the property is in the published state (Zigbee2MQTT, exposes, "Access")."""


class Model(Struct, frozen=True, kw_only=True):
    """A model as zigbee-herdsman-converters describes it: what its payloads can say."""

    model: str
    vendor: str
    description: str
    exposes: tuple[Mapping[str, Any], ...]


def _binary(name: str, on: object, off: object) -> Mapping[str, Any]:
    return {
        "type": "binary",
        "name": name,
        "label": name.capitalize(),
        "property": name,
        "access": _PUBLISHED,
        "value_on": on,
        "value_off": off,
    }


def _action(*values: str) -> Mapping[str, Any]:
    return {
        "type": "enum",
        "name": "action",
        "label": "Action",
        "property": "action",
        "access": _PUBLISHED,
        "values": list(values),
    }


_BATTERY: Mapping[str, Any] = {
    "type": "numeric",
    "name": "battery",
    "label": "Battery",
    "property": "battery",
    "access": _PUBLISHED,
    "unit": "%",
    "value_min": 0,
    "value_max": 100,
}

_POWER: Mapping[str, Any] = {
    "type": "numeric",
    "name": "power",
    "label": "Power",
    "property": "power",
    "access": _PUBLISHED,
    "unit": "W",
}

MODELS: Mapping[str, Model] = {
    "movement": Model(
        model="RTCGQ01LM",
        vendor="Aqara",
        description="Mi motion sensor",
        exposes=(_binary("occupancy", on=True, off=False), _BATTERY),
    ),
    "contact": Model(
        model="MCCGQ01LM",
        vendor="Aqara",
        description="Mi door and window sensor: contact false is open",
        exposes=(_binary("contact", on=False, off=True), _BATTERY),
    ),
    "contact reversed": Model(
        model="reversed contact",
        vendor="simulated",
        description="A contact sensor of the other polarity: contact true is open",
        exposes=(_binary("contact", on=True, off=False), _BATTERY),
    ),
    "plug": Model(
        model="TS011F_plug_1",
        vendor="Tuya",
        description="Smart plug with power monitoring, always switched on",
        exposes=(_POWER,),
    ),
    "sos": Model(
        model="TS0215A_sos",
        vendor="Tuya",
        description="SOS button",
        exposes=(_action("emergency"), _BATTERY),
    ),
}


def ieee_address(name: str) -> str:
    """An address of the simulated range that is always the same for a friendly name."""
    return f"0x00158d{int.from_bytes(name.encode(), 'big') % (1 << 40):010x}"


def bridge_device(name: str, model: Model) -> dict[str, Any]:
    """One entry of zigbee2mqtt/bridge/devices."""
    return {
        "ieee_address": ieee_address(name),
        "type": "EndDevice",
        "supported": True,
        "disabled": False,
        "friendly_name": name,
        "definition": {
            "model": model.model,
            "vendor": model.vendor,
            "description": model.description,
            "exposes": list(model.exposes),
        },
        "power_source": "Battery",
        "interview_completed": True,
        "interviewing": False,
    }


def announcements(sensors: Mapping[str, Model]) -> Sequence[Publication]:
    """What Zigbee2MQTT retains at its start: its state, its devices, and that they are there."""
    devices = [bridge_device(name, model) for name, model in sensors.items()]
    return [
        _retained("bridge/state", {"state": "online"}),
        _retained("bridge/devices", devices),
        *(_retained(f"{name}/availability", {"state": "online"}) for name in sensors),
    ]


def _retained(topic: str, payload: object) -> Publication:
    return Publication(topic=f"{BASE}/{topic}", payload=json.dumps(payload).encode(), retained=True)
