"""The radio against a mock BlueZ: what is on the air arrives, whatever goes wrong on the way."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest
from bleak import BleakScanner
from dbus_fast import BusType, Message
from dbus_fast.aio import MessageBus

from devices.model import Advertisement, CharacteristicValue, Raw
from devices.registry import by_key
from gateway.ble import hearing, timing
from gateway.ble.adverts import Fresh, Packet
from gateway.ble.bluez import over_bluez, trouble
from gateway.ble.radio import Radio
from gateway.ble.settings import BleDevice
from gateway.ble.timing import Timing
from gateway.ble.words import (
    HANGS,
    LOST_EARLY,
    NO_ANSWER,
    NO_BUS,
    NOT_RUNNING,
    SAID_NOTHING,
    STALE_BOND,
    SWITCHED_OFF,
    missing_adapter,
)
from simulators.ble.bluez import MockBlueZ
from simulators.ble.bus import private_bus
from simulators.ble.peripheral import (
    Advert,
    Characteristic,
    ConnectFault,
    Faults,
    Pairing,
    Peripheral,
    Service,
)

pytestmark = pytest.mark.processes

AT = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
BTHOME = "0000fcd2-0000-1000-8000-00805f9b34fb"
QUICK = Timing(
    bus_s=2.0,
    connect_s=3.0,
    settle_s=0.0,
    subscribe_s=2.0,
    first_value_s=1.0,
    idle_s=0.3,
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


PRESSURES = frames("gatt.blood_pressure", "2A35")
OXIMETRY = frames("gatt.pulse_oximeter", "2A5F")
WEIGHTS = frames("gatt.weight_scale", "2A9D")

CUFF = Peripheral(
    address="A4:C1:38:00:00:01",
    name="BM85",
    services=(Service("1810", (Characteristic("2A35", ("indicate",)),)),),
    advert=Advert(("1810",)),
    pairing=Pairing.JUST_WORKS,
    interval_s=0.02,
)
OXIMETER = Peripheral(
    address="A4:C1:38:00:00:03",
    name="Oximeter",
    services=(
        Service("1822", (Characteristic("2A5F", ("notify",)),)),
        Service("180F", (Characteristic("2A19", ("read", "notify"), value=b"\x64"),)),
    ),
    advert=Advert(("1822",)),
    pairing=Pairing.JUST_WORKS,
    interval_s=0.02,
    drops_link=False,
)
BUTTON = Peripheral(address="A4:C1:38:00:00:02", name="Button")
OURS = (
    BleDevice(CUFF.address, "gatt.blood_pressure", "Cuff in the kitchen"),
    BleDevice(OXIMETER.address.lower(), "gatt.pulse_oximeter", "Oximeter"),
    BleDevice(BUTTON.address, "bthome", "Button by the bed"),
)


def press(packet_id: int) -> Advert:
    """BTHome 2: one press (3A 01), counted."""
    return Advert(service_data={BTHOME: bytes((0x40, 0x00, packet_id, 0x3A, 0x01))})


@dataclass
class Home:
    bluez: MockBlueZ
    radio: Radio
    heard: list[Raw] = field(default_factory=list)

    def values(self, address: str = CUFF.address) -> list[bytes]:
        return [
            raw.value
            for raw in self.heard
            if isinstance(raw, CharacteristicValue) and raw.address == address
        ]

    def presses(self) -> list[bytes]:
        return [raw.service_data[BTHOME] for raw in self.heard if isinstance(raw, Advertisement)]

    @property
    def cuff(self):
        return self.radio.state.devices[CUFF.address]

    async def until(self, condition: Callable[[], bool], limit_s: float = 15.0) -> None:
        """A bounded wait for what has no event of its own."""
        async with asyncio.timeout(limit_s):
            while not condition():  # noqa: ASYNC110 - the state of the radio is plain fields
                await asyncio.sleep(0.005)

    async def scanning(self) -> None:
        await self.until(lambda: self.radio.state.scanning)


Scenario = Callable[[Home], Awaitable[None]]
Play = Callable[..., None]


@pytest.fixture
def play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Play:
    """Runs a scenario in a home with a cuff, an oximeter and a button, and the radio on."""
    monkeypatch.setattr(timing, "GRACE_S", 0.5)

    def run_scenario(
        scenario: Scenario,
        *,
        timing: Timing = QUICK,
        devices: Sequence[BleDevice] = OURS,
        peripherals: Sequence[Peripheral] = (CUFF, OXIMETER, BUTTON),
        before: Callable[[MockBlueZ], Awaitable[None]] | None = None,
        single_minded: bool = False,
    ) -> None:
        async def main() -> None:
            async with (
                private_bus(tmp_path) as address,
                MockBlueZ(address, single_minded=single_minded) as bluez,
            ):
                monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", address)
                for peripheral in peripherals:
                    bluez.add_peripheral(peripheral)
                if before is not None:
                    await before(bluez)
                heard: list[Raw] = []

                async def take(raws: Sequence[Raw]) -> None:
                    heard.extend(raws)

                home = Home(
                    bluez, Radio(devices, take, lambda: AT, over_bluez(), timing=timing), heard
                )
                running = asyncio.create_task(home.radio.run())
                try:
                    async with asyncio.timeout(40):
                        await scenario(home)
                finally:
                    running.cancel()
                    with suppress(asyncio.CancelledError):
                        await running

        asyncio.run(main())

    return run_scenario


# Advertisements -------------------------------------------------------------------------------


def test_an_advertisement_arrives_as_it_is_on_air(play: Play) -> None:
    async def scenario(home: Home) -> None:
        await home.scanning()
        home.bluez.advertise(BUTTON.address, press(7))
        await home.until(lambda: len(home.heard) == 1)
        assert home.heard == [
            Advertisement(
                address=BUTTON.address,
                received_at=AT,
                name="Button",
                service_data={BTHOME: b"\x40\x00\x07\x3a\x01"},
                rssi_dbm=-60,
            )
        ]
        assert home.radio.state.devices[BUTTON.address].last_seen == AT

    play(scenario)


def test_presses_are_told_apart_by_their_packet_id_and_repeats_are_not_passed(play: Play) -> None:
    async def scenario(home: Home) -> None:
        await home.scanning()
        for packet_id in (1, 1, 1, 2, 2, 3, 3, 3):
            home.bluez.advertise(BUTTON.address, press(packet_id))
        await home.until(lambda: len(home.heard) >= 3)
        home.bluez.advertise(BUTTON.address, press(4))
        await home.until(lambda: len(home.heard) >= 4)
        assert [data[2] for data in home.presses()] == [1, 2, 3, 4]

    play(scenario)


def test_the_same_press_said_again_after_a_pause_is_another_one(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hearing, "REPEAT_GAP_S", 0.05)

    async def scenario(home: Home) -> None:
        await home.scanning()
        for count in (1, 2, 3):
            home.bluez.advertise(BUTTON.address, press(1))
            await home.until(lambda count=count: len(home.presses()) == count)
            await asyncio.sleep(0.1)

    play(scenario)


def test_what_nothing_in_the_catalogue_claims_is_not_passed(play: Play) -> None:
    async def scenario(home: Home) -> None:
        await home.scanning()
        home.bluez.advertise(BUTTON.address, Advert(manufacturer_data={0x004C: b"\x10\x05"}))
        home.bluez.advertise(BUTTON.address, press(1))
        await home.until(lambda: len(home.heard) >= 1)
        assert home.presses() == [b"\x40\x00\x01\x3a\x01"]

    play(scenario)


def test_a_neighbours_button_is_passed_once_for_the_quarantine(play: Play) -> None:
    async def scenario(home: Home) -> None:
        await home.scanning()
        home.bluez.advertise("A4:C1:38:00:00:99", press(1))
        home.bluez.advertise("A4:C1:38:00:00:99", press(2))
        home.bluez.advertise(BUTTON.address, press(3))
        await home.until(lambda: len(home.heard) >= 2)
        assert [data[2] for data in home.presses()] == [1, 3]

    play(scenario, peripherals=(BUTTON, replace(BUTTON, address="A4:C1:38:00:00:99")))


@pytest.mark.parametrize(
    "stranger",
    [
        pytest.param(replace(CUFF, name="X"), id="by the service that it advertises"),
        pytest.param(replace(CUFF, advert=Advert()), id="by its name"),
    ],
)
def test_a_health_device_that_is_not_in_the_settings_is_shown_and_left_alone(
    play: Play, stranger: Peripheral
) -> None:
    async def scenario(home: Home) -> None:
        home.bluez.wake(CUFF.address)
        await home.until(lambda: bool(home.radio.state.strangers))
        shown = home.radio.state.strangers[CUFF.address]
        assert (shown.kind, shown.name) == ("gatt.blood_pressure", stranger.name)
        assert not home.bluez.connected(CUFF.address)

    play(scenario, peripherals=(stranger,), devices=())


def test_a_stranger_that_is_added_is_visited_at_once_and_left_alone_when_removed(
    play: Play,
) -> None:
    async def scenario(home: Home) -> None:
        home.bluez.wake(CUFF.address)
        await home.until(lambda: bool(home.radio.state.strangers))
        home.radio.enrol(OURS[0])
        assert not home.radio.state.strangers
        home.bluez.store(CUFF.address, "2A35", PRESSURES[0])
        await home.until(lambda: home.values() == PRESSURES[:1])
        await home.until(lambda: not home.cuff.connected)
        home.radio.dismiss(OURS[0])
        await home.scanning()
        home.bluez.store(CUFF.address, "2A35", PRESSURES[1])
        await home.until(lambda: bool(home.radio.state.strangers))
        assert home.values() == PRESSURES[:1]

    play(scenario, devices=())


def test_bleak_keeps_what_it_was_not_told_anew_so_a_rename_is_no_press(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What `Fresh` relies on, held against the bleak that is installed."""

    async def main() -> None:
        async with private_bus(tmp_path) as address, MockBlueZ(address) as bluez:
            monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", address)
            bluez.add_peripheral(BUTTON)
            fresh, packets = Fresh(), asyncio.Queue[Packet]()
            scanner = BleakScanner(
                lambda _, data: packets.put_nowait(fresh.packet(*data.platform_data)),
                bluez={"filters": {"DuplicateData": True}},
            )
            async with scanner, asyncio.timeout(10):
                bluez.advertise(BUTTON.address, press(1))
                assert (await packets.get()).service_data == press(1).service_data
                bluez.rename(BUTTON.address, "renamed")
                assert await packets.get() == Packet(False, {}, {})
                bluez.advertise(BUTTON.address, press(1))
                assert (await packets.get()).service_data == press(1).service_data

    asyncio.run(main())


