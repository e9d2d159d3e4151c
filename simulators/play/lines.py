"""What a device would send, as lines that `homebeat decode` and `simulate replay` take."""

from collections.abc import Iterator
from dataclasses import dataclass

from devices.codec import NOTHING_KNOWN, Known
from devices.model import Advertisement, CharacteristicValue
from plumbing.clock import utc_now
from simulators.play.faults import Spoiler, spoiled_news
from simulators.play.frames import CONFIGURED, Frame, Over, Spoken, heard, over
from simulators.play.run import NotPlayed, Play, spoiled


@dataclass(frozen=True, slots=True)
class Shown:
    """`announced` comes before `frames`; `said` is the first saying, as it was meant."""

    said: Spoken
    announced: tuple[Frame, ...]
    frames: tuple[Frame, ...]

    def lines(self, address: str) -> Iterator[dict[str, object]]:
        for frame in (*self.announced, *self.frames):
            yield _line(self.said, frame, address)


def shown(play: Play) -> Shown:
    """All that is sent, with the fault in it, and without waiting. Raises NotPlayed."""
    sayings = [play.say(utc_now()) for _ in range(play.times)]
    said, fault = sayings[0], play.fault
    if fault is not None and fault.cuts_link:
        raise NotPlayed(f"{fault.name} happens to the link and not to a frame: write --over bluez")
    if fault is not None and fault.holds > sum(len(one.frames) for one in sayings):
        raise NotPlayed(f"{fault.name} needs {fault.holds} frames: write --times {fault.holds}")
    news = None if fault is None else spoiled_news(fault, said, play.address)
    spoiler = Spoiler(fault if news is None else None)
    frames = [frame for one in sayings for frame in spoiled(play, spoiler, one)]
    frames += spoiler.switch(None)
    return Shown(said, said.announced if news is None else news, tuple(frames))


def _line(said: Spoken, frame: Frame, address: str) -> dict[str, object]:
    raw = heard(said.codec, frame, address)
    if isinstance(raw, CharacteristicValue):
        line: dict[str, object] = {
            "address": address,
            "characteristic": frame.at,
            "hex": frame.content.hex(),
        }
    elif isinstance(raw, Advertisement):
        services = {uuid: data.hex() for uuid, data in raw.service_data.items()}
        makers = {f"0x{number:04x}": data.hex() for number, data in raw.manufacturer_data.items()}
        line = {
            "advertisement": {"address": address}
            | ({"service_data": services} if services else {})
            | ({"manufacturer_data": makers} if makers else {})
        }
    else:
        line = {"topic": frame.at, "payload": frame.content.decode(errors="replace")}
        line |= {"retained": True} if frame.retained else {}
    known = _untold(said, frame)
    return line | ({"known": dict(known)} if known else {})


def _untold(said: Spoken, frame: Frame) -> Known:
    """What a listener has to know, and no line before it tells."""
    known = said.known.get(frame.at, NOTHING_KNOWN)
    if over(said.codec) is not Over.MQTT:
        return known
    return {name: value for name, value in known.items() if name in CONFIGURED}
