"""What the health profiles leave to the device, and what must not pass for a measurement."""

from datetime import UTC, datetime

import pytest

from devices.codec import DecodeError
from devices.model import CharacteristicValue, Decoded, Measurement, Quality
from devices.registry import match

ADDRESS = "A4:C1:38:00:00:01"


def value(characteristic: str, frame: str, name: str | None = None) -> CharacteristicValue:
    return CharacteristicValue(
        address=ADDRESS,
        characteristic=characteristic,
        value=bytes.fromhex(frame),
        received_at=datetime(2026, 3, 2, 7, 0, tzinfo=UTC),
        name=name,
    )


def decode(characteristic: str, frame: str, name: str | None = None) -> Decoded:
    raw = value(characteristic, frame, name)
    device = match(raw)
    assert device is not None
    return device.decode(raw, {})


def values(decoded: Decoded) -> dict[str, float]:
    return {item.metric: item.value for item in decoded.measurements}


@pytest.mark.parametrize(
    ("characteristic", "frame", "words"),
    [
        pytest.param("2A35", "00ff07ff07ff07", "failed", id="cuff-all-nan"),
        pytest.param("2A35", "00000000000000", "failed", id="cuff-all-zero"),
        pytest.param("2A35", "00fe07020801080008"[:14], "failed", id="cuff-infinities"),
        pytest.param("2A9D", "00ffff", "failed", id="scale-ffff"),
        pytest.param("2A9D", "000000", "zero", id="scale-zeroed-stub"),
        pytest.param("2A5E", "00ff07ff07", "failed", id="oximeter-nan"),
        pytest.param("2A5E", "02610048000004", "demonstration", id="oximeter-demonstration"),
        pytest.param("2A5E", "02610048000080", "invalid", id="oximeter-invalid"),
        pytest.param("2A5E", "02610048000020", "not available", id="oximeter-unavailable"),
        pytest.param("2A19", "ff", "255", id="battery-255"),
    ],
)
def test_a_measurement_that_failed_is_refused_in_words(
    characteristic: str, frame: str, words: str
) -> None:
    with pytest.raises(DecodeError, match=words) as refused:
        decode(characteristic, frame)
    assert refused.value.raw.hex() == frame


@pytest.mark.parametrize(
    ("characteristic", "frame", "said"),
    [
        pytest.param(
            "2A35", "007c00ff07ff07", {"systolic_pressure": 124.0}, id="cuff-with-one-real-value"
        ),
        pytest.param(
            "2A35",
            "007c0056000000",
            {"systolic_pressure": 124.0, "diastolic_pressure": 86.0},
            id="cuff-that-computes-no-mean",
        ),
        pytest.param("2A5F", "00ff07ff07", {}, id="oximeter-before-the-finger"),
        pytest.param("2A5F", "006100ff07", {"oxygen_saturation": 97.0}, id="oximeter-no-pulse-yet"),
        pytest.param(
            "2A5F",
            "03610048006000490062004700",
            {"oxygen_saturation": 97.0, "pulse_rate": 72.0},
            id="oximeter-with-its-fast-and-slow-averages",
        ),
        pytest.param(
            "2A9D", "08b03600000000", {"body_weight": 70.0}, id="scale-that-knows-no-height"
        ),
    ],
)
def test_an_empty_field_is_no_measurement(
    characteristic: str, frame: str, said: dict[str, float]
) -> None:
    assert values(decode(characteristic, frame)) == said


@pytest.mark.parametrize(
    ("status", "quality"),
    [
        pytest.param("0100", [Quality.MOVEMENT], id="movement"),
        pytest.param("0200", [Quality.CUFF_LOOSE], id="cuff-loose"),
        pytest.param("0400", [Quality.IRREGULAR_PULSE], id="irregular"),
        pytest.param("0800", [Quality.PULSE_OUT_OF_RANGE], id="pulse-above"),
        pytest.param("1000", [Quality.PULSE_OUT_OF_RANGE], id="pulse-below"),
        pytest.param("2000", [Quality.POSITION], id="position"),
        pytest.param("0000", [], id="nothing"),
    ],
)
def test_a_cuff_s_status_becomes_quality_of_each_value(status: str, quality: list[Quality]) -> None:
    decoded = decode("2A35", "107c0056006100" + status)
    assert [list(item.quality) for item in decoded.measurements] == [quality] * 3


