"""`homebeat decode` says of each line of other implementations' GATT frames what they say."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from gateway.decode import decode_lines

SHARED = Path(os.environ.get("HOMEBEAT_SHARED", Path(__file__).parents[3] / "shared"))
FRAMES = SHARED / "vectors" / "gatt.jsonl"
LINES = FRAMES.read_text().splitlines() if FRAMES.is_file() else []

# What the source calls it, and our metric; all else is a fact under the source's name.
METRICS = {
    "systolic": "systolic_pressure", "diastolic": "diastolic_pressure",
    "mean_arterial_pressure": "mean_arterial_pressure", "pulse_rate": "pulse_rate",
    "heart_rate": "pulse_rate", "energy_expended_kJ": "energy_expended",
    "rr_intervals_1_1024s": "rr_interval", "temperature": "body_temperature",
    "displayed_mg_dl": "blood_glucose", "body_fat_pct": "body_fat",
    "basal_metabolism_kJ": "basal_metabolism", "impedance_ohm": "body_impedance",
    "weight": "body_weight", "bmi": "bmi", "height": "body_height", "spo2": "oxygen_saturation",
    "pulse_amplitude_index": "pulse_amplitude_index", "battery_pct": "battery",
}  # fmt: skip
CUFF = ("2A35", "2A36")
AS_QUALITY = {"status": CUFF, "measurement_status": ("2A5E",), "device_sensor_status": ("2A5E",)}
"""Status bits that become quality, which the tests of the devices hold bit by bit."""


def ask(line: str) -> dict[str, Any]:
    (text,) = decode_lines([line])
    answer: dict[str, Any] = json.loads(text)
    return answer


def readings(answer: dict[str, Any], metric: str) -> list[float]:
    """In the unit in which the device said it."""
    return [
        row.get("raw_value", row["value"]) for row in answer["readings"] if row["metric"] == metric
    ]


def facts(answer: dict[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = answer.get("facts", {})
    return told | told.get("placeholder", {})


def check(line: dict[str, Any], answer: dict[str, Any], name: str, value: object) -> None:
    if line["characteristic"] in AS_QUALITY.get(name, ()):
        assert all(isinstance(row["quality"], list) for row in answer["readings"])
    elif (name == "unit" and "concentration" not in line["expected"]) or name == "height_unit":
        assert answer["readings"]
    elif name in ("timestamp", "user_id"):
        own = {"timestamp": "taken_at", "user_id": "user"}[name]
        assert {row[own] for row in answer["readings"]} == {value}
    elif name in METRICS and name not in facts(answer):
        cuff = line["characteristic"] == "2A36" and name == "systolic"
        found = readings(answer, "cuff_pressure" if cuff else METRICS[name])
        assert found == (value if isinstance(value, list) else [value])
    else:
        assert facts(answer)[name] == value


@pytest.mark.skipif(not LINES, reason=f"no vectors at {FRAMES}: set HOMEBEAT_SHARED")
@pytest.mark.parametrize(
    "text", [pytest.param(text, id=f"{number}") for number, text in enumerate(LINES, 1)]
)
def test_a_line_of_another_implementation_is_answered_as_it_says(text: str) -> None:
    line = json.loads(text)
    answer = ask(text)
    values = [value for name, value in line["expected"].items() if name in METRICS]
    failed = bool(values) and all(value == "NaN" for value in values)
    if line.get("invalid") or failed:
        assert set(answer) == {"error", "hex"}
        assert answer["hex"] == line["hex"]
        return
    assert line["expected"]
    for name, value in line["expected"].items():
        check(line, answer, name, value)


@pytest.mark.parametrize(
    ("characteristic", "frame", "name", "value"),
    [
        pytest.param("SFLOAT", "01fe", "sfloat", -51.1, id="sfloat"),
        pytest.param("sfloat", "ff07", "sfloat", "NaN", id="not-a-number"),
        pytest.param("SFLOAT", "0008", "sfloat", "NRes", id="not-at-this-resolution"),
        pytest.param("SFLOAT", "fe07", "sfloat", "+Inf", id="infinity"),
        pytest.param("SFLOAT", "0208", "sfloat", "-Inf", id="negative-infinity"),
        pytest.param("SFLOAT", "0108", "sfloat", "reserved", id="reserved"),
        pytest.param("FLOAT", "6c0100ff", "float32", 36.4, id="float"),
        pytest.param("FLOAT", "ffff7f00", "float32", "NaN", id="float-not-a-number"),
    ],
)
def test_a_bare_number_of_the_profiles_is_said(
    characteristic: str, frame: str, name: str, value: object
) -> None:
    answer = ask(json.dumps({"characteristic": characteristic, "hex": frame}))
    assert answer["facts"] == {name: value}
    assert answer["readings"] == []


@pytest.mark.parametrize(("name", "frame"), [("SFLOAT", "01"), ("FLOAT", "6c0100ff00")])
def test_a_bare_number_of_another_size_is_an_error(name: str, frame: str) -> None:
    answer = ask(json.dumps({"characteristic": name, "hex": frame}))
    assert set(answer) == {"error", "hex"}
    assert answer["hex"] == frame


def test_a_quirk_is_named_in_the_line_or_among_what_is_known() -> None:
    beurer = {"characteristic": "2A35", "hex": "566a0047000000ea07080b121f00003f000000"}
    plain = ask(json.dumps(beurer))
    named = ask(json.dumps(beurer | {"quirk": "beurer_be"}))
    known = ask(json.dumps(beurer | {"known": {"quirk": "beurer_be"}}))
    assert "error" in plain
    assert named == known
    assert readings(named, "pulse_rate") == [63.0]


def test_a_characteristic_may_be_written_as_a_hexadecimal_number() -> None:
    assert ask('{"characteristic": "0x2A19", "hex": "64"}')["readings"][0]["value"] == 100.0


def test_a_session_s_start_gives_a_sensor_s_records_their_time() -> None:
    start = {"start": "2026-03-02T06:00:00", "tz_15min": 0, "dst": 0}
    line = {"characteristic": "2AA7", "hex": "060078000a00", "known": start}
    (reading,) = ask(json.dumps(line))["readings"]
    assert reading["taken_at"] == "2026-03-02T06:10:00Z"
    assert reading["quality"] == []
