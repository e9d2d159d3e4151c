"""`homebeat simulate device` prints the bytes that the same catalogue reads back."""

from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner

from devices.model import CharacteristicValue
from devices.registry import match
from simulators.cli import app
from simulators.frames import FrameError, frame

ADDRESS = "A4:C1:38:00:00:01"


def test_a_frame_says_what_it_was_told() -> None:
    bytes_ = frame("gatt.blood_pressure", ADDRESS, ["systolic_pressure=132", "pulse_rate=70"])
    raw = CharacteristicValue(
        address=ADDRESS,
        characteristic="2A35",
        value=bytes_,
        received_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    device = match(raw)
    assert device is not None
    said = {item.metric: item.value for item in device.decode(raw, {}).measurements}
    assert said == {"systolic_pressure": 132.0, "pulse_rate": 70.0}


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        pytest.param("gatt.kettle", "body_weight=1", "gatt.weight_scale", id="unknown device"),
        pytest.param("gatt.weight_scale", "pulse_rate=70", "body_weight", id="another metric"),
        pytest.param("gatt.weight_scale", "body_weight=fat", "=number", id="no number"),
        pytest.param("gatt.weight_scale", "body_weight", "=number", id="no value"),
        pytest.param("gatt.weight_scale", "body_weight=nan", "can't say", id="not a number"),
        pytest.param("gatt.weight_scale", "body_weight=999999", "can't say", id="does not fit"),
    ],
)
def test_a_frame_that_cannot_be_says_what_to_write(kind: str, value: str, said: str) -> None:
    with pytest.raises(FrameError, match=said):
        frame(kind, ADDRESS, [value])


def test_the_command_prints_hex() -> None:
    done = CliRunner().invoke(app, ["device", "gatt.weight_scale", "body_weight=73.8"])
    assert (done.exit_code, done.output) == (0, "00a839\n")


def test_the_command_refuses_in_words() -> None:
    done = CliRunner().invoke(app, ["device", "gatt.kettle", "body_weight=73.8"])
    assert done.exit_code == 2
    assert "gatt.blood_pressure" in done.output
