"""What happens at one and the same moment, in one order however it is told."""

from datetime import timedelta
from itertools import product

import pytest

from rules.branches import Branch
from rules.engine import advance, start

H = timedelta(hours=1)


@pytest.fixture
def same(home, monkeypatch):
    """same(plan, readings): what stands, the same at once, one by one, and backwards."""

    def run(plan, readings, until=6 * H):
        begin = min(one.taken_at for one in readings) - H
        ordered = sorted(readings, key=lambda one: (one.taken_at, one.id))
        found = advance(plan, start(plan, begin), ordered, begin + until).findings
        ways = product((ordered, ordered[::-1]), (True, False), (0 * H, H), (1, 256))
        for order, restarts, ahead, checkpoint_every in ways:
            monkeypatch.setattr("rules.engine.CHECKPOINT_EVERY", checkpoint_every)
            lived = home(plan, begin)
            at = begin
            for one in order:
                at = max(at, one.taken_at - ahead)
                lived.take((), at)
                lived.take([one], at)
                if restarts:
                    lived.restart_unnoticed(at)
            lived.restart_unnoticed(at)
            lived.take((), begin + until)
            assert lived.journal.standing == {finding.id: finding for finding in found}
        said = [((f.at - begin) / H, f.rule, f.phase.value) for f in found]
        return sorted(said, key=lambda line: line[:2])

    return run


def test_a_reading_at_the_due_moment_is_in_time_even_when_it_is_told_later(
    same, rule, plan, reading
):
    home = plan(rule("absence", metrics=("im_ok",), every=2 * H))
    for device in "abcdef":
        course = [reading("im_ok", 1.0, "02:00"), reading("im_ok", 1.0, "04:00", device=device)]
        assert same(home, course, until=4.5 * H) == []


def test_a_rule_that_flickers_within_a_moment_is_heard_once_as_it_ended(same, rule, plan, reading):
    high = rule("threshold", "high", metric="level", above=10.0)
    hears = rule("answer", "hears", metrics=("rule.high",))
    names = sorted("abcd", key=lambda name: reading("level", 11.0, "02:00", device=name).id)
    low = min(
        (reading("level", tenth / 10, "02:00", device="low") for tenth in range(99)),
        key=lambda one: one.id,
    )
    course = [reading("level", 11.0, at, device=names[-1]) for at in ("01:00", "02:00")]
    assert low.id < course[1].id
    end = reading("level", 9.0, "04:00")
    said = same(plan(hears, high), [*course, low, end])
    assert [line for line in said if line[1] == "high"] == [
        (1.0, "high", "active"),
        (2.0, "high", "inactive"),
        (2.0, "high", "active"),
        (4.0, "high", "inactive"),
    ]
    assert [line for line in said if line[1] == "hears"] == [
        (1.0, "hears", "active"),
        (4.0, "hears", "inactive"),
    ]


def test_a_rule_and_what_it_hears_may_happen_at_one_moment(same, rule, plan, reading):
    high = rule("threshold", "high", metric="level", above=10.0)
    both = rule("all", "both", of=(Branch(metric="rule.high"), Branch(metric="door_open")))
    course = [reading("level", 11.0, "03:00"), reading("door_open", 1.0, "03:00")]
    said = same(plan(both, high), course)
    assert said == [(1.0, "both", "active"), (1.0, "high", "active")]


def test_what_two_rules_do_at_one_moment_is_heard_in_the_order_of_their_names(
    same, rule, plan, reading
):
    asks = rule("threshold", "a-asks", metric="level", above=10.0)
    answers = rule("threshold", "b-answers", metric="level", above=10.5)
    owed = rule("absence", "owed", metrics=("rule.b-answers",), after="rule.a-asks", within=2 * H)
    course = [reading("level", 11.0, "02:00")]
    for order in ((owed, answers, asks), (owed, asks, answers)):
        assert "owed" not in {name for _, name, _ in same(plan(*order), course)}


def test_two_rules_that_change_at_one_moment_leave_no_trace_of_the_moment_between(
    same, rule, plan, reading
):
    high = rule("threshold", "high", metric="level", above=10.0)
    low = rule("threshold", "low", metric="level", at_most=10.0)
    either = rule("any", "either", of=(Branch(metric="rule.high"), Branch(metric="rule.low")))
    course = [reading("level", value, f"0{hour}:00") for hour, value in ((2, 9.0), (3, 11.0))]
    said = same(plan(either, high, low), course)
    assert [line for line in said if line[1] == "either"] == [(1.0, "either", "active")]


def test_what_was_told_apart_but_happened_at_one_moment_leaves_no_trace_either(
    same, rule, plan, reading
):
    high = rule("threshold", "high", metric="level", above=10.0)
    cold = rule("threshold", "cold", metric="room_temperature", below=10.0)
    either = rule("any", "either", of=(Branch(metric="rule.high"), Branch(metric="rule.cold")))
    course = [
        reading(metric, value, at)
        for at, value in (("01:00", 11.0), ("02:00", 9.0))
        for metric in ("level", "room_temperature")
    ]
    said = same(plan(either, high, cold), course)
    assert [line for line in said if line[1] == "either"] == [(1.0, "either", "active")]


WITHIN = [
    pytest.param("any", [("level", "02:00")], [(1.0, "active"), (2.0, "inactive")], id="any"),
    pytest.param(
        "all",
        [("level", "02:00"), ("room_temperature", "02:30")],
        [(1.5, "active"), (2.0, "inactive")],
        id="all",
    ),
    pytest.param(
        "all", [("level", "02:00"), ("room_temperature", "03:00")], [], id="all, just too late"
    ),
]


@pytest.mark.parametrize(("kind", "course", "said"), WITHIN)
def test_a_branch_counts_for_as_long_as_it_says(kind, course, said, same, rule, plan, reading):
    branches = (
        Branch(metric="level", above=10.0, within=H),
        Branch(metric="room_temperature", above=10.0, within=H),
    )
    readings = [reading(metric, 11.0, at) for metric, at in course]
    found = same(plan(rule(kind, of=branches)), readings)
    assert [(at, phase) for at, _, phase in found] == said


def test_an_answer_counts_until_it_is_taken_back_or_forgotten(same, rule, plan, reading):
    home = plan(rule("answer", metrics=("im_ok", "symptom.pillows"), within=2 * H))
    taken_back = [reading("im_ok", 1.0, "01:00"), reading("im_ok", 0.0, "01:30")]
    assert [at for at, _, _ in same(home, taken_back)] == [1.0, 1.5]
    both = [reading("im_ok", 1.0, "01:00"), reading("symptom.pillows", 1.0, "02:00")]
    assert [at for at, _, _ in same(home, both)] == [1.0, 4.0]
