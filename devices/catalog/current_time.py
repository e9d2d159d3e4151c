"""Current time service: a device's clock (2A2B), its zone (2A0F, or apart 2A0E and 2A0D), and a
bare date and time (2A08).

2A2B, little-endian: date time 7, day of the week u8 (0 unknown, 1 Monday), 1/256 s u8, reasons of
the last change u8. It is written by the gateway after bonding: `to_current_time`. 2A0F: zone s8 in
quarters of an hour (-48 to 56, -128 unknown), daylight saving u8 in quarters of an hour (0, 2, 4 or
8, 255 unknown).
"""

from collections.abc import Sequence
from datetime import datetime

from devices import wall_clock
from devices.codec import (
    NOTHING_KNOWN,
    Claim,
    DecodeError,
    Device,
    Known,
    KnownBy,
    Vector,
    assigned_number,
)
from devices.facts import fields_of, told, value_of
from devices.fields import Cursor, to_date_time
from devices.model import Decoded, Event, Fact, Measurement, Raw

CURRENT_TIME, DATE_TIME, LOCAL_TIME = "2A2B", "2A08", "2A0F"
ZONE, DAYLIGHT_SAVING = "2A0E", "2A0D"
ZONES, UNKNOWN_ZONE = range(-48, 57), -128
ZONE_FACTS = {
    LOCAL_TIME: ("tz_15min", "dst"), ZONE: ("tz_15min",), DAYLIGHT_SAVING: ("dst",),
}  # fmt: skip
SAVINGS = frozenset({0, 2, 4, 8, 255})
SUNDAY = 7
MANUAL, EXTERNAL_REFERENCE, ZONE_CHANGE, DAYLIGHT_SAVING_CHANGE = 0x01, 0x02, 0x04, 0x08


def to_current_time(moment: datetime, adjust_reason: int = EXTERNAL_REFERENCE) -> bytes:
    """The ten bytes that set a device's clock to this local time; a zone is not in them."""
    fractions = moment.microsecond * 256 // 1_000_000
    return to_date_time(moment) + bytes((moment.isoweekday(), fractions, adjust_reason))


def decode(raw: Raw, known: Known) -> Decoded:
    heard = value_of(raw, "a time characteristic")
    at = assigned_number(heard.characteristic)
    frame = Cursor(heard.value)
    fields: dict[str, object] = {}
    if at in (LOCAL_TIME, ZONE, DAYLIGHT_SAVING):
        fields = _zone(frame, at, heard.value)
    else:
        fields["datetime"] = wall_clock.read(frame, heard.value)
    if at == CURRENT_TIME:
        day = frame.u8()
        if day > SUNDAY:
            raise DecodeError(f"there is no day {day} of the week", heard.value)
        fields |= {
            "day_of_week": day,
            "fractions256": frame.u8(),
            "adjust_reason": frame.u8(),
        }
    frame.finish()
    return Decoded(facts=told(heard.address, fields))


def _zone(frame: Cursor, at: str, whole: bytes) -> dict[str, object]:
    fields: dict[str, object] = {}
    if at != DAYLIGHT_SAVING:
        fields["tz_15min"] = zone = frame.s8()
        if zone not in ZONES and zone != UNKNOWN_ZONE:
            raise DecodeError(f"there is no zone {zone} quarters of an hour from UTC", whole)
    if at != ZONE:
        fields["dst"] = saving = frame.u8()
        if saving not in SAVINGS:
            raise DecodeError(f"{saving} is no daylight saving", whole)
    return fields


def encode(
    *,
    measurements: Sequence[Measurement] = (),
    events: Sequence[Event] = (),
    facts: Sequence[Fact] = (),
    known: Known = NOTHING_KNOWN,
) -> bytes:
    """The bytes of the facts, for the characteristic known["at"]; else a current time."""
    fields = fields_of(facts)
    at = known.get("at", CURRENT_TIME)
    needed = ZONE_FACTS.get(str(at))
    if needed:
        if not set(needed) <= fields.keys():
            raise ValueError(f"{at} needs the facts {', '.join(needed)}")
        return bytes(fields[name] & 0xFF for name in needed)
    date = wall_clock.write(fields.get("datetime", wall_clock.UNKNOWN))
    if at == DATE_TIME:
        return date
    rest = (fields.get(name, 0) for name in ("day_of_week", "fractions256", "adjust_reason"))
    return date + bytes(rest)


