"""The simulated proxy against packages that real gateways use, and in a home as it is shipped."""

import asyncio
import base64
import json
import sys
import urllib.parse
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from time import sleep
from typing import Any

import pytest
from aioesphomeapi import APIClient
from aioesphomeapi.core import APIConnectionError
from bluetooth_data_tools import parse_advertisement_data_bytes

from plumbing.clock import monotonic_s
from plumbing.processes import free_port, start
from simulators.ble.peripheral import (
    Advert,
    Characteristic,
    Pairing,
    Peripheral,
    Service,
    uuid_of,
)
from simulators.homes import config as settings
from simulators.proxy.air import on_air
from simulators.proxy.frames import PlainFrames, Refused
from simulators.proxy.node import FEATURES, Node, NodeSettings
from simulators.proxy.room import Room

KEY = base64.b64encode(b"of the kitchen's own proxy, 32 B").decode()
CUFF = "A4:C1:38:00:00:01"
NUMBER = 0xA4C138000001
THIRTY_TWO = "0000fcd2-0000-1000-8000-00805f9b34fb"
LONG = "6e400001-b5a3-f393-e0a9-e50e24dcca9e"
LIMIT_S = 30.0

PERIPHERAL = Peripheral(
    CUFF,
    "Cuff",
    (Service("1810", (Characteristic("2A35", ("indicate",)),)),),
    Advert(("1810",)),
    Pairing.JUST_WORKS,
    interval_s=0.02,
)


@pytest.mark.parametrize(
    "advert",
    [
        pytest.param(Advert(("1810", "180A")), id="services"),
        pytest.param(Advert(service_data={THIRTY_TWO: b"\x40\x00\x07"}), id="service data"),
        pytest.param(Advert(service_data={LONG: b"\x01"}), id="of a long UUID"),
        pytest.param(Advert(manufacturer_data={0x0499: b"\x05\x12"}), id="of a manufacturer"),
        pytest.param(Advert(), id="nothing"),
    ],
)
def test_an_advertisement_is_read_as_it_was_meant(advert: Advert) -> None:
    name, uuids, service_data, makers, _ = parse_advertisement_data_bytes(on_air(advert, "Cuff"))
    assert name == "Cuff"
    assert uuids == [uuid_of(one) for one in advert.service_uuids]
    assert service_data == advert.service_data
    assert makers == advert.manufacturer_data


def test_a_long_name_is_cut_and_what_does_not_fit_is_refused() -> None:
    assert len(on_air(Advert(), "x" * 200)) == 62
    with pytest.raises(ValueError, match="fit"):
        on_air(Advert(manufacturer_data={1: bytes(80)}), "")


def test_plain_frames_are_found_wherever_they_are_cut() -> None:
    stream = b"".join(PlainFrames().pack(kind, bytes(kind)) for kind in (1, 200, 7, 0))
    for at in range(len(stream) + 1):
        frames = PlainFrames()
        found = [*frames.feed(stream[:at]), *frames.feed(stream[at:])]
        assert found == [(kind, bytes(kind)) for kind in (1, 200, 7, 0)]


def test_plain_frames_refuse_what_is_sealed() -> None:
    with pytest.raises(Refused):
        list(PlainFrames().feed(b"\x01\x00\x00"))


@asynccontextmanager
async def client(node: Node) -> AsyncIterator[APIClient]:
    api = APIClient("127.0.0.1", node.port, None, noise_psk=node.settings.key or None)
    await api.connect(login=True)
    try:
        yield api
    finally:
        await api.disconnect()


async def until(condition: Any) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - the node's state is plain fields
            await asyncio.sleep(0.005)


async def connect(api: APIClient) -> list[tuple[bool, int, int]]:
    """Told by the node: (connected, mtu, error), each time it changes."""
    said: list[tuple[bool, int, int]] = []
    await api.bluetooth_device_connect(
        NUMBER, lambda *one: said.append(one), feature_flags=FEATURES, address_type=0
    )
    return said


