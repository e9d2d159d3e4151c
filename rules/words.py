"""Sentences for a person, a nurse and a log line, written from the same values."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Literal

from devices.metrics import METRICS
from rules.model import Number

Audience = Literal["person", "nurse", "log"]
Texts = Mapping[str, Mapping[str, str]]
"""Text key -> audience -> sentence with {placeholders}."""

AUDIENCES: tuple[Audience, ...] = ("person", "nurse", "log")

PLACEHOLDERS: Mapping[str, str] = {
    "title": "Weight",
    "name": "Margaret",
    "matters": "my garden",
    "device": "front door",
    "at": "08:05",
    "day": "3 March",
    "numbers": "weight 80 kg",
    "limit": "2 kg",
    "change": "2 kg less",
    "missing": "Pain in the chest",
    "said": "Pain in the chest",
    "average": "80 kg",
    "baseline": "80 kg",
    "count": "3",
    "data": "80%",
    "days": "7",
    "difference": "2 kg",
    "earlier": "3",
    "fast": "80 kg",
    "floor": "3",
    "held": "20 minutes",
    "high": "2 kg",
    "lasted": "20 minutes",
    "low": "2 kg",
    "reference": "80 kg",
    "samples": "12",
    "score": "3",
    "slope": "2 kg a day",
    "slow": "80 kg",
    "spread": "2 kg",
    "sum": "6",
    "value": "80 kg",
    "waited": "20 minutes",
    "window": "84 hours",
    "z": "3",
}
"""What a text can name, with an example: what every finding has (rules.outcome), and the numbers
that kinds and the debounce give. A metric that a rule compares can be named as well."""


UNSEEN = "unseen"
"""The value that says whom a rule can't tell apart (rules.unseen): it follows each nurse's text."""


def fillable(name: str) -> bool:
    """Whether anybody fills that placeholder in."""
    return name in PLACEHOLDERS or name in METRICS


_UNITS = {
    "kg": ("kg", 1),
    "kg/m2": ("kg/m²", 1),
    "cm": ("cm", 1),
    "mm[Hg]": ("mmHg", 0),
    "/min": ("a minute", 0),
    "%": ("%", 0),
    "Cel": ("°C", 1),
    "h": ("hours", 1),
    "min": ("minutes", 0),
    "1": ("", 2),
}
"""UCUM unit -> how people write it, and with how many decimals."""

_FALLBACK: Mapping[Audience, str] = {
    "person": "{title}. {numbers}",
    "nurse": "{title}. {numbers}",
    "log": "{title}: {numbers}",
}


class _Values(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "…"


def sentence(texts: Texts, key: str, audience: Audience, values: Mapping[str, str]) -> str:
    """The text of that key for that reader, filled in; a value that is not there shows as "…".

    A metric's name is the key of its question. Where a text is missing (an own rule without
    words, a newer pack at the other end) the rule's title and numbers say it. A nurse also reads
    whom the rule can't tell apart.
    """
    text = texts.get(key, {}).get(audience)
    if text is None and key in METRICS:
        return METRICS[key].title
    said = (text or _FALLBACK[audience]).format_map(_Values(values)).strip()
    if audience == "nurse" and UNSEEN in values:
        return f"{said} {values[UNSEEN]}"
    return said


def shown(value: float, unit: str, decimals: int | None = None) -> str:
    """ "82.3 kg", "118 mmHg", "97%"; the sign only where it is below zero."""
    per = ""
    base = unit
    for suffix, text in (("/d", " a day"), ("/h", " an hour")):
        if unit.endswith(suffix):
            base, per = unit.removesuffix(suffix), text
    label, places = _UNITS.get(base, (base, 2))
    if per:
        places += 1
    number = f"{value:.{places if decimals is None else decimals}f}"
    if base in ("1", "h") and decimals is None:
        number = number.rstrip("0").rstrip(".")
    if number == "1" and label in ("hours", "minutes"):
        label = label.removesuffix("s")
    space = "" if label in ("%", "°C", "") else " "
    return f"{number}{space}{label}{per}"


def unit_text(unit: str) -> str:
    """The unit as people write it, for the head of a column: "kg", "mmHg", empty for none."""
    return _UNITS.get(unit, (unit, 2))[0]


def shown_number(number: Number) -> str:
    return shown(number.value, number.unit)


def span_text(span: timedelta) -> str:
    """A duration as people say it: "84 hours", "20 minutes", "28 days"."""
    seconds = span.total_seconds()
    for unit, length in (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1)):
        count = seconds / length
        if count == int(count) and (unit != "day" or count >= 7):
            return f"{int(count)} {unit}{'' if count == 1 else 's'}"
    return f"{seconds:g} seconds"
