"""News for open pages: PostgreSQL's LISTEN/NOTIFY, fanned out to bounded queues.

A change notifies in its own transaction, so nobody hears of what was not committed. A page that
does not keep up, and every page when the listening connection is lost, is let go: it connects
again and reads the whole list, so that nothing is missed in silence.
"""

import asyncio
from collections.abc import AsyncIterator, Callable

import msgspec
import psycopg
from msgspec import Struct
from psycopg import AsyncConnection

from plumbing.backoff import Backoff
from plumbing.clock import monotonic_s
from plumbing.logs import Log
from plumbing.tasks import end, is_ending

log = Log("server.live")

CHANNEL = "homebeat_live"
TICK_S = 10.0
LONGEST_S = 900.0
"""A page connects again after this long, and is asked again who it is."""
_QUEUE = 200


class LiveEvent(Struct, frozen=True, kw_only=True):
    """Something changed, or time passed: `kind` is "alert" or "tick"."""

    kind: str
    id: str = ""
    patient: str | None = None


TICK = LiveEvent(kind="tick")
_decode = msgspec.json.Decoder(LiveEvent).decode


class _Subscriber:
    """The events that one open page has not read yet; None lets it go."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[LiveEvent | None] = asyncio.Queue(_QUEUE)

    def offer(self, event: LiveEvent) -> bool:
        try:
            self.queue.put_nowait(event)
        except asyncio.QueueFull:
            return False
        return True

    def let_go(self) -> None:
        while not self.queue.empty():
            self.queue.get_nowait()
        self.queue.put_nowait(None)


class Live:
    """The one listening connection of this process, and who hears through it."""

    def __init__(self, conninfo: str) -> None:
        self._conninfo = conninfo
        self._subscribers: set[_Subscriber] = set()
        self._task: asyncio.Task[None] | None = None
        self._closed = False
        self.listening = asyncio.Event()

    async def open(self) -> None:
        self._task = asyncio.create_task(self._listen(), name="live")
        await asyncio.wait_for(self.listening.wait(), 10)

    async def close(self) -> None:
        self.let_everyone_go()
        if self._task is not None:
            await end(self._task)

    def let_everyone_go(self) -> None:
        """End every open stream, and begin no new one: the server stops."""
        self._closed = True
        self._drop_all()

    async def subscribe(self, wants: Callable[[LiveEvent], bool]) -> AsyncIterator[LiveEvent]:
        """A tick at once and every 10 s, and the events that `wants` says yes to.

        It ends after 15 minutes, when the server stops, or when events were lost.
        """
        subscriber = _Subscriber()
        if self._closed or not self.listening.is_set():
            return
        self._subscribers.add(subscriber)
        end_s = monotonic_s() + LONGEST_S
        try:
            yield TICK
            tick_s = monotonic_s() + TICK_S
            while monotonic_s() < end_s:
                try:
                    wait_s = max(0.0, tick_s - monotonic_s())
                    event = await asyncio.wait_for(subscriber.queue.get(), wait_s)
                except TimeoutError:
                    tick_s += TICK_S
                    yield TICK
                    continue
                if event is None:
                    return
                if wants(event):
                    yield event
        finally:
            self._subscribers.discard(subscriber)

    async def _listen(self) -> None:
        backoff = Backoff(0.1, 5.0)
        while True:
            try:
                await self._hear(backoff)
            except (psycopg.Error, OSError) as error:
                if is_ending():
                    return
                log.warning("the live connection was lost, trying again", error=error)
            self.listening.clear()
            self._drop_all()
            await asyncio.sleep(backoff.next_s())

    async def _hear(self, backoff: Backoff) -> None:
        async with await AsyncConnection.connect(self._conninfo, autocommit=True) as connection:
            await connection.execute(f"LISTEN {CHANNEL}")
            self.listening.set()
            backoff.reset()
            async for notification in connection.notifies():
                self._spread(_decode(notification.payload))

    def _spread(self, event: LiveEvent) -> None:
        for subscriber in list(self._subscribers):
            if not subscriber.offer(event):
                self._drop(subscriber)

    def _drop(self, subscriber: _Subscriber) -> None:
        subscriber.let_go()
        self._subscribers.discard(subscriber)

    def _drop_all(self) -> None:
        for subscriber in list(self._subscribers):
            self._drop(subscriber)
