"""What a Home Assistant is told: keys as it documents them, and states as the home has them."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from devices.mapping import Mapping
from devices.metrics import METRICS
from devices.model import MqttMessage
from devices.registry import match
from gateway.config import HomeDevice
from gateway.home import Home
from gateway.homeassistant import Announced, HomeAssistant, announced, commands, extras, leave
from gateway.homeassistant_table import (
    CARE_TEAM_STATES,
    LONGEST_STATE,
    PRESS,
    SENSORS,
    Topics,
    config,
    cut,
    part,
    platforms,
)
from gateway.intake import Intake
from gateway.journal import Journal
from plumbing.clock import HomeTime
from rules.model import Person
from rules.plan import parse_plan
from rules.records import Notice, encode

START = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)
MARGARET = Person(id="margaret", name="Margaret Ellis")
JOAN = Person(id="joan", name="Joan Hart")

COMMON = {"platform", "name", "unique_id", "icon", "device_class", "entity_category"}
STATED = COMMON | {"state_topic", "value_template", "json_attributes_topic"}
# home-assistant.io: integrations/sensor.mqtt, binary_sensor.mqtt, button.mqtt.
PLATFORMS = {
    "sensor": (
        {"state_topic"},
        STATED
        | {
            "json_attributes_template",
            "options",
            "state_class",
            "suggested_display_precision",
            "unit_of_measurement",
        },
    ),
    "binary_sensor": ({"state_topic"}, STATED),
    "button": ({"command_topic"}, COMMON | {"command_topic", "payload_press"}),
}
"""Platform -> keys that it must have, keys that it may have (of those that we use)."""
# home-assistant/core, homeassistant/components/sensor/const.py: DEVICE_CLASS_UNITS.
UNITS = {
    "weight": {"kg", "g", "mg", "µg", "oz", "lb", "st"},
    "temperature": {"°C", "°F", "K"},
    "blood_glucose_concentration": {"mg/dL", "mmol/L"},
}


def made(*people: Person, **gone: str) -> dict[str, Any]:
    people = people or (MARGARET, JOAN)
    return config("home-1", people, {one.id: SENSORS for one in people}, "homebeat 1", gone)


COMPONENTS = made()["components"]


@pytest.mark.parametrize("component", COMPONENTS.values(), ids=COMPONENTS)
def test_a_component_has_the_keys_that_home_assistant_documents(component: dict[str, Any]) -> None:
    required, possible = PLATFORMS[component["platform"]]
    assert required | {"platform", "unique_id", "name"} <= set(component) <= possible


@pytest.mark.parametrize("component", COMPONENTS.values(), ids=COMPONENTS)
def test_a_component_shows_only_classes_units_and_options_that_go_together(
    component: dict[str, Any],
) -> None:
    unit, kind = component.get("unit_of_measurement"), component.get("device_class")
    assert kind is None or unit is None or unit in UNITS[kind]
    assert (kind == "enum") == ("options" in component)
    assert ("state_class" in component) == (unit is not None)


def test_a_blood_pressure_is_no_pressure_of_the_air_that_could_become_inches() -> None:
    for metric in ("systolic_pressure", "diastolic_pressure"):
        assert "device_class" not in COMPONENTS[f"margaret_{metric}"]
        assert COMPONENTS[f"margaret_{metric}"]["unit_of_measurement"] == "mmHg"


def test_the_device_form_has_what_it_must_have() -> None:
    document = made()
    assert document["device"]["identifiers"] == ["homebeat_home-1"]
    assert document["origin"]["name"] == "Homebeat"
    assert document["availability"] == [{"topic": "homebeat/home-1/availability"}]
    assert set(document) == {"device", "origin", "availability", "qos", "components"}


def test_unique_ids_are_unique_and_never_change() -> None:
    ids = [component["unique_id"] for component in COMPONENTS.values()]
    assert len(set(ids)) == len(ids)
    assert [one for one in ids if "joan" not in one] == [
        "homebeat_home-1_server",
        *(
            f"homebeat_home-1_margaret_{what}"
            for what in (
                "prompts",
                "says",
                "needs_help",
                "care_team",
                "im_ok",
                "body_weight",
                "systolic_pressure",
                "diastolic_pressure",
                "pulse_rate",
                "oxygen_saturation",
                "body_temperature",
                "blood_glucose",
                "sensor_glucose",
                "respiratory_rate",
            )
        ),
    ]


def test_a_new_name_or_another_person_changes_no_id_of_the_others() -> None:
    renamed = made(Person(id="margaret", name="Maggie Ellis"))["components"]
    assert {key: COMPONENTS[key]["unique_id"] for key in renamed} == {
        key: each["unique_id"] for key, each in renamed.items()
    }


@pytest.mark.parametrize("ident", ["home-1", "home 1", "home/1", "home_1", "hôme#1", "+"])
def test_any_id_makes_a_topic_that_home_assistant_takes_and_no_two_clash(ident: str) -> None:
    topics = Topics(ident)
    assert re.fullmatch(r"homeassistant/device/[a-zA-Z0-9_-]+/config", topics.config)
    assert re.fullmatch(r"[a-zA-Z0-9_/-]+", topics.prompts(ident))
    others = {"home-1", "home 1", "home/1", "home_1", "hôme#1", "+"} - {ident}
    assert part(ident) not in {part(other) for other in others}


def test_what_is_gone_is_taken_away_by_its_platform_alone() -> None:
    before = platforms(made())
    components = made(MARGARET, **before)["components"]
    assert components["joan_prompts"] == {"platform": "sensor"}
    assert components["joan_im_ok"] == {"platform": "button"}
    assert components["margaret_prompts"] == COMPONENTS["margaret_prompts"]
    assert set(platforms(made(MARGARET, **before))) == {
        key for key in before if not key.startswith("joan")
    }


def test_what_was_never_measured_is_no_entity() -> None:
    document = config("home-1", [MARGARET], {"margaret": ["body_weight"]}, "homebeat 1", {})
    units = {key for key, each in document["components"].items() if "unit_of_measurement" in each}
    assert units == {"margaret_body_weight"}


@pytest.mark.parametrize(
    "words",
    ["Drink something.", "a" * LONGEST_STATE, "Stay where you are. " * 40, "é" * 400],
    ids=["short", "just-fits", "many-words", "one-long-word"],
)
def test_words_fit_into_a_state(words: str) -> None:
    assert 0 < len(cut(words)) <= LONGEST_STATE
    assert (cut(words) == words) == (len(words) <= LONGEST_STATE)
    assert cut(words).rstrip("…") in words


def decoded(topic: str, payload: bytes, known: dict[str, object]) -> Any:
    message = MqttMessage(topic=topic, payload=payload, received_at=START)
    device = match(MqttMessage(topic=Topics("home-1").config, payload=b"", received_at=START))
    assert device is not None
    return device.decode(message, known)


def test_our_own_reader_takes_every_template_and_reads_what_they_lead_to() -> None:
    facts = decoded(Topics("home-1").config, encode(made()), {}).facts
    (entities,) = [fact.value for fact in facts if fact.name == "entities"]
    assert {entity["component"] for entity in entities} == {
        "sensor",
        "binary_sensor",
        "button",
        "availability",
    }
    assert not [one for one in entities if "template" in str(one.get("problem", ""))]
    topic = Topics("home-1").prompts("margaret")
    known = {fact.name: fact.value for fact in facts if fact.device == topic}
    said = decoded(topic, encode({"open": 1, "says": "Sit down.", "needs_help": "ON"}), known)
    assert [(one.metric, one.value) for one in said.measurements] == [("problem", 1.0)]


class Broker:
    """Remembers what is retained, and every message."""

    def __init__(self) -> None:
        self.retained: dict[str, bytes] = {}
        self.messages: list[str] = []
        self.takes = True

    def publish(self, topic: str, payload: bytes) -> bool:
        if self.takes:
            self.messages.append(topic)
            self.retained[topic] = payload
            self.retained = {key: kept for key, kept in self.retained.items() if kept}
        return self.takes

    def state(self, topic: str) -> Any:
        return msgspec.json.decode(self.retained[topic])


PLAN = {
    "version": "1",
    "people": [{"id": "margaret", "name": "Margaret Ellis"}, {"id": "joan", "name": "Joan Hart"}],
    "rules": [
        {
            "id": "heavy",
            "for": "margaret",
            "kind": "threshold",
            "params": {"metric": "body_weight", "above": "90 kg"},
            "then": {"tier": "T1", "text": "heavy", "ask": ["symptom.pillows"]},
            "source": "a limit for tests",
        },
        {
            "id": "very-heavy",
            "for": "margaret",
            "kind": "threshold",
            "params": {"metric": "body_weight", "above": "120 kg"},
            "then": {"tier": "T4", "text": "very-heavy"},
            "source": "a limit for tests",
        },
    ],
    "texts": {
        "heavy": {"person": "You weigh more.", "nurse": "Heavy.", "log": "heavy"},
        "very-heavy": {"person": "Help is being called. " * 30, "nurse": "Heavy.", "log": "heavy"},
    },
}


class FrozenTime(HomeTime, frozen=True):
    def now(self) -> datetime:
        return START


class Rig:
    """A home of two people with a scale of Margaret's, and a Home Assistant that is told of it."""

    def __init__(self, folder: Path, people: int = 2) -> None:
        plan = parse_plan({**PLAN, "people": PLAN["people"][:people]}, {})  # type: ignore[index]
        self.journal = Journal(folder / "journal")
        intake = Intake(
            [HomeDevice(device="scale", patient="margaret")],
            [Mapping(topic="s", device="scale", metric="body_weight", value="v", unit="kg")],
            plan.people,
            self.journal.facts(),
        )
        self.home = Home(self.journal, plan, intake, FrozenTime())
        self.broker = Broker()
        self.reached = False
        self.shown = HomeAssistant(
            "home-1", self.home, FrozenTime().now, self.is_reached, self.broker.publish, "test"
        )
        self.topics = Topics("home-1")

    def is_reached(self) -> bool:
        return self.reached

    def weigh(self, value: float, minute: int = 0) -> None:
        at = START + timedelta(minutes=minute)
        message = MqttMessage(topic="s", payload=encode({"v": value}), received_at=at)
        self.home.take([message])

    def prompts(self, person: str = "margaret") -> Any:
        self.shown.look()
        return self.broker.state(self.topics.prompts(person))


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


