"""What lasts too long, happens too often or falls silent at home, and the kit's own health."""

from datetime import time, timedelta

import pytest

from rules.engine import advance, start
from rules.hours import Hours

NIGHT = Hours(time(22), time(6))
MIN = timedelta(minutes=1)
H = timedelta(hours=1)


@pytest.fixture
def said(plan, reading):
    """said(rule, readings, until): [(day, "HH:MM", phase)] of one go, from the first midnight."""

    def go(one, readings, until):
        home = plan(one)
        begin = reading("level", 0.0).taken_at
        ordered = sorted(readings, key=lambda each: (each.taken_at, each.id))
        found = advance(home, start(home, begin), ordered, until).findings
        return [((f.at - begin).days, f"{f.at:%H:%M}", f.phase.value) for f in found]

    return go


def course(reading, metric, text):
    """ "0 22:10=0, 1 06:00=1": readings of that metric."""
    made = []
    for part in text.split(", "):
        moment, _, value = part.partition("=")
        day, at = moment.split()
        made.append(reading(metric, float(value), at, day=int(day)))
    return made


BED = {"metric": "bed_occupied", "on": False, "lasting": 45 * MIN, "between": NIGHT}
BED_ROWS = [
    pytest.param("0 21:00=1, 0 23:00=0", [(0, "23:45", "active")], id="just that long counts"),
    pytest.param("0 21:00=1, 0 23:00=0, 0 23:45=1", [], id="back at that very moment"),
    pytest.param(
        "0 21:00=1, 0 23:00=0, 1 00:30=1",
        [(0, "23:45", "active"), (1, "00:30", "inactive")],
        id="it ends on return",
    ),
    pytest.param("0 21:00=1, 0 21:59=0", [], id="it began before its hours"),
    pytest.param("0 21:00=1, 1 05:20=0", [], id="its hours are over first"),
    pytest.param("0 21:00=1, 1 05:15=0", [], id="due just as its hours end"),
    pytest.param(
        "0 23:00=0", [(0, "23:45", "active")], id="the first that is heard is a beginning"
    ),
    pytest.param(
        "0 21:00=1, 0 23:00=0, 0 23:30=0",
        [(0, "23:45", "active")],
        id="hearing it again is nothing",
    ),
    pytest.param("0 23:00=1", [], id="in bed"),
]


@pytest.mark.parametrize(("text", "expected"), BED_ROWS)
def test_out_of_bed_for_too_long(text, expected, said, rule, reading):
    until = reading("level", 0.0, "12:00", day=1).taken_at
    assert said(rule("duration", **BED), course(reading, "bed_occupied", text), until) == expected


EXITS = {"metric": "bed_occupied", "on": False, "at_least": 2, "between": NIGHT}
EXIT_ROWS = [
    pytest.param(
        "0 21:00=1, 0 23:00=0, 0 23:10=1, 1 02:00=0",
        [(1, "02:00", "active")],
        id="just so many count, past midnight",
    ),
    pytest.param("0 21:00=1, 0 23:00=0, 0 23:10=1", [], id="fewer do not"),
    pytest.param(
        "0 21:00=1, 0 21:30=0, 0 21:40=1, 0 23:00=0", [], id="what was before its hours does not"
    ),
    pytest.param("0 23:00=0, 1 01:00=0, 1 02:00=0", [], id="no change is none"),
    pytest.param(
        "0 21:00=1, 0 23:00=0, 0 23:10=1, 1 02:00=0, 1 03:00=1, 1 23:00=0",
        [(1, "02:00", "active"), (2, "06:00", "inactive")],
        id="a better night ends it",
    ),
    pytest.param(
        "0 21:00=1, 0 23:00=0, 0 23:10=1, 1 02:00=0",
        [(1, "02:00", "active")],
        id="a night without a reading says nothing",
    ),
]


