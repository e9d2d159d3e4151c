"""The home's core: what is heard is kept, judged and answered in one transaction.

A frame becomes readings, readings move the rules, a finding becomes a prompt or an alert, and
all of it is committed together, before anyone acknowledges the frame. One lock guards it: the
broker's thread, the radio, the home page and the timekeeper all come through here.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from threading import Condition, RLock

from msgspec import Struct

from devices.metrics import METRICS, Kind
from devices.model import Clock, Fact, MqttMessage, Quality, Raw, Reading, reading_id
from gateway.belongs import CONCERNED, given_to
from gateway.enrol import Enrolled, add, change
from gateway.held import NOBODY_SAID, Row
from gateway.intake import Heard, Intake, raw_bytes, raw_text, source_of
from gateway.journal import Journal, PromptState, Waiting
from gateway.kit import MOST_ENROLLED, REMOVED, Found, home_device, state_of
from plumbing.clock import HomeTime
from plumbing.logs import Log
from rules.engine import States
from rules.model import AlertRequest, Phase, Plan, Prompt, Tier
from rules.outcome import after_quiet_hours, decide
from rules.records import (
    Correction,
    Notice,
    SnoozeRefused,
    StaffSnooze,
    StaffState,
    Stated,
    encode,
)
from rules.replay import restore, settle
from rules.snooze import Direction, Snooze, allowed, snooze_id
from rules.whereabouts import DIED, STATES, Word, word_of, wrong_end

log = Log("gateway.home")

PAGE_DEVICE = "home page"
GATEWAY_DEVICE = "gateway"
"""The device of what the gateway says about itself."""
OFFLINE = "kit.gateway_offline"
_OFF_FOR = timedelta(minutes=2)
"""A start that is quicker than this leaves no trace."""
_ALIVE_EVERY = timedelta(seconds=30)
SETTABLE = frozenset(
    name
    for name, metric in METRICS.items()
    if metric.kind is Kind.STATE and (name.startswith("person.") or name == "kit.device_swapped")
)
"""States of a person and a home that someone can set."""
TIME = "time"
"""The device of a state's end that was given before."""
PUT_OFF_FOR = timedelta(hours=1)
"""For how long a person may put off a question."""
_MICROSECOND = timedelta(microseconds=1)
_MOVED = b"the device was moved"


class Delivery(Struct, frozen=True):
    """Which message of the broker's session a frame came in."""

    mid: int
    print: bytes


class Said(Struct, frozen=True):
    """What the home decided in one go: for speech, for the broker, for the log."""

    prompts: tuple[Prompt, ...] = ()
    alerts: tuple[AlertRequest, ...] = ()


