"""`homebeat gateway run`: builds the home from its settings, and stops it in order."""

import asyncio
import json
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from threading import Event as Flag
from threading import Thread
from typing import Any
from zoneinfo import ZoneInfo

import uvicorn

from devices.model import Fact, Raw
from gateway.ble.settings import BleDevice, Slot, UserData
from gateway.config import GatewayConfig, HomeDevice
from gateway.health import Health, Part, disk_part
from gateway.home import Home
from gateway.intake import Intake
from gateway.journal import Journal
from gateway.onboarding import Onboarding, devices_of
from gateway.page.app import Changes, make_app
from gateway.page.view import HomeView, clock_text, home_view, reading_line
from gateway.plan import load_packs, load_plan
from gateway.speech import Speaker
from gateway.sync import ServerClient, Sync
from plumbing.backoff import Backoff
from plumbing.clock import monotonic_s
from plumbing.logs import Log
from plumbing.signing import load_or_make_key
from rules.model import Person

log = Log("gateway.run")

_LONGEST_NAP_S = 30.0
_CATCH_UP_S = 30.0
"""How long a backlog may keep silence from being judged; a quiet broker ends it sooner."""
_RETRY_FIRST_S = 1.0
_RETRY_MOST_S = 30.0


class Timekeeper:
    """Wakes the home at the instants at which silence itself means something."""

    def __init__(self, home: Home, config: GatewayConfig) -> None:
        self._home = home
        self._time = config.home_time
        self._catch_up_s = _CATCH_UP_S if config.mqtt is not None else 0.0
        self._stopping = Flag()
        self._thread = Thread(target=self._run, name="timekeeper", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        with self._home.waiting_for:
            self._home.waiting_for.notify_all()
        self._thread.join(timeout=5.0)

    def _run(self) -> None:
        self._stopping.wait(self._catch_up_s)
        while not self._stopping.is_set():
            self._home.stop_waiting()
            due = self._home.wake_at()
            nap_s = _LONGEST_NAP_S if due is None else self._time.wait_s(due)
            if nap_s > 0:
                with self._home.waiting_for:
                    if due == self._home.wake_at() and not self._stopping.is_set():
                        self._home.waiting_for.wait(min(nap_s, _LONGEST_NAP_S))
            try:
                self._home.stay_alive()
                if due is not None and self._time.wait_s(due) <= 0:
                    self._home.wake()
            except Exception as error:  # noqa: BLE001 - a timer that dies would judge no silence any more
                log.error("rules not judged at their due time, tried again soon", error=error)
                self._stopping.wait(_RETRY_FIRST_S)


@dataclass(slots=True)
class Gateway:
    """The running parts of one home."""

    config: GatewayConfig
    home: Home
    sync: Sync
    broker: Any
    homeassistant: Any
    radio: Any
    speaker: Speaker
    timekeeper: Timekeeper
    changes: Changes
    journal: Journal
    onboarding: Onboarding

    def view(self) -> HomeView:
        return home_view(self.home, self.config.home_time.now(), reached=self.sync.online)

    def health(self) -> Health:
        disk, free_mb = disk_part(self.config.data)
        parts = [disk, _sync_part(self.sync), *_broker_parts(self.broker)]
        if self.radio is not None:
            parts += _radio_parts(self.radio)
        if self.speaker.last_error:
            parts.append(Part("speech", "failed", self.speaker.last_error))
        with self.home.journal() as journal:
            return Health(
                at=self.config.home_time.now(),
                gateway=self.config.id,
                plan=self.home.plan.version,
                parts=tuple(parts),
                waiting=journal.waiting(),
                refused=tuple(journal.refusals(50)),
                counts=journal.counts(),
                disk_free_mb=free_mb,
            )

    def start(self) -> None:
        if self.broker is not None:
            self.broker.start()
        if self.homeassistant is not None:
            self.homeassistant.start()
        self.sync.start()
        self.timekeeper.start()
        self.speaker.start()

    def stop(self) -> None:
        if self.homeassistant is not None:
            self.homeassistant.stop()
        if self.broker is not None:
            self.broker.stop()
        self.timekeeper.stop()
        self.sync.stop()
        self.speaker.stop()
        self.journal.close()


def build(config: GatewayConfig) -> Gateway:
    """All parts, none of them started. Raises the errors of plan, journal and key, in words.

    How a text is worded stops no home: `homebeat gateway doctor` tells.
    """
    packs = load_packs(config.packs.folder, strict=False)
    plan = load_plan(config.plan, packs, config.packs.signers, strict=False)
    key = load_or_make_key(config.key)
    journal = Journal(config.journal)
    mappings = config.mqtt.mappings if config.mqtt is not None else ()
    devices = devices_of(config.devices, journal)
    intake = Intake(devices, mappings, plan.people, journal.facts())
    home = Home(journal, plan, intake, config.home_time)
    changes = Changes()
    speaker = Speaker(config.speech, plan.texts)
    home.on_said(speaker.hear)
    home.on_news(changes.bump)
    software = f"homebeat {version('homebeat')}"
    sync = Sync(
        ServerClient(config.id, key, config.server),
        config.server,
        config.id,
        home,
        config.home_time,
        Backoff(_RETRY_FIRST_S, _RETRY_MOST_S),
        software,
    )
    broker = _make_broker(config, home)
    radio = _make_radio(config, home, devices)
    return Gateway(
        config,
        home,
        sync,
        broker,
        _make_homeassistant(config, home, sync, broker, software),
        radio,
        speaker,
        Timekeeper(home, config),
        changes,
        journal,
        Onboarding(home, config.devices, radio, lambda one: _on_air(one, plan.people)),
    )


async def serve(gateway: Gateway) -> None:
    """Run until SIGINT or SIGTERM."""
    config = gateway.config
    host, _, port = config.page.listen.rpartition(":")
    app = make_app(
        gateway.home,
        gateway.view,
        gateway.health,
        gateway.onboarding,
        lambda reading: reading_line(gateway.home, reading, config.home_time.now()),
        lambda: clock_text(gateway.home.plan, config.home_time.now()),
        gateway.changes,
        config.page.emergency_number,
    )
    page = _Page(
        uvicorn.Config(
            app,
            host=host,
            port=int(port),
            log_level="warning",
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=1,
        )
    )
    loop = gateway.onboarding.loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, page.stop)
    gateway.start()
    serving = asyncio.create_task(page.serve())
    listening = [] if gateway.radio is None else [asyncio.create_task(_listen(gateway.radio))]
    try:
        await _say_ready(gateway, page, f"http://{config.page.listen}")
        await serving
    finally:
        for task in listening:
            task.cancel()
        await asyncio.gather(*listening, return_exceptions=True)
        await asyncio.to_thread(gateway.stop)


