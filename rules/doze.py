"""Watches that nothing can move until a value comes far enough: they are left alone until then.

Of two hundred limits on one series nearly all are far from its values, reading after reading. A
watch that is at rest (inactive, the last n verdicts against it, no timer) dozes: its limit lies in
an ordered list, and one comparison with the nearest of them stands for all the others. When a value
reaches a limit, or is of doubtful quality, or anyone wants to look at the watch, it is roused:
brought up to the last reading, as if each had been delivered to it. Rousing one for nothing is
harmless, so the lists need not know what happens exactly at a limit.

A line through the last values is one for all rules that draw the same line.
"""

from bisect import insort
from collections import deque
from copy import deepcopy
from operator import itemgetter
from typing import TYPE_CHECKING

from msgspec import Struct

from devices.model import Quality, Reading
from rules.window import Line

if TYPE_CHECKING:
    from rules.engine import Watch

MOST_READINGS = 16
"""The longest n of k of n with which a watch may doze."""
LONGEST = 10_000
"""Readings after which it is roused all the same, so that its state is written down."""
_DAY_S_MILLION = 86_400 * 1_000_000


class Doze(Struct, frozen=True, kw_only=True):
    """Until when a watch may be left alone: its signal is on that side of the limit, or at it.

    The signal is the value itself, or (with `samples`) the slope a day, in millionths, of the line
    through the last samples, those older than `window_us` (0: any age) left out.
    """

    upwards: bool
    limit: float
    samples: int = 0
    window_us: int = 0


_Waiting = list[tuple[float, int, "Watch"]]
"""(limit, number of the watch, watch), the nearest first; limits of values are negated where it
is a fall that counts."""


class _Slope:
    """One line, and who waits for its slope to get there."""

    __slots__ = ("down", "gate", "line", "samples", "up", "window_us")

    def __init__(self, line: Line, samples: int, window_us: int, gate: frozenset[Quality]) -> None:
        self.gate = gate
        self.line = line
        self.samples = samples
        self.window_us = window_us
        self.up: _Waiting = []
        self.down: _Waiting = []


