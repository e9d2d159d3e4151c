"""The pages as a browser gets them: who may see what, in which order, with which words."""

import re
from typing import Any

import pytest

from rules.model import Evidence, Tier
from rules.records import DeviceState

pytestmark = pytest.mark.anyio

Rig = Any
Make = Any
"""Fixtures of conftest.py."""


async def send(rig: Rig, *bodies: tuple[str, Any]) -> None:
    answer = await rig.home.post(*(rig.home.record(kind, body) for kind, body in bodies))
    assert answer.json()["rejected"] == []


async def open_alert(rig: Rig, make: Make, ident: str, **given: Any) -> None:
    given = {"text": "general.beyond-limit", "values": VALUES, "rule": ident, **given}
    await send(rig, ("alert", make.request(ident, **given)))


VALUES = {"title": "Weight", "value": "72.4 kg", "limit": "72.0 kg", "change": "0.4 kg less"}


@pytest.fixture
async def nurse(rig: Rig) -> Rig:
    await rig.sign_in("nurse")
    return rig


async def test_who_is_not_signed_in_is_asked_to_and_comes_back(rig: Rig) -> None:
    asked = await rig.http.get("/people/joan")
    assert (asked.status_code, asked.headers["Location"]) == (303, "/sign-in?onward=/people/joan")
    page = await rig.http.get(asked.headers["Location"])
    assert '<input type="hidden" name="onward" value="/people/joan">' in page.text
    answer = await rig.http.post(
        "/sign-in", data={"name": "nurse", "password": "demo", "onward": "/people/joan"}
    )
    assert (answer.status_code, answer.headers["Location"]) == (303, "/people/joan")


@pytest.mark.parametrize(
    "onward",
    [
        "https://elsewhere.example/",
        "//elsewhere.example/",
        "/\\elsewhere.example/",
        "javascript:alert(1)",
        "",
        "people/joan",
    ],
)
async def test_signing_in_never_leads_to_another_host(rig: Rig, onward: str) -> None:
    answer = await rig.http.post(
        "/sign-in", data={"name": "nurse", "password": "demo", "onward": onward}
    )
    assert answer.headers["Location"] == "/"


@pytest.mark.parametrize(
    ("name", "password"),
    [
        pytest.param("nurse", "wrong", id="wrong-password"),
        pytest.param("nobody", "demo", id="unknown-user"),
        pytest.param("", "", id="empty"),
        pytest.param("<b>", "demo", id="markup"),
    ],
)
async def test_a_wrong_sign_in_says_so_without_saying_which_part(
    rig: Rig, name: str, password: str
) -> None:
    answer = await rig.sign_in(name, password)
    assert answer.status_code == 422
    assert "The user name or the password is wrong." in answer.text
    assert '<a href="#name">' in answer.text
    assert "<b>" not in answer.text
    assert "set-cookie" not in answer.headers


async def test_signing_out_ends_it(nurse: Rig) -> None:
    assert (await nurse.http.get("/")).status_code == 200
    answer = await nurse.http.post("/sign-out")
    assert answer.headers["Location"] == "/sign-in"
    assert (await nurse.http.get("/")).status_code == 303


async def test_a_part_asked_for_by_an_open_page_sends_it_to_sign_in(rig: Rig) -> None:
    answer = await rig.http.get("/worklist", headers={"HX-Request": "true"})
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (401, "/sign-in")


@pytest.mark.parametrize(
    "path", ["/", "/worklist", "/alerts/a1", "/people/margaret", "/people/nobody", "/nowhere"]
)
async def test_every_page_has_the_headers_that_keep_it_safe(
    nurse: Rig, make: Make, path: str
) -> None:
    await open_alert(nurse, make, "a1")
    answer = await nurse.http.get(path)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert answer.headers["Cache-Control"] == "no-store"
    nonce = re.search(r"'nonce-([^']+)'", policy)
    assert nonce
    inline = re.findall(r"<script(?![^>]*\bsrc=)[^>]*>", answer.text)
    assert all(f'nonce="{nonce[1]}"' in script for script in inline)


