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
    """`within`: how long a yes counts. A later no to the same question takes it back.

    `at_least`: to so many different questions.
    """

    metrics: tuple[MetricName, ...]
    within: timedelta = timedelta(hours=6)
    at_least: int = 1

    def __post_init__(self) -> None:
        if not self.metrics:
            raise ValueError("metrics is empty: name the answers")
        if self.within <= timedelta(0):
            raise ValueError("within must be longer than nothing")
        if not 1 <= self.at_least <= len(set(self.metrics)):
            raise ValueError("at_least is 1 or more, and no more than there are questions")


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
    examples = (
        Params(metrics=("symptom.ankles_swollen", "symptom.breathless")),
        Params(
            metrics=("symptom.breathless", "symptom.sputum_more", "symptom.sputum_colour"),
            within=timedelta(hours=24),
            at_least=2,
        ),
    )

    def __init__(self, params: Params, zone: tzinfo) -> None:
        self.metrics = params.metrics
        self.lookback = params.within
        self._within = params.within
        self._at_least = params.at_least
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
        return len(ends) >= self._at_least

    def because(self, state: State) -> Evidence:
        said = sorted(state.said.items(), key=lambda item: (item[1].us, item[1].reading))
        decides = len(said) == self._at_least
        return Evidence(
            readings=tuple(yes.reading for _, yes in said),
            numbers=tuple(Number(name=name, value=1.0, unit="1") for name, _ in said),
            counterfactual=Number(name="change", value=-1.0, unit="1") if decides else None,
        )

    def words(self) -> str:
        titles = " or ".join(metric_of(name).title for name in self.metrics)
        many = f" {self._at_least} of" if self._at_least > 1 else ""
        return f"yes to{many}: {titles} (counts for {span_text(self._within)})"
