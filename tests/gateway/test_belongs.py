"""A reading goes to the person whose it clearly is; any other waits for a yes, and is not lost."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from devices.mapping import Mapping
from devices.model import CharacteristicValue, MqttMessage
from gateway.belongs import TELLS_APART, Last, Why, whose
from gateway.config import HomeDevice
from gateway.held import MOST_OPEN
from gateway.home import Home
from gateway.intake import Intake
from gateway.journal import Journal
from gateway.page.view import Choice, home_view
from plumbing.clock import HomeTime
from rules.plan import parse_plan
from rules.records import RecordKind, encode

AT = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)
WEIGHT = TELLS_APART["body_weight"]
GATT_SCALE = "A4:C1:38:00:00:07"
CUFF = "A4:C1:38:00:00:02"
BOTH = ("margaret", "joan")


def known(days_ago: float = 1, **kilograms: float) -> dict[str, Last]:
    return {name: Last(kg, AT - timedelta(days=days_ago)) for name, kg in kilograms.items()}


@pytest.mark.parametrize(
    ("kilograms", "enrolled", "last", "patient", "asked", "why"),
    [
        pytest.param(92.1, BOTH[:1], {}, "margaret", (), Why.FIRST, id="the very first"),
        pytest.param(75.0, BOTH[:1], known(margaret=70), "margaret", (), Why.NEAR, id="a gain"),
        pytest.param(
            74.0,
            BOTH[:1],
            known(margaret=70, joan=74),
            "margaret",
            (),
            Why.NEAR,
            id="near enough, though another is nearer",
        ),
        pytest.param(
            92.1,
            BOTH[:1],
            known(margaret=70, joan=92),
            None,
            ("joan", "margaret"),
            Why.NEARER_TO_ANOTHER,
            id="another's",
        ),
        pytest.param(
            92.1,
            BOTH[:1],
            known(joan=92),
            None,
            ("joan", "margaret"),
            Why.NEARER_TO_ANOTHER,
            id="another's, before her own first",
        ),
        pytest.param(
            92.1, BOTH[:1], known(margaret=70), None, ("margaret",), Why.FAR, id="a visitor's"
        ),
        pytest.param(
            45.0,
            BOTH[:1],
            known(margaret=70, joan=92),
            None,
            ("margaret",),
            Why.FAR,
            id="a visitor's, nearer to nobody else",
        ),
        pytest.param(
            79.0,
            BOTH[:1],
            known(margaret=70, days_ago=30),
            "margaret",
            (),
            Why.NEAR,
            id="a month later she may have changed",
        ),
        pytest.param(
            83.0,
            BOTH[:1],
            known(margaret=70, days_ago=900),
            None,
            ("margaret",),
            Why.FAR,
            id="but not without end",
        ),
        pytest.param(
            91.0, BOTH, known(margaret=70, joan=92), "joan", (), Why.NEAREST, id="shared: clear"
        ),
        pytest.param(
            72.0,
            BOTH,
            known(margaret=70, joan=74),
            None,
            BOTH,
            Why.UNCLEAR,
            id="shared: two alike",
        ),
        pytest.param(
            120.0,
            BOTH,
            known(margaret=70, joan=92),
            None,
            ("joan", "margaret"),
            Why.FAR,
            id="shared: a visitor's",
        ),
        pytest.param(
            70.0, BOTH, known(margaret=70), None, BOTH, Why.UNCLEAR, id="shared: one is not known"
        ),
    ],
)
def test_the_nearest_person_has_it_where_that_is_clear(
    kilograms: float,
    enrolled: tuple[str, ...],
    last: dict[str, Last],
    patient: str | None,
    asked: tuple[str, ...],
    why: Why,
) -> None:
    found = whose(kilograms, AT, enrolled, last, WEIGHT)
    assert (found.patient, found.asked, found.why) == (patient, asked, why)


PLAN = {
    "version": "1",
    "people": [
        {"id": "margaret", "name": "Margaret Ellis", "timezone": "UTC"},
        {"id": "joan", "name": "Joan Ellis", "timezone": "UTC"},
    ],
    "rules": [
        {
            "id": "heavy",
            "for": "margaret",
            "kind": "threshold",
            "params": {"metric": "body_weight", "above": 80},
            "then": {"tier": "T1", "text": "heavy"},
            "source": "a limit for tests",
        }
    ],
    "texts": {"heavy": {"person": "It is high.", "nurse": "High.", "log": "high"}},
}


class FrozenTime(HomeTime, frozen=True):
    def now(self) -> datetime:
        return AT


Open = Callable[..., tuple[Home, Journal]]


@pytest.fixture
def open_home(tmp_path: Path) -> Open:
    """A home on one folder: opened again, it is the same home after a restart."""
    opened: list[Journal] = []

    def opens(shared: bool = False, alone: bool = False) -> tuple[Home, Journal]:
        for journal in opened:
            journal.close()
        journal = Journal(tmp_path / "journal")
        opened[:] = [journal]
        plan = parse_plan({**PLAN, "people": PLAN["people"][:1]} if alone else PLAN, {})
        more = ("joan",) if shared else ()
        intake = Intake(
            [
                HomeDevice(device="scale", patient="margaret", patients=more),
                HomeDevice(device="joan's", patient="joan"),
                HomeDevice(device=GATT_SCALE, patient="margaret", patients=more),
                HomeDevice(device=CUFF, patient="margaret", patients=more, user_index=1),
            ],
            [
                Mapping(
                    topic=f"{name}/{metric}",
                    device=name,
                    metric=metric,
                    value="v",
                    unit=unit,
                    time="ts",
                )
                for name in ("scale", "joan's")
                for metric, unit in (("body_weight", "kg"), ("body_fat", "%"))
            ],
            plan.people,
            journal.facts(),
        )
        return Home(journal, plan, intake, FrozenTime()), journal

    return opens


def said(value: float, minute: float = 0, of: str = "scale/body_weight") -> MqttMessage:
    at = AT - timedelta(hours=1) + timedelta(minutes=minute)
    payload = encode({"v": value, "ts": at.timestamp()})
    return MqttMessage(topic=of, payload=payload, received_at=AT)


def standing(journal: Journal, metric: str = "body_weight") -> list[tuple[str, float]]:
    found = journal.readings([metric], AT - timedelta(days=9), AT)
    return [(reading.patient, reading.value) for reading in found]


def test_a_visitors_weight_waits_through_a_restart_and_moves_no_rule(open_home: Open) -> None:
    home, journal = open_home(alone=True)
    home.take([said(70.0), said(92.1, 5)])
    assert standing(journal) == [("margaret", 70.0)]
    assert journal.open_prompts(AT) == []
    home, journal = open_home(alone=True)
    (card,) = home_view(home, AT, reached=True).whose
    assert (card.question, card.what) == (
        "Was this you, Margaret?",
        "Weight: 92.1 kg, today at 06:05",
    )
    assert card.choices == (Choice("margaret", "Yes, I am Margaret"), Choice("", "Someone else"))


def test_a_yes_makes_it_a_reading_of_its_own_time_with_what_was_on_air(open_home: Open) -> None:
    home, journal = open_home()
    home.take([said(70.0), said(92.1, 5)])
    home, journal = open_home()
    (held,) = journal.held.open(9)
    assert home.belongs_to(held.weighing, "margaret")
    (_, reading) = journal.readings(["body_weight"], AT - timedelta(days=9), AT)
    assert reading.taken_at == AT - timedelta(minutes=55)
    assert [state.prompt.rule for state in journal.open_prompts(AT)] == ["heavy"]
    assert held.raw == b"scale/body_weight " + said(92.1, 5).payload
    assert journal.held.open(9) == []
    assert not home.belongs_to(held.weighing, "margaret")


def test_someone_else_leaves_it_nobodys_though_the_scale_repeats_it(open_home: Open) -> None:
    home, journal = open_home(alone=True)
    home.take([said(70.0), said(92.1, 5)])
    (held,) = journal.held.open(9)
    assert home.belongs_to(held.weighing, "")
    home, journal = open_home(alone=True)
    home.take([said(92.1, 5)])
    assert journal.held.open(9) == []
    assert standing(journal) == [("margaret", 70.0)]


def test_only_who_was_asked_can_say_yes(open_home: Open) -> None:
    home, journal = open_home(alone=True)
    home.take([said(70.0), said(92.1, 5)])
    (held,) = journal.held.open(9)
    with pytest.raises(ValueError, match="not asked"):
        home.belongs_to(held.weighing, "joan")
    assert not home.belongs_to("no such weighing", "margaret")
    assert len(journal.held.open(9)) == 1


def test_a_weight_of_another_of_the_home_is_asked_about_and_becomes_theirs(
    open_home: Open,
) -> None:
    home, journal = open_home()
    home.take([said(70.0), said(92.0, 1, "joan's/body_weight"), said(92.1, 5)])
    (card,) = home_view(home, AT, reached=True).whose
    assert card.question == "Who was this?"
    assert [choice.words for choice in card.choices] == ["Joan", "Margaret", "Someone else"]
    assert home.belongs_to(card.id, "joan")
    assert standing(journal) == [("margaret", 70.0), ("joan", 92.0), ("joan", 92.1)]
    assert journal.open_prompts(AT) == []
    home.take([said(92.1, 5)])
    assert len(standing(journal)) == 3


def test_a_shared_scale_knows_its_people_apart_once_each_was_named(open_home: Open) -> None:
    home, journal = open_home(shared=True)
    home.take([said(70.0), said(92.0, 1)])
    newest, first = journal.held.open(9)
    assert home.belongs_to(first.weighing, "margaret")
    assert home.belongs_to(newest.weighing, "joan")
    home.take([said(91.5, 10), said(70.5, 11), said(91.5, 10)])
    assert standing(journal) == [
        ("margaret", 70.0),
        ("joan", 92.0),
        ("joan", 91.5),
        ("margaret", 70.5),
    ]
    assert journal.held.open(9) == []


def test_a_stored_weight_is_compared_with_those_of_its_own_time(open_home: Open) -> None:
    home, journal = open_home(alone=True)
    home.take([said(70.0), said(74.0, 1), said(78.0, 2), said(82.0, 3)])
    home.take([said(70.5, 0.5)])
    assert journal.held.open(9) == []
    assert len(standing(journal)) == 5


def test_a_repeat_of_what_counted_still_counts_once_however_far_it_is_now(open_home: Open) -> None:
    home, journal = open_home(alone=True)
    home.take([said(82.0, 3)])
    home.take([said(70.0, 0)])
    (held,) = journal.held.open(9)
    home.belongs_to(held.weighing, "margaret")
    home.take([said(82.0, 3), said(70.0, 0)])
    assert journal.held.open(9) == []
    assert standing(journal) == [("margaret", 70.0), ("margaret", 82.0)]


@pytest.mark.parametrize(("answer", "fat"), [("joan", [("joan", 38.0)]), ("", [])])
def test_what_the_scale_works_out_goes_where_the_weight_goes(
    open_home: Open, answer: str, fat: list[tuple[str, float]]
) -> None:
    home, journal = open_home()
    home.take([said(70.0), said(92.0, 1, "joan's/body_weight"), said(92.1, 5)])
    home.take([said(38.0, 5.2, "scale/body_fat")])
    assert standing(journal, "body_fat") == []
    (held,) = journal.held.open(9)
    home.belongs_to(held.weighing, answer)
    assert standing(journal, "body_fat") == fat
    home.take([said(37.0, 5.5, "scale/body_fat"), said(30.0, 20, "scale/body_fat")])
    assert [value for _, value in standing(journal, "body_fat")][-1:] == [30.0]
    later = [one for one in standing(journal, "body_fat") if one[1] == 37.0]
    assert later == ([("joan", 37.0)] if answer else [])


def test_of_too_many_that_wait_the_oldest_is_given_up_and_kept_aside(open_home: Open) -> None:
    home, journal = open_home(alone=True)
    home.take([said(70.0)])
    home.take([said(100.0 + n, 1 + n / 10) for n in range(MOST_OPEN + 2)])
    left = journal.held.open(MOST_OPEN + 9)
    assert len(left) == MOST_OPEN
    assert left[-1].reading.value == 102.0
    assert journal.counts()[RecordKind.QUARANTINE] == 2
    home.take([said(100.0, 1)])
    assert len(journal.held.open(MOST_OPEN + 9)) == MOST_OPEN


def test_a_weight_over_bluetooth_waits_with_its_bytes(open_home: Open) -> None:
    home, journal = open_home(alone=True)
    home.take([said(70.0)])
    frame = CharacteristicValue(
        address=GATT_SCALE, characteristic="2A9D", value=bytes.fromhex("00f447"), received_at=AT
    )
    home.take([frame])
    (held,) = journal.held.open(9)
    assert held.reading.value == pytest.approx(92.1)
    assert held.raw == f"{GATT_SCALE} 2A9D 00f447".encode()


def pressure(user: int | None) -> CharacteristicValue:
    """128 over 81, with the cuff's user."""
    flags, slot = ("02", "") if user is None else ("0a", f"{user:02x}")
    return CharacteristicValue(
        address=CUFF,
        characteristic="2A35",
        value=bytes.fromhex(flags + "800051005d00" + "ea070302060000" + slot),
        received_at=AT,
    )


