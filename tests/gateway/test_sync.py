"""What leaves the home: urgent first, nothing forgotten before the server has it."""

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from devices.mapping import Mapping
from devices.model import MqttMessage, Reading
from gateway.config import HomeDevice, ServerLink
from gateway.home import Home
from gateway.intake import Intake
from gateway.journal import Journal, Waiting
from gateway.sync import Refused, ServerClient, Sync, Troubled, Unreachable
from plumbing.backoff import Backoff
from plumbing.clock import HomeTime
from rules.model import Lane, Tier
from rules.plan import parse_plan
from rules.records import (
    BatchAnswer,
    Correction,
    Notice,
    Notices,
    RecordKind,
    StaffCorrection,
    StaffSnooze,
    StaffState,
    decode_batch,
    encode,
)
from rules.snooze import Direction

AT = datetime.now(UTC) - timedelta(hours=1)
PLAN = {
    "version": "1",
    "people": [{"id": "tester", "name": "Tester"}],
    "rules": [
        {
            "id": "too-high",
            "for": "tester",
            "kind": "threshold",
            "params": {"metric": "level", "above": 90},
            "then": {"tier": "T3", "text": "too-high"},
            "source": "a limit for tests",
        }
    ],
    "texts": {"too-high": {"person": "High.", "nurse": "High.", "log": "high"}},
}


