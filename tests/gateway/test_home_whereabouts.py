"""Where people of a home are: said on its page or by staff, once, with an end, over restarts."""

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from devices.mapping import Mapping
from devices.model import MqttMessage
from gateway.config import HomeDevice
from gateway.home import Home, Said
from gateway.intake import Intake
from gateway.journal import Journal
from gateway.page.view import HomeView, home_view
from gateway.told import hear
from plumbing.clock import HomeTime
from rules.model import Lane, Tier
from rules.plan import parse_plan
from rules.records import (
    RecordKind,
    SnoozeRefused,
    StaffSnooze,
    StaffState,
    Stated,
    decode_body,
    encode,
)
from rules.snooze import Direction
from rules.whereabouts import Word

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
H, MIN = timedelta(hours=1), timedelta(minutes=1)


class HeldTime(HomeTime, frozen=True, kw_only=True):
    """Home time that the test holds in its hand."""

    shown: list[datetime]

    def now(self) -> datetime:
        return self.shown[0]


TEXT = {"person": "Sit down. Please rest.", "nurse": "It is {value}.", "log": "said"}


def rule(ident: str, tier: str, above: int, **more: Any) -> dict[str, Any]:
    then = {"tier": tier, "text": "said", **more.pop("then", {})}
    params = {"metric": more.pop("metric", "level"), "above": above}
    more.setdefault("for", "tester")
    return {"id": ident, "kind": "threshold", "params": params, "then": then, **more}


PLAN = {
    "version": "1",
    "people": [
        {"id": "tester", "name": "Tess Ter", "timezone": "UTC", "quiet_hours": "22:00-07:00"},
        {"id": "joan", "name": "Joan Hart", "timezone": "UTC"},
    ],
    "rules": [
        rule("held", "T3", 90, family="held", debounce={"suppressed_by": ["person.in_hospital"]}),
        rule("away", "T3", 90, family="away", debounce={"suppressed_by": ["person.away"]}),
        rule("asks", "T1", 50, family="asks", then={"ask_for": "4h", "ask": ["symptom.pillows"]}),
        rule("now", "T4", 95, family="now"),
        rule(
            "repeat", "T3", 70, family="repeat",
            debounce={"repeat_after_rest": {"rest": "5min", "within": "20min"}},
            then={"repeat": "again"},
        ),
        rule("sos", "T5", 99, family="sos"),
    ],
    "texts": {"said": TEXT, "again": TEXT},
}  # fmt: skip


def only(*ids: str) -> dict[str, Any]:
    rules = [one for one in PLAN["rules"] if one["id"] in ids]  # type: ignore[index]
    return {**PLAN, "rules": rules}


class Rig:
    """A home that can be stopped and started, with a clock that the test moves on."""

    def __init__(self, folder: Path, plan: dict[str, Any]) -> None:
        self.folder, self.plan, self.clock = folder, plan, [START]
        self.said: list[Said] = []
        self.start()

    def start(self, *, caught_up: bool = True) -> None:
        self.journal = Journal(self.folder / "journal")
        plan = parse_plan(self.plan, {})
        mapping = Mapping(topic="s", device="sensor", metric="level", value="v", time="ts")
        device = HomeDevice(device="sensor", patient="tester")
        intake = Intake([device], [mapping], plan.people, self.journal.facts())
        self.home = Home(self.journal, plan, intake, HeldTime(shown=self.clock))
        self.home.on_said(self.said.append)
        if caught_up:
            self.home.caught_up()

    def restart(self) -> None:
        self.journal.close()
        self.start()

    def at(self, after: timedelta) -> datetime:
        self.clock[0] = START + after
        return self.clock[0]

    def level(self, value: float) -> None:
        payload = encode({"v": value, "ts": self.clock[0].timestamp()})
        frame = MqttMessage(topic="s", payload=payload, received_at=self.clock[0])
        self.home.take([frame])

    def states(self, metric: str) -> list[tuple[timedelta, float, str]]:
        """When, whether, and who said so: oldest first."""
        found = self.journal.readings([metric], START - 9 * 24 * H, START + 900 * 24 * H)
        return [(one.taken_at - START, one.value, one.device) for one in found]

    def alerts(self) -> list[str]:
        return [alert.rule for alert in self.journal.last_alerts(100)]

    def spoken(self) -> list[str]:
        return [prompt.rule for one in self.said for prompt in one.prompts]

    def view(self) -> HomeView:
        return home_view(self.home, self.clock[0], reached=True)

    def stated(self) -> list[Stated]:
        sent = self.journal.outbox(Lane.BULK, "home-1", 999)
        return [decode_body(one) for one in sent if one.kind == RecordKind.STATE]  # type: ignore[misc]


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path, only("held", "away"))


