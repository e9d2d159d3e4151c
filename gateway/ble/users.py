"""Who stands on the scale: it measures for a slot only after the slot's code was given.

The scale assigns the slot when we register, and both the slot and the code are kept from then on:
registering at each visit would fill the scale with people. Where the settings name a slot that was
made elsewhere (a maker's app), that one is used.
"""

from collections.abc import Mapping
from secrets import randbelow
from typing import Any

from devices.catalog import user_data
from gateway.ble.session import ControlPoint, LinkFailed, Session
from gateway.ble.settings import Slot
from gateway.ble.words import NO_FREE_SLOT, WRONG_CODE

SLOT, CODE = "user_slot", "consent_code"


async def consent(session: Session, control: ControlPoint, configured: Slot | None) -> None:
    """Make the scale measure for our slot. Raises LinkFailed where it refuses."""
    slot = configured or _kept(session) or await _register(session, control)
    answer = await control.ask(user_data.consent(slot.user_index, slot.consent_code))
    if not answer["succeeded"]:
        raise LinkFailed(WRONG_CODE)


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
