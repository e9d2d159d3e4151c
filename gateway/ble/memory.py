"""What the home keeps of a device from one visit to the next: a bookmark, a slot, a code."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from devices.model import Fact


@dataclass(frozen=True, slots=True)
class Memory:
    """`known` gives a device's facts by name; `keep` puts one on the disk before it returns.

    `keep` may raise sqlite3.Error: then nothing was kept.
    """

    known: Callable[[str], Mapping[str, object]]
    keep: Callable[[Fact], Awaitable[None]]


def forgetful() -> Memory:
    """Holds what it is given until the program ends."""
    facts: dict[str, dict[str, object]] = {}

    async def keep(fact: Fact) -> None:
        facts.setdefault(fact.device, {})[fact.name] = fact.value

    return Memory(lambda device: facts.get(device, {}), keep)
