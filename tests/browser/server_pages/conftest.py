"""The shipped server, and homes whose readings, prompts and alerts the shipped rules made."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread

import httpx
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from playwright.sync_api import BrowserContext, Page

from devices.metrics import METRICS
from devices.model import Reading, reading_id
from gateway.plan import load_packs
from plumbing import signing
from plumbing.clock import utc_now
from plumbing.processes import Child, free_port, start
from rules import engine
from rules.model import AlertRequest, Lane
from rules.outcome import decide
from rules.plan import parse_plan
from rules.records import SCHEMA, Batch, Heartbeat, Record, RecordKind, body_id, encode

HOME_START = datetime(2026, 3, 3, 7, 45, tzinfo=UTC)
"""What the homes' clocks show when the server starts: a Tuesday morning."""
KEYS = {
    "home-1": Ed25519PrivateKey.from_private_bytes(bytes(range(32))),
    "home-2": Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33))),
}
SILENT_AFTER_S = 8.0

PEOPLE = {
    "margaret": ("Margaret Ellis", 1947, "home-1", "Walking to the allotment with Joan"),
    "joan": ("Joan Hart", 1951, "home-1", "Singing on Thursdays"),
    "idris": ("Idris Bevan", 1944, "home-1", "Staying in my own house"),
    "amal": ("Amal Haddad", 1939, "home-1", "Cooking for the grandchildren on Fridays"),
    "walter": ("Walter Fairweather-Cholmondeley", 1933, "home-2", ""),
}

QUIET_HEART = {
    "pack": "heart-failure",
    "rules": {
        "missed-weight": {"use": False},
        "missed-weight-next-day": {"use": False},
        "missed-weight-twice": {"use": False},
    },
}
QUIET_HOME = {
    "pack": "home-safety",
    "rules": {
        "no-movement": {"use": False},
        "no-movement-unanswered": {"use": False},
        "not-up": {"use": False},
        "not-up-unanswered": {"use": False},
    },
}
PLAN = {
    "version": "7",
    "people": [
        {
            "id": "margaret",
            "name": "Margaret Ellis",
            "packs": [QUIET_HEART, QUIET_HOME],
            "matters": "Walking to the allotment with Joan",
            "simulated": True,
        },
        {"id": "joan", "name": "Joan Hart", "simulated": True},
        {"id": "idris", "name": "Idris Bevan", "packs": [QUIET_HOME], "simulated": True},
        {
            "id": "amal",
            "name": "Amal Haddad",
            "packs": [QUIET_HEART, QUIET_HOME],
            "simulated": True,
        },
    ],
    "rules": [
        {
            "id": "upper-pressure",
            "for": "joan",
            "kind": "threshold",
            "title": "Blood pressure",
            "params": {"metric": "systolic_pressure", "at_least": "180 mm[Hg]"},
            "then": {"tier": "T3", "text": "general.beyond-limit"},
            "source": "Agreed with Joan, who feels well up to there",
        },
    ],
}


def taken(
    metric: str, value: float, ago: timedelta, patient: str = "margaret", device: str = "scale"
) -> Reading:
    at = HOME_START - ago
    return Reading(
        id=reading_id(patient, device, metric, at, value),
        patient=patient,
        device=device,
        metric=metric,
        value=value,
        unit=METRICS[metric].unit,
        taken_at=at,
        received_at=at,
    )


def _days(n: float, minutes: float = 0) -> timedelta:
    return timedelta(days=n, minutes=minutes)


def margarets_fortnight() -> list[Reading]:
    """Weights that climb at the end, a cuff twice a day, and one day without any."""
    weights = [70.2, 70.0, 70.3, 69.9, 70.1, 70.4, 70.2, 70.0, 70.3, 70.2, 70.1, 70.9, 71.6, 72.4]
    found = [
        taken("body_weight", weight, _days(13 - n, 25 - n % 5))
        for n, weight in enumerate(weights)
        if n != 6
    ]
    for n in range(26):
        ago = _days(13 - n / 2, 20)
        upper, lower = 128 + (n * 7) % 17, 74 + (n * 5) % 11
        found += [
            taken("systolic_pressure", upper, ago, device="cuff"),
            taken("diastolic_pressure", lower, ago, device="cuff"),
            taken("pulse_rate", 66 + (n * 3) % 13, ago, device="cuff"),
        ]
    return [
        *found,
        taken("oxygen_saturation", 96, _days(1, 20), device="oximeter"),
        taken("movement", 1, timedelta(minutes=9), device="hall"),
        taken("symptom.ankles_swollen", 1, timedelta(minutes=3), device="home page"),
        taken("symptom.breathless", 0, timedelta(minutes=3), device="home page"),
        taken("symptom.pillows", 0, timedelta(minutes=3), device="home page"),
    ]


