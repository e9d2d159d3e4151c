"""What would have had to differ, said in words and drawn as a line."""

from datetime import UTC, datetime, timedelta

import pytest

from devices.metrics import METRICS
from rules.model import Evidence, Number
from server.queries.readings import Point
from server.web.charts import Side
from server.web.counterfactuals import NOT_ASKED, limits, sentences

AT = datetime(2026, 3, 3, 7, 20, tzinfo=UTC)


def rests(*pairs: tuple[str, float]) -> list[tuple[str, Point]]:
    """Readings, the first of them the oldest."""
    return [
        (
            metric,
            Point(
                reading=f"{metric}-{n}",
                taken_at=AT + timedelta(hours=n),
                value=value,
                device="scale",
                quality=(),
            ),
        )
        for n, (metric, value) in enumerate(pairs)
    ]


def change(value: float, metric: str = "body_weight", name: str = "change") -> Number:
    return Number(name=name, value=value, unit=METRICS[metric].unit)


WEIGHTS = rests(("body_weight", 70.1), ("body_weight", 72.4))


@pytest.mark.parametrize(
    ("because", "readings", "said"),
    [
        pytest.param(
            Evidence(counterfactual=change(-0.4)),
            WEIGHTS,
            ("Would not have fired at 72.0 kg or below.",),
            id="a-rise",
        ),
        pytest.param(
            Evidence(counterfactual=change(0.4)),
            WEIGHTS,
            ("Would not have fired at 72.8 kg or above.",),
            id="a-fall",
        ),
        pytest.param(
            Evidence(counterfactual=change(-1, "sos_pressed")),
            rests(("sos_pressed", 1)),
            ("Would not have fired without: SOS pressed.",),
            id="an-event",
        ),
        pytest.param(
            Evidence(counterfactual=change(-1, "door_open")),
            rests(("door_open", 1)),
            ("Would not have fired with: closed.",),
            id="a-state",
        ),
        pytest.param(
            Evidence(missing="body_weight"),
            [],
            ("Would not have fired had this come: Weight.",),
            id="silence",
        ),
        pytest.param(
            Evidence(missing="body_weight, im_ok"),
            [],
            ("Would not have fired had this come: Weight, I'm OK.",),
            id="two-that-did-not-come",
        ),
        pytest.param(
            Evidence(
                numbers=(change(1, "symptom.breathless", "symptom.breathless"),),
                counterfactual=change(-1, "symptom.breathless"),
            ),
            rests(("symptom.breathless", 1)),
            ("Would not have fired with the answer no to “More breathless than usual”.",),
            id="an-answer",
        ),
        pytest.param(
            Evidence(
                numbers=(
                    change(1, "symptom.fainted", "symptom.fainted"),
                    change(1, "symptom.chest_pain", "symptom.chest_pain"),
                ),
            ),
            rests(("symptom.fainted", 1), ("symptom.chest_pain", 1)),
            ("Would not have fired with the answer no to “Fainted” and “Chest pain”.",),
            id="two-answers",
        ),
        pytest.param(
            Evidence(
                branches=(
                    change(-3, "systolic_pressure", "systolic_pressure"),
                    change(-2, "pulse_rate", "pulse_rate"),
                    change(-1, "sos_pressed", "rule.other"),
                ),
            ),
            rests(("systolic_pressure", 183), ("pulse_rate", 131)),
            (
                "Would not have fired at 180 mmHg or below (Systolic blood pressure).",
                "Would not have fired at 129 a minute or below (Pulse).",
            ),
            id="branches-each-in-its-unit",
        ),
        pytest.param(
            Evidence(branches=(change(-3, "systolic_pressure", "systolic_pressure"),)),
            rests(("pulse_rate", 131)),
            ("Would not have fired with 3 mmHg less.",),
            id="the-reading-has-not-arrived",
        ),
        pytest.param(Evidence(), [], (), id="nothing-to-say"),
    ],
)
def test_it_is_said_in_words(
    because: Evidence, readings: list[tuple[str, Point]], said: tuple[str, ...]
) -> None:
    assert sentences(because, readings) == said


def test_what_led_to_the_questions_is_said_as_that() -> None:
    said = sentences(Evidence(counterfactual=change(-0.4)), WEIGHTS, NOT_ASKED)
    assert said == ("The questions would not have been asked at 72.0 kg or below.",)


@pytest.mark.parametrize(
    ("by", "side", "label"),
    [
        pytest.param(-0.4, Side.ABOVE, "Fires above 72.0 kg", id="too-high"),
        pytest.param(0.4, Side.BELOW, "Fires below 72.8 kg", id="too-low"),
    ],
)
def test_the_line_on_the_chart_lies_where_the_latest_value_would_not_fire(
    by: float, side: Side, label: str
) -> None:
    limit = limits(Evidence(counterfactual=change(by)), WEIGHTS)["body_weight"]
    assert limit.value == pytest.approx(72.4 + by)
    assert (limit.fires, limit.label) == (side, label)


def test_states_and_answers_have_no_line() -> None:
    because = Evidence(counterfactual=change(-1, "sos_pressed"))
    assert limits(because, rests(("sos_pressed", 1))) == {}
