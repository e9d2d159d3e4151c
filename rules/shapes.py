"""The words of packs, care plans and cases, one table for each part of a document.

The readers refuse any other word, and the JSON Schema that editors complete by is made of the
same tables. What stands inside params and debounce follows from the types themselves.
"""

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct


class Holds(StrEnum):
    """What a word takes. Each is a definition of the schema."""

    TEXT = "text"
    ID = "id"
    FLAG = "flag"
    DAY = "day"
    DURATION = "duration"
    HOURS = "hours"
    ZONE = "zone"
    TIER = "tier"
    KIND = "kind"
    CONCERN = "concern"
    SHIPS = "ships"
    NEEDS = "needs"
    BASIS = "basis"
    PARAMS = "params"
    ANY_PARAMS = "any-params"
    DEBOUNCE = "debounce"
    THEN = "then"
    OWN_THEN = "own-then"
    ASKED = "asked"
    QUESTIONS = "questions"
    TEXTS = "texts"
    SUPPRESSORS = "suppressors"
    COMPANIONS = "companions"
    PACK_RULES = "pack-rules"
    OWN_RULES = "own-rules"
    PEOPLE = "people"
    USES = "uses"
    OVERRIDES = "overrides"
    CASE_USE = "case-use"
    CASES = "cases"
    COURSES = "courses"
    MOMENT = "moment"
    EXPECTED = "expected"
    IDS = "ids"


class Word(Struct, frozen=True):
    """`says`: what an editor shows beside it."""

    holds: Holds
    says: str
    needed: bool = False


Shape = Mapping[str, Word]

SHIPS = ("on", "off")
NEEDS = ("consent",)
BASES = ("consent", "best-interest")

