"""How Homebeat speaks: what a text for people must not say, and what to write instead.

Two ways of speaking. A coach's, for all that is not urgent: plain words for a reader of 9 to 11,
short sentences, no orders, no blame, no verdict. An urgent one, for T4 and T5: the text starts
with the action, offers no choice, and has no room for anything else. Staff and the log are only
kept from verdicts: no view says that somebody is OK, it says what was seen, and when.
"""

import re
from collections.abc import Iterator, Mapping
from string import Formatter

from msgspec import Struct

from rules.model import Tier
from rules.reading_age import reading_age, sentences, words
from rules.words import PLACEHOLDERS, Audience

OLDEST_READER = 11.0
SHORT_TEXT = 12
"""Words. The formula is made for longer texts: a shorter one is read with plain words added."""
LONGEST_SENTENCE = 20
"""Words."""
LONGEST_URGENT_SENTENCE = 16
LONGEST_FIRST_SENTENCE = 12
"""Of an urgent text: its first words are all that some will hear."""


class Fault(Struct, frozen=True):
    """What a text says wrong, and what to write instead."""

    wrong: str
    instead: str

    def __str__(self) -> str:
        return f"{self.wrong}: {self.instead}"


class _Row(Struct, frozen=True):
    """Words that do not belong: `said` finds them. `unless`: what, around them, excuses them."""

    said: re.Pattern[str]
    why: str
    instead: str
    unless: re.Pattern[str] | None = None


def _row(said: str, why: str, instead: str, unless: str = "") -> _Row:
    return _Row(
        re.compile(rf"\b(?:{said})", re.IGNORECASE),
        why,
        instead,
        re.compile(unless, re.IGNORECASE) if unless else None,
    )


_HELPS = 'say what helps and why, as in "It helps to ..." or "Please ..."'
_COACH = (
    _row(
        r"you (?:must|should|need to|have to|ought to|are required to|had better)\b",
        "is an order",
        _HELPS,
        r"\bdo you (?:need|have) to\b",
    ),
    _row(
        r"(?:make sure|be sure|ensure|(?:do not|don't) forget|remember to)\b", "is an order", _HELPS
    ),
    _row(
        r"(?:you (?:failed|forgot|missed|ignored|refused|neglected|did not|didn't|have not|"
        r"haven't)|fail(?:ed|ure to|ing to|s to)|(?:non-?)?(?:complian|adheren)\w+|disobe\w+|"
        r"careless\w*|lazy|naughty|your (?:own )?fault|to blame)\b",
        "blames",
        'say what was seen, as in "We have not seen your weight today"',
        r"\?$|\bif you (?:have not|haven't|did not|didn't)\b",
    ),
    _row(
        r"(?:warning|danger|dangerous|alarming)\b", "frightens", "say what was seen, and what helps"
    ),
)
"""Not said by a coach."""

_VERDICTS = (
    _row(
        r"(?:OK|okay|all right|alright|normal|fine(?! particles)|healthy|nothing (?:is )?wrong|"
        r"nothing to worry about|no cause for concern|all (?:is )?(?:well|good|clear))\b",
        "is a verdict",
        'say what was seen and when, as in "Your last reading was 82 kg at 08:05"',
        r"\?$|\bif (?:you|they|he|she) (?:are|is|feel|feels)\b",
    ),
)
"""No view says it, to nobody. A question may ask it, and a condition name it."""

_SECOND_DOSE = (
    _row(
        r"(?:take|have|use) (?:another|a second|an extra|one more|two|the missed|"
        r"(?:it|them) (?:twice|again|now))\b|"
        r"(?:take|have) (?:your|the|a|an|this|that) (?!glucose |sugar )(?:\w+ )?"
        r"(?:medicines?|tablets?|pills?|dose|drugs?|capsules?|insulin)\b|"
        r"(?:double|extra|second|another|catch-?up) (?:doses?|tablets?|pills?|medicines?)\b",
        "invites a second dose",
        'ask, as in "Have you taken your morning medicine?", and leave the dose to the person',
        r"\b(?:do not|don't|never|no|not)\b[^.]*(?:take|have|use|double|extra|second|another)|\?$",
    ),
)

