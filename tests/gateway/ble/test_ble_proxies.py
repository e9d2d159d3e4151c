"""Proxies in other rooms: what they hear arrives once, and a cuff out of reach is read through one.

The proxies are simulated nodes that speak ESPHome's API on ports of this machine; the gateway's
side is what is shipped, with bleak-esphome and habluetooth under it.
"""

import asyncio
import base64
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aioesphomeapi import APIClient
from bleak.exc import BleakError

from devices.codec import NOTHING_KNOWN
from devices.model import Advertisement, CharacteristicValue, Fact, Raw
from devices.registry import by_key
from gateway.ble import hearing, proxies, timing
from gateway.ble.bluez import over_bluez
from gateway.ble.memory import Memory, forgetful
from gateway.ble.proxies import Proxies
from gateway.ble.radio import Radio
from gateway.ble.routes import BOND, OWN
from gateway.ble.settings import BleDevice, Proxy
from gateway.ble.timing import Timing
from gateway.ble.words import LOST_EARLY, NO_FREE_LINK, NOT_PAIRED, OUT_OF_ITS_REACH, in_words
from simulators.ble.bluez import MockBlueZ
from simulators.ble.bus import private_bus
from simulators.ble.peripheral import (
    Advert,
    Characteristic,
    Pairing,
    Peripheral,
    Service,
)
from simulators.proxy.node import (
    ACTIVE_CONNECTIONS,
    FEATURES,
    PAIRING,
    RAW_ADVERTISEMENTS,
    Node,
    NodeSettings,
)
from simulators.proxy.room import Room

AT = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
KEY = base64.b64encode(b"of the kitchen's own proxy, 32 B").decode()
OTHER_KEY = base64.b64encode(b"of another proxy in another home").decode()
BTHOME = "0000fcd2-0000-1000-8000-00805f9b34fb"
RUUVI = 0x0499
QUICK = Timing(
    bus_s=2.0,
    connect_s=3.0,
    settle_s=0.0,
    subscribe_s=2.0,
    first_value_s=1.0,
    idle_s=0.2,
    listen_s=0.0,
    stale_s=5.0,
    retry_first_s=0.02,
    retry_most_s=0.1,
    own_first_s=0.3,
    bond_first_s=0.5,
)
CUFF = Peripheral(
    address="A4:C1:38:00:00:01",
    name="BM85",
    services=(Service("1810", (Characteristic("2A35", ("indicate",)),)),),
    advert=Advert(("1810",)),
    pairing=Pairing.JUST_WORKS,
    interval_s=0.02,
)
BUTTON = Peripheral(address="A4:C1:38:00:00:02", name="Button")
TAG = Peripheral(address="A4:C1:38:00:00:04", name="Ruuvi")
OURS = (
    BleDevice(CUFF.address, "gatt.blood_pressure", "Cuff in the bedroom"),
    BleDevice(BUTTON.address, "bthome", "Button by the bed"),
    BleDevice(TAG.address, "ruuvitag", "Tag in the bathroom"),
)
KITCHEN = NodeSettings("kitchen", mac="A0:B7:65:00:00:01")
ROW = "Bluetooth proxy kitchen"
BEDROOM = NodeSettings("bedroom", mac="A0:B7:65:00:00:02")


def frames(kind: str, at: str) -> list[bytes]:
    """The frames of the catalogue's vectors: bytes of real devices."""
    device = by_key(kind)
    assert device is not None
    return [bytes.fromhex(vector.frame) for vector in device.vectors if vector.at == at]


PRESSURES = frames("gatt.blood_pressure", "2A35")


def press(packet_id: int) -> Advert:
    """BTHome 2: one press (3A 01), counted."""
    return Advert(service_data={BTHOME: bytes((0x40, 0x00, packet_id, 0x3A, 0x01))})


@dataclass
class Home:
    room: Room
    nodes: dict[str, Node]
    radio: Radio
    bluez: MockBlueZ | None = None
    heard: list[Raw] = field(default_factory=list)
    memory: Memory = field(default_factory=forgetful)

    async def keep_bond(self, source: str) -> None:
        await self.memory.keep(Fact(device=CUFF.address, name=BOND, value=source))

    def bond(self) -> object:
        return self.memory.known(CUFF.address).get(BOND)

    def values(self) -> list[bytes]:
        return [raw.value for raw in self.heard if isinstance(raw, CharacteristicValue)]

    def adverts(self) -> list[Advertisement]:
        return [raw for raw in self.heard if isinstance(raw, Advertisement)]

    def presses(self) -> list[int]:
        return [one.service_data[BTHOME][2] for one in self.adverts()]

    def error(self, name: str = "kitchen") -> str:
        return self.radio.state.proxies[name].error

    async def until(self, condition: Callable[[], bool], limit_s: float = 8.0) -> None:
        """A bounded wait for what has no event of its own."""
        async with asyncio.timeout(limit_s):
            while not condition():  # noqa: ASYNC110 - the state of the radio is plain fields
                await asyncio.sleep(0.005)

    async def listening(self) -> None:
        await self.until(lambda: all(node.listened_to for node in self.nodes.values()))
        if self.bluez is not None:
            await self.until(lambda: self.radio.state.scanning)


