"""The journal keeps what it was told, once, in order, and knows how far the server has it."""

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from devices.model import Fact, Reading, reading_id
from gateway.journal import KEPT_REFUSALS, Journal, JournalError
from rules.model import AlertRequest, Evidence, Finding, Lane, Phase, Prompt, Tier
from rules.records import RecordKind, Superseded, decode_body

AT = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)


def weight(value: float, minutes: int = 0) -> Reading:
    at = AT + timedelta(minutes=minutes)
    return Reading(
        id=reading_id("margaret", "scale", "body_weight", at, value),
        patient="margaret",
        device="scale",
        metric="body_weight",
        value=value,
        unit="kg",
        taken_at=at,
        received_at=at,
    )


def finding(name: str = "weight-gain") -> Finding:
    return Finding(
        id=f"f-{name}",
        rule=name,
        version="1",
        patient="margaret",
        phase=Phase.ACTIVE,
        tier=Tier.T1,
        family="weight",
        at=AT,
        because=Evidence(),
    )


def alert(tier: Tier) -> AlertRequest:
    return AlertRequest(
        id=f"a-{tier}",
        finding="f-weight-gain",
        rule="weight-gain",
        version="1",
        patient="margaret",
        tier=tier,
        family="weight",
        at=AT,
        text="weight-gain",
    )


def prompt() -> Prompt:
    return Prompt(
        id="p",
        finding="f-weight-gain",
        rule="weight-gain",
        patient="margaret",
        tier=Tier.T1,
        at=AT,
        expires_at=AT + timedelta(hours=4),
        text="weight-gain",
        ask=("symptom.ankles_swollen", "symptom.pillows"),
    )


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "journal.sqlite3")


def test_the_same_reading_twice_is_one_and_only_the_first_is_new(journal: Journal) -> None:
    with journal.transaction():
        assert len(journal.add_readings([(weight(70.0), b"raw"), (weight(70.5), b"raw")])) == 2
    with journal.transaction():
        new = journal.add_readings([(weight(70.5), b"raw"), (weight(71.0), b"raw")])
    assert [reading.value for reading in new] == [71.0]
    assert journal.counts() == {RecordKind.READING: 3}


def test_two_values_at_one_instant_both_survive(journal: Journal) -> None:
    with journal.transaction():
        journal.add_readings([(weight(70.0), None), (weight(82.0), None)])
    found = journal.readings(["body_weight"], AT - timedelta(seconds=1), AT)
    assert {reading.value for reading in found} == {70.0, 82.0}


def test_a_window_leaves_its_beginning_out_and_takes_its_end_in(journal: Journal) -> None:
    with journal.transaction():
        journal.add_readings([(weight(70.0 + minute, minute), None) for minute in (2, 0, 1)])
    found = journal.readings(["body_weight"], AT, AT + timedelta(minutes=2))
    assert [reading.value for reading in found] == [71.0, 72.0]


def test_a_broken_transaction_leaves_nothing(journal: Journal) -> None:
    def break_off() -> None:
        with journal.transaction():
            journal.add_readings([(weight(70.0), None)])
            journal.put_states({"weight-gain": b"{}"})
            raise RuntimeError

    with pytest.raises(RuntimeError):
        break_off()
    assert journal.counts() == {}
    assert journal.states() == {}


def test_an_urgent_alert_passes_the_backlog_and_each_lane_moves_alone(journal: Journal) -> None:
    with journal.transaction():
        journal.add_readings([(weight(70.0, minute), None) for minute in range(5)])
        journal.add_alert(alert(Tier.T4))
    (urgent,) = journal.outbox(Lane.URGENT, "home-1", 10)
    assert decode_body(urgent) == alert(Tier.T4)
    with journal.transaction():
        journal.mark_sent(Lane.URGENT, urgent.seq)
    assert journal.outbox(Lane.URGENT, "home-1", 10) == []
    assert len(journal.outbox(Lane.BULK, "home-1", 10)) == 5
    assert (journal.waiting().urgent, journal.waiting().bulk) == (0, 5)


def test_what_was_sent_stays_sent_after_a_restart(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j")
    with journal.transaction():
        journal.add_readings([(weight(70.0, minute), None) for minute in range(3)])
        journal.mark_sent(Lane.BULK, 2)
    journal.close()
    (left,) = Journal(tmp_path / "j").outbox(Lane.BULK, "home-1", 10)
    assert left.seq == 3


def test_a_superseded_finding_stands_no_more_and_its_prompt_is_withdrawn(journal: Journal) -> None:
    with journal.transaction():
        assert journal.add_finding(finding(), AT)
        assert not journal.add_finding(finding(), AT)
        journal.add_prompt(prompt())
        journal.add_alert(alert(Tier.T3))
        journal.supersede("f-weight-gain", "margaret", AT, "late-reading")
    assert journal.findings(["weight-gain"], AT) == []
    assert journal.open_prompts(AT) == []
    assert journal.last_alerts(10) == []
    kinds = [record.kind for record in journal.outbox(Lane.URGENT, "home-1", 10)]
    assert kinds == [RecordKind.ALERT, RecordKind.SUPERSEDED]


def test_the_server_is_told_each_time_that_a_finding_is_undone_and_stands_again(
    journal: Journal,
) -> None:
    with journal.transaction():
        journal.add_finding(finding(), AT)
        for hour in (1, 3):
            journal.supersede(
                "f-weight-gain", "margaret", AT + timedelta(hours=hour), "late-reading"
            )
            assert not journal.add_finding(finding(), AT + timedelta(hours=hour + 1))
    told = [decode_body(record) for record in journal.outbox(Lane.URGENT, "home-1", 10)]
    assert [body.by for body in told if isinstance(body, Superseded)] == [
        "late-reading",
        "stands-again",
        "late-reading",
        "stands-again",
    ]


def test_a_prompt_is_asked_until_it_is_answered_or_over(journal: Journal) -> None:
    with journal.transaction():
        journal.add_prompt(prompt())
        journal.put_answered("p", ["symptom.ankles_swollen"])
    (state,) = journal.open_prompts(AT)
    assert state.unanswered == ("symptom.pillows",)
    assert journal.open_prompts(AT + timedelta(hours=4)) == []
    with journal.transaction():
        assert journal.close_prompt("p", "answered")
        assert not journal.close_prompt("p", "answered")


def test_a_flood_of_refusals_is_counted_and_only_the_first_are_kept(journal: Journal) -> None:
    with journal.transaction():
        for number in range(KEPT_REFUSALS + 30):
            journal.quarantine("mqtt x", f"{number}", "not JSON", AT)
    assert journal.counts() == {RecordKind.QUARANTINE: KEPT_REFUSALS}
    (row,) = journal.refusals(10)
    assert row.count == KEPT_REFUSALS + 30


def test_facts_keep_their_newest_value(journal: Journal) -> None:
    with journal.transaction():
        journal.put_fact(Fact(device="door", name="packet_id", value=1), AT)
        journal.put_fact(Fact(device="door", name="packet_id", value=2), AT)
    assert journal.facts() == {"door": {"packet_id": 2}}


def test_a_file_that_is_no_journal_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "j").write_bytes(b"not a database at all" * 100)
    with pytest.raises(JournalError, match="moved aside"):
        Journal(tmp_path / "j")


def test_commits_are_synced_to_the_disk(journal: Journal, tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "journal.sqlite3")
    assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert journal._db.execute("PRAGMA synchronous").fetchone() == (2,)
