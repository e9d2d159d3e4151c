"""Who stands on the scale: it measures for a slot only after the slot's code was given.

The scale assigns the slot when we register, and both the slot and the code are kept from then on:
registering at each visit would fill the scale with people. Where the settings name a slot that was
made elsewhere (a maker's app), that one is used.

Some scales give more than a weight only once they were told of the person, and anew at each visit:
first what is set, then a higher database change increment, by which the scale notices (User Data
Service 1.1, section 3.1.2). Only the settings say what is told. A scale that does not take it still
weighs.
"""

from collections.abc import Mapping
from secrets import randbelow
from typing import Any

from devices.catalog import user_data
from devices.codec import DecodeError
from devices.model import Fact
from gateway.ble.session import ControlPoint, LinkFailed, Session
from gateway.ble.settings import Slot, UserData
from gateway.ble.stack import RADIO_ERRORS
from gateway.ble.words import NO_FREE_SLOT, WRONG_CODE
from plumbing.logs import Log

log = Log("gateway.ble")

SLOT, CODE = "user_slot", "consent_code"
COUNT = "database_change_increment"


async def consent(session: Session, control: ControlPoint, configured: Slot | None) -> None:
    """Make the scale measure for our slot. Raises LinkFailed where it refuses."""
    slot = configured or _kept(session) or await _register(session, control)
    answer = await control.ask(user_data.consent(slot.user_index, slot.consent_code))
    if not answer["succeeded"]:
        raise LinkFailed(WRONG_CODE)


async def tell_of(session: Session, user: UserData) -> None:
    """After the consent. Raises nothing: what a scale does not take costs no weight."""
    try:
        written = [name for name, _ in _frames(user) if session.offers(name)]
        for name, value in _frames(user):
            if name in written:
                await session.write(name, value)
        if written and session.offers(user_data.INCREMENT):
            said = session.facts(user_data.INCREMENT, await session.read(user_data.INCREMENT))
            count = (int(said[COUNT]) + 1) % 2**32
            await session.write(user_data.INCREMENT, _frame(user_data.INCREMENT, COUNT, count))
    except (*RADIO_ERRORS, DecodeError) as error:
        log.warning("a scale does not take the person's data", error=error)


def _frames(user: UserData) -> list[tuple[str, bytes]]:
    """(characteristic, value) of all that is set."""
    genders = {word: number for number, word in user_data.GENDERS.items()}
    rows = (
        (user_data.FIRST_NAME, "first_name", user.first_name or None),
        (user_data.BIRTH, "date_of_birth", user.born and user.born.isoformat()),
        (user_data.GENDER, "gender", genders.get(user.gender)),
        (user_data.HEIGHT, "height_cm", user.height_cm),
    )
    return [(at, _frame(at, name, value)) for at, name, value in rows if value is not None]


def _frame(at: str, name: str, value: object) -> bytes:
    fact = Fact(device="", name=name, value=value)
    return user_data.encode(facts=(fact,), known={"at": at})


def _kept(session: Session) -> Slot | None:
    slot, code = session.known(SLOT), session.known(CODE)
    if isinstance(slot, int) and isinstance(code, int):
        return Slot(slot, code)
    return None


async def _register(session: Session, control: ControlPoint) -> Slot:
    """The code is kept first: a slot whose code is lost can't be opened any more."""
    code = randbelow(user_data.MOST_CONSENT + 1)
    await session.keep(**{CODE: code})
    answer: Mapping[str, Any] = await control.ask(user_data.register(code))
    if not answer["succeeded"] or "user_index" not in answer:
        raise LinkFailed(NO_FREE_SLOT)
    slot = Slot(answer["user_index"], code)
    await session.keep(**{SLOT: slot.user_index})
    return slot
