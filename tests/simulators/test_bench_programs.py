"""Both measured programs against a real broker: fed by a queue, watched, killed, counted."""

import time
from pathlib import Path
from random import Random

import pytest
from msgspec import structs

from plumbing.clock import utc_now
from simulators.bench.crash import kill_in_the_middle
from simulators.bench.latency import publish_to_alert
from simulators.bench.load import P1_RULES, burst, span, toggling, too_high
from simulators.bench.readiness import ready
from simulators.bench.subjects import Make, gateway, make_known, plain, with_a_broker
from simulators.bench.throughput import drain
from simulators.bench.wire import Wire, enqueue

pytestmark = pytest.mark.processes

MESSAGES = 3_000
BOTH = pytest.mark.parametrize("make", [gateway, plain], ids=["gateway", "plain loop"])
TIMED = pytest.mark.parametrize(
    "timed", [True, False], ids=["with timestamps", "without timestamps"]
)


@BOTH
@TIMED
def test_what_was_queued_while_a_program_was_away_is_kept_once(
    tmp_path: Path, make: Make, timed: bool
) -> None:
    messages = burst(MESSAGES, utc_now() - span(MESSAGES) if timed else None)
    found = drain(make, tmp_path, messages, timed=timed)
    assert found.readings.wanted == MESSAGES
    assert found.readings.clean
    assert found.speed.per_s > 0
    assert found.speed.cpu_us > 0


def test_the_plain_loop_s_alerts_are_those_that_must_come(tmp_path: Path) -> None:
    messages = burst(MESSAGES, utc_now() - span(MESSAGES))
    heard: list[float] = []
    with with_a_broker(tmp_path) as port:
        rules = structs.replace(P1_RULES, rising_per_hour=1e12)
        subject = plain(tmp_path / "plain", port, rules, timed=True)
        make_known(subject)
        with Wire(
            port, subject.alert_topic, lambda _, said: heard.append(subject.alert_value(said))
        ):
            enqueue(port, messages)
            with subject.start():
                count = subject.count()
                end = time.monotonic() + 30
                while count() < MESSAGES and time.monotonic() < end:
                    time.sleep(0.02)
                time.sleep(0.2)
                count.close()
    assert sorted(heard) == sorted(too_high(messages, P1_RULES))


@TIMED
def test_a_killed_gateway_is_counted_right(tmp_path: Path, timed: bool) -> None:
    messages = burst(MESSAGES, utc_now() - span(MESSAGES) if timed else None)
    unkilled = drain(gateway, tmp_path / "unkilled", messages, timed=timed)
    survived = kill_in_the_middle(
        tmp_path / "killed",
        messages,
        timed=timed,
        kills=2,
        chance=Random(7),
        unkilled=[alert.id for alert in unkilled.alerts],
    )
    assert unkilled.too_high.wanted > 0
    assert unkilled.too_high.clean
    assert len(survived.killed_at) == 2
    assert survived.in_the_middle
    assert survived.readings.clean
    assert survived.alerts.wanted > 0
    assert survived.alerts.clean


@BOTH
def test_every_second_message_of_a_steady_stream_becomes_an_alert(
    tmp_path: Path, make: Make
) -> None:
    found = publish_to_alert(make, tmp_path, toggling(400))
    assert (found.alerts, found.missing) == (100, 0)
    assert 0 < found.p50_ms <= found.p99_ms


@BOTH
def test_a_start_has_a_length_and_a_size(tmp_path: Path, make: Make) -> None:
    found = ready(make, tmp_path, 1)
    assert len(found) == 1
    assert found[0].after_s > 0
    assert found[0].rss_mb > 0
