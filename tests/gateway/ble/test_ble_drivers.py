"""What a profile needs over time: clocks, records from a memory, people on a scale, other names."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from devices.catalog import record_access, user_data
from devices.model import CharacteristicValue, Fact, Raw
from devices.registry import by_key, match
from gateway.ble import timing
from gateway.ble.bluez import over_bluez
from gateway.ble.memory import Memory
from gateway.ble.radio import Radio
from gateway.ble.records import BOOKMARK
from gateway.ble.settings import BleDevice, Slot, UserData
from gateway.ble.timing import Timing
from gateway.ble.users import CODE, SLOT
from gateway.ble.words import NO_ANSWER, NO_FREE_SLOT, NOT_KEPT, SAID_NOTHING, WRONG_CODE
from simulators.ble.bluez import MockBlueZ
from simulators.ble.bus import private_bus
from simulators.ble.cgm_sensor import CgmSensor, cgm_sensor
from simulators.ble.consent_scale import ConsentScale, consent_scale
from simulators.ble.device_clock import CLOCK, DeviceClock
from simulators.ble.glucose_meter import GlucoseMeter, glucose_meter
from simulators.ble.mind import Mind
from simulators.ble.peripheral import (
    MAKER,
    Advert,
    Characteristic,
    Pairing,
    Peripheral,
    Service,
    upkeep_services,
)

pytestmark = pytest.mark.processes

AT = datetime(2026, 7, 1, 7, 0, tzinfo=UTC)
LONDON = ZoneInfo("Europe/London")
SUMMER = AT.astimezone(LONDON).replace(tzinfo=None)
QUICK = Timing(
    bus_s=2.0,
    connect_s=3.0,
    settle_s=0.0,
    subscribe_s=2.0,
    first_value_s=0.5,
    idle_s=0.3,
    answer_s=0.4,
    rest_s=0.1,
    keep_s=2.0,
    scan_pause_s=1.0,
    listen_s=0.0,
    stale_s=5.0,
    retry_first_s=0.02,
    retry_most_s=0.1,
)
CUFF = Peripheral(
    address="A4:C1:38:00:00:01",
    name="BM85",
    services=(Service("1810", (Characteristic("2A35", ("indicate",)),)), CLOCK),
    advert=Advert(("1810",)),
    pairing=Pairing.JUST_WORKS,
    interval_s=0.02,
)
METER = glucose_meter("A4:C1:38:00:00:04", interval_s=0.02)
SCALE = consent_scale("A4:C1:38:00:00:06", interval_s=0.02)
OUR_CUFF = BleDevice(CUFF.address, "gatt.blood_pressure", "Cuff", zone=LONDON)
OUR_METER = BleDevice(METER.address, "gatt.glucose", "Meter", zone=LONDON)
OUR_SCALE = BleDevice(SCALE.address, "gatt.weight_scale", "Scale", zone=LONDON)


def pressure() -> bytes:
    kind = by_key("gatt.blood_pressure")
    assert kind is not None
    return bytes.fromhex(kind.vectors[0].frame)


@dataclass
class Home:
    bluez: MockBlueZ
    radio: Radio
    address: str
    heard: list[CharacteristicValue] = field(default_factory=list)
    facts: dict[str, object] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    """"frame" and "fact" in the order in which they reached the disk."""
    broken: bool = False
    """The journal can't be written."""
    forgets: bool = False
    """Facts can't be written."""

    @property
    def device(self):
        return next(iter(self.radio.state.devices.values()))

    def said(self, metric: str) -> list[float]:
        found = []
        for frame in self.heard:
            kind = match(frame)
            assert kind is not None
            with suppress(ValueError):
                found += [
                    item.value
                    for item in kind.decode(frame, {}).measurements
                    if item.metric == metric
                ]
        return found

    def asked(self, characteristic: str = "2A52") -> list[bytes]:
        return [value for name, value in self.bluez.written(self.address) if name == characteristic]

    async def until(self, condition: Callable[[], bool], limit_s: float = 15.0) -> None:
        async with asyncio.timeout(limit_s):
            while not condition():  # noqa: ASYNC110 - the state of the radio is plain fields
                await asyncio.sleep(0.005)

    async def visit(self) -> None:
        """One whole visit, from the first advertisement to the end of the link."""
        self.bluez.wake(self.address)
        await self.bluez.until(lambda: self.bluez.connected(self.address))
        self.bluez.sleep(self.address)
        await self.until(lambda: self.device.connected or not self.bluez.connected(self.address))
        await self.bluez.until(lambda: not self.bluez.connected(self.address))
        await self.until(lambda: not self.device.connected)


