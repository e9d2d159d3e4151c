"""The words and sources of the shipped rule packs, for alerts that name a text key and a rule."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from plumbing.documents import load_yaml
from rules.plan import Pack, parse_pack
from rules.words import sentence
from server.alerting import deadman

OF_THE_SERVER = {deadman.RULE: {"nurse": "Silent: nothing is heard from it"}}
"""The words of the alerts that the server itself opens."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What a rule is called, and where its figures come from. Empty where no pack has the rule."""

    title: str
    source: str


_SILENT_HOME = Origin(
    title="A home that is silent",
    source="How long it may be silent stands in the server's settings.",
)


def for_staff(key: str, values: Mapping[str, str]) -> str:
    return sentence(_texts(), key, "nurse", values)


def for_person(key: str, values: Mapping[str, str]) -> str:
    return sentence(_texts(), key, "person", values)


def question(metric: str) -> str:
    """The question that the home asks for that answer."""
    return sentence(_texts(), metric, "person", {})


def origin(family: str, rule: str) -> Origin:
    """What the pack of that family says of its rule."""
    for pack in _shipped():
        for known in pack.rules:
            if (pack.id, known.id) == (family, rule):
                return Origin(title=known.title, source=known.source)
    return _SILENT_HOME if rule == deadman.RULE else Origin(title="", source="")


@cache
def _shipped() -> tuple[Pack, ...]:
    folder = Path(str(files("rules").joinpath("packs")))
    paths = sorted(path for path in folder.glob("*.yaml") if not path.stem.endswith(".test"))
    return tuple(parse_pack(load_yaml(path)) for path in paths)


@cache
def _texts() -> Mapping[str, Mapping[str, str]]:
    of_packs = {key: text for pack in _shipped() for key, text in pack.texts.items()}
    return {**of_packs, **OF_THE_SERVER}
