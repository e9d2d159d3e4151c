"""Devices that are played are heard by the shipped gateway, over a mock BlueZ and over a broker."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Self
from zoneinfo import ZoneInfo

import pytest
from typer.testing import CliRunner

from devices.codec import Device
from devices.metrics import METRICS, Kind
from devices.model import Raw
from devices.registry import devices
from gateway.ble.bluez import over_bluez
from gateway.ble.radio import Radio
from gateway.ble.settings import BleDevice
from gateway.ble.timing import Timing
from gateway.config import HomeDevice, Mqtt
from gateway.home import Home
from gateway.intake import Intake
from gateway.journal import Journal
from gateway.mqtt import Broker
from plumbing.backoff import Backoff
from plumbing.clock import HomeTime, monotonic_s
from plumbing.processes import free_port
from rules.model import Person
from rules.plan import parse_plan
from simulators.ble.bluez import MockBlueZ
from simulators.ble.bus import private_bus
from simulators.broker import listens, start_broker
from simulators.cli import app
from simulators.homes.config import DeviceConfig
from simulators.homes.devices import GattDevice, Meter
from simulators.people.body import Body, Fever, Glucose
from simulators.people.person import Deed, Happening, SimulatedPerson, measured
from simulators.play import run
from simulators.play.air import Played, appear
from simulators.play.faults import FAULTS, Fault
from simulators.play.frames import Over, Spoken, Unsayable, over, saying, spoken
from simulators.play.replay import onto_air, recorded
from simulators.play.run import Play, over_mqtt

pytestmark = pytest.mark.processes

AT = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)
"""In winter: a wall clock in London shows UTC."""
FAR = datetime(2100, 1, 1, tzinfo=UTC)
LONDON = ZoneInfo("Europe/London")
WITHIN_S = 15.0
QUICK = Timing(
    bus_s=2.0,
    connect_s=3.0,
    settle_s=0.0,
    subscribe_s=2.0,
    first_value_s=1.0,
    idle_s=0.3,
    answer_s=0.6,
    rest_s=0.05,
    keep_s=2.0,
    scan_pause_s=1.0,
    listen_s=0.0,
    stale_s=5.0,
    retry_first_s=0.02,
    retry_most_s=0.1,
)
VALUES = (20.0, 70.0, 100.0, 36.5, 2.0, 1.0)
MEASURING = [codec for codec in devices() if codec.metrics]


def first_saying(codec: Device, at: datetime, address: str = "", nth: int = 0) -> Spoken:
    """The first thing that the device can say, with the nth value that fits."""
    time = at.replace(tzinfo=None) if over(codec) is Over.GATT else at
    taken_at = None if over(codec) is Over.ADVERTISEMENT else time
    for name in codec.metrics:
        row = METRICS[name]
        tried = (1.0, 0.0) if row.kind is Kind.STATE else VALUES
        found: list[Spoken] = []
        for value in (value for value in tried if row.plausible(value)):
            with suppress(Unsayable):
                what = saying({name: value}, {name: row.unit}, {}, {}, taken_at)
                found.append(spoken(codec, what, address))
            if len(found) > nth:
                return found[-1]
    raise AssertionError(f"{codec.key} says nothing")


def address_of(number: int) -> str:
    return f"A4:C1:38:00:01:{number:02X}"


class Ear:
    """The shipped intake behind the shipped radio."""

    def __init__(self, home: Sequence[HomeDevice]) -> None:
        people = {"margaret": Person(id="margaret", name="Margaret", timezone="Europe/London")}
        self._intake = Intake(home, [], people, {})
        self.values: dict[str, list[float]] = {}
        self.metrics: dict[str, list[float]] = {}
        self.ids: set[str] = set()
        self.refused: list[str] = []

    async def take(self, frames: Sequence[Raw]) -> None:
        for frame in frames:
            heard = self._intake.read(frame)
            self.refused += (one.reason for one in heard.refused)
            for reading in heard.readings:
                if reading.id not in self.ids:
                    self.values.setdefault(reading.device, []).append(reading.value)
                    self.metrics.setdefault(reading.metric, []).append(reading.value)
                    self.ids.add(reading.id)


ON_AIR = [codec for codec in MEASURING if over(codec) is not Over.MQTT]


async def on_air(
    bluez: MockBlueZ, played: dict[str, tuple[Spoken, Played]], fault: Fault | None
) -> Ear:
    """One of each device, said at once, and heard by one radio."""
    home = [
        HomeDevice(device=address, patient="margaret", kind=said.codec.key, bindkey=key_of(said))
        for address, (said, _) in played.items()
    ]
    ear = Ear(home)
    ours = [BleDevice(one.device, one.kind, one.kind, zone=LONDON) for one in home]
    radio = Radio(ours, ear.take, lambda: AT, over_bluez(), timing=QUICK)
    running = asyncio.create_task(radio.run())
    try:
        await bluez.until(lambda: bluez.scanning)
        for said, device in played.values():
            for frame in said.frames:
                device.say(frame, fault)
        with suppress(TimeoutError):
            async with asyncio.timeout(WITHIN_S):
                while len(ear.values) < len(played):  # noqa: ASYNC110 - plain fields
                    await asyncio.sleep(0.02)
        await asyncio.sleep(0.3)
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
    return ear


def key_of(said: Spoken) -> str:
    return next((str(known["bindkey"]) for known in said.known.values() if "bindkey" in known), "")


def heard_on_air(
    folder: Path, fault: Fault | None, kinds: Sequence[Device]
) -> dict[str, list[float]]:
    """What came of each kind of device, by its key."""

    async def main() -> dict[str, list[float]]:
        async with private_bus(folder) as address, MockBlueZ(address) as bluez:
            with pytest.MonkeyPatch.context() as patched:
                patched.setenv("DBUS_SYSTEM_BUS_ADDRESS", address)
                played = {}
                for number, codec in enumerate(kinds):
                    own = address_of(number)
                    said = first_saying(codec, AT, own)
                    local = AT.replace(tzinfo=None)
                    device = appear(bluez, said, own, lambda: local, interval_s=0.02)  # noqa: B023 - one time
                    played[own] = (said, device)
                ear = await on_air(bluez, played, fault)
        keys = {own: said.codec.key for own, (said, _) in played.items()}
        return {keys[own]: values for own, values in ear.values.items()}

    return asyncio.run(main())


@pytest.fixture(scope="module")
def heard(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[float]]:
    return heard_on_air(tmp_path_factory.mktemp("air"), None, ON_AIR)


@pytest.mark.parametrize("codec", [pytest.param(codec, id=codec.key) for codec in ON_AIR])
def test_a_bluetooth_device_that_is_played_is_heard_once(
    codec: Device, heard: dict[str, list[float]]
) -> None:
    assert codec.key in heard
    assert len(heard[codec.key]) == 1


def test_a_value_whose_confirmation_is_lost_comes_again_and_is_one_reading(tmp_path: Path) -> None:
    kinds = [codec for codec in ON_AIR if codec.key in ("gatt.blood_pressure", "gatt.thermometer")]
    came = heard_on_air(tmp_path, FAULTS["unconfirmed"], kinds)
    assert {key: len(values) for key, values in came.items()} == {codec.key: 1 for codec in kinds}


WANTED = ("body_temperature", "blood_glucose")


def test_what_a_person_measures_at_home_is_heard_and_a_fault_of_it_is_refused(
    tmp_path: Path,
) -> None:
    """A fever on the thermometer, glucose from the meter's memory, and then a frame cut in half.

    Their batteries are read as well.
    """
    person = SimulatedPerson(
        id="margaret",
        name="Margaret",
        seed=4,
        body=Body(
            dry_weight_kg=71.4,
            fever=Fever(onset=datetime(2026, 3, 1, 7)),
            glucose=Glucose(fasting_mmol_l=6.4, meals=()),
        ),
    )
    kinds = {
        Deed.TEMPERATURE: ("gatt.thermometer", GattDevice),
        Deed.GLUCOSE: ("gatt.glucose", Meter),
    }

    async def main() -> Ear:
        home = []
        async with private_bus(tmp_path) as bus, MockBlueZ(bus) as bluez:
            for number, (kind, _) in enumerate(kinds.values()):
                device = address_of(number)
                home.append(HomeDevice(device=device, patient="margaret", kind=kind))
            devices_ = {
                deed: made(
                    DeviceConfig(device=one.device, name="x", kind=kind), bluez, LONDON, lambda: AT
                )
                for one, (deed, (kind, made)) in zip(home, kinds.items(), strict=True)
            }
            for device_ in devices_.values():
                device_.start()
            ear = Ear(home)
            ours = [BleDevice(one.device, one.kind, "x", zone=LONDON) for one in home]
            with pytest.MonkeyPatch.context() as patched:
                patched.setenv("DBUS_SYSTEM_BUS_ADDRESS", bus)
                radio = Radio(ours, ear.take, lambda: AT, over_bluez(), timing=QUICK)
                running = asyncio.create_task(radio.run())
                try:
                    await bluez.until(lambda: bluez.scanning)
                    for deed, device_ in devices_.items():
                        values = measured(person, deed, AT)
                        device_.notice(Happening(at=AT, what=deed, values=values))
                    await until(lambda: {*WANTED} <= ear.metrics.keys())
                    thermometer = devices_[Deed.TEMPERATURE]
                    thermometer.faults.switch(FAULTS["truncated"])
                    thermometer.notice(Happening(at=AT, what=Deed.TEMPERATURE, values=values_ill))
                    await until(lambda: bool(ear.refused))
                finally:
                    running.cancel()
                    with suppress(asyncio.CancelledError):
                        await running
        return ear

    values_ill = {"body_temperature": 39.4}
    ear = asyncio.run(main())
    (temperature,), (glucose,) = (ear.metrics[metric] for metric in WANTED)
    assert temperature > 38.0
    assert 5.5 < glucose < 7.5
    assert len(ear.refused) == 1


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(WITHIN_S):
        while not condition():  # noqa: ASYNC110 - plain fields
            await asyncio.sleep(0.02)


# Over a broker ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    folder = tmp_path_factory.mktemp("broker")
    found = free_port()
    broker = start_broker(found, folder / "broker", folder / "broker.log")
    try:
        broker.wait_until(lambda: listens(found), 10.0)
        yield found
    finally:
        broker.stop()


ON_TOPICS = [codec for codec in MEASURING if over(codec) is Over.MQTT]


class Hub:
    """The shipped gateway's connection to the broker, its home and its journal."""

    def __init__(self, folder: Path, port: int, subject: str, kind: str) -> None:
        plan = parse_plan(
            {"version": "1", "people": [{"id": "margaret", "name": "M"}], "rules": []}, {}
        )
        self._journal = Journal(folder / "journal")
        device = HomeDevice(device=subject, patient="margaret", kind=kind)
        intake = Intake([device], [], plan.people, self._journal.facts())
        self.home = Home(self._journal, plan, intake, HomeTime())
        settings = Mqtt(host="127.0.0.1", port=port, topics=("#",))
        self._broker = Broker(f"test-{kind}-{port}", settings, self.home, Backoff(0.1, 1.0))

    def __enter__(self) -> Self:
        self._broker.start()
        self._until(lambda: self._broker.connected)
        return self

    def __exit__(self, *_: object) -> None:
        self._broker.stop()

    def values(self, count: int) -> list[float]:
        """Of the readings in the journal, once there are so many."""
        self._until(lambda: len(self._readings()) >= count)
        return self._readings()

    def _readings(self) -> list[float]:
        with self.home.journal() as journal:
            found = journal.readings(list(METRICS), datetime(2000, 1, 1, tzinfo=UTC), FAR)
        return [one.value for one in found if one.metric != "device_online"]

    def _until(self, condition: Callable[[], bool]) -> None:
        limit_s, pause = monotonic_s() + WITHIN_S, Event()
        while not condition():
            assert monotonic_s() < limit_s, "it did not come"
            pause.wait(0.02)


