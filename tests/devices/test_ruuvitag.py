"""RuuviTag: what ruuvitag-ble says of a frame, ours says."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruuvitag_ble.df3_decoder import DataFormat3Decoder
from ruuvitag_ble.df5_decoder import DataFormat5Decoder
from ruuvitag_ble.df6_decoder import DataFormat6Decoder
from ruuvitag_ble.dfe1_decoder import DataFormatE1Decoder

from devices.catalog.ruuvitag import COMPANY, DEVICE, FORMATS
from devices.model import Advertisement

AT = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)
ORACLES = {
    3: DataFormat3Decoder, 5: DataFormat5Decoder, 6: DataFormat6Decoder, 0xE1: DataFormatE1Decoder,
}  # fmt: skip
THEIRS = {
    "room_temperature": "temperature_celsius", "room_humidity": "humidity_percentage",
    "air_pressure": "pressure_hpa", "voltage": "battery_voltage_mv", "pm2_5": "pm25_ug_m3",
    "pm10": "pm10_ug_m3", "carbon_dioxide": "co2_ppm", "voc_index": "voc_index",
    "nox_index": "nox_index", "illuminance": "luminosity_lux",
}  # fmt: skip
# Format 3 has no code for "not measured" of these; the library gives the highest as a number.
ALL_ONES_OF_3 = {"air_pressure": (4, 6), "voltage": (12, 14)}


@pytest.mark.parametrize("format_", FORMATS, ids=hex)
@given(data=st.data())
def test_a_frame_says_what_the_library_says(format_: int, data: st.DataObject) -> None:
    size, _ = FORMATS[format_]
    frame = bytes((format_,)) + data.draw(st.binary(min_size=size - 1, max_size=size - 1))
    raw = Advertisement(
        address="CA:FE:00:00:00:01", received_at=AT, manufacturer_data={COMPANY: frame}
    )
    ours = {item.metric: item.value for item in DEVICE.decode(raw, {}).measurements}
    oracle = ORACLES[format_](frame)
    for metric, name in THEIRS.items():
        if not hasattr(oracle, name):
            continue
        start, end = ALL_ONES_OF_3.get(metric, (0, 0)) if format_ == 3 else (0, 0)
        if end and set(frame[start:end]) == {0xFF}:
            continue
        expected = getattr(oracle, name)
        if expected is None:
            assert metric not in ours
        else:
            assert ours[metric] == pytest.approx(expected, abs=0.006)


def test_what_was_not_measured_is_not_said() -> None:
    nothing = bytes.fromhex("058000ffffffff800080008000ffffffffffffffffffffff")
    raw = Advertisement(
        address="CA:FE:00:00:00:01", received_at=AT, manufacturer_data={COMPANY: nothing}
    )
    assert DEVICE.decode(raw, {}).measurements == ()