@asynccontextmanager
async def house(
    *settings: NodeSettings,
    bus: str | None = None,
    keys: Sequence[str] = (),
    peripherals: Sequence[Peripheral] = (CUFF, BUTTON, TAG),
    own: Sequence[Peripheral] = (),
    timing: Timing = QUICK,
) -> AsyncIterator[Home]:
    """A home with these proxies; `own` are heard by its own radio too, on `bus`.

    `keys`: what the gateway's settings hold, where that differs from the nodes'.
    """
    async with AsyncExitStack() as parts:
        room = await parts.enter_async_context(Room())
        for peripheral in peripherals:
            room.add_peripheral(peripheral)
        nodes = [await parts.enter_async_context(Node(one, room)) for one in settings]
        bluez = None if bus is None else await parts.enter_async_context(MockBlueZ(bus))
        for peripheral in own if bluez else ():
            bluez.add_peripheral(peripheral)
        written = keys or [one.key for one in settings]
        configured = [
            Proxy(node.name, "127.0.0.1", node.port, key)
            for node, key in zip(nodes, written, strict=True)
        ]
        heard: list[Raw] = []

        async def take(raws: Sequence[Raw]) -> None:
            heard.extend(raws)

        memory = forgetful()
        radio = Radio(
            OURS,
            take,
            lambda: AT,
            over_bluez() if bluez else None,
            elsewhere=Proxies(configured, lambda: AT, timing),
            timing=timing,
            memory=memory,
        )
        by_name = {node.name: node for node in nodes}
        home = Home(room, by_name, radio, bluez, heard, memory)
        running = asyncio.create_task(radio.run())
        try:
            async with asyncio.timeout(20):
                yield home
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running


@pytest.fixture(autouse=True)
def _short_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "GRACE_S", 0.5)


# Advertisements -------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [pytest.param("", id="plain text"), pytest.param(KEY, id="Noise")])
def test_a_press_that_only_a_proxy_hears_arrives_as_it_was_on_air(key: str) -> None:
    async def main() -> None:
        async with house(replace(KITCHEN, key=key, signals={BUTTON.address: -81})) as home:
            await home.listening()
            home.room.advertise(BUTTON.address, press(7))
            await home.until(lambda: bool(home.heard))
            assert home.heard == [
                Advertisement(
                    address=BUTTON.address,
                    received_at=AT,
                    name="Button",
                    service_data={BTHOME: b"\x40\x00\x07\x3a\x01"},
                    rssi_dbm=-81,
                )
            ]

    asyncio.run(main())


def test_a_ruuvitag_in_another_room_is_a_temperature() -> None:
    tag = by_key("ruuvitag")
    assert tag is not None
    frame = bytes.fromhex(next(one.frame for one in tag.vectors))

    async def main() -> None:
        async with house(KITCHEN) as home:
            await home.listening()
            home.room.advertise(TAG.address, Advert(manufacturer_data={RUUVI: frame}))
            await home.until(lambda: bool(home.heard))
            (heard,) = home.adverts()
            said = tag.decode(heard, NOTHING_KNOWN)
            assert "room_temperature" in {one.metric for one in said.measurements}

    asyncio.run(main())


@pytest.mark.processes
def test_the_same_press_heard_by_two_proxies_and_the_own_radio_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        async with private_bus(tmp_path) as bus:
            monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", bus)
            async with house(KITCHEN, BEDROOM, bus=bus, own=(BUTTON,)) as home:
                await home.listening()
                assert home.bluez is not None
                for packet in (1, 2, 3):
                    for _ in range(3):
                        home.bluez.advertise(BUTTON.address, press(packet))
                        home.room.advertise(BUTTON.address, press(packet))
                    await asyncio.sleep(0.05)
                await home.until(lambda: 3 in home.presses())
                await asyncio.sleep(0.2)
                assert home.presses() == [1, 2, 3]

    asyncio.run(main())


