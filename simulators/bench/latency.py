"""P2: from the publishing of a message to the alert that it causes, at a steady pace."""

import math
import time
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from plumbing.clock import monotonic_s
from simulators.bench.load import EVERY_CROSSING, Message, too_high
from simulators.bench.subjects import READY_S, Make, with_a_broker
from simulators.bench.wire import Wire

PER_S = 200
_WARM_UP = 200
"""Messages whose alerts do not count."""
_LAST_S = 2.0


class Waits(Struct, frozen=True, kw_only=True):
    """Milliseconds, of as many alerts as came; `missing` never did."""

    p50_ms: float
    p99_ms: float
    alerts: int
    missing: int


def publish_to_alert(make: Make, folder: Path, messages: Sequence[Message]) -> Waits:
    """Publish to a running program at PER_S; every second message makes an alert."""
    sent_s: dict[float, float] = {}
    heard_s: dict[float, float] = {}
    with with_a_broker(folder) as port:
        subject = make(folder / "subject", port, EVERY_CROSSING, timed=False)

        def hear(at_s: float, payload: bytes) -> None:
            heard_s.setdefault(subject.alert_value(payload), at_s)

        with subject.start() as child, Wire(port, subject.alert_topic, hear) as wire:
            child.wait_for_json("ready", READY_S)
            pace(wire, messages, PER_S, sent_s)
            time.sleep(_LAST_S)
    expected = too_high(messages, EVERY_CROSSING) & {one.value for one in messages[_WARM_UP:]}
    return waits(expected, sent_s, heard_s)


def pace(wire: Wire, messages: Sequence[Message], per_s: float, sent_s: dict[float, float]) -> None:
    """Publish so many a second, evenly, and note when, by value."""
    start_s = monotonic_s()
    for number, message in enumerate(messages):
        wait_s = start_s + number / per_s - monotonic_s()
        if wait_s > 0:
            time.sleep(wait_s)
        sent_s[message.value] = monotonic_s()
        wire.publish(message)


def waits(expected: set[float], sent_s: dict[float, float], heard_s: dict[float, float]) -> Waits:
    """From each sending to its hearing. Raises ValueError where nothing was heard."""
    taken_ms = [(heard_s[value] - sent_s[value]) * 1000 for value in expected if value in heard_s]
    return Waits(
        p50_ms=percentile(taken_ms, 50),
        p99_ms=percentile(taken_ms, 99),
        alerts=len(taken_ms),
        missing=len(expected) - len(taken_ms),
    )


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that so many percent do not exceed (nearest rank). ValueError: none."""
    if not values:
        raise ValueError("no alert was heard")
    return sorted(values)[math.ceil(percent / 100 * len(values)) - 1]
