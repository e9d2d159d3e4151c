"""What `all` and `any` share: branches over the latest value of each metric."""

from collections.abc import Callable, Sequence
from datetime import timedelta, tzinfo

from msgspec import Struct, field

from devices.metrics import Kind as MetricKind
from devices.model import Reading
from rules.exact import from_millionths, micros_of, millionths
from rules.kind import Kind, KindState
from rules.kinds.threshold import EVENT_LASTS
from rules.limits import RULE_PREFIX, Limit, metric_of, the_limit
from rules.model import Evidence, Number
from rules.params import Amount, MetricName
from rules.words import shown, span_text


class Branch(Struct, frozen=True, kw_only=True):
    """The latest value of a metric, no older than `within`, against one limit.

    Without a limit it is `at_least: 1`: a state that holds, a yes, a rule that is active. An event
    (a press) without `within` counts for a minute: it is over at once, and can happen again.
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


class _Test(Struct, frozen=True, kw_only=True):
    """A branch, ready to be judged. `unheard`: whether it holds before its metric ever came."""

    branch: Branch
    limit: Limit
    metric: str
    holds: Callable[[float, float], bool]
    value: float
    within_us: int
    unheard: bool


def _within_us(branch: Branch) -> int:
    is_event = metric_of(branch.metric).kind is MetricKind.EVENT
    within = branch.within or (EVENT_LASTS if is_event else None)
    return 0 if within is None else micros_of(within)


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
            _Test(
                branch=branch,
                limit=(limit := the_limit(branch, 1.0)),
                metric=branch.metric,
                holds=limit.holds,
                value=limit.value,
                within_us=_within_us(branch),
                unheard=branch.metric.startswith(RULE_PREFIX) and limit.holds(0.0, limit.value),
            )
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
        held, state.due_us = self._look(state)
        return self.combine(held)

    def _look(self, state: State) -> tuple[list[bool], int | None]:
        """Which branches hold, and when the first of their values gets too old.

        A value that does not hold leaves nothing behind when it is too old: nobody waits for that.
        """
        latest, now_us = state.latest, state.now_us
        due_us: int | None = None
        held = []
        for test in self._branches:
            last = latest.get(test.metric)
            if last is None:
                held.append(test.unheard)
                continue
            holds = test.holds(last.value, test.value)
            if holds and test.within_us:
                end_us = last.us + test.within_us
                holds = end_us > now_us
                if holds and (due_us is None or end_us < due_us):
                    due_us = end_us
            held.append(holds)
        return held, due_us

    def because(self, state: State) -> Evidence:
        held = [
            (test.branch, test.limit, state.latest[test.metric])
            for test, holds in zip(self._branches, self._look(state)[0], strict=True)
            if holds and test.metric in state.latest
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
        return self.joint.join(self._branch_words(test.branch) for test in self._branches)

    def _branch_words(self, branch: Branch) -> str:
        metric, limit = metric_of(branch.metric), the_limit(branch, 1.0)
        within = "" if branch.within is None else f" within {span_text(branch.within)}"
        if metric.kind is MetricKind.QUANTITY:
            said = limit.text(shown(limit.value, metric.unit, metric.decimals))
            return f"({metric.title} {said}{within})"
        return f"({'' if limit.upwards else 'not: '}{metric.title}{within})"
