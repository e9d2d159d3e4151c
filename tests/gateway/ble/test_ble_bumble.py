"""The radio over a stack of our own: real HCI, ATT and SMP bytes to and from simulated devices."""

import asyncio
import json
import socket
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from bleak.backends.device import BLEDevice
from bleak.exc import BleakError
from bumble import hci
from bumble.core import ProtocolError
from bumble.device import Advertisement as HeardOnAir
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from devices.catalog import record_access
from devices.codec import DecodeError, full_uuid
from devices.model import Advertisement, CharacteristicValue, Fact, Raw
from devices.registry import by_key, match
from gateway import cli
from gateway.ble import bonds, timing
from gateway.ble.bluez import over_bluez
from gateway.ble.bumble_backend import advertised
from gateway.ble.bumble_stack import over_bumble
from gateway.ble.choice import NOBODY, stack_of, trouble
from gateway.ble.memory import Memory
from gateway.ble.radio import Radio
from gateway.ble.settings import BleDevice
from gateway.ble.stack import Stack
from gateway.ble.timing import Timing
from gateway.ble.words import KEY_LOST, adapter_gone, bonds_unreadable
from gateway.config import Ble, ConfigError
from simulators.ble.bluez import MockBlueZ
from simulators.ble.bus import private_bus
from simulators.ble.cgm_sensor import CgmSensor, cgm_sensor
from simulators.ble.consent_scale import ConsentScale, consent_scale
from simulators.ble.device_clock import CLOCK, DeviceClock
from simulators.ble.glucose_meter import GlucoseMeter, glucose_meter
from simulators.ble.mind import Mind
from simulators.ble.peripheral import Advert, Characteristic, Pairing, Peripheral, Service
from simulators.bumble import adverts
from simulators.bumble.room import Room

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


def frames(kind: str, at: str) -> list[bytes]:
    """The frames of the catalogue's vectors for one characteristic: bytes of real devices."""
    device = by_key(kind)
    assert device is not None
    return [bytes.fromhex(vector.frame) for vector in device.vectors if vector.at == at]


def peripheral(
    address: str, service: str, characteristic: str, flag: str, **more: object
) -> Peripheral:
    return Peripheral(
        address=address,
        name="BM85",
        services=(Service(service, (Characteristic(characteristic, (flag,)),)), CLOCK),
        advert=Advert((service,)),
        interval_s=0.02,
        **{"pairing": Pairing.JUST_WORKS, **more},
    )


PRESSURES = frames("gatt.blood_pressure", "2A35")
CUFF = peripheral("A4:C1:38:00:00:01", "1810", "2A35", "indicate")
PIN_CUFF = replace(CUFF, pairing=Pairing.PASSKEY, passkey=424_242)
SCALE = peripheral("A4:C1:38:00:00:02", "181D", "2A9D", "indicate")
THERMOMETER = peripheral("A4:C1:38:00:00:03", "1809", "2A1C", "indicate")
OXIMETER = peripheral("A4:C1:38:00:00:05", "1822", "2A5F", "notify", drops_link=False)
SPOT = peripheral("A4:C1:38:00:00:08", "1822", "2A5E", "indicate")
PULSE = peripheral(
    "A4:C1:38:00:00:09", "180D", "2A37", "notify", drops_link=False, pairing=Pairing.NONE
)
BODY = peripheral("A4:C1:38:00:00:0A", "181B", "2A9C", "indicate")
SENSOR = cgm_sensor("A4:C1:38:00:00:0B", interval_s=0.02)
METER = glucose_meter("A4:C1:38:00:00:04", interval_s=0.02)
PEOPLES_SCALE = consent_scale("A4:C1:38:00:00:06", interval_s=0.02)
BUTTON = Peripheral(address="A4:C1:38:00:00:07", name="Button")
OUR_CUFF = BleDevice(CUFF.address, "gatt.blood_pressure", "Cuff", zone=LONDON)
OUR_METER = BleDevice(METER.address, "gatt.glucose", "Meter", zone=LONDON)


