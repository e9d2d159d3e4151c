"""Local hours through midnight and through both changes of the clock."""

from datetime import UTC, date, datetime, time
from itertools import islice
from zoneinfo import ZoneInfo

import pytest

from rules.exact import micros, moment
from rules.hours import Hours, local_us

LONDON = ZoneInfo("Europe/London")
NIGHT = Hours(time(22), time(6))
DAY = Hours(time(8), time(21))
SHORT = Hours(time(22), time(1, 30))
LATE = Hours(time(1, 30), time(7))

MOMENTS = [
    pytest.param(NIGHT, "2025-03-03T21:59:59", False, id="a second before the night"),
    pytest.param(NIGHT, "2025-03-03T22:00:00", True, id="the night begins"),
    pytest.param(NIGHT, "2025-03-04T05:59:59", True, id="past midnight"),
    pytest.param(NIGHT, "2025-03-04T06:00:00", False, id="the night's end is left out"),
    pytest.param(DAY, "2025-07-01T07:30:00", True, id="summer: half past eight in London"),
    pytest.param(DAY, "2025-03-03T07:30:00", False, id="winter: half past seven in London"),
    pytest.param(SHORT, "2025-10-26T00:29:00", True, id="the first 01:29 of an autumn night"),
    pytest.param(SHORT, "2025-10-26T00:31:00", False, id="their end is the first 01:30"),
    pytest.param(SHORT, "2025-10-26T01:29:00", False, id="the second 01:29 is behind it"),
    pytest.param(LATE, "2025-10-26T01:15:00", True, id="they begin at the first 01:30"),
]


@pytest.mark.parametrize(("hours", "utc", "inside"), MOMENTS)
def test_hours_hold(hours, utc, inside):
    us = micros(datetime.fromisoformat(utc).replace(tzinfo=UTC))
    assert hours.hold(us, LONDON) is inside


CHANGES = [
    pytest.param(date(2025, 3, 30), 7.0, id="the night when the clocks go forward has 7 hours"),
    pytest.param(date(2025, 10, 26), 9.0, id="the night when they go back has 9"),
    pytest.param(date(2025, 7, 2), 8.0, id="any other has 8"),
]


@pytest.mark.parametrize(("morning", "length_h"), CHANGES)
def test_a_span_of_hours_is_as_long_as_the_clock_makes_it(morning, length_h):
    noon_before = local_us(date.fromordinal(morning.toordinal() - 1), time(12), LONDON)
    ((start, end),) = islice(NIGHT.spans(noon_before, LONDON), 1)
    assert (end - start) / 3.6e9 == length_h
    assert moment(end).astimezone(LONDON).time() == time(6)


def test_spans_go_on_from_the_one_that_is_not_over():
    middle = local_us(date(2025, 3, 4), time(2), LONDON)
    first, second = islice(NIGHT.spans(middle, LONDON), 2)
    assert moment(first[0]) == datetime(2025, 3, 3, 22, tzinfo=UTC)
    assert moment(second[0]) == datetime(2025, 3, 4, 22, tzinfo=UTC)


def test_hours_without_a_length_are_refused():
    with pytest.raises(ValueError, match="different times"):
        Hours(time(8), time(8))