# Visits ---------------------------------------------------------------------------------------


def test_a_cuff_is_paired_subscribed_heard_and_let_go(play: Play) -> None:
    async def scenario(home: Home) -> None:
        home.bluez.store(CUFF.address, "2A35", PRESSURES[0])
        await home.until(lambda: bool(home.heard))
        assert home.heard == [
            CharacteristicValue(
                address=CUFF.address,
                characteristic="2A35",
                value=PRESSURES[0],
                received_at=AT,
                name="BM85",
            )
        ]
        await home.until(lambda: not home.cuff.connected)
        await home.scanning()
        assert home.bluez.bonded(CUFF.address)
        assert not home.bluez.connected(CUFF.address)
        assert (home.cuff.last_value, home.cuff.failures, home.cuff.error) == (AT, 0, "")

    play(scenario)


def test_a_second_reading_comes_over_the_same_bond_after_a_power_cycle(play: Play) -> None:
    async def scenario(home: Home) -> None:
        home.bluez.store(CUFF.address, "2A35", PRESSURES[0])
        await home.until(lambda: len(home.values()) == 1)
        await home.bluez.vanish()
        await home.bluez.come_back()
        home.bluez.store(CUFF.address, "2A35", PRESSURES[1])
        await home.until(lambda: len(home.values()) == 2)
        assert home.bluez.bonded(CUFF.address)

    play(scenario)


