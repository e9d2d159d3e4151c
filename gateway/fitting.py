"""Which roles a device can have: what it says has to be what a role follows from."""

from collections.abc import Collection

from devices.registry import by_key
from devices.roles import ROLES, Role
from gateway.adapters import adapters


def said_by_kind(key: str) -> tuple[str, ...]:
    """All that a kind of device can say, its events too; empty where the kind is not known."""
    kind = by_key(key) or next(iter(adapters({key})), None)
    return () if kind is None else (*kind.metrics, *kind.events)


def wrong_role(key: str, on_above_w: float | None, says: Collection[str]) -> str:
    """Why a device can't have that role, with what to write instead; empty: it can.

    `says`: the metrics that it can say, empty where that is not known.
    """
    if not key:
        return "" if on_above_w is None else "`on_above_w` goes with a `role`. Write both."
    role = ROLES.get(key)
    if role is None:
        return f"there is no role {key!r}. Write one of {', '.join(ROLES)}."
    if on_above_w is not None and role.on_above_w is None:
        return f"`on_above_w` says nothing of a {key}, which is not judged by power. Drop it."
    if says and not role.fits(says):
        return f"{_cant_be(role)} It says {', '.join(says)}."
    return ""


def _cant_be(role: Role) -> str:
    signs = ", ".join(sign.metric for sign in role.signs)
    return f"it can't be a {role.key}: that follows from one of {signs}."
