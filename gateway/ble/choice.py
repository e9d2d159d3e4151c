"""Which Bluetooth the settings ask for: BlueZ, our own over a bare adapter, proxies elsewhere."""

from collections.abc import Callable
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from gateway.ble.routes import Elsewhere
from gateway.ble.settings import Proxy
from gateway.ble.stack import BUS_ERRORS, OpenStack, Pairing
from gateway.ble.words import service_in_words
from gateway.config import Ble, BleProxy, ConfigError

NOBODY = Pairing(is_ours=lambda _: False, passkey=lambda _: None)


def stack_of(ble: Ble, bonds: Path) -> OpenStack:
    """`bonds` is where a stack of our own keeps its keys. Raises ConfigError."""
    if not ble.transport:
        from gateway.ble.bluez import over_bluez

        return over_bluez(ble.adapter)
    try:
        from gateway.ble.bumble_stack import over_bumble
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"[ble] transport needs {error.name}, which is not installed here: "
            "pip install 'homebeat[bumble]'. Without `transport`, BlueZ is used."
        ) from error
    return over_bumble(ble.transport, bonds)


async def trouble(opens: OpenStack, limit_s: float = 5.0) -> str:
    """What keeps a stack of our own from working, in words; empty where nothing does."""
    try:
        async with opens(NOBODY, limit_s) as stack:
            return stack.trouble
    except BUS_ERRORS as error:
        return service_in_words(error)


def proxies_of(ble: Ble, clock: Callable[[], datetime]) -> Elsewhere | None:
    """None where the settings name none. `clock` is home time. Raises ConfigError."""
    if not ble.proxies:
        return None
    found: Elsewhere = _proxies().Proxies([_proxy(one) for one in ble.proxies], clock)
    return found


async def proxy_trouble(one: BleProxy) -> tuple[str, str]:
    """(how a proxy is now, what to do about it or ""). Raises ConfigError."""
    found: tuple[str, str] = await _proxies().trouble(_proxy(one))
    return found


def _proxy(one: BleProxy) -> Proxy:
    return Proxy(one.title, one.host, one.port, one.key)


def _proxies() -> Any:
    """The module that needs the extra, loaded only where a home has a proxy."""
    try:
        return import_module("gateway.ble.proxies")
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"[[ble.proxies]] needs {error.name}, which is not installed here: "
            "pip install 'homebeat[proxies]'. Or take the section out."
        ) from error
