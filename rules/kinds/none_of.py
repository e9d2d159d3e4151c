"""None of these holds, and each is known: what was never heard of is not known to be well.

The negation of logic, with one difference on purpose: silence is no denial. A value that never
came, or is older than `within`, keeps the condition from holding.
"""

from datetime import timedelta, tzinfo
from typing import ClassVar

from msgspec import Struct, field

from devices.metrics import Kind as MetricKind
from devices.model import Reading
from rules.branches import Branch
from rules.exact import from_millionths, micros_of, millionths
from rules.kind import Kind, KindState
from rules.limits import Limit, metric_of, the_limit
from rules.model import Evidence, Number
from rules.words import shown, span_text

_OPPOSITE = {"above": "at_most", "at_least": "below", "below": "at_least", "at_most": "above"}


class Params(Struct, frozen=True, kw_only=True):
    """One branch or more: the latest value of a metric, no older than `within`, and one limit."""

    of: tuple[Branch, ...]

    def __post_init__(self) -> None:
        if not self.of:
            raise ValueError("of is empty: name what must not be")


class Latest(Struct, frozen=True, kw_only=True):
    us: int
    value: float
    reading: str


class State(KindState, kw_only=True):
    latest: dict[str, Latest] = field(default_factory=dict)


class NoneOf(Kind[Params, State]):
    name: ClassVar[str] = "not"
    title: ClassVar[str] = "Something that is known not to be so"
    params_type = Params
    state_type = State
    examples = (
        Params(of=(Branch(metric="device_online"),)),
        Params(
            of=(
                Branch(metric="room_temperature", at_least=18.0, within=timedelta(hours=2)),
                Branch(metric="window_open"),
            )
        ),
    )

    def __init__(self, params: Params, zone: tzinfo) -> None:
        self.metrics = tuple(dict.fromkeys(branch.metric for branch in params.of))
        self.lasting = all(
            branch.within is not None or metric_of(branch.metric).kind is not MetricKind.QUANTITY
            for branch in params.of
        )
        spans = [branch.within for branch in params.of if branch.within is not None]
        self.lookback = max([timedelta(days=1), *spans])
        self._branches = tuple(
            (branch, the_limit(branch, 1.0), micros_of(branch.within) if branch.within else 0)
            for branch in params.of
        )

    def begin(self, since_us: int) -> State:
        return State()

    def read(self, state: State, us: int, reading: Reading) -> bool:
        state.latest[reading.metric] = Latest(us=us, value=reading.value, reading=reading.id)
        return self._verdict(state, us)

    def wake(self, state: State, us: int) -> bool:
        return self._verdict(state, us)

    def _verdict(self, state: State, us: int) -> bool:
        state.due_us = None
        known = True
        for branch, limit, within_us in self._branches:
            latest = state.latest.get(branch.metric)
            in_time = latest is not None and (not within_us or latest.us + within_us > us)
            if latest is None or not in_time or limit.holds(latest.value, limit.value):
                known = False
            if latest is not None and in_time and within_us:
                end_us = latest.us + within_us
                state.due_us = end_us if state.due_us is None else min(state.due_us, end_us)
        return known

    def because(self, state: State) -> Evidence:
        found = [
            (latest, branch, limit)
            for branch, limit, _ in self._branches
            if (latest := state.latest.get(branch.metric)) is not None
        ]
        numbers = tuple(
            Number(name=branch.metric, value=latest.value, unit=metric_of(branch.metric).unit)
            for latest, branch, _ in found
        )
        if len(found) < len(self._branches):
            return Evidence(readings=tuple(one.reading for one, _, _ in found), numbers=numbers)
        changes = tuple(_change(latest, branch, limit) for latest, branch, limit in found)
        newest = max(range(len(found)), key=lambda number: found[number][0].us)
        return Evidence(
            readings=tuple(latest.reading for latest, _, _ in found),
            numbers=numbers,
            counterfactual=changes[newest],
            branches=changes,
        )

    def words(self) -> str:
        return " and ".join(_branch_words(branch, limit) for branch, limit, _ in self._branches)


def _change(latest: Latest, branch: Branch, limit: Limit) -> Number:
    """To the nearest value with which that branch would hold, and all of it not."""
    metric = metric_of(branch.metric)
    inside = Limit(_OPPOSITE[limit.word], limit.value).nearest_outside(metric.decimals)
    change = from_millionths(millionths(inside) - millionths(latest.value))
    return Number(name=branch.metric, value=change, unit=metric.unit)


def _branch_words(branch: Branch, limit: Limit) -> str:
    metric = metric_of(branch.metric)
    within = "" if branch.within is None else f" (of the last {span_text(branch.within)})"
    if metric.kind is MetricKind.QUANTITY:
        opposite = Limit(_OPPOSITE[limit.word], limit.value)
        said = opposite.text(shown(limit.value, metric.unit, metric.decimals))
        return f"{metric.title} {said}{within}"
    return f"{'not: ' if limit.upwards else ''}{metric.title}{within}"