_RULE: Shape = {
    "id": Word(Holds.ID, "What the rule is called by others: rule.<id>", needed=True),
    "title": Word(Holds.TEXT, "What people call it"),
    "source": Word(Holds.TEXT, "Where its figures come from"),
    "kind": Word(Holds.KIND, "What it looks for: docs/reference/rule-kinds.md", needed=True),
    "params": Word(Holds.PARAMS, "The figures of its kind", needed=True),
    "debounce": Word(Holds.DEBOUNCE, "When what it finds begins, and ceases, to count"),
    "per_device": Word(Holds.FLAG, "Each device is judged by itself"),
    "family": Word(Holds.TEXT, "Rules of one family are one problem: snoozed and shown together"),
    "then": Word(Holds.THEN, "Who is told, how soon, and in which words", needed=True),
}
PACK_RULE: Shape = {
    **_RULE,
    "source": Word(Holds.TEXT, "Where its figures come from", needed=True),
    "ships": Word(Holds.SHIPS, "off: it holds for nobody until a person's plan says use: true"),
    "needs": Word(Holds.NEEDS, "consent: a person's plan has to say on which basis it is used"),
}
OWN_RULE: Shape = {
    **_RULE,
    "for": Word(Holds.ID, "The person whose rule it is", needed=True),
    "agreed_by": Word(Holds.TEXT, "Who agreed to its figures"),
    "agreed_on": Word(Holds.DAY, "When they were agreed"),
}
THEN: Shape = {
    "tier": Word(
        Holds.TIER,
        "T0 nobody, T1 the person, T3 the team in its next session, T4 the team now, T5 emergency",
        needed=True,
    ),
    "text": Word(Holds.TEXT, "The key of its words in texts", needed=True),
    "ask": Word(Holds.ASKED, "What the person is asked, in this order"),
    "ask_for": Word(Holds.DURATION, "How long the questions stay open"),
    "repeat": Word(Holds.TEXT, "The key of the words that ask to measure again"),
    "time_critical": Word(Holds.FLAG, "Its prompt waits for no quiet hours, cap or snooze"),
    "concern": Word(Holds.CONCERN, "kit: for those who look after the equipment"),
}
OWN_THEN: Shape = {name: Word(word.holds, word.says) for name, word in THEN.items()}
PACK: Shape = {
    "id": Word(Holds.ID, "What the pack is called in plans", needed=True),
    "version": Word(Holds.TEXT, "Changes with any of its rules or words", needed=True),
    "title": Word(Holds.TEXT, "What people call it", needed=True),
    "source": Word(Holds.TEXT, "Where its figures come from"),
    "ships": Word(Holds.SHIPS, "off: none of its rules holds until a person's plan says use: true"),
    "suppressed_by": Word(Holds.SUPPRESSORS, "What holds back each of its rules below T5"),
    "rules": Word(Holds.PACK_RULES, "The rules, for nobody yet"),
    "questions": Word(Holds.QUESTIONS, "The question for each answer that a rule asks for"),
    "texts": Word(Holds.TEXTS, "What is said, by key, to each reader"),
}
OVERRIDE: Shape = {
    "use": Word(Holds.FLAG, "false: not for this person; true: a rule that ships off"),
    "basis": Word(Holds.BASIS, "On which basis a rule that needs consent is used"),
    "params": Word(Holds.ANY_PARAMS, "Own figures, laid over those of the pack"),
    "debounce": Word(Holds.DEBOUNCE, "Laid over that of the pack"),
    "then": Word(Holds.OWN_THEN, "Laid over that of the pack"),
}
USE: Shape = {
    "pack": Word(Holds.ID, "The id of the pack", needed=True),
    "version": Word(Holds.TEXT, "The version that was agreed; another is refused"),
    "agreed_by": Word(Holds.TEXT, "The clinician by whose name its figures count"),
    "agreed_on": Word(Holds.DAY, "When they were agreed"),
    "rules": Word(Holds.OVERRIDES, "Own figures of this person, by the id of the rule"),
}
PERSON: Shape = {
    "id": Word(Holds.ID, "As in [[devices]] of the gateway's settings", needed=True),
    "name": Word(Holds.TEXT, "The person's name", needed=True),
    "timezone": Word(Holds.ZONE, "As Europe/London"),
    "matters": Word(Holds.TEXT, "What matters to them, in their own words"),
    "simulated": Word(Holds.FLAG, "Nobody lives there: packs that nobody signed may run"),
    "quiet_hours": Word(Holds.HOURS, "Local; what is not time-critical is said when they end"),
    "lives_with": Word(Holds.COMPANIONS, "Who else moves about in the home"),
    "packs": Word(Holds.USES, "The packs that hold for them"),
}
PLAN: Shape = {
    "version": Word(Holds.TEXT, "Changes with any rule", needed=True),
    "people": Word(Holds.PEOPLE, "Who lives here", needed=True),
    "rules": Word(Holds.OWN_RULES, "Rules of this home's own, beside those of packs"),
    "texts": Word(Holds.TEXTS, "What they say, by key, to each reader"),
}
CASE: Shape = {
    "name": Word(Holds.TEXT, "What the case shows", needed=True),
    "first_day": Word(Holds.DAY, "The day that is d1"),
    "plan": Word(Holds.CASE_USE, "Own figures, as in a person's use of the pack"),
    "readings": Word(Holds.COURSES, "By metric (@ device): when, and what"),
    "until": Word(Holds.MOMENT, "The end of the course", needed=True),
    "only": Word(Holds.IDS, "The rules looked at; all of them where it is left out"),
    "expect": Word(Holds.EXPECTED, "Every finding up to the end, no more and no less", needed=True),
}
CASE_FILE: Shape = {
    "pack": Word(Holds.ID, "The id of the pack", needed=True),
    "timezone": Word(Holds.ZONE, "That of the person; the times are local"),
    "first_day": Word(Holds.DAY, "The day that is d1, in every case that does not say otherwise"),
    "plan": Word(Holds.CASE_USE, "Own figures, as in a person's use of the pack"),
    "cases": Word(Holds.CASES, "The courses, each with the findings it must lead to", needed=True),
}
