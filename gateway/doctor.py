"""`homebeat gateway doctor`: what would go wrong tonight, each with what to do."""

import asyncio
import http.client
import json
import os
import socket
import sqlite3
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import urlopen

from gateway.config import Ble, BleProxy, ConfigError, GatewayConfig, Mqtt, load
from gateway.health import Part, disk_part
from gateway.plan import load_packs, load_plan
from gateway.unheard import heard_so_far, told_by, waiting
from plumbing.clock import utc_now
from plumbing.documents import DocumentError
from plumbing.signing import load_or_make_key

_TIMEOUT_S = 3.0
_CLOCK_FLAG_S = 120.0
_SYSTEM_BUS = "unix:path=/var/run/dbus/system_bus_socket"


def examine(path: Path) -> list[Part]:
    """Every part that `gateway run` will need; a Part with `trouble` says what to do."""
    try:
        config = load(path)
    except ConfigError as error:
        return [Part("settings", "not usable", str(error))]
    parts = [Part("settings", f"{path} read")]
    plan = _plan(config)
    parts += [plan, *([] if plan.trouble else _waiting(config)), _journal(config), _key(config)]
    parts += _server(config)
    if config.mqtt is not None:
        parts += _broker(config.mqtt)
    if config.ble.enabled and config.ble.own_radio:
        parts.append(_radio(config))
    if config.ble.enabled:
        parts += [_proxy(one) for one in config.ble.proxies]
    parts += _weak_sources(config)
    return parts


def _plan(config: GatewayConfig) -> Part:
    try:
        plan = load_plan(config.plan, load_packs(config.packs.folder), config.packs.signers)
    except DocumentError as error:
        return Part("care plan", "not usable", str(error))
    missing = {one.patient for one in config.devices} - set(plan.people)
    if missing:
        return Part(
            "care plan",
            f"version {plan.version}",
            f"[[devices]] names {', '.join(sorted(missing))}, whom the plan does not know: add "
            "them to its people, or correct the device",
        )
    return Part("care plan", f"version {plan.version}, {len(plan.rules)} rules")


def _waiting(config: GatewayConfig) -> list[Part]:
    """Rules that no device of this home can move; a trouble where they would hold for nothing."""
    plan = load_plan(config.plan, load_packs(config.packs.folder), config.packs.signers)
    mappings = config.mqtt.mappings if config.mqtt is not None else ()
    devices = list(config.devices)
    heard: dict[str, set[str]] = {}
    if config.journal.exists():
        try:
            added, heard = heard_so_far(config.journal)
        except sqlite3.Error:
            return []
        named = {device.device for device in devices}
        devices += [device for device in added if device.device not in named]
    told = told_by(devices, mappings, heard)
    return [
        Part(
            "care plan",
            one.words,
            f"without it they hold for nothing: {one.remedy}" if one.for_nothing else "",
        )
        for one in waiting(plan, told)
    ]


def _journal(config: GatewayConfig) -> Part:
    try:
        config.data.mkdir(parents=True, exist_ok=True)
        if config.journal.exists():
            db = sqlite3.connect(f"file:{config.journal}?mode=ro", uri=True)
            try:
                (verdict,) = db.execute("PRAGMA quick_check(1)").fetchone()
            finally:
                db.close()
            if verdict != "ok":
                return Part("journal", "damaged", f"{config.journal}: {verdict}. Move it aside.")
        return disk_part(config.data)[0]
    except (OSError, sqlite3.Error) as error:
        return Part("journal", "not usable", f"{config.journal}: {error}")


def _key(config: GatewayConfig) -> Part:
    try:
        load_or_make_key(config.key)
    except (OSError, ValueError) as error:
        return Part("key", "not usable", str(error))
    return Part("key", "there; `homebeat gateway key` prints its public half for the server")


