"""`python -m gateway.ble.measure COUNT`: what hearing so many advertisements costs, as JSON.

From bleak's call to the frames that are handed on, in a street: some sensors of this home, which
say everything three times, among many phones. `homebeat bench` starts it; nothing imports it.
"""

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData

from devices.codec import full_uuid
from devices.model import Raw
from devices.registry import devices, index
from gateway.ble.adverts import Fresh
from gateway.ble.hearing import Hearing
from gateway.ble.queue import BATCH, Queue
from gateway.ble.state import DeviceState, RadioState

SENSORS, PHONES, REPEATS = 10, 50, 3
_BTHOME = full_uuid("FCD2")
_APPLE = 0x004C
_HEARD = datetime(2025, 6, 1, tzinfo=UTC)


def street(count: int) -> list[tuple[BLEDevice, AdvertisementData]]:
    """As bleak hands them over: BlueZ's object of the device, with new values in it."""
    heard = []
    for number in range(count):
        place, turn = number % (SENSORS + PHONES), number // (SENSORS + PHONES)
        ours = place < SENSORS
        address = f"{'A4:C1:38' if ours else '5C:00:00'}:00:00:{place:02X}"
        service, makers = {}, {}
        if ours:
            celsius = (2_000 + turn // REPEATS % 500).to_bytes(2, "little")
            service = {_BTHOME: b"\x40\x00" + bytes([turn // REPEATS % 256]) + b"\x02" + celsius}
        else:
            makers = {_APPLE: bytes([0x10, 0x05, place, turn % 251, 0x18, 0x1C])}
        held: dict[str, Any] = {
            "Address": address,
            "RSSI": -60 - turn % 20,
            "Connected": False,
            "Paired": False,
            "Alias": address,
            "ServiceData": service,
            "ManufacturerData": makers,
        }
        path = f"/org/bluez/hci0/dev_{address.replace(':', '_')}"
        data = AdvertisementData(None, makers, service, [], None, held["RSSI"], (path, held))
        heard.append((BLEDevice(address, None, {}), data))
    return heard


async def hear(count: int) -> tuple[float, int]:
    """Seconds of processor time, and how many were handed on."""
    state = RadioState()
    for place in range(SENSORS):
        address = f"A4:C1:38:00:00:{place:02X}"
        state.devices[address] = DeviceState(address, "bthome", "thermometer")
    kept = 0

    async def take(frames: Sequence[Raw]) -> None:
        nonlocal kept
        kept += len(frames)

    queue, fresh = Queue(take, state), Fresh()
    hearing = Hearing(
        index(devices()),
        queue,
        state,
        lambda: _HEARD,
        lambda _address, _found: None,
        lambda data: fresh.packet(*data.platform_data),
    )
    heard = street(count)
    begun_s = time.process_time()
    for number, (found, data) in enumerate(heard):
        hearing.hear(found, data)
        if number % BATCH == 0:
            await queue.leave()
    await queue.leave()
    return time.process_time() - begun_s, kept


def main() -> None:
    count = int(sys.argv[1])
    spent_s, kept = asyncio.run(hear(count))
    said = {"adverts": count, "cpu_s": spent_s, "handed_on": kept}
    sys.stdout.write(json.dumps(said) + "\n")


if __name__ == "__main__":
    main()
