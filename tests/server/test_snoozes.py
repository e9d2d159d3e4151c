"""Staff need not hear of a problem for a while: what is allowed, shown, kept and told at home."""

import asyncio
import re
from datetime import timedelta
from typing import Any

import msgspec
import psycopg
import pytest

from rules.model import Evidence, Lane, Number, Tier
from rules.records import Notices, SnoozeRefused, StaffSnooze
from rules.snooze import Direction, Snooze
from server.corrections import LONGEST_NOTE

pytestmark = [pytest.mark.processes, pytest.mark.anyio]

Rig = Any
Make = Any
Sql = Any
"""Fixtures of conftest.py."""

DAY = str(24 * 60)
WORSE = Evidence(
    numbers=(Number(name="value", value=79.5, unit="kg"),),
    counterfactual=Number(name="value", value=-0.4, unit="kg"),
)


@pytest.fixture
async def nurse(rig: Rig) -> Rig:
    await rig.sign_in("nurse")
    return rig


async def alert(rig: Rig, make: Make, tier: Tier, ident: str = "a" * 32, **given: Any) -> str:
    request = make.request(ident, tier, because=WORSE, **given)
    answer = await rig.home.post(rig.home.record("alert", request, Lane.URGENT))
    assert answer.json()["rejected"] == []
    return ident


async def snooze(rig: Rig, ident: str, minutes: str, reason: str = "Seen her today.") -> Any:
    return await rig.http.post(
        f"/alerts/{ident}/snooze", data={"minutes": minutes, "reason": reason}
    )


async def told(rig: Rig, after: int = 0) -> tuple[StaffSnooze, ...]:
    answer = await rig.home.request("GET", f"/api/v1/notices?after=0&snoozes_after={after}")
    return msgspec.json.decode(answer.content, type=Notices).snoozes


