"""Staff say where a person is, and what may be quiet: with the keyboard, and without JavaScript."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from rules.records import RecordKind, Stated

pytestmark = pytest.mark.browser

Care = Any
"""The fixture of conftest.py."""

HOME_NOW = datetime(2026, 3, 3, 7, 46, tzinfo=UTC)
"""A little after the homes' clocks began in conftest.py."""


@pytest.fixture
def busy(fresh: Care, a_morning: Any) -> Care:
    """A server of the test's own with a busy morning in it."""
    fresh.send(a_morning())
    return fresh


def person_of(page: Page, name: str) -> None:
    page.get_by_role("link", name=name).last.click()
    page.wait_for_url("**/people/*")


def echo(care: Care, said: str, seq: int, by: str = "staff:Sam", **given: Any) -> None:
    """The home says that it holds there."""
    at = HOME_NOW + timedelta(minutes=seq)
    stated = Stated(patient="margaret", said=said, at=at, by=by, told=seq, **given)
    care.gateway.send([(RecordKind.STATE, stated)])


def test_in_hospital_is_said_with_the_keyboard_and_the_page_says_when_the_home_knows(
    busy: Care, pictures: Any
) -> None:
    page = busy.signed_in()
    person_of(page, "Margaret Ellis")
    where = page.get_by_role("region", name="Where is Margaret?")
    expect(where).to_contain_text("Nobody has said that Margaret is away.")
    where.get_by_role("link").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/where")
    pictures(page, "where")
    page.get_by_label("At home", exact=True).focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_label("In hospital", exact=True)).to_be_checked()
    page.get_by_label("What should colleagues know?").fill("Ward 7, since last night.")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(where).to_contain_text("In hospital.")
    expect(where).to_contain_text("Said by Sam Okoro")
    expect(where).to_contain_text("The home has not been told yet.")
    echo(busy, "in-hospital", 1)
    page.reload()
    expect(where).to_contain_text("The home has been told.")
    expect(where).to_contain_text("Ward 7, since last night.")
    pictures(page, "person-in-hospital")
    page.goto(busy.server.url)
    rows = page.get_by_role("listitem").filter(has_text="Margaret Ellis")
    expect(rows.filter(has=page.get_by_text("In hospital", exact=True))).to_have_count(3)
    pictures(page, "worklist-in-hospital")
    own = busy.signed_in("Margaret Ellis")
    expect(own.get_by_role("main")).to_contain_text("Sam said that you are in hospital.")
    expect(own.get_by_role("main")).not_to_contain_text("Ward 7")
    pictures(own, "own-in-hospital")


def test_away_without_a_day_is_explained_and_the_day_is_kept_without_javascript(
    busy: Care, faults: Any, checked: Any
) -> None:
    faults.expected = ("status of 422",)
    page = busy.signed_in(java_script_enabled=False)
    person_of(page, "Margaret Ellis")
    page.get_by_role("link", name="Change where Margaret is").click()
    page.get_by_label("Away", exact=True).check()
    page.get_by_role("button", name="Save").click()
    summary = page.get_by_role("alert")
    expect(summary).to_contain_text("Write the day on which Margaret is expected back.")
    expect(summary.get_by_role("link")).to_have_attribute("href", "#day")
    expect(page.get_by_label("Away", exact=True)).to_be_checked()
    page.get_by_label("If away: until which day?").fill("2026-03-06")
    page.get_by_role("button", name="Save").click()
    where = page.get_by_role("region", name="Where is Margaret?")
    expect(where).to_contain_text("Away until 6 March 22:00.")


