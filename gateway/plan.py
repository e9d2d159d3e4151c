"""Reads the home's care plan and the packs that it names."""

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from plumbing.documents import load_yaml
from rules.model import Plan
from rules.plan import Pack, parse_pack, parse_plan


def load_packs() -> dict[str, Pack]:
    """The packs that come with Homebeat, by id."""
    folder = Path(str(files("rules").joinpath("packs")))
    paths = sorted(path for path in folder.glob("*.yaml") if not path.stem.endswith(".test"))
    packs = [parse_pack(load_yaml(path)) for path in paths]
    return {pack.id: pack for pack in packs}


def load_plan(path: Path, packs: Mapping[str, Pack]) -> Plan:
    """Raises PlanError or DocumentError, which say what to write instead."""
    return parse_plan(load_yaml(path), packs)
