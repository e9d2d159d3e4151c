"""A whole trial: files read, people replayed, figures counted."""

import sys
from collections.abc import Callable, Sequence
from enum import StrEnum
from hashlib import blake2b
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
from msgspec import Struct, structs

from plumbing.clock import monotonic_s
from rules.backtest.course import Course
from rules.backtest.matching import Event, Matching
from rules.backtest.report import report
from rules.backtest.trial import heard, unanswerable
from rules.engine import fingerprint
from rules.model import Plan
from simulators.backtest import csv_files, fhir, parquet, tihm
from simulators.backtest.outcome import ForecastRow, Outcome
from simulators.backtest.packs import load_pack
from simulators.backtest.rows import InputError, Rows
from simulators.backtest.run import Trial, forecast, present, run
from simulators.backtest.say import many


class Format(StrEnum):
    CSV = "csv"
    PARQUET = "parquet"
    TIHM = "tihm"
    FHIR = "fhir"


Reader = Callable[[Path, Rows, ZoneInfo], None]
_READERS: dict[Format, Reader] = {
    Format.CSV: csv_files.read_readings,
    Format.PARQUET: parquet.read_readings,
    Format.TIHM: tihm.read_readings,
    Format.FHIR: fhir.read_readings,
}


class Asked(Struct, frozen=True, kw_only=True):
    """What is to be tried on what. Exactly one of `pack` (an id or a file) and `care_plan`."""

    pack: str = ""
    care_plan: str = ""
    readings: Sequence[Path]
    labels: Path | None = None
    format: Format = Format.CSV
    how: Matching = Matching()
    burden: bool = False
    cores: int = 1
    resamples: int = 2000
    seed: int = 1


def tried(asked: Asked) -> Outcome:
    """Read, replay, count. Raises InputError, PlanError, DocumentError and OSError."""
    if bool(asked.pack) is bool(asked.care_plan):
        raise InputError("name a pack (--pack) or a care plan (--plan), one of the two")
    zone = _zone(asked.how.timezone)
    trial = Trial(pack=asked.pack, care_plan=asked.care_plan, timezone=asked.how.timezone)
    started_s = monotonic_s()
    whole = trial.plan()
    name = Path(asked.care_plan).name if asked.care_plan else load_pack(asked.pack).id
    rows = Rows(heard(whole))
    for path in asked.readings:
        rows.file, rows.line = path, 0
        _READERS[asked.format](path, rows, zone)
    events = _events(asked.labels, asked.format, zone)
    courses = rows.courses()
    if not courses:
        raise InputError(_nothing(rows, name))
    courses, strangers = _known(courses, whole if asked.care_plan else None, name)
    read_s = monotonic_s() - started_s
    left_out = unanswerable(whole, present(courses))
    trial = structs.replace(trial, leave_out=left_out)
    plan = trial.plan()
    started_s = monotonic_s()
    lives = run(trial, courses, asked.cores, *([_tell] if sys.stderr.isatty() else []))
    replay_s = monotonic_s() - started_s
    return Outcome(
        pack=name,
        version=plan.version,
        settings=_settings(plan),
        matching=_said(asked.how),
        resamples=asked.resamples,
        rows=rows.read,
        aside={**rows.aside, **strangers},
        aside_at=rows.first_aside,
        unusual=dict(rows.unusual),
        left_out=left_out,
        report=report(
            plan,
            lives,
            events,
            asked.how,
            resamples=asked.resamples,
            generator=np.random.default_rng(asked.seed),
        ),
        forecast=_forecast(trial, courses, events, asked) if asked.burden else (),
        cores=min(asked.cores, len(courses)),
        read_s=read_s,
        replay_s=replay_s,
    )


def _nothing(rows: Rows, name: str) -> str:
    """Why there is nothing to judge."""
    if not rows.read:
        return "there is no row in these readings"
    faults = "".join(f"\n  {rows.first_aside[why]}: {why}" for why in rows.aside)
    if not rows.unheard:
        return f"none of the rows ({rows.read}) can be used. The first of each fault:{faults}"
    others = f". Others can't be used, the first of each fault:{faults}" if faults else ""
    return (
        f"none of the rows ({rows.read}) is about what {name} reads: "
        f"{', '.join(sorted(rows.wanted or ()))}{others}"
    )


def _known(
    courses: Sequence[Course], plan: Plan | None, name: str
) -> tuple[list[Course], dict[str, int]]:
    """Those of people whom the care plan names, and the rows of others by why they are left."""
    if plan is None:
        return list(courses), {}
    ours = [course for course in courses if course.person in plan.people]
    if not ours:
        raise InputError(
            f"{name} is for {', '.join(sorted(plan.people))}, and the readings are of "
            f"{', '.join(course.person for course in courses[:5])}: write one of those ids as "
            "the patient"
        )
    others = {
        f"{course.person}: not in {name}": len(course.us)
        for course in courses
        if course.person not in plan.people
    }
    return ours, others


def _forecast(
    trial: Trial, courses: Sequence[Course], events: Sequence[Event], asked: Asked
) -> tuple[ForecastRow, ...]:
    rows = []
    for title, varied, lives in forecast(trial, courses, asked.cores):
        made = report(
            varied.plan(),
            lives,
            events,
            asked.how,
            resamples=asked.resamples,
            generator=np.random.default_rng(asked.seed),
        )
        rows.append(ForecastRow(title=title, part=made.whole))
    return tuple(rows)


def _events(labels: Path | None, format_: Format, zone: ZoneInfo) -> list[Event]:
    if labels is None:
        return []
    if format_ is Format.TIHM:
        return tihm.read_labels(labels)
    return csv_files.read_labels(labels, zone)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise InputError(f"{name!r} is no time zone: write one like Europe/London") from error


def _settings(plan: Plan) -> str:
    content = [[rule.id, int(rule.then.tier), fingerprint(rule)] for rule in plan.rules]
    return blake2b(msgspec.json.encode(content), digest_size=6).hexdigest()


def _said(how: Matching) -> str:
    if how.lookback is None:
        return f"and alerts meet on the same local day ({how.timezone})"
    return f"are found by an alert in the {how.lookback.days} days before"


def _tell(done: int, of: int) -> None:
    end = "\n" if done == of else ""
    sys.stderr.write(f"\r{done} of {many(of, 'person', 'people')}{end}")
    sys.stderr.flush()
