"""A wrong weight raises an alert; staff mark it at the server; home and alert take it back."""

from typing import Any

import httpx
import msgspec
import pytest

from devices.model import Reading
from rules.records import RecordKind

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
    then: {tier: T3, text: too-heavy}
    source: a limit for tests
texts:
  too-heavy:
    person: You weigh more than we agreed.
    nurse: The weight is {value}.
    log: weight {value}
"""


@pytest.fixture
def weighed(linked: tuple[Any, Any]) -> tuple[Any, Any]:
    """A home with a scale, its server, and a weight of two days: one right, one wrong."""
    home, centre = linked
    home.sensors = 1
    home.write_settings(PLAN)
    settings = home.folder / "gateway.toml"
    text = settings.read_text()
    mapped = 'metric = "body_weight"\nunit = "kg"'
    assert 'metric = "level"' in text
    settings.write_text(text.replace('metric = "level"', mapped))
    centre.start()
    home.start_gateway()
    home.publish(
        [
            ("sensors/0", {"v": 72.4, "ts": 1_770_000_000}),
            ("sensors/0", {"v": 76.1, "ts": 1_770_086_400}),
        ]
    )
    home.gateway.wait_until(lambda: centre.count("alerts") >= 1, LIMIT_S, "alerting")
    home.gateway.wait_until(lambda: centre.count("readings") >= 2, LIMIT_S, "syncing")
    return home, centre


@pytest.fixture
def nurse(weighed: tuple[Any, Any]) -> Any:
    url = f"http://127.0.0.1:{weighed[1].port}"
    with httpx.Client(base_url=url, headers={"Origin": url}, follow_redirects=True) as http:
        http.post("/sign-in", data={"name": "nurse", "password": "demo"})
        yield http


def wrong_reading(home: Any) -> Reading:
    readings = [msgspec.json.decode(body, type=Reading) for body in home.bodies("reading")]
    return max(readings, key=lambda reading: reading.value)


def mark(nurse: httpx.Client, reading: str) -> None:
    done = nurse.post(f"/people/tester/correct?reading={reading}", data={"reason": "slip"})
    assert "Marked as entered in error" in done.text


def test_a_weight_marked_by_staff_no_longer_counts_at_home_and_annotates_its_alert(
    weighed: tuple[Any, Any], nurse: httpx.Client
) -> None:
    home, _ = weighed
    page = f"http://127.0.0.1:{home.page_port}/"
    assert "76.1 kg" in httpx.get(page).text
    (alert,) = nurse.get("/api/v1/alerts").json()["alerts"]
    assert alert["superseded"] is None

    mark(nurse, wrong_reading(home).id)
    home.gateway.wait_until(lambda: "72.4 kg" in httpx.get(page).text, LIMIT_S, "taking it back")
    assert "76.1 kg" not in httpx.get(page).text

    def superseded() -> Any:
        return nurse.get("/api/v1/alerts").json()["alerts"][0]["superseded"]

    home.gateway.wait_until(lambda: superseded() == "entered-in-error", LIMIT_S, "annotating")
    told = nurse.get(f"/alerts/{alert['id']}").text
    assert "A reading was entered in error: the rule no longer fires" in told
    (correction,) = map(msgspec.json.decode, home.bodies(RecordKind.CORRECTION))
    assert (correction["by"], correction["reason"]) == ("Sam", "slip")


def test_a_home_that_was_away_hears_of_it_when_it_comes_back_and_once_only(
    weighed: tuple[Any, Any], nurse: httpx.Client
) -> None:
    home, centre = weighed
    wrong = wrong_reading(home).id
    home.gateway.kill()
    mark(nurse, wrong)
    page = f"http://127.0.0.1:{home.page_port}/"
    for _ in range(2):
        home.start_gateway()
        home.gateway.wait_until(
            lambda: "72.4 kg" in httpx.get(page).text, LIMIT_S, "taking it back"
        )
        home.gateway.kill()
    assert home.count(RecordKind.CORRECTION) == 1
    assert centre.count("corrections") == 1
