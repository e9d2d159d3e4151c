"""The mock BlueZ says what bluetoothd says: to bleak's own Linux backend, and on raw D-Bus."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from bleak import BleakClient, BleakScanner
from bleak.exc import BleakDBusError, BleakError, BleakGATTProtocolError
from dbus_fast import BusType, Message, MessageType
from dbus_fast.aio import MessageBus

from simulators.ble.bluez import MockBlueZ
from simulators.ble.bus import MAX_SOCKET_PATH_BYTES, configuration, private_bus
from simulators.ble.peripheral import (
    Advert,
    Characteristic,
    ConnectFault,
    Pairing,
    Peripheral,
    Service,
)

pytestmark = pytest.mark.processes

CUFF = Peripheral(
    address="A4:C1:38:00:00:01",
    name="Cuff",
    services=(
        Service(
            "1810",
            (
                Characteristic("2A35", ("indicate",)),
                Characteristic("2A36", ("notify",)),
                Characteristic("2A49", ("read",), value=b"\x01\x00"),
            ),
        ),
        Service("1805", (Characteristic("2A2B", ("read", "write"), value=b"\x00" * 10),)),
    ),
    advert=Advert(("1810",)),
    interval_s=0.02,
)
BUTTON = Peripheral(address="A4:C1:38:00:00:02")
BTHOME = "0000fcd2-0000-1000-8000-00805f9b34fb"

Scenario = Callable[[MockBlueZ], Awaitable[None]]


@pytest.fixture
def play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Runs a scenario against a mock of its own, which bleak finds as the system's bus."""

    def run_scenario(scenario: Scenario, **settings: float) -> None:
        async def main() -> None:
            async with private_bus(tmp_path) as address, MockBlueZ(address, **settings) as bluez:
                monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", address)
                async with asyncio.timeout(30):
                    await scenario(bluez)

        asyncio.run(main())

    return run_scenario


async def found(address: str):
    """The scanner looks for the device only after it started, so it needs the repeats too."""
    device = await BleakScanner.find_device_by_address(
        address, timeout=5, bluez={"filters": {"DuplicateData": True}}
    )
    assert device is not None
    return device


