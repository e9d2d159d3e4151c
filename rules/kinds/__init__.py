"""One file for each kind of rule. What lies here is found; nothing lists it."""

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from types import MappingProxyType

from rules.kind import AnyKind, Kind


@cache
def kinds() -> Mapping[str, type[AnyKind]]:
    """Every kind by its name."""
    found: dict[str, type[AnyKind]] = {}
    for entry in iter_modules(__path__, f"{__name__}."):
        for thing in vars(import_module(entry.name)).values():
            is_kind = isinstance(thing, type) and issubclass(thing, Kind) and "name" in vars(thing)
            if is_kind and found.setdefault(thing.name, thing) is not thing:
                raise ValueError(f"two kinds are called {thing.name!r}")
    return MappingProxyType(found)
