"""NEWS2, the National Early Warning Score (Royal College of Physicians, 2017), as a table.

A score is only ever made of all seven observations. With fewer it is incomplete, and has a
floor: what those that are there add up to. Nothing is filled in, and missing is never normal.

Values are judged at the steps of the chart, whole numbers and tenths of a degree: what lies in
between is rounded half up in decimal first, so 35.05 C counts as 35.1 and 91.5 % as 92.
"""

from collections.abc import Iterable, Iterator, Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import msgspec
from msgspec import Struct

INPUTS = ("rr", "spo2", "on_oxygen", "sbp", "hr", "temp", "consciousness")
"""Respirations a minute, oxygen saturation in %, systolic pressure in mmHg, pulse a minute,
temperature in degrees Celsius: the seven of the score, by their names in JSON."""

Row = tuple[tuple[float, int], ...]
"""(the highest value, its points), rising; above the last value, the last points."""

_ABOVE = float("inf")

ROWS: dict[str, Row] = {
    "rr": ((8, 3), (11, 1), (20, 0), (24, 2), (_ABOVE, 3)),
    "sbp": ((90, 3), (100, 2), (110, 1), (219, 0), (_ABOVE, 3)),
    "hr": ((40, 3), (50, 1), (90, 0), (110, 1), (130, 2), (_ABOVE, 3)),
    "temp": ((35.0, 3), (36.0, 1), (38.0, 0), (39.0, 1), (_ABOVE, 2)),
}
SPO2_ROWS: dict[tuple[int, bool], Row] = {
    (1, False): ((91, 3), (93, 2), (95, 1), (_ABOVE, 0)),
    (1, True): ((91, 3), (93, 2), (95, 1), (_ABOVE, 0)),
    (2, False): ((83, 3), (85, 2), (87, 1), (_ABOVE, 0)),
    (2, True): ((83, 3), (85, 2), (87, 1), (92, 0), (94, 1), (96, 2), (_ABOVE, 3)),
}
"""By (scale, on oxygen). Scale 2 only where a clinician set a target of 88 to 92 %."""

ON_OXYGEN = 2
NOT_ALERT = 3
STEPS = {name: Decimal("0.1" if name == "temp" else 1) for name in (*ROWS, "spo2")}
"""The steps of the chart."""

ALERT = frozenset({"a", "alert"})
CVPU = frozenset(
    {
        *("c", "confusion", "new confusion", "newly confused", "confused"),
        *("v", "voice", "verbal", "responds to voice"),
        *("p", "pain", "responds to pain"),
        *("u", "unresponsive", "unconscious"),
        "cvpu",
    }
)

_POSSIBLE: dict[str, tuple[float, float, str]] = {
    "rr": (0, 100, "breaths a minute"),
    "spo2": (10, 100, "per cent"),
    "sbp": (0, 350, "mmHg"),
    "hr": (0, 350, "beats a minute"),
    "temp": (20, 46, "degrees Celsius"),
}


class Observations(Struct, frozen=True, kw_only=True):
    """What was measured; None: not measured. `alert`: awake and not newly confused."""

    rr: float | None = None
    spo2: float | None = None
    on_oxygen: bool | None = None
    sbp: float | None = None
    hr: float | None = None
    temp: float | None = None
    alert: bool | None = None
    spo2_scale: int = 1


class Score(Struct, frozen=True, kw_only=True):
    """`total` is the score if nothing is missing, else its floor. `parts`: the points of each."""

    total: int
    band: str
    parts: Mapping[str, int]
    missing: tuple[str, ...]


def score(seen: Observations) -> Score:
    """The points of what is there. The saturation on scale 2 may wait for air or oxygen."""
    parts: dict[str, int] = {}
    for name in INPUTS:
        points = _points(name, seen)
        if points is not None:
            parts[name] = points
    missing = tuple(name for name in INPUTS if _value(name, seen) is None)
    total = sum(parts.values())
    return Score(total=total, band=band(total, parts.values()), parts=parts, missing=missing)