Scenario = Callable[[Home], Awaitable[None]]
Play = Callable[..., None]


@pytest.fixture
def play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Play:
    """Runs a scenario in a home with one device, which it plays with a mind of its own."""
    monkeypatch.setattr(timing, "GRACE_S", 0.5)

    def run_scenario(
        scenario: Scenario,
        peripheral: Peripheral,
        device: BleDevice,
        mind: Mind | None = None,
        facts: dict[str, object] | None = None,
    ) -> None:
        async def main() -> None:
            async with private_bus(tmp_path) as address, MockBlueZ(address) as bluez:
                monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", address)
                bluez.add_peripheral(peripheral, mind)

                async def take(raws: Sequence[Raw]) -> None:
                    if home.broken:
                        raise sqlite3.OperationalError("disk I/O error")
                    home.heard.extend(raw for raw in raws if isinstance(raw, CharacteristicValue))
                    home.log.append("frame")

                async def keep(fact: Fact) -> None:
                    if home.forgets:
                        raise sqlite3.OperationalError("disk I/O error")
                    home.facts[fact.name] = fact.value
                    home.log.append(f"fact {fact.name}")

                radio = Radio(
                    [device],
                    take,
                    lambda: AT,
                    over_bluez(),
                    timing=QUICK,
                    memory=Memory(lambda _: home.facts, keep),
                )
                home = Home(bluez, radio, peripheral.address, facts=dict(facts or {}))
                running = asyncio.create_task(radio.run())
                try:
                    async with asyncio.timeout(40):
                        await home.until(lambda: radio.state.scanning)
                        await scenario(home)
                finally:
                    running.cancel()
                    with suppress(asyncio.CancelledError):
                        await running

        asyncio.run(main())

    return run_scenario


# Clocks ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "ahead",
    [
        pytest.param(timedelta(0), id="right"),
        pytest.param(timedelta(hours=-1), id="left in winter time"),
        pytest.param(datetime(1970, 1, 1) - SUMMER, id="1970"),
        pytest.param(datetime(2094, 6, 1) - SUMMER, id="2094"),
    ],
)
def test_a_clock_is_compared_before_it_is_set_to_local_time(play: Play, ahead: timedelta) -> None:
    clock = DeviceClock(lambda: SUMMER, ahead)

    async def scenario(home: Home) -> None:
        home.bluez.store(CUFF.address, "2A35", pressure())
        await home.until(lambda: bool(home.heard))
        assert home.heard[0].clock_ahead_s == pytest.approx(ahead.total_seconds(), abs=1)
        assert clock.now() == SUMMER

    play(scenario, CUFF, OUR_CUFF, clock)


@pytest.mark.parametrize(
    ("peripheral", "mind"),
    [
        pytest.param(replace(CUFF, services=CUFF.services[:1]), None, id="it has none"),
        pytest.param(CUFF, None, id="its time has no form"),
        pytest.param(
            replace(
                CUFF, services=(CUFF.services[0], Service("1805", (Characteristic("2A2B", ()),)))
            ),
            None,
            id="neither read nor written",
        ),
    ],
)
def test_a_clock_that_can_not_be_told_costs_no_value(
    play: Play, peripheral: Peripheral, mind: Mind | None
) -> None:
    async def scenario(home: Home) -> None:
        home.bluez.store(CUFF.address, "2A35", pressure())
        await home.until(lambda: bool(home.heard))
        assert home.heard[0].clock_ahead_s is None
        assert home.device.failures == 0

    play(scenario, peripheral, OUR_CUFF, mind)


