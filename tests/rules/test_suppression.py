"""What holds a rule back, says why, and lets it through in the end."""

from datetime import timedelta

import pytest
from msgspec import structs

from devices.model import Quality
from rules.branches import Branch
from rules.debounce import RATE_LIMIT, SAME_DIRECTION, Gate, consider, terms
from rules.engine import advance, fingerprint, start
from rules.model import Debounce, Number, Phase, RateLimit, RepeatAfterRest, Suppressor

H = timedelta(hours=1)
MIN = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
AWAY = Suppressor(by="person.away")
AGAIN = {"repeat": "general.beyond-limit"}
REPEAT = RepeatAfterRest(rest=5 * MIN, within=20 * MIN)

LEVEL, DOOR, LEFT = "level", "door_open", "person.away"


@pytest.fixture
def course(rule, plan, reading):
    """course(debounce, [(minute, metric, value, *quality)]) -> what was said, in lines."""

    def run(debounce, events, *, watched=LEVEL, until=48 * 60, kept=None, **more):
        limit = 10.0 if watched == LEVEL else 0.5
        home = plan(
            rule("threshold", debounce=debounce, says=AGAIN, metric=watched, above=limit, **more)
        )
        begin = reading(LEVEL, 0.0).taken_at
        readings = [
            reading(metric, float(value), begin + minute * MIN, quality=tuple(quality))
            for minute, metric, value, *quality in events
        ]
        findings = advance(home, start(home, begin), readings, begin + until * MIN).findings
        if kept is not None:
            kept.extend(findings)
        return [
            f"{(one.at - begin) // MIN} {one.phase}"
            + (f" {one.suppressed}" if one.suppressed else "")
            + (" unanswered" if one.because.missing else "")
            + (" refuted" if one.because.refuted else "")
            for one in findings
        ]

    return run


SUPPRESSED_BY = [
    pytest.param(
        (AWAY,),
        [(0, LEFT, 1), (10, LEVEL, 11), (20, LEVEL, 12)],
        ["10 suppressed person.away"],
        id="a beginning while away is said once and held back",
    ),
    pytest.param(
        (AWAY,),
        [(0, LEFT, 1), (10, LEVEL, 11), (15, LEVEL, 9), (20, LEVEL, 12)],
        ["10 suppressed person.away", "20 suppressed person.away"],
        id="said again after the condition changed",
    ),
    pytest.param(
        (AWAY,),
        [(0, LEFT, 1), (10, LEVEL, 11), (30, LEFT, 0), (45, LEVEL, 11)],
        ["10 suppressed person.away", "45 active"],
        id="back home the next reading that confirms counts",
    ),
    pytest.param(
        (AWAY,),
        [(0, LEFT, 1), (10, LEVEL, 11), (30, LEFT, 0), (45, LEVEL, 9)],
        ["10 suppressed person.away"],
        id="what was over by then never was",
    ),
    pytest.param(
        (structs.replace(AWAY, rest=H),),
        [(0, LEFT, 1), (30, LEFT, 0), (89, LEVEL, 11), (90, LEVEL, 11)],
        ["89 suppressed person.away", "90 active"],
        id="the rest after it holds back too, and its end does not",
    ),
    pytest.param(
        (structs.replace(AWAY, rest=H),),
        [(0, LEFT, 0), (30, LEVEL, 11)],
        ["30 active"],
        id="an end without a beginning is none",
    ),
    pytest.param(
        (AWAY,),
        [(0, LEVEL, 11), (10, LEFT, 1), (20, LEVEL, 9)],
        ["0 active", "20 inactive"],
        id="what is active stays so",
    ),
    pytest.param(
        (AWAY, Suppressor(by="person.in_hospital")),
        [
            (0, "person.in_hospital", 1),
            (5, LEFT, 1),
            (10, LEVEL, 11),
            (20, LEFT, 0),
            (30, LEVEL, 11),
            (40, "person.in_hospital", 0),
            (50, LEVEL, 11),
        ],
        ["10 suppressed person.away", "50 active"],
        id="all of them have to end",
    ),
]


