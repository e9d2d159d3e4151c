"""Which rules of the plan wait for something that no device of this home can tell.

A rule that nothing can set off is a hope and no watch; one that takes a silence for a sign, where
nobody could speak, is a false alarm each day.
"""

import sqlite3
from collections.abc import Collection, Iterable, Mapping
from datetime import timedelta
from itertools import groupby
from pathlib import Path

from msgspec import Struct

from devices.mapping import Mapping as TopicMapping
from devices.metrics import METRICS, Kind
from devices.roles import ROLES
from gateway.config import HomeDevice
from gateway.fitting import said_by_kind
from gateway.kit import Kit, home_device
from plumbing.queries import load_queries
from rules.engine import States
from rules.exact import micros_of
from rules.limits import RULE_PREFIX
from rules.model import Plan

_SQL = load_queries("gateway.sql", "unheard.sql")
HEARD_WITHIN = timedelta(days=30)
"""Before the last record: a device that was heard earlier is gone, as like as not."""
_OF_THE_HOME = ("person.", "kit.", RULE_PREFIX)
"""What is said by people, by the gateway and by other rules."""


class Waiting(Struct, frozen=True):
    """Rules of one person that need any of `metrics`, which no device of theirs can tell."""

    patient: str
    metrics: tuple[str, ...]
    rules: tuple[str, ...]
    for_nothing: bool
    """They hold for nothing then, where others never begin."""

    @property
    def words(self) -> str:
        waits = "waits" if len(self.rules) == 1 else "wait"
        return (
            f"{', '.join(self.rules)} ({self.patient}) {waits} for {' or '.join(self.metrics)}, "
            "which no device here reports"
        )

    @property
    def remedy(self) -> str:
        """What to do about it."""
        roles = [role.key for role in ROLES.values() if role.metric in self.metrics]
        role = f"give one the role {' or '.join(roles)}, " if roles else ""
        return f"add a device that does, {role}or switch the rules off in the plan"


def heard_so_far(journal: Path) -> tuple[list[HomeDevice], dict[str, set[str]]]:
    """The devices that were added at home, and by device what it said in the last weeks.

    Raises sqlite3.Error.
    """
    db = sqlite3.connect(f"file:{journal}?mode=ro", uri=True)
    try:
        added = [home_device(one) for one in Kit(db).enrolled()]
        heard: dict[str, set[str]] = {}
        for device, metric in db.execute(_SQL["heard"], (micros_of(HEARD_WITHIN),)):
            heard.setdefault(device, set()).add(metric)
    finally:
        db.close()
    return [device for device in added if device is not None], heard


def told_by(
    devices: Iterable[HomeDevice],
    mappings: Iterable[TopicMapping],
    heard: Mapping[str, Collection[str]],
) -> dict[str, set[str]]:
    """By person: what the devices of the home tell of them, or could.

    `heard`: by device, what it said so far. A device that was heard tells just that, and events,
    which come when something happens; one that was not may tell all that its kind can.
    """
    mapped: dict[str, set[str]] = {}
    for one in mappings:
        mapped.setdefault(one.device, set()).add(one.metric)
    told: dict[str, set[str]] = {}
    for device in devices:
        was_heard = set(heard.get(device.device, ()))
        could = {*said_by_kind(device.kind), *mapped.get(device.device, ())} or was_heard
        said = could & was_heard
        if said:
            said |= {name for name in could if METRICS[name].kind is Kind.EVENT}
        else:
            said = could
        role = ROLES.get(device.role)
        if role is not None:
            said = (said - role.hides) | {role.metric}
        for patient in device.people:
            told.setdefault(patient, set()).update(said)
    return told


def waiting(plan: Plan, told: Mapping[str, Collection[str]]) -> list[Waiting]:
    """The rules that wait, together where they wait for the same; those for nothing first."""
    found: list[tuple[bool, str, tuple[str, ...], str]] = []
    for bound in States(plan).rules:
        rule, needs = bound.rule, bound.kind.needs()
        here = told.get(rule.patient, ())
        lacking = [group for group in needs.to_begin if not _any_told(group, here)]
        if lacking:
            found.append((True, rule.patient, tuple(lacking[0]), rule.id))
        elif needs.signs and not _any_told(needs.signs, here):
            found.append((False, rule.patient, needs.signs, rule.id))
    found.sort()
    return [
        Waiting(patient, metrics, tuple(row[3] for row in rows), for_nothing=not never)
        for (never, patient, metrics), rows in groupby(found, key=lambda row: row[:3])
    ]


def _any_told(metrics: Collection[str], told: Collection[str]) -> bool:
    return any(
        name in told or name.startswith(_OF_THE_HOME) or METRICS[name].kind is Kind.ANSWER
        for name in metrics
    )