class Series:
    """The watches that read one metric of one device: all, and those that do not doze."""

    __slots__ = (
        "_down",
        "_last",
        "_last_us",
        "_place",
        "_recent",
        "_slopes",
        "_taken",
        "_up",
        "awake",
        "dozing",
        "drowsy",
        "held_back",
        "watches",
    )

    def __init__(self) -> None:
        self.watches: tuple[Watch, ...] = ()
        self.awake: tuple[Watch, ...] = ()
        self.held_back: tuple[Watch, ...] = ()
        self.dozing = 0
        self.drowsy = False
        """One of them may come to rest here."""
        self._place: dict[Watch, int] = {}
        self._taken = 0
        self._recent: deque[str] = deque(maxlen=MOST_READINGS)
        self._last: Reading | None = None
        self._last_us = 0
        self._up: _Waiting = []
        self._down: _Waiting = []
        self._slopes: list[_Slope] = []

    def read_by(self, readers: tuple["Watch", ...], held_back: tuple["Watch", ...]) -> None:
        """All of them are awake from now on. `held_back` are told of what holds them back here, and
        read elsewhere. One that reads several series never dozes."""
        self.rouse()
        watches = tuple(dict.fromkeys((*readers, *held_back)))
        if watches != self.watches:
            self.watches = self.awake = watches
            self.held_back = held_back
            self._place = {watch: place for place, watch in enumerate(watches)}
        for watch in readers:
            if watch.home is None:
                watch.home = self
            if watch.home is not self or watch in held_back:
                watch.home.rouse()
                _draw_alone(watch)
                watch.doze = None
        self.drowsy = any(watch.doze is not None and watch.home is self for watch in watches)

    def take(self, us: int, reading: Reading) -> None:
        """Any reading, while some doze here or are held back. Whoever has to see it is awake
        then."""
        for watch in self.held_back:
            if watch.dozing is not None:
                watch.dozing.rouse()
        last = self._last
        if not self.dozing or last is None:
            return
        if reading.quality:
            self.rouse()
        elif us > self._last_us or (us == self._last_us and reading.id > last.id):
            self._take_next(us, reading)
        elif us != self._last_us or reading.id != last.id:
            self.rouse()

    def _take_next(self, us: int, reading: Reading) -> None:
        if self._taken >= LONGEST:
            self.rouse()
            return
        value = reading.value
        roused: list[Watch] = []
        if self._up and value >= self._up[0][0]:
            self._reached(self._up, value, 1, roused)
        if self._down and -value >= self._down[0][0]:
            self._reached(self._down, -value, 1, roused)
        for slope in self._slopes:
            up, down = slope.up, slope.down
            if not up and not down:
                continue
            slope.line.take(us, value, reading.id, slope.samples, slope.window_us)
            rise, run = slope.line.slope()
            if run:
                rise *= _DAY_S_MILLION
                if up and rise >= run * up[0][0]:
                    self._reached(up, rise, run, roused)
                if down and -rise >= run * down[0][0]:
                    self._reached(down, -rise, run, roused)
        if roused:
            self._wake(roused)
        self._taken += 1
        self._last, self._last_us = reading, us
        self._recent.append(reading.id)

    @staticmethod
    def _reached(waiting: _Waiting, signal: float, unit: int, roused: "list[Watch]") -> None:
        while waiting and signal >= unit * waiting[0][0]:
            roused.append(waiting.pop(0)[2])

    def rouse(self) -> None:
        """Bring up all that doze."""
        if self.dozing:
            slopes = [waiting for slope in self._slopes for waiting in (slope.up, slope.down)]
            roused = []
            for waiting in (self._up, self._down, *slopes):
                roused += [watch for _, _, watch in waiting]
                waiting.clear()
            self._wake(roused)
            self._slopes.clear()
            self._taken = 0

    def _wake(self, roused: "list[Watch]") -> None:
        """Those are off the lists: what each has missed is told in one."""
        for watch in roused:
            missed = self._taken - watch.dozed_at
            watch.dozing = None
            if missed and self._last is not None:
                watch.last_us = self._last_us
                watch.last_id = self._last.id
                watch.left -= missed
                watch.kind.resume(watch.state, self._last)
                n = watch.terms.n
                if n > 1:
                    readings = watch.gate.readings
                    readings += list(self._recent)[-min(missed, n) :]
                    del readings[:-n]
        self.dozing -= len(roused)
        self.awake = tuple(sorted((*self.awake, *roused), key=self._place.__getitem__))

    def let_doze(self, us: int, reading: Reading) -> None:
        """Those that had that reading, and are at rest now."""
        gone = [
            watch
            for watch in self.awake
            if watch.doze is not None
            and watch.home is self
            and watch.last_us == us
            and watch.last_id == reading.id
            and watch.rests
        ]
        if gone:
            self._last, self._last_us = reading, us
            self.dozing += sum([self._lay_down(watch) for watch in gone])
            self.awake = tuple(watch for watch in self.awake if watch.dozing is None)

    def _lay_down(self, watch: "Watch") -> bool:
        doze = watch.doze
        assert doze is not None
        limit = doze.limit
        if doze.samples:
            slope = self._slope(doze, watch)
            if slope is None:
                return False
            watch.state.window = slope.line
            waiting = slope.up if doze.upwards else slope.down
        else:
            waiting = self._up if doze.upwards else self._down
            limit = limit if doze.upwards else -limit
        insort(waiting, (limit, watch.number, watch), key=_NEAREST)
        watch.dozing, watch.dozed_at = self, self._taken
        return True

    def _slope(self, doze: Doze, watch: "Watch") -> _Slope | None:
        """The line that others wait for already; None where its own is not the same, or leaves out
        other readings than theirs."""
        line: Line = watch.state.window
        gate = frozenset() if watch.more is None else watch.more.quality
        for slope in self._slopes:
            if (slope.samples, slope.window_us, slope.gate) == (
                doze.samples,
                doze.window_us,
                gate,
            ):
                if not slope.up and not slope.down:
                    slope.line = line
                return slope if slope.line.is_same(line) else None
        slope = _Slope(line, doze.samples, doze.window_us, gate)
        self._slopes.append(slope)
        return slope


def _draw_alone(watch: "Watch") -> None:
    """From now on it reads more than the others with whom it may share its line."""
    if watch.doze is not None and watch.doze.samples and watch.state is not None:
        watch.state.window = deepcopy(watch.state.window)


_NEAREST = itemgetter(0, 1)