@pytest.mark.parametrize("codec", [pytest.param(codec, id=codec.key) for codec in ON_TOPICS])
def test_an_mqtt_device_that_is_played_is_in_the_gateways_journal(
    codec: Device, port: int, tmp_path: Path
) -> None:
    said = first_saying(codec, AT)
    with Hub(tmp_path, port, said.subject, codec.key) as hub:
        over_mqtt(Play(lambda at: first_saying(codec, at)), "127.0.0.1", port)
        values = hub.values(1)
        over_mqtt(Play(lambda at: first_saying(codec, at), fault=FAULTS["junk"]), "127.0.0.1", port)
        over_mqtt(Play(lambda at: first_saying(codec, at, nth=1)), "127.0.0.1", port)
        later = hub.values(2)
    assert len(values) == 1
    assert len(later) == 2


# The commands -----------------------------------------------------------------------------------


def test_the_command_plays_a_device_over_a_broker(port: int, tmp_path: Path) -> None:
    sensor = "zigbee2mqtt/simulated hall"
    words = ["device", "zigbee2mqtt", "room_temperature=21.5", "--over", "mqtt"]
    words += ["--address", sensor, "--broker", f"127.0.0.1:{port}", "--every", "20ms"]
    with Hub(tmp_path, port, sensor, "zigbee2mqtt") as hub:
        done = CliRunner().invoke(app, [*words, "--times", "2"])
        values = hub.values(2)
    assert done.exit_code == 0, done.output
    lines = [json.loads(line) for line in done.output.splitlines()]
    assert lines[0]["device"] == sensor
    assert values == [21.5, 21.5]


