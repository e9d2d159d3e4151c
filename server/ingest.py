"""A batch from a home, into the database: all of it that is right, the rest into quarantine.

`sort_out` decides and is pure; `store` writes in one transaction. A batch that the database
itself refuses is written again record by record, so that one bad record costs only itself.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import blake2b

import msgspec
import psycopg
from msgspec import Struct
from psycopg import AsyncConnection

from devices.metrics import METRICS
from devices.model import Reading
from plumbing.clock import HomeTime, utc_now
from rules.model import AlertRequest
from rules.records import (
    MAX_BATCH,
    Body,
    Correction,
    Record,
    Rejected,
    Superseded,
    body_id,
    decode_batch,
    decode_body,
)
from server.alerting.ledger import THE_RULES, Opening, Times, open_alerts, supersede
from server.corrections import strike_out
from server.db import Database, Queries

_sql = Queries("ingest.sql")

_LONGEST_WORD = 200
"""Of an id, a device or a metric: they are keys, and a key of an index has a limit."""
_MOST_REASON = 500


class Malformed(Exception):
    """The body is not a batch at all; the message says what is wrong with it."""


class Entry(Struct, frozen=True):
    """A record and its decoded body; None where this version does not know the kind."""

    record: Record
    body: Body | None


class Fault(Struct, frozen=True, kw_only=True):
    """A record that can't be kept as what it says it is."""

    record: str
    kind: str
    reason: str
    raw: bytes


@dataclass(slots=True)
class Sorted:
    """A batch, told apart."""

    entries: list[Entry] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


