"""A device of the catalogue on a mock BlueZ: what it offers, and how its frames get on the air.

What it offers follows from its claims and its `gatt`: the service, what is subscribed to, what is
read as the link opens, the clock. A device with a memory is asked for its records by whoever
subscribed (RACP), and answers with the frames that it was given to say.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from devices.catalog import record_access
from devices.catalog.record_access import Op, Operator
from devices.codec import NOTHING_KNOWN, Device, Gatt, assigned_number
from devices.facts import fields_of
from devices.model import CharacteristicValue, Fact
from simulators.ble.bluez import MockBlueZ
from simulators.ble.device_clock import CLOCK, DeviceClock
from simulators.ble.mind import Voice
from simulators.ble.peripheral import Advert, Characteristic, Pairing, Peripheral, Service
from simulators.play.faults import Fault
from simulators.play.frames import ADDRESS, Frame, Over, Spoken, Unsayable, decoded, over

SIGNAL_DBM = -62
REPEATS_FOR_S = 1.0
"""A broadcaster says each thing for so long, since nobody confirms it."""
SUCCESS, NO_RECORDS = record_access.SUCCESS, record_access.NO_RECORDS


class Memory:
    """The mind of a device that gives its records when it is asked for them, and has a clock.

    It knows a record's number from the record itself (the fact `sequence`); where there is none,
    it counts.
    """

    def __init__(self, codec: Device, clock: DeviceClock) -> None:
        self.clock = clock
        self._codec = codec
        self._records: dict[bytes, int] = {}
        self._at = ""

    def keep(self, frame: Frame) -> None:
        found = decoded(self._codec, frame, NOTHING_KNOWN, ADDRESS)
        number = fields_of(found.facts).get("sequence") if found else None
        counted = max(self._records.values(), default=0) + 1
        self._records[frame.content] = number if isinstance(number, int) else counted
        self._at = frame.at

    def link_opened(self) -> None:
        """It waits to be asked."""

    def read(self, characteristic: str) -> bytes | None:
        return self.clock.read(characteristic)

    async def take(self, voice: Voice, characteristic: str, value: bytes) -> None:
        if characteristic != record_access.CONTROL_POINT:
            await self.clock.take(voice, characteristic, value)
            return
        heard = CharacteristicValue(
            address="", characteristic=characteristic, value=value, received_at=_NEVER
        )
        request = fields_of(record_access.decode(heard, NOTHING_KNOWN).facts)
        chosen = self._chosen(request)
        if request["op"] == Op.REPORT:
            for content in chosen:
                voice.say(self._at, content)
        elif request["op"] == Op.DELETE:
            for content in chosen:
                del self._records[content]
        result = SUCCESS if chosen or request["op"] == Op.ABORT else NO_RECORDS
        said = {"op": Op.RESPONSE, "request_op": request["op"], "response": result}
        facts = [Fact(device="", name=name, value=value) for name, value in said.items()]
        voice.say(record_access.CONTROL_POINT, record_access.encode(facts=facts))

    def _chosen(self, request: Mapping[str, Any]) -> list[bytes]:
        """The records that are asked for, by number, the lowest first."""
        low, high = (*request.get("sequences", ()), 0, 0)[:2]
        records = sorted(self._records, key=lambda content: self._records[content])
        match request["operator"]:
            case Operator.FIRST:
                return records[:1]
            case Operator.LAST:
                return records[-1:]
            case Operator.FROM:
                return [one for one in records if self._records[one] >= low]
            case Operator.UP_TO:
                return [one for one in records if self._records[one] <= low]
            case Operator.RANGE:
                return [one for one in records if low <= self._records[one] <= high]
            case _:
                return records


@dataclass(slots=True)
class Played:
    """A device on the air. `say` puts one frame there."""

    bluez: MockBlueZ
    codec: Device
    address: str
    memory: Memory | None = None
    said: list[Frame] = field(default_factory=list)

    def say(self, frame: Frame, fault: Fault | None = None) -> None:
        self.said.append(frame)
        if over(self.codec) is Over.ADVERTISEMENT:
            self.bluez.advertise(self.address, advert(self.codec, frame), REPEATS_FOR_S)
            return
        if fault is not None and fault.cuts_link:
            self.bluez.faults(self.address).lose_confirmations += 1
        if self.memory is not None:
            self.memory.keep(frame)
            self.bluez.wake(self.address)
        else:
            self.bluez.store(self.address, frame.at, frame.content)

    @property
    def delivered(self) -> bool:
        """Whether nothing waits on the device any more."""
        return self.bluez.stored(self.address) == 0


def advert(codec: Device, frame: Frame) -> Advert:
    """The advertisement that carries a frame."""
    if any(claim.service_data == frame.at for claim in codec.claims):
        return Advert(service_data={frame.at: frame.content}, rssi_dbm=SIGNAL_DBM)
    return Advert(manufacturer_data={int(frame.at, 16): frame.content}, rssi_dbm=SIGNAL_DBM)


def appear(
    bluez: MockBlueZ,
    spoken: Spoken,
    address: str,
    local: Callable[[], datetime],
    *,
    name: str = "",
    interval_s: float = 0.25,
) -> Played:
    """Put the device of these frames on the air, asleep. `local` is the time of its clock, naive.

    Raises Unsayable for a device that is a part of others, and ValueError for an address that is
    taken.
    """
    codec = spoken.codec
    if over(codec) is Over.ADVERTISEMENT:
        bluez.add_peripheral(Peripheral(address=address, name=name, interval_s=interval_s))
        return Played(bluez, codec, address)
    if codec.gatt is None:
        raise Unsayable(f"{codec.key} is a part of other devices: play one of those")
    memory = Memory(codec, DeviceClock(local)) if codec.gatt.records else None
    bluez.add_peripheral(
        Peripheral(
            address=address,
            name=name or codec.title[:20],
            services=(_service(codec.gatt, spoken.announced, spoken.frames), CLOCK),
            advert=Advert((codec.gatt.service,), rssi_dbm=SIGNAL_DBM),
            pairing=Pairing.JUST_WORKS if codec.gatt.bonded else Pairing.NONE,
            interval_s=interval_s,
            drops_link=memory is None,
        ),
        memory or DeviceClock(local),
    )
    return Played(bluez, codec, address, memory)


def _service(profile: Gatt, told: Sequence[Frame], frames: Sequence[Frame]) -> Service:
    """What is subscribed to, what is told by a read, and the way to its records."""
    speaking = dict.fromkeys((*(frame.at for frame in frames), *profile.subscribe))
    offered = [Characteristic(at, ("indicate",)) for at in speaking if at != profile.records]
    offered += (
        Characteristic(assigned_number(frame.at), ("read",), value=frame.content)
        for frame in told
        if frame.at not in speaking
    )
    if profile.records:
        offered.append(Characteristic(profile.records, ("write", "indicate")))
    return Service(profile.service, tuple(offered))


_NEVER = datetime.fromtimestamp(0, UTC)