async def until(condition: Callable[[], bool]) -> None:
    """A bounded wait for what only bleak or the bus knows."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - nothing of ours changes with it
            await asyncio.sleep(0.005)


async def bus_client() -> MessageBus:
    return await MessageBus(bus_type=BusType.SYSTEM, negotiate_unix_fd=True).connect()


async def call(
    bus: MessageBus, path: str, interface: str, member: str, signature: str = "", *body: object
) -> Message:
    return await bus.call(
        Message(
            destination="org.bluez",
            path=path,
            interface=interface,
            member=member,
            signature=signature,
            body=list(body),
        )
    )


async def listen(bus: MessageBus) -> list[Message]:
    """Every signal of org.bluez from now on, in order."""
    heard: list[Message] = []

    def keep(message: Message) -> None:
        if message.message_type is MessageType.SIGNAL and message.sender != "org.freedesktop.DBus":
            heard.append(message)

    bus.add_message_handler(keep)
    await bus.call(
        Message(
            destination="org.freedesktop.DBus",
            path="/org/freedesktop/DBus",
            interface="org.freedesktop.DBus",
            member="AddMatch",
            signature="s",
            body=["type='signal',sender='org.bluez'"],
        )
    )
    return heard


def told(messages: list[Message]) -> list[str]:
    """ "Connected=True", "+char000d", "-RSSI": what the signals said, in order."""
    lines: list[str] = []
    for message in messages:
        if message.member == "InterfacesAdded":
            lines.append("+" + message.body[0].rpartition("/")[2])
        elif message.member == "InterfacesRemoved":
            lines.append("-" + message.body[0].rpartition("/")[2])
        else:
            lines += [f"{name}={held.value}" for name, held in message.body[1].items()]
            lines += [f"-{name}" for name in message.body[2]]
    return lines


ADAPTER = "/org/bluez/hci0"
DEVICE = "/org/bluez/hci0/dev_A4_C1_38_00_00_01"


def test_connecting_shows_the_link_then_the_objects_then_resolved_and_only_then_answers(
    play,
) -> None:
    async def scenario(bluez: MockBlueZ) -> None:
        bluez.add_peripheral(CUFF)
        bluez.wake(CUFF.address)
        await found(CUFF.address)
        bus = await bus_client()
        heard = await listen(bus)
        reply = await call(bus, DEVICE, "org.bluez.Device1", "Connect")
        assert reply.message_type is MessageType.METHOD_RETURN
        lines = [line for line in told(heard) if not line.startswith(("RSSI", "UUIDs"))]
        assert lines[0] == "Connected=True"
        assert lines[-1] == "ServicesResolved=True"
        assert lines[1:-1] == [
            "+service000c",
            "+char000d",
            "+desc000f",
            "+char0010",
            "+desc0012",
            "+char0013",
            "+service0015",
            "+char0016",
        ]
        bus.disconnect()

    play(scenario)


def test_values_reach_a_subscriber_in_order_and_the_link_ends_with_the_last(play) -> None:
    async def scenario(bluez: MockBlueZ) -> None:
        bluez.add_peripheral(CUFF)
        values = [bytes((count,)) for count in range(5)]
        bluez.store(CUFF.address, "2A35", *values)
        got: list[bytes] = []
        async with BleakClient(await found(CUFF.address)) as client:
            await client.start_notify("2a35", lambda _, value: got.append(bytes(value)))
            await bluez.until(lambda: not bluez.connected(CUFF.address))
        assert got == values
        assert bluez.stored(CUFF.address) == 0

    play(scenario)


def test_acquire_notify_carries_values_over_a_socket(play) -> None:
    async def scenario(bluez: MockBlueZ) -> None:
        bluez.add_peripheral(replace(CUFF, drops_link=False))
        bluez.wake(CUFF.address)
        got: asyncio.Queue[bytes] = asyncio.Queue()
        async with BleakClient(await found(CUFF.address)) as client:
            await client.start_notify(
                "2a36",
                lambda _, value: got.put_nowait(bytes(value)),
                bluez={"use_start_notify": False},
            )
            assert bluez.indicate(CUFF.address, "2A36", b"\x00\xd7\xf0")
            assert await asyncio.wait_for(got.get(), 5) == b"\x00\xd7\xf0"

    play(scenario)


def test_what_nobody_subscribed_to_is_lost(play) -> None:
    async def scenario(bluez: MockBlueZ) -> None:
        bluez.add_peripheral(CUFF)
        assert not bluez.indicate(CUFF.address, "2A35", b"\x01")

    play(scenario)


def test_blood_pressure_can_be_indicated_but_not_read(play) -> None:
    async def scenario(bluez: MockBlueZ) -> None:
        bluez.add_peripheral(CUFF)
        bluez.wake(CUFF.address)
        async with BleakClient(await found(CUFF.address)) as client:
            with pytest.raises(BleakGATTProtocolError):
                await client.read_gatt_char("2a35")
            assert await client.read_gatt_char("2a49") == b"\x01\x00"

    play(scenario)


def test_a_write_is_kept_for_the_tester(play) -> None:
    async def scenario(bluez: MockBlueZ) -> None:
        bluez.add_peripheral(CUFF)
        bluez.wake(CUFF.address)
        async with BleakClient(await found(CUFF.address)) as client:
            await client.write_gatt_char("2a2b", b"\xe8\x07", response=True)
            with pytest.raises(BleakGATTProtocolError):
                await client.write_gatt_char("2a49", b"\x00", response=True)
        assert bluez.written(CUFF.address) == [("2A2B", b"\xe8\x07")]

    play(scenario)


@pytest.mark.parametrize(
    ("repeats", "second", "reported"),
    [
        pytest.param(False, Advert((), {BTHOME: b"\x40\x3a\x01"}, {}, -60), [], id="the same"),
        pytest.param(
            False, Advert((), {BTHOME: b"\x40\x3a\x01"}, {}, -67), [], id="a little weaker"
        ),
        pytest.param(
            False, Advert((), {BTHOME: b"\x40\x3a\x01"}, {}, -68), ["RSSI"], id="8 dBm weaker"
        ),
        pytest.param(
            False, Advert((), {BTHOME: b"\x40\x3a\x02"}, {}, -60), ["ServiceData"], id="new data"
        ),
        pytest.param(
            True,
            Advert((), {BTHOME: b"\x40\x3a\x01"}, {}, -60),
            ["RSSI", "ServiceData"],
            id="the same, with DuplicateData",
        ),
    ],
)
def test_a_repeated_advertisement_is_reported_as_bluez_does(
    play, repeats: bool, second: Advert, reported: list[str]
) -> None:
    async def scenario(bluez: MockBlueZ) -> None:
        bluez.add_peripheral(BUTTON)
        async with BleakScanner(bluez={"filters": {"DuplicateData": repeats}}):
            bluez.advertise(BUTTON.address, Advert((), {BTHOME: b"\x40\x3a\x01"}, {}, -60))
            bus = await bus_client()
            heard = await listen(bus)
            bluez.advertise(BUTTON.address, second)
            await bluez.drained()
            await call(bus, ADAPTER, "org.freedesktop.DBus.Properties", "GetAll", "s", "x")
            names = [name for message in heard for name in message.body[1]]
            assert names == reported
            bus.disconnect()

    play(scenario)


def test_the_signal_strength_is_dropped_when_the_last_scan_ends(play) -> None:
    async def scenario(bluez: MockBlueZ) -> None:
        bluez.add_peripheral(BUTTON)
        bus = await bus_client()
        heard = await listen(bus)
        other = await bus_client()
        async with BleakScanner():
            await call(other, ADAPTER, "org.bluez.Adapter1", "StartDiscovery")
            await call(other, ADAPTER, "org.bluez.Adapter1", "StopDiscovery")
            bluez.advertise(BUTTON.address)
        other.disconnect()
        await call(bus, ADAPTER, "org.freedesktop.DBus.Properties", "GetAll", "s", "x")
        assert told(heard)[-3:] == ["+dev_A4_C1_38_00_00_02", "Discovering=False", "-RSSI"]
        bus.disconnect()

    play(scenario)


def test_a_client_that_dies_scans_no_more(play) -> None:
    async def scenario(bluez: MockBlueZ) -> None:
        bus = await bus_client()
        await call(bus, ADAPTER, "org.bluez.Adapter1", "StartDiscovery")
        assert bluez.scanning
        bus.disconnect()
        await bluez.until(lambda: not bluez.scanning)

    play(scenario)


def test_a_silent_device_without_a_bond_is_forgotten(play) -> None:
    async def scenario(bluez: MockBlueZ) -> None:
        bluez.add_peripheral(BUTTON)
        bus = await bus_client()
        heard = await listen(bus)
        async with BleakScanner():
            bluez.advertise(BUTTON.address)
            await until(lambda: "-dev_A4_C1_38_00_00_02" in told(heard))
        bus.disconnect()

    play(scenario, temporary_s=0.1)


@pytest.mark.parametrize(
    "pairing",
    [
        pytest.param(Pairing.JUST_WORKS, id="no agent"),
        pytest.param(Pairing.REFUSED, id="not in its pairing mode"),
    ],
)
def test_pairing_fails(play, pairing: Pairing) -> None:
    async def scenario(bluez: MockBlueZ) -> None:
        bluez.add_peripheral(replace(CUFF, pairing=pairing))
        bluez.wake(CUFF.address)
        client = BleakClient(await found(CUFF.address), pair=True)
        with pytest.raises(BleakDBusError, match="AuthenticationFailed"):
            await client.connect()
        assert not bluez.bonded(CUFF.address)
        assert not bluez.connected(CUFF.address)

    play(scenario)


def test_a_device_that_wants_a_bond_speaks_to_nobody_without_one(play) -> None:
    async def scenario(bluez: MockBlueZ) -> None:
        bluez.add_peripheral(replace(CUFF, pairing=Pairing.JUST_WORKS))
        bluez.wake(CUFF.address)
        async with BleakClient(await found(CUFF.address)) as client:
            with pytest.raises(BleakDBusError, match="Not paired"):
                await client.start_notify("2a35", lambda _, value: None)

    play(scenario)


def test_an_aborted_connection_flaps_before_it_fails(play) -> None:
    async def scenario(bluez: MockBlueZ) -> None:
        bluez.add_peripheral(CUFF)
        bluez.wake(CUFF.address)
        bluez.faults(CUFF.address).connects.append(ConnectFault.ABORT)
        await found(CUFF.address)
        bus = await bus_client()
        heard = await listen(bus)
        reply = await call(bus, DEVICE, "org.bluez.Device1", "Connect")
        assert (reply.error_name, reply.body) == (
            "org.bluez.Error.Failed",
            ["le-connection-abort-by-local"],
        )
        assert [line for line in told(heard) if "RSSI" not in line] == [
            "Connected=True",
            "Connected=False",
        ]
        bus.disconnect()

    play(scenario)


def test_a_connection_to_a_sleeping_device_waits_until_its_caller_gives_up(play) -> None:
    async def scenario(bluez: MockBlueZ) -> None:
        bluez.add_peripheral(CUFF)
        async with BleakScanner():
            bluez.advertise(CUFF.address)
            bus = await bus_client()
            connecting = asyncio.create_task(call(bus, DEVICE, "org.bluez.Device1", "Connect"))
            await asyncio.sleep(0)
            again = await call(bus, DEVICE, "org.bluez.Device1", "Connect")
            assert again.error_name == "org.bluez.Error.InProgress"
            assert not connecting.done()
            await call(bus, DEVICE, "org.bluez.Device1", "Disconnect")
            assert (await connecting).body == ["le-connection-abort-by-local"]
            bus.disconnect()

    play(scenario)


def test_services_go_with_the_link_unless_there_is_a_bond(play) -> None:
    async def scenario(bluez: MockBlueZ) -> None:
        bluez.add_peripheral(CUFF)
        bluez.wake(CUFF.address)
        async with BleakClient(await found(CUFF.address)):
            bus = await bus_client()
            heard = await listen(bus)
        await call(bus, ADAPTER, "org.freedesktop.DBus.Properties", "GetAll", "s", "x")
        lines = told(heard)
        assert lines.index("Connected=False") < lines.index("-char000d")
        assert "-service000c" in lines
        bus.disconnect()

    play(scenario)


def test_without_power_links_and_scans_end_and_none_comes_back_with_it(play) -> None:
    async def scenario(bluez: MockBlueZ) -> None:
        bluez.add_peripheral(CUFF)
        bluez.wake(CUFF.address)
        async with BleakClient(await found(CUFF.address)) as client:
            bluez.power(on=False)
            await bluez.drained()
            assert not bluez.connected(CUFF.address)
            await until(lambda: not client.is_connected)
        with pytest.raises(BleakError):
            await BleakScanner().start()
        bluez.power(on=True)
        assert await BleakScanner.discover(0.1, bluez={"adapter": "hci0"})

    play(scenario)


def test_a_dead_bluetoothd_says_nothing_and_a_new_one_shows_what_is_bonded(play) -> None:
    async def scenario(bluez: MockBlueZ) -> None:
        bluez.add_peripheral(CUFF)
        bluez.wake(CUFF.address)
        await found(CUFF.address)
        bus = await bus_client()
        heard = await listen(bus)
        await bluez.vanish()
        reply = await call(bus, ADAPTER, "org.bluez.Adapter1", "StartDiscovery")
        assert reply.error_name in {
            "org.freedesktop.DBus.Error.ServiceUnknown",
            "org.freedesktop.DBus.Error.NoReply",
        }
        assert heard == []
        await bluez.come_back()
        await call(bus, ADAPTER, "org.freedesktop.DBus.Properties", "GetAll", "s", "x")
        assert told(heard) == ["+bluez", "+hci0"]
        bus.disconnect()

    play(scenario)


def test_a_frozen_bluetoothd_answers_once_it_thaws(play) -> None:
    async def scenario(bluez: MockBlueZ) -> None:
        bus = await bus_client()
        bluez.freeze()
        asked = asyncio.create_task(call(bus, ADAPTER, "org.bluez.Adapter1", "StartDiscovery"))
        await asyncio.wait({asked}, timeout=0.05)
        assert not asked.done()
        bluez.thaw()
        assert (await asked).message_type is MessageType.METHOD_RETURN
        bus.disconnect()

    play(scenario)


def test_two_hundred_devices_are_heard_and_held_at_once(play) -> None:
    async def scenario(bluez: MockBlueZ) -> None:
        addresses = [f"A4:C1:38:00:01:{count:02X}" for count in range(200)]
        heard: set[str] = set()
        for address in addresses:
            bluez.add_peripheral(replace(CUFF, address=address, drops_link=False))
            bluez.wake(address)
        async with BleakScanner(lambda device, _: heard.add(device.address)) as scanner:
            await until(lambda: len(heard) == 200)
            devices = {device.address: device for device in scanner.discovered_devices}
        bus = await bus_client()
        replies = await asyncio.gather(
            *(
                call(bus, devices[address].details["path"], "org.bluez.Device1", "Connect")
                for address in addresses
            )
        )
        assert {reply.message_type for reply in replies} == {MessageType.METHOD_RETURN}
        assert all(bluez.connected(address) for address in addresses)
        bus.disconnect()

    play(scenario)


def test_the_bus_ends_with_its_context(tmp_path: Path) -> None:
    async def main() -> None:
        async with private_bus(tmp_path) as address, MockBlueZ(address):
            bus = await MessageBus(bus_address=address).connect()
            assert (await call(bus, ADAPTER, "org.bluez.Adapter1", "StartDiscovery")).body == []
        with suppress(OSError, EOFError):
            await asyncio.wait_for(bus.wait_for_disconnect(), 5)
        assert not bus.connected

    asyncio.run(main())


def test_a_broadcast_is_repeated_for_a_scan_that_begins_later(play) -> None:
    async def scenario(bluez: MockBlueZ) -> None:
        bluez.add_peripheral(replace(BUTTON, interval_s=0.02))
        bluez.advertise(BUTTON.address, Advert((), {BTHOME: b"\x40\x3a\x01"}), for_s=5.0)
        assert (await found(BUTTON.address)).address == BUTTON.address

    play(scenario)


def test_a_second_peripheral_of_one_address_is_refused(play) -> None:
    async def scenario(bluez: MockBlueZ) -> None:
        bluez.add_peripheral(CUFF)
        with pytest.raises(ValueError, match=CUFF.address):
            bluez.add_peripheral(CUFF)

    play(scenario)


def test_a_folder_too_deep_for_a_socket_is_refused(tmp_path: Path) -> None:
    async def main() -> None:
        with pytest.raises(ValueError, match="too long"):
            async with private_bus(tmp_path / ("x" * MAX_SOCKET_PATH_BYTES)):
                raise AssertionError

    asyncio.run(main())


def test_a_path_with_an_ampersand_stays_well_formed() -> None:
    assert "unix:path=/a&amp;b/bus" in configuration(Path("/a&b/bus"))
