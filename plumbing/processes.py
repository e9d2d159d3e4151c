"""Child programs that end with us, log to a file of their own, and stop within a limit.

The kernel sends a child its parent-death signal when the *thread* that started it ends, so every
child is started from one thread that lives as long as this process. Changing the user clears the
signal: it is set in the child after the change and before the program begins. A program that
changes its user later must be told to stay (mosquitto as root: `user root`).
"""

import ctypes
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from plumbing.clock import monotonic_s

_PR_SET_PDEATHSIG = 1
_POLL_S = 0.01
_LOG_TAIL_LINES = 20

_libc = ctypes.CDLL(None, use_errno=True)
_starter = ThreadPoolExecutor(max_workers=1, thread_name_prefix="starts-children")


class ProgramMissing(Exception):
    """A program that we need is not on this machine; the message says what to install."""


class ChildFailed(Exception):
    """A child ended, or was not ready in time; the message holds the end of its log."""


@dataclass(frozen=True, slots=True)
class Program:
    """A program on this machine, and the environment that it needs to find its libraries."""

    path: Path
    environment: Mapping[str, str] = field(default_factory=dict)


def cache_folder() -> Path:
    """Where programs unpacked for this project lie: $HOMEBEAT_CACHE, or .cache/homebeat."""
    named = os.environ.get("HOMEBEAT_CACHE")
    if named:
        return Path(named)
    here = Path.cwd() / ".cache" / "homebeat"
    beside_the_code = Path(__file__).resolve().parent.parent / ".cache" / "homebeat"
    return here if here.is_dir() else beside_the_code


def find_program(name: str, package: str | None = None) -> Program:
    """The program on PATH, in the system's folders, or unpacked into the cache.

    `package` is the Debian package to name where it is absent (default: the program's name).
    Raises ProgramMissing.
    """
    system = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin"))
    found = shutil.which(name, path=system)
    if found:
        return Program(Path(found))
    cache = cache_folder()
    for folder in ("usr/sbin", "usr/bin"):
        path = cache / folder / name
        if os.access(path, os.X_OK):
            return Program(path, {"LD_LIBRARY_PATH": _cached_libraries(cache)})
    package = package or name
    raise ProgramMissing(
        f"{name} is not on this machine. Install it (sudo apt-get install {package}), or unpack "
        f"its Debian package into {cache} (apt-get download {package}; dpkg -x FILE {cache})."
    )


def _cached_libraries(cache: Path) -> str:
    folders = [cache / "usr/lib", *sorted((cache / "usr/lib").glob("*-linux-*")), cache / "lib"]
    given = os.environ.get("LD_LIBRARY_PATH")
    return os.pathsep.join([*map(str, folders), *([given] if given else [])])


def free_port() -> int:
    """A TCP port on 127.0.0.1 that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Child:
    """A running child program. As a context it is stopped at the end.

    `log` receives its standard error, and its standard output too unless `output` is a file of
    its own. Both are appended to.
    """

    def __init__(
        self,
        name: str,
        process: subprocess.Popen[bytes],
        log: Path,
        output: Path,
        output_start: int,
        stop_signal: signal.Signals,
    ) -> None:
        self.name = name
        self.log = log
        self.output = output
        self._process = process
        self._output_start = output_start
        self._stop_signal = stop_signal

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; minus the signal's number where a signal ended it."""
        return self._process.poll()

    def wait_until(self, ready: Callable[[], bool], limit_s: float, what: str = "ready") -> None:
        """Return once `ready()` holds. Raises ChildFailed if it ends first or the limit passes."""
        end = monotonic_s() + limit_s
        while not ready():
            if self.exit_code is not None:
                raise ChildFailed(
                    f"{self.name} ended with {self.exit_code} before it was {what}.{self._tail()}"
                )
            if monotonic_s() > end:
                raise ChildFailed(f"{self.name} was not {what} in {limit_s:g} s.{self._tail()}")
            time.sleep(_POLL_S)

    def wait_for_json(self, key: str, limit_s: float) -> dict[str, Any]:
        """The first JSON object on its standard output that holds `key`. Raises ChildFailed."""
        found: dict[str, Any] = {}

        def said_it() -> bool:
            for line in self._output_lines():
                try:
                    value = json.loads(line)
                except ValueError:
                    continue
                if isinstance(value, dict) and key in value:
                    found.update(value)
                    return True
            return False

        self.wait_until(said_it, limit_s, f"saying {key!r}")
        return found

    def wait(self, limit_s: float) -> int:
        """Its exit code, once it ended by itself. Raises ChildFailed after the limit."""
        try:
            return self._process.wait(limit_s)
        except subprocess.TimeoutExpired:
            raise ChildFailed(f"{self.name} did not end in {limit_s:g} s.{self._tail()}") from None

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def stop(self, limit_s: float = 10.0) -> int:
        """Ask it to stop, and kill it and its own children after the limit. Its exit code."""
        if self.exit_code is None:
            self._process.send_signal(self._stop_signal)
            try:
                self._process.wait(limit_s)
            except subprocess.TimeoutExpired:
                self.kill()
        return self._process.wait()

    def kill(self) -> None:
        """End it, and what it started in its own session, with SIGKILL."""
        if self.exit_code is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _output_lines(self) -> list[bytes]:
        with self.output.open("rb") as file:
            file.seek(self._output_start)
            return [line for line in file.read().splitlines(keepends=True) if line.endswith(b"\n")]

    def _tail(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines()[-_LOG_TAIL_LINES:]
        return "".join(f"\n  {line}" for line in (f"Its log, {self.log}:", *lines))


def start(
    command: Sequence[str | Path],
    *,
    log: Path,
    output: Path | None = None,
    name: str | None = None,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    user: pwd.struct_passwd | None = None,
    stop_signal: signal.Signals = signal.SIGTERM,
    death_signal: signal.Signals = signal.SIGTERM,
) -> Child:
    """Start a program that gets `death_signal` when this process ends, however it ends.

    It runs in a session of its own, so that Ctrl-C on our terminal reaches only us. `environment`
    is added to ours; `user` is who it runs as (we must be root).
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as log_file, (output or log).open("ab") as output_file:
        output_start = output_file.tell()
        process = _starter.submit(
            lambda: subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=output_file,
                stderr=log_file,
                cwd=folder,
                env={**os.environ, **(environment or {})},
                start_new_session=True,
                preexec_fn=_die_with(os.getpid(), death_signal),  # noqa: PLW1509 - see below
                user=None if user is None else user.pw_uid,
                group=None if user is None else user.pw_gid,
                extra_groups=None if user is None else [],
            )
        ).result()
    return Child(
        name or Path(command[0]).name, process, log, output or log, output_start, stop_signal
    )


def _die_with(parent: int, death_signal: signal.Signals) -> Callable[[], None]:
    """What runs between fork and exec: two system calls, no import and no lock.

    Threads of ours may hold locks at the fork, so nothing else belongs here. A helper program
    instead would have to be readable by the other user.
    """
    number = int(death_signal)

    def in_the_child() -> None:
        _libc.prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return in_the_child
