"""Readings and time in, findings out: the same function at home, at the centre and in a backtest.

A `Watch` is a rule that watches one person, or one of their devices. It is a fold over events,
each at its moment and in this order where moments are equal:

    readings, by their id  ->  phases of other rules (`rule.<id>`)  ->  its own timers

A timer is judged at the moment at which it was due, whenever that is noticed. So what a watch
has found depends on its events alone. One that is told of something behind its last event can't
go back: `rules.replay` makes it afresh from an earlier state.

Watches that listen to other rules have a higher rank, and are told of a phase once the moment
is over; what two rules do at one moment is seen at once, by its outcome.
"""

from bisect import insort
from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from datetime import datetime
from hashlib import blake2b
from heapq import heappop, heappush
from operator import attrgetter, itemgetter
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct, structs

from devices.model import Reading
from rules.debounce import (
    QUALITY,
    Gate,
    More,
    Terms,
    consider,
    hear,
    held,
    is_settled,
    judge,
    mature,
    ripen,
    suppressor,
    terms,
)
from rules.doze import MOST_READINGS, Doze, Series
from rules.exact import micros, moment
from rules.kind import AnyKind
from rules.kinds import kinds
from rules.limits import RULE_PREFIX
from rules.model import Debounce, Evidence, Finding, Number, Phase, Plan, Rule

NEVER_US = 1 << 62
LONG_AGO_US = -NEVER_US
CLOSED = "~"
"""Sorts behind the id of any reading: the readings of that moment are over."""
DAY_US = 86_400_000_000
CHECKPOINT_EVERY = 256
"""Events of a watch between two states that are written down."""

CHANGE = "change"
"""The name of a counterfactual that is of the value itself, and not of one among several."""

_IN_ORDER = attrgetter("taken_at", "id")

Sink = Callable[["Watch", int, str], None]
"""Told of a watch that changed its phase, when, and the id of what caused it."""
Behind = Callable[["Watch", int], None]
"""Told of a watch for which something came behind its last event, and when that was."""


class BoundRule:
    """One rule of the plan, bound: its kind, its debounce, its place among the others."""

    __slots__ = (
        "asked_from_us",
        "doze",
        "from_us",
        "hears",
        "key",
        "kind",
        "listeners",
        "muted_until_us",
        "rank",
        "rule",
        "suppressors",
        "terms",
        "watches",
    )

    def __init__(self, rule: Rule, kind: AnyKind) -> None:
        self.rule = rule
        self.kind = kind
        self.terms: Terms = terms(rule.debounce, kind.lasting)
        more = self.terms.more
        self.doze = _doze(kind, self.terms)
        self.suppressors: tuple[str, ...] = () if more is None else tuple(more.suppressors)
        self.key = f"{rule.patient}/{rule.id}"
        self.rank = 0
        self.hears: list[BoundRule] = []
        self.listeners: list[BoundRule] = []
        self.watches: dict[str, Watch] = {}
        self.from_us = LONG_AGO_US
        self.muted_until_us = LONG_AGO_US
        self.asked_from_us = 0


def _doze(kind: AnyKind, words: Terms) -> Doze | None:
    """A slope may be no verdict at all, so that with it only the last verdict may count."""
    doze = kind.doze() if words.n <= MOST_READINGS else None
    return None if doze is not None and doze.samples and words.n > 1 else doze


