"""Params out of plain data: what a field may hold follows from its type, by one table."""

import re
from collections.abc import Callable
from datetime import time, timedelta
from enum import StrEnum
from types import NoneType, UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

import msgspec
from msgspec import NODEFAULT, Struct, structs

from devices.metrics import METRICS, Metric
from rules.hours import Hours
from rules.limits import RULE_PREFIX, metric_of
from rules.place import Place

T = TypeVar("T", bound=Struct)

DURATION = r"([0-9]+(?:\.[0-9]+)?)\s*(s|min|h|d)"
AMOUNT = r"(-?[0-9]+(?:\.[0-9]+)?)\s*(\S+)"
TIME = r"[0-9]{2}:[0-9]{2}(:[0-9]{2})?"
_DURATION = re.compile(DURATION)
_DURATION_S = {"s": 1, "min": 60, "h": 3_600, "d": 86_400}
_AMOUNT = re.compile(AMOUNT)
_TIME = re.compile(TIME)
_LONGEST = timedelta(days=400)
"""More than a year of windows and waiting is a slip of the pen."""


def struct_at(kind: type[T], place: Place) -> T:
    """A mapping as a Struct, each field by its type. `metric` gives amounts their unit.

    A Struct whose first field alone is needed may be written as that: `person.away` for
    `{by: person.away}`.
    """
    fields = {field.encode_name: field for field in structs.fields(kind)}
    if isinstance(place.value, str) and is_short(kind):
        place = Place(place.path, {next(iter(fields)): place.value}, place.key)
    place.only(*fields)
    given: dict[str, Any] = {}
    for name, field in fields.items():
        if name in place.mapping():
            given[field.name] = _field(field.type, place.at(name), place)
        elif field.default is NODEFAULT and field.default_factory is NODEFAULT:
            raise place.error(f"{name} is missing: give it")
    try:
        return kind(**given)
    except ValueError as error:
        raise place.error(str(error)) from error


def is_short(kind: type[Struct]) -> bool:
    first, *others = structs.fields(kind)
    return first.required and not any(field.required for field in others)


def _field(kind: Any, place: Place, beside: Place) -> Any:
    if get_origin(kind) in (Union, UnionType):
        if place.value is None:
            return None
        (kind,) = (part for part in get_args(kind) if part is not NoneType)
    if get_origin(kind) is tuple:
        return tuple(_field(get_args(kind)[0], item, beside) for item in place.items())
    if get_origin(kind) is Annotated:
        (meta,) = (part for part in get_args(kind) if isinstance(part, msgspec.Meta))
        return _MARKED[(meta.extra or {})["is"]](place, beside)
    if kind in _PLAIN:
        return _PLAIN[kind](place)
    if issubclass(kind, StrEnum):
        return kind(place.one_of(list(kind)))
    return struct_at(kind, place)


def _metric(place: Place, beside: Place) -> str:
    name = place.text()
    return name if name.startswith(RULE_PREFIX) else place.one_of(METRICS)


def _amount(place: Place, beside: Place) -> float:
    """A number, or a number with the unit of the metric that stands beside it.

    It has to be one that a reading can have, or by which two readings can differ.
    """
    metric = metric_of(_metric(beside.at("metric"), beside))
    value = place.value
    if isinstance(value, str) and (written := _AMOUNT.fullmatch(value.strip())):
        if written[2] != metric.unit:
            raise place.error(
                f"{metric.name} is counted in {metric.unit}, not {written[2]}: "
                f"convert it and write {metric.unit}, or the number alone"
            )
        return _possible(float(written[1]), metric, place)
    return _possible(place.number(), metric, place)


_NEVER_OR_ALWAYS: dict[str, Callable[[float, Metric], bool]] = {
    "above": lambda limit, metric: not metric.low <= limit < metric.high,
    "at_least": lambda limit, metric: not metric.low < limit <= metric.high,
    "below": lambda limit, metric: not metric.low < limit <= metric.high,
    "at_most": lambda limit, metric: not metric.low <= limit < metric.high,
    "clear_at": lambda limit, metric: not metric.plausible(limit),
    "agreed": lambda limit, metric: not metric.plausible(limit),
    "edge": lambda limit, metric: not metric.plausible(limit),
}
"""The words that name a value, and when one is of no use: every reading lies on one side of it.
Any other word names a change, or a change over time, which can be as fast as it likes."""
_OVER_TIME = "_per_"


def _possible(amount: float, metric: Metric, place: Place) -> float:
    useless = _NEVER_OR_ALWAYS.get(place.key)
    widest = metric.high - metric.low
    if useless is not None and useless(amount, metric):
        raise place.error(
            f"is no limit for {metric.name}, of which a reading lies between {metric.low:g} and "
            f"{metric.high:g} {metric.unit}: write one inside"
        )
    if useless is None and _OVER_TIME not in place.key and abs(amount) > widest:
        raise place.error(
            f"is more than {metric.name} can change, which is by {widest:g} {metric.unit} at most: "
            "write less"
        )
    return amount


def duration(place: Place) -> timedelta:
    written = _DURATION.fullmatch(str(place.value).strip())
    if written is None:
        raise place.error("is no duration: write it like 30s, 20min, 84h or 3d")
    seconds = float(written[1]) * _DURATION_S[written[2]]
    if seconds > _LONGEST.total_seconds():
        raise place.error(f"is longer than {_LONGEST.days}d: write less")
    return timedelta(seconds=seconds)


def _time(place: Place) -> time:
    text = place.text().strip()
    try:
        return time.fromisoformat(text if _TIME.fullmatch(text) else "")
    except ValueError as error:
        raise place.error('is no time of day: write it like "07:30"') from error


def hours(place: Place) -> Hours:
    start, dash, end = place.text().partition("-")
    if not dash:
        raise place.error('are no hours: write them like "22:00-06:00"')
    try:
        return Hours(_time(Place(place.path, start)), _time(Place(place.path, end)))
    except ValueError as error:
        raise place.error(str(error)) from error


_PLAIN: dict[Any, Callable[[Place], Any]] = {
    timedelta: duration,
    time: _time,
    Hours: hours,
    int: lambda place: place.whole(),
    float: lambda place: place.number(),
    bool: lambda place: place.flag(),
    str: lambda place: place.text(),
}
_MARKED: dict[str, Callable[[Place, Place], Any]] = {"metric": _metric, "amount": _amount}
