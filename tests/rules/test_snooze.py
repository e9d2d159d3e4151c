"""What a snooze may be, and what it hides."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec import structs

from rules.model import Evidence, Finding, Number, Phase, Tier
from rules.snooze import Direction, Refusal, Snooze, allowed, direction_of, hides, snooze_id

H = timedelta(hours=1)
MIN = timedelta(minutes=1)
DAY = timedelta(days=1)
AT = datetime(2025, 3, 3, 9, tzinfo=UTC)


def snooze(tier=Tier.T3, length=H, at=AT, **more):
    given = {"family": "weight", "direction": Direction.UP, "by": "Sam", "reason": "seen", **more}
    return Snooze(
        id=snooze_id("margaret", given["family"], given["direction"], at, given["by"]),
        patient="margaret",
        tier=tier,
        starts_at=at,
        ends_at=at + length,
        **given,
    )


def finding(value=82.0, change=-0.5, tier=Tier.T3, at=AT + MIN, **more):
    changed = None if change is None else Number(name="change", value=change, unit="kg")
    numbers = () if value is None else (Number(name="value", value=value, unit="kg"),)
    given = {"rule": "gain", "patient": "margaret", "family": "weight", **more}
    return Finding(
        id="1",
        version="1",
        phase=Phase.ACTIVE,
        tier=tier,
        at=at,
        because=Evidence(numbers=numbers, counterfactual=changed),
        **given,
    )


T4 = snooze(Tier.T4, 30 * MIN)
ALLOWED = [
    pytest.param(snooze(), (), None, id="an hour"),
    pytest.param(snooze(length=7 * DAY), (), None, id="a week"),
    pytest.param(snooze(length=7 * DAY + MIN), (), Refusal.TOO_LONG, id="longer than a week"),
    pytest.param(snooze(length=0 * H), (), Refusal.NO_END, id="no time at all"),
    pytest.param(snooze(length=-H), (), Refusal.NO_END, id="ends before it starts"),
    pytest.param(snooze(by=" "), (), Refusal.NOBODY, id="by nobody"),
    pytest.param(snooze(Tier.T5, MIN), (), Refusal.EMERGENCY, id="an emergency"),
    pytest.param(T4, (), None, id="T4 for half an hour"),
    pytest.param(snooze(Tier.T4, 31 * MIN), (), Refusal.TOO_LONG_T4, id="T4 for longer"),
    pytest.param(snooze(Tier.T4, MIN, AT + H), (T4,), None, id="T4 half an hour after it ended"),
    pytest.param(
        snooze(Tier.T4, MIN, AT + 59 * MIN), (T4,), Refusal.CHAINED, id="T4 sooner is chained"
    ),
    pytest.param(
        snooze(Tier.T4, MIN, AT + 10 * MIN), (T4,), Refusal.CHAINED, id="T4 while it lasts, too"
    ),
    pytest.param(
        snooze(Tier.T4, MIN, AT + 40 * MIN, direction=Direction.ANY),
        (T4,),
        Refusal.CHAINED,
        id="any direction is that one too",
    ),
    pytest.param(
        snooze(Tier.T4, MIN, AT + 40 * MIN, direction=Direction.DOWN),
        (T4,),
        None,
        id="the other direction is another problem",
    ),
    pytest.param(
        snooze(Tier.T4, MIN, AT + 40 * MIN, family="pressure"), (T4,), None, id="another family"
    ),
    pytest.param(snooze(at=AT + 40 * MIN), (T4,), None, id="T3 after T4"),
    pytest.param(snooze(Tier.T4, MIN, AT + 2 * H), (snooze(),), None, id="T4 after T3"),
]


@pytest.mark.parametrize(("asked", "earlier", "refusal"), ALLOWED)
def test_a_snooze_is_allowed(asked, earlier, refusal):
    assert allowed(asked, earlier) is refusal


HIDDEN = [
    pytest.param(snooze(), finding(), True, id="the same problem"),
    pytest.param(snooze(), finding(tier=Tier.T1), True, id="a milder one"),
    pytest.param(snooze(), finding(tier=Tier.T4), False, id="a more severe one"),
    pytest.param(snooze(Tier.T5), finding(tier=Tier.T5), False, id="an emergency never"),
    pytest.param(snooze(), finding(change=0.5), False, id="the other direction"),
    pytest.param(snooze(), finding(change=None), False, id="no direction"),
    pytest.param(snooze(direction=Direction.ANY), finding(change=None), True, id="any direction"),
    pytest.param(snooze(), finding(family="pressure"), False, id="another family"),
    pytest.param(snooze(), finding(patient="joan"), False, id="another person"),
    pytest.param(snooze(), finding(at=AT - MIN), False, id="taken before it was set"),
    pytest.param(snooze(), finding(at=AT + H), False, id="after its end"),
    pytest.param(snooze(value=82.0), finding(), True, id="as bad as it was"),
    pytest.param(snooze(value=82.0), finding(value=82.1), False, id="worse"),
    pytest.param(snooze(value=82.0), finding(value=81.0), True, id="better, not well"),
    pytest.param(
        snooze(value=82.0, direction=Direction.DOWN),
        finding(value=81.0, change=0.5),
        False,
        id="worse is lower where low is bad",
    ),
    pytest.param(snooze(value=82.0), finding(value=None), False, id="nothing to compare"),
    pytest.param(snooze(value=82.0, rule="jump"), finding(), False, id="the value of another rule"),
    pytest.param(snooze(value=82.0, rule="gain"), finding(), True, id="the value of that rule"),
]


@pytest.mark.parametrize(("one", "found", "hidden"), HIDDEN)
def test_a_snooze_hides(one, found, hidden):
    assert hides(one, found) is hidden


def scored(value, change, unit="mm[Hg]", limit=7.0, counted="1"):
    """A number made of several readings, and how the latest of them would have had to differ."""
    number = Number(name="score", value=value, unit=counted)
    changed = None if change is None else Number(name="change", value=change, unit=unit)
    because = Evidence(
        numbers=(number,),
        limit=structs.replace(number, name="limit", value=limit),
        counterfactual=changed,
    )
    return structs.replace(finding(), because=because)


SCORED = [
    pytest.param(Direction.ANY, 8.0, scored(9.0, 6.0), False, id="a higher score, by a low value"),
    pytest.param(Direction.ANY, 8.0, scored(9.0, -6.0), False, id="a higher one, by a high value"),
    pytest.param(Direction.ANY, 8.0, scored(9.0, None), False, id="a higher one, by several"),
    pytest.param(Direction.ANY, 8.0, scored(8.0, 6.0), True, id="the same score"),
    pytest.param(Direction.ANY, 8.0, scored(7.0, 6.0), True, id="a lower score"),
    pytest.param(Direction.DOWN, 8.0, scored(9.0, 6.0), False, id="higher, in the same direction"),
    pytest.param(
        Direction.ANY, 65.0, scored(50.0, 1.0, "mmol/L", 70.0, "%"), False, id="a share that falls"
    ),
    pytest.param(
        Direction.ANY, 65.0, scored(66.0, -1.0, "mmol/L", 70.0, "%"), True, id="one that recovers"
    ),
]


@pytest.mark.parametrize(("direction", "value", "found", "hidden"), SCORED)
def test_what_is_made_of_several_readings_is_compared_by_itself(direction, value, found, hidden):
    assert hides(snooze(value=value, direction=direction), found) is hidden


def test_a_direction_follows_from_what_would_have_had_to_differ():
    assert direction_of(finding(change=-1.0)) is Direction.UP
    assert direction_of(finding(change=1.0)) is Direction.DOWN
    assert direction_of(finding(change=None)) is Direction.ANY


def test_its_times_are_utc():
    with pytest.raises(ValueError, match="ends_at"):
        structs.replace(snooze(), ends_at=datetime(2025, 3, 3, 12))