def test_a_bare_date_and_time_is_set_where_there_is_no_clock_service(play: Play) -> None:
    time = Characteristic("2A08", ("read", "write"), value=bytes(7))
    cuff = replace(CUFF, services=(Service("1810", (*CUFF.services[0].characteristics, time)),))

    async def scenario(home: Home) -> None:
        home.bluez.store(CUFF.address, "2A35", pressure())
        await home.until(lambda: bool(home.heard))
        assert home.asked("2A08") == [bytes.fromhex("ea0707010800 00")]
        assert home.heard[0].clock_ahead_s is None

    play(scenario, cuff, OUR_CUFF)


# What is read as the link opens ---------------------------------------------------------------


def test_a_sensor_says_when_its_session_began_before_its_values_come(play: Play) -> None:
    kind = by_key("gatt.cgm")
    assert kind is not None
    frames = {
        at: next(bytes.fromhex(one.frame) for one in kind.vectors if one.at == at and one.facts)
        for at in ("2AAA", "2AA7")
    }
    sensor = Peripheral(
        address="A4:C1:38:00:00:07",
        name="Sensor",
        services=(
            Service(
                "181F",
                (
                    Characteristic("2AA7", ("notify",)),
                    Characteristic("2AAA", ("read",), value=frames["2AAA"]),
                ),
            ),
        ),
        advert=Advert(("181F",)),
        pairing=Pairing.JUST_WORKS,
        interval_s=0.02,
    )

    async def scenario(home: Home) -> None:
        home.bluez.store(sensor.address, "2AA7", frames["2AA7"])
        await home.until(lambda: len(home.heard) >= 2)
        said = [(frame.characteristic, frame.value) for frame in home.heard[:2]]
        assert said == list(frames.items())

    play(scenario, sensor, BleDevice(sensor.address, "gatt.cgm", "Sensor", zone=LONDON))


def with_upkeep(peripheral: Peripheral) -> Peripheral:
    return replace(
        peripheral, services=(*peripheral.services, *upkeep_services(64)), drops_link=False
    )


TOLD = {"2A19": b"@", "2A29": MAKER.encode(), "2A24": b"Model 1", "2A26": b"1.0.2", "2A25": b"0042"}


def told(home: Home) -> list[str]:
    return [frame.characteristic for frame in home.heard if frame.characteristic in TOLD]


def test_the_battery_is_told_at_each_visit_and_the_maker_once_a_day(play: Play) -> None:
    async def scenario(home: Home) -> None:
        for _ in range(2):
            home.bluez.store(CUFF.address, "2A35", pressure())
            await home.visit()
        assert {f.characteristic: f.value for f in home.heard if f.characteristic in TOLD} == TOLD
        assert told(home) == [*TOLD, "2A19"]
        levels = [frame.value for frame in home.heard if frame.characteristic == "2A19"]
        assert levels == [b"@", b"@"]

    play(scenario, with_upkeep(CUFF), OUR_CUFF)


@pytest.mark.parametrize(
    ("fault", "names", "left"),
    [
        pytest.param("refuses_reads", TOLD, [], id="refused"),
        pytest.param("refuses_reads", {"2A19"}, list(TOLD)[1:], id="no battery"),
        pytest.param("hangs_reads", {"2A29"}, ["2A19"], id="no answer"),
    ],
)
def test_a_device_that_does_not_tell_of_itself_still_gives_its_value(
    play: Play, fault: str, names: set[str], left: list[str]
) -> None:
    async def scenario(home: Home) -> None:
        setattr(home.bluez.faults(CUFF.address), fault, set(names))
        home.bluez.store(CUFF.address, "2A35", pressure())
        await home.visit()
        assert "2A35" in [frame.characteristic for frame in home.heard]
        assert told(home) == left
        assert (home.device.failures, home.device.error) == (0, "")

    play(scenario, with_upkeep(CUFF), OUR_CUFF)


