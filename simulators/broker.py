"""The broker of a simulated home: mosquitto as Homebeat advises to set it up.

Nothing is lost on a QoS 1 path only where the queue holds what a gateway that is down will ask
for later, so the queue is large and kept on disk.
"""

import os
import socket
from pathlib import Path

from plumbing.processes import Child, find_program, start

MAX_INFLIGHT = 1_000
"""QoS 1 messages under way to one client: mosquitto's own 20 would make each commit wait."""
MAX_QUEUED = 200_000
"""Messages kept for a gateway that is away. mosquitto's own 1,000 would lose all but the first of
a burst; 100 sensors that report every 5 minutes fill 200,000 in a week."""


def configuration(port: int, folder: Path, *, runs_as_root: bool) -> str:
    """mosquitto.conf for a broker on 127.0.0.1 that keeps its queues in `folder`.

    Anyone on this machine may connect, and nobody else: the listener is on loopback only.
    """
    lines = [
        f"listener {port} 127.0.0.1",
        "allow_anonymous true",
        f"max_inflight_messages {MAX_INFLIGHT}",
        f"max_queued_messages {MAX_QUEUED}",
        "persistence true",
        f"persistence_location {folder}/",
        "autosave_interval 5",
        "set_tcp_nodelay true",
    ]
    if runs_as_root:
        # A change of user would clear the signal that ends the broker with its parent.
        lines.append("user root")
    return "\n".join(lines) + "\n"


def start_broker(port: int, folder: Path, log: Path) -> Child:
    """mosquitto on that port, with its file and its queues in `folder`. It may not listen yet.

    Raises plumbing.processes.ProgramMissing where mosquitto is not installed.
    """
    program = find_program("mosquitto")
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "mosquitto.conf"
    file.write_text(configuration(port, folder, runs_as_root=os.geteuid() == 0))
    return start(
        [program.path, "-c", file],
        log=log,
        name="mosquitto",
        environment=program.environment,
    )


def listens(port: int) -> bool:
    """Whether something takes connections on 127.0.0.1:`port`."""
    try:
        socket.create_connection(("127.0.0.1", port), 0.2).close()
    except OSError:
        return False
    return True
