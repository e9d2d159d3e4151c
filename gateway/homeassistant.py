"""What a Home Assistant on the same broker is shown of this home, kept up to date.

A thread looks at the home after its commits, at most once a second, and now and then without one
(a prompt runs out, the server is lost), and publishes what has changed. Everything is retained, so
that a Home Assistant that starts later sees it; it is all said again at each connection.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from threading import Event as Flag
from threading import Lock, Thread

import msgspec
from msgspec import Struct

from devices.metrics import METRICS
from devices.model import Fact
from gateway.home import Home
from gateway.homeassistant_table import (
    CARE_TEAM,
    NO_MESSAGE,
    NOTHING_TO_SAY,
    ON_ITS_WAY,
    PRESS,
    SENSORS,
    Topics,
    config,
    cut,
    platforms,
)
from gateway.journal import Journal, PromptState
from gateway.mqtt import Command, Extras
from plumbing.logs import Log
from rules.model import Tier
from rules.words import Texts, sentence

log = Log("gateway.homeassistant")

_LOOK_S = 5.0
_PAUSE_S = 1.0
_ALERTS = 20
_NOTICES = 200
_DEVICE = "home assistant"
_FACT = "announced"

Publish = Callable[[str, bytes], bool]
"""Retained, at QoS 1; False where it could not be queued."""
_encode = msgspec.json.Encoder(order="sorted").encode


class Announced(Struct, frozen=True):
    """What a Home Assistant was ever shown: to be taken away when it is there no more."""

    components: Mapping[str, str] = {}
    """Component -> platform."""
    topics: tuple[str, ...] = ()
    """Retained."""
    commands: tuple[str, ...] = ()


def announced(home: Home) -> Announced:
    """As the journal has kept it."""
    return msgspec.convert(home.known(_DEVICE).get(_FACT, {}), Announced)


def commands(gateway: str, home: Home) -> dict[str, Command]:
    """Topic -> what a message there does: the button "I'm OK" of each person."""

    def button(person: str) -> Command:
        def press(payload: bytes) -> None:
            if payload == PRESS:
                home.tell(person, "im_ok")
            else:
                log.warning("not a press of a button", person=person)

        return press

    return {Topics(gateway).im_ok(person): button(person) for person in home.plan.people}


def extras(gateway: str, home: Home, *, shown: bool) -> Extras:
    """What the broker's connection is to do for it. Not `shown`: only what an earlier run began."""
    before = announced(home)
    if not shown:
        return Extras(unheard=before.commands)
    topics, listening = Topics(gateway), commands(gateway, home)
    return Extras(
        availability=topics.availability,
        commands=listening,
        own=topics.retained(home.plan.people),
        unheard=tuple(topic for topic in before.commands if topic not in listening),
    )


def leave(home: Home, publish: Publish) -> None:
    """Switched off: take away all that a Home Assistant was ever shown."""
    for topic in announced(home).topics:
        publish(topic, b"")


class HomeAssistant:
    """Publishes the entities and their states; `start` after the broker's, `stop` before it."""

    def __init__(
        self,
        gateway: str,
        home: Home,
        now: Callable[[], datetime],
        reached: Callable[[], bool],
        publish: Publish,
        software: str,
    ) -> None:
        self._gateway = gateway
        self._topics = Topics(gateway)
        self._home = home
        self._now = now
        self._reached = reached
        self._publish = publish
        self._software = software
        self._sent: dict[str, bytes] = {}
        self._looking = Lock()
        self._wake = Flag()
        self._stopping = Flag()
        self._thread = Thread(target=self._run, name="home assistant", daemon=True)
        home.on_news(self._wake.set)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._wake.set()
        self._thread.join(timeout=5.0)
        self._publish(self._topics.availability, b"offline")

    def greet(self) -> None:
        """A new connection: say everything again."""
        with self._looking:
            self._sent.clear()
        self._wake.set()

    def look(self) -> None:
        """Publish what differs from what was said last."""
        messages = self._messages()
        with self._looking:
            for topic, payload in messages.items():
                if self._sent.get(topic) != payload and self._publish(topic, payload):
                    self._sent[topic] = payload

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.wait(_LOOK_S)
            self._wake.clear()
            if self._stopping.is_set():
                return
            try:
                self.look()
            except Exception as error:  # noqa: BLE001 - the home goes on, and so does the next look
                log.error("Home Assistant not told", error=error)
            self._stopping.wait(_PAUSE_S)

    def _messages(self) -> dict[str, bytes]:
        """Topic -> payload, the config first; empty where something is taken away."""
        people = self._home.plan.people
        states: dict[str, bytes] = {}
        measured: dict[str, list[str]] = {}
        with self._home.journal() as journal:
            prompts = journal.open_prompts(self._now())
            for person in people:
                own = [state for state in prompts if state.prompt.patient == person]
                readings = _readings(journal, person)
                measured[person] = [metric for metric in SENSORS if metric in readings]
                states[self._topics.readings(person)] = _encode(readings)
                states[self._topics.prompts(person)] = _encode(
                    {
                        **_said(own, self._home.plan.texts),
                        "care_team": _care_team(journal, person),
                    }
                )
        before = announced(self._home)
        made = config(
            self._gateway, list(people.values()), measured, self._software, before.components
        )
        topics = self._topics.retained(people)
        self._remember(
            Announced(
                {**before.components, **platforms(made)},
                tuple(sorted({*before.topics, *topics})),
                tuple(sorted({*before.commands, *map(self._topics.im_ok, people)})),
            ),
            before,
        )
        return {
            self._topics.config: _encode(made),
            **states,
            self._topics.server: b"ON" if self._reached() else b"OFF",
            self._topics.availability: b"online",
            **{topic: b"" for topic in before.topics if topic not in topics},
        }

    def _remember(self, now: Announced, before: Announced) -> None:
        if now != before:
            value = msgspec.to_builtins(now)
            self._home.learn(Fact(device=_DEVICE, name=_FACT, value=value))


def _readings(journal: Journal, person: str) -> dict[str, object]:
    found: dict[str, object] = {}
    for metric in SENSORS:
        reading = journal.newest(person, metric)
        if reading is not None:
            found[metric] = round(reading.value, METRICS[metric].decimals)
            found[f"{metric}_about"] = {
                "taken_at": reading.taken_at,
                "device": reading.device,
                "quality": list(reading.quality),
            }
    return found


def _said(prompts: list[PromptState], texts: Texts) -> dict[str, object]:
    """The most urgent prompt gives the words, the newest of several."""
    first = max(prompts, key=lambda state: (state.prompt.tier, state.prompt.at), default=None)
    if first is None:
        return {"open": 0, "says": NOTHING_TO_SAY, "sentence": None, "needs_help": "OFF"}
    words = sentence(texts, first.prompt.text, "person", first.prompt.values)
    return {
        "open": len(prompts),
        "says": cut(words),
        "sentence": words,
        "since": first.prompt.at,
        "questions": len(first.unanswered),
        "needs_help": "ON" if first.prompt.tier >= Tier.T4 else "OFF",
    }


def _care_team(journal: Journal, person: str) -> str:
    """What became of the newest alert that still stands."""
    alerts = [alert for alert in journal.last_alerts(_ALERTS) if alert.patient == person]
    if not alerts:
        return NO_MESSAGE
    for notice in journal.notices(_NOTICES):
        if notice.alert == alerts[0].id:
            return CARE_TEAM.get(notice.state, CARE_TEAM["open"])
    return ON_ITS_WAY
