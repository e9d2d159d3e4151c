"""A trial over many processes: people are dealt out, each is replayed by itself."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta
from typing import Any

from msgspec import Struct, structs

from rules.backtest.course import Course
from rules.backtest.trial import Lived, live, plan_for, plan_of, with_debounce
from rules.model import Plan
from simulators.backtest.packs import load_pack, load_plan

Progress = Callable[[int, int], None]
"""Told of how many people, of how many, are done."""


class Trial(Struct, frozen=True, kw_only=True):
    """What every process needs to make the same plans: one pack for all, or a care plan (a file)
    with each person's own rules."""

    pack: str = ""
    care_plan: str = ""
    timezone: str
    """Of the people, where there is no care plan to say it."""
    leave_out: tuple[str, ...] = ()
    debounce: Mapping[str, Any] = {}

    def plan(self) -> Plan:
        """All rules: for the report."""
        if self.care_plan:
            plan = load_plan(self.care_plan)
            rules = tuple(rule for rule in plan.rules if rule.id not in self.leave_out)
            return with_debounce(structs.replace(plan, rules=rules), self.debounce)
        return plan_of(
            load_pack(self.pack),
            timezone=self.timezone,
            leave_out=self.leave_out,
            debounce=self.debounce,
        )

    def plans(self) -> "Plans":
        whole = self.plan()
        if not self.care_plan:
            return Plans(whole, {})
        return Plans(whole, {person: plan_for(whole, person) for person in whole.people})


class Plans(Struct, frozen=True):
    """`own`: by person, where they differ."""

    whole: Plan
    own: Mapping[str, Plan]

    def live(self, course: Course) -> Lived:
        return live(self.own.get(course.person, self.whole), course)


_plans: dict[str, Plans] = {}
"""This process's plans, made once."""


def _begin(trial: Trial) -> None:
    _plans["own"] = trial.plans()


def _live(course: Course) -> Lived:
    return _plans["own"].live(course)


def _silent(done: int, of: int) -> None:
    """Nobody watches."""


def run(
    trial: Trial, courses: Sequence[Course], cores: int, tell: Progress = _silent
) -> list[Lived]:
    """Everyone's part, in the order of `courses`: the same on one core or on many."""
    if cores < 2 or len(courses) < 2:
        plans = trial.plans()
        return _told((plans.live(course) for course in courses), len(courses), tell)
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


DAY = timedelta(days=1)
DEBOUNCES: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("as it is", {}),
    ("2 readings of 2", {"k": 2, "n": 2}),
    ("2 readings of 3", {"k": 2, "n": 3}),
    ("quiet for 1 day after", {"cooldown": DAY}),
    ("quiet for 3 days after", {"cooldown": 3 * DAY}),
    ("quiet for 7 days after", {"cooldown": 7 * DAY}),
    ("2 of 3, quiet for 3 days", {"k": 2, "n": 3, "cooldown": 3 * DAY}),
)
"""What the burden forecast lays over the staff rules, with its title."""


def forecast(
    trial: Trial, courses: Sequence[Course], cores: int
) -> Iterator[tuple[str, Trial, list[Lived]]]:
    """The same trial under each of DEBOUNCES."""
    for title, debounce in DEBOUNCES:
        varied = structs.replace(trial, debounce=debounce)
        yield title, varied, run(varied, courses, cores)


def present(courses: Sequence[Course]) -> Collection[str]:
    """The metrics of which there is a reading."""
    return {metric for course in courses for _, metric in course.series}
