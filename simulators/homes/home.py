"""A simulated home while it runs: its person's day goes by, and a tester may reach in."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from plumbing.clock import HomeTime
from simulators.cable import Cable
from simulators.homes.answering import Answering
from simulators.homes.devices import SimulatedDevice
from simulators.homes.diary import Diary
from simulators.homes.proxies import Proxies
from simulators.people.person import Deed, Happening, SimulatedPerson, between, measured
from simulators.people.scenarios import Scenario
from simulators.play.faults import Fault

LOOK_AHEAD = timedelta(hours=12)
"""How much of the person's life is told at once."""
STILL_AFTER = timedelta(seconds=60)
"""A movement sensor takes a room for empty after so long, in home time."""
TESTER = "tester"


class HomeRadio(Protocol):
    """The gateway's adapter, in a tester's hand: MockBlueZ has it, and a Room of bumble."""

    @property
    def reached_by(self) -> dict[str, str]:
        """Where a gateway finds it, by the word for it."""

    def power(self, on: bool) -> None: ...


class SimulatedHome:
    """Its parts, and what can be done with them. Those from `radio` on may be absent."""

    def __init__(
        self,
        person: SimulatedPerson,
        devices: Sequence[SimulatedDevice],
        home_time: HomeTime,
        diary: Diary,
        radio: HomeRadio | None = None,
        cable: Cable | None = None,
        answering: Answering | None = None,
        proxies: Proxies | None = None,
    ) -> None:
        self.person = person
        self.devices = tuple(devices)
        self.diary = diary
        self.radio = radio
        self.radio_on = True
        self.cable = cable
        self.answering = answering
        self.proxies = proxies
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
            for told in between(self.person, told_until, ahead):
                await self._wait_for(told.at)
                # A tester may have changed the body since this was told.
                self.happens(replace(told, values=measured(self.person, told.what, told.at)))
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

    async def plug_proxies(self, *, on: bool) -> None:
        """The Bluetooth proxies of the house lose their power, or get it back."""
        if self.proxies is not None:
            await self.proxies.plug(on=on)
            self.diary.note(self.now(), TESTER, f"Bluetooth proxies {'on' if on else 'off'}")

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

    def let_fail(self, fault: Fault | None, device: str = "") -> list[str]:
        """A fault begins in each device in which it can, or in this one; None: all of theirs end.

        Their names. Raises ValueError where there is none such.
        """
        chosen = [one for one in self.devices if device in {"", one.config.device}]
        if not chosen:
            raise ValueError(f"no device of this home is {device!r}")
        failing = [one for one in chosen if fault is None or one.faults.can(fault)]
        if fault is not None and not failing:
            why = "; ".join(f"{one.config.name}: {one.faults.says}" for one in chosen)
            raise ValueError(f"{fault.name} can't happen there ({why})")
        for one in failing:
            one.faults.switch(fault)
        names = [one.config.name for one in failing]
        what = f"fault {fault.name}" if fault else "faults end"
        self.diary.note(self.now(), TESTER, what, devices=names)
        return names

    def fall_ill(self, scenario: Scenario, *, begins: bool) -> None:
        """The person's body does something that it did not plan, from now on; or recovers."""
        local = self.now().astimezone(ZoneInfo(self.person.timezone)).replace(tzinfo=None)
        body = (
            scenario.begun(self.person.body, local) if begins else scenario.over(self.person.body)
        )
        self.person = replace(self.person, body=body)
        self.diary.note(self.now(), TESTER, f"{scenario.name} {'begins' if begins else 'ends'}")

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
