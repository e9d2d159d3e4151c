"""The geometry of a chart, and which readings share one."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from devices.model import Quality
from server.queries.readings import Point as Reading
from server.queries.readings import Series
from server.web.charts import (
    NARROW,
    OUTLINES,
    WIDE,
    Limit,
    Line,
    Point,
    Shape,
    Side,
    Size,
    draw,
)
from server.web.figures import MOST_POINTS, Reader, figures

START = datetime(2026, 3, 1, 7, 30, tzinfo=UTC)
SIZES = pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])


def line(*values: float, apart: timedelta = timedelta(days=1), shape: Shape = Shape.CIRCLE) -> Line:
    points = (
        Point(at=START + apart * n, value=value, said=f"{value} kg")
        for n, value in enumerate(values)
    )
    return Line(title="Weight", shape=shape, points=tuple(points))


def drawn(*lines: Line, size: Size = WIDE, limits: tuple[Limit, ...] = (), zone: str = "UTC"):
    return draw(lines, limits, ident="weight", title="Weight in kg", zone=zone, size=size)


@SIZES
@given(
    values=st.lists(st.floats(-500, 500), min_size=1, max_size=40),
    limit=st.floats(-500, 500),
    apart_h=st.floats(0, 2000),
)
def test_everything_stays_on_the_paper(
    size: Size, values: list[float], limit: float, apart_h: float
) -> None:
    shown = drawn(
        line(*values, apart=timedelta(hours=apart_h)),
        size=size,
        limits=(Limit(value=limit, label="Fires above", fires=Side.ABOVE),),
    )
    for mark in shown.marks:
        assert shown.left <= mark.x <= shown.right
        assert shown.top <= mark.y <= shown.bottom
    assert shown.top <= shown.limits[0].y <= shown.bottom
    assert shown.top <= shown.limits[0].label_y <= shown.bottom
    for tick in shown.values:
        assert shown.top - 0.1 <= tick.at <= shown.bottom + 0.1
    for tick in shown.times:
        assert shown.left <= tick.at <= shown.right


@SIZES
@given(span_h=st.floats(0, 24 * 800))
def test_labels_under_a_chart_never_touch(size: Size, span_h: float) -> None:
    shown = drawn(line(70, 71, apart=timedelta(hours=span_h)), size=size)
    assert len(shown.times) <= size.days + 1
    for before, after in pairwise(shown.times):
        assert after.at - before.at >= 36


@example(values=[1.0, 1.0000000000000002])
@given(values=st.lists(st.floats(1, 300), min_size=2, max_size=20))
def test_labels_of_the_scale_are_distinct_and_ordered(values: list[float]) -> None:
    levels = [float(tick.label) for tick in drawn(line(*values)).values]
    assert levels == sorted(set(levels))
    assert 3 <= len(levels) <= 9


def test_a_higher_value_stands_higher() -> None:
    low, high = drawn(line(70, 72)).marks
    assert high.y < low.y


def test_the_band_lies_where_the_rule_fires() -> None:
    shown = drawn(
        line(70, 72),
        limits=(
            Limit(value=71.5, label="Fires above 71.5 kg", fires=Side.ABOVE),
            Limit(value=70.5, label="Fires below 70.5 kg", fires=Side.BELOW),
        ),
    )
    above, below = shown.bands
    assert above.top == shown.top
    assert above.top + above.height == pytest.approx(shown.limits[0].y, abs=0.1)
    assert below.top + below.height == pytest.approx(shown.bottom, abs=0.1)


def test_words_of_two_near_limits_do_not_cover_each_other() -> None:
    limits = tuple(
        Limit(value=value, label=f"Fires above {value}", fires=Side.ABOVE)
        for value in (71.0, 71.01)
    )
    first, second = drawn(line(60, 80), limits=limits).limits
    assert abs(first.label_y - second.label_y) >= 14


def test_readings_far_apart_are_not_joined() -> None:
    apart = timedelta(days=3)
    assert drawn(line(70, 71, 72, apart=apart)).paths == ()
    assert len(drawn(line(70, 71, 72)).paths) == 1


def test_a_reading_that_the_alert_rests_on_is_told_by_its_shape() -> None:
    points = line(70, 72).points
    shown = drawn(
        Line(
            title="Weight",
            shape=Shape.CIRCLE,
            points=(
                points[0],
                Point(at=points[1].at, value=72, said="72 kg", because=True),
            ),
        )
    )
    assert [mark.outline for mark in shown.marks] == [
        OUTLINES[Shape.CIRCLE],
        OUTLINES[Shape.DIAMOND],
    ]


def test_days_under_a_chart_are_the_person_s_days() -> None:
    shown = drawn(line(70, 71, 72, apart=timedelta(days=2)), zone="Pacific/Auckland")
    assert [tick.label for tick in shown.times] == ["2 Mar", "3 Mar", "4 Mar", "5 Mar"]


def test_the_description_says_what_the_picture_shows() -> None:
    shown = drawn(
        line(70.0, 73.0, 72.0),
        limits=(Limit(value=71.9, label="Fires above 71.9 kg", fires=Side.ABOVE),),
    )
    assert shown.description == (
        "Weight: 3 readings from 1 March to 3 March. Lowest 70.0 kg, highest 73.0 kg, latest "
        "72.0 kg. A dashed line marks a limit: Fires above 71.9 kg."
    )


def reading(name: str, hour: float, value: float, quality: tuple[Quality, ...] = ()) -> Reading:
    at = START + timedelta(hours=hour)
    return Reading(reading=name, taken_at=at, value=value, device="cuff", quality=quality)


def series(metric: str, *readings: Reading, unit: str = "mm[Hg]", cut: bool = False) -> Series:
    return Series(metric=metric, unit=unit, points=readings, cut=cut)


def shown_figures(*all_series: Series, because: tuple[str, ...] = ()):
    return figures(all_series, Reader(zone="UTC", now=START + timedelta(days=2), because=because))


def test_blood_pressure_is_one_chart_told_apart_by_shape_and_one_table() -> None:
    (figure,) = shown_figures(
        series("diastolic_pressure", reading("d1", 0, 80), reading("d2", 24, 90)),
        series("systolic_pressure", reading("s1", 0, 120), reading("s2", 24, 150)),
    )
    assert figure.heading == "Blood pressure"
    assert {entry.outline for entry in figure.key} == {OUTLINES[Shape.UP], OUTLINES[Shape.DOWN]}
    assert figure.columns == ("Systolic blood pressure (mmHg)", "Diastolic blood pressure (mmHg)")
    assert [row.cells for row in figure.rows] == [("150", "90"), ("120", "80")]


def test_the_table_holds_every_value_of_the_chart_even_two_of_one_instant() -> None:
    (figure,) = shown_figures(
        series("systolic_pressure", reading("s1", 0, 120), reading("s2", 0, 122)),
        series("diastolic_pressure", reading("d1", 0, 80)),
    )
    assert sorted(row.cells for row in figure.rows) == [("120", "80"), ("122", "not measured")]
    assert len(figure.wide.marks) == 3


def test_rows_say_what_the_alert_rests_on_and_what_speaks_against_a_value() -> None:
    (figure,) = shown_figures(
        series(
            "systolic_pressure",
            reading("s1", 0, 120, (Quality.MOVEMENT,)),
            reading("s2", 1, 181),
        ),
        because=("s2",),
    )
    assert [(row.because, row.remark) for row in figure.rows] == [
        (True, ""),
        (False, "moved while measuring"),
    ]


def test_answers_states_and_empty_series_have_no_chart() -> None:
    assert not shown_figures(
        series("symptom.ankles_swollen", reading("a", 0, 1), unit="1"),
        series("door_open", reading("b", 0, 1), unit="1"),
        series("body_weight", unit="kg"),
    )


@pytest.mark.parametrize(
    ("count", "cut", "said"),
    [
        pytest.param(MOST_POINTS, False, "", id="all-are-there"),
        pytest.param(MOST_POINTS + 1, False, "Earlier readings are left out.", id="too-many"),
        pytest.param(1, True, "Earlier readings are left out.", id="the-query-left-some-out"),
    ],
)
def test_what_is_left_out_is_said(count: int, cut: bool, said: str) -> None:
    readings = [reading(f"r{n}", n / 10, 60 + n % 30) for n in range(count)]
    (figure,) = shown_figures(series("pulse_rate", *readings, unit="/min", cut=cut))
    assert figure.left_out == said
    assert len(figure.rows) == min(count, MOST_POINTS)


@pytest.mark.parametrize("flag", Quality)
def test_every_quality_flag_has_words(flag: Quality) -> None:
    (figure,) = shown_figures(series("pulse_rate", reading("r", 0, 60, (flag,)), unit="/min"))
    assert figure.rows[0].remark
