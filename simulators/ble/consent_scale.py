"""A scale that keeps people apart: it gives a weight to nobody whose code it was not told.

Who stands on it is matched to a slot by the scale. Until it has rested it says values that change,
it begins with an empty frame, and after a consent it plays back what the slot holds.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from devices.catalog import user_data, weight_scale
from devices.catalog.user_data import Op
from devices.codec import NOTHING_KNOWN
from devices.facts import fields_of
from devices.model import CharacteristicValue, Fact, Measurement
from simulators.ble.device_clock import CLOCK, DeviceClock
from simulators.ble.mind import Voice
from simulators.ble.peripheral import Advert, Characteristic, Pairing, Peripheral, Service

NOT_AUTHORISED, FAILED = 5, 4
OF_A_PERSON = {
    user_data.FIRST_NAME: b"",
    user_data.BIRTH: bytes(4),
    user_data.GENDER: b"\x02",
    user_data.HEIGHT: bytes(2),
    user_data.INCREMENT: bytes(4),
}
"""What it keeps of a slot, and what that holds before anybody told it."""
MEMORY = 30
"""How many weighings it keeps of each person."""
EMPTY = weight_scale.encode(
    measurements=[Measurement(device="", metric="body_weight", value=0.0, unit="kg")]
)
"""A weight of zero: the stub that some send first."""


def consent_scale(address: str, name: str = "Scale", *, interval_s: float = 0.25) -> Peripheral:
    """The peripheral for a `ConsentScale`: weight, user data, clock."""
    return Peripheral(
        address=address,
        name=name,
        services=(
            Service("181D", (Characteristic("2A9D", ("indicate",)),)),
            Service(
                "181C",
                (
                    Characteristic("2A9F", ("write", "indicate")),
                    Characteristic("2A9A", ("read",), value=b"\xff"),
                    *(Characteristic(uuid, ("read", "write")) for uuid in OF_A_PERSON),
                ),
            ),
            CLOCK,
        ),
        advert=Advert(("181D",)),
        pairing=Pairing.JUST_WORKS,
        interval_s=interval_s,
    )


class ConsentScale:
    """`slots`: the code of each person whom it knows already; `room`: how many it can know."""

    def __init__(
        self,
        clock: DeviceClock,
        slots: Mapping[int, int] | None = None,
        *,
        room: int = 8,
        resting: Sequence[float] = (),
        stubs: int = 0,
    ) -> None:
        """`resting`: by how much (kg) each value before the last is off; `stubs`: empty frames."""
        self.clock = clock
        self.codes = dict(slots or {})
        self.consented: int | None = None
        self._room = room
        self._resting = resting
        self._stubs = stubs
        self.people: dict[int, dict[str, bytes]] = {}
        """What it was told of each slot, by characteristic."""
        self._held: dict[int, deque[tuple[datetime, float]]] = {}

    def weigh(self, slot: int, kg: float) -> None:
        """Somebody stood on it, and it found them to be the person of that slot."""
        held = self._held.setdefault(slot, deque(maxlen=MEMORY))
        held.append((self.clock.now().replace(microsecond=0), kg))

    def link_opened(self) -> None:
        self.consented = None

    def read(self, characteristic: str) -> bytes | None:
        if characteristic in OF_A_PERSON:
            told = self.people.get(self.consented or 0, {})
            return told.get(characteristic, OF_A_PERSON[characteristic])
        return self.clock.read(characteristic)

    async def take(self, voice: Voice, characteristic: str, value: bytes) -> None:
        if characteristic in OF_A_PERSON and self.consented is not None:
            self.people.setdefault(self.consented, {})[characteristic] = value
            return
        if characteristic != user_data.CONTROL_POINT:
            await self.clock.take(voice, characteristic, value)
            return
        frame = CharacteristicValue(
            address="", characteristic=characteristic, value=value, received_at=_NEVER
        )
        request = fields_of(user_data.decode(frame, NOTHING_KNOWN).facts)
        if request["op"] == Op.REGISTER:
            self._register(voice, request["consent_code"])
        elif request["op"] == Op.CONSENT:
            self._consent(voice, request)

    def _register(self, voice: Voice, code: int) -> None:
        free = next((slot for slot in range(1, self._room + 1) if slot not in self.codes), None)
        if free is None:
            self._answer(voice, Op.REGISTER, FAILED)
            return
        self.codes[free] = code
        self._answer(voice, Op.REGISTER, user_data.SUCCESS, user_index=free)

    def _consent(self, voice: Voice, request: Mapping[str, Any]) -> None:
        slot = request["user_index"]
        if slot not in self.codes or self.codes[slot] != request["consent_code"]:
            self._answer(voice, Op.CONSENT, NOT_AUTHORISED)
            return
        self.consented = slot
        self._answer(voice, Op.CONSENT, user_data.SUCCESS)
        voice.store(weight_scale.WEIGHT, *self._frames(slot))

    def _frames(self, slot: int) -> list[bytes]:
        """What the slot holds, again at each visit, as these scales do."""
        frames = [EMPTY] * self._stubs
        for taken, kg in self._held.get(slot, ()):
            values = [*(kg + off for off in self._resting), kg]
            frames += [_frame(slot, taken, value) for value in values]
        return frames

    def _answer(self, voice: Voice, op: int, result: int, **more: int) -> None:
        said = {"op": Op.RESPONSE, "request_op": op, "result": result, **more}
        facts = [Fact(device="", name=name, value=value) for name, value in said.items()]
        voice.say(user_data.CONTROL_POINT, user_data.encode(facts=facts))


def _frame(slot: int, taken: datetime, kg: float) -> bytes:
    said = Measurement(
        device="", metric="body_weight", value=kg, unit="kg", taken_at=taken, user=slot
    )
    return weight_scale.encode(measurements=[said])


_NEVER = datetime.fromtimestamp(0, UTC)
