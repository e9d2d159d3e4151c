"""P4: processor time of the rules a reading, and how it grows with window, sensors and rules.

Measured in this process on the live path (`settle`, in batches as the gateway's), beside what one
would write in an afternoon: numpy's polyfit over a deque, and a count of values running.
"""

import time
from collections import deque
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import islice
from statistics import median

import numpy as np
from msgspec import Struct, structs

from devices.model import Reading, reading_id
from rules.engine import start
from rules.kinds import kinds
from rules.model import Debounce, Finding, Person, Plan, Rule, Then, Tier
from rules.replay import settle

PERSON = "tester"
ABOVE, RUNNING, RISING_PER_HOUR, MIN_SAMPLES = 50.0, 3, 500.0, 10
WINDOW, LONG_WINDOW = 720, 17_280
SENSORS, MANY_SENSORS = 100, 10_000
RULES, MANY_RULES = 2, 200
_SHORT_WINDOW = 16
"""Of the comparison of sensors: so that 10,000 windows are full too."""
_FEW_SENSORS = 10
"""Of the comparisons of windows and of rules, for the same reason."""
_BATCH = 500
_ROUNDS = 5
_SPACING = timedelta(milliseconds=50)


class RuleCosts(Struct, frozen=True, kw_only=True):
    """Microseconds of processor time a reading."""

    window_us: float
    long_window_us: float
    sensors_us: float
    many_sensors_us: float
    rules_us: float
    many_rules_us: float
    plain_us: float
    """The plain loop, at the shorter window."""
    threshold_us: float
    trend_us: float
    """One rule, one reading at a time."""


class Shape(Struct, frozen=True, kw_only=True):
    """`rules`: half of them limits, half slopes, no two with the same figure. The first of each
    finds something now and then; the others are further out, and watch."""

    sensors: int
    window: int
    rules: int = RULES


class _NoHistory:
    """Nothing comes late here, so nobody asks."""

    def readings(self, metrics: object, after: datetime, until: datetime) -> Sequence[Reading]:
        return ()

    def findings(self, rules: object, since: datetime) -> Sequence[Finding]:
        return ()


