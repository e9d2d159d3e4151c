"""The gateway's settings: one TOML file, read once, refused with the key and what to write."""

import tomllib
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from devices.mapping import Mapping
from plumbing.clock import HomeTime


class ConfigError(Exception):
    """The settings can't be used; the message says which key, and what to write instead."""


class ServerLink(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    url: str
    heartbeat_s: float = 60.0
    poll_s: float = 5.0
    """How often news of alerts (seen, resolved) is asked for."""
    timeout_s: float = 10.0


class Page(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    listen: str = "127.0.0.1:8430"
    emergency_number: str = "999"


class Mqtt(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    host: str = "127.0.0.1"
    port: int = 1883
    username: str = ""
    password: str = ""
    topics: tuple[str, ...] = ("zigbee2mqtt/#",)
    mappings: tuple[Mapping, ...] = ()
    keepalive_s: int = 30
    home_assistant: bool = False
    """Whether a Home Assistant on the same broker is shown prompts, states and last readings."""


class Ble(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    enabled: bool = False
    adapter: str = ""


class HomeDevice(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One device of the home, and whom it measures."""

    device: str
    patient: str
    patients: tuple[str, ...] = ()
    """Others who share it: what tells people apart goes to the nearest, or is asked about."""
    kind: str = ""
    name: str = ""
    bindkey: str = ""
    passkey: Annotated[int, Meta(ge=0, le=999_999)] | None = None
    """The six digits printed on it, where it asks for them when it pairs."""
    user_index: Annotated[int, Meta(ge=0, le=254)] | None = None
    consent_code: Annotated[int, Meta(ge=0, le=9999)] | None = None
    """The person's slot on a scale, and its code, where they were made with a maker's app."""
    delete_records: bool = False
    """What was kept here is deleted on the device. Other apps of the person may want it."""
    expect_every_s: float | None = None

    @property
    def people(self) -> tuple[str, ...]:
        """All whom it measures, each once; `patient` first."""
        return tuple(dict.fromkeys((self.patient, *self.patients)))


class Speech(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How an urgent prompt is spoken. `{text}` is replaced; empty: nothing speaks."""

    command: tuple[str, ...] = ()
    timeout_s: float = 30.0


class GatewayConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: str
    data: Path
    plan: Path
    server: ServerLink
    page: Page = Page()
    mqtt: Mqtt | None = None
    ble: Ble = Ble()
    devices: tuple[HomeDevice, ...] = ()
    speech: Speech = Speech()
    home_time: HomeTime = HomeTime()

    @property
    def journal(self) -> Path:
        return self.data / "journal.sqlite3"

    @property
    def key(self) -> Path:
        return self.data / "gateway.key"


FUTURE_LIMIT = timedelta(minutes=5)
"""A reading from further ahead than this is quarantined: a clock is wrong."""


def load(path: Path) -> GatewayConfig:
    """Read `path`. Paths in it are relative to its folder. Raises ConfigError."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(
            f"{path} is not there. Copy deploy/gateway.example.toml to it and fill it in."
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise ConfigError(f"{path} can't be read as TOML: {error}") from error
    try:
        config = msgspec.convert(document, GatewayConfig, strict=True, dec_hook=_path)
    except (msgspec.ValidationError, ValueError) as error:
        raise ConfigError(
            f"{path}: {error}. deploy/gateway.example.toml shows each key."
        ) from error
    folder = path.resolve().parent
    config = msgspec.structs.replace(config, data=folder / config.data, plan=folder / config.plan)
    _check(path, config)
    return config


def _path(kind: type, value: object) -> object:
    if kind is Path and isinstance(value, str):
        return Path(value)
    raise NotImplementedError(f"{kind.__name__} can't be written in TOML")


def _check(path: Path, config: GatewayConfig) -> None:
    seen: set[str] = set()
    for device in config.devices:
        if device.device in seen:
            raise ConfigError(f"{path}: [[devices]] names {device.device} twice. Keep one.")
        seen.add(device.device)
        if (device.user_index is None) is not (device.consent_code is None):
            raise ConfigError(
                f"{path}: [[devices]] {device.device}: a scale's slot needs both `user_index` and "
                "`consent_code`. Write both, or leave both out to make a new slot."
            )
    if not config.server.url.startswith(("http://", "https://")):
        raise ConfigError(f"{path}: server.url must start with http:// or https://")