def words(text: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


async def test_a_snooze_is_shown_with_its_end_and_who_set_it_on_both_pages(
    nurse: Rig, make: Make
) -> None:
    ident = await alert(nurse, make, Tier.T3)
    answer = await snooze(nurse, ident, DAY, "Diuretic <doubled>.")
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/alerts/{ident}")
    for path in (f"/alerts/{ident}", "/people/margaret"):
        page = words((await nurse.http.get(path)).text)
        assert re.search(r"[Qq]uiet until tomorrow \d\d:\d\d \. Sam Okoro: Diuretic", page)
        assert "&lt;doubled&gt;" in page
        assert "The home has not been told yet." in page
        assert "Anything worse is still told." in page
    trail = words((await nurse.http.get(f"/alerts/{ident}")).text)
    assert "Note by Sam Okoro" in trail
    assert "Quiet for 1 day: Diuretic" in trail


async def test_the_home_is_told_what_how_bad_in_which_direction_and_until_when(
    nurse: Rig, make: Make
) -> None:
    await snooze(nurse, await alert(nurse, make, Tier.T3), DAY)
    (one,) = await told(nurse)
    assert (one.seq, one.patient, one.family, one.rule) == (
        1, "margaret", "heart-failure", "weight.up",
    )  # fmt: skip
    assert (one.tier, one.direction, one.value) == (Tier.T3, Direction.UP, 79.5)
    assert one.ends_at - one.starts_at == timedelta(days=1)
    assert (one.by, one.reason) == ("Sam", "Seen her today.")


async def test_once_the_home_keeps_to_it_the_page_says_so(nurse: Rig, make: Make) -> None:
    ident = await alert(nurse, make, Tier.T3)
    await snooze(nurse, ident, DAY)
    (one,) = await told(nurse)
    kept = Snooze(**{name: getattr(one, name) for name in Snooze.__struct_fields__})
    await nurse.home.post(nurse.home.record("snooze", kept))
    assert "The home keeps to it." in (await nurse.http.get(f"/alerts/{ident}")).text


async def test_a_home_that_refuses_is_believed_and_the_page_says_why(
    nurse: Rig, make: Make
) -> None:
    ident = await alert(nurse, make, Tier.T4)
    await snooze(nurse, ident, "30")
    (one,) = await told(nurse)
    why = "Nothing of that kind is in this person's care plan."
    refused = SnoozeRefused(snooze=one.id, patient="margaret", at=one.starts_at, reason=why)
    answer = await nurse.home.post(nurse.home.record("snooze-refused", refused, Lane.URGENT))
    assert answer.json()["rejected"] == []
    for path in (f"/alerts/{ident}", "/people/margaret"):
        page = words((await nurse.http.get(path)).text)
        assert re.search(r"[Nn]ot quiet, though asked for until", page)
        assert "The home refused it, and tells staff as before. Nothing of that kind" in page
        assert not re.search(r"not been told yet|keeps to it|[Qq]uiet until", page)
    again = await snooze(nurse, ident, "30")
    assert again.status_code == 303, "a snooze that never held is none that another could chain to"


async def test_a_home_is_told_from_where_it_stopped_only_of_its_own_and_if_it_asks(
    nurse: Rig, make: Make
) -> None:
    first = await alert(nurse, make, Tier.T3)
    second = await alert(nurse, make, Tier.T3, "b" * 32, rule="other", family="other")
    await snooze(nurse, first, DAY)
    await snooze(nurse, second, DAY)
    assert [one.seq for one in await told(nurse)] == [1, 2]
    assert [one.family for one in await told(nurse, after=1)] == ["other"]
    other = nurse.home_of("home-2", key_of="home-2")
    answer = await other.request("GET", "/api/v1/notices?after=0&snoozes_after=0")
    assert answer.json()["snoozes"] == []
    assert (await nurse.home.request("GET", "/api/v1/notices")).json()["snoozes"] == []


OFFERS = [
    pytest.param(Tier.T3, ["1 day", "3 days", "7 days"], "", id="T3"),
    pytest.param(Tier.T4, ["30 minutes"], "", id="T4"),
    pytest.param(Tier.T5, [], "An emergency can’t be snoozed.", id="T5"),
]


@pytest.mark.parametrize(("tier", "lengths", "never"), OFFERS)
async def test_what_the_page_offers_by_tier(
    nurse: Rig, make: Make, tier: Tier, lengths: list[str], never: str
) -> None:
    page = (await nurse.http.get(f"/alerts/{await alert(nurse, make, tier)}")).text
    offered = re.findall(r'for="length[^"]*">([^<]+)<', page)
    assert offered == lengths
    assert ("Be quiet" in page) is bool(lengths)
    assert never.replace("’", "&#39;") in page or never in page


REFUSED = [
    pytest.param(Tier.T3, str(8 * 24 * 60), "why", "7 days at most", id="T3 for 8 days"),
    pytest.param(Tier.T3, "0", "why", "ends after it starts", id="no time at all"),
    pytest.param(Tier.T4, "31", "why", "30 minutes at most", id="T4 for 31 minutes"),
    pytest.param(Tier.T5, "1", "why", "An emergency", id="T5"),
    pytest.param(Tier.T5, "", "", "An emergency", id="T5 and nothing else"),
    pytest.param(Tier.T3, "", "why", "Choose for how long.", id="no length"),
    pytest.param(Tier.T3, "-5", "why", "Choose for how long.", id="a length backwards"),
    pytest.param(Tier.T3, "9" * 40, "why", "Choose for how long.", id="for ever"),
    pytest.param(Tier.T3, DAY, " ", "Write why this can be quiet.", id="no reason"),
    pytest.param(Tier.T3, DAY, "d" * (LONGEST_NOTE + 1), "Shorten the note", id="endless"),
]


@pytest.mark.parametrize(("tier", "minutes", "reason", "error"), REFUSED)
async def test_what_is_refused_is_said_in_words_and_leaves_no_trace(
    nurse: Rig, sql: Sql, make: Make, tier: Tier, minutes: str, reason: str, error: str
) -> None:
    ident = await alert(nurse, make, tier)
    answer = await snooze(nurse, ident, minutes, reason)
    assert answer.status_code == 422
    assert error in answer.text
    assert sql.execute("SELECT count(*) FROM staff_snoozes").fetchone() == (0,)
    assert sql.execute("SELECT count(*) FROM alert_audit").fetchone() == (1,)


async def test_urgent_snoozes_do_not_chain_even_when_set_together(nurse: Rig, make: Make) -> None:
    ident = await alert(nurse, make, Tier.T4)
    answers = await asyncio.gather(*(snooze(nurse, ident, "30") for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [303, 422, 422, 422]
    again = await snooze(nurse, ident, "30")
    assert "It was snoozed just now." in again.text
    assert len(await told(nurse)) == 1


async def test_what_is_resolved_can_not_be_snoozed(nurse: Rig, make: Make) -> None:
    ident = await alert(nurse, make, Tier.T3)
    await nurse.http.post(f"/alerts/{ident}/resolve", data={"note": "Done."})
    answer = await snooze(nurse, ident, DAY)
    assert "There is nothing to be quiet about." in answer.text
    assert 'id="snooze"' not in answer.text
    assert await told(nurse) == ()


async def test_who_set_it_is_kept_and_can_not_be_changed(nurse: Rig, sql: Sql, make: Make) -> None:
    await snooze(nurse, await alert(nurse, make, Tier.T3), DAY)
    rows = sql.execute("SELECT actor, by, reason FROM staff_snoozes").fetchall()
    assert rows == [("nurse", "Sam Okoro", "Seen her today.")]
    for change in ("UPDATE staff_snoozes SET reason = 'x'", "DELETE FROM staff_snoozes"):
        with pytest.raises(psycopg.errors.RaiseException, match="never changed"):
            sql.execute(change)


async def test_only_staff_snooze(rig: Rig, make: Make) -> None:
    ident = await alert(rig, make, Tier.T3)
    await rig.sign_in("margaret")
    assert (await snooze(rig, ident, DAY)).status_code == 403
    await rig.sign_in("nurse")
    assert (await snooze(rig, "no-such-alert", DAY)).status_code == 404