class Watch:
    """A rule's state for one person or device, and how far it has come.

    `last_us` and `last_id` are its last event. `pending` holds phases of other rules that lie
    ahead, with their moment; `heard` the last one told of each, by the other's pseudo-metric.
    `home` is the series that it reads, and `doze` None where it reads several. While it is
    `dozing` there, what it knows is of the reading at which that began (see `rules.doze`).
    """

    __slots__ = (
        "bound",
        "checkpoints",
        "device",
        "doze",
        "dozed_at",
        "dozing",
        "gate",
        "heard",
        "home",
        "kind",
        "last_id",
        "last_us",
        "left",
        "more",
        "next_us",
        "number",
        "pending",
        "queued_us",
        "state",
        "terms",
    )

    def __init__(self, bound: BoundRule, device: str | None, number: int) -> None:
        self.bound = bound
        self.kind = bound.kind
        self.terms = bound.terms
        self.more = bound.terms.more
        self.device = device
        self.number = number
        self.checkpoints: list[tuple[int, bytes]] = []
        """(last moment included, JSON), oldest first."""
        self.queued_us = NEVER_US
        self.home: Series | None = None
        self.doze = bound.doze
        self.dozing: Series | None = None
        self.dozed_at = 0
        self.forget()

    def forget(self) -> None:
        """Back to before the first event, without a state."""
        self.state: Any = None
        self.gate = Gate()
        self.heard: dict[str, Finding] = {}
        self.pending: list[tuple[int, Finding]] = []
        self.last_us = LONG_AGO_US
        self.last_id = ""
        self.next_us = NEVER_US
        self.count_anew()

    def count_anew(self) -> None:
        """Count the events until its state is to be written down."""
        self.left = CHECKPOINT_EVERY

    def begin(self, since_us: int) -> None:
        self.state = self.kind.begin(since_us)
        self.plan_next()

    def plan_next(self) -> None:
        """Set `next_us`: the earliest of its timers and of the phases that it will be told."""
        next_us = self.pending[0][0] if self.pending else NEVER_US
        due_us = self.state.due_us
        if due_us is not None and due_us < next_us:
            next_us = due_us
        due_us = self.gate.due_us
        if due_us is not None and due_us < next_us:
            next_us = due_us
        self.next_us = next_us

    def beyond(self) -> Number | None:
        """How far it is beyond its limit, by the name of what is: by the change that would undo it,
        or where that counts something else than the limit, as with a score, by the distance."""
        because: Evidence = self.kind.because(self.state)
        size, limit = because.counterfactual, because.limit
        first = because.numbers[0] if because.numbers else None
        if first is None:
            pass
        elif limit and limit.unit == first.unit and (size is None or size.unit != limit.unit):
            size = structs.replace(first, value=first.value - limit.value)
        elif size is not None and size.name == CHANGE:
            size = structs.replace(size, name=first.name)
        return None if size is None else structs.replace(size, value=abs(size.value))

    @property
    def rests(self) -> bool:
        """Nothing but a reading can move it, and none of its verdicts holds."""
        gate = self.gate
        return (
            gate.phase is Phase.INACTIVE
            and not gate.verdicts
            and self.next_us == NEVER_US
            and self.state is not None
            and (self.more is None or is_settled(gate))
        )

    @property
    def key(self) -> str:
        """Its name among what is saved."""
        return f"{self.bound.key}|{self.device or ''}"

    @property
    def order(self) -> tuple[int, int]:
        return self.bound.rank, self.number


def deliver(watch: Watch, us: int, reading: Reading, sink: Sink) -> None:
    """One reading, not behind the watch's last event. Timers that were due before it come first."""
    while watch.next_us < us:
        fire(watch, watch.next_us, sink)
    watch.last_us = us
    watch.last_id = reading.id
    watch.left -= 1
    state, gate = watch.state, watch.gate
    due_us, matures_us = state.due_us, gate.due_us
    if watch.more is not None:
        _take(watch, watch.more, us, reading, sink)
    else:
        verdict = watch.kind.read(state, us, reading)
        if verdict is not None and judge(watch.terms, gate, verdict, us, reading.id):
            sink(watch, us, reading.id)
    if state.due_us != due_us or gate.due_us != matures_us:
        watch.plan_next()


def _take(watch: Watch, more: More, us: int, reading: Reading, sink: Sink) -> None:
    """One reading under all the words: of a suppressor, of the kind, or of both."""
    if reading.metric in more.suppressors and suppress(watch, us, reading):
        sink(watch, us, reading.id)
    if not is_own(watch, reading):
        return
    if reading.quality and not more.quality.isdisjoint(reading.quality):
        _doubt(watch, more, us, reading, sink)
        return
    verdict = watch.kind.read(watch.state, us, reading)
    if verdict is not None and consider(
        watch.terms, watch.gate, verdict, us, reading.id, watch.beyond
    ):
        sink(watch, us, reading.id)


def suppress(watch: Watch, us: int, reading: Reading) -> bool:
    """Tell it of a state that holds it back, or no longer does."""
    holds = reading.value >= 1.0
    return hear(watch.terms, watch.gate, reading.metric, holds, us, watch.beyond)


def is_own(watch: Watch, reading: Reading) -> bool:
    """Whether its kind reads that, and not only what holds it back."""
    device = watch.device
    return reading.metric in watch.kind.metrics and (device is None or device == reading.device)


def counts(watch: Watch, reading: Reading) -> bool:
    """Whether its kind was told of that reading: of its own, what passed the quality gate."""
    more = watch.more
    return more is None or (is_own(watch, reading) and more.quality.isdisjoint(reading.quality))