def test_a_death_is_shown_with_what_follows_and_can_be_taken_back(
    busy: Care, pictures: Any
) -> None:
    page = busy.signed_in()
    person_of(page, "Margaret Ellis")
    page.get_by_role("link", name="Change where Margaret is").click()
    page.get_by_label("Died", exact=True).check()
    page.get_by_role("button", name="Save").click()
    where = page.get_by_role("region", name="Where is Margaret?")
    expect(where).to_contain_text("Nothing at home asks Margaret or says anything any more")
    echo(busy, "died", 1)
    page.reload()
    pictures(page, "person-died")
    page.get_by_role("link", name="Change where Margaret is").click()
    page.get_by_label("At home", exact=True).check()
    page.get_by_role("button", name="Save").click()
    expect(where).to_contain_text("At home.")
    page.get_by_role("link", name="Change where Margaret is").click()
    expect(page.get_by_role("region", name="What was said before")).to_contain_text("Died")
    pictures(page, "where-said-before")


def test_a_safeguarding_concern_is_raised_and_closed_by_staff(busy: Care, checked: Any) -> None:
    page = busy.signed_in()
    person_of(page, "Margaret Ellis")
    page.get_by_role("link", name="Change where Margaret is").click()
    page.get_by_label("What is the concern?").fill("A bruise she does not explain.")
    page.get_by_role("button", name="There is a concern").click()
    where = page.get_by_role("region", name="Where is Margaret?")
    expect(where).to_contain_text("Safeguarding concern, said by Sam Okoro")
    checked(page)
    own = busy.signed_in("Margaret Ellis")
    expect(own.get_by_role("main")).not_to_contain_text("afeguarding")
    page.get_by_role("link", name="Change where Margaret is").click()
    page.get_by_label("Why is it over?").fill("Seen with her daughter: a fall in the garden.")
    page.get_by_role("button", name="The concern is over").click()
    expect(where).not_to_contain_text("Safeguarding")


def test_an_alert_is_made_quiet_with_a_reason_and_shows_until_when_and_by_whom(
    busy: Care, faults: Any, pictures: Any, checked: Any
) -> None:
    faults.expected = ("status of 422",)
    page = busy.signed_in()
    page.get_by_role("link", name="Joan Hart").first.click()
    page.wait_for_url("**/alerts/*")
    page.get_by_role("button", name="Be quiet").click()
    summary = page.get_by_role("alert")
    expect(summary).to_contain_text("Choose for how long.")
    checked(page)
    summary.get_by_role("link").click()
    expect(page.get_by_label("1 day")).to_be_focused()
    page.get_by_label("3 days").check()
    page.get_by_role("button", name="Be quiet").click()
    expect(page.get_by_role("alert")).to_contain_text("Write why this can be quiet.")
    expect(page.get_by_label("3 days")).to_be_checked()
    page.get_by_label("Why can it be quiet?").fill("New tablets since Monday.")
    page.get_by_role("button", name="Be quiet").click()
    quiet = re.compile(r"Quiet until 6 March \d\d:\d\d\. Sam Okoro: New tablets since Monday\.")
    expect(page.get_by_text(quiet)).to_be_visible()
    pictures(page, "alert-quiet")
    person_of(page, "Joan Hart")
    expect(page.get_by_role("region", name="Quiet for now")).to_contain_text(
        "Blood pressure: quiet until 6 March"
    )
    pictures(page, "person-quiet")


def test_an_emergency_has_no_button_to_make_it_quiet_and_an_urgent_one_half_an_hour(
    busy: Care, faults: Any
) -> None:
    faults.expected = ("status of 422",)
    page = busy.signed_in(java_script_enabled=False)
    page.get_by_role("link", name="Idris Bevan").first.click()
    expect(page.get_by_text("An emergency can't be snoozed.")).to_be_visible()
    expect(page.get_by_role("button", name="Be quiet")).to_have_count(0)
    page.goto(busy.server.url)
    page.get_by_role("link", name="Margaret Ellis").first.click()
    page.get_by_label("30 minutes").check()
    page.get_by_label("Why can it be quiet?").fill("On my way.")
    page.get_by_role("button", name="Be quiet").click()
    expect(page.get_by_text(re.compile(r"Quiet until today \d\d:\d\d"))).to_be_visible()
    page.get_by_label("30 minutes").check()
    page.get_by_label("Why can it be quiet?").fill("Still on my way.")
    page.get_by_role("button", name="Be quiet").click()
    expect(page.get_by_role("alert")).to_contain_text("It was snoozed just now.")
