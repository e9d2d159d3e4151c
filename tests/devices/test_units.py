"""A number reaches the metric's own unit, or is refused with what to write instead."""

import pytest

from devices.metrics import METRICS
from devices.units import UnitError, from_canonical, to_canonical, unit_of


@pytest.mark.parametrize(
    ("metric", "value", "unit", "canonical"),
    [
        pytest.param("body_weight", 71.2, "kg", 71.2, id="kg"),
        pytest.param("body_weight", 157.0, "lb", 71.21400, id="pounds"),
        pytest.param("body_weight", 11.0, "[stone_av]", 69.85322, id="stone"),
        pytest.param("systolic_pressure", 16.0, "kPa", 120.00987, id="kilopascal"),
        pytest.param("body_temperature", 98.6, "°F", 37.0, id="fahrenheit"),
        pytest.param("room_temperature", 294.15, "K", 21.0, id="kelvin"),
        pytest.param("body_height", 1.83, "m", 183.0, id="metre"),
        pytest.param("body_height", 68.0, "[in_i]", 172.72, id="inch"),
        pytest.param("voltage", 3000.0, "mV", 3.0, id="millivolt"),
        pytest.param("time_seated", 130.0, "min", 7800.0, id="minutes"),
        pytest.param("formaldehyde", 80.0, "µg/m³", 0.08, id="micrograms"),
        pytest.param("pulse_rate", 72.0, "bpm", 72.0, id="beats-a-minute"),
    ],
)
def test_a_unit_is_converted(metric: str, value: float, unit: str, canonical: float) -> None:
    converted = to_canonical(metric, value, unit)
    assert converted == pytest.approx(canonical, abs=1e-4)
    assert from_canonical(metric, converted, unit) == pytest.approx(value)


@pytest.mark.parametrize("unit", [None, ""], ids=["absent", "empty"])
def test_a_number_that_could_be_two_units_is_refused_without_one(unit: str | None) -> None:
    with pytest.raises(UnitError, match="kg, g, "):
        to_canonical("body_weight", 154.0, unit)


@pytest.mark.parametrize("metric", ["pulse_rate", "oxygen_saturation", "movement"])
def test_a_number_that_can_be_one_unit_only_needs_none(metric: str) -> None:
    assert to_canonical(metric, 1.0, None) == 1.0


@pytest.mark.parametrize(
    ("metric", "unit"),
    [
        pytest.param("body_weight", "mm[Hg]", id="a-weight-in-a-unit-of-pressure"),
        pytest.param("oxygen_saturation", "kg", id="a-percentage-in-kilograms"),
        pytest.param("body_weight", "fish", id="no-unit-at-all"),
    ],
)
def test_a_unit_of_something_else_is_refused_with_those_that_fit(metric: str, unit: str) -> None:
    with pytest.raises(UnitError, match=METRICS[metric].unit):
        unit_of(metric, unit)
