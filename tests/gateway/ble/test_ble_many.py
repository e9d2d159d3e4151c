"""Twenty homes' worth of devices on one adapter: all connect, all deliver, in bounded time."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from devices.codec import Gatt
from devices.model import CharacteristicValue, Raw
from devices.registry import by_key
from gateway.ble.bluez import over_bluez
from gateway.ble.radio import Radio
from gateway.ble.settings import BleDevice
from gateway.ble.timing import Timing
from simulators.ble.bluez import MockBlueZ
from simulators.ble.bus import private_bus
from simulators.ble.consent_scale import ConsentScale, consent_scale
from simulators.ble.device_clock import CLOCK, DeviceClock
from simulators.ble.glucose_meter import GlucoseMeter, glucose_meter
from simulators.ble.mind import Mind
from simulators.ble.peripheral import Advert, Characteristic, Pairing, Peripheral, Service

pytestmark = pytest.mark.processes

AT = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
HOMES = 20
LIMIT_S = 90.0
CROWD = Timing(
    settle_s=0.0,
    first_value_s=20.0,
    idle_s=0.5,
    rest_s=0.1,
    listen_s=0.0,
    stale_s=LIMIT_S,
    retry_first_s=0.1,
    retry_most_s=1.0,
    slots=20,
)
IN_EACH_HOME = (
    ("gatt.blood_pressure", "2A35"),
    ("gatt.blood_pressure", "2A35"),
    ("gatt.weight_scale", "2A9D"),
    ("gatt.pulse_oximeter", "2A5F"),
    ("gatt.pulse_oximeter", "2A5F"),
    ("gatt.thermometer", "2A1C"),
    ("gatt.heart_rate", "2A37"),
    ("gatt.battery", "2A19"),
    ("gatt.glucose", "2A18"),
    ("gatt.weight_scale", "consent"),
)


def clock() -> DeviceClock:
    return DeviceClock(lambda: AT.replace(tzinfo=None))


def profile(kind: str) -> tuple[Gatt, bytes]:
    """How the kind is listened to, and the first frame of its vectors that says something."""
    device = by_key(kind)
    assert device is not None
    assert device.gatt is not None
    frame = next(
        vector.frame
        for vector in device.vectors
        if vector.at == device.gatt.subscribe[-1] and vector.expected
    )
    return device.gatt, bytes.fromhex(frame)


def plain(address: str, kind: str) -> Peripheral:
    gatt, _ = profile(kind)
    spoken = tuple(Characteristic(name, ("notify",)) for name in gatt.subscribe)
    return Peripheral(
        address=address,
        name=f"Device {address[-5:]}",
        services=(Service(gatt.service, spoken), CLOCK),
        advert=Advert((gatt.service,)),
        pairing=Pairing.JUST_WORKS if gatt.bonded else Pairing.NONE,
    )


def place(bluez: MockBlueZ, address: str, kind: str, at: str) -> None:
    """Put a device into the room that has measured something, and is awake for it."""
    mind: Mind = clock()
    if at == "2A18":
        mind = meter = GlucoseMeter(clock())
        meter.measure(101.0)
        bluez.add_peripheral(replace(glucose_meter(address), drops_link=True), mind)
    elif at == "consent":
        mind = scale = ConsentScale(clock())
        scale.weigh(1, 71.5)
        bluez.add_peripheral(consent_scale(address), mind)
    else:
        bluez.add_peripheral(plain(address, kind), mind)
        bluez.store(address, at, profile(kind)[1])
    bluez.wake(address)


def test_the_devices_of_twenty_homes_connect_and_deliver_on_one_adapter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    placed = {
        f"A4:C1:38:00:{home:02X}:{number:02X}": row
        for home in range(HOMES)
        for number, row in enumerate(IN_EACH_HOME)
    }
    unbonded = {
        address
        for address, (kind, _) in placed.items()
        if kind in {"gatt.battery", "gatt.heart_rate"}
    }
    delivered: set[str] = set()
    complete = asyncio.Event()

    async def take(raws: Sequence[Raw]) -> None:
        delivered.update(raw.address for raw in raws if isinstance(raw, CharacteristicValue))
        if delivered == placed.keys():
            complete.set()

    async def main() -> None:
        async with private_bus(tmp_path) as bus, MockBlueZ(bus) as bluez:
            monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", bus)
            for address, (kind, at) in placed.items():
                place(bluez, address, kind, at)
            devices = [BleDevice(address, kind, address) for address, (kind, _) in placed.items()]
            radio = Radio(devices, take, lambda: AT, over_bluez(), timing=CROWD)
            running = asyncio.create_task(radio.run())
            try:
                async with asyncio.timeout(LIMIT_S):
                    await complete.wait()
            finally:
                running.cancel()
                with suppress(asyncio.CancelledError):
                    await running
            assert {address for address in placed if not bluez.bonded(address)} == unbonded

    asyncio.run(main())
    assert len(delivered) == 200