def test_a_press_without_a_counter_that_is_said_again_later_is_another_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """habluetooth alone drops a packet that equals the last."""
    monkeypatch.setattr(hearing, "REPEAT_GAP_S", 0.1)

    async def main() -> None:
        async with house(KITCHEN) as home:
            await home.listening()
            for count in (1, 2):
                home.room.advertise(BUTTON.address, press(1))
                await home.until(lambda count=count: len(home.adverts()) == count)
                await asyncio.sleep(0.15)

    asyncio.run(main())


# Links ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [pytest.param("", id="plain text"), pytest.param(KEY, id="Noise")])
def test_a_cuff_is_read_through_a_proxy_and_its_slot_given_back(key: str) -> None:
    async def main() -> None:
        async with house(replace(KITCHEN, key=key)) as home:
            await home.listening()
            home.room.store(CUFF.address, "2A35", *PRESSURES)
            await home.until(lambda: len(home.values()) == len(PRESSURES))
            assert home.values() == PRESSURES
            await home.until(lambda: not home.room.device(CUFF.address).connected)
            node = home.nodes["kitchen"]
            await home.until(lambda: node.free == node.settings.slots)
            state = home.radio.state.devices[CUFF.address]
            await home.until(lambda: not state.connected)
            assert (state.failures, state.error, state.last_value) == (0, "", AT)

    asyncio.run(main())


def test_the_proxy_that_hears_a_device_best_reads_it() -> None:
    async def main() -> None:
        far = replace(KITCHEN, signals={CUFF.address: -92})
        near = replace(BEDROOM, signals={CUFF.address: -55})
        quiet = replace(QUICK, own_first_s=0.0)
        async with house(far, near, timing=quiet) as home:
            await home.listening()
            home.room.wake(CUFF.address)
            await home.until(lambda: home.room.device(CUFF.address).connected)
            first = home.room.device(CUFF.address).via
            home.room.store(CUFF.address, "2A35", PRESSURES[0])
            await home.until(lambda: bool(home.values()))
            assert first == "bedroom"

    asyncio.run(main())


def test_no_free_slot_is_waited_for_and_said() -> None:
    async def main() -> None:
        async with house(replace(KITCHEN, slots=1), timing=replace(QUICK, stale_s=0.4)) as home:
            node = home.nodes["kitchen"]
            node.take_slot("A4:C1:38:00:00:77")
            await home.listening()
            home.room.store(CUFF.address, "2A35", PRESSURES[0])
            cuff = home.radio.state.devices[CUFF.address]
            await home.until(lambda: cuff.error == NO_FREE_LINK)
            assert (home.values(), cuff.failures) == ([], 0)
            assert "0 of 1 links free" in dict(row[:2] for row in home.radio.report())[ROW]
            node.give_slot("A4:C1:38:00:00:77")
            await home.until(lambda: home.values() == PRESSURES[:1])
            assert cuff.error == ""

    asyncio.run(main())


def test_a_full_proxy_leaves_the_device_to_one_that_hears_it_less_well() -> None:
    async def main() -> None:
        near = replace(KITCHEN, signals={CUFF.address: -50}, slots=1)
        far = replace(BEDROOM, signals={CUFF.address: -85})
        async with house(near, far) as home:
            home.nodes["kitchen"].take_slot("A4:C1:38:00:00:77")
            await home.listening()
            await home.until(lambda: home.radio.state.proxies["kitchen"].slots == 1)
            home.room.wake(CUFF.address)
            await home.until(lambda: home.room.device(CUFF.address).via == "bedroom")

    asyncio.run(main())


def test_a_bonded_device_stays_with_the_proxy_that_holds_its_bond() -> None:
    async def main() -> None:
        kitchen = replace(KITCHEN, signals={CUFF.address: -80})
        async with house(kitchen, replace(BEDROOM, signals={CUFF.address: -50})) as home:
            await home.keep_bond(kitchen.mac)
            await home.listening()
            home.room.store(CUFF.address, "2A35", PRESSURES[0])
            await home.until(lambda: bool(home.values()))
            await home.until(lambda: not home.radio.state.devices[CUFF.address].connected)
            assert home.room.device(CUFF.address).bonds == {"kitchen"}
            assert home.bond() == kitchen.mac

    asyncio.run(main())


