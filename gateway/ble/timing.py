"""How long the radio waits for what. Machine seconds."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")

GRACE_S = 2.0
"""For a call that was given up to clean up behind itself."""


@dataclass(frozen=True, slots=True)
class Timing:
    bus_s: float = 10.0
    """One call to BlueZ that needs no device."""
    connect_s: float = 30.0
    """A connection with pairing and discovery, tried several times."""
    settle_s: float = 0.12
    """One maker's devices ignore a subscription within 100 ms of discovery."""
    subscribe_s: float = 10.0
    first_value_s: float = 30.0
    """How long a device may say nothing after it was subscribed to."""
    idle_s: float = 10.0
    """How long after its last value a device is let go."""
    answer_s: float = 10.0
    """How long a control point may let us wait for its answer, since the last that it sent."""
    rest_s: float = 2.0
    """How long after its last value a scale has come to rest."""
    keep_s: float = 30.0
    """How long the journal may take to keep what a device told, before it is asked for more."""
    scan_pause_s: float = 3.0
    """The longest that a connection may keep the radio from hearing a button. A link to a device
    that advertises opens in a second or two; pairing and discovery do not mind the scan."""
    listen_s: float = 1.0
    """How long the radio listens between two connections."""
    stale_s: float = 20.0
    """A device not heard for so long is asleep again, and not worth a connection."""
    retry_first_s: float = 1.0
    retry_most_s: float = 60.0
    quiet_s: float = 600.0
    """A scan that heard nothing at all for so long is started anew: BlueZ can lose one."""
    own_first_s: float = 1.5
    """How long our own radio has to hear a device that a proxy heard first."""
    bond_first_s: float = 10.0
    """How long the radio that holds a device's bond has to hear it, before another one tries."""
    slots: int = 5
    """Links at once. Small adapters have 5 to 7 (bleak-retry-connector, wait_for_disconnect)."""


async def within(
    limit_s: float, work: Coroutine[Any, Any, T], unless: asyncio.Event | None = None
) -> T:
    """The result of `work`. Raises TimeoutError after the limit, or once `unless` is set.

    It returns even where `work` does not heed being cancelled (a bluetoothd that hangs): then it
    is left behind.
    """
    task = asyncio.create_task(work)
    stop = None if unless is None else asyncio.create_task(unless.wait())
    waits: set[asyncio.Task[Any]] = {task} if stop is None else {task, stop}
    try:
        await asyncio.wait(waits, timeout=limit_s, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        raise TimeoutError
    finally:
        if stop is not None:
            stop.cancel()
        if not task.done():
            task.cancel()
            task.add_done_callback(_look_at)
            await asyncio.wait({task}, timeout=GRACE_S)


def _look_at(left: "asyncio.Task[Any]") -> None:
    """What was given up may fail without a word."""
    if not left.cancelled():
        left.exception()
