"""A D-Bus of our own: dbus-daemon as a child, on a socket in a folder, open to this user."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from xml.sax.saxutils import escape

from plumbing.processes import Child, find_program, start

READY_LIMIT_S = 10.0
MAX_SOCKET_PATH_BYTES = 107
"""Of a Unix socket's address on Linux (unix(7)), without the closing zero."""


def configuration(socket_path: Path) -> str:
    """dbus-daemon's file: EXTERNAL authentication, and everything allowed, as on a session bus.

    bleak opens one connection for each link, so the usual limits for one user are lifted.
    """
    return f"""<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path={escape(str(socket_path))}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
  <limit name="max_completed_connections">4096</limit>
  <limit name="max_connections_per_user">4096</limit>
  <limit name="max_match_rules_per_connection">4096</limit>
  <limit name="max_replies_per_connection">4096</limit>
</busconfig>
"""


@asynccontextmanager
async def private_bus(folder: Path) -> AsyncIterator[str]:
    """Its address, for DBUS_SYSTEM_BUS_ADDRESS. It ends with this process, however that ends.

    Raises plumbing.processes.ProgramMissing where dbus-daemon is not installed, ChildFailed where
    it does not start, and ValueError where the folder's path is too long for a socket.
    """
    socket_path, child = _start_daemon(folder)
    try:
        await asyncio.to_thread(child.wait_until, lambda: _listens(socket_path), READY_LIMIT_S)
        yield f"unix:path={socket_path}"
    finally:
        await asyncio.to_thread(child.stop)


def _start_daemon(folder: Path) -> tuple[Path, Child]:
    """(where it will listen, the running daemon)."""
    socket_path = folder.resolve() / "bus"
    if len(os.fsencode(socket_path)) > MAX_SOCKET_PATH_BYTES:
        raise ValueError(f"{socket_path} is too long for a Unix socket: choose a shorter folder")
    program = find_program("dbus-daemon")
    folder.mkdir(parents=True, exist_ok=True)
    socket_path.unlink(missing_ok=True)
    file = folder / "dbus.conf"
    file.write_text(configuration(socket_path))
    child = start(
        [program.path, f"--config-file={file}", "--nofork", "--nopidfile", "--nosyslog"],
        log=folder / "dbus.log",
        name="dbus-daemon",
        environment=program.environment,
    )
    return socket_path, child


def _listens(socket_path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(socket_path))
        except OSError:
            return False
    return True
