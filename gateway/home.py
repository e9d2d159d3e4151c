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
from devices.model import Clock, Fact, MqttMessage, Raw, Reading, reading_id
from gateway.belongs import CONCERNED, given_to
from gateway.enrol import Enrolled, add, change
from gateway.held import NOBODY_SAID, Row
from gateway.intake import Heard, Intake, raw_bytes, raw_text, source_of
from gateway.journal import Journal, PromptState, Waiting
from gateway.kit import MOST_ENROLLED, REMOVED, Found, home_device, state_of
from plumbing.clock import HomeTime
from plumbing.logs import Log
from rules.engine import States
from rules.model import AlertRequest, Plan, Prompt
from rules.outcome import decide
from rules.records import Correction, Notice, encode
from rules.replay import restore, settle

log = Log("gateway.home")

PAGE_DEVICE = "home page"
_MICROSECOND = timedelta(microseconds=1)


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
                said = self._judge((), at)
                self._journal.expire_prompts(at)
        self._tell(said)

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

    def tell(self, patient: str, metric: str) -> None:
        """The person's own word, unasked: "I'm OK", "I feel worse". Raises ValueError."""
        if patient not in self.plan.people:
            raise ValueError(f"{patient} is not one of this home's people")
        if metric not in METRICS or METRICS[metric].kind is not Kind.ANSWER:
            raise ValueError(f"{metric} is not something that a person can say here")
        with self._lock:
            said = self._answered(patient, {metric: True}, None)
        self._tell(said)

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

    def enrol(self, found: Found, name: str, people: Sequence[str], bindkey: str = "") -> Enrolled:
        """Add a device that was found, or name an added one anew; in force at once.

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
                after = add(found.device, found.kind, name, tuple(people), bindkey, at)
            else:
                after = change(before, name, tuple(people), bindkey or before.bindkey)
            with self._changing():
                kit.put(after)
                self._journal.add_device_state(state_of(after, at))
            device = home_device(after)
            if device is None:
                self._intake.dismiss(after.device)
            else:
                self._intake.enrol(device)
        self._tell(Said())
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
        self._tell(Said())
        return True

    # What goes out ------------------------------------------------------------------------------

    def wake_at(self) -> datetime | None:
        """Home time of the next judgement that needs no reading; none until we have caught up."""
        return self._wake_at if self._known_until is None else None

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
                if any(reading.metric in CONCERNED for reading in what.readings):
                    added += self._journal.add_readings(rows)
                    rows.clear()
                    said = self._place(said, frame.received_at)
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

    def _place(self, rows: Sequence[Row], at: datetime) -> list[Row]:
        """What is clear whose it is; the rest waits, and the oldest of too many lapses."""
        held = self._journal.held
        passed = held.place(rows, self.plan.people, self._intake.people_of)
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
        prompts: list[Prompt] = []
        alerts: list[AlertRequest] = []
        for finding in settled.findings:
            if not self._journal.add_finding(finding, at):
                continue
            outcome = decide(self.plan, finding, at)
            if outcome.prompt is not None and self._journal.add_prompt(outcome.prompt):
                prompts.append(outcome.prompt)
            if outcome.alert is not None and self._journal.add_alert(outcome.alert):
                alerts.append(outcome.alert)
        self._journal.put_states(settled.changed)
        if settled.wake_at != self._wake_at:
            self._wake_at = settled.wake_at
            with self.waiting_for:
                self.waiting_for.notify_all()
        return Said(tuple(prompts), tuple(alerts))

    def _judged_until(self, readings: Sequence[Reading], at: datetime) -> datetime:
        """Silence is judged no further than what has come in: a backlog is no silence."""
        if self._known_until is None:
            return at
        latest = max((reading.taken_at for reading in readings), default=self._known_until)
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

    def _restore(self) -> None:
        """Boot is an event: states come from the journal, and what is already true fires."""
        self._journal.kit.start_over()
        self._intake.start_over(self._journal.facts())
        at = self.now()
        self._states = restore(self.plan, self._journal.states(), self._journal, at)
        with self._journal.transaction():
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


def _own_word(patient: str, metric: str, yes: bool, at: datetime) -> Reading:
    value = 1.0 if yes else 0.0
    return Reading(
        id=reading_id(patient, PAGE_DEVICE, metric, at, value),
        patient=patient,
        device=PAGE_DEVICE,
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