@pytest.mark.parametrize(
    ("status", "sensor", "quality"),
    [
        pytest.param("2000", "000000", [Quality.STILL_MEASURING], id="ongoing"),
        pytest.param("0040", "000000", [Quality.POOR_SIGNAL], id="questionable"),
        pytest.param("0000", "200000", [Quality.POOR_SIGNAL], id="low-perfusion"),
        pytest.param("0000", "002000", [Quality.POSITION], id="sensor-displaced"),
        pytest.param("0040", "002000", [Quality.POOR_SIGNAL, Quality.POSITION], id="of-both"),
    ],
)
def test_an_oximeter_s_status_becomes_quality(
    status: str, sensor: str, quality: list[Quality]
) -> None:
    decoded = decode("2A5E", "0661004800" + status + sensor)
    assert [list(item.quality) for item in decoded.measurements] == [quality] * 2


def bits(size: int, meanings: dict[int, str]) -> list[object]:
    return [pytest.param(bit, meanings.get(bit, ""), id=f"bit {bit}") for bit in range(size)]


# Blood Pressure Service 1.1.1, table 3.8: "" is reserved.
CUFF = {0: "movement", 1: "cuff-loose", 2: "irregular-pulse", 3: "pulse-out-of-range",
        4: "pulse-out-of-range", 5: "position"}  # fmt: skip


@pytest.mark.parametrize(("bit", "meaning"), bits(16, CUFF))
@pytest.mark.parametrize("characteristic", ["2A35", "2A36"])
def test_each_bit_of_a_cuff_s_status_is_a_flag_or_reserved(
    characteristic: str, bit: int, meaning: str
) -> None:
    decoded = decode(characteristic, "107c0056006100" + (1 << bit).to_bytes(2, "little").hex())
    flags = {str(flag) for item in decoded.measurements for flag in item.quality}
    assert flags - {"still-measuring"} == ({meaning} if meaning else set())
    irregular = meaning == "irregular-pulse" and characteristic == "2A35"
    assert [event.event for event in decoded.events] == ["irregular_pulse"] * irregular


# Pulse Oximeter Service 1.0.1, tables 3.4 and 3.5. "good": it says nothing against a value.
MEASURED = {
    5: "still-measuring", 6: "still-measuring", 7: "good", 8: "good", 9: "time-uncertain",
    10: "refused", 11: "refused", 12: "not-calibrated", 13: "refused", 14: "poor-signal",
    15: "refused",
}  # fmt: skip
SENSED = {
    0: "good", 1: "device-fault", **dict.fromkeys(range(2, 9), "poor-signal"), 9: "good",
    10: "poor-signal", 11: "position", 12: "device-fault", 13: "position", 14: "device-fault",
    15: "device-fault",
}  # fmt: skip
NO_FLAG = {"", "good"}


@pytest.mark.parametrize(
    ("characteristic", "flags"), [("2A5E", (0x02, 0x04)), ("2A5F", (0x04, 0x08))]
)
@pytest.mark.parametrize(
    ("size", "bit", "meaning"),
    [
        pytest.param(size, bit, meanings.get(bit, ""), id=f"{what} bit {bit}")
        for what, size, meanings in (("measurement", 2, MEASURED), ("sensor", 3, SENSED))
        for bit in range(8 * size)
    ],
)
def test_each_bit_of_an_oximeter_s_status_is_a_flag_or_said_to_mean_none(
    characteristic: str, flags: tuple[int, int], size: int, bit: int, meaning: str
) -> None:
    status = (1 << bit).to_bytes(size, "little").hex()
    frame = f"{flags[size - 2]:02x}61004800" + status
    if meaning == "refused":
        with pytest.raises(DecodeError):
            decode(characteristic, frame)
        return
    said = {
        str(flag) for item in decode(characteristic, frame).measurements for flag in item.quality
    }
    assert said == ({meaning} - NO_FLAG)


def test_a_stored_value_with_its_time_is_not_uncertain() -> None:
    (oxygen, _) = decode("2A5E", "0361004800e8070b1d1708390002").measurements
    assert oxygen.quality == ()


