"""The demo's programs: the shipped ones, started by their commands, stopped together."""

import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from plumbing.processes import Child, start
from simulators.broker import listens, start_broker
from simulators.demo.folder import Folder
from simulators.demo.settings import Ports

START_LIMIT_S = 60.0
STOP_LIMIT_S = 15.0
_PRIVATE_BUS = "DBUS_SYSTEM_BUS_ADDRESS"


def homebeat(*words: str | Path) -> list[str | Path]:
    """The command that a person would type."""
    return [sys.executable, "-m", "homebeat", *words]


class Programs:
    """Broker, server, simulated home and gateway. As a context they are stopped at the end."""

    def __init__(self, folder: Folder, ports: Ports) -> None:
        self.children: dict[str, Child] = {}
        self._folder = folder
        self._ports = ports

    def start_server(self) -> None:
        """Its database takes longest, so it is begun first, and awaited last."""
        self._start("server", homebeat("server", "run", "--config", self._folder.server_toml))

    def start_home(self) -> None:
        """The broker and, once it listens, the devices: both are there when this returns."""
        broker = start_broker(self._ports.broker, self._folder.broker, self._log("broker"))
        self.children["broker"] = broker
        broker.wait_until(lambda: listens(self._ports.broker), START_LIMIT_S, "listening")
        self._start("home", homebeat("simulate", "home", "--config", self._folder.home_toml))
        self.children["home"].wait_for_json("ready", START_LIMIT_S)

    def start_gateway(self) -> None:
        """It is given the simulated home's radio, and is there when this returns."""
        bus = self.children["home"].wait_for_json("bus", START_LIMIT_S)["bus"]
        self._start(
            "gateway",
            homebeat("gateway", "run", "--config", self._folder.gateway_toml),
            {_PRIVATE_BUS: bus},
        )
        self.children["gateway"].wait_for_json("ready", START_LIMIT_S)

    def wait_for_server(self) -> dict[str, Any]:
        """What the server said when it was ready. Raises ChildFailed."""
        return self.children["server"].wait_for_json("ready", START_LIMIT_S)

    def ended(self) -> Child | None:
        """One that ended by itself, if any did."""
        return next(
            (child for child in self.children.values() if child.exit_code is not None), None
        )

    def stop(self) -> None:
        """The gateway first, so that it misses nobody; then the others, all at once."""
        gateway = self.children.pop("gateway", None)
        if gateway is not None:
            gateway.stop(STOP_LIMIT_S)
        others = list(self.children.values())
        self.children.clear()
        if others:
            with ThreadPoolExecutor(len(others)) as stoppers:
                list(stoppers.map(lambda child: child.stop(STOP_LIMIT_S), others))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _start(
        self, name: str, command: list[str | Path], environment: Mapping[str, str] | None = None
    ) -> None:
        log = self._log(name)
        self.children[name] = start(
            command,
            log=log,
            output=log.with_suffix(".out"),
            name=f"the {name}",
            environment=environment,
        )

    def _log(self, name: str) -> Path:
        return self._folder.logs / f"{name}.log"
