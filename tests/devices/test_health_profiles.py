"""What the health profiles leave open, and what must not pass for a measurement."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.catalog import cgm, current_time, record_access, user_data
from devices.catalog.record_access import Op, Operator
from devices.codec import DecodeError, Device
from devices.model import (
    CharacteristicValue,
    Decoded,
    Event,
    Fact,
    Measurement,
    Quality,
    Unread,
)
from devices.registry import match

ADDRESS = "A4:C1:38:00:00:01"
AT = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)
NOON = datetime(2026, 3, 2, 12, 0)


def device_of(characteristic: str) -> Device:
    device = match(value(characteristic, b""))
    assert device is not None
    return device


def value(characteristic: str, frame: bytes, at: datetime = AT) -> CharacteristicValue:
    return CharacteristicValue(
        address=ADDRESS, characteristic=characteristic, value=frame, received_at=at
    )


def decode(
    characteristic: str,
    frame: str | bytes,
    known: Mapping[str, object] | None = None,
    at: datetime = AT,
) -> Decoded:
    content = bytes.fromhex(frame) if isinstance(frame, str) else frame
    return device_of(characteristic).decode(value(characteristic, content, at), known or {})


def values(decoded: Decoded) -> dict[str, float]:
    return {item.metric: item.value for item in decoded.measurements}


def facts(decoded: Decoded) -> dict[str, Any]:
    return {fact.name: fact.value for fact in decoded.facts}


def encode(characteristic: str, decoded: Decoded) -> bytes:
    return device_of(characteristic).encode(
        measurements=decoded.measurements,
        events=decoded.events,
        facts=decoded.facts,
        known={"at": characteristic},
    )


def reading(metric: str, amount: float, unit: str, **more: Any) -> Measurement:
    return Measurement(device=ADDRESS, metric=metric, value=amount, unit=unit, **more)


@pytest.mark.parametrize(
    ("characteristic", "frame"),
    [
        pytest.param("2A1C", "006c0100ff", id="thermometer"),
        pytest.param("2A1E", "006c0100ff", id="thermometer-rising"),
        pytest.param("2A37", "0055", id="heart-rate"),
        pytest.param("2A18", "000100e307021b0b0a1e", id="glucose"),
        pytest.param("2A34", "000100", id="glucose-context"),
        pytest.param("2AA7", "060078000600", id="continuous-glucose"),
        pytest.param("2A9C", "0000c800", id="body-composition"),
        pytest.param("2A60", "0000", id="oximeter-features"),
    ],
)
def test_a_flag_that_promises_a_field_that_is_not_there_is_refused(
    characteristic: str, frame: str
) -> None:
    whole = bytes.fromhex(frame)
    decode(characteristic, whole)
    promising = {
        "2A1C": ((0, 0x02), (0, 0x04)),
        "2A1E": ((0, 0x02), (0, 0x04)),
        "2A37": ((0, 0x01), (0, 0x08), (0, 0x10)),
        "2A18": ((0, 0x01), (0, 0x02), (0, 0x08)),
        "2A34": ((0, 0x01), (0, 0x02), (0, 0x04), (0, 0x08), (0, 0x10), (0, 0x40), (0, 0x80)),
        "2AA7": ((1, 0x01), (1, 0x02), (1, 0x20), (1, 0x40), (1, 0x80)),
        "2A9C": (*((0, 1 << bit) for bit in range(1, 8)), *((1, 1 << bit) for bit in range(4))),
        "2A60": ((0, 0x01), (0, 0x02)),
    }[characteristic]
    for at, bit in promising:
        changed = bytearray(whole)
        changed[at] |= bit
        with pytest.raises(DecodeError) as refused:
            decode(characteristic, bytes(changed))
        assert refused.value.raw == bytes(changed)


# Thermometer


@pytest.mark.parametrize(
    "special",
    ["ffff7f00", "00008000", "feff7f00", "02008000", "01008000"],
    ids=["nan", "not-at-this-resolution", "infinity", "negative-infinity", "reserved"],
)
def test_a_thermometer_s_special_is_never_a_temperature(special: str) -> None:
    with pytest.raises(DecodeError, match="failed"):
        decode("2A1C", "00" + special)
    assert decode("2A1E", "00" + special) == Decoded()


def test_a_temperature_in_fahrenheit_stays_in_the_thermometer_s_own_unit() -> None:
    (measured,) = decode("2A1C", "01da0300ff").measurements
    assert (measured.value, measured.unit) == (98.6, "[degF]")
    assert encode("2A1C", decode("2A1C", "01da0300ff")).hex() == "01da0300ff"


def test_a_temperature_that_still_rises_says_so() -> None:
    (measured,) = decode("2A1E", "006c0100ff").measurements
    assert measured.quality == (Quality.STILL_MEASURING,)


def test_a_thermometer_that_fails_to_measure_can_be_played() -> None:
    with pytest.raises(DecodeError, match="failed"):
        decode("2A1C", device_of("2A1C").encode())


def test_a_site_that_the_specification_does_not_name_is_told_by_its_number() -> None:
    assert facts(decode("2A1D", "0c")) == {"type": 12}


# Heart rate


@pytest.mark.parametrize(
    ("frame", "contact", "quality"),
    [
        pytest.param("0048", None, (), id="not-watched"),
        pytest.param("0248", None, (), id="a-contact-bit-that-nothing-watches"),
        pytest.param("0448", False, (Quality.POOR_SIGNAL,), id="lost"),
        pytest.param("0648", True, (), id="there"),
    ],
)
def test_a_sensor_that_lost_contact_gives_a_poor_signal(
    frame: str, contact: bool | None, quality: tuple[Quality, ...]
) -> None:
    decoded = decode("2A37", frame)
    assert facts(decoded).get("contact_detected") == contact
    assert [item.quality for item in decoded.measurements] == [quality]


def test_a_rate_of_zero_is_no_pulse_of_zero() -> None:
    assert values(decode("2A37", "0000")) == {}
    assert values(decode("2A37", "08003200")) == {"energy_expended": 50.0}


def test_intervals_of_one_frame_end_one_after_the_other_and_the_last_with_the_frame() -> None:
    decoded = decode("2A37", "1048" + "0004" + "0004" + "0002")
    said = [
        (item.value, item.ago_s) for item in decoded.measurements if item.metric != "pulse_rate"
    ]
    assert said == [(1024.0, 1.5), (1024.0, 0.5), (512.0, 0.0)]


@pytest.mark.parametrize("frame", ["1048", "104801", "1048010203"], ids=["none", "half", "a-half"])
def test_rr_intervals_come_in_whole_ones_and_at_least_one(frame: str) -> None:
    with pytest.raises(DecodeError):
        decode("2A37", frame)


# Glucose


def glucose(status: int | None = None, concentration: str = "78b0", kind: str = "12") -> str:
    flags = "02" if status is None else "0a"
    tail = "" if status is None else status.to_bytes(2, "little").hex()
    return f"{flags}0700ea0703020c0000{concentration}{kind}{tail}"


@pytest.mark.parametrize(
    ("bit", "quality"),
    [
        pytest.param(1, Quality.DEVICE_FAULT, id="malfunction"),
        pytest.param(2, Quality.POOR_SAMPLE, id="too-little-blood"),
        pytest.param(3, Quality.POOR_SAMPLE, id="strip-insertion"),
        pytest.param(4, Quality.POOR_SAMPLE, id="strip-type"),
        pytest.param(7, Quality.TOO_HOT_OR_COLD, id="too-hot"),
        pytest.param(8, Quality.TOO_HOT_OR_COLD, id="too-cold"),
        pytest.param(9, Quality.POOR_SAMPLE, id="strip-pulled-too-soon"),
        pytest.param(10, Quality.DEVICE_FAULT, id="general-fault"),
        pytest.param(11, Quality.TIME_UNCERTAIN, id="time-fault"),
    ],
)
def test_a_meter_s_status_becomes_quality(bit: int, quality: Quality) -> None:
    measured = decode("2A18", glucose(1 << bit)).measurements[0]
    assert measured.metric == "blood_glucose"
    assert measured.quality == (quality,)
    assert decode("2A18", encode("2A18", decode("2A18", glucose(1 << bit)))) == decode(
        "2A18", glucose(1 << bit)
    )


@pytest.mark.parametrize(
    ("frame", "event"),
    [
        pytest.param(glucose(0x20), "glucose_above_range", id="hi-by-status"),
        pytest.param(glucose(0x40), "glucose_below_range", id="lo-by-status"),
        pytest.param(glucose(0x20, "ff07"), "glucose_above_range", id="hi-without-a-number"),
        pytest.param(glucose(None, "fe07"), "glucose_above_range", id="hi-by-infinity"),
        pytest.param(glucose(None, "0208"), "glucose_below_range", id="lo-by-infinity"),
        pytest.param("080700ea0703020c00002000", "glucose_above_range", id="hi-without-a-field"),
    ],
)
def test_hi_and_lo_are_events_and_never_numbers(frame: str, event: str) -> None:
    decoded = decode("2A18", frame)
    assert "blood_glucose" not in values(decoded)
    assert decoded.events == (Event(device=ADDRESS, event=event, key="7", taken_at=NOON),)
    assert decode("2A18", encode("2A18", decoded)) == decoded


@pytest.mark.parametrize(
    "concentration",
    ["ff07", "0008", "0108", "0000"],
    ids=["nan", "not-at-this-resolution", "reserved", "zero"],
)
def test_a_record_without_a_number_is_no_measurement_and_tells_its_sequence(
    concentration: str,
) -> None:
    decoded = decode("2A18", glucose(None, concentration))
    assert decoded.measurements == decoded.events == ()
    assert facts(decoded)["sequence"] == 7


@pytest.mark.parametrize("kind", ["1a", "42", "4a"], ids=["by-type", "by-place", "by-both"])
@pytest.mark.parametrize("status", [None, 0x20, 0x40], ids=["number", "hi", "lo"])
def test_control_solution_is_not_the_person(kind: str, status: int | None) -> None:
    decoded = decode("2A18", glucose(status, kind=kind))
    assert "blood_glucose" not in values(decoded)
    assert decoded.events == ()
    assert facts(decoded)["concentration"] == 0.0012


@pytest.mark.parametrize(
    ("offset", "taken_at"),
    [
        pytest.param(0, NOON, id="none"),
        pytest.param(300, NOON + timedelta(hours=5), id="hours-later"),
        pytest.param(-60, NOON - timedelta(hours=1), id="before"),
        pytest.param(0x7FFF, None, id="overrun"),
        pytest.param(-0x8000, None, id="underrun"),
    ],
)
def test_a_measurement_s_time_is_the_base_time_and_its_offset(
    offset: int, taken_at: datetime | None
) -> None:
    frame = "030700ea0703020c0000" + offset.to_bytes(2, "little", signed=True).hex() + "78b012"
    (measured,) = decode("2A18", frame).measurements
    assert measured.taken_at == taken_at
    assert (Quality.TIME_UNCERTAIN in measured.quality) is (taken_at is None)


def test_a_meter_whose_clock_was_never_set_gives_no_time_and_says_so() -> None:
    (measured,) = decode("2A18", "0207000000000000000078b012").measurements
    assert measured.taken_at is None
    assert measured.quality == (Quality.TIME_UNCERTAIN,)


def test_a_time_behind_the_calendar_s_end_is_not_certain() -> None:
    (measured,) = decode("2A18", "0307000f270c1f173b3b6e0078b012").measurements
    assert measured.taken_at is None


@pytest.mark.parametrize(
    ("amount", "unit", "frame"),
    [
        pytest.param(120.0, "mg/dL", "78b0", id="whole-mg-dl"),
        pytest.param(120.5, "mg/dL", "b5a4", id="half-a-mg-dl"),
        pytest.param(8.0, "mmol/L", "50c0", id="tenths-of-mmol-l"),
        pytest.param(6.66, "mmol/L", "9ab2", id="hundredths-of-mmol-l"),
    ],
)
def test_a_meter_is_played_in_the_exponent_that_meters_use(
    amount: float, unit: str, frame: str
) -> None:
    measured = reading("blood_glucose", amount, unit, taken_at=NOON)
    played = device_of("2A18").encode(measurements=[measured])
    assert played.hex() == ("02" if unit == "mg/dL" else "06") + "0000ea0703020c0000" + frame + "12"
    assert decode("2A18", played).measurements == (measured,)


def test_glucose_in_no_unit_of_the_profile_is_refused() -> None:
    with pytest.raises(ValueError, match="mg/dL"):
        device_of("2A18").encode(measurements=[reading("blood_glucose", 6.2, "g/L")])


# Glucose, what the person noted

WHOLE_CONTEXT = "df0700000341e00212b0043c0402d03cf0"


def test_all_that_a_person_noted_is_told() -> None:
    decoded = decode("2A34", WHOLE_CONTEXT)
    assert facts(decoded) == {
        "sequence": 7,
        "extended_flags": 0,
        "carbohydrate": 3,
        "carbohydrate_kg": 0.65,
        "meal": 2,
        "tester": 2,
        "health": 1,
        "exercise_duration_s": 1200,
        "exercise_intensity_pct": 60,
        "medication": 4,
        "medication_kg": 0.002,
        "hba1c_pct": 6.0,
        "carbohydrate_words": "dinner",
        "meal_words": "after a meal",
        "medication_words": "long acting insulin",
    }
    assert decode("2A34", encode("2A34", decoded)) == decoded


def test_medicine_in_litres_is_told_in_litres() -> None:
    told = facts(decode("2A34", "30070001" + "05d0"))
    assert told["medication_l"] == 0.005
    assert "medication_kg" not in told


def test_padding_is_passed_over_and_anything_else_behind_is_refused() -> None:
    assert facts(decode("2A34", "00070000000000")) == {"sequence": 7}
    with pytest.raises(DecodeError, match="no padding"):
        decode("2A34", "00070000000100")


# Continuous glucose

START = {"start": "2026-03-02T06:00:00", "tz_15min": 4, "dst": 0}


@pytest.mark.parametrize(
    ("content", "code"),
    [
        pytest.param(b"123456789", 0x6F91, id="check-value-of-crc-16-mcrf4xx"),
        pytest.param(
            bytes.fromhex("3e010203040506070809"), 0x2F01, id="specification-1.0.1-section-3.11"
        ),
    ],
)
def test_the_e2e_crc_is_that_of_the_specification(content: bytes, code: int) -> None:
    assert cgm.crc(content) == code


SECURED = {
    "2AA7": "0fe3d2e405000214ff02f0e5f38e3f",
    "2AA8": "6e9e01168ac1",
    "2AA9": "05003f3fffa7e0",
    "2AAA": "e20704180d08180804e0c2",
    "2AAB": "020008c3",
}


@pytest.mark.parametrize("characteristic", SECURED)
@given(data=st.data())
def test_a_damaged_bit_is_never_read(characteristic: str, data: st.DataObject) -> None:
    whole = bytearray.fromhex(SECURED[characteristic])
    bit = data.draw(st.integers(0, 8 * len(whole) - 1))
    whole[bit // 8] ^= 1 << bit % 8
    try:
        decoded = decode(characteristic, bytes(whole))
    except DecodeError:
        return
    assert decoded == Decoded(
        facts=(Fact(device=ADDRESS, name="crc_ok", value=False),),
        unread=(Unread(cgm.WRONG_CRC, bytes(whole)),),
    )


def test_of_several_records_the_damaged_one_is_left_out() -> None:
    whole = bytearray.fromhex("080078000500") + b"\0\0" + bytes.fromhex("080079000600") + b"\0\0"
    for at in (0, 8):
        whole[at + 6 : at + 8] = cgm.crc(bytes(whole[at : at + 6])).to_bytes(2, "little")
    both = decode("2AA7", bytes(whole))
    whole[2] ^= 1
    one = decode("2AA7", bytes(whole))
    assert [item.value for item in both.measurements] == [120.0, 121.0]
    assert [item.value for item in one.measurements] == [121.0]
    assert facts(both)["crc_ok"] is True
    assert facts(one)["crc_ok"] is False


def test_a_record_s_minutes_count_from_the_session_s_start_in_its_zone() -> None:
    (measured,) = decode("2AA7", "060078005a00", START).measurements
    assert measured.taken_at == datetime(2026, 3, 2, 6, 30, tzinfo=UTC)
    assert measured.quality == ()


@pytest.mark.parametrize(
    "known",
    [
        pytest.param(START | {"tz_15min": -128}, id="zone-unknown"),
        pytest.param(START | {"dst": 255}, id="daylight-saving-unknown"),
        pytest.param(START | {"tz_15min": 120}, id="a-zone-of-more-than-a-day"),
        pytest.param({"start": START["start"]}, id="only-a-start"),
    ],
)
def test_a_session_without_its_zone_is_on_the_wall_clock(known: dict[str, object]) -> None:
    (measured,) = decode("2AA7", "060078005a00", known).measurements
    assert measured.taken_at == datetime(2026, 3, 2, 7, 30)


@pytest.mark.parametrize(
    "known",
    [
        pytest.param({}, id="not-heard"),
        pytest.param(START | {"start": "0000-04-24T13:08:24"}, id="no-year"),
        pytest.param(START | {"start": 7}, id="no-text"),
        pytest.param(START | {"start": "2026-13-02T06:00:00"}, id="no-such-month"),
    ],
)
def test_a_record_of_a_session_whose_start_is_unknown_has_no_certain_time(
    known: dict[str, object],
) -> None:
    (measured,) = decode("2AA7", "060078005a00", known).measurements
    assert measured.taken_at is None
    assert measured.quality == (Quality.TIME_UNCERTAIN,)


@pytest.mark.parametrize(
    ("octet", "bit", "quality"),
    [
        pytest.param(0x80, 2, Quality.DEVICE_FAULT, id="wrong-sensor-type"),
        pytest.param(0x80, 3, Quality.DEVICE_FAULT, id="sensor-malfunction"),
        pytest.param(0x80, 5, Quality.DEVICE_FAULT, id="general-fault"),
        pytest.param(0x40, 0, Quality.TIME_UNCERTAIN, id="clock-to-be-set"),
        pytest.param(0x40, 3, Quality.NOT_CALIBRATED, id="calibration-required"),
        pytest.param(0x40, 4, Quality.TOO_HOT_OR_COLD, id="too-hot"),
        pytest.param(0x40, 5, Quality.TOO_HOT_OR_COLD, id="too-cold"),
    ],
)
def test_a_sensor_s_status_becomes_quality(octet: int, bit: int, quality: Quality) -> None:
    frame = bytes((7, octet)) + bytes.fromhex("78000500") + bytes((1 << bit,))
    assert decode("2AA7", frame, START).measurements[0].quality == (quality,)


@pytest.mark.parametrize(
    ("frame", "event"),
    [
        pytest.param("07207800050080", "glucose_above_range", id="hi-by-status"),
        pytest.param("07202800050040", "glucose_below_range", id="lo-by-status"),
        pytest.param("0600fe070500", "glucose_above_range", id="hi-by-infinity"),
        pytest.param("060002080500", "glucose_below_range", id="lo-by-infinity"),
    ],
)
def test_a_sensor_s_hi_and_lo_are_events_and_never_numbers(frame: str, event: str) -> None:
    decoded = decode("2AA7", frame, START)
    assert [item.event for item in decoded.events] == [event]
    assert decoded.measurements == ()


@pytest.mark.parametrize("concentration", ["ff07", "0008", "0108", "0000"])
def test_a_sensor_s_special_or_zero_is_never_a_glucose(concentration: str) -> None:
    assert decode("2AA7", f"0600{concentration}0500", START).measurements == ()


def test_a_steady_trend_is_a_trend_of_zero() -> None:
    assert values(decode("2AA7", "0801780005000000", START))["sensor_glucose_trend"] == 0.0


def test_a_sensor_is_played_from_measurements_alone() -> None:
    taken_at = datetime(2026, 3, 2, 6, 30, tzinfo=UTC)
    said = reading("sensor_glucose", 6.7, "mmol/L", taken_at=taken_at)
    frame = device_of("2AA7").encode(measurements=[said], known=START)
    (measured,) = decode("2AA7", frame, START).measurements
    assert (measured.value, measured.unit, measured.taken_at) == (120.7, "mg/dL", taken_at)


@pytest.mark.parametrize("characteristic", SECURED)
def test_a_sensor_whose_frames_are_damaged_can_be_played(characteristic: str) -> None:
    damaged = device_of(characteristic).encode(
        facts=[Fact(device=ADDRESS, name="crc_ok", value=False)], known={"at": characteristic}
    )
    assert facts(decode(characteristic, damaged)) == {"crc_ok": False}


# Body composition

FIRST = "0610c800ea0703020c000001"
SECOND = "0014ffff803e"


def both_packets(seconds: float, first: str = FIRST) -> Measurement:
    known = facts(decode("2A9C", first))
    return decode("2A9C", SECOND, known, AT + timedelta(seconds=seconds)).measurements[0]


def test_the_second_packet_has_the_time_and_the_user_of_the_first() -> None:
    (fat,) = decode("2A9C", FIRST).measurements
    weight = both_packets(seconds=1)
    assert (fat.metric, fat.value) == ("body_fat", 20.0)
    assert (weight.metric, weight.value) == ("body_weight", 80.0)
    assert (weight.taken_at, weight.user) == (fat.taken_at, fat.user) == (NOON, 1)


@pytest.mark.parametrize("seconds", [-1, 31, 86_400], ids=["earlier", "late", "a-day-later"])
def test_a_packet_that_does_not_follow_at_once_is_of_another_measurement(seconds: float) -> None:
    weight = both_packets(seconds)
    assert (weight.taken_at, weight.user) == (None, None)


def test_the_first_packet_is_forgotten_when_the_second_came() -> None:
    known = facts(decode("2A9C", FIRST))
    known |= facts(decode("2A9C", SECOND, known))
    assert known == {"first_packet": None}
    assert decode("2A9C", SECOND, known).measurements[0].taken_at is None


@pytest.mark.parametrize(
    "remembered",
    [
        None, 7, "x", {}, {"heard_at": "yesterday"},
        {"heard_at": "2026-03-02T07:00:00", "taken_at": None, "user": 1},
    ],
    ids=["nothing", "a-number", "a-text", "empty", "no-time", "no-zone"],
)  # fmt: skip
def test_what_is_remembered_of_a_first_packet_may_be_anything(remembered: object) -> None:
    weight = decode("2A9C", SECOND, {"first_packet": remembered}).measurements[0]
    assert (weight.taken_at, weight.user) == (None, None)


def test_both_packets_are_written_as_they_were() -> None:
    first = decode("2A9C", FIRST)
    second = decode("2A9C", SECOND, facts(first))
    assert encode("2A9C", first).hex() == FIRST
    assert encode("2A9C", second).hex() == SECOND


@pytest.mark.parametrize("empty", ["0000", "ffff"], ids=["zero", "failed"])
def test_an_empty_or_failed_field_is_no_measurement(empty: str) -> None:
    assert values(decode("2A9C", f"1006{empty}{empty}{empty}803e")) == {"body_weight": 80.0}


def test_a_scale_that_fails_to_measure_can_be_played() -> None:
    with pytest.raises(DecodeError, match="failed"):
        decode("2A9C", device_of("2A9C").encode())


@pytest.mark.parametrize(("user", "expected"), [("ff", None), ("00", 0), ("02", 2)])
def test_a_scale_s_unknown_user_is_none(user: str, expected: int | None) -> None:
    assert decode("2A9C", "0400c800" + user).measurements[0].user == expected


# Record access


@pytest.mark.parametrize(
    ("written", "frame"),
    [
        pytest.param(record_access.all_records(), "0101", id="all"),
        pytest.param(record_access.records_from(45), "0103012d00", id="what-is-new"),
        pytest.param(record_access.abort(), "0300", id="abort"),
        pytest.param(record_access.request(Op.COUNT, Operator.ALL), "0401", id="count"),
        pytest.param(record_access.request(Op.REPORT, Operator.LAST), "0106", id="the-last"),
        pytest.param(
            record_access.request(Op.DELETE, Operator.UP_TO, 41), "0202012900", id="delete-up-to"
        ),
        pytest.param(
            record_access.request(Op.REPORT, Operator.RANGE, 12, 412),
            "0104010c009c01",
            id="a-range",
        ),
    ],
)
def test_a_request_is_written_as_the_profile_has_it_and_is_understood(
    written: bytes, frame: str
) -> None:
    assert written.hex() == frame
    assert encode("2A52", decode("2A52", written)) == written


@pytest.mark.parametrize(
    ("operator", "sequences"),
    [(Operator.ALL, (1,)), (Operator.FROM, ()), (Operator.RANGE, (1,)), (Operator.FROM, (65536,))],
    ids=["all-has-no-bound", "from-needs-one", "a-range-needs-two", "more-than-16-bits"],
)
def test_a_request_that_no_device_would_understand_is_not_written(
    operator: Operator, sequences: tuple[int, ...]
) -> None:
    with pytest.raises(ValueError):
        record_access.request(Op.REPORT, operator, *sequences)


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param("", id="nothing"),
        pytest.param("01", id="no-operator"),
        pytest.param("0000", id="reserved-op"),
        pytest.param("0100", id="report-which"),
        pytest.param("0107", id="an-unknown-operator"),
        pytest.param("0101012d00", id="all-from-45"),
        pytest.param("0103", id="from-nowhere"),
        pytest.param("0103012d", id="half-a-sequence-number"),
        pytest.param("0103012d002e00", id="from-two-bounds"),
        pytest.param("0104012d00", id="a-range-with-one-bound"),
        pytest.param("0301", id="abort-all"),
        pytest.param("030001", id="abort-with-operand"),
        pytest.param("0500", id="a-count-of-nothing"),
        pytest.param("0501ffff", id="a-count-with-operator"),
        pytest.param("06000101ff", id="a-response-too-long"),
    ],
)
def test_a_control_point_s_nonsense_is_refused(frame: str) -> None:
    with pytest.raises(DecodeError) as refused:
        decode("2A52", frame)
    assert refused.value.raw.hex() == frame


def test_no_records_found_is_an_answer_and_no_failure() -> None:
    assert facts(decode("2A52", "06000106"))["succeeded"] is True
    assert facts(decode("2A52", "06000108"))["succeeded"] is False


# People of a scale


@pytest.mark.parametrize(
    ("written", "frame"),
    [
        pytest.param(user_data.register(3752), "01a80e", id="register"),
        pytest.param(user_data.consent(1, 3752), "0201a80e", id="consent"),
    ],
)
def test_a_person_s_consent_is_written_as_the_profile_has_it(written: bytes, frame: str) -> None:
    assert written.hex() == frame
    assert encode("2A9F", decode("2A9F", written)) == written


@pytest.mark.parametrize("code", [-1, 10_000])
def test_a_consent_code_has_four_digits(code: int) -> None:
    with pytest.raises(ValueError, match="9999"):
        user_data.register(code)


@pytest.mark.parametrize(
    ("frame", "told"),
    [
        pytest.param("20010102", {"request_op": 1, "result": 1, "user_index": 2}, id="registered"),
        pytest.param("20040103", {"request_op": 4, "result": 1, "users": 3}, id="users-listed"),
        pytest.param("20050102", {"request_op": 5, "result": 1, "user_index": 2}, id="deleted"),
        pytest.param("200304", {"request_op": 3, "result": 4, "succeeded": False}, id="failed"),
        pytest.param("03", {"op": 3}, id="delete-data"),
        pytest.param("04", {"op": 4}, id="list-users"),
        pytest.param("0502", {"op": 5, "user_index": 2}, id="delete-user"),
    ],
)
def test_a_user_control_point_is_understood(frame: str, told: dict[str, object]) -> None:
    decoded = decode("2A9F", frame)
    assert facts(decoded) == facts(decoded) | told
    assert encode("2A9F", decoded).hex() == frame


@pytest.mark.parametrize(
    "frame", ["", "01", "0201", "0201a8", "0300", "06", "20", "2002", "20020501"]
)
def test_a_user_control_point_s_nonsense_is_refused(frame: str) -> None:
    with pytest.raises(DecodeError) as refused:
        decode("2A9F", frame)
    assert refused.value.raw.hex() == frame


# Clocks and makers


def test_a_clock_is_set_with_day_of_the_week_and_fractions() -> None:
    moment = datetime(2026, 3, 2, 7, 0, 30, 500_000)
    assert current_time.to_current_time(moment).hex() == "ea07030207001e018002"
    assert facts(decode("2A2B", current_time.to_current_time(moment))) == {
        "datetime": "2026-03-02T07:00:30",
        "day_of_week": 1,
        "fractions256": 128,
        "adjust_reason": 2,
    }


@pytest.mark.parametrize(
    ("frame", "text"),
    [
        pytest.param("0000041114293b", "0000-04-17T20:41:59", id="no-year"),
        pytest.param("00000000000000", "0000-00-00T00:00:00", id="never-set"),
        pytest.param("b207010100000 0".replace(" ", ""), "1970-01-01T00:00:00", id="1970"),
    ],
)
def test_a_date_that_is_known_in_part_is_told_in_part(frame: str, text: str) -> None:
    decoded = decode("2A08", frame)
    assert facts(decoded) == {"datetime": text}
    assert encode("2A08", decoded).hex() == frame


@pytest.mark.parametrize(
    "frame",
    ["00000d00000000", "00000020000000", "00000000180000", "000000000 03c00".replace(" ", ""),
     "0000000000003c", "ea07021e000000", "10270101000000"],
    ids=["month-13", "day-32", "hour-24", "minute-60", "second-60", "30-february", "year-10000"],
)  # fmt: skip
def test_a_date_that_no_calendar_has_is_refused_even_in_part(frame: str) -> None:
    with pytest.raises(DecodeError, match="no such date") as refused:
        decode("2A08", frame)
    assert refused.value.raw.hex() == frame


@pytest.mark.parametrize(
    ("content", "text"),
    [
        pytest.param(b"UA-651BLE", "UA-651BLE", id="plain"),
        pytest.param(b"UA-651BLE\0\0\0", "UA-651BLE", id="filled-with-zeros"),
        pytest.param(b"Test\0Extra", "Test", id="ended-by-a-zero"),
        pytest.param(b" BF720 ", "BF720", id="spaces"),
        pytest.param("Société".encode(), "Société", id="utf-8"),
        pytest.param(b"", "", id="empty"),
    ],
)
def test_a_maker_s_text_is_read_without_its_filling(content: bytes, text: str) -> None:
    assert facts(decode("2A24", content)) == {"model": text}


@pytest.mark.parametrize(
    "characteristic",
    ["2A1D", "2A38", "2A52", "2A9F", "2A99", "2A85", "2A0F", "2A24", "2A60", "2AA7", "2AA8",
     "2AA9", "2AAA", "2AAB"],
)  # fmt: skip
def test_an_encoder_that_is_told_nothing_says_what_it_needs(characteristic: str) -> None:
    with pytest.raises(ValueError):
        device_of(characteristic).encode(known={"at": characteristic})


# Both directions, for any content

SFLOATS = st.integers(-2000, 2000).map(float)
TIMES = st.none() | st.datetimes(
    min_value=datetime(1990, 1, 1),
    max_value=datetime(2090, 1, 1),
).map(lambda moment: moment.replace(microsecond=0))


@given(
    rate=st.integers(1, 400),
    energy=st.none() | st.integers(0, 65_535),
    intervals=st.lists(st.integers(1, 65_535), max_size=8),
    contact=st.none() | st.booleans(),
)
def test_any_heart_rate_survives_the_way_there_and_back(
    rate: int, energy: int | None, intervals: list[int], contact: bool | None
) -> None:
    quality = (Quality.POOR_SIGNAL,) if contact is False else ()
    said = [reading("pulse_rate", float(rate), "/min", quality=quality)]
    if energy is not None:
        said.append(reading("energy_expended", float(energy), "kJ", quality=quality))
    said += [
        reading(
            "rr_interval", float(one), "s/1024", quality=quality, ago_s=sum(intervals[at:]) / 1024
        )
        for at, one in enumerate(intervals, 1)
    ]
    told = (
        () if contact is None else (Fact(device=ADDRESS, name="contact_detected", value=contact),)
    )
    decoded = Decoded(tuple(said), (), told)
    assert decode("2A37", encode("2A37", decoded)) == decoded


@given(
    amount=st.integers(1, 2000),
    molar=st.booleans(),
    taken_at=TIMES,
    sequence=st.integers(0, 65_535),
    status=st.none() | st.integers(0, 0x0FFF),
)
def test_any_glucose_survives_the_way_there_and_back(
    amount: int, molar: bool, taken_at: datetime | None, sequence: int, status: int | None
) -> None:
    unit = "mmol/L" if molar else "mg/dL"
    said = reading("blood_glucose", amount / 10 if molar else amount, unit, taken_at=taken_at)
    told = [Fact(device=ADDRESS, name="sequence", value=sequence)]
    if status is not None:
        told.append(Fact(device=ADDRESS, name="status", value=status))
    first = decode("2A18", encode("2A18", Decoded((said,), (), tuple(told))))
    beyond = status is not None and status & 0x60
    if not beyond:
        assert first.measurements[0].value == said.value
    assert facts(first)["sequence"] == sequence
    assert decode("2A18", encode("2A18", first)) == first


@given(
    records=st.lists(
        st.fixed_dictionaries(
            {"glucose_mg_dl": SFLOATS, "time_offset_min": st.integers(0, 65_535)},
            optional={
                "status": st.integers(1, 0xFFFFFF),
                "trend_mg_dl_min": SFLOATS,
                "quality_pct": SFLOATS,
            },
        ),
        min_size=1,
        max_size=4,
    ),
    secured=st.booleans(),
)
def test_any_records_survive_the_way_there_and_back(
    records: list[dict[str, object]], secured: bool
) -> None:
    told = [Fact(device=ADDRESS, name="records", value=records)]
    if secured:
        told.append(Fact(device=ADDRESS, name="crc_ok", value=True))
    frame = encode("2AA7", Decoded(facts=tuple(told)))
    assert decode("2AA7", frame).facts == tuple(told)


@given(
    fat=st.none() | st.integers(1, 800),
    weight=st.none() | st.integers(1, 60_000),
    impedance=st.none() | st.integers(1, 60_000),
    imperial=st.booleans(),
    taken_at=TIMES,
    user=st.none() | st.integers(0, 254),
)
def test_any_composition_survives_the_way_there_and_back(
    fat: int | None,
    weight: int | None,
    impedance: int | None,
    imperial: bool,
    taken_at: datetime | None,
    user: int | None,
) -> None:
    rows = (
        ("body_fat", fat, 10, "%"),
        ("body_impedance", impedance, 10, "Ohm"),
        ("body_weight", weight, *((100, "[lb_av]") if imperial else (200, "kg"))),
    )
    said = tuple(
        reading(metric, count / steps, unit, taken_at=taken_at, user=user)
        for metric, count, steps, unit in rows
        if count is not None
    )
    if not said:
        return
    assert decode("2A9C", encode("2A9C", Decoded(said))).measurements == said


def test_a_setting_of_a_glucose_monitor_with_a_wrong_crc_is_not_read() -> None:
    """Nordic's Android-BLE-Common-Library, CGMSpecificOpsControlPointDataCallbackTest."""
    damaged = decode("2AAC", "1c0202a701")
    assert facts(damaged) == {"crc_ok": False}
    assert [part.raw.hex() for part in damaged.unread] == ["1c0202a701"]


@pytest.mark.parametrize("frame", ["", "1c", "1c02", "1d", "060a01", "0301ff", "1c0201ff"])
def test_a_setting_that_is_not_whole_or_too_long_is_refused(frame: str) -> None:
    with pytest.raises(DecodeError):
        decode("2AAC", frame)
