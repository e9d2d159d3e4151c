import asyncio
import random
from datetime import UTC, datetime

import msgspec
import pytest

from rules.model import Lane, Tier
from rules.records import (
    BODY_TYPES,
    MAX_BATCH,
    MAX_BODY_BYTES,
    Batch,
    BatchAnswer,
    Correction,
    SnoozeRefused,
    encode,
)
from rules.snooze import Snooze

pytestmark = [pytest.mark.processes, pytest.mark.anyio]


def answer(response) -> BatchAnswer:
    assert response.status_code == 200, response.text
    return msgspec.json.decode(response.content, type=BatchAnswer)


def everything(sql) -> dict[str, list]:
    tables = ("readings", "latest", "records", "alerts", "alert_requests", "alert_audit", "notices")
    return {
        table: sql.execute(f"SELECT * FROM {table} ORDER BY 1, 2, 3, 4").fetchall()
        for table in tables
    }


async def test_a_batch_posted_twice_changes_nothing(rig, sql, make) -> None:
    records = [
        rig.home.record("reading", make.reading(79.0)),
        rig.home.record("reading", make.reading(81.4, minutes=1)),
        rig.home.record("finding", make.finding("finding-1")),
        rig.home.record("prompt", make.prompt("prompt-1")),
        rig.home.record("alert", make.request("request-1"), Lane.URGENT),
        rig.home.record("superseded", make.superseded("finding-of-request-1")),
    ]
    assert answer(await rig.home.post(*records)).committed == 6
    once = everything(sql)
    assert len(once["readings"]) == 2
    assert len(once["alerts"]) == 1
    assert answer(await rig.home.post(*records)) == BatchAnswer(committed=6)
    assert everything(sql) == once


async def test_a_reading_is_stored_whole(rig, sql, make) -> None:
    reading = make.reading(
        82.5, quality=("unusual", "movement"), raw_value=181.9, raw_unit="[lb_av]"
    )
    answer(await rig.home.post(rig.home.record("reading", reading)))
    row = sql.execute(
        "SELECT patient, metric, taken_at, id, value, unit, device, received_at, clock, quality,"
        " raw_value, raw_unit, gateway FROM readings"
    ).fetchone()
    assert row == (
        "margaret", "body_weight", reading.taken_at, reading.id, 82.5, "kg", "bathroom scale",
        reading.received_at, "received", "unusual movement", 181.9, "[lb_av]", "home-1",
    )  # fmt: skip


async def test_two_values_of_one_instant_are_both_kept(rig, sql, make) -> None:
    readings = [make.reading(79.0), make.reading(79.1)]
    answer(await rig.home.post(*(rig.home.record("reading", each) for each in readings)))
    assert sql.execute("SELECT count(*) FROM readings").fetchone() == (2,)
    assert sql.execute("SELECT count(*) FROM latest").fetchone() == (1,)


def _wrong_unit(make):
    return make.reading(79.0, unit="[lb_av]")


def _implausible(make):
    return make.reading(7900.0)


def _someone_elses(make):
    return make.reading(79.0, patient="joan")


def _nul(make):
    return make.reading(79.0, device="scale\0")