def _doubt(watch: Watch, more: More, us: int, reading: Reading, sink: Sink) -> None:
    """A reading of poor quality: if it would have held, that is said, and nothing else changes."""
    state, gate = watch.state, watch.gate
    if gate.doubted or gate.phase in (Phase.ACTIVE, Phase.SUPPRESSED):
        return
    watch.state = deepcopy(state)
    if watch.kind.read(watch.state, us, reading):
        gate.doubted = True
        held_back = suppressor(more, gate, us)
        reason = QUALITY if held_back is None else held_back[0]
        watch.gate = Gate(phase=Phase.SUPPRESSED, reason=reason)
        sink(watch, us, reading.id)
    watch.state, watch.gate = state, gate


def fire(watch: Watch, us: int, sink: Sink) -> None:
    """All that waits for the moment `us`: phases of other rules, then its own timers."""
    watch.last_us = us
    watch.last_id = CLOSED
    watch.left -= 1
    verdict, cause = _hear(watch, us, sink)
    if verdict is not None and _judge(watch, verdict, us, timer=False):
        sink(watch, us, cause)
    if watch.state.due_us == us:
        verdict = watch.kind.wake(watch.state, us)
        if verdict is not None and _judge(watch, verdict, us, timer=True):
            sink(watch, us, "due")
    if watch.gate.due_us == us:
        if watch.more is None:
            mature(watch.gate)
            sink(watch, us, "held")
        elif ripen(watch.terms, watch.gate, us, watch.beyond):
            sink(watch, us, "held")
    watch.plan_next()


def _judge(watch: Watch, verdict: bool, us: int, timer: bool) -> bool:
    if watch.more is None:
        return judge(watch.terms, watch.gate, verdict, us, None)
    return consider(watch.terms, watch.gate, verdict, us, None, watch.beyond, repeats=not timer)


def _hear(watch: Watch, us: int, sink: Sink) -> tuple[bool | None, str]:
    """Tell it the phases of the moment `us`: what came of each rule when all was said."""
    told: dict[str, dict[bool, list[Finding]]] = {}
    while watch.pending and watch.pending[0][0] == us:
        _, finding = watch.pending.pop(0)
        said = told.setdefault(RULE_PREFIX + finding.rule, {False: [], True: []})
        said[finding.phase is Phase.ACTIVE].append(finding)
    last: bool | None = None
    cause = ""
    for metric, said in sorted(told.items()):
        # A rule changes to and fro, so the phase that it took up more often is the one it ended in.
        active = len(said[True]) > len(said[False])
        before = watch.heard.get(metric)
        was_active = before is not None and before.phase is Phase.ACTIVE
        if len(said[True]) == len(said[False]) or was_active is active:
            continue
        finding = min(said[active], key=attrgetter("id"))
        watch.heard[metric] = finding
        reading = _as_reading(finding)
        if metric in watch.bound.suppressors and suppress(watch, us, reading):
            sink(watch, us, finding.id)
        if metric not in watch.kind.metrics:
            continue
        verdict = watch.kind.read(watch.state, us, reading)
        if verdict is not None:
            last, cause = verdict, finding.id
    return last, cause


def _as_reading(finding: Finding) -> Reading:
    return Reading(
        id=finding.id,
        patient=finding.patient,
        device="",
        metric=RULE_PREFIX + finding.rule,
        value=float(finding.phase is Phase.ACTIVE),
        unit="1",
        taken_at=finding.at,
        received_at=finding.at,
    )


def finding_of(watch: Watch, us: int, cause: str, because: Evidence | None = None) -> Finding:
    """What is to be said of a watch that just changed its phase.

    The id leaves out the version: a plan that is renewed around a rule says nothing anew. It holds
    the evidence: late data that changes the numbers makes another finding.
    """
    rule, phase = watch.bound.rule, watch.gate.phase
    because = because or _because(watch, us)
    suppressed = watch.gate.reason if phase is Phase.SUPPRESSED else None
    content = [rule.patient, rule.id, watch.device, phase, us, cause, _as_ever(because)]
    if suppressed is not None:
        content.append(suppressed)
    return Finding(
        id=blake2b(msgspec.json.encode(content), digest_size=16).hexdigest(),
        rule=rule.id,
        version=rule.version,
        patient=rule.patient,
        phase=phase,
        tier=rule.then.tier,
        family=rule.family,
        at=moment(us),
        because=because,
        device=watch.device,
        suppressed=suppressed,
    )


