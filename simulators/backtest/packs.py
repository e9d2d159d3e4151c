"""The packs that come with Homebeat, and one from a file."""

from importlib.resources import files
from pathlib import Path

from plumbing.documents import load_yaml
from rules.plan import Pack, parse_pack
from simulators.backtest.rows import InputError


def load_pack(name: str) -> tuple[Pack, dict[str, Pack]]:
    """The pack of that id or file, and all packs. Raises InputError, PlanError, DocumentError."""
    folder = Path(str(files("rules").joinpath("packs")))
    paths = sorted(path for path in folder.glob("*.yaml") if not path.stem.endswith(".test"))
    packs = {pack.id: pack for pack in (parse_pack(load_yaml(path)) for path in paths)}
    if name.endswith((".yaml", ".yml")):
        pack = parse_pack(load_yaml(Path(name)))
        return pack, {**packs, pack.id: pack}
    if name not in packs:
        raise InputError(f"no pack {name!r}: write {', '.join(packs)}, or the path of a pack")
    return packs[name], packs
