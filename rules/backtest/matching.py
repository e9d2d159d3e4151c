"""Which events an alert came before, and which alerts nothing came after.

Two ways, the definitions of the literature on telemonitoring and of labelled days:

- look-back: an event is found where an alert came in the `lookback` before it, an alert is
  explained where an event followed within that time;
- day: an event's local day is found where it has an alert, an alert's day is explained where it
  has an event. Several on one day are one.
"""

from collections.abc import Collection, Sequence
from datetime import timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct

from rules.backtest.trial import day_of
from rules.exact import micros_of

HOUR_US = 3_600_000_000


class Event(Struct, frozen=True):
    """What really happened to someone: `kind` in small letters with dashes."""

    person: str
    kind: str
    us: int


class Matching(Struct, frozen=True, kw_only=True):
    """`lookback` None: by local day."""

    lookback: timedelta | None = timedelta(days=14)
    timezone: str = "Europe/London"


class Tally(Struct, frozen=True, kw_only=True):
    """Counts of one person. `leads_h`: for each event found, hours from its first alert."""

    events: int = 0
    found: int = 0
    alerts: int = 0
    explained: int = 0
    leads_h: tuple[float, ...] = ()

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            events=self.events + other.events,
            found=self.found + other.found,
            alerts=self.alerts + other.alerts,
            explained=self.explained + other.explained,
            leads_h=self.leads_h + other.leads_h,
        )


def match(alerts: Sequence[int], events: Sequence[int], how: Matching) -> Tally:
    """Alerts and events of one person and one kind, in microseconds, in order."""
    if how.lookback is None:
        return _by_day(alerts, events, ZoneInfo(how.timezone))
    span_us = micros_of(how.lookback)
    leads = [
        (event - first) / HOUR_US
        for event in events
        if (first := _first_before(alerts, event, span_us)) is not None
    ]
    explained = sum(any(alert <= event <= alert + span_us for event in events) for alert in alerts)
    return Tally(
        events=len(events),
        found=len(leads),
        alerts=len(alerts),
        explained=explained,
        leads_h=tuple(leads),
    )


def _first_before(alerts: Sequence[int], event: int, span_us: int) -> int | None:
    return next((alert for alert in alerts if event - span_us <= alert <= event), None)


def _by_day(alerts: Sequence[int], events: Sequence[int], zone: ZoneInfo) -> Tally:
    alert_days = {day_of(us, zone) for us in alerts}
    event_days = {day_of(us, zone) for us in events}
    both = len(alert_days & event_days)
    return Tally(events=len(event_days), found=both, alerts=len(alert_days), explained=both)


def groups(kinds: Collection[str], families: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Which families are held to which kinds of event: {kind: families}.

    A kind that is called like a family is that family's. Where none is, every kind is a matter
    of all families (an admission to hospital). Kinds that are missing here are not judged.
    """
    own: dict[str, tuple[str, ...]] = {kind: (kind,) for kind in sorted(kinds) if kind in families}
    return own or {kind: tuple(sorted(families)) for kind in sorted(kinds)}
