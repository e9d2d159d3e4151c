"""The line to a home in words. It says when the home was heard, and never that all is well."""

from datetime import datetime

from server.config import Person
from server.queries.homes import HomeStatus
from server.web.moments import moment
from server.web.views import HomeLine


def home_line(home: HomeStatus, person: Person, machine_now: datetime) -> HomeLine:
    """`machine_now`: a home is heard by the machine's clock, not by the home's own."""
    heard = home.heard_at
    return HomeLine(
        words=_words(home),
        heard=None if heard is None else moment(heard, machine_now, person.timezone),
    )


def _words(home: HomeStatus) -> str:
    if home.heard_at is None:
        return "The home was not heard from yet."
    if home.silent:
        return "The home is silent: nothing from there reaches this page. It was last heard"
    if home.waiting:
        return f"{home.waiting} records still wait at home. It was last heard"
    return "The home was last heard"
