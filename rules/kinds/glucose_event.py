"""A low or high of glucose that lasts: an event, as the international consensus defines it.

It begins when a sensor has been beyond the level for 15 minutes without a break, and ends when
it has been back for as long (Battelino and others 2019 and 2023). A level 2 event lies within a
level 1 event: the levels are counted each by itself.
"""

from datetime import timedelta, tzinfo
from typing import ClassVar

from msgspec import Struct

from devices.metrics import Metric
from devices.model import Reading
from rules.days import nearest_change
from rules.exact import micros_of
from rules.glucose import LEVELS
from rules.kind import Kind, KindState
from rules.limits import metric_of
from rules.model import Evidence, Number
from rules.params import MetricName
from rules.words import span_text

_MINUTE_US = 60_000_000
_BEYOND = {False: "glucose_below_range", True: "glucose_above_range"}


class Params(Struct, frozen=True, kw_only=True):
    """A stretch of just `lasting` counts; so does one of just `back_for` to end it.

    `level`: low-1 (below 3.9 mmol/L), low-2 (3.0), high-1 (above 10.0) or high-2 (13.9). Each
    reading stands for `every`, the interval of the sensor, so three of five minutes are fifteen.
    Readings further apart than `max_gap` are not one stretch. A value that the device can't show
    (LO, HI) is an event at once.
    """

    level: str
    metric: MetricName = "sensor_glucose"
    lasting: timedelta = timedelta(minutes=15)
    back_for: timedelta = timedelta(minutes=15)
    every: timedelta = timedelta(minutes=5)
    max_gap: timedelta = timedelta(minutes=45)

    def __post_init__(self) -> None:
        if self.level not in LEVELS:
            raise ValueError(f"there is no level {self.level!r}: write one of {', '.join(LEVELS)}")
        spans = (self.lasting, self.back_for, self.every, self.max_gap)
        if min(spans) <= timedelta(0) or self.max_gap < self.every:
            raise ValueError("each is longer than nothing, and max_gap no shorter than every")


class State(KindState, kw_only=True):
    """The stretch that goes on: `beyond` the level or not, since when, until when."""

    event: bool = False
    beyond: bool = False
    since_us: int = 0
    last_us: int | None = None
    began_us: int = 0
    value: float | None = None
    reading: str = ""


class GlucoseEvent(Kind[Params, State]):
    name: ClassVar[str] = "glucose-event"
    title: ClassVar[str] = "A low or high of glucose that lasts"
    params_type = Params
    state_type = State
    examples = (
        Params(level="low-1"),
        Params(level="high-2", every=timedelta(minutes=20), max_gap=timedelta(hours=2)),
    )

    def __init__(self, params: Params, zone: tzinfo) -> None:
        self._level = LEVELS[params.level]
        self._unseen = _BEYOND[self._level.upwards]
        self.metrics = (params.metric, self._unseen)
        self._metric: Metric = metric_of(params.metric)
        self._params = params
        self._every_us = micros_of(params.every)
        self._gap_us = micros_of(params.max_gap)
        self._needed_us = {True: micros_of(params.lasting), False: micros_of(params.back_for)}

    def begin(self, since_us: int) -> State:
        return State()

    def read(self, state: State, us: int, reading: Reading) -> bool | None:
        unseen = reading.metric == self._unseen
        if unseen and reading.value < 1.0:
            return None
        beyond = unseen or self._level.range.holds(reading.value)
        broken = state.last_us is None or us - state.last_us > self._gap_us
        if broken or beyond is not state.beyond:
            state.since_us = us
        state.beyond, state.last_us = beyond, us
        state.value = None if unseen else reading.value
        state.reading = reading.id
        if beyond is state.event:
            return state.event
        if not unseen and us - state.since_us + self._every_us < self._needed_us[beyond]:
            return None
        state.event = beyond
        state.began_us = state.since_us
        return beyond

    def because(self, state: State) -> Evidence:
        unit = self._metric.unit
        numbers: list[Number] = []
        change = None
        if state.value is not None:
            numbers.append(Number(name="value", value=state.value, unit=unit))
            change = nearest_change(
                state.value, self._metric, self._level.upwards, self._level.range.holds
            )
        lasted = ((state.last_us or 0) - state.began_us + self._every_us) / _MINUTE_US
        if state.event:
            numbers.append(Number(name="lasted", value=lasted, unit="min"))
        return Evidence(
            readings=(state.reading,) if state.reading else (),
            numbers=tuple(numbers),
            limit=Number(name="limit", value=self._level.edge, unit=unit),
            counterfactual=change,
        )

    def words(self) -> str:
        params = self._params
        return (
            f"{self._metric.title} {self._level.range.title} for {span_text(params.lasting)} or "
            f"longer, until it has been back for {span_text(params.back_for)}"
        )
