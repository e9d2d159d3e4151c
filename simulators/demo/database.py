"""The address of the embedded database, from the files that its server keeps (read only)."""

from pathlib import Path

from psycopg.conninfo import make_conninfo

_SOCKET_FOLDER_LINE = 4
"""Of postmaster.pid, from 0 (PostgreSQL 18, src/include/utils/pidfile.h)."""


def address(server_data: Path) -> str:
    """A libpq address of the running database. Raises OSError where none runs."""
    lines = (server_data / "postgres" / "postmaster.pid").read_text().splitlines()
    return make_conninfo(
        host=lines[_SOCKET_FOLDER_LINE],
        user="homebeat",
        dbname="homebeat",
        password=(server_data / "postgres.password").read_text().strip(),
        connect_timeout=5,
    )
