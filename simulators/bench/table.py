"""The figures as people and programs read them."""

import json
from collections.abc import Sequence
from enum import StrEnum
from typing import Any

import msgspec
from msgspec import Struct


class Verdict(StrEnum):
    OK = "ok"
    NOT_YET = "not yet"
    FAILED = "FAILED"
    """Of a gate: something was lost or stored twice."""
    SHOWN = ""
    """There is no aim yet."""


class Aim(Struct, frozen=True, kw_only=True):
    """Exactly one of the two. `of_ratio`: the aim is for how many times better than the plain
    loop's the figure is, not for the figure itself."""

    at_least: float | None = None
    at_most: float | None = None
    later: float | None = None
    of_ratio: bool = False

    def met(self, value: float) -> bool:
        if self.at_least is not None:
            return value >= self.at_least
        assert self.at_most is not None
        return value <= self.at_most

    def text(self, unit: str) -> str:
        least = self.at_least is not None
        limit = self.at_least if least else self.at_most
        assert limit is not None
        said = f"{limit:g}" + (" x" if self.of_ratio else f" {unit}" if unit else "")
        later = "" if self.later is None else f" (later {self.later:g})"
        return f"at {'least' if least else 'most'} {said}{later}"


class Figure(Struct, frozen=True, kw_only=True):
    """One row. `plain` is the plain loop's, in the same run, where there is one to hold against."""

    part: str
    what: str
    unit: str
    value: float
    plain: float | None = None
    more_is_better: bool = False
    aim: Aim | None = None
    gate: bool = False
    """It must be met, whatever the machine."""

    @property
    def ratio(self) -> float | None:
        """How many times better than the plain loop; None where there is nothing to divide."""
        if not self.plain or not self.value:
            return None
        return self.value / self.plain if self.more_is_better else self.plain / self.value

    @property
    def verdict(self) -> Verdict:
        if self.aim is None:
            return Verdict.SHOWN
        measured = self.ratio if self.aim.of_ratio else self.value
        if measured is not None and self.aim.met(measured):
            return Verdict.OK
        return Verdict.FAILED if self.gate else Verdict.NOT_YET


class Report(Struct, frozen=True, kw_only=True):
    """`machine`: what it was measured on; `runs`: each single run, by name, as it was measured."""

    machine: dict[str, Any]
    figures: tuple[Figure, ...]
    runs: dict[str, Any]

    @property
    def failed(self) -> bool:
        return any(figure.verdict is Verdict.FAILED for figure in self.figures)


_HEADS = ("", "", "Homebeat", "plain loop", "times better", "aim", "")
_NUMBERS = (2, 3, 4)
"""Columns set to the right."""


def as_table(figures: Sequence[Figure]) -> str:
    """A Markdown table, set so that it reads as it stands too."""
    rows = [_HEADS, *map(_cells, figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADS))]
    lines = [_line(row, widths) for row in rows]
    rule = [
        "-" * (width + 1) + (":" if column in _NUMBERS else "-")
        for column, width in enumerate(widths)
    ]
    return "\n".join([lines[0], f"|{'|'.join(rule)}|", *lines[1:]]) + "\n"


def as_markdown(report: Report) -> str:
    """The page: what was measured on, and the table."""
    facts = [f"- {name}: {value}" for name, value in report.machine.items()]
    return "\n".join(["# homebeat bench", "", *facts, "", as_table(report.figures)])


def as_json(report: Report) -> str:
    """The same for programs, with each single run."""
    figures = [
        {**msgspec.to_builtins(figure), "ratio": figure.ratio, "verdict": figure.verdict}
        for figure in report.figures
    ]
    whole = {
        "machine": report.machine,
        "figures": figures,
        "failed": report.failed,
        "runs": msgspec.to_builtins(report.runs),
    }
    return json.dumps(whole, indent=2) + "\n"


def _cells(figure: Figure) -> tuple[str, ...]:
    return (
        figure.part,
        figure.what,
        _shown(figure.value, figure.unit),
        "" if figure.plain is None else _shown(figure.plain, figure.unit),
        "" if figure.ratio is None else f"{figure.ratio:.1f} x",
        "" if figure.aim is None else figure.aim.text(figure.unit),
        figure.verdict,
    )


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = [
        cell.rjust(width) if column in _NUMBERS else cell.ljust(width)
        for column, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]
    return f"| {' | '.join(cells)} |"


def _shown(value: float, unit: str) -> str:
    """Three digits that say something: 21,304 /s, 38.2 us, 0.412 s."""
    size = abs(value)
    places = 0 if size >= 100 or value == int(value) else 1 if size >= 10 else 2
    return f"{value:,.{places}f} {unit}".rstrip()
