"""What the home page says, as plain values: the templates decide nothing."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct

from devices.metrics import METRICS, Kind
from devices.model import Reading
from gateway.held import HeldReading
from gateway.home import Home
from gateway.journal import Journal, PromptState
from gateway.page.where import WhereCard, where_card
from gateway.page.words import day_time, first_name, zone_of
from rules.model import AlertRequest, Person, Plan, Prompt, Rule, Tier
from rules.records import Notice
from rules.words import Texts, sentence

_DEALT_WITH_FOR = timedelta(hours=24)
"""An alert that is resolved stays on the page so long."""
_ALERTS = 20
_ASKED_AT_ONCE = 3
_SHOWN_METRICS = (
    "body_weight",
    "systolic_pressure",
    "diastolic_pressure",
    "pulse_rate",
    "oxygen_saturation",
    "body_temperature",
)
_NOT_THROUGH = (
    "It has not got through yet: your home can't reach the care team. If you can, call "
    "for help yourself."
)
_STATE_WORDS = {
    "open": "Your care team has it. Nobody has opened it yet.",
    "escalated": "Nobody has opened it yet. It was passed on to someone else.",
    "acknowledged": "{by} has seen it.",
    "resolved": "{by} has dealt with it.",
}


_HOW_FAR = {"resolved": -1, "open": 1, "escalated": 2, "acknowledged": 3}
"""Of several messages about one thing; 0: on its way. One dealt with says nothing of the others."""


class Question(Struct, frozen=True):
    metric: str
    text: str
    number: int
    of: int


class PromptCard(Struct, frozen=True):
    """One prompt: its words, and the next question that has no answer yet."""

    id: str
    urgent: bool
    first: str
    """Its first sentence: what it is about."""
    rest: str
    when: str
    sent: str
    """What became of the message to the care team, where it is urgent."""
    question: Question | None
    again: str
    """When to measure again, where that is asked: "Measure again at 08:12." """
    can_wait: bool
    """Whether it may be asked later."""
    also: tuple[str, ...] = ()
    """Others that say the same, and are done with it."""


class SentCard(Struct, frozen=True):
    """What was sent to the care team, and what became of it."""

    text: str
    when: str
    state: str
    is_open: bool


class ReadingLine(Struct, frozen=True):
    id: str
    title: str
    value: str
    when: str


class PersonView(Struct, frozen=True):
    id: str
    name: str
    matters: str
    prompts: tuple[PromptCard, ...]
    sent: tuple[SentCard, ...]
    readings: tuple[ReadingLine, ...]
    movement: str | None
    where: WhereCard
    later: tuple[str, ...]
    """What the person wanted to be asked later: when, and about what."""

    @property
    def is_watched(self) -> bool:
        """Whether something that was sent to the care team is still open."""
        return any(card.is_open for card in self.sent)


class Choice(Struct, frozen=True):
    person: str
    """An id; "": someone else."""
    words: str


class WhoseCard(Struct, frozen=True):
    """A reading that may be someone else's, and who can say that it is theirs."""

    id: str
    question: str
    what: str
    choices: tuple[Choice, ...]


class HomeView(Struct, frozen=True):
    clock: str
    whose: tuple[WhoseCard, ...]
    urgent: bool
    """Whether a prompt can't wait: it comes before all else."""
    people: tuple[PersonView, ...]
    server_reached: bool
    waiting_urgent: int


def home_view(home: Home, at: datetime, *, reached: bool) -> HomeView:
    """The page at home time `at`; `reached`: whether the server answered last time."""
    with home.journal() as journal:
        prompts = journal.open_prompts(at)
        alerts = journal.last_alerts(_ALERTS)
        notices = journal.notices(200)
        waiting = journal.waiting().urgent
        held = journal.held.open(_ASKED_AT_ONCE)
        people = tuple(
            _person(person, home, journal, prompts, alerts, notices, at, reached=reached)
            for person in home.plan.people.values()
        )
    cards = tuple(_whose(one, home.plan.people, at) for one in held)
    urgent = any(card.urgent for person in people for card in person.prompts)
    return HomeView(clock_text(home.plan, at), cards, urgent, people, reached, waiting)


