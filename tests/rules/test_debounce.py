"""When a condition that holds begins and ceases to count."""

from datetime import timedelta

import pytest

from rules.engine import advance, start
from rules.outcome import decide

H = timedelta(hours=1)
MIN = timedelta(minutes=1)

COUNTED = [
    pytest.param(3, 3, "HHH", [3], id="3 of 3 at the third"),
    pytest.param(3, 3, "HHLHH", [], id="one low starts the count anew"),
    pytest.param(2, 3, "HLH", [3], id="2 of 3 over one low"),
    pytest.param(2, 3, "HLLH", [], id="2 of 3 forgets the fourth last"),
    pytest.param(3, 3, "HHHHHH", [3], id="said once while it holds"),
    pytest.param(3, 3, "HHHLHHH", [3, 7], id="said again after it ended"),
]


@pytest.mark.parametrize(("k", "n", "course", "begins"), COUNTED)
def test_k_of_n(k, n, course, begins, rule, plan, reading):
    home = plan(rule("threshold", debounce={"k": k, "n": n}, metric="level", above=10.0))
    readings = [
        reading("level", 11.0 if word == "H" else 9.0, f"{hour:02}:00")
        for hour, word in enumerate(course, 1)
    ]
    begin = readings[0].taken_at - H
    found = advance(home, start(home, begin), readings, readings[-1].taken_at).findings
    assert [(f.at - begin) // H for f in found if f.phase == "active"] == begins
    for finding in found:
        assert len(finding.because.readings) <= n
        assert finding.because.readings[-1] in {one.id for one in readings}


def test_the_readings_that_were_counted_are_the_evidence(rule, plan, reading):
    home = plan(rule("threshold", debounce={"k": 3, "n": 3}, metric="level", above=10.0))
    readings = [reading("level", 11.0, f"{hour:02}:00") for hour in range(1, 5)]
    (found,) = advance(
        home, start(home, readings[0].taken_at), readings, readings[-1].taken_at
    ).findings
    assert found.because.readings == tuple(one.id for one in readings[:3])


PERSISTING = [
    # a quantity: (minute, value); persists for 30 minutes; expected minutes of begin and end
    pytest.param("level", [(0, 11), (15, 11), (30, 11)], [30], id="held at the thirtieth minute"),
    pytest.param("level", [(0, 11), (15, 11), (29, 11)], [], id="not yet at the twenty-ninth"),
    pytest.param("level", [(0, 11), (60, 9)], [], id="silence makes no finding of a quantity"),
    pytest.param(
        "level", [(0, 11), (31, 11), (50, 11)], [], id="two values with a gap are not a stretch"
    ),
    pytest.param(
        "level",
        [(0, 11), (31, 11), (50, 11), (61, 11)],
        [61],
        id="the stretch begins after the gap",
    ),
    pytest.param("level", [(0, 11), (15, 9), (20, 11), (40, 11)], [], id="a break ends it"),
    pytest.param("door_open", [(0, 1)], [30], id="a door stays open through silence"),
    pytest.param("door_open", [(0, 1), (30, 0)], [], id="closed at the very moment"),
    pytest.param("door_open", [(0, 1), (10, 1), (20, 1)], [30], id="said open again is still open"),
    pytest.param("door_open", [(0, 1), (10, 0), (20, 1)], [50], id="opened again counts anew"),
]


@pytest.mark.parametrize(("metric", "course", "begins"), PERSISTING)
def test_persist_for(metric, course, begins, rule, plan, reading):
    limit = 10.0 if metric == "level" else 0.5
    home = plan(rule("threshold", debounce={"persist_for": 30 * MIN}, metric=metric, above=limit))
    begin = reading("level", 0.0, "01:00").taken_at
    readings = [reading(metric, float(value), begin + minute * MIN) for minute, value in course]
    found = advance(home, start(home, begin), readings, begin + 2 * H).findings
    assert [(f.at - begin) // MIN for f in found if f.phase == "active"] == begins


def test_a_timer_is_asked_for_and_its_finding_carries_the_due_time(home, rule, plan, reading):
    lived = home(
        plan(rule("threshold", debounce={"persist_for": 30 * MIN}, metric="door_open", above=0.5))
    )
    opened = reading("door_open", 1.0, "01:00")
    assert lived.take([opened], opened.taken_at).wake_at == opened.taken_at + 30 * MIN
    (found,) = lived.take((), opened.taken_at + 3 * H).findings
    assert found.at == opened.taken_at + 30 * MIN
    assert lived.wake_at is None


COOLING = [
    pytest.param("level", [(0, 11), (10, 9), (20, 11)], [0], id="not again within the time"),
    pytest.param("level", [(0, 11), (10, 9), (70, 11)], [0, 70], id="again at its end"),
    pytest.param(
        "level", [(0, 11), (10, 9), (20, 11), (75, 11)], [0, 75], id="held through it, at a reading"
    ),
    pytest.param("door_open", [(0, 1), (10, 0), (20, 1)], [0, 70], id="held through it, by itself"),
]


@pytest.mark.parametrize(("metric", "course", "begins"), COOLING)
def test_cooldown(metric, course, begins, rule, plan, reading):
    limit = 10.0 if metric == "level" else 0.5
    home = plan(rule("threshold", debounce={"cooldown": H}, metric=metric, above=limit))
    begin = reading("level", 0.0, "01:00").taken_at
    readings = [reading(metric, float(value), begin + minute * MIN) for minute, value in course]
    found = advance(home, start(home, begin), readings, begin + 3 * H).findings
    assert [(f.at - begin) // MIN for f in found if f.phase == "active"] == begins


HELD = [
    pytest.param(30 * MIN, "30 minutes", id="in minutes"),
    pytest.param(18 * H, "18 hours", id="in hours"),
]


@pytest.mark.parametrize(("persist_for", "shown"), HELD)
def test_for_how_long_it_held_is_in_the_evidence(persist_for, shown, rule, plan, reading):
    home = plan(
        rule("threshold", debounce={"persist_for": persist_for}, metric="door_open", above=0.5)
    )
    opened = reading("door_open", 1.0, "01:00")
    (found,) = advance(
        home, start(home, opened.taken_at), [opened], opened.taken_at + 20 * H
    ).findings
    assert decide(home, found, found.at).alert.values["held"] == shown
