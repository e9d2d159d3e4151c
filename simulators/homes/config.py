"""A simulated home's settings: one TOML file, read once, refused with the key and what to write."""

import tomllib
from datetime import datetime
from pathlib import Path

import msgspec
from msgspec import Struct

from plumbing.clock import HomeTime
from simulators.homes.roles import DEEDS
from simulators.people.person import Deed, SimulatedPerson

LOOPBACK = ("127.0.0.1", "localhost")


class ConfigError(Exception):
    """The settings can't be used; the message says which key, and what to write instead."""


class Address(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    host: str = "127.0.0.1"
    port: int


class CableEnds(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The gateway connects to 127.0.0.1:`port`, and is passed on to the server."""

    port: int
    server: Address


class HomePage(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The gateway's page, which the person reads. `answers`: whether they answer what it asks."""

    url: str
    answers: bool = False


class Radio(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the mock BlueZ keeps its private bus. The path must be short: it holds a socket."""

    folder: Path


class Begin(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Nobody in the home does anything before all of `when` answer (URLs). Where they do not by
    `by` (machine time), the home ends: its story would begin with nobody listening."""

    when: tuple[str, ...]
    by: datetime


class DeviceConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One device. `device` is its address, or its MQTT topic.

    `kind` is a key of the device catalogue, or empty for a scale that publishes JSON of its own;
    `model` tells sensors of one kind apart (simulators/homes/roles.py). `where` is the room or
    door that it watches. `clock_ahead_s`: how wrong its clock is until somebody sets it.
    `by_habit`: the person's day sets it off; else only a tester does.
    """

    device: str
    name: str
    kind: str = ""
    model: str = ""
    where: str = ""
    clock_ahead_s: float = 0.0
    by_habit: bool = True

    @property
    def deeds(self) -> tuple[Deed, ...]:
        """What sets it off."""
        return DEEDS[self.kind, self.model]


class HomeConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: str
    data: Path
    person: SimulatedPerson
    devices: tuple[DeviceConfig, ...]
    tester: Address
    home_page: HomePage | None = None
    mqtt: Address | None = None
    cable: CableEnds | None = None
    radio: Radio | None = None
    begin: Begin | None = None
    home_time: HomeTime = HomeTime()

    @property
    def diary(self) -> Path:
        return self.data / "diary.jsonl"


def load(path: Path) -> HomeConfig:
    """Read `path`. `data` is relative to its folder. Raises ConfigError."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
        config = msgspec.convert(document, HomeConfig, strict=True, dec_hook=_path)
    except FileNotFoundError as error:
        raise ConfigError(f"{path} is not there. Give --config the file of a home.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise ConfigError(f"{path} can't be read as TOML: {error}") from error
    except (msgspec.ValidationError, ValueError) as error:
        raise ConfigError(f"{path}: {error}") from error
    if config.tester.host not in LOOPBACK:
        raise ConfigError(
            f"{path}: tester.host = {config.tester.host!r} would let others press the buttons of "
            f"this home. Write {LOOPBACK[0]!r}."
        )
    for device in config.devices:
        if (device.kind, device.model) not in DEEDS:
            raise ConfigError(
                f"{path}: [[devices]] {device.device}: kind {device.kind!r} with model "
                f"{device.model!r} can't be simulated. Write one of "
                + ", ".join(f"{kind!r} with {model!r}" for kind, model in DEEDS)
                + "."
            )
    return msgspec.structs.replace(config, data=path.resolve().parent / config.data)


def _path(kind: type, value: object) -> object:
    if kind is Path and isinstance(value, str):
        return Path(value)
    raise NotImplementedError(f"{kind.__name__} can't be written in TOML")
