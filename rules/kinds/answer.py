"""A person said yes to one of these questions."""

from datetime import timedelta, tzinfo
from typing import ClassVar

from msgspec import Struct, field

from devices.model import Reading
from rules.exact import micros_of
from rules.kind import Kind, KindState
from rules.limits import metric_of
from rules.model import Evidence, Number
from rules.params import MetricName
from rules.words import span_text


class Params(Struct, frozen=True, kw_only=True):
    """`within`: how long a yes counts. A later no to the same question takes it back."""

    metrics: tuple[MetricName, ...]
    within: timedelta = timedelta(hours=6)

    def __post_init__(self) -> None:
        if not self.metrics:
            raise ValueError("metrics is empty: name the answers")
        if self.within <= timedelta(0):
            raise ValueError("within must be longer than nothing")


class Yes(Struct, frozen=True, kw_only=True):
    us: int
    reading: str


class State(KindState, kw_only=True):
    said: dict[str, Yes] = field(default_factory=dict)


class Answer(Kind[Params, State]):
    name: ClassVar[str] = "answer"
    title: ClassVar[str] = "A yes to a question"
    params_type = Params
    state_type = State
    lasting = True
    examples = (Params(metrics=("symptom.ankles_swollen", "symptom.breathless")),)

    def __init__(self, params: Params, zone: tzinfo) -> None:
        self.metrics = params.metrics
        self.lookback = params.within
        self._within = params.within
        self._within_us = micros_of(params.within)

    def begin(self, since_us: int) -> State:
        return State()

    def read(self, state: State, us: int, reading: Reading) -> bool:
        if reading.value >= 1.0:
            state.said[reading.metric] = Yes(us=us, reading=reading.id)
        else:
            state.said.pop(reading.metric, None)
        return self._verdict(state, us)

    def wake(self, state: State, us: int) -> bool:
        return self._verdict(state, us)

    def _verdict(self, state: State, us: int) -> bool:
        over = [name for name, yes in state.said.items() if yes.us + self._within_us <= us]
        for name in over:
            del state.said[name]
        ends = [yes.us + self._within_us for yes in state.said.values()]
        state.due_us = min(ends) if ends else None
        return bool(ends)

    def because(self, state: State) -> Evidence:
        said = sorted(state.said.items(), key=lambda item: (item[1].us, item[1].reading))
        return Evidence(
            readings=tuple(yes.reading for _, yes in said),
            numbers=tuple(Number(name=name, value=1.0, unit="1") for name, _ in said),
            counterfactual=Number(name="change", value=-1.0, unit="1") if len(said) == 1 else None,
        )

    def words(self) -> str:
        titles = " or ".join(metric_of(name).title for name in self.metrics)
        return f"yes to: {titles} (counts for {span_text(self._within)})"
