"""`homebeat gateway ...`: run the home, ask how it is, find what is wrong."""

import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Annotated, Any

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
    health = _ask(config, "health.json")
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
def devices(config: ConfigPath = _DEFAULT, as_json: AsJson = False) -> None:
    """List the home's devices, how far each is proved, and those nearby that could be added."""
    kit = _ask(config, "devices.json")
    if as_json:
        typer.echo(json.dumps(kit))
        return
    for one in kit["added"]:
        who = ", ".join(one["people"]) or "nobody"
        typer.echo(
            f"{one['name']} ({one['device']}) for {who}: {one['state']} {one['next']}".strip()
        )
    for one in kit["nearby"]:
        about = one["says"] or one["kind_title"]
        typer.echo(f"nearby: {one['title']} ({one['device']}), {about}, heard {one['at']}")
    if not kit["added"] and not kit["nearby"]:
        typer.echo("no device yet, and none nearby")


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


@app.command()
def unpair(
    address: Annotated[str, typer.Argument(help="As in [[devices]]: A4:C1:38:00:00:01.")],
    config: ConfigPath = _DEFAULT,
) -> None:
    """Erase the bond with a Bluetooth device, so that it can be paired anew."""
    from gateway.ble.bonds import erase

    try:
        found = settings.load(config)
        if not found.ble.transport:
            raise _failed(f"BlueZ keeps this home's bonds: bluetoothctl remove {address}")
        if not erase(found.bonds, address):
            raise _failed(f"there is no bond with {address} in {found.bonds}")
    except (settings.ConfigError, OSError, ValueError) as error:
        raise _failed(str(error)) from error
    typer.echo(f"erased: put {address} in pairing mode, and it is paired anew")


def _ask(config: Path, path: str) -> dict[str, Any]:
    """What the running gateway's own page answers."""
    try:
        found = settings.load(config)
    except settings.ConfigError as error:
        raise _failed(str(error)) from error
    url = f"http://{found.page.listen}/{path}"
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            said: dict[str, Any] = json.load(answer)
            return said
    except (OSError, urllib.error.URLError, ValueError) as error:
        raise _failed(
            f"no gateway answers at {url} ({error}). Start it: homebeat gateway run"
        ) from error


def _failed(message: str) -> typer.Exit:
    typer.echo(f"homebeat gateway: {message}", err=True)
    return typer.Exit(2)