def _endless_device(make):
    return make.reading(79.0, device="x" * 10_000)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        pytest.param(_wrong_unit, "kept in kg", id="unit"),
        pytest.param(_implausible, "outside 20 to 300", id="implausible"),
        pytest.param(_someone_elses, "does not speak for joan", id="another-home"),
        pytest.param(_nul, "characters", id="nul"),
        pytest.param(_endless_device, "characters", id="too-long"),
    ],
)
async def test_one_bad_reading_costs_only_itself(rig, sql, make, bad, reason) -> None:
    good, spoilt = make.reading(80.0, minutes=5), bad(make)
    got = answer(
        await rig.home.post(rig.home.record("reading", spoilt), rig.home.record("reading", good))
    )
    assert got.committed == 1
    assert [each.id for each in got.rejected] == [spoilt.id]
    assert reason in got.rejected[0].reason
    assert sql.execute("SELECT id FROM readings").fetchall() == [(good.id,)]
    kept = sql.execute("SELECT gateway, record, reason, raw FROM quarantine").fetchone()
    assert kept[:2] == ("home-1", spoilt.id)
    assert reason in kept[2]
    assert kept[3] == encode(spoilt)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{"id": 3}', id="not-a-reading"),
        pytest.param(b'"text"', id="not-an-object"),
        pytest.param(b'{"id":"x","patient":"margaret","value":"NaN"}', id="a-text-for-a-number"),
    ],
)
async def test_a_body_that_is_not_what_its_kind_promises_is_kept_aside(
    rig, sql, make, body
) -> None:
    good = rig.home.record("reading", make.reading())
    bad = msgspec.structs.replace(good, id="bad", body=msgspec.Raw(body))
    got = answer(await rig.home.post(good, bad))
    assert (got.committed, [each.id for each in got.rejected]) == (1, ["bad"])
    assert sql.execute("SELECT raw FROM quarantine").fetchone() == (body,)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        pytest.param("unheard-of", lambda make: b'{"a":"\\u0000"}', id="nul"),
        pytest.param("unheard-of", lambda make: b'{"a":1e999999}', id="a-number-without-end"),
        pytest.param(
            "alert",
            lambda make: encode(make.request(random.Random(1).randbytes(6_000).hex())),
            id="an-id-that-no-index-holds",
        ),
    ],
)
async def test_what_the_database_refuses_costs_only_itself(rig, sql, make, kind, body) -> None:
    body = body(make)
    good = rig.home.record("reading", make.reading())
    also_good = rig.home.record("alert", make.request("request-1"))
    bad = msgspec.structs.replace(good, id="bad", kind=kind, body=msgspec.Raw(body))
    got = answer(await rig.home.post(good, bad, also_good))
    assert (got.committed, [each.id for each in got.rejected]) == (2, ["bad"])
    assert sql.execute("SELECT count(*) FROM readings").fetchone() == (1,)
    assert sql.execute("SELECT count(*) FROM alerts").fetchone() == (1,)
    assert sql.execute("SELECT raw FROM quarantine").fetchone() == (body,)


async def test_something_that_is_no_record_costs_only_itself(rig, sql, make) -> None:
    good = encode(rig.home.record("reading", make.reading())).decode()
    body = f'{{"records": [{good}, {{"id": "half", "kind": "reading"}}, 7]}}'.encode()
    got = answer(await rig.home.request("POST", "/api/v1/records", body))
    assert got.committed == 1
    assert len(got.rejected) == 2
    assert got.rejected[0].id == "half"
    assert sql.execute("SELECT count(*) FROM quarantine").fetchone() == (2,)


async def test_a_bad_record_posted_twice_is_in_quarantine_once(rig, sql, make) -> None:
    bad = rig.home.record("reading", make.reading(7900.0))
    first, second = answer(await rig.home.post(bad)), answer(await rig.home.post(bad))
    assert first == second
    assert sql.execute("SELECT count(*) FROM quarantine").fetchone() == (1,)


async def test_a_record_of_another_gateway_is_refused(rig, sql, make) -> None:
    record = rig.home.record("reading", make.reading())
    theirs = msgspec.structs.replace(record, gateway="home-2")
    assert "home-2" in answer(await rig.home.post(theirs)).rejected[0].reason


async def test_a_kind_not_known_yet_is_kept_as_it_came(rig, sql) -> None:
    record = msgspec.structs.replace(
        rig.home.record("reading", msgspec.defstruct("Any", [])()),
        kind="from-the-future",
        id="f1",
        body=msgspec.Raw(b'{"new": [1, 2]}'),
    )
    assert answer(await rig.home.post(record)).committed == 1
    row = sql.execute("SELECT kind, body FROM records").fetchone()
    assert row == ("from-the-future", {"new": [1, 2]})


async def test_a_snooze_is_kept_with_its_name_and_reason(rig, sql, make) -> None:
    snooze = make.snooze("s")
    assert answer(await rig.home.post(rig.home.record("snooze", snooze))).committed == 1
    ((patient, body),) = sql.execute("SELECT patient, body FROM records").fetchall()
    assert patient == "margaret"
    assert msgspec.convert(body, Snooze) == snooze