def test_a_device_whose_bond_nobody_in_reach_holds_is_paired_by_who_hears_it() -> None:
    async def main() -> None:
        async with house(KITCHEN) as home:
            await home.keep_bond("A0:B7:65:00:00:99")
            await home.listening()
            home.room.store(CUFF.address, "2A35", PRESSURES[0])
            await home.until(lambda: bool(home.values()))
            await home.until(lambda: home.bond() == KITCHEN.mac)

    asyncio.run(main())


@pytest.mark.processes
def test_the_own_radio_visits_what_it_hears_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        async with private_bus(tmp_path) as bus:
            monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", bus)
            async with house(KITCHEN, bus=bus, own=(CUFF,)) as home:
                await home.listening()
                assert home.bluez is not None
                home.room.wake(CUFF.address)
                home.bluez.store(CUFF.address, "2A35", PRESSURES[0])
                await home.until(lambda: home.values() == PRESSURES[:1])
                assert home.radio.state.devices[CUFF.address].failures == 0
                assert not home.room.device(CUFF.address).bonds
                await home.until(lambda: home.bond() == OWN)

    asyncio.run(main())


@pytest.mark.processes
def test_what_the_own_radio_does_not_hear_is_visited_through_a_proxy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        async with private_bus(tmp_path) as bus:
            monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", bus)
            async with house(KITCHEN, bus=bus) as home:
                await home.listening()
                home.room.store(CUFF.address, "2A35", PRESSURES[0])
                await home.until(lambda: home.values() == PRESSURES[:1])

    asyncio.run(main())


@pytest.mark.parametrize(
    ("node", "cuff", "word"),
    [
        pytest.param(
            KITCHEN,
            replace(CUFF, pairing=Pairing.PASSKEY),
            "neither display nor keys",
            id="a device that asks for digits",
        ),
        pytest.param(
            replace(KITCHEN, features=FEATURES & ~PAIRING),
            CUFF,
            "too old to pair",
            id="a node that can't pair",
        ),
    ],
)
def test_a_pairing_that_fails_is_said_in_words(
    node: NodeSettings, cuff: Peripheral, word: str
) -> None:
    async def main() -> None:
        async with house(node, peripherals=(cuff,)) as home:
            await home.listening()
            home.room.wake(cuff.address)
            state = home.radio.state.devices[cuff.address]
            await home.until(lambda: state.failures >= 1)
            assert word in state.error

    asyncio.run(main())


@pytest.mark.parametrize(
    ("said", "words"),
    [
        pytest.param(
            "Failed to connect after 9 attempt(s): Error ESP_GATT_CONN_FAIL_ESTABLISH while "
            "connecting: Connection failed to establish",
            OUT_OF_ITS_REACH,
            id="it was heard and not reached",
        ),
        pytest.param(
            "Peripheral A4:C1:38:00:00:01 changed connection status while waiting for "
            "BluetoothGATTWriteResponse: Unknown error (0)",
            LOST_EARLY,
            id="the link ended",
        ),
        pytest.param(
            "Bluetooth GATT Error address=A4:C1:38:00:00:01 handle=15 error=5 "
            "description=Insufficient authentication",
            NOT_PAIRED,
            id="not paired",
        ),
        pytest.param(
            "No backend with an available connection slot that can reach address "
            "A4:C1:38:00:00:01 was found",
            NO_FREE_LINK,
            id="no slot",
        ),
    ],
)
def test_what_a_proxy_says_of_a_link_is_said_in_words(said: str, words: str) -> None:
    assert in_words(BleakError(said)) == words


