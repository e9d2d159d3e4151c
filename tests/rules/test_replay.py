"""Late, withdrawn, restarted, replanned: what was lost or came too late is made good."""

from datetime import timedelta

import msgspec
import pytest
from msgspec import structs

from rules.branches import Branch
from rules.engine import CHECKPOINT_EVERY, advance, start
from rules.kinds.answer import State as AnswerState
from rules.model import RateLimit, Suppressor, Tier
from rules.replay import CHECKPOINTS_KEPT, restore

H = timedelta(hours=1)
DAY = timedelta(days=1)
DOOR = Branch(metric="door_open")


@pytest.fixture
def gain(rule):
    return rule("delta", "gain", metric="body_weight", rise=2.0, window=84 * H, tier=Tier.T1)


def weights(reading, *values):
    return [reading("body_weight", value, "07:00", day=day) for day, value in enumerate(values)]


def active(settled):
    return [finding.rule for finding in settled.findings if finding.phase == "active"]


def test_a_late_reading_supersedes_the_finding_that_it_refutes(home, plan, gain, reading):
    lived = home(plan(gain))
    first, last = reading("body_weight", 82.0, day=3), reading("body_weight", 82.1, day=4)
    lived.take([reading("body_weight", 80.0), first, last], last.taken_at)
    stood = dict(lived.journal.standing)
    settled = lived.take([reading("body_weight", 80.1, "01:00")], last.taken_at)
    assert {finding.rule for finding in stood.values()} == {"gain"}
    assert settled.superseded == ()
    lived = home(plan(gain))
    lived.take([reading("body_weight", 80.0, "01:00"), first], first.taken_at)
    settled = lived.take([reading("body_weight", 79.0, "00:30")], first.taken_at)
    (before,), (after,) = settled.superseded, settled.findings
    assert before.because.numbers[1].value == 80.0
    assert after.because.numbers[1].value == 79.0


def test_late_weights_that_show_a_gain_are_found_at_the_time_of_the_gain(home, plan, gain, reading):
    lived = home(plan(gain))
    first, second, third = weights(reading, 80.0, 82.2, 80.1)
    lived.take([first], first.taken_at)
    lived.take([third], third.taken_at)
    settled = lived.take([second], third.taken_at)
    assert [(f.at, f.phase) for f in settled.findings] == [
        (second.taken_at, "active"),
        (third.taken_at, "inactive"),
    ]


def test_a_withdrawn_reading_takes_its_findings_with_it(home, plan, gain, reading):
    lived = home(plan(gain))
    first, second = weights(reading, 80.0, 82.2)
    lived.take([first, second], second.taken_at)
    assert lived.said() == [(second.taken_at, "gain", "active")]
    settled = lived.take((), second.taken_at + H, withdrawn=[second])
    assert lived.said() == []
    assert [finding.rule for finding in settled.superseded] == ["gain"]


def test_a_finding_that_stands_again_comes_with_the_id_that_it_had(home, plan, gain, reading):
    lived = home(plan(gain))
    first, second = weights(reading, 80.0, 82.2)
    before = lived.take([first, second], second.taken_at).findings
    slip = reading("body_weight", 81.0, "06:00", day=1)
    lower = reading("body_weight", 79.0, "06:30")
    lived.take([slip, lower], second.taken_at)
    settled = lived.take((), second.taken_at, withdrawn=[slip, lower])
    assert settled.findings == before


def test_other_rules_are_told_of_a_late_change(home, plan, gain, rule, reading):
    asked = rule("absence", "asked", metrics=("im_ok",), after="rule.gain", within=4 * H)
    lived = home(plan(asked, gain))
    first, second = weights(reading, 80.0, 82.2)
    at = second.taken_at + 6 * H
    lived.take([second], at)
    settled = lived.take([first], at)
    assert [(f.rule, f.at) for f in settled.findings] == [
        ("gain", second.taken_at),
        ("asked", second.taken_at + 4 * H),
    ]
    asked_for = settled.findings[1].because
    assert asked_for.missing == "im_ok"
    assert set(asked_for.readings) == {first.id, second.id}, "its cause's evidence is in its own"


