"""Every device of the catalogue can be played from its own encoder, and no fault makes a reading
wrong: the shipped intake hears what was said, or says why it did not."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest

from devices.codec import Device
from devices.metrics import METRICS, Kind
from devices.model import Clock, Reading
from devices.registry import by_key, devices
from gateway.config import HomeDevice
from gateway.decode import decode_lines
from gateway.intake import Heard, Intake
from rules.model import Person
from simulators.play.faults import (
    BATTERY_PCT,
    FAULTS,
    CanNotHappen,
    Fault,
    Shot,
    Spoiler,
    possible,
    spoiled_news,
)
from simulators.play.frames import (
    ADDRESS,
    Frame,
    Over,
    Saying,
    Spoken,
    Unsayable,
    heard,
    near,
    over,
    own_name,
    presence,
    saying,
    spoken,
)
from simulators.play.lines import shown
from simulators.play.run import Play

AT = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)
"""In winter, so that a wall clock in London shows UTC."""
STEP = timedelta(seconds=130)
"""Longer than an advertisement's value counts as said before."""

NOT_ALONE = {
    "gatt.body_composition": {"basal_metabolism", "body_height"},
    "gatt.weight_scale": {"bmi", "body_height"},
    "gatt.blood_pressure": {"irregular_pulse"},
    "gatt.cgm": {
        "sensor_glucose_trend",
        "battery_low",
        "glucose_above_range",
        "glucose_below_range",
    },
    "gatt.glucose": {"glucose_above_range", "glucose_below_range"},
}
"""Said beside the measurement only: a frame of the device has no place for them alone."""
NOWHERE = {
    "homeassistant": {"device_online", "button_released"},
    "esphome": {"button_released"},
    "homie": {"unlocked", "power_on"},
    "ruuvitag": {"pm10"},
    "shelly": {"rotation", "button_released"},
    "tasmota": {"button_released"},
    "zigbee2mqtt": {"fall_suspected"},
}
"""Heard, but the device's encoder does not write it, or no vector shows where."""


UNFINISHED = {"gatt.blood_pressure": {"cuff_pressure"}}
"""Said while the cuff deflates: heard, and no reading before the measurement is over."""


def at_of(codec: Device, at: datetime) -> datetime | None:
    match over(codec):
        case Over.GATT:
            return at.replace(tzinfo=None)
        case Over.MQTT:
            return at
        case _:
            return None


def values_of(name: str) -> Iterator[float | None]:
    """Values that a metric can have, the likely ones first; None for an event."""
    row = METRICS[name]
    if row.kind is Kind.EVENT:
        yield None
    elif row.kind is Kind.STATE:
        yield 1.0
        yield 0.0
    else:
        middle = (row.low + row.high) / 2
        tried = (row.low + 0.1 * (row.high - row.low), 20.0, 70.0, 100.0, 2.0, 1.0, middle, 1005.0)
        yield from (value for value in tried if row.plausible(value))


def one_saying(name: str, value: float | str | None, at: datetime | None) -> Saying:
    assert not isinstance(value, str), value
    measured = {} if value is None else {name: value}
    events: dict[str, str | None] = {name: None} if value is None else {}
    return saying(measured, {name: METRICS[name].unit}, events, {}, at)


@cache
def sample(key: str, name: str, skip: int = 0) -> float | str | None:
    """A value of the metric that the device can say; the next one for each `skip`; else why not."""
    codec = by_key(key)
    assert codec is not None
    why, found = "it says nothing", []
    for value in values_of(name):
        try:
            said = spoken(codec, one_saying(name, value, at_of(codec, AT)))
        except Unsayable as error:
            why = str(error)
        else:
            assert said.frames
            found.append(value)
            if len(found) > skip:
                return value
    return found[-1] if found else why


def sayable(codec: Device) -> list[str]:
    return [
        name
        for name in (*codec.metrics, *codec.events)
        if not isinstance(sample(codec.key, name), str)
        and name not in UNFINISHED.get(codec.key, ())
    ]


@dataclass
class Listener:
    """The shipped intake of a home that has this one device."""

    codec: Device
    intake: Intake
    at: datetime = AT

    def hear(self, frame: Frame) -> Heard:
        self.at += timedelta(seconds=frame.after_s)
        return self.intake.read(heard(self.codec, frame, ADDRESS_OF(self.codec), self.at))


