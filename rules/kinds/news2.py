"""NEWS2 of what was measured within an hour: the score, a single 3, or a rise.

Nothing is filled in. A score that lacks something has a floor, which counts as the score: three
observations can be urgent by themselves. Only a complete score can say that all is well.
"""

from collections.abc import Mapping
from datetime import timedelta, tzinfo
from typing import ClassVar

from msgspec import Struct, field

from devices.metrics import METRICS
from devices.metrics import Kind as MetricKind
from devices.model import Reading
from rules.exact import from_millionths, micros_of, millionths
from rules.kind import Kind, KindState
from rules.model import Evidence, Number
from rules.news2 import Observations, Score, row_of, score
from rules.words import span_text

_INPUTS = {
    "respiratory_rate": "rr",
    "oxygen_saturation": "spo2",
    "on_oxygen": "on_oxygen",
    "systolic_pressure": "sbp",
    "pulse_rate": "hr",
    "body_temperature": "temp",
    "symptom.not_alert": "consciousness",
}
_METRICS = {name: metric for metric, name in _INPUTS.items()}


class Params(Struct, frozen=True, kw_only=True):
    """Exactly one of the three, and a score of just that much counts.

    `total`: the score is that high. `single`: one observation alone has 3 points. `rise`: the
    score has risen by that much since the last complete one, none of whose observations is in
    it. `within`: an observation that is as old as this no longer counts. `spo2_scale`: 2 only
    where a clinician set a target of 88 to 92 %.
    """

    total: int | None = None
    single: bool = False
    rise: int | None = None
    spo2_scale: int = 1
    within: timedelta = timedelta(minutes=60)

    def __post_init__(self) -> None:
        numbers = [number for number in (self.total, self.rise) if number is not None]
        if len(numbers) + self.single != 1:
            raise ValueError("give exactly one of total, single and rise")
        if not all(1 <= number <= 20 for number in numbers):
            raise ValueError("a score lies between 1 and 20")
        if self.spo2_scale not in (1, 2):
            raise ValueError("spo2_scale is 1, or 2 where a clinician set 88 to 92 %")
        if self.within <= timedelta(0):
            raise ValueError("within must be longer than nothing")


class Latest(Struct, frozen=True, kw_only=True):
    us: int
    value: float
    reading: str


class State(KindState, kw_only=True):
    """`scores`: when a complete score changed, and to what, oldest first, from the last that
    came before all of `latest`."""

    latest: dict[str, Latest] = field(default_factory=dict)
    newest: str = ""
    scores: list[tuple[int, int]] = field(default_factory=list)


