"""P3: from the start of a program to its word that it is ready, and the memory that it then has."""

import time
from pathlib import Path

from msgspec import Struct

from plumbing.clock import monotonic_s
from simulators.bench.load import P1_RULES
from simulators.bench.subjects import READY_S, Make, make_known, with_a_broker
from simulators.bench.watch import rss_mb

_REST_S = 0.5


class Ready(Struct, frozen=True):
    after_s: float
    rss_mb: float


def ready(make: Make, folder: Path, starts: int) -> list[Ready]:
    """Several starts of a program that was set up before, with nothing queued for it."""
    found = []
    with with_a_broker(folder) as port:
        subject = make(folder / "subject", port, P1_RULES, timed=True)
        make_known(subject)
        for _ in range(starts):
            begun_s = monotonic_s()
            with subject.start() as child:
                child.wait_for_json("ready", READY_S)
                after_s = monotonic_s() - begun_s
                time.sleep(_REST_S)
                found.append(Ready(after_s, rss_mb(child.pid)))
    return found