async def test_a_metric_not_known_yet_is_kept(rig, sql, make) -> None:
    reading = make.reading(5.5, metric="grip_strength", unit="kg")
    assert answer(await rig.home.post(rig.home.record("reading", reading))).committed == 1


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        pytest.param(b"", 400, "batch", id="empty"),
        pytest.param(b"{", 400, "batch", id="cut"),
        pytest.param(b"\xff\xfe", 400, "batch", id="not-text"),
        pytest.param(b'{"records": 3}', 400, "batch", id="not-a-batch"),
        pytest.param(b"[]", 400, "batch", id="another-shape"),
        pytest.param(b"[" * 99_000, 400, "batch", id="too-deep"),
        pytest.param(b" " * (MAX_BODY_BYTES + 1), 413, "size", id="too-large"),
    ],
)
async def test_what_is_no_batch_gets_a_clear_answer(rig, body, status, code) -> None:
    response = await rig.home.request("POST", "/api/v1/records", body)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["code"] == code
    assert problem["detail"]


async def test_more_records_than_a_batch_holds_are_refused(rig, make) -> None:
    record = rig.home.record("reading", make.reading())
    body = encode(Batch(records=(record,) * (MAX_BATCH + 1)))
    response = await rig.home.request("POST", "/api/v1/records", body)
    assert (response.status_code, response.json()["code"]) == (400, "batch")


async def test_an_empty_batch_is_fine(rig) -> None:
    assert answer(await rig.home.post()) == BatchAnswer(committed=0)


async def test_latest_equals_what_the_readings_say(rig, sql, make) -> None:
    draw = random.Random(7)
    readings = [
        make.reading(
            float(draw.randrange(60, 100)),
            minutes=draw.randrange(500),
            device=draw.choice(("bathroom scale", "hall scale")),
            metric=draw.choice(("body_weight", "from_a_newer_home")),
            unit="kg",
        )
        for _ in range(600)
    ]
    batches = [
        [rig.home.record("reading", each) for each in readings[start : start + 60]]
        for start in range(0, 600, 60)
    ]
    draw.shuffle(batches)
    for batch in [*batches, *batches[:3]]:
        answer(await rig.home.post(*batch))
    latest = sql.execute(
        "SELECT patient, metric, device, taken_at, id, value FROM latest ORDER BY 1, 2, 3"
    ).fetchall()
    recomputed = sql.execute(
        "SELECT DISTINCT ON (patient, metric, device) patient, metric, device, taken_at, id, value"
        " FROM readings ORDER BY patient, metric, device, taken_at DESC, id DESC"
    ).fetchall()
    assert len(latest) == 4
    assert latest == recomputed


@pytest.fixture
def wrong(make):
    """A weight that was someone else's, and the word of the home that it was."""
    reading = make.reading(95.0, minutes=10)
    correction = Correction(
        reading=reading.id,
        patient="margaret",
        metric="body_weight",
        taken_at=reading.taken_at,
        at=reading.taken_at,
        by="home page",
        reason="someone else",
    )
    return reading, correction


ORDERS = [
    pytest.param(["right", "wrong", "correction"], id="in-order"),
    pytest.param(["correction", "right", "wrong"], id="correction-first"),
    pytest.param(["wrong", "correction", "right"], id="right-one-last"),
    pytest.param(["right+wrong+correction"], id="together"),
    pytest.param(["wrong", "correction", "correction", "wrong", "right"], id="twice"),
]


@pytest.mark.parametrize("order", ORDERS)
async def test_a_reading_entered_in_error_is_struck_out_and_stays(
    rig, sql, make, wrong, order
) -> None:
    right = make.reading(80.0)
    records = {
        "right": rig.home.record("reading", right),
        "wrong": rig.home.record("reading", wrong[0]),
        "correction": rig.home.record("correction", wrong[1], Lane.URGENT),
    }
    for batch in order:
        answer(await rig.home.post(*(records[name] for name in batch.split("+"))))
    kept = dict(sql.execute("SELECT id, quality FROM readings").fetchall())
    assert kept == {right.id: "", wrong[0].id: "entered-in-error"}
    assert sql.execute("SELECT id FROM latest").fetchall() == [(right.id,)]
    assert sql.execute("SELECT by, reason FROM corrections").fetchall() == [
        ("home page", "someone else")
    ]


