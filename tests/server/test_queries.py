"""What the pages are given to show, from what a home has sent."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from devices.model import Quality
from plumbing.clock import HomeTime, Pace, utc_now
from rules.model import Concern, Evidence, Lane, Phase, Prompt, Tier
from server.alerting import deadman
from server.alerting.ledger import Author, Times, act
from server.alerting.lifecycle import Action, State
from server.queries.alerts import alert_detail, alert_patient
from server.queries.asked import match_answers
from server.queries.person import person_page
from server.queries.readings import Point
from server.queries.worklist import worklist

AT = datetime(2026, 3, 3, 7, 40, tzinfo=UTC)
ANKLES, BREATH = "symptom.ankles_swollen", "symptom.breathless"


def prompt(ident: str, minutes: float, ask: tuple[str, ...] = (ANKLES, BREATH)) -> Prompt:
    at = AT + timedelta(minutes=minutes)
    return Prompt(
        id=ident, finding="f", rule="r", patient="margaret", tier=Tier.T1, at=at,
        expires_at=at + timedelta(hours=4), text="t", ask=ask,
    )  # fmt: skip


def given(metric: str, minutes: float, yes: bool = True, *flags: Quality) -> tuple[str, Point]:
    at = AT + timedelta(minutes=minutes)
    ident = f"{metric}@{minutes:g}"
    return metric, Point(reading=ident, taken_at=at, value=float(yes), device="page", quality=flags)


@pytest.mark.parametrize(
    ("prompts", "answers", "expected"),
    [
        pytest.param([prompt("p", 0)], [], {"p": []}, id="no-answer-is-none"),
        pytest.param(
            [prompt("p", 0)],
            [given(BREATH, 2, False), given(ANKLES, 1)],
            {"p": [(ANKLES, True), (BREATH, False)]},
            id="in-the-order-of-the-questions",
        ),
        pytest.param(
            [prompt("p", 0)],
            [given(ANKLES, 1), given(ANKLES, 5, False)],
            {"p": [(ANKLES, False)]},
            id="the-last-word-counts",
        ),
        pytest.param(
            [prompt("p", 0)],
            [given(ANKLES, 1), given(ANKLES, 5, False, Quality.ENTERED_IN_ERROR)],
            {"p": [(ANKLES, True)]},
            id="struck-out-is-none",
        ),
        pytest.param([prompt("p", 0)], [given(ANKLES, -1)], {"p": []}, id="earlier-is-no-answer"),
        pytest.param(
            [prompt("q", 60), prompt("p", 0)],
            [given(ANKLES, 10), given(BREATH, 70)],
            {"p": [(ANKLES, True)], "q": [(BREATH, True)]},
            id="to-the-newest-prompt-before-it",
        ),
        pytest.param(
            [prompt("p", 0), prompt("q", 60, ask=(ANKLES,))],
            [given(BREATH, 70)],
            {"p": [(BREATH, True)], "q": []},
            id="to-one-that-asks-it",
        ),
    ],
)
def test_an_answer_belongs_to_the_prompt_that_asked_for_it(prompts, answers, expected) -> None:
    asked = match_answers(prompts, answers)
    assert {each.prompt.id: [(a.metric, a.yes) for a in each.answers] for each in asked} == expected
    assert [each.prompt.at for each in asked] == sorted(each.prompt.at for each in asked)


on_a_database = [pytest.mark.processes, pytest.mark.anyio]


@pytest.fixture
def home_config(config, make):
    """Home time stands near the scenario's morning, whatever the machine's clock says."""
    slow = HomeTime(
        machine_start=utc_now(),
        home_start=make.at + timedelta(hours=2),
        paces=(Pace(times=0.001),),
    )
    return msgspec.structs.replace(config, home_time=slow)


@pytest.fixture
async def story(rig_of, home_config, make):
    """Weights of a week, a finding, a prompt with two answers, and the alert that follows."""
    async with rig_of(home_config) as rig:
        weights = [make.reading(79.0 + day / 3, minutes=-1440 * (7 - day)) for day in range(7)]
        jump = make.reading(82.0, quality=("unusual",))
        ankles = make.reading(1.0, metric=ANKLES, minutes=5, device="home page")
        breath = make.reading(0.0, metric=BREATH, minutes=6, device="home page")
        door = make.reading(1.0, metric="door_open", minutes=7, device="front door")
        moves = [
            make.reading(value, metric="movement", minutes=minute, device="hall")
            for minute, value in ((8, 1.0), (9, 0.0))
        ]
        battery = make.reading(55.0, metric="battery", unit="%", minutes=20)
        finding = make.finding("f1", because=Evidence(readings=(jump.id,)))
        asked = make.prompt("p1", finding="f1")
        request = make.request(
            "a1", minutes=5, finding="f2", rule="symptoms", because=Evidence(readings=(ankles.id,))
        )
        response = await rig.home.post(
            *(
                rig.home.record("reading", each)
                for each in [*weights, jump, ankles, breath, door, *moves, battery]
            ),
            rig.home.record("finding", finding),
            rig.home.record("prompt", asked),
            rig.home.record("alert", request, Lane.URGENT),
        )
        assert response.json()["rejected"] == []
        yield rig


class TestPages:
    pytestmark = on_a_database

    async def test_an_alert_shows_its_evidence_the_prompt_and_the_chart_behind_it(
        self, story, home_config
    ) -> None:
        detail = await alert_detail(story.site.db, home_config, "a1")
        assert detail.alert.name == "Margaret Ellis"
        assert (detail.alert.tier, detail.alert.state) == (Tier.T4, State.OPEN)
        assert detail.person.matters == "The allotment"
        assert detail.request.id == "a1"
        assert [(metric, point.value) for metric, point in detail.evidence] == [(ANKLES, 1.0)]
        assert [(series.metric, len(series.points)) for series in detail.series] == [
            ("body_weight", 8)
        ]
        assert detail.series[0].points[-1].quality == (Quality.UNUSUAL,)
        assert [each.prompt.id for each in detail.asked] == ["p1"]
        assert [(a.metric, a.yes) for a in detail.asked[0].answers] == [
            (ANKLES, True),
            (BREATH, False),
        ]
        assert [(row.action, row.before, row.after) for row in detail.audit] == [
            (None, None, State.OPEN)
        ]
        assert Action.ACKNOWLEDGE in detail.actions
        assert abs(detail.home_now - AT - timedelta(hours=2)) < timedelta(minutes=1)

    async def test_a_persons_page_shows_what_is_newest_and_what_was_asked(
        self, story, home_config
    ) -> None:
        page = await person_page(story.site.db, home_config, "margaret")
        latest = {value.metric: value for value in page.latest}
        assert latest["body_weight"].value == 82.0
        assert latest["movement"].value == 0.0
        titles = [value.metric for value in page.latest]
        assert titles.index("battery") < titles.index("body_weight")
        assert [series.metric for series in page.series] == ["body_weight"]
        assert [alert.id for alert in page.alerts] == ["a1"]
        assert [each.prompt.id for each in page.asked] == ["p1"]
        assert [home.gateway for home in page.homes] == ["home-1"]

    async def test_what_was_held_back_is_listed_newest_first_and_alerts_nobody(
        self, story, home_config, make
    ) -> None:
        for minute, reason in ((30, "person.in_hospital"), (40, "rate-limit")):
            held = make.finding(reason, minutes=minute, phase=Phase.SUPPRESSED, suppressed=reason)
            await story.home.post(story.home.record("finding", held))
        page = await person_page(story.site.db, home_config, "margaret")
        assert [finding.suppressed for finding in page.held_back] == [
            "rate-limit",
            "person.in_hospital",
        ]
        assert [alert.id for alert in page.alerts] == ["a1"]

    async def test_the_worklist_names_everyone_and_when_they_last_moved(
        self, story, home_config
    ) -> None:
        found = await worklist(story.site.db, home_config)
        margaret, joan = found.people
        assert margaret.last.metric == "movement"
        assert margaret.movement.taken_at == AT + timedelta(minutes=8)
        assert (joan.person.name, joan.last, joan.movement) == ("Joan Hart", None, None)

    async def test_a_person_without_anything_yet_has_an_empty_page(
        self, story, home_config
    ) -> None:
        page = await person_page(story.site.db, home_config, "joan")
        assert (page.latest, page.series, page.alerts, page.asked) == ((), (), (), ())

    async def test_who_is_not_there_has_no_page(self, story, home_config) -> None:
        assert await person_page(story.site.db, home_config, "nobody") is None
        assert await alert_detail(story.site.db, home_config, "nothing") is None
        assert await alert_patient(story.site.db, "nothing") is None
        assert await alert_patient(story.site.db, "a1") == ("margaret",)


class TestWorklist:
    pytestmark = on_a_database

    async def test_it_begins_with_whom_nobody_has_seen_and_who_can_wait_least(
        self, rig, sql, make
    ) -> None:
        tiers = {
            "old-t3": (Tier.T3, 0),
            "new-t4": (Tier.T4, 9),
            "old-t4": (Tier.T4, 1),
            "taken-t5": (Tier.T5, 0),
            "late-t4": (Tier.T4, 5),
            "done": (Tier.T5, 0),
        }
        await rig.home.post(
            *(
                rig.home.record("alert", make.request(ident, tier, minutes=minutes, rule=ident))
                for ident, (tier, minutes) in tiers.items()
            )
        )
        times = Times(now=utc_now(), home=make.at)
        nurse = Author(id="nurse", name="Sam Okoro")
        for ident, action in (
            ("taken-t5", Action.ACKNOWLEDGE),
            ("late-t4", Action.ESCALATE),
            ("done", Action.RESOLVE),
        ):
            async with rig.site.db.transaction() as connection:
                await act(connection, ident, action, nurse, "", times)
        found = await worklist(rig.site.db, rig.site.config)
        assert [alert.id for alert in found.alerts] == [
            "old-t4", "late-t4", "new-t4", "old-t3", "taken-t5",
        ]  # fmt: skip
        assert found.alerts[-1].taken_by == "Sam Okoro"

    async def test_kit_of_a_person_is_listed_with_the_kit_and_never_among_the_people(
        self, rig, make
    ) -> None:
        battery = make.request("flat", Tier.T3, rule="battery", concern=Concern.KIT)
        ankles = make.request("ankles", Tier.T3, rule="ankles")
        await rig.home.post(*(rig.home.record("alert", each) for each in (battery, ankles)))
        found = await worklist(rig.site.db, rig.site.config)
        assert [alert.id for alert in found.alerts] == ["ankles"]
        assert [(alert.id, alert.name) for alert in found.kit] == [("flat", "Margaret Ellis")]

    async def test_a_silent_home_is_listed_with_the_kit_and_never_among_the_people(
        self, rig, sql
    ) -> None:
        sql.execute("UPDATE gateways SET known_since = now() - interval '1 day'")
        sql.execute("UPDATE gateways SET heard_at = now() WHERE id = 'home-2'")
        sql.execute("UPDATE deadman_watch SET listening_since = listening_since - interval '1 day'")
        await deadman.check(rig.site.db, rig.site.config)
        found = await worklist(rig.site.db, rig.site.config)
        assert found.alerts == ()
        assert [(alert.name, alert.text, alert.values["gateway"]) for alert in found.kit] == [
            ("home-1", deadman.RULE, "home-1")
        ]
        assert {home.gateway: home.silent for home in found.homes} == {
            "home-1": True,
            "home-2": False,
        }

    async def test_the_staff_api_says_the_same_as_the_list(self, rig, make) -> None:
        await rig.home.post(rig.home.record("alert", make.request("a1")))
        await rig.sign_in("nurse")
        body = (await rig.http.get("/api/v1/alerts")).json()
        assert [(alert["id"], alert["name"], alert["tier"]) for alert in body["alerts"]] == [
            ("a1", "Margaret Ellis", 4)
        ]
