"""The file of bonds, where our own stack keeps them: {adapter: {device: keys}}, as bumble has it.

For this user alone, since a key in it opens a device. Nothing but a person erases one.
"""

import json
import os
from pathlib import Path

Bonds = dict[str, dict[str, dict[str, object]]]


def write(path: Path, bonds: Bonds) -> None:
    """The whole of it or nothing, and on the disk. Raises OSError."""
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(bonds, file, indent=1, sort_keys=True)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def erase(path: Path, address: str) -> bool:
    """Erase the device's bond with whatever adapter. Whether there was one.

    Raises OSError, and ValueError for a file that holds no bonds.
    """
    try:
        bonds: Bonds = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return False
    kept = {
        adapter: {device: keys for device, keys in devices.items() if not _is(device, address)}
        for adapter, devices in bonds.items()
    }
    if kept == bonds:
        return False
    write(path, kept)
    return True


def _is(device: str, address: str) -> bool:
    """bumble writes "/P" behind a public address."""
    return device.partition("/")[0].upper() == address.upper()
