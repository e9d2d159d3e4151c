"""A bad week in a minute: kills, cuts and restarts at random moments, and everything is there.

`make chaos` runs one seed. HOMEBEAT_CHAOS_SEEDS=20 runs more; a failing seed is in the test's id
and fails again by itself.
"""

import os
import random
import time
from typing import Any

import pytest

pytestmark = [pytest.mark.chaos, pytest.mark.processes, pytest.mark.timeout(600)]
SEEDS = range(int(os.environ.get("HOMEBEAT_CHAOS_SEEDS", "1")))
ROUNDS = 8
A_ROUND = 400
LIMIT_S = 120.0


class BadWeek:
    """What can happen to a home and its server, drawn from one seed."""

    def __init__(self, seed: int, home: Any, centre: Any) -> None:
        self.draw = random.Random(seed)
        self.home = home
        self.centre = centre
        self.happened: list[str] = []

    def kill_gateway(self) -> None:
        self.home.gateway.kill()
        self.home.start_gateway()

    def stop_gateway(self) -> None:
        self.home.gateway.stop()
        self.home.start_gateway()

    def kill_server(self) -> None:
        self.centre.child.kill()
        self.centre.start()

    def pull_the_cable(self) -> None:
        self.centre.pull()
        time.sleep(self.draw.uniform(0.0, 1.0))
        self.centre.plug()

    def restart_broker(self) -> None:
        """In order, so that its queue is on the disk; a killed broker forgets what it had."""
        self.home.broker.stop()
        self.home.start_broker()

    def nothing(self) -> None:
        """A quiet day."""

    def strike(self) -> None:
        blow = self.draw.choice(
            [
                self.kill_gateway,
                self.kill_gateway,
                self.stop_gateway,
                self.kill_server,
                self.pull_the_cable,
                self.restart_broker,
                self.nothing,
            ]
        )
        self.happened.append(blow.__name__)
        time.sleep(self.draw.uniform(0.0, 0.4))
        blow()


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("timed", [True, False], ids=["with timestamps", "without timestamps"])
def test_a_bad_week_loses_nothing_and_counts_nothing_twice(
    linked: tuple[Any, Any], seed: int, timed: bool
) -> None:
    home, centre = linked
    home.timed = timed
    home.write_settings()
    centre.start()
    home.start_gateway()
    week = BadWeek(seed, home, centre)
    sent = 0
    for _ in range(ROUNDS):
        burst = []
        for number in range(sent, sent + A_ROUND):
            body: dict[str, object] = {"v": number / 1000}
            if timed:
                body["ts"] = 1_770_000_000 + number
            burst.append((f"sensors/{number % home.sensors}", body))
        home.publish(burst)
        sent += A_ROUND
        week.strike()
    everything = sorted((f"sensor {n % home.sensors}", n / 1000) for n in range(sent))
    home.gateway.wait_until(lambda: home.count("reading") >= sent, LIMIT_S, "through the queue")
    home.gateway.wait_until(lambda: centre.count("readings") >= sent, LIMIT_S, "synced")
    assert sorted(home.values()) == everything, week.happened
    assert centre.count("readings") == sent, week.happened