class News2(Kind[Params, State]):
    name: ClassVar[str] = "news2"
    title: ClassVar[str] = "NEWS2, the early warning score"
    params_type = Params
    state_type = State
    metrics = tuple(_INPUTS)
    examples = (Params(total=7), Params(single=True), Params(rise=2, spo2_scale=2))

    def __init__(self, params: Params, zone: tzinfo) -> None:
        self.lookback = timedelta(days=7) if params.rise is not None else params.within
        self._params = params
        self._within_us = micros_of(params.within)

    def begin(self, since_us: int) -> State:
        return State()

    def read(self, state: State, us: int, reading: Reading) -> bool | None:
        state.latest = {
            metric: latest
            for metric, latest in state.latest.items()
            if latest.us + self._within_us > us
        }
        state.latest[reading.metric] = Latest(us=us, value=reading.value, reading=reading.id)
        state.newest = reading.metric
        found = self._score(state)
        while len(state.scores) > 1 and state.scores[1][0] < _oldest_us(state):
            del state.scores[0]
        if not found.missing and (not state.scores or state.scores[-1][1] != found.total):
            state.scores.append((us, found.total))
        if self._holds(state, found):
            return True
        return None if found.missing else False

    def _score(self, state: State, **other: float) -> Score:
        values = {name: latest.value for name, latest in state.latest.items()} | other
        named = {_INPUTS[metric]: value for metric, value in values.items()}
        oxygen, not_alert = named.pop("on_oxygen", None), named.pop("consciousness", None)
        return score(
            Observations(
                on_oxygen=None if oxygen is None else oxygen >= 1.0,
                alert=None if not_alert is None else not_alert < 1.0,
                spo2_scale=self._params.spo2_scale,
                **named,
            )
        )

    def _holds(self, state: State, found: Score) -> bool:
        params = self._params
        if params.single:
            return 3 in found.parts.values()
        if params.total is not None:
            return found.total >= params.total
        earlier = _earlier(state)
        return earlier is not None and found.total - earlier >= (params.rise or 0)

    def because(self, state: State) -> Evidence:
        if not state.latest:
            return Evidence()
        found = self._score(state)
        name = "floor" if found.missing else "score"
        numbers = [Number(name=name, value=float(found.total), unit="1")]
        earlier = _earlier(state)
        if self._params.rise is not None and earlier is not None:
            numbers.append(Number(name="earlier", value=float(earlier), unit="1"))
        numbers += [number for metric in _INPUTS for number in _number(metric, state.latest)]
        limit = 3 if self._params.single else self._params.total or self._params.rise or 0
        return Evidence(
            readings=tuple(latest.reading for _, latest in sorted(state.latest.items())),
            numbers=tuple(numbers),
            limit=Number(name="limit", value=float(limit), unit="1"),
            counterfactual=self._change(state) if self._holds(state, found) else None,
            missing=", ".join(_METRICS[name] for name in found.missing) or None,
        )

    def _change(self, state: State) -> Number | None:
        """To the nearest value of another column of the chart with which it would not hold."""
        metric = METRICS[state.newest]
        value = millionths(state.latest[state.newest].value)
        changes = [
            millionths(other) - value
            for other in _ends(state.newest, self._params.spo2_scale, state.latest)
            if not self._holds(state, self._score(state, **{state.newest: other}))
        ]
        if not changes:
            return None
        nearest = min(changes, key=lambda change: (abs(change), change))
        return Number(name="change", value=from_millionths(nearest), unit=metric.unit)

    def words(self) -> str:
        params = self._params
        within = f"of what was measured within {span_text(params.within)}"
        scale = ", oxygen on scale 2" if params.spo2_scale == 2 else ""
        if params.single:
            return f"a single observation with 3 points in the NEWS2 {within}{scale}"
        if params.total is not None:
            return f"NEWS2 {params.total} or more {within}{scale}"
        return f"NEWS2 up by {params.rise} or more from the last complete one, {within}{scale}"


def _number(metric: str, latest: Mapping[str, Latest]) -> list[Number]:
    """An observation that is there; of air or oxygen and of alertness only what has points."""
    row, found = METRICS[metric], latest.get(metric)
    if found is None or (row.kind is not MetricKind.QUANTITY and found.value < 1.0):
        return []
    name = row.title.lower() if row.kind is MetricKind.QUANTITY else metric
    return [Number(name=name, value=found.value, unit=row.unit)]


def _oldest_us(state: State) -> int:
    return min(latest.us for latest in state.latest.values())


def _earlier(state: State) -> int | None:
    """The last complete score that holds nothing of what is there now."""
    if not state.scores or state.scores[0][0] >= _oldest_us(state):
        return None
    return state.scores[0][1]


def _ends(newest: str, scale: int, latest: Mapping[str, Latest]) -> list[float]:
    """The values at both ends of each column of the chart."""
    metric = METRICS[newest]
    if metric.kind is not MetricKind.QUANTITY:
        return [0.0, 1.0]
    oxygen = latest.get("on_oxygen")
    row = row_of(_INPUTS[newest], scale, oxygen is not None and oxygen.value >= 1.0)
    ends = [highest for highest, _ in row[:-1]]
    step = 10.0**-metric.decimals
    return [*ends, *(round(highest + step, metric.decimals) for highest in ends)]