_NORDIC = (
    "NordicSemiconductor/Android-BLE-Common-Library@c078e25 "
    "ble-common/src/test/java/no/nordicsemi/android/ble/common/callback/"
)
_SIG_PYTHON = "RonanB96/bluetooth-sig-python@27bdb3d tests/gatt/characteristics/"

DEVICE = Device(
    key="gatt.current_time",
    title="Clock of a Bluetooth device (current time service)",
    known_by=KnownBy.SPECIFICATION,
    sources=(
        "Bluetooth SIG, Current Time Service 1.1, section 3",
        "Bluetooth SIG, GATT Specification Supplement, Date Time and Current Time",
    ),
    claims=(
        Claim(characteristic=CURRENT_TIME),
        Claim(characteristic=DATE_TIME),
        Claim(characteristic=LOCAL_TIME),
        Claim(characteristic=ZONE),
        Claim(characteristic=DAYLIGHT_SAVING),
    ),
    metrics=(),
    decode=decode,
    encode=encode,
    vectors=(
        Vector(
            at=CURRENT_TIME,
            frame="da070c120f170600c000",
            expected={},
            facts={
                "datetime": "2010-12-18T15:23:06",
                "day_of_week": 0,
                "fractions256": 192,
                "adjust_reason": 0,
            },
            source="Bluetooth SIG, Personal Health Devices Transcoding White Paper, section 2.2.6",
        ),
        Vector(
            at=CURRENT_TIME,
            frame="e9070c1f173b3b07ff06",
            expected={},
            facts={
                "datetime": "2025-12-31T23:59:59",
                "day_of_week": 7,
                "fractions256": 255,
                "adjust_reason": 6,
            },
            source=_SIG_PYTHON + "test_current_time.py (synthetic)",
        ),
        Vector(
            at=CURRENT_TIME,
            frame="000000000c1e00010000",
            expected={},
            facts={
                "datetime": "0000-00-00T12:30:00",
                "day_of_week": 1,
                "fractions256": 0,
                "adjust_reason": 0,
            },
            source=_SIG_PYTHON + "test_current_time.py (synthetic)",
        ),
        Vector(
            at=CURRENT_TIME,
            frame="e9070d01000000010000",
            expected=None,
            source=_SIG_PYTHON + "test_current_time.py (synthetic)",
            note="a thirteenth month",
        ),
        Vector(
            at=CURRENT_TIME,
            frame="e9070101000000080000",
            expected=None,
            source=_SIG_PYTHON + "test_current_time.py (synthetic)",
            note="an eighth day of the week",
        ),
        Vector(
            at=DATE_TIME,
            frame="e20704110f3300",
            expected={},
            facts={"datetime": "2018-04-17T15:51:00"},
            source=_NORDIC + "DateTimeDataCallbackTest.java",
        ),
        Vector(
            at=DATE_TIME,
            frame="00000000121a20",
            expected={},
            facts={"datetime": "0000-00-00T18:26:32"},
            source=_NORDIC + "DateTimeDataCallbackTest.java",
        ),
        Vector(
            at=DATE_TIME,
            frame="e20704110f33",
            expected=None,
            source=_NORDIC + "DateTimeDataCallbackTest.java",
        ),
        Vector(
            at=LOCAL_TIME,
            frame="fc00",
            expected={},
            facts={"tz_15min": -4, "dst": 0},
            source=_SIG_PYTHON + "test_local_time_information.py (synthetic)",
        ),
        Vector(
            at=ZONE,
            frame="80",
            expected={},
            facts={"tz_15min": -128},
            source="Bluetooth SIG, GATT Specification Supplement, Time Zone",
        ),
        Vector(
            at=ZONE,
            frame="39",
            expected=None,
            source="Bluetooth SIG, GATT Specification Supplement, Time Zone",
            note="beyond the last zone, 14 hours ahead",
        ),
        Vector(
            at=DAYLIGHT_SAVING,
            frame="04",
            expected={},
            facts={"dst": 4},
            source=_NORDIC + "DSTOffsetDataCallbackTest.java",
        ),
        Vector(
            at=DAYLIGHT_SAVING,
            frame="11",
            expected=None,
            source=_NORDIC + "DSTOffsetDataCallbackTest.java",
        ),
    ),
)
