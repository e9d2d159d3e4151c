"""The front door: one command, `homebeat`, whose words import their part when they are called.

So `homebeat gateway run` on a small hub never loads the server, and a part that is not installed
is missed only by the words that need it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version
from typing import Annotated, Any

import typer


@dataclass(frozen=True, slots=True)
class Word:
    """`module` holds a Typer app named `app`; `extra` is what installs what it needs."""

    module: str
    extra: str
    help: str
    has_words: bool = True
    """Whether words of its own follow it (`gateway run`), or it is a command itself (`demo`)."""


WORDS: dict[str, Word] = {
    "demo": Word(
        "simulators.demo.cli",
        "gateway,server,simulators",
        "A server, a broker, a gateway and a simulated home, with the addresses to open.",
        has_words=False,
    ),
    "gateway": Word(
        "gateway.cli", "gateway", "The home side: run, doctor, status, devices, key, unpair."
    ),
    "server": Word("server.cli", "server", "The care team's side: run, migrate, doctor, user."),
    "simulate": Word(
        "simulators.cli", "simulators", "For testers: simulated homes, devices, faults and people."
    ),
    "rules": Word(
        "rules.cli",
        "gateway",
        "Check, test, explain and sign rule packs; scores and statistics by hand.",
    ),
    "backtest": Word(
        "simulators.backtest.cli",
        "simulators",
        "Try a pack of rules on readings of the past: alerts, what they are worth and cost.",
        has_words=False,
    ),
    "decode": Word(
        "gateway.decode",
        "gateway",
        "What does this device say? JSON lines in, JSON lines out.",
        has_words=False,
    ),
    "bench": Word(
        "simulators.bench.cli",
        "gateway,server,simulators",
        "Measure this machine next to bare loops, in one run.",
        has_words=False,
    ),
}

OWN_PACKAGES = ("devices", "rules", "gateway", "server", "simulators", "plumbing")

app = typer.Typer(
    name="homebeat",
    help="Remote monitoring that helps at home first.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def main() -> None:
    app(prog_name="homebeat")


def _say_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"homebeat {version('homebeat')}")
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_say_version, is_eager=True, help="Say the version."),
    ] = False,
) -> None:
    """Remote monitoring that helps at home first."""


def opened(word: Word) -> Any:
    """The command behind a word: a group of words, or the one command itself."""
    part: typer.Typer = import_module(word.module).app
    group = typer.main.get_group(part)
    if word.has_words:
        return group
    (command,) = group.commands.values()
    return command


def _caller(name: str, word: Word) -> Callable[[typer.Context], None]:
    def call(context: typer.Context) -> None:
        try:
            opened(word)(args=context.args, prog_name=f"homebeat {name}")
        except ModuleNotFoundError as error:
            missing = error.name or ""
            if missing.partition(".")[0] in OWN_PACKAGES:
                raise
            typer.echo(
                f"'homebeat {name}' needs {missing}, which is not installed here.\n"
                f"Install its parts: pip install 'homebeat[{word.extra}]'",
                err=True,
            )
            raise typer.Exit(1) from None

    return call


for _name, _word in WORDS.items():
    app.command(
        _name,
        help=_word.help,
        add_help_option=False,
        context_settings={
            "ignore_unknown_options": True,
            "allow_extra_args": True,
            "allow_interspersed_args": False,
        },
    )(_caller(_name, _word))


if __name__ == "__main__":
    main()
