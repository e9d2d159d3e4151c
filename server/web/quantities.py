"""Values in plain words: "72.4 kg", "open", "yes"."""

from devices.metrics import METRICS, Kind
from rules.words import shown

STATE_WORDS = {
    "movement": ("none", "seen"),
    "occupancy": ("nobody", "somebody"),
    "presence": ("nobody", "somebody"),
    "door_open": ("closed", "open"),
    "window_open": ("closed", "open"),
    "garage_door_open": ("closed", "open"),
    "opening_open": ("closed", "open"),
    "device_online": ("not connected", "connected"),
    "connected": ("not connected", "connected"),
}
"""Metric -> the words for 0.0 and 1.0, where "no" and "yes" would be odd."""

KIND_WORDS = {
    Kind.STATE: ("no", "yes"),
    Kind.ANSWER: ("no", "yes"),
    Kind.EVENT: ("no", "happened"),
}


def title(metric: str) -> str:
    """What a page calls the metric; an unknown one keeps its name."""
    known = METRICS.get(metric)
    return known.title if known else metric


def kind(metric: str) -> Kind:
    """An unknown metric is shown as a quantity."""
    known = METRICS.get(metric)
    return known.kind if known else Kind.QUANTITY


def is_vital(metric: str) -> bool:
    """Whether it says how a body is: a number that has a code of its own in SNOMED CT."""
    known = METRICS.get(metric)
    return known is not None and known.snomed is not None and known.kind is Kind.QUANTITY


def number(metric: str, value: float) -> str:
    """The bare number, for a column whose head has the unit."""
    known = METRICS.get(metric)
    return shown(value, "1", known.decimals if known else None)


def said(metric: str, value: float, unit: str) -> str:
    """A value of that metric in words."""
    known = METRICS.get(metric)
    if known is None:
        return shown(value, unit)
    if known.kind is Kind.QUANTITY:
        return shown(value, known.unit, known.decimals)
    return STATE_WORDS.get(metric, KIND_WORDS[known.kind])[value >= 1.0]
