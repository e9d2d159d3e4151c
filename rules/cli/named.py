"""Which files somebody means who writes a path, a folder, or the id of a pack."""

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path

CASES = ".test.yaml"
"""How the file of a pack's cases ends."""
_FILES = (".yaml", ".yml")


class NotNamed(Exception):
    """There is nothing of that name; the message says what to write instead."""


def shipped() -> list[Path]:
    """The packs that come with Homebeat. Each is called by its id."""
    return _packs_in(Path(str(files("rules").joinpath("packs"))))


def shipped_cases() -> list[Path]:
    """Their cases."""
    return sorted(shipped()[0].parent.glob(f"*{CASES}"))


def documents(words: Sequence[str]) -> list[Path]:
    """Packs, plans and cases: all packs and plans of a folder; without words those that come with
    Homebeat. Raises NotNamed."""
    return [path for word in words for path in _meant(word)] if words else shipped()


def cases(words: Sequence[str]) -> list[Path]:
    """Files of cases: those beside a pack, and all of a folder. Raises NotNamed."""
    if not words:
        return shipped_cases()
    return [path for word in words for path in _cases_meant(word)]


def _meant(word: str) -> Iterator[Path]:
    path = Path(word)
    if path.is_dir():
        found = _packs_in(path)
        if not found:
            raise NotNamed(f"{path}: has no pack and no plan (*.yaml)")
        yield from found
    elif path.exists() or path.suffix in _FILES:
        yield path
    else:
        yield _by_id(word)


def _cases_meant(word: str) -> Iterator[Path]:
    path = Path(word)
    if path.is_dir():
        found = sorted(path.glob(f"*{CASES}"))
        if not found:
            raise NotNamed(f"{path}: has no cases (*{CASES})")
        yield from found
        return
    for one in _meant(word):
        yield one if one.name.endswith(CASES) else one.with_name(one.stem + CASES)


def _by_id(word: str) -> Path:
    known = {path.stem: path for path in shipped()}
    if word not in known:
        close = get_close_matches(word, known, n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        raise NotNamed(
            f"no file, folder or pack is {word!r}: {hint}The packs are {', '.join(known)}"
        )
    return known[word]


def _packs_in(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.glob("*.yaml")) if not path.name.endswith(CASES)]