def ADDRESS_OF(codec: Device) -> str:  # noqa: N802 - a table would be built at import
    own = next((vector.address for vector in codec.vectors if vector.expected), ADDRESS)
    return ADDRESS if own.startswith("00:00:00") else own


def listener(said: Spoken) -> Listener:
    bindkey = next(
        (str(known["bindkey"]) for known in said.known.values() if "bindkey" in known), ""
    )
    device = HomeDevice(
        device=said.subject, patient="margaret", kind=said.codec.key, bindkey=bindkey
    )
    people = {"margaret": Person(id="margaret", name="Margaret")}
    found = Listener(said.codec, Intake([device], [], people, {}))
    for frame in said.announced:
        assert not found.hear(frame).refused
    return found


SPEAKING = [codec for codec in devices() if codec.metrics or codec.events]
EVERYTHING = [
    pytest.param(codec, name, id=f"{codec.key}-{name}")
    for codec in SPEAKING
    for name in (*codec.metrics, *codec.events)
]


@pytest.mark.parametrize(("codec", "name"), EVERYTHING)
def test_what_a_device_is_played_to_say_becomes_that_reading(codec: Device, name: str) -> None:
    value = sample(codec.key, name)
    excused = name in NOT_ALONE.get(codec.key, ()) or name in NOWHERE.get(codec.key, ())
    if isinstance(value, str):
        assert excused, value
        return
    assert not excused, "it can be said now: take it out of the table"
    said = spoken(codec, one_saying(name, value, at_of(codec, AT)))
    gateway = listener(said)
    readings = [one for frame in said.frames for one in gateway.hear(frame).readings]
    if name in UNFINISHED.get(codec.key, ()):
        assert not readings
        return
    assert [one.metric for one in readings] == [name]
    assert near(readings[0].value, 1.0 if value is None else value)


@pytest.mark.parametrize(
    "codec", [pytest.param(codec, id=codec.key) for codec in devices() if codec not in SPEAKING]
)
def test_a_device_that_tells_only_facts_is_played_too(codec: Device) -> None:
    told = 0
    for vector in codec.vectors:
        for name, value in (vector.facts or {}).items():
            facts = dict(vector.facts or {}) if vector.facts else {name: value}
            said = spoken(codec, saying({}, {}, {}, facts, None))
            gateway = listener(said)
            heard_facts = {fact.name for frame in said.frames for fact in gateway.hear(frame).facts}
            assert set(facts) <= heard_facts
            told += 1
    assert told or codec.key == "omron"


def test_several_values_are_said_in_one_frame_where_the_device_has_one() -> None:
    cuff, esphome = by_key("gatt.blood_pressure"), by_key("esphome")
    assert cuff is not None
    assert esphome is not None
    pressures = {"systolic_pressure": 132.0, "diastolic_pressure": 81.0}
    units = {name: METRICS[name].unit for name in (*pressures, "power", "voltage")}
    assert len(spoken(cuff, saying(pressures, units, {}, {}, None)).frames) == 1
    rooms = {"power": 20.0, "voltage": 230.0}
    assert len(spoken(esphome, saying(rooms, units, {}, {}, None)).frames) == 2


@pytest.mark.parametrize(
    ("key", "address", "topic"),
    [
        pytest.param("zigbee2mqtt", "zigbee2mqtt/hall door", "zigbee2mqtt/hall door", id="zigbee"),
        pytest.param("esphome", "bedroom", "bedroom/", id="esphome"),
        pytest.param("shelly", "shellyplug-7", "shellyplug-7/", id="shelly"),
        pytest.param("tasmota", "kettle", "tele/kettle/", id="tasmota"),
    ],
)
def test_a_device_is_played_under_the_name_that_the_tester_gives(
    key: str, address: str, topic: str
) -> None:
    codec = by_key(key)
    assert codec is not None
    name = sayable(codec)[0]
    value = sample(key, name)
    assert not isinstance(value, str)
    said = spoken(codec, one_saying(name, value, None), address)
    assert said.subject == address
    assert said.frames[0].at.startswith(topic)