def test_a_quiet_home_says_so(rig: Rig) -> None:
    assert rig.prompts() == {
        "open": 0,
        "says": "Nothing just now",
        "sentence": None,
        "needs_help": "OFF",
        "care_team": "none",
    }


def test_an_open_prompt_is_counted_and_said_in_the_words_for_the_person(rig: Rig) -> None:
    rig.weigh(95.0)
    said = rig.prompts()
    assert (said["open"], said["says"], said["questions"]) == (1, "You weigh more.", 1)
    assert (said["sentence"], said["needs_help"]) == ("You weigh more.", "OFF")
    assert rig.prompts("joan")["open"] == 0


def test_an_urgent_prompt_needs_help_and_its_words_fit(rig: Rig) -> None:
    rig.weigh(130.0)
    said = rig.prompts()
    assert (said["open"], said["needs_help"], said["care_team"]) == (2, "ON", "on its way")
    assert len(said["says"]) <= LONGEST_STATE < len(said["sentence"])


@pytest.mark.parametrize(
    ("state", "shown"),
    [
        ("open", "arrived"),
        ("escalated", "passed on"),
        ("acknowledged", "seen"),
        ("resolved", "dealt with"),
        ("of-a-newer-server", "arrived"),
    ],
)
def test_what_became_of_the_message_to_the_care_team_is_shown(
    rig: Rig, state: str, shown: str
) -> None:
    rig.weigh(130.0)
    (alert,) = rig.journal.last_alerts(5)
    notice = Notice(seq=1, alert=alert.id, patient="margaret", state=state, by="Sam", at=START)
    rig.home.keep_notices([notice])
    assert rig.prompts()["care_team"] == shown
    assert shown in CARE_TEAM_STATES


