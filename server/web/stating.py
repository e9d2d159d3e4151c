"""Staff say where a person is, and whether there is a safeguarding concern."""

from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse

from plumbing.clock import utc_now
from rules.whereabouts import PLACES, Word, end_of, word_of, wrong_end
from server import states
from server.alerting.ledger import Times, staff
from server.config import Person
from server.corrections import LONGEST_NOTE
from server.doors import AsUser, person_in_path
from server.permissions import Action, Actor
from server.problems import Problem
from server.site import Site, site_of
from server.web import where, wording
from server.web.pages import page
from server.web.viewers import viewer_of

router = APIRouter(include_in_schema=False)

NOTHING = "Choose where {name} is."
NO_DAY = "Write the day on which {name} is expected back."
LONG_NOTE = f"Shorten the note to {LONGEST_NOTE:,} characters or fewer."

HINTS = {
    Word.HOME: "The rules count again. This also takes back what was said before.",
    Word.AWAY: "Ends by itself at 22:00 on the day that you write below.",
    Word.IN_HOSPITAL: "Ends when you, or {name} at home, say so.",
    Word.DIED: "Nothing at home asks or says anything to {name} any more.",
}

Sayer = Annotated[Actor, Depends(AsUser(Action.SET_STATE, person_in_path))]


@router.get("/people/{person}/where")
async def ask_where(request: Request, person: str, actor: Sayer) -> Response:
    return await _page(request, actor, _known(site_of(request), person))


@router.post("/people/{person}/where")
async def say_where(
    request: Request,
    person: str,
    actor: Sayer,
    said: Annotated[str, Form()] = "",
    day: Annotated[str, Form()] = "",
    note: Annotated[str, Form()] = "",
) -> Response:
    site = site_of(request)
    known = _known(site, person)
    first = known.name.partition(" ")[0]
    now = utc_now()
    times = Times(now=now, home=site.config.home_time.at(now))
    word, until, wrong, place = word_of(said), None, "", "said"
    if word is None:
        wrong = NOTHING.format(name=first)
    elif word is Word.AWAY:
        until = _end(day, known)
        wrong = NO_DAY.format(name=first) if until is None else wrong_end(until, times.home) or ""
        place = "day"
    if not wrong and len(note) > LONGEST_NOTE:
        wrong, place = LONG_NOTE, "note"
    if wrong or word is None:
        return await _page(
            request, actor, known, error=wrong, at=place, said=said, day=day, note=note
        )
    homes = [home.id for home in site.config.gateways if person in home.people]
    async with site.db.transaction() as connection:
        await states.say(connection, person, homes, word, until, staff(actor), note.strip(), times)
    return RedirectResponse(f"/people/{person}#where", 303)


def _end(day: str, person: Person) -> datetime | None:
    try:
        return end_of(date.fromisoformat(day), person.timezone)
    except (ValueError, OverflowError):
        return None


def _known(site: Site, person: str) -> Person:
    known = site.config.person(person)
    if known is None:
        raise Problem(404, "person", "There is no such person", "Go back to the list at /.")
    return known


async def _page(
    request: Request,
    actor: Actor,
    person: Person,
    *,
    error: str = "",
    at: str = "",
    said: str = "",
    day: str = "",
    note: str = "",
) -> Response:
    site = site_of(request)
    found = await states.statements(site.db, person.id)
    now = site.config.home_time.now()
    shown = where.present(found, person, site.config, None, now, own=False)
    first = person.name.partition(" ")[0]
    return page(
        "where.jinja",
        status=422 if error else 200,
        viewer=viewer_of(actor),
        person=wording.person(person),
        first_name=first,
        where=shown,
        places=[(word, where.WORDS[word], HINTS[word].format(name=first)) for word in PLACES],
        error=error,
        wrong_at=at,
        said=said,
        day=day,
        note=note,
    )