class Home:
    """The only writer of the journal, and the only holder of the rules' states."""

    def __init__(self, journal: Journal, plan: Plan, intake: Intake, home_time: HomeTime) -> None:
        self.plan = plan
        self.news = Condition()
        """Notified after each commit that has something to send."""
        self.waiting_for = Condition()
        """Notified when the next wake-up changed."""
        self._journal = journal
        self._intake = intake
        self._time = home_time
        self._lock = RLock()
        self._fresh = True
        self._wake_at: datetime | None = None
        self._last_at = home_time.now()
        self._listeners: list[Callable[[Said], None]] = []
        self._news_listeners: list[Callable[[], None]] = []
        self._states: States
        self._known_until: datetime | None = journal.last_at()
        """While the broker's backlog comes in: how far the home's past is known."""
        self._shown_at: datetime | None = None
        self._ends_at: datetime | None = None
        self._alive_at: datetime | None = None
        self._ask_again = {(rule.patient, rule.id) for rule in plan.rules if rule.then.repeat}
        self._gated = _gated(plan)
        self._pressing = _pressing(plan)
        self._died: set[str] = set()
        self._note_offline()
        with journal.transaction():
            journal.add_readings(self._reach_ends(self._last_at))
            self._end_moved()
        self._restore()

    def on_said(self, listener: Callable[[Said], None]) -> None:
        """Call `listener` after the commit of whatever speaks to someone. It must be quick."""
        self._listeners.append(listener)

    def on_news(self, listener: Callable[[], None]) -> None:
        """Call `listener` after each commit. It must be quick."""
        self._news_listeners.append(listener)

    # What comes in ------------------------------------------------------------------------------

    def now(self) -> datetime:
        """Home time. Never the same twice, so that two frames without a time stay two."""
        with self._lock:
            at = self._time.now()
            if at <= self._last_at:
                at = self._last_at + _MICROSECOND
            self._last_at = at
            return at

    def take(self, frames: Sequence[Raw], deliveries: Iterable[Delivery] = ()) -> None:
        """Keep and judge frames, in their order. On the disk when it returns.

        Raises sqlite3.Error where the journal can't be written: nothing was kept then.
        """
        with self._lock:
            try:
                said = self._take(frames, deliveries)
            except sqlite3.Error:
                self._restore()
                raise
            except Exception as error:  # noqa: BLE001 - then each frame is tried alone
                log.error("batch could not be judged", error=error, frames=len(frames))
                self._restore()
                said = self._take_one_by_one(frames, deliveries)
        self._tell(said)

    def caught_up(self) -> None:
        """What waited for us while we were away is in: from now on silence means something."""
        if self._known_until is not None:
            self.stop_waiting()
            self.wake()

    def stop_waiting(self) -> None:
        """Judge silence from now on, whether or not all that waited for us is in."""
        self._known_until = None

    def wake(self) -> None:
        """Judge what is due by now: absences, persistence, open questions."""
        with self._lock:
            at = self.now()
            with self._changing():
                shown = self._journal.take_shown(at)
                ended = self._journal.add_readings(self._reach_ends(at))
                said = self._judge(ended, at)
                self._journal.expire_prompts(at)
        self._tell(Said((*shown, *said.prompts), said.alerts))

    def stay_alive(self) -> None:
        """Called while the gateway runs, whatever happens: after a stop it knows how long it was.

        Raises sqlite3.Error where the journal can't be written.
        """
        with self._lock:
            at = self.now()
            if self._alive_at is None or at - self._alive_at >= _ALIVE_EVERY:
                with self._journal.transaction():
                    self._mark_alive(at)

    def answer(self, prompt_id: str, answers: Mapping[str, bool]) -> bool:
        """A person's answers to a prompt: each is a reading. False for an unknown prompt.

        The prompt closes with the last answer, or at once where it asks nothing. Raises ValueError
        for an answer that the prompt did not ask for.
        """
        with self._lock:
            found = self._journal.prompt(prompt_id)
            if found is None:
                return False
            for metric in answers:
                if metric not in found.prompt.ask:
                    raise ValueError(f"{metric} was not asked")
            said = self._answered(found.prompt.patient, answers, found)
        self._tell(said)
        return True

    def can_wait(self, prompt: Prompt, at: datetime) -> bool:
        """Whether it may be put off: not urgent, open for long enough, and no answer to it is."""
        calm = prompt.tier <= Tier.T1 and not prompt.time_critical
        asks = {(prompt.patient, metric) for metric in prompt.ask}
        return calm and prompt.expires_at > at + PUT_OFF_FOR and asks.isdisjoint(self._pressing)

    def put_off(self, prompt_id: str) -> bool:
        """The person wants to be asked later. False for a prompt that is not open (any more).

        Quiet hours do not count: what would come back in them comes when they end, and stays open
        for as long as it would have.
        Raises ValueError, in words, for one that can't wait so long.
        """
        with self._lock:
            found = self._journal.prompt(prompt_id)
            if found is None or found.state != "open":
                return False
            at = self.now()
            if not self.can_wait(found.prompt, at):
                raise ValueError("This can't wait.")
            with self._changing():
                until = at + PUT_OFF_FOR
                morning = after_quiet_hours(self.plan.people[found.prompt.patient], until)
                self._journal.put_off(prompt_id, morning or until)
                if morning is not None:
                    self._journal.extend_prompt(prompt_id, morning - until)
                said = self._judge((), at)
        self._tell(said)
        return True

    def tell(self, patient: str, metric: str) -> None:
        """The person's own word, unasked: "I'm OK", "I feel worse". Raises ValueError."""
        if patient not in self.plan.people:
            raise ValueError(f"{patient} is not one of this home's people")
        if metric not in METRICS or METRICS[metric].kind is not Kind.ANSWER:
            raise ValueError(f"{metric} is not something that a person can say here")
        with self._lock:
            said = self._answered(patient, {metric: True}, None)
        self._tell(said)

    def set_state(
        self, patient: str, metric: str, holds: bool, by: str, until: datetime | None = None
    ) -> None:
        """Someone says that a state of a person or home begins or ends: "page:margaret".

        `until`: when it ends by itself. Raises ValueError, in words.
        """
        if metric not in SETTABLE:
            raise ValueError(f"{metric} is no state that can be set here")
        self._check_sayer(patient, by)
        with self._lock:
            at = self.now()
            _check_end(until, at)
            with self._changing():
                said = self._set({metric: holds}, patient, by, until, at)
        self._tell(said)

    def say(self, patient: str, word: Word, by: str, until: datetime | None = None) -> None:
        """Someone says where a person is, and until when. Raises ValueError, in words."""
        self._check_sayer(patient, by)
        with self._lock:
            at = self.now()
            _check_end(until, at)
            with self._changing():
                said = self._say(patient, word, by, until, at)
        self._tell(said)

    def hear_state(self, told: StaffState) -> None:
        """Staff say where a person is. Heard again, it changes nothing. Raises ValueError.

        What was to be over by now is.
        """
        by = f"staff:{told.by}"
        word, until = word_of(told.said), told.until
        if word is None:
            raise ValueError(f"{told.said} is nothing that is known here")
        self._check_sayer(told.patient, by)
        with self._lock:
            at = self.now()
            if until is not None and until <= at:
                word, until = Word.HOME, None
            with self._changing():
                if not self._journal.told_states.put(told):
                    return
                said = self._say(told.patient, word, by, until, at, told.seq)
        self._tell(said)

    def hear_snooze(self, told: StaffSnooze) -> None:
        """Staff snooze a problem. Heard again, it changes nothing. Raises ValueError, in words."""
        snooze = Snooze(**{name: getattr(told, name) for name in Snooze.__struct_fields__})
        with self._lock:
            self._check_snooze(snooze)
            with self._journal.transaction():
                if not self._journal.told_snoozes.put(told):
                    return
                self._journal.add_snooze(snooze)
        self._tell(Said())

    def keep_unheard(self, told: StaffState | StaffSnooze, why: str) -> None:
        """What staff said and can't be applied here is kept, so that it is not told again.

        Of a snooze staff are told why: they would take it to hold.
        """
        with self._lock, self._journal.transaction():
            if not isinstance(told, StaffSnooze):
                self._journal.told_states.put(told)
            elif self._journal.told_snoozes.put(told):
                refused = SnoozeRefused(
                    snooze=told.id, patient=told.patient, at=self.now(), reason=why
                )
                self._journal.add_snooze_refused(refused)
        self._tell(Said())

    def snooze(
        self,
        patient: str,
        family: str,
        direction: Direction,
        tier: Tier,
        ends_at: datetime,
        by: str,
        reason: str,
        *,
        value: float | None = None,
        rule: str | None = None,
    ) -> Snooze:
        """The team need not hear of a problem until then. Raises ValueError, in words."""
        with self._lock:
            at = self.now()
            snooze = Snooze(
                id=snooze_id(patient, family, direction, at, by),
                patient=patient,
                family=family,
                direction=direction,
                tier=tier,
                value=value,
                starts_at=at,
                ends_at=ends_at,
                by=by,
                reason=reason,
                rule=rule,
            )
            self._check_snooze(snooze)
            with self._journal.transaction():
                self._journal.add_snooze(snooze)
        self._tell(Said())
        return snooze

    def correct(self, reading_id: str, reason: str, by: str = PAGE_DEVICE) -> bool:
        """A reading was entered in error: what followed from it no longer stands.

        False where there is no such reading, or it was struck out before.
        """
        with self._lock:
            reading = self._journal.reading(reading_id)
            if reading is None:
                return False
            at = self.now()
            correction = Correction(
                reading=reading.id,
                patient=reading.patient,
                metric=reading.metric,
                taken_at=reading.taken_at,
                at=at,
                by=by,
                reason=reason,
            )
            with self._changing():
                self._journal.correct(correction)
                said = self._judge((), at, (reading,))
        self._tell(said)
        return True

    def belongs_to(self, weighing: str, patient: str) -> bool:
        """A person's answer whose a reading is that waits; "": someone else's.

        False where it does not wait (any more). Raises ValueError for one who was not asked.
        """
        with self._lock:
            waiting = self._journal.held.waiting(weighing)
            if not waiting:
                return False
            if patient and patient not in waiting[0].asked:
                raise ValueError(f"{patient} was not asked")
            theirs = waiting if patient else ()
            rows: list[Row] = [(given_to(one.reading, patient), one.raw) for one in theirs]
            with self._changing():
                self._journal.held.close(weighing, "given" if patient else "nobody", patient)
                said = self._judge(self._journal.add_readings(rows), self.now())
        self._tell(said)
        return True

    def enrol(
        self,
        found: Found,
        name: str,
        people: Sequence[str],
        bindkey: str = "",
        passkey: int | None = None,
        role: str | None = None,
    ) -> Enrolled:
        """Add a device that was found, or name or place an added one anew; in force at once.

        Without `people` it is named, and counts for nobody yet. Raises ValueError, in words.
        """
        with self._lock:
            kit = self._journal.kit
            before = kit.get(found.device)
            if before is None and self._intake.has(found.device):
                raise ValueError("This device is in the settings already.")
            if before is None and len(kit.enrolled()) >= MOST_ENROLLED:
                raise ValueError("There are too many devices. Remove one first.")
            for person in people:
                if person not in self.plan.people:
                    raise ValueError("This person is not in the care plan of this home.")
            at = self.now()
            if before is None:
                whose = tuple(people)
                after = add(found.device, found.kind, name, whose, bindkey, at, passkey, role or "")
            else:
                key = bindkey or before.bindkey
                after = change(before, name, tuple(people), key, passkey, role)
            with self._changing():
                kit.put(after)
                self._journal.add_device_state(state_of(after, at))
            device = home_device(after)
            if device is None:
                self._intake.dismiss(after.device)
            else:
                self._intake.enrol(device)
            said = self._judge_moved()
        self._tell(said)
        return after

    def dismiss(self, device: str) -> bool:
        """Remove a device that was added at home. What it said stays. False: not there."""
        with self._lock:
            enrolled = self._journal.kit.get(device)
            if enrolled is None:
                return False
            with self._changing():
                self._journal.kit.drop(device)
                self._journal.add_device_state(state_of(enrolled, self.now(), REMOVED))
            self._intake.dismiss(device)
            said = self._judge_moved()
        self._tell(said)
        return True

    # What goes out ------------------------------------------------------------------------------

    def wake_at(self) -> datetime | None:
        """Home time of the next judgement that needs no reading; none until we have caught up."""
        if self._known_until is not None:
            return None
        due = (self._wake_at, self._shown_at, self._ends_at)
        return min(filter(None, due), default=None)

    @property
    def is_caught_up(self) -> bool:
        """Whether what waited for us while we were away is in."""
        return self._known_until is None

    def waiting(self) -> Waiting:
        with self._lock:
            return self._journal.waiting()

    def has_news(self) -> bool:
        """Whether anything was committed since the last look; call it holding `news`."""
        fresh, self._fresh = self._fresh, False
        return fresh

    def keep_notices(self, notices: Sequence[Notice]) -> None:
        with self._lock, self._journal.transaction():
            self._journal.put_notices(notices)
        self._tell(Said())

    def forget_deliveries(self) -> None:
        """The broker lost our session: its packet ids mean nothing any more."""
        with self._lock, self._journal.transaction():
            self._journal.forget_deliveries()

    def known(self, device: str) -> Mapping[str, object]:
        """The facts kept of a device, by name."""
        with self._lock:
            return self._intake.known(device)

    def learn(self, fact: Fact) -> None:
        """Keep what was learned of a device. On the disk when it returns."""
        with self._lock:
            with self._journal.transaction():
                self._journal.put_fact(fact, self.now())
            self._intake.learn(fact)

    def was_delivered(self, delivery: Delivery) -> bool:
        """Whether a redelivered message was committed before its acknowledgement was lost."""
        with self._lock:
            return self._journal.delivered(delivery.mid) == delivery.print

    def journal(self) -> "Locked":
        """The journal, for the one who syncs it: hold it as a context."""
        return Locked(self._lock, self._journal)

    # --------------------------------------------------------------------------------------------

    def _take(self, frames: Sequence[Raw], deliveries: Iterable[Delivery]) -> Said:
        heard = [(frame, self._intake.read(frame)) for frame in frames]
        with self._journal.transaction():
            said = self._keep(heard)
            self._journal.put_deliveries([(one.mid, one.print) for one in deliveries])
        return said

    def _take_one_by_one(self, frames: Sequence[Raw], deliveries: Iterable[Delivery]) -> Said:
        """One frame that breaks the rules costs itself, and is kept with the reason."""
        prompts: list[Prompt] = []
        alerts: list[AlertRequest] = []
        for frame in frames:
            try:
                said = self._take([frame], ())
            except sqlite3.Error:
                raise
            except Exception as error:  # noqa: BLE001 - one frame must not stop the home
                log.error("frame could not be judged", error=error)
                self._restore()
                with self._journal.transaction():
                    self._journal.quarantine(
                        source_of(frame),
                        raw_text(frame),
                        f"it could not be judged: {type(error).__name__}: {error}",
                        frame.received_at,
                    )
                continue
            prompts += said.prompts
            alerts += said.alerts
        with self._journal.transaction():
            self._journal.put_deliveries([(one.mid, one.print) for one in deliveries])
        return Said(tuple(prompts), tuple(alerts))

    def _keep(self, heard: Sequence[tuple[Raw, Heard]]) -> Said:
        rows: list[Row] = []
        added: list[Reading] = []
        kit = self._journal.kit
        for frame, what in heard:
            if what.strangers:
                kit.note(what.strangers)
            if what.readings:
                raw = raw_bytes(frame)
                if kit.awaits:
                    self._notice_kit(frame, what.readings)
                said: list[Row] = [(reading, raw) for reading in what.readings]
                concerned = any(reading.metric in CONCERNED for reading in what.readings)
                if concerned or what.other_slot:
                    added += self._journal.add_readings(rows)
                    rows.clear()
                    said = self._place(said, frame.received_at, what.other_slot)
                rows += said
            for fact in what.facts:
                self._journal.put_fact(fact, frame.received_at)
            for refusal in what.refused:
                self._journal.quarantine(
                    refusal.source, refusal.raw, refusal.reason, frame.received_at
                )
        if rows:
            added += self._journal.add_readings(rows)
        return self._judge(added, self.now()) if added else Said()

    def _notice_kit(self, frame: Raw, readings: Sequence[Reading]) -> None:
        """A new reading of a device that is not proved yet takes it further."""
        if isinstance(frame, MqttMessage) and frame.retained:
            return
        for reading in readings:
            if self._journal.kit.is_awaited(reading.device):
                if self._journal.held.is_known(reading.id):
                    continue
                moved = self._journal.kit.hear(reading)
                if moved is not None:
                    self._journal.add_device_state(state_of(moved, frame.received_at))

    def _place(self, rows: Sequence[Row], at: datetime, other_slot: frozenset[str]) -> list[Row]:
        """What is clear whose it is; the rest waits, and the oldest of too many lapses."""
        held = self._journal.held
        passed = held.place(rows, self.plan.people, self._intake.people_of, other_slot)
        for gone in held.lapse() if len(passed) < len(rows) else ():
            reading = gone.reading
            said = encode(reading).decode()
            self._journal.quarantine(reading.device, said, NOBODY_SAID, at)
        return passed

    def _judge(
        self, readings: Sequence[Reading], at: datetime, withdrawn: Sequence[Reading] = ()
    ) -> Said:
        until = self._judged_until(readings, at)
        settled = settle(self.plan, self._states, readings, until, self._journal, withdrawn)
        why = "entered-in-error" if withdrawn else "late-reading"
        self._states = settled.states
        for gone in settled.superseded:
            self._journal.supersede(gone.id, gone.patient, at, why)
        for patient, rule in self._trusted(readings):
            self._journal.close_doubts(patient, rule)
        prompts: list[Prompt] = []
        alerts: list[AlertRequest] = []
        for finding in settled.findings:
            if not self._journal.add_finding(finding, at):
                continue
            asks_again = (finding.patient, finding.rule) in self._ask_again
            if asks_again and finding.phase is not Phase.PENDING:
                self._journal.close_repeats(finding.patient, finding.rule)
            outcome = decide(
                self.plan,
                finding,
                at,
                self._journal.snoozes.in_force(at),
                died=finding.patient in self._died,
            )
            prompt = outcome.prompt
            if prompt is not None and self._journal.add_prompt(prompt) and not prompt.show_from:
                prompts.append(prompt)
            if outcome.alert is not None and self._journal.add_alert(outcome.alert):
                alerts.append(outcome.alert)
        self._journal.put_states(settled.changed)
        self._mark_alive(at)
        due = (settled.wake_at, self._journal.next_shown_at(), self._journal.ends.next())
        if due != (self._wake_at, self._shown_at, self._ends_at):
            self._wake_at, self._shown_at, self._ends_at = due
            with self.waiting_for:
                self.waiting_for.notify_all()
        return Said(tuple(prompts), tuple(alerts))

    def _check_sayer(self, patient: str, by: str) -> None:
        if patient not in self.plan.people:
            raise ValueError(f"{patient} is not one of this home's people")
        if not by.strip():
            raise ValueError("Say who sets it.")

    def _check_snooze(self, snooze: Snooze) -> None:
        rules = [one for one in self.plan.rules if one.patient == snooze.patient]
        if snooze.family not in {one.family for one in rules}:
            raise ValueError("Nothing of that kind is in this person's care plan.")
        refusal = allowed(snooze, self._journal.snoozes.of(snooze.patient))
        if refusal is not None:
            raise ValueError(refusal)

    def _say(
        self,
        patient: str,
        word: Word,
        by: str,
        until: datetime | None,
        at: datetime,
        told: int | None = None,
    ) -> Said:
        """The states that the word names; one that does not hold is not said to end."""
        states = {
            metric: holds
            for metric, holds in STATES[word].items()
            if holds or self._holds(patient, metric)
        }
        stated = Stated(patient=patient, said=word, until=until, at=at, by=by, told=told)
        self._journal.add_stated(stated)
        return self._set(states, patient, by, until, at)

    def _set(
        self,
        states: Mapping[str, bool],
        patient: str,
        by: str,
        until: datetime | None,
        at: datetime,
    ) -> Said:
        rows: list[Row] = []
        for metric, holds in states.items():
            self._journal.ends.put(patient, metric, until if holds else None)
            rows.append((_stated(patient, by, metric, holds, at), None))
        added = self._journal.add_readings(rows)
        if DIED in states:
            self._note_deaths()
        return self._judge(added, at)

    def _reach_ends(self, at: datetime) -> list[Row]:
        """The states whose end has come: from then on they do not hold. They are taken out."""
        rows: list[Row] = []
        for end in self._journal.ends.reached(at):
            self._journal.ends.put(end.patient, end.metric, None)
            rows.append((_stated(end.patient, TIME, end.metric, False, end.at), None))
            if end.metric in STATES[Word.HOME]:
                stated = Stated(patient=end.patient, said=Word.HOME, at=end.at, by=TIME)
                self._journal.add_stated(stated)
        return rows

    def _judge_moved(self) -> Said:
        with self._changing():
            ended = self._end_moved()
            return self._judge(ended, self.now()) if ended else Said()

    def _end_moved(self) -> list[Reading]:
        """What devices said last where they sit no more ends: nobody else would say so."""
        rows: list[Row] = []
        at = self.now()
        for gone in self._intake.moved():
            for metric in gone.metrics:
                newest = self._journal.newest_of_device(gone.device, metric)
                if newest is not None and newest.value >= 1.0:
                    ended = _stated(newest.patient, gone.device, metric, False, at)
                    rows.append((ended, _MOVED))
            self._journal.put_fact(gone.fact, at)
            self._intake.learn(gone.fact)
        return self._journal.add_readings(rows) if rows else []

    def signs(self, device: str) -> frozenset[str]:
        """What a device of the home said from which a role could follow."""
        with self._lock:
            return self._intake.says(device)

    def _holds(self, patient: str, metric: str) -> bool:
        newest = self._journal.newest(patient, metric)
        return newest is not None and newest.value >= 1.0

    def _note_deaths(self) -> None:
        """Whoever died is asked nothing any more."""
        self._died = {one for one in self.plan.people if self._holds(one, DIED)}
        for patient in self._died:
            self._journal.withdraw_all(patient)

    def _trusted(self, readings: Sequence[Reading]) -> set[tuple[str, str]]:
        """The rules, by person, that doubt readings and were given one that they do not doubt."""
        if not self._gated:
            return set()
        return {
            (reading.patient, rule)
            for reading in readings
            for rule, marks in self._gated.get((reading.patient, reading.metric), ())
            if marks.isdisjoint(reading.quality)
        }

    def _judged_until(self, readings: Sequence[Reading], at: datetime) -> datetime:
        """Silence is judged no further than what has come in: a backlog is no silence."""
        if self._known_until is None:
            return at
        heard = (one.taken_at for one in readings if one.device != GATEWAY_DEVICE)
        latest = max(heard, default=self._known_until)
        self._known_until = min(at, max(self._known_until, latest))
        return max(self._known_until, latest)

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """A transaction; where it fails, all that is held in memory is as the disk has it."""
        try:
            with self._journal.transaction():
                yield
        except Exception:
            self._restore()
            raise

    def _answered(
        self, patient: str, answers: Mapping[str, bool], asked: PromptState | None
    ) -> Said:
        at = self.now()
        raw = f"prompt {asked.prompt.id}" if asked is not None else "said unasked"
        rows: list[tuple[Reading, bytes | None]] = [
            (_own_word(patient, metric, yes, at), raw.encode()) for metric, yes in answers.items()
        ]
        with self._changing():
            said = self._judge(self._journal.add_readings(rows), at)
            if asked is not None:
                answered = (*asked.answered, *answers)
                self._journal.put_answered(asked.prompt.id, answered)
                if set(asked.prompt.ask) <= set(answered):
                    self._journal.close_prompt(asked.prompt.id, "answered")
        return said

    def _mark_alive(self, at: datetime) -> None:
        if self._alive_at is None or at - self._alive_at >= _ALIVE_EVERY:
            self._journal.put_alive(at)
            self._alive_at = at

    def _note_offline(self) -> None:
        """The gateway was off, and heard nothing then: that is kept before anything is judged."""
        last, at = self._journal.alive_at(), self._last_at
        if last is None or at - last <= _OFF_FOR:
            return
        rows: list[Row] = [
            (_stated(patient, GATEWAY_DEVICE, OFFLINE, holds, when), None)
            for patient in self.plan.people
            for holds, when in ((True, last), (False, at))
        ]
        with self._journal.transaction():
            self._journal.add_readings(rows)
            self._mark_alive(at)

    def _restore(self) -> None:
        """Boot is an event: states come from the journal, and what is already true fires."""
        self._journal.kit.start_over()
        self._intake.start_over(self._journal.facts())
        at = self.now()
        self._states = restore(self.plan, self._journal.states(), self._journal, at)
        with self._journal.transaction():
            self._note_deaths()
            self._judge((), at)

    def _tell(self, said: Said) -> None:
        with self.news:
            self._fresh = True
            self.news.notify_all()
        for news_listener in self._news_listeners:
            news_listener()
        if said.prompts or said.alerts:
            for listener in self._listeners:
                listener(said)


