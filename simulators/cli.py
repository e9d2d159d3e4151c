"""`homebeat simulate ...`: homes and devices that are not there."""

from pathlib import Path
from typing import Annotated

import typer

from plumbing.logs import start_logs
from plumbing.processes import ChildFailed, ProgramMissing
from simulators.backtest.say import many
from simulators.cohort.files import write
from simulators.cohort.heart_failure import cohort as heart_failure
from simulators.homes import config as settings
from simulators.homes.run import NotConnected, TooLate, run
from simulators.play.cli import device, fault, replay

app = typer.Typer(no_args_is_help=True, help="Simulated homes and devices, for testers.")


@app.command()
def home(
    config: Annotated[Path, typer.Option("--config", "-c", help="The home's settings (TOML).")],
) -> None:
    """A person among devices, a radio, a broker's sensors, and the tester's page."""
    start_logs()
    try:
        run(settings.load(config))
    except (
        settings.ConfigError,
        NotConnected,
        TooLate,
        ProgramMissing,
        ChildFailed,
        ValueError,
        OSError,
    ) as error:
        typer.echo(f"homebeat simulate home: {error}", err=True)
        raise typer.Exit(2) from error


app.command()(device)
app.command()(fault)
app.command()(replay)


@app.command()
def cohort(
    out: Annotated[Path, typer.Option(help="The folder for readings.csv and labels.csv.")],
    people: Annotated[int, typer.Option(min=1, help="How many.")] = 168,
    days: Annotated[int, typer.Option(min=1, help="How long each is at home.")] = 365,
    seed: Annotated[int, typer.Option(help="Another seed is other people.")] = 1,
) -> None:
    """People with heart failure who weigh themselves, for `homebeat backtest`.

    Their declines have the sizes that studies found (simulators/cohort/sizes.py).
    """
    try:
        written = write(out, heart_failure(people, days, seed))
    except OSError as error:
        typer.echo(f"homebeat simulate cohort: {error}", err=True)
        raise typer.Exit(2) from error
    typer.echo(
        f"{many(written.people, 'person', 'people')}, {written.readings} weights, "
        f"{written.labels} admissions in {out}"
    )
