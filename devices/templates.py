"""The Jinja templates that Home Assistant's discovery carries, as far as we take them.

A small language is read here, and nothing is run: `value` or `value_json` with a path, the filters
of FILTERS, numbers and texts, + - * /, comparisons, `not`, `A if B else C`, and the same written
as `{% if B %}A{% else %}C{% endif %}`. Anything else is NotSupported, with the template.
"""

import operator
import re
from collections.abc import Callable, Mapping
from functools import lru_cache

from devices.plain import number


class NotSupported(ValueError):
    """A template outside of what we take."""


class NoSuchValue(ValueError):
    """The message has not what the template asks for: another part of the same topic's talk."""


Value = object
Expression = Callable[[Mapping[str, Value]], Value]

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?)|(?P<text>'[^']*'|\"[^\"]*\")"
    r"|(?P<name>[A-Za-z_]\w*)|(?P<sign>==|!=|<=|>=|[-+*/|()\[\].,<>]))"
)
_IF = re.compile(r"\{%-?\s*if\s+(.+?)\s*-?%\}(.*?)\{%-?\s*else\s*-?%\}(.*?)\{%-?\s*endif\s*-?%\}")
_COMPARED: dict[str, Callable[[Value, Value], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
}
_ORDERED: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}
_ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}
_WORDS = {"true": True, "True": True, "false": False, "False": False, "none": None, "None": None}
FILTERS: dict[str, Callable[[Value, list[Value]], Value]] = {
    "float": lambda value, _: number(value),
    "int": lambda value, _: int(number(value)),
    "round": lambda value, given: round(number(value), int(number(given[0])) if given else 0),
    "abs": lambda value, _: abs(number(value)),
    "lower": lambda value, _: str(value).lower(),
    "upper": lambda value, _: str(value).upper(),
    "trim": lambda value, _: str(value).strip(),
    "string": lambda value, _: str(value),
    "bool": lambda value, _: str(value).lower() in ("true", "yes", "on", "1"),
    "is_defined": lambda value, _: value,
}


@lru_cache(maxsize=1024)
def compiled(template: str) -> Expression:
    """The template as a function of {"value": ..., "value_json": ...}.

    Raises NotSupported. What it returns raises NoSuchValue, or ValueError for what can't be
    reckoned with.
    """
    text = template.strip()
    chosen = _IF.fullmatch(text)
    if chosen:
        return _either(_parsed(chosen[1], template), _branch(chosen[2], template),
                       _branch(chosen[3], template))  # fmt: skip
    if not (text.startswith("{{") and text.endswith("}}")):
        raise NotSupported(f"not supported: this template: {template}")
    inner = text[2:-2].strip().strip("-")
    if "{{" in inner or "}}" in inner or "{%" in inner:
        raise NotSupported(f"not supported: this template: {template}")
    return _parsed(inner, template)


def _branch(text: str, template: str) -> Expression:
    text = text.strip()
    if text.startswith("{{") and text.endswith("}}"):
        return _parsed(text[2:-2], template)
    if "{" in text:
        raise NotSupported(f"not supported: this template: {template}")
    return lambda _: text


def _either(condition: Expression, yes: Expression, no: Expression) -> Expression:
    return lambda given: yes(given) if condition(given) else no(given)


def _parsed(text: str, template: str) -> Expression:
    tokens: list[tuple[str, str]] = []
    at = 0
    while at < len(text.rstrip()):
        found = _TOKEN.match(text, at)
        if found is None or found.lastgroup is None:
            raise NotSupported(f"not supported: this template: {template}")
        tokens.append((found.lastgroup, found[found.lastgroup]))
        at = found.end()
    parser = _Parser(tokens, template)
    expression = parser.conditional()
    if parser.tokens:
        parser.refuse()
    return expression


