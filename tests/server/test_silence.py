"""The dead-man timer and the escalation: pure decisions, and what they do to the database."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from plumbing.clock import HomeTime, Pace
from rules.model import Lane, Tier
from server.alerting import deadman, escalation
from server.config import DeadMan, Escalation

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
LIMIT_S = 900.0


def ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


def home(heard: float | None, *, known: float = 10_000, alert: str | None = None) -> deadman.Home:
    return deadman.Home(
        gateway="home-1",
        known_since=ago(known),
        heard_at=None if heard is None else ago(heard),
        alert=alert,
    )


@pytest.mark.parametrize(
    ("given", "listening", "expected"),
    [
        pytest.param(home(14.9), 10_000, deadman.Wait, id="heard-in-time"),
        pytest.param(home(15), 10_000, deadman.Open, id="silent-for-the-limit"),
        pytest.param(home(None, known=14), 10_000, deadman.Wait, id="new-and-not-heard-yet"),
        pytest.param(home(None, known=15), 10_000, deadman.Open, id="never-heard"),
        pytest.param(home(500), 14, deadman.Wait, id="the-server-was-away-itself"),
        pytest.param(home(500), 15, deadman.Open, id="silent-since-the-server-came-back"),
        pytest.param(home(500, alert="a"), 10_000, deadman.Wait, id="its-alert-is-open"),
        pytest.param(home(1, alert="a"), 10_000, deadman.Close, id="back"),
        pytest.param(home(20, alert="a"), 2, deadman.Wait, id="still-silent-after-a-restart"),
        pytest.param(home(-3), 10_000, deadman.Wait, id="a-clock-that-was-set-back"),
    ],
)
def test_a_homes_silence_is_decided_in_machine_time(given, listening, expected) -> None:
    assert isinstance(deadman.decide(given, ago(listening), LIMIT_S, NOW), expected)


LIMITS_S = {Tier.T4: 900.0, Tier.T5: 180.0}


@pytest.mark.parametrize(
    ("tier", "minutes", "expected"),
    [
        pytest.param(5, 2.9, escalation.Wait, id="t5-in-time"),
        pytest.param(5, 3, escalation.Escalate, id="t5-late"),
        pytest.param(4, 14.9, escalation.Wait, id="t4-in-time"),
        pytest.param(4, 15, escalation.Escalate, id="t4-late"),
        pytest.param(3, 100_000, escalation.Wait, id="t3-waits-for-the-next-session"),
    ],
)
def test_what_nobody_takes_escalates_by_its_tier(tier, minutes, expected) -> None:
    waiting = escalation.Waiting(id="a", tier=tier, waiting_since=ago(minutes))
    decision = escalation.decide(waiting, LIMITS_S, NOW)
    assert isinstance(decision, expected)
    assert decision.reason


def unresolved(sql) -> list[tuple]:
    return sql.execute(
        "SELECT rule, gateway, patient, tier, state FROM alerts WHERE state <> 'resolved'"
    ).fetchall()


def go_silent(sql, gateway: str, seconds: float) -> None:
    """As if the gateway had been heard so long ago, by a server that listened all the while."""
    sql.execute(
        "UPDATE gateways SET heard_at = now() - make_interval(secs => %s) WHERE id = %s",
        (seconds, gateway),
    )
    sql.execute("UPDATE deadman_watch SET listening_since = listening_since - interval '1 day'")


QUIET = DeadMan(gateway_silent_s=900, check_s=3600)
"""The test calls the check itself."""
BEAT = b'{"home_time":"2031-01-01T00:00:00Z","waiting":0,"plan":"p","software":"s"}'


@pytest.fixture
def silent_config(config):
    return msgspec.structs.replace(
        config, deadman=QUIET, escalation=Escalation(t4_s=900, t5_s=180, check_s=3600)
    )


on_a_database = [pytest.mark.processes, pytest.mark.anyio]


class TestDeadMan:
    pytestmark = on_a_database

    async def test_a_silent_home_is_one_alert_about_kit_and_closes_itself(
        self, rig_of, silent_config, sql
    ) -> None:
        async with rig_of(silent_config) as rig:
            await rig.home.request("POST", "/api/v1/heartbeat", BEAT)
            go_silent(sql, "home-1", 1000)
            for _ in range(3):
                await deadman.check(rig.site.db, silent_config)
            assert unresolved(sql) == [(deadman.RULE, "home-1", None, 3, "open")]
            await rig.home.request("POST", "/api/v1/heartbeat", BEAT)
            await deadman.check(rig.site.db, silent_config)
            assert unresolved(sql) == []
            trail = sql.execute(
                "SELECT actor, after, reason FROM alert_audit ORDER BY seq"
            ).fetchall()
            assert [row[:2] for row in trail] == [("clock", "open"), ("clock", "resolved")]
            assert "heard again" in trail[1][2]
            assert sql.execute("SELECT count(*) FROM notices").fetchone() == (0,)

    async def test_it_survives_a_restart_of_the_server(self, rig_of, silent_config, sql) -> None:
        async with rig_of(silent_config) as rig:
            await rig.home.request("POST", "/api/v1/heartbeat", BEAT)
            go_silent(sql, "home-1", 1000)
            await deadman.check(rig.site.db, silent_config)
        async with rig_of(silent_config) as rig:
            await deadman.check(rig.site.db, silent_config)
            assert len(unresolved(sql)) == 1
            await rig.home.request("POST", "/api/v1/heartbeat", BEAT)
            await deadman.check(rig.site.db, silent_config)
            assert unresolved(sql) == []

    async def test_a_short_restart_of_the_server_does_not_start_the_wait_anew(
        self, rig_of, silent_config, sql
    ) -> None:
        async with rig_of(silent_config) as rig:
            await rig.home.request("POST", "/api/v1/heartbeat", BEAT)
            await deadman.check(rig.site.db, silent_config)
            go_silent(sql, "home-1", 1000)
        async with rig_of(silent_config) as rig:
            await deadman.check(rig.site.db, silent_config)
            assert len(unresolved(sql)) == 1

    async def test_after_an_outage_of_the_server_every_home_gets_its_full_time(
        self, rig_of, silent_config, sql
    ) -> None:
        async with rig_of(silent_config) as rig:
            await rig.home.request("POST", "/api/v1/heartbeat", BEAT)
            await deadman.check(rig.site.db, silent_config)
            go_silent(sql, "home-1", 1000)
        sql.execute("UPDATE deadman_watch SET alive_at = alive_at - interval '20 minutes'")
        async with rig_of(silent_config) as rig:
            await deadman.check(rig.site.db, silent_config)
            assert unresolved(sql) == []

    async def test_a_silence_that_staff_resolved_does_not_come_back_at_once(
        self, rig_of, silent_config, sql
    ) -> None:
        async with rig_of(silent_config) as rig:
            await rig.home.request("POST", "/api/v1/heartbeat", BEAT)
            go_silent(sql, "home-1", 1000)
            await deadman.check(rig.site.db, silent_config)
            sql.execute("UPDATE alerts SET state = 'resolved'")
            await deadman.check(rig.site.db, silent_config)
            assert unresolved(sql) == []


class TestEscalation:
    pytestmark = on_a_database

    async def test_it_counts_machine_time_however_fast_the_homes_clock_runs(
        self, rig_of, silent_config, sql, make
    ) -> None:
        hurried = HomeTime(machine_start=NOW, home_start=make.at, paces=(Pace(times=100_000.0),))
        config = msgspec.structs.replace(silent_config, home_time=hurried)
        async with rig_of(config) as rig:
            record = rig.home.record("alert", make.request("a", Tier.T4), Lane.URGENT)
            await rig.home.post(record)
            await escalation.check(rig.site.db, config)
            assert unresolved(sql)[0][4] == "open"
            sql.execute("UPDATE alerts SET waiting_since = waiting_since - interval '15 minutes'")
            for _ in range(2):
                await escalation.check(rig.site.db, config)
            assert unresolved(sql)[0][4] == "escalated"
            audit = sql.execute(
                "SELECT actor, reason FROM alert_audit WHERE action IS NOT NULL"
            ).fetchall()
            assert audit == [("clock", "nobody took a T4 within 900 s")]
            assert sql.execute("SELECT state FROM notices ORDER BY seq").fetchall() == [
                ("open",),
                ("escalated",),
            ]