def test_all_that_a_cuff_stored_arrives_in_order(play: Play) -> None:
    async def scenario(home: Home) -> None:
        home.bluez.store(CUFF.address, "2A35", *PRESSURES)
        await home.until(lambda: len(home.values()) == len(PRESSURES))
        assert home.values() == PRESSURES

    play(scenario)


def test_a_device_that_keeps_measuring_is_held_as_long_as_it_speaks(play: Play) -> None:
    async def scenario(home: Home) -> None:
        home.bluez.wake(OXIMETER.address)
        await home.bluez.until(lambda: home.bluez.subscribed(OXIMETER.address, "2A5F"))
        for _ in range(10):
            assert home.bluez.indicate(OXIMETER.address, "2A5F", OXIMETRY[0])
            await asyncio.sleep(0.1)
        home.bluez.sleep(OXIMETER.address)
        await home.bluez.until(lambda: not home.bluez.connected(OXIMETER.address))
        assert home.values(OXIMETER.address).count(OXIMETRY[0]) == 10

    play(scenario)


def test_an_adapter_that_can_not_connect_while_it_scans_is_not_asked_to(play: Play) -> None:
    async def scenario(home: Home) -> None:
        home.bluez.store(CUFF.address, "2A35", PRESSURES[0])
        home.bluez.wake(OXIMETER.address)
        await home.until(lambda: bool(home.values()))
        await home.bluez.until(lambda: home.bluez.subscribed(OXIMETER.address, "2A5F"))
        assert {state.failures for state in home.radio.state.devices.values()} == {0}

    play(scenario, single_minded=True)