def test_the_pressure_of_a_cuff_that_still_inflates_is_no_systolic_pressure() -> None:
    decoded = decode("2A36", "007800ff07ff07")
    assert values(decoded) == {"cuff_pressure": 120.0}
    assert decoded.measurements[0].quality == (Quality.STILL_MEASURING,)


def test_an_oximeter_whose_clock_was_never_set_gives_no_time() -> None:
    with_time = decode("2A5E", "0161004800e8070b1d170839")
    clock_not_set = decode("2A5E", "1161004800e8070b1d170839")
    assert with_time.measurements[0].taken_at == datetime(2024, 11, 29, 23, 8, 57)
    assert clock_not_set.measurements[0].taken_at is None


def test_an_unknown_date_leaves_the_measurement_without_a_time() -> None:
    decoded = decode("2A9D", "02b036" + "00" * 7)
    assert values(decoded) == {"body_weight": 70.0}
    assert decoded.measurements[0].taken_at is None


def test_an_impossible_date_is_refused_since_the_frame_means_something_else() -> None:
    with pytest.raises(DecodeError, match="no such date"):
        decode("2A9D", "02b036e7070d190e1e2d")


@pytest.mark.parametrize(
    ("user", "expected"), [("02", 2), ("00", 0), ("ff", None)], ids=["second", "first", "unknown"]
)
def test_the_person_s_slot_is_said_unless_it_is_unknown(user: str, expected: int | None) -> None:
    assert decode("2A9D", "04b036" + user).measurements[0].user == expected


BEURER = "566a0047000000ea07080b121f00003f000000"


def test_a_maker_s_quirk_is_found_by_the_device_s_name() -> None:
    decoded = decode("2A35", BEURER, name="BM85 1A2B")
    assert values(decoded) == {
        "systolic_pressure": 106.0,
        "diastolic_pressure": 71.0,
        "pulse_rate": 63.0,
    }


def test_without_its_quirk_the_frame_is_refused_and_not_misread() -> None:
    with pytest.raises(DecodeError, match="more than its flags promise"):
        decode("2A35", BEURER)


def reading(metric: str, amount: float, unit: str) -> Measurement:
    return Measurement(device=ADDRESS, metric=metric, value=amount, unit=unit)


@pytest.mark.parametrize(
    ("characteristic", "said", "frame"),
    [
        pytest.param(
            "2A35",
            [("systolic_pressure", 18.9, "kPa"), ("diastolic_pressure", 82.507, "mm[Hg]")],
            "01bdf04ce4ff07",
            id="one-unit-of-pressure",
        ),
        pytest.param(
            "2A9D",
            [("body_weight", 70.0, "kg"), ("body_height", 183.0, "cm")],
            "08b03600002607",
            id="height-in-metres",
        ),
        pytest.param(
            "2A9D",
            [("body_weight", 157.0, "[lb_av]"), ("body_height", 1.7272, "m")],
            "09543d0000a802",
            id="height-in-inches",
        ),
    ],
)
def test_a_frame_is_written_in_one_system_of_units(
    characteristic: str, said: list[tuple[str, float, str]], frame: str
) -> None:
    device = match(value(characteristic, ""))
    assert device is not None
    assert device.encode(measurements=[reading(*item) for item in said]).hex() == frame


@pytest.mark.parametrize(
    ("characteristic", "said"),
    [
        pytest.param("2A9D", ("body_weight", 400.0, "kg"), id="more-than-16-bits-hold"),
        pytest.param("2A9D", ("body_weight", 70.0, "mm[Hg]"), id="a-unit-of-something-else"),
        pytest.param("2A19", ("battery", 101.0, "%"), id="a-battery-over-100"),
        pytest.param("2A35", ("systolic_pressure", 1e12, "mm[Hg]"), id="beyond-an-sfloat"),
    ],
)
def test_what_no_frame_can_say_is_refused(
    characteristic: str, said: tuple[str, float, str]
) -> None:
    device = match(value(characteristic, ""))
    assert device is not None
    with pytest.raises(ValueError):
        device.encode(measurements=[reading(*said)])


@pytest.mark.parametrize("characteristic", ["2A35", "2A9D", "2A5E"])
def test_a_device_can_be_played_that_fails_to_measure(characteristic: str) -> None:
    device = match(value(characteristic, ""))
    assert device is not None
    with pytest.raises(DecodeError, match="failed"):
        device.decode(value(characteristic, device.encode().hex()), {})
