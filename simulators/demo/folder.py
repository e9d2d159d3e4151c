"""Where a demo lives: its settings, its data, and what has to be known to go on with it."""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path

import msgspec
from msgspec import Struct

LONGEST_SOCKET_FOLDER = 90
"""Bytes of a path that still leaves room for a socket's name (unix(7): 107 in all)."""


class FolderError(Exception):
    """The demo can't live in that folder; the message says what to do."""


class Life(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What makes the next start go on with the same life. `last`: home time when it stopped."""

    seed: int
    onset: date
    last: datetime | None = None


class Folder:
    """The demo's folder; every path in it."""

    def __init__(self, path: Path) -> None:
        self.path = path.expanduser().resolve()
        self.server_toml = self.path / "server.toml"
        self.server_data = self.path / "server"
        self.gateway_toml = self.path / "gateway.toml"
        self.gateway_data = self.path / "gateway"
        self.journal = self.gateway_data / "journal.sqlite3"
        self.gateway_key = self.gateway_data / "gateway.key"
        self.plan = self.path / "plan.yaml"
        self.home_toml = self.path / "home.toml"
        self.home_data = self.path / "home"
        self.diary = self.home_data / "diary.jsonl"
        self.broker = self.path / "broker"
        self.logs = self.path / "logs"
        self._life = self.path / "life.json"
        self._lock = self.path / ".lock"

    @property
    def radio(self) -> Path:
        """Of the private D-Bus: in the folder, or a short one where that path is too long."""
        inside = self.path / "radio"
        if len(os.fsencode(inside)) <= LONGEST_SOCKET_FOLDER:
            return inside
        return Path(tempfile.gettempdir()) / f"homebeat-radio-{os.getpid()}"

    @contextmanager
    def held(self) -> Iterator[None]:
        """Make the folder, and keep other demos out of it. Raises FolderError."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            lock = self._lock.open("ab")
        except OSError as error:
            raise FolderError(
                f"{self.path} can't be used ({error.strerror}). Give --folder another one."
            ) from error
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise FolderError(
                    f"A demo is running in {self.path}. Stop it, or give --folder another one."
                ) from None
            yield

    def life(self) -> Life | None:
        """None: nobody has lived here yet. Raises FolderError."""
        try:
            return msgspec.json.decode(self._life.read_bytes(), type=Life)
        except FileNotFoundError:
            return None
        except msgspec.DecodeError as error:
            raise FolderError(
                f"{self._life} can't be read ({error}). Remove {self.path} to begin anew."
            ) from error

    def keep(self, life: Life) -> None:
        """Write it whole or not at all."""
        new = self._life.with_suffix(".new")
        new.write_bytes(msgspec.json.format(msgspec.json.encode(life)))
        new.replace(self._life)


def default_folder() -> Path:
    """Where a demo lives that was not told: the user's data, or /var/lib for root.

    PostgreSQL refuses to run as root, and its own user may not enter root's home.
    """
    if os.geteuid() == 0:
        return Path("/var/lib/homebeat/demo")
    base = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(base).expanduser() / "homebeat" / "demo"
