"""Writes docs/reference from the code: metrics, devices, roles, kinds of rules, commands, schemas.

`make docs` writes the pages; a test of the house fails where they are not what the code says.
"""

from argparse import ArgumentParser
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import time, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import typer

import homebeat
from devices.codec import Claim, Device
from devices.metrics import METRICS
from devices.registry import devices
from devices.roles import OFF_SHARE, ROLES, Sign
from rules.hours import Hours
from rules.kind import Kind
from rules.kinds import kinds
from rules.schema import SCHEMAS, schema_text
from simulators.behaviours import BEHAVIOURS
from simulators.play.faults import FAULTS

REFERENCE = Path(__file__).parent / "reference"
WRITTEN = "*Written from the code by `make docs`.*"

DURATIONS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    def line(cells: Iterable[object]) -> str:
        return "| " + " | ".join(str(cell).replace("|", r"\|") for cell in cells) + " |"

    heads = list(head)
    return "\n".join([line(heads), line("---" for _ in heads), *map(line, rows)])


def words_of(thing: object) -> str:
    """The first paragraph of its docstring, on one line."""
    return " ".join((thing.__doc__ or "").strip().split("\n\n")[0].split())


def metrics_page() -> str:
    rows = (
        (
            f"`{metric.name}`",
            metric.title,
            metric.kind,
            metric.unit if metric.unit != "1" else "",
            f"{metric.low:g} to {metric.high:g}" if metric.kind == "quantity" else "",
            metric.loinc or "",
            metric.snomed or "",
        )
        for metric in METRICS.values()
    )
    return f"""\
# What can be measured

{WRITTEN}

Units are UCUM. A value outside its range is quarantined, with the reason.

{table(("metric", "title", "kind", "unit", "range", "LOINC", "SNOMED CT"), rows)}
"""


def claim_words(claim: Claim) -> str:
    if claim.characteristic:
        return f"characteristic `{claim.characteristic}`"
    if claim.service_data:
        return f"service data `{claim.service_data}`"
    if claim.topic:
        return f"topic `{claim.topic}`"
    return f"manufacturer `0x{claim.manufacturer:04X}`"


def device_section(device: Device) -> str:
    says = [f"`{name}`" for name in (*device.metrics, *device.events)]
    tells = dict.fromkeys(f"`{name}`" for vector in device.vectors for name in vector.facts or ())
    lines = [
        f"## {device.title}",
        "",
        f"- kind in the settings: `{device.key}`",
        f"- known from: {device.known_by}",
        f"- heard by: {', '.join(map(claim_words, device.claims))}",
        *([f"- says: {', '.join(says)}"] if says else []),
        *([f"- tells as facts: {', '.join(tells)}"] if tells else []),
        *(f"- source: {source}" for source in device.sources),
        *(f"- quirk, for names with {name}: {quirk}" for name, quirk in device.quirks.items()),
        f"- frames from outside sources in its tests: {len(device.vectors)}",
    ]
    return "\n".join(lines)


def devices_page() -> str:
    sections = "\n\n".join(map(device_section, devices()))
    return f"""\
# Devices

{WRITTEN}

Anything else that publishes JSON or plain numbers over MQTT comes in through a mapping in the
gateway's settings ([deploy/gateway.example.toml](../../deploy/gateway.example.toml)).

{sections}
"""


def roles_page() -> str:
    rows = (
        (
            f"`{role.key}`",
            role.title,
            f"`{role.metric}`",
            "; ".join(map(sign_words, role.signs)),
            ", ".join(f"`{name}`" for name in sorted(role.hides - {role.metric})),
            role.note,
        )
        for role in ROLES.values()
    )
    return f"""\
# Where a sensor sits

{WRITTEN}

A contact on the lid of the medicine box says that a door is open, and a plug under the kettle says
watts. What that means follows from the place: give the device a role, on the home's page ("Where
is it?") or under `[[devices]]` of the gateway's settings (`role = "medicine-box"`). What would lie
there is not said any more; all else (battery, tamper, power as a number) is.

A role's state is said when it changes. Several signs of one device are one state, which holds while
any of them does. An opening, or a kettle that heats, in a retained message without a time is not
counted: nobody knows when it happened. `on_above_w` sets another power for a kettle or a
television; each is off again below {OFF_SHARE:.0%} of it.

{table(("role", "where", "says", "follows from any of", "no longer said", ""), rows)}
"""


def sign_words(sign: Sign) -> str:
    metric = METRICS[sign.metric]
    if metric.kind == "quantity":
        return f"`{sign.metric}` of {sign.at_least:g} {metric.unit} or more"
    return f"`{sign.metric}` being {0 if sign.inverted else 1}"


