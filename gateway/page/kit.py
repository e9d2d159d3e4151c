"""The part of the health page that shows the devices, adds one and removes one."""

from collections.abc import Callable, Mapping
from datetime import datetime

import msgspec
from msgspec import Struct
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from devices.roles import ROLES
from gateway.onboarding import Added, KitList, Nearby, Onboarding
from gateway.page.view import Choice
from gateway.page.words import day_time, first_name, zone_of
from plumbing.own_page import form_fields
from rules.model import Person

SHARED = "*"
"""The choice of a device that all people of the home share."""
_KEYED = ("bthome", "xiaomi")
"""Kinds whose frames may be sealed with a key."""
Sorry = Callable[[int, str], Response]


class Spot(Struct, frozen=True):
    """A place where a device may sit."""

    role: str
    words: str
    chosen: bool = False


class AddedCard(Struct, frozen=True):
    device: str
    name: str
    kind: str
    made: str
    who: str
    state: str
    next: str
    choices: tuple[Choice, ...]
    """Who could have it, while it is nobody's."""
    removable: bool
    where: str
    """Where it sits, in words; empty: nowhere in particular."""
    spots: tuple[Spot, ...]


class NearbyCard(Struct, frozen=True):
    device: str
    title: str
    about: str
    when: str
    choices: tuple[Choice, ...]
    wants_key: bool
    wants_passkey: bool
    spots: tuple[Spot, ...]


class KitView(Struct, frozen=True):
    added: tuple[AddedCard, ...]
    nearby: tuple[NearbyCard, ...]


def kit_view(kit: KitList, people: Mapping[str, Person], at: datetime) -> KitView:
    """The devices in words, at home time `at`."""
    return KitView(
        tuple(_added(one, people) for one in kit.added),
        tuple(_nearby(one, people, at) for one in kit.nearby),
    )


def _added(one: Added, people: Mapping[str, Person]) -> AddedCard:
    who = " and ".join(first_name(people[id_]) for id_ in one.people if id_ in people)
    choices = () if one.people else _choices(people, shared=one.tells_apart)
    return AddedCard(
        one.device,
        one.name,
        one.kind_title,
        one.made,
        who,
        one.state,
        one.next,
        choices,
        one.stage != "settings",
        ROLES[one.role].title if one.role in ROLES else "",
        _spots(one.roles, one.role),
    )


def _nearby(one: Nearby, people: Mapping[str, Person], at: datetime) -> NearbyCard:
    about = [part for part in (one.kind_title, one.says) if part and part != one.title]
    if one.device != one.title:
        about.append(one.device)
    if one.sealed:
        about.append("It needs its key")
    when = day_time(one.at, at, zone_of(next(iter(people.values()), None)))
    return NearbyCard(
        one.device,
        one.title,
        ". ".join(about),
        when,
        _choices(people, shared=one.tells_apart),
        one.kind in _KEYED,
        one.pairs,
        _spots(one.roles),
    )


def _spots(roles: tuple[str, ...], chosen: str = "") -> tuple[Spot, ...]:
    """Empty where it means the same wherever it is."""
    if not roles:
        return ()
    elsewhere = Spot("", "Somewhere else", not chosen)
    return (elsewhere, *(Spot(key, ROLES[key].title, key == chosen) for key in roles))


def _choices(people: Mapping[str, Person], *, shared: bool) -> tuple[Choice, ...]:
    named = [Choice(one.id, first_name(one)) for one in people.values()]
    if shared and len(named) > 1:
        named.append(Choice(SHARED, "All of us"))
    return (*named, Choice("", "I'll say later")) if len(named) > 1 else tuple(named)


def kit_routes(onboarding: Onboarding, people: Mapping[str, Person], sorry: Sorry) -> list[Route]:
    async def as_json(request: Request) -> Response:
        found = await run_in_threadpool(onboarding.kit)
        return Response(msgspec.json.encode(found), media_type="application/json")

    async def add(request: Request) -> Response:
        form = await form_fields(request)
        who = form.get("person", "")
        chosen = tuple(people) if who == SHARED else (who,) if who else ()
        try:
            await run_in_threadpool(
                onboarding.enrol,
                form.get("device", ""),
                form.get("name", ""),
                chosen,
                form.get("key", ""),
                form.get("passkey", ""),
                form.get("role"),
            )
        except ValueError as error:
            return sorry(400, str(error))
        return RedirectResponse("/health#devices", 303)

    async def place(request: Request) -> Response:
        form = await form_fields(request)
        try:
            await run_in_threadpool(onboarding.place, form.get("device", ""), form.get("role", ""))
        except ValueError as error:
            return sorry(400, str(error))
        return RedirectResponse("/health#devices", 303)

    async def remove(request: Request) -> Response:
        device = (await form_fields(request)).get("device", "")
        if not await run_in_threadpool(onboarding.dismiss, device):
            return sorry(404, "This device is not here any more.")
        return RedirectResponse("/health#devices", 303)

    return [
        Route("/devices.json", as_json),
        Route("/devices/add", add, methods=["POST"]),
        Route("/devices/place", place, methods=["POST"]),
        Route("/devices/remove", remove, methods=["POST"]),
    ]