def measure(readings: int, begin: datetime) -> RuleCosts:
    """`readings`: how many are timed in each comparison, after the windows are full. They take
    turns in rounds, whose medians count."""
    few = Shape(sensors=_FEW_SENSORS, window=WINDOW)
    full = [
        Stream(shape, readings, begin)
        for shape in (
            few,
            Shape(sensors=_FEW_SENSORS, window=LONG_WINDOW),
            Shape(sensors=SENSORS, window=_SHORT_WINDOW),
            Shape(sensors=MANY_SENSORS, window=_SHORT_WINDOW),
            Shape(sensors=_FEW_SENSORS, window=_SHORT_WINDOW),
        )
    ]
    full.append(
        Stream(
            Shape(sensors=_FEW_SENSORS, window=_SHORT_WINDOW, rules=MANY_RULES),
            readings // 5,
            begin,
        )
    )
    full += [Stream(few, readings // 5, begin, kind, 1) for kind in ("threshold", "trend")]
    rounds = [[stream.round_us() for stream in full] for _ in range(_ROUNDS)]
    costs = [median(one) for one in zip(*rounds, strict=True)]
    return RuleCosts(
        window_us=costs[0],
        long_window_us=costs[1],
        sensors_us=costs[2],
        many_sensors_us=costs[3],
        rules_us=costs[4],
        many_rules_us=costs[5],
        plain_us=plain_us(few, max(1, readings // 20), begin),
        threshold_us=costs[6],
        trend_us=costs[7],
    )


def plan_of(shape: Shape) -> Plan:
    rules = [
        rule for n in range(shape.rules // 2) for rule in (_too_high(n), _rising(n, shape.window))
    ]
    people = {PERSON: Person(id=PERSON, name=PERSON)}
    return Plan(version="1", people=people, rules=tuple(rules))


def _too_high(n: int) -> Rule:
    params = kinds()["threshold"].params_type(metric="level", above=ABOVE + 50 * n)
    return _rule(f"too-high-{n}", "threshold", params, Debounce(k=RUNNING, n=RUNNING))


def _rising(n: int, window: int) -> Rule:
    params = kinds()["trend"].params_type(
        metric="level",
        rising_per_hour=RISING_PER_HOUR * (1 + 1_000 * n),
        samples=window,
        min_samples=min(MIN_SAMPLES, window),
    )
    return _rule(f"rising-{n}", "trend", params, Debounce())


def _rule(rule_id: str, kind: str, params: Struct, debounce: Debounce) -> Rule:
    return Rule(
        id=rule_id,
        version="1",
        patient=PERSON,
        kind=kind,
        params=params,
        then=Then(tier=Tier.T3, text="too-high"),
        family=rule_id,
        debounce=debounce,
        per_device=True,
    )


def feed(shape: Shape, count: int, begin: datetime) -> list[Reading]:
    """All sensors in turn; each is high for six readings of forty, as the measured home's are."""
    readings = []
    for number in range(count):
        sensor, turn = number % shape.sensors, number // shape.sensors
        value = round((80.0 if (turn + 3 * sensor) % 40 < 6 else 20.0) + number * 0.001 % 5, 3)
        device, at = f"sensor {sensor}", begin + number * _SPACING
        readings.append(
            Reading(
                id=reading_id(PERSON, device, "level", at, value),
                patient=PERSON,
                device=device,
                metric="level",
                value=value,
                unit="1",
                taken_at=at,
                received_at=at,
            )
        )
    return readings


class Stream:
    """A home whose windows are full, and readings that wait to be taken, `batch` at a time."""

    def __init__(
        self, shape: Shape, timed: int, begin: datetime, kind: str = "", batch: int = _BATCH
    ) -> None:
        """`kind`: only rules of this kind."""
        whole = plan_of(shape)
        rules = tuple(rule for rule in whole.rules if kind in {"", rule.kind})
        self._plan = structs.replace(whole, rules=rules)
        self._states = start(self._plan, begin)
        self._history = _NoHistory()
        filling = shape.sensors * (shape.window + MIN_SAMPLES)
        self._waiting = iter(feed(shape, filling + timed, begin))
        self._round = timed // _ROUNDS
        self._batch = batch
        self._take(filling, _BATCH)

    def round_us(self) -> float:
        """Processor time of each reading of the next round."""
        begun_s = time.process_time()
        self._take(self._round, self._batch)
        return (time.process_time() - begun_s) / self._round * 1e6

    def _take(self, count: int, batch: int) -> None:
        while count > 0:
            part = list(islice(self._waiting, min(batch, count)))
            count -= len(part)
            at = part[-1].taken_at
            self._states = settle(self._plan, self._states, part, at, self._history).states


def plain_us(shape: Shape, timed: int, begin: datetime) -> float:
    """The same two rules by numpy over a window that is fitted again at each reading."""
    filling = shape.sensors * shape.window
    windows: dict[str, deque[tuple[float, float]]] = {}
    running: dict[str, int] = {}
    begun_s = 0.0
    for number, reading in enumerate(feed(shape, filling + timed, begin)):
        if number == filling:
            begun_s = time.process_time()
        window = windows.setdefault(reading.device, deque(maxlen=shape.window))
        window.append(((reading.taken_at - begin).total_seconds() / 3600, reading.value))
        running[reading.device] = running.get(reading.device, 0) + 1 if reading.value > ABOVE else 0
        if number >= filling:
            x, y = np.array(window).T
            slope = np.polyfit(x, y, 1)[0]
            _ = running[reading.device] >= RUNNING or slope >= RISING_PER_HOUR
    return (time.process_time() - begun_s) / timed * 1e6
