"""What a rule can't see where somebody else lives there, too: who set a sensor off.

A weight or a blood pressure is somebody's; a movement, a door or a kettle is anybody's. A pet walks
and lies about, and opens and boils nothing.
"""

from collections.abc import Iterable
from zoneinfo import ZoneInfo

from rules.kinds import kinds
from rules.limits import RULE_PREFIX, metric_of
from rules.model import Companion, CompanionKind, Person, Plan, Rule

BY_PETS = frozenset(
    {
        "movement",
        "movement_seen",
        "occupancy",
        "presence",
        "moving",
        "bed_occupied",
        "seat_occupied",
        "bathroom_occupied",
        "vibration",
        "sound",
    }
)
"""What a pet can set off."""
BY_PEOPLE = BY_PETS | {
    "door_open",
    "inner_door_open",
    "window_open",
    "opening_open",
    "garage_door_open",
    "unlocked",
    "lock_used",
    "button_pressed",
    "medicine_box_open",
    "fridge_open",
    "kettle_on",
    "television_on",
    "light_detected",
    "power",
    "power_on",
    "running",
    "on",
}
"""What anybody at home can set off."""
_SET_OFF = {CompanionKind.PERSON: BY_PEOPLE, CompanionKind.PET: BY_PETS}


def unseen(plan: Plan, rule: Rule) -> str:
    """A sentence for each sort of companion whom the rule can't tell from its person; else empty.

    A rule that hears another rule rests on what that one rests on.
    """
    person = plan.people.get(rule.patient)
    if person is None:
        return ""
    others = _companions(plan, person)
    rests_on = _rests_on(plan, rule) if others else ()
    blind = [
        (one, metrics)
        for one in others
        if (metrics := [name for name in rests_on if name in _SET_OFF[one.kind]])
    ]
    people = [one.name for one, _ in blind if one.kind is CompanionKind.PERSON]
    sentences = []
    if people:
        live = "lives" if len(people) == 1 else "live"
        mine = person.name.partition(" ")[0]
        sentences.append(
            f"The sensors can't tell {mine} from {_joined(people)}, who {live} there too."
        )
    for one, metrics in blind:
        if one.kind is CompanionKind.PET:
            titles = _joined([metric_of(name).title for name in metrics])
            sentences.append(f"{one.name}, a pet, can set off: {titles}.")
    return " ".join(sentences)


def _companions(plan: Plan, person: Person) -> list[Companion]:
    """Those the plan names, and the others whose plan it is: they live there as well."""
    named = {one.name for one in person.lives_with}
    others = [
        Companion(kind=CompanionKind.PERSON, name=first)
        for other in plan.people.values()
        if other.id != person.id
        and (first := other.name.partition(" ")[0]) not in named
        and other.name not in named
    ]
    return [*person.lives_with, *others]


def _rests_on(plan: Plan, rule: Rule) -> tuple[str, ...]:
    """The metrics that it hears, itself or through other rules, each once."""
    rules = {one.id: one for one in plan.rules if one.patient == rule.patient}
    found: dict[str, None] = {}
    seen, left = {rule.id}, [rule]
    while left:
        one = left.pop(0)
        for name in kinds()[one.kind](one.params, ZoneInfo("UTC")).metrics:
            other = rules.get(name.removeprefix(RULE_PREFIX))
            if not name.startswith(RULE_PREFIX):
                found[name] = None
            elif other is not None and other.id not in seen:
                seen.add(other.id)
                left.append(other)
    return tuple(found)


def _joined(words: Iterable[str]) -> str:
    """ "Tom", "Tom and Ann", "Tom, Ann and Joe"."""
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last