@pytest.mark.parametrize(
    ("key", "topic", "payload"),
    [
        pytest.param("shelly", "/online", b"true", id="shelly"),
        pytest.param("tasmota", "/LWT", b"Online", id="tasmota"),
        pytest.param("esphome", "/status", b"online", id="esphome"),
        pytest.param("zigbee2mqtt", "/availability", b'{"state":"online"}', id="zigbee2mqtt"),
        pytest.param("homie", "/$state", b"ready", id="homie"),
        pytest.param("zwavejs", "/status", b"true", id="zwave"),
    ],
)
def test_a_family_that_says_who_is_there_says_so_of_the_played_device(
    key: str, topic: str, payload: bytes
) -> None:
    codec = by_key(key)
    assert codec is not None
    name = sayable(codec)[0]
    said = spoken(codec, one_saying(name, sample(key, name), None))
    (there,) = presence(said)
    assert there.at.endswith(topic)
    assert (there.content, there.retained) == (payload, True)
    readings = listener(said).hear(there).readings
    assert [(one.device, one.metric) for one in readings] == [(said.subject, "device_online")]


@pytest.mark.parametrize(("codec", "name"), EVERYTHING)
def test_what_is_printed_of_it_is_decoded_line_by_line(codec: Device, name: str) -> None:
    value = sample(codec.key, name)
    if isinstance(value, str):
        return  # the test above knows which those are
    own = own_name(codec)
    said = shown(Play(lambda at: spoken(codec, one_saying(name, value, at_of(codec, at)), own)))
    lines = [json.dumps(line) for line in said.lines(own)]
    answer = json.loads(list(decode_lines(lines))[-1])
    heard_ = [item["metric"] for item in answer.get("readings", ())]
    heard_ += [item["event"] for item in answer.get("events", ())]
    assert name in heard_, answer


# Faults -----------------------------------------------------------------------------------------


@dataclass
class Outcome:
    """What came of the spoiled frames. `meant`: the readings of the same frames unspoiled."""

    codec: Device
    name: str
    meant: Sequence[float]
    heard: list[Heard]
    arrived: list[Frame]
    at: datetime

    @property
    def readings(self) -> list[Reading]:
        return [one for heard_ in self.heard for one in heard_.readings]

    @property
    def own(self) -> list[Reading]:
        return [one for one in self.readings if one.metric == self.name]

    @property
    def reasons(self) -> list[str]:
        told = [one.reason for heard_ in self.heard for one in heard_.refused]
        facts = [fact for heard_ in self.heard for fact in heard_.facts]
        return told + [str(fact.value) for fact in facts if fact.name == "not_understood"]

    @property
    def is_counted(self) -> bool:
        """A quantity without its time, over a link that says nothing twice by itself."""
        timed = all(one.clock in (Clock.DEVICE, Clock.CORRECTED) for one in self.own)
        is_quantity = METRICS[self.name].kind is Kind.QUANTITY
        return is_quantity and not timed and over(self.codec) is not Over.ADVERTISEMENT


def _explained_or_less(outcome: Outcome) -> None:
    """An advertisement that ends between two of its objects is whole, and says less."""
    if over(outcome.codec) is not Over.ADVERTISEMENT:
        _explained(outcome)


def _explained(outcome: Outcome) -> None:
    assert outcome.own or outcome.reasons, "lost in silence"


def _refused(outcome: Outcome) -> None:
    assert not outcome.own
    assert outcome.reasons


def _once(outcome: Outcome) -> None:
    ids = {one.id for one in outcome.own}
    if outcome.is_counted or METRICS[outcome.name].kind is Kind.EVENT:
        assert 1 <= len(ids) <= len(outcome.arrived)
    else:
        assert len(ids) == 1 or over(outcome.codec) is Over.GATT


def _a_gap(outcome: Outcome) -> None:
    assert len(outcome.own) < 2


def _both(outcome: Outcome) -> None:
    assert len({one.id for one in outcome.own}) >= min(2, len(set(outcome.meant)))


def _yesterday(outcome: Outcome) -> None:
    for one in outcome.own:
        assert timedelta(hours=23) < outcome.at - one.taken_at < timedelta(hours=25)


def _about_now_or_refused(outcome: Outcome) -> None:
    for one in outcome.own:
        assert abs(one.taken_at - outcome.at) < timedelta(minutes=10)
        assert one.clock is Clock.UNKNOWN
    assert outcome.own or outcome.reasons


def _an_hour_off(outcome: Outcome) -> None:
    for one in outcome.own:
        assert abs(one.taken_at - outcome.at) < timedelta(minutes=70)


def _and_battery(outcome: Outcome) -> None:
    assert outcome.own
    assert {"battery", "battery_low"} & {one.metric for one in outcome.readings}


def _no_event(outcome: Outcome) -> None:
    if METRICS[outcome.name].kind is Kind.EVENT:
        assert not outcome.own
    if METRICS[outcome.name].kind is Kind.QUANTITY:
        assert all(one.clock is Clock.DEVICE for one in outcome.own)