@pytest.mark.parametrize(("suppressors", "events", "said"), SUPPRESSED_BY)
def test_a_state_holds_a_beginning_back(suppressors, events, said, course):
    assert course({"suppressed_by": suppressors}, events) == said


LASTING = [
    pytest.param(
        0 * H,
        [(0, LEFT, 1), (10, DOOR, 1), (30, LEFT, 0)],
        ["10 suppressed person.away", "30 active"],
        id="at the moment at which it ends",
    ),
    pytest.param(
        2 * H,
        [(0, LEFT, 1), (10, DOOR, 1), (30, LEFT, 0)],
        ["10 suppressed person.away", "150 active"],
        id="when its rest is over, by itself",
    ),
    pytest.param(
        2 * H,
        [(0, LEFT, 1), (10, DOOR, 1), (30, LEFT, 0), (149, LEFT, 1), (160, LEFT, 0)],
        ["10 suppressed person.away", "280 active"],
        id="not when it began again",
    ),
    pytest.param(
        2 * H,
        [(0, LEFT, 1), (10, DOOR, 1), (30, LEFT, 0), (150, DOOR, 0)],
        ["10 suppressed person.away"],
        id="not when the condition ends at that moment",
    ),
]


@pytest.mark.parametrize(("rest", "events", "said"), LASTING)
def test_what_lasts_begins_when_nothing_holds_it_back_any_more(rest, events, said, course):
    by = structs.replace(AWAY, rest=rest)
    assert course({"suppressed_by": (by,)}, events, watched=DOOR) == said


