"""`homebeat simulate device`, `fault` and `replay`."""

import json
import re
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import count
from pathlib import Path
from typing import Annotated

import httpx
import typer

from devices.codec import Device, Known
from plumbing.processes import ChildFailed, ProgramMissing
from simulators.frames import FrameError, codec_of, counted, sayable, saying_of
from simulators.play import run
from simulators.play.faults import FAULTS, NO_FAULT, Fault, possible
from simulators.play.frames import Over, Spoken, Unsayable, over, own_name
from simulators.play.lines import shown
from simulators.play.replay import NotReplayed, recorded

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|min|h)?")
_SECONDS = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0, None: 1.0}
_ANSWERS_WITHIN_S = 10.0


class Transport(StrEnum):
    BLUEZ = "bluez"
    MQTT = "mqtt"


REFUSALS = (
    FrameError,
    Unsayable,
    run.NotPlayed,
    ProgramMissing,
    ChildFailed,
    ValueError,
    OSError,
    TimeoutError,
)
CARRIES = {Transport.BLUEZ: (Over.GATT, Over.ADVERTISEMENT), Transport.MQTT: (Over.MQTT,)}


def device(
    kind: Annotated[
        str, typer.Argument(help="A key of the device catalogue, as gatt.blood_pressure.")
    ],
    values: Annotated[
        list[str],
        typer.Argument(
            help="What it says: metric=number (body_weight=72.4), an event, alone or with the "
            "device's word for it (button_pressed=double_press), or fact=JSON."
        ),
    ],
    address: Annotated[
        str,
        typer.Option(help="Its Bluetooth address, or the device of its topics (zigbee2mqtt/hall)."),
    ] = "",
    over_: Annotated[
        Transport | None,
        typer.Option(
            "--over",
            help="Play it there. Without: print its frames, as homebeat decode takes them.",
        ),
    ] = None,
    bus: Annotated[
        str,
        typer.Option(help="The D-Bus on which to be a mock BlueZ. Without: one of its own."),
    ] = "",
    broker: Annotated[str, typer.Option(help="host:port of the broker.")] = "127.0.0.1:1883",
    fault: Annotated[
        str, typer.Option(help="What goes wrong: see homebeat simulate fault --list.")
    ] = "",
    every: Annotated[str, typer.Option(help="How long from one time to the next.")] = "5s",
    times: Annotated[int, typer.Option(min=1, help="How often it says so.")] = 1,
    known: Annotated[
        str,
        typer.Option(help='What its listener was told of it, as JSON: {"bindkey": "231d39..."}.'),
    ] = "{}",
    hex_: Annotated[
        bool, typer.Option("--hex", help="Print the bytes of its frames alone, in hex.")
    ] = False,
) -> None:
    """Say values as a device of the catalogue does: as frames, over a mock BlueZ, or over MQTT.

    Without --over it prints JSON lines, to be piped into homebeat decode.
    """
    try:
        if hex_ and over_ is not None:
            raise FrameError("--hex prints frames and --over plays them: write one of the two")
        play = _play(kind, values, address, over_, fault, every, times, _known(known))
        if over_ is None:
            _show(play, as_hex=hex_)
        elif over_ is Transport.MQTT:
            host, port = _host_port(broker)
            run.over_mqtt(play, host, port)
        else:
            run.over_bluez(play, bus)
    except KeyboardInterrupt:
        return
    except REFUSALS as error:
        typer.echo(f"homebeat simulate device: {error}", err=True)
        raise typer.Exit(2) from error


def _show(play: run.Play, *, as_hex: bool) -> None:
    said = shown(play)
    if as_hex:
        lines = [frame.content.hex() for frame in said.frames]
    else:
        lines = [json.dumps(line) for line in said.lines(play.address)]
    if not said.frames and play.fault is not None:
        typer.echo(f"nothing is sent: {play.fault.does}", err=True)
    for line in lines:
        typer.echo(line)


def _play(
    kind: str,
    values: Sequence[str],
    address: str,
    transport: Transport | None,
    fault: str,
    every: str,
    times: int,
    known: Known,
) -> run.Play:
    codec = codec_of(kind)
    if transport is not None and over(codec) not in CARRIES[transport]:
        fits = next(name for name, carried in CARRIES.items() if over(codec) in carried)
        raise FrameError(f"{kind} does not speak over {transport}: write --over {fits}")
    own = address or own_name(codec)
    is_dated = transport is not None or bool(fault)

    numbers = count(1)

    def say(at: datetime) -> Spoken:
        what = saying_of(codec, values, _as_it_dates(codec, at) if is_dated else None)
        try:
            return sayable(codec, counted(codec, what, next(numbers)), own, known)
        except FrameError:
            return sayable(codec, what, own, known)

    return run.Play(say, times, _duration_s(every), _fault_of(codec, fault), own)


def _known(said: str) -> Known:
    try:
        found = json.loads(said)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise FrameError(f'--known {said!r}: write a JSON object, as {{"bindkey": "231d39..."}}')
    return found


