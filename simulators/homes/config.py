"""A simulated home's settings: one TOML file, read once, refused with the key and what to write."""

import tomllib
from datetime import datetime
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from plumbing.clock import HomeTime
from simulators.homes.roles import DEEDS
from simulators.people.person import Deed, SimulatedPerson

OWN_RADIO = "own"
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
    """The gateway's Bluetooth.

    With the stack "bluez" a mock BlueZ on a private bus, which it keeps in `folder` (a short path:
    it holds a socket). With "bumble" a bare adapter at 127.0.0.1:`port` (0: any that is free), for
    a gateway without BlueZ; it needs the extra `bumble`.
    """

    stack: Literal["bluez", "bumble"] = "bluez"
    folder: Path | None = None
    port: int = 0

    def __post_init__(self) -> None:
        if self.stack == "bluez" and self.folder is None:
            raise ValueError("[radio] needs a `folder` for the bus of its mock BlueZ")


class ProxyConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An ESPHome node that is a Bluetooth proxy, at 127.0.0.1:`port` (0: any that is free).

    `key`: base64 of 32 bytes, or empty: it does not encrypt. `slots`: how many links it can hold.
    """

    name: str
    port: int
    key: str = ""
    slots: int = 3


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
    `by_habit`: the person's day sets it off; else only a tester does. `heard_by`: which radios hear
    a Bluetooth device: names of proxies, and "own" for the gateway's own.
    """

    device: str
    name: str
    kind: str = ""
    model: str = ""
    where: str = ""
    clock_ahead_s: float = 0.0
    by_habit: bool = True
    heard_by: tuple[str, ...] = (OWN_RADIO,)

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
    proxies: tuple[ProxyConfig, ...] = ()
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
    _check_radios(path, config)
    return msgspec.structs.replace(config, data=path.resolve().parent / config.data)


def _check_radios(path: Path, config: HomeConfig) -> None:
    radios = {OWN_RADIO, *(proxy.name for proxy in config.proxies)}
    for device in config.devices:
        for name in device.heard_by:
            if name not in radios:
                raise ConfigError(
                    f"{path}: [[devices]] {device.device}: heard_by names {name!r}, which is no "
                    f"[[proxies]]. Write some of {', '.join(sorted(radios))}."
                )
        both = OWN_RADIO in device.heard_by and len(device.heard_by) > 1
        if both and device.kind.startswith("gatt."):
            raise ConfigError(
                f"{path}: [[devices]] {device.device}: a device that is visited is simulated "
                f"beside {OWN_RADIO!r} or beside proxies. Keep one of them in heard_by."
            )


def _path(kind: type, value: object) -> object:
    if kind is Path and isinstance(value, str):
        return Path(value)
    raise NotImplementedError(f"{kind.__name__} can't be written in TOML")