def _explained_or_the_only_unit(outcome: Outcome) -> None:
    _explained(outcome)


CHECKS: dict[str, Callable[[Outcome], None]] = {
    "truncated": _explained_or_less,
    "junk": _refused,
    "repeated": _once,
    "lost": _a_gap,
    "unconfirmed": _once,
    "reordered": _both,
    "late": _yesterday,
    "clock-1970": _about_now_or_refused,
    "clock-2094": _about_now_or_refused,
    "clock-dst": _an_hour_off,
    "failed": _refused,
    "battery-low": _and_battery,
    "replayed": _no_event,
    "burst": _once,
    "wrong-unit": _refused,
    "no-unit": _explained_or_the_only_unit,
    "silent": _a_gap,
}


def test_every_fault_of_the_table_is_checked() -> None:
    assert set(CHECKS) == set(FAULTS)


def chosen(codec: Device) -> list[str]:
    """One thing of each kind that the device says: a quantity, a state, an event."""
    found: dict[Any, str] = {}
    for name in sayable(codec):
        found.setdefault(METRICS[name].kind, name)
    return list(found.values())


def spoiled(said: Spoken, spoiler: Spoiler) -> list[Frame]:
    frames: list[Frame] = []
    for frame in said.frames:
        known = said.known.get(frame.at, {})
        shot = Shot(said.codec, frame, known, said.subject, ADDRESS_OF(said.codec))
        frames += spoiler.passed(shot)
    return frames


def can_happen(codec: Device, name: str, fault: Fault) -> bool:
    value = sample(codec.key, name)
    said = spoken(codec, one_saying(name, value, at_of(codec, AT)))
    if spoiled_news(fault, said, ADDRESS_OF(codec)) is not None:
        return True
    try:
        spoiled(said, Spoiler(fault))
    except CanNotHappen:
        return False
    return True


BROKEN = [
    pytest.param(codec, name, fault, id=f"{codec.key}-{name}-{fault.name}")
    for codec in SPEAKING
    for name in chosen(codec)
    for fault in possible(codec)
    if can_happen(codec, name, fault)
]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_can_happen_to_a_device_of_each_kind_that_it_names(fault: str) -> None:
    found = {over(row.values[0]) for row in BROKEN if row.values[2].name == fault}  # type: ignore[arg-type, union-attr]
    assert found == FAULTS[fault].over


@pytest.mark.parametrize(("codec", "name", "fault"), BROKEN)
def test_a_fault_makes_no_wrong_reading_and_loses_nothing_in_silence(
    codec: Device, name: str, fault: Fault
) -> None:
    values = [sample(codec.key, name, skip) for skip in (0, 1)]
    first = spoken(codec, one_saying(name, values[0], at_of(codec, AT)))
    gateway = listener(first)
    plain = [one for frame in first.frames for one in gateway.hear(frame).readings]
    assert plain

    spoiler, arrived, heard_ = Spoiler(fault), [], []
    begun = gateway.at + STEP
    for value in (values[1], values[0]):
        gateway.at += STEP
        said = spoken(codec, one_saying(name, value, at_of(codec, gateway.at)))
        news = spoiled_news(fault, said, ADDRESS_OF(codec))
        for frame in said.announced if news is None else news:
            gateway.hear(frame)
        for frame in spoiled(said, spoiler) if news is None else said.frames:
            heard_.append(gateway.hear(frame))
            arrived.append(frame)
        if fault.holds == 1 and fault.name != "lost":
            break

    low = {"battery": [BATTERY_PCT], "battery_low": [1.0]} if fault.name == "battery-low" else {}
    meant = [1.0 if value is None else float(value) for value in values]
    outcome = Outcome(codec, name, meant, heard_, arrived, begun)
    for one in outcome.readings:
        if one.metric == name:
            said_too = low.get(name, [])
            assert any(near(one.value, value) for value in (*meant, *said_too)), "a wrong reading"
        else:
            assert one.value in low.get(one.metric, ()), "nobody said that"
    CHECKS[fault.name](outcome)

    gateway.at += STEP
    after = spoken(codec, one_saying(name, values[0], at_of(codec, gateway.at)))
    for frame in after.announced:
        gateway.hear(frame)
    later = [one for frame in after.frames for one in gateway.hear(frame).readings]
    assert [one.metric for one in later] == [name], "what came later was not heard"