@dataclass
class Home:
    room: Room | MockBlueZ
    radio: Radio
    address: str
    keys: Path
    heard: list[Raw] = field(default_factory=list)
    facts: dict[str, object] = field(default_factory=dict)

    @property
    def device(self):
        return next(iter(self.radio.state.devices.values()))

    def values(self) -> list[bytes]:
        return [raw.value for raw in self.heard if isinstance(raw, CharacteristicValue)]

    def said(self) -> list[tuple[str, float, str]]:
        """(metric, value, unit) of every measurement."""
        found = []
        for frame in self.heard:
            kind = match(frame)
            assert kind is not None
            with suppress(DecodeError):
                measurements = kind.decode(frame, {}).measurements
                found += [(item.metric, item.value, item.unit) for item in measurements]
        return found

    def asked(self) -> list[bytes]:
        return [value for name, value in self.room.written(self.address) if name == "2A52"]

    async def until(self, condition: Callable[[], bool], limit_s: float = 10.0) -> None:
        async with asyncio.timeout(limit_s):
            while not condition():  # noqa: ASYNC110 - the state of the radio is plain fields
                await asyncio.sleep(0.005)

    async def visit(self) -> None:
        """One whole visit, from the first advertisement to the end of the link."""
        self.room.wake(self.address)
        await self.until(lambda: self.device.connected)
        self.room.sleep(self.address)
        await self.until(lambda: not self.device.connected)
        await self.until(lambda: not self.room.connected(self.address))


Scenario = Callable[[Home], Awaitable[None]]
Play = Callable[..., None]


@pytest.fixture
def play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Play:
    """Runs scenarios in a room with one device, each with a gateway of its own."""
    monkeypatch.setattr(timing, "GRACE_S", 0.5)

    def run_scenarios(
        *scenarios: Scenario,
        peripheral: Peripheral = CUFF,
        device: BleDevice = OUR_CUFF,
        mind: Mind | None = None,
    ) -> None:
        async def main() -> None:
            async with Room() as room:
                room.add_peripheral(peripheral, mind)
                facts: dict[str, object] = {}
                for scenario in scenarios:
                    await run(room, scenario, facts)

        async def run(room: Room, scenario: Scenario, facts: dict[str, object]) -> None:
            heard: list[Raw] = []
            keys = tmp_path / "bonds.json"

            async def take(raws: Sequence[Raw]) -> None:
                heard.extend(raws)

            async def keep(fact: Fact) -> None:
                facts[fact.name] = fact.value

            radio = Radio(
                [device],
                take,
                lambda: AT,
                over_bumble(room.transport, keys),
                timing=QUICK,
                memory=Memory(lambda _: facts, keep),
            )
            home = Home(room, radio, peripheral.address, keys, heard, facts)
            running = asyncio.create_task(radio.run())
            try:
                async with asyncio.timeout(20):
                    await home.until(lambda: radio.state.scanning)
                    await scenario(home)
            finally:
                running.cancel()
                with suppress(asyncio.CancelledError):
                    await running

        asyncio.run(main())

    return run_scenarios


# The same device, whatever the stack ----------------------------------------------------------

PROFILES = [
    pytest.param(CUFF, "gatt.blood_pressure", "2A35", id="blood pressure"),
    pytest.param(SCALE, "gatt.weight_scale", "2A9D", id="weight"),
    pytest.param(THERMOMETER, "gatt.thermometer", "2A1C", id="temperature"),
    pytest.param(OXIMETER, "gatt.pulse_oximeter", "2A5F", id="oximetry"),
    pytest.param(SPOT, "gatt.pulse_oximeter", "2A5E", id="oximetry at a glance"),
    pytest.param(PULSE, "gatt.heart_rate", "2A37", id="heart rate, without a bond"),
    pytest.param(BODY, "gatt.body_composition", "2A9C", id="body composition"),
]


def over(stack: str, room: Room | MockBlueZ, keys: Path):
    return over_bluez() if stack == "bluez" else over_bumble(room.transport, keys)


