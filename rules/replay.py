"""What is late, what was withdrawn, and what a restart lost: made good from the journal.

The rules are a fold over the readings in the order in which they were taken, so a reading that
comes behind that order, and the memory of a process that was killed, are the same matter: go
back to a state that was written down before it, take the readings from there again, and compare
the findings with those that stand. What is new is said, what no longer follows is superseded.
So live, restarted, replayed and in any order of arrival, the findings end the same.

States are written down each day and after so many events; between them nothing is, since the
journal holds what is needed.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Protocol, TypeVar

import msgspec
from msgspec import Raw, Struct

from devices.model import Reading
from rules.debounce import Gate, began_at, speaks, unsaid
from rules.engine import (
    CLOSED,
    DAY_US,
    LONG_AGO_US,
    NEVER_US,
    BoundRule,
    States,
    Watch,
    counts,
    day_after,
    deliver,
    finding_of,
    fingerprint,
    fire,
    is_own,
    is_told,
    suppress,
)
from rules.exact import BEGINNING, END, micros, micros_of, moment
from rules.limits import RULE_PREFIX
from rules.model import Evidence, Finding, Phase, Plan
from rules.window import empty, written

CHECKPOINTS_KEPT = 16
"""Beyond that every other one of the older half goes, so the oldest is never far from the first."""

T = TypeVar("T")

_IN_ORDER = attrgetter("taken_at", "id")
_WHEN = attrgetter("at", "id")
_encode = msgspec.json.Encoder(enc_hook=written).encode


class History(Protocol):
    """The home's journal, as far as the rules ask for it."""

    def readings(
        self, metrics: Collection[str], after: datetime, until: datetime
    ) -> Sequence[Reading]:
        """Taken in (after, until], of all people of the home, by (taken_at, id); those that were
        entered in error are left out."""
        ...

    def findings(self, rules: Collection[str], since: datetime) -> Sequence[Finding]:
        """Of these rule ids, from `since` on, without the superseded ones."""
        ...


class Settled(Struct, frozen=True):
    """`superseded` no longer stand. A finding may stand again later, then it is in `findings` with
    the id that it had. `changed`: what to keep of the states, in the same transaction: JSON by key,
    empty where nothing needs to be kept any more.
    """

    states: States
    findings: tuple[Finding, ...]
    superseded: tuple[Finding, ...]
    wake_at: datetime | None
    changed: Mapping[str, bytes]


class RuleRecord(Struct, frozen=True, kw_only=True):
    """Since when a rule is in force. Before `muted_until_us` it only looks, and says nothing."""

    fingerprint: str
    from_us: int
    muted_until_us: int
    asked_from_us: int


class Kept(Struct, frozen=True):
    """A Checkpoint as JSON, and its moment."""

    us: int
    body: Raw


class WatchRecord(Struct, frozen=True, kw_only=True):
    checkpoints: list[Kept]


class Checkpoint(Struct, frozen=True, kw_only=True):
    """A watch after all its events up to a moment, that moment included."""

    state: Raw
    gate: Gate
    heard: dict[str, Finding]


def settle(
    plan: Plan,
    states: States,
    arrivals: Sequence[Reading],
    at: datetime,
    history: History,
    withdrawn: Sequence[Reading] = (),
) -> Settled:
    """Take the states on to `at` with what arrived, in any order and however late.

    Owns the states. `history` may or may not hold the arrivals already; it no longer holds the
    withdrawn readings (entered in error), whose findings are superseded.
    """
    if states.plan is not plan:
        raise ValueError("these states belong to another plan: restore() them for this one")
    at_us = micros(at)
    ordered = sorted(arrivals, key=_IN_ORDER)
    fresh = states.forward(ordered, at_us, states.mark_behind)
    for reading in withdrawn:
        _withdraw(states, reading)
    superseded: Sequence[Finding] = ()
    if states.behind:
        repair = _Repair(states, ordered, at_us, history, fresh)
        repair.run()
        fresh = sorted(repair.fresh.values(), key=_WHEN)
        superseded = sorted(repair.gone.values(), key=_WHEN)
    if at_us >= states.next_day_us:
        _write_day(states, at_us)
    changed = _changed(states, at_us)
    return Settled(states, tuple(fresh), tuple(superseded), states.wake_at(), changed)


