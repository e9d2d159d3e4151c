"""Observations of a FHIR R4 bundle: one value, or components as those of a blood pressure.

Codes are LOINC, of the table of metrics and a few that say the same with other words.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from devices.metrics import METRICS
from simulators.backtest.rows import NO_TIME, InputError, Rows, reason, us_of

LOINC = "http://loinc.org"
METRIC = {row.loinc: row.name for row in METRICS.values() if row.loinc} | {
    "2708-6": "oxygen_saturation",  # in arterial blood: the code of the FHIR vital signs profile
}
LEFT_OUT = frozenset({"entered-in-error", "cancelled", "registered"})


def read_readings(path: Path, rows: Rows, zone: ZoneInfo) -> None:
    """Raises InputError; an observation that can't be read is set aside."""
    for observation in _observations(path):
        if observation.get("status") in LEFT_OUT:
            rows.read += 1
            rows.set_aside(f"status {observation['status']}")
            continue
        subject = _at(observation, "subject", "reference")
        taken_at = observation.get("effectiveDateTime") or observation.get("effectiveInstant")
        if not isinstance(subject, str) or not isinstance(taken_at, str):
            rows.read += 1
            rows.set_aside("an observation without subject or effective time")
            continue
        for part in observation.get("component") or [observation]:
            _add(rows, part, subject.rpartition("/")[2], taken_at, zone)


def _observations(path: Path) -> Iterator[Mapping[str, Any]]:
    try:
        bundle = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: can't be read as JSON: {reason(error)}") from error
    if not isinstance(bundle, dict) or bundle.get("resourceType") != "Bundle":
        raise InputError(f"{path}: is no FHIR bundle: its resourceType must be Bundle")
    for entry in bundle.get("entry", []):
        resource = _at(entry, "resource")
        if isinstance(resource, dict) and resource.get("resourceType") == "Observation":
            yield resource


def _add(rows: Rows, part: Mapping[str, Any], patient: str, taken_at: str, zone: ZoneInfo) -> None:
    codes = [
        str(coding.get("code"))
        for coding in _at(part, "code", "coding") or []
        if coding.get("system") == LOINC
    ]
    metric = next((METRIC[code] for code in codes if code in METRIC), None)
    value = _at(part, "valueQuantity", "value")
    if metric is None or isinstance(value, bool) or not isinstance(value, int | float):
        rows.read += 1
        rows.set_aside(f"LOINC {', '.join(codes) or 'missing'}: no metric of ours, or no number")
        return
    unit = _at(part, "valueQuantity", "code") or _at(part, "valueQuantity", "unit")
    try:
        us = us_of(taken_at, zone)
    except ValueError:
        rows.read += 1
        rows.set_aside(NO_TIME)
        return
    rows.add(patient, metric, float(value), unit, us)


def _at(value: Any, *path: str) -> Any:
    for step in path:
        value = value.get(step) if isinstance(value, Mapping) else None
    return value
