"""SFLOAT, FLOAT and date-time mean what ISO/IEEE 11073-20601 and the GATT tables say."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.codec import DecodeError
from devices.fields import (
    FLOAT_SPECIALS,
    SFLOAT_SPECIALS,
    Cursor,
    Special,
    date_time,
    float32,
    sfloat,
    to_date_time,
    to_float32,
    to_sfloat,
)


@pytest.mark.parametrize(
    ("raw", "special"),
    [
        pytest.param(0x07FF, Special.NAN, id="nan"),
        pytest.param(0x0800, Special.NRES, id="not-at-this-resolution"),
        pytest.param(0x07FE, Special.INFINITY, id="plus-infinity"),
        pytest.param(0x0802, Special.NEGATIVE_INFINITY, id="minus-infinity"),
        pytest.param(0x0801, Special.RESERVED, id="reserved"),
    ],
)
def test_a_special_sfloat_never_becomes_a_number(raw: int, special: Special) -> None:
    assert sfloat(raw) is special
    assert to_sfloat(special) == raw


@pytest.mark.parametrize(
    ("raw", "special"),
    [
        pytest.param(0x007FFFFF, Special.NAN, id="nan"),
        pytest.param(0x00800000, Special.NRES, id="not-at-this-resolution"),
        pytest.param(0x007FFFFE, Special.INFINITY, id="plus-infinity"),
        pytest.param(0x00800002, Special.NEGATIVE_INFINITY, id="minus-infinity"),
        pytest.param(0x00800001, Special.RESERVED, id="reserved"),
    ],
)
def test_a_special_float_never_becomes_a_number(raw: int, special: Special) -> None:
    assert float32(raw) is special
    assert to_float32(special) == raw


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        pytest.param(0x17FF, 20470.0, id="the-mantissa-of-nan-with-an-exponent"),
        pytest.param(0x0078, 120.0, id="120-mmHg"),
        pytest.param(0xF4B0, 120.0, id="120-mmHg-with-exponent-minus-1"),
        pytest.param(0xF802, -204.6, id="a-special-s-mantissa-with-an-exponent"),
        pytest.param(0x8001, 1e-8, id="the-smallest-exponent-is-minus-8-and-not-8"),
        pytest.param(0x7001, 1e7, id="the-largest-exponent"),
        pytest.param(0xFFFF, -0.1, id="minus-a-tenth"),
    ],
)
def test_an_sfloat_has_a_twos_complement_exponent(raw: int, value: float) -> None:
    assert sfloat(raw) == value


def test_every_number_an_sfloat_can_hold_survives_the_round_trip() -> None:
    for raw in range(0x10000):
        value = sfloat(raw)
        if isinstance(value, Special):
            assert raw in SFLOAT_SPECIALS
        else:
            assert sfloat(to_sfloat(value)) == value


@given(st.integers(0, 0xFFFFFFFF))
def test_any_float_survives_the_round_trip(raw: int) -> None:
    value = float32(raw)
    if isinstance(value, Special):
        assert raw in FLOAT_SPECIALS
    else:
        assert float32(to_float32(value)) == value


@given(st.integers(-2000, 2000), st.integers(-8, 7))
def test_an_sfloat_is_the_double_nearest_to_its_decimal(mantissa: int, exponent: int) -> None:
    value = sfloat((exponent & 0xF) << 12 | mantissa & 0xFFF)
    assert value == float(f"{mantissa}e{exponent}")


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(3e10, id="too-large"),
        pytest.param(-3e10, id="too-small"),
        pytest.param(float("nan"), id="nan-is-a-special"),
        pytest.param(float("inf"), id="infinity-is-a-special"),
    ],
)
def test_a_value_that_an_sfloat_can_not_hold_is_refused(value: float) -> None:
    with pytest.raises(ValueError):
        to_sfloat(value)


@pytest.mark.parametrize(
    ("value", "nearest"),
    [
        pytest.param(72.30000000000001, 72.3, id="a-float-s-noise"),
        pytest.param(204.96, 205.0, id="more-digits-than-12-bits-hold"),
        pytest.param(-1.0001, -1.0, id="negative"),
    ],
)
def test_a_value_between_two_sfloats_becomes_the_nearest(value: float, nearest: float) -> None:
    assert sfloat(to_sfloat(value)) == nearest


def test_a_fixed_exponent_whose_bits_would_say_nan_is_refused() -> None:
    with pytest.raises(ValueError, match="not a number"):
        to_sfloat(2047.0, exponent=0)


@pytest.mark.parametrize(
    ("raw", "moment"),
    [
        pytest.param("e20704110f3300", datetime(2018, 4, 17, 15, 51), id="known"),
        pytest.param("000004110f3300", None, id="no-year"),
        pytest.param("e20700110f3300", None, id="no-month"),
        pytest.param("e20704000f3300", None, id="no-day"),
    ],
)
def test_a_date_with_an_unknown_part_is_no_date(raw: str, moment: datetime | None) -> None:
    assert date_time(bytes.fromhex(raw)) == moment


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param("e2070d110f3300", id="month-13"),
        pytest.param("e207021e0f3300", id="30-february"),
        pytest.param("e2070411183300", id="hour-24"),
        pytest.param("e20704110f3c00", id="minute-60"),
    ],
)
def test_a_date_that_no_calendar_has_is_refused_with_the_frame(raw: str) -> None:
    with pytest.raises(DecodeError) as refused:
        Cursor(bytes.fromhex(raw)).date_time()
    assert refused.value.raw.hex() == raw


@given(st.datetimes(min_value=datetime(1582, 1, 1)).map(lambda at: at.replace(microsecond=0)))
def test_a_date_survives_the_round_trip(moment: datetime) -> None:
    assert date_time(to_date_time(moment)) == moment


def test_no_date_is_seven_zeros() -> None:
    assert to_date_time(None) == bytes(7)