def restore(plan: Plan, saved: Mapping[str, bytes], history: History, at: datetime) -> States:
    """The states of a home that was stopped, from all that settle() told to keep.

    The next settle() takes the journal's readings from there on again and catches up. A rule that
    is new, or reads differently now, looks back as far as its kind needs and begins at `at`: what
    is true then is a finding, what was before is not.
    """
    states = States(plan)
    states.next_day_us = day_after(micros(at))
    for bound in states.rules:
        known = _decoded(saved.get(bound.key), RuleRecord)
        if known is not None and known.fingerprint == fingerprint(bound.rule):
            bound.from_us = known.from_us
            bound.muted_until_us = known.muted_until_us
            bound.asked_from_us = known.asked_from_us
            states.unsaved_rules.discard(bound)
            _restore_watches(states, bound, saved)
        else:
            bound.asked_from_us = micros(at)
            if saved:
                bound.muted_until_us = micros(at)
                bound.from_us = micros(at) - micros_of(bound.kind.lookback)
            _see_devices(states, bound, history)
        if not bound.rule.per_device:
            states.watch(bound, None)
        for watch in bound.watches.values():
            states.mark_behind(watch, NEVER_US)
    if states.recalls:
        states.recall(history.readings(states.recalls, BEGINNING, END))
    kept = states.by_key.keys() | {
        watch.key for bound in states.rules for watch in bound.watches.values()
    }
    states.forgotten = tuple(key for key, body in saved.items() if body and key not in kept)
    return states


def _restore_watches(states: States, bound: BoundRule, saved: Mapping[str, bytes]) -> None:
    start = f"{bound.key}|"
    for key in sorted(saved):
        if key.startswith(start) and saved[key]:
            watch = states.watch(bound, key.removeprefix(start) or None)
            record = _decoded(saved[key], WatchRecord)
            if record is not None:
                watch.checkpoints = [(point.us, bytes(point.body)) for point in record.checkpoints]
                states.unsaved.discard(watch)


def _see_devices(states: States, bound: BoundRule, history: History) -> None:
    """A rule that watches devices and is new: those that the journal knows."""
    if bound.rule.per_device:
        for reading in history.readings(bound.kind.metrics, _moment(bound.from_us), END):
            if reading.patient == bound.rule.patient:
                states.watch(bound, reading.device)


def _withdraw(states: States, reading: Reading) -> None:
    us = micros(reading.taken_at)
    states.unrecall(reading)
    for watch in states.route(reading.patient, reading.device, reading.metric, us):
        if watch.last_us >= us:
            states.mark_behind(watch, us)