def test_one_gateway_at_a_time_hears_and_the_next_when_it_is_gone() -> None:
    async def main() -> None:
        async with Room() as room, Node(NodeSettings("kitchen", key=KEY), room) as node:
            room.add_peripheral(PERIPHERAL)
            async with client(node) as second:
                async with client(node) as first:
                    heard: list[str] = []
                    first.subscribe_bluetooth_le_raw_advertisements(lambda _: heard.append("1"))
                    await until(lambda: node.listened_to)
                    second.subscribe_bluetooth_le_raw_advertisements(lambda _: heard.append("2"))
                    room.wake(CUFF)
                    await until(lambda: len(heard) >= 3)
                    assert set(heard) == {"1"}
                await until(lambda: not node.listened_to)
                second.subscribe_bluetooth_le_raw_advertisements(lambda _: heard.append("2"))
                await until(lambda: "2" in heard)

    asyncio.run(main())


def test_a_link_holds_a_slot_and_ends_with_the_connection_that_asked_for_it() -> None:
    async def main() -> None:
        async with Room() as room, Node(NodeSettings("kitchen", slots=1), room) as node:
            room.add_peripheral(PERIPHERAL)
            room.wake(CUFF)
            async with client(node) as api:
                slots: list[tuple[int, int, list[int]]] = []
                api.subscribe_bluetooth_connections_free(lambda *one: slots.append(one))
                assert (await connect(api))[0][0] is True
                await until(lambda: slots and slots[-1] == (0, 1, [NUMBER]))
            await until(lambda: node.free == 1)
            assert not room.device(CUFF).connected

    asyncio.run(main())


def test_what_is_not_paired_is_refused_as_a_device_does() -> None:
    async def main() -> None:
        async with Room() as room, Node(NodeSettings("kitchen"), room) as node:
            room.add_peripheral(PERIPHERAL)
            room.wake(CUFF)
            async with client(node) as api:
                await connect(api)
                found = await api.bluetooth_gatt_get_services(NUMBER)
                (item,) = found.services[0].characteristics
                configuration = item.descriptors[0].handle
                with pytest.raises(APIConnectionError, match="error=5"):
                    await api.bluetooth_gatt_write_descriptor(NUMBER, configuration, b"\x02\x00")
                assert (await api.bluetooth_device_pair(NUMBER)).paired
                await api.bluetooth_gatt_write_descriptor(NUMBER, configuration, b"\x02\x00")
                assert room.device(CUFF).subscribed("2A35")

    asyncio.run(main())


@pytest.mark.parametrize(
    ("address", "connect_s"),
    [
        pytest.param(CUFF, 0.05, id="it sleeps"),
        pytest.param("A4:C1:38:00:00:77", 0.05, id="there is none"),
    ],
)
def test_a_device_that_does_not_answer_gives_its_slot_back(address: str, connect_s: float) -> None:
    async def main() -> None:
        settings_ = NodeSettings("kitchen", connect_s=connect_s)
        async with Room() as room, Node(settings_, room) as node, client(node) as api:
            room.add_peripheral(PERIPHERAL)
            said: list[tuple[bool, int, int]] = []
            await api.bluetooth_device_connect(
                int(address.replace(":", ""), 16),
                lambda *one: said.append(one),
                feature_flags=FEATURES,
                address_type=0,
            )
            assert said == [(False, 0, 0x3E)]
            assert node.free == node.settings.slots

    asyncio.run(main())


# In a home --------------------------------------------------------------------------------------

HOME = """
id = "home-1"
data = "home"
[person]
id = "margaret"
name = "Margaret Ellis"
seed = 1
timezone = "Europe/London"
[person.body]
dry_weight_kg = 71.4
[tester]
port = {tester}
[[proxies]]
name = "bedroom"
port = 0
key = "{key}"
[[devices]]
device = "A4:C1:38:00:00:01"
kind = "gatt.blood_pressure"
name = "Cuff in the bedroom"
heard_by = ["bedroom"]
[[devices]]
device = "A4:C1:38:00:00:02"
kind = "bthome"
model = "contact"
name = "Bedroom door"
heard_by = ["bedroom"]
"""
GATEWAY = """
id = "home-1"
data = "gateway"
plan = "plan.yaml"
[server]
url = "http://127.0.0.1:9"
[page]
listen = "127.0.0.1:{page}"
[ble]
enabled = true
own_radio = false
[[ble.proxies]]
name = "bedroom"
host = "127.0.0.1"
port = {proxy}
key = "{key}"
[[devices]]
device = "A4:C1:38:00:00:01"
patient = "margaret"
kind = "gatt.blood_pressure"
name = "Cuff in the bedroom"
[[devices]]
device = "A4:C1:38:00:00:02"
patient = "margaret"
kind = "bthome"
name = "Bedroom door"
"""
PLAN = """
version: "1"
people:
  - {id: margaret, name: Margaret Ellis, timezone: Europe/London, simulated: true}
"""


