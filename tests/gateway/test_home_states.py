"""A home through stops, quiet hours, states and snoozes."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from devices.mapping import Mapping
from devices.model import MqttMessage, Quality, Reading
from gateway.config import HomeDevice
from gateway.home import Home, Said
from gateway.intake import Intake
from gateway.journal import Journal
from plumbing.clock import HomeTime
from rules.model import Lane, Tier
from rules.plan import parse_plan
from rules.records import decode_body, encode
from rules.snooze import Direction

START = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)
BEFORE = START - timedelta(days=1)


class TickingTime(HomeTime, frozen=True, kw_only=True):
    """Home time that a test moves on; shared by each home that is made with it."""

    shown: list[datetime]

    def now(self) -> datetime:
        return self.shown[0]


TEXT = {"person": "Sit down and rest.", "nurse": "Call now.", "log": "said"}
LIVED = {
    "version": "1",
    "people": [{"id": "tester", "name": "Tester", "quiet_hours": "22:00-07:00"}],
    "rules": [
        {
            "id": "still",
            "for": "tester",
            "kind": "absence",
            "params": {"metrics": ["level"], "every": "3h"},
            "debounce": {"suppressed_by": [{"by": "kit.gateway_offline", "rest": "4h"}]},
            "then": {"tier": "T4", "text": "said"},
        },
        {
            "id": "high",
            "for": "tester",
            "family": "levels",
            "kind": "threshold",
            "params": {"metric": "level", "above": 90},
            "debounce": {"suppressed_by": ["person.away"]},
            "then": {"tier": "T1", "text": "said"},
        },
        {
            "id": "higher",
            "for": "tester",
            "family": "levels",
            "kind": "threshold",
            "params": {"metric": "level", "above": 95},
            "debounce": {"repeat_after_rest": {"rest": "5min", "within": "20min"}},
            "then": {"tier": "T3", "text": "said", "repeat": "again"},
        },
    ],
    "texts": {"said": TEXT, "again": TEXT},
}


class LivedIn:
    """A home that can be stopped and started, with a clock that the test moves on."""

    def __init__(self, folder: Path, plan: dict[str, Any] = LIVED) -> None:
        self.folder, self.plan, self.clock = folder, plan, [START]
        self.said: list[Said] = []
        self.start()

    def start(self) -> None:
        self.journal = Journal(self.folder / "journal")
        parsed = parse_plan(self.plan, {})
        intake = Intake(
            [HomeDevice(device="sensor", patient="tester")],
            [Mapping(topic="s", device="sensor", metric="level", value="v", time="ts")],
            parsed.people,
            self.journal.facts(),
        )
        self.home = Home(self.journal, parsed, intake, TickingTime(shown=self.clock))
        self.home.on_said(self.said.append)
        self.home.caught_up()

    def stop(self) -> None:
        self.journal.close()

    def at(self, after: timedelta) -> datetime:
        """Move the clock on to so long after the start."""
        self.clock[0] = START + after
        return self.clock[0]

    def level(self, value: float) -> None:
        payload = encode({"v": value, "ts": self.clock[0].timestamp()})
        frame = MqttMessage(topic="s", payload=payload, received_at=self.clock[0])
        self.home.take([frame])

    def findings(self, rule: str) -> list[tuple[timedelta, str, str | None]]:
        found = self.journal.findings([rule], START - timedelta(days=9))
        return [(one.at - START, one.phase.value, one.suppressed) for one in found]

    def alerts(self) -> list[str]:
        return [alert.rule for alert in self.journal.last_alerts(100)]


H = timedelta(hours=1)
MIN = timedelta(minutes=1)


@pytest.fixture
def lived(tmp_path: Path) -> LivedIn:
    return LivedIn(tmp_path)


def test_a_home_that_was_off_does_not_take_its_own_silence_for_theirs(lived: LivedIn) -> None:
    lived.level(10.0)
    lived.at(1 * H)
    lived.home.stay_alive()
    lived.stop()
    boot = lived.at(11 * H)
    lived.start()
    assert [(one.value, one.taken_at) for one in offline(lived)] == [
        (1.0, START + H),
        (0.0, boot),
    ]
    assert lived.alerts() == []
    assert lived.findings("still") == [(3 * H, "suppressed", "kit.gateway_offline")]

    lived.at(14 * H + 59 * MIN)
    lived.home.wake()
    assert lived.alerts() == []
    rested = lived.at(15 * H)
    due = lived.home.wake_at()
    assert due is not None
    assert due <= rested + timedelta(milliseconds=1)
    lived.at(15 * H + MIN)
    lived.home.wake()
    assert lived.alerts() == ["still"], "silence for longer than the rest is theirs again"


def offline(lived: LivedIn) -> list[Any]:
    found = lived.journal.readings(["kit.gateway_offline"], BEFORE, START + timedelta(days=9))
    return list(found)


def test_movement_after_the_home_was_off_is_no_silence(lived: LivedIn) -> None:
    lived.level(10.0)
    lived.stop()
    lived.at(10 * H)
    lived.start()
    lived.at(12 * H)
    lived.level(11.0)
    lived.at(14 * H + 59 * MIN)
    lived.home.wake()
    assert lived.alerts() == []


SHORT = [
    pytest.param(2 * MIN, 0, id="a quick start leaves no trace"),
    pytest.param(2 * MIN + timedelta(seconds=1), 2, id="a longer one does"),
]


@pytest.mark.parametrize(("off_for", "readings"), SHORT)
def test_how_long_a_home_was_off(off_for: timedelta, readings: int, lived: LivedIn) -> None:
    lived.at(5 * H)
    lived.home.stay_alive()
    lived.stop()
    lived.at(5 * H + off_for)
    lived.start()
    assert len(offline(lived)) == readings


def test_a_home_that_heard_nothing_but_ran_was_not_off(lived: LivedIn) -> None:
    lived.level(10.0)
    for hour in range(1, 6):
        lived.at(hour * H)
        lived.home.stay_alive()
        lived.home.wake()
    assert lived.alerts() == ["still"]
    lived.stop()
    lived.at(5 * H + MIN)
    lived.start()
    assert offline(lived) == []
    assert lived.alerts() == ["still"], "an alert of the quiet hours stands"


def test_a_state_that_someone_set_holds_rules_back(lived: LivedIn) -> None:
    lived.home.set_state("tester", "person.away", True, "page:tester")
    lived.at(MIN)
    lived.level(91.0)
    assert lived.findings("high") == [(MIN, "suppressed", "person.away")]
    lived.stop()
    lived.start()
    lived.at(2 * MIN)
    lived.home.set_state("tester", "person.away", False, "staff:sam")
    lived.level(91.5)
    assert [phase for _, phase, _ in lived.findings("high")] == ["suppressed", "active"]
    (newest,) = [one for one in lived.journal.latest("tester") if one.metric == "person.away"]
    assert (newest.device, newest.value) == ("staff:sam", 0.0)


REFUSED_STATES = [
    pytest.param("joan", "person.away", "sam", "people", id="another person"),
    pytest.param("tester", "level", "sam", "no state", id="a measurement"),
    pytest.param("tester", "kit.gateway_offline", "sam", "no state", id="the gateway's own"),
    pytest.param("tester", "person.died", " ", "Say who", id="by nobody"),
]


@pytest.mark.parametrize(("patient", "metric", "by", "words"), REFUSED_STATES)
def test_a_state_that_can_not_be_set(
    patient: str, metric: str, by: str, words: str, lived: LivedIn
) -> None:
    with pytest.raises(ValueError, match=words):
        lived.home.set_state(patient, metric, True, by)


def test_a_prompt_of_the_night_is_shown_and_said_in_the_morning(tmp_path: Path) -> None:
    lived = LivedIn(tmp_path, {**LIVED, "rules": LIVED["rules"][1:2]})  # type: ignore[index]
    night = lived.at(16 * H)
    lived.level(91.0)
    assert lived.journal.open_prompts(night) == []
    assert [prompt for one in lived.said for prompt in one.prompts] == []
    assert lived.home.wake_at() == START + 24 * H
    lived.stop()
    lived.at(24 * H)
    lived.start()
    lived.home.wake()
    (shown,) = lived.journal.open_prompts(lived.home.now())
    assert [prompt for one in lived.said for prompt in one.prompts] == [shown.prompt]


def test_a_repeat_is_asked_for_and_closed_when_it_came(lived: LivedIn) -> None:
    lived.level(96.0)
    asked = [one for one in lived.journal.open_prompts(START) if one.prompt.rule == "higher"]
    assert [one.prompt.text for one in asked] == ["again"]
    lived.at(6 * MIN)
    lived.level(97.0)
    assert [phase for _, phase, _ in lived.findings("higher")] == ["pending", "active"]
    assert lived.alerts() == ["higher"]
    assert lived.journal.prompt(asked[0].prompt.id).state == "answered"  # type: ignore[union-attr]


def test_a_better_reading_closes_the_prompt_that_asked_for_it(tmp_path: Path) -> None:
    rules = LIVED["rules"]
    gated = {**rules[1], "debounce": {"quality_gate": ["unusual"]}}  # type: ignore[index]
    gated["then"] = {"tier": "T3", "text": "said", "repeat": "again"}
    lived = LivedIn(tmp_path, {**LIVED, "rules": [gated]})
    poor = Reading(
        id="1" * 32,
        patient="tester",
        device="sensor",
        metric="level",
        value=91.0,
        unit="1",
        taken_at=START,
        received_at=START,
        quality=(Quality.UNUSUAL,),
    )
    with lived.journal.transaction():
        lived.journal.add_readings([(poor, None)])
    lived.stop()
    lived.start()
    (asked,) = lived.journal.open_prompts(lived.at(MIN))
    assert asked.prompt.text == "again"
    lived.level(10.0)
    assert lived.journal.open_prompts(lived.at(2 * MIN)) == []
    assert lived.alerts() == []


def test_a_snooze_survives_a_restart_ends_and_is_sent(lived: LivedIn) -> None:
    end = START + H
    snooze = lived.home.snooze(
        "tester", "levels", Direction.UP, Tier.T3, end, "Sam", "seen this morning"
    )
    lived.stop()
    lived.start()
    for minute in (1, 7):
        lived.at(minute * MIN)
        lived.level(96.0)
    assert [phase for _, phase, _ in lived.findings("higher")] == ["pending", "active"]
    assert lived.alerts() == []
    sent = [one for one in lived.journal.outbox(Lane.URGENT, "home-1", 9) if one.kind == "snooze"]
    assert [decode_body(one) for one in sent] == [snooze]
    for minute in (20, 61, 67):
        lived.at(minute * MIN)
        lived.level(10.0 if minute == 20 else 96.0)
    assert lived.alerts() == ["higher"]


REFUSED_SNOOZES = [
    pytest.param("levels", Tier.T3, timedelta(days=8), "7 days", id="too long"),
    pytest.param("levels", Tier.T4, H, "30 minutes", id="T4 too long"),
    pytest.param("levels", Tier.T5, MIN, "emergency", id="an emergency"),
    pytest.param("others", Tier.T3, H, "care plan", id="nothing of that kind"),
]


@pytest.mark.parametrize(("family", "tier", "length", "words"), REFUSED_SNOOZES)
def test_a_snooze_that_is_refused_leaves_no_trace(
    family: str, tier: Tier, length: timedelta, words: str, lived: LivedIn
) -> None:
    with pytest.raises(ValueError, match=words):
        lived.home.snooze("tester", family, Direction.UP, tier, START + length, "Sam", "seen")
    assert lived.journal.snoozes.of("tester") == []