def the_morning() -> list[Reading]:
    """What the homes heard up to now."""
    return [
        *margarets_fortnight(),
        taken("systolic_pressure", 171, _days(1), "joan", "cuff"),
        taken("diastolic_pressure", 96, _days(1), "joan", "cuff"),
        taken("systolic_pressure", 186, timedelta(hours=12), "joan", "cuff"),
        taken("diastolic_pressure", 104, timedelta(hours=12), "joan", "cuff"),
        taken("body_weight", 61.0, _days(3, -60), "amal", "scale"),
        taken("body_weight", 58.7, timedelta(minutes=40), "amal", "scale"),
        taken("movement", 1, timedelta(minutes=30), "idris", "kitchen"),
        taken("sos_pressed", 1, timedelta(minutes=1), "idris", "button"),
    ]


def judged(readings: Sequence[Reading]) -> list[tuple[str, msgspec.Struct]]:
    """The readings, and all that the rules made of them, as (kind, body of a record)."""
    plan = parse_plan(PLAN, load_packs())
    ordered = sorted(readings, key=lambda reading: (reading.taken_at, reading.id))
    states = engine.start(plan, ordered[0].taken_at - timedelta(hours=1))
    found: list[tuple[str, msgspec.Struct]] = [(RecordKind.READING, each) for each in ordered]
    for finding in engine.advance(plan, states, ordered, HOME_START).findings:
        found.append((RecordKind.FINDING, finding))
        outcome = decide(plan, finding, finding.at)
        if outcome.prompt is not None:
            found.append((RecordKind.PROMPT, outcome.prompt))
        if outcome.alert is not None:
            found.append((RecordKind.ALERT, outcome.alert))
    return found


class Gateway:
    """A home's side of the wire: signs, sends, and says that it lives."""

    def __init__(self, url: str, name: str = "home-1") -> None:
        self.http = httpx.Client(base_url=url, timeout=20)
        self.name = name
        self.seq = 0

    def _request(self, path: str, body: bytes) -> httpx.Response:
        nonce = self.http.post("/api/v1/nonce").raise_for_status().json()["nonce"]
        signature = signing.sign_request(KEYS[self.name], "POST", path, nonce, body)
        headers = {
            signing.SENDER_HEADER: self.name,
            signing.NONCE_HEADER: nonce,
            signing.SIGNATURE_HEADER: signature,
        }
        return self.http.post(path, content=body, headers=headers).raise_for_status()

    def send(self, bodies: Sequence[tuple[str, msgspec.Struct]]) -> None:
        records = tuple(self._record(kind, body) for kind, body in bodies)
        answer = self._request("/api/v1/records", encode(Batch(records=records))).json()
        assert answer["rejected"] == []

    def _record(self, kind: str, body: msgspec.Struct) -> Record:
        self.seq += 1
        text = encode(body)
        return Record(
            schema=SCHEMA,
            id=getattr(body, "id", None) or body_id(kind, text),
            gateway=self.name,
            seq=self.seq,
            kind=kind,
            lane=Lane.URGENT,
            at=HOME_START,
            body=msgspec.Raw(text),
        )

    def beat(self) -> None:
        heartbeat = Heartbeat(home_time=HOME_START, waiting=0, plan="7", software="0.1.0")
        self._request("/api/v1/heartbeat", encode(heartbeat))