@pytest.mark.parametrize(
    ("heard_by", "says"),
    [
        pytest.param('["attic"]', "attic", id="a proxy that is not there"),
        pytest.param('["own", "bedroom"]', "visited", id="a cuff in two places"),
    ],
)
def test_a_device_that_nobody_can_hear_so_is_refused(
    tmp_path: Path, heard_by: str, says: str
) -> None:
    file = tmp_path / "home.toml"
    text = HOME.format(tester=8440, key=KEY).replace('["bedroom"]', heard_by, 1)
    file.write_text(text)
    with pytest.raises(settings.ConfigError, match=says):
        settings.load(file)


class Programs:
    """`homebeat simulate home` with a proxy, and `homebeat gateway run` without a radio."""

    def __init__(self, folder: Path, running: ExitStack) -> None:
        self._folder = folder
        self._running = running
        page, tester = free_port(), free_port()
        (folder / "home.toml").write_text(HOME.format(tester=tester, key=KEY))
        (folder / "plan.yaml").write_text(PLAN)
        said = self._start("home", "simulate", "home", "--config", folder / "home.toml")
        port = said["proxies"]["bedroom"]
        self.tester, self.page = f"http://127.0.0.1:{tester}", f"http://127.0.0.1:{page}"
        config = folder / "gateway.toml"
        config.write_text(GATEWAY.format(page=page, proxy=port, key=KEY))
        self._start("gateway", "gateway", "run", "--config", config)

    def _start(self, name: str, *words: object) -> dict[str, Any]:
        child = start(
            [sys.executable, "-m", "homebeat", *words],
            name=name,
            log=self._folder / f"{name}.log",
            output=self._folder / f"{name}.out",
        )
        self._running.callback(child.stop)
        return child.wait_for_json("ready", LIMIT_S)

    def post(self, path: str) -> None:
        url = f"{self.tester}{urllib.parse.quote(path, safe='/')}"
        urllib.request.urlopen(url, data=b"", timeout=5).close()

    def part(self, name: str) -> dict[str, str]:
        with urllib.request.urlopen(f"{self.page}/health.json", timeout=5) as answer:
            parts = json.load(answer)["parts"]
        return next(part for part in parts if part["name"] == name)

    def until(self, name: str, state: str) -> dict[str, str]:
        """Asked now and then: programs have no event for a test."""
        end_s = monotonic_s() + LIMIT_S
        while state not in (found := self.part(name))["state"]:
            assert monotonic_s() < end_s, found
            sleep(0.1)
        return found

    def said(self) -> str:
        """All that both programs logged."""
        return "".join(file.read_text() for file in self._folder.glob("*.log"))


@pytest.fixture
def programs(tmp_path: Path) -> Iterator[Programs]:
    with ExitStack() as running:
        yield Programs(tmp_path, running)


@pytest.mark.processes
def test_a_tester_unplugs_a_proxy_and_reads_a_cuff_through_it_again(programs: Programs) -> None:
    proxy = "Bluetooth proxy bedroom"
    assert programs.until(proxy, "listens")["trouble"] == ""
    programs.post(f"/devices/{CUFF}/blood pressure")
    assert programs.until("Cuff in the bedroom", "gave a value")["trouble"] == ""
    programs.post("/devices/A4:C1:38:00:00:02/opens")
    programs.until("Bedroom door", "heard")
    programs.post("/proxies/off")
    assert programs.until(proxy, "not reached")["trouble"]
    programs.post("/proxies/on")
    assert programs.until(proxy, "listens")["trouble"] == ""
    assert KEY not in programs.said()
