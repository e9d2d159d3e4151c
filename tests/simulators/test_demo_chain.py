"""The check follows ids from the air to the nurse, and names the first link that is missing."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from devices.model import Reading as HomeReading
from devices.model import reading_id
from gateway.journal import Journal
from simulators.demo.chain import LINKS, chain_of, counts, first_missing
from simulators.demo.cuts import CUTS, LinkName
from simulators.demo.evidence import Home, Reading, Server, of_home, traces
from simulators.homes.diary import Diary

AT = datetime(2026, 11, 23, 7, tzinfo=UTC)
CUFF = Reading("cuff", "systolic_pressure", b"A4:C1:38:00:00:01 2A35 068a00")
WEIGHT = Reading("weight", "body_weight", b'scales/bathroom {"weight": 73.8}')
ANSWER = Reading("answer", "symptom.ankles_swollen", b"prompt ask")
ONLINE = Reading("online", "device_online", b"zigbee2mqtt/hall/availability online")

Finding = Mapping[str, Any]


def finding(*rests_on: str) -> Finding:
    return {"because": {"readings": list(rests_on)}}


HOME = Home(
    readings={one.id: one for one in (CUFF, WEIGHT, ANSWER, ONLINE)},
    findings={
        "gain": finding("weight"),
        "symptom": finding("answer"),
        "both": finding("gain", "symptom"),
    },
    prompts={"ask": {"finding": "gain", "ask": ["symptom.ankles_swollen"]}},
    requests={"request": {"finding": "both"}},
    read_by_person=frozenset({"ask"}),
)
SERVER = Server(
    readings=frozenset({"cuff", "weight", "answer"}),
    alerts={"request": "alert"},
    acknowledged={"alert": {"seq": 2, "actor": "nurse"}},
)


def home(**changes: Any) -> Home:
    return Home(**{name: changes.get(name, getattr(HOME, name)) for name in HOME.__struct_fields__})


def server(**changes: Any) -> Server:
    fields = SERVER.__struct_fields__
    return Server(**{name: changes.get(name, getattr(SERVER, name)) for name in fields})


def without(*gone: Reading) -> dict[str, Reading]:
    return {id_: one for id_, one in HOME.readings.items() if one not in gone}


BREAKS = [
    pytest.param("radio", home(readings=without(CUFF)), SERVER, id="nothing over Bluetooth"),
    pytest.param("broker", home(readings=without(WEIGHT)), SERVER, id="only a link state by MQTT"),
    pytest.param("rule", home(prompts={}), SERVER, id="no question"),
    pytest.param("rule", home(findings={}), SERVER, id="a question about nothing"),
    pytest.param(
        "rule", home(prompts={"ask": {"finding": "gain", "ask": []}}), SERVER, id="nothing asked"
    ),
    pytest.param("prompt", home(read_by_person=frozenset()), SERVER, id="nobody read it"),
    pytest.param("answer", home(readings=without(ANSWER)), SERVER, id="no answer"),
    pytest.param("sync", HOME, server(readings=frozenset()), id="nothing at the server"),
    pytest.param("alert", HOME, server(alerts={}), id="no alert"),
    pytest.param(
        "alert", home(requests={"request": {"finding": "gain"}}), SERVER, id="another alert"
    ),
    pytest.param("page", HOME, server(acknowledged={}), id="nobody took it"),
    pytest.param(
        "page", HOME, server(acknowledged={"other": {"seq": 1}}), id="another alert was taken"
    ),
]


def test_a_whole_chain_misses_nothing() -> None:
    assert first_missing(chain_of(HOME, SERVER)) is None


@pytest.mark.parametrize(("name", "at_home", "at_server"), BREAKS)
def test_the_first_missing_link_is_named(name: str, at_home: Home, at_server: Server) -> None:
    missing = first_missing(chain_of(at_home, at_server))
    assert missing is not None
    assert missing.name == name


def test_nothing_at_all_misses_the_first_link() -> None:
    missing = first_missing(chain_of(Home(), Server()))
    assert missing is LINKS[0]


def test_each_link_can_be_cut() -> None:
    assert [link.name for link in LINKS] == list(LinkName) == list(CUTS)


def test_a_trace_goes_from_the_bytes_to_the_acknowledgement() -> None:
    (trace,) = traces(HOME, SERVER)
    assert trace.raw == 'scales/bathroom {"weight": 73.8}'
    assert (trace.reading, trace.finding, trace.prompt) == ("weight", "gain", "ask")
    assert (trace.answer, trace.answer_finding) == ("answer", "both")
    assert (trace.alert_request, trace.alert) == ("request", "alert")
    assert trace.acknowledgement == {"seq": 2, "actor": "nurse"}


def test_findings_that_rest_on_each_other_end() -> None:
    looped = home(findings={"gain": finding("both", "weight"), "both": finding("gain")})
    assert [one.id for one in looped.rests_on("both")] == ["weight"]


@pytest.mark.parametrize(
    ("count", "number"),
    [
        ("bluetooth_readings", 1),
        ("mqtt_readings", 1),
        ("prompts", 1),
        ("answers", 1),
        ("alerts", 1),
        ("acknowledgements", 1),
        ("readings_at_home", 4),
        ("readings_at_the_server", 3),
    ],
)
def test_counts_are_of_what_is_there(count: str, number: int) -> None:
    assert counts(chain_of(HOME, SERVER))[count] == number


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    path = tmp_path / "journal.sqlite3"
    kept = Journal(path)
    reading = HomeReading(
        id=reading_id("margaret", "scale", "body_weight", AT, 73.8),
        patient="margaret",
        device="scale",
        metric="body_weight",
        value=73.8,
        unit="kg",
        taken_at=AT,
        received_at=AT,
    )
    with kept.transaction():
        kept.add_readings([(reading, WEIGHT.raw)])
    kept.close()
    return path


def test_the_gateways_own_journal_is_read(journal: Path, tmp_path: Path) -> None:
    diary = Diary(tmp_path / "diary.jsonl")
    diary.note(AT, "margaret", "read a prompt", prompt="ask")
    diary.close()
    found = of_home(journal, tmp_path / "diary.jsonl")
    assert [one.raw for one in found.readings.values()] == [WEIGHT.raw]
    assert found.read_by_person == frozenset({"ask"})


def test_a_home_without_a_journal_has_no_evidence(tmp_path: Path) -> None:
    assert of_home(tmp_path / "none.sqlite3", tmp_path / "none.jsonl") == Home()
