"""The TIHM data set: a folder of gzipped CSV files, in local UK time without a zone.

Palermo et al., "TIHM: An open dataset for remote healthcare monitoring in dementia", Scientific
Data 2023, doi 10.1038/s41597-023-02519-y.
"""

from pathlib import Path
from zoneinfo import ZoneInfo

from rules.backtest.matching import Event
from simulators.backtest.csv_files import table
from simulators.backtest.rows import InputError, Rows, kind_of, us_of

ZONE = ZoneInfo("Europe/London")
METRIC = {
    "Body Temperature": "body_temperature",
    "Body weight": "body_weight",
    "Diastolic blood pressure": "diastolic_pressure",
    "Heart rate": "pulse_rate",
    "O/E - muscle mass": "muscle_mass",
    "Systolic blood pressure": "systolic_pressure",
}
"""device_type -> metric. Skin temperature, and body water in percent, are no metric of ours."""
OUTER_DOORS = frozenset({"front-door", "back-door"})
DOOR_CLOSES_US = 1_000_000
"""A firing says that a door moved, and not for how long it stood open: so it closes at once."""
ROOMS = frozenset({"kitchen", "bedroom", "lounge", "hallway", "bathroom"})


def read_readings(path: Path, rows: Rows, zone: ZoneInfo) -> None:
    """Raises InputError. Movement and doors are read only where a rule hears them: half a million
    rows."""
    physiology = ("patient_id", "date", "device_type", "value", "unit")
    for patient, date, device, value, unit in table(_file(path, "Physiology"), physiology):
        if device not in METRIC:
            rows.read += 1
            rows.set_aside(f"{device}: no metric of ours")
            continue
        rows.add(patient, METRIC[device], float(value), unit, us_of(date, ZONE))
    if rows.wanted is None or rows.wanted & {"movement", "door_open"}:
        activity = ("patient_id", "location_name", "date")
        for patient, place, date in table(_file(path, "Activity"), activity):
            us = us_of(date, ZONE)
            if place in ROOMS:
                rows.add(patient, "movement", 1.0, "1", us, place)
            elif place in OUTER_DOORS:
                rows.add(patient, "door_open", 1.0, "1", us, place)
                rows.add(patient, "door_open", 0.0, "1", us + DOOR_CLOSES_US, place)
            else:
                rows.read += 1
                rows.set_aside(f"{place}: no sign of ours")


def read_labels(path: Path) -> list[Event]:
    """`path` is the folder, or its file of labels. Raises InputError."""
    file = _file(path, "Labels") if path.is_dir() else path
    return [
        Event(patient, kind_of(kind), us_of(date, ZONE))
        for patient, date, kind in table(file, ("patient_id", "date", "type"))
    ]


def _file(folder: Path, name: str) -> Path:
    for path in (folder / f"{name}.csv.gz", folder / f"{name}.csv"):
        if path.is_file():
            return path
    raise InputError(f"{folder}: has no {name}.csv.gz: name the folder of the TIHM files")
