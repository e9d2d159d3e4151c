"""The pages: sign in, the worklist, one alert, one person, and the news that keeps them fresh."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent

from plumbing.clock import utc_now
from rules.model import Tier
from rules.snooze import Refusal
from server import sessions, users
from server.alerting.ledger import NotPossible, Times, act, staff
from server.alerting.lifecycle import Action as Step
from server.alerting.lifecycle import State
from server.corrections import is_marked
from server.doors import AsUser, alert_in_path, person_in_path
from server.live import LiveEvent
from server.permissions import Action, Actor, Role, sees
from server.problems import Problem
from server.queries.alerts import alert_detail as read_alert
from server.queries.person import person_page as read_person
from server.queries.worklist import worklist as read_worklist
from server.site import Site, site_of
from server.snoozes import asked_for
from server.snoozes import keep as keep_snooze
from server.web import alert_page, person_page, snoozing, worklist
from server.web.pages import page
from server.web.viewers import home_of, inside, viewer_of
from server.web.views import DemoUser

router = APIRouter(include_in_schema=False)

LONGEST_NOTE = 2000
"""Characters of what staff write when they resolve an alert."""
RETRY_MS = 2000
"""How soon a browser that lost the news connects again."""

DEMO_SEES = {
    Role.CLINICIAN: "The care team: everyone's alerts",
    Role.PATIENT: "At home: their own page",
}

WRONG = "The user name or the password is wrong. Check both and try again."
NO_NOTE = "Write what was done before you resolve this alert."
LONG_NOTE = f"Shorten the note to {LONGEST_NOTE:,} characters or fewer."


@router.get("/sign-in")
async def ask_who(request: Request, onward: str = "/") -> Response:
    return _sign_in_page(site_of(request), onward)


@router.post("/sign-in")
async def sign_in(
    request: Request,
    name: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
    onward: Annotated[str, Form()] = "/",
) -> Response:
    site = site_of(request)
    token = await sessions.sign_in(site, name.strip(), password)
    if token is None:
        return _sign_in_page(site, onward, name=name, error=WRONG, status=422)
    answer = RedirectResponse(inside(onward), 303)
    sessions.set_cookie(site, answer, token)
    return answer


@router.post("/sign-out")
async def sign_out(request: Request) -> Response:
    answer = RedirectResponse("/sign-in", 303)
    await sessions.sign_out(request, answer)
    return answer


@router.get("/")
async def first_page(
    request: Request,
    actor: Annotated[Actor, Depends(AsUser(Action.HEAR_NEWS))],
    done: str = "",
) -> Response:
    """The worklist for staff; everyone else is sent to their own page."""
    if not sees(actor, Action.SEE_WORKLIST, None, utc_now()):
        return RedirectResponse(home_of(actor), 303)
    site = site_of(request)
    resolved = await read_alert(site.db, site.config, done) if done else None
    return page(
        "worklist.jinja",
        viewer=viewer_of(actor),
        worklist=worklist.present(
            await read_worklist(site.db, site.config), site.config, utc_now()
        ),
        done=resolved.alert.name if resolved and resolved.alert.state is State.RESOLVED else "",
    )


@router.get("/worklist")
async def worklist_part(
    request: Request,
    actor: Annotated[Actor, Depends(AsUser(Action.SEE_WORKLIST, touch=False))],
) -> Response:
    """The part of the worklist that changes: a page that is open asks for it by itself."""
    site = site_of(request)
    found = await read_worklist(site.db, site.config)
    return page("_worklist.jinja", worklist=worklist.present(found, site.config, utc_now()))


@router.get("/alerts/{alert}")
async def one_alert(
    request: Request,
    alert: str,
    actor: Annotated[Actor, Depends(AsUser(Action.SEE_ALERT, alert_in_path))],
) -> Response:
    return await _alert_page(request, actor, alert)


@router.post("/alerts/{alert}/acknowledge")
async def acknowledge(
    request: Request,
    alert: str,
    actor: Annotated[Actor, Depends(AsUser(Action.ACKNOWLEDGE_ALERT, alert_in_path))],
) -> Response:
    try:
        await _act(site_of(request), alert, Step.ACKNOWLEDGE, actor, "")
    except NotPossible as refused:
        return await _alert_page(request, actor, alert, error=str(refused), status=409)
    return RedirectResponse(f"/alerts/{alert}", 303)


@router.post("/alerts/{alert}/resolve")
async def resolve(
    request: Request,
    alert: str,
    actor: Annotated[Actor, Depends(AsUser(Action.RESOLVE_ALERT, alert_in_path))],
    note: Annotated[str, Form()] = "",
) -> Response:
    wrong = "" if note.strip() else NO_NOTE
    if len(note) > LONGEST_NOTE:
        wrong = LONG_NOTE
    if wrong:
        return await _alert_page(
            request, actor, alert, error=wrong, wrong_at="note", note=note, status=422
        )
    try:
        await _act(site_of(request), alert, Step.RESOLVE, actor, note.strip())
    except NotPossible as refused:
        return await _alert_page(request, actor, alert, error=str(refused), note=note, status=409)
    return RedirectResponse(f"/?done={alert}", 303)


@router.post("/alerts/{alert}/snooze")
async def snooze(
    request: Request,
    alert: str,
    actor: Annotated[Actor, Depends(AsUser(Action.SNOOZE_ALERT, alert_in_path))],
    minutes: Annotated[str, Form()] = "",
    reason: Annotated[str, Form()] = "",
) -> Response:
    """Be quiet about the problem of an alert, as far as the rules allow it."""
    site = site_of(request)
    found = await read_alert(site.db, site.config, alert)
    if found is None or found.alert.patient is None:
        raise Problem(404, "alert", "There is nothing to be quiet about", "Go back to /.")
    length, words = snoozing.length_of(minutes), reason.strip()
    wrong, place = "", "length"
    if found.alert.tier is Tier.T5:
        wrong, place = Refusal.EMERGENCY, ""
    elif length is None:
        wrong = snoozing.NO_LENGTH
    elif found.alert.state is State.RESOLVED:
        wrong, place = snoozing.RESOLVED, ""
    elif not words:
        wrong, place = snoozing.NO_REASON, "reason"
    elif len(words) > LONGEST_NOTE:
        wrong, place = LONG_NOTE, "reason"
    else:
        now = utc_now()
        times = Times(now=now, home=site.config.home_time.at(now))
        asked = asked_for(found.request, found.alert.tier, length, actor.name, words, times.home)
        said = snoozing.trail_words(length, words)
        async with site.db.transaction() as connection:
            refused = await keep_snooze(
                connection, alert, found.alert.gateway, asked, staff(actor), said, times
            )
        wrong = refused or ""
    if wrong:
        return await _alert_page(
            request,
            actor,
            alert,
            error=wrong,
            wrong_at=place,
            minutes=minutes,
            reason=reason,
            status=422,
        )
    return RedirectResponse(f"/alerts/{alert}", 303)


@router.get("/people/{person}")
async def one_person(
    request: Request,
    person: str,
    actor: Annotated[Actor, Depends(AsUser(Action.SEE_PERSON, person_in_path))],
    corrected: str = "",
) -> Response:
    site = site_of(request)
    found = await read_person(site.db, site.config, person)
    if found is None:
        raise Problem(404, "person", "There is no such person", "Go back to the list at /.")
    shown = person_page.present(
        found, site.config, own=actor.role is Role.PATIENT, machine_now=utc_now()
    )
    return page(
        "person.jinja",
        viewer=viewer_of(actor),
        person=shown,
        corrected=bool(corrected) and await is_marked(site.db, person, corrected),
    )


@router.get("/live", response_class=EventSourceResponse)
async def news(
    request: Request,
    actor: Annotated[Actor, Depends(AsUser(Action.HEAR_NEWS, touch=False))],
) -> AsyncIterator[ServerSentEvent]:
    """`tick` every 10 s, `alert` when one has changed. Ids only: a page asks for the rest."""

    def wants(event: LiveEvent) -> bool:
        return sees(actor, Action.HEAR_NEWS, event.patient, utc_now())

    async for event in site_of(request).live.subscribe(wants):
        yield ServerSentEvent(event=event.kind, data={"id": event.id}, retry=RETRY_MS)


def _sign_in_page(
    site: Site, onward: str, *, name: str = "", error: str = "", status: int = 200
) -> Response:
    return page(
        "sign_in.jinja",
        status=status,
        onward=inside(onward),
        name=name,
        error=error,
        demo_users=_demo_users(site),
    )


def _demo_users(site: Site) -> tuple[DemoUser, ...]:
    return tuple(
        DemoUser(
            name=user.id,
            title=user.name,
            sees=DEMO_SEES[Role(user.role)],
            password=site.config.demo.password,
        )
        for user in users.demo_users(site.config)
    )


async def _act(site: Site, alert: str, step: Step, actor: Actor, note: str) -> None:
    """Raises NotPossible, with the reason, where the alert's state does not allow it."""
    times = Times(now=utc_now(), home=site.config.home_time.now())
    async with site.db.transaction() as connection:
        await act(connection, alert, step, staff(actor), note, times)


async def _alert_page(
    request: Request,
    actor: Actor,
    alert: str,
    *,
    error: str = "",
    wrong_at: str = "",
    note: str = "",
    minutes: str = "",
    reason: str = "",
    status: int = 200,
) -> Response:
    site = site_of(request)
    found = await read_alert(site.db, site.config, alert)
    if found is None:
        raise Problem(404, "alert", "There is no such alert", "Go back to the list at /.")
    return page(
        "alert.jinja",
        status=status,
        viewer=viewer_of(actor),
        alert=alert_page.present(found, site.config),
        error=error,
        wrong_at=wrong_at,
        note=note,
        minutes_given=minutes,
        reason=reason,
    )