def _check_end(until: datetime | None, at: datetime) -> None:
    wrong = None if until is None else wrong_end(until, at)
    if wrong is not None:
        raise ValueError(wrong)


def _gated(plan: Plan) -> dict[tuple[str, str], list[tuple[str, frozenset[Quality]]]]:
    """By person and metric: the rules that ask for a better reading, and the marks they doubt."""
    found: dict[tuple[str, str], list[tuple[str, frozenset[Quality]]]] = {}
    for bound in States(plan).rules:
        rule = bound.rule
        if rule.debounce.quality_gate and rule.then.repeat:
            marks = frozenset(rule.debounce.quality_gate)
            for metric in bound.kind.metrics:
                found.setdefault((rule.patient, metric), []).append((rule.id, marks))
    return found


def _pressing(plan: Plan) -> frozenset[tuple[str, str]]:
    """Person and metric of what can call the team at once: a yes to it can't wait."""
    return frozenset(
        (bound.rule.patient, metric)
        for bound in States(plan).rules
        if bound.rule.then.tier >= Tier.T4
        for metric in bound.kind.metrics
    )


def _own_word(patient: str, metric: str, yes: bool, at: datetime) -> Reading:
    return _stated(patient, PAGE_DEVICE, metric, yes, at)


def _stated(patient: str, by: str, metric: str, holds: bool, at: datetime) -> Reading:
    value = 1.0 if holds else 0.0
    return Reading(
        id=reading_id(patient, by, metric, at, value),
        patient=patient,
        device=by,
        metric=metric,
        value=value,
        unit="1",
        taken_at=at,
        received_at=at,
        clock=Clock.RECEIVED,
    )


class Locked:
    """The journal, held by one thread for the length of a `with`."""

    def __init__(self, lock: RLock, journal: Journal) -> None:
        self._lock = lock
        self._journal = journal

    def __enter__(self) -> Journal:
        self._lock.acquire()
        return self._journal

    def __exit__(self, *_: object) -> None:
        self._lock.release()
