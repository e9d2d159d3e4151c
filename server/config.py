"""The server's settings: one TOML file, read once, refused with the key and what to write."""

import tomllib
from datetime import date
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from plumbing.clock import HomeTime
from rules.model import Tier

_EXAMPLE = "deploy/server.example.toml shows each key."


class ConfigError(Exception):
    """The settings can't be used; the message says which key, and what to write instead."""


class Gateway(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A home that may send records, its key, and the people whom it may speak of."""

    id: str
    public_key: str
    people: tuple[str, ...] = ()


class Person(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Someone who is cared for, as staff know them."""

    id: str
    name: str
    born: int | None = None
    """Year of birth."""
    timezone: str = "Europe/London"
    matters: str = ""
    """What matters to them, in their own words."""


class Demo(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Users for a try on one's own machine: `nurse`, and each person by id, with one password."""

    users: bool = False
    password: str = "demo"  # noqa: S105 - only ever for users on a loopback address


class DeadMan(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    gateway_silent_s: float = 900.0
    check_s: float = 5.0


class Escalation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long an alert may stay open, in machine time, before it escalates."""

    t4_s: float = 900.0
    t5_s: float = 180.0
    check_s: float = 5.0

    def limits_s(self) -> dict[Tier, float]:
        return {Tier.T4: self.t4_s, Tier.T5: self.t5_s}


class Sessions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a sign-in ends: after so long without a request, and in any case."""

    idle_s: float = 30 * 60.0
    longest_s: float = 12 * 3600.0


class ServerConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    listen: str
    data: Path
    database: str = ""
    """A libpq URL. Empty: the embedded PostgreSQL, under `data`."""
    public_url: str = ""
    """How browsers reach the server, where that is not http://`listen` (behind a TLS proxy)."""
    gateways: tuple[Gateway, ...] = ()
    people: tuple[Person, ...] = ()
    demo: Demo = Demo()
    deadman: DeadMan = DeadMan()
    escalation: Escalation = Escalation()
    sessions: Sessions = Sessions()
    home_time: HomeTime = HomeTime()

    @property
    def host(self) -> str:
        return self.listen.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        return int(self.listen.rpartition(":")[2])

    @property
    def url(self) -> str:
        return self.public_url.rstrip("/") or f"http://{self.listen}"

    def gateway(self, gateway_id: str) -> Gateway | None:
        return next((known for known in self.gateways if known.id == gateway_id), None)

    def person(self, person_id: str) -> Person | None:
        return next((known for known in self.people if known.id == person_id), None)


def load(path: Path) -> ServerConfig:
    """Read `path`. `data` is relative to its folder. Raises ConfigError."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(
            f"{path} is not there. Copy deploy/server.example.toml to it and fill it in."
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise ConfigError(f"{path} can't be read as TOML: {error}") from error
    try:
        config = msgspec.convert(document, ServerConfig, strict=True, dec_hook=_path)
    except (msgspec.ValidationError, ValueError) as error:
        raise ConfigError(f"{path}: {error}. {_EXAMPLE}") from error
    config = msgspec.structs.replace(config, data=path.resolve().parent / config.data)
    try:
        check(config)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None
    return config


def check(config: ServerConfig) -> None:
    """Refuse settings that are well-formed and still can't be meant. Raises ConfigError."""
    _check_addresses(config)
    _refuse_twice("[[gateways]] id", [gateway.id for gateway in config.gateways])
    _refuse_twice("[[people]] id", [person.id for person in config.people])
    known = {person.id for person in config.people}
    for gateway in config.gateways:
        _check_key(gateway)
        for person in gateway.people:
            if person not in known:
                raise ConfigError(
                    f"[[gateways]] {gateway.id} names {person!r} in people, and no [[people]] has "
                    "that id. Add the person, or take the name out."
                )
    for person_ in config.people:
        _check_person(person_)


def is_loopback(host: str) -> bool:
    """Whether only programs of this machine can reach an address."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _path(kind: type, value: object) -> object:
    if kind is Path and isinstance(value, str):
        return Path(value)
    raise NotImplementedError(f"{kind.__name__} can't be written in TOML")


def _check_addresses(config: ServerConfig) -> None:
    port = config.listen.rpartition(":")[2]
    if not config.host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise ConfigError(
            f'listen = "{config.listen}" is no address. Write host:port, as "127.0.0.1:8420".'
        )
    if config.public_url and urlsplit(config.public_url).scheme not in ("http", "https"):
        raise ConfigError("public_url must start with https:// (or http:// for a try).")
    if config.demo.users and not is_loopback(config.host):
        raise ConfigError(
            f"[demo] users = true lets anyone in who reaches {config.listen}. Set listen = "
            '"127.0.0.1:8420", or users = false.'
        )


def _check_key(gateway: Gateway) -> None:
    try:
        key = bytes.fromhex(gateway.public_key)
    except ValueError:
        key = b""
    # All zeros stands for no key, and is a point of small order: anyone could sign for it.
    if len(key) != 32 or not any(key):
        raise ConfigError(
            f"[[gateways]] {gateway.id}: public_key must be the 64 hex digits that `homebeat "
            "gateway key` prints at that home."
        )


def _check_person(person: Person) -> None:
    try:
        ZoneInfo(person.timezone)
    except (KeyError, ValueError, OSError):
        raise ConfigError(
            f"[[people]] {person.id}: timezone {person.timezone!r} is not known. Write one of the "
            'IANA names, as "Europe/London".'
        ) from None
    if person.born is not None and not date.min.year <= person.born <= date.max.year:
        raise ConfigError(f"[[people]] {person.id}: born is a year, as 1947.")


def _refuse_twice(key: str, values: list[str]) -> None:
    for value in values:
        if not value:
            raise ConfigError(f"{key} is empty. Give it a short word.")
        if values.count(value) > 1:
            raise ConfigError(f"{key} = {value!r} stands twice. Keep one.")
