"""Zigbee2MQTT: polarity from the bridge, events that are no state, times in every form."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest

from devices.codec import DecodeError, summary
from devices.model import Decoded, MqttMessage
from devices.registry import by_key, match

AT = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)
BRIDGE_DEVICES = [
    {"friendly_name": "Coordinator", "type": "Coordinator", "definition": None},
    {
        "friendly_name": "hall/door",
        "definition": {
            "model": "MCCGQ11LM",
            "exposes": [
                {"type": "binary", "property": "contact", "value_on": False, "value_off": True},
                {"type": "numeric", "property": "voltage", "unit": "mV"},
            ],
        },
    },
    {
        "friendly_name": "odd door",
        "definition": {"exposes": [{"property": "contact", "value_on": True, "value_off": False}]},
    },
    {
        "friendly_name": "wordy door",
        "definition": {"exposes": [{"property": "contact", "value_on": "ON", "value_off": "OFF"}]},
    },
    {
        "friendly_name": "kettle",
        "definition": {
            "exposes": [
                {
                    "type": "switch",
                    "features": [{"property": "state", "value_on": "ON", "value_off": "OFF"}],
                },
                {"property": "voltage", "unit": "V"},
            ]
        },
    },
]


def say(
    topic: str, payload: object, known: dict[str, object] | None = None, *, retained: bool = False
) -> Decoded:
    content = payload if isinstance(payload, str) else json.dumps(payload)
    raw = MqttMessage(topic=topic, payload=content.encode(), received_at=AT, retained=retained)
    device = match(raw)
    assert device is by_key("zigbee2mqtt")
    assert device is not None
    return device.decode(raw, known or {})


@pytest.fixture(scope="module")
def learned() -> dict[str, dict[str, object]]:
    """What bridge/devices told, by device."""
    found: dict[str, dict[str, object]] = {}
    for fact in say("zigbee2mqtt/bridge/devices", BRIDGE_DEVICES).facts:
        found.setdefault(fact.device, {})[fact.name] = fact.value
    return found


def test_the_bridge_tells_each_device_s_polarity_and_units(
    learned: dict[str, dict[str, object]],
) -> None:
    assert learned["zigbee2mqtt/hall/door"] == {
        "exposes": {"contact": {"on": False, "off": True}, "voltage": {"unit": "mV"}},
        "model": "MCCGQ11LM",
    }
    assert learned["zigbee2mqtt/kettle"]["exposes"] == {
        "state": {"on": "ON", "off": "OFF"},
        "voltage": {"unit": "V"},
    }


@pytest.mark.parametrize(
    ("name", "contact", "is_open"),
    [
        pytest.param("hall/door", False, 1.0, id="usual-open"),
        pytest.param("hall/door", True, 0.0, id="usual-closed"),
        pytest.param("odd door", True, 1.0, id="reversed-open"),
        pytest.param("odd door", False, 0.0, id="reversed-closed"),
        pytest.param("wordy door", "ON", 1.0, id="words-open"),
        pytest.param("wordy door", "OFF", 0.0, id="words-closed"),
        pytest.param("not listed", False, 1.0, id="default-open"),
        pytest.param("not listed", True, 0.0, id="default-closed"),
    ],
)
def test_a_door_is_open_by_the_polarity_of_its_model(
    learned: dict[str, dict[str, object]], name: str, contact: object, is_open: float
) -> None:
    topic = f"zigbee2mqtt/{name}"
    decoded = say(topic, {"contact": contact}, learned.get(topic))
    assert summary(decoded) == {"door_open": (is_open, "1")}
    assert decoded.measurements[0].device == topic


@pytest.mark.parametrize(
    ("name", "volts"),
    [
        pytest.param("hall/door", (3000.0, "mV"), id="a-cell"),
        pytest.param("kettle", (3000.0, "V"), id="mains"),
    ],
)
def test_a_voltage_is_in_the_unit_that_the_bridge_tells(
    learned: dict[str, dict[str, object]], name: str, volts: tuple[float, str]
) -> None:
    topic = f"zigbee2mqtt/{name}"
    assert summary(say(topic, {"voltage": 3000}, learned[topic])) == {"voltage": volts}


@pytest.mark.parametrize("action", ["fall", "vibration", "shake", "slide"])
def test_a_cube_that_moves_or_falls_is_no_press_and_no_person_who_fell(action: str) -> None:
    assert say("zigbee2mqtt/cube", {"action": action}) == Decoded()


@pytest.mark.parametrize("action", ["drop", "tilt"])
def test_a_sensor_that_was_moved_says_so_once(action: str) -> None:
    moved = say("zigbee2mqtt/bed", {"action": action})
    assert [(event.event, event.detail) for event in moved.events] == [("sensor_moved", action)]
    both = say("zigbee2mqtt/bed", {"action": action, "vibration": True})
    assert summary(both) == {"vibration": (1.0, "1")}


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        pytest.param({"water_leak_alarm_1": True}, {"water_leak": (1.0, "1")}, id="leak"),
        pytest.param({"gas_alarm_2": False}, {"gas": (0.0, "1")}, id="gas"),
        pytest.param({"contact_alarm_1": False}, {"door_open": (1.0, "1")}, id="contact"),
        pytest.param({"sos_alarm": True}, {"sos_pressed": None}, id="keypad"),
        pytest.param({"active_water_leak": True}, {"water_leak": (1.0, "1")}, id="leak-now"),
        pytest.param({"window": "OPENED"}, {"window_open": (1.0, "1")}, id="window"),
        pytest.param({"window_open": "CLOSE"}, {"window_open": (0.0, "1")}, id="window-closed"),
        pytest.param({"battery_level": "low"}, {"battery_low": (1.0, "1")}, id="battery-level"),
        pytest.param(
            {"charging_status": "FullyCharged"}, {"battery_charging": (0.0, "1")}, id="charged"
        ),
        pytest.param({"door_state": "error_forced_open"}, {"door_open": (1.0, "1")}, id="forced"),
    ],
)
def test_a_property_of_fewer_models_is_understood(
    said: dict[str, object], expected: dict[str, object]
) -> None:
    """Names and values: zigbee-herdsman-converters 26.112.0, exposes and iasZoneAlarm."""
    assert summary(say("zigbee2mqtt/x", said)) == expected


def test_two_alarms_of_a_contact_have_its_polarity_whatever_the_bridge_tells() -> None:
    exposes = {"contact_alarm_1": {"on": True, "off": False}}
    opened = say("zigbee2mqtt/x", {"contact_alarm_1": False}, {"exposes": exposes})
    assert summary(opened) == {"door_open": (1.0, "1")}


@pytest.mark.parametrize("name", ["weight", "formaldehyd", "voc", "distance"])
def test_a_quantity_that_could_be_in_two_units_waits_for_what_the_bridge_tells(name: str) -> None:
    with pytest.raises(DecodeError):
        say("zigbee2mqtt/x", {name: 12})


def test_a_kitchen_scale_s_grams_are_no_body_weight() -> None:
    told: dict[str, object] = {"exposes": {"weight": {"unit": "g"}}}
    assert summary(say("zigbee2mqtt/scale", {"weight": 152}, told)) == {"mass": (152.0, "g")}


def test_a_device_that_was_removed_is_gone() -> None:
    answer = {"data": {"id": "my_bulb", "block": False, "force": False}, "status": "ok"}
    decoded = say("zigbee2mqtt/bridge/response/device/remove", answer)
    (gone,) = decoded.measurements
    assert (gone.device, gone.metric, gone.value) == ("zigbee2mqtt/my_bulb", "device_online", 0.0)
    failed = say("zigbee2mqtt/bridge/response/device/remove", answer | {"status": "error"})
    assert failed == Decoded()


def test_a_topic_that_was_cleared_says_nothing() -> None:
    assert say("zigbee2mqtt/x", "") == Decoded()


def test_like_parts_are_told_apart_and_an_endpoint_is_no_part() -> None:
    decoded = say("zigbee2mqtt/x", {"state_l2": "ON", "state_right": "OFF", "temperature_38": 31.2})
    assert [(item.metric, item.value, item.part) for item in decoded.measurements] == [
        ("power_on", 1.0, 2), ("power_on", 0.0, 2), ("room_temperature", 31.2, None),
    ]  # fmt: skip


def test_any_fault_of_a_device_is_one_problem() -> None:
    said = {"smoke": False, "trouble": False, "battery_defect": True}
    assert summary(say("zigbee2mqtt/x", said)) == {"smoke": (0.0, "1"), "problem": (1.0, "1")}


def test_a_voltage_of_an_unknown_unit_is_kept_as_not_understood_and_costs_nothing_else() -> None:
    decoded = say("zigbee2mqtt/sos", {"action": "emergency", "voltage": 30})
    assert [event.event for event in decoded.events] == ["sos_pressed"]
    assert decoded.measurements == ()
    assert [(fact.name, fact.value) for fact in decoded.facts] == [
        ("not_understood", {"voltage": 30})
    ]


def test_a_message_of_which_nothing_is_understood_is_refused() -> None:
    with pytest.raises(DecodeError, match="smoke"):
        say("zigbee2mqtt/kitchen", {"smoke": "perhaps"})


@pytest.mark.parametrize("value", [1, 0, "true", 1.0], ids=repr)
def test_a_state_that_is_no_truth_value_is_not_guessed(value: object) -> None:
    with pytest.raises(DecodeError):
        say("zigbee2mqtt/kitchen", {"smoke": value})


@pytest.mark.parametrize(
    ("last_seen", "taken_at"),
    [
        pytest.param(
            "2026-03-02T06:59:58.500Z", datetime(2026, 3, 2, 6, 59, 58, 500_000, UTC), id="iso"
        ),
        pytest.param(
            "2026-03-02T08:59:58+02:00",
            datetime(2026, 3, 2, 8, 59, 58, tzinfo=timezone(timedelta(hours=2))),
            id="iso-local",
        ),
        pytest.param(
            1772434798500, datetime(2026, 3, 2, 6, 59, 58, 500_000, UTC), id="epoch-milliseconds"
        ),
        pytest.param(
            1772434798.5, datetime(2026, 3, 2, 6, 59, 58, 500_000, UTC), id="epoch-seconds"
        ),
        pytest.param(None, None, id="null"),
    ],
)
def test_last_seen_is_the_time_of_what_is_said(
    last_seen: object, taken_at: datetime | None
) -> None:
    decoded = say("zigbee2mqtt/hall", {"occupancy": True, "last_seen": last_seen, "sos": True})
    assert decoded.measurements[0].taken_at == taken_at
    assert decoded.events[0].taken_at == taken_at


def test_a_last_seen_that_is_no_time_costs_only_itself() -> None:
    decoded = say("zigbee2mqtt/hall", {"occupancy": True, "last_seen": "yesterday"})
    assert summary(decoded) == {"movement": (1.0, "1")}
    assert decoded.facts[0].value == {"last_seen": "yesterday"}


@pytest.mark.parametrize(
    ("payload", "event", "detail"),
    [
        pytest.param({"action": "emergency"}, "sos_pressed", "emergency", id="emergency"),
        pytest.param({"action": "panic"}, "sos_pressed", "panic", id="panic"),
        pytest.param({"sos": True}, "sos_pressed", None, id="sos"),
        pytest.param({"action": "2_double"}, "button_pressed", "2_double", id="second-button"),
        pytest.param(
            {"action": "brightness_move_up"}, "button_pressed", "brightness_move_up", id="remote"
        ),
        pytest.param({"action": "1_release"}, "button_released", "1_release", id="release"),
        pytest.param({"fall_down_status": "fall"}, "fall_detected", "fall", id="fall"),
    ],
)
def test_what_happened_is_an_event_once_and_never_from_a_retained_message(
    payload: dict[str, object], event: str, detail: str | None
) -> None:
    live = say("zigbee2mqtt/pendant", payload)
    assert [(item.event, item.detail) for item in live.events] == [(event, detail)]
    assert live.measurements == ()
    assert say("zigbee2mqtt/pendant", payload, retained=True).events == ()


@pytest.mark.parametrize("action", ["", "none", "vibration"])
def test_an_action_that_is_no_press_is_no_event(action: str) -> None:
    assert say("zigbee2mqtt/pendant", {"action": action, "sos": False}).events == ()


def test_a_fall_that_a_radar_repeats_is_one_fall_until_its_status_changes() -> None:
    topic = "zigbee2mqtt/radar"
    known: dict[str, object] = {}
    falls = []
    for status in ("none", "fall", "fall", "maybe_fall", "none", "fall"):
        decoded = say(topic, {"presence": True, "fall_down_status": status}, known)
        falls.append([event.event for event in decoded.events])
        known = {fact.name: fact.value for fact in decoded.facts}
    assert falls == [
        [],
        ["fall_detected"],
        [],
        ["fall_suspected"],
        [],
        ["fall_detected"],
    ]


def test_a_retained_fall_is_learned_so_that_its_live_repeat_is_no_new_fall() -> None:
    retained = say("zigbee2mqtt/radar", {"fall_status": "fall_alarm"}, retained=True)
    known = {fact.name: fact.value for fact in retained.facts}
    live = say("zigbee2mqtt/radar", {"occupancy": True, "fall_status": "fall_alarm"}, known)
    assert live.events == ()


def test_of_a_retained_message_states_hold_and_quantities_need_their_time() -> None:
    payload = {"contact": False, "temperature": 19.5}
    without = say("zigbee2mqtt/door", payload, retained=True)
    assert summary(without) == {"door_open": (1.0, "1")}
    timed = say("zigbee2mqtt/door", payload | {"last_seen": 1772434798000}, retained=True)
    assert {item.metric for item in timed.measurements} == {"door_open", "room_temperature"}


@pytest.mark.parametrize(
    ("payload", "online"),
    [
        pytest.param('{"state":"online"}', 1.0, id="json-online"),
        pytest.param('{"state": "offline"}', 0.0, id="json-offline"),
        pytest.param("online", 1.0, id="text-online"),
        pytest.param("offline", 0.0, id="text-offline"),
    ],
)
def test_availability_says_whether_the_device_is_online(payload: str, online: float) -> None:
    decoded = say("zigbee2mqtt/hall/door/availability", payload)
    assert summary(decoded) == {"device_online": (online, "1")}
    assert decoded.measurements[0].device == "zigbee2mqtt/hall/door"


@pytest.mark.parametrize(
    "topic",
    [
        "zigbee2mqtt/bridge/logging",
        "zigbee2mqtt/bridge/info",
        "zigbee2mqtt/bridge/groups",
        "zigbee2mqtt/bridge/response/permit_join",
        "zigbee2mqtt/hall/set",
        "zigbee2mqtt/hall/get",
    ],
)
def test_what_is_not_about_a_person_is_understood_and_empty(topic: str) -> None:
    assert say(topic, {"level": "info", "message": "x"}) == Decoded()


def test_a_payload_that_is_no_object_is_refused_with_what_to_set() -> None:
    with pytest.raises(DecodeError, match="output"):
        say("zigbee2mqtt/hall/lamp", "21.5")


@pytest.mark.parametrize("word", ["perhaps", "", '{"state":"sleepy"}'])
def test_an_availability_that_is_neither_is_refused(word: str) -> None:
    with pytest.raises(DecodeError):
        say("zigbee2mqtt/hall/availability", word)
