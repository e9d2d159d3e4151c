"""What goes wrong with the frames of a home's device, as long as a tester lets it."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC

from devices.codec import NOTHING_KNOWN, Claim, Device, Known, KnownBy
from devices.mapping import Mapping as TopicMapping
from devices.mapping import decoder
from devices.model import Measurement, MqttMessage, Raw
from simulators.mqtt import scale_payload
from simulators.play.faults import CanNotHappen, Fault, Shot, Spoiler, possible
from simulators.play.frames import Frame


class Spoiled:
    """Between a device and its radio or broker: sends what the fault leaves of a frame."""

    says = "what carries its frames knows no such fault"

    def __init__(
        self,
        codec: Device,
        subject: str,
        out: Callable[[Frame], None],
        known: Known = NOTHING_KNOWN,
    ) -> None:
        self._codec = codec
        self._subject = subject
        self._out = out
        self._known = known
        self._spoiler = Spoiler()

    @property
    def fault(self) -> Fault | None:
        return self._spoiler.fault

    @property
    def cuts_link(self) -> bool:
        """Whether the link is lost before the next frame is confirmed."""
        return self.fault is not None and self.fault.cuts_link

    def possible(self) -> Sequence[Fault]:
        return possible(self._codec)

    def can(self, fault: Fault) -> bool:
        return fault in self.possible()

    def switch(self, fault: Fault | None) -> None:
        """From now on this fault; None: nothing goes wrong. What was held back is sent."""
        self._send_all(self._spoiler.switch(fault))

    def send(self, frame: Frame) -> None:
        """A fault that this frame can't have leaves it as it is."""
        shot = Shot(self._codec, frame, self._known, self._subject, self._subject)
        try:
            self._send_all(self._spoiler.passed(shot))
        except CanNotHappen:
            self._out(frame)

    def _send_all(self, frames: Sequence[Frame]) -> None:
        wait_s = 0.0
        for frame in frames:
            wait_s += frame.after_s
            if wait_s:
                asyncio.get_running_loop().call_later(wait_s, self._out, frame)
            else:
                self._out(frame)


class NoFrames(Spoiled):
    """Of a device that says nothing by itself, so that no frame can be caught on its way."""

    def __init__(self, says: str) -> None:
        self.says = says
        self._spoiler = Spoiler()

    def possible(self) -> Sequence[Fault]:
        return ()


def mapped_scale(topic: str) -> Device:
    """A scale that publishes JSON of its own, as a device: what a gateway's mapping makes of it."""
    read = decoder(
        TopicMapping(
            topic=topic,
            device=topic,
            metric="body_weight",
            value="weight",
            unit_at="unit",
            time="time",
        )
    )

    def encode(*, measurements: Sequence[Measurement] = (), **_: object) -> bytes:
        for item in measurements:
            if item.taken_at is not None:
                return scale_payload(item.value, item.taken_at.astimezone(UTC))
        raise ValueError("it says a weight with its time, and nothing else")

    return Device(
        key="mapping",
        title="A scale that is read through a mapping",
        known_by=KnownBy.SPECIFICATION,
        sources=(),
        claims=(Claim(topic=topic),),
        metrics=("body_weight",),
        decode=lambda raw, _: read(_message(raw)),
        encode=encode,
        vectors=(),
    )


def _message(raw: Raw) -> MqttMessage:
    assert isinstance(raw, MqttMessage), "a scale's frames are messages"
    return raw
