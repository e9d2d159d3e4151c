"""The core of the home: one transaction from frame to prompt, and nothing half done."""

import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from devices.mapping import Mapping
from devices.model import Fact, MqttMessage
from gateway.config import HomeDevice
from gateway.home import Delivery, Home, Said
from gateway.intake import Intake
from gateway.journal import Journal
from plumbing.clock import HomeTime, Pace
from rules.plan import parse_plan
from rules.records import RecordKind, encode

START = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)
BEFORE = START - timedelta(days=1)
PLAN = {
    "version": "1",
    "people": [{"id": "tester", "name": "Tester"}],
    "rules": [
        {
            "id": "high",
            "for": "tester",
            "kind": "threshold",
            "params": {"metric": "level", "above": 90},
            "then": {"tier": "T1", "text": "high", "ask": ["symptom.pillows", "symptom.fainted"]},
            "source": "a limit for tests",
        },
        {
            "id": "fainted",
            "for": "tester",
            "kind": "answer",
            "params": {"metrics": ["symptom.fainted"]},
            "then": {"tier": "T4", "text": "fainted"},
            "source": "a limit for tests",
        },
    ],
    "texts": {
        "high": {"person": "It is high.", "nurse": "High.", "log": "high"},
        "fainted": {"person": "Sit down.", "nurse": "Fainted.", "log": "fainted"},
    },
}


class FrozenTime(HomeTime, frozen=True, kw_only=True):
    """Home time that the test holds in its hand."""

    shown: datetime = START

    def now(self) -> datetime:
        return self.shown


def make_home(
    folder: Path, plan: dict[str, Any] = PLAN, now: datetime = START
) -> tuple[Home, Journal]:
    journal = Journal(folder / "journal")
    parsed = parse_plan(plan, {})
    intake = Intake(
        [HomeDevice(device="sensor", patient="tester")],
        [Mapping(topic="s", device="sensor", metric="level", value="v", time="ts")],
        parsed.people,
        journal.facts(),
    )
    return Home(journal, parsed, intake, FrozenTime(shown=now)), journal


def level(value: float, minute: int) -> MqttMessage:
    at = START - timedelta(hours=1) + timedelta(minutes=minute)
    payload = encode({"v": value, "ts": at.timestamp()})
    return MqttMessage(topic="s", payload=payload, received_at=START)


def test_a_frame_becomes_a_prompt_and_its_answer_an_alert(tmp_path: Path) -> None:
    home, journal = make_home(tmp_path)
    said: list[Said] = []
    home.on_said(said.append)
    home.take([level(95.0, 0)])
    (state,) = journal.open_prompts(START)
    assert state.unanswered == ("symptom.pillows", "symptom.fainted")

    assert home.answer(state.prompt.id, {"symptom.pillows": False})
    (state,) = [one for one in journal.open_prompts(START) if one.prompt.rule == "high"]
    assert state.unanswered == ("symptom.fainted",)
    assert home.answer(state.prompt.id, {"symptom.fainted": True})

    assert [alert.rule for one in said for alert in one.alerts] == ["fainted"]
    assert journal.prompt(state.prompt.id).state == "answered"  # type: ignore[union-attr]
    assert journal.counts()[RecordKind.ALERT] == 1


def test_an_answer_that_was_not_asked_for_is_refused(tmp_path: Path) -> None:
    home, journal = make_home(tmp_path)
    home.take([level(95.0, 0)])
    (state,) = journal.open_prompts(START)
    with pytest.raises(ValueError, match="not asked"):
        home.answer(state.prompt.id, {"im_ok": True})
    assert not home.answer("no such prompt", {})


def test_a_restart_says_nothing_twice_and_forgets_nothing(tmp_path: Path) -> None:
    home, journal = make_home(tmp_path)
    home.take([level(95.0, 0), level(96.0, 1)])
    before = journal.counts()
    journal.close()
    again, journal = make_home(tmp_path)
    again.wake()
    again.take([level(95.0, 0), level(96.0, 1)])
    assert journal.counts() == before


def test_a_late_reading_undoes_what_it_disproves(tmp_path: Path) -> None:
    plan = {**PLAN, "rules": [{**PLAN["rules"][0], "debounce": {"k": 2, "n": 2}}]}  # type: ignore[dict-item]
    home, journal = make_home(tmp_path, plan)
    home.take([level(95.0, 0), level(96.0, 4)])
    assert len(journal.open_prompts(START)) == 1
    home.take([level(50.0, 2)])
    assert journal.open_prompts(START) == []
    assert journal.counts()[RecordKind.SUPERSEDED] == 1


SILENCE = {
    **PLAN,
    "rules": [
        {
            "id": "silent",
            "for": "tester",
            "kind": "absence",
            "params": {"metrics": ["level"], "every": "30min"},
            "then": {"tier": "T3", "text": "high"},
            "source": "a limit for tests",
        }
    ],
}


