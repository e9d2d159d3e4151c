"""A glucose meter with a memory: it gives its records when it is asked for them (RACP).

It wakes with a new record and tells none by itself. Its faults are those of real ones: numbers that
run the other way, records that come newest first, a link that ends with the last record.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from devices.catalog import glucose, record_access
from devices.catalog.record_access import Op, Operator
from devices.codec import NOTHING_KNOWN
from devices.facts import fields_of
from devices.model import CharacteristicValue, Fact, Measurement
from simulators.ble.device_clock import CLOCK, DeviceClock
from simulators.ble.mind import Voice
from simulators.ble.peripheral import Advert, Characteristic, Pairing, Peripheral, Service

GAP_S = 0.002
"""Between two records: a connection interval carries several."""
SUCCESS, NOT_SUPPORTED, NO_RECORDS = 1, 4, record_access.NO_RECORDS


@dataclass(slots=True)
class MeterFaults:
    """What it does differently; the tester's hand sets it."""

    newest_is_first_number: bool = False
    """Each new record takes number 1, and the older ones move up."""
    newest_first: bool = False
    """It sends what was asked for with the newest record first."""
    leaves_with_last: bool = False
    """It ends the link with its last record, before the answer."""
    breaks_after: int | None = None
    """The link is lost after so many records, once."""
    silent_after: int | None = None
    """It sends so many records and then nothing, once."""
    only_all: bool = False
    """It can't choose records by their numbers."""


def glucose_meter(address: str, name: str = "Meter", *, interval_s: float = 0.25) -> Peripheral:
    """The peripheral for a `GlucoseMeter`: glucose service and clock."""
    return Peripheral(
        address=address,
        name=name,
        services=(
            Service(
                "1808",
                (
                    Characteristic("2A18", ("notify",)),
                    Characteristic("2A34", ("notify",)),
                    Characteristic("2A51", ("read",), value=bytes(2)),
                    Characteristic("2A52", ("write", "indicate")),
                ),
            ),
            CLOCK,
        ),
        advert=Advert(("1808",)),
        pairing=Pairing.JUST_WORKS,
        interval_s=interval_s,
        drops_link=False,
    )


class GlucoseMeter:
    def __init__(self, clock: DeviceClock) -> None:
        self.clock = clock
        self.faults = MeterFaults()
        self._records: list[tuple[int, datetime, float]] = []
        self._next = 1

    def measure(self, mg_dl: float) -> None:
        """Keep a value under the next number, with the time that the meter thinks it is."""
        self._records.append((self._next, self.clock.now().replace(microsecond=0), mg_dl))
        self._next += 1

    def forget(self) -> None:
        """Its memory was cleared: it counts anew."""
        self._records.clear()
        self._next = 1

    @property
    def numbers(self) -> list[int]:
        """Of the records that it holds, the oldest first."""
        return [number for number, _, _ in self._numbered()]

    def _numbered(self) -> list[tuple[int, datetime, float]]:
        if not self.faults.newest_is_first_number:
            return list(self._records)
        count = len(self._records)
        return [(count - at, taken, value) for at, (_, taken, value) in enumerate(self._records)]

    def link_opened(self) -> None:
        """It waits to be asked."""

    def read(self, characteristic: str) -> bytes | None:
        return self.clock.read(characteristic)

    async def take(self, voice: Voice, characteristic: str, value: bytes) -> None:
        if characteristic != record_access.CONTROL_POINT:
            await self.clock.take(voice, characteristic, value)
            return
        frame = CharacteristicValue(
            address="", characteristic=characteristic, value=value, received_at=_NEVER
        )
        request = fields_of(record_access.decode(frame, NOTHING_KNOWN).facts)
        if self.faults.only_all and request.get("sequences"):
            self._answer(voice, request["op"], NOT_SUPPORTED)
        elif request["op"] == Op.REPORT:
            await self._report(voice, request)
        elif request["op"] == Op.DELETE:
            gone = {number for number, _, _ in self._chosen(request)}
            self._records = [record for record in self._records if record[0] not in gone]
            self._answer(voice, Op.DELETE, SUCCESS if gone else NO_RECORDS)
        elif request["op"] == Op.ABORT:
            self._answer(voice, Op.ABORT, SUCCESS)

    async def _report(self, voice: Voice, request: Mapping[str, Any]) -> None:
        chosen = self._chosen(request)
        if self.faults.newest_first:
            chosen.reverse()
        for sent, (number, taken, value) in enumerate(chosen):
            if self.faults.breaks_after == sent:
                self.faults.breaks_after = None
                voice.drop()
                return
            if self.faults.silent_after == sent:
                self.faults.silent_after = None
                return
            voice.say(glucose.MEASUREMENT, _frame(number, taken, value))
            await asyncio.sleep(GAP_S)
        if chosen and self.faults.leaves_with_last:
            voice.sleep()
            voice.drop()
            return
        self._answer(voice, Op.REPORT, SUCCESS if chosen else NO_RECORDS)

    def _chosen(self, request: Mapping[str, Any]) -> list[tuple[int, datetime, float]]:
        bounds = request.get("sequences", [])
        records = self._numbered()
        match request["operator"]:
            case Operator.FIRST:
                return records[:1]
            case Operator.LAST:
                return records[-1:]
            case Operator.FROM:
                return [record for record in records if record[0] >= bounds[0]]
            case Operator.UP_TO:
                return [record for record in records if record[0] <= bounds[0]]
            case Operator.RANGE:
                return [record for record in records if bounds[0] <= record[0] <= bounds[1]]
            case _:
                return records

    def _answer(self, voice: Voice, op: int, result: int) -> None:
        said = {"op": Op.RESPONSE, "request_op": op, "response": result}
        facts = [Fact(device="", name=name, value=value) for name, value in said.items()]
        voice.say(record_access.CONTROL_POINT, record_access.encode(facts=facts))


def _frame(number: int, taken: datetime, mg_dl: float) -> bytes:
    said = Measurement(device="", metric="blood_glucose", value=mg_dl, unit="mg/dL", taken_at=taken)
    return glucose.encode(
        measurements=[said], facts=[Fact(device="", name="sequence", value=number)]
    )


_NEVER = datetime.fromtimestamp(0, UTC)