def test_a_battery_alone_is_no_value(play: Play) -> None:
    async def scenario(home: Home) -> None:
        await home.visit()
        assert told(home) == list(TOLD)
        assert home.device.last_value is None
        assert home.device.error == SAID_NOTHING

    play(scenario, with_upkeep(CUFF), OUR_CUFF)


def test_a_meter_gives_its_records_before_it_tells_of_itself(play: Play) -> None:
    async def scenario(home: Home) -> None:
        await home.visit()
        names = [frame.characteristic for frame in home.heard]
        assert names == ["2A18", "2A18", *TOLD]

    play(scenario, with_upkeep(METER), OUR_METER, meter([101, 102]))


# Records --------------------------------------------------------------------------------------


class Hours:
    """Local time that a test moves on."""

    def __init__(self) -> None:
        self.now = SUMMER - timedelta(days=2)

    def __call__(self) -> datetime:
        return self.now


def meter(values: Sequence[float], **faults: object) -> GlucoseMeter:
    hours = Hours()
    made = GlucoseMeter(DeviceClock(hours, can_be_set=False))
    for name, value in faults.items():
        setattr(made.faults, name, value)
    for value in values:
        measure(made, value)
    return made


def measure(made: GlucoseMeter, value: float) -> None:
    made.clock.ahead += timedelta(hours=1)
    made.measure(value)


ALL = record_access.all_records()


def test_the_first_time_all_records_are_asked_for_and_then_only_what_is_new(play: Play) -> None:
    mind = meter([101, 102, 103])

    async def scenario(home: Home) -> None:
        await home.visit()
        assert home.said("blood_glucose") == [101, 102, 103]
        assert home.facts == {BOOKMARK: 3}
        measure(mind, 104)
        await home.visit()
        assert home.said("blood_glucose") == [101, 102, 103, 104]
        assert home.asked() == [ALL, record_access.records_from(4)]
        assert home.facts == {BOOKMARK: 4}
        assert home.device.error == ""

    play(scenario, METER, OUR_METER, mind)


def test_the_bookmark_is_kept_after_the_records_that_it_stands_for(play: Play) -> None:
    async def scenario(home: Home) -> None:
        home.broken = True
        home.bluez.wake(METER.address)
        await home.until(lambda: not home.radio.state.keeping)
        await asyncio.sleep(0.1)
        assert home.facts == {}
        home.broken = False
        await home.until(lambda: home.facts == {BOOKMARK: 3})
        assert home.log.index("frame") < home.log.index(f"fact {BOOKMARK}")
        assert home.said("blood_glucose")[:3] == [101, 102, 103]

    play(scenario, METER, OUR_METER, meter([101, 102, 103]))


@pytest.mark.parametrize("what", ["records", "facts"])
def test_a_journal_that_can_not_be_written_moves_no_bookmark_and_is_told(
    play: Play, what: str
) -> None:
    async def scenario(home: Home) -> None:
        home.broken = what == "records"
        home.forgets = what == "facts"
        home.bluez.wake(METER.address)
        await home.until(lambda: home.device.error == NOT_KEPT)
        assert home.facts == {}
        home.broken = home.forgets = False
        await home.until(lambda: home.facts == {BOOKMARK: 3})

    play(scenario, METER, OUR_METER, meter([101, 102, 103]))


def test_a_bookmark_from_before_the_start_is_used(play: Play) -> None:
    async def scenario(home: Home) -> None:
        await home.visit()
        assert home.said("blood_glucose") == [103]
        assert home.asked() == [record_access.records_from(3)]

    play(scenario, METER, OUR_METER, meter([101, 102, 103]), facts={BOOKMARK: 2})


def test_no_records_is_a_success(play: Play) -> None:
    async def scenario(home: Home) -> None:
        await home.visit()
        assert home.asked() == [ALL]
        assert (home.heard, home.device.failures) == ([], 0)

    play(scenario, METER, OUR_METER, meter([]))


