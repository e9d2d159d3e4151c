"""What flows out of the rules: a finding and its reasons, and what is to be said about it.

`Rule` is one line of a person's care plan. `Finding` is a change of a rule's phase, with what
caused it. `Prompt` speaks to the person, `AlertRequest` to the care team; both hold a text key
and values, never free text, so that one finding is worded for each reader.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from typing import Any

from msgspec import Struct

from devices.model import Quality, require_utc
from rules.hours import Hours
from rules.params import MetricName


class Tier(IntEnum):
    """Who is told, and how soon."""

    T0 = 0
    """Nobody: logged."""
    T1 = 1
    """The person: a self-management prompt."""
    T2 = 2
    """Someone the person chose, with consent."""
    T3 = 3
    """The care team, next working session."""
    T4 = 4
    """The care team or a responder, now."""
    T5 = 5
    """Emergency: speech at once, and every remote path."""


class Phase(StrEnum):
    INACTIVE = "inactive"
    PENDING = "pending"
    """The condition holds, and the debounce does not let it count yet."""
    SUPPRESSED = "suppressed"
    """The condition counts, and something holds it back."""
    ACTIVE = "active"


class Concern(StrEnum):
    """Who looks after it: those who care for the person, or those who care for the equipment."""

    CLINICAL = "clinical"
    KIT = "kit"


class Lane(StrEnum):
    """The order in which records leave the home: urgent ones pass any backlog."""

    URGENT = "urgent"
    BULK = "bulk"


MOST_REPEATS = 10


class RateLimit(Struct, frozen=True, kw_only=True):
    """At most `count` beginnings within `per`."""

    count: int
    per: timedelta

    def __post_init__(self) -> None:
        if self.count < 1 or self.per <= timedelta(0):
            raise ValueError(
                "a rate limit lets at least one through, in a span longer than nothing"
            )


class RepeatAfterRest(Struct, frozen=True, kw_only=True):
    """A first reading asks for `times` more, each at least `rest` after it.

    When they have not come `within` after the first, it counts all the same.
    """

    rest: timedelta
    within: timedelta
    times: int = 1

    def __post_init__(self) -> None:
        if not timedelta(0) <= self.rest < self.within:
            raise ValueError("within is longer than rest: there has to be time for the repeat")
        if not 1 <= self.times <= MOST_REPEATS:
            raise ValueError(f"times is from 1 to {MOST_REPEATS}")


class Suppressor(Struct, frozen=True, kw_only=True):
    """While the state or rule `by` holds, and for `rest` after it ended, nothing begins."""

    by: MetricName
    rest: timedelta = timedelta(0)

    def __post_init__(self) -> None:
        if self.rest < timedelta(0):
            raise ValueError("rest can't be shorter than nothing")


class Debounce(Struct, frozen=True, kw_only=True):
    """When a condition that holds begins, and ceases, to count.

    k_of_n: the last `n` verdicts must hold `k` of; persist_for: it must hold without a break for
    that long; cooldown: after it ended, it can't begin again for that long; max_age: a finding
    older than this when it is made prompts nobody at home (staff still hear of T4, marked late).
    max_gap: two readings further apart do not make one unbroken stretch (default: persist_for);
    what lasts by itself, as an open door does, has no gaps.
    quality_gate: a reading with one of these marks gives no verdict; where it would have held, that
    is a suppressed finding. same_direction_window: within it after the last beginning, it begins
    again only when it is worse.
    """

    k: int = 1
    n: int = 1
    persist_for: timedelta = timedelta(0)
    cooldown: timedelta = timedelta(0)
    max_age: timedelta | None = None
    max_gap: timedelta | None = None
    quality_gate: tuple[Quality, ...] = ()
    repeat_after_rest: RepeatAfterRest | None = None
    rate_limit: RateLimit | None = None
    same_direction_window: timedelta | None = None
    suppressed_by: tuple[Suppressor, ...] = ()


class Then(Struct, frozen=True, kw_only=True):
    """What an active rule leads to. `text` is the key of its words in the pack."""

    tier: Tier
    text: str
    ask: tuple[str, ...] = ()
    """Answer metrics, asked in this order (symptom.ankles_swollen ...)."""
    ask_for: timedelta = timedelta(hours=4)
    """How long the questions stay open."""
    repeat: str = ""
    """The key of the words that ask the person to measure again; empty: nobody is asked."""
    time_critical: bool = False
    """Its prompt waits for no quiet hours, cap or snooze."""
    concern: Concern = Concern.CLINICAL

    @property
    def at_once(self) -> bool:
        """Whether its prompt waits for nothing: T4 and T5 never do."""
        return self.time_critical or self.tier >= Tier.T4


class Rule(Struct, frozen=True, kw_only=True):
    """One rule for one person. `params` is the frozen Params of its kind."""

    id: str
    version: str
    patient: str
    kind: str
    params: Any
    then: Then
    family: str
    debounce: Debounce = Debounce()
    per_device: bool = False
    """One state for each device that reports the metric, not one for the person."""
    title: str = ""
    source: str = ""
    agreed: str = ""
    """By whom and when its figures were agreed for this person."""


class Number(Struct, frozen=True, kw_only=True):
    """One number that a rule compared, with its unit (UCUM)."""

    name: str
    value: float
    unit: str


class Evidence(Struct, frozen=True, kw_only=True):
    """Why: the readings, the numbers compared, and what would have had to differ.

    `counterfactual` is the smallest change to the latest value, all else fixed, with which the
    rule would not have fired; `missing` instead of a number where silence is the cause.
    """

    readings: tuple[str, ...] = ()
    numbers: tuple[Number, ...] = ()
    limit: Number | None = None
    counterfactual: Number | None = None
    """The change to the latest value, at the resolution with which its metric is shown."""
    branches: tuple[Number, ...] = ()
    """For all/any: that change for each branch that held, by the name of its metric."""
    missing: str | None = None
    """The metric that did not come."""
    refuted: tuple[str, ...] = ()
    """Readings that a repeat did not confirm: kept, and of no account."""


class Finding(Struct, frozen=True, kw_only=True):
    """A rule changed its phase at `at` (aware UTC, home time). `id` derives from the content."""

    id: str
    rule: str
    version: str
    patient: str
    phase: Phase
    tier: Tier
    family: str
    at: datetime
    because: Evidence
    device: str | None = None
    suppressed: str | None = None
    """What held it back: the name of a state or rule, or one of the words of rules.debounce."""

    def __post_init__(self) -> None:
        require_utc(self.at, "at")


class Prompt(Struct, frozen=True, kw_only=True):
    """Words and questions for the person at home."""

    id: str
    finding: str
    rule: str
    patient: str
    tier: Tier
    at: datetime
    expires_at: datetime
    text: str
    values: Mapping[str, str] = {}
    ask: tuple[str, ...] = ()
    show_from: datetime | None = None
    """Not shown or spoken before; None: at once."""
    time_critical: bool = False
    """Spoken, whatever the hour."""


class AlertRequest(Struct, frozen=True, kw_only=True):
    """Staff are needed. The server opens one alert for each id, however often it arrives."""

    id: str
    finding: str
    rule: str
    version: str
    patient: str
    tier: Tier
    family: str
    at: datetime
    text: str
    values: Mapping[str, str] = {}
    because: Evidence = Evidence()
    late: bool = False
    concern: Concern = Concern.CLINICAL


class CompanionKind(StrEnum):
    PERSON = "person"
    PET = "pet"


class Companion(Struct, frozen=True, kw_only=True):
    """Who else moves about in the home, and can be taken for the person."""

    kind: CompanionKind
    name: str


class Person(Struct, frozen=True, kw_only=True):
    """A person of the home, as the plan knows them."""

    id: str
    name: str
    timezone: str = "Europe/London"
    matters: str = ""
    """What matters to them, in their own words."""
    quiet_hours: Hours | None = None
    """Local; what is not time-critical is said when they end."""
    lives_with: tuple[Companion, ...] = ()
    simulated: bool = False
    """Nobody lives there: a pack without a signature may run."""


class Plan(Struct, frozen=True, kw_only=True):
    """A home's care plan: its people and their rules. `version` changes with any rule."""

    version: str
    people: Mapping[str, Person]
    rules: tuple[Rule, ...]
    texts: Mapping[str, Mapping[str, str]] = {}
    """Text key -> audience -> sentence: those of the packs in use and the plan's own."""
