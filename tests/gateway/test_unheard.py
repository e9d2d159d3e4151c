"""A rule that waits for what no device of the home tells is named, with what to do about it."""

import json
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from pathlib import Path

import pytest

from devices.mapping import Mapping
from devices.model import MqttMessage
from gateway.config import HomeDevice
from gateway.doctor import examine
from gateway.home import Home
from gateway.intake import Intake
from gateway.journal import Journal
from gateway.unheard import heard_so_far, told_by, waiting
from plumbing.clock import HomeTime
from plumbing.processes import free_port
from rules.model import Plan
from rules.plan import parse_plan

TEXTS = {"words": {"person": "Please look.", "nurse": "Look.", "log": "look"}}
RULES: dict[str, tuple[str, dict[str, object]]] = {
    "threshold": ("threshold", {"metric": "smoke", "at_least": 1}),
    "missed": ("absence", {"metrics": ["medicine_box_open"], "by": "09:00"}),
    "either": ("absence", {"metrics": ["kettle_on", "fridge_open"], "by": "10:00"}),
    "night-door": ("sequence", {"first": "door_open", "then": "movement", "within": "10min"}),
    "fall": (
        "sequence",
        {
            "first": "fall_suspected",
            "then": "fall_cancelled",
            "or_then": ["im_ok"],
            "within": "20s",
        },
    ),
    "still": ("inactivity", {"metrics": ["movement", "im_ok"]}),
    "both": ("all", {"of": [{"metric": "smoke"}, {"metric": "heat"}]}),
    "one": ("any", {"of": [{"metric": "smoke"}, {"metric": "heat"}]}),
    "answer": ("answer", {"metrics": ["symptom.breathless"]}),
    "away": ("threshold", {"metric": "person.away", "at_least": 1}),
    "unanswered": ("absence", {"metrics": ["im_ok"], "after": "rule.threshold", "within": "15min"}),
}
CASES: dict[str, tuple[str, set[str], tuple[tuple[str, ...], bool] | None]] = {
    "nothing could set it off": ("threshold", set(), (("smoke",), False)),
    "its alarm is there": ("threshold", {"smoke"}, None),
    "it would be missed each day": ("missed", {"movement"}, (("medicine_box_open",), True)),
    "the box is there": ("missed", {"medicine_box_open"}, None),
    "neither of two signs": ("either", set(), (("kettle_on", "fridge_open"), True)),
    "one sign of two is enough": ("either", {"fridge_open"}, None),
    "no door": ("night-door", {"movement"}, (("door_open",), False)),
    "a door, and nobody could be seen to come back": (
        "night-door",
        {"door_open"},
        (("movement",), True),
    ),
    "a door and movement": ("night-door", {"door_open", "movement"}, None),
    "a person's word does where it was asked for": ("fall", {"fall_suspected"}, None),
    "a person's word is no sensor": ("still", set(), (("movement",), True)),
    "one of both": ("both", {"smoke"}, (("heat",), False)),
    "one of either": ("one", {"heat"}, None),
    "answers need no device": ("answer", set(), None),
    "states need no device": ("away", set(), None),
}


def plan_with(*names: str) -> Plan:
    rules = [
        {
            "id": name,
            "for": "margaret",
            "kind": RULES[name][0],
            "params": RULES[name][1],
            "then": {"tier": "T1", "text": "words"},
        }
        for name in names
    ]
    people = [{"id": one, "name": one.title()} for one in ("margaret", "joan")]
    return parse_plan({"version": "1", "people": people, "rules": rules, "texts": TEXTS}, {})


@pytest.mark.parametrize(("rule", "told", "expected"), CASES.values(), ids=CASES)
def test_a_rule_waits_for_what_no_device_tells(
    rule: str, told: Collection[str], expected: tuple[tuple[str, ...], bool] | None
) -> None:
    found = waiting(plan_with(rule), {"margaret": told})
    assert [(one.metrics, one.for_nothing) for one in found] == ([expected] if expected else [])


def test_rules_that_wait_for_the_same_are_told_together() -> None:
    (found,) = waiting(plan_with("threshold", "one"), {"margaret": {"heat"}})
    assert found.rules == ("threshold",)
    assert "threshold (margaret) waits for smoke, which no device here reports" in found.words