def test_a_home_that_starts_from_nothing_saved_is_a_home_that_starts(home, plan, gain, reading):
    lived = home(plan(gain))
    lived.saved = {}
    lived.restart(reading("level", 0.0).taken_at)
    first, second = weights(reading, 80.0, 82.2)
    assert active(lived.take([first, second], second.taken_at)) == ["gain"]


def test_states_that_were_lost_come_back_from_the_journal(home, plan, gain, reading):
    lived = home(plan(gain))
    first, second, third = weights(reading, 80.0, 82.2, 82.4)
    lived.take([first, second], second.taken_at)
    lived.saved = {}
    settled = lived.restart(second.taken_at + H)
    assert (settled.findings, settled.superseded) == ((), ())
    assert lived.take([third], third.taken_at).findings == ()


def test_a_reading_that_was_kept_but_not_judged_is_judged_at_the_next_start(
    home, plan, gain, reading
):
    lived = home(plan(gain))
    first, second = weights(reading, 80.0, 82.2)
    lived.take([first], first.taken_at)
    lived.journal.kept[second.id] = second
    assert active(lived.restart(second.taken_at)) == ["gain"]


def test_a_state_that_another_version_wrote_is_not_needed(home, plan, rule, reading):
    lived = home(plan(rule("answer", metrics=("im_ok",), within=6 * H)))
    pressed = reading("im_ok", 1.0, "09:00")
    lived.take([pressed], pressed.taken_at)
    lived.take((), pressed.taken_at + 2 * DAY)
    for key, body in lived.saved.items():
        lived.saved[key] = body.replace(b'"said"', b'"spoken":7,"said"').replace(b"{}", b"[]")
    assert b"checkpoints" in b"".join(lived.saved.values())
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"said":[]}', type=AnswerState)
    settled = lived.restart(pressed.taken_at + 2 * DAY)
    assert (settled.findings, settled.superseded) == ((), ())


NEW = [
    pytest.param(2.0, False, id="the same figures say nothing anew"),
    pytest.param(1.5, True, id="other figures say what is true now"),
]


@pytest.mark.parametrize(("rise", "anew"), NEW)
def test_a_changed_plan_says_what_is_true_when_it_comes_into_force(
    rise, anew, home, plan, rule, reading
):
    old = rule("delta", "gain", metric="body_weight", rise=2.0, window=84 * H)
    lived = home(plan(old))
    course = weights(reading, 80.0, 82.2, 82.3)
    lived.take(course, course[-1].taken_at)
    new = structs.replace(old, version="2", params=structs.replace(old.params, rise=rise))
    at = course[-1].taken_at + H
    settled = lived.restart(at, plan(new))
    assert [(f.at, f.version) for f in settled.findings] == ([(at, "2")] if anew else [])
    assert settled.superseded == ()
    again = lived.restart(at + H)
    assert (again.findings, again.superseded) == ((), ())


def test_a_new_rule_says_what_is_already_true_and_nothing_of_what_is_over(
    home, plan, gain, rule, reading
):
    lived = home(plan(gain))
    course = weights(reading, 80.0, 82.5, 80.2)
    low, lasting = reading("level", 1.0, "09:00", day=2), reading("level", 20.0, "10:00", day=2)
    lived.take([*course, low, lasting], lasting.taken_at)
    new = [
        rule("delta", "smaller", metric="body_weight", rise=1.0, window=84 * H),
        rule("threshold", "high", metric="level", above=10.0, per_device=True),
        rule("threshold", "warm", metric="room_temperature", above=10.0),
    ]
    settled = lived.restart(lasting.taken_at + H, plan(gain, *new))
    assert [(f.rule, f.at) for f in settled.findings] == [("high", lasting.taken_at + H)]
    late = reading("level", 30.0, "09:30", day=2, device="another")
    (found,) = lived.take([late], lasting.taken_at + 2 * H).findings
    assert (found.device, found.at) == ("another", lasting.taken_at + H), "true when it began"
    warm = reading("room_temperature", 30.0, "09:30", day=2)
    (found,) = lived.take([warm], lasting.taken_at + 2 * H).findings
    assert (found.rule, found.at) == ("warm", lasting.taken_at + H)
    over = [
        reading("level", value, at, day=2, device="third")
        for value, at in ((30.0, "08:00"), (5.0, "08:30"))
    ]
    assert lived.take(over, lasting.taken_at + 2 * H).findings == ()


