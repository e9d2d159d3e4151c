"""`homebeat bench`: measures this machine next to a bare loop, in one run."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(add_completion=False)


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
    from simulators.bench.run import main  # noqa: PLC0415

    raise typer.Exit(main(as_json=as_json, short=short, folder=folder))
