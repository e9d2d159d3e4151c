"""What holds for every kind of rule, whichever there are."""

import re
import sys
from datetime import timedelta
from importlib import import_module, invalidate_caches
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rules
import rules.kinds
from devices.metrics import METRICS
from devices.metrics import Kind as MetricKind
from rules.engine import advance, start
from rules.exact import micros
from rules.kinds import kinds
from rules.limits import RULE_PREFIX
from rules.window import empty, written

ZONE = ZoneInfo("Europe/London")
EXAMPLES = [
    pytest.param(kind, params, id=f"{name}-{number}")
    for name, kind in sorted(kinds().items())
    for number, params in enumerate(kind.examples)
]
WEEK = timedelta(days=7)
GRID = timedelta(minutes=20)


def values_of(metric):
    """Values near to each other, so that anything that a rule could find does happen."""
    row = METRICS[metric]
    if row.kind is not MetricKind.QUANTITY:
        return (0.0, 1.0)
    middle = max(row.low, min(row.high, {"body_weight": 80.0, "level": 5.0}.get(metric, 100.0)))
    steps = (0.0, 0.5, 1.0, -1.0, 2.0, -2.0, 10.0, -10.0, 80.0)
    return tuple(middle + step for step in steps if row.plausible(middle + step))


@st.composite
def courses(draw, metrics, reading):
    """(moment, reading) in order, two or more of which may share a moment."""
    real = [metric for metric in metrics if not metric.startswith(RULE_PREFIX)]
    if not real:
        return []
    begin = reading("level", 0.0).taken_at
    slots = draw(st.lists(st.tuples(st.integers(1, 200), st.sampled_from(real), st.integers(0, 9))))
    found = {}
    for slot, metric, pick in slots:
        values = values_of(metric)
        one = reading(metric, values[pick % len(values)], begin + GRID * slot)
        found[one.id] = one
    return sorted(found.values(), key=lambda one: (one.taken_at, one.id))


@pytest.mark.parametrize(("kind", "params"), EXAMPLES)
def test_a_kind_says_what_it_reads_and_what_it_means(kind, params):
    bound = kind(params, ZONE)
    unknown = [name for name in bound.metrics if not name.startswith(RULE_PREFIX)]
    assert bound.metrics
    assert set(unknown) <= METRICS.keys()
    assert bound.words()
    assert kind.title
    assert isinstance(params, kind.params_type)


@pytest.mark.parametrize(("kind", "params"), EXAMPLES)
def test_params_are_frozen_and_know_their_own_words(kind, params):
    with pytest.raises(AttributeError):
        setattr(params, msgspec.structs.fields(params)[0].name, None)
    assert msgspec.convert(msgspec.to_builtins(params), kind.params_type) == params


@pytest.mark.parametrize(("kind", "params"), EXAMPLES)
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_a_state_that_was_written_down_goes_on_as_if_it_had_not_been(kind, params, data, reading):
    bound = kind(params, ZONE)
    course = data.draw(courses(bound.metrics, reading))
    cut = data.draw(st.integers(0, len(course)))
    kept, again = bound.begin(0), None
    verdicts = []

    def step(state, one):
        us = micros(one.taken_at)
        said = []
        while state.due_us is not None and state.due_us < us:
            due_us = state.due_us
            said.append(bound.wake(state, due_us))
            assert state.due_us is None or state.due_us > due_us, "woken for ever"
        said.append(bound.read(state, us, one))
        assert state.due_us is None or state.due_us >= us, "due before it was known"
        return [*said, bound.because(state)]

    for number, one in enumerate(course):
        if number == cut:
            body = msgspec.json.encode(kept, enc_hook=written)
            again = msgspec.json.decode(body, type=kind.state_type, dec_hook=empty)
            from_us = bound.refill_from_us(again)
            for old in course[:cut]:
                if from_us is not None and micros(old.taken_at) >= from_us:
                    bound.refill(again, micros(old.taken_at), old)
        verdicts = step(kept, one)
        if again is not None:
            assert step(again, one) == verdicts