def test_a_new_rule_knows_the_phase_of_an_old_one(home, plan, gain, rule, reading):
    lived = home(plan(gain))
    course = weights(reading, 80.0, 82.5)
    lived.take(course, course[-1].taken_at)
    at = course[-1].taken_at + 30 * H
    hears = rule("all", "hears", of=(Branch(metric="rule.gain"), Branch(metric="door_open")))
    opened = reading("door_open", 1.0, at - H)
    lived.take([opened], at)
    assert active(lived.restart(at, plan(gain, hears))) == ["hears"]


def test_what_no_longer_holds_under_new_figures_ends_for_those_who_heard_of_it(
    home, plan, rule, reading
):
    high = rule("threshold", "high", metric="level", above=10.0)
    back = {"suppressed_by": (Suppressor(by="rule.high"),)}
    warm = rule("threshold", "warm", metric="room_temperature", above=20.0, debounce=back)
    closed = rule("all", "closed", of=(Branch(metric="rule.high", below=1.0), DOOR))
    lived = home(plan(high, warm, closed))
    raised = reading("level", 11.0, "01:00")
    lived.take([raised], raised.taken_at)
    stricter = structs.replace(high, params=structs.replace(high.params, above=12.0))
    at = raised.taken_at + 30 * DAY
    settled = lived.restart(at, plan(stricter, warm, closed))
    assert [(f.rule, f.phase, f.at) for f in settled.findings] == [("high", "inactive", at)]
    later = [reading("door_open", 1.0, at + H), reading("room_temperature", 25.0, at + H)]
    assert sorted(active(lived.take(later, at + H))) == ["closed", "warm"]
    again = lived.restart(at + 2 * H)
    assert (again.findings, again.superseded) == ((), ())
    before = reading("level", 5.0, at - H)
    again = lived.take([before], at + 3 * H)
    assert (again.findings, again.superseded) == ((), ())


UNSAID = [
    pytest.param({"cooldown": 12 * H}, id="cooldown"),
    pytest.param({"rate_limit": RateLimit(count=1, per=24 * H)}, id="rate_limit"),
    pytest.param({"same_direction_window": 24 * H}, id="same_direction_window"),
]


@pytest.mark.parametrize("debounce", UNSAID)
def test_what_was_over_before_a_rule_was_new_holds_nothing_back(
    debounce, home, plan, gain, rule, reading
):
    """Nobody was told of it."""
    lived = home(plan(gain))
    course = [reading("level", value, at) for value, at in ((11.0, "08:00"), (9.0, "09:00"))]
    lived.take(course, course[-1].taken_at)
    new = rule("threshold", "high", metric="level", above=10.0, debounce=debounce)
    at = course[-1].taken_at + H
    assert lived.restart(at, plan(gain, new)).findings == ()
    high, low = reading("level", 11.0, at + H), reading("level", 9.0, at + 2 * H)
    assert active(lived.take([high], high.taken_at)) == ["high"]
    again = reading("level", 11.0, at + 3 * H)
    assert active(lived.take([low, again], again.taken_at)) == [], "this one was said"


