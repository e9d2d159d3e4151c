"""What a meter stored: asked for by number, from the bookmark on (record access control point).

The bookmark is the highest number behind which everything is kept. It moves only after the journal
has the records, and only while numbers and times rise together: one firmware counts the other way
round, and there a higher number is an older record. Without a bookmark everything is asked for, and
what comes twice is kept once by its reading's id.

A sensor that counts minutes from the start of its session (`Gatt.counts_from`) can't count the
other way, but it says a new value in the middle of a download too. So of a download that broke off,
the last number that came is not relied on; and a bookmark is one of its session only: [start,
number]. A record that was damaged on its way is asked for once more.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from devices import wall_clock
from devices.catalog import record_access
from devices.catalog.record_access import NO_RECORDS, Op, Operator
from devices.codec import DecodeError
from devices.facts import fields_of
from gateway.ble.session import ControlPoint, LinkFailed, Session
from gateway.ble.stack import RADIO_ERRORS
from gateway.ble.words import NO_SENSE, refused_records
from plumbing.clock import monotonic_s
from plumbing.logs import Log

log = Log("gateway.ble")

BOOKMARK = "records_bookmark"
OFFSET = "time_offset_min"
LEAST_IN_ORDER = 2
"""Records that came one after the other, before their order is believed."""
LAST_NUMBER = 0xFFFF
NOT_SUPPORTED = (3, 4, 5, 9)
"""Answers to a choice of records that the meter does not know: it is asked for all."""


@dataclass(slots=True)
class Stored:
    """The records of one visit, in the order in which they came: (number, its wall clock)."""

    session: Session
    name: str
    counted: bool = False
    """Records are counted from the start of a session."""
    start: str = ""
    """When that was, as the device writes it; empty where it does not say."""
    came: list[tuple[int, str]] = field(default_factory=list)
    heard_s: float = 0.0
    damaged_at: int | None = None
    """How many had come before the first that could not be read."""

    def note(self, value: bytes) -> None:
        self.heard_s = monotonic_s()
        try:
            said = self.session.decoded(self.name, value)
        except DecodeError:
            return
        facts = fields_of(said.facts)
        if said.unread and self.damaged_at is None:
            self.damaged_at = len(self.came)
        if isinstance(facts.get("sequence"), int):
            self.came.append((facts["sequence"], _time_of(facts)))
        self.came += [(one[OFFSET], "") for one in facts.get("records", ())]

    def bookmark(self, before: int | None, *, complete: bool) -> int | None:
        """The number behind which all is here; None where the numbers can't be relied on.

        `before` is that of the last visit.
        """
        if self.counted:
            return self._reached(before, complete=complete)
        if complete and before is not None and len(self.came) == 1:
            return max(before, self.came[0][0])
        if not complete and any(later[0] <= one[0] for one, later in pairwise(self.came)):
            return None
        rising = sorted(set(self.came))
        if any(later[1] < one[1] for one, later in pairwise(rising)):
            return None
        if rising[0][1] == rising[-1][1]:
            return None
        return rising[-1][0]

    def _reached(self, before: int | None, *, complete: bool) -> int | None:
        numbers = [number for number, _ in self.came]
        if not complete:
            numbers = _rising(numbers)[:-1]
            if len(numbers) < LEAST_IN_ORDER:
                return before
        floor = () if before is None else (before,)
        undamaged = max((*numbers[: self.damaged_at], *floor), default=None)
        if self.damaged_at is None or undamaged != before:
            return undamaged
        return max((*numbers, *floor), default=None)


def _rising(numbers: Sequence[int]) -> list[int]:
    """As far as each is higher than the one before."""
    rising = list(numbers[:1])
    for one in numbers[1:]:
        if one <= rising[-1]:
            break
        rising.append(one)
    return rising


def _time_of(facts: dict[str, object]) -> str:
    """The time by the meter's running clock: what it shows may be set back, its base is not."""
    base = facts.get("base_time")
    return base if isinstance(base, str) else wall_clock.UNKNOWN


