"""What is wrong with this server, in words: `examine` looks, and the verdicts are pure."""

import shutil
from enum import StrEnum
from pathlib import Path

import psycopg
from msgspec import Struct

from plumbing.processes import ProgramMissing
from server import embedded_postgres, migrate, timescale
from server.config import ServerConfig
from server.run import database_beside

_LOW_DISK_BYTES = 2 * 1024**3
_NO_DISK_BYTES = 256 * 1024**2
_CONNECT_LIMIT_S = 5


class Mark(StrEnum):
    FINE = "fine"
    MIND = "mind"
    """It works, and there is something to know."""
    WRONG = "wrong"


class Verdict(Struct, frozen=True):
    """One thing that was looked at, and what to do about it."""

    mark: Mark
    what: str
    said: str


def examine(config: ServerConfig) -> list[Verdict]:
    """Look at everything; the embedded database is started for it where it does not run."""
    verdicts = [demo_users(config), disk(_free_bytes(config.data), config.data)]
    try:
        with database_beside(config) as conninfo:
            verdicts += _examine_database(conninfo)
    except (
        embedded_postgres.DatabaseUnavailable,
        ProgramMissing,
        psycopg.OperationalError,
    ) as error:
        verdicts.append(Verdict(Mark.WRONG, "database", f"can't be reached: {error}"))
    return verdicts


def _examine_database(conninfo: str) -> list[Verdict]:
    with psycopg.connect(conninfo, connect_timeout=_CONNECT_LIMIT_S) as connection:
        version = connection.info.server_version // 10_000
        return [
            Verdict(Mark.FINE, "database", f"PostgreSQL {version} answers"),
            schema(migrate.current(connection), migrate.newest()),
            timescaledb(timescale.probe(connection)),
        ]


def schema(at: str | None, newest: str) -> Verdict:
    """Whether the schema is the one that this version expects."""
    if at == newest:
        return Verdict(Mark.FINE, "schema", f"is at {at}")
    if at is not None and at > newest:
        return Verdict(
            Mark.MIND, "schema", f"is at {at}, newer than this version ({newest}): update Homebeat"
        )
    return Verdict(
        Mark.MIND,
        "schema",
        f"is {'empty' if at is None else f'at {at}'}; the server brings it to {newest} at its "
        "next start, or now: homebeat server migrate",
    )


def timescaledb(level: timescale.Level) -> Verdict:
    """What the database adds to plain PostgreSQL."""
    said = {
        timescale.Level.NONE: "is not there; plain PostgreSQL serves",
        timescale.Level.APACHE: "Apache edition: readings in chunks, no compression",
        timescale.Level.FULL: "full: readings in compressed chunks",
    }
    return Verdict(Mark.FINE, "TimescaleDB", said[level])


def disk(free_bytes: int, folder: Path) -> Verdict:
    """Whether the disk has room for what homes send."""
    said = f"{free_bytes / 1024**3:.1f} GiB free for {folder}"
    if free_bytes < _NO_DISK_BYTES:
        return Verdict(Mark.WRONG, "disk", f"{said}: make room, or PostgreSQL stops writing")
    if free_bytes < _LOW_DISK_BYTES:
        return Verdict(Mark.MIND, "disk", f"{said}: make room soon")
    return Verdict(Mark.FINE, "disk", said)


def demo_users(config: ServerConfig) -> Verdict:
    """Whether people may sign in with a password that everyone knows."""
    if config.demo.users:
        return Verdict(
            Mark.MIND,
            "demo users",
            f"may sign in at {config.listen}, on this machine only; never with real people's data",
        )
    return Verdict(Mark.FINE, "demo users", "none")


def _free_bytes(folder: Path) -> int:
    """On the disk of the folder, or of the nearest one above it that is there."""
    there = next(path for path in (folder, *folder.parents) if path.exists())
    return shutil.disk_usage(there).free