@dataclass
class Server:
    """The shipped server in a folder of its own."""

    folder: Path
    port: int = field(default_factory=free_port)
    child: Child | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def write_settings(self) -> None:
        started = utc_now()
        lines = [f'listen = "127.0.0.1:{self.port}"', 'data = "data"']
        lines += ["[demo]", "users = true"]
        lines += ["[deadman]", f"gateway_silent_s = {SILENT_AFTER_S}", "check_s = 0.5"]
        lines += ["[home_time]", f"machine_start = {started.isoformat()}"]
        lines += [f"home_start = {HOME_START.isoformat()}", "[[home_time.paces]]", "times = 1.0"]
        for name, key in KEYS.items():
            people = [f'"{person}"' for person, row in PEOPLE.items() if row[2] == name]
            lines += ["[[gateways]]", f'id = "{name}"', f"people = [{', '.join(people)}]"]
            lines += [f'public_key = "{signing.public_hex(key)}"']
        for person, (full_name, born, _, matters) in PEOPLE.items():
            lines += ["[[people]]", f'id = "{person}"', f'name = "{full_name}"']
            lines += [f"born = {born}", f'matters = "{matters}"']
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "server.toml").write_text("\n".join(lines) + "\n")

    def start(self) -> None:
        self.child = start(
            [sys.executable, "-m", "homebeat", "server", "run", "--config", "server.toml"],
            name="server",
            log=self.folder / "server.log",
            output=self.folder / "server.out",
            folder=self.folder,
        )
        self.child.wait_for_json("ready", 60)

    def stop(self) -> None:
        if self.child is not None:
            self.child.stop()
            self.child = None


class Care:
    """A server, the home that reports to it, and a browser at it."""

    def __init__(self, server: Server, open_browser: Callable[..., BrowserContext]) -> None:
        self.server = server
        self.gateway = Gateway(server.url)
        self._open_browser = open_browser
        self._contexts: list[BrowserContext] = []

    def send(self, readings: Sequence[Reading]) -> list[AlertRequest]:
        """Let the rules judge the readings of a home; the requests that they led to."""
        bodies = judged(readings)
        self.gateway.send(bodies)
        return [body for _, body in bodies if isinstance(body, AlertRequest)]

    def signed_in(self, name: str = "Sam Okoro", **options: object) -> Page:
        context = self._open_browser(**options)
        self._contexts.append(context)
        page = context.new_page()
        page.goto(self.server.url)
        page.get_by_role("button", name=f"Sign in as {name}").click()
        page.wait_for_load_state()
        return page

    def leave(self) -> None:
        """Close the browsers: a page that outlives its server complains."""
        for context in self._contexts:
            context.close()


@contextmanager
def running() -> Iterator[Server]:
    """A server with its settings; the first home says that it lives until the end."""
    with TemporaryDirectory(prefix="homebeat-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # PostgreSQL runs as another user where the tests run as root
        server = Server(folder)
        server.write_settings()
        server.start()
        with beating(server):
            yield server


@contextmanager
def beating(server: Server) -> Iterator[None]:
    leaving = Event()

    def live() -> None:
        gateway = Gateway(server.url)
        while not leaving.wait(1.0):
            with suppress(httpx.HTTPError):
                gateway.beat()

    heart = Thread(target=live, daemon=True)
    heart.start()
    try:
        yield
    finally:
        leaving.set()
        heart.join()
        server.stop()


@pytest.fixture(scope="session")
def _morning() -> Iterator[Server]:
    with running() as server:
        Gateway(server.url).send(judged(the_morning()))
        yield server


@pytest.fixture
def morning(_morning: Server, open_browser: Callable[..., BrowserContext]) -> Care:
    """A server with a busy morning in it, for tests that only look."""
    return Care(_morning, open_browser)


@pytest.fixture
def fresh(open_browser: Callable[..., BrowserContext]) -> Iterator[Care]:
    """A server of the test's own that has heard nothing yet."""
    with running() as server:
        care = Care(server, open_browser)
        yield care
        care.leave()


@pytest.fixture
def a_morning() -> Callable[[], list[Reading]]:
    """What makes a busy morning."""
    return the_morning


@pytest.fixture
def sos() -> Callable[[str], Reading]:
    """A press of someone's SOS button."""
    return lambda person: taken(
        "sos_pressed", 1, timedelta(minutes=1), person, f"{person}'s button"
    )
