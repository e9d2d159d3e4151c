"""Windows over past values that cost the same however long they are.

What a window holds follows from its readings alone, never from the road to it: filled again
from `from_us` on, it is equal. In JSON a window is just its `from_us` (see `written`).
"""

from collections import deque
from typing import Any, Self

from rules.exact import millionths


class Window:
    """Values in order of their time. `from_us` is the time of the oldest, None while empty."""

    __slots__ = ("from_us",)

    def __init__(self, from_us: int | None = None) -> None:
        self.from_us = from_us

    def __deepcopy__(self, memo: object) -> Self:
        """What lies in it never changes, so that only what holds it is made anew."""
        twin = type(self)(self.from_us)
        for kind in type(self).__mro__:
            for name in getattr(kind, "__slots__", ()):
                setattr(twin, name, _held_anew(getattr(self, name)))
        return twin


def _held_anew(held: Any) -> Any:
    if isinstance(held, dict):
        return {key: _held_anew(value) for key, value in held.items()}
    return held.copy() if isinstance(held, list | deque) else held


class Lowest(Window):
    """The lowest value of a span of time: a queue in which each value is below the next.

    A value that is followed by a lower one can never be the lowest again, so it is dropped.
    Give negated values for the highest. Each entry is (us, millionths, reading id).
    """

    __slots__ = ("entries",)

    def __init__(self, from_us: int | None = None) -> None:
        super().__init__(from_us)
        self.entries: deque[tuple[int, int, str]] = deque()

    def push(self, us: int, count: int, reading: str) -> None:
        entries = self.entries
        while entries and entries[-1][1] >= count:
            entries.pop()
        entries.append((us, count, reading))
        self.from_us = entries[0][0]

    def drop_before(self, us: int) -> None:
        """Forget what was taken before `us`."""
        entries = self.entries
        while entries and entries[0][0] < us:
            entries.popleft()
        self.from_us = entries[0][0] if entries else None

    def lowest(self) -> tuple[int, int, str] | None:
        return self.entries[0] if self.entries else None


class LowestOfLast(Lowest):
    """The lowest value of a span of time, where of several taken together only the last counts.

    The newest is held outside the queue, until what follows shows whether it stands.
    """

    __slots__ = ("held",)

    def __init__(self, from_us: int | None = None) -> None:
        super().__init__(from_us)
        self.held: tuple[int, int, str] | None = None

    def push_last(self, us: int, count: int, reading: str, together_us: int) -> None:
        """The next value; one that was taken less than `together_us` before it is forgotten."""
        if self.held is not None and us - self.held[0] >= together_us:
            self.push(*self.held)
        self.held = (us, count, reading)
        self.from_us = self.entries[0][0] if self.entries else us

    def drop_before(self, us: int) -> None:
        super().drop_before(us)
        if self.held is not None and self.held[0] < us:
            self.held = None
        if self.held is not None and not self.entries:
            self.from_us = self.held[0]

    def lowest(self) -> tuple[int, int, str] | None:
        first = super().lowest()
        if self.held is None or (first is not None and first[1] < self.held[1]):
            return first
        return self.held


class Line(Window):
    """The least-squares line through the last values: sums that are exact at any length.

    With x in microseconds from `base_us` and y in millionths all sums are integers, so adding
    and taking away leaves no error behind and the slope depends on the values alone. (NIST/SEMATECH
    e-Handbook of Statistical Methods, 4.1.4.1, Linear Least Squares Regression.)
    """

    __slots__ = ("base_us", "newest", "points", "sum_x", "sum_xx", "sum_xy", "sum_y")

    def __init__(self, from_us: int | None = None) -> None:
        super().__init__(from_us)
        self.points: deque[tuple[int, int]] = deque()
        self.base_us = from_us or 0
        self.newest = ""
        self.sum_x = self.sum_y = self.sum_xx = self.sum_xy = 0

    def take(self, us: int, value: float, reading: str, samples: int, window_us: int) -> None:
        """Add a reading once, whoever brings it: rules that draw the same line may share it.

        Readings older than `window_us` (0: any age) and beyond `samples` are left out.
        """
        if reading != self.newest:
            self.newest = reading
            if window_us:
                self.drop_before(us - window_us)
            self.push(us, value, samples)

    def is_same(self, other: "Line") -> bool:
        """Of two lines through the same series: whether they go through the same readings."""
        return self is other or (self.newest, self.from_us, len(self.points)) == (
            other.newest,
            other.from_us,
            len(other.points),
        )

    def push(self, us: int, value: float, samples: int) -> None:
        """Add a value; beyond `samples` values the oldest goes."""
        points = self.points
        if not points:
            self.base_us = us
        x = us - self.base_us
        y = millionths(value)
        points.append((x, y))
        self.sum_x += x
        self.sum_y += y
        self.sum_xx += x * x
        self.sum_xy += x * y
        if len(points) > samples:
            self._drop()
        self.from_us = self.base_us + points[0][0]

    def drop_before(self, us: int) -> None:
        """Forget what was taken before `us`."""
        x = us - self.base_us
        points = self.points
        while points and points[0][0] < x:
            self._drop()
        self.from_us = self.base_us + points[0][0] if points else None

    def _drop(self) -> None:
        x, y = self.points.popleft()
        self.sum_x -= x
        self.sum_y -= y
        self.sum_xx -= x * x
        self.sum_xy -= x * y

    def slope(self) -> tuple[int, int]:
        """Numerator and denominator (0: no line) of the slope, in the value's unit a second."""
        n = len(self.points)
        return (
            n * self.sum_xy - self.sum_x * self.sum_y,
            n * self.sum_xx - self.sum_x * self.sum_x,
        )

    def pull_of_last(self) -> int:
        """By how much slope()'s numerator grows with each millionth of the last value."""
        return len(self.points) * self.points[-1][0] - self.sum_x if self.points else 0


def written(window: Any) -> int | None:
    """What stands for a window in JSON (msgspec's enc_hook)."""
    if isinstance(window, Window):
        return window.from_us
    raise NotImplementedError(f"no JSON for {type(window).__name__}")


def empty(kind: type[Any], from_us: Any) -> Any:
    """The window to be filled again (msgspec's dec_hook)."""
    if issubclass(kind, Window):
        return kind(from_us)
    raise NotImplementedError(f"no JSON for {kind.__name__}")
