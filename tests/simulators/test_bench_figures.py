"""From single runs to rows: medians, gates, and what is missing is said."""

import pytest
from msgspec import structs

from simulators.bench.crash import Survived
from simulators.bench.figures import figures, summary
from simulators.bench.frame_costs import FrameCosts
from simulators.bench.latency import Waits
from simulators.bench.nurse import Seen
from simulators.bench.past import Past
from simulators.bench.readiness import Ready
from simulators.bench.rule_costs import RuleCosts
from simulators.bench.runs import GATEWAY, PLAIN, VARIANTS, Costs, Runs
from simulators.bench.table import Figure, Report, Verdict, as_json
from simulators.bench.tally import Tally
from simulators.bench.throughput import Drained
from simulators.bench.watch import Speed

CLEAN = Tally(wanted=100, lost=0, twice=0)
LOST = Tally(wanted=100, lost=1, twice=0)
TWICE = Tally(wanted=100, lost=0, twice=1)
WAITS = Waits(p50_ms=2, p99_ms=5, alerts=100, missing=0)


def drained(per_s: float, readings: Tally = CLEAN, too_high: Tally = CLEAN) -> Drained:
    return Drained(
        speed=Speed(per_s, 1e6 / per_s), rss_mb=50, readings=readings, too_high=too_high, alerts=()
    )


def runs(
    *,
    ours: list[Drained] | None = None,
    survived: Survived | None = None,
    screen: Seen | None = None,
) -> Runs:
    ours = ours or [drained(20_000)]
    survived = survived or Survived(killed_at=(10, 20), readings=CLEAN, alerts=CLEAN)
    return Runs(
        drained={name: {GATEWAY: ours, PLAIN: [drained(4_000)]} for name in VARIANTS},
        survived=dict.fromkeys(VARIANTS, survived),
        waits={GATEWAY: [WAITS], PLAIN: [WAITS]},
        ready={GATEWAY: [Ready(0.5, 45)], PLAIN: [Ready(0.1, 28)]},
        screen=screen,
    )


def rows(found: Runs, start: str) -> list[Figure]:
    return [row for row in figures(found) if row.what.startswith(start)]


def test_the_median_of_the_rounds_counts() -> None:
    found = runs(ours=[drained(9_000), drained(20_000), drained(21_000)])
    for row in rows(found, "readings a second"):
        assert (row.value, row.ratio, row.verdict) == (20_000, 5, Verdict.OK)


def test_both_variants_have_their_rows() -> None:
    said = [row.what for row in rows(runs(), "readings a second")]
    assert said == [f"readings a second, {name}" for name in VARIANTS]


@pytest.mark.parametrize(
    ("found", "failed"),
    [
        (runs(), False),
        (runs(ours=[drained(20_000), drained(20_000, readings=LOST)]), True),
        (runs(ours=[drained(20_000, readings=TWICE)]), True),
        (runs(ours=[drained(20_000, too_high=LOST)]), True),
        (runs(survived=Survived(killed_at=(1,), readings=LOST, alerts=CLEAN)), True),
        (runs(survived=Survived(killed_at=(1,), readings=TWICE, alerts=CLEAN)), True),
        (runs(survived=Survived(killed_at=(1,), readings=CLEAN, alerts=LOST)), True),
        (runs(survived=Survived(killed_at=(1,), readings=CLEAN, alerts=TWICE)), True),
        (runs(ours=[drained(500)]), False),
    ],
    ids=[
        "all kept",
        "a reading lost in one round",
        "a reading twice",
        "an alert lost",
        "a reading lost after a kill",
        "a reading twice after a kill",
        "an alert lost after a kill",
        "an alert twice after a kill",
        "slow",
    ],
)
def test_the_bench_fails_only_where_something_was_lost_or_kept_twice(
    found: Runs, failed: bool
) -> None:
    assert Report(machine={}, figures=tuple(figures(found)), runs={}).failed is failed


def test_a_screen_that_was_not_measured_has_no_row() -> None:
    assert not [row for row in figures(runs()) if row.part == "P5"]


