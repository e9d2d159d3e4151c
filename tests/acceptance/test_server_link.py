"""The home with its server: cut, killed and joined again, every record arrives once."""

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from threading import Thread
from typing import Any

import httpx
import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from plumbing.processes import Child, free_port, start
from plumbing.signing import load_or_make_key, public_hex
from server.embedded_postgres import conninfo
from simulators.cable import Cable

pytestmark = pytest.mark.processes
LIMIT_S = 60.0


class Centre:
    """The shipped server, and the cable that leads to it."""

    def __init__(self, folder: Path, public_key: str) -> None:
        self.folder = folder
        self.port = free_port()
        folder.mkdir()
        (folder / "server.toml").write_text(
            f'listen = "127.0.0.1:{self.port}"\ndata = "pg"\n'
            f'[[gateways]]\nid = "home-1"\npublic_key = "{public_key}"\npeople = ["tester"]\n'
            '[[people]]\nid = "tester"\nname = "Tess Ter"\n[demo]\nusers = true\n'
        )
        self.child: Child | None = None
        self._loop = asyncio.new_event_loop()
        self._cable = Cable(0, "127.0.0.1", self.port)
        Thread(target=self._loop.run_forever, daemon=True).start()
        self.plug()

    @property
    def cable_url(self) -> str:
        return f"http://127.0.0.1:{self._cable.listen_port}"

    def start(self) -> None:
        self.child = start(
            [sys.executable, "-m", "homebeat", "server", "run", "--config", "server.toml"],
            name="server",
            log=self.folder / "server.log",
            output=self.folder / "server.out",
            folder=self.folder,
        )
        self.child.wait_for_json("ready", LIMIT_S)

    def plug(self) -> None:
        asyncio.run_coroutine_threadsafe(self._cable.plug(), self._loop).result(5)

    def pull(self) -> None:
        async def pull() -> None:
            self._cable.pull()

        asyncio.run_coroutine_threadsafe(pull(), self._loop).result(5)

    def count(self, table: str) -> int:
        with psycopg.connect(conninfo(self.folder / "pg")) as db:
            counted = SQL("SELECT count(*) FROM {}").format(Identifier(table))
            row = db.execute(counted).fetchone()
        assert row is not None
        return int(row[0])

    def stop(self) -> None:
        self.pull()
        if self.child is not None:
            self.child.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)


@pytest.fixture
def linked(home: Any) -> Iterator[tuple[Any, Centre]]:
    key = load_or_make_key(home.folder / "data" / "gateway.key")
    # pytest's own folder is closed to the user that PostgreSQL runs as when we are root.
    folder = Path(mkdtemp(prefix="homebeat-"))
    folder.chmod(0o755)
    centre = Centre(folder / "centre", public_hex(key))
    home.server_url = centre.cable_url
    home.write_settings()
    home.start_broker()
    yield home, centre
    centre.stop()
    rmtree(folder, ignore_errors=True)


def readings(start_at: int, count: int, value: float = 50.0) -> list[tuple[str, dict[str, object]]]:
    return [
        (f"sensors/{n % 10}", {"v": value + n / 1000, "ts": 1_770_000_000 + n})
        for n in range(start_at, start_at + count)
    ]


def test_a_cable_pulled_twice_and_a_server_killed_cost_no_record(
    linked: tuple[Any, Centre],
) -> None:
    home, centre = linked
    centre.start()
    home.start_gateway()
    home.publish(readings(0, 1_000))
    centre.pull()
    home.publish(readings(1_000, 1_000))
    centre.plug()
    home.publish(readings(2_000, 500))
    assert centre.child is not None
    centre.child.kill()
    home.publish(readings(2_500, 500))
    centre.start()
    home.gateway.wait_until(lambda: centre.count("readings") >= 3_000, LIMIT_S, "synced")
    assert centre.count("readings") == 3_000
    assert home.count("reading") == 3_000


def test_an_alert_is_seen_by_the_nurse_and_the_person_is_told(linked: tuple[Any, Centre]) -> None:
    home, centre = linked
    centre.start()
    home.start_gateway()
    home.publish(readings(0, 30, value=95.0))
    home.gateway.wait_until(lambda: centre.count("alerts") >= 1, LIMIT_S, "alerting")
    url = f"http://127.0.0.1:{centre.port}"
    with httpx.Client(base_url=url, headers={"Origin": url}, follow_redirects=True) as nurse:
        signed_in = nurse.post("/sign-in", data={"name": "nurse", "password": "demo"})
        assert "Tess Ter" in signed_in.text
        alert = nurse.get("/api/v1/alerts").json()["alerts"][0]
        seen = nurse.post(f"/alerts/{alert['id']}/acknowledge")
        assert seen.status_code == 200
    page = f"http://127.0.0.1:{home.page_port}/"
    home.gateway.wait_until(
        lambda: "has seen it" in httpx.get(page).text, LIMIT_S, "telling the person"
    )


def test_the_home_page_works_with_the_server_down_and_says_so(linked: tuple[Any, Centre]) -> None:
    home, _ = linked
    home.start_gateway()
    home.publish(readings(0, 10))
    page = httpx.get(f"http://127.0.0.1:{home.page_port}/")
    assert page.status_code == 200
    assert "reach the care team just now" in page.text
    home.gateway.wait_until(lambda: home.count("reading") == 10, LIMIT_S, "hearing")
