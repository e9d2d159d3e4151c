"""From a device's unit to the metric's own. Units are UCUM; common spellings are understood.

A number without a unit is taken only where no other unit is possible: 154 may be pounds.
"""

from devices.metrics import METRICS


class UnitError(ValueError):
    """A unit that the metric can't have, or a missing one that could be several."""


_SPELLINGS = {
    "kgs": "kg", "lb": "[lb_av]", "lbs": "[lb_av]", "st": "[stone_av]", "oz": "[oz_av]",
    "mmHg": "mm[Hg]", "mmhg": "mm[Hg]",
    "°C": "Cel", "℃": "Cel", "degC": "Cel", "°F": "[degF]", "℉": "[degF]", "degF": "[degF]",
    "bpm": "/min", "BPM": "/min", "beats/min": "/min", "{beats}/min": "/min",
    "in": "[in_i]", "inch": "[in_i]", "inches": "[in_i]",
    "kWh": "kW.h", "Wh": "W.h", "MWh": "MW.h",
    "lux": "lx", "ppm": "[ppm]", "µg/m³": "ug/m3", "°": "deg",
    "m³": "m3", "l": "L", "ml": "mL",
    "mmol/l": "mmol/L", "mg/dl": "mg/dL", "ohm": "Ohm", "Ω": "Ohm",
    "μg/m³": "ug/m3", "mg/m³": "mg/m3", "µS/cm": "uS/cm", "μS/cm": "uS/cm", "m/s²": "m/s2",
    "m³/h": "m3/h", "°/s": "deg/s", "rpm": "/min",
    "percent": "%", "kg/m²": "kg/m2", "mbar": "hPa", "Lux": "lx", "LUX": "lx", "Lx": "lx",
    "inHg": "[in_i'Hg]", "psi": "[psi]", "ft": "[ft_i]", "steps": "1", "step": "1",
    "br/min": "/min", "breaths/min": "/min", "brpm": "/min", "1/min": "/min",
}  # fmt: skip

_TO_CANONICAL: dict[str, dict[str, tuple[float, float]]] = {
    # canonical: {other: (factor, what is added first)}
    "kg": {
        "g": (0.001, 0.0),
        "[lb_av]": (0.45359237, 0.0),
        "[stone_av]": (6.35029318, 0.0),
        "[oz_av]": (0.028349523125, 0.0),
    },
    # 1 kPa is 7.50062 mmHg: 760 mmHg in one atmosphere of 101.325 kPa.
    "mm[Hg]": {"kPa": (760 / 101.325, 0.0)},
    "Cel": {"[degF]": (5 / 9, -32.0), "K": (1.0, -273.15)},
    "cm": {"m": (100.0, 0.0), "mm": (0.1, 0.0), "[in_i]": (2.54, 0.0), "[ft_i]": (30.48, 0.0)},
    "m": {
        "mm": (0.001, 0.0),
        "cm": (0.01, 0.0),
        "km": (1000.0, 0.0),
        "[in_i]": (0.0254, 0.0),
        "[ft_i]": (0.3048, 0.0),
    },
    "L": {"mL": (0.001, 0.0), "m3": (1000.0, 0.0)},
    "hPa": {
        "Pa": (0.01, 0.0),
        "kPa": (10.0, 0.0),
        "mm[Hg]": (1013.25 / 760, 0.0),
        "[in_i'Hg]": (33.86389, 0.0),
        "[psi]": (68.94757, 0.0),
    },
    "W": {"kW": (1000.0, 0.0)},
    "kW.h": {"W.h": (0.001, 0.0), "MW.h": (1000.0, 0.0), "MJ": (1 / 3.6, 0.0)},
    "V": {"mV": (0.001, 0.0)},
    # 1 mmol/L of glucose is 18.016 mg/dL: its molar mass is 180.16 g/mol.
    "mmol/L": {"mg/dL": (1 / 18.016, 0.0)},
    "mmol/L/min": {"mg/dL/min": (1 / 18.016, 0.0)},
    "ms": {"s/1024": (1000 / 1024, 0.0), "s": (1000.0, 0.0)},
    "kJ": {"kcal": (4.184, 0.0)},
    "A": {"mA": (0.001, 0.0)},
    "s": {"ms": (0.001, 0.0), "min": (60.0, 0.0), "h": (3600.0, 0.0)},
    "mg/m3": {"ug/m3": (0.001, 0.0)},
}


def ucum(unit: str) -> str:
    """The UCUM code of a common spelling ("lbs" -> "[lb_av]"); any other unit as it came."""
    return _SPELLINGS.get(unit, unit)


def unit_of(metric: str, unit: str | None) -> str:
    """The UCUM unit in which `metric` was given. UnitError: unknown, or missing and not clear."""
    canonical = METRICS[metric].unit
    others = _TO_CANONICAL.get(canonical, {})
    if not unit:
        if others:
            raise UnitError(
                f"{metric} without a unit: say which of {', '.join((canonical, *others))} it is"
            )
        return canonical
    code = ucum(unit)
    if code != canonical and code not in others:
        raise UnitError(
            f"{metric} can't be in {unit!r}: give it in {', '.join((canonical, *others))}"
        )
    return code


def to_canonical(metric: str, value: float, unit: str | None) -> float:
    """`value` in the unit of METRICS[metric]. UnitError as `unit_of`."""
    canonical = METRICS[metric].unit
    if unit == canonical:
        return value
    code = unit_of(metric, unit)
    if code == canonical:
        return value
    factor, added = _TO_CANONICAL[canonical][code]
    return (value + added) * factor


def from_canonical(metric: str, value: float, unit: str) -> float:
    """The reverse of `to_canonical`: `value`, in the metric's unit, in `unit`."""
    canonical = METRICS[metric].unit
    code = unit_of(metric, unit)
    if code == canonical:
        return value
    factor, added = _TO_CANONICAL[canonical][code]
    return value / factor - added


def convert(metric: str, value: float, unit: str, to: str) -> float:
    """`value` of `metric`, given in `unit`, in the unit `to`. UnitError as `unit_of`."""
    if unit == to:
        return value
    return from_canonical(metric, to_canonical(metric, value, unit), to)