def test_the_last_reading_is_shown_with_its_time_until_it_is_put_right(rig: Rig) -> None:
    rig.weigh(80.04)
    rig.weigh(81.0, minute=1)
    rig.shown.look()
    shown = rig.broker.state(rig.topics.readings("margaret"))
    assert shown["body_weight"] == 81.0
    assert shown["body_weight_about"]["taken_at"] == "2026-03-02T07:01:00Z"
    wrong = rig.journal.newest("margaret", "body_weight")
    assert wrong is not None
    rig.home.correct(wrong.id, "slip")
    rig.shown.look()
    assert rig.broker.state(rig.topics.readings("margaret"))["body_weight"] == 80.0
    assert METRICS["body_weight"].decimals == 1


def test_a_first_reading_makes_its_entity(rig: Rig) -> None:
    rig.shown.look()
    assert "margaret_body_weight" not in rig.broker.state(rig.topics.config)["components"]
    rig.weigh(80.0)
    rig.shown.look()
    assert "margaret_body_weight" in rig.broker.state(rig.topics.config)["components"]


def test_whether_the_server_is_reached_is_shown_without_a_commit(rig: Rig) -> None:
    rig.shown.look()
    assert rig.broker.retained[rig.topics.server] == b"OFF"
    rig.reached = True
    rig.shown.look()
    assert rig.broker.retained[rig.topics.server] == b"ON"


