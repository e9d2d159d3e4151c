"""What the server does by itself, again and again, beside answering requests."""

import asyncio
from collections.abc import Awaitable, Callable

import psycopg
from psycopg_pool import PoolTimeout

from plumbing.logs import Log
from plumbing.tasks import end, is_ending
from server import sessions
from server.alerting import deadman, escalation
from server.site import Site

log = Log("server.tasks")

_TIDY_S = 300.0


class Tasks:
    """The running tasks. Each survives a database that is away for a while."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._running: list[asyncio.Task[None]] = []

    def start(self) -> None:
        site, config = self._site, self._site.config
        for name, every_s, turn in (
            ("escalation", config.escalation.check_s, lambda: escalation.check(site.db, config)),
            ("deadman", config.deadman.check_s, lambda: deadman.check(site.db, config)),
            ("tidy", _TIDY_S, lambda: _tidy(site)),
        ):
            self._running.append(asyncio.create_task(_repeat(name, every_s, turn), name=name))

    async def stop(self) -> None:
        for task in self._running:
            await end(task)


async def _repeat(name: str, every_s: float, turn: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            await turn()
        except (psycopg.Error, PoolTimeout, OSError) as error:
            if is_ending():
                return
            log.warning("the database did not answer, trying again", task=name, error=error)
        await asyncio.sleep(every_s)


async def _tidy(site: Site) -> None:
    await site.nonces.forget_old()
    await sessions.forget_old(site.db)
