"""Bring a database to the schema of this version: alembic over plain .sql files.

Servers that start together take turns by an advisory lock. The migration library is imported
only when there is something to do, since it takes longer to load than a start may take.
"""

from importlib.resources import files

import psycopg
from psycopg.rows import scalar_row

_LOCK = 0x686F6D6562656174
"""Any number, as long as it is ours: "homebeat"."""


def newest() -> str:
    """The revision that this version's code expects."""
    folder = files("server.sql").joinpath("migrations")
    return max(file.name.partition("_")[0] for file in folder.iterdir())


def current(connection: psycopg.Connection) -> str | None:
    """The revision of the database; None for an empty one."""
    with connection.cursor(row_factory=scalar_row) as cursor:
        if cursor.execute("SELECT to_regclass('alembic_version')").fetchone() is None:
            return None
        revision: str | None = cursor.execute("SELECT version_num FROM alembic_version").fetchone()
        return revision


def migrate(conninfo: str) -> bool:
    """Bring the database up to date, in one transaction. Whether anything had to be done.

    A database that a newer version has migrated is left as it is: migrations of one version
    leave the schema usable by the one before.
    """
    with psycopg.connect(conninfo) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))  # until it is closed
        at = current(connection)
        if at is not None and at >= newest():
            return False
        _upgrade(connection)
        return True


def _upgrade(connection: psycopg.Connection) -> None:
    from alembic import command  # noqa: PLC0415 - see the top of this file
    from alembic.config import Config  # noqa: PLC0415
    from sqlalchemy import StaticPool, create_engine  # noqa: PLC0415

    folder = files("server.sql")
    settings = Config()
    settings.set_main_option("script_location", str(folder))
    settings.set_main_option("version_locations", str(folder.joinpath("versions")))
    settings.set_main_option("path_separator", "os")
    engine = create_engine(
        "postgresql+psycopg://", creator=lambda: connection, poolclass=StaticPool
    )
    with engine.connect() as wrapped:
        settings.attributes["connection"] = wrapped
        command.upgrade(settings, "head")
        wrapped.commit()