def test_a_meter_that_forgot_and_counts_anew_is_asked_for_all(play: Play) -> None:
    mind = meter([101, 102, 103])

    async def scenario(home: Home) -> None:
        await home.visit()
        mind.forget()
        for value in (201, 202):
            measure(mind, value)
        await home.visit()
        assert set(home.said("blood_glucose")) == {101, 102, 103, 201, 202}
        assert home.facts == {BOOKMARK: 2}

    play(scenario, METER, OUR_METER, mind)


def test_a_meter_whose_numbers_run_the_other_way_hides_nothing(play: Play) -> None:
    mind = meter([101, 102, 103], newest_is_first_number=True)

    async def scenario(home: Home) -> None:
        await home.visit()
        measure(mind, 104)
        await home.visit()
        assert set(home.said("blood_glucose")) == {101, 102, 103, 104}
        assert home.asked() == [ALL, ALL]
        assert BOOKMARK not in home.facts

    play(scenario, METER, OUR_METER, mind)


@pytest.mark.parametrize("newest_first", [False, True], ids=["oldest first", "newest first"])
def test_a_link_that_breaks_in_the_middle_loses_no_record(play: Play, newest_first: bool) -> None:
    mind = meter([101, 102, 103, 104, 105], breaks_after=3, newest_first=newest_first)

    async def scenario(home: Home) -> None:
        await home.visit()
        assert len(home.said("blood_glucose")) == 3
        await home.visit()
        assert set(home.said("blood_glucose")) == {101, 102, 103, 104, 105}
        second = ALL if newest_first else record_access.records_from(4)
        assert home.asked() == [ALL, second]

    play(scenario, METER, OUR_METER, mind)


def test_a_meter_that_leaves_with_its_last_record_has_given_all(play: Play) -> None:
    async def scenario(home: Home) -> None:
        await home.visit()
        assert home.said("blood_glucose") == [101, 102, 103]
        assert (home.facts, home.device.failures) == ({BOOKMARK: 3}, 0)

    play(scenario, METER, OUR_METER, meter([101, 102, 103], leaves_with_last=True))


def test_a_meter_that_falls_silent_is_told_to_stop_and_asked_again(play: Play) -> None:
    async def scenario(home: Home) -> None:
        await home.visit()
        assert home.asked()[:2] == [ALL, record_access.abort()]
        await home.visit()
        assert set(home.said("blood_glucose")) == {101, 102, 103}

    play(scenario, METER, OUR_METER, meter([101, 102, 103], silent_after=2))


def test_a_meter_that_never_answers_is_told_in_words(play: Play) -> None:
    async def scenario(home: Home) -> None:
        await home.visit()
        assert (home.device.failures, home.device.error) == (1, NO_ANSWER)

    play(scenario, METER, OUR_METER, meter([101], silent_after=0))


def test_a_meter_that_can_not_choose_is_asked_for_all(play: Play) -> None:
    async def scenario(home: Home) -> None:
        await home.visit()
        assert home.asked() == [record_access.records_from(2), ALL]
        assert home.said("blood_glucose") == [101, 102]

    play(scenario, METER, OUR_METER, meter([101, 102], only_all=True), facts={BOOKMARK: 1})


@pytest.mark.parametrize(
    ("delete", "left"), [(False, [1, 2]), (True, [])], ids=["as always", "where it is configured"]
)
def test_records_are_deleted_only_where_the_settings_say_so(
    play: Play, delete: bool, left: list[int]
) -> None:
    mind = meter([101, 102])

    async def scenario(home: Home) -> None:
        await home.visit()
        assert home.said("blood_glucose") == [101, 102]
        assert mind.numbers == left

    play(scenario, METER, replace(OUR_METER, delete_records=delete), mind)


# A sensor's sessions ---------------------------------------------------------------------------

SENSOR = cgm_sensor("A4:C1:38:00:00:07", interval_s=0.02)
OUR_SENSOR = BleDevice(SENSOR.address, "gatt.cgm", "Sensor", zone=LONDON)
BEGAN = AT - timedelta(days=2)


class Days:
    """UTC that a test moves on."""

    def __init__(self) -> None:
        self.now = BEGAN

    def __call__(self) -> datetime:
        return self.now


