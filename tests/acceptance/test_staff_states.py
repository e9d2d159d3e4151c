"""Staff say that someone is in hospital: what the home finds is held back, until the discharge."""

import re
import time
from typing import Any

import httpx
import msgspec
import pytest

from rules.records import RecordKind, Stated

pytestmark = pytest.mark.processes
LIMIT_S = 60.0

PLAN = """\
version: "1"
people:
  - id: tester
    name: Tester
    timezone: Europe/London
rules:
  - id: too-heavy
    for: tester
    kind: threshold
    params: {metric: body_weight, above: 75 kg}
    debounce: {suppressed_by: [person.in_hospital]}
    then: {tier: T3, text: too-heavy}
    source: a limit for tests
texts:
  too-heavy:
    person: You weigh more than we agreed.
    nurse: The weight is {value}.
    log: weight {value}
"""


@pytest.fixture
def scaled(linked: tuple[Any, Any]) -> tuple[Any, Any]:
    """A home with a scale, and its server, both running."""
    home, centre = linked
    home.sensors, home.timed = 1, False
    home.write_settings(PLAN)
    settings = home.folder / "gateway.toml"
    text = settings.read_text()
    mapped = 'metric = "body_weight"\nunit = "kg"'
    assert 'metric = "level"' in text
    settings.write_text(text.replace('metric = "level"', mapped))
    centre.start()
    home.start_gateway()
    return home, centre


@pytest.fixture
def nurse(scaled: tuple[Any, Any]) -> Any:
    url = f"http://127.0.0.1:{scaled[1].port}"
    with httpx.Client(base_url=url, headers={"Origin": url}, follow_redirects=True) as http:
        http.post("/sign-in", data={"name": "nurse", "password": "demo"})
        yield http


def say(nurse: httpx.Client, said: str) -> None:
    nurse.post("/people/tester/where", data={"said": said}).raise_for_status()


def person_page(nurse: httpx.Client) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", nurse.get("/people/tester").text).split())


def findings(home: Any) -> list[tuple[str, str | None]]:
    bodies = [msgspec.json.decode(body) for body in home.bodies(RecordKind.FINDING)]
    return [(body["phase"], body.get("suppressed")) for body in bodies]


def test_in_hospital_a_weight_is_held_back_and_after_the_discharge_the_next_one_alerts(
    scaled: tuple[Any, Any], nurse: httpx.Client
) -> None:
    home, centre = scaled
    say(nurse, "in-hospital")
    page = person_page(nurse)
    assert "In hospital" in page
    home.gateway.wait_until(
        lambda: "The home has been told." in person_page(nurse), LIMIT_S, "telling the home"
    )
    own = httpx.get(f"http://127.0.0.1:{home.page_port}/").text
    assert "Sam said that you are in hospital." in own

    home.publish([("sensors/0", {"v": 76.1})])
    home.gateway.wait_until(
        lambda: "Held back" in person_page(nurse), LIMIT_S, "showing what was held back"
    )
    assert findings(home) == [("suppressed", "person.in_hospital")]
    assert centre.count("alerts") == 0

    home.gateway.kill()
    home.start_gateway()
    say(nurse, "home")
    home.gateway.wait_until(
        lambda: (
            "Sam said that you are in hospital."
            not in httpx.get(f"http://127.0.0.1:{home.page_port}/").text
        ),
        LIMIT_S,
        "hearing of the discharge",
    )
    home.publish([("sensors/0", {"v": 76.3})])
    home.gateway.wait_until(lambda: centre.count("alerts") == 1, LIMIT_S, "alerting")
    stated = [msgspec.json.decode(body, type=Stated) for body in home.bodies(RecordKind.STATE)]
    assert [(one.said, one.by, one.told) for one in stated] == [
        ("in-hospital", "staff:Sam", 1),
        ("home", "staff:Sam", 2),
    ]


def test_a_snooze_of_staff_keeps_the_home_quiet_over_restarts_of_both(
    scaled: tuple[Any, Any], nurse: httpx.Client
) -> None:
    home, centre = scaled
    home.publish([("sensors/0", {"v": 75.5})])
    home.gateway.wait_until(lambda: centre.count("alerts") == 1, LIMIT_S, "alerting")
    (alert,) = nurse.get("/api/v1/alerts").json()["alerts"]
    path = f"/alerts/{alert['id']}"
    nurse.post(f"{path}/snooze", data={"minutes": "1440", "reason": "Seen"}).raise_for_status()
    home.gateway.wait_until(
        lambda: "The home keeps to it." in nurse.get(path).text, LIMIT_S, "telling the home"
    )
    home.gateway.kill()
    centre.child.stop()
    centre.start()
    home.start_gateway()
    home.publish([("sensors/0", {"v": 74.6})])
    time.sleep(0.2)  # two frames without a time of their own, told apart by when they came
    home.publish([("sensors/0", {"v": 75.3})])
    home.gateway.wait_until(lambda: home.count(RecordKind.FINDING) >= 3, LIMIT_S, "judging")
    assert home.count(RecordKind.ALERT) == 1
    assert "Quiet until" in nurse.get(path).text
    home.publish([("sensors/0", {"v": 74.6})])
    time.sleep(0.2)
    home.publish([("sensors/0", {"v": 76.0})])
    home.gateway.wait_until(lambda: home.count(RecordKind.ALERT) == 2, LIMIT_S, "what is worse")
