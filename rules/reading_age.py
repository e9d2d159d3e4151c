"""How old a reader has to be: the Flesch-Kincaid grade of an English text, and its parts.

    grade = 0.39 words/sentence + 11.8 syllables/word - 15.59

Kincaid, Fishburne, Rogers and Chissom: Derivation of new readability formulas for Navy enlisted
personnel, Research Branch Report 8-75 (1975). A grade is a year of school in the United States,
the first of which begins at the age of 6: the reading age is taken as the grade and 5 more.

Syllables are counted by the letters: groups of vowels, less the e that nobody says, and one more
for vowels that are spoken apart (go-ing, us-u-al). The words that this gets wrong stand in a
table. Figures count as they are spoken.
"""

import re
from functools import cache

AGE_AT_GRADE_0 = 5.0

_SENTENCE_END = re.compile(r"(?:(?<=[.?!…])|(?<=[.?!…][\"'”’)]))\s+")
_WORD = re.compile(r"[A-Za-z]+(?:['’-][A-Za-z]+)*|\d+(?:[.,:]\d+)*")
_POSSESSIVE = re.compile(r"['’]s?$")
_GROUP = re.compile(r"[aeiouy]+")

_UNSPOKEN = (
    (re.compile(r"(?:^|(?<=[aeiou]))y(?=[aeiou])|(?<=q)u|(?<=g)u(?=[aei])"), "-"),
    (re.compile(r"(?<=[^aeiou])(?<![^aeiou]l)e(?=(?:ly|fully|ful|less|ment|ness|ty)s?$)"), ""),
    (re.compile(r"(?<=[^aeioutd])(?<![^aeioul]l)ed$"), ""),
    (re.compile(r"(?<=[^aeioszxcg])(?<![^aeiou]l)(?<![cs]h)es$"), ""),
    (re.compile(r"(?<=[^aeio])(?<![^aeiour]l)e$"), ""),
)
"""Letters that make no syllable: y and u as consonants, and the e of safely, pressed, minutes and
time, but not that of needed, boxes, settled and ankle."""

_APART = re.compile(
    r"[eouy]ing|(?<![ctsg])ia|(?<![ctsgxln])io|ua[lt]|(?<![ct])ien|iet|ie(?:r|st)$|iu|ea(?:$|ct)|"
    r"eo(?:$|[lnu])|oe[mt]|ui[dn]|uel$|[ae]yi|ii"
)
"""Two vowels that are spoken one after the other."""

_BY_COUNT = {
    1: "one ones once friend friends queue tongue league clothes",
    2: "people evening evenings every business someone something sometimes somewhere toilet "
    "toilets biscuit biscuits breakfast create creates giant lion naive science soldier soldiers",
    3: "area areas created creating element elements everyone everything everywhere museum theatre",
    4: "diabetes everybody",
}
_EXCEPTIONS = {word: count for count, words in _BY_COUNT.items() for word in words.split()}

_BELOW_20 = (1, 1, 1, 1, 1, 1, 1, 2, 1, 1, 1, 3, 1, 2, 2, 2, 2, 3, 2, 2)
"""Syllables of oh, one, two ... nineteen."""
_TENS = (0, 0, 2, 2, 2, 2, 2, 3, 2, 2)
"""Syllables of twenty, thirty ... ninety."""


@cache
def syllables(word: str) -> int:
    """At least 1. A word in another script than Latin counts as 1."""
    if word[0].isdigit():
        return sum(_figures(part) for part in re.split(r"[.,:]", word)) + word.count(".")
    if "-" in word:
        return sum(syllables(part) for part in word.split("-"))
    plain = _POSSESSIVE.sub("", word.lower())
    if plain in _EXCEPTIONS:
        return _EXCEPTIONS[plain]
    for letters, instead in _UNSPOKEN:
        plain = letters.sub(instead, plain)
    groups = len(_GROUP.findall(plain))
    return max(1, groups + len(_APART.findall(plain)))


def _figures(digits: str) -> int:
    """82 is eighty-two; 0 before another, and three figures or more, are said one by one."""
    number = int(digits)
    if len(digits) > 2 or (len(digits) == 2 and digits[0] == "0"):
        return sum(_BELOW_20[int(digit)] for digit in digits)
    if number < 20:
        return _BELOW_20[number]
    return _TENS[number // 10] + (_BELOW_20[number % 10] if number % 10 else 0)


def words(text: str) -> list[str]:
    """In order, figures among them; signs and units like % and °C are none."""
    return _WORD.findall(text)


def sentences(text: str) -> list[str]:
    """Each with its stop; the last may have none."""
    return [one for one in _SENTENCE_END.split(" ".join(text.split())) if words(one)]


def grade(text: str) -> float:
    """Flesch-Kincaid grade; that of a text without words is below any other."""
    said = words(text)
    if not said:
        return -15.59
    spoken = sum(map(syllables, said))
    return 0.39 * len(said) / len(sentences(text)) + 11.8 * spoken / len(said) - 15.59


def reading_age(text: str) -> float:
    """In years."""
    return grade(text) + AGE_AT_GRADE_0
