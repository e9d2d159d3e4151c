"""`homebeat simulate ...`: homes and devices that are not there."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from plumbing.logs import start_logs
from plumbing.processes import ChildFailed, ProgramMissing
from simulators.frames import FrameError, frame
from simulators.homes import config as settings
from simulators.homes.run import NotConnected, TooLate, run

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


@app.command()
def device(
    kind: Annotated[
        str, typer.Argument(help="A key of the device catalogue, as gatt.blood_pressure.")
    ],
    values: Annotated[
        list[str], typer.Argument(help="What it measures: metric=number, as body_weight=72.4")
    ],
    address: Annotated[str, typer.Option(help="Its Bluetooth address, or its topic.")] = (
        "A4:C1:38:00:00:01"
    ),
) -> None:
    """Print, in hex, the bytes with which a device of the catalogue says these values."""
    try:
        sys.stdout.write(frame(kind, address, values).hex() + "\n")
    except FrameError as error:
        typer.echo(f"homebeat simulate device: {error}", err=True)
        raise typer.Exit(2) from error
