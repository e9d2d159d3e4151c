"""A frame becomes readings about a person, or is refused with a reason that helps."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.mapping import Mapping
from devices.model import Advertisement, CharacteristicValue, Clock, MqttMessage, Raw
from gateway.config import ConfigError, HomeDevice, load
from gateway.intake import Heard, Intake
from rules.model import Person

AT = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)
SCALE = "scales/bathroom"
CUFF = "A4:C1:38:00:00:02"
DOOR = "A4:C1:38:00:00:05"
SYSTOLIC_128 = "1e800051005d00ea070302070000480000000000"


def intake() -> Intake:
    return Intake(
        [
            HomeDevice(device="bathroom scale", patient="margaret"),
            HomeDevice(device=CUFF, patient="margaret", kind="gatt.blood_pressure"),
            HomeDevice(device=DOOR, patient="margaret", kind="bthome"),
        ],
        [
            Mapping(
                topic=SCALE,
                device="bathroom scale",
                metric="body_weight",
                value="weight",
                unit_at="unit",
                time="time",
            )
        ],
        {"margaret": Person(id="margaret", name="Margaret")},
        {},
    )


def mqtt(payload: str, topic: str = SCALE, after_s: float = 0) -> MqttMessage:
    return MqttMessage(
        topic=topic, payload=payload.encode(), received_at=AT + timedelta(seconds=after_s)
    )


def advert(data: str, after_s: float = 0) -> Advertisement:
    return Advertisement(
        address=DOOR,
        received_at=AT + timedelta(seconds=after_s),
        service_data={"0000fcd2-0000-1000-8000-00805f9b34fb": bytes.fromhex(data)},
    )


def test_a_weight_is_a_reading_about_the_person_with_its_own_time() -> None:
    heard = intake().read(
        mqtt('{"weight": 72.4, "unit": "kg", "time": "2026-03-02T06:58:00+00:00"}')
    )
    (reading,) = heard.readings
    assert (reading.patient, reading.metric, reading.value) == ("margaret", "body_weight", 72.4)
    assert reading.taken_at == AT - timedelta(minutes=2)
    assert reading.clock is Clock.DEVICE


def test_one_topic_with_two_values_becomes_two_readings_by_two_mappings() -> None:
    mappings = [
        Mapping(topic="bp", device="cuff", metric=f"{part}_pressure", value=part, unit="mm[Hg]")
        for part in ("systolic", "diastolic")
    ]
    people = {"margaret": Person(id="margaret", name="Margaret")}
    two = Intake([HomeDevice(device="cuff", patient="margaret")], mappings, people, {})
    heard = two.read(mqtt('{"systolic": 128, "diastolic": 81}', topic="bp"))
    assert [(one.metric, one.value) for one in heard.readings] == [
        ("systolic_pressure", 128.0),
        ("diastolic_pressure", 81.0),
    ]


def test_two_mappings_for_the_same_value_are_refused_before_anything_starts(tmp_path: Path) -> None:
    path = tmp_path / "gateway.toml"
    mapping = '[[mqtt.mappings]]\ntopic = "t"\ndevice = "it"\nmetric = "movement"\n'
    path.write_text(
        'id = "home-1"\ndata = "data"\nplan = "plan.yaml"\n[server]\nurl = "http://x"\n'
        + mapping * 2
    )
    with pytest.raises(ConfigError, match=r"read movement of it\. Keep one"):
        load(path)


def test_pounds_become_kilograms_and_both_are_kept() -> None:
    (reading,) = intake().read(mqtt('{"weight": 160, "unit": "lb", "time": null}')).readings
    assert reading.value == pytest.approx(72.5748, abs=1e-4)
    assert (reading.unit, reading.raw_value, reading.raw_unit) == ("kg", 160, "[lb_av]")


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (mqtt('{"weight": 500, "unit": "kg", "time": null}'), "outside 20 to 300"),
        (mqtt('{"weight": 72, "unit": "stone?", "time": null}'), "stone"),
        (mqtt('{"weight": 72, "time": null}'), "unit"),
        (mqtt('{"weight": "heavy", "unit": "kg"}'), "number"),
        (mqtt("{"), "JSON"),
        (mqtt('{"weight": 72, "unit": "kg", "time": "2031-01-01T00:00:00Z"}'), "future"),
        (mqtt("1", topic="nobody/knows"), "mqtt.mappings"),
        (
            CharacteristicValue(
                address="A4:C1:38:99:99:99",
                characteristic="2A9D",
                value=bytes.fromhex("008038"),
                received_at=AT,
            ),
            "not one of this home's",
        ),
        (
            CharacteristicValue(
                address=CUFF, characteristic="2A35", value=b"\x00\x80", received_at=AT
            ),
            "",
        ),
    ],
    ids=[
        "impossible value",
        "unknown unit",
        "no unit",
        "no number",
        "not JSON",
        "from the future",
        "unknown topic",
        "unknown device",
        "cut frame",
    ],
)
def test_what_can_not_be_a_reading_is_refused_with_its_bytes(frame: Raw, reason: str) -> None:
    heard = intake().read(frame)
    assert heard.readings == ()
    (refusal,) = heard.refused
    assert reason in refusal.reason
    assert refusal.source
    assert refusal.raw


def test_a_device_clock_that_was_never_set_is_marked_and_never_trusted() -> None:
    (reading,) = (
        intake().read(mqtt('{"weight": 72, "unit": "kg", "time": "1970-01-03T00:00:00Z"}')).readings
    )
    assert reading.clock is Clock.UNKNOWN
    assert reading.taken_at == AT


def test_an_advertisement_said_over_and_over_is_one_reading() -> None:
    hears = intake()
    heard = [hears.read(advert("44" + "00072d01", after_s=n / 10)) for n in range(20)]
    assert [len(one.readings) for one in heard].count(1) == 1
    assert hears.read(advert("44" + "00082d00", after_s=3)).readings[0].value == 0.0


def test_a_press_whose_packet_id_comes_round_again_counts() -> None:
    hears = intake()
    press = "44" + "00073a01"
    counted = [len(hears.read(advert(press, after_s=s)).readings) for s in (0, 1, 3, 60, 61)]
    assert counted == [1, 0, 0, 1, 0]


def test_a_state_published_in_a_burst_is_one_reading_and_a_later_one_is_another() -> None:
    hears = Intake(
        [HomeDevice(device="door", patient="margaret")],
        [Mapping(topic="door", device="door", metric="door_open")],
        {"margaret": Person(id="margaret", name="Margaret")},
        {},
    )
    burst = [hears.read(mqtt("true", "door", after_s=n * 0.13)) for n in range(6)]
    assert sum(len(one.readings) for one in burst) == 1
    assert len(hears.read(mqtt("true", "door", after_s=30)).readings) == 1


def test_what_was_not_kept_is_no_repeat_when_it_comes_again() -> None:
    hears = intake()
    frame = advert("44" + "00072d01")
    assert len(hears.read(frame).readings) == 1
    hears.start_over({})
    assert len(hears.read(frame).readings) == 1


@given(st.binary(max_size=40), st.sampled_from(["2A35", "2A9D", "2A5E", "2A19", "FFFF"]))
def test_any_bytes_are_answered_and_nothing_is_raised(data: bytes, characteristic: str) -> None:
    heard = intake().read(
        CharacteristicValue(address=CUFF, characteristic=characteristic, value=data, received_at=AT)
    )
    assert isinstance(heard, Heard)


@given(
    st.binary(max_size=60),
    st.sampled_from([SCALE, "zigbee2mqtt/hall", "zigbee2mqtt/bridge/devices"]),
)
def test_any_payload_is_answered_and_nothing_is_raised(data: bytes, topic: str) -> None:
    heard = intake().read(MqttMessage(topic=topic, payload=data, received_at=AT))
    assert isinstance(heard, Heard)


HALL = "nodes/hall/motion"
HALL_CONFIG = "homeassistant/binary_sensor/hall/config"
ANNOUNCEMENT = '{"dev_cla": "motion", "~": "nodes/hall", "stat_t": "~/motion", "name": "Hall"}'


def home_with_a_hall() -> Intake:
    return Intake(
        [HomeDevice(device=HALL, patient="margaret")],
        [],
        {"margaret": Person(id="margaret", name="Margaret")},
        {},
    )


def test_a_topic_that_a_discovery_named_is_understood_and_before_it_is_not() -> None:
    home = home_with_a_hall()
    (refused,) = home.read(mqtt("ON", HALL)).refused
    assert "nothing understands this topic" in refused.reason
    facts = home.read(mqtt(ANNOUNCEMENT, HALL_CONFIG)).facts
    assert {fact.device for fact in facts} == {HALL_CONFIG, HALL}
    (reading,) = home.read(mqtt("ON", HALL, after_s=1)).readings
    assert (reading.metric, reading.value, reading.device) == ("movement", 1.0, HALL)


def test_a_discovery_that_is_gone_leaves_its_topic_not_understood() -> None:
    home = home_with_a_hall()
    home.read(mqtt(ANNOUNCEMENT, HALL_CONFIG))
    home.read(mqtt("", HALL_CONFIG, after_s=1))
    assert home.read(mqtt("ON", HALL, after_s=2)).refused


def test_a_discovery_is_still_known_after_a_restart_by_its_facts() -> None:
    before, after = home_with_a_hall(), home_with_a_hall()
    kept: dict[str, dict[str, object]] = {}
    for fact in before.read(mqtt(ANNOUNCEMENT, HALL_CONFIG)).facts:
        kept.setdefault(fact.device, {})[fact.name] = fact.value
    after.start_over(kept)
    assert after.read(mqtt("OFF", HALL)).readings


def test_what_a_node_announced_rules_over_the_name_of_its_topic() -> None:
    home = Intake(
        [HomeDevice(device="hall", patient="margaret")],
        [],
        {"margaret": Person(id="margaret", name="Margaret")},
        {},
    )
    topic = "hall/sensor/probe/state"
    config = f'{{"dev_cla": "temperature", "unit_of_meas": "°F", "stat_t": "{topic}"}}'
    home.read(mqtt(config, "homeassistant/sensor/probe/config"))
    (reading,) = home.read(mqtt("68", topic, after_s=1)).readings
    assert (reading.metric, reading.unit, round(reading.value)) == ("room_temperature", "Cel", 20)


def test_a_template_that_is_not_taken_is_said_when_its_topic_speaks() -> None:
    home = home_with_a_hall()
    config = f'{{"dev_cla": "motion", "stat_t": "{HALL}", "val_tpl": "{{{{ states(1) }}}}"}}'
    home.read(mqtt(config, HALL_CONFIG))
    (refused,) = home.read(mqtt("ON", HALL, after_s=1)).refused
    assert "not supported: this template" in refused.reason


STRAP = "A4:C1:38:00:00:08"
SENSOR = "A4:C1:38:00:00:09"


def of_margaret(device: str, kind: str) -> Intake:
    people = {"margaret": Person(id="margaret", name="Margaret")}
    return Intake([HomeDevice(device=device, patient="margaret", kind=kind)], [], people, {})


def value(device: str, characteristic: str, frame: str) -> CharacteristicValue:
    return CharacteristicValue(
        address=device, characteristic=characteristic, value=bytes.fromhex(frame), received_at=AT
    )


def test_two_equal_intervals_of_one_frame_are_two_readings() -> None:
    heard = of_margaret(STRAP, "gatt.heart_rate").read(value(STRAP, "2A37", "104800040004"))
    intervals = [one for one in heard.readings if one.metric == "rr_interval"]
    assert [one.value for one in intervals] == [1000.0, 1000.0]
    assert [one.taken_at for one in intervals] == [AT - timedelta(seconds=1), AT]
    assert len({one.id for one in intervals}) == 2


def test_a_record_with_a_wrong_check_sum_is_refused_and_the_good_one_beside_it_counts() -> None:
    good, damaged = "0800780005000de8", "0800790006000000"
    heard = of_margaret(SENSOR, "gatt.cgm").read(value(SENSOR, "2AA7", good + damaged))
    assert [one.metric for one in heard.readings] == ["sensor_glucose"]
    (refused,) = heard.refused
    assert "E2E-CRC" in refused.reason
    assert refused.raw == damaged
