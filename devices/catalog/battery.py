"""Battery service: battery level (2A19), one byte, 0 to 100 per cent."""

from collections.abc import Sequence

from devices.codec import (
    NOTHING_KNOWN,
    Claim,
    DecodeError,
    Device,
    Gatt,
    Known,
    KnownBy,
    Vector,
    raw_bytes,
)
from devices.fields import Cursor
from devices.model import CharacteristicValue, Decoded, Event, Fact, Measurement, Raw

LEVEL = "2A19"
FULL_PCT = 100


def decode(raw: Raw, known: Known) -> Decoded:
    if not isinstance(raw, CharacteristicValue):
        raise DecodeError("not a value of the battery characteristic", raw_bytes(raw))
    frame = Cursor(raw.value)
    level = frame.u8()
    frame.finish()
    if level > FULL_PCT:
        raise DecodeError(f"a battery level of {level} is none: 0 to {FULL_PCT}", raw.value)
    return Decoded(
        (Measurement(device=raw.address, metric="battery", value=float(level), unit="%"),)
    )


def encode(
    *,
    measurements: Sequence[Measurement] = (),
    events: Sequence[Event] = (),
    facts: Sequence[Fact] = (),
    known: Known = NOTHING_KNOWN,
) -> bytes:
    """The byte of the one measurement of `battery`."""
    (battery,) = measurements
    if not 0 <= battery.value <= FULL_PCT:
        raise ValueError(f"a battery level is 0 to {FULL_PCT}, not {battery.value}")
    return bytes((round(battery.value),))


_NORDIC = (
    "NordicSemiconductor/Android-BLE-Common-Library@c078e25 ble-common/src/test/java/no/"
    "nordicsemi/android/ble/common/callback/battery/BatteryLevelDataCallbackTest.java"
)

DEVICE = Device(
    key="gatt.battery",
    title="Battery of a Bluetooth device",
    known_by=KnownBy.SPECIFICATION,
    sources=("Bluetooth SIG, Battery Service 1.0, section 3.1",),
    claims=(Claim(characteristic=LEVEL),),
    metrics=("battery",),
    decode=decode,
    encode=encode,
    gatt=Gatt(service="180F", subscribe=(LEVEL,), bonded=False),
    vectors=(
        Vector(at=LEVEL, frame="64", expected={"battery": (100.0, "%")}, source=_NORDIC),
        Vector(at=LEVEL, frame="65", expected=None, source=_NORDIC),
        Vector(at=LEVEL, frame="6400", expected=None, source=_NORDIC),
    ),
)