async def test_a_nonce_is_used_once(rig: Rig) -> None:
    first, second = [
        (await rig.http.get("/sign-in")).headers["Content-Security-Policy"] for _ in range(2)
    ]
    assert first != second


@pytest.mark.parametrize("path", ["homebeat.css", "live.js", "vendor/htmx.org/htmx.min.js"])
async def test_static_files_are_served_safe_and_never_stale(rig: Rig, path: str) -> None:
    answer = await rig.http.get(f"/static/{path}")
    assert answer.status_code == 200
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-cache"
    again = await rig.http.get(f"/static/{path}", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/worklist"),
        ("GET", "/people/joan"),
        ("GET", "/alerts/a1"),
        ("POST", "/alerts/a1/acknowledge"),
        ("POST", "/alerts/a1/resolve"),
    ],
)
async def test_a_person_sees_and_changes_nothing_but_their_own_page(
    rig: Rig, make: Make, method: str, path: str
) -> None:
    await open_alert(rig, make, "a1")
    await rig.sign_in("margaret")
    refused = await rig.http.request(method, path)
    assert refused.status_code == 403
    assert "This page is not for you" in refused.text
    first = await rig.http.get("/")
    assert first.headers["Location"] == "/people/margaret"
    assert (await rig.http.get("/people/margaret")).status_code == 200


async def test_the_list_is_by_urgency_then_unseen_then_longest_waiting(
    nurse: Rig, make: Make
) -> None:
    for ident, tier, minutes in [
        ("b-t3-new", Tier.T3, 9),
        ("c-t3-old", Tier.T3, 1),
        ("d-t4-taken", Tier.T4, 2),
        ("e-t4-new", Tier.T4, 8),
        ("f-t4-old", Tier.T4, 3),
        ("a-t5", Tier.T5, 5),
    ]:
        await open_alert(nurse, make, ident, tier=tier, minutes=minutes)
    await nurse.http.post("/alerts/d-t4-taken/acknowledge")
    page = (await nurse.http.get("/")).text
    assert re.findall(r'id="open-([^"]+)"', page) == [
        "a-t5",
        "f-t4-old",
        "e-t4-new",
        "d-t4-taken",
        "c-t3-old",
        "b-t3-new",
    ]
    assert "6 open alerts, 5 not seen yet." in page
    assert "Sam Okoro is on it" in page


async def test_a_silent_home_stands_in_a_list_of_its_own(nurse: Rig, make: Make, sql: Any) -> None:
    await open_alert(nurse, make, "a1")
    sql.execute("UPDATE alerts SET patient = NULL, concern = 'kit', rule = 'server.gateway_silent'")
    page = (await nurse.http.get("/")).text
    assert "No alerts are open." in page
    health, kit = page.split("Kit and connections")
    assert "Home of Margaret Ellis (home-1)" in kit
    assert "data-alert" not in health
    assert (await nurse.http.get("/alerts/a1")).status_code == 200


async def test_taking_it_twice_is_refused_with_the_reason(nurse: Rig, make: Make) -> None:
    await open_alert(nurse, make, "a1")
    first = await nurse.http.post("/alerts/a1/acknowledge")
    assert (first.status_code, first.headers["Location"]) == (303, "/alerts/a1")
    second = await nurse.http.post("/alerts/a1/acknowledge")
    assert second.status_code == 409
    assert "This alert is acknowledged already." in second.text


@pytest.mark.parametrize(
    ("note", "said"),
    [
        pytest.param("", "Write what was done before you resolve this alert.", id="none"),
        pytest.param(" \n ", "Write what was done before you resolve this alert.", id="blank"),
        pytest.param("x" * 2001, "Shorten the note to 2,000 characters or fewer.", id="too-long"),
    ],
)
async def test_it_is_resolved_only_with_a_note(
    nurse: Rig, make: Make, note: str, said: str
) -> None:
    await open_alert(nurse, make, "a1")
    refused = await nurse.http.post("/alerts/a1/resolve", data={"note": note})
    assert refused.status_code == 422
    assert said in refused.text
    assert '<a href="#note">' in refused.text
    assert note.strip() in refused.text
    assert "Resolve" in (await nurse.http.get("/alerts/a1")).text


