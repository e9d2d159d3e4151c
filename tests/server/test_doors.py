"""Who comes in by which door, and that no route was left without one."""

from base64 import urlsafe_b64encode
from datetime import UTC, datetime

import pytest
from fastapi.routing import APIRoute
from starlette.routing import Mount

from plumbing.signing import NEXT_NONCE_HEADER
from server.app import SIGNED_PATHS, create_app
from server.doors import Asks
from server.nonces import LIFETIME, is_ours, mac

AT = datetime(2026, 3, 3, 7, 40, tzinfo=UTC)

PUBLIC = {
    ("POST", "/api/v1/nonce"),
    ("GET", "/healthz"),
    ("GET", "/sign-in"),
    ("POST", "/sign-in"),
    ("POST", "/sign-out"),
}
"""Routes that ask nobody who they are: each gives nothing away, or lets someone in or out."""


def routes_of(router) -> list:
    """Every route, those of included routers too, in whatever way this FastAPI keeps them."""
    found = []
    for route in router.routes:
        included = getattr(route, "original_router", None)
        found += [route] if included is None else routes_of(included)
    return found


def asks(dependant) -> bool:
    return isinstance(dependant.call, Asks) or any(map(asks, dependant.dependencies))


def test_every_route_asks_whether_it_is_allowed_or_is_public_by_name(config) -> None:
    app = create_app(config, "")
    routes = [route for route in routes_of(app) if not isinstance(route, Mount)]
    assert len(routes) > 10
    assert all(isinstance(route, APIRoute) for route in routes)
    silent = {
        (method, route.path)
        for route in routes
        for method in route.methods
        if not asks(route.dependant)
    }
    assert silent == PUBLIC
    assert [route.path for route in routes_of(app) if isinstance(route, Mount)] == ["/static"]


def test_only_signed_routes_are_excused_from_coming_from_our_own_pages(config) -> None:
    app = create_app(config, "")
    unsafe = {
        route.path
        for route in routes_of(app)
        if isinstance(route, APIRoute) and route.methods - {"GET", "HEAD"}
    }
    assert set(SIGNED_PATHS) == {path for path in unsafe if path.startswith("/api/")}


def test_no_address_takes_more_than_one_alert_at_once(config) -> None:
    posts = {
        route.path
        for route in routes_of(create_app(config, ""))
        if isinstance(route, APIRoute) and "POST" in route.methods
    }
    assert {path for path in posts if "alert" in path} == {
        "/alerts/{alert}/acknowledge",
        "/alerts/{alert}/resolve",
        "/alerts/{alert}/snooze",
    }
    assert not [path for path in posts - set(SIGNED_PATHS) if path.startswith("/api/")]


SECRET = b"s" * 32


def nonce_of(second: float) -> str:
    content = int(second).to_bytes(8, "big") + b"r" * 16
    return urlsafe_b64encode(content + mac(SECRET, content)).decode().rstrip("=")


@pytest.mark.parametrize(
    ("nonce", "ours"),
    [
        pytest.param(nonce_of(AT.timestamp()), True, id="fresh"),
        pytest.param(nonce_of((AT - LIFETIME).timestamp()), True, id="at-its-end"),
        pytest.param(nonce_of((AT - LIFETIME).timestamp() - 1), False, id="too-old"),
        pytest.param(nonce_of((AT + LIFETIME).timestamp() + 1), False, id="from-the-future"),
        pytest.param("", False, id="empty"),
        pytest.param("a" * 54, False, id="made-up"),
        pytest.param("é&=", False, id="junk"),
    ],
)
def test_a_nonce_is_ours_within_its_lifetime(nonce, ours) -> None:
    assert is_ours(SECRET, nonce, AT) is ours


def test_a_nonce_of_another_secret_is_not_ours() -> None:
    assert not is_ours(b"t" * 32, nonce_of(AT.timestamp()), AT)


signed = [pytest.mark.processes, pytest.mark.anyio]


async def refusal(response) -> tuple[int, str]:
    assert response.headers["content-type"] == "application/problem+json"
    return response.status_code, response.json()["code"]