class Server(ServerClient):
    """Answers from memory, and remembers what it was sent; `fails` is raised when set."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.ids: list[str] = []
        self.beats: list[dict[str, Any]] = []
        self.asked: list[str] = []
        self.notices: tuple[Notice, ...] = ()
        self.corrections: tuple[StaffCorrection, ...] = ()
        self.states: tuple[StaffState, ...] = ()
        self.snoozes: tuple[StaffSnooze, ...] = ()
        self.fails: Exception | None = None
        self.fails_for: dict[str, Exception] = {}
        self.after_commit: Callable[[], None] = lambda: None

    def request(self, method: str, path: str, body: bytes = b"") -> bytes:
        if self.fails is not None:
            raise self.fails
        if path == "/api/v1/heartbeat":
            self.beats.append(msgspec.json.decode(body))
            return b""
        if path.startswith("/api/v1/notices"):
            self.asked.append(path)
            news = Notices(
                notices=self.notices,
                corrections=self.corrections,
                states=self.states,
                snoozes=self.snoozes,
            )
            return encode(news)
        records = decode_batch(body).records
        for record in records:
            if record.kind in self.fails_for:
                raise self.fails_for[record.kind]
        self.batches.append([record.kind for record in records])
        self.ids += [record.id for record in records]
        self.after_commit()
        return encode(BatchAnswer(committed=len(records)))


class Rig:
    """A home with one sensor, and the sync under test."""

    def __init__(self, folder: Path, heartbeat_s: float = 60.0) -> None:
        self.server = Server()
        self.journal = Journal(folder / "journal")
        plan = parse_plan(PLAN, {})
        intake = Intake(
            [HomeDevice(device="sensor", patient="tester")],
            [Mapping(topic="s", device="sensor", metric="level", value="v", time="ts")],
            plan.people,
            {},
        )
        self.home = Home(self.journal, plan, intake, HomeTime())
        link = ServerLink(url="http://127.0.0.1:9", heartbeat_s=heartbeat_s)
        self.sync = Sync(
            self.server, link, "home-1", self.home, HomeTime(), Backoff(1, 2), "homebeat test"
        )

    def hear(self, *values: float, start: int = 0) -> None:
        self.home.take(
            [
                MqttMessage(
                    topic="s",
                    payload=encode({"v": value, "ts": AT.timestamp() + start + number}),
                    received_at=self.home.now(),
                )
                for number, value in enumerate(values)
            ]
        )

    def poll(self) -> None:
        """A turn in which the server is asked for news."""
        self.sync._poll_at_s = 0.0
        self.sync.turn()

    def readings(self) -> list[Reading]:
        """Those that stand, oldest first."""
        with self.home.journal() as journal:
            return list(journal.readings(["level"], AT - timedelta(days=1), AT + timedelta(days=1)))

    def counts(self) -> dict[str, int]:
        with self.home.journal() as journal:
            return journal.counts()


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


def test_an_alert_passes_a_backlog(rig: Rig) -> None:
    rig.hear(*([50.0] * 1200))
    rig.hear(95.0, start=1200)
    rig.sync.turn()
    assert rig.server.batches[0] == ["alert"]
    assert sum(len(batch) for batch in rig.server.batches) == 1200 + 1 + 1 + 1


def test_an_alert_that_comes_up_while_a_backlog_drains_is_sent_next(rig: Rig) -> None:
    rig.hear(*([50.0] * 1200))

    def once() -> None:
        rig.server.after_commit = lambda: None
        rig.hear(95.0, start=1200)

    rig.server.after_commit = once
    rig.sync.turn()
    assert rig.server.batches[1] == ["alert"]


def test_what_the_server_did_not_commit_stays_and_is_sent_once_more(rig: Rig) -> None:
    rig.hear(1.0, 2.0)
    rig.server.fails = Unreachable("cut")
    with pytest.raises(Unreachable):
        rig.sync.turn()
    assert rig.home.waiting().bulk == 2
    rig.server.fails = None
    rig.sync.turn()
    assert len(rig.server.ids) == len(set(rig.server.ids)) == 2
    assert rig.home.waiting().bulk == 0


def test_an_answer_that_was_lost_makes_the_same_ids_come_again(rig: Rig) -> None:
    rig.hear(1.0)

    def lose() -> None:
        rig.server.after_commit = lambda: None
        raise Unreachable("the answer was lost")

    rig.server.after_commit = lose
    with pytest.raises(Unreachable):
        rig.sync.turn()
    rig.sync.turn()
    assert len(rig.server.ids) == 2
    assert len(set(rig.server.ids)) == 1


@pytest.mark.parametrize("answer", [Troubled("500"), Refused("400")], ids=["500", "400"])
def test_an_alert_that_the_server_can_not_take_does_not_hold_back_the_readings(
    rig: Rig, answer: Exception
) -> None:
    rig.hear(95.0)
    rig.server.fails_for = {"alert": answer}
    with pytest.raises(type(answer)):
        rig.sync.turn()
    assert rig.home.waiting() == Waiting(urgent=1, bulk=0)
    rig.server.fails_for = {}
    rig.sync.turn()
    assert rig.home.waiting() == Waiting(urgent=0, bulk=0)


def test_a_refusal_keeps_what_waits(rig: Rig) -> None:
    rig.hear(1.0)
    rig.server.fails = Refused("signature")
    with pytest.raises(Refused):
        rig.sync.turn()
    assert rig.home.waiting().bulk == 1


def test_a_heartbeat_tells_of_what_is_stuck_and_not_of_what_was_on_its_way(rig: Rig) -> None:
    rig.hear(1.0, 2.0, 3.0)
    rig.sync.turn()
    (beat,) = rig.server.beats
    assert (beat["waiting"], beat["plan"], beat["software"]) == (0, "1", "homebeat test")


def test_a_long_backlog_does_not_silence_the_heartbeat(tmp_path: Path) -> None:
    rig = Rig(tmp_path, heartbeat_s=0.0)
    rig.hear(*([50.0] * 1600))
    rig.sync.turn()
    assert [beat["waiting"] for beat in rig.server.beats] == [1100, 600, 100, 0, 0]


def test_news_is_kept_once_and_asked_for_from_there_on(rig: Rig) -> None:
    rig.server.notices = (
        Notice(seq=7, alert="a", patient="tester", state="acknowledged", by="Sam", at=AT),
    )
    rig.sync.turn()
    rig.poll()
    assert rig.server.asked == [
        "/api/v1/notices?after=0&corrections_after=0&states_after=0&snoozes_after=0",
        "/api/v1/notices?after=7&corrections_after=0&states_after=0&snoozes_after=0",
    ]
    with rig.home.journal() as journal:
        assert [notice.by for notice in journal.notices(5)] == ["Sam"]


def staff_said(reading: str, seq: int = 1) -> StaffCorrection:
    return StaffCorrection(
        seq=seq,
        reading=reading,
        patient="tester",
        metric="level",
        taken_at=AT,
        at=AT,
        by="Sam",
        reason="slip",
    )


def test_a_correction_of_staff_is_applied_once_and_asked_for_from_there_on(rig: Rig) -> None:
    rig.hear(50.0, 95.0)
    rig.server.corrections = (staff_said(rig.readings()[1].id, seq=4),)
    rig.poll()
    assert [reading.value for reading in rig.readings()] == [50.0]
    rig.poll()
    assert "&corrections_after=4&" in rig.server.asked[1]
    counts = rig.counts()
    assert (counts[RecordKind.CORRECTION], counts[RecordKind.SUPERSEDED]) == (1, 1)


def test_the_server_hears_who_said_so_and_which_findings_no_longer_stand(rig: Rig) -> None:
    rig.hear(95.0)
    rig.server.corrections = (staff_said(rig.readings()[0].id),)
    rig.poll()
    with rig.home.journal() as journal:
        records = {one.kind: one for one in journal.outbox(Lane.URGENT, "home-1", 10)}
    correction = msgspec.json.decode(records[RecordKind.CORRECTION].body, type=Correction)
    assert (correction.by, correction.reason) == ("Sam", "slip")
    rig.sync.turn()
    assert rig.server.batches[-1] == ["correction", "superseded"]


def test_a_correction_of_an_unknown_reading_is_kept_and_changes_nothing(rig: Rig) -> None:
    rig.hear(95.0)
    before = rig.counts()
    rig.server.corrections = (staff_said("no such reading", seq=2),)
    rig.poll()
    assert rig.counts() == before
    assert len(rig.readings()) == 1
    rig.poll()
    assert "&corrections_after=2&" in rig.server.asked[-1]


def test_corrections_that_can_not_be_written_are_asked_for_again(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.hear(95.0)
    rig.server.corrections = (staff_said(rig.readings()[0].id, seq=3),)

    def full(correction: Correction) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(rig.journal, "correct", full)
        with pytest.raises(sqlite3.OperationalError):
            rig.poll()
    rig.poll()
    assert "&corrections_after=0&" in rig.server.asked[-1]
    assert rig.readings() == []


def test_a_correction_that_can_not_be_digested_costs_only_itself(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.hear(50.0, 95.0)
    first, second = rig.readings()
    rig.server.corrections = (staff_said(first.id, seq=1), staff_said(second.id, seq=2))
    correct = rig.home.correct

    def breaks_once(reading: str, reason: str, by: str) -> bool:
        if reading == first.id:
            raise ValueError("a mistake of ours")
        return correct(reading, reason, by)

    monkeypatch.setattr(rig.home, "correct", breaks_once)
    rig.poll()
    assert rig.readings() == [first]


def test_what_staff_say_of_a_person_is_applied_once_and_asked_for_from_there_on(rig: Rig) -> None:
    rig.server.states = (
        StaffState(seq=3, patient="tester", said="in-hospital", at=AT, by="Sam"),
        StaffState(seq=4, patient="nobody", said="died", at=AT, by="Sam"),
    )
    rig.server.snoozes = (
        StaffSnooze(
            seq=2,
            id="5" * 32,
            patient="tester",
            family="",
            direction=Direction.UP,
            tier=Tier.T3,
            starts_at=AT,
            ends_at=AT + timedelta(days=1),
            by="Sam",
            reason="seen",
        ),
    )
    for _ in range(3):
        rig.poll()
    assert rig.server.asked[-1].endswith("&states_after=4&snoozes_after=2")
    assert rig.counts()[RecordKind.STATE] == 1
    with rig.home.journal() as journal:
        newest = journal.newest("tester", "person.in_hospital")
        assert newest is not None
        assert (newest.value, newest.device) == (1.0, "staff:Sam")


def test_states_are_not_asked_for_while_a_backlog_comes_in(tmp_path: Path) -> None:
    Rig(tmp_path).hear(50.0)
    rig = Rig(tmp_path)
    rig.poll()
    assert "states_after" not in rig.server.asked[-1]
    rig.home.caught_up()
    rig.poll()
    assert "states_after=0" in rig.server.asked[-1]


def test_a_server_that_knows_no_corrections_is_understood(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = b'{"notices":[{"seq":7,"alert":"a","patient":"tester","state":"open","by":"Sam",'
    old += b'"at":"2026-03-03T07:40:00Z"}]}'
    monkeypatch.setattr(rig.server, "request", lambda *_: old)
    rig.sync._fetch_notices()
    with rig.home.journal() as journal:
        assert (journal.last_notice(), journal.told_corrections.last()) == (7, 0)
