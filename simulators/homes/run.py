"""`homebeat simulate home`: builds a home from its settings, and stops it in order."""

import asyncio
import json
import signal
import socket
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import httpx
import uvicorn
from starlette.types import ASGIApp

from plumbing.clock import utc_now
from simulators.ble.bluez import MockBlueZ
from simulators.ble.bus import private_bus
from simulators.cable import Cable
from simulators.homes.answering import Answering
from simulators.homes.config import Address, Begin, DeviceConfig, HomeConfig
from simulators.homes.devices import (
    Air,
    BthomeDevice,
    GattDevice,
    Meter,
    MqttScale,
    PeoplesScale,
    SimulatedDevice,
    ZigbeeSensor,
    announce_zigbee,
)
from simulators.homes.diary import Diary
from simulators.homes.home import SimulatedHome
from simulators.homes.proxies import Proxies, running
from simulators.mqtt import Publisher
from simulators.page.app import make_app

if TYPE_CHECKING:
    from simulators.bumble.room import Room

_ANSWERS_WITHIN_S = 2.0
_ASK_AGAIN_S = 0.1
_SERVER_ERROR = 500


class TooLate(Exception):
    """What should listen to the home was not there when its story began."""


class NotConnected(Exception):
    """A port is taken, or a device has nothing to speak through; the message says which."""


def run(config: HomeConfig) -> None:
    """Until SIGINT or SIGTERM. Raises NotConnected, TooLate, and what a bus raises."""
    asyncio.run(_run(config))


async def _run(config: HomeConfig) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with AsyncExitStack() as parts:
        home = await _build(config, parts)
        page = _Page(make_app(home))
        listener = parts.enter_context(_listen(config.tester))
        tasks = [
            asyncio.create_task(page.serve(sockets=[listener])),
            asyncio.create_task(_live(home, config.begin)),
            asyncio.create_task(stop.wait()),
        ]
        if home.answering is not None:
            tasks.append(asyncio.create_task(home.answering.run()))
        await page.is_up.wait()
        _say_ready(config, home)
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        page.should_exit = True
        for task in tasks[1:]:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task


async def _live(home: SimulatedHome, begin: Begin | None) -> None:
    if begin is not None:
        await _wait_to_begin(begin)
    await home.live()


async def _wait_to_begin(begin: Begin) -> None:
    """Until all answer. Raises TooLate where they do not in time."""
    async with httpx.AsyncClient(timeout=_ANSWERS_WITHIN_S) as caller:
        for url in begin.when:
            while not await _answers(caller, url):
                if utc_now() > begin.by:
                    raise TooLate(f"{url} did not answer by {begin.by.isoformat()}: nobody listens")
                await asyncio.sleep(_ASK_AGAIN_S)
    if utc_now() > begin.by:
        raise TooLate(f"all answered, but only after {begin.by.isoformat()}")


async def _answers(caller: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await caller.get(url)).status_code < _SERVER_ERROR
    except httpx.HTTPError:
        return False


def _listen(address: Address) -> socket.socket:
    try:
        return socket.create_server((address.host, address.port))
    except OSError as error:
        raise NotConnected(
            f"the tester's page can't listen on {address.host}:{address.port} ({error.strerror}). "
            "Set another port under [tester]."
        ) from error


def _say_ready(config: HomeConfig, home: SimulatedHome) -> None:
    said: dict[str, object] = {"ready": "home", "id": config.id}
    said["url"] = f"http://{config.tester.host}:{config.tester.port}"
    if home.radio is not None:
        said |= home.radio.reached_by
    if home.proxies is not None:
        said["proxies"] = home.proxies.reached_by
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()


