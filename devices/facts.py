"""What the health profiles say that is no measurement: named fields, told as facts.

A control point's answer, a list of features or a text is a row of fields under the
specification's own names. `told` makes facts of them, and `fields_of` reads them back, so that
an encoder takes what its decoder gave.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from devices.codec import DecodeError, raw_bytes
from devices.fields import Special
from devices.model import CharacteristicValue, Fact, Raw

SPECIAL_WORDS = {
    Special.NAN: "NaN",
    Special.NRES: "NRes",
    Special.INFINITY: "+Inf",
    Special.NEGATIVE_INFINITY: "-Inf",
    Special.RESERVED: "reserved",
}
"""How a fact says that an SFLOAT or FLOAT is no number."""
_SPECIAL_OF = {word: special for special, word in SPECIAL_WORDS.items()}


def value_of(raw: Raw, what: str) -> CharacteristicValue:
    """The frame as a value of a characteristic; DecodeError where it is something else."""
    if not isinstance(raw, CharacteristicValue):
        raise DecodeError(f"not a value of {what}", raw_bytes(raw))
    return raw


def told(device: str, fields: Mapping[str, object]) -> tuple[Fact, ...]:
    return tuple(Fact(device=device, name=name, value=value) for name, value in fields.items())


def fields_of(facts: Iterable[Fact]) -> dict[str, Any]:
    """The reverse of `told`, without the device."""
    return {fact.name: fact.value for fact in facts}


def worded(name: str, number: int, words: Mapping[int, str]) -> dict[str, object]:
    """A number that stands for a word, with it: {"type": 3, "type_words": "ear"}."""
    known = {f"{name}_words": words[number]} if number in words else {}
    return {name: number, **known}


def plain(value: float | Special) -> float | str:
    """An SFLOAT or FLOAT as JSON has it."""
    return SPECIAL_WORDS[value] if isinstance(value, Special) else value


def from_plain(value: float | str) -> float | Special:
    """The reverse of `plain`. ValueError for a word that it does not use."""
    if not isinstance(value, str):
        return float(value)
    if value not in _SPECIAL_OF:
        raise ValueError(f"{value!r} is none of {', '.join(_SPECIAL_OF)}")
    return _SPECIAL_OF[value]
