"""A Home Assistant on the home's broker, with the shipped gateway: what it sees, and its button."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from gateway.homeassistant_table import Topics

pytestmark = pytest.mark.processes
LIMIT_S = 30.0
TOPICS = Topics("home-1")


class Listener:
    """Sees what a Home Assistant would see: the last payload of each topic."""

    def __init__(self, port: int) -> None:
        self.seen: dict[str, str] = {}
        self.client = paho.Client(CallbackAPIVersion.VERSION2)
        self.client.on_message = self._on_message
        self.client.connect("127.0.0.1", port)
        self.client.subscribe([("homeassistant/#", 1), ("homebeat/#", 1)])
        self.client.loop_start()

    def _on_message(self, client: Any, userdata: Any, message: Any) -> None:
        self.seen[message.topic] = message.payload.decode()

    def state(self, topic: str) -> Any:
        return json.loads(self.seen.get(topic) or "{}")

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def listening(home: Any) -> Iterator[Callable[[], Listener]]:
    """Listeners at the broker of a home that shows itself."""
    opened: list[Listener] = []

    def listen() -> Listener:
        opened.append(Listener(home.broker_port))
        return opened[-1]

    home.write_settings(home_assistant=True)
    home.start_broker()
    yield listen
    for one in opened:
        one.close()


def start_home(home: Any) -> None:
    home.start_gateway()
    home.publish([("sensors/0", {"v": 1.0, "ts": 1_770_000_000})])


def test_entities_states_and_the_button_reach_a_home_assistant_and_back(
    home: Any, listening: Callable[[], Listener]
) -> None:
    start_home(home)
    early = listening()
    home.gateway.wait_until(
        lambda: early.seen.get(TOPICS.availability) == "online", LIMIT_S, "online"
    )
    late = listening()
    home.gateway.wait_until(
        lambda: set(TOPICS.retained(["tester"])) <= set(late.seen), LIMIT_S, "retained"
    )
    components = late.state(TOPICS.config)["components"]
    assert components["tester_im_ok"]["command_topic"] == TOPICS.im_ok("tester")
    assert late.state(TOPICS.prompts("tester"))["open"] == 0
    assert late.seen[TOPICS.server] == "OFF"

    home.publish([("sensors/1", {"v": 95.0, "ts": 1_770_000_100 + n}) for n in range(3)])
    home.gateway.wait_until(
        lambda: late.state(TOPICS.prompts("tester")).get("care_team") == "on its way",
        LIMIT_S,
        "showing the alert",
    )
    late.client.publish(TOPICS.im_ok("tester"), "PRESS", qos=0)
    home.gateway.wait_until(
        lambda: any(json.loads(body)["metric"] == "im_ok" for body in home.bodies("reading")),
        LIMIT_S,
        "hearing the button",
    )


def test_a_press_that_nobody_could_hear_is_not_heard_later(
    home: Any, listening: Callable[[], Listener]
) -> None:
    start_home(home)
    there = listening()
    home.gateway.wait_until(lambda: TOPICS.config in there.seen, LIMIT_S, "shown")
    home.gateway.stop()
    there.client.publish(TOPICS.im_ok("tester"), "PRESS", qos=1, retain=True).wait_for_publish(5)
    home.start_gateway()
    home.publish([("sensors/0", {"v": 2.0, "ts": 1_770_000_010})])
    home.gateway.wait_until(lambda: ("sensor 0", 2.0) in home.values(), LIMIT_S, "hearing")
    assert [device for device, _ in home.values()] == ["sensor 0", "sensor 0"]


def test_a_gateway_that_is_killed_or_stopped_is_shown_as_not_there(
    home: Any, listening: Callable[[], Listener]
) -> None:
    there = listening()
    for end in ("kill", "stop"):
        start_home(home)
        gateway = home.gateway
        gateway.wait_until(
            lambda: there.seen.get(TOPICS.availability) == "online", LIMIT_S, "online"
        )
        getattr(gateway, end)()
        home.broker.wait_until(
            lambda: there.seen[TOPICS.availability] == "offline", LIMIT_S, f"told of the {end}"
        )


def test_switched_off_it_leaves_nothing_on_the_broker(
    home: Any, listening: Callable[[], Listener]
) -> None:
    start_home(home)
    there = listening()
    home.gateway.wait_until(lambda: TOPICS.config in there.seen, LIMIT_S, "shown")
    home.gateway.stop()
    home.write_settings(home_assistant=False)
    home.start_gateway()
    home.gateway.wait_until(lambda: there.seen[TOPICS.config] == "", LIMIT_S, "taken away")
    home.publish([("sensors/0", {"v": 2.0, "ts": 1_770_000_010})])
    home.gateway.wait_until(lambda: ("sensor 0", 2.0) in home.values(), LIMIT_S, "hearing")
    later = listening()
    later.client.publish("homebeat/after-all-that-is-retained", "now", qos=1)
    home.gateway.wait_until(lambda: bool(later.seen), LIMIT_S, "listening")
    assert later.seen == {"homebeat/after-all-that-is-retained": "now"}
