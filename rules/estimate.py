"""The statistics of the rules from a shell: one line of JSON in, one line of JSON out.

In: {"estimator": "ols", "x": [...], "y": [...], "params": {...}}. Where x is left out (or null)
it is 0, 1, 2 ... Out: the numbers, or {"error"} that says what to write. Indices count from 0.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from math import isfinite
from typing import Any

import msgspec
from msgspec import Struct

from rules.estimators.charts import cusum, ewma
from rules.estimators.lines import mann_kendall, ols, theil_sen
from rules.estimators.ranks import NORMAL, mad, median, quantile, rolling_median

MOST_POINTS = 2_000
"""Theil-Sen and Mann-Kendall look at all pairs."""

Values = Sequence[float]


class Line(Struct):
    estimator: str
    y: list[float]
    x: list[float] | None = None
    params: dict[str, Any] | None = None


class Nothing(Struct, forbid_unknown_fields=True):
    """No params."""


class OlsParams(Struct, forbid_unknown_fields=True):
    intercept: bool = True


class TheilSenParams(Struct, forbid_unknown_fields=True):
    confidence: float = 0.95


class EwmaParams(Struct, forbid_unknown_fields=True):
    """`weight` is that of the newest value; `width` counts standard deviations of the average.

    Without a `target` the average begins at the first value, and the limits lie around that.
    """

    weight: float = 0.2
    target: float | None = None
    sigma: float = 1.0
    width: float = 3.0
    steady: bool = False


class CusumParams(Struct, forbid_unknown_fields=True):
    """`k` and `h` count in `sigma`; sides: both, upper or lower."""

    target: float = 0.0
    sigma: float = 1.0
    k: float = 0.5
    h: float = 5.0
    sides: str = "both"


class WindowParams(Struct, forbid_unknown_fields=True):
    window: int


class MadParams(Struct, forbid_unknown_fields=True):
    """`scale`: 1, or 1.4826 for a robust standard deviation."""

    scale: float = 1.0


class QuantileParams(Struct, forbid_unknown_fields=True):
    """`type` is that of Hyndman and Fan, 4 to 9."""

    p: float
    type: int = 7


OTHER_WORDS: dict[str, dict[str, str]] = {
    "theil_sen": {"alpha": "confidence", "level": "confidence"},
    "ewma": {
        "lambda": "weight",
        "alpha": "weight",
        "L": "width",
        "mean": "target",
        "mu": "target",
        "mu0": "target",
        "start": "target",
        "sd": "sigma",
    },
    "cusum": {
        "mean": "target",
        "mu": "target",
        "mu0": "target",
        "sd": "sigma",
        "slack": "k",
        "drift": "k",
        "threshold": "h",
        "side": "sides",
    },
    "rolling_median": {"n": "window", "size": "window"},
    "mad": {"constant": "scale"},
    "quantile": {"q": "p", "prob": "p", "method": "type"},
}
"""Words that textbooks and other tools have for a param, by estimator."""


def _few(x: Values, y: Values) -> None:
    if len(y) > MOST_POINTS:
        raise ValueError(f"{len(y)} points have too many pairs: give {MOST_POINTS} or fewer")


def _theil_sen(x: Values, y: Values, params: TheilSenParams) -> object:
    _few(x, y)
    return theil_sen(x, y, params.confidence)


def _mann_kendall(x: Values, y: Values, params: Nothing) -> object:
    _few(x, y)
    return mann_kendall(x, y)


def _mad(x: Values, y: Values, params: MadParams) -> object:
    return {"median": median(y), "mad": mad(y, params.scale), "robust_sd": mad(y, NORMAL)}


@dataclass(frozen=True, slots=True)
class Estimator:
    params: type[Struct]
    run: Callable[[Values, Values, Any], object]
    example: str


ESTIMATORS: dict[str, Estimator] = {
    "ols": Estimator(OlsParams, lambda x, y, p: ols(x, y, p.intercept), '{"intercept": true}'),
    "theil_sen": Estimator(TheilSenParams, _theil_sen, '{"confidence": 0.95}'),
    "mann_kendall": Estimator(Nothing, _mann_kendall, "{}"),
    "ewma": Estimator(
        EwmaParams,
        lambda _x, y, p: ewma(y, **msgspec.structs.asdict(p)),
        '{"weight": 0.2, "target": 80, "sigma": 0.5, "width": 3}',
    ),
    "cusum": Estimator(
        CusumParams,
        lambda _x, y, p: cusum(y, **msgspec.structs.asdict(p)),
        '{"target": 80, "sigma": 0.5, "k": 0.5, "h": 5, "sides": "both"}',
    ),
    "rolling_median": Estimator(
        WindowParams, lambda _x, y, p: {"values": rolling_median(y, p.window)}, '{"window": 7}'
    ),
    "mad": Estimator(MadParams, _mad, '{"scale": 1.4826}'),
    "quantile": Estimator(
        QuantileParams,
        lambda _x, y, p: {"value": quantile(y, p.p, p.type), "type": p.type},
        '{"p": 0.99, "type": 7}',
    ),
}


def estimate_lines(lines: Iterable[str]) -> Iterator[str]:
    """One line for each line; an empty one is passed over. Nothing raises."""
    for line in lines:
        if line.strip():
            yield msgspec.json.encode(estimate(line)).decode()


def estimate(line: str) -> dict[str, Any]:
    """The answer to one line."""
    try:
        asked = msgspec.json.decode(line, type=Line)
        return _answered(asked)
    except (msgspec.ValidationError, ValueError) as wrong:
        return {"error": _plain(wrong, line)}
    except (OverflowError, ZeroDivisionError):
        return {"error": "these numbers are too large or too small to be counted with"}


def _answered(asked: Line) -> dict[str, Any]:
    estimator = ESTIMATORS.get(asked.estimator)
    if estimator is None:
        close = get_close_matches(asked.estimator, ESTIMATORS, n=1)
        write = f"did you mean {close[0]!r}?" if close else f"write one of {', '.join(ESTIMATORS)}"
        raise ValueError(f"there is no estimator {asked.estimator!r}: {write}")
    x = list(map(float, range(len(asked.y)))) if asked.x is None else asked.x
    if len(x) != len(asked.y):
        raise ValueError(f"x has {len(x)} values and y {len(asked.y)}: give one x for each y")
    try:
        params = msgspec.convert(_in_our_words(asked), estimator.params)
    except msgspec.ValidationError as wrong:
        raise ValueError(f"params: {wrong}: write them like {estimator.example}") from wrong
    answer: dict[str, Any] = msgspec.to_builtins(estimator.run(x, asked.y, params))
    if not all(_finite(value) for value in answer.values()):
        raise OverflowError
    return answer


def _in_our_words(asked: Line) -> dict[str, Any]:
    words = OTHER_WORDS.get(asked.estimator, {})
    given: dict[str, Any] = {}
    for name, value in (asked.params or {}).items():
        word = words.get(name, name)
        if word in given:
            raise ValueError(f"params: {name} and another say {word} twice: leave one of them out")
        given[word] = value
    return given


def _finite(value: Any) -> bool:
    if isinstance(value, list):
        return all(_finite(item) for item in value)
    return not isinstance(value, float) or isfinite(value)


def _plain(wrong: Exception, line: str) -> str:
    if isinstance(wrong, msgspec.ValidationError) and "null" in str(wrong):
        return f"{wrong}: leave a missing value out, with its x; it is never filled in"
    if isinstance(wrong, msgspec.DecodeError):
        return (
            f'{wrong}: write {{"estimator": "ols", "x": [1, 2], "y": [3, 5], "params": {{}}}}; '
            "a value that is no number (NaN, Infinity) is left out, with its x"
        )
    return str(wrong)
