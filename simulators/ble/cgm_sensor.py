"""A glucose sensor on the arm: it says a value every few minutes, and keeps what nobody heard.

Its records are asked for by the minutes since its session began (RACP on its own service). Before
somebody told it the time it knows no start; told the time, it works its start out. Its faults are
a link that is lost in the middle, and bytes that change on their way.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from devices import wall_clock
from devices.catalog import cgm, record_access
from devices.catalog.record_access import NO_RECORDS, SUCCESS, Op, Operator
from devices.codec import NOTHING_KNOWN
from devices.facts import fields_of, told
from devices.model import CharacteristicValue
from simulators.ble.mind import Voice
from simulators.ble.peripheral import Advert, Characteristic, Pairing, Peripheral, Service

GAP_S = 0.002
FLUID_AND_ARM = {"type": 9, "location": 5}
"""Interstitial fluid, subcutaneous tissue."""


@dataclass(slots=True)
class SensorFaults:
    """What goes wrong; the tester's hand sets it."""

    breaks_after: int | None = None
    """The link is lost after so many records, once."""
    live_after: int | None = None
    """After so many records of a download it says its newest value, as it does each few minutes."""
    damages: list[int] = field(default_factory=list)
    """The records of these minutes come with a wrong check sum, once for each time named."""
    damages_start: int = 0
    """So many times its start comes with a wrong check sum."""


def cgm_sensor(address: str, name: str = "Sensor", *, interval_s: float = 0.25) -> Peripheral:
    """The peripheral for a `CgmSensor`."""
    return Peripheral(
        address=address,
        name=name,
        services=(
            Service(
                "181F",
                (
                    Characteristic(cgm.RECORDS, ("notify",)),
                    Characteristic(cgm.FEATURE, ("read",)),
                    Characteristic(cgm.START, ("read", "write")),
                    Characteristic("2A52", ("write", "indicate")),
                ),
            ),
        ),
        advert=Advert(("181F",)),
        pairing=Pairing.JUST_WORKS,
        interval_s=interval_s,
        drops_link=False,
    )


class CgmSensor:
    def __init__(self, now: Callable[[], datetime], *, knows_start: bool = True) -> None:
        """`now` is UTC, aware."""
        self.faults = SensorFaults()
        self._now = now
        self._records: list[tuple[int, float]] = []
        self.begin(knows_start=knows_start)

    def begin(self, *, knows_start: bool = True) -> None:
        """A new session: a new sensor on the arm, and its count begins anew."""
        self._began = self._now()
        self._start = _as_written(self._began) if knows_start else wall_clock.UNKNOWN
        self._records.clear()

    def measure(self, minute: int, mg_dl: float) -> None:
        """Keep a value of so many minutes after the start."""
        self._records.append((minute, mg_dl))

    def link_opened(self) -> None:
        """It waits to be asked."""

    def read(self, characteristic: str) -> bytes | None:
        if characteristic == cgm.FEATURE:
            return _encode(characteristic, {"features": cgm.CRC_SUPPORTED, **FLUID_AND_ARM})
        if characteristic == cgm.START:
            damaged = self.faults.damages_start > 0
            self.faults.damages_start -= damaged
            fields = {"start": self._start, "tz_15min": 0, "dst": 0}
            return _encode(characteristic, fields, crc_ok=not damaged)
        return None

    async def take(self, voice: Voice, characteristic: str, value: bytes) -> None:
        if characteristic == cgm.START:
            self._told_time(_facts(cgm.START, value))
        elif characteristic == record_access.CONTROL_POINT:
            request = _facts(characteristic, value)
            if request["op"] == Op.REPORT:
                await self._report(voice, request)
            elif request["op"] == Op.ABORT:
                _answer(voice, Op.ABORT, SUCCESS)

    def _told_time(self, told_now: Mapping[str, Any]) -> None:
        moment = wall_clock.moment(told_now.get("start"))
        if moment is not None and told_now["crc_ok"]:
            zone = timedelta(minutes=15 * (told_now["tz_15min"] + told_now["dst"]))
            running = self._now() - self._began
            self._start = _as_written((moment - zone).replace(tzinfo=UTC) - running)

    async def _report(self, voice: Voice, request: Mapping[str, Any]) -> None:
        chosen = self._chosen(request)
        for sent, record in enumerate(chosen):
            if self.faults.breaks_after == sent:
                self.faults.breaks_after = None
                voice.drop()
                return
            if self.faults.live_after == sent:
                self.faults.live_after = None
                self._say(voice, self._records[-1])
            self._say(voice, record)
            await asyncio.sleep(GAP_S)
        _answer(voice, Op.REPORT, SUCCESS if chosen else NO_RECORDS)

    def _say(self, voice: Voice, record: tuple[int, float]) -> None:
        minute, mg_dl = record
        damaged = minute in self.faults.damages
        if damaged:
            self.faults.damages.remove(minute)
        said = {"records": [{"glucose_mg_dl": mg_dl, "time_offset_min": minute}]}
        voice.say(cgm.RECORDS, _encode(cgm.RECORDS, said, crc_ok=not damaged))

    def _chosen(self, request: Mapping[str, Any]) -> list[tuple[int, float]]:
        bounds = request.get("sequences", [])
        match request["operator"]:
            case Operator.LAST:
                return self._records[-1:]
            case Operator.FROM:
                return [record for record in self._records if record[0] >= bounds[0]]
            case _:
                return list(self._records)


def _answer(voice: Voice, op: int, result: int) -> None:
    said = {"op": Op.RESPONSE, "request_op": op, "response": result}
    voice.say(record_access.CONTROL_POINT, record_access.encode(facts=told("", said)))


def _encode(at: str, fields: Mapping[str, object], *, crc_ok: bool = True) -> bytes:
    return cgm.encode(facts=told("", {**fields, "crc_ok": crc_ok}), known={"at": at})


def _facts(at: str, value: bytes) -> dict[str, Any]:
    frame = CharacteristicValue(address="", characteristic=at, value=value, received_at=_NEVER)
    decode = cgm.decode if at == cgm.START else record_access.decode
    return fields_of(decode(frame, NOTHING_KNOWN).facts)


def _as_written(moment: datetime) -> str:
    return moment.replace(microsecond=0, tzinfo=None).isoformat()


_NEVER = datetime.fromtimestamp(0, UTC)
