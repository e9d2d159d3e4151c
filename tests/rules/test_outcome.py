"""What each tier leads to, on time and late, and why."""

from datetime import UTC, datetime, time, timedelta

import pytest
from msgspec import structs

from devices.model import Quality
from rules.engine import advance, start
from rules.hours import Hours
from rules.model import Concern, Phase, RepeatAfterRest, Suppressor, Tier
from rules.outcome import Reason, decide
from rules.snooze import Direction, Snooze

H = timedelta(hours=1)


@pytest.fixture
def found(rule, plan, reading):
    """found(Tier.T4): a plan with one rule of that tier and the finding that it made at 07:00."""

    def make(tier, max_age=2 * H, ask=()):
        home = plan(
            rule(
                "threshold",
                debounce={"max_age": max_age},
                tier=tier,
                ask=ask,
                metric="level",
                above=10.0,
            )
        )
        one = reading("level", 11.5, "07:00")
        (finding,) = advance(home, start(home, one.taken_at), [one], one.taken_at).findings
        return home, finding

    return make


WAYS = [
    # tier, age in hours, prompt?, alert as, marked late, reason
    pytest.param(Tier.T0, 0, False, None, None, Reason.LOGGED, id="T0"),
    pytest.param(Tier.T1, 0, True, None, None, Reason.PROMPTED, id="T1"),
    pytest.param(Tier.T1, 2, True, None, None, Reason.PROMPTED, id="T1 just not too old"),
    pytest.param(Tier.T1, 2.1, False, None, None, Reason.TOO_OLD_TO_PROMPT, id="T1 too old"),
    pytest.param(Tier.T3, 0, False, Tier.T3, False, Reason.TEAM, id="T3"),
    pytest.param(Tier.T3, 3, False, Tier.T3, True, Reason.TEAM_LATE, id="T3 late"),
    pytest.param(Tier.T4, 0, True, Tier.T4, False, Reason.TEAM_NOW, id="T4"),
    pytest.param(Tier.T4, 3, False, Tier.T3, True, Reason.TEAM_NOW_LATE, id="T4 late is T3"),
    pytest.param(Tier.T5, 0, True, Tier.T5, False, Reason.EMERGENCY, id="T5"),
    pytest.param(Tier.T5, 30, True, Tier.T5, True, Reason.EMERGENCY_LATE, id="T5 is never too old"),
]


@pytest.mark.parametrize(("tier", "age_h", "prompted", "alert", "late", "reason"), WAYS)
def test_a_tier_leads_to(tier, age_h, prompted, alert, late, reason, found):
    plan, finding = found(tier)
    outcome = decide(plan, finding, finding.at + age_h * H)
    assert (outcome.prompt is not None) is prompted
    assert (outcome.alert.tier if outcome.alert else None) == alert
    assert (outcome.alert.late if outcome.alert else None) == late
    assert outcome.reason is reason


def test_without_a_max_age_nothing_is_late(found):
    plan, finding = found(Tier.T1, max_age=None)
    assert decide(plan, finding, finding.at + 1_000 * H).reason is Reason.PROMPTED


def test_what_ended_and_what_left_the_plan_lead_to_nothing(found):
    plan, finding = found(Tier.T5)
    ended = structs.replace(finding, phase="inactive")
    assert decide(plan, ended, finding.at).reason is Reason.ENDED
    gone = structs.replace(plan, rules=())
    assert decide(gone, finding, finding.at).reason is Reason.NOT_IN_PLAN


def test_a_prompt_is_said_now_and_asks_for_as_long_as_the_rule_says(found):
    plan, finding = found(Tier.T1, ask=("im_ok", "symptom.pillows"))
    at = finding.at + H
    prompt = decide(plan, finding, at).prompt
    assert (prompt.at, prompt.expires_at) == (at, at + 4 * H)
    assert prompt.ask == ("im_ok", "symptom.pillows")


