"""Staff decide: with a mouse, with the keyboard alone, and without JavaScript."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

Care = Any
"""The fixture of conftest.py."""


@pytest.fixture
def busy(fresh: Care, a_morning: Any) -> Care:
    """A server of the test's own with a busy morning in it."""
    fresh.send(a_morning())
    return fresh


def test_an_alert_is_decided_with_three_clicks_and_the_person_is_told(busy: Care) -> None:
    page = busy.signed_in()
    page.get_by_role("link", name="Margaret Ellis").first.click()
    page.get_by_role("button", name="I’m on it").click()
    expect(page.get_by_role("heading", name="Sam Okoro is on it")).to_be_visible()
    expect(page.get_by_role("button", name="I’m on it")).to_have_count(0)
    home = busy.signed_in("Margaret Ellis")
    expect(home.get_by_role("main")).to_contain_text("Seen by Sam.")
    page.get_by_label("What was done?").fill("Called her. Diuretic doubled <for 3 days>.")
    page.get_by_role("button", name="Resolve").click()
    expect(page.get_by_role("status").filter(has_text="Resolved")).to_have_text(
        "Resolved: Margaret Ellis."
    )
    left = page.get_by_role("listitem").filter(has=page.get_by_role("heading", level=3))
    expect(left.filter(has_text="Margaret Ellis")).to_have_count(1)
    expect(left.filter(has_text="Margaret Ellis")).to_contain_text("No flexible diuretic plan")
    home.reload()
    expect(home.get_by_role("main")).to_contain_text("Dealt with")
    expect(home.get_by_role("main")).not_to_contain_text("Diuretic")
    page.get_by_role("link", name="Margaret Ellis").last.click()
    page.get_by_role("link", name=re.compile("Call now")).click()
    trail = page.get_by_role("region", name="What happened to this alert")
    expect(trail).to_contain_text("Seen by Sam Okoro")
    expect(trail).to_contain_text("Called her. Diuretic doubled <for 3 days>.")


def tab_to(page: Page, name: str, most: int = 25) -> None:
    """Press Tab until the element with that name has the focus, and see that it shows it."""
    for _ in range(most):
        page.keyboard.press("Tab")
        focused = page.locator(":focus")
        if focused.inner_text().strip() == name:
            outline = focused.evaluate(
                "element => { const shown = getComputedStyle(element);"
                "return shown.outlineStyle + shown.boxShadow + shown.backgroundColor }"
            )
            assert outline != "nonenonergba(0, 0, 0, 0)"
            return
    raise AssertionError(f"{most} presses of Tab do not reach {name!r}")


def test_an_alert_is_taken_with_the_keyboard_alone(busy: Care) -> None:
    page = busy.signed_in()
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("Skip to main content")
    page.keyboard.press("Enter")
    tab_to(page, "Idris Bevan", most=2)
    page.keyboard.press("Enter")
    page.wait_for_url("**/alerts/*")
    tab_to(page, "I’m on it")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Sam Okoro is on it")).to_be_visible()


def test_everything_works_without_javascript(busy: Care, faults: Any) -> None:
    faults.expected = ("status of 422",)
    page = busy.signed_in(java_script_enabled=False)
    expect(page.get_by_role("link", name="Load it again")).to_be_visible()
    page.get_by_role("link", name="Joan Hart").first.click()
    page.get_by_role("button", name="I’m on it").click()
    expect(page.get_by_role("heading", name="Sam Okoro is on it")).to_be_visible()
    page.get_by_role("button", name="Resolve").click()
    summary = page.get_by_role("alert")
    expect(summary.get_by_role("link")).to_have_attribute("href", "#note")
    expect(summary).to_contain_text("Write what was done before you resolve this alert.")
    page.get_by_label("What was done?").fill("Second reading 148 over 90.")
    page.get_by_role("button", name="Resolve").click()
    expect(page.get_by_text("Resolved: Joan Hart.")).to_be_visible()


