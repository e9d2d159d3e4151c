"""What may go wrong with a device's frames: one table for the command line, the tester and tests.

A fault changes the frames of one saying. It knows no device: what it needs, it asks the device's
own `decode`, `encode` and vectors. What goes wrong with a link and not with a frame is in
`simulators.ble.peripheral.Faults`; `cuts_link` says that a frame meets such a link.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from devices.codec import NOTHING_KNOWN, Device, Known, Place
from devices.metrics import METRICS
from devices.model import Decoded, Event, Measurement
from simulators.play.frames import (
    Frame,
    Over,
    Saying,
    Spoken,
    Unsayable,
    decoded,
    over,
    said_at,
    saying,
    spoken,
    vector_bytes,
)

NO_FAULT = "none"
"""How a tester says that nothing goes wrong any more."""
EVERYWHERE = frozenset(Over)
STORED_FOR = timedelta(days=1)
BURST, BURST_GAP_S = 6, 0.13
"""One door opening was seen to be published six times in 0.65 s."""
BATTERY_PCT = 3.0
UNIT_WORDS = ("unit", "unit_of_measurement", "unit_of_meas")
UNIT_TOPIC = "$unit"
"""How a topic ends on which the unit of another one is told."""
WRONG_UNIT = "furlong"


class CanNotHappen(Exception):
    """This fault is none of this device or frame; the message says why."""


@dataclass(frozen=True, slots=True)
class Shot:
    """One frame about to be sent, by whom, and what its listener knows.

    `number`: how many went before since the fault began.
    """

    codec: Device
    frame: Frame
    known: Known
    subject: str
    address: str
    number: int = 0


Spoil = Callable[[Shot], tuple[Frame, ...]]


@dataclass(frozen=True, slots=True)
class Fault:
    """`spoil` gives what is sent in the place of a frame, in order; none: nothing is.

    `announcements_too`: it may be in what is announced before, and then what is said is whole.
    `holds`: how many frames wait for each other, and then go in reverse. `cuts_link`: the link is
    lost after the frame and before it was confirmed. Raises CanNotHappen.
    """

    name: str
    does: str
    becomes: str
    over: frozenset[Over]
    spoil: Spoil
    holds: int = 1
    cuts_link: bool = False
    announcements_too: bool = False


def spoiled_news(fault: Fault, said: Spoken, address: str) -> tuple[Frame, ...] | None:
    """What is announced, with the fault in it; None where the fault is none of announcements."""
    if not fault.announcements_too:
        return None
    frames: list[Frame] = []
    is_spoiled = False
    for frame in said.announced:
        try:
            frames += fault.spoil(Shot(said.codec, frame, NOTHING_KNOWN, said.subject, address))
            is_spoiled = True
        except CanNotHappen:
            frames.append(frame)
    return tuple(frames) if is_spoiled else None


def possible(codec: Device) -> list[Fault]:
    """The faults of what carries its frames."""
    return [fault for fault in FAULTS.values() if over(codec) in fault.over]


def _as_it_is(shot: Shot) -> tuple[Frame, ...]:
    return (shot.frame,)


def _truncated(shot: Shot) -> tuple[Frame, ...]:
    if over(shot.codec) is Over.MQTT and not shot.frame.content.startswith((b"{", b"[")):
        raise CanNotHappen("half of a plain text is another text: nobody could tell")
    half = len(shot.frame.content) // 2
    return (replace(shot.frame, content=shot.frame.content[:half]),)


def _junk(shot: Shot) -> tuple[Frame, ...]:
    junk = bytes(0xFF - (3 * at) % 0x80 for at in range(max(len(shot.frame.content), 4)))
    return (replace(shot.frame, content=junk),)


def _repeated(shot: Shot) -> tuple[Frame, ...]:
    return (shot.frame, shot.frame)


def _nothing(shot: Shot) -> tuple[Frame, ...]:
    return ()


def _every_second(shot: Shot) -> tuple[Frame, ...]:
    return (shot.frame,) if shot.number % 2 else ()


def _burst(shot: Shot) -> tuple[Frame, ...]:
    return (shot.frame, *(replace(shot.frame, after_s=BURST_GAP_S) for _ in range(BURST - 1)))


def _replayed(shot: Shot) -> tuple[Frame, ...]:
    return (replace(shot.frame, retained=True),)


def _failed(shot: Shot) -> tuple[Frame, ...]:
    for vector in shot.codec.vectors:
        if vector.expected is None and vector.at == shot.frame.at:
            return (replace(shot.frame, content=vector_bytes(shot.codec, vector)),)
    raise CanNotHappen("no outside source shows a frame of it that has to be refused")


def _battery_low(shot: Shot) -> tuple[Frame, ...]:
    for name, value in (("battery", BATTERY_PCT), ("battery_low", 1.0)):
        if name in shot.codec.metrics:
            what = saying({name: value}, {name: METRICS[name].unit}, {}, {}, None)
            try:
                more = spoken(shot.codec, what, shot.subject)
            except Unsayable:
                continue
            if not more.announced:
                return (shot.frame, *more.frames)
    raise CanNotHappen("it says nothing of its battery by itself")


def _dated(change: Callable[[datetime], datetime]) -> Spoil:
    """The frame by another clock."""

    def spoil(shot: Shot) -> tuple[Frame, ...]:
        found = decoded(shot.codec, shot.frame, shot.known, shot.address) or Decoded()
        spoken_: tuple[Measurement | Event, ...] = (*found.measurements, *found.events)
        before = next((item.taken_at for item in spoken_ if item.taken_at), None)
        if before is None:
            raise CanNotHappen("its frame carries no time")
        wanted = change(before)
        said = Saying(
            tuple(_at(item, wanted) for item in found.measurements),
            tuple(_event_at(item, wanted) for item in found.events),
        )
        place = Place(shot.frame.at, shot.known)
        for facts in ((), tuple(fact for fact in found.facts if fact.name == "sequence")):
            content = said_at(shot.codec, place, replace(said, facts=facts))
            again = content and decoded(
                shot.codec, replace(shot.frame, content=content), shot.known, shot.address
            )
            if content and again and _says_at(again, wanted):
                return (replace(shot.frame, content=content),)
        raise CanNotHappen("its frame can't carry that time")

    return spoil


def _at(item: Measurement, moment: datetime) -> Measurement:
    return Measurement(
        device=item.device,
        metric=item.metric,
        value=item.value,
        unit=item.unit,
        taken_at=moment,
        quality=item.quality,
        user=item.user,
        part=item.part,
    )


def _event_at(item: Event, moment: datetime) -> Event:
    return Event(
        device=item.device,
        event=item.event,
        key=item.key,
        taken_at=moment,
        detail=item.detail,
        amount=item.amount,
        part=item.part,
    )


def _says_at(found: Decoded, moment: datetime) -> bool:
    spoken_: tuple[Measurement | Event, ...] = (*found.measurements, *found.events)
    limit = timedelta(minutes=1)
    return bool(spoken_) and all(
        item.taken_at is not None and abs(item.taken_at - moment) < limit for item in spoken_
    )


def _unit(change: Callable[[dict[str, object], str], None]) -> Spoil:
    def spoil(shot: Shot) -> tuple[Frame, ...]:
        if shot.frame.at.endswith(UNIT_TOPIC):
            named: dict[str, object] = {UNIT_TOPIC: ""}
            change(named, UNIT_TOPIC)
            return tuple(replace(shot.frame, content=str(word).encode()) for word in named.values())
        try:
            said = json.loads(shot.frame.content)
        except ValueError:
            said = None
        names = [name for name in UNIT_WORDS if isinstance(said, dict) and name in said]
        if not names:
            raise CanNotHappen("its frame names no unit")
        for name in names:
            change(said, name)
        return (replace(shot.frame, content=json.dumps(said).encode()),)

    return spoil


def _set_wrong(said: dict[str, object], name: str) -> None:
    said[name] = WRONG_UNIT


def _take_away(said: dict[str, object], name: str) -> None:
    del said[name]


def _in(moment: datetime) -> Callable[[datetime], datetime]:
    """That moment, with the zone that the frame had or had not."""
    return lambda before: moment if before.tzinfo else moment.replace(tzinfo=None)


QUARANTINE = "quarantined with the reason"
ONE = "one reading or event; two of a quantity that comes without its time"
GATT, MQTT = frozenset({Over.GATT}), frozenset({Over.MQTT})
TIMED = frozenset({Over.GATT, Over.MQTT})

FAULTS: Mapping[str, Fault] = {
    fault.name: fault
    for fault in (
        Fault("truncated", "half of the frame arrives", QUARANTINE, EVERYWHERE, _truncated),
        Fault("junk", "other bytes arrive", QUARANTINE, EVERYWHERE, _junk),
        Fault("repeated", "the frame arrives twice", ONE, EVERYWHERE, _repeated),
        Fault("lost", "each second frame does not arrive, though it was sent: the first, the third",
              "a gap, which rules for silence see", EVERYWHERE, _every_second),
        Fault("unconfirmed", "the link is lost before the value was confirmed: it is sent again",
              ONE, GATT, _as_it_is, cuts_link=True),
        Fault("reordered", "each two frames arrive in the other order",
              "the same readings: what is told does not depend on the order", EVERYWHERE,
              _as_it_is, holds=2),
        Fault("late", "the frame was stored: it was measured a day before",
              "a reading of yesterday", TIMED, _dated(lambda before: before - STORED_FOR)),
        Fault("clock-1970", "the device's clock begins at 1970",
              "a reading whose time is not certain, or quarantined", TIMED,
              _dated(_in(datetime(1970, 1, 1, 0, 7, tzinfo=UTC)))),
        Fault("clock-2094", "the device's clock is in 2094",
              "a reading whose time is not certain, or quarantined", TIMED,
              _dated(_in(datetime(2094, 3, 1, 12, tzinfo=UTC)))),
        Fault("clock-dst", "the device's clock missed the change of summer time: an hour behind",
              "a reading an hour old, until the clock is compared and set", TIMED,
              _dated(lambda before: before - timedelta(hours=1))),
        Fault("failed", "the measurement failed: a frame that is no value, as its maker has it",
              QUARANTINE, EVERYWHERE, _failed),
        Fault("battery-low", f"the device adds that its battery is low ({BATTERY_PCT:g} %)",
              "the reading, and the battery's state", EVERYWHERE, _battery_low),
        Fault("replayed", "the broker repeats the message as a retained one",
              "no event, and no quantity without its own time", MQTT, _replayed),
        Fault("burst", f"the message comes {BURST} times in {BURST_GAP_S * (BURST - 1):.2f} s",
              ONE, MQTT, _burst),
        Fault("wrong-unit", f"the message names another unit ({WRONG_UNIT})", QUARANTINE, MQTT,
              _unit(_set_wrong), announcements_too=True),
        Fault("no-unit", "the message does not name its unit",
              "quarantined where it could be two", MQTT, _unit(_take_away),
              announcements_too=True),
        Fault("silent", "the device says nothing", "a gap, which rules for silence see",
              EVERYWHERE, _nothing),
    )
}  # fmt: skip
"""By name, in the order in which they are shown."""


class Spoiler:
    """Passes frames on as a fault leaves them, one saying after the other. None: as they are."""

    def __init__(self, fault: Fault | None = None) -> None:
        self.fault = fault
        self._held: list[Frame] = []
        self._passed = 0

    def switch(self, fault: Fault | None) -> tuple[Frame, ...]:
        """From now on this fault. What was held back comes out."""
        self.fault = fault
        self._passed = 0
        held, self._held = tuple(self._held), []
        return held

    def passed(self, shot: Shot) -> tuple[Frame, ...]:
        """What is sent now. Raises CanNotHappen."""
        if self.fault is None:
            return (shot.frame,)
        self._held += self.fault.spoil(replace(shot, number=self._passed))
        self._passed += 1
        if len(self._held) < self.fault.holds:
            return ()
        held, self._held = self._held, []
        return tuple(reversed(held)) if self.fault.holds > 1 else tuple(held)