def is_told(finding: Finding) -> bool:
    """Whether other rules hear of it: that one is active, or no longer is."""
    if finding.phase is Phase.INACTIVE:
        return not finding.because.refuted
    return finding.phase is Phase.ACTIVE


def _as_ever(because: Evidence) -> Evidence | dict[str, Any]:
    """As findings had it when there were no repeats, so that they keep their ids."""
    if because.refuted:
        return because
    fields = structs.asdict(because)
    del fields["refuted"]
    return fields


def _because(watch: Watch, us: int) -> Evidence:
    """The kind's own evidence, and that of the active rules which it heard."""
    gate = watch.gate
    because: Evidence = watch.kind.because(watch.state)
    if gate.phase is Phase.INACTIVE:
        refuted = tuple(gate.refuted)
        return structs.replace(because, counterfactual=None, branches=(), refuted=refuted)
    length = held(gate, us) if watch.terms.persist_us else None
    if length is not None:
        because = structs.replace(because, numbers=(*because.numbers, length))
    if gate.readings:
        because = structs.replace(because, readings=tuple(gate.readings))
    if gate.asked:
        readings = tuple(dict.fromkeys((*gate.asked, *because.readings)))
        because = structs.replace(because, readings=readings)
    if gate.unanswered:
        own = [name for name in watch.kind.metrics if not name.startswith(RULE_PREFIX)]
        because = structs.replace(because, missing=", ".join(own))
    heard = [finding for name, finding in sorted(watch.heard.items()) if name in watch.kind.metrics]
    if not heard:
        return because
    behind = [finding.because for finding in heard if finding.phase is Phase.ACTIVE]
    findings = {finding.id for finding in heard}
    others = (reading for reading in because.readings if reading not in findings)
    readings = (*others, *(reading for other in behind for reading in other.readings))
    numbers = (*because.numbers, *(number for other in behind for number in other.numbers))
    return structs.replace(
        because, readings=tuple(dict.fromkeys(readings)), numbers=tuple(dict.fromkeys(numbers))
    )


