"""A home of real programs: mosquitto and the shipped gateway, with a care plan of one's own."""

import json
import sqlite3
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from plumbing.processes import Child, free_port, start
from simulators.broker import listens, start_broker

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

    def write_settings(self, plan: str = PLAN) -> None:
        lines = [
            'id = "home-1"\ndata = "data"\nplan = "plan.yaml"',
            f'[server]\nurl = "{self.server_url}"\nheartbeat_s = 1\npoll_s = 0.5\ntimeout_s = 5',
            f'[page]\nlisten = "127.0.0.1:{self.page_port}"',
            f"[mqtt]\nport = {self.broker_port}\ntopics = []",
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
