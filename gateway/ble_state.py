"""What the health page and `doctor` can say about the radio."""

from dataclasses import dataclass, field
from datetime import datetime


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
    failures: int = 0
    """Connections in a row that failed."""
    error: str = ""
    """What went wrong last and what to do, in words. Empty: nothing, or it has worked since."""


@dataclass(frozen=True, slots=True)
class Stranger:
    """A health device nearby that is not in the settings: perhaps the one to be added."""

    address: str
    kind: str
    name: str
    last_seen: datetime


@dataclass(slots=True)
class RadioState:
    """The radio as it is now; it is changed in place. `error` is empty while all is well."""

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
