"""`homebeat bench`: the shipped gateway beside the plain loop, in turns, in one run."""

import os
import shutil
import sys
import tempfile
from pathlib import Path
from random import Random

from plumbing.clock import utc_now
from simulators.bench import table
from simulators.bench.figures import figures, notes, summary
from simulators.bench.machine import describe
from simulators.bench.runs import FULL, SHORT, Say, measure
from simulators.bench.watch import synced_commit_us


def main(*, as_json: bool, short: bool, folder: Path) -> int:
    """Measure, print the table (or JSON), and write bench.md and bench.json into `folder`.

    The exit code is 1 only where something was lost or kept twice: speed is the machine's too.
    Then everything that was running is left in `folder`.
    """
    sizes = SHORT if short else FULL
    folder.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix="bench-", dir=folder.resolve()))
    # As root, the server's database runs as another user.
    work.chmod(0o755)
    load_before = os.getloadavg()[0]
    commit_before_us = synced_commit_us(work)
    now = utc_now()
    runs = measure(sizes, work, now, Random(round(now.timestamp())), _progress())
    machine = describe(
        load_before=load_before,
        commits_us=(commit_before_us, synced_commit_us(work)),
        folder=work,
        sizes=sizes.text(),
    )
    report = table.Report(
        machine=machine | notes(runs),
        figures=tuple(figures(runs)),
        runs=summary(runs),
    )
    (folder / "bench.md").write_text(table.as_markdown(report))
    (folder / "bench.json").write_text(table.as_json(report))
    sys.stdout.write(table.as_json(report) if as_json else table.as_markdown(report))
    if report.failed:
        sys.stderr.write(f"Something was lost or kept twice. What was running is in {work}\n")
        return 1
    shutil.rmtree(work)
    return 0


def _progress() -> Say:
    """On a terminal what is under way; in a pipe nothing."""

    def say(text: str) -> None:
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()

    return say if sys.stderr.isatty() else lambda _text: None