@pytest.mark.parametrize(
    ("row", "verdict"),
    [
        (WAITS, Verdict.OK),
        (structs.replace(WAITS, p99_ms=501), Verdict.NOT_YET),
    ],
    ids=["soon enough", "too late"],
)
def test_the_row_on_the_screen_has_an_aim(row: Waits, verdict: Verdict) -> None:
    found = rows(runs(screen=Seen(news=WAITS, row=row)), "reading at home to row")
    assert [one.verdict for one in found] == [Verdict.SHOWN, verdict]


def test_alerts_that_never_came_to_the_screen_are_said() -> None:
    seen = Seen(news=WAITS, row=structs.replace(WAITS, missing=3))
    (row,) = [
        one for one in rows(runs(screen=seen), "alerts that did not come") if one.part == "P5"
    ]
    assert (row.value, row.verdict) == (3, Verdict.NOT_YET)


def test_every_single_run_is_in_the_json() -> None:
    found = runs(ours=[drained(9_000), drained(20_000)], screen=Seen(news=WAITS, row=WAITS))
    text = as_json(Report(machine={}, figures=tuple(figures(found)), runs=summary(found)))
    assert '"readings_per_s": 9000' in text
    assert '"killed_at"' in text


def test_a_kill_after_all_was_done_does_not_count() -> None:
    late = Survived(killed_at=(10, 50, 100), readings=CLEAN, alerts=CLEAN)
    said = [row.what for row in figures(runs(survived=late)) if "kill" in row.what]
    assert said
    assert all(what.endswith("kill -9 4 x") for what in said)


RULES = RuleCosts(
    window_us=2.0,
    long_window_us=2.4,
    sensors_us=2.0,
    many_sensors_us=2.6,
    rules_us=2.0,
    many_rules_us=2.8,
    plain_us=100.0,
    threshold_us=1.0,
    trend_us=1.5,
)
PAST = Past(
    pack="hypertension",
    rules=16,
    events=100_000,
    findings=10,
    one_cpu_s=0.8,
    one_s=0.9,
    two_s=0.5,
)
FRAMES = FrameCosts(blood_pressure_us=6.0, bthome_us=4.0, oracle_us=28.0, adverts_per_s=100_000.0)


def cost_rows(**changed: object) -> list[Figure]:
    costs = Costs(rules=RULES, past=(PAST,), frames=FRAMES)
    return list(figures(structs.replace(runs(), costs=structs.replace(costs, **changed))))


@pytest.mark.parametrize(
    ("start", "value", "verdict"),
    [
        ("rules a reading, window 17,280", 1.2, Verdict.OK),
        ("rules a reading, 10,000 sensors", 1.3, Verdict.NOT_YET),
        ("rules a reading, 200 rules", 1.4, Verdict.OK),
        ("backtest of hypertension (16 rules), a million events", 8.0, Verdict.OK),
        ("the same on two cores", 1.8, Verdict.OK),
        ("advertisements heard", 100_000.0, Verdict.OK),
    ],
)
def test_growth_and_speed_are_held_against_their_aims(
    start: str, value: float, verdict: Verdict
) -> None:
    (row,) = [row for row in cost_rows() if row.what.startswith(start)]
    assert (row.value, row.verdict) == (pytest.approx(value), verdict)


def test_the_rules_and_the_decoder_stand_beside_what_one_would_write_or_install() -> None:
    found = {row.what: row.ratio for row in cost_rows() if row.plain}
    ours = {what: ratio for what, ratio in found.items() if "polyfit" in what or "BTHome" in what}
    assert list(ours.values()) == [pytest.approx(50.0), pytest.approx(7.0)]


def test_a_library_that_is_not_installed_is_said() -> None:
    (row,) = [
        row
        for row in cost_rows(frames=structs.replace(FRAMES, oracle_us=None))
        if "BTHome" in row.what
    ]
    assert (row.plain, row.verdict) == (None, Verdict.SHOWN)
    assert "not installed" in row.what


def test_a_machine_with_one_core_has_no_row_of_two() -> None:
    found = cost_rows(past=(structs.replace(PAST, two_s=None),))
    assert not [row for row in found if "two cores" in row.what]