def test_the_same_finding_leads_to_the_same_ids(found):
    plan, finding = found(Tier.T4)
    one, two = decide(plan, finding, finding.at), decide(plan, finding, finding.at + H)
    assert one.prompt.id == two.prompt.id
    assert one.alert.id == two.alert.id
    assert one.prompt.id != one.alert.id


def test_values_are_written_out_for_people(found):
    plan, finding = found(Tier.T3)
    values = decide(plan, finding, finding.at).alert.values
    assert values["value"] == "11.5"
    assert values["limit"] == "10"
    assert values["change"] == "1.5 less"
    assert values["name"] == "Margaret Ellis"
    assert (values["at"], values["day"]) == ("07:00", "3 March")


MIN = timedelta(minutes=1)
REPEAT = RepeatAfterRest(rest=5 * MIN, within=20 * MIN)
NIGHT = Hours(time(22), time(7))


@pytest.fixture
def first(rule, plan, reading):
    """first(debounce, tier): a plan, and its first finding, of a high reading of poor signal."""

    def make(debounce, tier=Tier.T3, repeat="general.again", away=False):
        high = rule(
            "threshold",
            debounce=debounce,
            tier=tier,
            says={"repeat": repeat},
            metric="level",
            above=10.0,
        )
        home = plan(high)
        one = reading("level", 11.5, "07:00", quality=(Quality.POOR_SIGNAL,))
        left = [reading("person.away", 1.0, "06:00")] if away else []
        begin = one.taken_at - H
        finding, *_ = advance(home, start(home, begin), [*left, one], one.taken_at).findings
        return home, finding

    return make


GATE = {"quality_gate": (Quality.POOR_SIGNAL,)}
AWAY = {"suppressed_by": (Suppressor(by="person.away"),)}
ASKING = [
    pytest.param({"repeat_after_rest": REPEAT}, False, 0, Reason.ASKED_AGAIN, id="a repeat"),
    pytest.param(
        {"repeat_after_rest": REPEAT},
        False,
        20,
        Reason.TOO_LATE_TO_ASK_AGAIN,
        id="a repeat whose time is over",
    ),
    pytest.param(
        {"repeat_after_rest": REPEAT, "max_age": 10 * MIN},
        False,
        11,
        Reason.TOO_LATE_TO_ASK_AGAIN,
        id="a repeat that is older than the rule lets it prompt",
    ),
    pytest.param(GATE, False, 0, Reason.ASKED_FOR_BETTER, id="a better reading"),
    pytest.param(AWAY, True, 0, Reason.SUPPRESSED, id="held back: nobody"),
    pytest.param({**GATE, **AWAY}, True, 0, Reason.SUPPRESSED, id="poor and away: nobody"),
]


@pytest.mark.parametrize(("debounce", "away", "late_min", "reason"), ASKING)
def test_what_is_not_active_asks_the_person_at_most(debounce, away, late_min, reason, first):
    plan, finding = first(debounce, away=away)
    outcome = decide(plan, finding, finding.at + late_min * MIN)
    assert outcome.reason is reason
    assert outcome.alert is None
    asked = reason in (Reason.ASKED_AGAIN, Reason.ASKED_FOR_BETTER)
    assert (outcome.prompt is not None) is asked
    if outcome.prompt is not None:
        assert (outcome.prompt.text, outcome.prompt.tier) == ("general.again", Tier.T1)


def test_a_repeat_is_asked_for_until_its_time_is_over_with_the_rest_in_words(first):
    plan, finding = first({"repeat_after_rest": REPEAT})
    prompt = decide(plan, finding, finding.at + MIN).prompt
    assert prompt.expires_at == finding.at + 20 * MIN
    assert (prompt.values["rest"], prompt.values["repeat_within"]) == ("5 minutes", "20 minutes")


def test_without_words_a_poor_reading_is_only_logged(first):
    plan, finding = first(GATE, repeat="")
    assert decide(plan, finding, finding.at).reason is Reason.SUPPRESSED