def parse(body: bytes) -> tuple[list[Record], list[Fault]]:
    """The records of a request's body, and what stands among them and is none.

    Raises Malformed where it is not JSON, not a batch, or more than a batch holds.
    """
    faults: list[Fault] = []
    try:
        records = list(decode_batch(body).records)
    except msgspec.ValidationError:
        records, faults = _parse_one_by_one(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Malformed(f"The body is not JSON: {error}.") from error
    except RecursionError as error:
        raise Malformed("The body is nested too deep.") from error
    if len(records) + len(faults) > MAX_BATCH:
        raise Malformed(f"A batch holds at most {MAX_BATCH} records.")
    return records, faults


def sort_out(records: Iterable[Record], gateway: str, people: Sequence[str]) -> Sorted:
    """Decode and check each record: whose it is, and whether it is what its kind promises."""
    found = Sorted()
    known = frozenset(people)
    for record in records:
        try:
            body = decode_body(record)
            reason = _reason_against(record, body, gateway, known)
        except msgspec.DecodeError as error:
            body, reason = None, f"not a {record.kind}: {error}"
        except UnicodeDecodeError:
            body, reason = None, "not UTF-8"
        if reason is None:
            found.entries.append(Entry(record, body))
        else:
            found.faults.append(_fault(record, reason))
    return found


async def store(
    db: Database,
    home_time: HomeTime,
    gateway: str,
    people: Sequence[str],
    records: Sequence[Record],
    faults: Sequence[Fault] = (),
) -> list[Rejected]:
    """Commit what is right, keep the rest in quarantine, and say what that was.

    The same records again change nothing. Returns after the database has committed.
    """
    found = sort_out(records, gateway, people)
    now = utc_now()
    times = Times(now=now, home=home_time.at(now))
    all_faults = [*faults, *found.faults]
    try:
        async with db.transaction() as connection:
            await _write(connection, gateway, found.entries, times)
            await _quarantine(connection, gateway, all_faults, times)
    except _REFUSED_BY_THE_DATABASE:
        all_faults = [*faults, *found.faults]
        async with db.transaction() as connection:
            for entry in found.entries:
                try:
                    async with connection.transaction():
                        await _write(connection, gateway, [entry], times)
                except _REFUSED_BY_THE_DATABASE as error:
                    reason = f"the database refused it: {str(error).splitlines()[0]}"
                    all_faults.append(_fault(entry.record, reason))
            await _quarantine(connection, gateway, all_faults, times)
    return [Rejected(id=fault.record, reason=fault.reason) for fault in all_faults]


_REFUSED_BY_THE_DATABASE = (
    psycopg.DataError,
    psycopg.IntegrityError,
    psycopg.errors.ProgramLimitExceeded,
    psycopg.errors.StatementTooComplex,
    UnicodeEncodeError,
)
"""Errors that the same record would meet again."""


class _Loose(Struct):
    """A batch whose records are not looked into yet."""

    records: list[msgspec.Raw]


class _OnlyId(Struct):
    id: str = ""
    kind: str = ""


_decode_loose = msgspec.json.Decoder(_Loose).decode
_decode_record = msgspec.json.Decoder(Record).decode
_decode_id = msgspec.json.Decoder(_OnlyId).decode


def _parse_one_by_one(body: bytes) -> tuple[list[Record], list[Fault]]:
    try:
        raws = _decode_loose(body).records
    except msgspec.ValidationError as error:
        raise Malformed(f"The body is not a batch: {error}.") from error
    records: list[Record] = []
    faults: list[Fault] = []
    for raw in raws:
        try:
            records.append(_decode_record(raw))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            named = _OnlyId()
            with suppress(msgspec.DecodeError, UnicodeDecodeError):
                named = _decode_id(raw)
            faults.append(
                Fault(
                    record=named.id or body_id("", bytes(raw)),
                    kind=named.kind,
                    reason=f"not a record: {error}",
                    raw=bytes(raw),
                )
            )
    return records, faults


def _fault(record: Record, reason: str) -> Fault:
    return Fault(
        record=record.id, kind=record.kind, reason=reason[:_MOST_REASON], raw=bytes(record.body)
    )


def _reason_against(
    record: Record, body: Body | None, gateway: str, people: frozenset[str]
) -> str | None:
    if record.gateway != gateway:
        return f"it names the gateway {record.gateway}, and {gateway} signed the request"
    for word, what in ((record.id, "id"), (record.kind, "kind")):
        if not 0 < len(word) <= _LONGEST_WORD or "\0" in word:
            return f"its {what} must have 1 to {_LONGEST_WORD} characters"
    if record.at.utcoffset() != timedelta(0):
        return "its time must be in UTC, with its zone"
    patient = _patient(body)
    if patient is not None and patient not in people:
        return f"{gateway} does not speak for {patient}: the server's settings say who lives there"
    check = _CHECKS.get(type(body))
    return None if check is None else check(body)


def _patient(body: Body | None) -> str | None:
    """Whom it is about; None where its kind is about nobody."""
    patient: str | None = getattr(body, "patient", None)
    return patient


def _reason_against_reading(reading: Reading) -> str | None:
    for word, what in (
        (reading.id, "id"),
        (reading.device, "device"),
        (reading.metric, "metric"),
        (reading.unit, "unit"),
        (reading.raw_unit or "-", "raw unit"),
    ):
        if not 0 < len(word) <= _LONGEST_WORD or "\0" in word:
            return f"its {what} must have 1 to {_LONGEST_WORD} characters"
    metric = METRICS.get(reading.metric)
    if metric is None:
        return None
    if reading.unit != metric.unit:
        return f"{reading.metric} is kept in {metric.unit}, not in {reading.unit!r}"
    if not metric.plausible(reading.value):
        return (
            f"{reading.metric} of {reading.value:g} {reading.unit} is outside "
            f"{metric.low:g} to {metric.high:g}"
        )
    return None


def _reason_against_alert(request: AlertRequest) -> str | None:
    if request.at.utcoffset() != timedelta(0):
        return "its time must be in UTC, with its zone"
    return None


_CHECKS: dict[type, Callable[..., str | None]] = {
    Reading: _reason_against_reading,
    AlertRequest: _reason_against_alert,
}
"""What is checked beyond the types. A metric that this version does not know is kept."""


async def _write(
    connection: AsyncConnection, gateway: str, entries: Sequence[Entry], times: Times
) -> None:
    readings = [entry.body for entry in entries if isinstance(entry.body, Reading)]
    others = [entry for entry in entries if not isinstance(entry.body, Reading)]
    if readings:
        await connection.execute(_sql["store_readings"], _reading_columns(gateway, readings))
    if not others:
        return
    stored = await connection.execute(
        _sql["store_records"], _record_columns(gateway, others, times)
    )
    new = {row[0] for row in await stored.fetchall()}
    fresh = [entry for entry in others if entry.record.id in new]
    openings = [
        Opening(gateway=gateway, patient=entry.body.patient, request=entry.body)
        for entry in fresh
        if isinstance(entry.body, AlertRequest)
    ]
    if openings:
        await open_alerts(connection, openings, THE_RULES, times)
    for entry in fresh:
        if isinstance(entry.body, Correction):
            await strike_out(connection, entry.body)
    undone = [entry.body for entry in fresh if isinstance(entry.body, Superseded)]
    if undone:
        await supersede(connection, undone, times)


def _reading_columns(gateway: str, readings: Sequence[Reading]) -> dict[str, object]:
    return {
        "gateway": gateway,
        "patient": [reading.patient for reading in readings],
        "metric": [reading.metric for reading in readings],
        "taken_at": [reading.taken_at for reading in readings],
        "id": [reading.id for reading in readings],
        "value": [reading.value for reading in readings],
        "unit": [reading.unit for reading in readings],
        "device": [reading.device for reading in readings],
        "received_at": [reading.received_at for reading in readings],
        "clock": [str(reading.clock) for reading in readings],
        "quality": [" ".join(reading.quality) for reading in readings],
        "raw_value": [reading.raw_value for reading in readings],
        "raw_unit": [reading.raw_unit for reading in readings],
    }


def _record_columns(gateway: str, entries: Sequence[Entry], times: Times) -> dict[str, object]:
    records = [entry.record for entry in entries]
    return {
        "gateway": gateway,
        "now": times.now,
        "id": [record.id for record in records],
        "kind": [record.kind for record in records],
        "schema": [record.schema for record in records],
        "seq": [record.seq for record in records],
        "lane": [str(record.lane) for record in records],
        "patient": [_patient(entry.body) for entry in entries],
        "at": [record.at for record in records],
        "body": [bytes(record.body).decode() for record in records],
    }


async def _quarantine(
    connection: AsyncConnection, gateway: str, faults: Sequence[Fault], times: Times
) -> None:
    for fault in faults:
        await connection.execute(
            _sql["quarantine"],
            {
                "gateway": gateway,
                "record": _printable(fault.record)[:_LONGEST_WORD],
                "digest": blake2b(fault.raw, digest_size=16).digest(),
                "kind": _printable(fault.kind)[:_LONGEST_WORD],
                "reason": _printable(fault.reason),
                "raw": fault.raw,
                "now": times.now,
            },
        )


def _printable(text: str) -> str:
    """Text that any database takes: no NUL, no half of a surrogate pair."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()