@pytest.mark.parametrize("user", [1, 255, None], ids=["her slot", "unknown", "none"])
def test_what_a_cuff_measured_for_its_person_or_for_nobody_counts(
    open_home: Open, user: int | None
) -> None:
    home, journal = open_home()
    home.take([pressure(user)])
    assert standing(journal, "systolic_pressure") == [("margaret", 128.0)]


def test_what_a_cuff_measured_for_its_other_user_waits_for_a_yes(open_home: Open) -> None:
    home, journal = open_home()
    home.take([pressure(2)])
    assert standing(journal, "systolic_pressure") == []
    (card,) = home_view(home, AT, reached=True).whose
    assert card.what.startswith("Systolic blood pressure: 128 mmHg")
    assert [choice.person for choice in card.choices] == ["joan", "margaret", ""]
    home, journal = open_home()
    home.take([pressure(2)])
    (held,) = journal.held.open(9)
    assert held.why == Why.OTHER_SLOT
    assert home.belongs_to(held.weighing, "joan")
    for metric, value in (("systolic_pressure", 128.0), ("diastolic_pressure", 81.0)):
        assert standing(journal, metric) == [("joan", value)]
    home.take([pressure(2)])
    assert standing(journal, "systolic_pressure") == [("joan", 128.0)]
    assert journal.held.open(9) == []


def test_a_cuff_that_is_shared_does_not_say_whose_by_its_slot(open_home: Open) -> None:
    home, journal = open_home(shared=True)
    home.take([pressure(2)])
    assert standing(journal, "systolic_pressure") == [("margaret", 128.0)]
