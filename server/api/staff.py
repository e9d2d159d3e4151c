"""What a staff program reads: the same answers as the pages, as JSON."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from server.api import answers
from server.doors import AsUser, person_in_path
from server.permissions import Action, Actor
from server.problems import Problem
from server.queries.readings import latest_values
from server.queries.worklist import worklist
from server.site import site_of

router = APIRouter(prefix="/api/v1")


@router.get("/alerts")
async def read_alerts(
    request: Request, actor: Annotated[Actor, Depends(AsUser(Action.SEE_WORKLIST))]
) -> Response:
    """The worklist: alerts that are not resolved, the state of the homes, and everyone."""
    site = site_of(request)
    return answers.json(request, await worklist(site.db, site.config))


@router.get("/people/{person}/latest")
async def read_latest(
    request: Request,
    person: str,
    actor: Annotated[Actor, Depends(AsUser(Action.SEE_PERSON, person_in_path))],
) -> Response:
    """The newest value of each metric of one person."""
    site = site_of(request)
    if site.config.person(person) is None:
        raise Problem(404, "person", "There is no such person", "Look at /api/v1/alerts.")
    return answers.json(request, await latest_values(site.db, person))