def clock_text(plan: Plan, at: datetime) -> str:
    """ "Monday 2 March, 07:05": what a clock on the wall of this home shows."""
    zone = zone_of(next(iter(plan.people.values()), None))
    return f"{at.astimezone(zone):%A %-d %B, %H:%M}"


def _whose(held: HeldReading, people: Mapping[str, Person], at: datetime) -> WhoseCard:
    named = [(one, first_name(people[one])) for one in held.asked if one in people]
    if len(named) == 1:
        ((one, name),) = named
        question = f"Was this you, {name}?"
        choices = [Choice(one, f"Yes, I am {name}")]
    else:
        question = "Who was this?"
        choices = [Choice(one, name) for one, name in named]
    zone = zone_of(people.get(held.reading.patient))
    line = _line(held.reading, at, zone)
    return WhoseCard(
        line.id,
        question,
        f"{line.title}: {line.value}, {line.when}",
        (*choices, Choice("", "Someone else")),
    )


def _person(
    person: Person,
    home: Home,
    journal: Journal,
    prompts: list[PromptState],
    alerts: list[AlertRequest],
    notices: list[Notice],
    at: datetime,
    *,
    reached: bool,
) -> PersonView:
    zone, plan, texts = zone_of(person), home.plan, home.plan.texts
    newest: dict[str, Notice] = {}
    for notice in notices:
        newest.setdefault(notice.alert, notice)
    theirs = [state for state in prompts if state.prompt.patient == person.id]
    cards = [
        PromptCard(
            state.prompt.id,
            state.prompt.tier >= Tier.T4,
            *_first_and_rest(_said(state.prompt, texts)),
            day_time(state.prompt.at, at, zone),
            _sent([state.prompt, *others], alerts, newest, reached=reached),
            _question(state, texts),
            _again(state.prompt, plan, zone),
            home.can_wait(state.prompt, at) and not _asks_again(state.prompt, plan),
            tuple(one.id for one in others),
        )
        for state, others in _said_once(theirs, texts)
    ]
    sent = [
        SentCard(
            alert.values.get("title") or alert.rule,
            day_time(alert.at, at, zone),
            _became(newest.get(alert.id)),
            _is_open(newest.get(alert.id)),
        )
        for alert in alerts
        if alert.patient == person.id and _is_shown(alert, newest.get(alert.id), at)
    ]
    latest = {reading.metric: reading for reading in journal.latest(person.id)}
    lines = [_line(latest[metric], at, zone) for metric in _SHOWN_METRICS if metric in latest]
    moved = latest.get("movement")
    return PersonView(
        person.id,
        first_name(person),
        person.matters,
        tuple(sorted(cards, key=lambda card: not card.urgent)),
        tuple(sent),
        tuple(lines),
        None if moved is None else day_time(moved.taken_at, at, zone),
        where_card(person, plan.people, journal, at),
        tuple(_later(person, journal, texts, at)),
    )


def _said(prompt: Prompt, texts: Texts) -> str:
    return sentence(texts, prompt.text, "person", prompt.values)


def _said_once(
    prompts: Sequence[PromptState], texts: Texts
) -> list[tuple[PromptState, list[Prompt]]]:
    """Each, and the others that say the same: urgent ones that ask nothing are shown once."""
    shown: dict[str, tuple[PromptState, list[Prompt]]] = {}
    for state in prompts:
        prompt = state.prompt
        alike = prompt.tier >= Tier.T4 and not state.unanswered
        key = _said(prompt, texts) if alike else prompt.id
        if key in shown:
            shown[key][1].append(prompt)
        else:
            shown[key] = (state, [])
    return list(shown.values())


