"""What each tier leads to, on time and late, and why."""

from datetime import timedelta

import pytest
from msgspec import structs

from rules.engine import advance, start
from rules.model import Tier
from rules.outcome import Reason, decide

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
