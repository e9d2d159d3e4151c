"""From a meter's memory to the journal: each record once, whatever breaks on the way."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from devices.model import Clock, Fact, Raw, Reading
from gateway.ble.bluez import over_bluez
from gateway.ble.memory import Memory
from gateway.ble.radio import Radio
from gateway.ble.records import BOOKMARK
from gateway.ble.settings import BleDevice
from gateway.ble.timing import Timing
from gateway.config import HomeDevice
from gateway.home import Home
from gateway.intake import Intake
from gateway.journal import Journal
from plumbing.clock import HomeTime
from rules.plan import parse_plan
from simulators.ble.bluez import MockBlueZ
from simulators.ble.bus import private_bus
from simulators.ble.device_clock import DeviceClock
from simulators.ble.glucose_meter import GlucoseMeter, glucose_meter

pytestmark = pytest.mark.processes

AT = datetime(2026, 7, 1, 7, 0, tzinfo=UTC)
LONDON = ZoneInfo("Europe/London")
LOCAL = AT.astimezone(LONDON).replace(tzinfo=None)
METER = "A4:C1:38:00:00:04"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
QUICK = Timing(
    settle_s=0.0, first_value_s=0.5, idle_s=0.3, answer_s=0.5, listen_s=0.0, retry_first_s=0.02
)
PLAN = {"version": "1", "people": [{"id": "margaret", "name": "M", "timezone": "Europe/London"}]}


class FrozenTime(HomeTime, frozen=True):
    def now(self) -> datetime:
        return AT


def at_home(folder: Path) -> tuple[Home, Journal]:
    journal = Journal(folder / "journal.sqlite3")
    plan = parse_plan(PLAN, {})
    devices = [HomeDevice(device=METER, patient="margaret", kind="gatt.glucose")]
    intake = Intake(devices, [], plan.people, journal.facts())
    return Home(journal, plan, intake, FrozenTime()), journal


def kept(journal: Journal) -> Sequence[Reading]:
    return journal.readings(["blood_glucose"], AT - 9 * DAY, AT + DAY)


async def visit(bluez: MockBlueZ, home: Home) -> None:
    """A gateway's whole life: it starts, visits the meter once, and stops."""

    async def take(raws: Sequence[Raw]) -> None:
        await asyncio.to_thread(home.take, raws)

    async def keep(fact: Fact) -> None:
        await asyncio.to_thread(home.learn, fact)

    radio = Radio(
        [BleDevice(METER, "gatt.glucose", "Meter", zone=LONDON)],
        take,
        home.now,
        over_bluez(),
        timing=QUICK,
        memory=Memory(home.known, keep),
    )
    running = asyncio.create_task(radio.run())
    try:
        bluez.wake(METER)
        await bluez.until(lambda: bluez.connected(METER))
        bluez.sleep(METER)
        await bluez.until(lambda: not bluez.connected(METER))
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


def test_a_meter_an_hour_off_gives_each_record_once_and_at_its_true_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its numbers run the other way, so it gives all of them at each visit; and after the first
    visit its clock is right, while what it stored before still carries the wrong time."""
    true = LOCAL - 2 * DAY
    meter = GlucoseMeter(DeviceClock(lambda: true, HOUR))
    meter.faults.newest_is_first_number = True
    for value in (101.0, 102.0):
        meter.measure(value)
        true += HOUR
    true = LOCAL

    async def main() -> None:
        async with private_bus(tmp_path) as bus, MockBlueZ(bus) as bluez:
            monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", bus)
            bluez.add_peripheral(glucose_meter(METER, interval_s=0.02), meter)
            for _ in range(2):
                home, journal = at_home(tmp_path)
                async with asyncio.timeout(20):
                    await visit(bluez, home)
                journal.close()

    asyncio.run(main())
    assert meter.clock.ahead == timedelta(0)
    _, journal = at_home(tmp_path)
    found = kept(journal)
    assert [(one.raw_value, one.taken_at, one.clock) for one in found] == [
        (101.0, AT - 2 * DAY, Clock.CORRECTED),
        (102.0, AT - 2 * DAY + HOUR, Clock.CORRECTED),
    ]
    journal.close()


def test_a_restarted_gateway_goes_on_behind_its_bookmark(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    true = LOCAL - 2 * DAY
    meter = GlucoseMeter(DeviceClock(lambda: true))

    async def main() -> None:
        nonlocal true
        async with private_bus(tmp_path) as bus, MockBlueZ(bus) as bluez:
            monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", bus)
            bluez.add_peripheral(glucose_meter(METER, interval_s=0.02), meter)
            for values in ((101.0, 102.0), (103.0,)):
                for value in values:
                    meter.measure(value)
                    true += HOUR
                home, journal = at_home(tmp_path)
                async with asyncio.timeout(20):
                    await visit(bluez, home)
                assert home.known(METER)[BOOKMARK] == len(kept(journal))
                journal.close()
            assert [value.hex() for name, value in bluez.written(METER) if name == "2A52"] == [
                "0101",
                "0103010300",
            ]

    asyncio.run(main())
    _, journal = at_home(tmp_path)
    assert [one.raw_value for one in kept(journal)] == [101.0, 102.0, 103.0]
    journal.close()
