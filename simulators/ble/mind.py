"""What makes a simulated device answer: beside its data, how it takes what is read and written."""

from typing import Protocol


class Voice(Protocol):
    """What a mind can do with its device: `simulators.ble.device.Device` has it."""

    @property
    def connected(self) -> bool: ...

    def say(self, characteristic: str, value: bytes) -> bool:
        """Notify or indicate now. False where nobody is subscribed: the value is lost."""

    def store(self, characteristic: str, *values: bytes) -> None:
        """Wake, and hold these until a subscriber takes them."""

    def wake(self) -> None: ...
    def sleep(self) -> None: ...
    def drop(self) -> None: ...


class Mind(Protocol):
    """Characteristics are named as in the peripheral ("2A52")."""

    def link_opened(self) -> None:
        """Somebody connected."""

    def read(self, characteristic: str) -> bytes | None:
        """What a read gives; None: the fixed value."""

    async def take(self, voice: Voice, characteristic: str, value: bytes) -> None:
        """Something was written, and the write was answered."""
