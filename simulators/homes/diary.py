"""What truly happened in a simulated home, for a tester to hold the system's word against."""

import json
from collections import deque
from datetime import datetime
from pathlib import Path
from typing import Any

KEPT_IN_MEMORY = 24


class Diary:
    """Appends one JSON object a line: {"at": home time, "who": ..., "did": ..., ...}."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("a", encoding="utf-8", buffering=1)
        self._last: deque[dict[str, Any]] = deque(maxlen=KEPT_IN_MEMORY)

    def note(self, at: datetime, who: str, did: str, **more: object) -> None:
        entry = {"at": at.isoformat(), "who": who, "did": did, **more}
        self._file.write(json.dumps(entry) + "\n")
        self._last.appendleft(entry)

    def last(self) -> list[dict[str, Any]]:
        """The newest entries, newest first."""
        return list(self._last)

    def close(self) -> None:
        self._file.close()


def read_diary(path: Path) -> list[dict[str, Any]]:
    """All entries, oldest first; none where there is no diary. A line being written is left out."""
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith("\n")]