class _Parser:
    """Reads tokens from front to back; each method leaves what it did not understand."""

    def __init__(self, tokens: list[tuple[str, str]], template: str) -> None:
        self.tokens = tokens
        self._template = template

    def refuse(self) -> None:
        raise NotSupported(f"not supported: this template: {self._template}")

    def _take(self, *signs: str) -> str | None:
        if self.tokens and self.tokens[0][0] in ("sign", "name") and self.tokens[0][1] in signs:
            return self.tokens.pop(0)[1]
        return None

    def _need(self, sign: str) -> None:
        if self._take(sign) is None:
            self.refuse()

    def conditional(self) -> Expression:
        yes = self._negated()
        if not self._take("if"):
            return yes
        condition = self._negated()
        self._need("else")
        return _either(condition, yes, self.conditional())

    def _negated(self) -> Expression:
        if self._take("not"):
            inner = self._negated()
            return lambda given: not inner(given)
        return self._comparison()

    def _comparison(self) -> Expression:
        left = self._sum()
        sign = self._take(*_COMPARED, *_ORDERED)
        if sign is None:
            return left
        right = self._sum()
        if sign in _COMPARED:
            compare = _COMPARED[sign]
            return lambda given: compare(left(given), right(given))
        order = _ORDERED[sign]
        return lambda given: order(number(left(given)), number(right(given)))

    def _sum(self) -> Expression:
        return self._chain(("+", "-"), self._product)

    def _product(self) -> Expression:
        return self._chain(("*", "/"), self._filtered)

    def _chain(self, signs: tuple[str, ...], part: Callable[[], Expression]) -> Expression:
        left = part()
        while sign := self._take(*signs):
            left = _reckoned(_ARITHMETIC[sign], left, part())
        return left

    def _filtered(self) -> Expression:
        value = self._value()
        while self._take("|"):
            kind, name = self.tokens.pop(0) if self.tokens else ("", "")
            if kind != "name" or name not in FILTERS:
                self.refuse()
            value = _with(FILTERS.get(name, _unknown), value, self._arguments())
        return value

    def _arguments(self) -> list[Expression]:
        given: list[Expression] = []
        if self._take("("):
            while not self._take(")"):
                given.append(self.conditional())
                if not self._take(",") and (not self.tokens or self.tokens[0][1] != ")"):
                    self.refuse()
        return given

    def _value(self) -> Expression:
        kind, word = self.tokens.pop(0) if self.tokens else ("", "")
        if kind == "number":
            return _constant(float(word) if "." in word else int(word))
        if kind == "text":
            return _constant(word[1:-1])
        if kind == "sign" and word == "(":
            inner = self.conditional()
            self._need(")")
            return inner
        if kind == "sign" and word == "-":
            negated = self._value()
            return lambda given: -number(negated(given))
        if kind == "name" and word in _WORDS:
            return _constant(_WORDS[word])
        if kind != "name" or word not in ("value", "value_json"):
            self.refuse()
        return _path(word, self._steps())

    def _steps(self) -> list[str]:
        steps: list[str] = []
        while sign := self._take(".", "["):
            kind, word = self.tokens.pop(0) if self.tokens else ("", "")
            if sign == "." and kind in ("name", "number"):
                steps.append(word)
            elif sign == "[" and kind in ("text", "number"):
                steps.append(word[1:-1] if kind == "text" else word)
                self._need("]")
            else:
                self.refuse()
        return steps


def _constant(value: Value) -> Expression:
    return lambda _: value


def _reckoned(
    how: Callable[[float, float], float], left: Expression, right: Expression
) -> Expression:
    def reckon(given: Mapping[str, Value]) -> Value:
        try:
            return how(number(left(given)), number(right(given)))
        except (ZeroDivisionError, OverflowError) as wrong:
            raise ValueError(str(wrong)) from None

    return reckon


def _with(
    how: Callable[[Value, list[Value]], Value], value: Expression, given: list[Expression]
) -> Expression:
    def filtered(data: Mapping[str, Value]) -> Value:
        try:
            return how(value(data), [argument(data) for argument in given])
        except OverflowError as wrong:
            raise ValueError(str(wrong)) from None

    return filtered


def _unknown(value: Value, given: list[Value]) -> Value:
    raise NotSupported("not supported: this filter")


def _path(root: str, steps: list[str]) -> Expression:
    def walk(given: Mapping[str, Value]) -> Value:
        found: Value = given[root]
        for step in steps:
            if isinstance(found, Mapping) and step in found:
                found = found[step]
            elif isinstance(found, list) and step.isdecimal() and int(step) < len(found):
                found = found[int(step)]
            else:
                raise NoSuchValue(f"no {step!r} in the message")
        return found

    return walk