def test_the_scan_goes_on_while_a_link_is_open(play: Play) -> None:
    async def scenario(home: Home) -> None:
        home.bluez.wake(OXIMETER.address)
        await home.bluez.until(lambda: home.bluez.subscribed(OXIMETER.address, "2A5F"))
        await home.scanning()
        home.bluez.advertise(BUTTON.address, press(1))
        await home.until(lambda: len(home.presses()) == 1)
        assert home.bluez.connected(OXIMETER.address)

    play(scenario)


def test_a_device_that_says_nothing_is_let_go(play: Play) -> None:
    async def scenario(home: Home) -> None:
        home.bluez.wake(CUFF.address)
        await home.bluez.until(lambda: home.bluez.subscribed(CUFF.address, "2A35"))
        home.bluez.sleep(CUFF.address)
        await home.bluez.until(lambda: not home.bluez.connected(CUFF.address))
        await home.until(lambda: home.cuff.error == SAID_NOTHING)
        assert home.cuff.failures == 0

    play(scenario)


def test_a_value_that_leaves_before_the_subscription_is_answered_is_not_lost(play: Play) -> None:
    async def scenario(home: Home) -> None:
        home.bluez.faults(CUFF.address).speaks_early = True
        home.bluez.store(CUFF.address, "2A35", PRESSURES[0], PRESSURES[1])
        await home.until(lambda: len(home.values()) == 2)
        assert home.values() == [PRESSURES[0], PRESSURES[1]]

    play(scenario)


def test_a_value_that_a_reconnect_doubles_is_passed_on_as_it_came(play: Play) -> None:
    async def scenario(home: Home) -> None:
        home.bluez.faults(CUFF.address).lose_confirmations = 1
        home.bluez.store(CUFF.address, "2A35", PRESSURES[0], PRESSURES[1])
        await home.until(lambda: len(home.values()) == 3)
        assert home.values() == [PRESSURES[0], PRESSURES[0], PRESSURES[1]]

    play(scenario)


def test_a_device_that_is_deaf_after_discovery_hears_the_subscription(play: Play) -> None:
    async def scenario(home: Home) -> None:
        home.bluez.store(CUFF.address, "2A35", PRESSURES[0])
        await home.until(lambda: bool(home.values()))
        assert home.cuff.failures == 0

    play(
        scenario,
        timing=replace(QUICK, settle_s=Timing().settle_s),
        peripherals=(replace(CUFF, deaf_s=0.1),),
    )


