"""Where a sensor sits: what follows from it there, by which condition, and what would be a lie."""

import pytest

from devices.metrics import METRICS, Kind
from devices.model import Measurement
from devices.roles import ROLES, SIGNS, roles_for, signs_on, with_limit
from devices.units import unit_of

CONTACT = ("door_open", "battery", "tamper")
PLUG = ("power", "energy", "power_on")
OFFERED = {
    "a contact": (
        CONTACT,
        {"outer-door", "inner-door", "window", "medicine-box", "fridge", "bed", "chair"},
    ),
    "a plug": (PLUG, {"kettle", "television"}),
    "a movement sensor": (("movement",), {"bathroom", "bed", "chair"}),
    "a radar": (("presence", "distance"), {"bathroom", "bed", "chair"}),
    "a bed mat": (("bed_occupied",), {"bed", "chair"}),
    "a scale": (("body_weight", "battery"), set()),
    "a button": (("button_pressed",), set()),
}


def says(metric, value, part=None):
    return Measurement(
        device="it", metric=metric, value=value, unit=METRICS[metric].unit, part=part
    )


def told(role, *values, on_above_w=None):
    """Whether it is on after each (metric, value)."""
    placed, on, found = with_limit(ROLES[role], on_above_w), (), []
    for metric, value, *part in values:
        item = says(metric, value, *part)
        after = signs_on(placed, item, value, on)
        on = on if after is None else after
        found.append(bool(on))
    return found


@pytest.mark.parametrize("role", ROLES.values(), ids=ROLES)
def test_a_role_says_a_state_of_the_table_and_never_what_it_hides(role):
    assert METRICS[role.metric].kind is Kind.STATE
    assert {sign.metric for sign in role.signs} | role.hides <= METRICS.keys()
    hidden = role.hides - {role.metric}
    assert hidden <= {name for name, row in METRICS.items() if row.kind is Kind.STATE}
    assert role.title


@pytest.mark.parametrize("role", ROLES.values(), ids=ROLES)
def test_a_role_leaves_battery_tamper_and_power_as_they_are(role):
    assert not role.hides & {"battery", "tamper", "power", "energy", "device_online"}


@pytest.mark.parametrize("key", ["medicine-box", "fridge", "inner-door", "window", "bed", "chair"])
def test_what_is_no_outer_door_says_no_open_door(key):
    assert "door_open" in ROLES[key].hides


@pytest.mark.parametrize(("metrics", "offered"), OFFERED.values(), ids=OFFERED)
def test_a_device_is_offered_the_roles_that_fit_what_it_says(metrics, offered):
    assert {role.key for role in roles_for(metrics)} == offered


HELD = {
    "a lid opens and shuts": (
        told("medicine-box", ("door_open", 1.0), ("door_open", 0.0)),
        [True, False],
    ),
    "a pad on a contact closes under weight": (
        told("bed", ("door_open", 0.0), ("door_open", 1.0)),
        [True, False],
    ),
    "a pad that says occupancy": (
        told("chair", ("occupancy", 1.0), ("occupancy", 0.0)),
        [True, False],
    ),
    "a kettle from 500 W": (
        told("kettle", ("power", 499.9), ("power", 500.0), ("power", 0.0)),
        [False, True, False],
    ),
    "a small kettle with a floor of its own": (
        told("kettle", ("power", 299.0), ("power", 300.0), on_above_w=300.0),
        [False, True],
    ),
    "a screen whose draw goes up and down stays on": (
        told("television", ("power", 16.0), ("power", 8.0), ("power", 7.0)),
        [True, True, False],
    ),
    "zones of a radar are one room": (
        told(
            "bathroom",
            ("presence", 1.0, 1),
            ("presence", 1.0, 2),
            ("presence", 0.0, 1),
            ("presence", 0.0, 2),
        ),
        [True, True, True, False],
    ),
    "presence outlasts the movement of the same sensor": (
        told("bathroom", ("movement", 1.0), ("presence", 1.0), ("movement", 0.0)),
        [True, True, True],
    ),
    "a battery says nothing of the place": (told("fridge", ("battery", 80.0)), [False]),
}


@pytest.mark.parametrize(("found", "expected"), HELD.values(), ids=HELD)
def test_a_role_holds_by_its_condition(found, expected):
    assert found == expected


def test_every_sign_is_a_state_or_a_power():
    kinds = {name: METRICS[name].kind for name in SIGNS}
    assert {name for name, kind in kinds.items() if kind is not Kind.STATE} == {"power"}
    assert unit_of("power", "W") == "W"
