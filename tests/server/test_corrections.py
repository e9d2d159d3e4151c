"""Staff mark readings as entered in error: struck out, on record with who and why, told at home."""

import asyncio
import re
from datetime import timedelta
from typing import Any

import msgspec
import psycopg
import pytest

from rules.records import Correction, Notices, StaffCorrection
from server.corrections import LONGEST_NOTE

pytestmark = [pytest.mark.processes, pytest.mark.anyio]

Rig = Any
Make = Any
Sql = Any
"""Fixtures of conftest.py."""

WHY = {"reason": "slip", "note": "He stood on it with the <dog>."}


async def send(rig: Rig, *bodies: tuple[str, Any]) -> None:
    answer = await rig.home.post(*(rig.home.record(kind, body) for kind, body in bodies))
    assert answer.json()["rejected"] == []


def address(*readings: Any, person: str = "margaret") -> str:
    return f"/people/{person}/correct?" + "&".join(f"reading={one.id}" for one in readings)


async def told(rig: Rig, after: int = 0) -> tuple[StaffCorrection, ...]:
    path = f"/api/v1/notices?after=0&corrections_after={after}"
    answer = await rig.home.request("GET", path)
    return msgspec.json.decode(answer.content, type=Notices).corrections


@pytest.fixture
async def nurse(rig: Rig) -> Rig:
    await rig.sign_in("nurse")
    return rig


async def test_a_reading_marked_by_staff_no_longer_counts_and_stays(
    nurse: Rig, sql: Sql, make: Make
) -> None:
    right, wrong = make.reading(80.0), make.reading(95.0, minutes=10)
    await send(nurse, ("reading", right), ("reading", wrong))
    answer = await nurse.http.post(address(wrong), data=WHY)
    assert (answer.status_code, answer.headers["Location"]) == (
        303,
        f"/people/margaret?corrected={wrong.id}",
    )
    kept = dict(sql.execute("SELECT id, quality FROM readings").fetchall())
    assert kept == {right.id: "", wrong.id: "entered-in-error"}
    assert sql.execute("SELECT id FROM latest").fetchall() == [(right.id,)]


async def test_who_said_so_when_and_why_is_kept_and_can_not_be_changed(
    nurse: Rig, sql: Sql, make: Make
) -> None:
    wrong = make.reading(95.0)
    await send(nurse, ("reading", wrong))
    await nurse.http.post(address(wrong), data=WHY)
    (row,) = sql.execute(
        "SELECT actor, by, reason, note, made_at > now() - interval '1 minute', at FROM corrections"
    ).fetchall()
    assert row[:5] == ("nurse", "Sam Okoro", "slip", WHY["note"], True)
    assert row[5] is not None
    for change in ("UPDATE corrections SET reason = 'x'", "DELETE FROM corrections"):
        with pytest.raises(psycopg.errors.RaiseException, match="never changed"):
            sql.execute(change)


async def test_the_home_is_told_who_by_first_name_and_why_but_not_the_note(
    nurse: Rig, make: Make
) -> None:
    wrong = make.reading(95.0)
    await send(nurse, ("reading", wrong))
    await nurse.http.post(address(wrong), data=WHY)
    (one,) = await told(nurse)
    assert (one.reading, one.patient, one.metric, one.taken_at) == (
        wrong.id,
        "margaret",
        "body_weight",
        wrong.taken_at,
    )
    assert (one.by, one.reason, one.seq) == ("Sam", "slip", 1)
    answer = await nurse.home.request("GET", "/api/v1/notices?after=0&corrections_after=0")
    assert "dog" not in answer.text


async def test_a_home_is_told_from_where_it_stopped(nurse: Rig, make: Make) -> None:
    readings = [make.reading(90.0 + n, minutes=n) for n in range(3)]
    await send(nurse, *(("reading", one) for one in readings))
    for one in readings:
        await nurse.http.post(address(one), data=WHY)
    assert [one.seq for one in await told(nurse)] == [1, 2, 3]
    assert [one.reading for one in await told(nurse, after=2)] == [readings[2].id]
    assert await told(nurse, after=3) == ()


