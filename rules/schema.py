"""JSON Schema (draft-07, which editors know best) of packs, care plans and cases.

It is made of what the readers go by: the tables of words (rules.shapes), and the types of the
kinds' Params and of the debounce (as rules.typed reads them). It holds the structure. What joins
two places it can't say: the unit of an amount follows from the metric beside it, a text has to be
there, k is at most n. `homebeat rules check` refuses those.
"""

import json
from collections.abc import Mapping
from datetime import time, timedelta
from enum import StrEnum
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec
from msgspec import Struct, structs

from devices.metrics import METRICS, Kind
from rules import shapes
from rules.hours import Hours
from rules.kinds import kinds
from rules.limits import RULE_PREFIX
from rules.model import Companion, Concern, Debounce, Suppressor, Tier
from rules.shapes import Holds, Shape
from rules.typed import AMOUNT, DURATION, TIME, is_short
from rules.words import AUDIENCES

Schema = dict[str, Any]

DIALECT = "http://json-schema.org/draft-07/schema#"
ID = "[a-z0-9][a-z0-9_-]*"


def pack_schema() -> Schema:
    return _document("A pack of rules for Homebeat", shapes.PACK)


def plan_schema() -> Schema:
    return _document("A home's care plan for Homebeat", shapes.PLAN)


def cases_schema() -> Schema:
    return _document("Cases of a pack of rules for Homebeat", shapes.CASE_FILE)


SCHEMAS = {"pack": pack_schema, "plan": plan_schema, "test": cases_schema}
"""By the word for it."""


def schema_text(name: str) -> str:
    """What `homebeat rules schema` prints, and docs/reference holds."""
    return json.dumps(SCHEMAS[name](), indent=1) + "\n"


def _document(title: str, shape: Shape) -> Schema:
    whole = {"$schema": DIALECT, "title": title, **_object(shape)}
    wanted = definitions()
    used: dict[str, Schema] = {}
    waiting = _named(whole)
    while waiting:
        name = waiting.pop()
        if name not in used:
            used[name] = wanted[name]
            waiting += _named(wanted[name])
    return {**whole, "definitions": {name: used[name] for name in sorted(used)}}


def _named(schema: object) -> list[str]:
    """The definitions that a schema refers to."""
    if isinstance(schema, Mapping):
        own = [schema["$ref"].rpartition("/")[2]] if isinstance(schema.get("$ref"), str) else []
        return own + [name for value in schema.values() for name in _named(value)]
    if isinstance(schema, list):
        return [name for value in schema for name in _named(value)]
    return []


def _object(shape: Shape) -> Schema:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": [name for name, word in shape.items() if word.needed],
        "properties": {
            name: {"description": word.says, "allOf": [_ref(word.holds)]}
            for name, word in shape.items()
        },
    }


def _rule(shape: Shape) -> Schema:
    """A rule, of which `params` follows from `kind`."""
    by_kind = [
        {
            "if": {"properties": {"kind": {"const": name}}, "required": ["kind"]},
            "then": {"properties": {"params": _ref(f"params-{name}")}},
        }
        for name in sorted(kinds())
    ]
    return {**_object(shape), "allOf": by_kind}


