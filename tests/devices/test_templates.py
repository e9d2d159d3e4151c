"""Templates: what is taken means what Jinja means by it, and nothing else is taken."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.templates import NoSuchValue, NotSupported, compiled

MESSAGE = {"a": {"b": [1, 21.55]}, "t": "19.2", "contact": False, "state": "open"}


def said(template: str) -> object:
    return compiled(template)({"value": "ON", "value_json": MESSAGE})


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        pytest.param("{{ value }}", "ON", id="plain"),
        pytest.param("{{ value_json.state }}", "open", id="dotted"),
        pytest.param('{{ value_json["a"]["b"][1] }}', 21.55, id="brackets"),
        pytest.param("{{ value_json.t | float }}", 19.2, id="text-to-number"),
        pytest.param("{{ value_json.t | float | round(0) | int }}", 19, id="filters-in-turn"),
        pytest.param("{{value_json.a.b[1]|round(1)}}", 21.6, id="rounded"),
        pytest.param("{{ value_json.t | float * 10 + 8 }}", 200.0, id="reckoned"),
        pytest.param("{{ value_json.state == 'open' }}", True, id="compared"),
        pytest.param("{{ 'ON' if value_json.a.b[0] == 1 else 'OFF' }}", "ON", id="chosen"),
        pytest.param("{{ 'ON' if not value_json.contact else 'OFF' }}", "ON", id="negated"),
        pytest.param(
            "{% if value_json.state == 'shut' %}OFF{% else %}ON{% endif %}", "ON", id="statement"
        ),
    ],
)
def test_a_template_says_what_the_message_holds(template: str, expected: object) -> None:
    assert said(template) == expected


@pytest.mark.parametrize(
    "template",
    [
        "{{ states('sensor.hall') }}",
        "{{ value_json.__class__.__mro__ | attr('x') }}",
        "{{ ''.__class__ }}",
        "{{ value_json.get('a') }}",
        "{{ value_json.a ** 9 }}",
        "{{ value_json.a }} {{ value_json.t }}",
        "{% for x in value_json %}{{ x }}{% endfor %}",
        "{{ value_json.a | map('x') }}",
        "{{ (value }}",
        "{{ }}",
        "ON",
        "",
    ],
)
def test_another_template_is_refused_by_its_text(template: str) -> None:
    with pytest.raises(NotSupported, match="not supported: this template"):
        compiled(template)


def test_a_value_that_is_not_in_the_message_is_told_apart_from_a_bad_one() -> None:
    with pytest.raises(NoSuchValue):
        said("{{ value_json.nothing }}")
    with pytest.raises(ValueError, match="no number"):
        said("{{ value_json.state | float }}")
    with pytest.raises(ValueError, match="zero"):
        said("{{ 1 / 0 }}")


PIECES = st.lists(
    st.sampled_from(
        ["value", "value_json", ".", "a", "[", "]", "0", "'x'", "|", "float", "round", "(", ")",
         "9", "/", "*", "-", "==", "if", "else", "not", " "]
    ),
    max_size=14,
).map("".join)  # fmt: skip


@given(PIECES)
def test_any_template_means_something_or_is_refused(inner: str) -> None:
    try:
        said("{{ " + inner + " }}")
    except ValueError:
        return
