"""The packs that come with Homebeat, one from a file, and care plans."""

from importlib.resources import files
from pathlib import Path

from plumbing.documents import load_yaml
from rules.model import Plan
from rules.plan import Pack, parse_pack, parse_plan
from simulators.backtest.rows import InputError


def load_pack(name: str) -> Pack:
    """The pack of that id or file. Raises InputError, PlanError, DocumentError."""
    if name.endswith((".yaml", ".yml")):
        return parse_pack(load_yaml(Path(name)))
    packs = _shipped()
    if name not in packs:
        raise InputError(f"no pack {name!r}: write {', '.join(packs)}, or the path of a pack")
    return packs[name]


def load_plan(path: str) -> Plan:
    """A home's care plan. A trial acts on nobody, so that its packs need no signature.

    Raises PlanError and DocumentError.
    """
    return parse_plan(load_yaml(Path(path)), _shipped(signed_by="a trial"))


def _shipped(signed_by: str = "") -> dict[str, Pack]:
    folder = Path(str(files("rules").joinpath("packs")))
    paths = sorted(path for path in folder.glob("*.yaml") if not path.stem.endswith(".test"))
    return {pack.id: pack for pack in (parse_pack(load_yaml(path), signed_by) for path in paths)}
