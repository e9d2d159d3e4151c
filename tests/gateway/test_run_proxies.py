"""The gateway as it is run, with proxies in its settings: from what a node hears to readings."""

import asyncio
import base64
import json
import subprocess
import sys
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from devices.registry import by_key
from gateway.ble import hearing
from gateway.ble.routes import OWN, choose
from gateway.ble.timing import Timing
from gateway.config import ConfigError, load
from gateway.doctor import examine
from gateway.run import Gateway, build
from simulators.ble.peripheral import Advert, Characteristic, Pairing, Peripheral, Service
from simulators.proxy.node import Node, NodeSettings
from simulators.proxy.room import Room

KEY = base64.b64encode(b"of the kitchen's own proxy, 32 B").decode()
OTHER_KEY = base64.b64encode(b"of another proxy in another home").decode()
PLAN = 'version: "1"\npeople: [{id: margaret, name: Margaret, simulated: true}]\n'
BTHOME = "0000fcd2-0000-1000-8000-00805f9b34fb"
RUUVI = 0x0499
CUFF, BUTTON, TAG = (f"A4:C1:38:00:00:0{number}" for number in (1, 2, 4))
DEVICES = f"""
[[devices]]
device = "{CUFF}"
kind = "gatt.blood_pressure"
patient = "margaret"
[[devices]]
device = "{BUTTON}"
kind = "bthome"
patient = "margaret"
[[devices]]
device = "{TAG}"
kind = "ruuvitag"
patient = "margaret"
"""
WANTED = ("systolic_pressure", "room_temperature", "button_pressed")
BEGIN = datetime(2000, 1, 1, tzinfo=UTC)
BLE = "[ble]\nenabled = true\nown_radio = false\n"


def write(folder: Path, ble: str, devices: str = "") -> Path:
    (folder / "plan.yaml").write_text(PLAN)
    path = folder / "gateway.toml"
    path.write_text(
        f'id = "home-1"\ndata = "data"\nplan = "plan.yaml"\n'
        f'[server]\nurl = "http://127.0.0.1:9"\n{ble}{devices}'
    )
    return path


def proxy(port: int, name: str = "kitchen", key: str = KEY) -> str:
    said = {"host": "127.0.0.1", "port": port, "name": name, "key": key}
    return "[[ble.proxies]]\n" + "".join(f"{k} = {json.dumps(v)}\n" for k, v in said.items())


def frame(kind: str, metric: str, at: str = "") -> bytes:
    """The first of the catalogue's vectors that says it there: bytes of a real device."""
    device = by_key(kind)
    assert device is not None
    said = (one for one in device.vectors if metric in (one.expected or {}))
    return next(bytes.fromhex(one.frame) for one in said if at in {"", one.at})


def readings(gateway: Gateway) -> dict[str, list[float]]:
    with gateway.home.journal() as journal:
        found: dict[str, list[float]] = {}
        for one in journal.readings(WANTED, BEGIN, BEGIN + timedelta(days=36_500)):
            found.setdefault(one.metric, []).append(one.value)
        return found


async def until(condition: Callable[[], bool], limit_s: float = 10.0) -> None:
    async with asyncio.timeout(limit_s):
        while not condition():  # noqa: ASYNC110 - another thread keeps what was heard
            await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    "gap_s",
    [
        pytest.param(hearing.REPEAT_GAP_S, id="told apart as they are heard"),
        pytest.param(0.0, id="told apart by the packet id alone"),
    ],
)
def test_what_two_proxies_hear_and_read_becomes_readings_once(
    tmp_path: Path, gap_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hearing, "REPEAT_GAP_S", gap_s)

    async def main() -> None:
        async with Room() as room:
            for peripheral in (
                Peripheral(
                    CUFF,
                    "Cuff",
                    (Service("1810", (Characteristic("2A35", ("indicate",)),)),),
                    Advert(("1810",)),
                    Pairing.JUST_WORKS,
                    interval_s=0.02,
                ),
                Peripheral(BUTTON, "Button"),
                Peripheral(TAG, "Ruuvi"),
            ):
                room.add_peripheral(peripheral)
            kitchen = NodeSettings("kitchen", key=KEY)
            bedroom = replace(kitchen, name="bedroom", mac="A0:B7:65:00:00:02", key=OTHER_KEY)
            async with Node(kitchen, room) as one, Node(bedroom, room) as two:
                ble = BLE + proxy(one.port) + proxy(two.port, "bedroom", OTHER_KEY)
                gateway = build(load(write(tmp_path, ble, DEVICES)))
                running = asyncio.create_task(gateway.radio.run())
                try:
                    await until(lambda: one.listened_to and two.listened_to)
                    room.store(
                        CUFF, "2A35", frame("gatt.blood_pressure", "systolic_pressure", "2A35")
                    )
                    tag = frame("ruuvitag", "room_temperature")
                    room.advertise(TAG, Advert(manufacturer_data={RUUVI: tag}))
                    press = Advert(service_data={BTHOME: b"\x40\x00\x07\x3a\x01"})
                    room.advertise(BUTTON, press, for_s=0.3)
                    await until(lambda: set(readings(gateway)) == set(WANTED))
                    await asyncio.sleep(0.3)
                    assert len(readings(gateway)["button_pressed"]) == 1
                    parts = {part.name: part for part in gateway.health().parts}
                    assert "Bluetooth" not in parts
                    for name in ("kitchen", "bedroom"):
                        assert "3 links free" in parts[f"Bluetooth proxy {name}"].state
                        assert not parts[f"Bluetooth proxy {name}"].trouble
                finally:
                    running.cancel()
                    with suppress(asyncio.CancelledError):
                        await running
                    gateway.journal.close()

    asyncio.run(main())