class _Repair:
    """Makes watches afresh that came behind, rule by rule in the order of who listens to whom."""

    def __init__(
        self,
        states: States,
        arrivals: Sequence[Reading],
        at_us: int,
        history: History,
        fresh: Iterable[Finding],
    ) -> None:
        self.states = states
        self.arrivals = arrivals
        self.at_us = at_us
        self.history = history
        self.fresh = {finding.id: finding for finding in fresh}
        self.gone: dict[str, Finding] = {}

    def run(self) -> None:
        for rank in sorted({bound.rank for bound in self.states.rules}):
            behind = [watch for watch in self.states.behind if watch.bound.rank == rank]
            if behind:
                self._remake(sorted(behind, key=attrgetter("number")))

    def _remake(self, behind: Sequence[Watch]) -> None:
        for watch in behind:
            _go_back(watch, self.states.behind[watch])
        needed_us = [
            watch.last_us + 1 if from_us is None else min(from_us, watch.last_us + 1)
            for watch in behind
            for from_us in (_refill_from(watch),)
        ]
        rules = {watch.bound: None for watch in behind}
        rows: dict[Watch, dict[str, Reading]] = {watch: {} for watch in behind}
        metrics = {name for bound in rules for name in (*bound.kind.metrics, *bound.suppressors)}
        anew = {name for watch in behind if watch.state is None for name in watch.bound.suppressors}
        for reading in (
            *self._readings(anew, LONG_AGO_US),
            *self._readings(metrics, min(needed_us) - 1),
        ):
            us = micros(reading.taken_at)
            for watch in self.states.route(reading.patient, reading.device, reading.metric, us):
                if watch in rows:
                    rows[watch][reading.id] = reading
        standing = self._findings(rules, min(map(_stands_from, behind)))
        heard = {heard: None for bound in rules for heard in bound.hears}
        phases = self._findings(heard, min(_hears_from(watch) for watch in behind))
        for watch in behind:
            readings = sorted(rows[watch].values(), key=_IN_ORDER)
            self._remake_one(watch, readings, standing, phases)

    def _remake_one(
        self,
        watch: Watch,
        readings: Sequence[Reading],
        standing: Sequence[Finding],
        phases: Sequence[Finding],
    ) -> None:
        bound = watch.bound
        after_us = watch.last_us
        muted_us = bound.muted_until_us
        muted = after_us < muted_us
        del self.states.behind[watch]
        first_us = muted_us if muted else after_us + 1
        before = [one for one in standing if _is_of(one, watch)]
        stood = {finding.id: finding for finding in before if micros(finding.at) >= first_us}
        earlier = () if not muted or watch.device else before
        was_active = _was_active(one for one in earlier if one.id not in stood)
        pending = self._pending(watch, phases)
        found = {
            finding.id: finding
            for finding in _refold(watch, readings, pending, self.at_us, was_active=was_active)
        }
        for finding in found.values():
            if finding.id not in stood:
                self.fresh[finding.id] = finding
        for finding in stood.values():
            if finding.id not in found and self.fresh.pop(finding.id, None) is None:
                self.gone[finding.id] = finding
        moved = [
            micros(finding.at)
            for finding in (*found.values(), *stood.values())
            if (finding.id in found) is not (finding.id in stood) and is_told(finding)
        ]
        if moved:
            for listener in bound.listeners:
                self.states.mark_behind(self.states.watch(listener, None), min(moved))
        if watch.state is None:
            _drop(self.states, watch)
            return
        self.states.queue(watch)
        self.states.unsaved.add(watch)

    def _readings(self, names: Iterable[str], after_us: int) -> Sequence[Reading]:
        metrics = {name for name in names if not name.startswith(RULE_PREFIX)}
        if not metrics:
            return ()
        stored = self.history.readings(metrics, _moment(after_us), END)
        after = _moment(after_us)
        rows = {reading.id: reading for reading in stored}
        for reading in self.arrivals:
            if reading.metric in metrics and reading.taken_at > after:
                rows.setdefault(reading.id, reading)
        return sorted(rows.values(), key=_IN_ORDER)

    def _findings(self, rules: Collection[BoundRule], after_us: int) -> Sequence[Finding]:
        """Those that stand, the ones of this settling included."""
        ids = {bound.rule.id for bound in rules}
        if not ids:
            return ()
        stored = self.history.findings(ids, _moment(after_us))
        stand = {finding.id: finding for finding in stored if finding.id not in self.gone}
        for finding in self.fresh.values():
            if finding.rule in ids:
                stand[finding.id] = finding
        return tuple(stand.values())

    def _pending(self, watch: Watch, phases: Sequence[Finding]) -> list[tuple[int, Finding]]:
        """What it will be told of other rules after its last event, oldest first.

        A watch that begins in the midst of things is told at once how they stand.
        """
        ids = {heard.rule.id for heard in watch.bound.hears}
        pending = []
        before: dict[str, Finding] = {}
        for finding in sorted(phases, key=attrgetter("at")):
            if finding.rule not in ids or finding.patient != watch.bound.rule.patient:
                continue
            if not is_told(finding):
                continue
            us = micros(finding.at)
            if us > watch.last_us:
                pending.append((us, finding))
            elif not watch.checkpoints:
                before[finding.rule] = finding
        at_once = [(watch.last_us + 1, finding) for _, finding in sorted(before.items())]
        return [*at_once, *pending]


