"""One person's own page."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from msgspec import Struct

from devices.metrics import METRICS
from rules.model import Finding
from server.alerting.lifecycle import State
from server.config import Person, ServerConfig
from server.db import Database
from server.queries.alerts import AlertSummary, alerts_of, held_back_of
from server.queries.asked import Asked, asked_between
from server.queries.homes import HomeStatus, device_names, homes_of
from server.queries.readings import (
    LatestValue,
    Series,
    is_charted,
    last_movements,
    latest_values,
    series_of,
)
from server.snoozes import Known, in_force
from server.states import Statements, statements

_PERSON_WINDOW = timedelta(days=28)
_MOST_RESOLVED = 20


class PersonPage(Struct, frozen=True, kw_only=True):
    person: Person
    latest: tuple[LatestValue, ...]
    """One for each metric, by title; of what devices say of themselves, one for each device."""
    series: tuple[Series, ...]
    """Quantities of the last 28 days; states and events are left out."""
    alerts: tuple[AlertSummary, ...]
    """Not resolved ones first, then the ones resolved last (20 at most)."""
    held_back: tuple[Finding, ...]
    """What counted and was held back, newest first (50 at most)."""
    said: Statements
    """Where they are, as staff and the home said."""
    movement: LatestValue | None
    """The last that was seen at home."""
    snoozed: tuple[Known, ...]
    """What staff need not hear of, the next to end first."""
    asked: tuple[Asked, ...]
    """Prompts, newest first (20 at most)."""
    homes: tuple[HomeStatus, ...]
    device_names: Mapping[str, str]
    """Of the devices that were added at home, what people call them."""
    home_now: datetime


async def person_page(db: Database, config: ServerConfig, person: str) -> PersonPage | None:
    """One person's own page; None where nobody has that id."""
    known = config.person(person)
    if known is None:
        return None
    home_now = config.home_time.now()
    theirs = [home for home in config.gateways if person in home.people]
    quantities = [name for name in METRICS if is_charted(name)]
    alerts = await alerts_of(
        db, config, "alerts_of_person", {"patient": person, "resolved": _MOST_RESOLVED}
    )
    asked = await asked_between(db, person, home_now - _PERSON_WINDOW, home_now)
    return PersonPage(
        person=known,
        latest=await latest_values(db, person),
        series=await series_of(db, person, quantities, home_now - _PERSON_WINDOW, home_now),
        alerts=tuple(sorted(alerts, key=_unresolved_first)),
        held_back=await held_back_of(db, person, home_now - _PERSON_WINDOW),
        said=await statements(db, person),
        movement=(await last_movements(db, [person])).get(person),
        snoozed=await in_force(db, person, home_now),
        asked=tuple(reversed(asked)),
        homes=await homes_of(db, theirs),
        device_names=await device_names(db, theirs),
        home_now=home_now,
    )


def _unresolved_first(alert: AlertSummary) -> tuple[bool, int, float]:
    resolved = alert.state is State.RESOLVED
    return (resolved, 0 if resolved else -alert.tier, -alert.last_at.timestamp())
