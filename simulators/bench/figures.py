"""From what was measured to the rows of the table, with their aims."""

from collections.abc import Iterable, Sequence
from statistics import median
from typing import Any

from simulators.bench.frame_costs import FrameCosts
from simulators.bench.latency import PER_S, Waits
from simulators.bench.past import Past
from simulators.bench.rule_costs import (
    LONG_WINDOW,
    MANY_RULES,
    MANY_SENSORS,
    RULES,
    SENSORS,
    WINDOW,
    RuleCosts,
)
from simulators.bench.runs import GATEWAY, PLAIN, Runs
from simulators.bench.table import Aim, Figure
from simulators.bench.tally import Tally, together

SPEED = Aim(at_least=4, later=8, of_ratio=True)
CPU = Aim(at_most=90, later=45)
SCREEN = Aim(at_most=500, later=250)
NONE = Aim(at_most=0)
PAST = Aim(at_most=10)
CORES = Aim(at_least=1.7)
ADVERTS = Aim(at_least=20_000)
MILLION = 1_000_000


def figures(runs: Runs) -> list[Figure]:
    return [
        *_speeds(runs),
        *_kept(runs),
        *_alert_waits(runs),
        *_footprint(runs),
        *_costs(runs),
        *_screen(runs),
    ]


def _speeds(runs: Runs) -> Iterable[Figure]:
    for name, by_subject in runs.drained.items():
        ours, theirs = by_subject[GATEWAY], by_subject[PLAIN]
        yield Figure(
            part="P1",
            what=f"readings a second, {name}",
            unit="/s",
            value=median(run.speed.per_s for run in ours),
            plain=median(run.speed.per_s for run in theirs),
            more_is_better=True,
            aim=SPEED,
        )
        yield Figure(
            part="P1",
            what=f"processor time a reading, {name}",
            unit="us",
            value=median(run.speed.cpu_us for run in ours),
            plain=median(run.speed.cpu_us for run in theirs),
            aim=CPU,
        )


def _kept(runs: Runs) -> Iterable[Figure]:
    whole = [run for found in runs.drained.values() for run in found[GATEWAY]]
    yield from _gates("readings", [run.readings for run in whole])
    yield from _gates("alerts", [run.too_high for run in whole])
    killed = list(runs.survived.values())
    times = sum(run.in_the_middle for run in killed)
    yield from _gates(f"readings, kill -9 {times} x", [run.readings for run in killed])
    yield from _gates(f"alerts, kill -9 {times} x", [run.alerts for run in killed])


def _gates(what: str, tallies: Sequence[Tally]) -> Iterable[Figure]:
    whole = together(tallies)
    for fault, count in {"lost": whole.lost, "kept twice": whole.twice + whole.strange}.items():
        yield Figure(
            part="gate",
            what=f"{fault} of {whole.wanted:,} {what}",
            unit="",
            value=count,
            aim=NONE,
            gate=True,
        )


def _alert_waits(runs: Runs) -> Iterable[Figure]:
    ours, theirs = runs.waits[GATEWAY], runs.waits[PLAIN]
    for name in ("p50", "p99"):
        yield Figure(
            part="P2",
            what=f"publish to alert at {PER_S}/s, {name}",
            unit="ms",
            value=median(_wait_ms(one, name) for one in ours),
            plain=median(_wait_ms(one, name) for one in theirs),
        )
    yield _missing("P2", ours)


def _footprint(runs: Runs) -> Iterable[Figure]:
    ours, theirs = runs.ready[GATEWAY], runs.ready[PLAIN]
    yield Figure(
        part="P3",
        what="start to ready",
        unit="s",
        value=median(one.after_s for one in ours),
        plain=median(one.after_s for one in theirs),
    )
    yield Figure(
        part="P3",
        what="memory when ready",
        unit="MB",
        value=median(one.rss_mb for one in ours),
        plain=median(one.rss_mb for one in theirs),
    )
    yield Figure(
        part="P3",
        what="memory after P1",
        unit="MB",
        value=_memory_after(runs, GATEWAY),
        plain=_memory_after(runs, PLAIN),
    )


def _memory_after(runs: Runs, subject: str) -> float:
    return median(run.rss_mb for found in runs.drained.values() for run in found[subject])


def _costs(runs: Runs) -> Iterable[Figure]:
    if runs.costs is not None:
        yield from _rules(runs.costs.rules)
        for past in runs.costs.past:
            yield from _past(past)
        yield from _frames(runs.costs.frames)


