"""P1's gate: the same full queue, and kill -9 in the middle of it."""

import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from random import Random

from msgspec import Struct

from plumbing.clock import monotonic_s
from simulators.bench.load import P1_RULES, Message
from simulators.bench.subjects import gateway, make_known, with_a_broker
from simulators.bench.tally import Tally, tally
from simulators.bench.throughput import too_high_tally
from simulators.bench.watch import STALL_S, Count, watch
from simulators.bench.wire import enqueue

_LOOK_S = 0.001
_LONGEST_LAG_S = 0.005
"""After a commit was seen: the kill falls into the answering, the reading, the next writing."""
_QUIET_S = 1.0
"""What is delivered once more, and kept twice, comes within this."""


_TRIES = 3


class Survived(Struct, frozen=True, kw_only=True):
    """`killed_at`: how many readings were committed at each kill."""

    killed_at: tuple[int, ...]
    readings: Tally
    alerts: Tally

    @property
    def in_the_middle(self) -> int:
        """How many kills left something in the queue."""
        return sum(at < self.readings.wanted for at in self.killed_at)


def kill_in_the_middle(
    folder: Path,
    messages: Sequence[Message],
    *,
    timed: bool,
    kills: int,
    chance: Random,
    unkilled: Sequence[str],
) -> Survived:
    """Kill and start the gateway again, `kills` times, until it has worked off its queue.

    With timestamps its alerts must be those of a run without a kill, by their ids (`unkilled`);
    without, those that follow from the order of the readings. Where every kill came too late,
    it is tried again with a new home.
    """
    found = _survive(folder / "0", messages, timed, kills, chance, unkilled)
    for attempt in range(1, _TRIES):
        if found.in_the_middle or not (found.readings.clean and found.alerts.clean):
            break
        found = _survive(folder / str(attempt), messages, timed, kills, chance, unkilled)
    return found


def _survive(
    folder: Path,
    messages: Sequence[Message],
    timed: bool,
    kills: int,
    chance: Random,
    unkilled: Sequence[str],
) -> Survived:
    killed_at: list[int] = []
    with with_a_broker(folder) as port:
        subject = gateway(folder / "subject", port, P1_RULES, timed=timed)
        make_known(subject)
        enqueue(port, messages)
        with closing(subject.count()) as count:
            for left in range(kills, 0, -1):
                share = (len(messages) - count()) // (left + 1)
                child = subject.start()
                _wait_for(count, count() + chance.randint(1, max(1, share)))
                time.sleep(chance.uniform(0, _LONGEST_LAG_S))
                child.kill()
                killed_at.append(count())
            with subject.start() as child:
                watch(child.pid, count, len(messages))
                time.sleep(_QUIET_S)
    alerts = subject.alerts()
    return Survived(
        killed_at=tuple(killed_at),
        readings=tally([message.value for message in messages], subject.stored()),
        alerts=tally(unkilled, [alert.id for alert in alerts])
        if timed
        else too_high_tally(messages, alerts),
    )


def _wait_for(count: Count, target: int) -> None:
    end_s = monotonic_s() + STALL_S
    while count() < target and monotonic_s() < end_s:
        time.sleep(_LOOK_S)
