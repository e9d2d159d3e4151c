from itertools import product

import pytest

from server.alerting.lifecycle import (
    REFUSALS,
    TRANSITIONS,
    Action,
    Moved,
    Refused,
    State,
    apply,
    possible,
)

EVERY_PAIR = [
    pytest.param(state, action, id=f"{state}-{action}") for state, action in product(State, Action)
]


@pytest.mark.parametrize(("state", "action"), EVERY_PAIR)
def test_each_action_in_each_state_is_either_possible_or_refused_with_a_reason(
    state, action
) -> None:
    outcome = apply(state, action)
    assert ((state, action) in TRANSITIONS) != ((state, action) in REFUSALS)
    if isinstance(outcome, Moved):
        assert outcome.state is TRANSITIONS[state, action]
        assert action in possible(state)
    else:
        assert outcome == Refused(REFUSALS[state, action])
        assert outcome.reason.endswith(".")
        assert action not in possible(state)


@pytest.mark.parametrize("action", Action)
def test_nothing_brings_a_resolved_alert_back(action) -> None:
    outcome = apply(State.RESOLVED, action)
    assert isinstance(outcome, Refused) or outcome == Moved(State.RESOLVED)


@pytest.mark.parametrize("state", State)
def test_a_note_changes_no_state(state) -> None:
    assert apply(state, Action.ANNOTATE) == Moved(state)


@pytest.mark.parametrize("state", [each for each in State if each is not State.RESOLVED])
def test_what_came_again_always_has_a_place_on_an_unresolved_alert(state) -> None:
    assert isinstance(apply(state, Action.RECUR), Moved)
    assert isinstance(apply(state, Action.RAISE), Moved)


def test_a_raised_alert_is_not_taken_by_whoever_took_the_milder_one() -> None:
    assert apply(State.ACKNOWLEDGED, Action.RAISE) == Moved(State.OPEN)


def test_every_state_is_reached_and_left_or_the_end() -> None:
    assert set(TRANSITIONS.values()) == set(State)