@pytest.mark.parametrize(
    ("faults", "fails"),
    [
        pytest.param({"connects": [ConnectFault.ABORT] * 2}, False, id="aborted twice, no bond"),
        pytest.param({"connects": [ConnectFault.IN_PROGRESS]}, False, id="busy once"),
        pytest.param({"connects": [ConnectFault.IN_PROGRESS] * 4}, True, id="busy for long"),
        pytest.param({"drop_when_resolved": 1}, None, id="lost when its services were found"),
        pytest.param({"drop_when_resolved": 4}, True, id="lost there again and again"),
        pytest.param({"resolved_before_objects": 1}, True, id="resolved before its objects"),
        pytest.param({"resolve_after_s": 0.5}, False, id="services that take long"),
        pytest.param({"connects": [ConnectFault.NO_ANSWER]}, True, id="no answer"),
    ],
)
def test_a_connection_that_fails_is_tried_again_until_the_value_is_there(
    play: Play, faults: dict[str, object], fails: bool | None
) -> None:
    """`fails` is None where bleak's own second try sometimes mends it."""

    async def scenario(home: Home) -> None:
        counted: list[int] = []
        wrong: Faults = home.bluez.faults(CUFF.address)
        for name, value in faults.items():
            if name == "connects":
                wrong.connects.extend(value)
            else:
                setattr(wrong, name, value)
        home.bluez.store(CUFF.address, "2A35", PRESSURES[0])

        def arrived() -> bool:
            counted.append(home.cuff.failures)
            return bool(home.values())

        await home.until(arrived)
        assert fails is None or (max(counted) > 0) is fails
        await home.until(lambda: not home.cuff.connected)
        assert (home.cuff.failures, home.cuff.error) == (0, "")

    play(scenario, timing=replace(QUICK, connect_s=2.0))


def test_the_wait_after_a_failure_grows_and_is_bounded(play: Play) -> None:
    async def scenario(home: Home) -> None:
        loop = asyncio.get_running_loop()
        home.bluez.wake(CUFF.address)
        at_s: list[float] = []
        for count in range(1, 6):
            await home.until(lambda count=count: home.cuff.failures >= count)
            at_s.append(loop.time())
        first_s, *_, last_s = (later - earlier for earlier, later in pairwise(at_s))
        assert first_s >= 0.1
        assert 0.4 <= last_s < 0.8 + 2.0

    play(
        scenario,
        timing=replace(QUICK, retry_first_s=0.2, retry_most_s=0.8),
        peripherals=(replace(CUFF, services=OXIMETER.services),),
    )


def test_a_device_that_says_the_same_again_and_again_is_visited_less_often(play: Play) -> None:
    async def scenario(home: Home) -> None:
        loop = asyncio.get_running_loop()
        home.bluez.faults(CUFF.address).lose_confirmations = 100
        home.bluez.store(CUFF.address, "2A35", PRESSURES[0])
        at_s: list[float] = []
        for count in range(1, 5):
            await home.until(lambda count=count: len(home.values()) >= count)
            at_s.append(loop.time())
        assert min(later - earlier for earlier, later in pairwise(at_s[1:])) >= 0.2
        assert home.cuff.failures == 0

    play(scenario, timing=replace(QUICK, retry_first_s=0.4, retry_most_s=0.4))


def test_a_device_that_fell_asleep_in_the_queue_is_not_waited_for(play: Play) -> None:
    async def scenario(home: Home) -> None:
        oximeter = home.radio.state.devices[OXIMETER.address]
        home.bluez.faults(CUFF.address).connects.append(ConnectFault.NO_ANSWER)
        home.bluez.wake(CUFF.address)
        await home.until(lambda: not home.bluez.faults(CUFF.address).connects)
        home.bluez.wake(OXIMETER.address)
        await home.until(lambda: oximeter.last_seen is not None)
        home.bluez.sleep(OXIMETER.address)
        await home.until(lambda: home.cuff.failures == 1)
        home.bluez.store(CUFF.address, "2A35", PRESSURES[0])
        await home.until(lambda: bool(home.values()))
        assert oximeter.failures == 0

    play(
        scenario,
        timing=replace(QUICK, slots=1, scan_pause_s=0.1, connect_s=1.0, stale_s=0.3),
    )


