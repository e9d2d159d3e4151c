"""Staff mark readings of a person as entered in error, with a reason."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.responses import RedirectResponse

from devices.metrics import METRICS, Kind
from plumbing.clock import utc_now
from server import corrections
from server.alerting.ledger import Times, staff
from server.config import Person
from server.corrections import LONGEST_NOTE, Named
from server.doors import AsUser, person_in_path
from server.permissions import Action, Actor
from server.problems import Problem
from server.site import Site, site_of
from server.web import correction_page
from server.web.pages import page
from server.web.viewers import viewer_of
from server.web.wording import CORRECTION_REASONS

router = APIRouter(include_in_schema=False)

QUANTITIES = tuple(name for name, metric in METRICS.items() if metric.kind is Kind.QUANTITY)
MOST_READINGS = 10
"""Taken together, as the two numbers of a blood pressure are."""

NO_REASON = "Choose why this reading does not count."
LONG_NOTE = f"Shorten the note to {LONGEST_NOTE:,} characters or fewer."

Corrector = Annotated[Actor, Depends(AsUser(Action.CORRECT_READING, person_in_path))]


@router.get("/people/{person}/correct")
async def ask_why(
    request: Request,
    person: str,
    actor: Corrector,
    reading: Annotated[list[str], Query(max_length=MOST_READINGS)],
) -> Response:
    known, readings = await _found(site_of(request), person, reading)
    return _page(request, actor, known, readings)


@router.post("/people/{person}/correct")
async def mark(
    request: Request,
    person: str,
    actor: Corrector,
    reading: Annotated[list[str], Query(max_length=MOST_READINGS)],
    reason: Annotated[str, Form()] = "",
    note: Annotated[str, Form()] = "",
) -> Response:
    site = site_of(request)
    known, readings = await _found(site, person, reading)
    wrong = "" if reason in CORRECTION_REASONS else NO_REASON
    if len(note) > LONGEST_NOTE:
        wrong = LONG_NOTE
    if wrong:
        return _page(request, actor, known, readings, error=wrong, reason=reason, note=note)
    times = Times(now=utc_now(), home=site.config.home_time.now())
    async with site.db.transaction() as connection:
        await corrections.mark(
            connection, person, readings, staff(actor), reason, note.strip(), times
        )
    return RedirectResponse(f"/people/{person}?corrected={readings[0].reading}", 303)


async def _found(site: Site, person: str, ids: list[str]) -> tuple[Person, tuple[Named, ...]]:
    known = site.config.person(person)
    if known is None:
        raise Problem(404, "person", "There is no such person", "Go back to the list at /.")
    readings = await corrections.readings_named(site.db, person, QUANTITIES, ids)
    if not readings:
        raise Problem(
            404, "reading", "There is no such reading", f"Go back to {known.name}'s page."
        )
    return known, readings


def _page(
    request: Request,
    actor: Actor,
    person: Person,
    readings: tuple[Named, ...],
    *,
    error: str = "",
    reason: str = "",
    note: str = "",
) -> Response:
    now = site_of(request).config.home_time.now()
    return page(
        "correct.jinja",
        status=422 if error else 200,
        viewer=viewer_of(actor),
        correction=correction_page.present(readings, person, now),
        reasons=CORRECTION_REASONS,
        error=error,
        in_note=error == LONG_NOTE,
        reason=reason,
        note=note,
    )
