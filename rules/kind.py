"""What a kind of rule is: its parameters, its state, and how one step changes the state.

A kind is bound to one rule and holds nothing that changes. Its state is separate, one for each
person (or device), and small enough to be written down now and then; what is long (a window)
is left out there and filled again from the readings. A step gives a verdict: the condition
holds, does not hold, or (None) this event says nothing about it. When a verdict begins to count
is the debounce's business, which every kind gets for nothing.

A kind's file lies in `rules/kinds` and is all that there is to it.
"""

from datetime import timedelta, tzinfo
from typing import Any, ClassVar, Generic, TypeVar

from msgspec import Struct

from devices.model import Reading
from rules.doze import Doze
from rules.model import Evidence


class KindState(Struct, kw_only=True):
    """What a kind remembers. `due_us`: when it wants to be woken, later than its last event."""

    due_us: int | None = None


class Needs(Struct, frozen=True):
    """What has to be heard at home for a rule to mean anything.

    `to_begin`: of each group at least one metric, or the rule never begins. `signs`: of these at
    least one, or the rule takes a silence for one that means something.
    """

    to_begin: tuple[tuple[str, ...], ...] = ()
    signs: tuple[str, ...] = ()


P = TypeVar("P", bound=Struct)
S = TypeVar("S", bound=KindState)


class Kind(Generic[P, S]):
    """One kind, bound to the params of one rule and to the time zone of its person.

    Events come in the order of their time. Times are whole microseconds since 1970.
    """

    name: ClassVar[str]
    """The word for it in a plan."""
    title: ClassVar[str]
    params_type: ClassVar[type[Struct]]
    state_type: ClassVar[type[KindState]]
    examples: ClassVar[tuple[Struct, ...]]
    """Params as someone would write them: for the documents and for the tests of every kind."""

    metrics: tuple[str, ...]
    """What it reads: names of the table of metrics, or `rule.<id>` for the phase of another."""
    lasting: bool = False
    """A verdict stands through silence, as a door stays open; else it speaks of its moment only."""
    lookback: timedelta = timedelta(days=1)
    """How far back a rule that is new looks, to know what is already true."""

    def __init__(self, params: P, zone: tzinfo) -> None:
        raise NotImplementedError

    def begin(self, since_us: int) -> S:
        """The state before the first event; nothing is expected before `since_us`."""
        raise NotImplementedError

    def read(self, state: S, us: int, reading: Reading) -> bool | None:
        """One reading of one of `metrics`, taken at `us`."""
        raise NotImplementedError

    def wake(self, state: S, us: int) -> bool | None:
        """The due time has come. `us` is `state.due_us`, which must move on or become None."""
        raise NotImplementedError

    def because(self, state: S) -> Evidence:
        """The numbers behind the last verdict, and what would have had to differ."""
        raise NotImplementedError

    def words(self) -> str:
        """The condition in plain words, without its subject's name: "weight is 2 kg ..."."""
        raise NotImplementedError

    def needs(self) -> Needs:
        """One of `metrics`; where it is otherwise, the kind says so."""
        return Needs((self.metrics,))

    def doze(self) -> Doze | None:
        """Until when readings can't change a verdict against it; None: each may.

        With more than one verdict of `n` to count, each reading has to give one.
        """
        return None

    def resume(self, state: S, reading: Reading) -> None:
        """It has dozed, and that was the last reading; its line (of Doze) holds it already."""

    def refill_from_us(self, state: S) -> int | None:
        """The oldest reading that the window of a written-down state needs; None: no window."""
        return None

    def refill(self, state: S, us: int, reading: Reading) -> None:
        """Put a reading back into the window, and nothing else. In order, oldest first."""


AnyKind = Kind[Any, Any]
