"""Any JSON topic becomes one metric by a line of configuration."""

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.codec import DecodeError
from devices.mapping import Mapping, MappingError, decoder, decoders
from devices.model import Decoded, Event, Measurement, MqttMessage

AT = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)
SCALE: dict[str, Any] = {
    "topic": "scales/bathroom",
    "device": "bathroom scale",
    "metric": "body_weight",
    "value": "weight",
    "unit": "kg",
}


def say(payload: object, *, retained: bool = False, **changes: str) -> Decoded:
    content = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    mapping = Mapping(**(SCALE | changes))
    message = MqttMessage(topic=mapping.topic, payload=content, received_at=AT, retained=retained)
    return decoder(mapping)(message)


def the(decoded: Decoded) -> Measurement:
    (measurement,) = decoded.measurements
    return measurement


def test_a_weight_is_said_with_device_unit_and_time() -> None:
    decoded = say({"weight": 71.2, "time": 1760000000.123}, time="time")
    assert the(decoded) == Measurement(
        device="bathroom scale",
        metric="body_weight",
        value=71.2,
        unit="kg",
        taken_at=datetime(2025, 10, 9, 8, 53, 20, 123_000, UTC),
    )


@pytest.mark.parametrize(
    ("payload", "path", "value"),
    [
        pytest.param({"weight": 71}, "weight", 71.0, id="whole-number"),
        pytest.param({"weight": "71.2"}, "weight", 71.2, id="number-as-text"),
        pytest.param({"a": {"b": {"c": 71.2}}}, "a.b.c", 71.2, id="nested"),
        pytest.param({"scales": [{"kg": 60.0}, {"kg": 71.2}]}, "scales.1.kg", 71.2, id="in-a-list"),
        pytest.param({"scales": {"1": {"kg": 71.2}}}, "scales.1.kg", 71.2, id="under-a-digit"),
        pytest.param(b"71.2", "", 71.2, id="the-payload-itself"),
        pytest.param(b" 71.2\n", "", 71.2, id="the-payload-with-blanks"),
        pytest.param(b'"71.2"', "", 71.2, id="the-payload-as-json-text"),
    ],
)
def test_the_value_is_found_at_its_path(payload: object, path: str, value: float) -> None:
    assert the(say(payload, value=path)).value == value


@pytest.mark.parametrize(
    ("unit", "code"),
    [("lb", "[lb_av]"), ("kg", "kg"), ("[lb_av]", "[lb_av]")],
    ids=["spelling", "canonical", "ucum"],
)
def test_the_unit_is_fixed_or_read_from_the_payload(unit: str, code: str) -> None:
    assert the(say({"weight": 157.0}, unit=unit)).unit == code
    read = say({"weight": 157.0, "scale": {"unit": unit}}, unit="", unit_at="scale.unit")
    assert the(read).unit == code


@pytest.mark.parametrize(
    ("time", "taken_at"),
    [
        pytest.param("2026-03-02T06:58:00Z", datetime(2026, 3, 2, 6, 58, tzinfo=UTC), id="iso-utc"),
        pytest.param("2026-03-02T06:58:00", datetime(2026, 3, 2, 6, 58), id="iso-without-zone"),
        pytest.param(1772434680, datetime(2026, 3, 2, 6, 58, tzinfo=UTC), id="seconds"),
        pytest.param(1772434680000, datetime(2026, 3, 2, 6, 58, tzinfo=UTC), id="milliseconds"),
        pytest.param("1772434680", datetime(2026, 3, 2, 6, 58, tzinfo=UTC), id="seconds-as-text"),
        pytest.param(12, datetime(1970, 1, 1, 0, 0, 12, tzinfo=UTC), id="since-boot"),
        pytest.param(None, None, id="null"),
    ],
)
def test_the_time_is_read_in_every_form(time: object, taken_at: datetime | None) -> None:
    measurement = the(say({"weight": 71.2, "t": time}, time="t"))
    assert measurement.taken_at == taken_at


def test_a_message_without_the_promised_time_has_none() -> None:
    assert the(say({"weight": 71.2}, time="t")).taken_at is None


@pytest.mark.parametrize(
    ("payload", "changes", "words"),
    [
        pytest.param({"mass": 71.2}, {}, "no 'weight'", id="value-missing"),
        pytest.param([71.2], {}, "no 'weight'", id="a-list"),
        pytest.param({"weight": "71"}, {"value": "weight.0"}, "no 'weight.0'", id="in-a-text"),
        pytest.param({"weight": [71]}, {"value": "weight.kg"}, "no 'weight.kg'", id="no-place"),
        pytest.param({"weight": [71]}, {"value": "weight.1"}, "no 'weight.1'", id="past-the-end"),
        pytest.param({"weight": None}, {}, "no number", id="null"),
        pytest.param({"weight": True}, {}, "not a number", id="true"),
        pytest.param({"weight": "heavy"}, {}, "'heavy'", id="a-word"),
        pytest.param({"weight": {"kg": 71.2}}, {}, "no number", id="an-object"),
        pytest.param(b'{"weight": 1e999}', {}, "no JSON", id="beyond-a-float"),
        pytest.param({"weight": "nan"}, {}, "finite", id="nan-as-text"),
        pytest.param({"weight": 10**400}, {}, "is no number", id="a-huge-integer"),
        pytest.param(b"\xff\xfe", {"value": ""}, "neither JSON nor text", id="no-text"),
        pytest.param(b"", {}, "no JSON", id="empty"),
        pytest.param(b'{"weight": 71.', {}, "no JSON", id="cut-off"),
        pytest.param({"weight": 71.2, "t": "soon"}, {"time": "t"}, "soon", id="no-time"),
        pytest.param({"weight": 71.2, "t": 1e300}, {"time": "t"}, "calendar", id="a-far-time"),
        pytest.param(
            {"weight": 71.2}, {"unit": "", "unit_at": "u"}, "without a unit", id="unit-missing"
        ),
        pytest.param(
            {"weight": 71.2, "u": "fish"}, {"unit": "", "unit_at": "u"}, "fish", id="unit-unknown"
        ),
        pytest.param(
            {"weight": 71.2, "u": 3}, {"unit": "", "unit_at": "u"}, "no text", id="unit-a-number"
        ),
    ],
)
def test_a_message_that_can_not_be_understood_is_refused_with_its_bytes(
    payload: object, changes: dict[str, str], words: str
) -> None:
    with pytest.raises(DecodeError, match=words) as refused:
        say(payload, **changes)
    assert isinstance(payload, bytes) is False or refused.value.raw == payload


