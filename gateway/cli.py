"""`homebeat gateway ...`: run the home, ask how it is, find what is wrong."""

import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Annotated

import typer

from gateway import config as settings
from plumbing.documents import DocumentError
from plumbing.logs import start_logs

app = typer.Typer(no_args_is_help=True, help="The home side: hears devices, decides, prompts.")

ConfigPath = Annotated[
    Path,
    typer.Option("--config", "-c", help="The gateway's settings (deploy/gateway.example.toml)."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_DEFAULT = Path("/etc/homebeat/gateway.toml")


@app.command()
def run(config: ConfigPath = _DEFAULT) -> None:
    """Run the gateway until it is stopped."""
    from gateway.journal import JournalError
    from gateway.run import run as run_gateway
    from rules.plan import PlanError

    start_logs()
    try:
        code = run_gateway(settings.load(config))
    except (settings.ConfigError, DocumentError, PlanError, JournalError, ValueError) as error:
        raise _failed(str(error)) from error
    raise typer.Exit(code)


@app.command()
def key(config: ConfigPath = _DEFAULT) -> None:
    """Print the public key by which the server knows this gateway (made on first use)."""
    from plumbing.signing import load_or_make_key, public_hex

    try:
        typer.echo(public_hex(load_or_make_key(settings.load(config).key)))
    except (settings.ConfigError, ValueError) as error:
        raise _failed(str(error)) from error


@app.command()
def status(config: ConfigPath = _DEFAULT, as_json: AsJson = False) -> None:
    """Ask the running gateway what works and what does not."""
    try:
        found = settings.load(config)
    except settings.ConfigError as error:
        raise _failed(str(error)) from error
    url = f"http://{found.page.listen}/health.json"
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            health = json.load(answer)
    except (OSError, urllib.error.URLError, ValueError) as error:
        raise _failed(
            f"no gateway answers at {url} ({error}). Start it: homebeat gateway run"
        ) from error
    if as_json:
        typer.echo(json.dumps(health))
        return
    typer.echo(f"{health['gateway']}, care plan {health['plan']}, home time {health['at']}")
    for part in health["parts"]:
        typer.echo(
            f"  {part['name']}: {part['state']}"
            + (f" - {part['trouble']}" if part["trouble"] else "")
        )
    waiting = health["waiting"]
    typer.echo(f"  waiting for the server: {waiting['urgent']} urgent, {waiting['bulk']} others")


@app.command()
def doctor(config: ConfigPath = _DEFAULT, as_json: AsJson = False) -> None:
    """Find what is wrong with radio, broker, clock, disk, network and plan, in words."""
    from gateway.doctor import examine

    findings = examine(config)
    if as_json:
        typer.echo(
            json.dumps([{"part": f.name, "state": f.state, "trouble": f.trouble} for f in findings])
        )
    else:
        for finding in findings:
            mark = "!!" if finding.trouble else "ok"
            typer.echo(f"{mark} {finding.name}: {finding.state}")
            if finding.trouble:
                typer.echo(f"     {finding.trouble}")
    raise typer.Exit(1 if any(finding.trouble for finding in findings) else 0)


def _failed(message: str) -> typer.Exit:
    typer.echo(f"homebeat gateway: {message}", err=True)
    return typer.Exit(2)