@pytest.mark.parametrize(
    ("key", "trouble"),
    [
        pytest.param(KEY, "", id="well"),
        pytest.param(OTHER_KEY, "It has another key", id="wrong key"),
    ],
)
def test_doctor_says_how_each_proxy_is_and_never_its_key(
    tmp_path: Path, key: str, trouble: str
) -> None:
    async def main() -> None:
        async with Room() as room, Node(NodeSettings("kitchen", key=KEY), room) as node:
            path = write(tmp_path, BLE + proxy(node.port, key=key))
            parts = {part.name: part for part in await asyncio.to_thread(examine, path)}
            assert "Bluetooth" not in parts
            assert parts["Bluetooth proxy kitchen"].trouble.startswith(trouble)
            assert bool(parts["Bluetooth proxy kitchen"].trouble) is bool(trouble)
            assert key not in repr(parts)

    asyncio.run(main())


@pytest.mark.parametrize(
    ("ble", "says"),
    [
        pytest.param(BLE + proxy(6053, key="secret"), "32 bytes in base64", id="no key"),
        pytest.param(BLE + proxy(6053, key=KEY[:-8]), "32 bytes in base64", id="a short key"),
        pytest.param(BLE + proxy(6053) * 2, "kitchen twice", id="one name twice"),
        pytest.param(BLE + proxy(66_000), "<= 65535", id="no port"),
        pytest.param(BLE + '[[ble.proxies]]\nhost = ""\n', "`host` is empty", id="no host"),
        pytest.param(BLE + '[[ble.proxies]]\nname = "kitchen"\n', "host", id="host left out"),
        pytest.param(BLE, "neither a radio of its own", id="no radio at all"),
    ],
)
def test_proxies_that_can_not_be_used_are_refused_with_what_to_write(
    tmp_path: Path, ble: str, says: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        load(write(tmp_path, ble))
    assert says in str(refused.value)
    assert "secret" not in str(refused.value)
    assert KEY[:-8] not in str(refused.value)


def test_the_key_is_in_no_repr(tmp_path: Path) -> None:
    assert KEY not in repr(load(write(tmp_path, BLE + proxy(6053))))


def test_without_the_extra_one_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "aioesphomeapi.client", None)
    monkeypatch.delitem(sys.modules, "gateway.ble.proxies", raising=False)
    path = write(tmp_path, BLE + proxy(6053))
    with pytest.raises(ConfigError, match=r"homebeat\[proxies\]"):
        build(load(path))
    said = next(part for part in examine(path) if part.name == "Bluetooth proxy kitchen")
    assert "homebeat[proxies]" in said.trouble


def test_a_home_without_proxies_loads_nothing_of_them(tmp_path: Path) -> None:
    path = write(tmp_path, "[ble]\nenabled = true\n")
    program = (
        "import sys; from pathlib import Path; from gateway.config import load; "
        "from gateway.run import build; build(load(Path(sys.argv[1]))).journal.close(); "
        "print([name for name in ('aioesphomeapi', 'bleak_esphome', 'habluetooth', 'noise')"
        " if name in sys.modules])"
    )
    said = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True
    )
    assert said.stdout.strip() == "[]"


KITCHEN, BEDROOM = "A0:B7:65:00:00:01", "A0:B7:65:00:00:02"


@pytest.mark.parametrize(
    ("heard_by", "awake_s", "bond", "own", "chosen"),
    [
        pytest.param({OWN}, 0.0, None, True, OWN, id="our own, at once"),
        pytest.param({OWN, KITCHEN}, 0.0, None, True, OWN, id="our own before a proxy"),
        pytest.param({KITCHEN}, 0.0, None, True, None, id="our own may hear it yet"),
        pytest.param({KITCHEN}, 2.0, None, True, "", id="our own does not hear it"),
        pytest.param({KITCHEN}, 0.0, None, False, "", id="there is no own"),
        pytest.param({OWN, KITCHEN}, 0.0, KITCHEN, True, KITCHEN, id="the bond's holder first"),
        pytest.param({KITCHEN}, 2.0, OWN, True, None, id="our own holds the bond"),
        pytest.param({BEDROOM}, 2.0, KITCHEN, False, None, id="another proxy holds the bond"),
        pytest.param({BEDROOM}, 11.0, KITCHEN, False, "", id="the holder never hears it"),
        pytest.param({OWN}, 11.0, KITCHEN, True, OWN, id="the holder is gone, our own is there"),
        pytest.param(set(), 11.0, None, True, None, id="nobody hears it"),
    ],
)
def test_who_visits_a_device(
    heard_by: Collection[str], awake_s: float, bond: str | None, own: bool, chosen: str | None
) -> None:
    timing = Timing(own_first_s=1.5, bond_first_s=10.0)
    assert choose(heard_by, awake_s, bond, timing, own=own) == chosen
