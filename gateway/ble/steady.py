"""One weighing, one value: a scale says it more than once while it comes to rest.

The last of a person's values close together stands. Records of other days, which a scale plays
back from its memory, are further apart and all go on. What can't be read goes on at once, to be
refused where that is said.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from devices.codec import DecodeError
from devices.model import Decoded

TOGETHER = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class _Held:
    value: bytes
    user: int | None
    said_at: datetime | None
    heard_s: float


class Steady:
    """Holds the newest value back until it has come to rest."""

    def __init__(
        self, rest_s: float, decode: Callable[[bytes], Decoded], pass_on: Callable[[bytes], None]
    ) -> None:
        self._rest_s = rest_s
        self._decode = decode
        self._pass_on = pass_on
        self._held: _Held | None = None

    def hear(self, value: bytes, now_s: float) -> None:
        """`now_s` is machine time."""
        try:
            said = self._decode(value).measurements
        except DecodeError:
            said = ()
        if not said:
            self._pass_on(value)
            return
        new = _Held(value, said[0].user, said[0].taken_at, now_s)
        if self._held is not None and not _is_same(self._held, new):
            self.release()
        self._held = new

    def left_s(self, now_s: float) -> float | None:
        """How long until what is held has come to rest; None: nothing is held."""
        return None if self._held is None else self._held.heard_s + self._rest_s - now_s

    def release(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            self._pass_on(held.value)


def _is_same(one: _Held, later: _Held) -> bool:
    """Whether both are the same weighing of the same person."""
    if one.user != later.user or (one.said_at is None) is not (later.said_at is None):
        return False
    if one.said_at is None or later.said_at is None:
        return later.heard_s - one.heard_s <= TOGETHER.total_seconds()
    return abs(later.said_at - one.said_at) <= TOGETHER