def _as_it_dates(codec: Device, at: datetime) -> datetime | None:
    """Its own wall clock over GATT, a moment with its zone over MQTT, nothing in the air."""
    match over(codec):
        case Over.GATT:
            return at.astimezone().replace(tzinfo=None, microsecond=0)
        case Over.MQTT:
            return at.replace(microsecond=at.microsecond // 1000 * 1000)
        case _:
            return None


def _fault_of(codec: Device, name: str) -> Fault | None:
    if not name:
        return None
    can = {fault.name: fault for fault in possible(codec)}
    if name not in can:
        raise FrameError(f"{name!r} can't happen to {codec.key}. Write one of: {', '.join(can)}.")
    return can[name]


def _duration_s(said: str) -> float:
    written = _DURATION.fullmatch(said.strip())
    if written is None:
        raise FrameError(f"--every {said!r} is no duration: write it like 500ms, 5s or 2min")
    return timedelta(seconds=float(written[1]) * _SECONDS[written[2]]).total_seconds()


def _host_port(said: str) -> tuple[str, int]:
    host, _, port = said.rpartition(":")
    if not host or not port.isdecimal():
        raise FrameError(f"--broker {said!r}: write host:port, as 127.0.0.1:1883")
    return host, int(port)


def replay(
    file: Annotated[
        Path,
        typer.Argument(
            help="JSON lines as homebeat decode takes them, each with `at`; or readings as CSV "
            "(patient, metric, value, unit, taken_at)."
        ),
    ],
    over_: Annotated[
        Transport, typer.Option("--over", help="Where to play them.")
    ] = Transport.MQTT,
    bus: Annotated[
        str, typer.Option(help="The D-Bus on which to be a mock BlueZ. Without: one of its own.")
    ] = "",
    broker: Annotated[str, typer.Option(help="host:port of the broker.")] = "127.0.0.1:1883",
    speed: Annotated[
        float, typer.Option(min=0.0, help="How many times as fast as it was; 0: all at once.")
    ] = 60.0,
    kind: Annotated[
        str, typer.Option(help="For CSV: the device of the catalogue that says what it can of it.")
    ] = "",
) -> None:
    """Play a recording again: frames as they were heard, or readings as a device says them.

    Of readings without --kind each is a message {"value", "unit", "time"} on
    replay/<patient>/<metric>, for a mapping.
    """
    try:
        frames = recorded(file, codec_of(kind) if kind else None)
        if over_ is Transport.MQTT:
            run.replay_over_mqtt(frames, speed, *_host_port(broker))
        else:
            run.replay_over_bluez(frames, speed, bus)
    except KeyboardInterrupt:
        return
    except (*REFUSALS, NotReplayed) as error:
        typer.echo(f"homebeat simulate replay: {error}", err=True)
        raise typer.Exit(2) from error


def fault(
    name: Annotated[str, typer.Argument(help=f"Which fault; {NO_FAULT} for the end of all.")] = "",
    list_: Annotated[bool, typer.Option("--list", help="Say which faults there are.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="As JSON, a line each.")] = False,
    home: Annotated[
        str, typer.Option(help="Address of a running simulated home (its tester's page).")
    ] = "http://127.0.0.1:8440",
    device: Annotated[
        str, typer.Option(help="Only this device: its address or topic. Without: all that can.")
    ] = "",
    off: Annotated[bool, typer.Option("--off", help="The fault ends.")] = False,
) -> None:
    """Let something go wrong with the devices of a running simulated home, or end it."""
    if list_ or not name:
        sys.stdout.write(listed(as_json=json_))
        return
    if name not in (*FAULTS, NO_FAULT):
        known = ", ".join((*FAULTS, NO_FAULT))
        typer.echo(f"homebeat simulate fault: no fault is {name!r}. There are: {known}.", err=True)
        raise typer.Exit(2)
    fields = {"device": device, "off": "yes" if off or name == NO_FAULT else ""}
    try:
        with httpx.Client(base_url=home, timeout=_ANSWERS_WITHIN_S) as caller:
            answer = caller.post(
                f"/faults/{name}", data=fields, headers={"Accept": "application/json"}
            )
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        typer.echo(
            f"homebeat simulate fault: no simulated home answers at {home} ({error}). Start one "
            "with homebeat simulate home, or give its address with --home.",
            err=True,
        )
        raise typer.Exit(2) from error
    try:
        said = answer.json()
    except ValueError:
        said = {"error": f"{home} is no tester's page: it answered {answer.status_code}"}
    if answer.is_error or "error" in said:
        typer.echo(f"homebeat simulate fault: {said.get('error', said)}", err=True)
        raise typer.Exit(2)
    sys.stdout.write(json.dumps(said) + "\n")


def listed(*, as_json: bool) -> str:
    """The table of faults, a line each."""
    if as_json:
        rows = (
            {
                "fault": fault.name,
                "over": sorted(fault.over),
                "does": fault.does,
                "becomes": fault.becomes,
            }
            for fault in FAULTS.values()
        )
        return "".join(json.dumps(row) + "\n" for row in rows)
    width = max(map(len, FAULTS))
    return "".join(
        f"{fault.name:{width}}  {fault.does} ({', '.join(sorted(fault.over))}); "
        f"the gateway makes of it: {fault.becomes}\n"
        for fault in FAULTS.values()
    )
