"""`homebeat bench [--json] [--short]`."""

from pathlib import Path
from typing import Annotated

import typer

from plumbing.processes import ChildFailed, ProgramMissing
from simulators.bench.run import main

app = typer.Typer(help="Measure this machine next to a bare loop.")


@app.command()
def bench(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    short: Annotated[bool, typer.Option(help="A minute instead of several, for CI.")] = False,
    folder: Annotated[
        Path, typer.Option(help="Where bench.md and bench.json go, and meanwhile all data.")
    ] = Path("artefacts"),
) -> None:
    """Readings a second, processor time, kill -9, waits, memory: each with its aim.

    Exits with 1 only where something was lost or kept twice.
    """
    try:
        code = main(as_json=as_json, short=short, folder=folder)
    except (ChildFailed, ProgramMissing, OSError, ValueError) as error:
        typer.echo(f"homebeat bench: {error}", err=True)
        code = 2
    raise typer.Exit(code)
