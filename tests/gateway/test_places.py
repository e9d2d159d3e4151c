"""What a sensor says follows from where it sits: a lid, a fridge, a kettle, a bed, a door."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from devices.mapping import Mapping
from devices.model import Advertisement, MqttMessage, Reading
from gateway.config import ConfigError, HomeDevice, load
from gateway.home import Home
from gateway.intake import Intake
from gateway.journal import Journal
from gateway.onboarding import Onboarding, devices_of
from gateway.page.kit import kit_view
from gateway.plan import load_packs
from plumbing.clock import HomeTime
from rules.model import Person
from rules.plan import parse_plan

AT = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)
BOX = "zigbee2mqtt/box"
PLUG = "zigbee2mqtt/plug"
BTHOME = "0000fcd2-0000-1000-8000-00805f9b34fb"


def hears(role: str, device: str = BOX, kind: str = "zigbee2mqtt", **more: Any) -> Intake:
    return Intake(
        [HomeDevice(device=device, patient="margaret", kind=kind, role=role, **more)],
        [],
        {"margaret": Person(id="margaret", name="Margaret")},
        {},
    )


def said(
    payload: dict[str, object], after_s: float = 0, topic: str = BOX, *, retained: bool = False
) -> MqttMessage:
    return MqttMessage(
        topic=topic,
        payload=json.dumps(payload).encode(),
        received_at=AT + timedelta(seconds=after_s),
        retained=retained,
    )


def polarity(on: object, off: object, name: str = "box") -> MqttMessage:
    exposed = {"type": "binary", "name": "contact", "property": "contact", "access": 1}
    exposes = [{**exposed, "value_on": on, "value_off": off}]
    listed = [{"friendly_name": name, "definition": {"exposes": exposes}}]
    return said(listed, topic="zigbee2mqtt/bridge/devices")  # type: ignore[arg-type]


def found(readings: tuple[Reading, ...]) -> list[tuple[str, float]]:
    return [(one.metric, one.value) for one in readings]


def test_a_contact_on_the_medicine_box_tells_of_the_box_and_of_no_door() -> None:
    heard = hears("medicine-box").read(said({"contact": False, "battery": 80, "tamper": False}))
    assert sorted(found(heard.readings)) == [
        ("battery", 80.0),
        ("medicine_box_open", 1.0),
        ("tamper", 0.0),
    ]


@pytest.mark.parametrize(
    ("on", "off", "opened", "shut"),
    [(False, True, False, True), (True, False, True, False), ("ON", "OFF", "ON", "OFF")],
    ids=["false is open", "true is open", "ON is open"],
)
def test_the_polarity_is_that_of_the_model(
    on: object, off: object, opened: object, shut: object
) -> None:
    # `exposes` names what its models call on: a contact that is on is open.
    intake = hears("fridge")
    intake.read(polarity(on, off))
    first = intake.read(said({"contact": opened}, 1)).readings
    second = intake.read(said({"contact": shut}, 60)).readings
    assert [*found(first), *found(second)] == [("fridge_open", 1.0), ("fridge_open", 0.0)]


def test_a_burst_and_a_lid_that_is_left_open_are_one_opening() -> None:
    intake = hears("medicine-box")
    moments = [n * 0.13 for n in range(6)] + [3_000, 6_000]
    heard = [intake.read(said({"contact": False}, at_s)).readings for at_s in moments]
    assert [len(one) for one in heard] == [1, 0, 0, 0, 0, 0, 0, 0]


def test_two_openings_are_two() -> None:
    intake = hears("medicine-box")
    told = [(False, 0), (True, 20), (False, 3_600), (True, 3_620)]
    heard = [intake.read(said({"contact": shut}, at_s)).readings for shut, at_s in told]
    assert [found(one)[0][1] for one in heard] == [1.0, 0.0, 1.0, 0.0]


def test_an_opening_that_was_retained_is_none_since_nobody_knows_when() -> None:
    intake = hears("medicine-box")
    assert intake.read(said({"contact": False}, retained=True)).readings == ()
    assert intake.read(said({"contact": False}, 60)).readings == ()
    assert found(intake.read(said({"contact": True}, 90)).readings) == [("medicine_box_open", 0.0)]


def test_a_retained_opening_with_its_time_is_one_at_that_time() -> None:
    at = "2026-03-02T06:40:00+00:00"
    heard = hears("medicine-box").read(said({"contact": False, "last_seen": at}, retained=True))
    assert [one.taken_at for one in heard.readings] == [AT - timedelta(minutes=20)]


def test_that_somebody_lies_in_bed_holds_though_it_was_retained() -> None:
    heard = hears("bed").read(said({"occupancy": True}, retained=True))
    assert found(heard.readings) == [("bed_occupied", 1.0)]


def test_a_kettle_keeps_its_power_and_the_power_by_which_it_was_on() -> None:
    intake = hears("kettle")
    (state, power) = intake.read(said({"power": 2100, "state": "ON"})).readings[:2]
    assert (state.metric, state.value, state.raw_value, state.raw_unit) == (
        "kettle_on",
        1.0,
        2100.0,
        "W",
    )
    assert (power.metric, power.value) == ("power", 2100.0)
    again = intake.read(said({"power": 2150}, 5)).readings
    assert found(again) == [("power", 2150.0)]


def test_a_plug_that_is_switched_on_is_no_kettle_that_boils() -> None:
    heard = hears("kettle").read(said({"power": 0.4, "state": "ON"}))
    assert dict(found(heard.readings)) == {"kettle_on": 0.0, "power": 0.4, "power_on": 1.0}


def test_a_floor_of_its_own_counts() -> None:
    heard = hears("kettle", on_above_w=2500).read(said({"power": 2100}))
    assert ("kettle_on", 0.0) in found(heard.readings)


def test_movement_in_the_bathroom_is_movement_all_the_same() -> None:
    heard = hears("bathroom").read(said({"occupancy": True}))
    assert sorted(found(heard.readings)) == [("bathroom_occupied", 1.0), ("movement", 1.0)]


def test_a_pad_in_the_bed_is_no_movement_about_the_house() -> None:
    heard = hears("bed").read(said({"occupancy": True, "battery": 90}))
    assert sorted(found(heard.readings)) == [("battery", 90.0), ("bed_occupied", 1.0)]


@pytest.mark.parametrize(
    ("role", "metric"),
    [
        ("", "door_open"),
        ("outer-door", "door_open"),
        ("inner-door", "inner_door_open"),
        ("window", "window_open"),
    ],
    ids=["no role", "outer", "inner", "window"],
)
def test_only_an_outer_door_or_one_without_a_role_is_an_exit(role: str, metric: str) -> None:
    assert found(hears(role).read(said({"contact": False})).readings) == [(metric, 1.0)]


def test_an_advertised_window_contact_on_an_outer_door_is_a_door() -> None:
    door = "54:48:E6:8F:80:A5"
    data = {BTHOME: bytes.fromhex("4400072d01")}
    advert = Advertisement(address=door, received_at=AT, service_data=data)
    heard = hears("outer-door", door, "bthome").read(advert)
    assert found(heard.readings) == [("door_open", 1.0)]


def test_what_is_refused_changes_nothing_in_its_place() -> None:
    intake = hears("medicine-box")
    future = "2031-01-01T00:00:00Z"
    heard = intake.read(said({"contact": False, "last_seen": future}))
    assert heard.readings == ()
    assert "future" in heard.refused[0].reason
    assert found(intake.read(said({"contact": False}, 5)).readings) == [("medicine_box_open", 1.0)]


# Settings ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "wrong"),
    [
        ('device = "a"\nkind = "zigbee2mqtt"\nrole = "toaster"', "medicine-box"),
        ('device = "a"\nkind = "gatt.blood_pressure"\nrole = "kettle"', "systolic_pressure"),
        (
            'device = "a"\nkind = "zigbee2mqtt"\nrole = "fridge"\non_above_w = 300',
            "not judged by power",
        ),
        ('device = "a"\nkind = "zigbee2mqtt"\non_above_w = 300', "goes with a `role`"),
        ('device = "a"\nkind = "zigbee2mqtt"\nrole = "kettle"\non_above_w = -1', "on_above_w"),
        ('device = "it"\nrole = "kettle"', "room_temperature"),
    ],
    ids=[
        "no such role",
        "a cuff is no kettle",
        "a floor where there is no power",
        "a floor without a role",
        "a floor below nothing",
        "a mapping that says something else",
    ],
)
def test_a_role_that_can_not_be_is_refused_with_what_to_write(
    tmp_path: Path, more: str, wrong: str
) -> None:
    path = tmp_path / "gateway.toml"
    path.write_text(
        'id = "home-1"\ndata = "data"\nplan = "plan.yaml"\n[server]\nurl = "http://x"\n'
        '[[mqtt.mappings]]\ntopic = "t"\ndevice = "it"\nmetric = "room_temperature"\n'
        f'[[devices]]\npatient = "margaret"\n{more}\n'
    )
    with pytest.raises(ConfigError, match=wrong):
        load(path)


# At home ----------------------------------------------------------------------------------------


class Lived:
    """A home on the disk, as a gateway has it, at a home time that a test moves."""

    def __init__(self, folder: Path, plan: Any, configured: tuple[HomeDevice, ...] = ()) -> None:
        self.journal = Journal(folder / "journal.sqlite3")
        mapping = Mapping(topic="other", device="other", metric="level")
        self.configured = configured
        intake = Intake(
            devices_of(configured, self.journal), [mapping], plan.people, self.journal.facts()
        )
        self.home = Home(self.journal, plan, intake, HomeTime())
        self.desk = Onboarding(self.home, configured, None, lambda _: None)

    def hears(self, payload: dict[str, object], topic: str = BOX) -> None:
        at = self.home.now()
        content = json.dumps(payload).encode()
        self.home.take([MqttMessage(topic=topic, payload=content, received_at=at)])

    def newest(self, metric: str) -> Reading | None:
        return self.journal.newest("margaret", metric)

    def value(self, metric: str) -> float | None:
        newest = self.newest(metric)
        return None if newest is None else newest.value


PLAN = parse_plan(
    {"version": "1", "people": [{"id": "margaret", "name": "Margaret Ellis", "timezone": "UTC"}]},
    {},
)


@pytest.fixture
def lived(tmp_path: Path) -> Callable[..., Lived]:
    homes: list[Lived] = []

    def make(*configured: HomeDevice) -> Lived:
        for home in homes:
            home.journal.close()
        homes.clear()
        homes.append(Lived(tmp_path, PLAN, configured))
        return homes[-1]

    return make


def test_the_page_asks_where_what_was_found_is_and_offers_what_fits(
    lived: Callable[..., Lived],
) -> None:
    home = lived()
    home.hears({"contact": True, "battery": 90})
    (nearby,) = kit_view(home.desk.kit(), PLAN.people, AT).nearby
    words = {spot.words for spot in nearby.spots}
    assert "On the lid of the medicine box" in words
    assert "Under the kettle" not in words


def test_a_place_that_is_given_counts_at_once_and_after_a_start(
    lived: Callable[..., Lived],
) -> None:
    home = lived()
    home.hears({"contact": True})
    home.desk.enrol(BOX, "Pills", ["margaret"], role="medicine-box")
    home.hears({"contact": False})
    assert (home.value("medicine_box_open"), home.value("door_open")) == (1.0, None)
    home = lived()
    opened = home.newest("medicine_box_open")
    home.hears({"contact": False})
    assert home.newest("medicine_box_open") == opened
    home.hears({"contact": True})
    assert home.value("medicine_box_open") == 0.0


def test_a_device_is_moved_and_what_it_said_there_last_is_over(
    lived: Callable[..., Lived],
) -> None:
    home = lived()
    home.hears({"contact": True})
    home.desk.enrol(BOX, "Contact", ["margaret"])
    home.hears({"contact": False})
    assert home.value("door_open") == 1.0
    home.desk.place(BOX, "fridge")
    assert home.value("door_open") == 0.0
    home.hears({"contact": False})
    assert (home.value("door_open"), home.value("fridge_open")) == (0.0, 1.0)
    home.desk.place(BOX, "medicine-box")
    assert (home.value("fridge_open"), home.value("medicine_box_open")) == (0.0, None)
    home.desk.place(BOX, "")
    home.hears({"contact": False})
    assert home.value("door_open") == 1.0


def test_a_bed_that_is_taken_away_is_not_slept_in(lived: Callable[..., Lived]) -> None:
    home = lived()
    home.hears({"occupancy": False})
    home.desk.enrol(BOX, "Mat", ["margaret"], role="bed")
    home.hears({"occupancy": True})
    home.desk.dismiss(BOX)
    assert home.value("bed_occupied") == 0.0


def test_a_role_that_the_settings_take_back_ends_at_the_start(
    lived: Callable[..., Lived],
) -> None:
    mat = HomeDevice(device=BOX, patient="margaret", kind="zigbee2mqtt", role="bed")
    home = lived(mat)
    home.hears({"occupancy": True})
    assert home.value("bed_occupied") == 1.0
    home = lived(HomeDevice(device=BOX, patient="margaret", kind="zigbee2mqtt", role="chair"))
    assert home.value("bed_occupied") == 0.0


def test_another_name_or_person_leaves_it_where_it_is(lived: Callable[..., Lived]) -> None:
    home = lived()
    home.hears({"contact": True})
    home.desk.enrol(BOX, "Contact", ["margaret"], role="fridge")
    assert home.desk.enrol(BOX, "The fridge", ["margaret"]).role == "fridge"
    (added,) = kit_view(home.desk.kit(), PLAN.people, AT).added
    assert added.where == "On the fridge"
    assert [spot.role for spot in added.spots if spot.chosen] == ["fridge"]


@pytest.mark.parametrize(
    ("role", "wrong"),
    [("kettle", "can't be there"), ("cellar", "no such place")],
    ids=["it can't say it", "there is no such place"],
)
def test_a_place_that_it_can_not_have_is_refused_in_words(
    lived: Callable[..., Lived], role: str, wrong: str
) -> None:
    home = lived()
    home.hears({"contact": True})
    with pytest.raises(ValueError, match=wrong):
        home.desk.enrol(BOX, "Contact", ["margaret"], role=role)
    assert home.desk.kit().added == ()


def test_a_contact_on_the_medicine_box_is_what_the_pack_waits_for(tmp_path: Path) -> None:
    """From Zigbee2MQTT to the reminder: the box stays shut, is opened, and its door is none."""
    own = {"medicine-reminder": {"use": True, "params": {"by": "09:00"}}}
    use = {"pack": "home-safety", "rules": own, "agreed_by": "a test", "agreed_on": "2026-01-01"}
    person = {"id": "margaret", "name": "Margaret", "timezone": "UTC", "simulated": True}
    plan = parse_plan({"version": "1", "people": [{**person, "packs": [use]}]}, load_packs())
    journal = Journal(tmp_path / "journal.sqlite3")
    box = HomeDevice(device=BOX, patient="margaret", kind="zigbee2mqtt", role="medicine-box")
    clock = Clock(datetime(2026, 3, 2, 8, 0, tzinfo=UTC))
    home = Home(journal, plan, Intake([box], [], plan.people, {}), clock)  # type: ignore[arg-type]
    home.caught_up()

    def reminded() -> list[str]:
        home.wake()
        return [
            one.prompt.rule
            for one in journal.open_prompts(clock.at)
            if "medicine" in one.prompt.rule
        ]

    clock.at = datetime(2026, 3, 2, 9, 16, tzinfo=UTC)
    assert reminded() == ["medicine-reminder"]
    clock.at = datetime(2026, 3, 3, 8, 50, tzinfo=UTC)
    at = clock.at
    for number in range(6):
        heard_at = at + timedelta(seconds=number * 0.13)
        content = b'{"contact": false, "battery": 80}'
        home.take([MqttMessage(topic=BOX, payload=content, received_at=heard_at)])
    clock.at = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
    assert reminded() == []
    opened = journal.newest("margaret", "medicine_box_open")
    assert opened is not None
    assert opened.taken_at == at
    assert journal.newest("margaret", "door_open") is None
    journal.close()


class Clock:
    """Home time that a test moves."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at
