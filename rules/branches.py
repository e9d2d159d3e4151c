"""What `all` and `any` share: branches over the latest value of each metric."""

from collections.abc import Sequence
from datetime import timedelta, tzinfo

from msgspec import Struct, field

from devices.metrics import Kind as MetricKind
from devices.model import Reading
from rules.exact import from_millionths, micros_of, millionths
from rules.kind import Kind, KindState
from rules.limits import RULE_PREFIX, metric_of, the_limit
from rules.model import Evidence, Number
from rules.params import Amount, MetricName
from rules.words import shown, span_text


class Branch(Struct, frozen=True, kw_only=True):
    """The latest value of a metric, no older than `within`, against one limit.

    Without a limit it is `at_least: 1`: a state that holds, a yes, a rule that is active.
    """

    metric: MetricName
    above: Amount | None = None
    at_least: Amount | None = None
    below: Amount | None = None
    at_most: Amount | None = None
    within: timedelta | None = None

    def __post_init__(self) -> None:
        the_limit(self, 1.0)
        if self.within is not None and self.within <= timedelta(0):
            raise ValueError("within must be longer than nothing")


class Params(Struct, frozen=True, kw_only=True):
    of: tuple[Branch, ...]

    def __post_init__(self) -> None:
        if len(self.of) < 2:
            raise ValueError("of needs two branches or more")


class Latest(Struct, frozen=True, kw_only=True):
    us: int
    value: float
    reading: str


class State(KindState, kw_only=True):
    latest: dict[str, Latest] = field(default_factory=dict)
    now_us: int = 0


class Branches(Kind[Params, State]):
    """A kind whose verdict is made of that of its branches."""

    params_type = Params
    state_type = State
    joint: str

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

    def combine(self, held: Sequence[bool]) -> bool:
        """The verdict from that of each branch."""
        raise NotImplementedError

    def begin(self, since_us: int) -> State:
        return State()

    def read(self, state: State, us: int, reading: Reading) -> bool:
        state.latest[reading.metric] = Latest(us=us, value=reading.value, reading=reading.id)
        return self._verdict(state, us)

    def wake(self, state: State, us: int) -> bool:
        return self._verdict(state, us)

    def _verdict(self, state: State, us: int) -> bool:
        state.now_us = us
        ends = [
            latest.us + within_us
            for branch, _, within_us in self._branches
            if within_us and (latest := state.latest.get(branch.metric)) is not None
        ]
        state.due_us = min((end_us for end_us in ends if end_us > us), default=None)
        return self.combine(self._hold(state))

    def _hold(self, state: State) -> list[bool]:
        return [
            (value := self._value(state, branch, within_us)) is not None
            and limit.holds(value, limit.value)
            for branch, limit, within_us in self._branches
        ]

    def _value(self, state: State, branch: Branch, within_us: int) -> float | None:
        latest = state.latest.get(branch.metric)
        if latest is None:
            return 0.0 if branch.metric.startswith(RULE_PREFIX) else None
        if within_us and latest.us + within_us <= state.now_us:
            return None
        return latest.value

    def because(self, state: State) -> Evidence:
        held = [
            (branch, limit, state.latest[branch.metric])
            for (branch, limit, _), holds in zip(self._branches, self._hold(state), strict=True)
            if holds and branch.metric in state.latest
        ]
        changes = []
        for branch, limit, latest in held:
            metric = metric_of(branch.metric)
            outside = millionths(limit.nearest_outside(metric.decimals))
            change = from_millionths(outside - millionths(latest.value))
            changes.append((latest.us, Number(name=branch.metric, value=change, unit=metric.unit)))
        newest = max(changes, key=lambda item: item[0])[1] if changes else None
        return Evidence(
            readings=tuple(latest.reading for _, _, latest in held),
            numbers=tuple(
                Number(name=branch.metric, value=latest.value, unit=metric_of(branch.metric).unit)
                for branch, _, latest in held
            ),
            counterfactual=newest,
            branches=tuple(change for _, change in changes),
        )

    def words(self) -> str:
        return self.joint.join(self._branch_words(branch) for branch, _, _ in self._branches)

    def _branch_words(self, branch: Branch) -> str:
        metric, limit = metric_of(branch.metric), the_limit(branch, 1.0)
        within = "" if branch.within is None else f" within {span_text(branch.within)}"
        if metric.kind is MetricKind.QUANTITY:
            said = limit.text(shown(limit.value, metric.unit, metric.decimals))
            return f"({metric.title} {said}{within})"
        return f"({'' if limit.upwards else 'not: '}{metric.title}{within})"