async def _build(config: HomeConfig, parts: AsyncExitStack) -> SimulatedHome:
    diary = Diary(config.diary)
    parts.callback(diary.close)
    publisher = cable = answering = None
    radio: MockBlueZ | Room | None = None
    if config.mqtt is not None:
        publisher = parts.enter_context(
            Publisher(config.mqtt.host, config.mqtt.port, f"simulated-{config.id}")
        )
    if config.radio is not None:
        radio = await parts.enter_async_context(_radio(config))
    if config.cable is not None:
        cable = Cable(config.cable.port, config.cable.server.host, config.cable.server.port)
        await parts.enter_async_context(cable)
    if config.home_page is not None:
        answering = Answering(
            config.person,
            config.home_page.url,
            config.home_time,
            diary,
            answers=config.home_page.answers,
        )
    proxies = await _proxies(config, parts)
    airs = [radio if proxies is None else proxies.air(one, radio) for one in config.devices]
    devices = [
        _device(config, one, publisher, air) for one, air in zip(config.devices, airs, strict=True)
    ]
    for device in devices:
        device.start()
    if publisher is not None:
        announce_zigbee(config.devices, publisher.publish)
    return SimulatedHome(
        config.person, devices, config.home_time, diary, radio, cable, answering, proxies
    )


@asynccontextmanager
async def _radio(config: HomeConfig) -> "AsyncIterator[MockBlueZ | Room]":
    assert config.radio is not None
    if config.radio.stack == "bumble":
        async with _room(config.radio.port) as room:
            yield room
        return
    assert config.radio.folder is not None, "checked when the settings were read"
    async with private_bus(config.radio.folder) as address, MockBlueZ(address) as bluez:
        yield bluez


def _room(port: int) -> "Room":
    try:
        from simulators.bumble.room import Room  # noqa: PLC0415 - of an extra
    except ModuleNotFoundError as error:
        raise NotConnected(
            f"[radio] stack = 'bumble' needs {error.name}: pip install 'homebeat[bumble]'."
        ) from error
    return Room(port)


async def _proxies(config: HomeConfig, parts: AsyncExitStack) -> Proxies | None:
    if not config.proxies:
        return None
    try:
        return await parts.enter_async_context(running(config.proxies, config.devices))
    except ModuleNotFoundError as error:
        raise NotConnected(
            f"[[proxies]] needs {error.name}: pip install 'homebeat[proxies]', or take them out."
        ) from error
    except OSError as error:
        raise NotConnected(f"a proxy can't listen ({error}). Set another port for it.") from error


VISITED: Mapping[tuple[str, str], type[Meter] | type[PeoplesScale]] = {
    ("gatt.weight_scale", "consent"): PeoplesScale,
    ("gatt.glucose", ""): Meter,
}
"""By kind and model: Bluetooth devices that do not speak before they are asked."""


def _device(
    config: HomeConfig,
    device: DeviceConfig,
    publisher: Publisher | None,
    air: Air | None,
) -> SimulatedDevice:
    over_mqtt = device.kind in {"", "zigbee2mqtt"}
    if over_mqtt and publisher is not None:
        kind = MqttScale if device.kind == "" else ZigbeeSensor
        return kind(device, publisher.publish)
    if not over_mqtt and air is not None:
        if device.kind == "bthome":
            # A device that counts its packets goes on counting while its home is switched off.
            return BthomeDevice(device, air, int(config.home_time.now().timestamp()) % 256)
        visited = VISITED.get((device.kind, device.model), GattDevice)
        return visited(device, air, ZoneInfo(config.person.timezone), config.home_time.now)
    raise NotConnected(
        f"{device.name} speaks over {'MQTT' if over_mqtt else 'Bluetooth'}, and the home has no "
        f"{'[mqtt]' if over_mqtt else '[radio] or [[proxies]] that hears it'}. Add it, or take the "
        "device out."
    )


class _Page(uvicorn.Server):
    """uvicorn without its own signal handlers: we stop more than the page."""

    def __init__(self, app: ASGIApp) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                log_level="warning",
                access_log=False,
                lifespan="off",
                timeout_graceful_shutdown=1,
            )
        )
        self.is_up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.is_up.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
