"""What the journal, the diary and the database know of the chain, and the traces through it.

    raw bytes -> reading -> finding -> prompt -> answer -> finding -> request -> alert -> audit

Each arrow is an id that the one end holds of the other; nothing is inferred from times.
"""

import json
import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
from msgspec import Struct
from msgspec.structs import replace
from psycopg.rows import dict_row

from simulators.homes.diary import read_diary

_BLUETOOTH = re.compile(rb"(?:[0-9A-F]{2}:){5}[0-9A-F]{2} ")
_PROMPT = b"prompt "
STORY_METRIC = "body_weight"
OF_THE_LINK = "device_online"
"""Says that a device can be heard, and nothing about the person."""


class Reading(Struct, frozen=True):
    id: str
    metric: str
    raw: bytes

    @property
    def over_bluetooth(self) -> bool:
        return _BLUETOOTH.match(self.raw) is not None

    @property
    def over_mqtt(self) -> bool:
        said_on_the_page = self.raw.startswith(_PROMPT)
        return bool(self.raw) and not self.over_bluetooth and not said_on_the_page

    @property
    def about_the_person(self) -> bool:
        return self.metric != OF_THE_LINK

    @property
    def answers(self) -> str | None:
        """The prompt that it answers, or None: a device said it."""
        prompt = self.raw.removeprefix(_PROMPT).decode()
        return prompt if self.raw.startswith(_PROMPT) and prompt != "-" else None


class Home(Struct, frozen=True):
    """The journal's records by id, and which prompts the person read (from the diary)."""

    readings: Mapping[str, Reading] = {}
    findings: Mapping[str, Mapping[str, Any]] = {}
    prompts: Mapping[str, Mapping[str, Any]] = {}
    requests: Mapping[str, Mapping[str, Any]] = {}
    read_by_person: frozenset[str] = frozenset()

    def rests_on(self, finding: str) -> Iterator[Reading]:
        """The readings behind a finding, and behind the findings of other rules behind it."""
        waiting, seen = [finding], set()
        while waiting:
            id_ = waiting.pop()
            if id_ in seen:
                continue
            seen.add(id_)
            if id_ in self.readings:
                yield self.readings[id_]
            elif id_ in self.findings:
                waiting += self.findings[id_]["because"].get("readings", ())


class Server(Struct, frozen=True):
    """What the database committed: reading ids, alert of each request, acknowledgement of each."""

    readings: frozenset[str] = frozenset()
    alerts: Mapping[str, str] = {}
    acknowledged: Mapping[str, Mapping[str, Any]] = {}


class Trace(Struct, frozen=True, kw_only=True):
    """One way through the chain, as far as it goes. None: it ends before."""

    raw: str
    reading: str
    finding: str
    prompt: str
    answer: str | None = None
    answer_finding: str | None = None
    alert_request: str | None = None
    alert: str | None = None
    acknowledgement: Mapping[str, Any] | None = None

    @property
    def length(self) -> int:
        later = (
            self.answer,
            self.answer_finding,
            self.alert_request,
            self.alert,
            self.acknowledgement,
        )
        return sum(part is not None for part in later)


def of_home(journal: Path, diary: Path) -> Home:
    """Empty where there is no journal yet."""
    read = frozenset(entry["prompt"] for entry in read_diary(diary) if "prompt" in entry)
    if not journal.exists():
        return Home(read_by_person=read)
    with closing(sqlite3.connect(f"file:{journal}?mode=ro", uri=True, timeout=5.0)) as database:
        try:
            rows = database.execute("SELECT id, kind, name, body, raw FROM record").fetchall()
        except sqlite3.OperationalError:
            return Home(read_by_person=read)
    bodies: dict[str, dict[str, Any]] = {}
    readings = {}
    for id_, kind, name, body, raw in rows:
        if kind == "reading":
            readings[id_] = Reading(id_, name, raw or b"")
        else:
            bodies.setdefault(kind, {})[id_] = json.loads(body)
    return Home(
        readings=readings,
        findings=bodies.get("finding", {}),
        prompts=bodies.get("prompt", {}),
        requests=bodies.get("alert", {}),
        read_by_person=read,
    )


def of_server(address: str) -> Server:
    """Raises psycopg.Error."""
    with psycopg.connect(address, autocommit=True, row_factory=dict_row) as database:
        readings = database.execute("SELECT id FROM readings").fetchall()
        requests = database.execute("SELECT id, alert FROM alert_requests").fetchall()
        audits = database.execute(
            "SELECT seq, alert, actor, actor_name, at FROM alert_audit "
            "WHERE action = 'acknowledge' ORDER BY seq"
        ).fetchall()
    return Server(
        readings=frozenset(row["id"] for row in readings),
        alerts={row["id"]: row["alert"] for row in requests},
        acknowledged={row["alert"]: {**row, "at": row["at"].isoformat()} for row in audits},
    )


def traces(home: Home, server: Server) -> list[Trace]:
    """Every prompt that rests on the story's metric, as far as its chain goes; longest first."""
    found = []
    for id_, prompt in home.prompts.items():
        weighed = next(
            (one for one in home.rests_on(prompt["finding"]) if one.metric == STORY_METRIC), None
        )
        if weighed is None or not prompt.get("ask"):
            continue
        start = Trace(
            raw=weighed.raw.decode(errors="backslashreplace"),
            reading=weighed.id,
            finding=prompt["finding"],
            prompt=id_,
        )
        found += list(_onwards(start, home, server)) or [start]
    return sorted(found, key=lambda trace: trace.length, reverse=True)


def _onwards(start: Trace, home: Home, server: Server) -> Iterator[Trace]:
    for answer in home.readings.values():
        if answer.answers != start.prompt:
            continue
        answered = replace(start, answer=answer.id)
        requests = [
            (id_, request["finding"])
            for id_, request in home.requests.items()
            if answer in home.rests_on(request["finding"])
        ]
        if not requests:
            yield answered
        for request, finding in requests:
            alert = server.alerts.get(request)
            yield replace(
                answered,
                answer_finding=finding,
                alert_request=request,
                alert=alert,
                acknowledgement=server.acknowledged.get(alert or ""),
            )