def test_a_note_is_asked_for_with_a_summary_that_leads_to_it(
    busy: Care, faults: Any, checked: Any
) -> None:
    faults.expected = ("status of 422",)
    page = busy.signed_in()
    page.get_by_role("link", name="Margaret Ellis").first.click()
    page.get_by_role("button", name="Resolve").click()
    expect(page).to_have_title(re.compile("^Error: "))
    summary = page.get_by_role("alert")
    expect(summary).to_contain_text("Write what was done")
    checked(page)
    summary.get_by_role("link").click()
    expect(page.get_by_label("What was done?")).to_be_focused()


def test_who_was_slower_is_told_and_loses_no_word(busy: Care, faults: Any) -> None:
    faults.expected = ("status of 409",)
    first, second = busy.signed_in(), busy.signed_in()
    for page in (first, second):
        page.get_by_role("link", name="Margaret Ellis").first.click()
        page.wait_for_url("**/alerts/*")
    second.get_by_label("What was done?").fill("Called her.")
    first.get_by_label("What was done?").fill("Visited her.")
    first.get_by_role("button", name="Resolve").click()
    changed = second.get_by_text("This alert has changed since you opened it.").first
    expect(changed).to_be_visible()
    second.get_by_role("button", name="Resolve").click()
    expect(second.get_by_role("alert")).to_contain_text("resolved already")


def test_a_wrong_weight_is_marked_by_staff_with_a_reason(
    busy: Care, faults: Any, pictures: Any, checked: Any
) -> None:
    faults.expected = ("status of 422",)
    page = busy.signed_in()
    page.get_by_role("link", name="Margaret Ellis").last.click()
    page.wait_for_url("**/people/*")
    weights = page.get_by_role("region", name="Weight", exact=True)
    weights.get_by_text("The numbers of this chart in a table").click()
    weights.get_by_role("link", name="Wrong? : Weight").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Is this reading wrong?")
    expect(page.get_by_role("main")).to_contain_text("72.4 kg")
    pictures(page, "correct")
    page.get_by_role("button", name="Mark as entered in error").click()
    summary = page.get_by_role("alert")
    expect(summary).to_contain_text("Choose why this reading does not count.")
    checked(page)
    summary.get_by_role("link").click()
    expect(page.get_by_label("It was someone else’s")).to_be_focused()
    page.get_by_label("Something slipped or moved").check()
    page.get_by_label("What else should colleagues know?").fill("She held on to the door.")
    page.get_by_role("button", name="Mark as entered in error").click()
    expect(page.get_by_role("status").first).to_contain_text("Marked as entered in error")
    expect(page.get_by_role("main")).to_contain_text("71.6 kg")
    pictures(page, "person-corrected")
    weights.get_by_text("The numbers of this chart in a table").click()
    weights.get_by_role("link", name="Who said so").click()
    expect(page.get_by_role("main")).to_contain_text("said Sam Okoro")
    expect(page.get_by_role("main")).to_contain_text("She held on to the door.")
    expect(page.get_by_role("button", name="Mark as entered in error")).to_have_count(0)
    pictures(page, "correct-done")


def test_a_reading_is_marked_without_javascript(busy: Care) -> None:
    page = busy.signed_in(java_script_enabled=False)
    page.get_by_role("link", name="Joan Hart").last.click()
    page.get_by_role("link", name="Wrong? : Blood pressure").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Are these readings wrong?")
    page.get_by_label("Nobody took this reading").check()
    page.get_by_role("button", name="Mark as entered in error").click()
    expect(page.get_by_text("Marked as entered in error.")).to_be_visible()
    expect(page.get_by_role("link", name="Who said so")).to_have_count(1)


def test_a_person_is_not_offered_to_mark_a_reading_at_the_server(busy: Care) -> None:
    page = busy.signed_in("Joan Hart")
    expect(page.get_by_role("heading", name="Blood pressure")).to_be_visible()
    expect(page.get_by_role("link", name="Wrong?")).to_have_count(0)
