"""Alerts as the database keeps them: opened once, raised, annotated, and with a whole trail."""

import msgspec
import psycopg
import pytest

from rules.model import Lane, Tier
from rules.records import BatchAnswer
from server.alerting.ledger import Author, NoSuchAlert, NotPossible, Times, act
from server.alerting.lifecycle import Action, State

pytestmark = [pytest.mark.processes, pytest.mark.anyio]

NURSE = Author(id="nurse", name="Sam Okoro")


@pytest.fixture
def ask(rig):
    """Send requests for staff as the home does."""

    async def ask(*requests) -> None:
        response = await rig.home.post(
            *(rig.home.record("alert", each, Lane.URGENT) for each in requests)
        )
        answer = msgspec.json.decode(response.content, type=BatchAnswer)
        assert answer.committed == len(requests), response.text

    return ask


@pytest.fixture
def do(rig, make):
    """Act on an alert as staff do."""

    async def do(alert: str, action: Action, reason: str = "", author: Author = NURSE) -> State:
        async with rig.site.db.transaction() as connection:
            times = Times(now=make.at, home=make.at)
            return await act(connection, alert, action, author, reason, times)

    return do


def alerts(sql) -> list[tuple]:
    return sql.execute(
        "SELECT id, tier, state, occurrences, taken_by FROM alerts ORDER BY opened_at, id"
    ).fetchall()


def trail(sql, alert: str) -> list[tuple]:
    return sql.execute(
        "SELECT actor, action, before, after FROM alert_audit WHERE alert = %s ORDER BY seq",
        (alert,),
    ).fetchall()


def notices(sql) -> list[tuple]:
    return sql.execute("SELECT seq, state, by FROM notices ORDER BY seq").fetchall()


async def test_from_open_to_resolved_with_a_trail_and_news_for_the_home(ask, do, sql, make) -> None:
    await ask(make.request("a"))
    await do("a", Action.ACKNOWLEDGE)
    await do("a", Action.RESOLVE, "phoned, water tablet doubled")
    assert alerts(sql) == [("a", 4, "resolved", 1, "Sam Okoro")]
    assert trail(sql, "a") == [
        ("rules", None, None, "open"),
        ("nurse", "acknowledge", "open", "acknowledged"),
        ("nurse", "resolve", "acknowledged", "resolved"),
    ]
    assert notices(sql) == [(1, "open", "Homebeat"), (2, "acknowledged", "Sam"),
                            (3, "resolved", "Sam")]  # fmt: skip


@pytest.mark.parametrize(
    ("before", "tier", "state", "taken_by", "action"),
    [
        pytest.param([], Tier.T3, "open", None, "recur", id="open-again"),
        pytest.param([], Tier.T4, "open", None, "raise", id="open-worse"),
        pytest.param(
            [Action.ACKNOWLEDGE], Tier.T3, "acknowledged", "Sam Okoro", "recur", id="taken-again"
        ),
        pytest.param([Action.ACKNOWLEDGE], Tier.T4, "open", None, "raise", id="taken-worse"),
        pytest.param([Action.ESCALATE], Tier.T3, "escalated", None, "recur", id="late-again"),
        pytest.param([Action.ESCALATE], Tier.T5, "escalated", None, "raise", id="late-worse"),
    ],
)
async def test_the_same_rule_again_goes_onto_the_unresolved_alert(
    ask, do, sql, make, before, tier, state, taken_by, action
) -> None:
    await ask(make.request("a", Tier.T3))
    for each in before:
        await do("a", each)
    await ask(make.request("b", tier, minutes=30))
    assert alerts(sql) == [("a", int(tier), state, 2, taken_by)]
    assert trail(sql, "a")[-1][1] == action


async def test_a_resolved_alert_stays_and_a_new_one_opens(ask, do, sql, make) -> None:
    await ask(make.request("a"))
    await do("a", Action.RESOLVE)
    await ask(make.request("b", minutes=30))
    assert [(row[0], row[2]) for row in alerts(sql)] == [("a", "resolved"), ("b", "open")]


async def test_another_rule_or_another_person_is_another_alert(ask, rig, sql, make) -> None:
    await ask(make.request("a"), make.request("b", rule="pressure.high"))
    other = rig.home_of("home-2", key_of="home-2")
    await other.post(other.record("alert", make.request("c", patient="joan")))
    assert sorted(row[0] for row in alerts(sql)) == ["a", "b", "c"]


