"""A PostgreSQL once a session, an empty database and an application for each test."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import httpx
import msgspec
import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from devices.model import Reading, reading_id
from plumbing import signing
from rules.model import AlertRequest, Evidence, Finding, Lane, Number, Phase, Prompt, Tier
from rules.records import SCHEMA, Batch, Record, Stated, Superseded, body_id, encode
from rules.snooze import Direction, Snooze
from server import embedded_postgres, migrate
from server.app import create_app
from server.config import Demo, Gateway, Person, ServerConfig

AT = datetime(2026, 3, 3, 7, 40, tzinfo=UTC)
"""A morning at home."""
KEYS = {
    "home-1": Ed25519PrivateKey.from_private_bytes(bytes(range(32))),
    "home-2": Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33))),
}


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def _postgres() -> Iterator[str]:
    with open_folder() as folder, embedded_postgres.run(folder / "data") as running:
        migrate.migrate(running.conninfo)
        yield running.conninfo


@contextmanager
def open_folder() -> Iterator[Path]:
    """A folder that the unprivileged user of PostgreSQL may enter, as pytest's own may not be."""
    folder = Path(tempfile.mkdtemp(prefix="homebeat-test-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def server_folder() -> Iterator[Path]:
    with open_folder() as folder:
        yield folder


@pytest.fixture
def conninfo(_postgres: str) -> str:
    """The address of an empty database."""
    with psycopg.connect(_postgres) as connection:
        tables = connection.execute(
            "SELECT string_agg(quote_ident(tablename), ', ') FROM pg_tables "
            "WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
        ).fetchone()
        connection.execute(f"TRUNCATE {tables[0]}")
    return _postgres


@pytest.fixture
def sql(conninfo: str) -> Iterator[psycopg.Connection]:
    """A connection of the test's own, to look at what is there."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        yield connection


@pytest.fixture
def config(tmp_path: Path) -> ServerConfig:
    return ServerConfig(
        listen="127.0.0.1:8420",
        data=tmp_path,
        gateways=(
            Gateway(
                id="home-1",
                public_key=signing.public_hex(KEYS["home-1"]),
                people=("margaret",),
            ),
            Gateway(id="home-2", public_key=signing.public_hex(KEYS["home-2"]), people=("joan",)),
        ),
        people=(
            Person(id="margaret", name="Margaret Ellis", born=1947, matters="The allotment"),
            Person(id="joan", name="Joan Hart"),
        ),
        demo=Demo(users=True),
    )


def record_of(
    gateway: str, seq: int, kind: str, body: msgspec.Struct, lane: Lane = Lane.BULK
) -> Record:
    text = encode(body)
    return Record(
        schema=SCHEMA,
        id=getattr(body, "id", None) or body_id(kind, text),
        gateway=gateway,
        seq=seq,
        kind=kind,
        lane=lane,
        at=AT,
        body=msgspec.Raw(text),
    )


@pytest.fixture
def record() -> Callable[..., Record]:
    """Records of home-1, numbered."""
    numbers = count(1)
    return lambda kind, body, lane=Lane.BULK: record_of("home-1", next(numbers), kind, body, lane)


@pytest.fixture
def signed_post() -> Callable[[httpx.Client, str, bytes], int]:
    """Post a body as home-1 to a server that really runs; the status of its answer."""

    def post(http: httpx.Client, path: str, body: bytes) -> int:
        nonce = http.post("/api/v1/nonce").json()["nonce"]
        signature = signing.sign_request(KEYS["home-1"], "POST", path, nonce, body)
        headers = {
            signing.SENDER_HEADER: "home-1",
            signing.NONCE_HEADER: nonce,
            signing.SIGNATURE_HEADER: signature,
        }
        return http.post(path, content=body, headers=headers).status_code

    return post


class Home:
    """A gateway's side of the wire: signs each request over the nonce that it has."""

    def __init__(self, http: httpx.AsyncClient, gateway: str, key: Ed25519PrivateKey) -> None:
        self.http = http
        self.gateway = gateway
        self.key = key
        self.seq = 0

    async def nonce(self) -> str:
        return (await self.http.post("/api/v1/nonce")).json()["nonce"]

    async def request(
        self, method: str, path: str, body: bytes = b"", *, nonce: str | None = None
    ) -> httpx.Response:
        nonce = await self.nonce() if nonce is None else nonce
        headers = {
            signing.SENDER_HEADER: self.gateway,
            signing.NONCE_HEADER: nonce,
            signing.SIGNATURE_HEADER: signing.sign_request(self.key, method, path, nonce, body),
        }
        return await self.http.request(method, path, content=body, headers=headers)

    def record(self, kind: str, body: msgspec.Struct, lane: Lane = Lane.BULK) -> Record:
        self.seq += 1
        return record_of(self.gateway, self.seq, kind, body, lane)

    async def post(self, *records: Record) -> httpx.Response:
        return await self.request("POST", "/api/v1/records", encode(Batch(records=records)))


class Rig:
    """An application, the clients of a gateway and of a browser, and what they may look at."""

    def __init__(self, app: object, http: httpx.AsyncClient) -> None:
        self.app = app
        self.site = app.state.site
        self.http = http
        self.home = self.home_of("home-1", key_of="home-1")

    def home_of(self, gateway: str, key_of: str) -> Home:
        return Home(self.http, gateway, KEYS[key_of])

    async def sign_in(self, name: str, password: str = "demo") -> httpx.Response:
        return await self.http.post("/sign-in", data={"name": name, "password": password})


@asynccontextmanager
async def running(config: ServerConfig, conninfo: str) -> AsyncIterator[Rig]:
    app = create_app(config, conninfo)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(
            transport=transport,
            base_url="http://127.0.0.1:8420",
            headers={"Origin": "http://127.0.0.1:8420"},
        ) as http:
            yield Rig(app, http)


@pytest.fixture
async def rig(config: ServerConfig, conninfo: str, anyio_backend: str) -> AsyncIterator[Rig]:
    async with running(config, conninfo) as rig:
        yield rig


@pytest.fixture
def rig_of(conninfo: str) -> Callable[[ServerConfig], object]:
    """An application with settings of the test's own, as an async context."""
    return lambda config: running(config, conninfo)


class Make:
    """Readings, findings and requests of Margaret, as her home makes them."""

    at = AT

    def reading(self, value: float = 79.4, *, minutes: float = 0, **given: object) -> Reading:
        taken_at = given.pop("taken_at", AT + timedelta(minutes=minutes))
        metric = str(given.pop("metric", "body_weight"))
        fields = {
            "patient": "margaret",
            "device": "bathroom scale",
            "unit": "kg" if metric == "body_weight" else "1",
            "received_at": taken_at,
            **given,
        }
        ident = reading_id(fields["patient"], fields["device"], metric, taken_at, value)
        return Reading(**{"id": ident, **fields}, metric=metric, value=value, taken_at=taken_at)

    def request(
        self, ident: str, tier: Tier = Tier.T4, *, minutes: float = 0, **given: object
    ) -> AlertRequest:
        fields = {
            "finding": f"finding-of-{ident}",
            "rule": "weight.up",
            "version": "v1",
            "patient": "margaret",
            "family": "heart-failure",
            "text": "weight.up",
            "values": {"kg": "2.3"},
            "because": Evidence(limit=Number(name="limit", value=2.0, unit="kg")),
            **given,
        }
        return AlertRequest(id=ident, tier=tier, at=AT + timedelta(minutes=minutes), **fields)

    def finding(self, ident: str, *, minutes: float = 0, **given: object) -> Finding:
        fields = {
            "rule": "weight.up",
            "version": "v1",
            "patient": "margaret",
            "phase": Phase.ACTIVE,
            "tier": Tier.T1,
            "family": "heart-failure",
            "because": Evidence(),
            **given,
        }
        return Finding(id=ident, at=AT + timedelta(minutes=minutes), **fields)

    def prompt(self, ident: str, *, minutes: float = 0, **given: object) -> Prompt:
        at = AT + timedelta(minutes=minutes)
        fields = {
            "finding": "finding-1",
            "rule": "weight.up",
            "patient": "margaret",
            "tier": Tier.T1,
            "expires_at": at + timedelta(hours=4),
            "text": "weight.up",
            "ask": ("symptom.ankles_swollen", "symptom.breathless"),
            **given,
        }
        return Prompt(id=ident, at=at, **fields)

    def superseded(self, finding: str) -> Superseded:
        return Superseded(finding=finding, patient="margaret", at=AT, by="late-reading")

    def stated(self) -> Stated:
        return Stated(patient="margaret", said="away", at=AT, by="page:margaret")

    def snooze(self, id_: str) -> Snooze:
        return Snooze(
            id=id_,
            patient="margaret",
            family="weight",
            direction=Direction.UP,
            tier=Tier.T3,
            starts_at=AT,
            ends_at=AT + timedelta(hours=1),
            by="Sam Okoro",
            reason="Seen this morning",
        )


@pytest.fixture
def make() -> Make:
    return Make()