async def test_a_home_hears_only_of_its_own_readings(nurse: Rig, make: Make) -> None:
    wrong = make.reading(95.0)
    await send(nurse, ("reading", wrong))
    await nurse.http.post(address(wrong), data=WHY)
    other = nurse.home_of("home-2", key_of="home-2")
    path = "/api/v1/notices?after=0&corrections_after=0"
    assert (await other.request("GET", path)).json()["corrections"] == []


async def test_an_older_home_that_does_not_ask_is_sent_none(nurse: Rig, make: Make) -> None:
    wrong = make.reading(95.0)
    await send(nurse, ("reading", wrong))
    await nurse.http.post(address(wrong), data=WHY)
    answer = await nurse.home.request("GET", "/api/v1/notices?after=0")
    assert answer.json()["corrections"] == []


async def test_marked_twice_counts_once_and_the_first_word_stands(
    nurse: Rig, sql: Sql, make: Make
) -> None:
    wrong = make.reading(95.0)
    await send(nurse, ("reading", wrong))
    reasons = ["slip", "another-person", "not-taken", "slip"]
    answers = await asyncio.gather(
        *(nurse.http.post(address(wrong), data={"reason": reason}) for reason in reasons)
    )
    assert {answer.status_code for answer in answers} == {303}
    assert sql.execute("SELECT quality FROM readings").fetchall() == [("entered-in-error",)]
    assert len(await told(nurse)) == 1


async def test_what_the_home_said_before_stands(nurse: Rig, sql: Sql, make: Make) -> None:
    wrong = make.reading(95.0)
    correction = Correction(
        reading=wrong.id,
        patient="margaret",
        metric="body_weight",
        taken_at=wrong.taken_at,
        at=make.at,
        by="home page",
        reason="another-person",
    )
    await send(nurse, ("reading", wrong), ("correction", correction))
    page = await nurse.http.get(address(wrong))
    assert "said the home" in page.text
    assert "It was someone else’s" in page.text
    assert '<form action="/people' not in page.text
    await nurse.http.post(address(wrong), data=WHY)
    assert sql.execute("SELECT by, reason FROM corrections").fetchall() == [
        ("home page", "another-person")
    ]
    assert await told(nurse) == ()


async def test_the_echo_of_the_home_changes_nothing(nurse: Rig, sql: Sql, make: Make) -> None:
    wrong = make.reading(95.0)
    await send(nurse, ("reading", wrong))
    await nurse.http.post(address(wrong), data=WHY)
    (one,) = await told(nurse)
    echo = Correction(
        reading=one.reading,
        patient=one.patient,
        metric=one.metric,
        taken_at=one.taken_at,
        at=make.at + timedelta(minutes=1),
        by=one.by,
        reason=one.reason,
    )
    await send(nurse, ("correction", echo))
    assert sql.execute("SELECT actor, by FROM corrections").fetchall() == [("nurse", "Sam Okoro")]
    assert sql.execute("SELECT quality FROM readings").fetchall() == [("entered-in-error",)]


async def test_the_two_numbers_of_a_blood_pressure_are_marked_together(
    nurse: Rig, sql: Sql, make: Make
) -> None:
    upper = make.reading(186, metric="systolic_pressure", unit="mm[Hg]", device="cuff")
    lower = make.reading(104, metric="diastolic_pressure", unit="mm[Hg]", device="cuff")
    await send(nurse, ("reading", upper), ("reading", lower))
    page = await nurse.http.get(address(upper, lower))
    assert "Are these readings wrong?" in page.text
    assert "186 mmHg" in page.text
    await nurse.http.post(address(upper, lower), data=WHY)
    assert sql.execute("SELECT DISTINCT quality FROM readings").fetchall() == [
        ("entered-in-error",)
    ]
    assert {one.reading for one in await told(nurse)} == {upper.id, lower.id}


