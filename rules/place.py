"""Plain data with the dotted place of each part, so that every refusal can point at it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from math import isfinite
from typing import Any


class PlanError(Exception):
    """What is wrong in a plan or pack: the dotted place, and what to write instead."""

    def __init__(self, path: str, reason: str, line: int | None = None) -> None:
        super().__init__(f"{path or 'document'}: {reason}")
        self.path = path
        self.line = line
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Place:
    """A value of the document and where it stands. Each reader raises PlanError."""

    path: str
    value: Any
    key: str = ""

    def error(self, reason: str) -> PlanError:
        plain = isinstance(self.value, str | int | float)
        return PlanError(self.path, f"{self.value!r} {reason}" if plain else reason)

    def mapping(self) -> Mapping[str, Any]:
        if not isinstance(self.value, Mapping):
            raise self.error("write `word: value` lines here")
        for key in self.value:
            if not isinstance(key, str):
                raise PlanError(self.path, f"{key!r} is no word: put it in quotes")
        return self.value

    def at(self, key: str, default: Any = ...) -> "Place":
        """The part by that word. Raises PlanError where it is missing and has no default."""
        found = self.mapping().get(key, default)
        if found is ...:
            raise PlanError(self.path, f"{key} is missing: give it")
        return Place(self._below(key), found, key)

    def entries(self) -> "Iterator[Place]":
        """The values of a mapping, each with its key."""
        for key, value in self.mapping().items():
            yield Place(self._below(key), value, key)

    def items(self) -> "Iterator[Place]":
        """The parts of a list."""
        if not isinstance(self.value, list | tuple):
            raise self.error("write a list here: a line with `- ` for each")
        for number, value in enumerate(self.value):
            yield Place(self._below(str(number)), value)

    def only(self, *known: str) -> None:
        """Refuse other words than these."""
        for key in self.mapping():
            if key not in known:
                raise PlanError(self._below(key), unknown(key, known))

    def one_of(self, known: Iterable[str]) -> str:
        names = list(known)
        if self.text() not in names:
            raise PlanError(self.path, unknown(self.text(), names))
        return self.text()

    def text(self) -> str:
        if not isinstance(self.value, str):
            raise self.error("is not text: put it in quotes")
        return self.value

    def number(self) -> float:
        if isinstance(self.value, bool) or not isinstance(self.value, int | float):
            raise self.error("is not a number: write it like 2.0")
        try:
            number = float(self.value)
        except OverflowError as error:
            raise PlanError(self.path, "the number is too large") from error
        if not isfinite(number):
            raise self.error("is not a finite number: write it like 2.0")
        return number

    def whole(self) -> int:
        if isinstance(self.value, bool) or not isinstance(self.value, int):
            raise self.error("is not a whole number: write it like 3")
        return self.value

    def day(self) -> date:
        """A date as 2025-03-03; the other ways of ISO 8601 are refused."""
        try:
            found = date.fromisoformat(self.text())
        except ValueError:
            found = None
        if found is None or found.isoformat() != self.value:
            raise self.error('is no date: write it like "2025-03-03"')
        return found

    def flag(self) -> bool:
        if not isinstance(self.value, bool):
            raise self.error("is neither true nor false: write one of them")
        return self.value

    def _below(self, step: str) -> str:
        return f"{self.path}.{step}" if self.path else step


def unknown(word: str, known: Iterable[str]) -> str:
    """That a word is not there, and which one may have been meant."""
    names = sorted(known)
    close = get_close_matches(word, names, n=1)
    if close:
        return f"there is no {word!r} here: did you mean {close[0]!r}?"
    return f"there is no {word!r} here: write one of {', '.join(names) or 'nothing'}"