def test_another_rule_holds_back_while_it_is_active(rule, plan, reading):
    high = rule("threshold", "high", metric="level", above=10.0)
    back = {"suppressed_by": (Suppressor(by="rule.high", rest=H),)}
    warm = rule("threshold", "warm", debounce=back, metric="door_open", at_least=1.0)
    home = plan(warm, high)
    begin = reading("level", 0.0).taken_at
    events = [("level", 11, 0), ("door_open", 1, 10), ("level", 9, 30)]
    readings = [reading(metric, float(value), begin + at * MIN) for metric, value, at in events]
    found = advance(home, start(home, begin), readings, begin + 5 * H).findings
    said = [(one.rule, (one.at - begin) // MIN, one.phase, one.suppressed) for one in found]
    assert said == [
        ("high", 0, "active", None),
        ("warm", 10, "suppressed", "rule.high"),
        ("high", 30, "inactive", None),
        ("warm", 90, "active", None),
    ]
    assert found[-1].because.readings == (readings[1].id,), "its own evidence, and no other"


SAME_MOMENT = [
    pytest.param({}, ["high active", "warm suppressed"], id="by the same reading"),
    pytest.param(
        {"repeat_after_rest": REPEAT},
        ["high active", "warm suppressed"],
        id="and nobody is asked to repeat",
    ),
]


@pytest.mark.parametrize(("debounce", "said"), SAME_MOMENT)
def test_a_rule_that_begins_at_the_same_moment_holds_back_too(
    debounce, said, rule, plan, reading, home
):
    back = {"suppressed_by": (Suppressor(by="rule.high"),), **debounce}
    warm = rule("threshold", "warm", debounce=back, says=AGAIN, metric="level", above=8.0)
    high = rule("threshold", "high", metric="level", above=10.0)
    lived = home(plan(warm, high))
    one = reading("level", 11.0, "01:00")
    found = lived.take([one], one.taken_at).findings
    assert [f"{each.rule} {each.phase}" for each in found] == said
    assert {each.at for each in found} == {one.taken_at}
    lived.restart_unnoticed(one.taken_at)
    two = reading("level", 9.0, "01:10")
    found = lived.take([two], two.taken_at).findings
    again = "pending" if debounce else "active"
    assert [f"{each.rule} {each.phase}" for each in found] == ["high inactive", f"warm {again}"]
    assert two.id in found[-1].because.readings


def test_rules_hear_only_of_what_is_active(rule, plan, reading):
    high = rule(
        "threshold",
        "high",
        debounce={"repeat_after_rest": REPEAT, "suppressed_by": (AWAY,)},
        says=AGAIN,
        metric="level",
        above=10.0,
    )
    asked = rule("absence", "asked", metrics=("im_ok",), after="rule.high", within=5 * MIN)
    home = plan(high, asked)
    begin = reading("level", 0.0).taken_at
    events = [("level", 11, 0), ("level", 9, 10), ("person.away", 1, 20), ("level", 11, 30)]
    readings = [reading(metric, float(value), begin + at * MIN) for metric, value, at in events]
    found = advance(home, start(home, begin), readings, begin + 5 * H).findings
    assert [one.rule for one in found] == ["high"] * 3
    assert [one.phase for one in found] == ["pending", "inactive", "suppressed"]


def test_each_device_is_held_back_also_one_that_shows_itself_later(rule, plan, reading, home):
    back = {"suppressed_by": (AWAY,)}
    doors = rule("threshold", debounce=back, per_device=True, metric="door_open", at_least=1.0)
    lived = home(plan(doors))
    left = reading("person.away", 1.0, "01:00", device="page")
    lived.take([reading("door_open", 0.0, "00:30", device="front"), left], left.taken_at)
    lived.restart(left.taken_at + MIN)
    opened = [reading("door_open", 1.0, "02:00", device=name) for name in ("front", "back")]
    found = lived.take(opened, opened[0].taken_at).findings
    assert sorted((one.device, one.suppressed) for one in found) == [
        ("back", "person.away"),
        ("front", "person.away"),
    ]
    back_home = reading("person.away", 0.0, "03:00", device="page")
    found = lived.take([back_home], back_home.taken_at).findings
    assert sorted((one.device, one.phase) for one in found) == [
        ("back", "active"),
        ("front", "active"),
    ]


def test_what_was_set_long_before_a_rule_was_new_holds_it_back(rule, plan, reading, home):
    high = rule("threshold", "high", metric="door_open", at_least=1.0)
    lived = home(plan(high))
    left, opened = reading("person.away", 1.0, "01:00"), reading("door_open", 1.0, day=9)
    lived.take([left, opened], opened.taken_at)
    new = structs.replace(high, id="new", debounce=Debounce(suppressed_by=(AWAY,)))
    (found,) = lived.restart(opened.taken_at + H, plan(high, new)).findings
    assert (found.rule, found.phase, found.suppressed) == ("new", "suppressed", "person.away")


def test_a_late_word_that_the_person_was_away_undoes_the_finding(rule, plan, reading, home):
    back = {"suppressed_by": (AWAY,)}
    lived = home(plan(rule("threshold", debounce=back, metric="level", above=10.0)))
    high = reading("level", 11.0, "02:00")
    lived.take([high], high.taken_at)
    left = reading("person.away", 1.0, "01:00")
    settled = lived.take([left], high.taken_at + H)
    assert [one.phase for one in settled.superseded] == ["active"]
    assert [one.suppressed for one in settled.findings] == ["person.away"]
    settled = lived.take((), high.taken_at + 2 * H, withdrawn=[left])
    assert [one.phase for one in settled.superseded] == ["suppressed"]
    assert [one.phase for one in settled.findings] == ["active"]


POOR = Quality.POOR_SIGNAL
GATED = [
    pytest.param([(0, LEVEL, 11, POOR)], ["0 suppressed quality"], id="would have held: said"),
    pytest.param([(0, LEVEL, 9, POOR)], [], id="would not have held: nothing"),
    pytest.param(
        [(0, LEVEL, 11, Quality.POSITION)], ["0 active"], id="another mark is not at the gate"
    ),
    pytest.param(
        [(0, LEVEL, 11, POOR), (5, LEVEL, 12, POOR), (10, LEVEL, 11)],
        ["0 suppressed quality", "10 active"],
        id="said once, and a good one counts",
    ),
    pytest.param(
        [(0, LEVEL, 11, POOR), (5, LEVEL, 9), (10, LEVEL, 12, POOR)],
        ["0 suppressed quality", "10 suppressed quality"],
        id="said anew after the condition changed",
    ),
    pytest.param(
        [(0, LEVEL, 11), (5, LEVEL, 9, POOR), (10, LEVEL, 9)],
        ["0 active", "10 inactive"],
        id="a poor one ends nothing",
    ),
    pytest.param(
        [(0, LEFT, 1), (5, LEVEL, 11, POOR)],
        ["5 suppressed person.away"],
        id="who is away is not asked for a better one",
    ),
]


@pytest.mark.parametrize(("events", "said"), GATED)
def test_a_reading_of_poor_quality_gives_no_verdict(events, said, course):
    debounce = {"quality_gate": (POOR,), "suppressed_by": (AWAY,)}
    assert course(debounce, events) == said


def test_a_reading_of_poor_quality_is_no_reference(rule, plan, reading, home):
    gate = {"quality_gate": (POOR,)}
    lived = home(plan(rule("delta", debounce=gate, metric="body_weight", rise=2.0, window=84 * H)))
    light = reading("body_weight", 70.0, "01:00", quality=(POOR,))
    heavy = reading("body_weight", 80.0, "02:00")
    assert lived.take([light, heavy], heavy.taken_at).findings == ()
    lived.restart(heavy.taken_at + 48 * H)
    again = reading("body_weight", 80.1, "02:10", day=2)
    assert lived.take([again], again.taken_at).findings == (), "nor after a restart"


RATED = [
    pytest.param([0, 30, 60], ["0", "30", "60 rate-limit"], id="more than two in a day"),
    pytest.param([0, 30, 1440], ["0", "30", "1440"], id="the first is a day ago"),
    pytest.param([0, 30, 1439], ["0", "30", "1439 rate-limit"], id="it is not quite"),
]


@pytest.mark.parametrize(("highs", "begins"), RATED)
def test_only_so_many_beginnings_in_a_span(highs, begins, course):
    debounce = {"rate_limit": RateLimit(count=2, per=24 * H)}
    events = [event for at in highs for event in ((at, LEVEL, 11), (at + 10, LEVEL, 9))]
    said = [
        line.replace(" active", "").replace(" suppressed", "")
        for line in course(debounce, events)
        if "inactive" not in line
    ]
    assert said == begins
    assert RATE_LIMIT == "rate-limit"


def test_what_lasts_begins_when_the_rate_lets_it(course):
    debounce = {"rate_limit": RateLimit(count=1, per=H)}
    events = [(0, DOOR, 1), (10, DOOR, 0), (20, DOOR, 1)]
    assert course(debounce, events, watched=DOOR) == [
        "0 active",
        "10 inactive",
        "20 suppressed rate-limit",
        "60 active",
    ]


SAME = [
    pytest.param(
        [(0, 12), (10, 9), (20, 12)],
        ["0 active", "10 inactive", "20 suppressed same-direction"],
        id="as bad as before",
    ),
    pytest.param(
        [(0, 12), (10, 9), (20, 13)], ["0 active", "10 inactive", "20 active"], id="worse"
    ),
    pytest.param(
        [(0, 12), (10, 9), (20, 11), (30, 13)],
        ["0 active", "10 inactive", "20 suppressed same-direction", "30 active"],
        id="worse in the end",
    ),
    pytest.param(
        [(0, 12), (10, 9), (20, 11), (1441, 11)],
        ["0 active", "10 inactive", "20 suppressed same-direction", "1441 active"],
        id="not better by the agreed time",
    ),
]


@pytest.mark.parametrize(("levels", "said"), SAME)
def test_the_same_again_begins_only_when_it_is_worse(levels, said, course):
    debounce = {"same_direction_window": 24 * H}
    assert course(debounce, [(at, LEVEL, value) for at, value in levels]) == said
    assert SAME_DIRECTION == "same-direction"


VITALS = {
    "respiratory_rate": 16.0,
    "oxygen_saturation": 97.0,
    "on_oxygen": 0.0,
    "systolic_pressure": 120.0,
    "body_temperature": 37.0,
    "symptom.not_alert": 0.0,
    "pulse_rate": 70.0,
}
PRESSURES = (
    Branch(metric="systolic_pressure", at_least=180.0, within=5 * MIN),
    Branch(metric="diastolic_pressure", at_least=120.0, within=5 * MIN),
)
OTHERS = [
    pytest.param(
        ("any", {"of": PRESSURES}),
        [(0, {"systolic_pressure": 200.0}), (10, {"diastolic_pressure": 125.0})],
        [0, 10],
        id="another measure, less far beyond its own limit",
    ),
    pytest.param(
        ("any", {"of": PRESSURES}),
        [(0, {"systolic_pressure": 200.0}), (10, {"systolic_pressure": 190.0})],
        [0],
        id="the same measure",
    ),
    pytest.param(
        (
            "answer",
            {"metrics": ("symptom.ankles_swollen", "symptom.breathless"), "within": 5 * MIN},
        ),
        [(0, {"symptom.ankles_swollen": 1.0}), (10, {"symptom.breathless": 1.0})],
        [0, 10],
        id="another symptom",
    ),
    pytest.param(
        ("news2", {"total": 5}),
        [
            (0, VITALS),
            (5, {"on_oxygen": 1.0, "pulse_rate": 150.0}),
            (10, VITALS),
            (20, {"on_oxygen": 1.0, "pulse_rate": 95.0, "respiratory_rate": 25.0}),
        ],
        [5, 20],
        id="a higher score, by an observation that is less far beyond",
    ),
    pytest.param(
        ("news2", {"total": 5}),
        [
            (0, VITALS),
            (5, {"on_oxygen": 1.0, "pulse_rate": 150.0}),
            (10, VITALS),
            (20, {"on_oxygen": 1.0, "oxygen_saturation": 91.0}),
        ],
        [5],
        id="the same score",
    ),
]


@pytest.mark.parametrize(("kind", "course", "begins"), OTHERS)
def test_another_problem_is_not_the_same_again(kind, course, begins, rule, plan, reading):
    name, params = kind
    debounce = {"same_direction_window": 24 * H}
    home = plan(rule(name, debounce=debounce, **params))
    begin = reading("level", 0.0).taken_at
    readings = [
        reading(metric, value, begin + minute * MIN + place * SECOND)
        for minute, values in course
        for place, (metric, value) in enumerate(values.items())
    ]
    found = advance(home, start(home, begin), readings, begin + H).findings
    assert [(one.at - begin) // MIN for one in found if one.phase == "active"] == begins


REPEATED = [
    pytest.param(
        1, [(0, 11), (5, 11)], ["0 pending", "5 active"], id="confirmed as soon as the rest is over"
    ),
    pytest.param(
        1, [(0, 11), (4, 11)], ["0 pending", "20 active unanswered"], id="earlier confirms nothing"
    ),
    pytest.param(
        1,
        [(0, 11), (4, 9), (6, 11)],
        ["0 pending", "6 active"],
        id="earlier refutes nothing either",
    ),
    pytest.param(1, [(0, 11), (5, 9)], ["0 pending", "5 inactive refuted"], id="refuted"),
    pytest.param(
        1,
        [(0, 11), (5, 9), (30, 11), (35, 11)],
        ["0 pending", "5 inactive refuted", "30 pending", "35 active"],
        id="refuted, and asked anew the next time",
    ),
    pytest.param(1, [(0, 11)], ["0 pending", "20 active unanswered"], id="no answer is an answer"),
    pytest.param(
        1, [(0, 11), (20, 9)], ["0 pending", "20 inactive refuted"], id="answered just in time"
    ),
    pytest.param(
        1,
        [(0, 11), (21, 9)],
        ["0 pending", "20 active unanswered", "21 inactive"],
        id="answered too late",
    ),
    pytest.param(
        2,
        [(0, 11), (5, 11), (10, 11)],
        ["0 pending", "10 active"],
        id="two repeats have to confirm",
    ),
    pytest.param(
        2, [(0, 11), (5, 11)], ["0 pending", "20 active unanswered"], id="the second never came"
    ),
    pytest.param(
        2,
        [(0, 11), (5, 11), (10, 9)],
        ["0 pending", "10 inactive refuted"],
        id="the second refutes",
    ),
]


@pytest.mark.parametrize(("times", "levels", "said"), REPEATED)
def test_a_first_reading_asks_for_a_repeat(times, levels, said, course):
    debounce = {"repeat_after_rest": structs.replace(REPEAT, times=times)}
    assert course(debounce, [(at, LEVEL, value) for at, value in levels]) == said


def test_the_readings_of_a_repeat_are_the_evidence(course, reading):
    kept = []
    course({"repeat_after_rest": REPEAT}, [(0, LEVEL, 11), (6, LEVEL, 12)], kept=kept)
    assert [one.because.readings for one in kept] == [
        (reading("level", 11.0).id,),
        (reading("level", 11.0).id, reading("level", 12.0, "00:06").id),
    ]
    kept.clear()
    course({"repeat_after_rest": REPEAT}, [(0, LEVEL, 11), (6, LEVEL, 9)], kept=kept)
    assert kept[-1].because.refuted == (reading("level", 11.0).id,)
    kept.clear()
    course({"repeat_after_rest": REPEAT}, [(0, LEVEL, 11)], kept=kept)
    assert kept[-1].because.missing == "level"


TOGETHER = [
    pytest.param(
        {"repeat_after_rest": REPEAT, "suppressed_by": (AWAY,)},
        [(0, LEFT, 1), (5, LEVEL, 11), (30, LEFT, 0), (40, LEVEL, 11), (50, LEVEL, 11)],
        ["5 suppressed person.away", "40 pending", "50 active"],
        id="who is away is not asked to repeat",
    ),
    pytest.param(
        {"repeat_after_rest": REPEAT, "suppressed_by": (AWAY,)},
        [(0, LEVEL, 11), (10, LEFT, 1)],
        ["0 pending", "20 suppressed person.away unanswered"],
        id="who left before the repeat has not failed to answer",
    ),
    pytest.param(
        {"repeat_after_rest": REPEAT, "k": 2, "n": 2},
        [(0, LEVEL, 11), (2, LEVEL, 11), (8, LEVEL, 11)],
        ["2 pending", "8 active"],
        id="k of n come before the repeat",
    ),
    pytest.param(
        {"repeat_after_rest": REPEAT, "cooldown": H},
        [(0, LEVEL, 11), (6, LEVEL, 11), (10, LEVEL, 9), (20, LEVEL, 11)],
        ["0 pending", "6 active", "10 inactive", "20 pending", "70 active unanswered"],
        id="no answer within the cooldown counts at its end",
    ),
    pytest.param(
        {"quality_gate": (POOR,), "repeat_after_rest": REPEAT},
        [(0, LEVEL, 11), (6, LEVEL, 9, POOR)],
        ["0 pending", "20 active unanswered"],
        id="a poor repeat refutes nothing",
    ),
    pytest.param(
        {"suppressed_by": (AWAY,), "rate_limit": RateLimit(count=1, per=H)},
        [(0, LEVEL, 11), (5, LEVEL, 9), (10, LEFT, 1), (20, LEVEL, 11), (30, LEFT, 0)],
        ["0 active", "5 inactive", "20 suppressed rate-limit"],
        id="the first reason is the one that is said",
    ),
    pytest.param(
        {"persist_for": 30 * MIN, "suppressed_by": (AWAY,)},
        [(0, LEFT, 1), (10, LEVEL, 11), (40, LEVEL, 11), (50, LEFT, 0), (55, LEVEL, 11)],
        ["40 suppressed person.away", "55 active"],
        id="a stretch goes on while it is held back",
    ),
    pytest.param(
        {"persist_for": 30 * MIN, "suppressed_by": (AWAY,)},
        [(0, LEFT, 1), (10, LEVEL, 11), (40, LEVEL, 11), (50, LEFT, 0), (95, LEVEL, 11)],
        ["40 suppressed person.away"],
        id="silence while it is held back makes no finding",
    ),
]


@pytest.mark.parametrize(("debounce", "events", "said"), TOGETHER)
def test_the_words_together(debounce, events, said, course):
    assert course(debounce, events) == said


SILENT = {
    "k of n": {"k": 2, "n": 2},
    "persist_for": {"persist_for": 30 * MIN},
    "quality_gate": {"quality_gate": (POOR,)},
    "rate_limit": {"rate_limit": RateLimit(count=1, per=24 * H)},
    "same_direction_window": {"same_direction_window": 24 * H},
    "suppressed_by": {"suppressed_by": (structs.replace(AWAY, rest=H),)},
}


@pytest.mark.parametrize("debounce", SILENT.values(), ids=SILENT)
def test_silence_begins_nothing(debounce, course):
    """All that was found of a quantity was found at one of its readings."""
    events = [
        (0, LEVEL, 11),
        (5, LEVEL, 9),
        (10, LEFT, 1),
        (20, LEVEL, 11, POOR),
        (25, LEVEL, 11),
        (30, LEFT, 0),
    ]
    said = course(debounce, events)
    assert {int(line.split()[0]) for line in said} <= {0, 5, 20, 25}


def test_a_rule_without_the_new_words_keeps_its_fingerprint_and_its_ids(rule, plan, reading):
    """Values from before there were such words: an update says nothing anew."""
    high = rule("threshold", "high", metric="level", above=10.0)
    assert fingerprint(high) == "a8b5f97f66ae27b6"
    one, home = reading("level", 11.0, "01:00"), plan(high)
    (found,) = advance(home, start(home, one.taken_at), [one], one.taken_at).findings
    assert found.id == "4ad85e97f2f3cc74fa73cd9d7cba56b4"


COMPARED = [
    pytest.param((2.0, "kg"), (1.0, "kg"), True, id="further beyond"),
    pytest.param((1.0, "kg"), (1.0, "kg"), False, id="as far"),
    pytest.param((1.0, "kg"), (2.0, "kg"), False, id="less far"),
    pytest.param((1.0, "kg"), (9.0, "%"), True, id="another measure can't be compared"),
    pytest.param(None, (1.0, "kg"), True, id="nor can no measure"),
    pytest.param((1.0, "kg"), None, True, id="nor one where there was none"),
    pytest.param(None, None, False, id="silence again is the same again"),
]


@pytest.mark.parametrize(("now", "before", "worse"), COMPARED)
def test_what_is_worse(now, before, worse):
    def number(given):
        return given and Number(name="change", value=given[0], unit=given[1])

    words = terms(Debounce(same_direction_window=24 * H), lasting=False)
    gate = Gate(began=[0], beyond=number(before))
    began = consider(words, gate, True, 1, "reading", lambda: number(now))
    assert began
    assert gate.phase is (Phase.ACTIVE if worse else Phase.SUPPRESSED)
