"""Continuous glucose monitoring profile: measurements (2AA7), what the sensor can do (2AA8), its
status (2AA9), when the session started (2AAA) and how long it may run (2AAB).

Layouts, little-endian; [crc] is the E2E-CRC u16 of all bytes before it, where the sensor has it.
2AA7: one or more records of size u8 (itself counted), flags u8 (0 trend, 1 quality, 5 warning
octet, 6 calibration octet, 7 status octet), glucose SFLOAT mg/dL, offset u16 min, [the octets
status, calibration, warning], [trend SFLOAT mg/dL/min], [quality SFLOAT %], [crc].
2AA8: features u24, type low and place high nibble, crc (FFFF where the sensor has none).
2AA9: offset u16 min, status u24, [crc].
2AAA: date time 7, zone s8 and daylight saving u8 in quarters of an hour (-128 and 255 unknown),
[crc]. 2AAB: hours u16, [crc].

A record counts minutes from the session's start, which 2AAA tells: known["start"], "tz_15min" and
"dst" are its facts. Without them a record's time is not certain. What comes with a wrong CRC is
not read: it is told as `unread` with its bytes, beside the good records of the same frame and the
fact `crc_ok`.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

from devices import wall_clock
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
from devices.facts import fields_of, from_plain, plain, told, value_of
from devices.fields import Cursor, Special, to_sfloat, u16, u24
from devices.model import (
    CharacteristicValue,
    Decoded,
    Event,
    Fact,
    Measurement,
    Quality,
    Raw,
    Unread,
)
from devices.units import convert

RECORDS, FEATURE, STATUS, START, RUN_TIME = "2AA7", "2AA8", "2AA9", "2AAA", "2AAB"
TREND, QUALITY = 0x01, 0x02
OCTETS = ((0x80, 0), (0x40, 8), (0x20, 16))
"""Flag of each octet of the status in their order, and where in the 24 bits it belongs."""
CRC_BYTES = 2
CRC_SUPPORTED = 0x1000
NO_CRC = 0xFFFF
UNKNOWN_ZONE, UNKNOWN_DAYLIGHT_SAVING = -128, 255
WRONG_CRC = "its E2E-CRC is wrong: it was changed on its way"

# Bluetooth SIG, Continuous Glucose Monitoring Service 1.0.2, section 3.1.1.5.
BATTERY_LOW, STATUS_OCTET = 0x000002, 0x0000FF
BEYOND = (
    ("glucose_above_range", 0x800000, Special.INFINITY),
    ("glucose_below_range", 0x400000, Special.NEGATIVE_INFINITY),
)
"""Event, its bit in the status, and the SFLOAT that says it where there is no status."""
STATUS_BITS = (
    (0x000004 | 0x000008 | 0x000020, Quality.DEVICE_FAULT),
    (0x000100, Quality.TIME_UNCERTAIN),
    (0x000800, Quality.NOT_CALIBRATED),
    (0x001000 | 0x002000, Quality.TOO_HOT_OR_COLD),
)


def crc(content: bytes) -> int:
    """The E2E-CRC: CCITT polynomial 0x1021, bits reflected (0x8408), start FFFF, not inverted."""
    register = 0xFFFF
    for byte in content:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ 0x8408 if register & 1 else register >> 1
    return register


def decode(raw: Raw, known: Known) -> Decoded:
    heard = value_of(raw, "a continuous glucose characteristic")
    at = assigned_number(heard.characteristic)
    if at == RECORDS:
        return _records(heard, known)
    size, read = LAYOUTS.get(at, LAYOUTS[STATUS])
    frame = Cursor(heard.value)
    content = frame.take(size)
    told_crc = frame.u16() if at == FEATURE or frame.left else None
    frame.finish()
    if at == FEATURE and not int.from_bytes(content[:3], "little") & CRC_SUPPORTED:
        if told_crc != NO_CRC:
            raise DecodeError("a sensor without E2E-CRC says FFFF in its place", heard.value)
        told_crc = None
    if told_crc is not None and told_crc != crc(content):
        facts = told(heard.address, {"crc_ok": False})
        return Decoded(facts=facts, unread=(Unread(WRONG_CRC, heard.value),))
    fields = read(Cursor(content), heard.value)
    if told_crc is not None:
        fields["crc_ok"] = True
    return Decoded(facts=told(heard.address, fields))


def _feature(frame: Cursor, whole: bytes) -> dict[str, Any]:
    features, kind = frame.u24(), frame.u8()
    return {"features": features, "type": kind & 0x0F, "location": kind >> 4}


def _status(frame: Cursor, whole: bytes) -> dict[str, Any]:
    return {"time_offset_min": frame.u16(), "status": frame.u24()}


def _start(frame: Cursor, whole: bytes) -> dict[str, Any]:
    return {
        "start": wall_clock.read(frame, whole),
        "tz_15min": frame.s8(),
        "dst": frame.u8(),
    }


def _run_time(frame: Cursor, whole: bytes) -> dict[str, Any]:
    return {"run_time_h": frame.u16()}


LAYOUTS = {
    FEATURE: (4, _feature),
    STATUS: (5, _status),
    START: (9, _start),
    RUN_TIME: (2, _run_time),
}
"""Bytes before the CRC, and how they are read."""


def _records(heard: CharacteristicValue, known: Known) -> Decoded:
    frame = Cursor(heard.value)
    start = session_start(known)
    measurements: list[Measurement] = []
    events: list[Event] = []
    records: list[dict[str, object]] = []
    crcs: list[bool] = []
    unread: list[Unread] = []
    if not heard.value:
        raise DecodeError("no record", heard.value)
    while frame.left:
        at = len(heard.value) - frame.left
        record, crc_ok = _record(frame, heard.value)
        if crc_ok is not None:
            crcs.append(crc_ok)
        if record is None:
            unread.append(Unread(WRONG_CRC, heard.value[at : len(heard.value) - frame.left]))
            continue
        records.append(record)
        taken_at = wall_clock.later(start, int(record["time_offset_min"]))
        events += _events(heard.address, record, taken_at)
        measurements += _measurements(heard.address, record, taken_at)
    fields: dict[str, object] = {"records": records} if records else {}
    if crcs:
        fields["crc_ok"] = all(crcs)
    facts = told(heard.address, fields)
    return Decoded(tuple(measurements), tuple(events), facts, tuple(unread))


def _record(frame: Cursor, whole: bytes) -> tuple[dict[str, Any] | None, bool | None]:
    """The fields of one record, None where its CRC is wrong; and whether its CRC is right."""
    at = len(whole) - frame.left
    size, flags = frame.u8(), frame.u8()
    record: dict[str, Any] = {
        "glucose_mg_dl": plain(frame.sfloat()),
        "time_offset_min": frame.u16(),
    }
    octets = [frame.u8() << shift for flag, shift in OCTETS if flags & flag]
    if octets:
        record["status"] = sum(octets)
    if flags & TREND:
        record["trend_mg_dl_min"] = plain(frame.sfloat())
    if flags & QUALITY:
        record["quality_pct"] = plain(frame.sfloat())
    end = len(whole) - frame.left
    if at + size == end:
        return record, None
    if at + size != end + CRC_BYTES:
        raise DecodeError(f"a record of {size} bytes, whose flags promise {end - at}", whole)
    crc_ok = crc(whole[at:end]) == frame.u16()
    return record if crc_ok else None, crc_ok


def session_start(known: Known) -> datetime | None:
    """When the session began, by the facts of 2AAA; naive where the sensor knows no zone."""
    start = wall_clock.moment(known.get("start"))
    zone, saving = known.get("tz_15min"), known.get("dst")
    if start is None or not isinstance(zone, int) or not isinstance(saving, int):
        return start
    if zone == UNKNOWN_ZONE or saving == UNKNOWN_DAYLIGHT_SAVING:
        return start
    try:
        return start.replace(tzinfo=timezone(timedelta(minutes=15 * (zone + saving))))
    except ValueError:
        return start


def _events(device: str, record: Mapping[str, Any], taken_at: datetime | None) -> list[Event]:
    return [
        Event(device=device, event=event, key=str(record["time_offset_min"]), taken_at=taken_at)
        for event, bit, special in BEYOND
        if record.get("status", 0) & bit or record["glucose_mg_dl"] == plain(special)
    ]


def _measurements(
    device: str, record: Mapping[str, Any], taken_at: datetime | None
) -> list[Measurement]:
    status = record.get("status", 0)
    quality = [flag for bits, flag in STATUS_BITS if status & bits]
    if taken_at is None and Quality.TIME_UNCERTAIN not in quality:
        quality.append(Quality.TIME_UNCERTAIN)
    beyond = bool(_events(device, record, taken_at))
    glucose = record["glucose_mg_dl"]
    values = [
        ("sensor_glucose", None if beyond or glucose == 0.0 else glucose, "mg/dL", quality),
        ("sensor_glucose_trend", record.get("trend_mg_dl_min"), "mg/dL/min", quality),
    ]
    if status & STATUS_OCTET:
        values.append(("battery_low", 1.0 if status & BATTERY_LOW else 0.0, "1", []))
    return [
        Measurement(
            device=device,
            metric=metric,
            value=value,
            unit=unit,
            taken_at=taken_at,
            quality=tuple(flags),
        )
        for metric, value, unit, flags in values
        if isinstance(value, float)
    ]


def encode(
    *,
    measurements: Sequence[Measurement] = (),
    events: Sequence[Event] = (),
    facts: Sequence[Fact] = (),
    known: Known = NOTHING_KNOWN,
) -> bytes:
    """The bytes of the facts, for the characteristic known["at"]; else of 2AA7.

    2AA7 has the records of the fact `records`, else one for each `sensor_glucose`, counted from
    `session_start(known)`. The fact `crc_ok`: with the E2E-CRC, or with a wrong one where it is
    false; then what else is not told is zeros.
    """
    fields = fields_of(facts)
    at = str(known.get("at", RECORDS))
    crc_ok: bool | None = fields.get("crc_ok")
    if at == RECORDS:
        records = fields.get("records") or [_said(item, known) for item in _glucose(measurements)]
        if not records and crc_ok is False:
            records = [{"glucose_mg_dl": 0.0, "time_offset_min": 0}]
        if not records:
            raise ValueError("2AA7 says nothing without a record or a `sensor_glucose`")
        return b"".join(_record_bytes(record, crc_ok) for record in records)
    needed, write = WRITERS[at]
    if set(needed) <= fields.keys():
        content = write(fields)
    elif crc_ok is False:
        content = u24(CRC_SUPPORTED) + bytes(1) if at == FEATURE else bytes(LAYOUTS[at][0])
    else:
        raise ValueError(f"{at} needs the facts {', '.join(needed)}")
    return content + (u16(NO_CRC) if at == FEATURE and crc_ok is None else _crc(content, crc_ok))


def _crc(content: bytes, crc_ok: bool | None) -> bytes:
    if crc_ok is None:
        return b""
    return u16(crc(content) if crc_ok else crc(content) ^ 1)


def _feature_bytes(fields: Mapping[str, Any]) -> bytes:
    return u24(fields["features"]) + bytes((fields["location"] << 4 | fields["type"],))


def _status_bytes(fields: Mapping[str, Any]) -> bytes:
    return u16(fields["time_offset_min"]) + u24(fields["status"])


def _start_bytes(fields: Mapping[str, Any]) -> bytes:
    zone: int = fields["tz_15min"]
    date = wall_clock.write(fields["start"])
    return date + zone.to_bytes(1, "little", signed=True) + bytes((fields["dst"],))


def _run_time_bytes(fields: Mapping[str, Any]) -> bytes:
    return u16(fields["run_time_h"])


WRITERS = {
    FEATURE: (("features", "type", "location"), _feature_bytes),
    STATUS: (("time_offset_min", "status"), _status_bytes),
    START: (("start", "tz_15min", "dst"), _start_bytes),
    RUN_TIME: (("run_time_h",), _run_time_bytes),
}
"""The facts that each needs, and how they are written."""


def _glucose(measurements: Sequence[Measurement]) -> list[Measurement]:
    return [item for item in measurements if item.metric == "sensor_glucose"]


def _said(item: Measurement, known: Known) -> dict[str, Any]:
    start = session_start(known)
    minutes = 0
    if start and item.taken_at and (start.tzinfo is None) == (item.taken_at.tzinfo is None):
        minutes = round((item.taken_at - start) / timedelta(minutes=1))
    mg_dl = convert(item.metric, item.value, item.unit, "mg/dL")
    return {"glucose_mg_dl": round(mg_dl, 1), "time_offset_min": minutes}


def _record_bytes(record: Mapping[str, Any], crc_ok: bool | None) -> bytes:
    flags = 0
    body = u16(to_sfloat(from_plain(record["glucose_mg_dl"]))) + u16(record["time_offset_min"])
    for flag, shift in OCTETS:
        octet = record.get("status", 0) >> shift & 0xFF
        if octet:
            flags |= flag
            body += bytes((octet,))
    for flag, name in ((TREND, "trend_mg_dl_min"), (QUALITY, "quality_pct")):
        if name in record:
            flags |= flag
            body += u16(to_sfloat(from_plain(record[name])))
    size = 2 + len(body) + (0 if crc_ok is None else CRC_BYTES)
    content = bytes((size, flags)) + body
    return content + _crc(content, crc_ok)


_NORDIC = (
    "NordicSemiconductor/Android-BLE-Common-Library@c078e25 "
    "ble-common/src/test/java/no/nordicsemi/android/ble/common/callback/cgm/"
)
_RECORD_TEST = (
    _NORDIC + "ContinuousGlucoseMeasurementDataCallbackTest.java "
    "(bytes put together from its setValue calls)"
)
_FEATURE_TEST = _NORDIC + "CGMFeatureDataCallbackTest.java"
_STATUS_TEST = _NORDIC + "CGMStatusDataCallbackTest.java"
_START_TEST = _NORDIC + "CGMSessionStartTimeDataCallbackTest.java"
_RUN_TIME_TEST = _NORDIC + "CGMSessionRunTimeDataCallbackTest.java"
_NOT_READ = {"crc_ok": False}

DEVICE = Device(
    key="gatt.cgm",
    title="Continuous glucose sensor (Bluetooth continuous glucose monitoring profile)",
    known_by=KnownBy.SPECIFICATION,
    sources=(
        "Bluetooth SIG, Continuous Glucose Monitoring Service 1.0.2, sections 3.1 to 3.5 and 3.11",
    ),
    claims=tuple(
        Claim(characteristic=name) for name in (RECORDS, FEATURE, STATUS, START, RUN_TIME)
    ),
    metrics=("sensor_glucose", "sensor_glucose_trend", "battery_low"),
    events=("glucose_above_range", "glucose_below_range"),
    decode=decode,
    encode=encode,
    gatt=Gatt(
        service="181F",
        subscribe=(RECORDS,),
        reads=(FEATURE, START),
        records="2A52",
        counts_from=START,
    ),
    vectors=(
        Vector(
            at=RECORDS,
            frame="06000c100600",
            expected={"sensor_glucose": (120.0, "mg/dL"), "quality": ["time-uncertain"]},
            facts={"records": [{"glucose_mg_dl": 120.0, "time_offset_min": 6}]},
            source=_RECORD_TEST,
            lossless=False,
            note="written as 12 x 10",
        ),
        Vector(
            at=RECORDS,
            frame="06000c10050006000c100600",
            expected={
                "sensor_glucose": [(120.0, "mg/dL"), (120.0, "mg/dL")],
                "taken_at": "2018-04-24T13:13:24+03:00",
            },
            facts={
                "records": [
                    {"glucose_mg_dl": 120.0, "time_offset_min": 5},
                    {"glucose_mg_dl": 120.0, "time_offset_min": 6},
                ]
            },
            known={"start": "2018-04-24T13:08:24", "tz_15min": 8, "dst": 4},
            source=_RECORD_TEST,
            lossless=False,
            note="written as 12 x 10; the start is that of its own test of 2AAA",
            open_ended=True,
        ),
        Vector(
            at=RECORDS,
            frame="0fe3d2e405000214ff02f0e5f38e3f",
            expected={
                "sensor_glucose_trend": (0.2, "mg/dL/min"),
                "battery_low": (1.0, "1"),
                "glucose_above_range": None,
                "glucose_below_range": None,
                "quality": ["too-hot-or-cold", "time-uncertain"],
            },
            facts={
                "records": [
                    {
                        "glucose_mg_dl": 12.34,
                        "time_offset_min": 5,
                        "status": 0xFF1402,
                        "trend_mg_dl_min": 0.2,
                        "quality_pct": 99.7,
                    }
                ],
                "crc_ok": True,
            },
            source=_RECORD_TEST,
            note="with all warnings set: a value below and above what the sensor measures is none",
        ),
        Vector(
            at=RECORDS,
            frame="08000c100600586f",
            expected={},
            facts=_NOT_READ,
            source=_RECORD_TEST,
            lossless=False,
            note="a wrong CRC",
        ),
        Vector(
            at=RECORDS,
            frame="06e30c1006",
            expected=None,
            source=_RECORD_TEST,
        ),
        Vector(
            at=RECORDS,
            frame="07e30c10060000",
            expected=None,
            source=_RECORD_TEST,
            note="its flags promise more than its size",
        ),
        Vector(
            at=FEATURE,
            frame="6e9e01168ac1",
            expected={},
            facts={"features": 106_094, "type": 6, "location": 1, "crc_ok": True},
            source=_FEATURE_TEST,
        ),
        Vector(
            at=FEATURE,
            frame="6e8e0116ffff",
            expected={},
            facts={"features": 101_998, "type": 6, "location": 1},
            source=_FEATURE_TEST,
        ),
        Vector(
            at=FEATURE,
            frame="6e9e0116afbe",
            expected={},
            facts=_NOT_READ,
            source=_FEATURE_TEST,
            lossless=False,
            note="a wrong CRC",
        ),
        Vector(
            at=FEATURE,
            frame="6e8e0116afbe",
            expected=None,
            source=_FEATURE_TEST,
            note="a CRC of a sensor that has none",
        ),
        Vector(at=FEATURE, frame="6e9e0116", expected=None, source=_FEATURE_TEST),
        Vector(
            at=STATUS,
            frame="05003f3fffa7e0",
            expected={},
            facts={"time_offset_min": 5, "status": 16_727_871, "crc_ok": True},
            source=_STATUS_TEST,
            open_ended=True,
        ),
        Vector(
            at=STATUS,
            frame="0600010101",
            expected={},
            facts={"time_offset_min": 6, "status": 0x010101},
            source=_STATUS_TEST,
        ),
        Vector(
            at=STATUS,
            frame="0600010101a7e0",
            expected={},
            facts=_NOT_READ,
            source=_STATUS_TEST,
            lossless=False,
            note="a wrong CRC",
            open_ended=True,
        ),
        Vector(at=STATUS, frame="060001010101", expected=None, source=_STATUS_TEST),
        Vector(
            at=START,
            frame="e20704180d08180804e0c2",
            expected={},
            facts={"start": "2018-04-24T13:08:24", "tz_15min": 8, "dst": 4, "crc_ok": True},
            source=_START_TEST,
            open_ended=True,
        ),
        Vector(
            at=START,
            frame="000004180d08180802",
            expected={},
            facts={"start": "0000-04-24T13:08:24", "tz_15min": 8, "dst": 2},
            source=_START_TEST,
        ),
        Vector(
            at=START,
            frame="e20704180d08180804e0c3",
            expected={},
            facts=_NOT_READ,
            source=_START_TEST,
            lossless=False,
            note="a wrong CRC",
            open_ended=True,
        ),
        Vector(at=START, frame="e20704180d08180804e0", expected=None, source=_START_TEST),
        Vector(
            at=RUN_TIME,
            frame="020008c3",
            expected={},
            facts={"run_time_h": 2, "crc_ok": True},
            source=_RUN_TIME_TEST,
            open_ended=True,
        ),
        Vector(
            at=RUN_TIME,
            frame="0200",
            expected={},
            facts={"run_time_h": 2},
            source=_RUN_TIME_TEST,
        ),
        Vector(
            at=RUN_TIME,
            frame="020009c3",
            expected={},
            facts=_NOT_READ,
            source=_RUN_TIME_TEST,
            lossless=False,
            note="a wrong CRC",
            open_ended=True,
        ),
        Vector(at=RUN_TIME, frame="020001", expected=None, source=_RUN_TIME_TEST),
    ),
)