def band(total: int, points: Iterable[int]) -> str:
    """The clinical risk: 0 to 4 low, low-medium with a single 3, 5 and 6 medium, 7 on high."""
    if total >= 7:
        return "high"
    if total >= 5:
        return "medium"
    return "low-medium" if 3 in points else "low"


def row_of(name: str, scale: int, on_oxygen: bool) -> Row:
    """The row of the table for one of the five numbers."""
    return SPO2_ROWS[scale, on_oxygen] if name == "spo2" else ROWS[name]


def _value(name: str, seen: Observations) -> float | None:
    value: float | None = getattr(seen, "alert" if name == "consciousness" else name)
    return value


def _points(name: str, seen: Observations) -> int | None:
    value = _value(name, seen)
    if value is None:
        return None
    if name == "on_oxygen":
        return ON_OXYGEN if value else 0
    if name == "consciousness":
        return 0 if value else NOT_ALERT
    if name == "spo2" and seen.on_oxygen is None:
        either = {_in_row(row_of(name, seen.spo2_scale, on), name, value) for on in (False, True)}
        return either.pop() if len(either) == 1 else None
    return _in_row(row_of(name, seen.spo2_scale, bool(seen.on_oxygen)), name, value)


def _in_row(row: Row, name: str, value: float) -> int:
    charted = float(Decimal(repr(value)).quantize(STEPS[name], ROUND_HALF_UP))
    return next(points for highest, points in row if charted <= highest)


def score_lines(lines: Iterable[str]) -> Iterator[str]:
    """One line of JSON for each line of JSON; an empty one is passed over. Nothing raises.

    In: {"rr", "spo2", "spo2_scale", "on_oxygen", "sbp", "hr", "temp", "consciousness"}; null, or
    left out, is not measured (without a spo2_scale it is 1). Out: {"total", "band", "parts"}, or
    {"incomplete": [names], "floor", "floor_band", "parts"}, or {"error"}.
    """
    for line in lines:
        if line.strip():
            yield msgspec.json.encode(score_line(line)).decode()


def score_line(line: str) -> dict[str, Any]:
    """The answer to one line."""
    try:
        given = msgspec.json.decode(line, type=dict[str, Any])
        found = score(_observed(given))
    except msgspec.DecodeError as wrong:
        return {"error": f'{wrong}: write {{"rr": 16, "spo2": 97, "on_oxygen": false, ...}}'}
    except ValueError as wrong:
        return {"error": str(wrong)}
    if found.missing:
        return {
            "incomplete": found.missing,
            "floor": found.total,
            "floor_band": found.band,
            "parts": found.parts,
        }
    return {"total": found.total, "band": found.band, "parts": found.parts}


def _observed(given: Mapping[str, Any]) -> Observations:
    numbers = {name: _number(name, given.get(name)) for name in _POSSIBLE}
    return Observations(
        on_oxygen=_on_oxygen(given.get("on_oxygen")),
        alert=_alert(given.get("consciousness")),
        spo2_scale=_scale(given.get("spo2_scale")),
        **numbers,
    )


def _number(name: str, value: Any) -> float | None:
    if value is None:
        return None
    low, high, unit = _POSSIBLE[name]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{name}: {value!r} is no number: write {unit} as a number, or null")
    if not low <= value <= high:
        raise ValueError(f"{name}: {value:g} cannot be in {unit}: write one of {low} to {high}")
    return float(value)


def _on_oxygen(value: Any) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    raise ValueError(f"on_oxygen: {value!r}: write true, false (air) or null (not known)")


def _scale(value: Any) -> int:
    if value is None:
        return 1
    if isinstance(value, bool) or value not in (1, 2):
        raise ValueError(f"spo2_scale: {value!r}: write 1, or 2 where a clinician set 88 to 92 %")
    return int(value)


def _alert(value: Any) -> bool | None:
    if value is None:
        return None
    word = " ".join(value.lower().split()) if isinstance(value, str) else ""
    if word in ALERT:
        return True
    if word in CVPU:
        return False
    raise ValueError(
        f"consciousness: {value!r}: write A (alert), C (new confusion), V (responds to voice), "
        "P (to pain), U (unresponsive), or null"
    )