async def test_an_older_request_that_arrives_late_does_not_take_the_headline(
    ask, sql, make
) -> None:
    await ask(make.request("a", minutes=60, values={"kg": "3.0"}))
    await ask(make.request("b", minutes=0, values={"kg": "2.1"}, late=True))
    row = sql.execute("SELECT text_values, late, occurrences, last_at FROM alerts").fetchone()
    assert row[:3] == ({"kg": "3.0"}, False, 2)
    assert row[3] == make.request("x", minutes=60).at


async def test_a_milder_one_does_not_lower_the_tier(ask, sql, make) -> None:
    await ask(make.request("a", Tier.T5))
    await ask(make.request("b", Tier.T3, minutes=5, values={"kg": "0.1"}))
    assert alerts(sql) == [("a", 5, "open", 2, None)]
    assert sql.execute("SELECT text_values FROM alerts").fetchone() == ({"kg": "2.3"},)


async def test_a_finding_that_no_longer_stands_is_noted_and_nothing_is_erased(
    ask, rig, sql, make
) -> None:
    await ask(make.request("a", finding="f1"))
    await rig.home.post(rig.home.record("superseded", make.superseded("f1")))
    assert sql.execute("SELECT state, superseded FROM alerts").fetchone() == (
        "open",
        "late-reading",
    )
    assert trail(sql, "a")[-1] == ("rules", "annotate", "open", "open")


async def test_a_finding_undone_before_its_alert_arrived_is_noted_too(ask, rig, sql, make) -> None:
    await rig.home.post(rig.home.record("superseded", make.superseded("f1")))
    await ask(make.request("a", finding="f1"))
    assert sql.execute("SELECT superseded FROM alerts").fetchone() == ("late-reading",)


async def test_an_earlier_finding_undone_leaves_the_headline_standing(ask, rig, sql, make) -> None:
    await ask(make.request("a", finding="f1"))
    await ask(make.request("b", finding="f2", minutes=30))
    await rig.home.post(rig.home.record("superseded", make.superseded("f1")))
    assert sql.execute("SELECT superseded FROM alerts").fetchone() == (None,)
    assert trail(sql, "a")[-1][1] == "annotate"


async def test_what_is_not_possible_changes_nothing_and_says_why(ask, do, sql, make) -> None:
    await ask(make.request("a"))
    await do("a", Action.ACKNOWLEDGE)
    before = (alerts(sql), trail(sql, "a"), notices(sql))
    with pytest.raises(NotPossible, match="acknowledged already"):
        await do("a", Action.ACKNOWLEDGE)
    assert (alerts(sql), trail(sql, "a"), notices(sql)) == before


async def test_an_alert_that_is_not_there_can_not_be_changed(do) -> None:
    with pytest.raises(NoSuchAlert):
        await do("no-such-alert", Action.ACKNOWLEDGE)


async def test_each_trail_leads_from_state_to_state_and_ends_where_the_alert_is(
    ask, do, sql, make
) -> None:
    await ask(make.request("a", Tier.T3))
    for number, action in enumerate(
        (Action.ACKNOWLEDGE, Action.ANNOTATE, Action.RAISE, Action.ESCALATE, Action.RESOLVE)
    ):
        if action is Action.RAISE:
            await ask(make.request("b", Tier.T4, minutes=number))
        else:
            await do("a", action)
    rows = trail(sql, "a")
    assert len(rows) == 6
    assert [row[2] for row in rows] == [None, *(row[3] for row in rows[:-1])]
    assert rows[-1][3] == alerts(sql)[0][2] == "resolved"
    assert len(notices(sql)) == sum(before != after for _, _, before, after in rows)


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param("UPDATE alert_audit SET actor = 'someone else'", id="changed"),
        pytest.param("DELETE FROM alert_audit", id="removed"),
    ],
)
async def test_the_trail_can_not_be_rewritten(ask, sql, make, statement) -> None:
    await ask(make.request("a"))
    with pytest.raises(psycopg.errors.RaiseException, match="never changed"):
        sql.execute(statement)


async def test_the_database_itself_allows_one_unresolved_alert_of_a_rule(ask, sql, make) -> None:
    await ask(make.request("a"))
    with pytest.raises(psycopg.errors.UniqueViolation):
        sql.execute(
            "INSERT INTO alerts SELECT 'b', gateway, patient, rule, family, tier, state, opened_at,"
            " last_at, waiting_since, 1, text, text_values, late FROM alerts"
        )
