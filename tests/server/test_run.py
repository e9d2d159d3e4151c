"""The shipped command: ready when it says so, nothing lost by kill -9, and a clean end."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest

from plumbing.processes import Child, free_port, start
from rules.records import Batch, encode
from server import embedded_postgres

pytestmark = pytest.mark.processes

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "homebeat", "server"]


class Server:
    """`homebeat server run` in a folder of its own, killed and started again as a test likes."""

    def __init__(self, folder: Path, public_key: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.settings = folder / "server.toml"
        self.settings.write_text(
            f'listen = "127.0.0.1:{self.port}"\ndata = "data"\n'
            f'[[gateways]]\nid = "home-1"\npublic_key = "{public_key}"\npeople = ["margaret"]\n'
            '[[people]]\nid = "margaret"\nname = "Margaret Ellis"\n[demo]\nusers = true\n'
        )
        self.child = self.start()

    def start(self) -> Child:
        self.child = start(
            [*COMMAND, "run", "--config", self.settings],
            log=self.folder / "server.log",
            output=self.folder / "server.out",
            folder=ROOT,
        )
        self.ready = self.child.wait_for_json("ready", 30)
        return self.child

    def rows(self, query: str) -> list[tuple]:
        with psycopg.connect(embedded_postgres.conninfo(self.folder / "data")) as connection:
            return connection.execute(query).fetchall()

    def postgres_pid(self) -> int:
        return int((self.folder / "data/postgres/postmaster.pid").read_text().split("\n")[0])

    def call(self, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        command = [*COMMAND, *words, "--config", str(self.settings)]
        return subprocess.run(
            command,
            cwd=ROOT,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


@pytest.fixture
def server(server_folder, config) -> Iterator[Server]:
    server = Server(server_folder, config.gateways[0].public_key)
    try:
        yield server
    finally:
        server.child.stop()


@pytest.fixture
def post(server, signed_post):
    """Post records to the running server as home-1; the status, or None where it did not answer."""

    def post(http: httpx.Client, *records) -> int | None:
        try:
            return signed_post(http, "/api/v1/records", encode(Batch(records=records)))
        except httpx.TransportError:
            return None

    return post


def test_it_says_one_line_when_it_is_ready_and_answers_from_then_on(server) -> None:
    assert server.ready == {
        "ready": "server",
        "url": server.url,
        "database": "embedded",
        "timescaledb": "none",
    }
    assert httpx.get(f"{server.url}/healthz").json() == {"database": "ok", "live": "ok"}
    assert len((server.folder / "server.out").read_text().splitlines()) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_cleanly_with_a_page_open_and_leaves_no_process(server, number) -> None:
    postgres = server.postgres_pid()
    assert Path(f"/proc/{postgres}").exists()
    with httpx.Client(base_url=server.url, headers={"Origin": server.url}) as http:
        http.post("/sign-in", data={"name": "nurse", "password": "demo"})
        with http.stream("GET", "/live") as page:
            assert next(page.iter_lines())
            server.child.signal(number)
            assert server.child.wait(10) == 0
    assert not Path(f"/proc/{postgres}").exists()
    assert not (server.folder / "data/postgres/postmaster.pid").exists()


def test_a_page_hears_of_an_alert_as_it_happens(server, post, make, record) -> None:
    heard: list[str] = []
    listening, told = threading.Event(), threading.Event()

    def listen() -> None:
        with httpx.Client(base_url=server.url, headers={"Origin": server.url}) as http:
            http.post("/sign-in", data={"name": "nurse", "password": "demo"})
            with http.stream("GET", "/live", timeout=20) as page:
                for line in page.iter_lines():
                    heard.append(line)
                    listening.set()
                    if "a1" in line:
                        told.set()
                        return

    listener = threading.Thread(target=listen)
    listener.start()
    assert listening.wait(10)
    with httpx.Client(base_url=server.url) as http:
        assert post(http, record("alert", make.request("a1"))) == 200
    assert told.wait(10), heard
    listener.join()
    assert "event: alert" in heard


def test_a_kill_in_the_middle_of_batches_loses_nothing_that_was_answered(
    server, post, make, record
) -> None:
    batches = [
        [record("reading", make.reading(70.0 + n / 10, minutes=60 * batch + n)) for n in range(60)]
        for batch in range(200)
    ]
    answered: list[int] = []
    enough = threading.Event()

    def send() -> None:
        with httpx.Client(base_url=server.url, timeout=10) as http:
            for number, batch in enumerate(batches):
                if post(http, *batch) != 200:
                    return
                answered.append(number)
                if len(answered) == 10:
                    enough.set()

    sender = threading.Thread(target=send)
    sender.start()
    assert enough.wait(30)
    os.kill(server.child.pid, signal.SIGKILL)
    server.child.wait(10)
    sender.join()
    assert 10 <= len(answered) < len(batches)
    server.start()
    kept = {row[0] for row in server.rows("SELECT id FROM readings")}
    assert {each.id for number in answered for each in batches[number]} <= kept
    assert len(kept) % 60 == 0, "a batch is stored whole or not at all"
    with httpx.Client(base_url=server.url, timeout=10) as http:
        for batch in batches:
            assert post(http, *batch) == 200
    assert server.rows("SELECT count(*) FROM readings") == [(200 * 60,)]


def test_someone_let_in_while_it_runs_may_sign_in_at_once(server) -> None:
    added = server.call("user", "add", "anna", "--name", "Anna Berg", stdin="correct horse\n")
    assert (added.returncode, added.stderr) == (0, "")
    with httpx.Client(base_url=server.url, headers={"Origin": server.url}) as http:
        form = {"name": "anna", "password": "correct horse"}
        assert http.post("/sign-in", data=form).status_code == 303
        assert http.get("/api/v1/alerts").status_code == 200
        listed = json.loads(server.call("user", "list", "--json").stdout)
        assert {"id": "anna", "role": "clinician", "name": "Anna Berg"} in listed
        assert server.call("user", "remove", "anna").returncode == 0
        assert http.get("/api/v1/alerts").status_code == 401
    assert server.call("user", "remove", "anna").returncode == 1


def test_the_doctor_looks_at_everything_and_says_what_it_saw(server) -> None:
    done = server.call("doctor", "--json")
    assert done.returncode == 0, done.stderr
    marks = {each["what"]: each["mark"] for each in json.loads(done.stdout)}
    assert marks == {
        "demo users": "mind",
        "disk": "fine",
        "database": "fine",
        "schema": "fine",
        "TimescaleDB": "fine",
    }


def test_a_second_server_on_the_same_folder_says_what_to_do(server) -> None:
    done = server.call("run")
    assert done.returncode == 1
    assert "Another server is using" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_end_of_the_database_ends_the_server_with_words(server) -> None:
    os.kill(server.postgres_pid(), signal.SIGKILL)
    assert server.child.wait(15) == 1
    assert "Start the server again" in (server.folder / "server.log").read_text()
    server.start()
    assert httpx.get(f"{server.url}/healthz").status_code == 200


def test_wrong_settings_end_it_with_one_line(tmp_path) -> None:
    (tmp_path / "server.toml").write_text('listen = "0.0.0.0:8420"\ndata = "d"\n[demo]\nusers=true')
    done = subprocess.run(
        [*COMMAND, "run", "--config", str(tmp_path / "server.toml")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.splitlines()) == 1
    assert "users = false" in done.stderr
