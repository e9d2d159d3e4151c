"""A page as a person uses it: its links, its forms, and what can be chosen in them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass(frozen=True, slots=True)
class Form:
    """One form. `fixed` is sent as it stands; `choices` maps a field to what it can be."""

    action: str
    method: str
    fixed: Mapping[str, str]
    choices: Mapping[str, tuple[str, ...]]
    texts: tuple[str, ...] = ()
    """Fields to be typed into."""


@dataclass(frozen=True, slots=True)
class Page:
    forms: tuple[Form, ...]
    links: tuple[str, ...]

    def forms_to(self, start: str, end: str) -> Iterator[Form]:
        """The forms whose action begins and ends so, in the order of the page."""
        return (
            form
            for form in self.forms
            if form.action.startswith(start) and form.action.endswith(end)
        )


def read_page(html: str) -> Page:
    """What stands on an HTML page. Broken markup is read as far as it goes."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return Page(
        forms=tuple(form.done() for form in reader.forms),
        links=tuple(reader.links),
    )


@dataclass(slots=True)
class _OpenForm:
    action: str
    method: str
    fixed: dict[str, str] = field(default_factory=dict)
    choices: dict[str, list[str]] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)

    def done(self) -> Form:
        choices = {name: tuple(values) for name, values in self.choices.items()}
        return Form(self.action, self.method, self.fixed, choices, tuple(self.texts))


_CHOSEN = frozenset({"radio", "checkbox", "submit"})


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.forms: list[_OpenForm] = []
        self.links: list[str] = []
        self._form: _OpenForm | None = None
        self._select: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        elif tag == "form":
            self._form = _OpenForm(given.get("action", ""), given.get("method", "get").lower())
            self.forms.append(self._form)
        elif self._form is not None:
            self._field(self._form, tag, given)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag == "select":
            self._select = None

    def _field(self, form: _OpenForm, tag: str, given: Mapping[str, str]) -> None:
        name, value = given.get("name", ""), given.get("value", "")
        kind = given.get("type", "submit" if tag == "button" else "text")
        if tag == "select":
            self._select = name
        elif tag == "option" and self._select:
            form.choices.setdefault(self._select, []).append(value)
        elif not name or tag not in {"input", "button", "textarea"}:
            return
        elif kind == "hidden":
            form.fixed[name] = value
        elif kind in _CHOSEN:
            form.choices.setdefault(name, []).append(value)
        else:
            form.texts.append(name)
