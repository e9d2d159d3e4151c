"""Staff say where a person is: kept as said, told at home, shown with who, when and whether."""

import re
from datetime import timedelta
from typing import Any

import msgspec
import psycopg
import pytest

from devices.model import Reading
from rules.records import Notices, StaffState, Stated
from rules.whereabouts import Word
from server.corrections import LONGEST_NOTE
from server.web.where import WORDS

pytestmark = [pytest.mark.processes, pytest.mark.anyio]

Rig = Any
Make = Any
Sql = Any
"""Fixtures of conftest.py."""

WHERE = "/people/margaret/where"


@pytest.fixture
async def nurse(rig: Rig) -> Rig:
    await rig.sign_in("nurse")
    return rig


def day(rig: Rig, ahead: int) -> str:
    return (rig.site.config.home_time.now() + timedelta(days=ahead)).date().isoformat()


async def say(rig: Rig, said: str, **more: str) -> None:
    answer = await rig.http.post(WHERE, data={"said": said, **more})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/people/margaret#where")


async def told(rig: Rig, after: int = 0) -> tuple[StaffState, ...]:
    answer = await rig.home.request("GET", f"/api/v1/notices?after=0&states_after={after}")
    return msgspec.json.decode(answer.content, type=Notices).states


async def echo(rig: Rig, one: StaffState) -> None:
    """The home says that it holds there, after much else."""
    rig.home.seq += 100
    stated = Stated(
        patient=one.patient,
        said=one.said,
        until=one.until,
        at=rig.site.config.home_time.now(),
        by=f"staff:{one.by}",
        told=one.seq,
    )
    answer = await rig.home.post(rig.home.record("state", stated))
    assert answer.json()["rejected"] == []


