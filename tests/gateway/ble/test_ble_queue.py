import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime

import pytest

from devices.model import CharacteristicValue, Raw
from gateway.ble import queue
from gateway.ble.queue import BATCH, Queue, Room
from gateway.ble.state import RadioState

AT = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)


def frame(count: int) -> CharacteristicValue:
    return CharacteristicValue(
        address="A4:C1:38:00:00:01",
        characteristic="2A35",
        value=count.to_bytes(4, "little"),
        received_at=AT,
    )


class Journal:
    """Takes what it is given, after it refused `refusals` batches."""

    def __init__(self, refusals: int = 0) -> None:
        self.kept: list[Raw] = []
        self.batches: list[int] = []
        self.refusals = refusals

    async def take(self, frames: Sequence[Raw]) -> None:
        if self.refusals:
            self.refusals -= 1
            raise sqlite3.OperationalError("disk I/O error")
        self.kept += frames
        self.batches.append(len(frames))


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "RETRY_FIRST_S", 0.0005)
    monkeypatch.setattr(queue, "RETRY_MOST_S", 0.001)


async def run_until(queue: Queue, journal: Journal, count: int) -> None:
    task = asyncio.create_task(queue.run())
    async with asyncio.timeout(5):
        while len(journal.kept) < count:  # noqa: ASYNC110 - the journal is only a list
            await asyncio.sleep(0)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def test_frames_go_on_in_order_and_in_bounded_batches() -> None:
    async def main() -> None:
        journal, state = Journal(), RadioState()
        queue = Queue(journal.take, state)
        frames = [frame(count) for count in range(600)]
        for item in frames:
            queue.put(item, Room.VALUE)
        await run_until(queue, journal, 600)
        assert journal.kept == frames
        assert max(journal.batches) == BATCH

    asyncio.run(main())


def test_a_journal_that_can_not_be_written_loses_nothing_and_says_so() -> None:
    async def main() -> None:
        journal, state = Journal(refusals=3), RadioState()
        queue = Queue(journal.take, state)
        queue.put(frame(1), Room.VALUE)
        queue.put(frame(2), Room.VALUE)
        task = asyncio.create_task(queue.run())
        async with asyncio.timeout(5):
            while state.keeping:  # noqa: ASYNC110 - the state is only a field
                await asyncio.sleep(0)
        queue.put(frame(3), Room.VALUE)
        async with asyncio.timeout(5):
            while len(journal.kept) < 3:  # noqa: ASYNC110 - the journal is only a list
                await asyncio.sleep(0)
        task.cancel()
        assert journal.kept == [frame(1), frame(2), frame(3)]
        assert state.keeping

    asyncio.run(main())


@pytest.mark.parametrize("room", list(Room), ids=lambda room: room.name.lower())
def test_a_full_queue_refuses_and_counts(room: Room) -> None:
    state = RadioState()
    queue = Queue(Journal().take, state)
    for count in range(room + 2):
        queue.put(frame(count), room)
    assert state.refused == 2


def test_where_a_stranger_has_no_room_a_value_still_has() -> None:
    async def main() -> None:
        journal, state = Journal(), RadioState()
        queue = Queue(journal.take, state)
        for count in range(Room.STRANGER + 5):
            queue.put(frame(count), Room.STRANGER)
        queue.put(frame(9_999), Room.VALUE)
        await run_until(queue, journal, Room.STRANGER + 1)
        assert journal.kept[-1] == frame(9_999)
        assert state.refused == 5

    asyncio.run(main())


def test_what_is_left_at_the_end_is_handed_on() -> None:
    async def main() -> None:
        journal = Journal()
        queue = Queue(journal.take, RadioState())
        queue.put(frame(1), Room.VALUE)
        await queue.leave()
        assert journal.kept == [frame(1)]

    asyncio.run(main())


def test_a_mistake_of_the_journal_is_not_hidden() -> None:
    async def take(frames: Sequence[Raw]) -> None:
        raise LookupError("a mistake")

    async def main() -> None:
        queue = Queue(take, RadioState())
        queue.put(frame(1), Room.VALUE)
        with pytest.raises(LookupError):
            await queue.run()

    asyncio.run(main())
