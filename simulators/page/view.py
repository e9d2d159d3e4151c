"""What the tester's page shows, in words."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct

from devices.metrics import METRICS
from devices.registry import by_key
from simulators.homes.home import TESTER, SimulatedHome
from simulators.people.person import Deed, measured
from simulators.people.scenarios import SCENARIOS
from simulators.play.frames import Over, over

BUTTONS: Mapping[Deed, str] = {
    Deed.WEIGHS: "Step on it",
    Deed.BLOOD_PRESSURE: "Press start",
    Deed.OXYGEN: "Put a finger in",
    Deed.TEMPERATURE: "Take a temperature",
    Deed.GLUCOSE: "Put a drop of blood on",
    Deed.OPENS: "Open",
    Deed.CLOSES: "Close",
    Deed.BOILS: "Put it on",
    Deed.BOILED: "It boiled",
    Deed.MOVES: "Walk past",
    Deed.PRESSES: "Press",
}
"""What can be done with a device. A room that becomes still does so by itself."""
DONE: Mapping[str, str] = {
    Deed.WEIGHS: "weighs in",
    Deed.BLOOD_PRESSURE: "takes a blood pressure",
    Deed.OXYGEN: "measures oxygen",
    Deed.TEMPERATURE: "takes a temperature",
    Deed.GLUCOSE: "measures glucose",
    Deed.MOVES: "walks into the",
    Deed.OPENS: "opens the",
    Deed.CLOSES: "closes the",
    Deed.BOILS: "puts on the",
    Deed.BOILED: "has boiled the",
    "read a prompt": "reads a message on the home page",
    "answered": "answers it",
    "was refused": "is refused an answer",
}
"""What the person did, in words."""


class Button(Struct, frozen=True):
    action: str
    words: str
    weight: str | None
    """What the weight field starts with; None: the button has no such field."""


class Card(Struct, frozen=True):
    name: str
    how: str
    buttons: tuple[Button, ...]
    device: str
    faults: tuple[str, ...]
    """What can go wrong with what it says."""
    fault: str
    """What goes wrong with it now; empty: nothing."""


class Switch(Struct, frozen=True):
    title: str
    state: str
    action: str
    words: str
    broken: bool


class Line(Struct, frozen=True):
    when: str
    text: str
    by_tester: bool


class TesterView(Struct, frozen=True):
    person: str
    clock: str
    cards: tuple[Card, ...]
    switches: tuple[Switch, ...]
    lines: tuple[Line, ...]


def view(home: SimulatedHome) -> TesterView:
    """The home at this moment."""
    zone = ZoneInfo(home.person.timezone)
    weight = measured(home.person, Deed.WEIGHS, home.now())["body_weight"]
    return TesterView(
        person=home.person.name,
        clock=f"{home.now().astimezone(zone):%A %d %B, %H:%M}",
        cards=tuple(
            Card(
                name=device.config.name,
                how=_how(device.config.kind),
                buttons=tuple(
                    Button(
                        action=f"/devices/{device.config.device}/{deed}",
                        words=BUTTONS[deed],
                        weight=f"{weight:.1f}" if deed is Deed.WEIGHS else None,
                    )
                    for deed in device.config.deeds
                    if deed in BUTTONS
                ),
                device=device.config.device,
                faults=tuple(fault.name for fault in device.faults.possible()),
                fault=device.faults.fault.name if device.faults.fault else "",
            )
            for device in home.devices
        ),
        switches=tuple(_switches(home)),
        lines=tuple(_line(home, entry, zone) for entry in home.diary.last()),
    )


_HOW: Mapping[Over, str] = {
    Over.GATT: "Bluetooth",
    Over.ADVERTISEMENT: "Bluetooth advertisements",
    Over.MQTT: "Zigbee, over MQTT",
}


def _how(kind: str) -> str:
    codec = by_key(kind)
    return "Wi-Fi, over MQTT" if codec is None else _HOW[over(codec)]


def _switches(home: SimulatedHome) -> list[Switch]:
    found = []
    if home.cable is not None:
        found.append(
            Switch("The server's cable", "plugged in", "/cable/pull", "Pull it out", broken=False)
            if home.cable.plugged
            else Switch(
                "The server's cable", "pulled out", "/cable/plug", "Plug it in", broken=True
            )
        )
    if home.radio is not None:
        found.append(
            Switch("The Bluetooth adapter", "on", "/radio/off", "Switch it off", broken=False)
            if home.radio_on
            else Switch("The Bluetooth adapter", "off", "/radio/on", "Switch it on", broken=True)
        )
    if home.proxies is not None:
        found.append(
            Switch("The Bluetooth proxies", "on", "/proxies/off", "Unplug them", broken=False)
            if home.proxies.plugged
            else Switch("The Bluetooth proxies", "off", "/proxies/on", "Plug them in", broken=True)
        )
    if home.answering is not None:
        found.append(
            Switch(
                f"{_first_name(home)}'s answers",
                "given by the simulation",
                "/answers/off",
                "Stop answering",
                broken=False,
            )
            if home.answering.answers
            else Switch(
                f"{_first_name(home)}'s answers",
                "yours to give, on the home page",
                "/answers/on",
                "Let the simulation answer",
                broken=False,
            )
        )
    found += (
        Switch(
            scenario.title, "is there", f"/illness/{scenario.name}/ends", "Let it end", broken=True
        )
        if scenario.is_on(home.person.body)
        else Switch(
            scenario.title,
            "is not there",
            f"/illness/{scenario.name}/begins",
            "Let it begin",
            broken=False,
        )
        for scenario in SCENARIOS.values()
    )
    return found


def _line(home: SimulatedHome, entry: Mapping[str, Any], zone: ZoneInfo) -> Line:
    at = datetime.fromisoformat(entry["at"]).astimezone(zone)
    by_tester = entry["who"] == TESTER
    did = entry["did"]
    if by_tester:
        words = [f"You: {entry.get('device', did)}"]
        words += [BUTTONS[Deed(did)].lower()] if "device" in entry else []
        text = ", ".join(words)
    else:
        text = f"{_first_name(home)} {DONE.get(did, did)} {entry.get('where', '')}".strip()
    values = [_value(metric, value) for metric, value in entry.get("values", {}).items()]
    values += entry.get("devices", [])
    values += [
        f"{METRICS[metric].title}? {word}" for metric, word in entry.get("answers", {}).items()
    ]
    return Line(f"{at:%a %H:%M}", text + (f": {', '.join(values)}" if values else ""), by_tester)


def _first_name(home: SimulatedHome) -> str:
    return home.person.name.split()[0]


def _value(metric: str, value: float) -> str:
    row = METRICS[metric]
    unit = _UNITS.get(row.unit, row.unit)
    return f"{_SHORT.get(metric, row.title.lower())} {value:.{row.decimals}f} {unit}"


_SHORT: Mapping[str, str] = {
    "systolic_pressure": "systolic",
    "diastolic_pressure": "diastolic",
    "mean_arterial_pressure": "mean",
    "oxygen_saturation": "oxygen",
}
_UNITS: Mapping[str, str] = {"mm[Hg]": "mmHg", "Cel": "°C", "/min": "a minute"}