_CHOICE = (
    _row(
        r"(?:if you (?:like|want|wish|prefer|would like|feel like)|whenever|when you have time|"
        r"maybe|perhaps|possibly|would you|could you|can you|consider|you (?:may|might|could)\b|"
        r"(?<!if )you can\b|or else you|it is up to you|optional\w*|feel free)",
        "offers a choice",
        'leave it out: an urgent text says what to do, as in "Call 999 now."',
    ),
    _row(
        r"(?:well done|good news|great\b|congratulations|keep it up|good job|excellent|lovely|"
        r"fantastic|good (?:morning|afternoon|evening)|thank you|thanks)",
        "is good news or small talk",
        "leave it out: an urgent text says what to do, and that help is being called",
    ),
)

_PLAIN_WORDS: Mapping[str, str] = {
    r"additional": "more",
    r"administer(?:ed|ing)?": "give, take",
    r"anticoagulants?": "blood thinner",
    r"approximately": "about",
    r"arrhythmias?": "uneven heartbeat",
    r"assistance": "help",
    r"baseline": "usual level",
    r"bradycardia": "slow pulse",
    r"cardiac": "heart",
    r"chronic": "long-term",
    r"clinicians?": "doctor or nurse",
    r"commenc(?:e|ed|ing)": "start",
    r"consciousness": "being awake",
    r"consult(?:ation|ed)?": "ask, visit",
    r"cyanosis": "blue lips",
    r"decompensat\w+": "your heart is working harder",
    r"diastolic": "lower number",
    r"diuretics?": "water tablet",
    r"dosage": "dose",
    r"dyspn(?:o)?ea": "being out of breath",
    r"(?:o)?edema": "swelling",
    r"elevated": "high",
    r"escalat(?:e|ed|ing|ion)": "tell your care team",
    r"exacerbations?": "flare-up",
    r"febrile": "hot, with a fever",
    r"h(?:a)?emorrhages?": "bleeding",
    r"hyperglyc(?:a)?emi[ac]": "high blood sugar",
    r"hypertensi(?:on|ve)": "high blood pressure",
    r"hypoglyc(?:a)?emi[ac]": "low blood sugar",
    r"hypotensi(?:on|ve)": "low blood pressure",
    r"hypothermi[ac]": "very cold body",
    r"hypox(?:i[ac]|(?:a)?emi[ac])": "low oxygen",
    r"indicat(?:e|es|ed|ing|ion)": "show",
    r"intervention": "help",
    r"medications?": "medicine",
    r"myocardial": "heart",
    r"notif(?:y|ied|ication)": "tell",
    r"orthop(?:no)?ea": "being out of breath when you lie flat",
    r"oximet(?:er|ry)": "finger clip",
    r"parameters?": "reading",
    r"palpitations?": "feeling your heart beat",
    r"physicians?": "doctor",
    r"prior to": "before",
    r"pulmonary": "lung",
    r"pyrexia": "fever",
    r"respirat(?:ory|ion)": "breathing",
    r"saturation": "oxygen level",
    r"SpO2": "oxygen level",
    r"sputum": "phlegm",
    r"sufficient": "enough",
    r"syncope": "fainting",
    r"systolic": "upper number",
    r"tachycardia": "fast pulse",
    r"threshold": "limit",
    r"urinat(?:e|ion|ing)": "pee",
    r"utili[sz](?:e|ed|ation)": "use",
}
"""What people in health care say among themselves, and what they say to people."""
_JARGON = tuple(
    _row(rf"(?:{said})\b", "is a word of the trade", f"write {plain!r}")
    for said, plain in _PLAIN_WORDS.items()
)

