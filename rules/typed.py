"""Params out of plain data: what a field may hold follows from its type, by one table."""

import re
from collections.abc import Callable
from datetime import time, timedelta
from types import NoneType, UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

import msgspec
from msgspec import NODEFAULT, Struct, structs

from devices.metrics import METRICS
from rules.hours import Hours
from rules.limits import RULE_PREFIX, metric_of
from rules.place import Place

T = TypeVar("T", bound=Struct)

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(s|min|h|d)")
_DURATION_S = {"s": 1, "min": 60, "h": 3_600, "d": 86_400}
_AMOUNT = re.compile(r"(-?\d+(?:\.\d+)?)\s*(\S+)")


def struct_at(kind: type[T], place: Place) -> T:
    """A mapping as a Struct, each field by its type. `metric` gives amounts their unit."""
    fields = {field.encode_name: field for field in structs.fields(kind)}
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
    return struct_at(kind, place)


def _metric(place: Place, beside: Place) -> str:
    name = place.text()
    return name if name.startswith(RULE_PREFIX) else place.one_of(METRICS)


def _amount(place: Place, beside: Place) -> float:
    """A number, or a number with the unit of the metric that stands beside it."""
    metric = metric_of(_metric(beside.at("metric"), beside))
    value = place.value
    if isinstance(value, str) and (written := _AMOUNT.fullmatch(value.strip())):
        if written[2] != metric.unit:
            raise place.error(
                f"{metric.name} is counted in {metric.unit}, not {written[2]}: "
                f"convert it and write {metric.unit}, or the number alone"
            )
        return float(written[1])
    return place.number()


def duration(place: Place) -> timedelta:
    written = _DURATION.fullmatch(str(place.value).strip())
    if written is None:
        raise place.error("is no duration: write it like 30s, 20min, 84h or 3d")
    return timedelta(seconds=float(written[1]) * _DURATION_S[written[2]])


def _time(place: Place) -> time:
    try:
        return time.fromisoformat(place.text())
    except ValueError as error:
        raise place.error('is no time of day: write it like "07:30"') from error


def _hours(place: Place) -> Hours:
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
    Hours: _hours,
    int: lambda place: place.whole(),
    float: lambda place: place.number(),
    bool: lambda place: place.flag(),
    str: lambda place: place.text(),
}
_MARKED: dict[str, Callable[[Place, Place], Any]] = {"metric": _metric, "amount": _amount}
