"""A simulated home while it runs: its person's day goes by, and a tester may reach in."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from plumbing.clock import HomeTime
from simulators.ble.bluez import MockBlueZ
from simulators.cable import Cable
from simulators.homes.answering import Answering
from simulators.homes.devices import SimulatedDevice
from simulators.homes.diary import Diary
from simulators.people.person import Deed, Happening, SimulatedPerson, between, measured

LOOK_AHEAD = timedelta(hours=12)
"""How much of the person's life is told at once."""
STILL_AFTER = timedelta(seconds=60)
"""A movement sensor takes a room for empty after so long, in home time."""
TESTER = "tester"


class SimulatedHome:
    """Its parts, and what can be done with them. `radio`, `cable`, `answering` may be absent."""

    def __init__(
        self,
        person: SimulatedPerson,
        devices: Sequence[SimulatedDevice],
        home_time: HomeTime,
        diary: Diary,
        radio: MockBlueZ | None = None,
        cable: Cable | None = None,
        answering: Answering | None = None,
    ) -> None:
        self.person = person
        self.devices = tuple(devices)
        self.diary = diary
        self.radio = radio
        self.radio_on = True
        self.cable = cable
        self.answering = answering
        self._home_time = home_time
        self._later: set[asyncio.Task[None]] = set()

    def now(self) -> datetime:
        """Home time."""
        return self._home_time.now()

    async def live(self) -> None:
        """The person's day, as home time goes by, until it is cancelled."""
        told_until = self.now()
        while True:
            ahead = told_until + LOOK_AHEAD
            for happening in between(self.person, told_until, ahead):
                await self._wait_for(happening.at)
                self.happens(happening)
            await self._wait_for(ahead)
            told_until = ahead

    def happens(self, happening: Happening) -> None:
        """The person does something, and every device that habit leads to notices."""
        self.diary.note(
            happening.at,
            self.person.id,
            happening.what,
            where=happening.where,
            values=_shown(happening.values),
        )
        for device in self.devices:
            config = device.config
            if (
                config.by_habit
                and happening.what in config.deeds
                and config.where in {"", happening.where}
            ):
                self._notices(device, happening)

    def tester_does(
        self, device: SimulatedDevice, what: Deed, values: Mapping[str, float] | None = None
    ) -> None:
        """A tester sets one device off now, with the body's own values or with these.

        Raises ValueError for a deed that is not the device's.
        """
        config = device.config
        if what not in config.deeds:
            raise ValueError(f"{config.name} does not notice that somebody {what}")
        at = self.now()
        shown = values or measured(self.person, what, at)
        self.diary.note(at, TESTER, what, device=config.name, values=_shown(shown))
        self._notices(device, Happening(at=at, what=what, where=config.where, values=shown))

    def switch_radio(self, *, on: bool) -> None:
        """The Bluetooth adapter of the gateway loses its power, or gets it back."""
        if self.radio is not None:
            self.radio.power(on)
            self.radio_on = on
            self.diary.note(self.now(), TESTER, f"Bluetooth adapter {'on' if on else 'off'}")

    async def move_cable(self, *, plugged: bool) -> None:
        """The cable to the server is plugged in, or pulled."""
        if self.cable is not None:
            if plugged:
                await self.cable.plug()
            else:
                self.cable.pull()
            self.diary.note(
                self.now(), TESTER, f"server's cable {'plugged in' if plugged else 'pulled out'}"
            )

    def let_answer(self, *, answers: bool) -> None:
        """Whether the person answers what the home page asks."""
        if self.answering is not None:
            self.answering.answers = answers
            self.diary.note(self.now(), TESTER, f"answers {'simulated' if answers else 'stopped'}")

    def _notices(self, device: SimulatedDevice, happening: Happening) -> None:
        device.notice(happening)
        if happening.what is Deed.MOVES and Deed.LEAVES in device.config.deeds:
            empty = Happening(
                at=happening.at + STILL_AFTER, what=Deed.LEAVES, where=happening.where
            )
            task = asyncio.create_task(self._notices_later(device, empty))
            self._later.add(task)
            task.add_done_callback(self._later.discard)

    async def _notices_later(self, device: SimulatedDevice, happening: Happening) -> None:
        await self._wait_for(happening.at)
        device.notice(happening)

    async def _wait_for(self, at: datetime) -> None:
        await asyncio.sleep(self._home_time.wait_s(at))


def _shown(values: Mapping[str, float]) -> dict[str, float]:
    return {metric: round(value, 2) for metric, value in values.items()}