def told(said: str, seq: int = 1, **given: Any) -> StaffState:
    return StaffState(seq=seq, patient="tester", said=said, at=START, by="Sam", **given)


def micro(times: list[tuple[timedelta, float, str]]) -> list[tuple[timedelta, float, str]]:
    return [(timedelta(seconds=round(at.total_seconds())), value, by) for at, value, by in times]


def test_the_word_of_staff_holds_rules_back_until_they_say_otherwise(rig: Rig) -> None:
    rig.home.hear_state(told("in-hospital"))
    rig.at(MIN)
    rig.level(91)
    assert rig.alerts() == ["away"]
    rig.at(2 * MIN)
    rig.home.hear_state(told("home", seq=2))
    rig.at(3 * MIN)
    rig.level(91)
    assert sorted(rig.alerts()) == ["away", "held"]
    assert micro(rig.states("person.in_hospital")) == [
        (timedelta(0), 1.0, "staff:Sam"),
        (2 * MIN, 0.0, "staff:Sam"),
    ]


def test_what_is_told_again_changes_nothing_over_a_restart_too(rig: Rig) -> None:
    rig.home.hear_state(told("in-hospital"))
    before = rig.journal.counts()
    rig.home.hear_state(told("in-hospital"))
    rig.restart()
    rig.at(MIN)
    rig.home.hear_state(told("in-hospital"))
    assert rig.journal.counts() == before
    assert rig.journal.told_states.last() == 1


def test_the_server_hears_what_holds_by_the_number_with_which_it_was_told(rig: Rig) -> None:
    rig.home.hear_state(told("in-hospital", seq=7))
    (one,) = rig.stated()
    assert (one.said, one.by, one.told) == ("in-hospital", "staff:Sam", 7)


def test_a_word_that_is_not_known_here_is_kept_changes_nothing_and_costs_only_itself(
    rig: Rig,
) -> None:
    some = (told("on-the-moon", seq=1), told("in-hospital", seq=2))
    hear(some, rig.home.hear_state, rig.home.keep_unheard)
    assert rig.journal.told_states.last() == 2
    assert [one.said for one in rig.stated()] == ["in-hospital"]