def sensor(
    minutes: Sequence[int],
    days: Days | None = None,
    *,
    knows_start: bool = True,
    **faults: object,
) -> CgmSensor:
    made = CgmSensor(days or Days(), knows_start=knows_start)
    for name, value in faults.items():
        setattr(made.faults, name, value)
    for minute in minutes:
        made.measure(minute, 100.0 + minute)
    return made


def minutes_said(home: Home) -> list[float]:
    return [value - 100.0 for value in home.said("sensor_glucose")]


def began(at: datetime, minute: int | None) -> dict[str, object]:
    return {BOOKMARK: [at.replace(tzinfo=None).isoformat(), minute]}


def test_what_a_sensor_kept_while_nobody_listened_is_fetched_from_the_bookmark_on(
    play: Play,
) -> None:
    mind = sensor([5, 10, 15])

    async def scenario(home: Home) -> None:
        await home.visit()
        assert home.facts == began(BEGAN, 15)
        for minute in (20, 25):
            mind.measure(minute, 100.0 + minute)
        await home.visit()
        assert minutes_said(home) == [5, 10, 15, 20, 25]
        assert home.asked() == [ALL, record_access.records_from(16)]
        assert home.facts == began(BEGAN, 25)
        assert home.device.error == ""

    play(scenario, SENSOR, OUR_SENSOR, mind)


def test_a_lost_link_loses_no_record_of_a_sensor_and_asks_for_few_again(play: Play) -> None:
    mind = sensor(range(5, 55, 5), breaks_after=6)

    async def scenario(home: Home) -> None:
        await home.visit()
        assert home.facts == began(BEGAN, 25)
        await home.visit()
        assert set(minutes_said(home)) == set(range(5, 55, 5))
        assert home.asked() == [ALL, record_access.records_from(26)]

    play(scenario, SENSOR, OUR_SENSOR, mind)


def test_a_live_value_in_the_middle_of_a_lost_download_hides_nothing_before_it(
    play: Play,
) -> None:
    mind = sensor(range(5, 55, 5), breaks_after=3, live_after=2)

    async def scenario(home: Home) -> None:
        await home.visit()
        assert minutes_said(home) == [5, 10, 50, 15]
        await home.visit()
        assert set(minutes_said(home)) == set(range(5, 55, 5))
        assert home.facts == began(BEGAN, 50)

    play(scenario, SENSOR, OUR_SENSOR, mind)


def test_another_session_is_asked_for_whole_though_its_minutes_are_lower(play: Play) -> None:
    days = Days()
    mind = sensor([5, 10, 15], days)
    later = BEGAN + timedelta(days=1)

    async def scenario(home: Home) -> None:
        await home.visit()
        days.now = later
        mind.begin()
        for minute in (5, 20):
            mind.measure(minute, 200.0 + minute)
        await home.visit()
        assert minutes_said(home) == [5, 10, 15, 105, 120]
        assert home.asked() == [ALL, ALL]
        assert home.facts == began(later, 20)

    play(scenario, SENSOR, OUR_SENSOR, mind)


def test_a_damaged_record_is_asked_for_once_more_and_then_left(play: Play) -> None:
    mind = sensor([5, 10, 15, 20], damages=[15, 15])

    async def scenario(home: Home) -> None:
        await home.visit()
        assert home.facts == began(BEGAN, 10)
        await home.visit()
        assert home.facts == began(BEGAN, 20)
        assert home.asked() == [ALL, record_access.records_from(11)]
        assert set(minutes_said(home)) == {5, 10, 20}

    play(scenario, SENSOR, OUR_SENSOR, mind)


# It is read twice: the first time to see whether the sensor has to be told the time.
@pytest.mark.parametrize(("damages", "asked"), [(2, [ALL]), (99, [])], ids=["once", "each time"])
def test_no_record_is_taken_under_a_start_that_came_damaged(
    play: Play, damages: int, asked: list[bytes]
) -> None:
    mind = sensor([5], damages_start=damages)

    async def scenario(home: Home) -> None:
        await home.visit()
        assert home.asked()[:1] == asked
        assert bool(home.device.error) is (not asked)

    play(scenario, SENSOR, OUR_SENSOR, mind)


