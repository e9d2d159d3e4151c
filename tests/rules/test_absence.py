"""Silence, judged at the moment at which something was due."""

from datetime import time, timedelta

import pytest

from rules.engine import advance, start
from rules.hours import Hours

H = timedelta(hours=1)
DAY = Hours(time(8), time(20))


def begins(home, course, begin, end):
    found = advance(home, start(home, begin), course, end).findings
    return [finding.at for finding in found if finding.phase == "active"]


EVERY = [
    # hours of movement, hours (from midnight) at which 3 h of silence were up
    pytest.param([9], [12], id="three hours after the last sign"),
    pytest.param([9, 11.9], [14.9], id="a sign starts the wait anew"),
    pytest.param([9, 12], [15], id="a sign at the due moment is in time"),
    pytest.param([], [11], id="no sign at all: three hours into the day"),
    pytest.param([9, 12, 15, 17.5], [35], id="it would be due at night: the next day"),
    pytest.param([9, 12, 15, 16.9], [19.9], id="just before the evening"),
]


@pytest.mark.parametrize(("signs", "due"), EVERY)
def test_every_so_often_within_hours(signs, due, rule, plan, reading):
    home = plan(rule("absence", metrics=("movement",), every=3 * H, between=DAY))
    begin = reading("level", 0.0).taken_at
    course = [reading("movement", 1.0, begin + hour * H) for hour in signs]
    assert begins(home, course, begin, begin + 35 * H)[: len(due)] == [begin + h * H for h in due]


def test_a_state_that_ends_is_no_sign(rule, plan, reading):
    home = plan(rule("absence", metrics=("movement",), every=3 * H))
    begin = reading("level", 0.0).taken_at
    course = [reading("movement", 1.0, begin + H), reading("movement", 0.0, begin + 2 * H)]
    assert begins(home, course, begin, begin + 5 * H) == [begin + 4 * H]


def test_who_went_out_by_the_door_is_waited_for_longer_but_not_for_ever(rule, plan, reading):
    home = plan(
        rule(
            "absence",
            metrics=("movement",),
            every=3 * H,
            between=DAY,
            leaving="door_open",
            leaving_for=8 * H,
        )
    )
    begin = reading("level", 0.0).taken_at
    out = [reading("movement", 1.0, "09:00"), reading("door_open", 1.0, "09:01")]
    back = [*out, reading("movement", 1.0, "10:00")]
    assert begins(home, out, begin, begin + 20 * H) == [out[1].taken_at + 8 * H]
    assert begins(home, back, begin, begin + 14 * H) == [back[2].taken_at + 3 * H]


BY = [
    pytest.param([7], [37], id="this morning there, tomorrow not"),
    pytest.param([], [13], id="said once while nothing comes"),
    pytest.param([13], [37], id="at the very end of the grace"),
    pytest.param([3], [13], id="before the day starts it belongs to yesterday"),
    pytest.param([14], [13, 37], id="a late one ends it and is not tomorrow's"),
]


@pytest.mark.parametrize(("taken", "due"), BY)
def test_by_a_time_of_day(taken, due, rule, plan, reading):
    home = plan(
        rule(
            "absence",
            metrics=("body_weight",),
            by=time(11),
            grace=2 * H,
            day_starts=time(4),
        )
    )
    begin = reading("level", 0.0).taken_at
    course = [reading("body_weight", 80.0, begin + hour * H) for hour in taken]
    assert begins(home, course, begin, begin + 38 * H) == [begin + hour * H for hour in due]


def test_nothing_is_owed_from_before_the_rule(rule, plan, reading):
    home = plan(rule("absence", metrics=("body_weight",), by=time(11)))
    afternoon = reading("level", 0.0, "14:00").taken_at
    assert begins(home, [], afternoon, afternoon + 20 * H) == []
    assert begins(home, [], afternoon, afternoon + 21 * H) == [afternoon + 21 * H]


QUESTIONS = ("symptom.ankles_swollen", "symptom.pillows")
AFTER = [
    # (minutes after the question, metric, value), minutes at which it is unanswered and ended
    pytest.param([], [240], [], id="no answer"),
    pytest.param([(5, 0), (6, 1)], [], [], id="all answered"),
    pytest.param([(5, 0)], [240], [], id="one of two is not all"),
    pytest.param([(5, 0), (240, 1)], [], [], id="the last one at the very end"),
    pytest.param([(5, 0), (300, 1)], [240], [300], id="answered later ends it"),
    pytest.param([(-10, 0), (-9, 1)], [240], [], id="answers from before the question"),
]


@pytest.mark.parametrize(("answers", "active", "ended"), AFTER)
def test_within_a_time_after_something_else(answers, active, ended, rule, plan, reading):
    asks = rule("threshold", "asks", metric="level", above=10.0)
    owed = rule("absence", "owed", metrics=QUESTIONS, after="rule.asks", within=4 * H)
    home = plan(owed, asks)
    asked = reading("level", 11.0, "07:00")
    minute = timedelta(minutes=1)
    course = [asked] + [
        reading(QUESTIONS[which], 0.0, asked.taken_at + minutes * minute)
        for minutes, which in answers
    ]
    course.sort(key=lambda one: one.taken_at)
    begin = asked.taken_at - H
    found = advance(home, start(home, begin), course, asked.taken_at + 6 * H).findings
    owed_found = [
        (finding.phase, (finding.at - asked.taken_at) // minute)
        for finding in found
        if finding.rule == "owed"
    ]
    expected = [("active", at) for at in active] + [("inactive", at) for at in ended]
    assert owed_found == expected


def test_a_question_that_was_taken_back_is_owed_no_longer(rule, plan, reading):
    asks = rule("threshold", "asks", metric="level", above=10.0)
    home = plan(asks, rule("absence", metrics=QUESTIONS, after="rule.asks", within=4 * H))
    course = [reading("level", 11.0, "07:00"), reading("level", 9.0, "08:00")]
    begin = course[0].taken_at - H
    found = advance(home, start(home, begin), course, begin + 9 * H).findings
    assert {finding.rule for finding in found} == {"asks"}
