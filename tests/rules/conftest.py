"""A home in memory: a journal, a plan, and steps that can be taken in any order."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from devices.metrics import METRICS
from devices.model import Quality, Reading, reading_id
from plumbing.documents import load_yaml
from rules.engine import start
from rules.kinds import kinds
from rules.model import Debounce, Finding, Person, Plan, Rule, Then, Tier
from rules.plan import Pack, parse_pack
from rules.replay import Settled, restore, settle

PATIENT = "margaret"
START = datetime(2025, 3, 3, tzinfo=UTC)
"""A Monday, in winter: London is on UTC."""


class Journal:
    """The history that the rules ask for, in lists."""

    def __init__(self) -> None:
        self.kept: dict[str, Reading] = {}
        self.standing: dict[str, Finding] = {}
        self.asked = 0
        """Readings that were handed out."""

    def readings(
        self, metrics: Collection[str], after: datetime, until: datetime
    ) -> Sequence[Reading]:
        rows = [
            reading
            for reading in self.kept.values()
            if reading.metric in metrics and after < reading.taken_at <= until
        ]
        self.asked += len(rows)
        return sorted(rows, key=lambda reading: (reading.taken_at, reading.id))

    def findings(self, rules: Collection[str], since: datetime) -> Sequence[Finding]:
        return [
            finding
            for finding in self.standing.values()
            if finding.rule in rules and finding.at >= since
        ]


class Home:
    """A gateway's core without its disk: what settle() tells to keep is kept."""

    def __init__(self, plan: Plan, at: datetime = START) -> None:
        self.plan = plan
        self.journal = Journal()
        self.saved: dict[str, bytes] = {}
        self.wake_at: datetime | None = None
        self.superseded: list[Finding] = []
        self.states = start(plan, at)
        self.take((), at)

    def take(
        self, arrivals: Iterable[Reading], at: datetime, withdrawn: Sequence[Reading] = ()
    ) -> Settled:
        new = list(arrivals)
        for reading in withdrawn:
            del self.journal.kept[reading.id]
        settled = settle(self.plan, self.states, new, at, self.journal, withdrawn)
        self.journal.kept.update({reading.id: reading for reading in new})
        for finding in settled.superseded:
            del self.journal.standing[finding.id]
        for finding in settled.findings:
            assert finding.id not in self.journal.standing, "a finding was said twice"
            self.journal.standing[finding.id] = finding
        self.superseded += settled.superseded
        self.states = settled.states
        self.saved.update(settled.changed)
        self.wake_at = settled.wake_at
        return settled

    def restart(self, at: datetime, plan: Plan | None = None) -> Settled:
        self.plan = plan or self.plan
        self.states = restore(self.plan, dict(self.saved), self.journal, at)
        return self.take((), at)

    def restart_unnoticed(self, at: datetime) -> None:
        """A restart that changes nothing of what was said, nor when it is to be woken."""
        wake_at = self.wake_at
        settled = self.restart(at)
        assert (settled.findings, settled.superseded) == ((), ())
        assert settled.wake_at == wake_at

    def said(self) -> list[tuple[datetime, str, str]]:
        """What stands, as (at, rule, phase), in order."""
        return sorted((f.at, f.rule, f.phase.value) for f in self.journal.standing.values())


@pytest.fixture(scope="session")
def home() -> type[Home]:
    return Home


@pytest.fixture(scope="session")
def reading() -> Callable[..., Reading]:
    """reading("body_weight", 80.0, day=1, at="07:00"): one of Margaret's, at that time (UTC)."""

    def make(
        metric: str,
        value: float,
        at: str | datetime = "00:00",
        *,
        day: int = 0,
        device: str = "",
        patient: str = PATIENT,
        quality: tuple[Quality, ...] = (),
    ) -> Reading:
        if isinstance(at, str):
            hours, minutes = at.split(":")
            at = START + timedelta(days=day, hours=int(hours), minutes=float(minutes))
        device = device or f"{metric} sensor"
        return Reading(
            id=reading_id(patient, device, metric, at, value),
            patient=patient,
            device=device,
            metric=metric,
            value=value,
            unit=METRICS[metric].unit,
            taken_at=at,
            received_at=at,
            quality=quality,
        )

    return make


@pytest.fixture(scope="session")
def rule() -> Callable[..., Rule]:
    """rule("threshold", metric="level", above=10.0): a rule with Params of that kind."""

    def make(
        kind: str,
        rule_id: str = "rule-1",
        *,
        debounce: Mapping[str, Any] | None = None,
        tier: Tier = Tier.T3,
        ask: tuple[str, ...] = (),
        per_device: bool = False,
        patient: str = PATIENT,
        params: Any = None,
        says: Mapping[str, Any] | None = None,
        **fields: Any,
    ) -> Rule:
        return Rule(
            id=rule_id,
            version="1",
            patient=patient,
            kind=kind,
            params=kinds()[kind].params_type(**fields) if params is None else params,
            then=Then(tier=tier, text="general.beyond-limit", ask=ask, **(says or {})),
            family=rule_id,
            debounce=Debounce(**(debounce or {})),
            per_device=per_device,
            title=rule_id,
        )

    return make


@pytest.fixture(scope="session")
def plan() -> Callable[..., Plan]:
    """plan(rule, rule): Margaret's, in London."""

    def make(*rules: Rule, timezone: str = "Europe/London") -> Plan:
        person = Person(id=PATIENT, name="Margaret Ellis", timezone=timezone)
        return Plan(version="1", people={PATIENT: person}, rules=rules)

    return make


@pytest.fixture(scope="session")
def packs() -> dict[str, Pack]:
    """Every pack that comes with Homebeat."""
    folder = Path(str(files("rules").joinpath("packs")))
    paths = sorted(path for path in folder.glob("*.yaml") if not path.stem.endswith(".test"))
    return {pack.id: pack for pack in (parse_pack(load_yaml(path)) for path in paths)}