def test_what_another_person_is_measured_by_is_not_this_ones() -> None:
    assert waiting(plan_with("threshold"), {"joan": {"smoke"}})


def test_the_remedy_names_the_role_that_would_do() -> None:
    (found,) = waiting(plan_with("missed"), {})
    assert "give one the role medicine-box" in found.remedy


def device(name: str, kind: str = "zigbee2mqtt", role: str = "") -> HomeDevice:
    return HomeDevice(device=name, patient="margaret", kind=kind, role=role)


@pytest.mark.parametrize(
    ("one", "heard", "tells", "tells_not"),
    [
        (device("a"), (), {"door_open", "smoke", "sos_pressed"}, {"medicine_box_open"}),
        (
            device("a"),
            ("door_open", "battery"),
            {"door_open", "battery", "sos_pressed"},
            {"smoke", "movement"},
        ),
        (
            device("a", role="medicine-box"),
            ("battery", "door_open", "medicine_box_open"),
            {"medicine_box_open", "battery"},
            {"door_open", "smoke"},
        ),
        (device("a", kind="gatt.blood_pressure"), (), {"systolic_pressure"}, {"door_open"}),
        (device("mapped", kind=""), (), {"body_weight"}, {"door_open"}),
        (device("a", kind=""), ("level",), {"level"}, {"door_open"}),
    ],
    ids=[
        "never heard: all that its kind can",
        "heard: that, and events",
        "in its place",
        "a cuff",
        "a mapping",
        "of no kind",
    ],
)
def test_a_device_tells_what_was_heard_of_it_or_what_its_kind_can(
    one: HomeDevice, heard: Collection[str], tells: set[str], tells_not: set[str]
) -> None:
    mapping = Mapping(topic="t", device="mapped", metric="body_weight", unit="kg")
    told = told_by([one], [mapping], {one.device: heard})["margaret"]
    assert tells <= told
    assert not tells_not & told


@pytest.fixture
def settings(tmp_path: Path) -> Callable[[str], Path]:
    """Settings of a home whose plan watches the medicine box, with these devices."""

    def write(devices: str) -> Path:
        (tmp_path / "plan.yaml").write_text(
            'version: "1"\n'
            "people: [{id: margaret, name: Margaret}]\n"
            "rules:\n"
            "  - {id: missed, for: margaret, kind: absence, then: {tier: T1, text: words},\n"
            '     params: {metrics: [medicine_box_open], by: "09:00"}}\n'
            f"texts: {json.dumps(TEXTS)}\n"
        )
        path = tmp_path / "gateway.toml"
        path.write_text(
            'id = "home-1"\ndata = "data"\nplan = "plan.yaml"\n'
            f'[server]\nurl = "http://127.0.0.1:{free_port()}"\n{devices}'
        )
        return path

    return write


BOX = '[[devices]]\ndevice = "zigbee2mqtt/box"\nkind = "zigbee2mqtt"\npatient = "margaret"\n'


def test_doctor_names_the_rule_and_is_content_with_the_role(
    settings: Callable[[str], Path],
) -> None:
    def said(devices: str) -> list[str]:
        parts = examine(settings(devices))
        return [part.trouble for part in parts if "medicine_box_open" in part.state]

    (trouble,) = said(BOX)
    assert "role medicine-box" in trouble
    assert said(BOX + 'role = "medicine-box"\n') == []


def test_what_was_heard_and_added_at_home_is_read_from_the_journal(tmp_path: Path) -> None:
    plan = plan_with("missed")
    path = tmp_path / "journal.sqlite3"
    journal = Journal(path)
    hall = device("zigbee2mqtt/hall")
    home = Home(journal, plan, Intake([hall], [], plan.people, {}), HomeTime())
    at = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)
    content = b'{"occupancy": true, "battery": 90}'
    home.take([MqttMessage(topic=hall.device, payload=content, received_at=at)])
    journal.close()
    added, heard = heard_so_far(path)
    assert added == []
    assert heard == {"zigbee2mqtt/hall": {"movement", "battery"}}