def test_a_stale_bond_is_told_after_three_aborts_and_nothing_is_removed(play: Play) -> None:
    async def scenario(home: Home) -> None:
        home.bluez.store(CUFF.address, "2A35", PRESSURES[0])
        await home.bluez.until(lambda: home.bluez.bonded(CUFF.address))
        await home.bluez.until(lambda: not home.bluez.connected(CUFF.address))
        home.bluez.forget_bond(CUFF.address)
        home.bluez.store(CUFF.address, "2A35", PRESSURES[1])
        await home.until(lambda: home.cuff.error == STALE_BOND)
        assert home.bluez.bonded(CUFF.address)
        assert home.bluez.stored(CUFF.address) == 1
        assert home.cuff.failures >= 1

    play(scenario)


def test_a_refused_pairing_says_what_to_do(play: Play) -> None:
    async def scenario(home: Home) -> None:
        home.bluez.wake(CUFF.address)
        await home.until(lambda: home.cuff.failures > 0)
        assert "pairing mode" in home.cuff.error

    play(scenario, peripherals=(replace(CUFF, pairing=Pairing.REFUSED),))


def test_a_device_of_another_kind_than_configured_is_told(play: Play) -> None:
    async def scenario(home: Home) -> None:
        home.bluez.wake(CUFF.address)
        await home.until(lambda: home.cuff.failures > 0)
        assert "`kind`" in home.cuff.error

    play(scenario, peripherals=(replace(CUFF, services=OXIMETER.services),))


def test_a_link_lost_before_a_value_is_told(play: Play) -> None:
    async def scenario(home: Home) -> None:
        home.bluez.wake(CUFF.address)
        await home.bluez.until(lambda: home.bluez.subscribed(CUFF.address, "2A35"))
        home.bluez.sleep(CUFF.address)
        home.bluez.drop(CUFF.address)
        await home.until(lambda: home.cuff.error == LOST_EARLY)

    play(scenario)


def test_a_button_is_heard_while_another_device_lets_us_wait(play: Play) -> None:
    async def scenario(home: Home) -> None:
        home.bluez.faults(CUFF.address).connects.append(ConnectFault.NO_ANSWER)
        home.bluez.wake(CUFF.address)
        await home.until(lambda: not home.bluez.faults(CUFF.address).connects)
        for packet_id in range(256):
            home.bluez.advertise(BUTTON.address, press(packet_id))
            await asyncio.sleep(0.02)
            if home.presses():
                break
        assert home.presses()
        assert not home.cuff.failures

    play(scenario, timing=replace(QUICK, scan_pause_s=0.2, connect_s=30.0))


def test_twenty_devices_that_wake_at_once_are_all_heard(play: Play) -> None:
    scales = [
        replace(
            CUFF,
            address=f"A4:C1:38:00:02:{count:02X}",
            services=(Service("181D", (Characteristic("2A9D", ("indicate",)),)),),
            advert=Advert(("181D",)),
        )
        for count in range(20)
    ]

    async def scenario(home: Home) -> None:
        for count, scale in enumerate(scales):
            home.bluez.store(scale.address, "2A9D", WEIGHTS[count % len(WEIGHTS)])
        await home.until(lambda: all(home.values(scale.address) for scale in scales), 30)
        assert [home.values(scale.address) for scale in scales] == [
            [WEIGHTS[count % len(WEIGHTS)]] for count in range(20)
        ]
        assert {state.failures for state in home.radio.state.devices.values()} == {0}

    play(
        scenario,
        peripherals=scales,
        devices=[BleDevice(scale.address, "gatt.weight_scale", "Scale") for scale in scales],
        timing=replace(QUICK, stale_s=30.0),
        single_minded=True,
    )


