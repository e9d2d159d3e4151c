"""The home's one log, in SQLite: what was heard, decided and said, and how far it was sent.

Every commit is on the disk before it returns (WAL, synchronous FULL). One writer, held by
`gateway.home.Home`; pages and `doctor` read through connections of their own.
"""

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from devices.model import Fact, Reading
from gateway.corrections import ToldCorrections
from gateway.ends import Ends
from gateway.held import Held
from gateway.kit import Kit
from gateway.snoozes import Snoozes
from gateway.told import Told
from plumbing.queries import load_queries
from rules.exact import micros, micros_of, moment
from rules.model import AlertRequest, Finding, Lane, Prompt, Tier
from rules.records import (
    SCHEMA,
    STANDS_AGAIN,
    Correction,
    DeviceState,
    Notice,
    Quarantined,
    Record,
    RecordKind,
    SnoozeRefused,
    Stated,
    Superseded,
    body_id,
    encode,
)
from rules.snooze import Snooze

_SQL = load_queries("gateway.sql", "queries.sql")
_reading = msgspec.json.Decoder(Reading).decode
_finding = msgspec.json.Decoder(Finding).decode
_prompt = msgspec.json.Decoder(Prompt).decode
_alert = msgspec.json.Decoder(AlertRequest).decode
_notice = msgspec.json.Decoder(Notice).decode

KEPT_REFUSALS = 20
"""Of each source and reason, so many refused frames are kept whole; the rest are counted."""
URGENT_FROM_TIER = 3
_IN_ERROR = "entered-in-error"


class JournalError(Exception):
    """The journal can't be opened or written; the message says what to do."""


class Waiting(Struct, frozen=True):
    """How many records of each lane the server has not committed yet."""

    urgent: int
    bulk: int


class PromptState(Struct, frozen=True):
    """A prompt as the home page shows it; `answered` are the questions that have an answer."""

    prompt: Prompt
    state: str
    answered: tuple[str, ...]

    @property
    def unanswered(self) -> tuple[str, ...]:
        return tuple(metric for metric in self.prompt.ask if metric not in self.answered)


class Refusal(Struct, frozen=True):
    source: str
    reason: str
    count: int
    last: datetime