async def readings(
    stack: str, room: Room | MockBlueZ, tmp_path: Path, kind: str, given_by: Peripheral, at: str
) -> list[tuple[str, float, str]]:
    room.add_peripheral(given_by)
    heard: list[Raw] = []

    async def take(raws: Sequence[Raw]) -> None:
        heard.extend(raws)

    timing = replace(QUICK, scan_pause_s=3.0)
    opens = over(stack, room, tmp_path / "bonds.json")
    ours = BleDevice(given_by.address, kind, "Device", zone=LONDON)
    radio = Radio([ours], take, lambda: AT, opens, timing=timing)
    home = Home(room, radio, given_by.address, tmp_path, heard)
    running = asyncio.create_task(radio.run())
    try:
        await home.until(lambda: radio.state.scanning)
        room.store(given_by.address, at, *frames(kind, at))
        await home.until(lambda: room.stored(given_by.address) == 0 and bool(heard))
        room.sleep(given_by.address)
        await home.until(lambda: not room.connected(given_by.address))
        await home.until(lambda: not home.device.connected)
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
    return home.said()


@pytest.mark.processes
@pytest.mark.parametrize(("given_by", "kind", "at"), PROFILES)
def test_a_device_gives_the_same_readings_over_bluez_and_over_bumble(
    given_by: Peripheral, kind: str, at: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        async with private_bus(tmp_path) as address, MockBlueZ(address) as bluez:
            monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", address)
            expected = await readings("bluez", bluez, tmp_path, kind, given_by, at)
        async with Room() as room:
            assert await readings("bumble", room, tmp_path, kind, given_by, at) == expected
        assert expected

    asyncio.run(main())


def test_an_advertisement_arrives_as_it_is_on_air(play: Play) -> None:
    service = full_uuid("FCD2")
    press = b"\x40\x00\x07\x3a\x01"

    async def scenario(home: Home) -> None:
        for _ in range(3):
            home.room.advertise(BUTTON.address, Advert(service_data={service: press}))
        await home.until(lambda: bool(home.heard))
        (heard,) = home.heard
        assert isinstance(heard, Advertisement)
        assert (heard.address, heard.name) == (BUTTON.address, "Button")
        assert heard.service_data == {service: press}

    play(scenario, peripheral=BUTTON, device=BleDevice(BUTTON.address, "bthome", "Button"))


async def found_by(stack: Stack, address: str) -> BLEDevice:
    """The device, once the stack's scanner heard it."""
    heard: asyncio.Queue[BLEDevice] = asyncio.Queue()
    async with stack.scanner(lambda device, _: heard.put_nowait(device)):
        while True:
            device = await heard.get()
            if device.address == address:
                return device


# Bonds ----------------------------------------------------------------------------------------


def test_a_device_gives_nothing_to_whom_it_has_not_paired_with(tmp_path: Path) -> None:
    async def main() -> None:
        async with (
            Room() as room,
            over_bumble(room.transport, tmp_path / "bonds.json")(NOBODY, 2.0) as stack,
            asyncio.timeout(10),
        ):
            room.add_peripheral(CUFF)
            room.store(CUFF.address, "2A35", PRESSURES[0])
            client = stack.client(await found_by(stack, CUFF.address))
            await client.connect()
            with pytest.raises(BleakError, match=r"Not paired.*INSUFFICIENT_AUTHENTICATION"):
                await client.start_notify(full_uuid("2A35"), lambda *_: None)
            assert room.stored(CUFF.address) == 1
            assert not room.bonded(CUFF.address)
            await client.disconnect()

    asyncio.run(main())


def test_a_bond_lasts_over_a_power_cycle_of_the_device_and_a_restart_of_the_gateway(
    play: Play,
) -> None:
    async def first(home: Home) -> None:
        home.room.store(CUFF.address, "2A35", PRESSURES[0])
        await home.until(lambda: home.values() == PRESSURES[:1])
        await home.until(lambda: not home.room.connected(CUFF.address))
        assert home.keys.stat().st_mode & 0o777 == 0o600
        home.room.drop(CUFF.address)
        home.room.sleep(CUFF.address)

    async def second(home: Home) -> None:
        home.room.store(CUFF.address, "2A35", PRESSURES[2])
        await home.until(lambda: home.values() == [PRESSURES[2]])
        assert home.room.pairings(CUFF.address) == 1

    play(first, second)


def test_a_bond_that_the_device_lost_is_told_and_kept_until_a_person_erases_it(
    play: Play,
) -> None:
    async def scenario(home: Home) -> None:
        home.room.store(CUFF.address, "2A35", PRESSURES[0])
        await home.until(lambda: home.values() == PRESSURES[:1])
        await home.until(lambda: not home.room.connected(CUFF.address))
        kept = home.keys.read_bytes()
        home.room.forget_bond(CUFF.address)
        home.room.store(CUFF.address, "2A35", PRESSURES[2])
        await home.until(lambda: home.device.error == KEY_LOST)
        assert home.keys.read_bytes() == kept
        assert home.room.stored(CUFF.address) == 1
        assert bonds.erase(home.keys, CUFF.address.lower())
        assert not bonds.erase(home.keys, CUFF.address)
        await home.until(lambda: home.values() == [PRESSURES[0], PRESSURES[2]])
        assert home.room.pairings(CUFF.address) == 2

    play(scenario)


def test_a_device_that_holds_another_key_is_told(play: Play) -> None:
    async def scenario(home: Home) -> None:
        home.room.store(CUFF.address, "2A35", PRESSURES[0])
        await home.until(lambda: home.values() == PRESSURES[:1])
        await home.until(lambda: not home.room.connected(CUFF.address))
        (held,) = home.room._devices[CUFF.address]._bonds.all_keys.values()
        held.ltk.value = bytes(16)
        home.room.store(CUFF.address, "2A35", PRESSURES[2])
        await home.until(lambda: home.device.error == KEY_LOST)
        assert home.room.stored(CUFF.address) == 1

    play(scenario)


def test_a_device_that_hides_its_address_is_known_by_its_bond(play: Play) -> None:
    async def scenario(home: Home) -> None:
        home.room.store(CUFF.address, "2A35", PRESSURES[0])
        await home.until(lambda: home.values() == PRESSURES[:1])
        await home.until(lambda: not home.room.connected(CUFF.address))
        home.room.hide(CUFF.address)
        for count in (2, 3):
            home.room.store(CUFF.address, "2A35", PRESSURES[2])
            await home.until(lambda count=count: len(home.values()) == count)
            await home.until(lambda: not home.room.connected(CUFF.address))
        assert home.room.pairings(CUFF.address) == 1
        assert {raw.address for raw in home.heard} == {CUFF.address}
        assert not home.radio.state.strangers

    play(scenario)


def test_a_device_that_asks_to_pair_by_itself_is_refused(tmp_path: Path) -> None:
    """Only we begin, with a device that is of this home."""
    keys = tmp_path / "bonds.json"

    async def main() -> None:
        async with (
            Room() as room,
            over_bumble(room.transport, keys)(NOBODY, 2.0) as stack,
            asyncio.timeout(10),
        ):
            room.add_peripheral(CUFF)
            room.wake(CUFF.address)
            client = stack.client(await found_by(stack, CUFF.address))
            await client.connect()
            (stranger,) = room._devices.values()
            assert stranger._link is not None
            with pytest.raises(ProtocolError, match="PAIRING_NOT_SUPPORTED"):
                await stranger._link.pair()
            assert client.is_connected
            await client.disconnect()

    asyncio.run(main())
    assert not keys.exists()


def test_the_digits_on_a_device_are_typed_from_the_settings(play: Play) -> None:
    async def scenario(home: Home) -> None:
        home.room.store(CUFF.address, "2A35", PRESSURES[0])
        await home.until(lambda: home.values() == PRESSURES[:1])
        (kept,) = json.loads(home.keys.read_text()).values()
        assert kept[f"{CUFF.address}/P"]["ltk"]["authenticated"]

    play(scenario, peripheral=PIN_CUFF, device=replace(OUR_CUFF, passkey=424_242))


@pytest.mark.parametrize(
    ("given_by", "passkey"),
    [
        pytest.param(PIN_CUFF, None, id="digits that are not in the settings"),
        pytest.param(PIN_CUFF, 111_111, id="other digits"),
        pytest.param(replace(CUFF, pairing=Pairing.CONFIRM), None, id="digits to compare"),
        pytest.param(replace(CUFF, pairing=Pairing.REFUSED), None, id="not in pairing mode"),
    ],
)
def test_a_pairing_that_fails_is_told_and_leaves_no_bond(
    play: Play, given_by: Peripheral, passkey: int | None
) -> None:
    async def scenario(home: Home) -> None:
        home.room.store(CUFF.address, "2A35", PRESSURES[0])
        await home.until(lambda: home.device.error.startswith("The pairing failed."))
        assert home.values() == []
        assert not home.keys.exists()

    play(scenario, peripheral=given_by, device=replace(OUR_CUFF, passkey=passkey))


def test_bonds_that_cant_be_read_are_told_and_left_as_they_are(tmp_path: Path) -> None:
    keys = tmp_path / "bonds.json"
    keys.write_text("{")

    async def main() -> None:
        async with Room() as room:
            assert await trouble(over_bumble(room.transport, keys)) == bonds_unreadable(keys)

    asyncio.run(main())
    assert keys.read_text() == "{"


# Over time ------------------------------------------------------------------------------------


def test_a_value_whose_confirmation_was_lost_comes_again(play: Play) -> None:
    async def scenario(home: Home) -> None:
        home.room.faults(CUFF.address).lose_confirmations = 1
        home.room.store(CUFF.address, "2A35", PRESSURES[0])
        await home.until(lambda: len(home.values()) == 2)
        assert set(home.values()) == {PRESSURES[0]}
        assert home.room.stored(CUFF.address) == 0

    play(scenario)


def test_a_meter_is_asked_for_what_is_new(play: Play) -> None:
    now = SUMMER
    meter = GlucoseMeter(DeviceClock(lambda: now))

    def measure(value: float) -> None:
        nonlocal now
        now += timedelta(hours=1)
        meter.measure(value)

    async def scenario(home: Home) -> None:
        measure(90.0)
        measure(110.0)
        await home.visit()
        measure(130.0)
        await home.visit()
        assert home.asked() == [record_access.all_records(), record_access.records_from(3)]
        assert [round(value, 1) for _, value, _ in home.said()] == [90.0, 110.0, 130.0]

    play(scenario, peripheral=METER, device=OUR_METER, mind=meter)


def test_a_link_that_is_lost_among_a_meters_records_loses_none(play: Play) -> None:
    meter = GlucoseMeter(DeviceClock(lambda: SUMMER))
    meter.faults.breaks_after = 2

    async def scenario(home: Home) -> None:
        for value in (90.0, 100.0, 110.0, 120.0):
            meter.measure(value)
        home.room.wake(METER.address)
        values = {90.0, 100.0, 110.0, 120.0}
        await home.until(lambda: {round(value, 1) for _, value, _ in home.said()} == values)
        assert meter.faults.breaks_after is None

    play(scenario, peripheral=METER, device=OUR_METER, mind=meter)


def test_a_sensors_session_is_fetched(play: Play) -> None:
    sensor = CgmSensor(lambda: AT - timedelta(days=2))
    for minute in (5, 10, 15):
        sensor.measure(minute, 100.0 + minute)

    async def scenario(home: Home) -> None:
        await home.visit()
        said = [value for metric, value, _ in home.said() if metric == "sensor_glucose"]
        assert said == [105.0, 110.0, 115.0]

    ours = BleDevice(SENSOR.address, "gatt.cgm", "Sensor", zone=LONDON)
    play(scenario, peripheral=SENSOR, device=ours, mind=sensor)


def test_a_scale_that_keeps_people_apart_gives_its_weight_after_the_consent(play: Play) -> None:
    scale = ConsentScale(DeviceClock(lambda: SUMMER))

    async def scenario(home: Home) -> None:
        await home.visit()
        scale.weigh(1, 71.3)
        await home.visit()
        assert ("body_weight", 71.3, "kg") in home.said()
        assert scale.consented == 1

    ours = BleDevice(PEOPLES_SCALE.address, "gatt.weight_scale", "Scale", zone=LONDON)
    play(scenario, peripheral=PEOPLES_SCALE, device=ours, mind=scale)


def test_a_clock_that_is_wrong_is_compared_and_set(play: Play) -> None:
    clock = DeviceClock.showing(lambda: SUMMER, datetime(1970, 1, 1))

    async def scenario(home: Home) -> None:
        home.room.store(CUFF.address, "2A35", PRESSURES[0])
        await home.until(lambda: bool(home.values()))
        (frame,) = home.heard
        assert isinstance(frame, CharacteristicValue)
        assert frame.clock_ahead_s == pytest.approx(
            (datetime(1970, 1, 1) - SUMMER).total_seconds(), abs=1.0
        )
        assert abs(clock.ahead.total_seconds()) <= 1.0

    play(scenario, mind=clock)


# The adapter ----------------------------------------------------------------------------------


def test_an_adapter_that_is_pulled_out_is_told_and_used_again_when_it_is_back(play: Play) -> None:
    async def scenario(home: Home) -> None:
        home.room.power(on=False)
        await home.until(lambda: home.radio.state.error == adapter_gone(home.room.transport))
        assert not home.radio.state.scanning
        home.room.power(on=True)
        home.room.store(CUFF.address, "2A35", PRESSURES[0])
        await home.until(lambda: home.values() == PRESSURES[:1])
        assert home.radio.state.error == ""

    play(scenario)


def test_a_device_that_fell_asleep_is_given_up_and_the_next_one_connected(tmp_path: Path) -> None:
    async def main() -> None:
        async with (
            Room() as room,
            over_bumble(room.transport, tmp_path / "bonds.json")(NOBODY, 2.0) as stack,
            asyncio.timeout(10),
        ):
            other = replace(THERMOMETER, pairing=Pairing.NONE)
            for one in (CUFF, other):
                room.add_peripheral(one)
                room.wake(one.address)
            asleep, awake = [await found_by(stack, one.address) for one in (CUFF, other)]
            room.sleep(CUFF.address)
            await asyncio.sleep(0.1)
            with pytest.raises(TimeoutError):
                await stack.client(asleep).connect(timeout=0.2)
            client = stack.client(awake)
            await client.connect(timeout=2.0)
            assert client.services.get_characteristic(full_uuid("2A1C")) is not None
            await client.disconnect()
            assert not client.is_connected

    asyncio.run(main())


def test_an_adapter_is_for_one_host(tmp_path: Path) -> None:
    async def main() -> None:
        async with Room() as room:
            opens = over_bumble(room.transport, tmp_path / "bonds.json")
            assert await trouble(opens) == ""
            async with opens(NOBODY, 2.0):
                assert "can't be used" in await trouble(opens, 0.5)

    asyncio.run(main())


def test_an_adapter_that_is_not_there_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    opens = over_bumble(f"tcp-client:127.0.0.1:{port}", tmp_path / "bonds.json")
    assert "Is it plugged in" in asyncio.run(trouble(opens))


def test_without_the_package_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "bumble"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, "gateway.ble.bumble_stack")
    monkeypatch.delitem(sys.modules, "gateway.ble.bumble_backend")
    monkeypatch.setitem(sys.modules, "bumble", None)
    with pytest.raises(ConfigError, match=r"homebeat\[bumble\]"):
        stack_of(Ble(transport="usb:0"), tmp_path / "bonds.json")