@pytest.mark.parametrize("debounce", UNSAID)
def test_what_holds_when_a_rule_is_new_counts_as_a_beginning(
    debounce, home, plan, gain, rule, reading
):
    lived = home(plan(gain))
    course = [
        reading("level", value, at)
        for value, at in ((11.0, "08:00"), (9.0, "09:00"), (11.0, "10:00"))
    ]
    lived.take(course, course[-1].taken_at)
    new = rule("threshold", "high", metric="level", above=10.0, debounce=debounce)
    at = course[-1].taken_at + H
    assert active(lived.restart(at, plan(gain, new))) == ["high"]
    low, again = reading("level", 9.0, at + H), reading("level", 11.0, at + 2 * H)
    assert active(lived.take([low, again], again.taken_at)) == []


def test_a_device_whose_readings_were_all_withdrawn_was_never_there(home, plan, rule, reading):
    silent = rule("silence", metrics=("level",), every=H, per_device=True)
    lived = home(plan(silent))
    slip, kept = (reading("level", 1.0, "01:00", device=name) for name in ("slip", "kept"))
    at = slip.taken_at + 6 * H
    lived.take([slip, kept], at)
    assert {found.device for found in lived.journal.standing.values()} == {"slip", "kept"}
    lived.take((), at + H, withdrawn=[slip])
    assert {found.device for found in lived.journal.standing.values()} == {"kept"}
    lived.restart_unnoticed(at + H)
    back = reading("level", 1.0, "12:00", device="slip")
    lived.take([back], back.taken_at + 6 * H)
    assert [f.at for f in lived.journal.standing.values() if f.device == "slip"] == [
        back.taken_at + 3 * H
    ]


def test_a_rule_that_left_the_plan_comes_back_without_a_past(home, plan, gain, rule, reading):
    other = rule("threshold", "other", metric="level", above=10.0)
    lived = home(plan(gain, other))
    lived.take((), reading("level", 0.0, "01:00").taken_at)
    lived.restart(reading("level", 0.0, "02:00").taken_at, plan(other))
    course = weights(reading, 80.0, 82.5, 80.0)
    lived.take(course, course[-1].taken_at)
    assert lived.restart(course[-1].taken_at + H, plan(gain, other)).findings == ()


def test_a_late_reading_in_a_full_journal_asks_for_a_small_part_of_it(home, plan, rule, reading):
    lived = home(plan(rule("threshold", metric="level", above=10.0, debounce={"k": 3, "n": 3})))
    begin = reading("level", 0.0).taken_at
    minute = timedelta(minutes=1)
    course = [reading("level", float(n % 12), begin + n * minute) for n in range(1, 8_000)]
    for first in range(0, len(course), 500):
        batch = course[first : first + 500]
        lived.take(batch, batch[-1].taken_at)
    late = reading("level", 11.0, course[-100].taken_at - minute / 2)
    lived.journal.asked = 0
    lived.take([late], course[-1].taken_at)
    assert 0 < lived.journal.asked <= 2 * CHECKPOINT_EVERY + 500
    lived.journal.asked = 0
    lived.restart(course[-1].taken_at)
    assert lived.journal.asked <= 2 * CHECKPOINT_EVERY + 500


def test_a_silent_device_is_not_looked_up_for_ever(home, plan, rule, reading):
    lived = home(plan(rule("threshold", metric="level", above=10.0, per_device=True)))
    lived.take([reading("level", 1.0, device="silent")], reading("level", 1.0).taken_at)
    for day in range(1, 40):
        course = [
            reading("level", 2.0, f"{hour:02}:00", day=day, device="busy") for hour in range(24)
        ]
        lived.take(course, course[-1].taken_at)
    lived.journal.asked = 0
    lived.restart(reading("level", 0.0, "23:30", day=39).taken_at)
    assert 0 < lived.journal.asked <= 3 * 24


def test_what_is_saved_does_not_grow(home, plan, gain, reading):
    lived = home(plan(gain))
    sizes = []
    for day in range(200):
        lived.take(
            [reading("body_weight", 80.0, "07:00", day=day)],
            reading("body_weight", 80.0, "07:01", day=day).taken_at,
        )
        sizes.append(sum(map(len, lived.saved.values())))
    assert len(lived.saved) == 2
    assert max(sizes[60:]) <= sizes[59] * 1.3
    assert max(sizes) < 600 * CHECKPOINTS_KEPT