def as_written(value: object) -> str:
    """The value as a plan would hold it."""
    if isinstance(value, timedelta):
        seconds = value.total_seconds()
        size, unit = next(pair for pair in DURATIONS if seconds % pair[0] == 0)
        return f"{seconds / size:g}{unit}"
    if isinstance(value, time):
        return f"{value:%H:%M}"
    if isinstance(value, Hours):
        return str(value)
    if isinstance(value, msgspec.Struct):
        return f"{{{example_words(value)}}}"
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(as_written, value))}]"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def example_words(params: msgspec.Struct) -> str:
    given = [
        (field.encode_name, value)
        for field in msgspec.structs.fields(params)
        if (value := getattr(params, field.name)) != field.default
    ]
    return ", ".join(f"{name}: {as_written(value)}" for name, value in given)


def kind_section(kind: type[Kind[Any, Any]]) -> str:
    fields = ", ".join(
        f"`{field.encode_name}`" + (" (needed)" if field.required else "")
        for field in msgspec.structs.fields(kind.params_type)
    )
    rows = (
        (f"`{example_words(params)}`", kind(params, ZoneInfo("Europe/London")).words())
        for params in kind.examples
    )
    parts = (
        f"## `{kind.name}`: {kind.title[0].lower()}{kind.title[1:]}",
        words_of(kind.params_type),
        f"Parameters: {fields}.",
        table(("for instance", "in plain words"), rows),
    )
    return "\n\n".join(part for part in parts if part)


def kinds_page() -> str:
    sections = "\n\n".join(kind_section(kinds()[name]) for name in sorted(kinds()))
    return f"""\
# Kinds of rules

{WRITTEN}

{sections}
"""


def commands_under(command: Any, path: str) -> Iterator[str]:
    """A section for each command that does something, groups opened."""
    below = getattr(command, "commands", {})
    for name, one in below.items():
        yield from commands_under(one, f"{path} {name}")
    if below:
        return
    rows = [
        (f"`{'`, `'.join(one.opts)}`", " ".join((getattr(one, "help", None) or "").split()))
        for one in command.params
        if "--help" not in one.opts
    ]
    words = "\n\n".join(map(help_paragraph, (command.help or "").split("\n\n")))
    yield f"## {path}\n\n{words}" + (f"\n\n{table(('option', 'what'), rows)}" if rows else "")


def help_paragraph(text: str) -> str:
    """One paragraph of a command's help; click marks with \\b what is to stand as it is."""
    if text.startswith("\b\n"):
        return f"```json\n{text[2:].rstrip()}\n```"
    return " ".join(text.split())


def commands_page() -> str:
    sections = []
    for name, word in homebeat.WORDS.items():
        sections += commands_under(homebeat.opened(word), f"homebeat {name}")
    body = "\n\n".join(sections)
    return f"""\
# Commands

{WRITTEN}

{body}
"""


def faults_page() -> str:
    faults = (
        (f"`{fault.name}`", fault.does, ", ".join(sorted(fault.over)), fault.becomes)
        for fault in FAULTS.values()
    )
    behaviours = (
        (number, row.does, f"`{row.simulated}`", f"`{row.shown.partition('::')[2]}`")
        for number, row in enumerate(BEHAVIOURS, 1)
    )
    return f"""\
# What can go wrong with a simulated device

{WRITTEN}

`homebeat simulate device KIND metric=value --over bluez --fault NAME` plays a device with a fault;
`homebeat simulate fault NAME --home URL` lets one begin in a running simulated home, and with
`--off` end. The tester's page has both, too.

{table(("fault", "what it does", "over", "what the gateway makes of it"), faults)}

## What real Bluetooth devices do

Each of these has a simulator that does it, and a test that shows it handled.

{table(("", "behaviour", "simulated by", "shown by"), behaviours)}
"""


PAGES: dict[str, Callable[[], str]] = {
    **{f"{name}.schema.json": partial(schema_text, name) for name in SCHEMAS},
    "metrics.md": metrics_page,
    "devices.md": devices_page,
    "roles.md": roles_page,
    "rule-kinds.md": kinds_page,
    "faults.md": faults_page,
    "commands.md": commands_page,
}


def main(arguments: Sequence[str] | None = None) -> None:
    ArgumentParser(description=__doc__).parse_args(arguments)
    REFERENCE.mkdir(exist_ok=True)
    for name, page in PAGES.items():
        (REFERENCE / name).write_text(page(), encoding="utf-8")
        typer.echo(f"docs/reference/{name}")


if __name__ == "__main__":
    main()