async def test_a_note_is_kept_as_written_and_shown_as_text(nurse: Rig, make: Make) -> None:
    await open_alert(nurse, make, "a1")
    note = '  <script>alert(1)</script> & "called" her  '
    answer = await nurse.http.post("/alerts/a1/resolve", data={"note": note})
    assert answer.headers["Location"] == "/?done=a1"
    assert "Resolved: Margaret Ellis." in (await nurse.http.get("/?done=a1")).text
    page = (await nurse.http.get("/alerts/a1")).text
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; &#34;called&#34; her" in page
    assert "<script>alert" not in page
    assert 'id="resolve"' not in page
    assert 'id="acknowledge"' not in page


@pytest.mark.parametrize("done", ["a1", "nothing", "<b>"])
async def test_nothing_is_said_to_be_resolved_that_is_not(
    nurse: Rig, make: Make, done: str
) -> None:
    await open_alert(nurse, make, "a1")
    page = await nurse.http.get("/", params={"done": done})
    assert page.status_code == 200
    assert "Resolved:" not in page.text


async def test_an_alert_that_no_longer_stands_says_why(nurse: Rig, make: Make) -> None:
    await open_alert(nurse, make, "a1", late=True)
    await send(nurse, ("superseded", make.superseded("finding-of-a1")))
    for path in ("/", "/alerts/a1"):
        page = (await nurse.http.get(path)).text
        assert "A reading that arrived late changed the picture" in page
        assert "Arrived late" in page


async def test_an_alert_in_words_that_nobody_gave_us_still_says_what_it_is(
    nurse: Rig, make: Make
) -> None:
    values = {"title": "My own rule", "numbers": "value 12 kg"}
    await open_alert(nurse, make, "a1", text="of-a-plan", values=values, because=Evidence())
    assert "My own rule. value 12 kg" in (await nurse.http.get("/")).text
    page = (await nurse.http.get("/alerts/a1")).text
    assert "My own rule" in page


@pytest.mark.parametrize("path", ["/alerts/nothing", "/people/nobody", "/nowhere"])
async def test_what_is_not_there_is_said_on_a_page(nurse: Rig, path: str) -> None:
    answer = await nurse.http.get(path)
    assert answer.status_code == 404
    assert answer.headers["Content-Type"].startswith("text/html")
    assert '<a href="/">Go to your first page</a>' in answer.text


async def test_the_person_is_told_that_an_alert_was_sent_seen_and_dealt_with(
    nurse: Rig, make: Make, rig_of: Any
) -> None:
    await open_alert(nurse, make, "a1")

    async def own_page() -> str:
        await nurse.sign_in("margaret")
        page = (await nurse.http.get("/people/margaret")).text
        await nurse.sign_in("nurse")
        return page

    assert "Sent to your care team. Nobody has seen it yet." in await own_page()
    await nurse.http.post("/alerts/a1/acknowledge")
    assert "Seen by Sam." in await own_page()
    await nurse.http.post("/alerts/a1/resolve", data={"note": "A private word"})
    page = await own_page()
    assert "Dealt with." in page
    assert "A private word" not in page


async def test_what_a_device_says_of_itself_is_told_of_each_device_by_its_name(
    nurse: Rig, make: Make
) -> None:
    hall = {"stage": "proved", "name": "Eye in the <hall>", "kind": "", "people": ["margaret"]}
    enrolled = [
        DeviceState(device="0xA1", name="enrolment", value=value, at=make.at)
        for value in ({**hall, "name": "Eye"}, hall)
    ]
    await send(
        nurse,
        *(("device", one) for one in enrolled),
        ("reading", make.reading(80.0, metric="battery", unit="%", device="0xA1")),
        ("reading", make.reading(15.0, metric="battery", unit="%", device="scale", minutes=1)),
        ("reading", make.reading(1.0, metric="device_online", unit="1", device="scale")),
    )
    shown = (await nurse.http.get("/people/margaret")).text
    cards = re.findall(r"<dt>([^<]+)</dt><dd><span [^>]+>([^<]+)<", shown)
    assert cards == [
        ("Battery: Eye in the &lt;hall&gt;", "80%"),
        ("Battery: scale", "15%"),
        ("Device online: scale", "connected"),
    ]
