"""What is timed really does the work: findings, frames and events come out of it."""

from datetime import UTC, datetime

import numpy as np
import pytest

from devices.codec import NOTHING_KNOWN
from devices.model import Advertisement, CharacteristicValue
from devices.registry import match
from rules.engine import advance, start
from simulators.bench import frame_costs, past, rule_costs
from simulators.bench.rule_costs import Shape, feed, plan_of

BEGIN = datetime(2025, 6, 1, tzinfo=UTC)


@pytest.mark.parametrize("rules", [2, 20], ids=["two rules", "twenty rules"])
def test_only_the_first_limit_and_the_first_slope_find_something(rules: int) -> None:
    shape = Shape(sensors=10, window=16, rules=rules)
    plan, readings = plan_of(shape), feed(shape, 2_000, BEGIN)
    found = advance(plan, start(plan, BEGIN), readings, readings[-1].taken_at).findings
    assert len(plan.rules) == rules
    assert {finding.rule for finding in found} == {"too-high-0", "rising-0"}


def test_every_cost_of_the_rules_is_measured() -> None:
    assert rule_costs.Stream(Shape(sensors=3, window=16), 50, BEGIN).round_us() > 0
    assert rule_costs.plain_us(Shape(sensors=3, window=16), 5, BEGIN) > 0


def test_the_frames_say_what_their_comments_say() -> None:
    cuff = CharacteristicValue(
        address="A", received_at=BEGIN, characteristic="2A35", value=frame_costs.CUFF
    )
    sensor = Advertisement(
        address="A",
        received_at=BEGIN,
        service_data={frame_costs.BTHOME: frame_costs.THERMOMETER},
    )
    said = {}
    for frame in (cuff, sensor):
        device = match(frame)
        assert device is not None
        decoded = device.decode(frame, NOTHING_KNOWN)
        said |= {one.metric: one.value for one in decoded.measurements}
    assert said["systolic_pressure"] == 132
    assert said["room_temperature"] == pytest.approx(25.06)


def test_a_past_is_the_same_each_time_and_has_as_many_events_as_said() -> None:
    values = past.PACKS[past.LARGEST]
    one, again = (past.course(3, values, np.random.default_rng((1, 3))) for _ in range(2))
    assert len(one.us) == past.EVENTS_A_PERSON
    assert (one.us == again.us).all()
    assert (one.values == again.values).all()


@pytest.mark.processes
def test_a_backtest_on_two_cores_finds_what_one_finds() -> None:
    largest, *others = past.measure(3)
    assert (largest.pack, largest.findings > 0) == (past.LARGEST, True)
    assert [one.two_s for one in others] == [None] * len(others)
    assert {one.events for one in (largest, *others)} == {3 * past.EVENTS_A_PERSON}
    assert min(one.rules for one in (largest, *others)) > 1


@pytest.mark.processes
def test_advertisements_are_heard_and_decoding_is_timed() -> None:
    found = frame_costs.measure(20, 600)
    assert min(found.blood_pressure_us, found.bthome_us, found.adverts_per_s) > 0
