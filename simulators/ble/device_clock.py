"""The clock of a simulated device: wrong by so much, until somebody sets it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from devices import wall_clock
from devices.catalog import current_time
from devices.codec import NOTHING_KNOWN
from devices.facts import fields_of
from devices.model import CharacteristicValue
from simulators.ble.mind import Voice
from simulators.ble.peripheral import Characteristic, Service

CLOCK = Service("1805", (Characteristic(current_time.CURRENT_TIME, ("read", "write", "notify")),))
"""The current time service, as a peripheral offers it."""


class DeviceClock:
    """A mind that has the time and nothing else; other minds have one of these.

    `local` is the true local time, naive; the clock is `ahead` of it. One that `can_be_set` only by
    its buttons takes a write and keeps its own time.
    """

    def __init__(
        self,
        local: Callable[[], datetime],
        ahead: timedelta = timedelta(),
        *,
        can_be_set: bool = True,
    ) -> None:
        self.ahead = ahead
        self._local = local
        self._can_be_set = can_be_set

    @classmethod
    def showing(cls, local: Callable[[], datetime], shown: datetime) -> "DeviceClock":
        """A clock that shows this now: 1970 after a new battery."""
        return cls(local, shown - local())

    def now(self) -> datetime:
        """What it shows."""
        return self._local() + self.ahead

    def link_opened(self) -> None:
        """A clock does not mind."""

    def read(self, characteristic: str) -> bytes | None:
        if characteristic != current_time.CURRENT_TIME:
            return None
        return current_time.to_current_time(self.now())

    async def take(self, voice: Voice, characteristic: str, value: bytes) -> None:
        if characteristic != current_time.CURRENT_TIME or not self._can_be_set:
            return
        frame = CharacteristicValue(
            address="", characteristic=characteristic, value=value, received_at=_NEVER
        )
        said = fields_of(current_time.decode(frame, NOTHING_KNOWN).facts)
        moment = wall_clock.moment(said["datetime"])
        if moment is not None:
            self.ahead = moment - self._local().replace(microsecond=0)


_NEVER = datetime.fromtimestamp(0, UTC)
