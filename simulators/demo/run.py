"""Starts the demo and keeps it running until somebody stops it."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import Event
from types import FrameType

from msgspec import structs

from plumbing.clock import utc_now
from plumbing.processes import ChildFailed
from simulators.demo import story
from simulators.demo.cuts import NO_CUT, Cut, Stage
from simulators.demo.folder import Folder, FolderError, Life
from simulators.demo.programs import Programs
from simulators.demo.settings import Settings, choose_ports, write

DEFAULT_SEED = 7
_START_TRIES = 3
"""Where the start took so long that home time had hurried on, so many are made, each longer."""
_TIME_TO_CUT = timedelta(seconds=1)
"""Left between the last program that is up and the first thing that happens."""
_KEEP_EVERY_S = 2.0
_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

Say = Callable[[str], None]


class DemoFailed(Exception):
    """The demo can't go on; the message says what happened and where to look."""


class Stopped(BaseException):
    """Somebody asked us to stop. Not an error, so no `except Exception` may catch it."""


@contextmanager
def stoppable() -> Iterator[None]:
    """SIGINT, SIGTERM and SIGHUP raise Stopped here, once; those after it change nothing."""

    def stop(number: int, frame: FrameType | None) -> None:
        for other in _STOPPING:
            signal.signal(other, signal.SIG_IGN)
        raise Stopped

    before = {number: signal.signal(number, stop) for number in _STOPPING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def running(
    folder: Folder,
    tempo: story.Tempo,
    say: Say,
    *,
    seed: int | None = None,
    answers: bool = False,
    cut: Cut = NO_CUT,
    usual_ports: bool = True,
) -> Iterator[Stage]:
    """The whole demo, up and with its story still ahead. It is stopped at the end.

    Raises FolderError, DemoFailed, ProgramMissing and ChildFailed.
    """
    with folder.held():
        life = _life(folder, seed)
        stage = _start(folder, life, tempo, say, answers=answers, cut=cut, usual_ports=usual_ports)
        with stage.programs:
            folder.keep(_lived(life, stage))
            try:
                cut.with_all(stage)
                yield stage
            finally:
                folder.keep(_lived(life, stage))


def wait(stage: Stage) -> None:
    """Until Stopped is raised, noting how far home time came. DemoFailed where a program ends."""
    life = stage.folder.life()
    assert life is not None, "`running` keeps one"
    never = Event()
    while (ended := stage.programs.ended()) is None:
        stage.folder.keep(_lived(life, stage))
        never.wait(_KEEP_EVERY_S)
    raise DemoFailed(
        f"{ended.name} ended by itself, with {ended.exit_code}. Its log is {ended.log}."
    )


def _start(
    folder: Folder,
    life: Life,
    tempo: story.Tempo,
    say: Say,
    *,
    answers: bool,
    cut: Cut,
    usual_ports: bool,
) -> Stage:
    person = story.margaret(life.seed, life.onset)
    first = life.onset if life.last is None else story.next_morning(person, life.last)
    story_at = story.story_morning(person, first)
    for _ in range(_START_TRIES):
        started_at = utc_now()
        settings = cut.settings(
            Settings(
                ports=choose_ports(usual=usual_ports),
                person=person,
                home_time=story.home_time(person, first, story_at, started_at, tempo),
                story_at=story_at,
                begin_by=started_at + timedelta(seconds=tempo.start_s),
                answers=answers,
            )
        )
        write(folder, settings)
        stage = Stage(folder, settings, Programs(folder, settings.ports))
        try:
            _start_programs(stage, cut, say)
        except BaseException:
            stage.programs.stop()
            raise
        if utc_now() + _TIME_TO_CUT < settings.begin_by:
            return stage
        say("The start took longer than the story waits: starting once more.")
        stage.programs.stop()
        tempo = structs.replace(tempo, start_s=3 * tempo.start_s)
    raise DemoFailed(
        f"The programs were not up {tempo.start_s / 3:g} s after their start. Is this machine busy "
        f"with something else? Their logs are in {folder.logs}."
    )


def _start_programs(stage: Stage, cut: Cut, say: Say) -> None:
    programs = stage.programs
    try:
        say("Starting the server and its database ...")
        programs.start_server()
        say("Starting the broker and the simulated home ...")
        programs.start_home()
        cut.with_the_home(stage)
        say("Starting the gateway ...")
        programs.start_gateway()
        programs.wait_for_server()
    except ChildFailed as error:
        raise DemoFailed(str(error)) from error


def _life(folder: Folder, seed: int | None) -> Life:
    """The one that is kept, or a new one. Raises FolderError where another one was asked for."""
    kept = folder.life()
    if kept is None:
        chosen = DEFAULT_SEED if seed is None else seed
        return Life(seed=chosen, onset=story.first_onset(utc_now().date()))
    if seed not in {None, kept.seed}:
        raise FolderError(
            f"The life in {folder.path} has the seed {kept.seed}. For another one give --folder."
        )
    return kept


def _lived(life: Life, stage: Stage) -> Life:
    return structs.replace(life, last=stage.settings.home_time.now())
