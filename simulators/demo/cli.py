"""`homebeat demo`: the shipped programs and a simulated home, started together."""

import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from plumbing.processes import ChildFailed, ProgramMissing
from simulators.demo import story
from simulators.demo.check import check as run_check
from simulators.demo.cuts import LinkName, Stage
from simulators.demo.folder import Folder, FolderError, default_folder
from simulators.demo.run import DemoFailed, Stopped, running, stoppable, wait

app = typer.Typer(help="Homebeat with a simulated home, on this machine.")

_ERRORS = (FolderError, DemoFailed, ProgramMissing, ChildFailed)


@app.command()
def demo(
    folder: Annotated[
        Path | None, typer.Option(help="Where its data is kept. A check makes a folder of its own.")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Drive the whole chain, check it, print JSON, and end.")
    ] = False,
    within: Annotated[float, typer.Option(help="Seconds that a check may take.")] = 90.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the addresses as JSON.")] = False,
    cut: Annotated[
        LinkName | None, typer.Option(help="Break this link before the check, which then fails.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Another seed is another life, in a folder of its own.")
    ] = None,
) -> None:
    """A server, a broker, a gateway and a simulated home, with the addresses to open."""
    if cut is not None and not check:
        raise _failed("--cut breaks a check: add --check.")
    try:
        with stoppable():
            if check:
                raise typer.Exit(_check(folder, within, seed, cut))
            _show(Folder(folder or default_folder()), seed, as_json=as_json)
    except Stopped:
        raise typer.Exit(130 if check else 0) from None
    except _ERRORS as error:
        raise _failed(str(error)) from error


def _show(folder: Folder, seed: int | None, *, as_json: bool) -> None:
    with running(folder, story.SHOWN, _progress, seed=seed) as stage:
        sys.stdout.write(_as_json(stage) if as_json else _in_words(stage))
        sys.stdout.flush()
        wait(stage)


def _check(path: Path | None, within_s: float, seed: int | None, cut: LinkName | None) -> int:
    own = Path(tempfile.mkdtemp(prefix="homebeat-")) if path is None else None
    if own is not None:
        # The database of a demo that is run by root belongs to somebody else, who must get in.
        own.chmod(0o711)
    folder = Folder(own or path or Path())
    verdict = run_check(folder, within_s, _progress, seed=seed, cut=cut)
    sys.stdout.write(json.dumps(verdict.report(), indent=1) + "\n")
    if verdict.missing is None:
        if own is not None:
            shutil.rmtree(own, ignore_errors=True)
        return 0
    name, why = verdict.missing.name, verdict.missing.missing
    sys.stderr.write(
        f"homebeat demo: the link {name!r} is missing: after {verdict.took_s:.0f} s {why}. "
        f"Everything is kept in {folder.path}.\n"
    )
    return 1


def _addresses(stage: Stage) -> dict[str, str]:
    ports = stage.settings.ports
    return {
        "home_page": f"http://127.0.0.1:{ports.home_page}",
        "worklist": f"http://127.0.0.1:{ports.server}",
        "tester": f"http://127.0.0.1:{ports.tester}",
    }


def _as_json(stage: Stage) -> str:
    said = {"ready": "demo", **_addresses(stage), "folder": str(stage.folder.path)}
    return json.dumps(said) + "\n"


def _in_words(stage: Stage) -> str:
    person = stage.settings.person
    first_name = person.name.split()[0]
    at = _addresses(stage)
    return f"""
Homebeat is running, with a simulated home. Everyone in it is made up.

  {at["home_page"]}   {first_name}'s home page
  {at["worklist"]}   the worklist: sign in as {story.NURSE}
  {at["tester"]}   the tester's page

What to try
  1. Open all three. Home time is hurried: in about a minute {first_name}'s scale shows
     too much, and her home page asks a few questions.
  2. Answer one with yes. The worklist shows the alert at once: open it, see why, take it.
     The home page then says that it was seen.
  3. On the tester's page, press SOS. Or pull the server's cable and answer all the same.

Kept in {stage.folder.path}
Ctrl-C stops everything; the next start goes on with the same life.
"""


def _progress(words: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(words + "\n")
        sys.stderr.flush()


def _failed(message: str) -> typer.Exit:
    typer.echo(f"homebeat demo: {message}", err=True)
    return typer.Exit(2)
