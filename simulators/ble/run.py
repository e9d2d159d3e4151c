"""Serves the mock BlueZ on a bus of its own."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

from simulators.ble.bluez import MockBlueZ
from simulators.ble.bus import private_bus
from simulators.ble.peripheral import Peripheral


async def run(
    folder: Path,
    peripherals: Iterable[Peripheral],
    ready: Callable[[MockBlueZ], Awaitable[None]],
) -> None:
    """Until cancelled. `ready` gets the mock once it answers; its `bus_address` is what a program
    needs as DBUS_SYSTEM_BUS_ADDRESS. The bus keeps its socket and its log in `folder`.

    Raises what `private_bus` raises.
    """
    async with private_bus(folder) as address, MockBlueZ(address) as bluez:
        for peripheral in peripherals:
            bluez.add_peripheral(peripheral)
        await ready(bluez)
        await asyncio.Event().wait()