def test_twenty_devices_pair_and_deliver(tmp_path: Path) -> None:
    cuffs = [replace(CUFF, address=f"A4:C1:38:00:01:{number:02X}") for number in range(20)]

    async def main() -> None:
        heard: list[Raw] = []

        async def take(raws: Sequence[Raw]) -> None:
            heard.extend(raws)

        async with Room() as room:
            radio = Radio(
                [replace(OUR_CUFF, address=cuff.address) for cuff in cuffs],
                take,
                lambda: AT,
                over_bumble(room.transport, tmp_path / "bonds.json"),
                timing=replace(QUICK, connect_s=10.0, subscribe_s=10.0, stale_s=60.0),
            )
            running = asyncio.create_task(radio.run())
            for cuff in cuffs:
                room.add_peripheral(cuff)
                room.store(cuff.address, "2A35", PRESSURES[0])
            try:
                await room.until(lambda: not any(room.stored(one.address) for one in cuffs), 40.0)
            finally:
                running.cancel()
                with suppress(asyncio.CancelledError):
                    await running
        assert {raw.address for raw in heard} == {cuff.address for cuff in cuffs}
        (kept,) = json.loads((tmp_path / "bonds.json").read_text()).values()
        assert len(kept) == len(cuffs)

    asyncio.run(main())


