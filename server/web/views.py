"""What the templates are given: everything worded, placed and in the person's own time."""

from msgspec import Struct

from server.web.charts import Drawing
from server.web.moments import Moment


class Viewer(Struct, frozen=True, kw_only=True):
    """Who is looking."""

    name: str
    shown: str
    """As they are known at the homes."""
    staff: bool
    home: str
    """Where their pages begin: the worklist, or their own page."""


class Urgency(Struct, frozen=True, kw_only=True):
    """A tier of the ladder in words, and its mark: told by shape, colour and word."""

    code: str
    label: str
    meaning: str


class PersonRef(Struct, frozen=True, kw_only=True):
    id: str
    name: str
    born: str
    """"born 1947", or empty."""


class AlertRow(Struct, frozen=True, kw_only=True):
    """One line of the worklist: who, why, since when, and who has seen it."""

    id: str
    urgency: Urgency
    person: PersonRef
    where: str
    """"In hospital", "Away", "Died", or empty."""
    why: str
    raised: Moment
    seen: bool
    state: str
    note: str
    """"Arrived late", "No longer stands", or empty."""


class Group(Struct, frozen=True, kw_only=True):
    urgency: Urgency
    rows: tuple[AlertRow, ...]


class KitRow(Struct, frozen=True, kw_only=True):
    """Something of the kit that is silent: never a clinical alert."""

    alert: str
    what: str
    why: str
    since: Moment
    state: str


class HomeLine(Struct, frozen=True, kw_only=True):
    """What is known of the line to a home, and when it was last heard."""

    words: str
    heard: Moment | None


class PersonRow(Struct, frozen=True, kw_only=True):
    person: PersonRef
    where: str
    """As in AlertRow."""
    last: Moment | None
    movement: Moment | None
    homes: tuple[HomeLine, ...]


class Worklist(Struct, frozen=True, kw_only=True):
    groups: tuple[Group, ...]
    unseen: int
    count: int
    kit: tuple[KitRow, ...]
    people: tuple[PersonRow, ...]
    shown_at: str


class Fact(Struct, frozen=True, kw_only=True):
    term: str
    detail: str
    moment: Moment | None = None


class Answer(Struct, frozen=True, kw_only=True):
    question: str
    answer: str
    yes: bool
    given: Moment
    because: bool
    """Whether the alert rests on it."""


class KeyEntry(Struct, frozen=True, kw_only=True):
    outline: str
    label: str
    because: bool


class TableRow(Struct, frozen=True, kw_only=True):
    taken: Moment
    cells: tuple[str, ...]
    because: bool
    remark: str
    """What speaks against the values, in words, or empty."""
    correct: str = ""
    """Where they can be marked as entered in error, or empty."""
    struck: bool = False
    """Whether all of them are."""


class Figure(Struct, frozen=True, kw_only=True):
    """A chart, drawn for wide and for narrow screens, and the table of the same numbers."""

    ident: str
    heading: str
    wide: Drawing
    narrow: Drawing
    key: tuple[KeyEntry, ...]
    columns: tuple[str, ...]
    rows: tuple[TableRow, ...]
    """Newest first."""
    left_out: str
    """"Earlier readings are left out.", or empty."""


class TrailRow(Struct, frozen=True, kw_only=True):
    what: str
    by: str
    at: Moment
    note: str


class RuleView(Struct, frozen=True, kw_only=True):
    title: str
    id: str
    version: str
    source: str


class QuietRow(Struct, frozen=True, kw_only=True):
    """A problem that staff need not hear of for a while."""

    alert: str
    what: str
    until: Moment
    by: str
    reason: str
    told: str
    refused: bool
    """Whether the home does not keep to it: nothing is quiet then."""


class SnoozeView(Struct, frozen=True, kw_only=True):
    """For how long an alert's problem may be quiet: minutes, in words. `never` says why not."""

    lengths: tuple[tuple[str, str], ...]
    never: str


class SaidRow(Struct, frozen=True, kw_only=True):
    """Something that somebody said of a person; `told` says whether the home knows it."""

    words: str
    by: str
    at: Moment
    until: str
    told: str
    note: str


class WhereView(Struct, frozen=True, kw_only=True):
    """Where a person is, as it was said last. `at` is None where nobody said anything."""

    words: str
    by: str
    at: Moment | None
    until: Moment | None
    expected: bool
    """Whether the end has come that was given, and nobody has said more."""
    told: str
    note: str
    means: str
    """What follows from it."""
    moved: Moment | None
    """When movement was seen at home, though the person is said to be elsewhere."""
    concern: SaidRow | None
    """The safeguarding concern that holds: for staff only."""
    history: tuple[SaidRow, ...]
    """Newest first."""


class AlertView(Struct, frozen=True, kw_only=True):
    id: str
    urgency: Urgency
    name: str
    """The person's; the gateway's id where the alert is about a home's kit."""
    first_name: str
    person: PersonRef | None
    why: str
    raised: Moment
    note: str
    seen: bool
    state: str
    matters: str
    counterfactuals: tuple[str, ...]
    reasons: tuple[Fact, ...]
    answers: tuple[Answer, ...]
    rule: RuleView
    figures: tuple[Figure, ...]
    trail: tuple[TrailRow, ...]
    shown_at: str
    may_acknowledge: bool
    may_resolve: bool
    snooze: SnoozeView | None
    quiet: tuple[QuietRow, ...]
    """What is quiet of the same kind for the same person."""


class HeldBack(Struct, frozen=True, kw_only=True):
    """Something that would have counted, and why nobody was told."""

    what: str
    because: str
    at: Moment


class Latest(Struct, frozen=True, kw_only=True):
    title: str
    value: str
    taken: Moment
    remark: str


class Asked(Struct, frozen=True, kw_only=True):
    """What the home said and asked, and what the person answered."""

    words: str
    at: Moment
    answers: tuple[tuple[str, str], ...]
    """Question, answer."""


class PersonAlert(Struct, frozen=True, kw_only=True):
    id: str
    words: str
    state: str
    raised: Moment


class PersonView(Struct, frozen=True, kw_only=True):
    person: PersonRef
    first_name: str
    own: bool
    """Whether the reader is the person."""
    matters: str
    alerts: tuple[PersonAlert, ...]
    kit: tuple[PersonAlert, ...]
    """Alerts about the equipment: never clinical ones."""
    where: WhereView | None
    quiet: tuple[QuietRow, ...]
    """For staff only."""
    held_back: tuple[HeldBack, ...]
    """For staff only: empty on the person's own page."""
    readings: tuple[Latest, ...]
    """Of the body."""
    around: tuple[Latest, ...]
    """Of the home and its devices."""
    figures: tuple[Figure, ...]
    asked: tuple[Asked, ...]
    homes: tuple[HomeLine, ...]
    shown_at: str


class CorrectionRow(Struct, frozen=True, kw_only=True):
    """A reading that may be marked, or was: `by` is then who said so, and `why` what they said."""

    reading: str
    title: str
    value: str
    taken: Moment
    device: str
    by: str
    at: Moment | None
    why: str
    note: str


class CorrectionView(Struct, frozen=True, kw_only=True):
    """Readings that were taken together, and what can still be said against them."""

    person: PersonRef
    first_name: str
    rows: tuple[CorrectionRow, ...]
    open: bool
    """Whether any of them is not marked yet."""
    here: str


class DemoUser(Struct, frozen=True, kw_only=True):
    """Someone whom a demonstration lets in with one press."""

    name: str
    title: str
    sees: str
    password: str
