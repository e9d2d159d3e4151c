"""A cohort as the two files that `homebeat backtest` reads."""

import csv
from collections.abc import Iterable
from datetime import UTC
from pathlib import Path

from msgspec import Struct

from simulators.cohort.heart_failure import Patient

READINGS, LABELS = "readings.csv", "labels.csv"


class Written(Struct, frozen=True, kw_only=True):
    people: int
    readings: int
    labels: int


def write(folder: Path, patients: Iterable[Patient]) -> Written:
    """readings.csv (patient, metric, value, unit, taken_at) and labels.csv (patient, at, kind)."""
    folder.mkdir(parents=True, exist_ok=True)
    people = readings = labels = 0
    with (
        (folder / READINGS).open("w", newline="", encoding="utf-8") as taken,
        (folder / LABELS).open("w", newline="", encoding="utf-8") as happened,
    ):
        rows, events = csv.writer(taken), csv.writer(happened)
        rows.writerow(["patient", "metric", "value", "unit", "taken_at"])
        events.writerow(["patient", "at", "kind"])
        for one in patients:
            people += 1
            for weighing in one.weighings:
                at = weighing.at.astimezone(UTC).isoformat()
                rows.writerow([one.id, "body_weight", weighing.weight_kg, "kg", at])
                readings += 1
            for admission in one.admissions:
                at = admission.at.astimezone(UTC).isoformat()
                events.writerow([one.id, at, admission.kind])
                labels += 1
    return Written(people=people, readings=readings, labels=labels)