def words(text: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


async def where(rig: Rig) -> str:
    page = words((await rig.http.get("/people/margaret")).text)
    return page[page.index("Where is Margaret?") : page.index("What matters")]


async def test_nobody_has_said_anything_at_first(nurse: Rig) -> None:
    assert "Nobody has said that Margaret is away." in await where(nurse)


async def test_what_staff_say_is_shown_with_who_and_that_the_home_does_not_know_it_yet(
    nurse: Rig,
) -> None:
    await say(nurse, "in-hospital", note="Ward 7, <chest>.")
    shown = await where(nurse)
    assert "In hospital. Said by Sam Okoro, today" in shown
    assert "The home has not been told yet." in shown
    assert "Ward 7, &lt;chest&gt;." in shown


async def test_once_the_home_says_so_the_page_says_that_it_knows(nurse: Rig) -> None:
    await say(nurse, "in-hospital", note="Ward 7.")
    (one,) = await told(nurse)
    await echo(nurse, one)
    shown = await where(nurse)
    assert "In hospital. Said by Sam Okoro," in shown
    assert "The home has been told." in shown
    assert "Ward 7." in shown
    assert "not been told" not in shown


async def test_the_home_is_told_by_first_name_until_when_but_not_the_note(nurse: Rig) -> None:
    await say(nurse, "away", day=day(nurse, 2), note="With her sister.")
    (one,) = await told(nurse)
    assert (one.seq, one.patient, one.said, one.by) == (1, "margaret", "away", "Sam")
    assert one.until is not None
    assert one.until > one.at + timedelta(days=1)
    answer = await nurse.home.request("GET", "/api/v1/notices?after=0&states_after=0")
    assert "sister" not in answer.text


async def test_a_home_is_told_from_where_it_stopped_and_only_of_its_own(nurse: Rig) -> None:
    for said in ("in-hospital", "home", "died"):
        await say(nurse, said)
    assert [one.said for one in await told(nurse)] == ["in-hospital", "home", "died"]
    assert [one.seq for one in await told(nurse, after=2)] == [3]
    other = nurse.home_of("home-2", key_of="home-2")
    answer = await other.request("GET", "/api/v1/notices?after=0&states_after=0")
    assert answer.json()["states"] == []


async def test_an_older_home_that_does_not_ask_is_sent_none(nurse: Rig) -> None:
    await say(nurse, "in-hospital")
    answer = await nurse.home.request("GET", "/api/v1/notices?after=0&corrections_after=0")
    assert answer.json()["states"] == []


async def test_what_was_said_once_is_never_changed(nurse: Rig, sql: Sql) -> None:
    await say(nurse, "in-hospital")
    await say(nurse, "home")
    rows = sql.execute(
        "SELECT said, actor, by, made_at > now() - interval '1 minute' FROM staff_states "
        "ORDER BY seq"
    ).fetchall()
    assert rows == [
        ("in-hospital", "nurse", "Sam Okoro", True),
        ("home", "nurse", "Sam Okoro", True),
    ]
    for change in ("UPDATE staff_states SET said = 'home'", "DELETE FROM staff_states"):
        with pytest.raises(psycopg.errors.RaiseException, match="never changed"):
            sql.execute(change)


async def test_the_newer_word_of_the_home_counts(nurse: Rig) -> None:
    await say(nurse, "in-hospital")
    (one,) = await told(nurse)
    await echo(nurse, one)
    now = nurse.site.config.home_time.now()
    back = Stated(patient="margaret", said="home", at=now, by="page:margaret")
    await nurse.home.post(nurse.home.record("state", back))
    assert "At home. Said by Margaret, at home, today" in await where(nurse)


async def test_a_person_whose_end_has_come_was_expected_and_is_not_said_to_be_home(
    nurse: Rig,
) -> None:
    ended = Stated(patient="margaret", said="home", at=nurse.site.config.home_time.now(), by="time")
    await nurse.home.post(nurse.home.record("state", ended))
    shown = await where(nurse)
    assert "Margaret was expected back today" in shown
    assert "At home" not in shown


async def test_movement_at_home_while_away_is_shown_and_is_no_alert(
    nurse: Rig, sql: Sql, make: Make
) -> None:
    now = nurse.site.config.home_time.now()
    before = make.reading(1, metric="movement", device="hall", taken_at=now - timedelta(hours=2))
    await nurse.home.post(nurse.home.record("reading", before))
    away = Stated(
        patient="margaret",
        said="away",
        until=now + timedelta(days=1),
        at=now - timedelta(hours=1),
        by="page:margaret",
    )
    await nurse.home.post(nurse.home.record("state", away))
    assert "Movement was seen" not in await where(nurse)
    after = make.reading(1, metric="movement", device="hall", taken_at=now - timedelta(minutes=5))
    await nurse.home.post(nurse.home.record("reading", after))
    shown = await where(nurse)
    assert "Away until tomorrow" in shown
    assert "Movement was seen at home today" in shown
    assert sql.execute("SELECT count(*) FROM alerts").fetchone() == (0,)


async def test_after_a_death_the_page_says_that_nothing_speaks_any_more(nurse: Rig) -> None:
    await say(nurse, "died")
    shown = await where(nurse)
    assert "Nothing at home asks Margaret or says anything any more" in shown
    await say(nurse, "home")
    assert "Nothing at home asks" not in await where(nurse)


async def test_a_safeguarding_concern_is_for_staff_alone(nurse: Rig) -> None:
    await say(nurse, "safeguarding", note="A bruise.")
    assert "Safeguarding concern , said by Sam Okoro" in await where(nurse)
    (one,) = await told(nurse)
    await echo(nurse, one)
    await nurse.sign_in("margaret")
    own = (await nurse.http.get("/people/margaret")).text
    assert "afeguarding" not in own
    assert "bruise" not in own
    await nurse.sign_in("nurse")
    await say(nurse, "no-safeguarding")
    assert "Safeguarding concern ," not in await where(nurse)
    history = words((await nurse.http.get(WHERE)).text)
    assert "The safeguarding concern is over , said by Sam Okoro" in history


async def test_the_states_are_no_sign_of_life_and_no_figures(nurse: Rig) -> None:
    now = nurse.site.config.home_time.now()
    reading = Reading(
        id="a" * 32,
        patient="margaret",
        device="staff:Sam",
        metric="person.safeguarding",
        value=1.0,
        unit="1",
        taken_at=now,
        received_at=now,
    )
    await nurse.home.post(nurse.home.record("reading", reading))
    assert "Last reading" not in words((await nurse.http.get("/")).text)
    for user in ("nurse", "margaret"):
        await nurse.sign_in(user)
        page = (await nurse.http.get("/people/margaret")).text
        assert '<span class="app-latest__value">yes' not in page


async def test_the_own_page_says_where_the_person_is_in_their_words(nurse: Rig) -> None:
    await say(nurse, "in-hospital", note="For colleagues.")
    (one,) = await told(nurse)
    await echo(nurse, one)
    await nurse.sign_in("margaret")
    own = words((await nurse.http.get("/people/margaret")).text)
    assert "Sam said that you are in hospital." in own
    assert "colleagues" not in own


WRONG = [
    pytest.param({}, "Choose where Margaret is.", id="nothing"),
    pytest.param({"said": "<b>"}, "Choose where Margaret is.", id="made-up"),
    pytest.param({"said": "away"}, "Write the day", id="away-without-an-end"),
    pytest.param({"said": "away", "day": "soon"}, "Write the day", id="no-day"),
    pytest.param({"said": "away", "day": "2001-01-01"}, "still to come", id="a-day-gone-by"),
    pytest.param({"said": "away", "day": "9999-12-31"}, "next 90 days", id="for-ever"),
    pytest.param({"said": "home", "note": "d" * (LONGEST_NOTE + 1)}, "Shorten", id="endless"),
]


@pytest.mark.parametrize(("form", "error"), WRONG)
async def test_what_can_not_be_said_is_explained_and_not_kept(
    nurse: Rig, sql: Sql, form: dict[str, str], error: str
) -> None:
    answer = await nurse.http.post(WHERE, data=form)
    assert answer.status_code == 422
    assert error in answer.text
    assert "<b>" not in answer.text
    assert sql.execute("SELECT count(*) FROM staff_states").fetchone() == (0,)


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_only_staff_say_where_someone_is(rig: Rig, sql: Sql, method: str) -> None:
    await rig.sign_in("margaret")
    answer = await rig.http.request(method, WHERE, data={"said": "died"})
    assert answer.status_code == 403
    assert "/where" not in (await rig.http.get("/people/margaret")).text
    assert sql.execute("SELECT count(*) FROM staff_states").fetchone() == (0,)


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_nobody_is_nowhere(nurse: Rig, method: str) -> None:
    answer = await nurse.http.request(method, "/people/nobody/where", data={"said": "home"})
    assert answer.status_code == 404


def test_the_words_of_the_page_are_those_of_the_rules() -> None:
    assert set(WORDS) == set(Word)


MARKED = [
    pytest.param("in-hospital", "In hospital", id="in hospital"),
    pytest.param("away", "Away", id="away"),
    pytest.param("died", "Died", id="died"),
    pytest.param("home", "", id="at home"),
]


@pytest.mark.parametrize(("said", "mark"), MARKED)
async def test_the_worklist_marks_who_is_elsewhere_on_their_alert_and_on_their_row(
    nurse: Rig, make: Any, said: str, mark: str
) -> None:
    await nurse.home.post(nurse.home.record("alert", make.request("a1")))
    await say(nurse, said, **({"day": day(nurse, 5)} if said == "away" else {}))
    shown = (await nurse.http.get("/")).text
    marks = re.findall(r'<strong class="app-place">([^<]+)<', shown)
    assert marks == [mark, mark] if mark else marks == []
    said_aloud = re.search(r'data-said="([^"]+)"', shown)
    assert said_aloud
    assert (f"Margaret Ellis, {mark.lower()}." in said_aloud[1]) is bool(mark)


async def test_the_mark_goes_when_the_home_says_that_they_are_back(nurse: Rig) -> None:
    await say(nurse, "in-hospital")
    (one,) = await told(nurse)
    await echo(nurse, one)
    assert 'class="app-place">In hospital<' in (await nurse.http.get("/")).text
    back = Stated(
        patient="margaret", said="home", at=nurse.site.config.home_time.now(), by="page:margaret"
    )
    await nurse.home.post(nurse.home.record("state", back))
    assert "app-place" not in (await nurse.http.get("/")).text
