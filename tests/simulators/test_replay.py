"""A recording is read in order of time, and said again at the speed that the tester chose."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

import pytest

from devices.model import Advertisement, CharacteristicValue, MqttMessage, Raw
from devices.registry import by_key, match
from simulators.play import replay, run
from simulators.play.replay import NotReplayed, Recorded, lasts_s, paced, recorded
from simulators.play.run import about

AT = datetime(2026, 1, 1, 8, tzinfo=UTC)
HEAD = "patient,metric,value,unit,taken_at\n"


def file_of(folder: Path, *lines: dict[str, object]) -> Path:
    file = folder / "frames.jsonl"
    file.write_text("\n".join(json.dumps(line) for line in lines))
    return file


def at(minutes: int) -> str:
    return (AT + timedelta(minutes=minutes)).isoformat()


def test_frames_of_all_three_kinds_are_read_in_order_of_time(tmp_path: Path) -> None:
    file = file_of(
        tmp_path,
        {"at": at(2), "topic": "zigbee2mqtt/hall", "payload": '{"occupancy":true}'},
        {"topic": "zigbee2mqtt/hall", "payload": {"occupancy": False}, "retained": True},
        {"at": at(1), "advertisement": {"address": "a4:c1:38:00:00:0a",
                                        "service_data": {"FCD2": "4001502101"}}},
        {"at": at(0), "characteristic": "0x2a9d", "hex": "00a839"},
    )  # fmt: skip
    frames = [one.raw for one in recorded(file)]
    assert [type(raw) for raw in frames] == [
        CharacteristicValue,
        Advertisement,
        MqttMessage,
        MqttMessage,
    ]
    assert [(kind := match(raw)) and kind.key for raw in frames] == [
        "gatt.weight_scale",
        "bthome",
        "zigbee2mqtt",
        "zigbee2mqtt",
    ]
    assert [raw.payload for raw in frames if isinstance(raw, MqttMessage)] == [
        b'{"occupancy":true}',
        b'{"occupancy": false}',
    ]


def test_readings_become_messages_for_a_mapping(tmp_path: Path) -> None:
    file = tmp_path / "readings.csv"
    file.write_text(HEAD + f"b,body_weight,72.4,kg,{at(5)}\na,heart,70,/min,{at(0)}\n")
    frames = [one.raw for one in recorded(file)]
    assert [raw.topic for raw in frames if isinstance(raw, MqttMessage)] == [
        "replay/a/heart",
        "replay/b/body_weight",
    ]
    assert isinstance(frames[1], MqttMessage)
    assert json.loads(frames[1].payload) == {"value": 72.4, "unit": "kg", "time": at(5)}


def test_readings_are_said_by_a_device_of_each_person(tmp_path: Path) -> None:
    file = tmp_path / "readings.csv"
    file.write_text(
        HEAD
        + f"a,body_weight,159.6,[lb_av],{at(0)}\nb,body_weight,72.4,kg,{at(1)}\n"
        + f"a,pulse_rate,70,/min,{at(2)}\n"
    )
    scale = by_key("gatt.weight_scale")
    assert scale is not None
    frames = [one.raw for one in recorded(file, scale)]
    said = [scale.decode(raw, {}).measurements[0] for raw in frames]
    assert [round(item.value, 1) for item in said] == [72.4, 72.4]
    assert len({item.device for item in said}) == 2
    assert said[0].taken_at == AT.replace(tzinfo=None)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        pytest.param("f.jsonl", '{"at":"2026-01-01T08:00:00","topic":"a"}', "zone", id="no zone"),
        pytest.param("f.jsonl", '{"at":"2026-01-01T08:00:00Z"}', "names no", id="no frame"),
        pytest.param("f.jsonl", '{"characteristic":"2A9D","hex":"0"}', ":1:", id="no hex"),
        pytest.param("f.jsonl", "\n\nfree", ":3:", id="no JSON"),
        pytest.param("f.csv", "who,what\na,b\n", "patient", id="no readings"),
        pytest.param("f.csv", HEAD + "a,x,fat,kg,2026-01-01T08:00Z\n", ":2:", id="no number"),
    ],
)  # fmt: skip
def test_what_can_not_be_read_is_said_with_its_line(
    tmp_path: Path, name: str, content: str, said: str
) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(NotReplayed, match=said):
        recorded(tmp_path / name)


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(NotReplayed, match="none"):
        recorded(tmp_path / "none.jsonl")


@pytest.mark.parametrize(
    ("speed", "waits_s"),
    [
        pytest.param(1.0, [60.0, 540.0], id="as it was"),
        pytest.param(60.0, [1.0, 9.0], id="sixty times as fast"),
        pytest.param(0.0, [], id="at once"),
    ],
)
def test_frames_are_as_far_apart_as_they_were_by_the_speed(
    speed: float, waits_s: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    sent: list[Raw] = []

    async def wait(seconds: float) -> None:
        waited.append(seconds)

    async def send(raw: Raw) -> None:
        sent.append(raw)

    monkeypatch.setattr(replay.asyncio, "sleep", wait)
    message = MqttMessage(topic="a", payload=b"", received_at=AT)
    moments = (AT, AT + timedelta(minutes=1), None, AT + timedelta(minutes=10))
    asyncio.run(paced([Recorded(moment, message) for moment in moments], speed, send))
    assert len(sent) == 4
    assert waited == waits_s
    assert lasts_s([Recorded(moment, message) for moment in moments], speed) == sum(waits_s)


@pytest.mark.parametrize(
    ("span_s", "said"),
    [
        pytest.param(0.0, "about 0 seconds", id="nothing"),
        pytest.param(90.0, "about 90 seconds", id="seconds"),
        pytest.param(14437.0, "about 4 hours", id="hours"),
        pytest.param(3 * 86_400.0, "about 3 days", id="days"),
    ],
)
def test_how_long_a_recording_takes_is_said_in_round_words(span_s: float, said: str) -> None:
    assert about(span_s) == said


def test_a_recording_that_takes_long_is_said_to_with_the_speed_that_would_not(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def wait(seconds: float) -> None:
        """At once."""

    monkeypatch.setattr(replay.asyncio, "sleep", wait)
    monkeypatch.setattr(run, "Publisher", Nobody)
    message = MqttMessage(topic="a", payload=b"", received_at=AT)
    year = [Recorded(AT, message), Recorded(AT + timedelta(days=30), message)]
    run.replay_over_mqtt(year, 60.0, "127.0.0.1", 1)
    run.replay_over_mqtt(year, 0.0, "127.0.0.1", 1)
    printed = map(json.loads, capsys.readouterr().out.splitlines())
    slow, fast = (line for line in printed if "ready" in line)
    assert slow["takes"] == "about 12 hours"
    assert slow["hint"] == "--speed 43200 takes a minute, --speed 0 sends all at once"
    assert "hint" not in fast


class Nobody:
    """A broker that takes everything."""

    def __init__(self, *_: object) -> None:
        self.taken: list[object] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to close."""

    def wait_connected(self, _s: float) -> bool:
        return True

    def wait_sent(self, _s: float) -> bool:
        return True

    def publish(self, publication: object) -> None:
        self.taken.append(publication)