def test_what_can_not_be_written_is_asked_for_again(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(rig.journal, "add_stated", full)
        with pytest.raises(sqlite3.OperationalError):
            hear((told("in-hospital"),), rig.home.hear_state, rig.home.keep_unheard)
    assert rig.journal.told_states.last() == 0
    hear((told("in-hospital"),), rig.home.hear_state, rig.home.keep_unheard)
    assert len(rig.states("person.in_hospital")) == 1


def test_one_word_takes_the_place_of_another(rig: Rig) -> None:
    rig.home.say("tester", Word.AWAY, "page:tester", START + 5 * H)
    rig.at(MIN)
    rig.home.hear_state(told("in-hospital"))
    assert [value for _, value, _ in rig.states("person.away")] == [1.0, 0.0]
    assert [value for _, value, _ in rig.states("person.in_hospital")] == [1.0]
    assert rig.home.wake_at() is None, "an end that no longer matters is forgotten"


def test_being_away_ends_by_itself_at_its_time(rig: Rig) -> None:
    rig.home.say("tester", Word.AWAY, "page:tester", START + 5 * H)
    assert rig.home.wake_at() == START + 5 * H
    rig.at(4 * H)
    rig.home.wake()
    rig.level(91)
    assert rig.alerts() == ["held"]
    rig.at(5 * H)
    rig.home.wake()
    assert rig.states("person.away")[-1] == (5 * H, 0.0, "time")
    rig.at(5 * H + MIN)
    rig.level(91)
    assert sorted(rig.alerts()) == ["away", "held"]
    assert [(one.said, one.by) for one in rig.stated()] == [
        ("away", "page:tester"),
        ("home", "time"),
    ]


@pytest.mark.parametrize("caught_up", [True, False], ids=["caught up", "backlog comes in"])
def test_an_end_that_came_while_the_home_was_off_counts_from_its_own_time(
    rig: Rig, *, caught_up: bool
) -> None:
    rig.home.say("tester", Word.AWAY, "page:tester", START + 5 * H)
    rig.journal.close()
    rig.at(9 * H)
    rig.start(caught_up=caught_up)
    assert rig.states("person.away")[-1] == (5 * H, 0.0, "time")
    rig.at(9 * H + MIN)
    rig.level(91)
    rig.home.caught_up()
    assert "away" in rig.alerts()
    rig.restart()
    assert len(rig.states("person.away")) == 2


def test_an_end_that_is_told_too_late_is_an_end(rig: Rig) -> None:
    rig.home.hear_state(told("in-hospital"))
    rig.at(5 * H)
    rig.home.hear_state(told("away", seq=2, until=START + H))
    assert rig.states("person.away") == []
    assert [value for _, value, _ in rig.states("person.in_hospital")] == [1.0, 0.0]


@pytest.mark.parametrize(
    ("until", "words"),
    [
        pytest.param(START, "still to come", id="now"),
        pytest.param(START + timedelta(days=91), "90 days", id="for ever"),
    ],
)
def test_an_end_that_can_not_be(until: datetime, words: str, rig: Rig) -> None:
    with pytest.raises(ValueError, match=words):
        rig.home.say("tester", Word.AWAY, "page:tester", until)
    assert rig.stated() == []


def test_one_person_of_a_home_is_away_and_the_other_is_not(rig: Rig) -> None:
    rig.home.say("tester", Word.AWAY, "page:tester", START + 14 * H)
    tester, joan = rig.view().people
    assert tester.where.words == "You said that you are away until tonight at 22:00."
    assert joan.where.words == ""


@pytest.mark.parametrize(
    ("by", "until", "words"),
    [
        pytest.param("page:tester", 38, "You said that you are away until tomorrow at 22:00.",
                     id="oneself"),
        pytest.param("page:joan", None, "Joan said that you are away.", id="who lives there"),
        pytest.param("staff:Sam", 110, "Sam said that you are away until Friday 6 March at 22:00.",
                     id="staff"),
    ],
)  # fmt: skip
def test_the_page_says_who_said_it_and_until_when(
    by: str, until: int | None, words: str, rig: Rig
) -> None:
    rig.home.say("tester", Word.AWAY, by, None if until is None else START + until * H)
    assert rig.view().people[0].where.words == words


def test_a_safeguarding_concern_is_nowhere_on_the_page(rig: Rig) -> None:
    before = rig.view()
    rig.home.hear_state(told("safeguarding"))
    assert [value for _, value, _ in rig.states("person.safeguarding")] == [1.0]
    assert rig.view().people == before.people


def test_after_a_death_nothing_speaks_or_asks_but_an_emergency(tmp_path: Path) -> None:
    rig = Rig(tmp_path, only("asks", "now", "held", "sos"))
    rig.level(60)
    assert len(rig.journal.open_prompts(START)) == 1
    rig.at(MIN)
    rig.home.hear_state(told("died"))
    assert rig.journal.open_prompts(rig.clock[0]) == []
    for minute, value in ((2, 10), (3, 97)):
        rig.at(minute * MIN)
        rig.level(value)
    assert rig.alerts() == []
    assert rig.spoken() == ["asks"]
    rig.restart()
    rig.at(4 * MIN)
    rig.level(10)
    rig.at(5 * MIN)
    rig.level(100)
    assert rig.alerts() == ["sos"]
    assert rig.spoken() == ["asks", "sos"]
    card = rig.view().people[0].where
    assert card.is_over
    assert card.words.startswith("Sam said that Tess has died.")


def test_a_death_that_was_a_mistake_is_taken_back(tmp_path: Path) -> None:
    rig = Rig(tmp_path, only("now"))
    rig.home.hear_state(told("died"))
    rig.at(MIN)
    rig.home.hear_state(told("home", seq=2))
    rig.at(2 * MIN)
    rig.level(97)
    assert rig.alerts() == ["now"]


# Snoozes of staff -----------------------------------------------------------------------------


def snoozed(seq: int = 1, **given: Any) -> StaffSnooze:
    fields = {
        "id": f"{seq:032}",
        "patient": "tester",
        "family": "held",
        "direction": Direction.UP,
        "tier": Tier.T3,
        "starts_at": START,
        "ends_at": START + 24 * H,
        "by": "Sam",
        "reason": "Seen this morning",
        "value": 92.0,
        "rule": "held",
        **given,
    }
    return StaffSnooze(seq=seq, **fields)


@pytest.mark.parametrize(
    ("level", "after", "alerts"),
    [
        pytest.param(91, H, [], id="the same is hidden"),
        pytest.param(93, H, ["held"], id="worse is not"),
        pytest.param(91, 24 * H, ["held"], id="nor after its end"),
    ],
)
def test_a_snooze_of_staff_hides_what_it_may_over_a_restart(
    level: float, after: timedelta, alerts: list[str], tmp_path: Path
) -> None:
    rig = Rig(tmp_path, only("held"))
    rig.home.hear_snooze(snoozed())
    rig.restart()
    rig.at(after)
    rig.level(level)
    assert rig.alerts() == alerts


def test_a_snooze_never_hides_something_more_severe_or_the_other_direction(tmp_path: Path) -> None:
    rules = [
        rule("mild", "T3", 90, family="one"),
        rule("worse", "T4", 90, family="one"),
        {**rule("low", "T3", 0, family="one"), "params": {"metric": "level", "below": 10}},
    ]
    rig = Rig(tmp_path, {**PLAN, "rules": rules})
    rig.home.hear_snooze(snoozed(family="one", value=None, rule=None))
    rig.at(MIN)
    rig.level(91)
    assert rig.alerts() == ["worse"]
    rig.at(2 * MIN)
    rig.level(5)
    assert sorted(rig.alerts()) == ["low", "worse"]


def test_a_snooze_that_is_told_again_is_kept_once(tmp_path: Path) -> None:
    rig = Rig(tmp_path, only("held"))
    rig.home.hear_snooze(snoozed())
    counts = rig.journal.counts()
    rig.home.hear_snooze(snoozed())
    assert rig.journal.counts() == counts
    assert len(rig.journal.snoozes.of("tester")) == 1


REFUSED = [
    pytest.param({"tier": Tier.T5}, id="of an emergency"),
    pytest.param({"tier": Tier.T4}, id="of T4 for a day"),
    pytest.param({"ends_at": START + 192 * H}, id="for more than a week"),
    pytest.param({"family": "others"}, id="of nothing in the plan"),
]


@pytest.mark.parametrize("given", REFUSED)
def test_the_home_refuses_what_is_not_allowed_whoever_told_it(
    given: dict[str, Any], tmp_path: Path
) -> None:
    rig = Rig(tmp_path, only("held"))
    hear((snoozed(**given),), rig.home.hear_snooze, rig.home.keep_unheard)
    assert rig.journal.snoozes.of("tester") == []
    assert rig.journal.told_snoozes.last() == 1
    said = refusals(rig)
    assert [(one.snooze, one.patient) for one in said] == [(snoozed(**given).id, "tester")]
    assert said[0].reason.endswith(".")
    rig.home.keep_unheard(snoozed(**given), "again")
    assert refusals(rig) == said, "heard again, it changes nothing"


def refusals(rig: Rig) -> list[SnoozeRefused]:
    records = rig.journal.outbox(Lane.URGENT, "home-1", 100)
    bodies = [decode_body(record) for record in records]
    return [body for body in bodies if isinstance(body, SnoozeRefused)]


def test_of_a_failure_that_nobody_foresaw_staff_hear_no_word_of_the_machine() -> None:
    kept: list[tuple[int, str]] = []

    def fails(_: StaffSnooze) -> None:
        raise KeyError("family")

    hear((snoozed(),), fails, lambda one, why: kept.append((one.seq, why)))
    assert kept == [(1, "The home could not take it in.")]


# Prompts ----------------------------------------------------------------------------------------


def test_a_question_is_put_off_for_an_hour_over_a_restart(tmp_path: Path) -> None:
    rig = Rig(tmp_path, only("asks"))
    rig.level(60)
    (card,) = rig.view().people[0].prompts
    assert card.can_wait
    assert rig.home.put_off(card.id)
    person = rig.view().people[0]
    assert person.prompts == ()
    assert person.later == ("You will be asked again at 09:00: Sit down.",)
    due = rig.home.wake_at()
    assert due is not None
    assert START + H <= due < START + H + MIN
    rig.restart()
    rig.at(59 * MIN)
    rig.home.wake()
    assert rig.view().people[0].prompts == ()
    rig.at(H + MIN)
    rig.home.wake()
    (again,) = rig.view().people[0].prompts
    assert again.id == card.id
    assert rig.view().people[0].later == ()


def test_a_question_put_off_into_the_quiet_hours_is_shown_when_they_end_and_stays_open(
    tmp_path: Path,
) -> None:
    rig = Rig(tmp_path, only("asks"))
    rig.at(13 * H + 30 * MIN)
    rig.level(60)
    (card,) = rig.view().people[0].prompts
    assert rig.home.put_off(card.id)
    assert rig.view().people[0].later == ("You will be asked again at 07:00: Sit down.",)
    rig.at(15 * H)
    rig.home.wake()
    assert rig.view().people[0].prompts == ()
    said = len(rig.spoken())
    rig.restart()
    rig.at(23 * H)
    rig.home.wake()
    assert [one.id for one in rig.view().people[0].prompts] == [card.id]
    assert rig.spoken()[said:] == ["asks"]
    rig.at(26 * H - MIN)
    rig.home.wake()
    assert [one.id for one in rig.view().people[0].prompts] == [card.id]
    rig.at(26 * H)
    rig.home.wake()
    assert rig.view().people[0].prompts == ()


def test_what_is_urgent_or_closes_soon_can_not_be_put_off(tmp_path: Path) -> None:
    rig = Rig(tmp_path, only("asks", "now"))
    rig.level(97)
    cards = {card.urgent: card for card in rig.view().people[0].prompts}
    assert not cards[True].can_wait
    with pytest.raises(ValueError, match="can't wait"):
        rig.home.put_off(cards[True].id)
    rig.at(3 * H + MIN)
    with pytest.raises(ValueError, match="can't wait"):
        rig.home.put_off(cards[False].id)
    assert not rig.home.put_off("no such prompt")


def test_a_question_whose_yes_is_urgent_can_not_be_put_off(tmp_path: Path) -> None:
    flag = rule("flag", "T4", 0, metric="symptom.pillows")
    rig = Rig(tmp_path, {**PLAN, "rules": [*only("asks")["rules"], flag]})
    rig.level(60)
    (card,) = rig.view().people[0].prompts
    assert not card.can_wait


def test_a_repeat_says_at_what_time_to_measure_again_and_can_not_be_put_off(
    tmp_path: Path,
) -> None:
    rig = Rig(tmp_path, only("repeat"))
    rig.level(75)
    (card,) = rig.view().people[0].prompts
    assert card.again == "Measure again at 08:05. Please do it before 08:20."
    assert not card.can_wait


def test_a_prompt_of_the_night_is_neither_shown_nor_said_nor_among_those_put_off(
    tmp_path: Path,
) -> None:
    rig = Rig(tmp_path, only("asks"))
    rig.at(15 * H)
    rig.level(60)
    person = rig.view().people[0]
    assert (person.prompts, person.later, rig.spoken()) == ((), (), [])
    rig.at(23 * H)
    rig.home.wake()
    assert len(rig.view().people[0].prompts) == 1
    assert rig.spoken() == ["asks"]


def test_nothing_reassures_while_something_sent_to_the_team_is_open(tmp_path: Path) -> None:
    rig = Rig(tmp_path, only("held"))
    assert not rig.view().people[0].is_watched
    rig.level(91)
    assert rig.view().people[0].is_watched