MORNING = datetime(2025, 3, 30, 6, tzinfo=UTC)
"""07:00 in London, after the night in which the clocks went forward."""
QUIET = [
    # tier, time-critical, day of March and time (UTC), does it wait for the morning?
    pytest.param(Tier.T1, False, 29, "23:30", True, id="a calm prompt waits for the morning"),
    pytest.param(Tier.T1, False, 30, "05:59", True, id="to the minute"),
    pytest.param(Tier.T1, False, 30, "06:00", False, id="at their end it is shown"),
    pytest.param(Tier.T1, False, 29, "21:59", False, id="before them, too"),
    pytest.param(Tier.T1, True, 30, "02:00", False, id="a time-critical one waits for nothing"),
    pytest.param(Tier.T4, False, 30, "02:00", False, id="nor T4"),
    pytest.param(Tier.T5, False, 30, "02:00", False, id="nor T5"),
]


@pytest.mark.parametrize(("tier", "critical", "day", "at", "waits"), QUIET)
def test_quiet_hours(tier, critical, day, at, waits, rule, plan, reading):
    says = {"time_critical": critical}
    home = plan(rule("threshold", tier=tier, says=says, metric="level", above=10.0))
    person = structs.replace(home.people["margaret"], quiet_hours=NIGHT)
    home = structs.replace(home, people={"margaret": person})
    one = reading("level", 11.5, at, day=day - 3)
    (finding,) = advance(home, start(home, one.taken_at - H), [one], one.taken_at).findings
    prompt = decide(home, finding, finding.at).prompt
    assert prompt.show_from == (MORNING if waits else None)
    assert prompt.expires_at == (MORNING if waits else finding.at) + 4 * H
    assert prompt.time_critical is (critical or tier >= Tier.T4)


def test_a_repeat_does_not_wait_for_the_morning(first):
    plan, finding = first({"repeat_after_rest": REPEAT})
    hours = Hours(time(6), time(8))
    person = structs.replace(plan.people["margaret"], quiet_hours=hours)
    plan = structs.replace(plan, people={"margaret": person})
    assert decide(plan, finding, finding.at).prompt.show_from is None


SNOOZED = [
    pytest.param(Tier.T1, False, Reason.SNOOZED, False, id="T1: nobody"),
    pytest.param(Tier.T1, True, Reason.SNOOZED_PROMPTED, True, id="a time-critical T1: the person"),
    pytest.param(Tier.T3, False, Reason.SNOOZED, False, id="T3: nobody"),
    pytest.param(Tier.T4, False, Reason.SNOOZED_PROMPTED, True, id="T4: the person"),
    pytest.param(Tier.T5, False, Reason.EMERGENCY, True, id="T5: everyone"),
]


@pytest.mark.parametrize(("tier", "critical", "reason", "prompted"), SNOOZED)
def test_a_snooze_keeps_it_from_the_team(tier, critical, reason, prompted, found):
    plan, finding = found(tier)
    (rule,) = plan.rules
    then = structs.replace(rule.then, time_critical=critical)
    plan = structs.replace(plan, rules=(structs.replace(rule, then=then),))
    snooze = Snooze(
        id="1",
        patient="margaret",
        family=finding.family,
        direction=Direction.UP,
        tier=Tier.T4,
        starts_at=finding.at - MIN,
        ends_at=finding.at + MIN,
        by="Sam",
        reason="treated",
    )
    outcome = decide(plan, finding, finding.at, [snooze])
    assert outcome.reason is reason
    assert (outcome.prompt is not None) is prompted
    assert (outcome.alert is not None) is (tier is Tier.T5)


def test_whose_concern_it_is_goes_with_the_alert(found):
    plan, finding = found(Tier.T3)
    assert decide(plan, finding, finding.at).alert.concern is Concern.CLINICAL
    (rule,) = plan.rules
    kit = structs.replace(rule, then=structs.replace(rule.then, concern=Concern.KIT))
    plan = structs.replace(plan, rules=(kit,))
    assert decide(plan, finding, finding.at).alert.concern is Concern.KIT
    assert finding.phase is Phase.ACTIVE
