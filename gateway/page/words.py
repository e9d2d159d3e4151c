"""Times, days and names as the home page writes them."""

from datetime import datetime
from zoneinfo import ZoneInfo

from rules.model import Person
from rules.records import RecordKind

KEPT = {
    RecordKind.READING: "Readings",
    RecordKind.FINDING: "What the rules found",
    RecordKind.PROMPT: "Words and questions for you",
    RecordKind.ALERT: "Messages to the care team",
    RecordKind.SUPERSEDED: "Findings that no longer stand",
    RecordKind.CORRECTION: "Readings put right",
    RecordKind.SNOOZE: "What the care team need not hear for a while",
    RecordKind.SNOOZE_REFUSED: "What the care team must hear all the same",
    RecordKind.STATE: "Who said where somebody is",
    RecordKind.DEVICE: "Changes of devices",
    RecordKind.QUARANTINE: "Refused",
}
"""What the journal keeps of each kind, in words."""


def first_name(person: Person) -> str:
    return person.name.split()[0]


def day_time(moment: datetime, now: datetime, zone: ZoneInfo) -> str:
    """ "today at 07:05", "yesterday at 21:40", "Monday 2 March at 07:05"."""
    local, today = moment.astimezone(zone), now.astimezone(zone)
    days = (today.date() - local.date()).days
    day = {0: "today", 1: "yesterday"}.get(days, f"{local:%A %-d %B}")
    return f"{day} at {local:%H:%M}"


def zone_of(person: Person | None) -> ZoneInfo:
    return ZoneInfo(person.timezone if person is not None else "UTC")