class States:
    """Every watch of a home, who listens to what, and who wants to be woken when."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.rules = _bound(plan)
        self.by_key = {bound.key: bound for bound in self.rules}
        self._listening: dict[tuple[str, str], list[BoundRule]] = {}
        for bound in self.rules:
            for metric in bound.kind.metrics:
                if not metric.startswith(RULE_PREFIX):
                    self._listening.setdefault((bound.rule.patient, metric), []).append(bound)
        self._held_back: dict[tuple[str, str], list[BoundRule]] = {}
        self._recalled: dict[tuple[str, str], list[Reading]] = {}
        """What holds back a device's rule, for the devices that have yet to show themselves."""
        self._ahead: set[str] = set()
        """Readings of the batch that is being taken."""
        for bound in self.rules:
            for metric in bound.suppressors:
                if not metric.startswith(RULE_PREFIX):
                    series = bound.rule.patient, metric
                    self._held_back.setdefault(series, []).append(bound)
                    if bound.rule.per_device:
                        self._recalled[series] = []
        self.series: dict[tuple[str, str, str], Series] = {}
        self.routes: dict[tuple[str, str, str], Series] = {}
        """Those of them whose watches are known."""
        self.heap: list[tuple[int, int, int, Watch]] = []
        self.behind: dict[Watch, int] = {}
        """Watches to be made afresh, and from when on their events are not what they saw."""
        self.unsaved: set[Watch] = set()
        self.unsaved_rules: set[BoundRule] = set(self.rules)
        self.forgotten: tuple[str, ...] = ()
        """Keys of what was saved and is of no use any more."""
        self.next_day_us = 0
        """When every watch writes its state down next, busy or not."""
        self._count = 0

    def begin_all(self, at_us: int) -> None:
        """Let every rule begin that does not wait for a device to show itself."""
        for bound in self.rules:
            bound.asked_from_us = at_us
            if not bound.rule.per_device:
                watch = self.watch(bound, None)
                watch.begin(at_us)
                self.queue(watch)

    def watch(self, bound: BoundRule, device: str | None) -> Watch:
        """The watch of that rule for that device, new (and without a state) on first sight."""
        found = bound.watches.get(device or "")
        if found is None:
            self._count += 1
            found = bound.watches[device or ""] = Watch(bound, device, self._count)
            self.unsaved.add(found)
            if device is not None and bound.suppressors:
                self._reroute(bound)
        return found

    def _reroute(self, bound: BoundRule) -> None:
        """A new device hears what holds its rule back."""
        patient, suppressors = bound.rule.patient, bound.suppressors
        for series in [one for one in self.routes if one[0] == patient and one[2] in suppressors]:
            del self.routes[series]

    @property
    def recalls(self) -> frozenset[str]:
        """The metrics that `recall` is to be told of."""
        return frozenset(metric for _, metric in self._recalled)

    def recall(self, readings: Iterable[Reading]) -> None:
        """Remember the states that devices which are yet to come will have to know."""
        for reading in readings:
            known = self._recalled.get((reading.patient, reading.metric))
            if known is not None and reading not in known:
                insort(known, reading, key=_IN_ORDER)

    def unrecall(self, reading: Reading) -> None:
        known = self._recalled.get((reading.patient, reading.metric), [])
        known[:] = [one for one in known if one.id != reading.id]

    def _begin(self, watch: Watch, us: int, first_id: str) -> None:
        """A device shows itself. What held it back after that moment has passed it by already."""
        watch.begin(us)
        for metric in watch.bound.suppressors:
            for reading in self._recalled.get((watch.bound.rule.patient, metric), ()):
                when = micros(reading.taken_at)
                if (when, reading.id) < (us, first_id):
                    suppress(watch, when, reading)
                elif reading.id not in self._ahead:
                    self.mark_behind(watch, us)
                    return
        self.queue(watch)

    def route(
        self, patient: str, device: str, metric: str, since_us: int, first_id: str = ""
    ) -> tuple[Watch, ...]:
        """The watches that read that series. A new one begins at `since_us`, its first reading."""
        reading: list[Watch] = []
        for bound in self._listening.get((patient, metric), ()):
            watch = self.watch(bound, device if bound.rule.per_device else None)
            if watch.state is None and watch not in self.behind:
                if since_us <= bound.muted_until_us:
                    self.mark_behind(watch, since_us)
                else:
                    self._begin(watch, since_us, first_id)
            reading.append(watch)
        held_back = tuple(
            watch
            for bound in self._held_back.get((patient, metric), ())
            for watch in bound.watches.values()
        )
        key = patient, device, metric
        series = self.routes[key] = self.series.setdefault(key, Series())
        series.read_by(tuple(reading), held_back)
        return series.watches

    def _routed(self, key: tuple[str, str, str], us: int, first_id: str) -> Series:
        self.route(*key, us, first_id)
        return self.routes[key]

    def rouse(self) -> None:
        """See that every watch has had all its readings: before its state is looked at."""
        for series in self.series.values():
            series.rouse()

    def queue(self, watch: Watch) -> None:
        """See that it is woken no later than its next moment."""
        if watch.next_us < watch.queued_us:
            watch.queued_us = watch.next_us
            heappush(self.heap, (watch.next_us, *watch.order, watch))

    def mark_behind(self, watch: Watch, us: int) -> None:
        """Its events from `us` on are not what it saw: it stands still until made afresh."""
        if watch.dozing is not None:
            watch.dozing.rouse()
        self.behind[watch] = min(us, self.behind.get(watch, us))
        watch.forget()
        watch.last_us = NEVER_US

    def wake_at(self) -> datetime | None:
        """The earliest moment at which a timer has to be judged."""
        heap = self.heap
        while heap:
            us, _, _, watch = heap[0]
            if watch.next_us == us:
                return moment(us)
            heappop(heap)
            if watch.queued_us == us:
                watch.queued_us = NEVER_US
                self.queue(watch)
        return None

    def forward(self, readings: Iterable[Reading], at_us: int, behind: Behind) -> list[Finding]:
        """Take all watches on to `at_us` through readings in the order of (taken_at, id)."""
        findings: list[Finding] = []
        heap, routes = self.heap, self.routes
        if self._recalled:
            readings = tuple(readings)
            self._ahead = {reading.id for reading in readings}
            self.recall(readings)

        def sink(watch: Watch, us: int, cause: str) -> None:
            finding = finding_of(watch, us, cause)
            findings.append(finding)
            if watch.bound.listeners and is_told(finding):
                for listener in watch.bound.listeners:
                    self._tell(listener, us, finding, behind)

        for reading in readings:
            us = micros(reading.taken_at)
            while heap and heap[0][0] < us and heap[0][0] <= at_us:
                self._fire_first(sink)
            key = reading.patient, reading.device, reading.metric
            series = routes.get(key) or self._routed(key, us, reading.id)
            if series.dozing or series.held_back:
                series.take(us, reading)
            for watch in series.awake:
                if us > watch.last_us or (us == watch.last_us and reading.id > watch.last_id):
                    deliver(watch, us, reading, sink)
                    if watch.next_us < watch.queued_us:
                        self.queue(watch)
                    if watch.left <= 0:
                        self.unsaved.add(watch)
                elif us != watch.last_us or reading.id != watch.last_id:
                    behind(watch, us)
            if series.drowsy:
                series.let_doze(us, reading)
        while heap and heap[0][0] <= at_us:
            self._fire_first(sink)
        return findings

    def _fire_first(self, sink: Sink) -> None:
        us, _, _, watch = heappop(self.heap)
        if watch.queued_us == us:
            watch.queued_us = NEVER_US
        if watch.next_us == us:
            fire(watch, us, sink)
            if watch.left <= 0:
                self.unsaved.add(watch)
        self.queue(watch)

    def _tell(self, listener: BoundRule, us: int, finding: Finding, behind: Behind) -> None:
        watch = self.watch(listener, None)
        if watch.dozing is not None:
            watch.dozing.rouse()
        if us < watch.last_us or (us == watch.last_us and watch.last_id == CLOSED):
            behind(watch, us)
            return
        insort(watch.pending, (us, finding), key=itemgetter(0))
        watch.plan_next()
        self.queue(watch)


