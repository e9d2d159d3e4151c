"""Who looks at a page, and where their pages begin."""

from urllib.parse import urlsplit

from server.alerting.ledger import staff
from server.permissions import Actor, Role
from server.web.views import Viewer


def viewer_of(actor: Actor) -> Viewer:
    return Viewer(
        name=actor.name,
        shown=staff(actor).shown,
        staff=actor.role is Role.CLINICIAN,
        home=home_of(actor),
    )


def home_of(actor: Actor) -> str:
    """The worklist for staff, the own page for a person."""
    return f"/people/{actor.people[0]}" if actor.role is Role.PATIENT else "/"


def inside(target: str) -> str:
    """Where to go after signing in: a path of this site, never another host."""
    parts = urlsplit(target)
    safe = target.startswith("/") and not parts.scheme and not parts.netloc and "\\" not in target
    return target if safe else "/"
