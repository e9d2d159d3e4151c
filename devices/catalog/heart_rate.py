"""Heart rate profile: the measurement (2A37), and where the sensor is worn (2A38).

Layout of 2A37, little-endian: flags u8 (0 rate in 16 bits else 8, 1 contact, 2 contact is
watched, 3 energy, 4 RR intervals); rate; [energy u16 in kJ]; [RR intervals u16 in 1/1024 s, the
oldest first, to the end of the frame]. A rate of 0 is a sensor that hears no heart. 2A38 is u8.

The frame has no time. The last interval ended as it was sent, and each one before it ended where
the next began: `ago_s` is the sum of those that followed. So two equal intervals are two.
"""

from collections.abc import Sequence

from devices.codec import (
    NOTHING_KNOWN,
    Claim,
    Device,
    Gatt,
    Known,
    KnownBy,
    Vector,
    assigned_number,
)
from devices.facts import fields_of, told, value_of, worded
from devices.fields import Cursor, u16
from devices.model import Decoded, Event, Fact, Measurement, Quality, Raw
from devices.units import convert

RATE, LOCATION = "2A37", "2A38"
WIDE, CONTACT, CONTACT_WATCHED, ENERGY, INTERVALS = 0x01, 0x02, 0x04, 0x08, 0x10
RR_UNIT, RR_PER_S = "s/1024", 1024

# Bluetooth SIG, Heart Rate Service 1.0, section 3.2.
PLACES = {
    0: "other", 1: "chest", 2: "wrist", 3: "finger", 4: "hand", 5: "ear lobe", 6: "foot",
}  # fmt: skip


def decode(raw: Raw, known: Known) -> Decoded:
    heard = value_of(raw, "a heart rate characteristic")
    frame = Cursor(heard.value)
    if assigned_number(heard.characteristic) == LOCATION:
        place = frame.u8()
        frame.finish()
        return Decoded(facts=told(heard.address, worded("location", place, PLACES)))
    flags = frame.u8()
    rate = frame.u16() if flags & WIDE else frame.u8()
    energy = frame.u16() if flags & ENERGY else None
    intervals = [frame.u16()] if flags & INTERVALS else []
    while flags & INTERVALS and frame.left:
        intervals.append(frame.u16())
    frame.finish()

    lost_contact = flags & CONTACT_WATCHED and not flags & CONTACT
    values: list[tuple[str, int | None, str, float]] = [
        ("pulse_rate", rate or None, "/min", 0.0),
        ("energy_expended", energy, "kJ", 0.0),
        *(
            ("rr_interval", interval or None, RR_UNIT, sum(intervals[at:]) / RR_PER_S)
            for at, interval in enumerate(intervals, 1)
        ),
    ]
    measurements = tuple(
        Measurement(
            device=heard.address,
            metric=metric,
            value=float(value),
            unit=unit,
            quality=(Quality.POOR_SIGNAL,) if lost_contact else (),
            ago_s=ago_s,
        )
        for metric, value, unit, ago_s in values
        if value is not None
    )
    watched = {"contact_detected": not lost_contact} if flags & CONTACT_WATCHED else {}
    return Decoded(measurements, facts=told(heard.address, watched))


def encode(
    *,
    measurements: Sequence[Measurement] = (),
    events: Sequence[Event] = (),
    facts: Sequence[Fact] = (),
    known: Known = NOTHING_KNOWN,
) -> bytes:
    """A 2A37 frame, or the 2A38 byte where known["at"] is "2A38". Without a rate: rate 0."""
    fields = fields_of(facts)
    if known.get("at") == LOCATION:
        if "location" not in fields:
            raise ValueError("a sensor location needs the fact `location`")
        return bytes((fields["location"],))
    said = {item.metric: item for item in measurements}
    rate = round(said["pulse_rate"].value) if "pulse_rate" in said else 0
    flags = WIDE if rate > 0xFF else 0
    body = u16(rate) if flags & WIDE else bytes((rate,))
    if "contact_detected" in fields:
        flags |= CONTACT_WATCHED | (CONTACT if fields["contact_detected"] else 0)
    if "energy_expended" in said:
        flags |= ENERGY
        body += u16(round(_in("kJ", said["energy_expended"])))
    for item in measurements:
        if item.metric == "rr_interval":
            flags |= INTERVALS
            body += u16(round(_in(RR_UNIT, item)))
    return bytes((flags,)) + body


def _in(unit: str, item: Measurement) -> float:
    return convert(item.metric, item.value, item.unit, unit)


_NORDIC = (
    "NordicSemiconductor/Android-BLE-Common-Library@c078e25 "
    "ble-common/src/test/java/no/nordicsemi/android/ble/common/callback/hr/"
)
_RATE_TEST = _NORDIC + "HeartRateMeasurementDataCallbackTest.java"

DEVICE = Device(
    key="gatt.heart_rate",
    title="Heart rate sensor (Bluetooth heart rate profile)",
    known_by=KnownBy.SPECIFICATION,
    sources=("Bluetooth SIG, Heart Rate Service 1.0, sections 3.1 and 3.2",),
    claims=(Claim(characteristic=RATE), Claim(characteristic=LOCATION)),
    metrics=("pulse_rate", "energy_expended", "rr_interval"),
    decode=decode,
    encode=encode,
    gatt=Gatt(service="180D", subscribe=(RATE,), bonded=False),
    vectors=(
        Vector(
            at=RATE,
            frame="0055",
            expected={"pulse_rate": (85.0, "/min")},
            facts={},
            source=_RATE_TEST,
        ),
        Vector(
            at=RATE,
            frame="04ff",
            expected={"pulse_rate": (255.0, "/min"), "quality": ["poor-signal"]},
            facts={"contact_detected": False},
            source=_RATE_TEST,
        ),
        Vector(
            at=RATE,
            frame="1e5532002100",
            expected={
                "pulse_rate": (85.0, "/min"),
                "energy_expended": (50.0, "kJ"),
                "rr_interval": (33.0, "s/1024"),
            },
            facts={"contact_detected": True},
            source=_RATE_TEST,
        ),
        Vector(
            at=RATE,
            frame="1f0101320101000201ffff",
            expected={
                "pulse_rate": (257.0, "/min"),
                "energy_expended": (306.0, "kJ"),
                "rr_interval": [(1.0, "s/1024"), (258.0, "s/1024"), (65535.0, "s/1024")],
            },
            facts={"contact_detected": True},
            source=_RATE_TEST,
            open_ended=True,
        ),
        Vector(
            at=RATE,
            frame="170101",
            expected=None,
            source=_RATE_TEST,
            note="its flags promise RR intervals",
        ),
        Vector(
            at=LOCATION,
            frame="05",
            expected={},
            facts={"location": 5, "location_words": "ear lobe"},
            source=_NORDIC + "BodySensorLocationDataCallbackTest.java",
        ),
    ),
)
