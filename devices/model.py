"""What flows into and out of a decoder, and what a home makes of it.

`Advertisement`, `CharacteristicValue` and `MqttMessage` are what a radio or a broker
delivered. A decoder turns one of them into `Measurement`s and `Event`s: what a device said.
The gateway's intake turns those into `Reading`s: what that says about a person.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import blake2b

from msgspec import Struct


class Quality(StrEnum):
    """What a device, or the intake, reports against a value. No flag: nothing was reported."""

    MOVEMENT = "movement"
    CUFF_LOOSE = "cuff-loose"
    IRREGULAR_PULSE = "irregular-pulse"
    PULSE_OUT_OF_RANGE = "pulse-out-of-range"
    POSITION = "position"
    POOR_SIGNAL = "poor-signal"
    POOR_SAMPLE = "poor-sample"
    TOO_HOT_OR_COLD = "too-hot-or-cold"
    NOT_CALIBRATED = "not-calibrated"
    DEVICE_FAULT = "device-fault"
    TIME_UNCERTAIN = "time-uncertain"
    STILL_MEASURING = "still-measuring"
    NOT_CONFIRMED = "not-confirmed"
    UNUSUAL = "unusual"
    ENTERED_IN_ERROR = "entered-in-error"


class Clock(StrEnum):
    """How far the time of a reading is to be trusted."""

    DEVICE = "device"
    """The device's own clock, found to agree with ours."""
    CORRECTED = "corrected"
    """The device's clock, put right by the offset measured at connection."""
    RECEIVED = "received"
    """The device gave no time: the moment at which we heard it."""
    UNKNOWN = "unknown"
    """The device's clock was never set or can't be compared; the time is the moment we heard it."""


class Advertisement(Struct, frozen=True, kw_only=True):
    """One Bluetooth advertisement. UUIDs are full, lower case; addresses upper case with colons."""

    address: str
    received_at: datetime
    name: str | None = None
    service_uuids: tuple[str, ...] = ()
    service_data: Mapping[str, bytes] = {}
    manufacturer_data: Mapping[int, bytes] = {}
    rssi_dbm: int | None = None


class CharacteristicValue(Struct, frozen=True, kw_only=True):
    """One GATT notification, indication or read. `characteristic` is "2A35", or a full UUID.

    `clock_ahead_s`: how far the device's clock was ahead of the home's local time when the link
    opened; None where it could not be read.
    """

    address: str
    characteristic: str
    value: bytes
    received_at: datetime
    name: str | None = None
    clock_ahead_s: float | None = None


class MqttMessage(Struct, frozen=True, kw_only=True):
    """One message from the broker. A retained one repeats what was said before we listened."""

    topic: str
    payload: bytes
    received_at: datetime
    retained: bool = False


Raw = Advertisement | CharacteristicValue | MqttMessage


class Measurement(Struct, frozen=True, kw_only=True):
    """What a device said: a decoder knows no person and no receive time.

    `value` is a finite number in `unit` (UCUM); a state is 1.0 or 0.0 in unit "1".
    `taken_at` is None where the device gave no time. Aware: the payload named its zone.
    Naive: the device's own wall clock, which the intake compares with ours.
    `user`: the slot under which the device keeps the person. `part`: which of several like parts
    said it, from 1 (the second of three thermometers); None where there is one.
    """

    device: str
    metric: str
    value: float
    unit: str
    taken_at: datetime | None = None
    quality: tuple[Quality, ...] = ()
    user: int | None = None
    part: int | None = None
    ago_s: float = 0.0
    """How long before the frame was sent, where the device gave no time but an order."""


class Event(Struct, frozen=True, kw_only=True):
    """Something that happened once (a press, a fall): not a state, so never true again on replay.

    `key` tells one event from the next where the device counts them (a packet id). `detail` is
    the device's own word for it ("double_press"), `amount` how much (steps of a dimmer), `part`
    which of several like parts, from 1 (the second button); None where there is one. `user`: as
    in Measurement.
    """

    device: str
    event: str
    key: str | None = None
    taken_at: datetime | None = None
    detail: str | None = None
    amount: int | None = None
    part: int | None = None
    user: int | None = None


class Fact(Struct, frozen=True, kw_only=True):
    """What a decoder learned about a device and needs next time (a polarity, a packet count).

    `value` is plain JSON. The gateway keeps it with the device and passes it back as `known`.
    """

    device: str
    name: str
    value: object


class Unread(Struct, frozen=True):
    """A part of a frame that can't be trusted, and why, while the rest of the frame can."""

    reason: str
    raw: bytes


class Decoded(Struct, frozen=True):
    """All that one frame said. All empty: understood, and nothing for us in it."""

    measurements: tuple[Measurement, ...] = ()
    events: tuple[Event, ...] = ()
    facts: tuple[Fact, ...] = ()
    unread: tuple[Unread, ...] = ()


class Reading(Struct, frozen=True, kw_only=True):
    """A measurement about a person, in the metric's canonical unit.

    `taken_at` and `received_at` are aware UTC. `id` is derived from the content, so the same
    reading heard twice is one, and two values at one instant are two.
    """

    id: str
    patient: str
    device: str
    metric: str
    value: float
    unit: str
    taken_at: datetime
    received_at: datetime
    clock: Clock = Clock.RECEIVED
    quality: tuple[Quality, ...] = ()
    raw_value: float | None = None
    raw_unit: str | None = None

    def __post_init__(self) -> None:
        if not self.value - self.value == 0.0:
            raise ValueError(f"{self.metric}: a reading is a finite number, not {self.value}")
        require_utc(self.taken_at, "taken_at")
        require_utc(self.received_at, "received_at")


_NO_OFFSET = timedelta(0)


def require_utc(moment: datetime, name: str) -> None:
    """Refuse a time without a zone or in another zone than UTC."""
    if moment.utcoffset() != _NO_OFFSET:
        raise ValueError(f"{name} must be in UTC with its zone, not {moment!r}")


def reading_id(patient: str, device: str, metric: str, taken_at: datetime, value: float) -> str:
    """32 hex digits that are the same wherever and whenever the same reading is heard."""
    content = f"{patient}|{device}|{metric}|{taken_at.timestamp():.6f}|{value!r}"
    return blake2b(content.encode(), digest_size=16).hexdigest()
