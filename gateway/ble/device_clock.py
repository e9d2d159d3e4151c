"""A device's clock: how far it is from ours, and then set to ours.

It is compared first, since what the device stored until now carries the time that it thought it
was. Where there is no current time characteristic, some makers offer a bare date and time.
"""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from devices import wall_clock
from devices.catalog import current_time
from devices.codec import DecodeError
from devices.model import Fact
from gateway.ble.scan import RADIO_ERRORS
from gateway.ble.session import Session
from plumbing.logs import Log

log = Log("gateway.ble")

CLOCKS = (current_time.CURRENT_TIME, current_time.DATE_TIME)


async def set_clock(session: Session, zone: ZoneInfo) -> float | None:
    """Seconds by which the device's clock was ahead of local time; None where it can't be told.

    A device that will not say or take the time still measures: nothing is raised for it.
    """
    name = next((name for name in CLOCKS if session.offers(name)), "")
    if not name:
        return None
    ahead_s: float | None = None
    try:
        said = session.facts(name, await session.read(name))
        ahead_s = _ahead_s(said, _local(session, zone))
    except DecodeError as error:
        log.warning("a device's clock can't be read", error=error)
    except RADIO_ERRORS as error:
        log.warning("a device does not say its time", error=error)
    try:
        await session.write(name, _frame(name, _local(session, zone)))
    except RADIO_ERRORS as error:
        log.warning("a device does not take the time", error=error)
    return ahead_s


def _local(session: Session, zone: ZoneInfo) -> datetime:
    return session.clock().astimezone(zone).replace(tzinfo=None)


def _ahead_s(said: dict[str, object], local: datetime) -> float | None:
    moment = wall_clock.moment(said.get("datetime"))
    if moment is None:
        return None
    parts = said.get("fractions256", 0)
    fraction = timedelta(seconds=parts / 256 if isinstance(parts, int) else 0.0)
    return (moment + fraction - local).total_seconds()


def _frame(name: str, local: datetime) -> bytes:
    if name == current_time.CURRENT_TIME:
        return current_time.to_current_time(local)
    said = Fact(device="", name="datetime", value=local.replace(microsecond=0).isoformat())
    return current_time.encode(facts=(said,), known={"at": name})