def _rules(costs: RuleCosts) -> Iterable[Figure]:
    yield Figure(
        part="P4",
        what=f"both rules a reading, window {WINDOW} (plain: polyfit over a deque)",
        unit="us",
        value=costs.window_us,
        plain=costs.plain_us,
    )
    growth = {
        f"window {LONG_WINDOW:,} against {WINDOW}": (costs.long_window_us, costs.window_us, 1.3),
        f"{MANY_SENSORS:,} sensors against {SENSORS}": (
            costs.many_sensors_us,
            costs.sensors_us,
            1.15,
        ),
        f"{MANY_RULES} rules a sensor against {RULES}": (
            costs.many_rules_us,
            costs.rules_us,
            1.4,
        ),
    }
    for what, (more_us, less_us, aim) in growth.items():
        yield Figure(
            part="P4",
            what=f"rules a reading, {what} ({more_us:.1f} us)",
            unit="x",
            value=more_us / less_us,
            aim=Aim(at_most=aim),
        )
    for rule, cost_us in {
        "above 3 times running": costs.threshold_us,
        "slope": costs.trend_us,
    }.items():
        yield Figure(part="P4", what=f"a reading by itself, {rule}", unit="us", value=cost_us)


def _past(past: Past) -> Iterable[Figure]:
    yield Figure(
        part="P8",
        what=f"backtest of {past.pack} ({past.rules} rules), a million events on one core "
        f"({past.events / past.one_cpu_s:,.0f} /s)",
        unit="s",
        value=past.one_cpu_s / past.events * MILLION,
        aim=PAST,
    )
    if past.two_s is not None:
        yield Figure(
            part="P8",
            what=f"the same on two cores against one ({past.events / past.two_s:,.0f} /s)",
            unit="x",
            value=past.one_s / past.two_s,
            more_is_better=True,
            aim=CORES,
        )


def _frames(costs: FrameCosts) -> Iterable[Figure]:
    yield Figure(
        part="", what="decode a blood pressure (2A35)", unit="us", value=costs.blood_pressure_us
    )
    beside = "plain: bthome-ble" if costs.oracle_us is not None else "bthome-ble is not installed"
    yield Figure(
        part="",
        what=f"decode a BTHome advertisement ({beside})",
        unit="us",
        value=costs.bthome_us,
        plain=costs.oracle_us,
    )
    yield Figure(
        part="",
        what="advertisements heard, one core",
        unit="/s",
        value=costs.adverts_per_s,
        more_is_better=True,
        aim=ADVERTS,
    )


def _screen(runs: Runs) -> Iterable[Figure]:
    if runs.screen is None:
        return
    seen = {"news at the nurse's browser": runs.screen.news, "row on her screen": runs.screen.row}
    for what, waits in seen.items():
        for name, aim in (("p50", None), ("p99", SCREEN)):
            yield Figure(
                part="P5",
                what=f"reading at home to {what}, {name}",
                unit="ms",
                value=_wait_ms(waits, name),
                aim=aim,
            )
    yield _missing("P5", [runs.screen.row])


def _wait_ms(waits: Waits, name: str) -> float:
    return waits.p50_ms if name == "p50" else waits.p99_ms


def _missing(part: str, waits: Sequence[Waits]) -> Figure:
    whole = sum(one.alerts + one.missing for one in waits)
    missing = sum(one.missing for one in waits)
    what = f"alerts that did not come, of {whole:,}"
    return Figure(part=part, what=what, unit="", value=missing, aim=NONE)


def notes(runs: Runs) -> dict[str, str]:
    """What must be known beside the figures."""
    found = {
        f"killed, {name}": f"after {', '.join(f'{at:,}' for at in survived.killed_at)} readings"
        for name, survived in runs.survived.items()
    }
    return found | ({"P5 was not measured": runs.trouble} if runs.trouble else {})


def summary(runs: Runs) -> dict[str, Any]:
    """Each run by name, without the alerts themselves."""
    drained = {
        name: {
            subject: [
                {
                    "readings_per_s": run.speed.per_s,
                    "cpu_us": run.speed.cpu_us,
                    "rss_mb": run.rss_mb,
                    "readings": run.readings,
                    "alerts": len(run.alerts),
                }
                for run in found
            ]
            for subject, found in by_subject.items()
        }
        for name, by_subject in runs.drained.items()
    }
    return {
        "drained": drained,
        "survived": runs.survived,
        "publish_to_alert": runs.waits,
        "ready": runs.ready,
        "screen": runs.screen,
        "costs": runs.costs,
    }
