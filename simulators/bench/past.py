"""P8: shipped packs over readings of the past, on one core, and the largest on two."""

import os
import time
from collections.abc import Mapping

import numpy as np
from msgspec import Struct

from devices.metrics import METRICS
from plumbing.clock import monotonic_s
from rules.backtest.course import Course
from rules.backtest.trial import heard, unanswerable
from simulators.backtest.packs import load_pack
from simulators.backtest.run import Trial, present, run

EVENTS_A_PERSON = 2_000
Values = Mapping[str, tuple[float, float]]
"""Metric -> mean and standard deviation of what is measured morning and evening."""

LARGEST = "hypertension"
PACKS: Mapping[str, Values] = {
    LARGEST: {
        "systolic_pressure": (135.0, 15.0),
        "diastolic_pressure": (78.0, 9.0),
        "pulse_rate": (72.0, 9.0),
    },
    "copd": {"oxygen_saturation": (94.5, 1.4)},
    "diabetes": {"blood_glucose": (7.5, 2.0)},
}
_BEGIN_US = 1_700_000_000_000_000
_HALF_DAY_US = 43_200_000_000
_HOUR_US = 3_600_000_000


class Past(Struct, frozen=True, kw_only=True):
    """`one_cpu_s`: processor time on one core; the others on the clock. `two_s` None: not tried on
    two. `rules`: how many of the pack could be tried on what was measured."""

    pack: str
    rules: int
    events: int
    findings: int
    one_cpu_s: float
    one_s: float
    two_s: float | None


def measure(people: int, seed: int = 1) -> tuple[Past, ...]:
    """The people of each pack; the machine's second core, where it has one, for the largest."""
    cores = min(2, len(os.sched_getaffinity(0)))
    return tuple(_measured(name, people, seed, cores if name == LARGEST else 1) for name in PACKS)


def _measured(name: str, people: int, seed: int, cores: int) -> Past:
    pack = load_pack(name)
    courses = [
        course(number, PACKS[name], np.random.default_rng((seed, number)))
        for number in range(people)
    ]
    trial = Trial(
        pack=name, timezone="Europe/London", leave_out=unanswerable(pack, present(courses))
    )
    assert heard(trial.plan()) >= set(PACKS[name])
    begun_s, begun_cpu_s = monotonic_s(), time.process_time()
    lives = run(trial, courses, 1)
    one_cpu_s, one_s = time.process_time() - begun_cpu_s, monotonic_s() - begun_s
    two_s = None
    if cores > 1:
        begun_s = monotonic_s()
        same = run(trial, courses, 2) == lives
        two_s = monotonic_s() - begun_s
        if not same:
            raise ValueError("two cores found something else than one")
    return Past(
        pack=name,
        rules=len(trial.plan().rules),
        events=sum(lived.readings for lived in lives),
        findings=sum(len(lived.begun) for lived in lives),
        one_cpu_s=one_cpu_s,
        one_s=one_s,
        two_s=two_s,
    )


def course(number: int, values: Values, generator: np.random.Generator) -> Course:
    """One person who measures twice a day."""
    metrics = tuple(values)
    sessions = -(-EVENTS_A_PERSON // len(metrics))
    begins = np.arange(sessions) * _HALF_DAY_US + generator.integers(0, _HOUR_US, sessions)
    us = np.repeat(_BEGIN_US + begins, len(metrics))[:EVENTS_A_PERSON]
    which = np.tile(np.arange(len(metrics)), sessions)[:EVENTS_A_PERSON]
    means, spreads = np.array(list(values.values())).T
    steps = 10.0 ** np.array([METRICS[metric].decimals for metric in metrics])[which]
    measured = generator.normal(means[which], spreads[which])
    return Course(
        person=f"person {number}",
        series=tuple(("", metric) for metric in metrics),
        us=us.astype(np.int64),
        which=which.astype(np.int32),
        values=np.round(measured * steps) / steps,
        unusual=np.zeros(len(us), dtype=np.bool_),
    )