async def fetch(
    session: Session,
    control: ControlPoint,
    stored: Stored,
    kept: Callable[[], Awaitable[None]],
    *,
    delete: bool,
) -> bool:
    """Ask for what is new. `kept` returns once the journal has all that came until now.

    Whether the device has said all: one that counts from a start measures on its own and goes on.
    Some meters end the link with their last record, before the answer: that is no trouble. Raises
    LinkFailed where the meter refuses, and one of RADIO_ERRORS where nothing came.
    """
    before = _bookmark(session, stored)
    complete = False
    try:
        complete = await _ask(session, control, stored, before)
    except (*RADIO_ERRORS, DecodeError):
        if not session.ended.is_set():
            await _abort(session)
        if not stored.came:
            raise
    await _move_bookmark(session, stored, kept, before, complete=complete)
    if delete and complete and stored.came and not session.ended.is_set():
        highest = max(number for number, _ in stored.came)
        request = record_access.request(Op.DELETE, Operator.UP_TO, highest)
        _must_succeed(await control.ask(request))
    return not stored.counted


async def read_whole(session: Session, name: str) -> bytes:
    """A value that is read as the link opens; once more where it was damaged on its way."""
    value = await session.read(name)
    return await session.read(name) if _is_damaged(session, name, value) else value


def start_in(session: Session, name: str, value: bytes) -> str:
    """When the session began, as the device writes it; empty where it does not know.

    Raises LinkFailed where it came damaged: records under the wrong start have the wrong time.
    """
    if _is_damaged(session, name, value):
        raise LinkFailed(NO_SENSE)
    try:
        return str(session.facts(name, value).get("start", ""))
    except DecodeError:
        return ""


def _is_damaged(session: Session, name: str, value: bytes) -> bool:
    try:
        return bool(session.decoded(name, value).unread)
    except DecodeError:
        return False


def _bookmark(session: Session, stored: Stored) -> int | None:
    """The number of the last visit; None where there is none, or it is one of another session."""
    kept = session.known(BOOKMARK)
    if stored.counted and isinstance(kept, list) and kept[:1] == [stored.start]:
        kept = kept[-1]
    return kept if isinstance(kept, int) else None


async def _ask(
    session: Session, control: ControlPoint, stored: Stored, bookmark: int | None
) -> bool:
    """Whether everything is here that was to be had."""

    async def ask(request: bytes) -> int:
        answer = await control.ask(request, lambda: stored.heard_s)
        result: int = answer["response"]
        return result

    if bookmark is not None and bookmark < LAST_NUMBER:
        result = await ask(record_access.records_from(bookmark + 1))
        if result == record_access.SUCCESS:
            return True
        if result == NO_RECORDS:
            before = len(stored.came)
            await ask(record_access.request(Op.REPORT, Operator.LAST))
            last = [number for number, _ in stored.came[before:]]
            if not last or last[-1] == bookmark:
                return True
            log.info("a meter counts anew: all its records are asked for", bookmark=bookmark)
        elif result not in NOT_SUPPORTED:
            raise LinkFailed(refused_records(result))
    answer = await control.ask(record_access.all_records(), lambda: stored.heard_s)
    _must_succeed(answer)
    return True


def _must_succeed(answer: object) -> None:
    said = answer if isinstance(answer, dict) else {}
    if not said.get("succeeded"):
        raise LinkFailed(refused_records(said.get("response")))


async def _move_bookmark(
    session: Session,
    stored: Stored,
    kept: Callable[[], Awaitable[None]],
    before: int | None,
    *,
    complete: bool,
) -> None:
    """After the commit: a bookmark that ran ahead of it would lose what was not kept."""
    if not stored.came:
        return
    after = stored.bookmark(before, complete=complete)
    if after != before and (complete or after is not None):
        await session.until_kept(kept)
        await session.keep(**{BOOKMARK: [stored.start, after] if stored.counted else after})


async def _abort(session: Session) -> None:
    try:
        await session.write(record_access.CONTROL_POINT, record_access.abort())
    except RADIO_ERRORS as error:
        log.warning("a download can't be stopped", error=error)
