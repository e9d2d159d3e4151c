"""Where a sensor sits is what it means: a contact on the fridge is no door.

A device says `door_open`, `power`, `movement`; which of the home's metrics that is follows from
its place. A role names the place, the metrics of the device from which its own follows, by which
condition, and which of them would lie there.

Several signs of one device (zones of a radar, two sockets) are one state: it holds while any of
them does. It is said when it changes and not while it lasts, so that a lid that is left open, or
said to be open again with the battery, is opened once.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from devices.model import Measurement


@dataclass(frozen=True, slots=True)
class Sign:
    """A metric of a device, which means yes from `at_least` on; `inverted`: no from there on."""

    metric: str
    at_least: float = 1.0
    inverted: bool = False

    def holds(self, value: float) -> bool:
        return (value >= self.at_least) is not self.inverted


@dataclass(frozen=True, slots=True)
class Role:
    """A place for a sensor. `metric` is what it says there, following from any of `signs`."""

    key: str
    title: str
    """The answer to "Where is it?"."""
    metric: str
    signs: tuple[Sign, ...]
    hides: frozenset[str]
    """What would lie there, and is said no more."""
    is_use: bool = False
    """It counts when it begins (a box is opened): that it is on, since nobody knows when, is
    nothing that happened."""
    note: str = ""

    @property
    def on_above_w(self) -> float | None:
        """From how much power on it is on; None where it is not judged by power."""
        return next((sign.at_least for sign in self.signs if sign.metric == POWER), None)

    def fits(self, metrics: Collection[str]) -> bool:
        """Whether a device that says these metrics can have it."""
        return any(sign.metric in metrics for sign in self.signs)

    def sign(self, metric: str) -> Sign | None:
        return next((sign for sign in self.signs if sign.metric == metric), None)


POWER = "power"
OFF_SHARE = 0.5
"""What draws power is off again below this share of what turns it on: a screen's draw goes up and
down with its picture. The project's default [D]."""

_CONTACTS = ("door_open", "opening_open", "window_open", "garage_door_open")
_OF_A_DOOR = frozenset({*_CONTACTS, "door_left_open"})
_OPEN = tuple(Sign(metric) for metric in _CONTACTS)
# A Zigbee mat is mostly a movement, an occupancy or a contact sensor with a pad for a switch; the
# pad of the last one closes under weight.
_WEIGHT = ("bed_occupied", "seat_occupied", "occupancy", "presence", "movement")
_PRESSED = (*(Sign(metric) for metric in _WEIGHT), Sign("door_open", inverted=True))
_OF_A_PAD = _OF_A_DOOR | {*_WEIGHT, "moving"}
_SOMEBODY = tuple(Sign(metric) for metric in ("presence", "occupancy", "movement", "moving"))

_ROWS = (
    Role("outer-door", "On a door that leads outside", "door_open", _OPEN, frozenset(_CONTACTS),
         note="It counts as an exit, as every contact does that has no role."),
    Role("inner-door", "On a door inside", "inner_door_open", _OPEN, frozenset(_CONTACTS),
         note="It is a sign that somebody is up, and never an exit."),
    Role("window", "On a window", "window_open", _OPEN, _OF_A_DOOR),
    Role("medicine-box", "On the lid of the medicine box", "medicine_box_open", _OPEN, _OF_A_DOOR,
         is_use=True, note="It tells that the box was opened, not that anything was taken."),
    Role("fridge", "On the fridge", "fridge_open", _OPEN, _OF_A_DOOR, is_use=True),
    Role("kettle", "Under the kettle", "kettle_on", (Sign(POWER, at_least=500.0),), frozenset(),
         is_use=True, note="500 W [D]: a kettle draws 1,000 to 3,000 W while it heats."),
    Role("television", "Under the television", "television_on", (Sign(POWER, at_least=15.0),),
         frozenset(), is_use=True, note="15 W [D]: more than it draws when it stands by."),
    Role("bathroom", "In the bathroom", "bathroom_occupied", _SOMEBODY, frozenset(),
         note="A movement sensor loses who sits still: for how long somebody stays, a presence "
         "sensor is needed."),
    Role("bed", "In the bed", "bed_occupied", _PRESSED, _OF_A_PAD,
         note="A pad on a contact sensor closes it under weight."),
    Role("chair", "On a chair", "seat_occupied", _PRESSED, _OF_A_PAD,
         note="A pad on a contact sensor closes it under weight."),
)  # fmt: skip

ROLES: Mapping[str, Role] = {role.key: role for role in _ROWS}
"""Every role by its key."""
SIGNS: frozenset[str] = frozenset(sign.metric for role in _ROWS for sign in role.signs)
"""Every metric from which a role could follow."""


def roles_for(metrics: Collection[str]) -> tuple[Role, ...]:
    """The roles that a device can have which says these metrics."""
    return tuple(role for role in _ROWS if role.fits(metrics))


def with_limit(role: Role, on_above_w: float | None) -> Role:
    """The role with another power from which on it is on; None: its own."""
    if on_above_w is None:
        return role
    return replace(
        role,
        signs=tuple(
            replace(sign, at_least=on_above_w) if sign.metric == POWER else sign
            for sign in role.signs
        ),
    )


def signs_on(
    role: Role, item: Measurement, value: float, before: Collection[str]
) -> tuple[str, ...] | None:
    """Which signs of the device are on after it said `item`; None: it says nothing of the role.

    `value` is that of `item` in the metric's canonical unit; `before`: those that were on.
    """
    sign = role.sign(item.metric)
    if sign is None:
        return None
    name = item.metric if item.part is None else f"{item.metric}.{item.part}"
    if sign.metric == POWER and name in before:
        sign = replace(sign, at_least=sign.at_least * OFF_SHARE)
    others = [one for one in before if one != name]
    if sign.holds(value):
        others.append(name)
    return tuple(sorted(others))
