"""`homebeat simulate device --over ...`: plays a device until it has said all, or is stopped."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from devices.model import MqttMessage, Raw
from plumbing.clock import utc_now
from simulators.ble.bluez import MockBlueZ
from simulators.ble.bus import private_bus
from simulators.mqtt import Publication, Publisher
from simulators.play.air import appear
from simulators.play.faults import CanNotHappen, Fault, Shot, Spoiler, spoiled_news
from simulators.play.frames import ADDRESS, Frame, Over, Spoken, over, presence
from simulators.play.replay import Recorded, lasts_s, onto_air, paced

SETTLES_S = 2.0
"""How long a played device stays after its last word, for a scan to hear it."""
CONNECTS_S = 10.0
NEVER_SAID_SO_LONG_S = 600.0
LONG_S = 60.0
"""A recording that takes longer is said to do so, with the speed that makes it this long."""


class NotPlayed(Exception):
    """It could not be played; the message says what to change."""


@dataclass(frozen=True, slots=True)
class Play:
    """`say(at)`: what is said at that time (aware UTC). `times` and `every_s`: how often."""

    say: Callable[[datetime], Spoken]
    times: int = 1
    every_s: float = 5.0
    fault: Fault | None = None
    address: str = ADDRESS


def over_mqtt(play: Play, host: str, port: int) -> None:
    """Publish what announces it, retained, and then what it says. Raises NotPlayed."""
    asyncio.run(_until_stopped(_over_mqtt(play, host, port)))


async def _until_stopped(work: Coroutine[None, None, None]) -> None:
    """SIGINT and SIGTERM end it in order: the bus with its folder, the connection."""
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(ValueError, RuntimeError):
            loop.add_signal_handler(number, task.cancel)
    with suppress(asyncio.CancelledError):
        await task


async def _over_mqtt(play: Play, host: str, port: int) -> None:
    spoken = play.say(utc_now())
    with Publisher(host, port, f"simulated-{spoken.codec.key}") as publisher:
        if not await asyncio.to_thread(publisher.wait_connected, CONNECTS_S):
            raise NotPlayed(f"no broker answers at {host}:{port}: start one, or give --broker")
        _print({"ready": "device", "device": spoken.subject, "kind": spoken.codec.key,
                "over": "mqtt", "broker": f"{host}:{port}"})  # fmt: skip
        news = None if play.fault is None else spoiled_news(play.fault, spoken, play.address)
        for frame in (*presence(spoken), *(spoken.announced if news is None else news)):
            _publish(publisher, frame)

        def send(frame: Frame) -> None:
            _publish(publisher, frame)

        await _say_all(play if news is None else replace(play, fault=None), send)
        await asyncio.to_thread(publisher.wait_sent, CONNECTS_S)


def _publish(publisher: Publisher, frame: Frame) -> None:
    publisher.publish(Publication(topic=frame.at, payload=frame.content, retained=frame.retained))
    _print({"topic": frame.at, "payload": frame.content.decode(errors="replace")}
           | ({"retained": True} if frame.retained else {}))  # fmt: skip


def over_bluez(play: Play, bus: str = "") -> None:
    """Be a peripheral of a mock BlueZ: on the bus of that address, else on one of its own.

    It begins to speak when somebody scans, and ends once it was heard. Raises NotPlayed, and what
    a bus raises.
    """
    asyncio.run(_until_stopped(_over_bluez(play, bus)))


async def _over_bluez(play: Play, bus: str) -> None:
    spoken = play.say(utc_now())
    async with _bus(bus) as address:
        try:
            async with MockBlueZ(address) as bluez:
                await _be_on_air(play, spoken, bluez)
        except RuntimeError as error:
            raise NotPlayed(str(error)) from error


async def _be_on_air(play: Play, spoken: Spoken, bluez: MockBlueZ) -> None:
    played = appear(bluez, spoken, play.address, _local)
    _print({"ready": "device", "device": play.address, "kind": spoken.codec.key, "over": "bluez",
            "DBUS_SYSTEM_BUS_ADDRESS": bluez.bus_address})  # fmt: skip
    await _scanned(bluez)

    def send(frame: Frame) -> None:
        played.say(frame, play.fault)
        _print({"at": frame.at, "hex": frame.content.hex()})

    await _say_all(play, send)
    await bluez.until(lambda: played.delivered, NEVER_SAID_SO_LONG_S)
    if over(spoken.codec) is Over.GATT and played.memory is not None:
        await bluez.until(lambda: bluez.connected(play.address), NEVER_SAID_SO_LONG_S)
        await bluez.until(lambda: not bluez.connected(play.address), NEVER_SAID_SO_LONG_S)
    await asyncio.sleep(SETTLES_S)
    _print({"done": "device", "said": len(played.said)})


def replay_over_mqtt(frames: Sequence[Recorded], speed: float, host: str, port: int) -> None:
    """Publish what was recorded, topic by topic. Raises NotPlayed."""
    asyncio.run(_until_stopped(_replay_over_mqtt(frames, speed, host, port)))


async def _replay_over_mqtt(frames: Sequence[Recorded], speed: float, host: str, port: int) -> None:
    with Publisher(host, port, "simulated-replay") as publisher:
        if not await asyncio.to_thread(publisher.wait_connected, CONNECTS_S):
            raise NotPlayed(f"no broker answers at {host}:{port}: start one, or give --broker")
        _print({"ready": "replay", "frames": len(frames), "broker": f"{host}:{port}"}
               | _lasting(frames, speed))  # fmt: skip

        async def send(raw: Raw) -> None:
            if not isinstance(raw, MqttMessage):
                raise NotPlayed("it has frames of Bluetooth: write --over bluez")
            publisher.publish(
                Publication(topic=raw.topic, payload=raw.payload, retained=raw.retained)
            )

        await paced(frames, speed, send)
        await asyncio.to_thread(publisher.wait_sent, CONNECTS_S)
    _print({"done": "replay", "said": len(frames)})


def replay_over_bluez(frames: Sequence[Recorded], speed: float, bus: str = "") -> None:
    """Be the peripherals of a recording. Raises as `over_bluez`, and NotReplayed."""
    asyncio.run(_until_stopped(_replay_over_bluez(frames, speed, bus)))


async def _replay_over_bluez(frames: Sequence[Recorded], speed: float, bus: str) -> None:
    async with _bus(bus) as address:
        try:
            async with MockBlueZ(address) as bluez:
                _print({"ready": "replay", "frames": len(frames),
                        "DBUS_SYSTEM_BUS_ADDRESS": address}
                       | _lasting(frames, speed))  # fmt: skip
                _say_that_it_waits()
                said = await onto_air(frames, speed, bluez, _local)
        except RuntimeError as error:
            raise NotPlayed(str(error)) from error
    _print({"done": "replay", "said": said})


def _lasting(frames: Sequence[Recorded], speed: float) -> dict[str, object]:
    """How long a recording takes, and what to write where nobody would wait for it."""
    whole_s = lasts_s(frames, speed)
    said: dict[str, object] = {"speed": speed, "takes": about(whole_s)}
    if whole_s > LONG_S:
        said["hint"] = (
            f"--speed {round(speed * whole_s / LONG_S)} takes a minute, --speed 0 sends all at once"
        )
    return said


def about(span_s: float) -> str:
    """ "about 3 days": in the largest unit of which there are two."""
    for unit, length_s in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if span_s >= 2 * length_s:
            return f"about {span_s / length_s:.0f} {unit}"
    return f"about {span_s:.0f} seconds"


async def _scanned(bluez: MockBlueZ) -> None:
    _say_that_it_waits()
    try:
        await bluez.until(lambda: bluez.scanning, NEVER_SAID_SO_LONG_S)
    except TimeoutError:
        raise NotPlayed(
            f"nobody scanned for {about(NEVER_SAID_SO_LONG_S)}: start the gateway with the "
            "DBUS_SYSTEM_BUS_ADDRESS of the ready line"
        ) from None


def _say_that_it_waits() -> None:
    sys.stderr.write(
        "waits until a gateway scans: start one with the DBUS_SYSTEM_BUS_ADDRESS of the line "
        f"above, within {about(NEVER_SAID_SO_LONG_S)}. Ends once all was heard, or with Ctrl-C\n"
    )
    sys.stderr.flush()


@asynccontextmanager
async def _bus(address: str) -> AsyncIterator[str]:
    if address:
        yield address
        return
    with TemporaryDirectory(prefix="hb") as folder:
        async with private_bus(Path(folder)) as own:
            yield own


async def _say_all(play: Play, send: Callable[[Frame], None]) -> None:
    spoiler = Spoiler(play.fault)
    for number in range(play.times):
        if number:
            await asyncio.sleep(play.every_s)
        for frame in spoiled(play, spoiler, play.say(utc_now())):
            await asyncio.sleep(frame.after_s)
            send(frame)
    for frame in spoiler.switch(None):
        send(frame)


def spoiled(play: Play, spoiler: Spoiler, spoken: Spoken) -> Sequence[Frame]:
    """What is sent of one saying. Raises NotPlayed where the fault is none of this device."""
    frames: list[Frame] = []
    for frame in spoken.frames:
        known = spoken.known.get(frame.at, {})
        shot = Shot(spoken.codec, frame, known, spoken.subject, play.address)
        try:
            frames += spoiler.passed(shot)
        except CanNotHappen as error:
            assert play.fault is not None
            raise NotPlayed(f"{play.fault.name}: {error}") from error
    return frames


def _local() -> datetime:
    """The wall clock of this machine, for a device that shows no zone."""
    return utc_now().astimezone().replace(tzinfo=None)


def _print(said: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()
