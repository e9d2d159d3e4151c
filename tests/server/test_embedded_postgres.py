"""A database of our own: made whole or not at all, kept over any end, shared by nobody."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from server import embedded_postgres, migrate
from server.embedded_postgres import DatabaseUnavailable, InUse

pytestmark = pytest.mark.processes

PARENT = """
import sys, time
from pathlib import Path
from server import embedded_postgres
running = embedded_postgres.run(Path(sys.argv[1]))
print(running.pid, flush=True)
time.sleep(60)
"""


def write(conninfo: str, value: int) -> None:
    with psycopg.connect(conninfo) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (value int)")
        connection.execute("INSERT INTO kept VALUES (%s)", (value,))


def values(conninfo: str) -> list[int]:
    with psycopg.connect(conninfo) as connection:
        return [row[0] for row in connection.execute("SELECT value FROM kept ORDER BY 1")]


def test_what_was_written_is_there_after_a_stop_and_after_a_kill(server_folder) -> None:
    with embedded_postgres.run(server_folder) as running:
        write(running.conninfo, 1)
    running = embedded_postgres.run(server_folder)
    write(running.conninfo, 2)
    os.kill(running.pid, signal.SIGKILL)
    running.stop()
    with embedded_postgres.run(server_folder) as running:
        assert values(running.conninfo) == [1, 2]


def test_it_takes_a_password_and_no_network(server_folder) -> None:
    with embedded_postgres.run(server_folder) as running:
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(running.conninfo, password="wrong")
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(running.conninfo, user="postgres", dbname="postgres")
        with psycopg.connect(running.conninfo) as connection:
            shown = {
                name: connection.execute(f"SHOW {name}").fetchone()[0]
                for name in ("listen_addresses", "password_encryption", "data_directory_mode")
            }
            (superuser,) = connection.execute(
                "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"
            ).fetchone()
        assert shown == {
            "listen_addresses": "",
            "password_encryption": "scram-sha-256",
            "data_directory_mode": "0700",
        }
        assert not superuser
        assert (server_folder / "postgres.password").stat().st_mode & 0o077 == 0


def test_two_servers_never_share_a_folder(server_folder) -> None:
    with embedded_postgres.run(server_folder) as running:
        with pytest.raises(InUse, match="Another server"):
            embedded_postgres.run(server_folder)
        assert embedded_postgres.conninfo(server_folder) == running.conninfo
        write(embedded_postgres.conninfo(server_folder), 3)
        assert values(running.conninfo) == [3]


def test_a_killed_server_takes_its_database_along_and_the_next_one_starts(server_folder) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(server_folder)],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    pid = int(parent.stdout.readline())
    write(embedded_postgres.conninfo(server_folder), 4)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    with embedded_postgres.run(server_folder) as running:
        assert running.pid != pid
        assert values(running.conninfo) == [4]


def test_a_number_of_a_process_that_is_someone_elses_does_not_stop_a_start(server_folder) -> None:
    with embedded_postgres.run(server_folder):
        lines = (server_folder / "postgres" / "postmaster.pid").read_text()
    stale = server_folder / "postgres" / "postmaster.pid"
    stale.write_text("\n".join([str(os.getpid()), *lines.splitlines()[1:]]))
    with embedded_postgres.run(server_folder) as running:
        assert running.exit_code is None


def test_a_database_that_was_only_half_made_is_made_again(server_folder) -> None:
    half = server_folder / "postgres.making"
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")
    with embedded_postgres.run(server_folder) as running:
        write(running.conninfo, 5)
    assert not half.exists()


def test_a_long_path_gets_a_short_socket(server_folder) -> None:
    data = server_folder / ("long-" * 25)
    with embedded_postgres.run(data) as running:
        write(running.conninfo, 6)
        assert values(embedded_postgres.conninfo(data)) == [6]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs it as someone else")
def test_a_folder_that_its_user_may_not_enter_is_refused_with_what_to_do(server_folder) -> None:
    closed = server_folder / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(DatabaseUnavailable, match="others may enter"):
        embedded_postgres.run(closed / "data")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs it as someone else")
def test_programs_that_its_user_may_not_reach_are_copied(server_folder, monkeypatch) -> None:
    monkeypatch.setattr(
        embedded_postgres, "can_reach", lambda path, user: "pginstall" not in path.parts
    )
    with embedded_postgres.run(server_folder) as running:
        program = Path(f"/proc/{running.pid}/exe").resolve()
        assert program.is_relative_to(server_folder)


def test_the_log_keeps_no_word_of_a_row(server_folder) -> None:
    with embedded_postgres.run(server_folder) as running:
        migrate.migrate(running.conninfo)
        with psycopg.connect(running.conninfo, autocommit=True) as connection:
            for _ in range(2):
                try:
                    connection.execute(
                        "INSERT INTO users VALUES ('secret-name', 'n', 'r', '{}', 'h', false)"
                    )
                except psycopg.errors.UniqueViolation as error:
                    refused = str(error)
    assert "secret-name" in refused
    log = (server_folder / "postgres.log").read_text()
    assert "duplicate key" in log
    assert "secret-name" not in log