def test_advance_refuses_what_is_late(plan, gain, reading):
    first, second = weights(reading, 80.0, 82.2)
    home = plan(gain)
    states = advance(home, start(home, first.taken_at), [second], second.taken_at).states
    with pytest.raises(ValueError, match="settle"):
        advance(home, states, [first], second.taken_at)


def test_states_of_another_plan_are_refused(plan, gain, rule, reading, home):
    states = start(plan(gain), reading("level", 0.0).taken_at)
    with pytest.raises(ValueError, match="restore"):
        advance(plan(gain), states, (), reading("level", 0.0).taken_at)


def test_rules_that_hear_each_other_in_a_circle_are_refused(plan, rule, reading):
    one = rule("answer", "one", metrics=("rule.two",))
    two = rule("answer", "two", metrics=("rule.one",))
    with pytest.raises(ValueError, match="listens to itself"):
        start(plan(one, two), reading("level", 0.0).taken_at)


def test_two_people_of_a_home_do_not_share_a_state(plan, gain, reading, home):
    joan = structs.replace(gain, patient="joan")
    both = plan(gain, joan)
    people = {**both.people, "joan": structs.replace(both.people["margaret"], id="joan")}
    lived = home(structs.replace(both, people=people))
    lived.take(weights(reading, 80.0), reading("level", 0.0, "08:00").taken_at)
    other = reading("body_weight", 90.0, "09:00", patient="joan")
    assert lived.take([other], other.taken_at).findings == ()
    more = reading("body_weight", 92.0, "09:00", day=1, patient="joan")
    (found,) = lived.take([more], more.taken_at).findings
    assert found.patient == "joan"
    lived.restart(more.taken_at)
    assert len(lived.journal.standing) == 1


def test_restored_states_ask_for_a_settlement_before_anything_else(plan, gain, home, reading):
    lived = home(plan(gain))
    at = reading("level", 0.0, "01:00").taken_at
    states = restore(lived.plan, lived.saved, lived.journal, at)
    assert set(states.behind) == {
        watch for bound in states.rules for watch in bound.watches.values()
    }


def test_a_reading_from_a_clock_that_is_ahead_hurries_nobody_else(home, plan, rule, reading):
    door = rule("threshold", "door", debounce={"persist_for": H}, metric="door_open", above=0.5)
    lived = home(plan(door, rule("threshold", "sos", metric="sos_pressed", above=0.5)))
    opened, pressed = reading("door_open", 1.0, "01:00"), reading("sos_pressed", 1.0, "02:03")
    lived.take([opened], opened.taken_at)
    at = reading("level", 0.0, "01:58").taken_at
    assert active(lived.take([pressed], at)) == ["sos"], "and is not kept waiting itself"
    closed = reading("door_open", 0.0, "01:59")
    lived.take([closed], closed.taken_at)
    lived.take((), at + DAY)
    assert [finding.rule for finding in lived.superseded] == []
    assert "door" not in {rule for _, rule, _ in lived.said()}


def test_a_state_that_was_written_down_in_the_midst_of_a_moment_is_whole_all_the_same(
    home, plan, rule, reading, monkeypatch
):
    monkeypatch.setattr("rules.engine.CHECKPOINT_EVERY", 1)
    lived = home(plan(rule("threshold", metric="level", above=10.0)))
    pair = [reading("level", value, "02:00") for value in (9.0, 11.0, 9.5, 9.6, 9.7, 9.8)]
    high = pair.pop(1)
    low = next(one for one in pair if one.id < high.id)
    lived.take([low], low.taken_at)
    assert active(lived.take([high], high.taken_at)) == ["rule-1"]
    lived.restart_unnoticed(high.taken_at)
    later = reading("level", 9.0, "03:00")
    assert [one.phase for one in lived.take([later], later.taken_at).findings] == ["inactive"]