async def _listen(radio: Any) -> None:
    """The radio, again and again: a mistake in it must not leave the home deaf."""
    pause = Backoff(_RETRY_FIRST_S, _RETRY_MOST_S)
    while True:
        try:
            await radio.run()
        except Exception as error:  # noqa: BLE001 - the other senses of the home go on
            log.error("radio stopped by a mistake, started again", error=error)
        await asyncio.sleep(pause.next_s())


class _Page(uvicorn.Server):
    """uvicorn without its own signal handlers: we stop more than the page."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    def stop(self) -> None:
        self.should_exit = True


async def _say_ready(gateway: Gateway, page: _Page, url: str) -> None:
    waited_from = monotonic_s()
    broker = gateway.broker
    while not page.should_exit:
        subscribed = broker is None or broker.ready.is_set()
        if page.started and (subscribed or monotonic_s() - waited_from > _RETRY_FIRST_S * 5):
            sys.stdout.write(
                json.dumps({"ready": "gateway", "id": gateway.config.id, "url": url}) + "\n"
            )
            sys.stdout.flush()
            return
        await asyncio.sleep(0.02)


def _make_broker(config: GatewayConfig, home: Home) -> Any:
    if config.mqtt is None:
        return None
    from gateway.homeassistant import extras
    from gateway.mqtt import Broker

    return Broker(
        config.id,
        config.mqtt,
        home,
        Backoff(_RETRY_FIRST_S, _RETRY_MOST_S),
        extras(config.id, home, shown=config.mqtt.home_assistant),
    )


def _make_homeassistant(
    config: GatewayConfig, home: Home, sync: Sync, broker: Any, software: str
) -> Any:
    if config.mqtt is None:
        return None
    from gateway.homeassistant import HomeAssistant, leave

    if not config.mqtt.home_assistant:
        broker.on_connected(lambda: leave(home, broker.publish_retained))
        return None
    shown = HomeAssistant(
        config.id,
        home,
        config.home_time.now,
        lambda: sync.online,
        broker.publish_retained,
        software,
    )
    broker.on_connected(shown.greet)
    return shown


def _make_radio(config: GatewayConfig, home: Home, devices: Sequence[HomeDevice]) -> Any:
    if not config.ble.enabled:
        return None
    from gateway.ble.choice import proxies_of, stack_of
    from gateway.ble.memory import Memory
    from gateway.ble.radio import Radio

    async def take(frames: Sequence[Raw]) -> None:
        await asyncio.to_thread(home.take, frames)

    async def keep(fact: Fact) -> None:
        await asyncio.to_thread(home.learn, fact)

    on_air = (_on_air(one, home.plan.people) for one in devices)
    return Radio(
        [device for device in on_air if device is not None],
        take,
        home.now,
        stack_of(config.ble, config.bonds) if config.ble.own_radio else None,
        elsewhere=proxies_of(config.ble, home.now),
        memory=Memory(known=home.known, keep=keep),
    )


_GATT = "gatt."


def is_on_air(device: BleDevice) -> bool:
    """Whether the radio can hear it: a name that is of no health device is a topic."""
    return not device.is_named or device.kind.startswith(_GATT)


def _on_air(one: HomeDevice, people: Mapping[str, Person]) -> BleDevice | None:
    device = ble_device(one, people)
    return device if is_on_air(device) else None


def _user(one: HomeDevice) -> UserData | None:
    if one.tell is None:
        return None
    told = one.tell
    return UserData(told.first_name, told.born, told.gender, told.height_cm)


def _slot(one: HomeDevice) -> Slot | None:
    if one.user_index is None or one.consent_code is None:
        return None
    return Slot(one.user_index, one.consent_code)


def ble_device(one: HomeDevice, people: Mapping[str, Person]) -> BleDevice:
    """The device as the radio knows it; its clock is where its person is."""
    person = people.get(one.patient)
    return BleDevice(
        address=one.device,
        kind=one.kind,
        name=one.name,
        zone=ZoneInfo(person.timezone if person else "UTC"),
        passkey=one.passkey,
        slot=_slot(one),
        user=_user(one),
        delete_records=one.delete_records,
    )


def _sync_part(sync: Sync) -> Part:
    if sync.online:
        return Part("care team's server", "reached")
    return Part(
        "care team's server",
        "not reached",
        f"{sync.last_error}. Check the line; what waits is kept here.",
    )


def _broker_parts(broker: Any) -> list[Part]:
    if broker is None:
        return []
    state = "connected" if broker.connected else "not connected"
    return [Part("MQTT broker", state, broker.last_error)]


def _radio_parts(radio: Any) -> list[Part]:
    return [Part(*row) for row in radio.report()]


def run(config: GatewayConfig) -> int:
    """The whole program; returns the exit code."""
    gateway = build(config)
    asyncio.run(serve(gateway))
    return 0