async def test_the_page_of_a_marked_reading_says_who_and_why(nurse: Rig, make: Make) -> None:
    wrong = make.reading(95.0)
    await send(nurse, ("reading", wrong))
    await nurse.http.post(address(wrong), data=WHY)
    page = await nurse.http.get(address(wrong))
    words = " ".join(re.sub(r"<[^>]+>", " ", page.text).split())
    assert "Entered in error , said Sam Okoro" in words
    assert "Something slipped or moved" in words
    assert "He stood on it with the &lt;dog&gt;." in words
    assert "Why?" not in words


@pytest.mark.parametrize(
    ("form", "error"),
    [
        pytest.param({}, "Choose why this reading does not count.", id="nothing-chosen"),
        pytest.param({"reason": "<b>"}, "Choose why this reading does not count.", id="made-up"),
        pytest.param(
            {"reason": "slip", "note": "d" * (LONGEST_NOTE + 1)}, "Shorten the note", id="endless"
        ),
    ],
)
async def test_without_a_reason_nothing_is_marked(
    nurse: Rig, sql: Sql, make: Make, form: dict[str, str], error: str
) -> None:
    wrong = make.reading(95.0)
    await send(nurse, ("reading", wrong))
    answer = await nurse.http.post(address(wrong), data=form)
    assert answer.status_code == 422
    assert error in answer.text
    assert "<b>" not in answer.text
    assert sql.execute("SELECT quality FROM readings").fetchall() == [("",)]
    assert await told(nurse) == ()


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    ("person", "ident", "status"),
    [
        pytest.param("joan", None, 404, id="a-reading-of-another-person"),
        pytest.param("nobody", None, 404, id="nobody"),
        pytest.param("margaret", "no-such-reading", 404, id="no-such-reading"),
        pytest.param("margaret", "a&reading=".join("bcdefghijklm"), 400, id="too-many"),
    ],
)
async def test_only_readings_of_that_person_can_be_marked(
    nurse: Rig, sql: Sql, make: Make, method: str, person: str, ident: str | None, status: int
) -> None:
    wrong = make.reading(95.0)
    await send(nurse, ("reading", wrong))
    path = f"/people/{person}/correct?reading={ident or wrong.id}"
    answer = await nurse.http.request(method, path, data=WHY)
    assert answer.status_code == status
    assert sql.execute("SELECT quality FROM readings").fetchall() == [("",)]


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_person_marks_nothing_at_the_server(
    rig: Rig, sql: Sql, make: Make, method: str
) -> None:
    wrong = make.reading(95.0)
    await send(rig, ("reading", wrong))
    await rig.sign_in("margaret")
    answer = await rig.http.request(method, address(wrong), data=WHY)
    assert answer.status_code == 403
    assert sql.execute("SELECT quality FROM readings").fetchall() == [("",)]
    assert "/correct?" not in (await rig.http.get("/people/margaret")).text


async def test_each_row_of_numbers_leads_staff_to_its_page(nurse: Rig, make: Make) -> None:
    now = nurse.site.config.home_time.now()
    upper = make.reading(
        186, metric="systolic_pressure", unit="mm[Hg]", device="cuff", taken_at=now
    )
    lower = make.reading(
        104, metric="diastolic_pressure", unit="mm[Hg]", device="cuff", taken_at=now
    )
    await send(nurse, ("reading", upper), ("reading", lower))
    page = (await nurse.http.get("/people/margaret")).text
    (link,) = re.findall(r'href="(/people/margaret/correct[^"]+)">([^<]+)', page)
    assert link == (
        address(upper, lower).replace("&", "&amp;"),
        "Wrong?",
    )
    await nurse.http.post(address(upper, lower), data=WHY)
    page = (await nurse.http.get(f"/people/margaret?corrected={upper.id}")).text
    assert "Marked as entered in error. The home is told when it next asks." in page
    assert ">Who said so<" in page
    assert "Marked as" not in (await nurse.http.get("/people/margaret?corrected=made-up")).text
