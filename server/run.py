"""`homebeat server run`: the database, the schema, the application, in that order, and back."""

import asyncio
import json
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import socket
from types import FrameType

import psycopg
import uvicorn

from plumbing.logs import Log, start_logs
from server import embedded_postgres, migrate, timescale
from server.app import create_app
from server.config import ServerConfig, load
from server.site import Site

log = Log("server.run")

_STOP_LIMIT_S = 5
"""How long open requests may take to end once the server stops."""
_DATABASE_CHECK_S = 1.0
KEEP_ALIVE_S = 75
"""How long an idle connection stays open: longer than any home waits between two questions, or
each would find its connection closed and think us gone."""
_STOPPING = (signal.SIGTERM, signal.SIGINT)


class DatabaseEnded(Exception):
    """The embedded database ended under us; a restart recovers it."""


def run(config_path: Path) -> None:
    """Serve until SIGTERM or SIGINT. One JSON line on stdout says when it is ready.

    Raises ConfigError, DatabaseUnavailable, ProgramMissing or DatabaseEnded.
    """
    start_logs()
    signal.signal(signal.SIGTERM, _end)
    config = load(config_path)
    with database(config) as (conninfo, embedded):
        if migrate.migrate(conninfo):
            log.info("schema brought up to date", revision=migrate.newest())
        with psycopg.connect(conninfo, autocommit=True) as connection:
            level = timescale.prepare(connection)
        asyncio.run(_serve(config, conninfo, embedded, level))


@contextmanager
def database(
    config: ServerConfig,
) -> Iterator[tuple[str, embedded_postgres.EmbeddedPostgres | None]]:
    """The address of the database: that of the settings, or of our own, started for as long.

    Raises InUse where our own one runs already, in another process.
    """
    if config.database:
        yield config.database, None
        return
    with embedded_postgres.run(config.data) as embedded:
        yield embedded.conninfo, embedded


@contextmanager
def database_beside(config: ServerConfig) -> Iterator[str]:
    """The same, for a command that may be called while the server runs."""
    try:
        with database(config) as (conninfo, _):
            yield conninfo
    except embedded_postgres.InUse:
        yield embedded_postgres.conninfo(config.data)


class _Server(uvicorn.Server):
    """Says when it is ready, and ends the open news streams when it is to stop.

    A page keeps its stream open for ever. uvicorn would send us the signal that stopped it once
    more when it is done, and the database could not be stopped in order.
    """

    def __init__(self, settings: uvicorn.Config, site: Site, ready: dict[str, str]) -> None:
        super().__init__(settings)
        self._site = site
        self._ready = ready

    async def startup(self, sockets: list[socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            sys.stdout.write(json.dumps(self._ready) + "\n")
            sys.stdout.flush()

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        self._site.live.let_everyone_go()
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        before = {number: signal.signal(number, self.handle_exit) for number in _STOPPING}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


async def _serve(
    config: ServerConfig,
    conninfo: str,
    embedded: embedded_postgres.EmbeddedPostgres | None,
    level: timescale.Level,
) -> None:
    app = create_app(config, conninfo)
    settings = uvicorn.Config(
        app,
        host=config.host,
        port=config.port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_STOP_LIMIT_S,
        timeout_keep_alive=KEEP_ALIVE_S,
    )
    ready = {
        "ready": "server",
        "url": config.url,
        "database": "embedded" if embedded else "external",
        "timescaledb": level,
    }
    server = _Server(settings, app.state.site, ready)
    serving = asyncio.create_task(server.serve())
    while not serving.done():
        await asyncio.wait([serving], timeout=_DATABASE_CHECK_S)
        if embedded is not None and embedded.exit_code is not None:
            server.should_exit = True
            await serving
            raise DatabaseEnded(
                f"PostgreSQL ended with {embedded.exit_code}; its log is "
                f"{config.data / 'postgres.log'}. Start the server again: nothing that was "
                "committed is lost."
            )
    await serving


def _end(number: int, frame: FrameType | None) -> None:
    raise SystemExit(0)