# A person's hand ------------------------------------------------------------------------------

SETTINGS = """
id = "home-1"
data = "gateway"
plan = "plan.yaml"
[server]
url = "http://127.0.0.1:9"
[ble]
enabled = true
"""


def unpair(folder: Path, ble: str) -> Result:
    (folder / "gateway.toml").write_text(SETTINGS + ble)
    words = ["unpair", CUFF.address, "--config", str(folder / "gateway.toml")]
    return CliRunner().invoke(cli.app, words)


def test_a_bond_is_erased_by_name_and_no_other(tmp_path: Path) -> None:
    keys = tmp_path / "gateway" / "bonds.json"
    keys.parent.mkdir()
    bonds.write(keys, {"adapter": {f"{CUFF.address}/P": {}, f"{SCALE.address}/P": {}}})
    assert unpair(tmp_path, 'transport = "usb:0"').exit_code == 0
    assert json.loads(keys.read_text()) == {"adapter": {f"{SCALE.address}/P": {}}}
    again = unpair(tmp_path, 'transport = "usb:0"')
    assert (again.exit_code, "no bond" in again.stderr) == (2, True)


def test_bonds_of_bluez_are_erased_with_bluezs_own_tool(tmp_path: Path) -> None:
    said = unpair(tmp_path, "")
    assert (said.exit_code, f"bluetoothctl remove {CUFF.address}" in said.stderr) == (2, True)


