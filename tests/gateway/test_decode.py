"""`homebeat decode` answers each line of JSON with one line of JSON, whatever the line holds."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.decode import decode_lines

FCD2 = "0000fcd2-0000-1000-8000-00805f9b34fb"


def ask(*lines: object) -> list[dict[str, Any]]:
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    return [json.loads(answer) for answer in decode_lines(texts)]


def test_a_characteristic_is_said_in_the_metrics_own_units_with_what_the_device_said() -> None:
    (answer,) = ask({"characteristic": "2A35", "hex": "05bdf00b009ff03c00"[:14] + "3c00"})
    assert answer["device"] == "gatt.blood_pressure"
    systolic = answer["readings"][0]
    assert systolic["value"] == pytest.approx(141.76, abs=0.01)
    assert (systolic["unit"], systolic["raw_value"], systolic["raw_unit"]) == (
        "mm[Hg]",
        18.9,
        "kPa",
    )
    assert answer["events"] == []


def test_a_reading_has_the_fields_that_people_script() -> None:
    (answer,) = ask({"characteristic": "2A9D", "hex": "06b036e7070c190e1e2d02"})
    assert answer == {
        "device": "gatt.weight_scale",
        "readings": [
            {
                "metric": "body_weight",
                "value": 70.0,
                "unit": "kg",
                "taken_at": "2023-12-25T14:30:45",
                "quality": [],
                "user": 2,
            }
        ],
        "events": [],
    }


@pytest.mark.parametrize("uuid", [FCD2, FCD2.upper(), "fcd2", "FCD2", "0xfcd2"])
def test_an_advertisement_is_understood_by_any_spelling_of_its_uuid(uuid: str) -> None:
    (answer,) = ask(
        {"advertisement": {"address": "a4:c1:38:8d:18:b2", "service_data": {uuid: "44002e3a01"}}}
    )
    assert answer["events"] == [{"event": "button_pressed", "detail": "press", "key": "46"}]
    assert answer["facts"] == {"packet_id": 46}


@pytest.mark.parametrize(
    "characteristic",
    [
        "2A9D", "2a9d", "0x2A9D", "00002a9d", "00002A9D-0000-1000-8000-00805F9B34FB",
        "00002a9d00001000800000805f9b34fb",
    ],
)  # fmt: skip
def test_a_characteristic_is_understood_by_any_spelling(characteristic: str) -> None:
    (answer,) = ask({"characteristic": characteristic, "hex": "00b036"})
    assert answer["readings"][0]["value"] == 70.0


@pytest.mark.parametrize(
    "content", ["00b036", "00B036", "00 b0 36", "00:b0:36", "00-B0-36", "0x00b036"]
)
def test_bytes_are_understood_by_any_spelling(content: str) -> None:
    (answer,) = ask({"characteristic": "2A9D", "hex": content})
    assert answer["readings"][0]["value"] == 70.0


@pytest.mark.parametrize("company", ["0x0499", "0X0499", "1177", "0499"])
def test_a_company_is_understood_by_any_spelling(company: str) -> None:
    data = "0512fc5394c37c0004fffc040cac364200cdcbb8334c884f"
    (answer,) = ask({"advertisement": {"address": None, "manufacturer_data": {company: data}}})
    assert answer["device"] == "ruuvitag"


def test_a_bindkey_may_stand_in_the_advertisement() -> None:
    (answer,) = ask(
        {
            "advertisement": {
                "address": "54:48:E6:8F:80:A5",
                "service_data": {FCD2: "4187b90011223372b0231f"},
                "bindkey": "231d39c1d7cc1ab1aee224cd096db932",
            }
        }
    )
    assert answer["readings"][0]["metric"] == "movement"


def test_a_bindkey_opens_an_encrypted_frame_and_without_it_the_answer_says_so() -> None:
    sealed = {
        "advertisement": {
            "address": "54:48:E6:8F:80:A5",
            "service_data": {FCD2: "4187b90011223372b0231f"},
        }
    }
    opened, closed = ask(sealed | {"bindkey": "231d39c1d7cc1ab1aee224cd096db932"}, sealed)
    assert opened["readings"][0]["metric"] == "movement"
    assert "bindkey" in closed["error"]
    assert closed["hex"] == "4187b90011223372b0231f"


@pytest.mark.parametrize("payload", [{"contact": True}, '{"contact":true}'], ids=["json", "text"])
def test_a_payload_is_json_or_its_text(payload: object) -> None:
    (answer,) = ask({"topic": "zigbee2mqtt/door", "payload": payload})
    assert answer["readings"][0]["value"] == 0.0


def test_what_a_bridge_lists_is_known_to_the_lines_after_it() -> None:
    exposes = [{"property": "contact", "value_on": True, "value_off": False}]
    devices = [{"friendly_name": "door", "definition": {"exposes": exposes}}]
    opened = {"topic": "zigbee2mqtt/door", "payload": {"contact": True}}
    before, _, after = ask(
        opened, {"topic": "zigbee2mqtt/bridge/devices", "payload": devices}, opened
    )
    assert before["readings"][0]["value"] == 0.0
    assert after["readings"][0]["value"] == 1.0


def test_one_line_is_not_changed_by_another_that_the_same_device_said() -> None:
    fall = {"topic": "zigbee2mqtt/radar", "payload": {"fall_status": "fall_alarm"}}
    first, second = ask(fall, fall)
    assert first == second
    assert first["events"]


def test_a_value_that_no_living_person_has_is_marked() -> None:
    (answer,) = ask({"characteristic": "2A9D", "hex": "000100"})
    assert answer["readings"][0]["implausible"] == "not within 20 to 300 kg"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        pytest.param("not json", "not a line", id="not-json"),
        pytest.param("[]", "not a line", id="a-list"),
        pytest.param({}, "no characteristic", id="nothing-in-it"),
        pytest.param({"characteristic": "2A35", "hex": "zz"}, "'zz' is not hex", id="no-hex"),
        pytest.param({"characteristic": "2A35", "hex": "00"}, "too short", id="cut-off"),
        pytest.param({"characteristic": "FFFF", "hex": "00"}, "no device", id="unknown"),
        pytest.param(
            {"advertisement": {"manufacturer_data": {"0xFFFF": "05"}}}, "no device", id="company"
        ),
        pytest.param(
            {"advertisement": {"manufacturer_data": {"ruuvi": "05"}}}, "not a line", id="no-company"
        ),
        pytest.param({"topic": "a/b", "payload": 1}, "no device", id="unknown-topic"),
        pytest.param({"topic": "a/b", "payload": 1}, "mqtt.mappings", id="what-to-write"),
        pytest.param(
            {"topic": "zigbee2mqtt/a", "payload": "[" * 5000}, "nested too deeply", id="nested"
        ),
    ],
)
def test_a_line_that_can_not_be_understood_is_an_error_and_the_next_one_is_answered(
    line: object, words: str
) -> None:
    wrong, right = ask(line, {"characteristic": "2A19", "hex": "64"})
    assert words in wrong["error"]
    assert set(wrong) == {"error", "hex"}
    assert bytes.fromhex(wrong["hex"]) is not None
    assert right["device"] == "gatt.battery"


def test_an_empty_line_is_passed_over() -> None:
    assert ask("", "  \n") == []


@given(
    st.text(max_size=40)
    | st.fixed_dictionaries(
        {},
        optional={
            "characteristic": st.sampled_from(["2A35", "2A9D", "SFLOAT", ""]),
            "hex": st.binary(max_size=20).map(bytes.hex) | st.text(max_size=4),
            "topic": st.sampled_from(["zigbee2mqtt/a", "zigbee2mqtt/bridge/devices", ""]),
            "payload": st.text(max_size=8) | st.integers() | st.booleans() | st.none(),
            "bindkey": st.text(max_size=4),
            "known": st.dictionaries(st.text(max_size=4), st.integers()),
        },
    )
)
def test_any_line_is_answered(line: object) -> None:
    answers = ask(line)
    assert all("device" in answer or "error" in answer for answer in answers)
    assert answers or not str(line).strip()
