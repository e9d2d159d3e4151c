"""The same rules everywhere: a month lived at home, and replayed from what the server has stored.

At home it is lived day by day: values come in bursts, some late, some twice, one is struck out, the
gateway is restarted on the way. At the server the same month is one pass over the stored readings.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import psycopg
import pytest

from devices.mapping import Mapping
from devices.model import Clock, MqttMessage, Quality, Reading
from gateway.config import HomeDevice
from gateway.home import Home
from gateway.intake import Intake
from gateway.journal import Journal
from gateway.plan import load_packs
from plumbing.clock import HomeTime
from rules.engine import advance, start
from rules.model import Finding, Lane, Plan
from rules.plan import parse_plan
from rules.records import Batch, encode

pytestmark = [pytest.mark.processes, pytest.mark.anyio]

STARTS = datetime(2026, 3, 10, 0, 0, tzinfo=UTC)
"""The clocks go forward on the 29th."""
DAYS = 31
ENDS = STARTS + timedelta(days=DAYS + 3)
"""After the last of what is late."""
SENSORS = {
    "scale": ("body_weight", "kg"),
    "upper": ("systolic_pressure", "mm[Hg]"),
    "lower": ("diastolic_pressure", "mm[Hg]"),
    "hall": ("movement", "1"),
    "oximeter": ("oxygen_saturation", "%"),
}
PEOPLE = [
    {
        "id": "margaret",
        "name": "Margaret Ellis",
        "simulated": True,
        "packs": [{"pack": name} for name in ("heart-failure", "hypertension", "copd", "frailty")],
    }
]


class HeldTime(HomeTime, frozen=False, kw_only=True):
    """Home time that the test moves."""

    shown: datetime = STARTS

    def now(self) -> datetime:
        return self.shown


def said(random: Random) -> Iterator[tuple[datetime, MqttMessage]]:
    """(when it arrives, what): nine in ten at once, one in ten up to two days late."""
    for day in range(DAYS):
        rise = max(0.0, day - 18) * 0.5
        morning = STARTS + timedelta(days=day, hours=7, minutes=random.randrange(40))
        values = [("scale", morning, round(80 + rise + random.gauss(0, 0.3), 1))]
        for hours in (0, 11):
            for minute in (3, 6):
                at = morning + timedelta(hours=hours, minutes=minute)
                values.append(("upper", at, random.randrange(118, 190)))
                values.append(("lower", at, random.randrange(64, 104)))
        values.append(("oximeter", morning, random.randrange(86, 99)))
        for _ in range(random.randrange(1, 9)):
            minutes = random.randrange(6 * 60, 23 * 60)
            values.append(("hall", STARTS + timedelta(days=day, minutes=minutes), 1.0))
        for sensor, at, value in values:
            late = timedelta(hours=random.randrange(1, 48)) if random.random() < 0.1 else None
            arrives = at + (late or timedelta(seconds=1))
            payload = encode({"v": value, "at": at.timestamp()})
            yield arrives, MqttMessage(topic=sensor, payload=payload, received_at=arrives)


def home_of(folder: Path, plan: Plan, clock: HeldTime) -> tuple[Home, Journal]:
    journal = Journal(folder / "journal")
    mappings = [
        Mapping(topic=name, device=name, metric=metric, value="v", unit=unit, time="at")
        for name, (metric, unit) in SENSORS.items()
    ]
    devices = [HomeDevice(device=name, patient="margaret") for name in SENSORS]
    intake = Intake(devices, mappings, plan.people, journal.facts())
    home = Home(journal, plan, intake, clock)
    home.stop_waiting()
    return home, journal


def live(folder: Path, plan: Plan, random: Random) -> Journal:
    """A month, in the order of arrival; every timer at its moment."""
    clock = HeldTime(shown=STARTS)
    home, journal = home_of(folder, plan, clock)
    arrivals = sorted(said(random), key=lambda pair: pair[0])
    for number, (arrives, message) in enumerate(arrivals):
        while (due := home.wake_at()) is not None and due < arrives:
            clock.shown = due
            home.wake()
        clock.shown = arrives
        home.stay_alive()
        home.take([message] * random.choice((1, 1, 2)))
        if number % 150 == 149:
            journal.close()
            home, journal = home_of(folder, plan, clock)
    weights = journal.readings(["body_weight"], STARTS, ENDS)
    weight = max(weights, key=lambda one: one.value)
    assert home.correct(weight.id, "slip")
    clock.shown = ENDS
    home.stay_alive()
    home.wake()
    return journal


def stored(sql: psycopg.Connection) -> list[Reading]:
    """As the server has them, without those that were struck out."""
    rows = sql.execute(
        "SELECT id, patient, device, metric, value, unit, taken_at, received_at, clock, quality "
        'FROM readings ORDER BY taken_at, id COLLATE "C"'
    ).fetchall()
    found = [
        Reading(
            id=row[0],
            patient=row[1],
            device=row[2],
            metric=row[3],
            value=row[4],
            unit=row[5],
            taken_at=row[6].astimezone(UTC),
            received_at=row[7].astimezone(UTC),
            clock=Clock(row[8]),
            quality=tuple(Quality(word) for word in row[9].split()),
        )
        for row in rows
    ]
    return [one for one in found if Quality.ENTERED_IN_ERROR not in one.quality]


@pytest.mark.parametrize("seed", [1, 2])
async def test_a_month_replayed_from_the_servers_store_finds_what_the_home_found(
    seed: int, rig, sql, tmp_path: Path
) -> None:
    plan = parse_plan({"version": "1", "people": PEOPLE}, load_packs())
    journal = live(tmp_path, plan, Random(seed))
    for lane in (Lane.URGENT, Lane.BULK):
        while records := journal.outbox(lane, "home-1", 500):
            answer = await rig.home.request(
                "POST", "/api/v1/records", encode(Batch(records=tuple(records)))
            )
            assert answer.json()["rejected"] == []
            journal.mark_sent(lane, records[-1].seq)
    readings = stored(sql)
    replayed = advance(plan, start(plan, STARTS), readings, ENDS).findings
    at_home = journal.findings([rule.id for rule in plan.rules], STARTS)
    assert len(readings) > 300
    assert len(at_home) > 50
    assert sorted(map(_line, replayed)) == sorted(map(_line, at_home))
    assert sql.execute("SELECT count(*) FROM records WHERE kind = 'superseded'").fetchone()[0] > 0


def _line(finding: Finding) -> tuple[datetime, str, str, str]:
    return finding.at, finding.rule, finding.phase, finding.id
