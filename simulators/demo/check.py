"""Drives the demo through the whole chain, and says whether every link held."""

from collections.abc import Mapping, Sequence
from threading import Event
from typing import Any

import psycopg
from msgspec import Struct, to_builtins

from plumbing.clock import monotonic_s
from plumbing.processes import free_port
from simulators.demo import story
from simulators.demo.chain import (
    Chain,
    Link,
    bluetooth_readings,
    chain_of,
    counts,
    first_missing,
    mqtt_readings,
)
from simulators.demo.cuts import CUTS, NO_CUT, LinkName, Stage
from simulators.demo.database import address
from simulators.demo.evidence import Reading, Server, of_home, of_server
from simulators.demo.folder import Folder
from simulators.demo.nurse import Nurse
from simulators.demo.run import Say, running

_LOOK_EVERY_S = 0.5


class Verdict(Struct, frozen=True):
    """`missing` is the first link that did not hold, or None."""

    chain: Chain
    missing: Link | None
    took_s: float

    def report(self) -> Mapping[str, Any]:
        """Plain JSON: counts, traces, and what is missing."""
        home = self.chain.home
        found: dict[str, Any] = {
            "counts": counts(self.chain),
            "readings": {
                "bluetooth": self._last(bluetooth_readings(home)),
                "mqtt": self._last(mqtt_readings(home)),
            },
            "traces": [to_builtins(trace) for trace in self.chain.traces],
            "took_s": round(self.took_s, 1),
        }
        if self.missing is not None:
            found["missing"] = {"link": self.missing.name, "why": self.missing.missing}
        return found

    def _last(self, readings: Sequence[Reading]) -> Mapping[str, Any] | None:
        if not readings:
            return None
        reading = readings[-1]
        return {
            "raw": reading.raw.decode(errors="backslashreplace"),
            "reading": reading.id,
            "metric": reading.metric,
            "at_the_server": reading.id in self.chain.server.readings,
        }


def check(
    folder: Folder,
    within_s: float,
    say: Say,
    *,
    seed: int | None = None,
    cut: LinkName | None = None,
) -> Verdict:
    """Run the demo until every link held, the story is over, or the limit passes.

    The simulated person answers and a simulated nurse acknowledges. Raises what `running` raises.
    """
    began_s = monotonic_s()
    cut_ = NO_CUT if cut is None else CUTS[cut]
    with running(
        folder, story.CHECKED, say, seed=seed, answers=True, cut=cut_, usual_ports=False
    ) as stage:
        port = free_port() if cut_.nurse_is_kept_out else stage.settings.ports.server
        say("The story begins: a few mornings, with the weight climbing ...")
        over = stage.settings.story_at + story.STORY_LASTS
        with Nurse(f"http://127.0.0.1:{port}", story.NURSE):
            look = Event()
            while True:
                chain = _chain(stage)
                missing = first_missing(chain)
                took_s = monotonic_s() - began_s
                if missing is None or took_s > within_s or stage.settings.home_time.now() > over:
                    return Verdict(chain, missing, took_s)
                look.wait(_LOOK_EVERY_S)


def _chain(stage: Stage) -> Chain:
    folder = stage.folder
    try:
        server = of_server(address(folder.server_data))
    except (OSError, psycopg.Error):
        server = Server()
    return chain_of(of_home(folder.journal, folder.diary), server)
