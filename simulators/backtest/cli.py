"""`homebeat backtest --pack P --readings F... [--labels F]`."""

import os
import sys
from collections.abc import Callable, Sequence
from datetime import timedelta
from enum import StrEnum
from hashlib import blake2b
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import typer

from plumbing.clock import monotonic_s
from plumbing.documents import DocumentError
from rules.backtest.course import Course
from rules.backtest.matching import Event, Matching
from rules.backtest.report import report
from rules.backtest.trial import heard, plan_of, unanswerable
from rules.engine import fingerprint
from rules.model import Plan
from rules.place import PlanError
from simulators.backtest import csv_files, fhir, parquet, tihm
from simulators.backtest.outcome import ForecastRow, Outcome
from simulators.backtest.packs import load_pack
from simulators.backtest.page import page
from simulators.backtest.rows import InputError, Rows
from simulators.backtest.run import Trial, forecast, present, run
from simulators.backtest.say import lines

app = typer.Typer(help="Try a pack of rules on readings of the past.")


class Format(StrEnum):
    CSV = "csv"
    PARQUET = "parquet"
    TIHM = "tihm"
    FHIR = "fhir"


class Match(StrEnum):
    LOOKBACK = "lookback"
    DAY = "day"


Reader = Callable[[Path, Rows, ZoneInfo], None]
_READERS: dict[Format, Reader] = {
    Format.CSV: csv_files.read_readings,
    Format.PARQUET: parquet.read_readings,
    Format.TIHM: tihm.read_readings,
    Format.FHIR: fhir.read_readings,
}


@app.command()
def backtest(
    pack: Annotated[str, typer.Option(help="The id of a pack, or its file.")],
    readings: Annotated[
        list[Path], typer.Option(help="Files of readings (or folders of TIHM). May be repeated.")
    ],
    labels: Annotated[
        Path | None, typer.Option(help="What really happened: patient, at, kind.")
    ] = None,
    format_: Annotated[Format, typer.Option("--format", help="What is in them.")] = Format.CSV,
    match: Annotated[
        Match | None,
        typer.Option(help="How alerts and events meet: in the look-back, or on the same day."),
    ] = None,
    lookback_days: Annotated[int, typer.Option(min=1, help="How long before an event.")] = 14,
    timezone: Annotated[str, typer.Option(help="Of the people.")] = "Europe/London",
    burden: Annotated[
        bool, typer.Option("--burden", help="Forecast staff alerts under other debouncing.")
    ] = False,
    cores: Annotated[int, typer.Option(min=0, help="Processes; 0: one a core.")] = 0,
    resamples: Annotated[int, typer.Option(min=0, help="Draws of the bootstrap.")] = 2000,
    seed: Annotated[int, typer.Option(min=0, help="Of the bootstrap.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    page_file: Annotated[
        Path | None, typer.Option("--page", help="Write a page with charts here.")
    ] = None,
) -> None:
    """What the pack would have said: alerts, what they were worth, and what they would cost."""
    by_day = (match or (Match.DAY if format_ is Format.TIHM else Match.LOOKBACK)) is Match.DAY
    try:
        how = Matching(
            lookback=None if by_day else timedelta(days=lookback_days), timezone=timezone
        )
        outcome = tried(
            pack,
            readings,
            labels,
            format_,
            how,
            burden=burden,
            cores=cores or len(os.sched_getaffinity(0)),
            resamples=resamples,
            seed=seed,
        )
        if page_file is not None:
            page_file.write_text(page(outcome), encoding="utf-8")
    except (InputError, PlanError, DocumentError, OSError) as error:
        typer.echo(f"homebeat backtest: {error}", err=True)
        raise typer.Exit(2) from error
    if as_json:
        typer.echo(msgspec.json.encode(outcome).decode())
        return
    for line in lines(outcome):
        typer.echo(line)


def tried(
    pack_name: str,
    readings: Sequence[Path],
    labels: Path | None,
    format_: Format,
    how: Matching,
    *,
    burden: bool,
    cores: int,
    resamples: int,
    seed: int,
) -> Outcome:
    """Read, replay, count. Raises InputError, PlanError, DocumentError and OSError."""
    pack, packs = load_pack(pack_name)
    zone = _zone(how.timezone)
    started_s = monotonic_s()
    rows = Rows(heard(plan_of(pack, packs, timezone=how.timezone)))
    for path in readings:
        _READERS[format_](path, rows, zone)
    events = _events(labels, format_, zone)
    courses = rows.courses()
    if not courses:
        raise InputError(
            f"none of the {rows.read} rows is about what {pack.id} reads: "
            f"{', '.join(sorted(rows.wanted or ()))}"
        )
    read_s = monotonic_s() - started_s
    left_out = unanswerable(pack, present(courses))
    trial = Trial(pack=pack_name, timezone=how.timezone, leave_out=left_out)
    plan = trial.plan()
    started_s = monotonic_s()
    lives = run(trial, courses, cores, *([_tell] if sys.stderr.isatty() else []))
    replay_s = monotonic_s() - started_s
    return Outcome(
        pack=pack.id,
        version=pack.version,
        settings=_settings(plan),
        matching=_said(how),
        resamples=resamples,
        rows=rows.read,
        aside=dict(rows.aside),
        unusual=dict(rows.unusual),
        left_out=left_out,
        report=report(
            plan, lives, events, how, resamples=resamples, generator=np.random.default_rng(seed)
        ),
        forecast=_forecast(trial, courses, events, how, cores, resamples, seed) if burden else (),
        cores=min(cores, len(courses)),
        read_s=read_s,
        replay_s=replay_s,
    )


def _forecast(
    trial: Trial,
    courses: Sequence[Course],
    events: Sequence[Event],
    how: Matching,
    cores: int,
    resamples: int,
    seed: int,
) -> tuple[ForecastRow, ...]:
    rows = []
    for title, varied, lives in forecast(trial, courses, cores):
        generator = np.random.default_rng(seed)
        made = report(varied.plan(), lives, events, how, resamples=resamples, generator=generator)
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
    sys.stderr.write(f"\r{done} of {of} people{end}")
    sys.stderr.flush()
