"""The part of the home page on which a person says that they go away, and that they are back."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta

from msgspec import Struct
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from gateway.home import Home
from gateway.journal import Journal
from gateway.page.words import first_name, zone_of
from plumbing.own_page import form_fields
from rules.model import Person
from rules.whereabouts import AWAY, DIED, IN_HOSPITAL, LONGEST_AWAY, Word, end_of

_PAGE, _STAFF = "page:", "staff:"
_NO_DAY = "Choose the day on which you come back."
Sorry = Callable[[int, str], Response]


class WhereCard(Struct, frozen=True):
    """What was said of where a person is, and what they can say."""

    words: str
    """Empty where they are at home, as far as anyone said."""
    is_over: bool
    """Whether nothing is asked of them any more: they died."""


def where_card(
    person: Person, people: Mapping[str, Person], journal: Journal, at: datetime
) -> WhereCard:
    """At home time `at`."""
    words, over = "", False
    for metric, say in _SAYS.items():
        newest = journal.newest(person.id, metric)
        if newest is not None and newest.value >= 1.0:
            who = _sayer(newest.device, person, people)
            until = _until(journal.ends.of(person.id, metric), at, person)
            words, over = say.format(who=who, until=until, name=first_name(person)), metric == DIED
            break
    return WhereCard(words, over)


_SAYS = {
    DIED: "{who} said that {name} has died. Nothing is asked about {name} here any more.",
    IN_HOSPITAL: "{who} said that you are in hospital.",
    AWAY: "{who} said that you are away{until}.",
}
"""By metric, the first that holds. A safeguarding concern is never said here."""


def _sayer(device: str, person: Person, people: Mapping[str, Person]) -> str:
    if device.startswith(_STAFF):
        return device.removeprefix(_STAFF)
    known = people.get(device.removeprefix(_PAGE))
    if known is person:
        return "You"
    return first_name(known) if known is not None else "Someone"


def _until(end: datetime | None, at: datetime, person: Person) -> str:
    """ " until tonight at 22:00", " until Friday 6 March at 22:00"."""
    if end is None:
        return ""
    local, today = end.astimezone(zone_of(person)), at.astimezone(zone_of(person)).date()
    near = {0: "tonight", 1: "tomorrow"}
    day = near.get((local.date() - today).days, f"{local:%A %-d %B}")
    return f" until {day} at {local:%H:%M}"


def where_routes(home: Home, page: Callable[..., Response], sorry: Sorry) -> list[Route]:
    """`page`: renders a template by its name."""
    people = home.plan.people

    async def ask(request: Request) -> Response:
        person = people.get(request.path_params["person"])
        if person is None:
            return sorry(404, "Nobody of that name lives here.")
        now = home.now()
        today = now.astimezone(zone_of(person)).date()
        return page(
            "away.html",
            person=person.id,
            first=first_name(person),
            alone=len(people) == 1,
            tonight=end_of(today, person.timezone) > now,
            first_day=(today + timedelta(days=1)).isoformat(),
            last_day=(today + LONGEST_AWAY - timedelta(days=1)).isoformat(),
        )

    async def say(word: Word, person: str, until: datetime | None = None) -> Response:
        try:
            await run_in_threadpool(home.say, person, word, f"{_PAGE}{person}", until)
        except ValueError as error:
            return sorry(400, str(error))
        return RedirectResponse(f"/#where-{person}", 303)

    async def go_away(request: Request) -> Response:
        form = await form_fields(request)
        person = people.get(form.get("person", ""))
        if person is None:
            return sorry(400, "Say who goes away.")
        today = home.now().astimezone(zone_of(person)).date()
        day = _day(form.get("until", ""), form.get("day", ""), today)
        if day is None:
            return sorry(400, _NO_DAY)
        return await say(Word.AWAY, person.id, end_of(day, person.timezone))

    async def come_back(request: Request) -> Response:
        person = (await form_fields(request)).get("person", "")
        if person not in people:
            return sorry(400, "Say who is back.")
        return await say(Word.HOME, person)

    return [
        Route("/away/{person}", ask),
        Route("/away", go_away, methods=["POST"]),
        Route("/back", come_back, methods=["POST"]),
    ]


def _day(until: str, day: str, today: date) -> date | None:
    if until in _NEAR:
        return today + timedelta(days=_NEAR[until])
    try:
        return date.fromisoformat(day)
    except ValueError:
        return None


_NEAR = {"tonight": 0, "tomorrow": 1}