def _later(person: Person, journal: Journal, texts: Texts, at: datetime) -> Iterator[str]:
    """Those that the person put off; what waits for the quiet hours to end was never shown."""
    for state, show_from in journal.waiting_prompts(at):
        prompt = state.prompt
        if prompt.patient == person.id and prompt.show_from != show_from:
            said = _said(prompt, texts)
            clock = f"{show_from.astimezone(zone_of(person)):%H:%M}"
            yield f"You will be asked again at {clock}: {_first_and_rest(said)[0]}"


def _rule_of(prompt: Prompt, plan: Plan) -> Rule | None:
    ours = (rule for rule in plan.rules if rule.patient == prompt.patient)
    return next((rule for rule in ours if rule.id == prompt.rule), None)


def _asks_again(prompt: Prompt, plan: Plan) -> bool:
    """Whether it asks for another reading."""
    rule = _rule_of(prompt, plan)
    return rule is not None and bool(rule.then.repeat) and prompt.text == rule.then.repeat


def _again(prompt: Prompt, plan: Plan, zone: ZoneInfo) -> str:
    """ "Measure again at 08:12. Please do it before 08:27." The clock on the wall is enough."""
    rule = _rule_of(prompt, plan)
    repeat = None if rule is None else rule.debounce.repeat_after_rest
    if repeat is None or not _asks_again(prompt, plan):
        return ""
    last = prompt.expires_at.astimezone(zone)
    first = (prompt.expires_at - repeat.within + repeat.rest).astimezone(zone)
    return f"Measure again at {first:%H:%M}. Please do it before {last:%H:%M}."


def _first_and_rest(text: str) -> tuple[str, str]:
    first, stop, rest = text.partition(". ")
    return first + stop.strip(), rest


def reading_line(home: Home, reading: str, at: datetime) -> ReadingLine | None:
    """One reading by its id, as the page shows it; None where it does not stand."""
    with home.journal() as journal:
        found = journal.reading(reading)
    if found is None:
        return None
    return _line(found, at, zone_of(home.plan.people.get(found.patient)))


def _line(reading: Reading, at: datetime, zone: ZoneInfo) -> ReadingLine:
    title = METRICS[reading.metric].title
    return ReadingLine(reading.id, title, value_text(reading), day_time(reading.taken_at, at, zone))


def _question(state: PromptState, texts: Texts) -> Question | None:
    left = state.unanswered
    if not left:
        return None
    asked = len(state.prompt.ask)
    return Question(left[0], sentence(texts, left[0], "person", {}), asked - len(left) + 1, asked)


def _sent(
    prompts: Sequence[Prompt],
    alerts: Sequence[AlertRequest],
    newest: Mapping[str, Notice],
    *,
    reached: bool,
) -> str:
    """Of several: the one that came furthest and is not dealt with yet."""
    findings = {prompt.finding for prompt in prompts}
    sent = [newest.get(alert.id) for alert in alerts if alert.finding in findings]
    if not sent:
        return ""
    furthest = max(sent, key=lambda one: 0 if one is None else _HOW_FAR.get(one.state, 1))
    return _NOT_THROUGH if furthest is None and not reached else _became(furthest)


def _is_shown(alert: AlertRequest, notice: Notice | None, at: datetime) -> bool:
    return _is_open(notice) or at - alert.at < _DEALT_WITH_FOR


def _is_open(notice: Notice | None) -> bool:
    return notice is None or notice.state != "resolved"


def _became(notice: Notice | None) -> str:
    if notice is None:
        return "On its way. The care team does not have it yet."
    words = _STATE_WORDS.get(notice.state, "Your care team has it.")
    return words.format(by=notice.by or "Your care team")


def value_text(reading: Reading) -> str:
    """ "72.4 kg", "128 mmHg": as it is read aloud."""
    metric = METRICS[reading.metric]
    if metric.kind is not Kind.QUANTITY:
        return "yes" if reading.value else "no"
    unit = {"mm[Hg]": "mmHg", "Cel": "°C", "/min": "a minute"}.get(reading.unit, reading.unit)
    return f"{reading.value:.{metric.decimals}f} {unit}"
