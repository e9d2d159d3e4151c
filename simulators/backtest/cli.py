"""`homebeat backtest --pack P | --plan F --readings F... [--labels F]`."""

import os
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from plumbing.documents import DocumentError
from rules.backtest.matching import Matching
from rules.place import PlanError
from simulators.backtest.page import page
from simulators.backtest.rows import InputError, reason
from simulators.backtest.say import lines
from simulators.backtest.tried import Asked, Format, tried

app = typer.Typer(help="Try a pack of rules, or a care plan, on readings of the past.")


class Match(StrEnum):
    LOOKBACK = "lookback"
    DAY = "day"


@app.command()
def backtest(
    readings: Annotated[
        list[Path], typer.Option(help="Files of readings (or folders of TIHM). May be repeated.")
    ],
    pack: Annotated[str, typer.Option(help="The id of a pack, or its file.")] = "",
    plan: Annotated[
        Path | None,
        typer.Option(help="Instead of a pack: a care plan, each person with their own rules."),
    ] = None,
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
    """What the rules would have said: alerts, what they were worth, and what they would cost."""
    by_day = (match or (Match.DAY if format_ is Format.TIHM else Match.LOOKBACK)) is Match.DAY
    try:
        outcome = tried(
            Asked(
                pack=pack,
                care_plan=str(plan or ""),
                readings=readings,
                labels=labels,
                format=format_,
                how=Matching(
                    lookback=None if by_day else timedelta(days=lookback_days), timezone=timezone
                ),
                burden=burden,
                cores=cores or len(os.sched_getaffinity(0)),
                resamples=resamples,
                seed=seed,
            )
        )
        if page_file is not None:
            page_file.write_text(page(outcome), encoding="utf-8")
    except (InputError, PlanError, DocumentError, OSError) as error:
        file = f"{error.filename}: " if isinstance(error, OSError) and error.filename else ""
        typer.echo(f"homebeat backtest: {file}{reason(error)}", err=True)
        raise typer.Exit(2) from error
    if as_json:
        typer.echo(msgspec.json.encode(outcome).decode())
        return
    for line in lines(outcome):
        typer.echo(line)
