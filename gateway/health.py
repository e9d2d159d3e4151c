"""What works and what does not, in words: for the health page, `status` and `doctor`."""

import shutil
from datetime import datetime
from pathlib import Path

from msgspec import Struct

from gateway.journal import Refusal, Waiting


class Part(Struct, frozen=True):
    """One part of the gateway. `trouble` is empty where none is known, else what to do."""

    name: str
    state: str
    trouble: str = ""


class Health(Struct, frozen=True):
    """All parts, what waits for the server, what was refused, and what the journal holds."""

    at: datetime
    gateway: str
    plan: str
    parts: tuple[Part, ...]
    waiting: Waiting
    refused: tuple[Refusal, ...]
    counts: dict[str, int]
    disk_free_mb: int


def disk_part(folder: Path) -> tuple[Part, int]:
    """The disk that holds the journal, and its free megabytes."""
    free_mb = shutil.disk_usage(folder).free // 1_000_000
    trouble = ""
    if free_mb < _LOW_DISK_MB:
        trouble = f"under {_LOW_DISK_MB} MB left: free some room, or readings stay at the broker"
    return Part("disk", f"{free_mb / 1000:.1f} GB free", trouble), free_mb


_LOW_DISK_MB = 200
