"""What the home's devices say where they sit: their roles, and what each said there last.

What is on in a place is kept as a fact of the device, so that a start of the gateway is no opening
of a box that stands open.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from msgspec import Struct

from devices.metrics import METRICS, Kind
from devices.model import Event, Fact, Measurement, MqttMessage, Raw
from devices.roles import ROLES, SIGNS, Role, signs_on, with_limit
from devices.units import UnitError, to_canonical
from gateway.config import HomeDevice

IN_PLACE = "in_place"
"""The fact of a device: {"role": its key, "on": the signs that are on}."""


class Placed(Struct, frozen=True):
    """What a device said, as it is true where it sits."""

    own: Measurement | Event | None
    """Itself, where it is still true there."""
    state: Measurement | None = None
    """The role's own, where it has changed."""
    fact: Fact | None = None


@dataclass(frozen=True, slots=True)
class Gone:
    """States that a device can't say any more, since it sits elsewhere."""

    device: str
    metrics: tuple[str, ...]
    fact: Fact
    """What is remembered of it from now on."""


class Places:
    """The roles of the home's devices. What they said is given in, and given back as facts."""

    def __init__(self) -> None:
        self._devices: frozenset[str] = frozenset()
        self._roles: dict[str, Role] = {}
        self._said: dict[str, set[str]] = {}

    def put(self, devices: Collection[HomeDevice]) -> None:
        self._devices = frozenset(device.device for device in devices)
        self._roles = {
            device.device: with_limit(ROLES[device.role], device.on_above_w)
            for device in devices
            if device.role
        }

    def has(self, device: str) -> bool:
        """Whether it has a role."""
        return device in self._roles

    def note(self, device: str, metric: str) -> None:
        """A device of the home said something from which a role could follow."""
        if metric in SIGNS:
            self._said.setdefault(device, set()).add(metric)

    def said(self, device: str) -> frozenset[str]:
        """Those since the start."""
        return frozenset(self._said.get(device, ()))

    def place(self, raw: Raw, item: Measurement | Event, known: Mapping[str, object]) -> Placed:
        """Of a device that has a role."""
        if isinstance(item, Event):
            return Placed(item)
        role = self._roles[item.device]
        own = None if item.metric in role.hides else item
        before = _on_before(known, role.key)
        try:
            value = to_canonical(item.metric, item.value, item.unit)
        except UnitError:
            return Placed(item)
        on = signs_on(role, item, value, before or ())
        if on is None or (before is not None and on == before):
            return Placed(own)
        fact = _fact(item.device, role.key, on)
        changed = before is None or bool(before) is not bool(on)
        if not changed or (role.is_use and on and _nobody_knows_when(raw, item)):
            return Placed(own, fact=fact)
        state = Measurement(
            device=item.device,
            metric=role.metric,
            value=float(bool(on)),
            unit="1",
            taken_at=item.taken_at,
            quality=item.quality,
            ago_s=item.ago_s,
        )
        return Placed(own, state, fact)

    def gone(self, facts: Mapping[str, Mapping[str, object]]) -> list[Gone]:
        """Of devices that were moved: what they said last is no more, and was not ended by them."""
        found = []
        for device in facts.keys() | self._roles.keys():
            role, known = self._roles.get(device), facts.get(device, {})
            told = known.get(IN_PLACE)
            was = ROLES.get(str(told["role"])) if isinstance(told, Mapping) else None
            if (role and role.key) == (was and was.key):
                continue
            ended = _hidden(role)
            if was is not None and not self._goes_on(device, was, _on_before(known, was.key) or ()):
                ended.add(was.metric)
            if role is not None:
                ended.discard(role.metric)
            found.append(
                Gone(device, tuple(sorted(ended)), _fact(device, role.key if role else "", None))
            )
        return found

    def _goes_on(self, device: str, was: Role, on: Collection[str]) -> bool:
        """Whether it says of itself, and of any place, what it said there."""
        by_itself = any(name.partition(".")[0] == was.metric for name in on)
        return by_itself and device in self._devices and device not in self._roles


def _hidden(role: Role | None) -> set[str]:
    if role is None:
        return set()
    return {name for name in role.hides if METRICS[name].kind is Kind.STATE}


def _fact(device: str, role: str, on: tuple[str, ...] | None) -> Fact:
    """`on` is None while nothing was said there yet."""
    return Fact(
        device=device,
        name=IN_PLACE,
        value={"role": role, "on": None if on is None else list(on)},
    )


def _on_before(known: Mapping[str, object], role: str) -> tuple[str, ...] | None:
    told = known.get(IN_PLACE)
    if not isinstance(told, Mapping) or told.get("role") != role or told.get("on") is None:
        return None
    return tuple(told["on"])


def _nobody_knows_when(raw: Raw, item: Measurement) -> bool:
    return isinstance(raw, MqttMessage) and raw.retained and item.taken_at is None