def test_the_command_plays_a_device_on_a_bus_of_its_own() -> None:
    words = ["gatt.thermometer", "body_temperature=38.4"]
    assert said_over_bluez(words, "gatt.thermometer", 1) == [[38.4]]


def test_a_button_played_three_times_is_three_presses() -> None:
    words = ["bthome", "button_pressed=press", "--times", "3", "--every", "100ms"]
    assert said_over_bluez(words, "bthome", 3) == [[1.0, 1.0, 1.0]]


def test_a_meter_that_is_played_gives_its_records_when_it_is_asked() -> None:
    words = ["gatt.glucose", "blood_glucose=6.1", "--times", "1"]
    assert said_over_bluez(words, "gatt.glucose", 1) == [[pytest.approx(6.1, abs=0.05)]]


def said_over_bluez(words: list[str], kind: str, count: int) -> list[list[float]]:
    command = [sys.executable, "-m", "homebeat", "simulate", "device", *words, "--over", "bluez"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as program:
        try:
            assert program.stdout is not None
            assert program.stderr is not None
            ready = json.loads(program.stdout.readline())
            bus, device = ready["DBUS_SYSTEM_BUS_ADDRESS"], ready["device"]
            assert "waits until a gateway scans" in program.stderr.readline()
            ear = asyncio.run(hear_bus(bus, device, kind, count))
        finally:
            program.terminate()
    return list(ear.values.values())


def test_a_device_that_nobody_listens_to_says_so_at_its_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(run, "NEVER_SAID_SO_LONG_S", 0.1)
    words = ["device", "bthome", "battery=80", "--over", "bluez"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 2
    assert "nobody scanned for about 0 seconds: start the gateway with" in done.output


async def hear_bus(bus: str, device: str, kind: str, count: int = 1) -> Ear:
    ear = Ear([HomeDevice(device=device, patient="margaret", kind=kind)])
    ours = [BleDevice(device, kind, "It", zone=LONDON)]
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("DBUS_SYSTEM_BUS_ADDRESS", bus)
        radio = Radio(ours, ear.take, HomeTime().now, over_bluez(), timing=QUICK)
        running = asyncio.create_task(radio.run())
        try:
            async with asyncio.timeout(WITHIN_S):
                while sum(map(len, ear.values.values())) < count:  # noqa: ASYNC110 - plain fields
                    await asyncio.sleep(0.02)
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running
    return ear


def test_readings_of_the_past_are_said_again_by_a_device(port: int, tmp_path: Path) -> None:
    file = tmp_path / "readings.csv"
    file.write_text(
        "patient,metric,value,unit,taken_at\n"
        "a,body_weight,72.4,kg,2026-01-02T08:00:00+00:00\n"
        "a,room_temperature,20.5,Cel,2026-01-01T08:00:00+00:00\n"
        "a,room_temperature,21.5,Cel,2026-01-02T08:00:00+00:00\n"
    )
    words = ["replay", str(file), "--broker", f"127.0.0.1:{port}", "--speed", "0"]
    with Hub(tmp_path, port, "zigbee2mqtt/simulated", "zigbee2mqtt") as hub:
        done = CliRunner().invoke(app, [*words, "--kind", "zigbee2mqtt"])
        values = hub.values(2)
    assert done.exit_code == 0, done.output
    assert values == [20.5, 21.5]


def test_recorded_bluetooth_frames_are_said_again(tmp_path: Path) -> None:
    file = tmp_path / "frames.jsonl"
    lines = [
        {"at": "2026-01-01T10:00:00Z", "characteristic": "2A9D", "hex": "00a839"},
        {"at": "2026-01-01T10:00:30Z", "characteristic": "2A9D", "hex": "001439"},
    ]
    file.write_text("\n".join(json.dumps(line) for line in lines))

    async def main() -> Ear:
        async with private_bus(tmp_path) as bus, MockBlueZ(bus) as bluez:
            frames = recorded(file)
            playing = asyncio.create_task(
                onto_air(frames, 0, bluez, lambda: AT.replace(tzinfo=None))
            )
            ear = await hear_bus(bus, "A4:C1:38:00:00:01", "gatt.weight_scale", 1)
            playing.cancel()
            return ear

    # Both are of one weighing, of which the value at rest stands.
    assert list(asyncio.run(main()).values.values()) == [[73.06]]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["--over", "mqtt"], "--over bluez", id="another transport"),
        pytest.param(["--over", "bluez", "--fault", "burst"], "truncated", id="another's fault"),
        pytest.param(["--over", "bluez", "--every", "soon"], "500ms", id="no duration"),
    ],
)
def test_what_can_not_be_played_is_refused_in_words(arguments: list[str], said: str) -> None:
    done = CliRunner().invoke(
        app, ["device", "gatt.thermometer", "body_temperature=38", *arguments]
    )
    assert done.exit_code == 2
    assert said in done.output


def test_a_broker_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "CONNECTS_S", 0.3)
    broker = f"127.0.0.1:{free_port()}"
    words = ["device", "tasmota", "room_temperature=20", "--over", "mqtt", "--broker", broker]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 2
    assert "no broker answers" in done.output
