"""What the measured sensors publish: each value once, times in the past, alerts that are known."""

import itertools
import json
from collections import Counter
from datetime import UTC, datetime

import pytest

from simulators.bench.load import (
    EVERY_CROSSING,
    P1_RULES,
    SENSORS,
    Message,
    Rules,
    alarms,
    burst,
    span,
    toggling,
    too_high,
)

START = datetime(2026, 11, 22, tzinfo=UTC)
LOADS = {
    "burst": burst(20_000, START),
    "burst without timestamps": burst(20_000, None),
    "toggling": toggling(4_000),
}


@pytest.mark.parametrize("messages", LOADS.values(), ids=LOADS)
def test_every_value_occurs_once_and_is_what_the_payload_says(messages: list[Message]) -> None:
    assert len({message.value for message in messages}) == len(messages)
    assert [json.loads(message.payload)["v"] for message in messages] == [
        message.value for message in messages
    ]


@pytest.mark.parametrize("messages", LOADS.values(), ids=LOADS)
def test_all_sensors_publish_in_turn(messages: list[Message]) -> None:
    assert set(Counter(message.topic for message in messages).values()) == {
        len(messages) // SENSORS
    }


def test_times_rise_and_end_before_the_span_is_over() -> None:
    times = [json.loads(message.payload)["ts"] / 1000 for message in LOADS["burst"]]
    assert times == sorted(set(times))
    assert times[0] == START.timestamp()
    assert times[-1] < (START + span(20_000)).timestamp()


def test_without_a_start_no_payload_carries_a_time() -> None:
    assert not any("ts" in json.loads(one.payload) for one in LOADS["burst without timestamps"])


def of_one_sensor(*values: float) -> list[Message]:
    return [Message(0, value, b"") for value in values]


@pytest.mark.parametrize(
    ("values", "alerts"),
    [
        ([60, 61], set()),
        ([60, 61, 62], {62}),
        ([60, 61, 62, 63, 64], {62}),
        ([60, 61, 1, 62, 63], set()),
        ([60, 61, 62, 1, 63, 64, 65], {62, 65}),
        ([50, 50, 50], set()),
    ],
    ids=[
        "two running are too few",
        "the third running",
        "one episode is one alert",
        "a break counts anew",
        "a second episode",
        "the limit itself is not above it",
    ],
)
def test_an_alert_comes_of(values: list[float], alerts: set[float]) -> None:
    assert too_high(of_one_sensor(*values), Rules(running=3, above=50)) == alerts


def test_a_burst_makes_alerts_of_every_sensor() -> None:
    messages = LOADS["burst"]
    values = too_high(messages, P1_RULES)
    assert {one.sensor for one in messages if one.value in values} == set(range(SENSORS))


def test_of_toggling_sensors_every_second_message_is_an_alert() -> None:
    messages = LOADS["toggling"]
    alerting = [message.value in too_high(messages, EVERY_CROSSING) for message in messages[:200]]
    assert sum(alerting) == 100
    assert not any(a and b for a, b in itertools.pairwise(alerting[:100]))


def test_alarms_are_one_for_each_sensor() -> None:
    messages = alarms(30)
    values = too_high(messages, EVERY_CROSSING)
    assert [message.sensor for message in messages if message.value in values] == list(range(30))
