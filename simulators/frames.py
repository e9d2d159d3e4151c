"""What a device of the catalogue is to say, as a tester writes it on the command line."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from devices.codec import NOTHING_KNOWN, Device, Known
from devices.metrics import METRICS
from devices.model import Fact
from devices.registry import by_key, devices
from simulators.play.frames import Saying, Spoken, Unsayable, facts_told, saying, spoken


class FrameError(Exception):
    """There is no such frame; the message says what to write instead."""


def codec_of(kind: str) -> Device:
    """The catalogue's device of that key. Raises FrameError."""
    codec = by_key(kind)
    if codec is None:
        keys = ", ".join(device.key for device in devices())
        raise FrameError(f"no device of the catalogue is {kind!r}. There are: {keys}.")
    return codec


COUNTED = ("packet_id", "counter", "sequence")
"""Facts by which a listener tells one saying of a device from the next."""


def counted(codec: Device, what: Saying, number: int) -> Saying:
    """The nth saying: numbered, where the device numbers what it says and the tester did not."""
    told = facts_told(codec)
    given = {fact.name for fact in what.facts}
    numbers = (name for name in COUNTED if name in told and name not in given)
    facts = tuple(Fact(device="", name=name, value=number) for name in numbers)
    return replace(what, facts=(*what.facts, *facts)) if what.names else what


def sayable(codec: Device, what: Saying, address: str = "", known: Known = NOTHING_KNOWN) -> Spoken:
    """Its frames, as `spoken` finds them. Raises FrameError."""
    try:
        return spoken(codec, what, address, known)
    except Unsayable as error:
        raise FrameError(f"{codec.key} can't say that: {error}") from error


def saying_of(codec: Device, values: Sequence[str], taken_at: datetime | None = None) -> Saying:
    """Of "metric=number" in the metric's own unit, "event" or "event=word", and "fact=JSON".

    Raises FrameError.
    """
    measured: dict[str, float] = {}
    events: dict[str, str | None] = {}
    facts: dict[str, object] = {}
    told = facts_told(codec)
    for said in values:
        name, _, value = said.partition("=")
        if name in codec.metrics:
            measured[name] = _number(name, value, said)
        elif name in codec.events:
            events[name] = value or None
        elif name in told:
            facts[name] = _json(value)
        else:
            can = ", ".join((*codec.metrics, *codec.events, *told))
            raise FrameError(f"{codec.key} does not say {name!r}. It says: {can}.")
    units = {name: METRICS[name].unit for name in measured}
    return saying(measured, units, events, facts, taken_at)


def _number(name: str, value: str, said: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise FrameError(f"{said!r}: write {name}=number.") from None


def _json(value: str) -> object:
    try:
        return json.loads(value)
    except ValueError:
        return value
