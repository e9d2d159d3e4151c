"""The gateway's settings: one TOML file, read once, refused with the key and what to write."""

import tomllib
from base64 import b64decode
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from devices.mapping import Mapping, MappingError, decoders
from gateway.fitting import said_by_kind, wrong_role
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


class BleProxy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An ESPHome node that is a Bluetooth proxy. `key` is base64; empty: it does not encrypt."""

    host: str
    name: str = ""
    """Its room, say; its host where it is left out."""
    port: Annotated[int, Meta(ge=1, le=65_535)] = 6053
    key: str = ""

    def __repr__(self) -> str:
        """The key is a secret, and a repr ends in logs."""
        return f"BleProxy(host={self.host!r}, name={self.name!r}, port={self.port})"

    @property
    def title(self) -> str:
        return self.name or self.host


class Ble(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    enabled: bool = False
    own_radio: bool = True
    """This machine has an adapter; False: only `proxies` hear and visit."""
    adapter: str = ""
    """Of BlueZ: "hci0"; empty: the first."""
    transport: str = ""
    """An adapter without BlueZ, as bumble calls it: "usb:0", "tcp-client:127.0.0.1:9000"."""
    proxies: tuple[BleProxy, ...] = ()


class Tell(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a scale is told of its person, who agreed to it: it works out body composition by it."""

    first_name: str = ""
    born: date | None = None
    gender: Literal["", "male", "female", "unspecified"] = ""
    height_cm: Annotated[int, Meta(ge=50, le=250)] | None = None


class HomeDevice(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One device of the home, and whom it measures."""

    device: str
    patient: str
    patients: tuple[str, ...] = ()
    """Others who share it: what tells people apart goes to the nearest, or is asked about."""
    kind: str = ""
    name: str = ""
    role: str = ""
    """Where it sits, where that says what it means: a key of devices.roles.ROLES."""
    on_above_w: Annotated[float, Meta(gt=0)] | None = None
    """Of a role that is judged by power: from how many watts on it is on."""
    bindkey: str = ""
    passkey: Annotated[int, Meta(ge=0, le=999_999)] | None = None
    """The six digits printed on it, where it asks for them when it pairs."""
    user_index: Annotated[int, Meta(ge=0, le=254)] | None = None
    consent_code: Annotated[int, Meta(ge=0, le=9999)] | None = None
    """The person's slot on a scale, and its code, where they were made with a maker's app. Of a
    cuff with two users only the slot: what it measures for the other one waits for a yes."""
    tell: Tell | None = None
    """What the scale may know of its person; left out: nothing."""
    delete_records: bool = False
    """What was kept here is deleted on the device. Other apps of the person may want it."""
    expect_every_s: float | None = None

    @property
    def people(self) -> tuple[str, ...]:
        """All whom it measures, each once; `patient` first."""
        return tuple(dict.fromkeys((self.patient, *self.patients)))


class Packs(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Rule packs beside those that come with Homebeat, and whose signature of one counts."""

    folder: Path | None = None
    """Packs as YAML, each with its signature beside it; one with the id of ours stands for it."""
    signers: tuple[Annotated[str, Meta(pattern="^[0-9a-f]{64}$")], ...] = ()
    """Public keys. Without any, packs run for simulated people only."""


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
    packs: Packs = Packs()
    home_time: HomeTime = HomeTime()

    @property
    def journal(self) -> Path:
        return self.data / "journal.sqlite3"

    @property
    def bonds(self) -> Path:
        """The keys of paired devices, where no BlueZ keeps them."""
        return self.data / "bonds.json"

    @property
    def key(self) -> Path:
        return self.data / "gateway.key"


PROXY_KEY_BYTES = 32
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
    packs = config.packs
    if packs.folder is not None:
        packs = msgspec.structs.replace(packs, folder=folder / packs.folder)
    config = msgspec.structs.replace(
        config, data=folder / config.data, plan=folder / config.plan, packs=packs
    )
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
        if device.user_index is None and device.consent_code is not None:
            raise ConfigError(
                f"{path}: [[devices]] {device.device}: a scale's slot needs both `user_index` and "
                "`consent_code`. Write both, or leave both out to make a new slot."
            )
        wrong = _wrong_role(device, config.mqtt)
        if wrong:
            raise ConfigError(f"{path}: [[devices]] {device.device}: {wrong}")
    if config.ble.adapter and config.ble.transport:
        raise ConfigError(
            f"{path}: [ble] names both an `adapter`, which is BlueZ's, and a `transport`, which is "
            "used without BlueZ. Keep one."
        )
    _check_proxies(path, config.ble)
    _check_mappings(path, config.mqtt)
    if not config.server.url.startswith(("http://", "https://")):
        raise ConfigError(f"{path}: server.url must start with http:// or https://")


def _wrong_role(device: HomeDevice, mqtt: Mqtt | None) -> str:
    mapped = [one.metric for one in mqtt.mappings if one.device == device.device] if mqtt else []
    return wrong_role(device.role, device.on_above_w, (*mapped, *said_by_kind(device.kind)))


def _check_mappings(path: Path, mqtt: Mqtt | None) -> None:
    try:
        decoders(mqtt.mappings if mqtt is not None else ())
    except MappingError as error:
        raise ConfigError(f"{path}: [[mqtt.mappings]]: {error}") from error


def _check_proxies(path: Path, ble: Ble) -> None:
    names: set[str] = set()
    for proxy in ble.proxies:
        if not proxy.host:
            raise ConfigError(f"{path}: [[ble.proxies]]: `host` is empty. Write its IP address.")
        if proxy.title in names:
            raise ConfigError(
                f"{path}: [[ble.proxies]] names {proxy.title} twice. Keep one, or give each its "
                "own `name`."
            )
        names.add(proxy.title)
        if proxy.key and not _is_key(proxy.key):
            raise ConfigError(
                f"{path}: [[ble.proxies]] {proxy.title}: `key` is not 32 bytes in base64 (44 "
                "characters). Copy it from `api: encryption: key:` of the node's ESPHome "
                "configuration."
            )
    if ble.enabled and not ble.own_radio and not ble.proxies:
        raise ConfigError(
            f"{path}: [ble] has neither a radio of its own nor [[ble.proxies]]. Set `own_radio = "
            "true`, add a proxy, or set `enabled = false`."
        )


def _is_key(text: str) -> bool:
    try:
        return len(b64decode(text, validate=True)) == PROXY_KEY_BYTES
    except ValueError:
        return False
