"""A limit says itself what happens exactly at it: above and below leave it out."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from operator import ge, gt, le, lt
from typing import Protocol

from devices.metrics import METRICS, Kind, Metric
from rules.exact import from_millionths, grid, millionths

RULE_PREFIX = "rule."
"""`rule.<id>` is the phase of another rule of the same person: 1 while it is active, else 0."""


class Limits(Protocol):
    """Params with the four words, of which exactly one is given."""

    @property
    def above(self) -> float | None: ...
    @property
    def at_least(self) -> float | None: ...
    @property
    def below(self) -> float | None: ...
    @property
    def at_most(self) -> float | None: ...


@dataclass(frozen=True, slots=True)
class _Word:
    holds: Callable[[float, float], bool]
    upwards: bool
    text: str


_WORDS = {
    "above": _Word(gt, True, "above {}"),
    "at_least": _Word(ge, True, "{} or more"),
    "below": _Word(lt, False, "below {}"),
    "at_most": _Word(le, False, "{} or less"),
}


@dataclass(frozen=True, slots=True)
class Limit:
    """One of the four words with its value."""

    word: str
    value: float

    @property
    def holds(self) -> Callable[[float, float], bool]:
        """Called as holds(value, limit.value)."""
        return _WORDS[self.word].holds

    @property
    def upwards(self) -> bool:
        """Whether high values are the ones that it finds."""
        return _WORDS[self.word].upwards

    def text(self, shown: str) -> str:
        """ "2.0 kg" -> "2.0 kg or more"."""
        return _WORDS[self.word].text.format(shown)

    def nearest_outside(self, decimals: int) -> float:
        """The nearest value, of those that can be shown, at which it does not hold."""
        step = grid(decimals)
        exact = millionths(self.value)
        if self.word == "above":
            count = exact // step
        elif self.word == "at_least":
            count = (exact - 1) // step
        elif self.word == "below":
            count = -(-exact // step)
        else:
            count = exact // step + 1
        return from_millionths(count * step)


def the_limit(params: Limits, default: float | None = None) -> Limit:
    """The one that is given. Raises ValueError where there are none (and no default) or several."""
    given = [Limit(word, value) for word in _WORDS if (value := getattr(params, word)) is not None]
    if not given and default is not None:
        return Limit("at_least", default)
    if len(given) != 1:
        raise ValueError("give exactly one of above, at_least, below or at_most")
    return given[0]


def metric_of(name: str) -> Metric:
    """The row of a metric; one is made up for the phase of a rule."""
    if name.startswith(RULE_PREFIX):
        return Metric(name, name, "1", 0.0, 1.0, Kind.STATE, decimals=0)
    return METRICS[name]


def sensed(metrics: Collection[str]) -> tuple[str, ...]:
    """Those that a device has to say, and no person; all of them where a person says each."""
    found = tuple(name for name in metrics if metric_of(name).kind is not Kind.ANSWER)
    return found or tuple(metrics)