def _bound(plan: Plan) -> tuple[BoundRule, ...]:
    """The plan's rules with their kinds, those that others listen to before them."""
    rules: dict[tuple[str, str], BoundRule] = {}
    for rule in plan.rules:
        zone = ZoneInfo(plan.people[rule.patient].timezone)
        kind = kinds()[rule.kind](rule.params, zone)
        rules[rule.patient, rule.id] = BoundRule(rule, kind)
    for bound in rules.values():
        for metric in dict.fromkeys((*bound.kind.metrics, *bound.suppressors)):
            if metric.startswith(RULE_PREFIX):
                heard = rules[bound.rule.patient, metric.removeprefix(RULE_PREFIX)]
                bound.hears.append(heard)
                heard.listeners.append(bound)
    for bound in rules.values():
        bound.rank = _rank(bound, ())
    return tuple(sorted(rules.values(), key=lambda bound: bound.rank))


def _rank(bound: BoundRule, above: tuple[BoundRule, ...]) -> int:
    if bound in above:
        raise ValueError(f"rule {bound.rule.id} listens to itself")
    return max((_rank(heard, (*above, bound)) + 1 for heard in bound.hears), default=0)


def fingerprint(rule: Rule) -> str:
    """What a rule's state depends on: the same text, the same course of phases."""
    content = msgspec.json.encode(
        [rule.kind, rule.params, _as_written(rule.debounce), rule.per_device], order="sorted"
    )
    return blake2b(content, digest_size=8).hexdigest()


_ALWAYS_WRITTEN = frozenset({"k", "n", "persist_for", "cooldown", "max_age", "max_gap"})


def _as_written(debounce: Debounce) -> dict[str, Any]:
    """Words that came later are there where they are given: a rule without them stays the same."""
    return {
        name: value
        for name, value in structs.asdict(debounce).items()
        if name in _ALWAYS_WRITTEN or value
    }


def day_after(us: int) -> int:
    """The first midnight (UTC) after that moment."""
    return (us // DAY_US + 1) * DAY_US


class Advanced(Struct, frozen=True):
    states: States
    findings: tuple[Finding, ...]
    wake_at: datetime | None


def start(plan: Plan, at: datetime) -> States:
    """A home without a past. Every reading counts, also those from before; what is expected
    is expected from `at` on. Raises ValueError where rules listen to each other in a circle."""
    states = States(plan)
    states.begin_all(micros(at))
    states.next_day_us = day_after(micros(at))
    return states


def advance(plan: Plan, states: States, readings: Sequence[Reading], at: datetime) -> Advanced:
    """Take the states on to `at`. Readings come in the order of (taken_at, id), none twice.

    Owns the states: those passed in are changed. Raises ValueError for a reading that lies
    behind what the states have seen, or states of another plan.
    """
    if states.plan is not plan:
        raise ValueError("these states belong to another plan: restore() them for this one")
    findings = states.forward(readings, micros(at), _refuse)
    states.unsaved.clear()
    return Advanced(states, tuple(findings), states.wake_at())


def _refuse(watch: Watch, us: int) -> None:
    raise ValueError(
        f"rule {watch.bound.rule.id} has come further than {moment(us)}: readings that are late "
        "go through rules.replay.settle"
    )
