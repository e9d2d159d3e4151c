"""The worklist is fresh by itself, keeps the reader's place, and says so when it can't."""

import re
from time import monotonic
from typing import Any

import pytest
from playwright.sync_api import Page, Request, expect

pytestmark = pytest.mark.browser

Care = Any
"""The fixture of conftest.py."""


def alert_of(page: Page, person: str) -> Any:
    """The person's own row: that of a silent home names its people too."""
    return page.locator("[data-alert]").filter(has_text=person, has_not_text="Home of")


def is_live(page: Page) -> None:
    expect(page.locator("#freshness")).to_have_attribute("data-state", "live")


def is_stream(request: Request) -> bool:
    return request.url.endswith("/live")


def test_a_new_alert_appears_within_two_seconds_and_is_announced(fresh: Care, sos: Any) -> None:
    page = fresh.signed_in()
    is_live(page)
    expect(page.get_by_text("No alerts are open.")).to_be_visible()
    page.get_by_role("link", name="Joan Hart").focus()
    sent = monotonic()
    fresh.send([sos("idris")])
    expect(alert_of(page, "Idris Bevan")).to_be_visible(timeout=2_000)
    assert monotonic() - sent < 2
    expect(page.locator("#news")).to_have_text(
        re.compile(r"^Emergency: Idris Bevan\. SOS pressed at [\d:]+\. Call now\.")
    )
    expect(page).to_have_title("1 not seen, Who needs you – Homebeat")
    expect(page.get_by_role("link", name="Joan Hart")).to_be_focused()


def test_the_focus_goes_to_the_next_row_when_its_row_goes(fresh: Care, sos: Any) -> None:
    fresh.send([sos("idris"), sos("margaret"), sos("amal")])
    page, other = fresh.signed_in(), fresh.signed_in()
    is_live(page)
    rows = page.locator("[data-alert] a")
    names = rows.all_inner_texts()
    rows.nth(1).focus()
    alert_of(other, names[1]).get_by_role("link").click()
    other.get_by_role("button", name="I’m on it").click()
    expect(alert_of(page, names[1])).to_contain_text("Sam Okoro is on it")
    expect(page.get_by_role("link", name=names[1]).first).to_be_focused()
    other.get_by_label("What was done?").fill("Pressed by mistake.")
    other.get_by_role("button", name="Resolve").click()
    expect(page.locator("[data-alert]")).to_have_count(2)
    expect(page.locator("#news")).to_have_text("One alert was resolved.")
    assert page.locator(":focus").get_attribute("href", timeout=2_000)


def test_tabs_share_one_connection_and_another_takes_over(fresh: Care, sos: Any) -> None:
    first = fresh.signed_in()
    is_live(first)
    streams: list[Request] = []
    first.context.on("request", lambda request: is_stream(request) and streams.append(request))
    tabs = [first.context.new_page() for _ in range(3)]
    for tab in tabs:
        tab.goto(fresh.server.url)
        is_live(tab)
    assert streams == []
    fresh.send([sos("idris")])
    for tab in tabs:
        expect(alert_of(tab, "Idris Bevan")).to_be_visible(timeout=2_000)
    with first.context.expect_event("request", is_stream):
        first.close()
    assert len(streams) == 1
    fresh.send([sos("margaret")])
    for tab in tabs:
        expect(alert_of(tab, "Margaret Ellis")).to_be_visible(timeout=2_000)


@pytest.mark.timeout(180)
def test_a_page_says_that_it_may_be_out_of_date_and_is_fresh_when_the_server_is_back(
    fresh: Care, sos: Any, faults: Any, pictures: Any
) -> None:
    faults.expected = ("ERR_CONNECTION_REFUSED", "ERR_INCOMPLETE_CHUNKED_ENCODING")
    page = fresh.signed_in()
    is_live(page)
    fresh.server.stop()
    banner = page.get_by_role("status").filter(has_text="may be out of date")
    expect(banner).to_be_visible(timeout=35_000)
    pictures(page, "worklist-stale", [1280, 320])
    fresh.server.start()
    fresh.send([sos("idris")])
    expect(banner).to_have_count(0, timeout=20_000)
    is_live(page)
    expect(alert_of(page, "Idris Bevan")).to_be_visible()


def test_news_that_did_not_come_is_told_at_once_and_asked_for_again(
    fresh: Care, sos: Any, faults: Any
) -> None:
    faults.expected = ("status of 500", "Response Status Error Code 500")
    page = fresh.signed_in()
    is_live(page)
    page.route("**/worklist", lambda route: route.fulfill(status=500))
    fresh.send([sos("idris")])
    expect(page.get_by_role("status").filter(has_text="may be out of date")).to_be_visible()
    page.unroute("**/worklist")
    expect(alert_of(page, "Idris Bevan")).to_be_visible(timeout=15_000)
    is_live(page)


def test_nothing_of_staff_stays_on_screen_when_someone_else_signs_in(
    fresh: Care, sos: Any, faults: Any
) -> None:
    faults.expected = ("status of 403", "Response Status Error Code 403")
    page = fresh.signed_in()
    is_live(page)
    other = page.context.new_page()
    other.goto(fresh.server.url)
    other.get_by_role("button", name="Sign out").click()
    other.get_by_role("button", name="Sign in as Margaret Ellis").click()
    fresh.send([sos("margaret")])
    expect(page).to_have_url(f"{fresh.server.url}/people/margaret", timeout=15_000)


def test_who_was_signed_out_elsewhere_is_asked_to_sign_in_again(
    fresh: Care, sos: Any, faults: Any
) -> None:
    faults.expected = ("status of 401",)
    page = fresh.signed_in()
    is_live(page)
    page.context.clear_cookies()
    fresh.send([sos("idris")])
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in to Homebeat")
