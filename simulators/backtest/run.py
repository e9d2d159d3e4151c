"""A trial over many processes: people are dealt out, each is replayed by itself."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any

from msgspec import Struct

from rules.backtest.course import Course
from rules.backtest.trial import Lived, live, plan_of
from rules.model import Plan
from simulators.backtest.packs import load_pack

Progress = Callable[[int, int], None]
"""Told of how many people, of how many, are done."""


class Trial(Struct, frozen=True, kw_only=True):
    """What every process needs to make the same plan."""

    pack: str
    timezone: str
    leave_out: tuple[str, ...] = ()
    debounce: Mapping[str, Any] | None = None

    def plan(self) -> Plan:
        pack, packs = load_pack(self.pack)
        return plan_of(
            pack,
            packs,
            timezone=self.timezone,
            leave_out=self.leave_out,
            debounce=self.debounce,
        )


_plans: dict[str, Plan] = {}
"""This process's plan, made once."""


def _begin(trial: Trial) -> None:
    _plans["own"] = trial.plan()


def _live(course: Course) -> Lived:
    return live(_plans["own"], course)


def _silent(done: int, of: int) -> None:
    """Nobody watches."""


def run(
    trial: Trial, courses: Sequence[Course], cores: int, tell: Progress = _silent
) -> list[Lived]:
    """Everyone's part, in the order of `courses`: the same on one core or on many."""
    if cores < 2 or len(courses) < 2:
        plan = trial.plan()
        return _told((live(plan, course) for course in courses), len(courses), tell)
    workers = min(cores, len(courses))
    with ProcessPoolExecutor(workers, initializer=_begin, initargs=(trial,)) as pool:
        chunk = max(1, len(courses) // (workers * 8))
        return _told(pool.map(_live, courses, chunksize=chunk), len(courses), tell)


def _told(lives: Iterator[Lived], people: int, tell: Progress) -> list[Lived]:
    found = []
    for lived in lives:
        found.append(lived)
        tell(len(found), people)
    return found


DEBOUNCES: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("as the pack has it", {}),
    ("2 readings of 2", {"k": 2, "n": 2}),
    ("2 readings of 3", {"k": 2, "n": 3}),
    ("quiet for 1 day after", {"cooldown": "1d"}),
    ("quiet for 3 days after", {"cooldown": "3d"}),
    ("quiet for 7 days after", {"cooldown": "7d"}),
    ("2 of 3, quiet for 3 days", {"k": 2, "n": 3, "cooldown": "3d"}),
)
"""What the burden forecast lays over the staff rules, with its title."""


def forecast(
    trial: Trial, courses: Sequence[Course], cores: int
) -> Iterator[tuple[str, Trial, list[Lived]]]:
    """The same trial under each of DEBOUNCES."""
    for title, debounce in DEBOUNCES:
        varied = Trial(
            pack=trial.pack,
            timezone=trial.timezone,
            leave_out=trial.leave_out,
            debounce=debounce or None,
        )
        yield title, varied, run(varied, courses, cores)


def present(courses: Sequence[Course]) -> Collection[str]:
    """The metrics of which there is a reading."""
    return {metric for course in courses for _, metric in course.series}