def test_a_sensor_that_knows_no_start_is_told_the_time_and_works_it_out(play: Play) -> None:
    days = Days()
    mind = sensor([5, 10], days, knows_start=False)
    days.now = AT

    async def scenario(home: Home) -> None:
        await home.visit()
        assert len(home.asked("2AAA")) == 1
        assert home.facts == began(BEGAN, 10)
        await home.visit()
        assert len(home.asked("2AAA")) == 1

    play(scenario, SENSOR, OUR_SENSOR, mind)


# People on a scale ----------------------------------------------------------------------------


def scale(**settings: object) -> ConsentScale:
    return ConsentScale(DeviceClock(lambda: SUMMER), **settings)  # type: ignore[arg-type]


def test_a_scale_that_knows_nobody_is_registered_with_once_and_then_only_asked(play: Play) -> None:
    mind = scale()

    async def scenario(home: Home) -> None:
        await home.visit()
        assert mind.codes == {1: home.facts[CODE]}
        assert home.facts[SLOT] == 1
        mind.weigh(1, 71.5)
        await home.visit()
        assert home.said("body_weight") == [71.5]
        ops = [value[0] for value in home.asked("2A9F")]
        assert ops == [user_data.Op.REGISTER, user_data.Op.CONSENT, user_data.Op.CONSENT]

    play(scenario, SCALE, OUR_SCALE, mind)


MARGARET = UserData("Margaret", date(1947, 3, 2), "female", 162)
AS_WRITTEN = {
    "2A8A": b"Margaret",
    "2A85": bytes.fromhex("9b070302"),
    "2A8C": b"\x01",
    "2A8E": b"\xa2\x00",
}


def test_a_scale_is_told_of_its_person_after_the_consent_and_anew_each_time(play: Play) -> None:
    mind = scale(slots={2: 1234})

    async def scenario(home: Home) -> None:
        await home.visit()
        assert mind.people == {2: AS_WRITTEN | {"2A99": b"\x01\0\0\0"}}
        names = [name for name, _ in home.bluez.written(SCALE.address)]
        assert names == ["2A2B", "2A9F", *AS_WRITTEN, "2A99"]
        mind.weigh(2, 71.5)
        await home.visit()
        assert mind.people[2]["2A99"] == b"\x02\0\0\0"
        assert home.said("body_weight") == [71.5]

    play(scenario, SCALE, replace(OUR_SCALE, slot=Slot(2, 1234), user=MARGARET), mind)


@pytest.mark.parametrize(
    ("user", "written"),
    [
        pytest.param(None, {}, id="nothing in the settings"),
        pytest.param(UserData(height_cm=162), {"2A8E", "2A99"}, id="only the height"),
    ],
)
def test_a_scale_is_told_only_what_the_settings_hold(
    play: Play, user: UserData | None, written: set[str]
) -> None:
    mind = scale(slots={2: 1234})

    async def scenario(home: Home) -> None:
        await home.visit()
        assert set(mind.people.get(2, {})) == set(written)

    play(scenario, SCALE, replace(OUR_SCALE, slot=Slot(2, 1234), user=user), mind)


def test_a_scale_that_takes_nothing_of_a_person_still_weighs(play: Play) -> None:
    mind = scale(slots={2: 1234})
    mind.weigh(2, 71.5)
    deaf = replace(
        SCALE,
        services=tuple(
            replace(
                service,
                characteristics=tuple(
                    replace(one, flags=("read",)) if one.uuid in AS_WRITTEN else one
                    for one in service.characteristics
                ),
            )
            for service in SCALE.services
        ),
    )

    async def scenario(home: Home) -> None:
        await home.visit()
        assert home.said("body_weight") == [71.5]
        assert home.device.error == ""

    play(scenario, deaf, replace(OUR_SCALE, slot=Slot(2, 1234), user=MARGARET), mind)


