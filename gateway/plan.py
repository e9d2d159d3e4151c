"""Reads the home's care plan and the packs that it names."""

from collections.abc import Collection, Mapping
from importlib.resources import files
from pathlib import Path

from plumbing.documents import DocumentError, line_of, load_yaml
from plumbing.signing import signature_beside, signer_of_file
from rules.model import Plan
from rules.place import PlanError
from rules.plan import Pack, parse_pack, parse_plan


def load_packs(folder: Path | None = None, *, strict: bool = True) -> dict[str, Pack]:
    """The packs that come with Homebeat and those of a folder, by id.

    One of the folder stands for ours with the same id. `strict`: texts that are not fit to be said
    are refused too. Raises DocumentError, which says what to write instead, or that a pack is not
    what was signed.
    """
    shipped = Path(str(files("rules").joinpath("packs")))
    folders = [shipped] if folder is None else [shipped, folder]
    packs = [_pack(path, strict) for one in folders for path in _packs_in(one)]
    return {pack.id: pack for pack in packs}


def load_plan(
    path: Path, packs: Mapping[str, Pack], signers: Collection[str] = (), *, strict: bool = True
) -> Plan:
    """`signers`: the public keys whose signature of a pack counts for people who live there.
    `strict`: as for the packs.

    Raises DocumentError, which says what to write instead.
    """
    document = load_yaml(path)
    try:
        return parse_plan(document, packs, signers, strict=strict)
    except PlanError as error:
        raise DocumentError(path, line_of(path, error.path), str(error)) from error


def _packs_in(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise DocumentError(folder, None, "is no folder: make it, or correct [packs] folder")
    return sorted(path for path in folder.glob("*.yaml") if not path.stem.endswith(".test"))


def _pack(path: Path, strict: bool) -> Pack:
    document = load_yaml(path)
    try:
        return parse_pack(document, signer_of_file(path), strict=strict)
    except PlanError as error:
        raise DocumentError(path, line_of(path, error.path), str(error)) from error
    except (OSError, ValueError) as error:
        raise DocumentError(signature_beside(path), None, str(error)) from error