class Journal:
    """The log and its projections. Not thread-safe: its owner holds a lock around each use."""

    def __init__(self, path: Path) -> None:
        self._db = _open(path)
        with self._db:
            self._db.executescript(_schema())
        self.held = Held(self._db)
        """What waits for a yes."""
        self.told_corrections = ToldCorrections(self._db)
        """What staff said against readings."""
        self.kit = Kit(self._db)
        """The devices that were added at home."""
        self.snoozes = Snoozes(self._db)
        """What staff need not hear of for a while."""
        self.told_states = Told(self._db, "state")
        """What staff said of people."""
        self.told_snoozes = Told(self._db, "snooze")
        """What staff snoozed."""
        self.ends = Ends(self._db)
        """When states of people end by themselves."""

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, and on the disk when it ends."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.rollback()
            raise
        self._db.commit()

    # What is written --------------------------------------------------------------------------

    def add_readings(self, rows: Sequence[tuple[Reading, bytes | None]]) -> list[Reading]:
        """Append readings with what was on air; returns those that were not there before."""
        before = self._db.total_changes
        self._db.execute("SAVEPOINT readings")
        self._db.executemany(_SQL["add_record"], [_reading_row(*row) for row in rows])
        added = self._db.total_changes - before
        if added == len(rows):
            self._db.execute("RELEASE readings")
            return [reading for reading, _ in rows]
        self._db.execute("ROLLBACK TO readings")
        self._db.execute("RELEASE readings")
        new = []
        for reading, raw in rows:
            done = self._db.execute(_SQL["add_record"], _reading_row(reading, raw))
            if done.rowcount == 1:
                new.append(reading)
        return new

    def add_finding(self, finding: Finding, at: datetime) -> bool:
        """False where it was there already. One that was undone stands again, from `at` on."""
        new = self._add(
            RecordKind.FINDING, finding.id, finding.at, finding.patient, finding.rule, finding
        )
        if not new and self._db.execute(_SQL["unstrike"], (finding.id,)).rowcount == 1:
            self._db.execute(_SQL["ask_again"], (finding.id,))
            self._tell_of_standing(finding.id, finding.patient, at, STANDS_AGAIN)
        return new

    def add_alert(self, alert: AlertRequest) -> bool:
        return self._add(
            RecordKind.ALERT,
            alert.id,
            alert.at,
            alert.patient,
            alert.rule,
            alert,
            Lane.URGENT if alert.tier >= URGENT_FROM_TIER else Lane.BULK,
        )

    def add_prompt(self, prompt: Prompt) -> bool:
        new = self._add(
            RecordKind.PROMPT, prompt.id, prompt.at, prompt.patient, prompt.rule, prompt
        )
        if new:
            self._db.execute(
                _SQL["open_prompt"],
                (
                    prompt.id,
                    prompt.finding,
                    prompt.patient,
                    micros(prompt.at),
                    micros(prompt.expires_at),
                    encode(prompt),
                ),
            )
            if prompt.show_from is not None:
                self._db.execute(_SQL["put_later"], (prompt.id, micros(prompt.show_from)))
        return new

    def take_shown(self, at: datetime) -> list[Prompt]:
        """The prompts whose time to be shown has come since the last call, and are still open."""
        rows = self._db.execute(_SQL["shown_by_now"], {"at": micros(at)}).fetchall()
        self._db.execute(_SQL["drop_shown"], (micros(at),))
        return [_prompt(body) for _, _, body in rows]

    def put_off(self, prompt: str, until: datetime) -> None:
        """Show it again from then on."""
        self._db.execute(_SQL["put_later"], (prompt, micros(until)))

    def add_snooze_refused(self, refused: SnoozeRefused) -> None:
        """Tell the server that a snooze of staff does not hold here."""
        self._add_body(RecordKind.SNOOZE_REFUSED, refused, refused.at, refused.patient, Lane.URGENT)

    def extend_prompt(self, prompt: str, by: timedelta) -> None:
        """It stays open for so much longer."""
        self._db.execute(_SQL["extend_prompt"], (micros_of(by), prompt))

    def withdraw_all(self, patient: str) -> None:
        """Nothing is asked of this person any more, but what an emergency asks."""
        self._db.execute(_SQL["withdraw_all"], (patient, int(Tier.T5)))

    def add_stated(self, stated: Stated) -> None:
        """Keep what somebody said of a person, and tell the server."""
        self._add_body(RecordKind.STATE, stated, stated.at, stated.patient, Lane.BULK)

    def close_repeats(self, patient: str, rule: str) -> None:
        """The rule asks for no repeat any more: its prompts that did are answered."""
        self._db.execute(_SQL["close_repeats"], (patient, rule))

    def close_doubts(self, patient: str, rule: str) -> None:
        """A better reading came: the prompts of the rule that asked for it are answered."""
        self._db.execute(_SQL["close_doubts"], (patient, rule))

    def add_snooze(self, snooze: Snooze) -> None:
        """Keep it, and tell the server."""
        self.snoozes.put(snooze)
        self._add(
            RecordKind.SNOOZE,
            snooze.id,
            snooze.starts_at,
            snooze.patient,
            snooze.family,
            snooze,
            Lane.URGENT,
        )

    def put_alive(self, at: datetime) -> None:
        self._db.execute(_SQL["put_alive"], (micros(at),))

    def supersede(self, finding: str, patient: str, at: datetime, by: str) -> None:
        """The finding no longer stands; its prompt is withdrawn, and the server is told."""
        self._db.execute(_SQL["strike"], (finding, by, micros(at)))
        self._db.execute(_SQL["withdraw_prompts"], (finding,))
        self._tell_of_standing(finding, patient, at, by)

    def correct(self, correction: Correction) -> None:
        """The reading was entered in error: it is struck out, and the server is told."""
        self._db.execute(_SQL["strike"], (correction.reading, _IN_ERROR, micros(correction.at)))
        self._add_body(
            RecordKind.CORRECTION, correction, correction.at, correction.patient, Lane.URGENT
        )

    def quarantine(self, source: str, raw: str, reason: str, at: datetime) -> None:
        """Keep what could not become a reading; after KEPT_REFUSALS of a kind only count it."""
        (count,) = self._db.execute(_SQL["refuse"], (source, reason, micros(at))).fetchone()
        if count <= KEPT_REFUSALS:
            body = Quarantined(source=source, raw=raw, reason=reason, at=at)
            self._add_body(RecordKind.QUARANTINE, body, at, "", Lane.BULK)

    def put_fact(self, fact: Fact, at: datetime) -> None:
        """Keep what a decoder learned of a device, for its next frame."""
        row = (fact.device, fact.name, encode(fact.value), micros(at))
        self._db.execute(_SQL["put_fact"], row)

    def add_device_state(self, state: DeviceState) -> None:
        """Tell the server of a device's link or battery."""
        self._add_body(RecordKind.DEVICE, state, state.at, "", Lane.BULK)

    def put_states(self, changed: Mapping[str, bytes]) -> None:
        self._db.executemany(_SQL["put_state"], list(changed.items()))

    def put_deliveries(self, rows: Iterable[tuple[int, bytes]]) -> None:
        self._db.executemany(_SQL["put_delivery"], rows)

    def forget_deliveries(self) -> None:
        """The broker knows no session of ours: its packet ids start anew."""
        self._db.execute(_SQL["forget_deliveries"])

    def put_answered(self, prompt: str, answered: Sequence[str]) -> None:
        self._db.execute(_SQL["put_answered"], (encode(answered).decode(), prompt))

    def close_prompt(self, prompt: str, state: str) -> bool:
        return self._db.execute(_SQL["close_prompt"], (state, prompt)).rowcount == 1

    def expire_prompts(self, at: datetime) -> None:
        self._db.execute(_SQL["expire_prompts"], (micros(at),))

    def mark_sent(self, lane: Lane, seq: int) -> None:
        self._db.execute(_SQL["mark_sent"], (lane, seq))

    def put_notices(self, notices: Iterable[Notice]) -> None:
        self._db.executemany(_SQL["put_notice"], [(one.seq, encode(one)) for one in notices])

    # What is read -----------------------------------------------------------------------------

    def readings(
        self, metrics: Collection[str], after: datetime, until: datetime
    ) -> Sequence[Reading]:
        """Standing readings with after < taken_at <= until, in the order (taken_at, id)."""
        found: list[Reading] = []
        span = (micros(after), micros(until))
        for metric in metrics:
            rows = self._db.execute(_SQL["readings_between"], (metric, *span))
            found.extend(_reading(body) for (body,) in rows)
        if len(metrics) > 1:
            found.sort(key=lambda reading: (reading.taken_at, reading.id))
        return found

    def findings(self, rules: Collection[str], since: datetime) -> Sequence[Finding]:
        """Standing findings of these rules from `since` on."""
        found: list[Finding] = []
        for rule in rules:
            rows = self._db.execute(_SQL["findings_since"], (rule, micros(since)))
            found.extend(_finding(body) for (body,) in rows)
        return found

    def states(self) -> dict[str, bytes]:
        return dict(self._db.execute(_SQL["states"]).fetchall())

    def reading(self, id_: str) -> Reading | None:
        """One standing reading by its id."""
        row = self._db.execute(_SQL["reading_by_id"], (id_,)).fetchone()
        return None if row is None else _reading(row[0])

    def delivered(self, mid: int) -> bytes | None:
        row = self._db.execute(_SQL["delivered"], (mid,)).fetchone()
        return None if row is None else bytes(row[0])

    def facts(self) -> dict[str, dict[str, object]]:
        """What is known of each device, by device and name."""
        known: dict[str, dict[str, object]] = {}
        for device, name, value in self._db.execute(_SQL["facts"]):
            known.setdefault(device, {})[name] = msgspec.json.decode(value)
        return known

    def outbox(self, lane: Lane, gateway: str, limit: int) -> list[Record]:
        """The next records of a lane that the server has not committed."""
        rows = self._db.execute(_SQL["outbox"], (lane, lane, limit)).fetchall()
        return [
            Record(
                schema=SCHEMA,
                id=id_,
                gateway=gateway,
                seq=seq,
                kind=kind,
                lane=Lane(lane_),
                at=moment(at),
                body=msgspec.Raw(body),
            )
            for seq, id_, kind, lane_, at, body in rows
        ]

    def last_at(self) -> datetime | None:
        """Home time of the newest record; None for a home that begins."""
        (at,) = self._db.execute(_SQL["last_at"]).fetchone()
        return None if at is None else moment(at)

    def alive_at(self) -> datetime | None:
        """The last moment at which the gateway is known to have run."""
        row = self._db.execute(_SQL["alive"]).fetchone()
        return self.last_at() if row is None else moment(row[0])

    def next_shown_at(self) -> datetime | None:
        """When the next prompt that waits is to be shown."""
        (show_from,) = self._db.execute(_SQL["next_later"]).fetchone()
        return None if show_from is None else moment(show_from)

    def waiting(self) -> Waiting:
        counts = [
            self._db.execute(_SQL["waiting"], (lane, lane)).fetchone()[0]
            for lane in (Lane.URGENT, Lane.BULK)
        ]
        return Waiting(*counts)

    def prompt(self, id_: str) -> PromptState | None:
        row = self._db.execute(_SQL["prompt_by_id"], (id_,)).fetchone()
        return None if row is None else _prompt_state(row)

    def open_prompts(self, at: datetime) -> list[PromptState]:
        """The newest first; those that are shown later are left out."""
        rows = self._db.execute(_SQL["open_prompts"], (micros(at), micros(at)))
        states = [_prompt_state(row) for row in rows]
        return [one for one in states if one.prompt.show_from is None or one.prompt.show_from <= at]

    def waiting_prompts(self, at: datetime) -> list[tuple[PromptState, datetime]]:
        """Those that are shown later, and when."""
        rows = self._db.execute(_SQL["waiting_prompts"], (micros(at),))
        return [(_prompt_state(row), moment(show_from)) for *row, show_from in rows]

    def last_notice(self) -> int:
        return int(self._db.execute(_SQL["last_notice"]).fetchone()[0])

    def notices(self, limit: int) -> list[Notice]:
        return [_notice(body) for (body,) in self._db.execute(_SQL["notices"], (limit,))]

    def refusals(self, limit: int) -> list[Refusal]:
        rows = self._db.execute(_SQL["refusals"], (limit,))
        return [Refusal(source, reason, n, moment(last)) for source, reason, n, last in rows]

    def latest(self, patient: str) -> list[Reading]:
        """The newest standing reading of each metric of one person."""
        rows = self._db.execute(_SQL["latest_by_metric"], (patient,))
        return [_reading(body) for (body,) in rows]

    def newest(self, patient: str, metric: str) -> Reading | None:
        """The newest standing reading of one metric of one person."""
        row = self._db.execute(_SQL["newest_of_metric"], (metric, patient)).fetchone()
        return None if row is None else _reading(row[0])

    def newest_of_device(self, device: str, metric: str) -> Reading | None:
        """The newest standing reading of one metric of one device."""
        row = self._db.execute(_SQL["newest_of_device"], (metric, device)).fetchone()
        return None if row is None else _reading(row[0])

    def last_alerts(self, limit: int) -> list[AlertRequest]:
        """Those that still stand, the newest first."""
        rows = self._db.execute(_SQL["last_alerts"], (limit,)).fetchall()
        alerts = [_alert(body) for (body,) in rows]
        return [alert for alert in alerts if not self._is_struck(alert.finding)]

    def counts(self) -> dict[str, int]:
        return dict(self._db.execute(_SQL["counts"]).fetchall())

    # ------------------------------------------------------------------------------------------

    def _add(
        self,
        kind: RecordKind,
        id_: str,
        at: datetime,
        patient: str,
        name: str,
        body: Struct,
        lane: Lane = Lane.BULK,
    ) -> bool:
        row = (id_, kind, lane, micros(at), patient, name, encode(body), None)
        return self._db.execute(_SQL["add_record"], row).rowcount == 1

    def _tell_of_standing(self, finding: str, patient: str, at: datetime, by: str) -> None:
        body = Superseded(finding=finding, patient=patient, at=at, by=by)
        self._add_body(RecordKind.SUPERSEDED, body, at, patient, Lane.URGENT)

    def _is_struck(self, id_: str) -> bool:
        return self._db.execute(_SQL["is_struck"], (id_,)).fetchone() is not None

    def _add_body(
        self, kind: RecordKind, body: Struct, at: datetime, patient: str, lane: Lane
    ) -> None:
        self._add(kind, body_id(kind, encode(body)), at, patient, "", body, lane)


def _prompt_state(row: tuple[str, str, bytes]) -> PromptState:
    state, answered, body = row
    return PromptState(_prompt(body), state, tuple(msgspec.json.decode(answered)))


def _reading_row(reading: Reading, raw: bytes | None) -> tuple[Any, ...]:
    return (
        reading.id,
        "reading",
        "bulk",
        micros(reading.taken_at),
        reading.patient,
        reading.metric,
        encode(reading),
        raw,
    )


def _open(path: Path) -> sqlite3.Connection:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10.0)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA wal_autocheckpoint = 4000")
        db.execute("PRAGMA cache_size = -8000")
    except (OSError, sqlite3.Error) as error:
        raise JournalError(
            f"The journal {path} can't be opened ({error}). Check that its folder exists, belongs "
            "to this user and has room; a broken file is moved aside, never deleted."
        ) from error
    return db


def _schema() -> str:
    return files("gateway.sql").joinpath("schema.sql").read_text(encoding="utf-8")