def _is_of(finding: Finding, watch: Watch) -> bool:
    rule = watch.bound.rule
    return (
        finding.rule == rule.id
        and finding.patient == rule.patient
        and finding.device == watch.device
    )


def _stands_from(watch: Watch) -> int:
    return LONG_AGO_US if watch.last_us < watch.bound.muted_until_us else watch.last_us


def _was_active(findings: Iterable[Finding]) -> bool:
    """The phase in which those left a rule. Of one moment that which it took up more often."""
    balance: dict[datetime, int] = {}
    for finding in findings:
        if is_told(finding):
            step = 1 if finding.phase is Phase.ACTIVE else -1
            balance[finding.at] = balance.get(finding.at, 0) + step
    changes = [change for _, change in sorted(balance.items()) if change]
    return bool(changes) and changes[-1] > 0


def _drop(states: States, watch: Watch) -> None:
    """No reading of that device is left: it has not shown itself yet."""
    bound = watch.bound
    names = {*bound.kind.metrics, *bound.suppressors}
    for key in [one for one in states.routes if one[0] == bound.rule.patient and one[2] in names]:
        del states.routes[key]
    del bound.watches[watch.device or ""]
    states.unsaved.discard(watch)
    states.forgotten = (*states.forgotten, watch.key)


def _hears_from(watch: Watch) -> int:
    return watch.last_us if watch.checkpoints else LONG_AGO_US


def _refill_from(watch: Watch) -> int | None:
    return None if watch.state is None else watch.kind.refill_from_us(watch.state)


def _go_back(watch: Watch, us: int) -> None:
    """To its newest state that was written down before `us`, or to before its first event."""
    watch.forget()
    watch.last_id = CLOSED
    watch.last_us = watch.bound.from_us
    while watch.checkpoints:
        point_us, body = watch.checkpoints[-1]
        if point_us < us and _take_up(watch, body):
            watch.last_us = point_us
            return
        watch.checkpoints.pop()


def _take_up(watch: Watch, body: bytes) -> bool:
    """Whether that state can be read: one that another version wrote may not, and is not needed."""
    point = _decoded(body, Checkpoint)
    state = None if point is None else _decoded(point.state, watch.kind.state_type)
    if point is None or state is None:
        return False
    watch.state = state
    watch.gate = point.gate
    watch.heard = point.heard
    return True


def _decoded(body: bytes | Raw | None, kind: type[T]) -> T | None:
    """None where there is nothing, or nothing of that kind."""
    try:
        return None if not body else msgspec.json.decode(body, type=kind, dec_hook=empty)
    except msgspec.MsgspecError:
        return None


def _refold(
    watch: Watch,
    readings: Sequence[Reading],
    pending: list[tuple[int, Finding]],
    at_us: int,
    *,
    was_active: bool,
) -> list[Finding]:
    """Take a watch from where it stands on to `at_us`. Older readings only fill its window.

    `was_active`: an earlier rule of that name was when this one came into force. Rules that watch
    devices are heard by nobody, and say nothing of it.
    """
    after_us, muted_us = watch.last_us, watch.bound.muted_until_us
    found: list[Finding] = []

    def sink(watch: Watch, us: int, cause: str) -> None:
        if us > muted_us:
            found.append(finding_of(watch, us, cause))
        else:
            unsaid(watch.gate)

    events = _begun(watch, readings)
    if watch.state is None:
        return found
    watch.pending = pending
    watch.plan_next()
    muted = after_us < muted_us
    for us, reading in events:
        if muted and us > muted_us:
            _unmute(watch, muted_us, found, was_active=was_active)
            muted = False
        if watch.left <= 0 and us > watch.last_us:
            _write_down(watch, us)
        deliver(watch, us, reading, sink)
    if muted:
        _unmute(watch, muted_us, found, was_active=was_active)
    while watch.next_us <= at_us:
        fire(watch, watch.next_us, sink)
    return found


