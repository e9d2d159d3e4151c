"""What the health page and `doctor` can say about the radio."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

CLOCK_TOLD_S = 120.0
"""A clock that is off by less is nobody's trouble."""


@dataclass(slots=True)
class DeviceState:
    """One of the home's Bluetooth devices. Times are home time."""

    address: str
    kind: str
    name: str
    last_seen: datetime | None = None
    last_value: datetime | None = None
    rssi_dbm: int | None = None
    connected: bool = False
    clock_ahead_s: float | None = None
    """How far its clock was ahead of local time, when that was last compared."""
    failures: int = 0
    """Connections in a row that failed."""
    error: str = ""
    """What went wrong last and what to do, in words. Empty: nothing, or it has worked since."""


@dataclass(frozen=True, slots=True)
class Stranger:
    """A health device nearby that is not of this home: perhaps the one to be added."""

    address: str
    kind: str
    name: str
    last_seen: datetime


@dataclass(slots=True)
class ProxyState:
    """A Bluetooth proxy of the house. `last_heard` is home time."""

    name: str
    connected: bool = False
    slots: int = 0
    """Links that it can hold at once; 0: it did not say, or holds none."""
    free: int = 0
    last_heard: datetime | None = None
    error: str = "It has not been reached yet."


@dataclass(slots=True)
class RadioState:
    """The radio as it is now; it is changed in place. `error` is empty while all is well."""

    own: bool = True
    """This machine has a radio of its own; False: proxies alone listen."""
    adapter: str = ""
    """The one in use ("hci0"), while one can be used."""
    running: bool = False
    """bluetoothd is on the bus."""
    powered: bool = False
    scanning: bool = False
    error: str = "Bluetooth has not started yet."
    keeping: bool = True
    """False while the journal can't be written: what is heard waits for it."""
    refused: int = 0
    """Frames that found the queue full, since the journal could not be written: they are lost."""
    devices: dict[str, DeviceState] = field(default_factory=dict)
    strangers: dict[str, Stranger] = field(default_factory=dict)
    """No part of the home: the health page offers them."""
    proxies: dict[str, ProxyState] = field(default_factory=dict)
    """By name."""


def report(state: RadioState, at: datetime) -> list[tuple[str, str, str]]:
    """(part, how it is, what to do about it or "") of the radio and each device. `at` is now."""
    listening = f"listens on {state.adapter}" if state.scanning else "does not listen"
    rows = [("Bluetooth", listening, state.error)] if state.own else []
    rows += [
        (f"Bluetooth proxy {proxy.name}", _listens(proxy, at), proxy.error)
        for proxy in state.proxies.values()
    ]
    if not state.keeping:
        rows.append(("Bluetooth", "waits for the journal", "What is heard can't be written yet."))
    if state.refused:
        rows.append(("Bluetooth", f"{state.refused} frames lost", "The journal was full for long."))
    rows += [
        (device.name or device.address, _when(device, at), device.error or _clock(device))
        for device in tuple(state.devices.values())
    ]
    return rows


_NEVER = "not heard yet: switch it on, or take a reading with it"


def _listens(proxy: ProxyState, at: datetime) -> str:
    if not proxy.connected:
        return "not reached"
    slots = f", {proxy.free} of {proxy.slots} links free" if proxy.slots else ""
    heard = "nothing" if proxy.last_heard is None else f"something {_ago(at - proxy.last_heard)}"
    return f"listens, heard {heard}{slots}"


def _when(device: DeviceState, at: datetime) -> str:
    if device.connected:
        return "connected"
    if device.last_seen is None:
        return "not heard yet" if device.error else _NEVER
    value = "" if device.last_value is None else f", gave a value {_ago(at - device.last_value)}"
    return f"heard {_ago(at - device.last_seen)}{value}"


def _clock(device: DeviceState) -> str:
    ahead_s = device.clock_ahead_s or 0.0
    if abs(ahead_s) < CLOCK_TOLD_S:
        return ""
    return (
        f"Its clock was {_long(abs(ahead_s))} {'fast' if ahead_s > 0 else 'slow'}. What it stores "
        "is dated by the difference; if this stays, set its clock by hand."
    )


def _ago(span: timedelta) -> str:
    return f"{_long(span.total_seconds())} ago"


def _long(span_s: float) -> str:
    seconds = max(0, round(span_s))
    for size, unit in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} seconds"