ACTIONS = (
    "Answer", "Ask", "Breathe", "Call", "Check", "Close", "Come", "Cool", "Drink", "Eat", "Get",
    "Go", "Have", "Hold", "Keep", "Leave", "Lie", "Look", "Loosen", "Measure", "Move", "Open",
    "Press", "Put", "Rest", "Sit", "Stand", "Stay", "Stop", "Take", "Tell", "Test", "Turn",
    "Unlock", "Use", "Warm", "Wrap",
)  # fmt: skip
"""How an urgent text begins; or with HELP."""
HELP = "Help is being called"
_BEGINS = re.compile(rf"(?:{'|'.join((*ACTIONS, HELP))})\b")


def faults(text: str, tier: Tier, audience: Audience = "person") -> tuple[Fault, ...]:
    """All that is wrong with a text of a rule of that tier, for that reader; in order."""
    said = filled(text)
    if audience != "person":
        return tuple(_rows(said, _VERDICTS))
    found = [*_rows(said, _VERDICTS), *_rows(said, _SECOND_DOSE), *_shouts(said)]
    if tier >= Tier.T4:
        found += [*_head(said), *_rows(said, _CHOICE), *_long(said, LONGEST_URGENT_SENTENCE)]
    else:
        found += [*_rows(said, _COACH), *_plain(said)]
    return tuple(found)


def question_faults(text: str) -> tuple[Fault, ...]:
    """All that is wrong with a question for the person, which is answered with yes or no."""
    said = filled(text)
    found = [*_rows(said, _COACH), *_rows(said, _VERDICTS), *_shouts(said), *_plain(said)]
    if not said.endswith("?") or said.count("?") > 1:
        found.append(Fault("is not one question", 'write one, with "?" at its end'))
    return tuple(found)


def filled(text: str) -> str:
    """The text on one line, with an example in each place that is filled in later."""
    parts = []
    for literal, name, _, _ in Formatter().parse(text):
        parts.append(literal)
        if name is not None:
            parts.append(PLACEHOLDERS.get(name, "it"))
    return " ".join("".join(parts).split())


def _rows(text: str, rows: tuple[_Row, ...]) -> Iterator[Fault]:
    for sentence in sentences(_without_quotes(text)):
        for row in rows:
            found = row.said.search(sentence)
            if found and not (row.unless and row.unless.search(sentence)):
                yield Fault(f'"{found[0].strip()}" {row.why}', row.instead)


def _shouts(text: str) -> Iterator[Fault]:
    if "!" in text:
        yield Fault('"!" shouts', "end the sentence with a full stop")


def _plain(text: str) -> Iterator[Fault]:
    yield from _rows(text, _JARGON)
    yield from _long(text, LONGEST_SENTENCE)
    age = reading_age("so " * (SHORT_TEXT - len(words(text))) + text)
    if age > OLDEST_READER:
        yield Fault(
            f"takes a reader of {age:.1f} years, and {OLDEST_READER:.0f} is the most",
            "write shorter sentences of shorter words",
        )


def _long(text: str, most: int) -> Iterator[Fault]:
    for sentence in sentences(text):
        count = len(words(sentence))
        if count > most:
            start = " ".join(sentence.split()[:4])
            yield Fault(
                f'"{start} ..." has {count} words, and {most} are the most', "make it two sentences"
            )


def _head(text: str) -> Iterator[Fault]:
    """An urgent text begins with the action, in few words, and asks nothing."""
    first = next(iter(sentences(text)), "")
    if not _BEGINS.match(first):
        begins = " ".join(words(text)[:3])
        yield Fault(
            f'begins with "{begins}" and not with the action',
            f'begin with {HELP!r} or with one of {", ".join(ACTIONS)}, as in "Sit down and rest."',
        )
    yield from _long(first, LONGEST_FIRST_SENTENCE)
    if "?" in text:
        yield Fault("asks a question", "leave it out of an urgent text: questions go into `ask`")


def _without_quotes(text: str) -> str:
    """Without what stands in quotation marks: the name of a button, a question that was asked."""
    return re.sub(r"\"[^\"]*\"|“[^”]*”", "it", text)
