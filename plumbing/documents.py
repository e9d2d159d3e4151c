"""YAML files that people write, read so that what stands there is what arrives.

Plain YAML 1.1 turns 22:00 into 1320, `no` into false and 010 into 8, and keeps the last of two
equal keys without a word. Here numbers, true, false and null are read as JSON reads them,
anything else is text, and a key given twice is an error. Tags and aliases are refused: a few
lines of aliases can stand for a document that fills the memory.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 50
MAX_DIGITS = 400
"""A larger, deeper or longer one was not written by a person; that number is read as a decimal."""


class DocumentError(Exception):
    """A file that can't be read as YAML: which, at which line (from 1) if known, and why."""

    def __init__(self, path: Path, line: int | None, reason: str) -> None:
        place = str(path) if line is None else f"{path}:{line}"
        super().__init__(f"{place}: {reason}")
        self.path = path
        self.line = line
        self.reason = reason


def load_yaml(path: Path) -> Any:
    """Dicts with text keys, lists, text, numbers, booleans and None, as they stand in the file.

    Raises DocumentError, which says what to do.
    """
    return _read(path).value


def line_of(path: Path, where: str) -> int:
    """The line (from 1) of what stands at `where` ("rules.0.kind").

    Where the file has no such thing, the line of the nearest part above it. Raises DocumentError.
    """
    lines = _read(path).lines
    while where and where not in lines:
        where = where.rpartition(".")[0]
    return lines.get(where, 1)


@dataclass(frozen=True, slots=True)
class _Document:
    value: Any
    lines: dict[str, int]
    """Line by dotted path; that of a value with a key is the key's."""


def _read(path: Path) -> _Document:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise DocumentError(path, None, f"is larger than {MAX_BYTES} bytes; split it")
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise DocumentError(path, None, "is not UTF-8 text; save it as UTF-8") from error
    except OSError as error:
        raise DocumentError(path, None, f"can't be read: {error.strerror}") from error
    reader = _Reader(path, text)
    try:
        return _Document(reader.document(), reader.lines)
    except yaml.MarkedYAMLError as error:
        reason = ", ".join(part for part in (error.context, error.problem) if part)
        last = len(text.splitlines())
        line = min(error.problem_mark.line + 1, last) if error.problem_mark else None
        raise DocumentError(path, line, f"is not YAML here: {reason}") from error
    except yaml.YAMLError as error:
        raise DocumentError(path, None, f"is not YAML: {error}") from error


_WORDS = {"true": True, "false": False, "null": None, "~": None, "": None}
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_DECIMAL = re.compile(r"[-+]?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")


class _Reader:
    """Builds the value from the parser's events; the library's own composer has no depth limit."""

    def __init__(self, path: Path, text: str) -> None:
        self._path = path
        self._events: Iterator[Any] = yaml.parse(text, Loader=yaml.CBaseLoader)
        self.lines: dict[str, int] = {}

    def document(self) -> Any:
        value = None
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                if self.lines:
                    raise self._refused(event, "starts a second document (---); keep one a file")
                value = self._value(next(self._events), "", 0)
        return value

    def _value(self, event: Any, where: str, depth: int) -> Any:
        self.lines.setdefault(where, _line(event))
        if isinstance(event, yaml.AliasEvent):
            raise self._refused(event, f"uses the alias *{event.anchor}; write it out")
        if event.tag is not None:
            raise self._refused(event, f"has the tag {event.tag}; leave tags (!...) out")
        if depth > MAX_DEPTH:
            raise self._refused(event, f"is nested more than {MAX_DEPTH} deep")
        if isinstance(event, yaml.ScalarEvent):
            return _scalar(event)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._list(where, depth)
        return self._dict(where, depth)

    def _list(self, where: str, depth: int) -> list[Any]:
        found: list[Any] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            found.append(self._value(event, _below(where, str(len(found))), depth + 1))
        return found

    def _dict(self, where: str, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while not isinstance(key := next(self._events), yaml.MappingEndEvent):
            if not isinstance(key, yaml.ScalarEvent):
                raise self._refused(key, "has a key that is not a word; use a word")
            if key.value in found:
                raise self._refused(key, f"gives {key.value!r} a second time; keep one")
            place = _below(where, key.value)
            self.lines[place] = _line(key)
            found[key.value] = self._value(next(self._events), place, depth + 1)
        return found

    def _refused(self, event: Any, reason: str) -> DocumentError:
        return DocumentError(self._path, _line(event), reason)


def _below(where: str, step: str) -> str:
    return f"{where}.{step}" if where else step


def _line(event: Any) -> int:
    line: int = event.start_mark.line
    return line + 1


def _scalar(event: Any) -> Any:
    """A quoted one is text whatever it says."""
    text: str = event.value
    if not event.implicit[0]:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text) and len(text) <= MAX_DIGITS:
        return int(text)
    if _DECIMAL.fullmatch(text):
        return float(text)
    return text
