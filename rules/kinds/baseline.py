"""A value that is unlike the person's own: its distance from their usual level.

The usual level is the median of earlier days, its spread their MAD. Where the hour of the day
matters a day is cut into blocks, and each is held against the same block of other days. What
counts is the median of the block so far, so that one slip among many readings moves nothing.
"""

from datetime import timedelta, tzinfo
from typing import ClassVar

from msgspec import Struct, field

from devices.model import Reading
from rules.days import Values, day_of, median_of, nearest_change
from rules.estimators.ranks import NORMAL, mad, median
from rules.exact import from_millionths, millionths, moment
from rules.kind import Kind, KindState
from rules.limits import metric_of
from rules.model import Evidence, Number
from rules.params import Amount, MetricName
from rules.words import shown


class Params(Struct, frozen=True, kw_only=True):
    """Exactly one of the four; a distance of just that much counts.

    `rise_sd`, `fall_sd`: in robust standard deviations of the person's own days, which are never
    taken for less than `least_sd`. The last `days` local days count, of which `min_days` need a
    reading in the block. `block_h`: the length of a block of hours, 24 for whole days.
    """

    metric: MetricName
    rise_sd: float | None = None
    fall_sd: float | None = None
    rise: Amount | None = None
    fall: Amount | None = None
    least_sd: Amount | None = None
    days: int = 28
    min_days: int = 14
    block_h: int = 24

    def __post_init__(self) -> None:
        given = [amount for _, _, amount in _ways(self) if amount is not None]
        if len(given) != 1 or given[0] <= 0:
            raise ValueError("give exactly one of rise_sd, fall_sd, rise and fall, above 0")
        in_sd = self.rise_sd is not None or self.fall_sd is not None
        if in_sd and (self.least_sd is None or self.least_sd <= 0):
            raise ValueError("least_sd is missing: give the least spread that a person can have")
        if not 3 <= self.min_days <= self.days <= 90:
            raise ValueError("min_days is 3 or more, days no fewer than that and at most 90")
        if self.block_h < 1 or 24 % self.block_h:
            raise ValueError("block_h is a part of a day: write 1, 2, 3, 4, 6, 8, 12 or 24")


def _ways(params: Params) -> tuple[tuple[int, bool, float | None], ...]:
    return (
        (1, True, params.rise_sd),
        (-1, True, params.fall_sd),
        (1, False, params.rise),
        (-1, False, params.fall),
    )


class State(KindState, kw_only=True):
    """`levels`: for each block (day, median), oldest first, without the block of `now`."""

    levels: dict[int, list[tuple[int, float]]] = field(default_factory=dict)
    day: int = 0
    block: int = 0
    now: Values = field(default_factory=Values)
    centre: float = 0.0
    spread: float = 0.0
    days: int = 0
    value: float = 0.0
    reading: str = ""


class Baseline(Kind[Params, State]):
    name: ClassVar[str] = "baseline"
    title: ClassVar[str] = "A value unlike the person's own"
    params_type = Params
    state_type = State
    examples = (
        Params(metric="pulse_rate", rise_sd=3.0, least_sd=3.0),
        Params(metric="body_temperature", rise=1.1, block_h=6),
        Params(metric="level", fall=1.0, days=3, min_days=3),
    )

    def __init__(self, params: Params, zone: tzinfo) -> None:
        self.metrics = (params.metric,)
        self.lookback = timedelta(days=params.days + 1)
        self._params = params
        self._metric = metric_of(params.metric)
        self._zone = zone
        ((self._sign, self._in_sd, self._amount),) = (
            (sign, in_sd, amount) for sign, in_sd, amount in _ways(params) if amount is not None
        )

    def begin(self, since_us: int) -> State:
        return State()

    def read(self, state: State, us: int, reading: Reading) -> bool | None:
        day, block = self._block(us)
        if (day, block) != (state.day, state.block):
            self._turn(state, day, block)
        state.now.push(us, reading.value)
        state.value = reading.value
        state.reading = reading.id
        if state.days < self._params.min_days:
            return None
        return self._holds(state, state.now.counts)

    def _block(self, us: int) -> tuple[int, int]:
        hour = moment(us).astimezone(self._zone).hour
        return day_of(us, self._zone).toordinal(), hour // self._params.block_h

    def _turn(self, state: State, day: int, block: int) -> None:
        """Close the block that is over, and learn what is usual in the one that begins."""
        if state.now.counts:
            closed = (state.day, median_of(state.now.counts))
            state.levels.setdefault(state.block, []).append(closed)
            state.now.clear()
        first = day - self._params.days
        kept = [(one, level) for one, level in state.levels.get(block, ()) if one >= first]
        state.levels[block] = kept
        state.day, state.block, state.days = day, block, len(kept)
        if kept:
            levels = [level for _, level in kept]
            state.centre = median(levels)
            state.spread = max(mad(levels, NORMAL), self._params.least_sd or 0.0)

    def _holds(self, state: State, counts: list[int]) -> bool:
        away = self._sign * millionths(median_of(counts) - state.centre)
        return away >= millionths(self._amount * (state.spread if self._in_sd else 1.0))

    def refill_from_us(self, state: State) -> int | None:
        return state.now.from_us

    def refill(self, state: State, us: int, reading: Reading) -> None:
        state.now.push(us, reading.value)

    def because(self, state: State) -> Evidence:
        unit = self._metric.unit
        level = median_of(state.now.counts) if state.now.counts else state.value
        away = from_millionths(millionths(level - state.centre))
        numbers = [
            Number(name="value", value=state.value, unit=unit),
            Number(name="baseline", value=state.centre, unit=unit),
            Number(name="spread", value=state.spread, unit=unit),
            Number(name="difference", value=away, unit=unit),
        ]
        if self._in_sd and state.spread:
            numbers.append(Number(name="z", value=round(away / state.spread, 2), unit="1"))
        limit_unit = "1" if self._in_sd else unit
        return Evidence(
            readings=(state.reading,),
            numbers=tuple(numbers),
            limit=Number(name="limit", value=self._sign * self._amount, unit=limit_unit),
            counterfactual=self._change(state),
        )

    def _change(self, state: State) -> Number | None:
        if not state.now.counts:
            return None
        return nearest_change(
            state.value,
            self._metric,
            self._sign > 0,
            lambda other: self._holds(state, state.now.with_instead(state.value, other)),
        )

    def words(self) -> str:
        params = self._params
        way = "above" if self._sign > 0 else "below"
        if self._in_sd:
            least = shown(params.least_sd or 0.0, self._metric.unit, self._metric.decimals)
            amount = f"{self._amount:g} standard deviations (of {least} at least)"
        else:
            amount = shown(self._amount, self._metric.unit, self._metric.decimals)
        hours = "" if params.block_h == 24 else f", in blocks of {params.block_h} hours of the day"
        return (
            f"{self._metric.title} {amount} or more {way} the person's own level of the last "
            f"{params.days} days{hours}"
        )