@pytest.mark.parametrize(("text", "expected"), EXIT_ROWS)
def test_counted_by_the_night(text, expected, said, rule, reading):
    until = reading("level", 0.0, "12:00", day=3).taken_at
    assert said(rule("count", **EXITS), course(reading, "bed_occupied", text), until) == expected


def test_events_that_are_close_together_are_one(said, rule, reading):
    one = rule("count", metric="button_pressed", at_least=2, between=NIGHT, apart=MIN)
    until = reading("level", 0.0, "12:00", day=1).taken_at
    presses = course(reading, "button_pressed", "0 23:00=1, 0 23:00.5=1")
    assert said(one, presses, until) == []
    presses = course(reading, "button_pressed", "0 23:00=1, 0 23:01=1")
    assert said(one, presses, until) == [(0, "23:01", "active")]


def signs(reading, every, days, metric="movement", until="21:00"):
    """Movement that often from 08:00 on, each day."""
    begin = reading("level", 0.0, "08:00").taken_at
    end = reading("level", 0.0, until).taken_at
    count = int((end - begin) / every) + 1
    return [
        reading(metric, 1.0, begin + timedelta(days=day) + every * number)
        for day in range(days)
        for number in range(count)
    ]


DAYTIME = Hours(time(8), time(21))
QUIET = {"metrics": ("movement",), "between": DAYTIME, "floor": H, "min_gaps": 3}


def test_before_anything_is_learned_the_floor_alone_holds(said, rule, reading):
    until = reading("level", 0.0, "20:00").taken_at
    movement = [reading("movement", 1.0, "10:00")]
    assert said(rule("inactivity", **QUIET), movement, until) == [
        (0, "09:00", "active"),
        (0, "10:00", "inactive"),
        (0, "11:00", "active"),
    ]


def test_a_person_who_rests_for_two_hours_may_do_so(said, rule, reading):
    resting = signs(reading, 2 * H, 10, until="20:00")
    until = reading("level", 0.0, "22:00", day=10).taken_at
    findings = said(rule("inactivity", **QUIET), resting, until)
    learned = [day for day, _, phase in findings if phase == "active" and day > 4]
    # 20:00 is followed by the night, which is no gap of the day; at 09:00 all of the floor is over.
    assert set(learned) == {10}
    assert findings[-1] == (10, "09:00", "active")


def test_a_silence_longer_than_the_persons_own_is_found_at_that_moment(said, rule, reading):
    usual = signs(reading, timedelta(minutes=90), 10, until="20:00")
    last = [reading("movement", 1.0, "09:30", day=10)]
    until = reading("level", 0.0, "20:00", day=10).taken_at
    findings = said(rule("inactivity", **QUIET), usual + last, until)
    assert findings[-1] == (10, "11:00", "active")


def test_a_gap_that_begins_at_the_outer_door_may_last_and_is_not_learned(said, rule, reading):
    one = rule("inactivity", leaving="door_open", leaving_for=6 * H, **QUIET)
    door = [reading("door_open", 1.0, "10:00")]
    morning = [reading("movement", 1.0, "08:30")]
    until = reading("level", 0.0, "20:00").taken_at
    assert said(one, morning + door, until) == [
        (0, "09:30", "active"),
        (0, "10:00", "inactive"),
        (0, "16:00", "active"),
    ]


def test_no_movement_is_no_sign(said, rule, reading):
    still = [reading("movement", 1.0, "08:30"), reading("movement", 0.0, "09:00")]
    until = reading("level", 0.0, "10:00").taken_at
    assert said(rule("inactivity", **QUIET), still, until) == [(0, "09:30", "active")]


SILENT = {"metrics": ("battery", "room_temperature"), "every": H}
SILENT_ROWS = [
    pytest.param([], [(0, "03:00", "active")], id="never heard of since the rule began"),
    pytest.param(["02:00"], [(0, "05:00", "active")], id="three times its interval"),
    pytest.param(["03:00", "06:00"], [(0, "09:00", "active")], id="at that very moment it speaks"),
    pytest.param(
        ["02:00", "07:00"],
        [(0, "05:00", "active"), (0, "07:00", "inactive"), (0, "10:00", "active")],
        id="it ends with any word",
    ),
]


