"""What would have had to differ for a rule not to fire: in words, and as a line on a chart."""

from collections.abc import Iterator, Sequence

from devices.metrics import Kind
from rules.limits import RULE_PREFIX
from rules.model import Evidence, Number
from rules.words import shown
from server.queries.readings import Point as Reading
from server.web import quantities
from server.web.charts import Limit, Side

Rests = Sequence[tuple[str, Reading]]
"""(metric, reading) of each reading that a finding rests on."""

NOT_FIRED = "Would not have fired"
NOT_ASKED = "The questions would not have been asked"


def sentences(because: Evidence, rests: Rests, lead: str = NOT_FIRED) -> tuple[str, ...]:
    """One for each condition that held: "Would not have fired at 72.0 kg or below."

    The phase of another rule has none: what is behind that rule is told in its own words.
    """
    return tuple(f"{lead} {otherwise}." for otherwise in _otherwises(because, rests))


def limits(because: Evidence, rests: Rests) -> dict[str, Limit]:
    """By metric: the value at which the rule would not have fired, with the latest beyond it."""
    found = {}
    for metric, change in _changes(because, rests):
        latest = _latest(metric, rests)
        if latest is not None and quantities.kind(metric) is Kind.QUANTITY:
            edge, side = latest.value + change.value, _side(change)
            label = f"Fires {side} {quantities.said(metric, edge, change.unit)}"
            found[metric] = Limit(value=edge, label=label, fires=side)
    return found


def _otherwises(because: Evidence, rests: Rests) -> Iterator[str]:
    if because.missing is not None:
        missing = [quantities.title(name) for name in because.missing.split(", ")]
        yield f"had this come: {', '.join(missing)}"
    yes = [number.name for number in because.numbers if _is_answer(number.name) and number.value]
    if yes:
        titles = " and ".join(f"“{quantities.title(name)}”" for name in yes)
        yield f"with the answer no to {titles}"
    changes = [
        (metric, change)
        for metric, change in _changes(because, rests)
        if not _is_answer(metric) and not metric.startswith(RULE_PREFIX)
    ]
    for metric, change in changes:
        otherwise = _otherwise(metric, change, rests)
        yield f"{otherwise} ({quantities.title(metric)})" if len(changes) > 1 else otherwise


def _is_answer(metric: str) -> bool:
    return quantities.kind(metric) is Kind.ANSWER


def _changes(because: Evidence, rests: Rests) -> Iterator[tuple[str, Number]]:
    """(metric, change to its latest value) for each condition that held."""
    if because.branches:
        for branch in because.branches:
            yield branch.name, branch
    elif because.counterfactual is not None and rests:
        newest = max(rests, key=lambda rest: rest[1].taken_at)
        yield newest[0], because.counterfactual


def _otherwise(metric: str, change: Number, rests: Rests) -> str:
    kind = quantities.kind(metric)
    if kind is Kind.EVENT:
        return f"without: {quantities.title(metric)}"
    if kind is Kind.STATE:
        return f"with: {quantities.said(metric, float(change.value > 0), '1')}"
    return _beyond(metric, change, _latest(metric, rests))


def _beyond(metric: str, change: Number, latest: Reading | None) -> str:
    if latest is None:
        amount = shown(abs(change.value), change.unit)
        return f"with {amount} {'less' if change.value < 0 else 'more'}"
    edge = quantities.said(metric, latest.value + change.value, change.unit)
    return f"at {edge} or {'below' if change.value < 0 else 'above'}"


def _side(change: Number) -> Side:
    return Side.ABOVE if change.value < 0 else Side.BELOW


def _latest(metric: str, rests: Rests) -> Reading | None:
    readings = [reading for name, reading in rests if name == metric]
    return max(readings, key=lambda reading: reading.taken_at, default=None)
