"""The kit's own health, what is known not to be, and the first sign of a day."""

from datetime import time, timedelta

import pytest

from rules.branches import Branch
from rules.engine import advance, start

H = timedelta(hours=1)
MIN = timedelta(minutes=1)


@pytest.fixture
def said(plan, reading):
    """said(rule, readings, until): [(day, "HH:MM", phase)], from the first midnight on."""

    def go(one, readings, until, timezone="Europe/London"):
        home = plan(one, timezone=timezone)
        begin = reading("level", 0.0).taken_at
        ordered = sorted(readings, key=lambda each: (each.taken_at, each.id))
        found = advance(home, start(home, begin), ordered, until).findings
        return [((f.at - begin).days, f"{f.at:%H:%M}", f.phase.value) for f in found]

    return go


CLOCKS = [
    pytest.param(119.0, [], id="less than the limit"),
    pytest.param(120.0, ["active"], id="just the limit, ahead"),
    pytest.param(-120.0, ["active"], id="just the limit, behind"),
]


@pytest.mark.parametrize(("ahead_s", "phases"), CLOCKS)
def test_a_clock_that_is_wrong_either_way(ahead_s, phases, said, rule, reading):
    measured = [reading("kit.clock_ahead", ahead_s, "08:00")]
    found = said(rule("clock"), measured, measured[-1].taken_at)
    assert [phase for _, _, phase in found] == phases


def test_a_clock_that_was_set_right_is_right(said, rule, reading):
    measured = [
        reading("kit.clock_ahead", 7200.0, "08:00"),
        reading("kit.clock_ahead", 1.0, "09:00"),
    ]
    assert said(rule("clock"), measured, measured[-1].taken_at) == [
        (0, "08:00", "active"),
        (0, "09:00", "inactive"),
    ]


OFF = [
    pytest.param("08:15", [], id="just the limit is back in time"),
    pytest.param("08:16", [(0, "08:15", "active"), (0, "08:16", "inactive")], id="longer"),
]


@pytest.mark.parametrize(("back", "expected"), OFF)
def test_a_gateway_that_was_off(back, expected, said, rule, reading):
    told = [
        reading("kit.gateway_offline", 1.0, "08:00"),
        reading("kit.gateway_offline", 0.0, back),
    ]
    found = said(rule("gateway-silent"), told, told[-1].taken_at + H)
    assert found == expected


NOT = [
    pytest.param([("device_online", 0.0, "08:00")], ["active"], id="known not to be"),
    pytest.param([("device_online", 1.0, "08:00")], [], id="known to be"),
    pytest.param([], [], id="never heard of is not known not to be"),
    pytest.param(
        [("device_online", 0.0, "08:00"), ("device_online", 1.0, "09:00")],
        ["active", "inactive"],
        id="no longer",
    ),
]


@pytest.mark.parametrize(("events", "phases"), NOT)
def test_what_is_known_not_to_be(events, phases, said, rule, reading):
    readings = [reading(metric, value, at) for metric, value, at in events]
    one = rule("not", of=(Branch(metric="device_online"),))
    found = said(one, readings, reading("level", 0.0, "10:00").taken_at)
    assert [phase for _, _, phase in found] == phases


def test_what_is_too_old_is_not_known_not_to_be(said, rule, reading):
    one = rule("not", of=(Branch(metric="room_temperature", at_least=18.0, within=2 * H),))
    cold = [reading("room_temperature", 17.0, "08:00")]
    until = reading("level", 0.0, "12:00").taken_at
    assert said(one, cold, until) == [(0, "08:00", "active"), (0, "10:00", "inactive")]


def test_the_change_that_would_have_kept_it_silent(plan, rule, reading):
    one = rule("not", of=(Branch(metric="room_temperature", at_least=18.0, within=2 * H),))
    home, cold = plan(one), [reading("room_temperature", 17.0, "08:00")]
    (found,) = advance(home, start(home, cold[0].taken_at), cold, cold[0].taken_at).findings
    assert found.because.counterfactual.value == 1.0


def mornings(reading, at, days):
    return [reading("movement", 1.0, at, day=day) for day in range(days)]


UP = {"metrics": ("movement",), "by": time(11), "grace": H, "days": 28, "min_days": 14}


