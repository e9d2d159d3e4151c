"""TimescaleDB, where the database has it: readings become a hypertable, and nothing else changes.

Three levels are told apart, since the Apache edition has hypertables and no compression.
"""

from enum import StrEnum

from psycopg import Connection
from psycopg.rows import scalar_row

from plumbing.logs import Log
from plumbing.queries import load_queries

log = Log("server.timescale")

_sql = {name: text.encode() for name, text in load_queries("server.sql", "timescale.sql").items()}


class Level(StrEnum):
    NONE = "none"
    """Plain PostgreSQL."""
    APACHE = "apache"
    """Hypertables."""
    FULL = "full"
    """Hypertables and compression."""


def probe(connection: Connection) -> Level:
    """What this database offers. The extension is made where it is there to be made."""
    with connection.cursor(row_factory=scalar_row) as cursor:
        if cursor.execute(_sql["is_installed"]).fetchone() is None:
            return Level.NONE
        licence = cursor.execute(_sql["licence"]).fetchone()
    return Level.FULL if licence == "timescale" else Level.APACHE


def prepare(connection: Connection) -> Level:
    """Make the readings a hypertable where that is possible. The level."""
    level = probe(connection)
    if level is Level.NONE:
        return level
    with connection.cursor(row_factory=scalar_row) as cursor:
        if cursor.execute(_sql["is_hypertable"]).fetchone():
            return level
    connection.execute(_sql["make_hypertable"])
    if level is Level.FULL:
        connection.execute(_sql["compress"])
        connection.execute(_sql["compress_later"])
    log.info("readings are a hypertable", level=level)
    return level
