"""`homebeat server ...`: run it, migrate its database, find what is wrong, let someone in."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_urlsafe
from typing import Annotated, TypeVar

import psycopg
import typer

from plumbing.processes import ProgramMissing
from server import doctor as doctoring
from server import migrate as migrating
from server import run as running
from server import users
from server.config import ConfigError, load
from server.db import Database
from server.embedded_postgres import DatabaseUnavailable
from server.permissions import Role

app = typer.Typer(name="server", help="The care team's side.", no_args_is_help=True)
user_app = typer.Typer(name="user", help="Who may sign in.", no_args_is_help=True)
app.add_typer(user_app)

Config = Annotated[Path, typer.Option("--config", help="The server's settings, a TOML file.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]

_DEFAULT = Path("server.toml")
_Result = TypeVar("_Result")


@app.command()
def run(config: Config = _DEFAULT) -> None:
    """Serve until Ctrl-C. One JSON line on stdout says when it is ready."""
    with _explained():
        running.run(config)


@app.command()
def migrate(config: Config = _DEFAULT) -> None:
    """Bring the database to the schema of this version."""
    with _explained(), running.database_beside(load(config)) as conninfo:
        done = migrating.migrate(conninfo)
    typer.echo(f"{'Now' if done else 'Already'} at {migrating.newest()}.")


@app.command()
def doctor(config: Config = _DEFAULT, as_json: AsJson = False) -> None:
    """Find what is wrong, in words. Exit code 1 where something is."""
    with _explained():
        verdicts = doctoring.examine(load(config))
    if as_json:
        found = [{"mark": each.mark, "what": each.what, "said": each.said} for each in verdicts]
        typer.echo(json.dumps(found))
    else:
        for each in verdicts:
            typer.echo(f"{each.mark:6}{each.what}: {each.said}")
    if any(each.mark is doctoring.Mark.WRONG for each in verdicts):
        raise typer.Exit(1)


@user_app.command("add")
def add_user(
    name: Annotated[str, typer.Argument(help="What they type to sign in.")],
    shown: Annotated[str, typer.Option("--name", help="Their name, as others see it.")],
    role: Annotated[Role, typer.Option(help="What they are here.")] = Role.CLINICIAN,
    person: Annotated[
        list[str] | None, typer.Option(help="Whom a patient is: an id of the settings.")
    ] = None,
    config: Config = _DEFAULT,
) -> None:
    """Let someone in, with a password from standard input, or a new one that is printed."""
    given = "" if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    password = given or token_urlsafe(12)
    user = users.User(id=name, name=shown, role=role, people=person or [])
    _with_users(config, lambda db: users.put(db, user, password))
    typer.echo(f"{name} may sign in" + ("." if given else f" with the password {password}"))


@user_app.command("list")
def list_users(config: Config = _DEFAULT, as_json: AsJson = False) -> None:
    """Everyone who may sign in."""
    found = _with_users(config, users.everyone)
    if as_json:
        plain = [{"id": user.id, "role": user.role, "name": user.name} for user in found]
        typer.echo(json.dumps(plain))
        return
    for user in found:
        typer.echo(f"{user.id}\t{user.role}\t{user.name}{' (demo)' if user.demo else ''}")


@user_app.command("remove")
def remove_user(name: str, config: Config = _DEFAULT) -> None:
    """Let someone in no more, from this moment."""
    if not _with_users(config, lambda db: users.remove(db, name)):
        typer.echo(f"homebeat server: there is no {name}.", err=True)
        raise typer.Exit(1)
    typer.echo(f"{name} is removed.")


@contextmanager
def _explained() -> Iterator[None]:
    """An error that says what to do becomes one line and exit code 1."""
    try:
        yield
    except (ConfigError, ProgramMissing, DatabaseUnavailable, running.DatabaseEnded) as error:
        typer.echo(f"homebeat server: {error}", err=True)
        raise typer.Exit(1) from None
    except psycopg.OperationalError as error:
        typer.echo(f"homebeat server: the database can't be reached: {error}", err=True)
        raise typer.Exit(1) from None


def _with_users(config: Path, use: Callable[[Database], Awaitable[_Result]]) -> _Result:
    """Use the database of the settings, which a server may be using too."""

    async def opened(conninfo: str) -> _Result:
        db = Database(conninfo)
        await db.open()
        try:
            return await use(db)
        finally:
            await db.close()

    with _explained(), running.database_beside(load(config)) as conninfo:
        migrating.migrate(conninfo)
        return asyncio.run(opened(conninfo))