def test_the_clock_is_set_before_the_scale_is_told_who_stands_on_it(play: Play) -> None:
    async def scenario(home: Home) -> None:
        await home.visit()
        names = [name for name, _ in home.bluez.written(SCALE.address)]
        assert names == ["2A2B", "2A9F"]

    play(scenario, SCALE, replace(OUR_SCALE, slot=Slot(2, 1234)), scale(slots={2: 1234}))


@pytest.mark.parametrize(
    ("mind", "slot", "words"),
    [
        pytest.param(scale(slots={2: 1234}), Slot(2, 4321), WRONG_CODE, id="wrong code"),
        pytest.param(scale(slots={1: 1}, room=1), None, NO_FREE_SLOT, id="no free slot"),
    ],
)
def test_a_scale_that_refuses_says_what_to_do(
    play: Play, mind: ConsentScale, slot: Slot | None, words: str
) -> None:
    async def scenario(home: Home) -> None:
        await home.visit()
        assert home.device.error == words

    play(scenario, SCALE, replace(OUR_SCALE, slot=slot), mind)


def test_of_one_weighing_the_value_at_rest_is_passed_on_and_stubs_are_shown(play: Play) -> None:
    mind = scale(slots={1: 1}, resting=(-3.0, 0.5), stubs=1)
    mind.weigh(1, 71.5)
    mind.clock.ahead = timedelta(days=-1)
    mind.weigh(1, 72.0)
    mind.clock.ahead = timedelta(0)

    async def scenario(home: Home) -> None:
        await home.visit()
        weights = [frame for frame in home.heard if len(frame.value) > 3]
        assert len(home.heard) == len(weights) + 1
        kind = by_key("gatt.weight_scale")
        assert kind is not None
        assert [kind.decode(frame, {}).measurements[0].value for frame in weights] == [71.5, 72.0]

    play(scenario, SCALE, replace(OUR_SCALE, slot=Slot(1, 1)), mind)


# Names, addresses and passkeys ----------------------------------------------------------------


def test_a_device_given_by_its_name_is_visited_whatever_its_address_is(play: Play) -> None:
    named = replace(OUR_CUFF, address="bm8")
    later = replace(CUFF, address="5A:00:00:00:00:99", name="BM85 transfer")

    async def scenario(home: Home) -> None:
        home.bluez.store(CUFF.address, "2A35", pressure())
        await home.until(lambda: len(home.heard) == 1)
        home.bluez.add_peripheral(later, None)
        home.bluez.store(later.address, "2A35", pressure())
        await home.until(lambda: len(home.heard) == 2)
        assert [frame.address for frame in home.heard] == ["bm8", "bm8"]
        assert home.bluez.bonded(later.address)

    play(scenario, CUFF, named)


@pytest.mark.parametrize(
    ("passkey", "pairs"),
    [
        pytest.param(123456, True, id="as printed"),
        pytest.param(654321, False, id="another one"),
        pytest.param(None, False, id="not in the settings"),
    ],
)
def test_a_device_that_demands_a_passkey_gets_the_one_of_the_settings(
    play: Play, passkey: int | None, pairs: bool
) -> None:
    async def scenario(home: Home) -> None:
        home.bluez.store(CUFF.address, "2A35", pressure())
        await home.until(lambda: bool(home.heard) or home.device.failures > 0)
        assert bool(home.heard) is pairs
        assert pairs or "`passkey`" in home.device.error

    demanding = replace(CUFF, pairing=Pairing.PASSKEY, passkey=123456)
    play(scenario, demanding, replace(OUR_CUFF, passkey=passkey))


def test_a_passkey_that_is_entered_later_is_used_without_a_new_start(play: Play) -> None:
    async def scenario(home: Home) -> None:
        home.bluez.store(CUFF.address, "2A35", pressure())
        await home.until(lambda: home.device.failures > 0)
        home.radio.dismiss(OUR_CUFF)
        home.radio.enrol(replace(OUR_CUFF, passkey=123456))
        await home.until(lambda: bool(home.heard))
        assert home.bluez.bonded(CUFF.address)

    demanding = replace(CUFF, pairing=Pairing.PASSKEY, passkey=123456)
    play(scenario, demanding, OUR_CUFF)