def test_a_link_that_a_dead_gateway_left_open_is_taken_over(play: Play) -> None:
    async def left_open(bluez: MockBlueZ) -> None:
        bluez.wake(OXIMETER.address)
        bus = await MessageBus(bus_address=bluez.bus_address).connect()
        for member in ("StartDiscovery", "StopDiscovery"):
            await bus.call(Message("org.bluez", "/org/bluez/hci0", "org.bluez.Adapter1", member))
            await asyncio.sleep(0.1)
        path = f"/org/bluez/hci0/dev_{OXIMETER.address.replace(':', '_')}"
        await bus.call(Message("org.bluez", path, "org.bluez.Device1", "Connect"))
        bus.disconnect()
        bluez.sleep(OXIMETER.address)
        assert bluez.connected(OXIMETER.address)

    async def scenario(home: Home) -> None:
        await home.bluez.until(lambda: home.bluez.subscribed(OXIMETER.address, "2A5F"))
        home.bluez.indicate(OXIMETER.address, "2A5F", OXIMETRY[0])
        await home.until(lambda: OXIMETRY[0] in home.values(OXIMETER.address))

    play(
        scenario,
        before=left_open,
        peripherals=(replace(OXIMETER, pairing=Pairing.NONE),),
    )


def test_our_agent_pairs_with_nothing_but_the_homes_own_devices(play: Play) -> None:
    async def scenario(home: Home) -> None:
        stranger = replace(CUFF, address="A4:C1:38:00:00:99")
        home.bluez.add_peripheral(stranger)
        home.bluez.wake(stranger.address)
        await home.until(lambda: stranger.address in home.radio.state.strangers)
        path = f"/org/bluez/hci0/dev_{stranger.address.replace(':', '_')}"
        bus = await MessageBus(bus_type=BusType.SYSTEM).connect()
        reply = await bus.call(Message("org.bluez", path, "org.bluez.Device1", "Pair"))
        assert reply.error_name == "org.bluez.Error.AuthenticationRejected"
        assert not home.bluez.bonded(stranger.address)
        bus.disconnect()

    play(scenario)


# The adapter, bluetoothd and the bus ----------------------------------------------------------


def test_a_bluetoothd_that_dies_and_returns_is_noticed_and_used_again(play: Play) -> None:
    async def scenario(home: Home) -> None:
        await home.scanning()
        await home.bluez.vanish()
        await home.until(lambda: home.radio.state.error == NOT_RUNNING)
        assert not home.radio.state.running
        await home.bluez.come_back()
        await home.scanning()
        assert home.radio.state.error == ""
        home.bluez.advertise(BUTTON.address, press(1))
        home.bluez.store(CUFF.address, "2A35", PRESSURES[0])
        await home.until(lambda: len(home.presses()) == 1 and len(home.values()) == 1)
        assert home.bluez.bonded(CUFF.address)

    play(scenario)


def test_a_link_ends_with_bluetoothd_and_its_value_comes_with_the_next(play: Play) -> None:
    async def scenario(home: Home) -> None:
        home.bluez.wake(CUFF.address)
        await home.bluez.until(lambda: home.bluez.subscribed(CUFF.address, "2A35"))
        await home.bluez.vanish()
        await home.until(lambda: not home.cuff.connected)
        await home.bluez.come_back()
        home.bluez.store(CUFF.address, "2A35", PRESSURES[0])
        await home.until(lambda: home.values() == [PRESSURES[0]])

    play(scenario, timing=replace(QUICK, first_value_s=60.0))


def test_an_adapter_switched_off_is_told_and_used_when_it_is_on_again(play: Play) -> None:
    async def scenario(home: Home) -> None:
        await home.scanning()
        home.bluez.power(on=False)
        await home.until(lambda: home.radio.state.error == SWITCHED_OFF)
        assert (home.radio.state.powered, home.radio.state.scanning) == (False, False)
        home.bluez.power(on=True)
        await home.scanning()
        home.bluez.advertise(BUTTON.address, press(1))
        await home.until(lambda: len(home.presses()) == 1)

    play(scenario)


def test_an_adapter_that_blinks_loses_its_scan_and_gets_a_new_one(play: Play) -> None:
    async def scenario(home: Home) -> None:
        await home.scanning()
        home.bluez.power(on=False)
        home.bluez.power(on=True)
        seen = 0
        while not home.presses():
            seen += 1
            home.bluez.advertise(BUTTON.address, press(seen % 256))
            await asyncio.sleep(0.02)

    play(scenario)