def _server(config: GatewayConfig) -> list[Part]:
    parts = urlsplit(config.server.url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=_TIMEOUT_S)
    try:
        connection.request("POST", parts.path.rstrip("/") + "/api/v1/nonce", body=b"")
        response = connection.getresponse()
        response.read()
        date = response.getheader("Date")
    except (OSError, http.client.HTTPException) as error:
        return [
            Part(
                "server",
                "not reached",
                f"{config.server.url}: {_why(error)}. The home works without it, and keeps what "
                "waits. Start the server, or correct [server] url.",
            )
        ]
    finally:
        connection.close()
    found = [Part("server", f"answers ({response.status})")]
    if response.status != http.client.OK:
        found = [Part("server", f"answers {response.status}", "that is no Homebeat server")]
    if date:
        off_s = abs((utc_now() - parsedate_to_datetime(date)).total_seconds())
        trouble = "set the clock (timedatectl set-ntp true)" if off_s > _CLOCK_FLAG_S else ""
        found.append(Part("clock", f"{off_s:.0f} s from the server's", trouble))
    return found


def _broker(mqtt: Mqtt) -> list[Part]:
    try:
        socket.create_connection((mqtt.host, mqtt.port), timeout=_TIMEOUT_S).close()
    except OSError as error:
        return [
            Part(
                "MQTT broker",
                "not reached",
                f"{mqtt.host}:{mqtt.port}: {_why(error)}. Start mosquitto, or correct [mqtt].",
            )
        ]
    return [Part("MQTT broker", f"{mqtt.host}:{mqtt.port} answers")]


def _why(error: Exception) -> str:
    """Without the number that the system has for it."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def _radio(config: GatewayConfig) -> Part:
    if not config.ble.transport:
        return _bluez(config.ble)
    running = _running(config)
    if running is not None:
        return running
    from gateway.ble.choice import stack_of, trouble

    try:
        found = asyncio.run(trouble(stack_of(config.ble, config.bonds)))
    except ConfigError as error:
        found = str(error)
    return Part("Bluetooth", "not usable" if found else config.ble.transport, found)


def _running(config: GatewayConfig) -> Part | None:
    """What a gateway that runs says of its radio: it has the adapter for itself."""
    try:
        with urlopen(f"http://{config.page.listen}/health.json", timeout=_TIMEOUT_S) as answer:
            health = json.load(answer)
        if health["gateway"] != config.id:
            return None
        return next(
            Part(part["name"], part["state"], part["trouble"])
            for part in health["parts"]
            if part["name"] == "Bluetooth"
        )
    except (OSError, http.client.HTTPException, ValueError, KeyError, StopIteration):
        return None


def _proxy(proxy: BleProxy) -> Part:
    from gateway.ble.choice import proxy_trouble

    try:
        state, trouble = asyncio.run(proxy_trouble(proxy))
    except ConfigError as error:
        state, trouble = "not usable", str(error)
    return Part(f"Bluetooth proxy {proxy.title}", state, trouble)


def _bluez(ble: Ble) -> Part:
    address = os.environ.get("DBUS_SYSTEM_BUS_ADDRESS", _SYSTEM_BUS)
    if address.startswith("unix:path="):
        path = Path(address.removeprefix("unix:path=").split(",")[0])
        if not path.exists():
            return Part("Bluetooth", "no D-Bus", f"{path} is not there: install and start BlueZ")
    adapters = sorted(path.name for path in Path("/sys/class/bluetooth").glob("hci*"))
    if ble.adapter and adapters and ble.adapter not in adapters:
        return Part(
            "Bluetooth", f"{ble.adapter} is missing", f"the adapters here: {', '.join(adapters)}"
        )
    if not adapters and address == _SYSTEM_BUS:
        return Part("Bluetooth", "no adapter", "plug one in, or set [ble] enabled = false")
    # bleak is imported where the radio is wanted, and only there.
    from gateway.ble.bluez import trouble

    found = asyncio.run(trouble(ble.adapter))
    return Part("Bluetooth", "not usable" if found else ", ".join(adapters) or address, found)


def _weak_sources(config: GatewayConfig) -> list[Part]:
    """Sources from which a message can be lost before we have it: named, not hidden."""
    found = []
    if config.mqtt is not None and any(
        topic.startswith("zigbee2mqtt/") for topic in config.mqtt.topics
    ):
        found.append(
            Part(
                "Zigbee2MQTT",
                "publishes at QoS 0 unless told otherwise: set `qos: 1` under "
                "device_options in its configuration, or a restart here can lose a message",
            )
        )
    return found
