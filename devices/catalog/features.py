"""Feature characteristics: what a health device can do, as bits, for its driver.

Little-endian: blood pressure 2A49 and glucose 2A51 u16, body composition 2A9B and weight 2A9E u32.
Oximeter 2A60: u16; [bits of the measurement status that it supports u16, by bit 0]; [bits of the
sensor status u24, by bit 1].
"""

from collections.abc import Sequence

from devices.codec import (
    NOTHING_KNOWN,
    Claim,
    Device,
    Known,
    KnownBy,
    Vector,
    assigned_number,
)
from devices.facts import fields_of, told, value_of
from devices.fields import Cursor, u16, u24, u32
from devices.model import Decoded, Event, Fact, Measurement, Raw

PLX = "2A60"
WIDE = ("2A9B", "2A9E")
NARROW = ("2A49", "2A51", PLX)
MEASUREMENT_STATUS, SENSOR_STATUS = 0x01, 0x02


def decode(raw: Raw, known: Known) -> Decoded:
    heard = value_of(raw, "a feature characteristic")
    at = assigned_number(heard.characteristic)
    frame = Cursor(heard.value)
    features = frame.u32() if at in WIDE else frame.u16()
    fields = {"features": features}
    if at == PLX and features & MEASUREMENT_STATUS:
        fields["measurement_status_support"] = frame.u16()
    if at == PLX and features & SENSOR_STATUS:
        fields["device_sensor_status_support"] = frame.u24()
    frame.finish()
    return Decoded(facts=told(heard.address, fields))


def encode(
    *,
    measurements: Sequence[Measurement] = (),
    events: Sequence[Event] = (),
    facts: Sequence[Fact] = (),
    known: Known = NOTHING_KNOWN,
) -> bytes:
    """The bytes of the facts, for the characteristic known["at"]."""
    fields = fields_of(facts)
    if "features" not in fields:
        raise ValueError("a feature characteristic says nothing without the fact `features`")
    body = (u32 if known.get("at") in WIDE else u16)(fields["features"])
    if known.get("at") == PLX and fields["features"] & MEASUREMENT_STATUS:
        body += u16(fields.get("measurement_status_support", 0))
    if known.get("at") == PLX and fields["features"] & SENSOR_STATUS:
        body += u24(fields.get("device_sensor_status_support", 0))
    return body


_SIG_PYTHON = "RonanB96/bluetooth-sig-python@27bdb3d tests/gatt/characteristics/"

DEVICE = Device(
    key="gatt.features",
    title="What a Bluetooth health device can do",
    known_by=KnownBy.SPECIFICATION,
    sources=(
        "Bluetooth SIG, Blood Pressure Service 1.1.1, section 3.3",
        "Bluetooth SIG, Glucose Service 1.0.1, section 3.3",
        "Bluetooth SIG, Pulse Oximeter Service 1.0.1, section 3.3",
        "Bluetooth SIG, Weight Scale Service 1.0, section 3.1",
        "Bluetooth SIG, Body Composition Service 1.0, section 3.1",
    ),
    claims=tuple(Claim(characteristic=name) for name in (*NARROW, *WIDE)),
    metrics=(),
    decode=decode,
    encode=encode,
    vectors=(
        Vector(
            at="2A49",
            frame="3f00",
            expected={},
            facts={"features": 0x3F},
            source=_SIG_PYTHON + "test_blood_pressure_feature.py (synthetic)",
        ),
        Vector(
            at="2A51",
            frame="f003",
            expected={},
            facts={"features": 1008},
            source=(
                "NordicSemiconductor/Android-BLE-Common-Library@c078e25 ble-common/src/test/java/"
                "no/nordicsemi/android/ble/common/callback/glucose/GlucoseFeatureDataCallbackTest.java"
            ),
        ),
        Vector(
            at=PLX,
            frame="a3004010800100",
            expected={},
            facts={
                "features": 163,
                "measurement_status_support": 4160,
                "device_sensor_status_support": 384,
            },
            source=(
                "StanfordSpezi/SpeziBluetooth@c52a637 "
                "Tests/SpeziBluetoothServicesTests/PLXTests.swift"
            ),
        ),
        Vector(
            at="2A9B",
            frame="ff0f0000",
            expected={},
            facts={"features": 0x0FFF},
            source=_SIG_PYTHON + "test_body_composition_feature.py (synthetic)",
        ),
        Vector(
            at="2A9E",
            frame="07000000",
            expected={},
            facts={"features": 7},
            source=_SIG_PYTHON + "test_weight_scale_feature.py (synthetic)",
        ),
    ),
)