def _begun(watch: Watch, readings: Sequence[Reading]) -> list[tuple[int, Reading]]:
    """The readings that it is to be told of, each with its time; the older ones it knows then.

    The watch of a device without any is left without a state.
    """
    events = [(micros(reading.taken_at), reading) for reading in readings]
    after_us, suppressors = watch.last_us, watch.bound.suppressors
    first = next((i for i, (us, _) in enumerate(events) if us > after_us), len(events))
    if watch.state is not None:
        from_us = watch.kind.refill_from_us(watch.state)
        for us, reading in events[:first]:
            if from_us is not None and us >= from_us and counts(watch, reading):
                watch.kind.refill(watch.state, us, reading)
        return events[first:]
    begin_us = watch.bound.asked_from_us
    if watch.bound.rule.per_device:
        rest = range(first, len(events))
        first = next((i for i in rest if is_own(watch, events[i][1])), len(events))
        if first == len(events):
            return []
        begin_us = events[first][0]
    watch.begin(begin_us)
    for us, reading in events[:first]:
        if reading.metric in suppressors:
            suppress(watch, us, reading)
    return events[first:]


def _unmute(watch: Watch, us: int, found: list[Finding], *, was_active: bool) -> None:
    """The rule begins to speak: what is true now is its first finding, and what was true of an
    earlier rule of that name, and is not now, has ended: others may have heard of it.
    """

    def sink(watch: Watch, us: int, cause: str) -> None:
        unsaid(watch.gate)

    while watch.next_us <= us:
        fire(watch, watch.next_us, sink)
    watch.last_us = us
    watch.last_id = CLOSED
    gate = watch.gate
    if was_active and gate.phase is not Phase.ACTIVE:
        watch.gate = Gate()
        found.append(finding_of(watch, us, "start", Evidence()))
        watch.gate = gate
    if speaks(gate):
        if gate.phase is Phase.ACTIVE:
            began_at(watch.terms, gate, us, watch.beyond)
        found.append(finding_of(watch, us, "start"))


def _write_down(watch: Watch, before_us: int) -> None:
    """Keep the state, if nothing that it knows of waits; its last moment is over from now on."""
    if watch.state is None or watch.last_us >= before_us or watch.next_us <= watch.last_us:
        return
    points = watch.checkpoints
    if points and points[-1][0] >= watch.last_us:
        return
    point = Checkpoint(state=Raw(_encode(watch.state)), gate=watch.gate, heard=watch.heard)
    points.append((watch.last_us, _encode(point)))
    watch.last_id = CLOSED
    watch.count_anew()
    if len(points) > CHECKPOINTS_KEPT:
        del points[1 : CHECKPOINTS_KEPT // 2 : 2]


def _write_day(states: States, at_us: int) -> None:
    """Move every watch to the last midnight, so that none has to look further back than needed."""
    midnight_us = at_us // DAY_US * DAY_US
    states.rouse()
    for bound in states.rules:
        for watch in bound.watches.values():
            if watch.last_us < midnight_us:
                watch.last_us = midnight_us
                watch.last_id = CLOSED
            _write_down(watch, at_us + 1)
            states.unsaved.add(watch)
    states.next_day_us = day_after(at_us)


def _changed(states: States, at_us: int) -> dict[str, bytes]:
    changed = dict.fromkeys(states.forgotten, b"")
    states.forgotten = ()
    for bound in states.unsaved_rules:
        changed[bound.key] = _encode(
            RuleRecord(
                fingerprint=fingerprint(bound.rule),
                from_us=bound.from_us,
                muted_until_us=bound.muted_until_us,
                asked_from_us=bound.asked_from_us,
            )
        )
    for watch in states.unsaved:
        if watch.left <= 0:
            if watch.dozing is not None:
                watch.dozing.rouse()
            _write_down(watch, at_us + 1)
        record = WatchRecord(checkpoints=[Kept(us, Raw(body)) for us, body in watch.checkpoints])
        changed[watch.key] = _encode(record)
    states.unsaved_rules.clear()
    states.unsaved.clear()
    return changed


def _moment(us: int) -> datetime:
    return BEGINNING if us < 0 else moment(us)
