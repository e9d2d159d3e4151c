"""What the sensors of the measured home publish, and what must come of it.

Every value occurs once, so that a reading which is lost or stored twice is seen, and an alert is
known by the value that caused it.
"""

import json
from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta

from msgspec import Struct

SENSORS = 100
LOW, HIGH = 20.0, 80.0
"""Values lie a little above one of these."""
STEP = 0.001
SPACING = timedelta(milliseconds=50)
"""Between two messages that carry their time."""
_EPISODE_EVERY, _EPISODE_LENGTH = 40, 6
"""Of each sensor's messages: so often its value is high, for so many running."""


class Rules(Struct, frozen=True, kw_only=True):
    """The two rules, as both programs are given them."""

    above: float = 50.0
    running: int = 3
    """So many values running must be above the limit."""
    rising_per_hour: float = 500.0
    samples: int = 720
    min_samples: int = 10


P1_RULES = Rules()
EVERY_CROSSING = Rules(running=1, rising_per_hour=1e12)
"""An alert for each value above the limit that follows one below it, and for nothing else."""


class Message(Struct, frozen=True, gc=False):
    sensor: int
    value: float
    payload: bytes

    @property
    def topic(self) -> str:
        return f"sensors/{self.sensor}"


def burst(count: int, start: datetime | None) -> list[Message]:
    """All sensors in turn; each is high for a while now and then. `start`: the payloads' first
    time; None: they carry none."""
    messages = []
    for number in range(count):
        sensor, turn = number % SENSORS, number // SENSORS
        high = (turn + 3 * sensor) % _EPISODE_EVERY < _EPISODE_LENGTH
        at = None if start is None else start + number * SPACING
        messages.append(_message(number, sensor, HIGH if high else LOW, at))
    return messages


def toggling(count: int) -> list[Message]:
    """All sensors in turn, each high every second time, half of them at once: every second
    message alerts under EVERY_CROSSING, give or take the first of each sensor."""
    return [
        _message(number, number % SENSORS, HIGH if (number // SENSORS + number) % 2 else LOW, None)
        for number in range(count)
    ]


def alarms(sensors: int) -> list[Message]:
    """One sensor after the other is low and then high: every second message alerts, once for
    each sensor."""
    return [
        _message(number, number // 2, HIGH if number % 2 else LOW, None)
        for number in range(2 * sensors)
    ]


def too_high(messages: Iterable[Message], rules: Rules) -> set[float]:
    """The values at which a sensor has been above the limit for long enough: one alert each."""
    running: Counter[int] = Counter()
    found = set()
    for message in messages:
        above = message.value > rules.above
        running[message.sensor] = running[message.sensor] + 1 if above else 0
        if running[message.sensor] == rules.running:
            found.add(message.value)
    return found


def span(count: int) -> timedelta:
    """How long so many messages take that carry their time."""
    return count * SPACING


def _message(number: int, sensor: int, about: float, at: datetime | None) -> Message:
    value = round(about + number * STEP, 3)
    body: dict[str, object] = {"v": value, "battery": 97, "linkquality": 120}
    if at is not None:
        body["ts"] = round(at.timestamp() * 1000)
    return Message(sensor, value, json.dumps(body).encode())
