"""A device's clock: how far it is from ours, and then set to ours.

It is compared first, since what the device stored until now carries the time that it thought it
was. Where there is no current time characteristic, some makers offer a bare date and time. A
glucose sensor counts minutes and knows no time of day: told the time, it works out when its session
began (Continuous Glucose Monitoring Service 1.0.2, section 3.4).
"""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from devices import wall_clock
from devices.catalog import cgm, current_time
from devices.codec import DecodeError
from devices.facts import told
from devices.model import Fact
from gateway.ble.session import Session
from gateway.ble.stack import RADIO_ERRORS
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


async def tell_session(session: Session, zone: ZoneInfo) -> None:
    """Tell the time to a sensor that does not know when its session began. Nothing is raised."""
    if not session.offers(cgm.START):
        return
    try:
        said = session.facts(cgm.START, await session.read(cgm.START))
        if "start" not in said or wall_clock.moment(said["start"]) is not None:
            return
        now = session.clock().astimezone(zone)
        saving, whole = now.dst() or timedelta(), now.utcoffset() or timedelta()
        fields: dict[str, object] = {
            "start": now.replace(microsecond=0, tzinfo=None).isoformat(),
            "tz_15min": (whole - saving) // _QUARTER,
            "dst": saving // _QUARTER,
        }
        fields |= {"crc_ok": True} if "crc_ok" in said else {}
        await session.write(cgm.START, cgm.encode(facts=told("", fields), known={"at": cgm.START}))
    except (*RADIO_ERRORS, DecodeError) as error:
        log.warning("a sensor does not take the time", error=error)


_QUARTER = timedelta(minutes=15)


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
