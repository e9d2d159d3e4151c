"""Writes the demo's settings: the files that people write by hand for a real home."""

import json
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2
from msgspec import Struct, structs

from plumbing.clock import HomeTime
from plumbing.processes import free_port
from plumbing.signing import load_or_make_key, public_hex
from simulators.broker import listens
from simulators.demo import story
from simulators.demo.folder import Folder
from simulators.people.person import SimulatedPerson


class Ports(Struct, frozen=True):
    """On 127.0.0.1. `cable` is where the gateway finds its server."""

    server: int = 8420
    home_page: int = 8430
    tester: int = 8440
    broker: int = 18830
    cable: int = 18420


def choose_ports(*, usual: bool) -> Ports:
    """The `usual` ones where they are free, else others that are.

    Two that start at once would both find the usual ones free, and share a broker: what no person
    opens takes others.
    """
    found: dict[str, int] = {}
    for name, port in structs.asdict(Ports()).items():
        chosen = port if usual and not listens(port) else free_port()
        while chosen in found.values():
            chosen = free_port()
        found[name] = chosen
    return Ports(**found)


class Settings(Struct, frozen=True, kw_only=True):
    """What the files are written from. `home_page_seen`: where the person looks for the page."""

    ports: Ports
    person: SimulatedPerson
    home_time: HomeTime
    story_at: datetime
    """Home time of the weighing that the story is about."""
    begin_by: datetime
    """Machine time by which all programs must be up."""
    packs: tuple[str, ...] = ("heart-failure", "home-safety")
    answers: bool = False
    home_page_seen: int | None = None


def write(folder: Folder, settings: Settings) -> None:
    """All files of the demo, each whole."""
    values = {
        "folder": folder,
        "settings": settings,
        "ports": settings.ports,
        "person": settings.person,
        "paces": settings.home_time.paces,
        "machine_start": settings.home_time.machine_start,
        "home_start": settings.home_time.home_start,
        "story": story,
        "public_key": public_hex(load_or_make_key(folder.gateway_key)),
    }
    for template, path in (
        ("server.toml.j2", folder.server_toml),
        ("gateway.toml.j2", folder.gateway_toml),
        ("home.toml.j2", folder.home_toml),
        ("plan.yaml.j2", folder.plan),
    ):
        path.write_text(_rendered(template, values), encoding="utf-8")


def _rendered(template: str, values: dict[str, Any]) -> str:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(str(files("simulators.demo") / "templates"))),
        autoescape=False,  # noqa: S701 - these are TOML and YAML; `q` writes text so that it stays text
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["q"] = _quoted
    environment.filters["moment"] = _moment
    return environment.get_template(template).render(values)


def _quoted(value: object) -> str:
    """Text between quotes, as JSON, TOML and YAML all read it."""
    return json.dumps(str(value), ensure_ascii=False)


def _moment(value: datetime) -> str:
    return value.isoformat()
