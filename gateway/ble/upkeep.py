"""What a device tells of itself beside its values: its battery, and who made it.

Nothing depends on it, so it comes last: once the device was subscribed to and asked, while its
values come. A read that fails or gets no answer costs itself and those behind it, and no value.

BlueZ keeps the battery service for itself and exports it to be read since 5.57 (its main.conf,
ExportClaimedServices); before, nothing is told of the battery.
"""

from collections.abc import Callable

from devices.catalog import battery
from gateway.ble.session import Session
from gateway.ble.stack import RADIO_ERRORS
from plumbing.clock import monotonic_s
from plumbing.logs import Log

log = Log("gateway.ble")

BATTERY = battery.LEVEL
INFORMATION = ("2A29", "2A24", "2A26", "2A25")
"""Maker, model, firmware, serial number: the device information service."""
UPKEEP = frozenset((BATTERY, *INFORMATION))
INFORMATION_EVERY_S = 86_400.0


class Upkeep:
    """Of one device: when its maker was asked for last. Machine seconds."""

    def __init__(self) -> None:
        self._informed_s = -INFORMATION_EVERY_S

    async def read(
        self, session: Session, skip: tuple[str, ...], pass_on: Callable[[str, bytes], None]
    ) -> None:
        """`skip`: what is subscribed to or read anyway. Raises nothing but being cancelled."""
        now_s = monotonic_s()
        informing = now_s - self._informed_s >= INFORMATION_EVERY_S
        wanted = (BATTERY, *(INFORMATION if informing else ()))
        for name in wanted:
            if session.ended.is_set():
                return
            try:
                if name not in skip and session.offers(name):
                    pass_on(name, await session.read(name))
            except TimeoutError:
                log.info("a device does not tell of itself", characteristic=name)
                return
            except RADIO_ERRORS as error:
                log.info("a device does not tell of itself", characteristic=name, error=str(error))
        if informing:
            self._informed_s = now_s
