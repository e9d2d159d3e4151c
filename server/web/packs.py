"""The words and sources of the shipped rule packs, for alerts that name a text key and a rule."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from devices.metrics import METRICS
from plumbing.documents import load_yaml
from rules.debounce import HELD_BACK_BY
from rules.limits import RULE_PREFIX
from rules.model import Finding
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


def held_back_by(found: Finding) -> str:
    """Why a finding told nobody: a state of the person or the home, another rule, or a limit."""
    reason = found.suppressed or ""
    if reason in HELD_BACK_BY:
        return HELD_BACK_BY[reason]
    if reason.startswith(RULE_PREFIX):
        rule = reason.removeprefix(RULE_PREFIX)
        return origin(found.family, rule).title or rule
    return METRICS[reason].title if reason in METRICS else reason


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
    return tuple(parse_pack(load_yaml(path), strict=False) for path in paths)


@cache
def _texts() -> Mapping[str, Mapping[str, str]]:
    of_packs = {key: text for pack in _shipped() for key, text in pack.texts.items()}
    return {**of_packs, **OF_THE_SERVER}
