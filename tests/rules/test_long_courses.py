"""Weeks of readings through the kinds that remember weeks: the road never matters."""

from datetime import UTC, timedelta
from random import Random

import pytest

from devices.metrics import METRICS
from devices.metrics import Kind as MetricKind
from rules.kinds import kinds
from rules.limits import RULE_PREFIX

DAYS = 24
USUAL = {
    "systolic_pressure": 134.0,
    "diastolic_pressure": 84.0,
    "body_weight": 80.0,
    "body_temperature": 37.0,
    "oxygen_saturation": 95.0,
    "respiratory_rate": 20.0,
    "pulse_rate": 92.0,
    "sensor_glucose": 6.0,
    "battery": 20.0,
    "room_temperature": 18.0,
}
LONG = (
    "fast-slow",
    "cusum",
    "robust-trend",
    "baseline",
    "duration",
    "count",
    "inactivity",
    "silence",
    "battery",
    "glucose-event",
    "glucose-time",
    "home-blood-pressure",
    "news2",
)
EXAMPLES = [
    pytest.param(name, params, id=f"{name}-{number}")
    for name in LONG
    for number, params in enumerate(kinds()[name].examples)
]


@pytest.fixture
def weeks(reading):
    """weeks(rule): a life of weeks for its metrics, in order, with a jump and a silence."""

    def make(rule):
        made = Random(f"{rule.kind}-{rule.params}")
        bound = kinds()[rule.kind](rule.params, UTC)
        metrics = [name for name in bound.metrics if not name.startswith(RULE_PREFIX)]
        begin = reading("level", 0.0).taken_at
        found = {}
        for day in range(DAYS):
            if day == DAYS // 2:
                continue
            for metric in metrics:
                for at in sorted(made.sample(range(0, 1_440, 5), 6)):
                    moment = begin + timedelta(days=day, minutes=at)
                    one = reading(metric, value_of(made, metric, day), moment)
                    found[one.id] = one
        return sorted(found.values(), key=lambda one: (one.taken_at, one.id))

    return make


def value_of(made, metric, day):
    row = METRICS[metric]
    if row.kind is not MetricKind.QUANTITY:
        return float(made.random() < 0.5)
    jump = 6.0 if day > 2 * DAYS // 3 else 0.0
    return round(USUAL.get(metric, 5.0) + made.gauss(0.0, 1.5) + jump, row.decimals)


@pytest.mark.parametrize(("kind", "params"), EXAMPLES)
def test_one_go_and_steps_with_restarts_and_late_readings_end_the_same(
    kind, params, weeks, rule, plan, home, reading
):
    one = rule(kind, params=params)
    readings = weeks(one)
    begin = reading("level", 0.0).taken_at
    end = begin + timedelta(days=DAYS + 1)
    straight = home(plan(one), begin)
    straight.take(readings, end)

    made = Random(7)
    crooked = home(plan(one), begin)
    late = []
    for day in range(DAYS + 1):
        at = begin + timedelta(days=day + 1, hours=-12)
        arrived = [each for each in readings if at - timedelta(days=1) < each.taken_at <= at]
        kept_back = [each for each in arrived if made.random() < 0.1]
        made.shuffle(arrived)
        crooked.take([each for each in arrived if each not in kept_back] + late, at)
        late = kept_back
        if day % 3 == 0:
            crooked.restart(at)
    crooked.take([*late, readings[0]], end)
    assert crooked.said() == straight.said()
    assert crooked.journal.standing.keys() == straight.journal.standing.keys()


def test_these_weeks_make_most_kinds_speak(weeks, rule, plan, home, reading):
    begin = reading("level", 0.0).taken_at
    spoke = set()
    for name in LONG:
        for params in kinds()[name].examples:
            one = rule(name, params=params)
            lived = home(plan(one), begin)
            lived.take(weeks(one), begin + timedelta(days=DAYS + 1))
            if lived.said():
                spoke.add(name)
    assert spoke >= set(LONG) - {"home-blood-pressure", "robust-trend"}