@pytest.mark.parametrize(
    ("said", "value"),
    [
        (True, 1.0), (False, 0.0), (1, 1.0), (0, 0.0), ("ON", 1.0), ("off", 0.0), ("open", 1.0),
        ("closed", 0.0), ("true", 1.0),
    ],
    ids=repr,
)  # fmt: skip
def test_a_state_is_yes_or_no(said: object, value: float) -> None:
    measurement = the(say({"door": said}, metric="door_open", value="door", unit=""))
    assert (measurement.value, measurement.unit) == (value, "1")


@pytest.mark.parametrize("said", [2, "ajar", 0.5], ids=repr)
def test_a_state_that_is_neither_is_refused(said: object) -> None:
    with pytest.raises(DecodeError):
        say({"door": said}, metric="door_open", value="door", unit="")


def press(payload: bytes, *, retained: bool = False) -> Decoded:
    return say(payload, metric="button_pressed", value="", unit="", retained=retained)


def test_an_event_happens_when_it_is_said_and_not_when_it_is_repeated_from_the_broker() -> None:
    assert press(b"1").events == (Event(device="bathroom scale", event="button_pressed"),)
    assert press(b"0") == Decoded()
    assert press(b"1", retained=True) == Decoded()


def test_of_a_retained_message_a_state_holds_and_a_quantity_needs_its_time() -> None:
    assert say({"weight": 71.2}, retained=True) == Decoded()
    timed = say({"weight": 71.2, "t": 1760000000}, time="t", retained=True)
    assert the(timed).value == 71.2
    door = say({"door": True}, metric="door_open", value="door", unit="", retained=True)
    assert the(door).value == 1.0


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param({"metric": "wieght"}, "write one of", id="unknown-metric"),
        pytest.param({"unit": "mm[Hg]"}, "give it in kg", id="unit-of-something-else"),
        pytest.param({"unit": ""}, "say which of kg", id="no-unit-where-several-are-possible"),
        pytest.param({"unit_at": "u"}, "not both", id="two-units"),
        pytest.param({"topic": "scales/+"}, "one topic", id="a-filter"),
        pytest.param({"topic": ""}, "needs a topic", id="no-topic"),
        pytest.param({"device": ""}, "needs a topic and a device", id="no-device"),
    ],
)
def test_a_mapping_that_can_not_be_used_says_what_to_write(
    changes: dict[str, str], words: str
) -> None:
    with pytest.raises(MappingError, match=words):
        decoder(Mapping(**(SCALE | changes)))


PRESSURE = [
    Mapping(topic="t", device="cuff", metric="systolic_pressure", value="sys", unit="mm[Hg]"),
    Mapping(topic="t", device="cuff", metric="diastolic_pressure", value="dia", unit="mm[Hg]"),
]


def both(payload: object) -> Decoded:
    content = json.dumps(payload).encode()
    return decoders(PRESSURE)["t"](MqttMessage(topic="t", payload=content, received_at=AT))


def test_two_mappings_of_one_topic_each_read_their_part() -> None:
    said = both({"sys": 128, "dia": 81})
    assert [(one.metric, one.value) for one in said.measurements] == [
        ("systolic_pressure", 128.0),
        ("diastolic_pressure", 81.0),
    ]
    assert said.unread == ()


def test_a_part_that_can_not_be_read_costs_the_others_nothing_and_is_said() -> None:
    said = both({"sys": 128})
    assert [one.metric for one in said.measurements] == ["systolic_pressure"]
    assert [one.reason for one in said.unread] == ["no 'dia' in the payload"]


def test_where_no_part_can_be_read_each_reason_is_said_once() -> None:
    with pytest.raises(DecodeError) as refused:
        both({})
    assert refused.value.reason == "no 'sys' in the payload; no 'dia' in the payload"


def test_two_mappings_of_the_same_metric_of_one_device_are_refused_with_what_to_write() -> None:
    with pytest.raises(MappingError, match=r"read systolic_pressure of cuff\. Keep one"):
        decoders([PRESSURE[0], Mapping(**(msgspec.structs.asdict(PRESSURE[0]) | {"value": "s"}))])


def test_a_misspelt_line_of_configuration_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="untis"):
        msgspec.convert(SCALE | {"untis": "kg"}, Mapping)


@given(
    st.binary(max_size=40)
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from("wut"), inner),
        max_leaves=6,
    ).map(msgspec.json.encode)
)
def test_any_payload_is_decoded_or_refused(content: bytes) -> None:
    for metric, unit_at in (("body_weight", "u"), ("door_open", ""), ("sos_pressed", "")):
        try:
            decoded = say(content, metric=metric, value="w", unit="", unit_at=unit_at, time="t")
        except DecodeError:
            continue
        assert all(item.value - item.value == 0.0 for item in decoded.measurements)
