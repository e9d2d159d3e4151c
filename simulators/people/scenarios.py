"""What a tester can let a body do from one moment on: a fever, too little glucose."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from msgspec.structs import replace

from simulators.people.body import Body, Fever, Glucose, Low


@dataclass(frozen=True, slots=True)
class Scenario:
    """`begun(body, local)` and `over(body)`: the body with it and without it."""

    name: str
    title: str
    begun: Callable[[Body, datetime], Body]
    over: Callable[[Body], Body]
    is_on: Callable[[Body], bool]


def _fever(body: Body, local: datetime) -> Body:
    """Half risen already: who begins one on a page does not want to wait for it."""
    risen = timedelta(hours=Fever(onset=local).climb_hours / 2)
    return replace(body, fever=Fever(onset=local - risen))


def _low(body: Body, local: datetime) -> Body:
    """Fallen already. A person who did not measure glucose now does."""
    fallen = timedelta(minutes=Low(onset=local).falls_minutes)
    return replace(body, glucose=replace(body.glucose or Glucose(), low=Low(onset=local - fallen)))


def _not_low(body: Body) -> Body:
    return replace(body, glucose=replace(body.glucose or Glucose(), low=None))


SCENARIOS: Mapping[str, Scenario] = {
    one.name: one
    for one in (
        Scenario(
            "fever",
            "A fever",
            _fever,
            lambda body: replace(body, fever=None),
            lambda body: body.fever is not None,
        ),
        Scenario(
            "low-glucose",
            "Too little glucose",
            _low,
            _not_low,
            lambda body: body.glucose is not None and body.glucose.low is not None,
        ),
    )
}
"""By name, in the order of the tester's page."""
