from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files

import psycopg
import pytest

from server import embedded_postgres, migrate, timescale

pytestmark = pytest.mark.processes


@pytest.fixture
def empty(server_folder):
    with embedded_postgres.run(server_folder) as running:
        yield running.conninfo


def test_an_empty_database_is_brought_up_to_date_once(empty) -> None:
    assert migrate.migrate(empty)
    assert not migrate.migrate(empty)
    with psycopg.connect(empty) as connection:
        assert migrate.current(connection) == migrate.newest()


def test_a_database_of_a_newer_version_is_left_as_it_is(empty) -> None:
    migrate.migrate(empty)
    with psycopg.connect(empty) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    assert not migrate.migrate(empty)
    with psycopg.connect(empty) as connection:
        assert migrate.current(connection) == "9999"


def test_servers_that_start_together_take_turns(empty) -> None:
    with ThreadPoolExecutor(4) as together:
        done = sorted(together.map(migrate.migrate, [empty] * 4))
    assert done == [False, False, False, True]


def test_a_migration_that_fails_leaves_nothing(empty) -> None:
    with psycopg.connect(empty) as connection:
        connection.execute("CREATE TABLE sessions ()")
    with pytest.raises(Exception, match="already exists"):
        migrate.migrate(empty)
    with psycopg.connect(empty) as connection:
        tables = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        ).fetchall()
    assert tables == [("sessions",)]


def test_every_migration_has_its_revision_and_every_revision_its_migration() -> None:
    folder = files("server.sql")
    sql = {file.name.removesuffix(".sql") for file in folder.joinpath("migrations").iterdir()}
    python = {
        file.name.removesuffix(".py").removeprefix("v")
        for file in folder.joinpath("versions").iterdir()
        if file.name.startswith("v")
    }
    assert sql == python


def test_plain_postgresql_serves_without_timescaledb(empty) -> None:
    migrate.migrate(empty)
    with psycopg.connect(empty, autocommit=True) as connection:
        assert timescale.prepare(connection) is timescale.Level.NONE