@pytest.mark.parametrize(("kind", "params"), EXAMPLES)
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_a_course_a_week_later_leads_to_the_findings_a_week_later(
    kind, params, data, reading, rule, plan
):
    metrics = [name for name in kind(params, ZONE).metrics if not name.startswith(RULE_PREFIX)]
    course = data.draw(courses(metrics, reading))
    heard = {name for name in kind(params, ZONE).metrics if name.startswith(RULE_PREFIX)}
    others = [rule("answer", name.removeprefix(RULE_PREFIX), metrics=("im_ok",)) for name in heard]
    winter = plan(rule(kind.name, params=params), *others)
    begin = reading("level", 0.0).taken_at
    later = [
        reading(one.metric, one.value, one.taken_at + WEEK, device=one.device) for one in course
    ]
    later.sort(key=lambda one: (one.taken_at, one.id))
    end = begin + timedelta(days=5)
    now = advance(winter, start(winter, begin), _distinct(course), end)
    then = advance(winter, start(winter, begin + WEEK), _distinct(later), end + WEEK)
    assert [(f.rule, f.phase, f.at + WEEK) for f in now.findings] == [
        (f.rule, f.phase, f.at) for f in then.findings
    ]


def _distinct(course):
    """The first of each moment: the order within a moment goes by the id, which holds the time."""
    seen = {}
    for one in sorted(course, key=lambda one: (one.taken_at, one.metric, one.value)):
        seen.setdefault(one.taken_at, one)
    return list(seen.values())


ENGINE = ("engine.py", "replay.py", "debounce.py", "kind.py", "outcome.py", "plan.py", "typed.py")


@pytest.mark.parametrize("file", ENGINE)
def test_the_engine_names_no_kind(file):
    source = (Path(rules.__file__).parent / file).read_text()
    modules = [Path(sys.modules[kind.__module__].__file__).stem for kind in kinds().values()]
    named = [
        word
        for word in (*kinds(), *modules)
        if re.search(rf"""["']{word}["']|rules\.kinds\.{word}\b""", source)
    ]
    assert named == []


MADE_UP = '''
"""A value that is a whole number."""

from msgspec import Struct

from rules.kind import Kind, KindState
from rules.model import Evidence
from rules.params import MetricName


class Params(Struct, frozen=True):
    metric: MetricName


class WholeNumber(Kind[Params, KindState]):
    name = "whole-number"
    title = "A whole number"
    params_type = Params
    state_type = KindState
    examples = (Params(metric="level"),)

    def __init__(self, params, zone):
        self.metrics = (params.metric,)

    def begin(self, since_us):
        return KindState()

    def read(self, state, us, reading):
        return reading.value == int(reading.value)

    def because(self, state):
        return Evidence()

    def words(self):
        return "a whole number"
'''


@pytest.fixture
def made_up(tmp_path, monkeypatch):
    """One more file among the kinds, for one test."""
    (tmp_path / "made_up.py").write_text(MADE_UP)
    monkeypatch.setattr(rules.kinds, "__path__", [*rules.kinds.__path__, str(tmp_path)])
    invalidate_caches()
    kinds.cache_clear()
    yield
    sys.modules.pop("rules.kinds.made_up", None)
    monkeypatch.undo()
    kinds.cache_clear()


def test_a_kind_in_one_new_file_is_found_debounced_written_down_and_replayed(
    made_up, rule, plan, home, reading
):
    assert import_module("rules.kinds.made_up").WholeNumber is kinds()["whole-number"]
    at = reading("level", 0.0, "04:00").taken_at
    lived = home(plan(rule("whole-number", debounce={"k": 2, "n": 2}, metric="level")))
    lived.take([reading("level", 1.0, "01:00"), reading("level", 3.0, "03:00")], at)
    lived.restart(at)
    lived.take([reading("level", 2.5, "02:00")], at)
    assert lived.said() == []
    assert [finding.rule for finding in lived.superseded] == ["rule-1"]