class TestSignedRequests:
    pytestmark = signed

    async def test_a_nonce_is_used_once(self, rig) -> None:
        nonce = await rig.home.nonce()
        body = b'{"records":[]}'
        first = await rig.home.request("POST", "/api/v1/records", body, nonce=nonce)
        again = await rig.home.request("POST", "/api/v1/records", body, nonce=nonce)
        assert first.status_code == 200
        assert await refusal(again) == (401, "nonce")

    async def test_each_answer_brings_the_next_nonce(self, rig) -> None:
        response = await rig.home.post()
        for _ in range(3):
            nonce = response.headers[NEXT_NONCE_HEADER]
            response = await rig.home.request("GET", "/api/v1/notices?after=0", nonce=nonce)
            assert response.status_code == 200

    async def test_an_error_after_the_signature_brings_the_next_nonce_too(self, rig) -> None:
        response = await rig.home.request("POST", "/api/v1/records", b"no")
        assert response.status_code == 400
        assert response.headers[NEXT_NONCE_HEADER]

    async def test_an_unknown_nonce_is_refused(self, rig) -> None:
        response = await rig.home.request("POST", "/api/v1/records", b"", nonce="made-up")
        assert await refusal(response) == (401, "nonce")

    async def test_a_wrong_signature_is_refused_and_its_nonce_stays_good(self, rig) -> None:
        nonce = await rig.home.nonce()
        thief = rig.home_of("home-1", key_of="home-2")
        response = await thief.request("POST", "/api/v1/records", b"{}", nonce=nonce)
        assert await refusal(response) == (401, "signature")
        body = b'{"records":[]}'
        own = await rig.home.request("POST", "/api/v1/records", body, nonce=nonce)
        assert own.status_code == 200

    async def test_an_unknown_gateway_is_refused(self, rig) -> None:
        response = await rig.home_of("home-9", key_of="home-1").post()
        assert await refusal(response) == (401, "gateway")

    async def test_a_signature_holds_for_one_path_and_query_only(self, rig) -> None:
        nonce = await rig.home.nonce()
        first = await rig.home.request("GET", "/api/v1/notices?after=5", nonce=nonce)
        headers = dict(first.request.headers)
        nonce = await rig.home.nonce()
        moved = await rig.http.get("/api/v1/notices?after=0", headers={**headers})
        assert await refusal(moved) == (401, "signature")

    async def test_a_home_hears_only_its_own_notices(self, rig, make) -> None:
        await rig.home.post(rig.home.record("alert", make.request("request-1")))
        other = rig.home_of("home-2", key_of="home-2")
        own = (await rig.home.request("GET", "/api/v1/notices?after=0")).json()["notices"]
        theirs = (await other.request("GET", "/api/v1/notices?after=0")).json()["notices"]
        assert [(each["seq"], each["state"], each["by"]) for each in own] == [
            (1, "open", "Homebeat")
        ]
        assert theirs == []

    async def test_a_gateway_may_not_read_what_staff_read(self, rig) -> None:
        response = await rig.home.request("GET", "/api/v1/alerts")
        assert await refusal(response) == (401, "sign-in")

    async def test_a_crash_of_the_database_spends_every_nonce(self, rig, sql) -> None:
        before = await rig.home.nonce()
        sql.execute("TRUNCATE nonce_secret, spent_nonces")
        stale = await rig.home.request("POST", "/api/v1/records", b'{"records":[]}', nonce=before)
        assert await refusal(stale) == (401, "nonce")
        assert (await rig.home.post()).status_code == 200

    async def test_spent_nonces_are_forgotten_when_they_are_too_old(self, rig, sql) -> None:
        await rig.home.post()
        await rig.site.nonces.forget_old()
        assert sql.execute("SELECT count(*) FROM spent_nonces").fetchone() == (1,)
        sql.execute("UPDATE spent_nonces SET spent_at = spent_at - interval '1 hour'")
        await rig.site.nonces.forget_old()
        assert sql.execute("SELECT count(*) FROM spent_nonces").fetchone() == (0,)