# A proxy comes and goes -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("there", "here", "words"),
    [
        pytest.param(KEY, OTHER_KEY, proxies.WRONG_KEY, id="another key"),
        pytest.param(KEY, "", proxies.NEEDS_KEY, id="no key here"),
        pytest.param("", KEY, proxies.NO_KEY_THERE, id="no key there"),
    ],
)
def test_a_key_that_does_not_fit_is_said_and_tried_slowly(
    there: str, here: str, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    slow = replace(QUICK, retry_first_s=0.01, retry_most_s=0.6)

    async def main() -> None:
        async with house(replace(KITCHEN, key=there), keys=(here,), timing=slow) as home:
            node = home.nodes["kitchen"]
            await home.until(lambda: home.error() == words)
            tried = node.connections
            await asyncio.sleep(0.25)
            assert node.connections == tried
            await home.until(lambda: node.connections > tried)
            assert ROW in {part for part, _, trouble in home.radio.report() if trouble == words}

    asyncio.run(main())
    assert KEY not in caplog.text
    assert OTHER_KEY not in caplog.text


def test_a_proxy_that_lost_its_power_is_missed_and_found_again() -> None:
    async def main() -> None:
        async with house(replace(KITCHEN, key=KEY)) as home:
            await home.listening()
            node = home.nodes["kitchen"]
            await node.stop()
            await home.until(lambda: not home.radio.state.proxies["kitchen"].connected)
            assert home.error() in {proxies.WENT_AWAY, proxies.NO_ANSWER}
            assert (ROW, "not reached") in {row[:2] for row in home.radio.report()}
            await node.start()
            await home.until(lambda: home.error() == "")
            await home.listening()
            home.room.advertise(BUTTON.address, press(1))
            await home.until(lambda: home.presses() == [1])
            home.room.store(CUFF.address, "2A35", PRESSURES[0])
            await home.until(lambda: home.values() == PRESSURES[:1])

    asyncio.run(main())


def test_a_proxy_that_goes_in_the_middle_of_a_visit_costs_that_visit_only() -> None:
    async def main() -> None:
        async with house(KITCHEN, peripherals=(replace(CUFF, drops_link=False),)) as home:
            await home.listening()
            device = home.room
            device.wake(CUFF.address)
            await home.until(lambda: device.device(CUFF.address).subscribed("2A35"))
            await home.nodes["kitchen"].stop()
            state = home.radio.state.devices[CUFF.address]
            await home.until(lambda: state.failures == 1)
            await home.nodes["kitchen"].start()
            await home.until(lambda: device.device(CUFF.address).subscribed("2A35"))
            assert device.device(CUFF.address).say("2A35", PRESSURES[0])
            await home.until(lambda: home.values() == PRESSURES[:1])

    asyncio.run(main())


@pytest.mark.parametrize(
    ("features", "words"),
    [
        pytest.param(0, proxies.NO_PROXY, id="no proxy at all"),
        pytest.param(FEATURES & ~RAW_ADVERTISEMENTS, proxies.TOO_OLD, id="too old"),
        pytest.param(FEATURES & ~ACTIVE_CONNECTIONS, proxies.ONLY_HEARS, id="it only listens"),
    ],
)
def test_a_node_that_does_not_serve_is_said(features: int, words: str) -> None:
    async def main() -> None:
        async with house(replace(KITCHEN, features=features)) as home:
            await home.until(lambda: home.error() == words)

    asyncio.run(main())


def test_a_proxy_that_has_another_listener_is_said() -> None:
    async def main() -> None:
        async with Room() as room, Node(KITCHEN, room) as node:
            other = APIClient("127.0.0.1", node.port, None)
            await other.connect(login=True)
            other.subscribe_bluetooth_le_raw_advertisements(lambda _: None)
            while not node.listened_to:  # noqa: ASYNC110 - plain fields
                await asyncio.sleep(0.005)
            configured = [Proxy("kitchen", "127.0.0.1", node.port)]
            ours = Proxies(configured, lambda: AT, replace(QUICK, bus_s=0.2))
            running = asyncio.create_task(ours.run(lambda found, data: None))
            async with asyncio.timeout(5):
                while ours.states["kitchen"].error != proxies.TAKEN:  # noqa: ASYNC110 - as above
                    await asyncio.sleep(0.005)
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await other.disconnect()

    asyncio.run(main())


def test_one_node_named_twice_is_used_once_and_said() -> None:
    async def main() -> None:
        async with house(KITCHEN, replace(BEDROOM, mac=KITCHEN.mac)) as home:
            errors = [home.radio.state.proxies[name] for name in ("kitchen", "bedroom")]
            await home.until(lambda: sorted(one.error for one in errors) == ["", proxies.TWICE])

    asyncio.run(main())


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        pytest.param(KEY, ("ESPHome 2025.9.0 answers", ""), id="well"),
        pytest.param(OTHER_KEY, ("not usable", proxies.WRONG_KEY), id="wrong key"),
    ],
)
def test_doctor_asks_a_proxy_how_it_is(key: str, expected: tuple[str, str]) -> None:
    async def main() -> None:
        async with Room() as room, Node(replace(KITCHEN, key=KEY), room) as node:
            proxy = Proxy("kitchen", "127.0.0.1", node.port, key)
            assert await proxies.trouble(proxy) == expected

    asyncio.run(main())


def test_doctor_says_of_a_proxy_that_is_not_there() -> None:
    async def main() -> None:
        async with Room() as room, Node(KITCHEN, room) as node:
            port = node.port
        said = await proxies.trouble(Proxy("kitchen", "127.0.0.1", port))
        assert said == ("not usable", proxies.NO_ANSWER)

    asyncio.run(main())
