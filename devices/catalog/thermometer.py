"""Health thermometer profile: the measurement (2A1C), the one still rising (2A1E), where on the
body it is taken (2A1D), and how often (2A21).

Layout of 2A1C and 2A1E, little-endian: flags u8 (0 Fahrenheit else Celsius, 1 time, 2 type);
temperature FLOAT; [date time 7]; [type u8]. 2A1D is the type alone. 2A21: seconds u16,
0 for only when it is used.
"""

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
    assigned_number,
)
from devices.facts import fields_of, told, value_of, worded
from devices.fields import Cursor, Special, to_date_time, to_float32, u16, u32
from devices.model import Decoded, Event, Fact, Measurement, Quality, Raw

FINAL, INTERMEDIATE, TYPE_ALONE, INTERVAL = "2A1C", "2A1E", "2A1D", "2A21"
FAHRENHEIT, TIME, TYPE = 0x01, 0x02, 0x04

# ISO/IEEE 11073-10408; Bluetooth SIG, GATT Specification Supplement, Temperature Type.
SITES = {
    1: "armpit", 2: "body", 3: "ear", 4: "finger", 5: "gastro-intestinal tract", 6: "mouth",
    7: "rectum", 8: "toe", 9: "eardrum",
}  # fmt: skip


def decode(raw: Raw, known: Known) -> Decoded:
    heard = value_of(raw, "a thermometer's characteristic")
    at = assigned_number(heard.characteristic)
    frame = Cursor(heard.value)
    if at == INTERVAL:
        interval_s = frame.u16()
        frame.finish()
        return Decoded(facts=told(heard.address, {"interval_s": interval_s}))
    if at == TYPE_ALONE:
        site = frame.u8()
        frame.finish()
        return Decoded(facts=told(heard.address, worded("type", site, SITES)))
    flags = frame.u8()
    temperature = frame.float32()
    taken_at = frame.date_time() if flags & TIME else None
    where = worded("type", frame.u8(), SITES) if flags & TYPE else {}
    frame.finish()
    facts = told(heard.address, where)
    if isinstance(temperature, Special):
        if at == INTERMEDIATE:
            return Decoded(facts=facts)
        raise DecodeError(
            "the thermometer reports a failed measurement: it gives no value", heard.value
        )
    measured = Measurement(
        device=heard.address,
        metric="body_temperature",
        value=temperature,
        unit="[degF]" if flags & FAHRENHEIT else "Cel",
        taken_at=taken_at,
        quality=(Quality.STILL_MEASURING,) if at == INTERMEDIATE else (),
    )
    return Decoded((measured,), facts=facts)


def encode(
    *,
    measurements: Sequence[Measurement] = (),
    events: Sequence[Event] = (),
    facts: Sequence[Fact] = (),
    known: Known = NOTHING_KNOWN,
) -> bytes:
    """A 2A1C or 2A1E frame in the unit of the measurement, or the 2A1D byte by known["at"].

    Without a measurement: the frame with which a thermometer says that it failed.
    """
    site = fields_of(facts).get("type")
    if known.get("at") == INTERVAL:
        if "interval_s" not in fields_of(facts):
            raise ValueError("a measurement interval needs the fact `interval_s`")
        return u16(fields_of(facts)["interval_s"])
    if known.get("at") == TYPE_ALONE:
        if site is None:
            raise ValueError("a temperature type needs the fact `type`")
        return bytes((site,))
    measured = next(iter(measurements), None)
    flags = FAHRENHEIT if measured and measured.unit == "[degF]" else 0
    body = u32(to_float32(measured.value if measured else Special.NAN))
    if measured and measured.taken_at:
        flags |= TIME
        body += to_date_time(measured.taken_at)
    if site is not None:
        flags |= TYPE
        body += bytes((site,))
    return bytes((flags,)) + body


_NORDIC = (
    "NordicSemiconductor/Android-BLE-Common-Library@c078e25 "
    "ble-common/src/test/java/no/nordicsemi/android/ble/common/callback/ht/"
)

DEVICE = Device(
    key="gatt.thermometer",
    title="Thermometer (Bluetooth health thermometer profile)",
    known_by=KnownBy.SPECIFICATION,
    sources=(
        "Bluetooth SIG, Health Thermometer Service 1.0, sections 3.1 to 3.3",
        "Bluetooth SIG, Personal Health Devices Transcoding White Paper, section 2.2",
    ),
    claims=(
        Claim(characteristic=FINAL),
        Claim(characteristic=INTERMEDIATE),
        Claim(characteristic=TYPE_ALONE),
        Claim(characteristic=INTERVAL),
    ),
    metrics=("body_temperature",),
    decode=decode,
    encode=encode,
    gatt=Gatt(service="1809", subscribe=(FINAL,)),
    vectors=(
        Vector(
            at=FINAL,
            frame="006c0100ff",
            expected={"body_temperature": (36.4, "Cel")},
            facts={},
            source="Bluetooth SIG, Personal Health Devices Transcoding White Paper, section 2.2.6",
        ),
        Vector(
            at=FINAL,
            frame="06b00e00fedc070c050b321b04",
            expected={"body_temperature": (37.6, "Cel"), "taken_at": "2012-12-05T11:50:27"},
            facts={"type": 4, "type_words": "finger"},
            source=_NORDIC + "TemperatureMeasurementDataCallbackTest.java",
            lossless=False,
            note="37.60, with a digit more than the value needs",
        ),
        Vector(
            at=FINAL,
            frame="06b00e00fedc070c050b321b",
            expected=None,
            source=_NORDIC + "TemperatureMeasurementDataCallbackTest.java",
            note="its type is missing",
        ),
        Vector(
            at=INTERMEDIATE,
            frame="006c0100ff",
            expected={"body_temperature": (36.4, "Cel"), "quality": ["still-measuring"]},
            facts={},
            source="Bluetooth SIG, Personal Health Devices Transcoding White Paper, section 2.2.6",
            note="the service gives 2A1E the layout of 2A1C",
        ),
        Vector(
            at=TYPE_ALONE,
            frame="03",
            expected={},
            facts={"type": 3, "type_words": "ear"},
            source=_NORDIC + "TemperatureTypeDataCallbackTest.java",
        ),
        Vector(
            at=INTERVAL,
            frame="3c00",
            expected={},
            facts={"interval_s": 60},
            source=_NORDIC + "MeasurementIntervalDataCallbackTest.java",
        ),
    ),
)
