"""The home with its server: cut, killed and joined again, every record arrives once."""

from typing import Any

import httpx
import pytest

pytestmark = pytest.mark.processes
LIMIT_S = 60.0


def readings(start_at: int, count: int, value: float = 50.0) -> list[tuple[str, dict[str, object]]]:
    return [
        (f"sensors/{n % 10}", {"v": value + n / 1000, "ts": 1_770_000_000 + n})
        for n in range(start_at, start_at + count)
    ]


def test_a_cable_pulled_twice_and_a_server_killed_cost_no_record(
    linked: tuple[Any, Any],
) -> None:
    home, centre = linked
    centre.start()
    home.start_gateway()
    home.publish(readings(0, 1_000))
    centre.pull()
    home.publish(readings(1_000, 1_000))
    centre.plug()
    home.publish(readings(2_000, 500))
    assert centre.child is not None
    centre.child.kill()
    home.publish(readings(2_500, 500))
    centre.start()
    home.gateway.wait_until(lambda: centre.count("readings") >= 3_000, LIMIT_S, "synced")
    assert centre.count("readings") == 3_000
    assert home.count("reading") == 3_000


def test_an_alert_is_seen_by_the_nurse_and_the_person_is_told(linked: tuple[Any, Any]) -> None:
    home, centre = linked
    centre.start()
    home.start_gateway()
    home.publish(readings(0, 30, value=95.0))
    home.gateway.wait_until(lambda: centre.count("alerts") >= 1, LIMIT_S, "alerting")
    url = f"http://127.0.0.1:{centre.port}"
    with httpx.Client(base_url=url, headers={"Origin": url}, follow_redirects=True) as nurse:
        signed_in = nurse.post("/sign-in", data={"name": "nurse", "password": "demo"})
        assert "Tess Ter" in signed_in.text
        alert = nurse.get("/api/v1/alerts").json()["alerts"][0]
        seen = nurse.post(f"/alerts/{alert['id']}/acknowledge")
        assert seen.status_code == 200
    page = f"http://127.0.0.1:{home.page_port}/"
    home.gateway.wait_until(
        lambda: "has seen it" in httpx.get(page).text, LIMIT_S, "telling the person"
    )


def test_the_home_page_works_with_the_server_down_and_says_so(linked: tuple[Any, Any]) -> None:
    home, _ = linked
    home.start_gateway()
    home.publish(readings(0, 10))
    page = httpx.get(f"http://127.0.0.1:{home.page_port}/")
    assert page.status_code == 200
    assert "reach the care team just now" in page.text
    home.gateway.wait_until(lambda: home.count("reading") == 10, LIMIT_S, "hearing")
