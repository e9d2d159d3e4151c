"""What a meter stored: asked for by number, from the bookmark on (record access control point).

The bookmark is the highest number behind which everything is kept. It moves only after the journal
has the records, and only while numbers and times rise together: one firmware counts the other way
round, and there a higher number is an older record. Without a bookmark everything is asked for, and
what comes twice is kept once by its reading's id.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from itertools import pairwise

from devices import wall_clock
from devices.catalog import record_access
from devices.catalog.record_access import NO_RECORDS, Op, Operator
from devices.codec import DecodeError
from gateway.ble.scan import RADIO_ERRORS
from gateway.ble.session import ControlPoint, LinkFailed, Session
from gateway.ble.words import refused_records
from plumbing.clock import monotonic_s
from plumbing.logs import Log

log = Log("gateway.ble")

BOOKMARK = "records_bookmark"
LAST_NUMBER = 0xFFFF
NOT_SUPPORTED = (3, 4, 5, 9)
"""Answers to a choice of records that the meter does not know: it is asked for all."""


@dataclass(slots=True)
class Stored:
    """The records of one visit, in the order in which they came: (number, its wall clock)."""

    session: Session
    name: str
    came: list[tuple[int, str]] = field(default_factory=list)
    heard_s: float = 0.0

    def note(self, value: bytes) -> None:
        self.heard_s = monotonic_s()
        try:
            facts = self.session.facts(self.name, value)
        except DecodeError:
            return
        if isinstance(facts.get("sequence"), int):
            self.came.append((facts["sequence"], _time_of(facts)))

    def bookmark(self, *, complete: bool) -> int | None:
        """The number behind which all is here; None where the numbers can't be relied on."""
        if not complete and any(later[0] <= one[0] for one, later in pairwise(self.came)):
            return None
        rising = sorted(set(self.came))
        if any(later[1] < one[1] for one, later in pairwise(rising)):
            return None
        if rising[0][1] == rising[-1][1]:
            return None
        return rising[-1][0]


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
) -> None:
    """Ask for what is new. `kept` returns once the journal has all that came until now.

    Some meters end the link with their last record, before the answer: that is no trouble. Raises
    LinkFailed where the meter refuses, and one of RADIO_ERRORS where nothing came.
    """
    complete = False
    try:
        complete = await _ask(session, control, stored)
    except (*RADIO_ERRORS, DecodeError):
        if not session.ended.is_set():
            await _abort(session)
        if not stored.came:
            raise
    await _move_bookmark(session, stored, kept, complete=complete)
    if delete and complete and stored.came and not session.ended.is_set():
        highest = max(number for number, _ in stored.came)
        request = record_access.request(Op.DELETE, Operator.UP_TO, highest)
        _must_succeed(await control.ask(request))


async def _ask(session: Session, control: ControlPoint, stored: Stored) -> bool:
    """Whether everything is here that was to be had."""

    async def ask(request: bytes) -> int:
        answer = await control.ask(request, lambda: stored.heard_s)
        result: int = answer["response"]
        return result

    bookmark = session.known(BOOKMARK)
    if isinstance(bookmark, int) and bookmark < LAST_NUMBER:
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
    *,
    complete: bool,
) -> None:
    """After the commit: a bookmark that ran ahead of it would lose what was not kept."""
    if not stored.came:
        return
    before = session.known(BOOKMARK)
    after = stored.bookmark(complete=complete)
    if complete and isinstance(before, int) and len(stored.came) == 1:
        after = max(before, stored.came[0][0])
    if after != before and (complete or after is not None):
        await session.until_kept(kept)
        await session.keep(**{BOOKMARK: after})


async def _abort(session: Session) -> None:
    try:
        await session.write(record_access.CONTROL_POINT, record_access.abort())
    except RADIO_ERRORS as error:
        log.warning("a download can't be stopped", error=error)
