"""What a frame costs: decoding it, and hearing an advertisement at all."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

from msgspec import Struct

from devices.codec import NOTHING_KNOWN
from devices.model import Advertisement, CharacteristicValue, Raw
from devices.registry import match

CUFF = bytes.fromhex("16 8400 5100 6200 e907 06 01 08 1e 00 4800 0000".replace(" ", ""))
"""2A35: 132/81 mmHg, mean 98, at 08:30 on 1 June 2025, pulse 72, status. Blood Pressure Service
1.1.1, section 3.1."""
THERMOMETER = bytes.fromhex("40 0161 02ca09 03bf13".replace(" ", ""))
"""BTHome 2: battery 97 %, 25.06 degrees, 50.55 %. bthome.io/format."""
BTHOME = "0000fcd2-0000-1000-8000-00805f9b34fb"
ADDRESS = "A4:C1:38:00:00:01"
_HEARD = datetime(2025, 6, 1, tzinfo=UTC)


class FrameCosts(Struct, frozen=True, kw_only=True):
    """Microseconds of processor time a frame. None: what measures it is not installed."""

    blood_pressure_us: float
    bthome_us: float
    oracle_us: float | None
    """bthome-ble's, for the same BTHome frame."""
    adverts_per_s: float


def measure(frames: int, adverts: int) -> FrameCosts:
    cuff = CharacteristicValue(
        address=ADDRESS, received_at=_HEARD, characteristic="2A35", value=CUFF
    )
    thermometer = Advertisement(
        address=ADDRESS, received_at=_HEARD, service_data={BTHOME: THERMOMETER}
    )
    theirs = _bthome_ble()
    return FrameCosts(
        blood_pressure_us=_cost_us(lambda: _decode(cuff), frames),
        bthome_us=_cost_us(lambda: _decode(thermometer), frames),
        oracle_us=None if theirs is None else _cost_us(theirs, frames),
        adverts_per_s=_adverts_per_s(adverts),
    )


def _decode(raw: Raw) -> None:
    device = match(raw)
    if device is None or not device.decode(raw, NOTHING_KNOWN).measurements:
        raise ValueError("the frame to be measured says nothing")


def _cost_us(once: Callable[[], object], times: int) -> float:
    for _ in range(times // 10):
        once()
    begun_s = time.process_time()
    for _ in range(times):
        once()
    return (time.process_time() - begun_s) / times * 1e6


def _bthome_ble() -> Callable[[], object] | None:
    """The library's parser on our frame; None where it is not installed."""
    try:
        library: Any = import_module("bthome_ble")
        infos: Any = import_module("habluetooth")
        device: Any = import_module("bleak.backends.device")
        scanner: Any = import_module("bleak.backends.scanner")
    except ModuleNotFoundError:
        return None
    data = {BTHOME: THERMOMETER}
    info = infos.BluetoothServiceInfoBleak(
        name="thermometer",
        address=ADDRESS,
        rssi=-60,
        manufacturer_data={},
        service_data=data,
        service_uuids=[BTHOME],
        source="",
        device=device.BLEDevice(address=ADDRESS, name=None, details={}),
        advertisement=scanner.AdvertisementData(None, {}, data, [BTHOME], None, -60, ()),
        time=0.0,
        connectable=False,
        tx_power=0,
    )
    parser = library.BTHomeBluetoothDeviceData()
    return lambda: parser.update(info)


def _adverts_per_s(adverts: int) -> float:
    """The gateway's own code, so in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "gateway.ble.measure", str(adverts)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ValueError(f"gateway.ble.measure failed: {done.stderr.strip()[-300:]}")
    said = json.loads(done.stdout)
    return float(said["adverts"] / said["cpu_s"])
