"""What a simulated home's devices put on the air is what a gateway's decoders read."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from devices.mapping import Mapping as TopicMapping
from devices.mapping import decoder
from devices.model import Advertisement, CharacteristicValue, Decoded, MqttMessage
from devices.registry import match
from simulators.ble.consent_scale import ConsentScale
from simulators.ble.glucose_meter import GlucoseMeter
from simulators.ble.mind import Mind
from simulators.ble.peripheral import Advert, Faults, Peripheral, uuid_of
from simulators.homes import config as settings
from simulators.homes.config import DeviceConfig
from simulators.homes.devices import (
    BthomeDevice,
    GattDevice,
    Meter,
    MqttScale,
    PeoplesScale,
    ZigbeeSensor,
    announce_zigbee,
)
from simulators.homes.roles import DEEDS
from simulators.mqtt import Publication
from simulators.people.person import Deed, Happening

AT = datetime(2026, 7, 6, 6, 5, 30, 250_000, UTC)
LONDON = ZoneInfo("Europe/London")
CUFF = "A4:C1:38:00:00:01"


class Ether:
    """Records what Bluetooth devices do, as a gateway would hear it."""

    def __init__(self) -> None:
        self.peripherals: dict[str, Peripheral] = {}
        self.minds: dict[str, Mind | None] = {}
        self.awake: set[str] = set()
        self.values: list[CharacteristicValue] = []
        self.adverts: list[Advertisement] = []

    def wake(self, address: str) -> None:
        self.awake.add(address)

    def add_peripheral(self, peripheral: Peripheral, mind: Mind | None = None) -> None:
        self.minds[peripheral.address] = mind
        self.peripherals[peripheral.address] = peripheral

    def faults(self, address: str) -> Faults:
        return Faults()

    def store(self, address: str, characteristic: str, *values: bytes) -> None:
        self.values += (
            CharacteristicValue(
                address=address, characteristic=characteristic, value=value, received_at=AT
            )
            for value in values
        )

    def advertise(self, address: str, advert: Advert | None = None) -> None:
        sent = advert or self.peripherals[address].advert
        self.adverts.append(
            Advertisement(
                address=address,
                received_at=AT,
                service_data={uuid_of(uuid): data for uuid, data in sent.service_data.items()},
            )
        )


def happening(what: Deed, **values: float) -> Happening:
    return Happening(at=AT, what=what, values=values)


def decoded(raw: Any, known: Mapping[str, object] | None = None) -> Decoded:
    device = match(raw)
    assert device is not None
    return device.decode(raw, known or {})


def heard(publication: Publication) -> MqttMessage:
    return MqttMessage(
        topic=publication.topic,
        payload=publication.payload,
        received_at=AT,
        retained=publication.retained,
    )


GATT = [
    pytest.param(
        "gatt.blood_pressure",
        happening(
            Deed.BLOOD_PRESSURE,
            systolic_pressure=131.6,
            diastolic_pressure=77.2,
            mean_arterial_pressure=95.4,
            pulse_rate=70.5,
        ),
        {
            "systolic_pressure": 132.0,
            "diastolic_pressure": 77.0,
            "mean_arterial_pressure": 95.0,
            "pulse_rate": 70.0,
        },
        id="cuff",
    ),
    pytest.param(
        "gatt.pulse_oximeter",
        happening(Deed.OXYGEN, oxygen_saturation=95.8, pulse_rate=71.2),
        {"oxygen_saturation": 96.0, "pulse_rate": 71.0},
        id="oximeter",
    ),
    pytest.param(
        "gatt.weight_scale",
        happening(Deed.WEIGHS, body_weight=73.84),
        {"body_weight": 73.8},
        id="scale",
    ),
    pytest.param(
        "gatt.thermometer",
        happening(Deed.TEMPERATURE, body_temperature=38.44),
        {"body_temperature": 38.4},
        id="thermometer",
    ),
]


@pytest.mark.parametrize(("kind", "deed", "shown"), GATT)
def test_a_bluetooth_device_says_what_it_shows_in_local_time(
    kind: str, deed: Happening, shown: Mapping[str, float]
) -> None:
    ether = Ether()
    device = GattDevice(DeviceConfig(device=CUFF, name="x", kind=kind), ether, LONDON, lambda: AT)
    device.start()
    device.notice(deed)
    (value,) = ether.values
    measurements = decoded(value).measurements
    assert {item.metric: item.value for item in measurements} == shown
    assert {item.taken_at for item in measurements} == {datetime(2026, 7, 6, 7, 5, 30)}


@pytest.mark.parametrize(("kind", "deed", "shown"), GATT)
def test_a_bluetooth_device_is_found_by_the_service_that_its_profile_names(
    kind: str, deed: Happening, shown: Mapping[str, float]
) -> None:
    ether = Ether()
    GattDevice(DeviceConfig(device=CUFF, name="x", kind=kind), ether, LONDON, lambda: AT).start()
    peripheral = ether.peripherals[CUFF]
    assert peripheral.advert.service_uuids == (peripheral.services[0].uuid,)


def test_a_simulated_device_says_who_made_it_and_what_it_is_and_not_its_name_at_home() -> None:
    ether = Ether()
    config = DeviceConfig(device=CUFF, name="Cuff in the kitchen", kind="gatt.blood_pressure")
    GattDevice(config, ether, LONDON, lambda: AT).start()
    told = {
        one.uuid: one.value.decode(errors="replace")
        for service in ether.peripherals[CUFF].services
        for one in service.characteristics
    }
    assert (told["2A29"], told["2A24"]) == ("Homebeat simulator", "Blood pressure monitor")


def test_a_device_whose_clock_is_wrong_dates_what_it_measures_by_it() -> None:
    ether = Ether()
    config = DeviceConfig(device=CUFF, name="x", kind="gatt.weight_scale", clock_ahead_s=-3600.0)
    device = GattDevice(config, ether, LONDON, lambda: AT)
    device.start()
    device.notice(happening(Deed.WEIGHS, body_weight=73.84))
    (value,) = ether.values
    assert {item.taken_at for item in decoded(value).measurements} == {
        datetime(2026, 7, 6, 6, 5, 30)
    }


def test_a_scale_that_keeps_people_apart_wakes_and_says_nothing_by_itself() -> None:
    ether = Ether()
    config = DeviceConfig(device=CUFF, name="x", kind="gatt.weight_scale", model="consent")
    device = PeoplesScale(config, ether, LONDON, lambda: AT)
    device.start()
    device.notice(happening(Deed.WEIGHS, body_weight=73.84))
    assert (ether.awake, ether.values) == ({CUFF}, [])
    assert isinstance(ether.minds[CUFF], ConsentScale)


def test_a_meter_keeps_what_it_measured_and_wakes() -> None:
    ether = Ether()
    config = DeviceConfig(device=CUFF, name="x", kind="gatt.glucose")
    device = Meter(config, ether, LONDON, lambda: AT)
    device.start()
    device.notice(happening(Deed.GLUCOSE, blood_glucose=6.4))
    assert (ether.awake, ether.values) == ({CUFF}, [])
    meter = ether.minds[CUFF]
    assert isinstance(meter, GlucoseMeter)
    assert meter.numbers == [1]


def test_a_contact_says_open_and_closed_with_a_new_packet_for_each() -> None:
    ether = Ether()
    config = DeviceConfig(device=CUFF, name="x", kind="bthome", model="contact")
    device = BthomeDevice(config, ether, last_packet=255)
    device.start()
    device.notice(happening(Deed.OPENS))
    device.notice(happening(Deed.CLOSES))
    said = [decoded(advert) for advert in ether.adverts]
    assert [item.measurements[0].value for item in said] == [1.0] * 3 + [0.0] * 3
    packets = [{fact.name: fact.value for fact in item.facts}["packet_id"] for item in said]
    assert packets == [0] * 3 + [1] * 3


def test_a_button_says_one_press_under_one_packet() -> None:
    ether = Ether()
    config = DeviceConfig(device=CUFF, name="x", kind="bthome", model="button")
    device = BthomeDevice(config, ether, last_packet=6)
    device.start()
    device.notice(happening(Deed.PRESSES))
    events = [decoded(advert).events for advert in ether.adverts]
    assert {(event.event, event.key) for found in events for event in found} == {
        ("button_pressed", "7")
    }


ZIGBEE = [
    pytest.param("movement", Deed.MOVES, ("movement", 1.0), id="movement seen"),
    pytest.param("movement", Deed.LEAVES, ("movement", 0.0), id="movement ended"),
    pytest.param("contact", Deed.OPENS, ("door_open", 1.0), id="open, where false is open"),
    pytest.param("contact", Deed.CLOSES, ("door_open", 0.0), id="closed, where true is closed"),
    pytest.param("contact reversed", Deed.OPENS, ("door_open", 1.0), id="open, where true is open"),
    pytest.param("contact reversed", Deed.CLOSES, ("door_open", 0.0), id="closed, reversed"),
    pytest.param("plug", Deed.BOILS, ("power", 2150.0), id="a kettle heats"),
    pytest.param("plug", Deed.BOILED, ("power", 0.4), id="a kettle has boiled"),
]


def zigbee(model: str) -> DeviceConfig:
    return DeviceConfig(device=f"zigbee2mqtt/{model}", name="x", kind="zigbee2mqtt", model=model)


def learned(config: DeviceConfig) -> dict[str, object]:
    """What a gateway knows of the sensor after the bridge spoke."""
    sent: list[Publication] = []
    announce_zigbee((config,), sent.append)
    facts = [fact for one in sent for fact in decoded(heard(one)).facts]
    return {fact.name: fact.value for fact in facts if fact.device == config.device}


@pytest.mark.parametrize(("model", "deed", "said"), ZIGBEE)
def test_a_zigbee_sensor_is_read_right_by_what_its_bridge_announced(
    model: str, deed: Deed, said: tuple[str, float]
) -> None:
    sent: list[Publication] = []
    config = zigbee(model)
    ZigbeeSensor(config, sent.append).notice(happening(deed))
    (measurement,) = decoded(heard(sent[0]), learned(config)).measurements
    assert (measurement.metric, measurement.value) == said
    assert (measurement.device, measurement.taken_at) == (config.device, AT)


def test_the_reversed_contact_sends_the_opposite_of_the_usual_one() -> None:
    payloads = []
    for model in ("contact", "contact reversed"):
        ZigbeeSensor(zigbee(model), payloads.append).notice(happening(Deed.OPENS))
    assert [json.loads(one.payload)["contact"] for one in payloads] == [False, True]


def test_the_sos_button_raises_an_event_and_leaves_nothing_retained() -> None:
    sent: list[Publication] = []
    ZigbeeSensor(zigbee("sos"), sent.append).notice(happening(Deed.PRESSES))
    (event,) = decoded(heard(sent[0])).events
    assert event.event == "sos_pressed"
    assert not sent[0].retained


def test_the_bridge_retains_its_state_its_devices_and_that_each_is_there() -> None:
    sent: list[Publication] = []
    announce_zigbee((zigbee("sos"),), sent.append)
    assert {one.topic for one in sent} == {
        "zigbee2mqtt/bridge/state",
        "zigbee2mqtt/bridge/devices",
        "zigbee2mqtt/sos/availability",
    }
    assert all(one.retained for one in sent)


def test_the_mqtt_scale_is_read_through_a_mapping() -> None:
    sent: list[Publication] = []
    config = DeviceConfig(device="scales/bathroom", name="x", model="scale")
    MqttScale(config, sent.append).notice(happening(Deed.WEIGHS, body_weight=73.84))
    read = decoder(
        TopicMapping(
            topic="scales/bathroom",
            device="scale",
            metric="body_weight",
            value="weight",
            unit_at="unit",
            time="time",
        )
    )
    (measurement,) = read(heard(sent[0])).measurements
    assert (measurement.value, measurement.unit, measurement.taken_at) == (73.8, "kg", AT)


@pytest.mark.parametrize(("kind", "model"), DEEDS, ids=" ".join)
def test_every_device_that_can_be_simulated_notices_something(kind: str, model: str) -> None:
    config = DeviceConfig(device="x", name="x", kind=kind, model=model)
    assert config.deeds


HOME = """
id = "home-1"
data = "home"
[tester]
port = 8440
[person]
id = "margaret"
name = "Margaret Ellis"
seed = 1
[person.body]
dry_weight_kg = 71.4
[person.body.retention]
onset = 2026-03-09
[[devices]]
device = "scales/bathroom"
name = "Scale"
model = "scale"
"""


def test_a_homes_settings_are_read_with_paths_beside_the_file(tmp_path: Path) -> None:
    file = tmp_path / "home.toml"
    file.write_text(HOME)
    home = settings.load(file)
    assert home.diary == tmp_path / "home" / "diary.jsonl"
    assert home.person.name == "Margaret Ellis"
    assert home.home_time.at(AT + timedelta(days=1)) == AT + timedelta(days=1)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(("port = 8440", "port = 'x'"), "tester.port", id="a port that is no number"),
        pytest.param(
            ("port = 8440", "port = 8440\nhost = '0.0.0.0'"), "0.0.0.0", id="open to others"
        ),
        pytest.param(("seed = 1", ""), "seed", id="a person without a seed"),
        pytest.param(('model = "scale"', 'model = "kettle"'), "'kettle'", id="an unknown model"),
        pytest.param(("[tester]", "[tester"), "TOML", id="no TOML"),
        pytest.param(('id = "home-1"', 'id = "home-1"\ncolour = 1'), "colour", id="unknown key"),
    ],
)
def test_settings_that_cannot_be_used_are_refused_by_name(
    tmp_path: Path, change: tuple[str, str], said: str
) -> None:
    file = tmp_path / "home.toml"
    file.write_text(HOME.replace(*change, 1))
    with pytest.raises(settings.ConfigError, match=said.replace(".", r"\.")) as refused:
        settings.load(file)
    assert str(file) in str(refused.value)


def test_settings_that_are_not_there_are_asked_for(tmp_path: Path) -> None:
    with pytest.raises(settings.ConfigError, match="--config"):
        settings.load(tmp_path / "none.toml")