def test_a_backlog_that_comes_in_after_an_outage_is_no_silence(tmp_path: Path) -> None:
    home, journal = make_home(tmp_path, SILENCE, now=START - timedelta(minutes=59))
    home.take([level(50.0, 0)])
    journal.close()
    home, journal = make_home(tmp_path, SILENCE)
    for minute in (20, 45, 59):
        home.take([level(50.0, minute)])
        assert home.wake_at() is None
    home.caught_up()
    assert RecordKind.ALERT not in journal.counts()
    assert home.wake_at() == START + timedelta(minutes=29)


def test_silence_that_no_backlog_explains_is_judged_once_we_have_caught_up(tmp_path: Path) -> None:
    home, journal = make_home(tmp_path, SILENCE, now=START - timedelta(minutes=59))
    home.take([level(50.0, 0)])
    journal.close()
    home, journal = make_home(tmp_path, SILENCE)
    home.caught_up()
    assert journal.counts()[RecordKind.ALERT] == 1


def test_a_finding_stands_again_when_what_undid_it_was_an_error(tmp_path: Path) -> None:
    plan = {**PLAN, "rules": [{**PLAN["rules"][0], "debounce": {"k": 2, "n": 2}}]}  # type: ignore[dict-item]
    home, journal = make_home(tmp_path, plan)
    home.take([level(95.0, 0), level(96.0, 4)])
    home.take([level(50.0, 2)])
    (wrong,) = [r for r in journal.readings(["level"], BEFORE, START) if r.value == 50.0]
    assert journal.open_prompts(START) == []
    home.correct(wrong.id, "slip")
    assert len(journal.open_prompts(START)) == 1
    assert len(journal.findings(["high"], BEFORE)) == 1


def test_a_reading_entered_in_error_takes_back_what_followed_from_it(tmp_path: Path) -> None:
    home, journal = make_home(tmp_path)
    home.take([level(50.0, 0), level(95.0, 1)])
    (state,) = journal.open_prompts(START)
    (wrong,) = [r for r in journal.readings(["level"], BEFORE, START) if r.value > 90]
    assert home.correct(wrong.id, "another-person")
    assert journal.open_prompts(START) == []
    assert journal.prompt(state.prompt.id).state == "withdrawn"  # type: ignore[union-attr]
    assert [r.value for r in journal.latest("tester")] == [50.0]
    assert not home.correct(wrong.id, "another-person")
    counts = journal.counts()
    assert (counts[RecordKind.READING], counts[RecordKind.CORRECTION]) == (2, 1)
    journal.close()
    _, journal = make_home(tmp_path)
    assert journal.open_prompts(START) == []


def test_a_journal_that_fails_keeps_nothing_and_the_same_frames_come_through_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, journal = make_home(tmp_path)

    def full(rows: Sequence[object]) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(journal, "add_readings", full)
        with pytest.raises(sqlite3.OperationalError):
            home.take([level(95.0, 0)], [Delivery(1, b"print")])
    assert journal.counts() == {}
    assert not home.was_delivered(Delivery(1, b"print"))
    home.take([level(95.0, 0)], [Delivery(1, b"print")])
    assert journal.counts()[RecordKind.READING] == 1
    assert home.was_delivered(Delivery(1, b"print"))


def test_a_frame_that_breaks_the_rules_costs_itself_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, journal = make_home(tmp_path)
    real = journal.add_readings

    def broken(rows: Sequence[Any]) -> Any:
        if any(reading.value == 13.0 for reading, _ in rows):
            raise ZeroDivisionError("a mistake of ours")
        return real(rows)

    monkeypatch.setattr(journal, "add_readings", broken)
    home.take([level(50.0, 0), level(13.0, 1), level(51.0, 2)])
    assert journal.counts() == {RecordKind.READING: 2, RecordKind.QUARANTINE: 1}
    (refusal,) = journal.refusals(5)
    assert "ZeroDivisionError" in refusal.reason


def test_two_untimed_frames_of_one_instant_stay_two(tmp_path: Path) -> None:
    home, _ = make_home(tmp_path)
    assert home.now() < home.now()


def test_a_broker_that_forgot_us_makes_old_packet_ids_mean_nothing(tmp_path: Path) -> None:
    home, _ = make_home(tmp_path)
    home.take([level(50.0, 0)], [Delivery(5, b"x")])
    home.forget_deliveries()
    assert not home.was_delivered(Delivery(5, b"x"))


def test_home_time_waits_are_turned_into_machine_seconds() -> None:
    hurried = HomeTime(
        machine_start=START, home_start=START, paces=(Pace(times=60.0, for_s=10), Pace(times=1.0))
    )
    assert hurried.at(START + timedelta(seconds=10)) == START + timedelta(minutes=10)
    assert hurried.at(START + timedelta(seconds=20)) == START + timedelta(minutes=10, seconds=10)


def test_what_was_learned_of_a_device_is_known_after_a_restart(tmp_path: Path) -> None:
    home, journal = make_home(tmp_path)
    home.learn(Fact(device="A4:C1:38:00:00:04", name="records_bookmark", value=42))
    assert home.known("A4:C1:38:00:00:04") == {"records_bookmark": 42}
    journal.close()
    again, journal = make_home(tmp_path)
    assert again.known("A4:C1:38:00:00:04") == {"records_bookmark": 42}
    assert again.known("A4:C1:38:00:00:05") == {}
    journal.close()