def test_a_scan_that_bluez_lost_is_started_anew(play: Play) -> None:
    async def scenario(home: Home) -> None:
        await home.scanning()
        home.bluez.lose_scan()
        home.bluez.advertise(BUTTON.address, press(1), for_s=10.0)
        await home.until(lambda: len(home.presses()) == 1)

    play(scenario, timing=replace(QUICK, quiet_s=0.3))


@pytest.mark.parametrize(
    ("break_it", "wanted", "says"),
    [
        pytest.param(lambda bluez: None, "", "", id="nothing"),
        pytest.param(lambda bluez: bluez.power(on=False), "", SWITCHED_OFF, id="switched off"),
        pytest.param(lambda bluez: None, "hci7", missing_adapter("hci7"), id="another adapter"),
        pytest.param(lambda bluez: bluez.freeze(), "", HANGS, id="bluetoothd hangs"),
    ],
)
def test_what_is_wrong_with_bluetooth_can_be_asked_for(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    break_it: Callable[[MockBlueZ], None],
    wanted: str,
    says: str,
) -> None:
    async def main() -> None:
        async with private_bus(tmp_path) as address, MockBlueZ(address) as bluez:
            monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", address)
            break_it(bluez)
            assert await trouble(wanted, limit_s=0.5) == says

    asyncio.run(main())


def test_a_bluetoothd_or_a_bus_that_is_not_there_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        async with private_bus(tmp_path) as address:
            monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", address)
            assert await trouble("", limit_s=0.5) == NOT_RUNNING
        assert await trouble("", limit_s=0.5) == NO_BUS

    asyncio.run(main())


def test_an_adapter_that_is_not_there_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        async with private_bus(tmp_path) as address, MockBlueZ(address):
            monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", address)
            radio = Radio((), _nothing, lambda: AT, over_bluez("hci7"), timing=QUICK)
            await _until_told(radio, missing_adapter("hci7"))

    asyncio.run(main())


def test_a_bluetoothd_that_hangs_stops_nothing_for_ever(play: Play) -> None:
    async def scenario(home: Home) -> None:
        await home.scanning()
        home.bluez.freeze()
        home.bluez.store(CUFF.address, "2A35", PRESSURES[0])
        await home.until(lambda: home.cuff.failures > 0)
        assert home.cuff.error == NO_ANSWER
        home.bluez.thaw()
        await home.until(lambda: home.values() == [PRESSURES[0]])

    play(scenario, timing=replace(QUICK, bus_s=0.3, connect_s=0.5, stale_s=60.0))


def test_a_bus_that_is_not_there_is_told_and_used_once_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={tmp_path}/bus")
        heard: list[Raw] = []

        async def take(raws: Sequence[Raw]) -> None:
            heard.extend(raws)

        radio = Radio(OURS, take, lambda: AT, over_bluez(), timing=QUICK)
        running = asyncio.create_task(radio.run())
        home = Home(None, radio, heard)  # type: ignore[arg-type]
        await home.until(lambda: radio.state.error == NO_BUS)
        for _ in range(2):
            async with private_bus(tmp_path) as address:
                await home.until(lambda: radio.state.error == NOT_RUNNING)
                async with MockBlueZ(address) as bluez:
                    bluez.add_peripheral(BUTTON)
                    await home.scanning()
                    bluez.advertise(BUTTON.address, press(len(heard)))
                    before = len(heard)
                    await home.until(lambda before=before: len(heard) > before)
            await home.until(lambda: radio.state.error == NO_BUS)
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running

    asyncio.run(main())


def test_a_kind_that_is_not_in_the_catalogue_is_refused() -> None:
    with pytest.raises(ValueError, match="no kind"):
        Radio(
            [BleDevice(CUFF.address, "gatt.toaster", "Toaster")], _nothing, lambda: AT, over_bluez()
        )


async def _nothing(raws: Sequence[Raw]) -> None:
    raise AssertionError(raws)


async def _until_told(radio: Radio, words: str) -> None:
    running = asyncio.create_task(radio.run())
    async with asyncio.timeout(10):
        while radio.state.error != words:  # noqa: ASYNC110 - the state of the radio is plain fields
            await asyncio.sleep(0.005)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
