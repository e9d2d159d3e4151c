"""Writes constraints.txt from this environment: every package of every extra, and nothing else."""

from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

TARGET = Path(__file__).parent.parent / "constraints.txt"
HEAD = """\
# The versions that Homebeat is built and tested with, every extra and what stands under it.
# Written by `make constraints` from an environment in which everything passed.
"""


def versions(requirement: Requirement) -> dict[str, str]:
    """Name -> version of all that the requirement brings with it, itself included."""
    extras_seen: dict[str, set[str]] = {}
    found: dict[str, str] = {}
    waiting = [requirement]
    while waiting:
        wanted = waiting.pop()
        name = canonicalize_name(wanted.name)
        extras = {"", *wanted.extras}
        if name in found and extras <= extras_seen[name]:
            continue
        extras_seen[name] = extras | extras_seen.get(name, set())
        package = distribution(name)
        found[name] = package.version
        for line in package.requires or ():
            below = Requirement(line)
            if below.marker is None or any(
                below.marker.evaluate({"extra": extra}) for extra in extras_seen[name]
            ):
                waiting.append(below)
    return found


def main() -> None:
    found = versions(Requirement("homebeat[dev]"))
    del found["homebeat"]
    TARGET.write_text(HEAD + "".join(f"{name}=={found[name]}\n" for name in sorted(found)))


if __name__ == "__main__":
    main()
