"""What gateway and server exchange: one code for both ends.

A record is one line of the home's journal on its way to the server. Its `id` derives from the
content of its body, so a batch posted twice changes nothing. Unknown kinds are kept by the
server as they came, so that a newer gateway can talk to an older server.
"""

from datetime import datetime
from enum import StrEnum
from hashlib import blake2b
from typing import Any

import msgspec
from msgspec import Struct

from devices.model import Reading
from rules.model import AlertRequest, Finding, Lane, Prompt
from rules.snooze import Snooze

SCHEMA = 1
MAX_BATCH = 1_000
"""Records in one request."""
MAX_BODY_BYTES = 4 * 1024 * 1024
"""Bytes in one request body."""


class RecordKind(StrEnum):
    READING = "reading"
    FINDING = "finding"
    PROMPT = "prompt"
    ALERT = "alert"
    SUPERSEDED = "superseded"
    """Findings that a late reading undid; their alerts are annotated, never erased."""
    CORRECTION = "correction"
    """A reading was entered in error: of another person, or a slip."""
    SNOOZE = "snooze"
    """Staff or a person at home need not hear of a problem for a while."""
    SNOOZE_REFUSED = "snooze-refused"
    """The home will not keep to a snooze that staff set."""
    STATE = "state"
    """Somebody said where a person is, and until when."""
    DEVICE = "device"
    QUARANTINE = "quarantine"


STANDS_AGAIN = "stands-again"
"""The reading that had undone a finding was itself undone."""


class Superseded(Struct, frozen=True, kw_only=True):
    """The finding no longer stands: `by` says why in one word (late-reading, entered-in-error).

    With STANDS_AGAIN it stands as it did before.
    """

    finding: str
    patient: str
    at: datetime
    by: str


class Correction(Struct, frozen=True, kw_only=True):
    """The reading does not count: who said so, and why. It is struck out, and never erased."""

    reading: str
    patient: str
    metric: str
    taken_at: datetime
    at: datetime
    by: str
    """"home page", or the name of a member of staff."""
    reason: str


class StaffCorrection(Correction, frozen=True, kw_only=True):
    """A correction that staff made, on its way to the home. `seq` grows for each home."""

    seq: int


class Stated(Struct, frozen=True, kw_only=True):
    """Somebody said where a person is, or of a concern: the readings of that moment follow from it.

    `said` is a word of rules.whereabouts, `until` its end, where it has one (home time, as `at`).
    """

    patient: str
    said: str
    until: datetime | None = None
    at: datetime
    by: str
    """"page:margaret", "staff:Sam"; "time" where the end was reached that had been given."""
    told: int | None = None
    """The `seq` with which the server told it; None where it was said at home."""


class StaffState(Struct, frozen=True, kw_only=True):
    """Staff said where a person is, on its way to the home. `seq` grows for each home."""

    seq: int
    patient: str
    said: str
    """A word of rules.whereabouts. One that the home does not know changes nothing there."""
    until: datetime | None = None
    at: datetime
    by: str


class StaffSnooze(Snooze, frozen=True, kw_only=True):
    """A snooze that staff set, on its way to the home. `seq` grows for each home."""

    seq: int


class SnoozeRefused(Struct, frozen=True, kw_only=True):
    """The home's answer to a snooze of staff, by its id, that can't hold there; `at`: home time."""

    snooze: str
    patient: str
    at: datetime
    reason: str
    """In words for staff."""


class DeviceState(Struct, frozen=True, kw_only=True):
    """What the home knows of a device: battery, link, last heard, a fact its decoder learned."""

    device: str
    name: str
    value: Any
    at: datetime


class Quarantined(Struct, frozen=True, kw_only=True):
    """Something that could not become a reading, with its bytes and the reason."""

    source: str
    """"mqtt zigbee2mqtt/hall", "ble A4:C1:38:00:00:01 2A35"."""
    raw: str
    """Hex of the bytes, or the text of a payload."""
    reason: str
    at: datetime


Body = (
    Reading
    | Finding
    | Prompt
    | AlertRequest
    | Superseded
    | Correction
    | Snooze
    | SnoozeRefused
    | Stated
    | DeviceState
    | Quarantined
)

BODY_TYPES: dict[str, type[Body]] = {
    RecordKind.READING: Reading,
    RecordKind.FINDING: Finding,
    RecordKind.PROMPT: Prompt,
    RecordKind.ALERT: AlertRequest,
    RecordKind.SUPERSEDED: Superseded,
    RecordKind.CORRECTION: Correction,
    RecordKind.SNOOZE: Snooze,
    RecordKind.SNOOZE_REFUSED: SnoozeRefused,
    RecordKind.STATE: Stated,
    RecordKind.DEVICE: DeviceState,
    RecordKind.QUARANTINE: Quarantined,
}


class Record(Struct, frozen=True, kw_only=True):
    """`body` is the JSON of the type that `kind` names; `at` is home time, aware UTC."""

    schema: int
    id: str
    gateway: str
    seq: int
    kind: str
    lane: Lane
    at: datetime
    body: msgspec.Raw


class Batch(Struct, frozen=True, kw_only=True):
    """POST /api/v1/records: what leaves the home, in order of `seq` within a lane."""

    records: tuple[Record, ...]


class Rejected(Struct, frozen=True, kw_only=True):
    id: str
    reason: str


class BatchAnswer(Struct, frozen=True, kw_only=True):
    """What the server committed. `rejected` ones are in its quarantine: do not send them again."""

    committed: int
    rejected: tuple[Rejected, ...] = ()


class Heartbeat(Struct, frozen=True, kw_only=True):
    """POST /api/v1/heartbeat: the gateway lives; what still waits at home, and its home time."""

    home_time: datetime
    waiting: int
    plan: str
    software: str


class Notice(Struct, frozen=True, kw_only=True):
    """News for the person at home of an alert that they caused: sent, seen, resolved."""

    seq: int
    alert: str
    patient: str
    state: str
    """open, acknowledged, escalated or resolved."""
    by: str
    """First name or role of who did it, as staff chose to be shown."""
    at: datetime


class Notices(Struct, frozen=True, kw_only=True):
    """GET /api/v1/notices?after=SEQ&corrections_after=SEQ&states_after=SEQ&snoozes_after=SEQ.

    Each oldest first, and numbered apart. A gateway that does not ask for one is sent none of it.
    """

    notices: tuple[Notice, ...]
    corrections: tuple[StaffCorrection, ...] = ()
    states: tuple[StaffState, ...] = ()
    snoozes: tuple[StaffSnooze, ...] = ()


encode = msgspec.json.Encoder().encode
decode_batch = msgspec.json.Decoder(Batch).decode
_DECODERS = {kind: msgspec.json.Decoder(body_type) for kind, body_type in BODY_TYPES.items()}


def decode_body(record: Record) -> Body | None:
    """The body of a record, or None for a kind that this version does not know.

    Raises msgspec.ValidationError where the body is not what the kind promises.
    """
    decoder = _DECODERS.get(record.kind)
    return None if decoder is None else decoder.decode(record.body)


def body_id(kind: str, body: bytes) -> str:
    """The id of a record whose body has none of its own."""
    return blake2b(kind.encode() + b"|" + body, digest_size=16).hexdigest()