def test_an_adapter_of_bluez_and_one_without_it_are_not_used_together(tmp_path: Path) -> None:
    said = unpair(tmp_path, 'adapter = "hci0"\ntransport = "usb:0"')
    assert (said.exit_code, "Keep one" in said.stderr) == (2, True)


# Advertisements as bytes ----------------------------------------------------------------------


def heard_as(data: bytes) -> HeardOnAir:
    return HeardOnAir(address=hci.Address(CUFF.address), data_bytes=data)


@given(
    services=st.lists(st.sampled_from(["1810", "1822", "181D"]), max_size=2, unique=True),
    data=st.binary(max_size=8),
    company=st.integers(0, 0xFFFF),
    name=st.text("abc", min_size=1, max_size=3),
)
def test_an_advertisement_is_heard_as_it_was_said(
    services: list[str], data: bytes, company: int, name: str
) -> None:
    advert = Advert(
        service_uuids=tuple(services),
        service_data={full_uuid("FCD2"): data} if len(data) < 5 else {},
        manufacturer_data={company: data} if len(data) >= 5 else {},
    )
    heard = advertised(heard_as(adverts.encoded(advert, name)))
    assert heard.local_name == name
    assert heard.service_uuids == [full_uuid(service) for service in services]
    assert heard.service_data == advert.service_data
    assert heard.manufacturer_data == advert.manufacturer_data


@given(st.binary(max_size=64))
def test_no_advertisement_breaks_the_scan(junk: bytes) -> None:
    assert advertised(heard_as(junk), "BM85").local_name is not None