def definitions() -> dict[str, Schema]:
    """Every part by its name."""
    every_param = sorted({name for kind in kinds().values() for name in _fields(kind.params_type)})
    answers = [name for name, row in METRICS.items() if row.kind is Kind.ANSWER]
    text = _strict(dict.fromkeys(AUDIENCES, _TEXT), AUDIENCES)
    return {
        **{f"params-{name}": _struct(kind.params_type) for name, kind in sorted(kinds().items())},
        "metric": _metric(),
        "amount": _amount(),
        Holds.TEXT: _TEXT,
        Holds.ID: {"type": "string", "pattern": f"^{ID}$"},
        Holds.FLAG: {"type": "boolean"},
        Holds.DAY: _like("[0-9]{4}-[0-9]{2}-[0-9]{2}", "A day, like 2025-03-03"),
        Holds.DURATION: _like(DURATION, "A time span, like 30s, 20min, 84h or 3d"),
        "time": _like(TIME, 'A local time, like "07:30"'),
        Holds.HOURS: _like(f"{TIME}-{TIME}", 'Local hours, like "22:00-06:00"'),
        Holds.ZONE: {"type": "string", "description": "A time zone, like Europe/London"},
        Holds.TIER: {"enum": [tier.name for tier in Tier if tier is not Tier.T2]},
        Holds.KIND: {
            "enum": sorted(kinds()),
            "enumDescriptions": [kinds()[name].title for name in sorted(kinds())],
        },
        Holds.CONCERN: {"enum": [concern.value for concern in Concern]},
        Holds.SHIPS: {"enum": list(shapes.SHIPS)},
        Holds.NEEDS: {"enum": list(shapes.NEEDS)},
        Holds.BASIS: {"enum": list(shapes.BASES)},
        Holds.PARAMS: {"type": "object"},
        Holds.ANY_PARAMS: {"type": "object", "propertyNames": {"enum": every_param}},
        Holds.DEBOUNCE: _struct(Debounce),
        Holds.THEN: _object(shapes.THEN),
        Holds.OWN_THEN: _object(shapes.OWN_THEN),
        Holds.ASKED: {"type": "array", "items": {"enum": answers}},
        Holds.QUESTIONS: _map(_TEXT, {"enum": answers}),
        Holds.TEXTS: _map(text),
        Holds.SUPPRESSORS: {"type": "array", "items": _of(Suppressor)},
        Holds.COMPANIONS: {"type": "array", "items": _of(Companion)},
        Holds.PACK_RULES: {"type": "array", "items": _rule(shapes.PACK_RULE)},
        Holds.OWN_RULES: {"type": "array", "items": _rule(shapes.OWN_RULE)},
        Holds.PEOPLE: {"type": "array", "minItems": 1, "items": _object(shapes.PERSON)},
        Holds.USES: {"type": "array", "items": _object(shapes.USE)},
        Holds.OVERRIDES: _map(_object(shapes.OVERRIDE)),
        Holds.CASE_USE: _object({name: w for name, w in shapes.USE.items() if name != "pack"}),
        Holds.CASES: {"type": "array", "items": _object(shapes.CASE)},
        Holds.COURSES: _map(_map({}, {"pattern": f"^{MOMENT}( every .+)?$"})),
        Holds.MOMENT: _like(MOMENT, "A local time of a day of the course, like d2 07:00"),
        Holds.EXPECTED: {
            "type": "array",
            "items": _like(f"{MOMENT} .+", "d3 07:00 weight-gain T1"),
        },
        Holds.IDS: {"type": "array", "items": _ref(Holds.ID)},
    }


_TEXT: Schema = {"type": "string"}
MOMENT = "d[1-9][0-9]* [0-9]{2}:[0-9]{2}(:[0-9]{2})?"


def _ref(name: str) -> Schema:
    return {"$ref": f"#/definitions/{name}"}


def _like(pattern: str, says: str) -> Schema:
    return {"type": "string", "pattern": f"^{pattern}$", "description": says}


def _map(of: Schema, names: Schema | None = None) -> Schema:
    named = {} if names is None else {"propertyNames": names}
    return {"type": "object", "additionalProperties": of, **named}


def _strict(properties: Mapping[str, Schema], required: tuple[str, ...]) -> Schema:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(required),
        "properties": dict(properties),
    }


def _metric() -> Schema:
    names = list(METRICS)
    units = [
        f"{row.title}, {row.unit}" if row.unit != "1" else row.title for row in METRICS.values()
    ]
    return {
        "description": "What is measured, or rule.<id> for the phase of another rule. The amounts "
        "beside it are in its unit: docs/reference/metrics.md",
        "anyOf": [
            {"enum": names, "enumDescriptions": units},
            {"type": "string", "pattern": f"^{RULE_PREFIX.replace('.', '[.]')}{ID}$"},
        ],
    }


def _amount() -> Schema:
    return {
        "description": "A number, alone or with the unit of the metric beside it, like 2.0 kg",
        "anyOf": [{"type": "number"}, {"type": "string", "pattern": f"^{AMOUNT}$"}],
    }


def _fields(kind: type[Struct]) -> list[str]:
    return [field.encode_name for field in structs.fields(kind)]


def _struct(kind: type[Struct]) -> Schema:
    fields = structs.fields(kind)
    found = _strict(
        {field.encode_name: _of(field.type) for field in fields},
        tuple(field.encode_name for field in fields if field.required),
    )
    return {"description": " ".join((kind.__doc__ or "").split()), **found}


def _of(kind: Any) -> Schema:
    """As rules.typed reads a value of that type."""
    if get_origin(kind) in (Union, UnionType):
        (given,) = (part for part in get_args(kind) if part is not NoneType)
        return {"anyOf": [_of(given), {"type": "null"}]}
    if get_origin(kind) is tuple:
        return {"type": "array", "items": _of(get_args(kind)[0])}
    if get_origin(kind) is Annotated:
        (meta,) = (part for part in get_args(kind) if isinstance(part, msgspec.Meta))
        return _ref((meta.extra or {})["is"])
    if kind in _PLAIN:
        return _PLAIN[kind]
    if issubclass(kind, StrEnum):
        return {"enum": [member.value for member in kind]}
    whole = _struct(kind)
    if is_short(kind):
        return {"anyOf": [_of(structs.fields(kind)[0].type), whole]}
    return whole


_PLAIN: dict[Any, Schema] = {
    timedelta: _ref(Holds.DURATION),
    time: _ref("time"),
    Hours: _ref(Holds.HOURS),
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    str: {"type": "string"},
}
