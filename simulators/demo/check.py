"""Drives the demo through the whole chain, and says whether every link held."""

from collections.abc import Mapping
from threading import Event
from typing import Any

import psycopg
from msgspec import Struct, to_builtins

from plumbing.clock import monotonic_s
from plumbing.processes import free_port
from simulators.demo import story
from simulators.demo.chain import Chain, Link, chain_of, counts, first_missing
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
        readings = self.chain.home.readings.values()
        devices = [one for one in readings if one.raw and one.answers is None]
        found: dict[str, Any] = {
            "counts": counts(self.chain),
            "readings": {
                "bluetooth": self._reading(next((r for r in devices if r.over_bluetooth), None)),
                "mqtt": self._reading(next((r for r in devices if r.over_mqtt), None)),
            },
            "traces": [to_builtins(trace) for trace in self.chain.traces],
            "took_s": round(self.took_s, 1),
        }
        if self.missing is not None:
            found["missing"] = {"link": self.missing.name, "why": self.missing.missing}
        return found

    def _reading(self, reading: Reading | None) -> Mapping[str, Any] | None:
        if reading is None:
            return None
        return {
            "raw": reading.raw.decode(errors="backslashreplace"),
            "reading": reading.id,
            "metric": reading.metric,
            "at_the_server": reading.id in self.chain.server.readings,
        }


def check(
    folder: Folder, within_s: float, say: Say, *, seed: int, cut: LinkName | None = None
) -> Verdict:
    """Run the demo until every link held, or the limit passes.

    The simulated person answers and a simulated nurse acknowledges. Raises what `running` raises.
    """
    began_s = monotonic_s()
    cut_ = NO_CUT if cut is None else CUTS[cut]
    with running(folder, story.CHECKED, say, seed=seed, answers=True, cut=cut_) as stage:
        port = free_port() if cut_.nurse_is_kept_out else stage.settings.ports.server
        say("The story begins: a few mornings, with the weight climbing ...")
        with Nurse(f"http://127.0.0.1:{port}", story.NURSE):
            look = Event()
            while True:
                chain = _chain(stage)
                missing = first_missing(chain)
                took_s = monotonic_s() - began_s
                if missing is None or took_s > within_s:
                    return Verdict(chain, missing, took_s)
                look.wait(_LOOK_EVERY_S)


def _chain(stage: Stage) -> Chain:
    folder = stage.folder
    try:
        server = of_server(address(folder.server_data))
    except (OSError, psycopg.Error):
        server = Server()
    return chain_of(of_home(folder.journal, folder.diary), server)
