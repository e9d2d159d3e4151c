from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from server.permissions import GRANTS, Action, Actor, Reach, Resource, Role, allowed, sees

NOW = datetime(2026, 3, 3, 8, tzinfo=UTC)
LIST = Resource()
OWN = Resource(patient="margaret")
OTHER = Resource(patient="joan")
KIT = Resource(kit=True)


def actor(role: Role) -> Actor:
    people = () if role is Role.CLINICIAN else ("margaret",)
    return Actor(id="someone", role=role, people=people)


@pytest.mark.parametrize(
    ("role", "action"),
    [pytest.param(role, action, id=f"{role}-{action}") for role, action in product(Role, Action)],
)
def test_the_table_alone_decides_and_every_decision_has_a_reason(role, action) -> None:
    reach = GRANTS.get((role, action))
    expected = {
        None: {LIST: False, OWN: False, OTHER: False, KIT: False},
        Reach.OWN: {LIST: True, OWN: True, OTHER: False, KIT: False},
        Reach.ANYONE: {LIST: True, OWN: True, OTHER: True, KIT: True},
    }[reach]
    decisions = {resource: allowed(actor(role), action, resource, NOW) for resource in expected}
    assert {resource: each.allowed for resource, each in decisions.items()} == expected
    assert all(each.reason for each in decisions.values())


@pytest.mark.parametrize("action", Action)
def test_nobody_is_allowed_anything_after_their_sign_in_has_ended(action) -> None:
    nurse = Actor(id="nurse", role=Role.CLINICIAN, until=NOW)
    assert not allowed(nurse, action, LIST, NOW).allowed
    earlier = allowed(nurse, action, LIST, NOW - timedelta(seconds=1)).allowed
    assert earlier == ((Role.CLINICIAN, action) in GRANTS)


@pytest.mark.parametrize("action", Action)
def test_a_gateway_reads_no_page_and_a_person_sends_no_records(action) -> None:
    both = {role for role, granted in GRANTS if granted is action}
    assert Role.GATEWAY not in both or both == {Role.GATEWAY}


@pytest.mark.parametrize(
    ("role", "patient", "seen"),
    [
        pytest.param(Role.CLINICIAN, "joan", True, id="staff-see-anyone"),
        pytest.param(Role.CLINICIAN, None, True, id="staff-see-kit"),
        pytest.param(Role.PATIENT, "margaret", True, id="a-person-sees-their-own"),
        pytest.param(Role.PATIENT, "joan", False, id="a-person-sees-nobody-else"),
        pytest.param(Role.PATIENT, None, False, id="a-person-sees-no-kit"),
    ],
)
def test_what_of_the_news_one_hears(role, patient, seen) -> None:
    assert sees(actor(role), Action.HEAR_NEWS, patient, NOW) is seen
