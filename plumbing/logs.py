"""Logs for the people who run a program: one line an event, on stderr.

    2026-11-22T08:00:00.123Z info gateway.sync batch committed records=500 took_ms=12

A log leaves the house in a support e-mail, so it holds no word about a person's health: the event
is a constant, the fields are ids, counts and times, and an exception is logged by its type and
place only, since its message can quote a row.
"""

import errno
import json
import logging
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from traceback import extract_tb

JSON_SWITCH = "HOMEBEAT_LOGS"
"""The environment variable that says `json` where a machine reads the logs."""

_OURS = "homebeat"

Field = str | int | float | bool | None


class Log:
    """Where one module says what happened: `log.info("batch committed", records=500)`."""

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(f"{_OURS}.{name}")

    def debug(self, event: str, **fields: Field) -> None:
        self._logger.debug(event, extra={"fields": fields})

    def info(self, event: str, **fields: Field) -> None:
        self._logger.info(event, extra={"fields": fields})

    def warning(self, event: str, *, error: BaseException | None = None, **fields: Field) -> None:
        """`error` adds its type and the place where it was raised."""
        self._logger.warning(event, extra={"fields": fields | _about(error)})

    def error(self, event: str, *, error: BaseException | None = None, **fields: Field) -> None:
        """`error` adds its type and the place where it was raised."""
        self._logger.error(event, extra={"fields": fields | _about(error)})


def start_logs(*, as_json: bool | None = None, debug: bool = False) -> None:
    """Send this process's logs to stderr: ours from info up, a library's from warning up.

    Without `as_json` the environment decides (JSON_SWITCH).
    """
    if as_json is None:
        as_json = os.environ.get(JSON_SWITCH, "").lower() == "json"
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonLine() if as_json else _Line())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger(_OURS).setLevel(logging.DEBUG if debug else logging.INFO)


class _Line(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        facts = _facts(record)
        head = [str(facts.pop(name)) for name in ("time", "level", "from", "event")]
        return " ".join([*head, *(f"{name}={_word(value)}" for name, value in facts.items())])


class _JsonLine(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return json.dumps(_facts(record))


def _facts(record: logging.LogRecord) -> dict[str, Field]:
    facts: dict[str, Field] = {
        "time": datetime.fromtimestamp(record.created, UTC)
        .isoformat(timespec="milliseconds")
        .replace("+00:00", "Z"),
        "level": record.levelname.lower(),
        "from": record.name.removeprefix(f"{_OURS}."),
        "event": _first_line(record.getMessage()),
    }
    facts |= getattr(record, "fields", {})
    if record.exc_info:
        facts |= _about(record.exc_info[1])
    return facts


def _about(error: BaseException | None) -> dict[str, Field]:
    if error is None:
        return {}
    kind = type(error).__name__
    if isinstance(error, OSError) and error.errno is not None:
        kind = f"{kind}({errno.errorcode.get(error.errno, error.errno)})"
    frames = extract_tb(error.__traceback__)
    place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else None
    return {"error": kind, "at": place}


def _first_line(text: str) -> str:
    """A library's message may carry a whole repr on its further lines, or try to forge a line."""
    return (text.splitlines() or [""])[0]


def _word(value: Field) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    plain = text.isascii() and text.isprintable() and not set(text) & set(' ="')
    return text if plain and text else json.dumps(text)
