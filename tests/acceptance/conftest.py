"""A home of real programs: mosquitto and the shipped gateway, with a care plan of one's own."""

import asyncio
import json
import sqlite3
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from threading import Thread

import paho.mqtt.client as paho
import psycopg
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from psycopg.sql import SQL, Identifier

from plumbing.processes import Child, free_port, start
from plumbing.signing import load_or_make_key, public_hex
from server.embedded_postgres import conninfo
from simulators.broker import listens, start_broker
from simulators.cable import Cable

LIMIT_S = 30.0

PLAN = """\
version: "1"
people:
  - id: tester
    name: Tester
    timezone: Europe/London
rules:
  - id: too-high
    for: tester
    kind: threshold
    params: {metric: level, above: 90}
    debounce: {k: 3, n: 3}
    per_device: true
    then: {tier: T3, text: too-high}
    source: a limit for tests
texts:
  too-high:
    person: This sensor is high.
    nurse: The sensor is at {value}.
    log: level {value}
"""


@dataclass
class TestHome:
    """One home in a folder; its programs are started and killed as a test wishes."""

    folder: Path
    sensors: int = 10
    timed: bool = True
    server_url: str = "http://127.0.0.1:9"
    broker_port: int = field(default_factory=free_port)
    page_port: int = field(default_factory=free_port)
    broker: Child | None = None
    gateway: Child | None = None

    __test__ = False

    @property
    def journal(self) -> Path:
        return self.folder / "data" / "journal.sqlite3"

    def write_settings(self, plan: str = PLAN, *, home_assistant: bool = False) -> None:
        lines = [
            'id = "home-1"\ndata = "data"\nplan = "plan.yaml"',
            f'[server]\nurl = "{self.server_url}"\nheartbeat_s = 1\npoll_s = 0.5\ntimeout_s = 5',
            f'[page]\nlisten = "127.0.0.1:{self.page_port}"',
            f"[mqtt]\nport = {self.broker_port}\ntopics = []",
            f"home_assistant = {str(home_assistant).lower()}",
        ]
        for number in range(self.sensors):
            mapping = f'topic = "sensors/{number}"\ndevice = "sensor {number}"\nmetric = "level"'
            mapping += '\nvalue = "v"' + ('\ntime = "ts"' if self.timed else "")
            lines.append(f"[[mqtt.mappings]]\n{mapping}")
        lines += [
            f'[[devices]]\ndevice = "sensor {number}"\npatient = "tester"'
            for number in range(self.sensors)
        ]
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "gateway.toml").write_text("\n".join(lines) + "\n")
        (self.folder / "plan.yaml").write_text(plan)

    def start_broker(self) -> None:
        self.broker = start_broker(
            self.broker_port, self.folder / "broker", self.folder / "broker.log"
        )
        self.broker.wait_until(lambda: listens(self.broker_port), LIMIT_S)

    def start_gateway(self) -> None:
        self.gateway = start(
            [sys.executable, "-m", "homebeat", "gateway", "run", "--config", "gateway.toml"],
            name="gateway",
            log=self.folder / "gateway.log",
            output=self.folder / "gateway.out",
            folder=self.folder,
        )
        self.gateway.wait_for_json("ready", LIMIT_S)

    def publish(self, messages: list[tuple[str, dict[str, object]]]) -> None:
        """At QoS 1, and not before the broker has them all."""
        client = paho.Client(CallbackAPIVersion.VERSION2)
        client.max_inflight_messages_set(1000)
        client.connect("127.0.0.1", self.broker_port)
        client.loop_start()
        sent = [client.publish(topic, json.dumps(body), qos=1) for topic, body in messages]
        for info in sent:
            info.wait_for_publish(LIMIT_S)
        client.disconnect()
        client.loop_stop()

    def values(self) -> list[tuple[str, float]]:
        """(device, value) of each reading in the journal."""
        return [(body["device"], body["value"]) for body in map(json.loads, self.bodies("reading"))]

    def bodies(self, kind: str) -> list[bytes]:
        if not self.journal.exists():
            return []
        db = sqlite3.connect(f"file:{self.journal}?mode=ro", uri=True)
        try:
            return [row[0] for row in db.execute("SELECT body FROM record WHERE kind = ?", (kind,))]
        finally:
            db.close()

    def count(self, kind: str) -> int:
        return len(self.bodies(kind))

    def stop(self) -> None:
        for child in (self.gateway, self.broker):
            if child is not None:
                child.stop()


@pytest.fixture
def home(tmp_path: Path) -> Iterator[TestHome]:
    """A home whose settings are not written and whose programs are not started yet."""
    made = TestHome(tmp_path / "home")
    yield made
    made.stop()


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
def linked(home: TestHome) -> Iterator[tuple[TestHome, Centre]]:
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