async def test_the_only_reading_struck_out_leaves_no_latest_value(rig, sql, wrong) -> None:
    reading, correction = wrong
    answer(await rig.home.post(rig.home.record("reading", reading)))
    answer(await rig.home.post(rig.home.record("correction", correction)))
    assert sql.execute("SELECT count(*) FROM latest").fetchone() == (0,)
    assert sql.execute("SELECT count(*) FROM readings").fetchone() == (1,)


async def test_nobody_strikes_out_a_reading_of_another_home(rig, sql, wrong) -> None:
    other = rig.home_of("home-2", key_of="home-2")
    got = answer(await other.post(other.record("correction", wrong[1])))
    assert "does not speak for margaret" in got.rejected[0].reason
    assert sql.execute("SELECT count(*) FROM corrections").fetchone() == (0,)


@pytest.mark.parametrize(
    "kind", [kind for kind, body in BODY_TYPES.items() if "patient" in body.__struct_fields__]
)
async def test_every_kind_that_names_a_person_is_only_taken_from_their_home(
    rig, sql, make, wrong, kind
) -> None:
    bodies = {
        "reading": make.reading(),
        "finding": make.finding("f"),
        "prompt": make.prompt("p"),
        "alert": make.request("a"),
        "superseded": make.superseded("f"),
        "correction": wrong[1],
        "snooze": make.snooze("s"),
        "snooze-refused": SnoozeRefused(
            snooze="s", patient="margaret", at=make.at, reason="Not in the plan."
        ),
        "state": make.stated(),
    }
    other = rig.home_of("home-2", key_of="home-2")
    got = answer(await other.post(other.record(kind, bodies[kind])))
    assert "does not speak for margaret" in got.rejected[0].reason


async def test_batches_that_overlap_at_once_do_not_wait_for_each_other_in_a_ring(
    rig, sql, make
) -> None:
    draw = random.Random(11)
    readings = [
        make.reading(70.0 + minute / 10, minutes=minute, device=f"scale {minute % 7}")
        for minute in range(80)
    ]
    alerts = [make.request(f"request-{n}", Tier.T3, rule=f"rule-{n % 5}") for n in range(10)]
    records = [
        *(rig.home.record("reading", each) for each in readings),
        *(rig.home.record("alert", each) for each in alerts),
    ]
    for _ in range(4):
        shuffled = [draw.sample(records, len(records)) for _ in range(8)]
        for response in await asyncio.gather(*(rig.home.post(*each) for each in shuffled)):
            assert answer(response).committed == len(records)
    assert sql.execute("SELECT count(*) FROM readings").fetchone() == (80,)
    assert sql.execute("SELECT count(*) FROM alerts").fetchone() == (5,)
    assert sql.execute("SELECT count(*) FROM alert_requests").fetchone() == (10,)


async def test_a_heartbeat_is_kept_in_machine_time(rig, sql) -> None:
    body = b'{"home_time":"2031-01-01T00:00:00Z","waiting":7,"plan":"p1","software":"0.1"}'
    response = await rig.home.request("POST", "/api/v1/heartbeat", body)
    assert (response.status_code, response.content) == (204, b"")
    heard_at, *rest = sql.execute(
        "SELECT heard_at, home_time, waiting, plan, software FROM gateways WHERE id = 'home-1'"
    ).fetchone()
    assert rest == [datetime(2031, 1, 1, tzinfo=UTC), 7, "p1", "0.1"]
    assert abs((heard_at - datetime.now(UTC)).total_seconds()) < 60


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"{}", id="incomplete"),
        pytest.param(b"no", id="not-json"),
        pytest.param(
            b'{"home_time":"2031-01-01T00:00:00Z","waiting":7,"plan":"\\u0000","software":""}',
            id="nul",
        ),
        pytest.param(
            b'{"home_time":"2031-01-01T00:00:00Z","waiting":99999999999999999999,"plan":"",'
            b'"software":""}',
            id="too-many",
        ),
    ],
)
async def test_a_bad_heartbeat_gets_a_clear_answer(rig, body) -> None:
    response = await rig.home.request("POST", "/api/v1/heartbeat", body)
    assert response.status_code == 400
    assert response.headers["content-type"] == "application/problem+json"
