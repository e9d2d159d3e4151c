"""kill -9 in the middle of a burst: nothing is lost, and nothing counts twice."""

from typing import Any

import pytest

MESSAGES = 6_000
LIMIT_S = 60.0


@pytest.mark.processes
@pytest.mark.parametrize("timed", [True, False], ids=["with timestamps", "without timestamps"])
def test_a_gateway_killed_in_a_burst_keeps_each_reading_once(home: Any, timed: bool) -> None:
    home.timed = timed
    home.write_settings()
    home.start_broker()
    home.start_gateway()
    home.gateway.stop()
    burst = []
    for number in range(MESSAGES):
        body: dict[str, object] = {"v": float(number)}
        if timed:
            body["ts"] = 1_770_000_000 + number
        burst.append((f"sensors/{number % home.sensors}", body))
    home.publish(burst)

    for at_least in (500, 1_500, 3_000, 4_500):
        home.start_gateway()
        home.gateway.wait_until(
            lambda wanted=at_least: home.count("reading") >= wanted, LIMIT_S, "that far"
        )
        home.gateway.kill()
    home.start_gateway()
    home.gateway.wait_until(lambda: home.count("reading") >= MESSAGES, LIMIT_S, "through the queue")
    home.gateway.stop()

    expected = sorted((f"sensor {n % home.sensors}", float(n)) for n in range(MESSAGES))
    assert sorted(home.values()) == expected
