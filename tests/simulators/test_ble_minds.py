"""Devices that answer: a clock, a meter with a memory, a scale that keeps people apart."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from devices.catalog import current_time, record_access, user_data
from devices.catalog.record_access import Op, Operator
from devices.model import CharacteristicValue
from devices.registry import match
from simulators.ble.consent_scale import NOT_AUTHORISED, ConsentScale
from simulators.ble.device_clock import DeviceClock
from simulators.ble.glucose_meter import GlucoseMeter
from simulators.ble.mind import Mind

LOCAL = datetime(2026, 7, 1, 8, 0)
AT = datetime(2026, 7, 1, 7, 0, tzinfo=UTC)
CLOCK = "2A2B"


class Listener:
    """Takes what a device says."""

    connected = True

    def __init__(self) -> None:
        self.heard: list[tuple[str, bytes]] = []
        self.awake = True

    def say(self, characteristic: str, value: bytes) -> bool:
        self.heard.append((characteristic, value))
        return True

    def store(self, characteristic: str, *values: bytes) -> None:
        self.heard += ((characteristic, value) for value in values)

    def wake(self) -> None:
        self.awake = True

    def sleep(self) -> None:
        self.awake = False

    def drop(self) -> None:
        self.connected = False


def told(mind: Mind, characteristic: str, value: bytes) -> list[dict[str, Any]]:
    """The facts of all that it says to what was written."""
    listener = Listener()
    asyncio.run(mind.take(listener, characteristic, value))
    found = []
    for name, said in listener.heard:
        frame = CharacteristicValue(address="x", characteristic=name, value=said, received_at=AT)
        kind = match(frame)
        assert kind is not None
        found.append({fact.name: fact.value for fact in kind.decode(frame, {}).facts})
    return found


def test_a_clock_shows_how_wrong_it_is_until_it_is_set() -> None:
    clock = DeviceClock.showing(lambda: LOCAL, datetime(1970, 1, 1))
    assert clock.read(CLOCK) == current_time.to_current_time(datetime(1970, 1, 1))
    assert told(clock, CLOCK, current_time.to_current_time(LOCAL + timedelta(hours=1))) == []
    assert clock.now() == LOCAL + timedelta(hours=1)


def filled() -> GlucoseMeter:
    meter = GlucoseMeter(DeviceClock(lambda: LOCAL))
    for value in (101, 102, 103):
        meter.measure(value)
    return meter


@pytest.mark.parametrize(
    ("operator", "bounds", "numbers", "result"),
    [
        pytest.param(Operator.ALL, (), [1, 2, 3], 1, id="all"),
        pytest.param(Operator.FROM, (2,), [2, 3], 1, id="from"),
        pytest.param(Operator.UP_TO, (2,), [1, 2], 1, id="up to"),
        pytest.param(Operator.RANGE, (2, 2), [2], 1, id="a range"),
        pytest.param(Operator.FIRST, (), [1], 1, id="the first"),
        pytest.param(Operator.LAST, (), [3], 1, id="the last"),
        pytest.param(Operator.FROM, (4,), [], 6, id="nothing new"),
    ],
)
def test_a_meter_gives_the_records_that_it_was_asked_for_and_then_its_answer(
    operator: Operator, bounds: tuple[int, ...], numbers: list[int], result: int
) -> None:
    request = record_access.request(Op.REPORT, operator, *bounds)
    *records, answer = told(filled(), "2A52", request)
    assert [record["sequence"] for record in records] == numbers
    assert (answer["request_op"], answer["response"]) == (Op.REPORT, result)


def test_a_meter_deletes_what_it_was_told_to() -> None:
    meter = filled()
    told(meter, "2A52", record_access.request(Op.DELETE, Operator.UP_TO, 2))
    assert meter.numbers == [3]


def test_a_scale_gives_a_weight_to_nobody_who_does_not_know_the_code() -> None:
    scale = ConsentScale(DeviceClock(lambda: LOCAL))
    (registered,) = told(scale, "2A9F", user_data.register(1234))
    slot = registered["user_index"]
    scale.weigh(slot, 71.5)
    (refused,) = told(scale, "2A9F", user_data.consent(slot, 4321))
    assert refused["result"] == NOT_AUTHORISED
    consented, *weights = told(scale, "2A9F", user_data.consent(slot, 1234))
    assert consented["succeeded"]
    assert len(weights) == 1