class TestSignedInPeople:
    pytestmark = signed

    async def test_nobody_reads_alerts_without_signing_in(self, rig) -> None:
        assert await refusal(await rig.http.get("/api/v1/alerts")) == (401, "sign-in")

    async def test_a_nurse_reads_alerts_and_people(self, rig) -> None:
        assert (await rig.sign_in("nurse")).status_code == 303
        assert (await rig.http.get("/api/v1/alerts")).status_code == 200
        assert (await rig.http.get("/api/v1/people/margaret/latest")).json() == []

    async def test_a_person_reads_only_their_own(self, rig) -> None:
        await rig.sign_in("margaret")
        assert (await rig.http.get("/api/v1/people/margaret/latest")).status_code == 200
        assert await refusal(await rig.http.get("/api/v1/people/joan/latest")) == (
            403,
            "permission",
        )
        assert await refusal(await rig.http.get("/api/v1/alerts")) == (403, "permission")

    @pytest.mark.parametrize(
        ("name", "password"),
        [
            pytest.param("nurse", "wrong", id="wrong-password"),
            pytest.param("nobody", "demo", id="unknown-user"),
            pytest.param("", "", id="empty"),
            pytest.param("nurse\0", "demo", id="nul"),
            pytest.param("nurse", "d" * 100_000, id="endless"),
        ],
    )
    async def test_a_wrong_name_or_password_lets_nobody_in(self, rig, name, password) -> None:
        assert (await rig.sign_in(name, password)).status_code == 422
        assert (await rig.http.get("/api/v1/alerts")).status_code == 401

    async def test_signing_out_ends_the_session_itself(self, rig, sql) -> None:
        await rig.sign_in("nurse")
        kept = dict(rig.http.cookies)
        await rig.http.post("/sign-out")
        rig.http.cookies.update(kept)
        assert (await rig.http.get("/api/v1/alerts")).status_code == 401
        assert sql.execute("SELECT count(*) FROM sessions").fetchone() == (0,)

    @pytest.mark.parametrize(
        "change",
        [
            pytest.param("seen_at = seen_at - interval '31 minutes'", id="idle"),
            pytest.param("ends_at = ends_at - interval '12 hours'", id="longest"),
        ],
    )
    async def test_a_session_ends(self, rig, sql, change) -> None:
        await rig.sign_in("nurse")
        assert (await rig.http.get("/api/v1/alerts")).status_code == 200
        sql.execute(f"UPDATE sessions SET {change}")
        assert (await rig.http.get("/api/v1/alerts")).status_code == 401

    async def test_activity_keeps_a_session_alive(self, rig, sql) -> None:
        await rig.sign_in("nurse")
        sql.execute("UPDATE sessions SET seen_at = seen_at - interval '29 minutes'")
        await rig.http.get("/api/v1/alerts")
        sql.execute("UPDATE sessions SET seen_at = seen_at - interval '29 minutes'")
        assert (await rig.http.get("/api/v1/alerts")).status_code == 200

    async def test_the_database_holds_no_token_that_would_let_one_in(self, rig, sql) -> None:
        await rig.sign_in("nurse")
        token = rig.http.cookies["homebeat"]
        (kept,) = sql.execute("SELECT hash FROM sessions").fetchone()
        assert token.encode() not in kept
        assert len(kept) == 32

    async def test_two_homes_may_not_sign_in_with_what_they_sign(self, rig, sql) -> None:
        assert sql.execute("SELECT id, role, demo FROM users ORDER BY id").fetchall() == [
            ("joan", "patient", True),
            ("margaret", "patient", True),
            ("nurse", "clinician", True),
        ]


class TestUnsafeRequests:
    pytestmark = signed

    @pytest.mark.parametrize(
        ("headers", "status"),
        [
            pytest.param({"Origin": "http://127.0.0.1:8420"}, 303, id="own-origin"),
            pytest.param({"Sec-Fetch-Site": "same-origin"}, 303, id="own-page"),
            pytest.param({"Origin": "http://evil.example"}, 403, id="other-origin"),
            pytest.param({"Origin": "https://127.0.0.1:8420"}, 403, id="other-scheme"),
            pytest.param({"Origin": "null"}, 403, id="hidden-origin"),
            pytest.param({"Origin": ""}, 403, id="no-origin"),
            pytest.param({"Sec-Fetch-Site": "cross-site"}, 403, id="other-site"),
            pytest.param({"Sec-Fetch-Site": "same-site"}, 403, id="sister-site"),
            pytest.param({"Sec-Fetch-Site": "none"}, 403, id="typed"),
        ],
    )
    async def test_they_must_come_from_our_own_pages(self, rig, headers, status) -> None:
        response = await rig.http.post(
            "/sign-in", data={"name": "nurse", "password": "demo"}, headers=headers
        )
        assert response.status_code == status