@pytest.mark.parametrize(("times", "expected"), SILENT_ROWS)
def test_a_silent_device(times, expected, said, rule, reading):
    heard = [reading("room_temperature", 18.0, at) for at in times]
    until = reading("level", 0.0, "11:00").taken_at
    assert said(rule("silence", **SILENT), heard, until) == expected


def test_each_device_is_waited_for_by_itself_from_its_first_word_on(plan, rule, reading):
    one = rule("silence", per_device=True, **SILENT)
    heard = [
        reading("battery", 90.0, "01:00", device="a"),
        reading("battery", 90.0, "02:00", device="b"),
        reading("battery", 90.0, "03:00", device="b"),
    ]
    home = plan(one)
    until = reading("level", 0.0, "05:00").taken_at
    found = advance(home, start(home, heard[0].taken_at), heard, until).findings
    assert [(finding.device, f"{finding.at:%H:%M}") for finding in found] == [("a", "04:00")]


BATTERY_ROWS = [
    pytest.param("0 01:00=20", [], id="just the limit is not low"),
    pytest.param("0 01:00=19", ["active"], id="below it is"),
    pytest.param("0 01:00=19, 0 02:00=20, 0 03:00=29", ["active"], id="it stays until well above"),
    pytest.param("0 01:00=19, 0 02:00=30", ["active", "inactive"], id="it ends at clear_percent"),
]


@pytest.mark.parametrize(("text", "phases"), BATTERY_ROWS)
def test_a_battery(text, phases, said, rule, reading):
    one = rule("battery", below_percent=20.0, clear_percent=30.0)
    until = reading("level", 0.0, day=60).taken_at
    found = said(one, course(reading, "battery", text), until)
    assert [phase for _, _, phase in found] == phases


def test_a_battery_that_died_stays_open_whatever_else_the_device_sends(said, rule, reading):
    one = rule("battery", below_percent=10.0)
    dead = [
        reading("battery", 3.0, "01:00"),
        reading("room_temperature", 18.0, "02:00"),
        reading("battery_low", 0.0, "03:00"),
    ]
    until = reading("level", 0.0, day=60).taken_at
    assert said(one, dead, until) == [(0, "01:00", "active")]


def test_a_devices_own_word_counts_until_it_says_otherwise(said, rule, reading):
    one = rule("battery", below_percent=10.0)
    words = course(reading, "battery_low", "0 01:00=1, 0 02:00=0")
    until = reading("level", 0.0, day=1).taken_at
    assert said(one, words, until) == [(0, "01:00", "active"), (0, "02:00", "inactive")]


BAD = [
    pytest.param("duration", {"metric": "door_open", "lasting": timedelta(0)}, id="no time at all"),
    pytest.param("count", EXITS | {"at_least": 0}, id="no times"),
    pytest.param("inactivity", {"metrics": ()}, id="no signs"),
    pytest.param("inactivity", QUIET | {"floor": 14 * H}, id="a floor longer than its hours"),
    pytest.param("inactivity", QUIET | {"leaving": "door_open"}, id="away without an end"),
    pytest.param("inactivity", QUIET | {"percentile": 0.99}, id="a share for a percentile"),
    pytest.param("silence", SILENT | {"times": 0.5}, id="sooner than it is due"),
    pytest.param("battery", {"below_percent": 0.0}, id="never low"),
    pytest.param("battery", {"below_percent": 20.0, "clear_percent": 10.0}, id="clear below low"),
]


@pytest.mark.parametrize(("kind", "params"), BAD)
def test_params_that_make_no_sense_are_refused(kind, params, rule):
    with pytest.raises(ValueError):
        rule(kind, **params)
