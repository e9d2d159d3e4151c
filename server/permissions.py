"""Who may do what: one pure function over one table. Every route asks it (server/doors.py)."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from msgspec import Struct


class Role(StrEnum):
    CLINICIAN = "clinician"
    PATIENT = "patient"
    GATEWAY = "gateway"


class Action(StrEnum):
    SEE_WORKLIST = "see the worklist"
    SEE_PERSON = "see a person's page"
    SEE_ALERT = "see an alert"
    ACKNOWLEDGE_ALERT = "acknowledge an alert"
    RESOLVE_ALERT = "resolve an alert"
    CORRECT_READING = "mark a reading as entered in error"
    SNOOZE_ALERT = "snooze an alert"
    SET_STATE = "say where a person is"
    HEAR_NEWS = "hear of changes as they happen"
    STORE_RECORDS = "store records"
    REPORT_HEALTH = "report a home's health"
    READ_NOTICES = "read news of alerts"


class Actor(Struct, frozen=True, kw_only=True):
    """Who asks. `people`: whom a patient is, or whom a home's gateway may speak of.

    `until` is the end of a sign-in, in machine time; None has no end.
    """

    id: str
    role: Role
    name: str = ""
    people: tuple[str, ...] = ()
    until: datetime | None = None


class Resource(Struct, frozen=True, kw_only=True):
    """What is asked for: something about one person, or about kit; else a list of many things."""

    patient: str | None = None
    kit: bool = False


class Decision(Struct, frozen=True, kw_only=True):
    """Whether, and why. The reason of a refusal is worded for the one who asked."""

    allowed: bool
    reason: str


class Reach(StrEnum):
    """Whose things a grant covers."""

    ANYONE = "anyone's"
    OWN = "only those of the actor's own people"


GRANTS: Mapping[tuple[Role, Action], Reach] = {
    (Role.CLINICIAN, Action.SEE_WORKLIST): Reach.ANYONE,
    (Role.CLINICIAN, Action.SEE_PERSON): Reach.ANYONE,
    (Role.CLINICIAN, Action.SEE_ALERT): Reach.ANYONE,
    (Role.CLINICIAN, Action.ACKNOWLEDGE_ALERT): Reach.ANYONE,
    (Role.CLINICIAN, Action.RESOLVE_ALERT): Reach.ANYONE,
    (Role.CLINICIAN, Action.CORRECT_READING): Reach.ANYONE,
    (Role.CLINICIAN, Action.SNOOZE_ALERT): Reach.ANYONE,
    (Role.CLINICIAN, Action.SET_STATE): Reach.ANYONE,
    (Role.CLINICIAN, Action.HEAR_NEWS): Reach.ANYONE,
    (Role.PATIENT, Action.SEE_PERSON): Reach.OWN,
    (Role.PATIENT, Action.HEAR_NEWS): Reach.OWN,
    (Role.GATEWAY, Action.STORE_RECORDS): Reach.OWN,
    (Role.GATEWAY, Action.REPORT_HEALTH): Reach.OWN,
    (Role.GATEWAY, Action.READ_NOTICES): Reach.OWN,
}


def allowed(actor: Actor, action: Action, resource: Resource, now: datetime) -> Decision:
    """Whether `actor` may do `action` to `resource` at `now` (machine time).

    For a list, a grant of one's own things covers the part of the list that is one's own.
    """
    if actor.until is not None and now >= actor.until:
        return Decision(allowed=False, reason="Your sign-in has ended. Sign in again.")
    reach = GRANTS.get((actor.role, action))
    if reach is None:
        return Decision(allowed=False, reason=f"A {actor.role} may not {action}.")
    if reach is Reach.OWN and not _is_own(actor, resource):
        return Decision(allowed=False, reason=f"This {actor.role} may {action} only of their own.")
    return Decision(allowed=True, reason=f"A {actor.role} may {action}: {reach}.")


def _is_own(actor: Actor, resource: Resource) -> bool:
    if resource.kit:
        return False
    return resource.patient is None or resource.patient in actor.people


def sees(actor: Actor, action: Action, patient: str | None, now: datetime) -> bool:
    """Whether one item of a list (of kit, where it has no patient) is for this actor."""
    return allowed(actor, action, Resource(patient=patient, kit=patient is None), now).allowed
