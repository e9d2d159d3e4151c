"""The order of a whole measurement: programs take turns, since the machine is never quiet."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from random import Random

from msgspec import Struct

from simulators.bench import frame_costs, past, rule_costs
from simulators.bench.crash import Survived, kill_in_the_middle
from simulators.bench.frame_costs import FrameCosts
from simulators.bench.latency import PER_S, Waits, publish_to_alert
from simulators.bench.load import burst, span, toggling
from simulators.bench.nurse import NotMeasured, Seen, home_to_screen
from simulators.bench.past import EVENTS_A_PERSON, Past
from simulators.bench.readiness import Ready, ready
from simulators.bench.rule_costs import RuleCosts
from simulators.bench.subjects import gateway, plain
from simulators.bench.throughput import Drained, drain

Say = Callable[[str], None]

VARIANTS = {"with timestamps": True, "without timestamps": False}
GATEWAY, PLAIN = "gateway", "plain-loop"
SUBJECTS = {GATEWAY: gateway, PLAIN: plain}


class Sizes(Struct, frozen=True, kw_only=True):
    """How much is measured; of several rounds the medians count."""

    messages: int
    rounds: int
    kills: int
    steady_messages: int
    steady_rounds: int
    starts: int
    residents: int
    rule_readings: int
    past_people: int
    frames: int
    adverts: int

    def text(self) -> str:
        return (
            f"P1 {self.messages:,} messages queued on the broker, {self.rounds} x in turns, and "
            f"with {self.kills} x kill -9; P2 {self.steady_messages:,} messages at {PER_S}/s, "
            f"{self.steady_rounds} x in turns; P3 {self.starts} starts; "
            f"P4 {self.rule_readings:,} readings of each shape; "
            f"P5 {self.residents} people, an alert each; "
            f"P8 {self.past_people * EVENTS_A_PERSON:,} events of {self.past_people} people "
            "a pack; "
            f"{self.frames:,} frames of a kind, {self.adverts:,} advertisements"
        )


FULL = Sizes(
    messages=20_000,
    rounds=5,
    kills=5,
    steady_messages=4_000,
    steady_rounds=2,
    starts=5,
    residents=200,
    rule_readings=50_000,
    past_people=200,
    frames=50_000,
    adverts=200_000,
)
SHORT = Sizes(
    messages=2_000,
    rounds=1,
    kills=1,
    steady_messages=800,
    steady_rounds=1,
    starts=2,
    residents=30,
    rule_readings=10_000,
    past_people=25,
    frames=5_000,
    adverts=20_000,
)


class Costs(Struct, frozen=True, kw_only=True):
    """Of parts by themselves, without a broker, a disk or a network."""

    rules: RuleCosts
    past: tuple[Past, ...]
    frames: FrameCosts


class Runs(Struct, frozen=True, kw_only=True):
    """Every single run, as it was measured: by variant, by program."""

    drained: dict[str, dict[str, list[Drained]]]
    survived: dict[str, Survived]
    waits: dict[str, list[Waits]]
    ready: dict[str, list[Ready]]
    screen: Seen | None
    trouble: str = ""
    """Why there is no `screen`."""
    costs: Costs | None = None


def measure(sizes: Sizes, work: Path, now: datetime, chance: Random, say: Say) -> Runs:
    """All parts, one after the other, in folders under `work`. `say` is told what is under way."""
    bursts = {
        name: burst(sizes.messages, now - span(sizes.messages) if timed else None)
        for name, timed in VARIANTS.items()
    }
    drained: dict[str, dict[str, list[Drained]]] = {
        name: {subject: [] for subject in SUBJECTS} for name in VARIANTS
    }
    for turn in range(sizes.rounds):
        for name, timed in VARIANTS.items():
            for subject, make in SUBJECTS.items():
                say(f"P1, round {turn + 1} of {sizes.rounds}, {name}: {subject}")
                place = work / f"drain-{turn}-{name.split()[0]}-{subject}"
                drained[name][subject].append(drain(make, place, bursts[name], timed=timed))
    survived = {}
    for name, timed in VARIANTS.items():
        say(f"P1, kill -9 in the middle, {name}")
        survived[name] = kill_in_the_middle(
            work / f"kill-{name.split()[0]}",
            bursts[name],
            timed=timed,
            kills=sizes.kills,
            chance=chance,
            unkilled=[alert.id for alert in drained[name][GATEWAY][0].alerts],
        )
    steady = toggling(sizes.steady_messages)
    waits: dict[str, list[Waits]] = {subject: [] for subject in SUBJECTS}
    for turn in range(sizes.steady_rounds):
        for subject, make in SUBJECTS.items():
            say(f"P2, round {turn + 1} of {sizes.steady_rounds}: {subject}")
            waits[subject].append(publish_to_alert(make, work / f"wait-{turn}-{subject}", steady))
    starts = {}
    for subject, make in SUBJECTS.items():
        say(f"P3: {subject}")
        starts[subject] = ready(make, work / f"ready-{subject}", sizes.starts)
    say("P4, P8: rules, a backtest, frames")
    costs = Costs(
        rules=rule_costs.measure(sizes.rule_readings, now),
        past=past.measure(sizes.past_people),
        frames=frame_costs.measure(sizes.frames, sizes.adverts),
    )
    say("P5: to the nurse's screen")
    screen, trouble = None, ""
    try:
        screen = home_to_screen(work / "screen", sizes.residents)
    except NotMeasured as reason:
        # The server needs more of a machine than the home does: what was measured stands.
        trouble = str(reason)
    return Runs(
        drained=drained,
        survived=survived,
        waits=waits,
        ready=starts,
        screen=screen,
        trouble=trouble,
        costs=costs,
    )