def test_before_the_persons_mornings_are_known_a_fixed_time_holds(said, rule, reading):
    until = reading("level", 0.0, "12:00", day=0).taken_at
    assert said(rule("first-of-day", **UP), [], until) == [(0, "12:00", "active")]


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        pytest.param(13, (13, "12:00", "active"), id="thirteen mornings are too few"),
        pytest.param(14, (14, "08:00", "active"), id="fourteen are enough"),
    ],
)
def test_an_hour_after_the_persons_own_mornings(days, expected, said, rule, reading):
    until = reading("level", 0.0, "12:00", day=days).taken_at
    assert said(rule("first-of-day", **UP), mornings(reading, "07:00", days), until) == [expected]


def test_a_sign_at_that_very_minute_is_in_time(said, rule, reading):
    usual = [*mornings(reading, "07:00", 14), reading("movement", 1.0, "08:00", day=14)]
    until = reading("level", 0.0, "12:00", day=14).taken_at
    assert said(rule("first-of-day", **UP), usual, until) == []


def test_a_sign_in_the_night_is_no_morning(said, rule, reading):
    usual = [*mornings(reading, "07:00", 14), reading("movement", 1.0, "03:59", day=14)]
    until = reading("level", 0.0, "08:00", day=14).taken_at
    assert said(rule("first-of-day", **UP), usual, until) == [(14, "08:00", "active")]


def test_it_ends_with_the_first_sign_and_the_next_day_is_waited_for_anew(said, rule, reading):
    late = [reading("movement", 1.0, "13:00")]
    until = reading("level", 0.0, "12:00", day=1).taken_at
    assert said(rule("first-of-day", **UP), late, until) == [
        (0, "12:00", "active"),
        (0, "13:00", "inactive"),
        (1, "12:00", "active"),
    ]


def test_a_suspected_fall_may_be_cancelled_in_either_of_two_ways(said, rule, reading):
    one = rule(
        "sequence",
        first="fall_suspected",
        then="fall_cancelled",
        or_then=("im_ok",),
        within=20 * timedelta(seconds=1),
    )
    begin = reading("level", 0.0, "10:00").taken_at
    for sign in ("fall_cancelled", "im_ok"):
        course = [
            reading("fall_suspected", 1.0, begin),
            reading(sign, 1.0, begin + timedelta(seconds=20)),
        ]
        assert said(one, course, begin + MIN) == []
    assert len(said(one, [reading("fall_suspected", 1.0, begin)], begin + MIN)) == 1


def test_a_fall_that_nobody_cancelled_hides_no_other(said, rule, reading):
    """Whoever helped pressed nothing: the next fall is found all the same."""
    one = rule("sequence", first="fall_suspected", then="im_ok", within=20 * timedelta(seconds=1))
    falls = [reading("fall_suspected", 1.0, "10:00", day=day) for day in (0, 3, 4)]
    assert said(one, falls, falls[-1].taken_at + MIN) == [
        (0, "10:00", "active"),
        (3, "10:00", "inactive"),
        (3, "10:00", "active"),
        (4, "10:00", "inactive"),
        (4, "10:00", "active"),
    ]


def test_a_door_that_is_heard_again_is_the_same_door(said, rule, reading):
    one = rule("sequence", first="door_open", then="movement", within=10 * MIN)
    opened = [reading("door_open", 1.0, f"{hour:02}:00") for hour in (1, 2, 3)]
    assert said(one, opened, opened[-1].taken_at + 20 * MIN) == [(0, "01:10", "active")]


@pytest.mark.parametrize("kind", ["any", "all"])
def test_an_event_in_a_branch_can_happen_again(kind, said, rule, reading):
    one = rule(kind, of=(Branch(metric="sos_pressed"), Branch(metric="sos_pressed", above=0.5)))
    pressed = [reading("sos_pressed", 1.0, at) for at in ("01:00", "09:00")]
    assert said(one, pressed, pressed[-1].taken_at + H) == [
        (0, "01:00", "active"),
        (0, "01:01", "inactive"),
        (0, "09:00", "active"),
        (0, "09:01", "inactive"),
    ]


def test_two_yeses_to_one_question_are_one(said, rule, reading):
    one = rule("answer", metrics=("im_ok", "symptom.feel_worse"), at_least=2)
    twice = [reading("im_ok", 1.0, "08:00"), reading("im_ok", 1.0, "08:05")]
    assert said(one, twice, twice[-1].taken_at) == []
    both = [*twice, reading("symptom.feel_worse", 1.0, "08:10")]
    assert said(one, both, both[-1].taken_at) == [(0, "08:10", "active")]
