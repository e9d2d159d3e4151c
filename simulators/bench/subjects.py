"""The two programs that are measured: the shipped gateway, and the plain loop beside it."""

import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec
from msgspec import Struct

from devices.model import Reading
from plumbing.processes import Child, free_port, start
from rules.model import AlertRequest
from simulators.bench.load import Rules
from simulators.bench.settings import (
    GATEWAY,
    NO_SERVER,
    ONE_PERSON,
    Home,
    gateway_toml,
    plan_yaml,
    write_home,
)
from simulators.bench.watch import Count
from simulators.broker import listens, start_broker

READY_S = 30.0

_reading = msgspec.json.Decoder(Reading).decode
_alert = msgspec.json.Decoder(AlertRequest).decode


class Subject(Struct, frozen=True, kw_only=True):
    """One program, set up in a folder of its own and fed by a broker."""

    name: str
    command: tuple[str, ...]
    folder: Path
    store: Path
    new_rows: str
    values: Callable[[sqlite3.Connection], list[float]]
    """Of every reading in its store."""
    alert_rows: str
    alert_topic: str
    alert_value: Callable[[bytes], float]
    """The value that caused a published alert."""

    def start(self) -> Child:
        """Started, and not ready yet."""
        return start(
            self.command,
            name=self.name,
            log=self.folder / "log",
            output=self.folder / "output",
            folder=self.folder,
        )

    def count(self) -> Count:
        return Count(self.store, self.new_rows)

    def stored(self) -> list[float]:
        with closing(sqlite3.connect(f"file:{self.store}?mode=ro", uri=True)) as db:
            return self.values(db)

    def alerts(self) -> list[AlertRequest]:
        """Those that its store holds; the plain loop keeps none."""
        with closing(sqlite3.connect(f"file:{self.store}?mode=ro", uri=True)) as db:
            return [_alert(body) for (body,) in db.execute(self.alert_rows)]


Make = Callable[..., Subject]
"""(folder, broker_port, rules, *, timed) -> Subject."""


def gateway(
    folder: Path,
    broker_port: int,
    rules: Rules,
    *,
    timed: bool,
    home: Home = ONE_PERSON,
    server_url: str = NO_SERVER,
) -> Subject:
    """`homebeat gateway run`, in its default configuration."""
    toml = gateway_toml(
        home, broker_port=broker_port, page_port=free_port(), server_url=server_url, timed=timed
    )
    file = write_home(folder, plan_yaml(home, rules), toml)
    return Subject(
        name="gateway",
        command=(sys.executable, "-m", "homebeat", "gateway", "run", "--config", str(file)),
        folder=folder,
        store=folder / "data" / "journal.sqlite3",
        new_rows="SELECT sum(kind = 'reading'), max(seq) FROM record WHERE seq > ?",
        values=_journal_values,
        alert_rows="SELECT body FROM record WHERE kind = 'alert' ORDER BY seq",
        alert_topic=f"homebeat/{GATEWAY}/alert",
        alert_value=lambda payload: value_of(_alert(payload)),
    )


def plain(folder: Path, broker_port: int, rules: Rules, *, timed: bool) -> Subject:
    """simulators/bench/plain_loop.py."""
    folder.mkdir(parents=True, exist_ok=True)
    store = folder / "plain.sqlite3"
    options = {
        "port": broker_port,
        "data": store,
        "above": rules.above,
        "running": rules.running,
        "rising-per-hour": rules.rising_per_hour,
        "samples": rules.samples,
        "min-samples": rules.min_samples,
    }
    return Subject(
        name="plain loop",
        command=(
            sys.executable,
            "-m",
            "simulators.bench.plain_loop",
            *(text for key, value in options.items() for text in (f"--{key}", str(value))),
        ),
        folder=folder,
        store=store,
        new_rows="SELECT count(*), max(seq) FROM reading WHERE seq > ?",
        values=_plain_values,
        alert_rows="SELECT NULL WHERE false",
        alert_topic="plain/alert",
        alert_value=lambda payload: float(msgspec.json.decode(payload)["value"]),
    )


def value_of(alert: AlertRequest) -> float:
    """The reading's value among the numbers that a rule compared."""
    return next(number.value for number in alert.because.numbers if number.name == "value")


@contextmanager
def with_a_broker(folder: Path) -> Iterator[int]:
    """mosquitto, set up as we advise; its port."""
    port = free_port()
    with start_broker(port, folder / "broker", folder / "broker.log") as broker:
        broker.wait_until(lambda: listens(port), READY_S)
        yield port


def make_known(subject: Subject) -> None:
    """Start it once: from then on the broker keeps what is published for it while it is away."""
    with subject.start() as child:
        child.wait_for_json("ready", READY_S)


def _journal_values(db: sqlite3.Connection) -> list[float]:
    rows = db.execute("SELECT body FROM record WHERE kind = 'reading'")
    return [_reading(body).value for (body,) in rows]


def _plain_values(db: sqlite3.Connection) -> list[float]:
    return [value for (value,) in db.execute("SELECT value FROM reading")]