def test_only_what_changed_is_said_and_all_of_it_at_a_new_connection(rig: Rig) -> None:
    rig.shown.look()
    everything = rig.broker.messages[:]
    assert everything[0] == rig.topics.config
    rig.broker.messages.clear()
    rig.shown.look()
    assert rig.broker.messages == []
    rig.shown.greet()
    rig.shown.look()
    assert rig.broker.messages == everything


def test_what_the_broker_did_not_take_is_said_again(rig: Rig) -> None:
    rig.broker.takes = False
    rig.shown.look()
    rig.broker.takes = True
    rig.shown.look()
    assert rig.broker.retained[rig.topics.availability] == b"online"


def test_a_press_is_the_person_s_own_word(rig: Rig) -> None:
    press = commands("home-1", rig.home)[rig.topics.im_ok("joan")]
    press(PRESS)
    said = rig.journal.newest("joan", "im_ok")
    assert said is not None
    assert said.value == 1.0
    assert rig.journal.newest("margaret", "im_ok") is None


@pytest.mark.parametrize("payload", [b"", b"OFF", b"press", b"\xff"])
def test_what_is_no_press_is_nobody_s_word(rig: Rig, payload: bytes) -> None:
    commands("home-1", rig.home)[rig.topics.im_ok("joan")](payload)
    assert rig.journal.newest("joan", "im_ok") is None


def test_a_person_who_left_is_taken_away_with_all_that_was_shown_of_them(tmp_path: Path) -> None:
    before = Rig(tmp_path)
    before.shown.look()
    retained = before.broker.retained
    before.journal.close()
    after = Rig(tmp_path, people=1)
    after.broker.retained = retained
    after.shown.look()
    assert not any("joan" in topic for topic in after.broker.retained)
    components = after.broker.state(after.topics.config)["components"]
    assert components["joan_im_ok"] == {"platform": "button"}
    unheard = extras("home-1", after.home, shown=True).unheard
    assert unheard == (after.topics.im_ok("joan"),)


def test_switched_off_it_takes_away_all_that_it_showed_and_listens_no_more(
    tmp_path: Path,
) -> None:
    before = Rig(tmp_path)
    before.weigh(95.0)
    before.shown.look()
    retained = before.broker.retained
    assert retained
    before.journal.close()
    after = Rig(tmp_path)
    after.broker.retained = retained
    leave(after.home, after.broker.publish)
    assert after.broker.retained == {}
    left = extras("home-1", after.home, shown=False)
    assert (left.availability, dict(left.commands)) == ("", {})
    assert set(left.unheard) == {after.topics.im_ok("joan"), after.topics.im_ok("margaret")}


def test_a_home_that_never_showed_anything_sends_nothing(rig: Rig) -> None:
    leave(rig.home, rig.broker.publish)
    assert rig.broker.messages == []
    assert announced(rig.home) == Announced()
