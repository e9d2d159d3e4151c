"""A device is added at home, counts at once, and is proved by a second reading after a break."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from devices.mapping import Mapping
from devices.model import Advertisement, CharacteristicValue, MqttMessage, Raw, Reading
from gateway.ble.settings import BleDevice
from gateway.ble.state import RadioState, Stranger
from gateway.config import HomeDevice
from gateway.enrol import (
    BREAK,
    IN_WORDS,
    TRANSITIONS,
    Enrolled,
    Stage,
    Step,
    add,
    change,
    hear,
    step,
)
from gateway.home import Home
from gateway.intake import Intake
from gateway.journal import Journal
from gateway.kit import MOST_FOUND, Found
from gateway.onboarding import Onboarding, devices_of
from gateway.page.kit import kit_view
from gateway.run import ble_device
from plumbing.clock import HomeTime
from rules.model import Lane
from rules.plan import parse_plan
from rules.records import DeviceState, RecordKind, decode_body

AT = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)
CUFF = "A4:C1:38:00:00:02"
DOOR = "A4:C1:38:00:00:05"
BTHOME = "0000fcd2-0000-1000-8000-00805f9b34fb"
PLAN = {
    "version": "1",
    "people": [
        {"id": "margaret", "name": "Margaret Ellis", "timezone": "UTC"},
        {"id": "joan", "name": "Joan Ellis", "timezone": "UTC"},
    ],
    "rules": [],
    "texts": {},
}


def cuff(people: tuple[str, ...] = ("margaret",)) -> Enrolled:
    return add(CUFF, "gatt.blood_pressure", "Cuff", people, "", AT)


def reading(heard_s: float, taken_s: float | None = None) -> Reading:
    heard_at = AT + timedelta(seconds=heard_s)
    taken_at = heard_at if taken_s is None else AT + timedelta(seconds=taken_s)
    return Reading(
        id=f"{heard_s}/{taken_s}",
        patient="margaret",
        device=CUFF,
        metric="pulse_rate",
        value=60,
        unit="/min",
        taken_at=taken_at,
        received_at=heard_at,
    )


BREAK_S = BREAK.total_seconds()


@pytest.mark.parametrize("stage", list(Stage))
def test_each_stage_says_what_to_do_next_until_it_is_proved(stage: Stage) -> None:
    assert IN_WORDS[stage].state
    assert bool(IN_WORDS[stage].next) is (stage is not Stage.PROVED)


def test_the_stages_are_one_chain_from_found_to_proved() -> None:
    assert list(TRANSITIONS.values()) == list(Stage)[1:]
    assert [before for before, _ in TRANSITIONS] == list(Stage)[:-1]


@pytest.mark.parametrize("stage", list(Stage))
@pytest.mark.parametrize("happened", list(Step))
def test_a_step_out_of_turn_changes_nothing(stage: Stage, happened: Step) -> None:
    before = Enrolled(
        device=CUFF, kind="", name="", people=(), bindkey="", added_at=AT, stage=stage
    )
    assert step(before, happened).stage is TRANSITIONS.get((stage, happened), stage)


@pytest.mark.parametrize(
    ("readings", "stage"),
    [
        ([], Stage.ASSIGNED),
        ([reading(0)], Stage.FIRST_READING),
        ([reading(0), reading(BREAK_S - 1)], Stage.FIRST_READING),
        ([reading(0), reading(BREAK_S)], Stage.PROVED),
        ([reading(n) for n in range(0, 600, 60)], Stage.FIRST_READING),
        ([reading(0), reading(500, taken_s=-900)], Stage.FIRST_READING),
        ([reading(0), reading(500, taken_s=-900), reading(1000)], Stage.PROVED),
    ],
    ids=[
        "nothing yet",
        "one",
        "too soon",
        "after a break",
        "never silent",
        "an older one that it stored",
        "then a new one",
    ],
)
def test_a_device_is_proved_by_a_later_reading_after_a_silence(
    readings: list[Reading], stage: Stage
) -> None:
    enrolled = cuff()
    for one in readings:
        enrolled = hear(enrolled, one)
    assert enrolled.stage is stage


def test_a_new_name_or_person_leaves_it_proved() -> None:
    enrolled = hear(hear(cuff(), reading(0)), reading(BREAK_S))
    assert change(enrolled, "Cuff", ("joan",), "").stage is Stage.PROVED
    assert change(cuff(()), "Cuff", ("joan",), "").stage is Stage.ASSIGNED
    assert cuff(()).stage is Stage.NAMED


class FrozenTime(HomeTime, frozen=True):
    def now(self) -> datetime:
        return AT


class Opened:
    """One home on a folder, with a radio that only notes what it is told."""

    def __init__(self, folder: Path, configured: tuple[HomeDevice, ...] = ()) -> None:
        self.journal = Journal(folder / "journal")
        plan = parse_plan(PLAN, {})
        mappings = [Mapping(topic="t", device="stick", metric="movement")]
        devices = devices_of(configured, self.journal)
        intake = Intake(devices, mappings, plan.people, self.journal.facts())
        self.home = Home(self.journal, plan, intake, FrozenTime())
        self.told: list[tuple[str, BleDevice]] = []
        self.state = RadioState()
        radio = SimpleNamespace(
            state=self.state,
            enrol=lambda device: self.told.append(("enrol", device)),
            dismiss=lambda device: self.told.append(("dismiss", device)),
        )
        self.desk = Onboarding(
            self.home, configured, radio, lambda one: ble_device(one, plan.people)
        )
        self.desk.loop = SimpleNamespace(  # type: ignore[assignment]
            call_soon_threadsafe=lambda tell, device: tell(device)
        )

    def readings(self, metric: str) -> list[tuple[str, float]]:
        found = self.journal.readings([metric], AT - timedelta(days=9), AT + timedelta(days=9))
        return [(one.patient, one.value) for one in found]

    def stages(self) -> list[str]:
        """As the server hears of them."""
        bodies = [
            decode_body(record)
            for record in self.journal.outbox(Lane.BULK, "home-1", 99)
            if record.kind == RecordKind.DEVICE
        ]
        return [body.value["stage"] for body in bodies if isinstance(body, DeviceState)]


Open = Callable[..., Opened]


@pytest.fixture
def open_home(tmp_path: Path) -> Open:
    opened: list[Opened] = []

    def opens(*configured: HomeDevice) -> Opened:
        for one in opened:
            one.journal.close()
        opened[:] = [Opened(tmp_path, configured)]
        return opened[0]

    return opens


def door(data: str = "4400072d01", after_s: float = 0, address: str = DOOR) -> Advertisement:
    return Advertisement(
        address=address,
        name="SBDW-002C",
        received_at=AT + timedelta(seconds=after_s),
        service_data={BTHOME: bytes.fromhex(data)},
    )


def pressure(after_s: float = 0) -> CharacteristicValue:
    return CharacteristicValue(
        address=CUFF,
        characteristic="2A35",
        value=bytes.fromhex("00800051005d00"),
        received_at=AT + timedelta(seconds=after_s),
    )


def mqtt(topic: str, payload: str, after_s: float = 0, retained: bool = False) -> MqttMessage:
    return MqttMessage(
        topic=topic,
        payload=payload.encode(),
        received_at=AT + timedelta(seconds=after_s),
        retained=retained,
    )


@pytest.mark.parametrize(
    ("frame", "device", "kind", "says"),
    [
        (door(), DOOR, "bthome", "Window"),
        (pressure(), CUFF, "gatt.blood_pressure", "Systolic blood pressure"),
        (
            mqtt("zigbee2mqtt/hall", '{"occupancy": true}'),
            "zigbee2mqtt/hall",
            "zigbee2mqtt",
            "Movement",
        ),
        (mqtt("t", "on"), "stick", "", "Movement"),
    ],
    ids=["an advertisement", "a value", "a family on the broker", "a mapping"],
)
def test_what_is_understood_and_nobodys_is_found_nearby_and_can_be_added(
    open_home: Open, frame: Raw, device: str, kind: str, says: str
) -> None:
    home = open_home()
    home.home.take([frame])
    (found,) = home.desk.kit().nearby
    assert (found.device, found.kind) == (device, kind)
    assert says in found.says
    assert home.desk.enrol(device, "  My   thing ", ["margaret"]).name == "My thing"
    assert home.desk.kit().nearby == ()


def test_a_sealed_advertisement_is_found_and_read_once_its_key_is_entered(open_home: Open) -> None:
    # https://bthome.io/encryption, the example at its end
    address, key = "54:48:E6:8F:80:A5", "231d39c1d7cc1ab1aee224cd096db932"
    sealed = door("41a47266c95f730011223378237214", address=address)
    home = open_home()
    home.home.take([sealed])
    (found,) = home.desk.kit().nearby
    assert (found.device, found.sealed) == (address, True)
    home.desk.enrol(address, "Bathroom", ["margaret"], key.upper())
    home.home.take([door("41a47266c95f730011223378237214", 90, address)])
    assert home.readings("room_temperature") == [("margaret", 25.06)]
    home = open_home()
    home.home.take([door("41a47266c95f730011223378237214", 900, address)])
    assert home.journal.refusals(9)[0].count == 1


def test_a_health_device_that_the_radio_met_is_added_and_visited_at_once(open_home: Open) -> None:
    home = open_home()
    home.state.strangers[CUFF] = Stranger(CUFF, "gatt.blood_pressure", "BM54", AT)
    (found,) = home.desk.kit().nearby
    assert (found.title, found.kind_title) == ("BM54", "Blood pressure monitor")
    home.desk.enrol(CUFF, "Cuff", ["joan"])
    ((word, device),) = home.told
    assert (word, device.address, device.kind) == ("enrol", CUFF, "gatt.blood_pressure")
    home.home.take([pressure()])
    assert home.readings("systolic_pressure") == [("joan", 128.0)]
    assert home.desk.dismiss(CUFF)
    assert [word for word, _ in home.told] == ["enrol", "dismiss"]


def test_an_added_device_is_there_after_a_restart_and_gone_after_its_removal(
    open_home: Open,
) -> None:
    home = open_home()
    home.home.take([pressure()])
    home.desk.enrol(CUFF, "Cuff", ["margaret"])
    home = open_home()
    home.home.take([pressure(10)])
    assert home.readings("systolic_pressure") == [("margaret", 128.0)]
    assert home.desk.dismiss(CUFF)
    assert not home.desk.dismiss(CUFF)
    home = open_home()
    home.home.take([pressure(20)])
    assert home.readings("systolic_pressure") == [("margaret", 128.0)]
    assert [one.device for one in home.desk.kit().nearby] == [CUFF]


def test_the_server_hears_each_stage_once(open_home: Open) -> None:
    home = open_home()
    home.home.take([pressure()])
    home.desk.enrol(CUFF, "Cuff", [])
    home.home.take([pressure(5)])
    home.desk.enrol(CUFF, "Cuff", ["margaret"])
    home.home.take([pressure(10), pressure(20)])
    home = open_home()
    home.home.take([pressure(30), pressure(400), pressure(800)])
    home.desk.dismiss(CUFF)
    assert home.stages() == ["named", "assigned", "first-reading", "proved", "removed"]
    assert len(home.readings("systolic_pressure")) == 5


def test_a_retained_message_proves_nothing(open_home: Open) -> None:
    home = open_home()
    home.home.take([mqtt("zigbee2mqtt/hall", '{"occupancy": true}')])
    home.desk.enrol("zigbee2mqtt/hall", "Hall", ["margaret"])
    home.home.take([mqtt("zigbee2mqtt/hall", '{"occupancy": true}', 300, retained=True)])
    assert home.stages() == ["assigned"]
    home.home.take([mqtt("zigbee2mqtt/hall", '{"occupancy": true}', 600)])
    assert home.stages() == ["assigned", "first-reading"]


def test_a_device_of_the_settings_is_listed_and_can_not_be_added_or_removed(
    open_home: Open,
) -> None:
    home = open_home(HomeDevice(device=CUFF, patient="margaret", kind="gatt.blood_pressure"))
    home.home.take([pressure()])
    kit = home.desk.kit()
    assert [(one.device, one.stage) for one in kit.added] == [(CUFF, "settings")]
    assert kit.nearby == ()
    with pytest.raises(ValueError, match="not nearby"):
        home.desk.enrol(CUFF, "Cuff", ["joan"])
    assert not home.desk.dismiss(CUFF)
    with pytest.raises(ValueError, match="in the settings"):
        home.home.enrol(Found(CUFF, "", "", "", AT), "Cuff", ["joan"])


@pytest.mark.parametrize(
    ("device", "name", "people", "key", "reason"),
    [
        (DOOR, "   ", ["margaret"], "", "name"),
        (DOOR, "x" * 61, ["margaret"], "", "name"),
        (DOOR, "Door", ["nobody"], "", "person"),
        (DOOR, "Door", ["margaret"], "xyz", "key"),
        (CUFF, "Cuff", ["margaret"], "", "not nearby"),
    ],
    ids=["no name", "a long name", "an unknown person", "a broken key", "a device not heard"],
)
def test_a_form_that_can_not_be_is_refused_in_words(
    open_home: Open, device: str, name: str, people: list[str], key: str, reason: str
) -> None:
    home = open_home()
    home.home.take([door()])
    with pytest.raises(ValueError, match=reason):
        home.desk.enrol(device, name, people, key)
    assert home.desk.kit().added == ()


def test_of_many_nearby_the_newest_are_kept_and_come_first(open_home: Open) -> None:
    home = open_home()
    for n in range(MOST_FOUND + 6):
        home.home.take([door(after_s=n, address=f"A4:C1:38:00:01:{n:02X}")])
    found = home.desk.kit().nearby
    assert len(found) == MOST_FOUND
    assert found[0].device == f"A4:C1:38:00:01:{MOST_FOUND + 5:02X}"


def test_only_what_tells_people_apart_can_be_shared(open_home: Open) -> None:
    home = open_home()
    for address, kind in ((CUFF, "gatt.blood_pressure"), (DOOR, "gatt.weight_scale")):
        home.state.strangers[address] = Stranger(address, kind, "", AT)
    view = kit_view(home.desk.kit(), home.home.plan.people, AT)
    offered = {card.device: [choice.words for choice in card.choices] for card in view.nearby}
    assert offered == {
        CUFF: ["Margaret", "Joan", "I'll say later"],
        DOOR: ["Margaret", "Joan", "All of us", "I'll say later"],
    }


def of_itself(characteristic: str, value: bytes, after_s: float = 0) -> CharacteristicValue:
    return CharacteristicValue(
        address=CUFF,
        characteristic=characteristic,
        value=value,
        received_at=AT + timedelta(seconds=after_s),
    )


def test_a_battery_counts_and_proves_nothing(open_home: Open) -> None:
    home = open_home()
    home.home.take([pressure()])
    home.desk.enrol(CUFF, "Cuff", ["margaret"])
    home.home.take([of_itself("2A19", bytes([64]), 5), of_itself("2A19", bytes([63]), 600)])
    assert home.readings("battery") == [("margaret", 64.0), ("margaret", 63.0)]
    assert home.stages() == ["assigned"]


def test_who_made_a_device_is_shown_beside_it_after_a_restart_too(open_home: Open) -> None:
    texts = {"2A29": b"OMRON\0", "2A24": b"HEM-7322", "2A26": b"1.0.2", "2A25": b"0042"}
    home = open_home()
    home.home.take([pressure()])
    home.desk.enrol(CUFF, "Cuff", ["margaret"])
    home.home.take([of_itself(name, text) for name, text in texts.items()])
    home = open_home()
    (card,) = kit_view(home.desk.kit(), home.home.plan.people, AT).added
    assert card.made == "OMRON HEM-7322, version 1.0.2, serial number 0042"


MIBEACON = "0000fe95-0000-1000-8000-00805f9b34fb"
SENSOR, SENSOR_KEY = "54:EF:44:E3:9C:BC", "5b51a7c91cde6707c9ef18dfda143a58"
SEALED = "5859d9070e7ce28c1b6f92c8b00000caf2f1bd"
"""A door and window sensor, from the tests of xiaomi-ble."""


def mibeacon(data: str, after_s: float = 0) -> Advertisement:
    return Advertisement(
        address=SENSOR,
        name="MCCGQ02HL",
        received_at=AT + timedelta(seconds=after_s),
        service_data={MIBEACON: bytes.fromhex(data)},
    )


@pytest.mark.parametrize(
    ("data", "sealed"),
    [(SEALED, True), ("5020aa01be64aea8654c0d1004b100", False)],
    ids=["sealed", "open"],
)
def test_a_neighbour_s_xiaomi_is_found_with_its_name_and_costs_nobody_anything(
    open_home: Open, data: str, sealed: bool
) -> None:
    home = open_home()
    home.home.take([mibeacon(data)])
    (found,) = home.desk.kit().nearby
    assert (found.title, found.kind, found.sealed) == ("MCCGQ02HL", "xiaomi", sealed)
    assert found.kind_title.startswith("Xiaomi")
    assert home.journal.refusals(9) == []
    (card,) = kit_view(home.desk.kit(), home.home.plan.people, AT).nearby
    assert card.wants_key
    assert ("needs its key" in card.about) is sealed


def test_a_passkey_of_the_form_is_kept_and_told_to_the_radio(open_home: Open) -> None:
    home = open_home()
    home.state.strangers[CUFF] = Stranger(CUFF, "gatt.blood_pressure", "BM54", AT)
    (card,) = kit_view(home.desk.kit(), home.home.plan.people, AT).nearby
    assert card.wants_passkey
    assert not card.wants_key
    with pytest.raises(ValueError, match="six digits"):
        home.desk.enrol(CUFF, "Cuff", ["joan"], passkey="12345")
    home.desk.enrol(CUFF, "Cuff", ["joan"], passkey="012 345")
    assert [device.passkey for _, device in home.told] == [12345]
    home.desk.enrol(CUFF, "Cuff", ["margaret"])
    assert home.told[-1][1].passkey == 12345
    home = open_home()
    (device,) = devices_of((), home.journal)
    assert device.passkey == 12345
